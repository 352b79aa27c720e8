"""Fees read off the cash, charged twice, not at all or as a rebate, and those within the entry price."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import EMPTY, Rows, Window
from reconcile.explaining.hypotheses.features import carried
from reconcile.explaining.hypotheses.settings import ONE, at_path, shown
from reconcile.explaining.model import Acts, Change, Family, LoopHypothesis, Subject, Value, Values, Wording
from reference import Execution, raw_price
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, BpsSlippage, CashPolicy, FixedSlippage, Scenario
from vocabulary.state import Order, Side, Status

# Fees that only the cash shows

DIGITS_OF_SUMS = 49
"""Bits of a sum of doubles that can be relied on: four fewer than a double has."""


def fees_of_cash(window: Window, market: Market) -> tuple[list[int], list[int], int]:
    """What cash fell by beyond the notional of a cycle's fills, that notional, and what cash may be off by.

    Over the whole ledger, where it does not record the fee of each fill. Where it tells no cash, that is the
    equity less the positions, which are those of its fills, at the closes. Empty without fills and equity, or
    with flows.
    """
    tables = window.target.tables
    fills, equity = tables.get("fills"), tables.get("equity")
    if fills is None or equity is None or "flows" in tables:
        return [], [], 0
    named = "notional" in fills.cells
    if not named and not {"price", "quantity"} <= fills.cells.keys():
        return [], [], 0
    worths = fills.cells["notional"].tolist() if named else None
    worths = worths or [
        price * quantity
        for price, quantity in zip(
            fills.cells["price"].tolist(), fills.cells["quantity"].tolist(), strict=True
        )
    ]
    cash = _cash_by_cycle(equity, fills, market)
    signed: dict[int, int] = {}
    traded: dict[int, int] = {}
    for cycle, side, worth in zip(fills.cycle.tolist(), fills.side.tolist(), worths, strict=True):
        signed[cycle] = signed.get(cycle, 0) + (-worth if side else worth)
        traded[cycle] = traded.get(cycle, 0) + worth
    known = [c for c in traded if EMPTY not in (cash.get(c, EMPTY), cash.get(c - 1, EMPTY))]
    off = 4 + max((abs(cash[c - 1]) for c in known), default=0) // 2**DIGITS_OF_SUMS
    return [cash[c - 1] - cash[c] - signed[c] for c in known], [traded[c] for c in known], off


def _cash_by_cycle(equity: Rows, fills: Rows, market: Market) -> dict[int, int]:
    """Cash after each cycle; EMPTY where it is not known."""
    if "cash" in equity.cells:
        return dict(zip(equity.cycle.tolist(), equity.cells["cash"].tolist(), strict=True))
    bars, symbols = market.close.shape
    inside = (fills.cycle < bars) & (fills.symbol < symbols)
    if "equity" not in equity.cells or "quantity" not in fills.cells or not bool(inside.all()):
        return {}
    traded = np.zeros((bars, symbols), np.float64)
    signed = np.where(fills.side == 0, 1.0, -1.0) * fills.cells["quantity"]
    np.add.at(traded, (fills.cycle, fills.symbol), signed)
    held = np.cumsum(traded, axis=0)
    marks = carried(market.close, market.present)
    if float(np.abs(held * marks).max()) > 2.0**62:
        return {}
    worth = (held.astype(np.int64) * marks).sum(axis=1)
    own = equity.cells["equity"].tolist()
    return {
        cycle: EMPTY if whole == EMPTY or cycle >= bars else whole - int(worth[cycle])
        for cycle, whole in zip(equity.cycle.tolist(), own, strict=True)
    }


# A fee as often as it should not be


def _factors(subject: Subject, window: Window) -> Values:
    return () if subject.scenario.costs.commission is None else (2, 0, -1)


def _factor_reads(subject: Subject, value: Value) -> Wording:
    if value == -1:
        fee = shown(at_path(subject, "costs.commission"))
        return Wording(
            f"commission is -{fee} instead of {fee} (a rebate)", "costs.commission", fee, f"-{fee}"
        )
    if value == 0:
        return Wording("commission is not charged", "costs.commission", "once", "not at all")
    return Wording("commission is charged twice", "costs.commission", "once", "twice")


def recharged(at: Moment, execution: Execution, charge: Callable[[int, int], int]) -> Execution:
    """An execution with another commission, and the quantity that the cash then covers (E4).

    charge: from a quantity in lots and its notional to the commission in money; never less for a larger one.
    """
    fill, order = execution.fill, execution.order
    if fill is None:
        return execution
    quantity = fill.quantity

    def cost(lots: int) -> int:
        return lots * fill.price + charge(lots, lots * fill.price)

    if order.side is Side.BUY and at.scenario.execution.cash is CashPolicy.REDUCE:
        lot = at.scenario.market.lot
        sizes = range(quantity % lot or lot, order.quantity + 1, lot)
        quantity = sizes[max(0, bisect_right(sizes, at.state.cash, key=cost) - 1)]
    notional = quantity * fill.price
    made = replace(
        fill,
        quantity=quantity,
        notional=notional,
        commission=charge(quantity, notional),
        slippage=fill.slippage // fill.quantity * quantity,
    )
    status = Status.FILLED if quantity == order.quantity else Status.REDUCED
    return Execution(order, status, quantity, made)


def _charged(change: Change) -> Hooks:
    factor = change.value
    assert isinstance(factor, int)

    def executed(at: Moment, execution: Execution) -> Execution:
        fill, order = execution.fill, execution.order
        if fill is None or not change.covers(at.bar, order.symbol, order.side):
            return execution
        return replace(execution, fill=replace(fill, commission=fill.commission * factor))

    return Hooks(executed=executed)


COMMISSION_FACTOR = LoopHypothesis(
    id="commission_factor",
    acts=Acts.EXECUTING,
    values=_factors,
    say=_factor_reads,
    hooks=_charged,
    family=Family.FEE,
    by_symbol=True,
    by_side=True,
)

# A fee in the price


def _in_price(change: Change) -> Hooks:
    def meets(at: Moment, order: Order) -> Scenario:
        costs = at.scenario.costs
        if not change.covers(at.bar, order.symbol, order.side) or not isinstance(
            costs.commission, BpsCommission
        ):
            return at.scenario
        raw = raw_price(at.scenario, at.market, at.bar, order.symbol)
        slippage = costs.slippage
        ticks = 0 if slippage is None else getattr(slippage, "ticks", 0)
        if isinstance(slippage, BpsSlippage):
            ticks = _half_up(raw * slippage.rate)
        if order.side is Side.BUY:
            ticks += _half_up((raw + ticks) * costs.commission.rate)
        return replace(at.scenario, costs=replace(costs, commission=None, slippage=FixedSlippage(ticks)))

    return Hooks(meets=meets)


def _half_up(parts: int) -> int:
    """Parts per billion as a whole number."""
    whole: int = (2 * parts + ONE) // (2 * ONE)
    return whole


def _in_price_reads(subject: Subject, value: Value) -> Wording:
    fee = shown(at_path(subject, "costs.commission"))
    sentence = f"the fee of {fee} is put into the entry price and never taken at the exit"
    return Wording(sentence, "costs.commission", "charged", "in the entry price")


FEE_IN_PRICE = LoopHypothesis(
    id="fee_in_price",
    acts=Acts.EXECUTING,
    values=lambda subject, window: (
        (None,) if isinstance(subject.scenario.costs.commission, BpsCommission) else ()
    ),
    say=_in_price_reads,
    hooks=_in_price,
    family=Family.FEE,
)
