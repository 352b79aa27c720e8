"""E3: the commission of each fill, as the scenario charges it."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import (
    PPB,
    Amounts,
    Ints,
    apart,
    as_doubles,
    at_scale,
    loosened,
    magnitude,
    mul,
    times,
    whole,
)
from reconcile.auditing.ledger_index import PlacedTable
from reconcile.auditing.market_prices import executed, spread
from reconcile.auditing.model import Check, FindingKind
from reconcile.auditing.recorder import Recorder
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, CommissionBase, Scenario


def check_commission(recorder: Recorder, scenario: Scenario, market: Market) -> None:
    """E3: the commission of a fill is what the scenario charges for it."""
    fills = recorder.need(Check.COMMISSION, "fills", "price", "quantity", "commission")
    if fills is None:
        return
    found, charged_on = fills.amounts("commission"), fills.amounts("price")
    where = fills.full("price", "quantity", "commission")
    on_raw = _is_on_raw(scenario)
    if on_raw:
        done = executed(recorder, scenario, market, Check.COMMISSION)
        if done is None:
            return
        charged_on = spread(Amounts(done.raw, scenario.market.price_decimals), done.rows, fills.table.rows)
        where &= np.isin(np.arange(fills.table.rows), done.rows)
    expected = expected_commission(scenario, fills, charged_on)
    rows = recorder.disagreements(Check.COMMISSION, "fills.commission", found, expected, where)
    if not on_raw:
        rows = _not_by_record(scenario, fills, rows, found)
    recorder.add_rows(
        Check.COMMISSION, FindingKind.COMMISSION, fills.field("commission"), rows, found, expected
    )


def _is_on_raw(scenario: Scenario) -> bool:
    commission = scenario.costs.commission
    return isinstance(commission, BpsCommission) and commission.on is CommissionBase.RAW


def _not_by_record(scenario: Scenario, fills: PlacedTable, rows: Ints, found: Amounts) -> Ints:
    """The rows without those whose commission follows from the notional on record: a price is misprinted."""
    scale = scenario.market.price_decimals + scenario.market.quantity_decimals
    commission = scenario.costs.commission
    notional = whole(fills.amounts("notional"), scale) if "notional" in fills else None
    if notional is None or not isinstance(commission, BpsCommission):
        return rows
    size = magnitude(notional).values
    charged = np.maximum(mul(size, commission.rate), commission.minimum)
    if commission.maximum is not None:
        charged = np.minimum(charged, mul(size, commission.maximum))
    return np.asarray(rows[apart(found, Amounts(charged, scale))[rows]], np.int64)


def expected_commission(scenario: Scenario, fills: PlacedTable, charged_on: Amounts) -> Amounts:
    """E3: exact if prices and quantity are whole numbers of the scenario's units, else within half a unit.

    charged_on: for each fill the price that a commission in basis points is taken of.
    """
    ticks, lots = scenario.market.price_decimals, scenario.market.quantity_decimals
    commission, count = scenario.costs.commission, fills.table.rows
    if commission is None:
        return Amounts(np.zeros(count, np.int64), ticks + lots)
    price, quantity = whole(fills.amounts("price"), ticks), whole(fills.amounts("quantity"), lots)
    taken_of = whole(charged_on, ticks)
    if price is None or quantity is None or taken_of is None:
        return _commission_of_doubles(scenario, fills, charged_on)
    in_bps = isinstance(commission, BpsCommission)
    base = times(taken_of, quantity) if in_bps else at_scale(quantity, ticks + lots)
    charged = np.maximum(mul(magnitude(base).values, commission.rate), commission.minimum)
    if commission.maximum is not None:
        charged = np.minimum(charged, mul(magnitude(times(price, quantity)).values, commission.maximum))
    return Amounts(np.where(quantity.values != 0, charged, 0), ticks + lots)


def _commission_of_doubles(scenario: Scenario, fills: PlacedTable, charged_on: Amounts) -> Amounts:
    commission = scenario.costs.commission
    assert commission is not None
    unit = 10.0 ** -(scenario.market.price_decimals + scenario.market.quantity_decimals)
    quantity, price = as_doubles(fills.amounts("quantity")), as_doubles(fills.amounts("price"))
    in_bps = isinstance(commission, BpsCommission)
    base = as_doubles(times(charged_on, quantity) if in_bps else quantity)
    charged = as_doubles(times(base, _rate(commission.rate, len(base))))
    values = np.maximum(charged.values, commission.minimum * unit)
    slop = charged.slop
    if commission.maximum is not None:
        most = as_doubles(times(times(price, quantity), _rate(commission.maximum, len(base))))
        assert most.slop is not None and slop is not None
        values, slop = np.minimum(values, most.values), np.maximum(slop, most.slop)
    assert slop is not None
    values = np.where(quantity.values != 0, values, 0.0)
    return loosened(Amounts(values, None, slop + 2.0**-52 * np.abs(values)), 0.5 * unit)


def _rate(rate: int, count: int) -> Amounts:
    return Amounts(np.full(count, rate / PPB), None, np.zeros(count))
