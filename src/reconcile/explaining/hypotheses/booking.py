"""What the book makes of a fill: nothing, twice as much, or no cash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.settings import no_values
from reconcile.explaining.model import Change, Family, LoopHypothesis, Subject, Values, Wording
from reference import Execution
from vocabulary.state import Fill, Side, State


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
    values=no_values,
    say=lambda *_: Wording("fills are recorded but never booked", "fills", "booked", "not booked"),
    hooks=_booked(0),
    family=Family.LOST,
    by_symbol=True,
    by_side=True,
)
FILL_DOUBLED = LoopHypothesis(
    id="fill_doubled",
    values=no_values,
    say=lambda *_: Wording("fills are doubled: executed and booked twice", "fills", "once", "twice"),
    hooks=_doubled,
    family=Family.DOUBLED,
    by_symbol=True,
    by_side=True,
)
FILL_BOOKED_TWICE = LoopHypothesis(
    id="fill_booked_twice",
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
    values=no_values,
    say=lambda *_: Wording("cash is not credited on sells", "equity.cash", "credited", "not credited"),
    hooks=_without_cash(lambda fill: -fill.notional if fill.side is Side.SELL else 0),
    by_symbol=True,
)
CASH_NOT_DEBITED = LoopHypothesis(
    id="cash_not_debited",
    values=no_values,
    say=lambda *_: Wording("cash is not debited on buys", "equity.cash", "debited", "not debited"),
    hooks=_without_cash(lambda fill: fill.notional if fill.side is Side.BUY else 0),
    by_symbol=True,
)
COMMISSION_NOT_PAID = LoopHypothesis(
    id="commission_not_paid",
    values=_if_charged,
    say=lambda *_: Wording(
        "commission is recorded but not taken from cash", "equity.cash", "paid", "not paid"
    ),
    hooks=_without_cash(lambda fill: fill.commission),
    by_side=True,
)
