"""Which order meets the cash first, where no setting says it; and orders that fill before their decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

import reference
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Rows, Window
from reconcile.explaining.hypotheses.costs import at_a_bar
from reconcile.explaining.hypotheses.execution import EXECUTES_AT
from reconcile.explaining.hypotheses.settings import ONE
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    LoopHypothesis,
    Ranking,
    Subject,
    Value,
    Values,
    Wording,
)
from reference import Decision
from vocabulary.market import Market
from vocabulary.scenario import CashPolicy, Scenario, Timing
from vocabulary.state import Order, Side

# The order of orders


class Standing(NamedTuple):
    """An order in the queue. place: as submitted. value: what it trades for, in money times ONE, before its
    quantity was rounded; a sell is negative."""

    buy: bool
    value: int
    symbol: int
    place: int


BACKWARDS = "backwards"
QUEUES: Mapping[str, tuple[str, Callable[[Standing], tuple[int, ...]]]] = {
    "value": ("by value, equal ones by symbol", lambda one: (one.value, one.symbol)),
    "largest first": (
        "sells first, then by value, the largest first",
        lambda one: (one.buy, -abs(one.value), one.symbol),
    ),
    "smallest first": (
        "sells first, then by value, the smallest first",
        lambda one: (one.buy, abs(one.value), one.symbol),
    ),
    "symbols backwards": (
        "sells first, then by symbol from the last to the first",
        lambda one: (one.buy, -one.symbol),
    ),
    BACKWARDS: ("from the last one submitted to the first", lambda one: (-one.place,)),
}
"""By name: how an order of orders reads, and the key that sorts by it."""
FITS = 0.9
"""The share of neighbouring fills that have to stand as an order of orders says; a buy that the cash cut is
worth less than it was when its turn was found."""


def _queues(subject: Subject, window: Window) -> Values:
    """Those in which the fills are numbered, all of them where no fill is; none where cash limits nothing."""
    if subject.scenario.execution.cash is CashPolicy.ALLOW_NEGATIVE:
        return ()
    fills = window.fills
    if fills is None or not {"place", "quantity"} <= fills.cells.keys():
        return tuple(QUEUES)
    pairs = _neighbours(fills, subject.market, 0 if window.target.axes.same_bar else 1)
    found = [
        name
        for name, (_, key) in QUEUES.items()
        if name != BACKWARDS and sum(key(a) <= key(b) for a, b in pairs) >= FITS * len(pairs) > 0
    ]
    # What was submitted when is not known; but what comes last first has buys before sells.
    backwards = not found and any(a.buy and not b.buy for a, b in pairs)
    return (*found, BACKWARDS) if backwards else tuple(found)


def _neighbours(fills: Rows, market: Market, back: int) -> list[tuple[Standing, Standing]]:
    """Fills of one bar that follow each other, at the closes of the bar that decided."""
    at = at_a_bar(fills, market)
    bars: dict[int, list[Standing]] = {}
    columns = (fills.cycle, fills.symbol, fills.side, fills.cells["place"], fills.cells["quantity"])
    for t, s, side, place, quantity in zip(*(column[at].tolist() for column in columns), strict=True):
        if t >= back:
            worth = quantity * int(market.close[t - back, s]) * (-1 if side else 1)
            bars.setdefault(t, []).append(Standing(not side, worth, s, place))
    ordered = (sorted(bar, key=lambda one: one.place) for bar in bars.values())
    return [pair for bar in ordered for pair in pairwise(bar)]


def _queued(change: Change) -> Hooks:
    key = QUEUES[str(change.value)][1]

    def decided(at: Moment, decision: Decision) -> Decision:
        if not change.covers(at.bar):
            return decision
        values = _values(at, decision)
        standing = {
            order: Standing(order.side is Side.BUY, value, order.symbol, place)
            for place, (order, value) in enumerate(zip(decision.orders, values, strict=True))
        }
        turn = sorted(decision.orders, key=lambda order: key(standing[order]))
        return replace(decision, orders=tuple(turn))

    def sequenced(at: Moment, orders: Sequence[Order], turn: Sequence[Order]) -> Sequence[Order]:
        """As they were sent, where the decision is covered."""
        return orders if any(change.covers(order.decided_at) for order in orders) else turn

    return Hooks(decided=decided, sequenced=sequenced)


def _values(at: Moment, decision: Decision) -> list[int]:
    """What each order trades for, in money times ONE: up to the target, else its quantity."""
    base: int = reference.sizing_base(at.scenario, at.state) if decision.rebalance is not None else 0
    weights = {target.symbol: target.weight for target in decision.targets}
    out = []
    for order in decision.orders:
        close = int(at.market.close.item(at.bar, order.symbol))
        held = at.state.positions.get(order.symbol)
        if order.symbol in weights:
            out.append(base * weights[order.symbol] - (held.quantity if held else 0) * close * ONE)
        else:
            out.append(order.quantity * close * (ONE if order.side is Side.BUY else -ONE))
    return out


def _queue_reads(subject: Subject, value: Value) -> Wording:
    words = QUEUES[str(value)][0]
    stated = subject.scenario.execution.sequence.value
    return Wording(f"orders are executed {words}", "execution.sequence", stated, str(value))


QUEUE = LoopHypothesis(
    id="queue",
    acts=Acts.EXECUTING,
    values=_queues,
    say=_queue_reads,
    hooks=_queued,
    family=Family.CASH_ORDER,
    decides=True,
)

# Cash that is checked before the orders are sent


def _checked(change: Change) -> Hooks:
    """backtrader's `checksubmit`: orders in their turn, at the deciding close. What an order would cost is
    gone for those after it, even where it is refused; while the cash is below zero nothing is let through."""

    def decided(at: Moment, decision: Decision) -> Decision:
        if not change.covers(at.bar) or not decision.orders:
            return decision
        cash, accepted = at.state.cash, set()
        for order in reference.sequence(at.scenario, decision.orders, at.market):
            close = int(at.market.close.item(at.bar, order.symbol))
            worth = order.quantity * close
            cash += worth if order.side is Side.SELL else -worth
            cash -= reference.commission_of(at.scenario, order.quantity, worth, close)
            if cash >= 0:
                accepted.add(order)
        return replace(decision, orders=tuple(order for order in decision.orders if order in accepted))

    return Hooks(decided=decided)


CHECKED_AT_SUBMISSION = LoopHypothesis(
    id="checked_at_submission",
    acts=Acts.DECIDING,
    values=lambda subject, window: (
        () if subject.scenario.execution.cash is CashPolicy.ALLOW_NEGATIVE else (None,)
    ),
    say=lambda *_: Wording(
        "orders are checked against the cash when they are submitted, at the close that decides",
        "execution.cash",
        "checked as they execute",
        "checked as they are submitted",
    ),
    hooks=_checked,
    family=Family.LOST,
    decides=True,
)

# Filled at the open of the bar whose close decides


def _decided_at_the_close(scenario: Scenario) -> Scenario:
    return replace(scenario, execution=replace(scenario.execution, timing=Timing.SAME_CLOSE))


def _at_own_open(change: Change) -> Hooks:
    """Orders meet the open of the bar that they are decided in."""

    def meets(at: Moment, order: Order) -> Scenario:
        if not change.covers(at.bar):
            return at.scenario
        execution = replace(at.scenario.execution, timing=Timing.NEXT_OPEN)
        return replace(at.scenario, execution=execution)

    return Hooks(meets=meets)


NEAR = 0.0025
"""How far fills are from opens at most, as a share, where they are taken to be at opens."""


def _own_opens(subject: Subject, window: Window) -> Values:
    """Tried where fills are near the open of their bar, and nearer to it than to the close."""
    fills = window.fills
    if subject.scenario.execution.timing is Timing.SAME_CLOSE or fills is None or "price" not in fills.cells:
        return ()
    at = at_a_bar(fills, subject.market)
    price = fills.cells["price"][at].astype(np.float64)
    fields = (subject.market.open, subject.market.close)
    gaps = [np.abs(price / np.maximum(1, field[fills.cycle[at], fills.symbol[at]]) - 1) for field in fields]
    if not len(at):
        return ()
    opens, closes = (float(np.median(gap)) for gap in gaps)
    return (None,) if opens <= min(NEAR, closes) else ()


def _own_open_reads(subject: Subject, value: Value) -> Wording:
    was = EXECUTES_AT[subject.scenario.execution.timing]
    new = "the open of the bar whose close decides"
    return Wording(f"orders execute at {new} instead of {was}", "execution.timing", was, new)


OWN_OPEN = LoopHypothesis(
    id="own_open",
    values=_own_opens,
    say=_own_open_reads,
    hooks=_at_own_open,
    scenario=_decided_at_the_close,
    family=Family.EXECUTION,
    ranking=Ranking.BESIDE,
)
