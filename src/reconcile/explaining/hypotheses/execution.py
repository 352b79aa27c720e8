"""How orders meet the market and the cash, and what the book makes of their fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import Enum
from itertools import pairwise

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.settings import bars_off, changed, no_values, reads, settings, texts
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
from reference import Decision, Execution
from vocabulary.scenario import CashPolicy, Timing
from vocabulary.scenario import Sequence as CashSequence
from vocabulary.state import Fill, Order, Side, State, Status

EXECUTES_AT = {
    Timing.NEXT_OPEN: "the next open",
    Timing.NEXT_CLOSE: "the next close",
    Timing.SAME_CLOSE: "the close of the bar that decided",
}

# Settings


def _words(path: str, choices: Iterable[Enum], stated: Enum) -> Values:
    return settings(path, (each.value for each in choices), stated.value)


def _timing_reads(subject: Subject, value: Value) -> Wording:
    path, old, new = texts(subject, value)
    assert isinstance(value, tuple)
    was, now = EXECUTES_AT[subject.scenario.execution.timing], EXECUTES_AT[Timing(value[1])]
    return Wording(f"orders execute at {now} instead of {was}", path, old, new)


def fitting_first(subject: Subject, window: Window) -> list[CashSequence]:
    """E1: the sequences, those first in which most fills of a bar are numbered."""
    fills = window.fills
    if fills is None or "place" not in fills.cells or "quantity" not in fills.cells:
        return list(CashSequence)
    market, back = subject.market, 0 if window.target.axes.same_bar else 1
    bars: dict[int, list[tuple[int, int, int, int]]] = {}
    columns = (fills.cycle, fills.symbol, fills.side, fills.cells["place"], fills.cells["quantity"])
    for t, s, side, place, quantity in zip(*(column.tolist() for column in columns), strict=True):
        if 0 <= t - back < len(market.timestamps) and 0 <= s < len(market.symbols):
            worth = quantity * int(market.close[t - back, s])
            bars.setdefault(t, []).append((place, side % 2 == 0, s, worth if side % 2 == 0 else -worth))
    keys: dict[CashSequence, Callable[[tuple[int, int, int, int]], tuple[int, ...]]] = {
        CashSequence.SELLS_FIRST: lambda fill: (fill[1],),
        CashSequence.SYMBOL: lambda fill: (fill[2],),
        CashSequence.SELLS_FIRST_SYMBOL: lambda fill: (fill[1], fill[2]),
        CashSequence.VALUE: lambda fill: (fill[3],),
    }
    pairs = [pair for bar in bars.values() for pair in pairwise(sorted(bar))]
    # A reduced order is worth less than it was when its turn was found: most pairs decide, not all.
    fits = {each: sum(key(one) <= key(other) for one, other in pairs) for each, key in keys.items()}
    return sorted(CashSequence, key=lambda each: -fits.get(each, 0))


TIMING = SettingHypothesis(
    id="timing",
    values=lambda subject, window: _words("execution.timing", Timing, subject.scenario.execution.timing),
    say=_timing_reads,
    apply=changed,
    family=Family.EXECUTION,
    ranking=Ranking.BESIDE,
)
SEQUENCE = SettingHypothesis(
    id="sequence",
    acts=Acts.EXECUTING,
    values=lambda subject, window: _words(
        "execution.sequence", fitting_first(subject, window), subject.scenario.execution.sequence
    ),
    say=reads({"execution.sequence": "orders meet the cash in the order `{new}` instead of `{old}`"}),
    apply=changed,
    family=Family.CASH_ORDER,
)

CASH = SettingHypothesis(
    id="cash",
    acts=Acts.EXECUTING,
    values=lambda subject, window: _words("execution.cash", CashPolicy, subject.scenario.execution.cash),
    say=reads({"execution.cash": "orders beyond the cash are treated as `{new}` instead of `{old}`"}),
    apply=changed,
    family=Family.CASH_ORDER,
)
SHORT = SettingHypothesis(
    id="short",
    values=lambda subject, window: settings(
        "execution.allow_short", (not subject.scenario.execution.allow_short,)
    ),
    say=reads({"execution.allow_short": "short sales are allowed: {new} instead of {old}"}),
    apply=changed,
)

# The order in which orders meet the cash


def _buys_first(change: Change) -> Hooks:
    def sequenced(at: Moment, orders: Sequence[Order], turn: Sequence[Order]) -> Sequence[Order]:
        if not change.covers(at.bar):
            return turn
        return [*(o for o in orders if o.side is Side.BUY), *(o for o in orders if o.side is Side.SELL)]

    return Hooks(sequenced=sequenced)


BUYS_FIRST = LoopHypothesis(
    id="buys_first",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("buys are executed before sells", "execution.sequence", "as stated", "buys first"),
    hooks=_buys_first,
    family=Family.CASH_ORDER,
)

# Orders lost, late, or not filled


def _lost(change: Change) -> Hooks:
    def decided(at: Moment, decision: Decision) -> Decision:
        kept = (o for o in decision.orders if not change.covers(at.bar, o.symbol, o.side))
        return replace(decision, orders=tuple(kept)) if change.covers(at.bar) else decision

    return Hooks(decided=decided)


ORDER_LOST = LoopHypothesis(
    id="order_lost",
    acts=Acts.DECIDING,
    values=no_values,
    say=lambda *_: Wording("orders are lost between decision and execution", "orders", "sent", "lost"),
    hooks=_lost,
    family=Family.LOST,
    by_symbol=True,
    by_side=True,
    decides=True,
)


def _bars(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _late(change: Change) -> Hooks:
    def delay(at: Moment, order: Order) -> int:
        return _bars(change.value) if change.covers(order.decided_at, order.symbol, order.side) else 0

    return Hooks(delay=delay)


def _late_reads(subject: Subject, value: Value) -> Wording:
    late = bars_off(_bars(value))
    return Wording(f"orders execute {late}", "orders.executes_at", "on time", late)


def _waits(subject: Subject, window: Window) -> Values:
    return (1, 2)


ORDER_LATE = LoopHypothesis(
    id="order_late",
    acts=Acts.EXECUTING,
    values=_waits,
    say=_late_reads,
    hooks=_late,
    bars_late=_bars,
    family=Family.EXECUTION,
    by_symbol=True,
    by_side=True,
    decides=True,
)


def _dropped(change: Change) -> Hooks:
    def executed(at: Moment, execution: Execution) -> Execution:
        order = execution.order
        if execution.fill is None or not change.covers(at.bar, order.symbol, order.side):
            return execution
        return Execution(order, Status.NO_BAR, 0, None)

    return Hooks(executed=executed)


FILL_DROPPED = LoopHypothesis(
    id="fill_dropped",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("fills are dropped: orders that should fill do not", "fills", "filled", "dropped"),
    hooks=_dropped,
    family=Family.LOST,
    by_symbol=True,
    by_side=True,
)

# What the book makes of a fill


def _booked(count: int) -> Callable[[Change], Hooks]:
    """Fills are booked so many times."""

    def hooks(change: Change) -> Hooks:
        def bookings(at: Moment, execution: Execution, times: int) -> int:
            return count if _covers(change, at, execution) else times

        return Hooks(bookings=bookings)

    return hooks


def _doubled(change: Change) -> Hooks:
    """Fills are recorded and booked twice."""

    def recorded(at: Moment, execution: Execution) -> int:
        return 2 if execution.fill is not None and _covers(change, at, execution) else 1

    return Hooks(recorded=recorded, bookings=_booked(2)(change).bookings)


def _without_cash(off: Callable[[Fill], int]) -> Callable[[Change], Hooks]:
    """Cash after a booking is off by an amount of money."""

    def hooks(change: Change) -> Hooks:
        def booked(at: Moment, after: State, execution: Execution) -> State:
            fill = execution.fill
            if fill is None or not _covers(change, at, execution):
                return after
            return replace(after, cash=after.cash + off(fill))

        return Hooks(booked=booked)

    return hooks


def _covers(change: Change, at: Moment, execution: Execution) -> bool:
    return change.covers(at.bar, execution.order.symbol, execution.order.side)


def _if_charged(subject: Subject, window: Window) -> Values:
    return () if subject.scenario.costs.commission is None else (None,)


FILL_UNBOOKED = LoopHypothesis(
    id="fill_unbooked",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("fills are recorded but never booked", "fills", "booked", "not booked"),
    hooks=_booked(0),
    family=Family.LOST,
    by_symbol=True,
    by_side=True,
)
FILL_DOUBLED = LoopHypothesis(
    id="fill_doubled",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("fills are doubled: executed and booked twice", "fills", "once", "twice"),
    hooks=_doubled,
    family=Family.DOUBLED,
    by_symbol=True,
    by_side=True,
)
FILL_BOOKED_TWICE = LoopHypothesis(
    id="fill_booked_twice",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording(
        "fills are recorded once but booked twice", "fills", "booked once", "booked twice"
    ),
    hooks=_booked(2),
    family=Family.DOUBLED,
    by_symbol=True,
    by_side=True,
)
CASH_NOT_CREDITED = LoopHypothesis(
    id="cash_not_credited",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("cash is not credited on sells", "equity.cash", "credited", "not credited"),
    hooks=_without_cash(lambda fill: -fill.notional if fill.side is Side.SELL else 0),
    by_symbol=True,
    on_cash=True,
)
CASH_NOT_DEBITED = LoopHypothesis(
    id="cash_not_debited",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("cash is not debited on buys", "equity.cash", "debited", "not debited"),
    hooks=_without_cash(lambda fill: fill.notional if fill.side is Side.BUY else 0),
    by_symbol=True,
    on_cash=True,
)
COMMISSION_NOT_PAID = LoopHypothesis(
    id="commission_not_paid",
    acts=Acts.EXECUTING,
    values=_if_charged,
    say=lambda *_: Wording(
        "commission is recorded but not taken from cash", "equity.cash", "paid", "not paid"
    ),
    hooks=_without_cash(lambda fill: fill.commission),
    by_side=True,
    on_cash=True,
)
