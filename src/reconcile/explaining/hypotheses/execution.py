"""How orders meet the market: timing, the order in which they meet the cash, orders lost or late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.settings import bars_off, changed, no_values, reads, settings, texts
from reconcile.explaining.model import (
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
from vocabulary.state import Order, Side, Status

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
    values=lambda subject, window: _words(
        "execution.sequence", CashSequence, subject.scenario.execution.sequence
    ),
    say=reads({"execution.sequence": "orders meet the cash in the order `{new}` instead of `{old}`"}),
    apply=changed,
    family=Family.CASH_ORDER,
)
CASH = SettingHypothesis(
    id="cash",
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
    values=no_values,
    say=lambda *_: Wording("fills are dropped: orders that should fill do not", "fills", "filled", "dropped"),
    hooks=_dropped,
    family=Family.LOST,
    by_symbol=True,
    by_side=True,
)
