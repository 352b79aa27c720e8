"""What the scenario charges and forbids: commission, and short positions."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import Amounts, Ints, apart, as_doubles, at_scale, loosened, magnitude, times
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, FindingKind
from reconcile.auditing.rates import PPB, mul, whole
from reconcile.auditing.sink import Sink
from vocabulary.scenario import BpsCommission, Scenario


def check_commission(sink: Sink, scenario: Scenario) -> None:
    """E3: what the scenario's commission charges for each fill."""
    fills = sink.need(Check.COMMISSION, "fills", "price", "quantity", "commission")
    if fills is None:
        return
    found = fills.amounts("commission")
    expected = expected_commission(scenario, fills)
    where = fills.full("price", "quantity", "commission")
    rows = sink.disagree(Check.COMMISSION, "fills.commission", found, expected, where)
    rows = _not_by_record(scenario, fills, rows, found)
    sink.rows(Check.COMMISSION, FindingKind.COMMISSION, fills, "commission", rows.tolist(), found, expected)


def _not_by_record(scenario: Scenario, fills: Placed, rows: Ints, found: Amounts) -> Ints:
    """Without fills whose commission follows from the notional on record: there a price is misprinted."""
    scale = scenario.market.price_decimals + scenario.market.quantity_decimals
    commission = scenario.costs.commission
    notional = whole(fills.amounts("notional"), scale) if "notional" in fills else None
    if notional is None or not isinstance(commission, BpsCommission):
        return rows
    charged = np.maximum(mul(magnitude(notional).values, commission.rate), commission.minimum)
    return np.asarray(rows[apart(found, Amounts(charged, scale))[rows]], np.int64)


def expected_commission(scenario: Scenario, fills: Placed) -> Amounts:
    """E3, exact where price and quantity are whole in the scenario's units, else within half a unit."""
    ticks, lots = scenario.market.price_decimals, scenario.market.quantity_decimals
    commission, count = scenario.costs.commission, fills.table.rows
    if commission is None:
        return Amounts(np.zeros(count, np.int64), ticks + lots)
    price, quantity = whole(fills.amounts("price"), ticks), whole(fills.amounts("quantity"), lots)
    minimum = commission.minimum
    if price is None or quantity is None:
        return _commission_of_doubles(scenario, fills)
    base = (
        times(price, quantity) if isinstance(commission, BpsCommission) else at_scale(quantity, ticks + lots)
    )
    charged = np.maximum(mul(magnitude(base).values, commission.rate), minimum)
    return Amounts(np.where(quantity.values != 0, charged, 0), ticks + lots)


def _commission_of_doubles(scenario: Scenario, fills: Placed) -> Amounts:
    commission = scenario.costs.commission
    assert commission is not None
    unit = 10.0 ** -(scenario.market.price_decimals + scenario.market.quantity_decimals)
    quantity = as_doubles(fills.amounts("quantity"))
    base = times(fills.amounts("price"), quantity) if isinstance(commission, BpsCommission) else quantity
    rate = Amounts(np.full(fills.table.rows, commission.rate / PPB), None, np.full(fills.table.rows, 0.0))
    charged = as_doubles(times(base, rate))
    assert charged.slop is not None
    values = np.where(quantity.values != 0, np.maximum(charged.values, commission.minimum * unit), 0.0)
    return loosened(Amounts(values, None, charged.slop + 2.0**-52 * np.abs(values)), 0.5 * unit)


def check_shorts(sink: Sink, scenario: Scenario) -> None:
    """E5: nobody is short unless allowed."""
    positions = sink.need(Check.SHORTS, "positions", "quantity")
    if positions is None:
        return
    sink.made(Check.SHORTS, positions.table.rows)
    if not scenario.execution.allow_short:
        with np.errstate(invalid="ignore"):
            short = positions.full("quantity") & np.asarray(
                positions.amounts("quantity").values < 0, np.bool_
            )
        rows = np.flatnonzero(short).tolist()
        sink.rows(Check.SHORTS, FindingKind.SHORT, positions, "quantity", rows)
