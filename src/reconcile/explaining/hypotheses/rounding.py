"""Rounding: of slippage, fill prices, commissions and quantities, in another direction or to cents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import reference
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Rows, Window
from reconcile.explaining.hypotheses.costs import (
    COMMISSION,
    SLIPPAGE,
    commission_tables,
    measured_commissions,
    measured_slippages,
    slippage_tables,
)
from reconcile.explaining.hypotheses.fees import recharged
from reconcile.explaining.hypotheses.settings import ONE, money_decimals, pair
from reconcile.explaining.hypotheses.sizing import retargeted
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    Hypothesis,
    LoopHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from reference import Decision, Execution
from vocabulary.scenario import BpsCommission, BpsSlippage, CommissionBase, FixedSlippage, Scenario
from vocabulary.state import Order, Side, Target

CENTS = 2
"""Decimals that amounts and prices are tried rounded to."""
DIRECTIONS = ("down", "up", "even")
"""Other ways to round than half up; even: a half goes to the even neighbour."""


def rounded(numerator: int, denominator: int, how: str) -> int:
    """A quotient as an integer; how: down, up, even or nearest (half up). denominator > 0."""
    if how == "down":
        return numerator // denominator
    if how == "up":
        return -(-numerator // denominator)
    doubled = 2 * numerator + denominator
    whole = doubled // (2 * denominator)
    tie = how == "even" and doubled % (2 * denominator) == 0
    return whole - (whole % 2) if tie else whole


def _way(how: str) -> str:
    """The words for a way to round."""
    return {"down": "down", "up": "up", "even": "half to even", "nearest": "half up"}[how]


# Slippage and prices


def _slippage_ways(subject: Subject, window: Window) -> Values:
    return DIRECTIONS if isinstance(subject.scenario.costs.slippage, BpsSlippage) else ()


def _slipped(scenario: Scenario, raw: int, how: str) -> int:
    """Slippage in ticks (E2), rounded in some way."""
    slippage = scenario.costs.slippage
    if slippage is None:
        return 0
    return rounded(raw * slippage.rate, ONE, how) if isinstance(slippage, BpsSlippage) else slippage.ticks


def _with_ticks(scenario: Scenario, ticks: int) -> Scenario:
    """A scenario in which fills are so many ticks off the raw price, against the trader."""
    return replace(scenario, costs=replace(scenario.costs, slippage=FixedSlippage(ticks)))


def _rounded_slippage(change: Change) -> Hooks:
    how = str(change.value)

    def meets(at: Moment, order: Order) -> Scenario:
        if not change.covers(at.bar, order.symbol, order.side):
            return at.scenario
        raw = reference.raw_price(at.scenario, at.market, at.bar, order.symbol)
        return _with_ticks(at.scenario, _slipped(at.scenario, raw, how))

    return Hooks(meets=meets)


def _slippage_reads(subject: Subject, value: Value) -> Wording:
    way = _way(str(value))
    return Wording(f"slippage is rounded {way} instead of half up", "costs.slippage", "half up", way)


SLIPPAGE_ROUNDED = LoopHypothesis(
    id="slippage_rounded",
    acts=Acts.EXECUTING,
    values=_slippage_ways,
    say=_slippage_reads,
    hooks=_rounded_slippage,
    family=Family.SLIPPAGE,
)


def _price_ways(subject: Subject, window: Window) -> Values:
    if subject.scenario.market.price_decimals <= CENTS:
        return ()
    return tuple((how, CENTS) for how in ("nearest", "down", "up"))


def _rounded_price(change: Change) -> Hooks:
    how, places = pair(change.value)

    def meets(at: Moment, order: Order) -> Scenario:
        if not change.covers(at.bar, order.symbol, order.side):
            return at.scenario
        raw = reference.raw_price(at.scenario, at.market, at.bar, order.symbol)
        unit = 10 ** (at.scenario.market.price_decimals - places)
        sign = 1 if order.side is Side.BUY else -1
        price = max(1, raw + sign * _slipped(at.scenario, raw, "nearest"))
        return _with_ticks(at.scenario, sign * (rounded(price, unit, how) * unit - raw))

    return Hooks(meets=meets)


def _price_reads(subject: Subject, value: Value) -> Wording:
    how, places = pair(value)
    return _to_unit("fill prices are", "fills.price", how, places, subject.scenario.market.price_decimals)


def _to_unit(what: str, where: str, how: str, places: int, decimals: int) -> Wording:
    """How rounding to a unit of fewer decimals reads."""
    unit = f"{10**-places:.{places}f}"
    way = "" if how == "nearest" else f"{_way(how)} "
    return Wording(f"{what} rounded {way}to {unit}", where, f"{decimals} decimals", f"{places} decimals")


PRICE_ROUNDED = LoopHypothesis(
    id="price_rounded",
    acts=Acts.EXECUTING,
    values=_price_ways,
    say=_price_reads,
    hooks=_rounded_price,
    family=Family.SLIPPAGE,
)

# Commission

TO_CENTS = ("nearest", "down", "up", "even")
AGAIN, OF_CENTS = "again ", "of cents "
"""Before a way to round: the amount is rounded to the unit of money first, and then in that way; or what the
rate is taken of is rounded to cents first."""


def _commission_ways(subject: Subject, window: Window) -> Values:
    if subject.scenario.costs.commission is None:
        return ()
    decimals = money_decimals(subject)
    units = tuple((how, decimals) for how in DIRECTIONS)
    cents = tuple((first + how, CENTS) for how in TO_CENTS for first in ("", AGAIN, OF_CENTS))
    return (*units, *cents) if decimals > CENTS else units


def _rounded_commission(change: Change) -> Hooks:
    how, places = pair(change.value)

    def charge(scenario: Scenario, raw: int) -> Callable[[int, int], int]:
        commission = scenario.costs.commission
        unit: int = 10 ** (scenario.market.price_decimals + scenario.market.quantity_decimals - places)
        per_lot: int = 10**scenario.market.price_decimals

        def charged(quantity: int, notional: int) -> int:
            if commission is None:
                return 0
            base = quantity * per_lot
            if isinstance(commission, BpsCommission):
                base = quantity * raw if commission.on is CommissionBase.RAW else notional
            if how.startswith(OF_CENTS):
                base = rounded(base, unit, "nearest") * unit
                amount = rounded(base * commission.rate, ONE * unit, how.removeprefix(OF_CENTS)) * unit
            elif how.startswith(AGAIN):
                first = rounded(base * commission.rate, ONE, "nearest")
                amount = rounded(first, unit, how.removeprefix(AGAIN)) * unit
            else:
                amount = rounded(base * commission.rate, ONE * unit, how) * unit
            amount = max(amount, commission.minimum)
            return amount if commission.maximum is None else min(amount, notional * commission.maximum // ONE)

        return charged

    def executed(at: Moment, execution: Execution) -> Execution:
        if not change.covers(at.bar, execution.order.symbol, execution.order.side):
            return execution
        raw = reference.raw_price(at.scenario, at.market, at.bar, execution.order.symbol)
        return recharged(at, execution, charge(at.scenario, raw))

    return Hooks(executed=executed)


def _commission_reads(subject: Subject, value: Value) -> Wording:
    how, places = pair(value)
    decimals = money_decimals(subject)
    if how.startswith(AGAIN):
        first = f"commission, once rounded to {10**-decimals:.{decimals}f}, is"
        return _to_unit(first, "costs.commission", how.removeprefix(AGAIN), places, decimals)
    if how.startswith(OF_CENTS):
        cents = f"{10**-places:.{places}f}"
        first = f"commission, of a notional rounded to {cents}, is"
        return _to_unit(first, "costs.commission", how.removeprefix(OF_CENTS), places, decimals)
    if places < decimals:
        return _to_unit("commission is", "costs.commission", how, places, decimals)
    way = _way(how)
    return Wording(f"commission is rounded {way} instead of half up", "costs.commission", "half up", way)


COMMISSION_ROUNDED = LoopHypothesis(
    id="commission_rounded",
    acts=Acts.EXECUTING,
    values=_commission_ways,
    say=_commission_reads,
    hooks=_rounded_commission,
    family=Family.FEE,
)

# Another rate beside a rounding


def rates_beside_rounding(
    subject: Subject, window: Window
) -> Iterator[tuple[tuple[Hypothesis, Value], tuple[Hypothesis, Value]]]:
    """A rate and a rounding, neither of which mends a cell without the other: where all fees, or all prices
    of fills, are whole cents, and another rate than the stated one fits them within a cent."""
    scenario, fills = subject.scenario, window.fills
    cent = 10 ** (money_decimals(subject) - CENTS)
    if fills is None or money_decimals(subject) <= CENTS:
        return
    if _whole(fills, "commission", cent) and scenario.costs.commission is not None:
        fitting = measured_commissions(fills, scenario, cent // 2 + 1)
        for value in commission_tables(subject, fitting):
            for way in (*TO_CENTS, f"{OF_CENTS}nearest"):
                yield (COMMISSION, value), (COMMISSION_ROUNDED, (way, CENTS))
    cent = 10 ** max(0, scenario.market.price_decimals - CENTS)
    if cent > 1 and _whole(fills, "price", cent):
        for value in slippage_tables(subject, measured_slippages(fills, subject.market, cent // 2 + 1)):
            yield from (((SLIPPAGE, value), (PRICE_ROUNDED, way)) for way in _price_ways(subject, window))


def _whole(fills: Rows, column: str, unit: int) -> bool:
    """Whether all cells of a column are whole multiples of a unit."""
    cells = fills.cells.get(column)
    return cells is not None and bool(len(cells)) and not bool((cells % unit).any())


# Quantities


def _quantity_ways(subject: Subject, window: Window) -> Values:
    return ("nearest", "up", "even")


def _rounded_quantity(change: Change) -> Hooks:
    how = str(change.value)

    def decided(at: Moment, decision: Decision) -> Decision:
        if decision.rebalance is None or not change.covers(at.bar):
            return decision
        base = reference.sizing_base(at.scenario, at.state)

        def sized(target: Target) -> Target:
            close = int(at.market.close.item(at.bar, target.symbol))
            size = rounded(base * abs(target.weight), ONE * close, how)
            return replace(target, quantity=size if target.weight >= 0 else -size)

        return retargeted(at, decision, tuple(sized(target) for target in decision.targets))

    return Hooks(decided=decided)


def _quantity_reads(subject: Subject, value: Value) -> Wording:
    way = _way(str(value))
    sentence = f"target quantities are rounded {way} instead of down"
    return Wording(sentence, "targets.quantity", "down", way)


QUANTITY_ROUNDED = LoopHypothesis(
    id="quantity_rounded",
    acts=Acts.DECIDING,
    values=_quantity_ways,
    say=_quantity_reads,
    hooks=_rounded_quantity,
    family=Family.SIZE,
    decides=True,
)
