"""How large positions are: capital, the base and weights of sizing, the band, lots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from statistics import median
from typing import NamedTuple

import numpy as np

import reference
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import EMPTY, Rows, Target, Window
from reconcile.explaining.hypotheses.settings import (
    ONE,
    changed,
    money_decimals,
    reads,
    settings,
    simplest,
    texts,
)
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    LoopHypothesis,
    Ranking,
    SettingHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from reconcile.files.decimals import PPB, from_units
from reconcile.scenario.programs import decide
from reference import Decision
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, SizeAt, SizeOn, Timing, TopN
from vocabulary.state import REBALANCE, Order, Side
from vocabulary.state import Target as Wanted

# Capital


def _capitals(subject: Subject, window: Window) -> Values:
    cash, unit = subject.scenario.initial_cash, money_decimals(subject)
    began = initial_cash(window.target, window.ledger)
    measured = (began,) if began else ()
    back = 0 if window.target.axes.same_bar else 1
    base = sizing_base(window.targets, subject.market, back)
    if not measured and window.targets is None:
        base = window.once("base of the first fills", lambda: base_of_fills(subject, window, back))
    tried = [*measured, *base, cash * 10, cash // 10, cash * 2, cash // 2]
    return settings(
        "portfolio.initial_cash", (from_units(each, unit) for each in tried), from_units(cash, unit)
    )


def initial_cash(target: Target, ledger: Ledger) -> int | None:
    """Cash at bar 0 before its fills, in money units; else what the manifest says."""
    equity, fills = target.tables.get("equity"), target.tables.get("fills")
    if equity is not None and len(equity.cycle) and equity.cycle[0] == 0 and "cash" in equity.cells:
        cash = int(equity.cells["cash"][0])
        if fills is not None and {"notional", "commission"} <= fills.cells.keys():
            at = fills.within(0, 1)
            notional, commission = fills.cells["notional"][at], fills.cells["commission"][at]
            cash += int(np.where(fills.side[at] == 0, notional, -notional).sum() + commission.sum())
        return cash if cash >= 0 else None
    if equity is not None and len(equity.cycle) and equity.cycle[0] == 0 and "equity" in equity.cells:
        return max(0, int(equity.cells["equity"][0]))
    return ledger.manifest.initial_cash


def sizing_base(targets: Rows | None, market: Market, back: int) -> tuple[int, ...]:
    """What the first targets' quantities were sized on, in money units: the roundest number that fits all.

    back: bars from a cycle back to its decision.
    """
    if targets is None or not {"weight", "quantity"} <= targets.cells.keys():
        return ()
    first = targets.cycle == targets.cycle[0]
    bar = int(targets.cycle[0]) - back
    if not 0 <= bar < len(market.timestamps):
        return ()
    bounds = []
    for s, weight, quantity in zip(
        targets.symbol[first].tolist(),
        targets.cells["weight"][first].tolist(),
        targets.cells["quantity"][first].tolist(),
        strict=True,
    ):
        if s < len(market.symbols) and weight:
            bounds.append(_bases(quantity, 1, int(market.close[bar, s]), weight))
    return _roundest(bounds)


def base_of_fills(subject: Subject, window: Window, back: int) -> tuple[int, ...]:
    """The same of the first fills, whose weights are those of the decision that led to them: the roundest
    number that fits most of them, as cash may have cut some."""
    scenario, market, fills = subject.scenario, subject.market, window.target.tables.get("fills")
    if fills is None or not len(fills.cycle) or "quantity" not in fills.cells:
        return ()
    bar = int(fills.cycle[0]) - back
    if not 0 <= bar < len(market.timestamps) or scenario.strategy.size_at is SizeAt.EXECUTION:
        return ()
    start = replace(reference.initial_state(scenario), bar=bar)
    weights = {target.symbol: target.weight for target in decide(scenario, start, market, bar).targets}
    first = fills.cycle == fills.cycle[0]
    lot = scenario.market.lot
    bounds = [
        _bases(quantity, lot, int(market.close[bar, s]), weights[s])
        for s, quantity in zip(
            fills.symbol[first].tolist(), fills.cells["quantity"][first].tolist(), strict=True
        )
        if weights.get(s)
    ]
    if len(bounds) < LEAST_SIZES:
        return ()
    middle = median(float(low) for low, _ in bounds)
    return _roundest([each for each in bounds if float(each[0]) <= middle <= float(each[1])])


LEAST_SIZES = 3
"""Fills that a base is read off."""


def _bases(quantity: int, lot: int, close: int, weight: int) -> tuple[Fraction, Fraction]:
    """The bases, from and below, of which a weight comes to a quantity at a price."""
    least, more = Fraction(abs(quantity) * close * ONE, abs(weight)), Fraction(lot * close * ONE, abs(weight))
    return least, least + more


def _roundest(bounds: Sequence[tuple[Fraction, Fraction]]) -> tuple[int, ...]:
    """The roundest number within all bounds, if there is one."""
    low = max((low for low, _ in bounds), default=Fraction(0))
    high = min((high for _, high in bounds), default=Fraction(10**40))
    if not low < high < 10**40:
        return ()
    for power in range(40, -1, -1):
        unit = 10**power
        least = -((-low.numerator) // (low.denominator * unit)) * unit
        if least < high:
            return (least,)
    return ()


CAPITAL = SettingHypothesis(
    id="capital",
    values=_capitals,
    say=reads({"portfolio.initial_cash": "the candidate started with {new} instead of {old}"}),
    apply=changed,
    whole_run=True,
    at_start=True,
    ranking=Ranking.BESIDE,
)

# The base and the weights


class Membership(NamedTuple):
    """How many longs and shorts there are, and their gross weights in ppb; None where it is not known."""

    longs: int | None = None
    shorts: int | None = None
    gross_long: int | None = None
    gross_short: int | None = None


def membership(window: Window) -> Membership:
    """Read off the targets; their numbers alone off the positions, where there are no targets."""
    targets, positions = window.targets, window.positions
    if targets is not None and "weight" in targets.cells:
        weight = targets.cells["weight"]
        n, short_n = (
            max(Counter(targets.cycle[some].tolist()).values(), default=0)
            for some in (weight > 0, weight < 0)
        )
        long = Counter(weight[weight > 0].tolist()).most_common(1)
        short = Counter((-weight[weight < 0]).tolist()).most_common(1)
        return Membership(
            n, short_n, long[0][0] * n if long else None, short[0][0] * short_n if short else None
        )
    if positions is not None and "quantity" in positions.cells:
        quantity = positions.cells["quantity"]
        held = (
            max(Counter(positions.cycle[some].tolist()).values(), default=0)
            for some in (quantity > 0, quantity < 0)
        )
        return Membership(*held)
    return Membership()


def _sizings(subject: Subject, window: Window) -> Values:
    strategy = subject.scenario.strategy
    other = SizeOn.EQUITY if strategy.size_on is SizeOn.INITIAL_CASH else SizeOn.INITIAL_CASH
    out = settings("strategy.size_on", (other.value,))
    top = strategy.selection
    if not isinstance(top, TopN):
        return out
    found = membership(window)
    for path, measured, stated, count in (
        ("strategy.gross_long", found.gross_long, top.gross_long, top.n),
        ("strategy.gross_short", found.gross_short, top.gross_short, top.short_n),
    ):
        if count:
            rough = [] if measured is None else [_rounded_up(measured), measured]
            tried = [*rough, 10**PPB, stated // 2, stated * 2, stated * 95 // 100, stated * 9 // 10]
            out += settings(path, (from_units(each, PPB) for each in tried), from_units(stated, PPB))
    return out


def _rounded_up(rate: int) -> int:
    """A rate that a division by the number of positions has left some parts per billion short."""
    return -(-rate // 1000) * 1000


SIZING = SettingHypothesis(
    id="sizing",
    acts=Acts.DECIDING,
    values=_sizings,
    say=reads(
        {
            "strategy.size_on": "positions are sized on {new} instead of {old}",
            "strategy.gross_long": "longs weigh {new} together instead of {old}",
            "strategy.gross_short": "shorts weigh {new} together instead of {old}",
        }
    ),
    apply=changed,
    ranking=Ranking.BESIDE,
)

# The band


def _bands(subject: Subject, window: Window) -> Values:
    stated = subject.scenario.strategy.band
    unit = ONE // 1000
    tried = [*measured_bands(window), 0, *(k * unit for k in (5, 10, 20, 25, 50, 100, 200))]
    return settings("strategy.band", (from_units(each, PPB) for each in tried), from_units(stated, PPB))


def measured_bands(window: Window) -> tuple[int, ...]:
    """A band, in ppb, between the largest change that was not ordered and the smallest that was."""
    target, targets, orders = window.target, window.targets, window.orders
    positions = target.tables.get("positions")
    if targets is None or orders is None or positions is None or "quantity" not in targets.cells:
        return ()
    near = positions.within(int(targets.cycle[0]) - 1, int(targets.cycle[-1]) + 1)
    held = dict(zip(positions.key[near].tolist(), positions.cells["quantity"][near].tolist(), strict=True))
    ordered = set(zip(orders.cycle.tolist(), orders.symbol.tolist(), strict=True))
    width = len(target.axes.places) + 1
    back = 0 if target.axes.same_bar else 1
    placed: list[Fraction] = []
    skipped: list[Fraction] = []
    for cycle, s, quantity in zip(
        targets.cycle.tolist(), targets.symbol.tolist(), targets.cells["quantity"].tolist(), strict=True
    ):
        delta = abs(quantity - held.get(((cycle - 1) * width + s) * 4, 0)) if back else 0
        if delta and quantity:
            (placed if (cycle, s) in ordered else skipped).append(Fraction(delta, abs(quantity)))
    if not placed:
        return ()
    low = max([each for each in skipped if each < max(placed)], default=Fraction(0))
    high = min([each for each in placed if each > low], default=low)
    band = simplest(low, high)
    return () if band is None or band >= ONE else (band,)


BAND = SettingHypothesis(
    id="band",
    acts=Acts.DECIDING,
    values=_bands,
    say=reads({"strategy.band": "the band is {new} instead of {old}"}),
    apply=changed,
)

# When

SIZED_AT = {
    SizeAt.DECISION: "at the close that decides them",
    SizeAt.EXECUTION: "at the price of their execution",
}


def _sizing_bars(subject: Subject, window: Window) -> Values:
    strategy, timing = subject.scenario.strategy, subject.scenario.execution.timing
    if timing is Timing.SAME_CLOSE or isinstance(strategy.selection, OrdersStrategy):
        return ()
    return settings("strategy.size_at", (each.value for each in SizeAt), strategy.size_at.value)


def _sizing_bar_reads(subject: Subject, value: Value) -> Wording:
    path, old, new = texts(subject, value)
    was = subject.scenario.strategy.size_at
    now = next(each for each in SizeAt if each is not was)
    return Wording(f"targets are sized {SIZED_AT[now]}, not {SIZED_AT[was]}", path, old or was.value, new)


SIZE_AT = SettingHypothesis(
    id="size_at",
    values=_sizing_bars,
    say=_sizing_bar_reads,
    apply=changed,
    family=Family.SIZE,
)

# Lots


def _lots(subject: Subject, window: Window) -> Values:
    return tuple(dict.fromkeys(each for each in (_measured_lot(window), 100, 10) if each))


def _measured_lot(window: Window) -> int | None:
    """The largest number that all quantities are multiples of, when it is more than 1."""
    rows = window.targets if window.targets is not None else window.fills
    if rows is None or "quantity" not in rows.cells or len(rows.cycle) < 3:
        return None
    lot = int(np.gcd.reduce(np.abs(rows.cells["quantity"][rows.cells["quantity"] != EMPTY])))
    return lot if lot > 1 else None


def _lot_reads(subject: Subject, value: Value) -> Wording:
    return Wording(f"target quantities are rounded down to lots of {value}", "lot size", "1", str(value))


def _in_lots(change: Change) -> Hooks:
    lot = change.value
    assert isinstance(lot, int)

    def cut(wanted: Wanted) -> Wanted:
        size = abs(wanted.quantity) // lot * lot
        return replace(wanted, quantity=size if wanted.quantity >= 0 else -size)

    def decided(at: Moment, decision: Decision) -> Decision:
        if decision.rebalance is None or not change.covers(at.bar):
            return decision
        return retargeted(at, decision, tuple(cut(target) for target in decision.targets))

    return Hooks(decided=decided)


def retargeted(at: Moment, decision: Decision, targets: tuple[Wanted, ...]) -> Decision:
    """A decision with other quantities for its targets, and the orders that follow from them (R7)."""
    wanted = {target.symbol for target in targets}
    others = [order for order in decision.orders if order.symbol not in wanted]
    orders = [order for target in targets for order in _to_target(at, target, decision)]
    return replace(decision, targets=targets, orders=(*others, *orders))


def _to_target(at: Moment, target: Wanted, decision: Decision) -> list[Order]:
    position = at.state.positions.get(target.symbol)
    delta = target.quantity - (position.quantity if position else 0)
    strategy = at.scenario.strategy
    if delta == 0 or abs(delta) <= abs(target.quantity) * strategy.band // ONE:
        return []
    if (
        target.quantity
        and abs(delta) * int(at.market.close.item(at.bar, target.symbol)) < strategy.minimum_notional
    ):
        return []
    side = Side.BUY if delta > 0 else Side.SELL
    return [Order(at.bar, target.symbol, side, abs(delta), REBALANCE, decision.rebalance)]


LOT = LoopHypothesis(
    id="lot",
    acts=Acts.DECIDING,
    values=_lots,
    say=_lot_reads,
    hooks=_in_lots,
    family=Family.SIZE,
    decides=True,
)
