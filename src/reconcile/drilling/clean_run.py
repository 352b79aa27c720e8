"""A run without faults, and where a fault would first act in it.

Up to that row the runs with and without the fault are the same. So where a fault first shows is known without
running it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import reference
from reconcile.drilling.ground import Ground
from reconcile.drilling.model import Data, Hit, Setting, Where
from reconcile.drilling.planting import in_scenario, on_market
from reconcile.matching.model import Stage
from reference import Day, Execution
from vocabulary.market import Market
from vocabulary.scenario import Timing
from vocabulary.state import REBALANCE, Fill, Order, Side, State, Target

Rows = Mapping[int | None, object]
"""The rows of a table at a bar, by symbol; None for a row of the bar itself."""
DECIDED = (Stage.TARGET, Stage.ORDER)
EXECUTED = (Stage.STATUS, Stage.QUANTITY)
"""Stages whose first row is stamped with the bar of the decision: that of the bar, or of the one before."""


@dataclass(frozen=True, slots=True)
class CleanRun:
    """A ground, its days without a fault, and the state that each bar begins with."""

    ground: Ground
    days: tuple[Day, ...]
    before: tuple[State, ...]

    @property
    def market(self) -> Market:
        return self.ground.market

    @property
    def lag(self) -> int:
        """Bars from a decision to its execution."""
        return 0 if self.ground.scenario.execution.timing is Timing.SAME_CLOSE else 1

    def deciding(self, bar: int) -> State:
        """The state that the decision of a bar is made from."""
        before, day, scenario = self.before[bar], self.days[bar], self.ground.scenario
        if self.lag == 0:
            return reference.mark(scenario, before, self.market, bar)[0]
        return replace(before, cash=day.valuation.cash, positions=day.state.positions)

    def hit(self, stage: Stage, bar: int, symbol: int | None) -> Hit:
        """The row of a stage that belongs to what is done at a bar."""
        if stage in DECIDED:
            return Hit(bar + self.lag, stage, symbol, bar)
        return Hit(bar, stage, symbol, bar - self.lag if stage in EXECUTED else bar)


def run_clean(ground: Ground) -> CleanRun:
    """The reference's days on a ground."""
    state, days, before = reference.initial_state(ground.scenario), [], []
    for t in range(len(ground.market.timestamps)):
        before.append(state)
        days.append(reference.step(ground.scenario, state, ground.market, t))
        state = days[-1].state
    return CleanRun(ground, tuple(days), tuple(before))


# Where something is done


def at_fills(stage: Stage, which: Callable[[CleanRun, int, Fill], bool] = lambda *_: True) -> Where:
    """At fills that a condition holds for."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for day in clean.days:
            for execution in day.executions:
                if execution.fill is not None and which(clean, day.bar, execution.fill):
                    yield clean.hit(stage, day.bar, execution.fill.symbol)

    return hits


def at_executions(stage: Stage, which: Callable[[CleanRun, int, Execution, int], bool]) -> Where:
    """At orders, filled or not, that a condition holds for when they execute. It is given the cash they
    met."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for day, state in zip(clean.days, clean.before, strict=True):
            cash = state.cash
            for execution in day.executions:
                if which(clean, day.bar, execution, cash):
                    yield clean.hit(stage, day.bar, execution.order.symbol)
                if execution.fill is not None:
                    flow = execution.fill.notional * (-1 if execution.fill.side is Side.BUY else 1)
                    cash += flow - execution.fill.commission

    return hits


def at_orders(stage: Stage, which: Callable[[CleanRun, int, Order], bool] = lambda *_: True) -> Where:
    """At orders that a condition holds for when they are decided."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for day in clean.days:
            for order in day.decision.orders:
                if which(clean, day.bar, order):
                    yield clean.hit(stage, day.bar, order.symbol)

    return hits


def at_targets(which: Callable[[CleanRun, int, Target], bool], stage: Stage = Stage.TARGET) -> Where:
    """At targets that a condition holds for."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for day in clean.days:
            for target in day.decision.targets:
                if which(clean, day.bar, target):
                    yield clean.hit(stage, day.bar, target.symbol)

    return hits


def at_bars(stage: Stage, which: Callable[[CleanRun, int], bool] = lambda *_: True) -> Where:
    """At bars that a condition holds for, in the bar's own row."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        return (clean.hit(stage, day.bar, None) for day in clean.days if which(clean, day.bar))

    return hits


def at_positions(stage: Stage, which: Callable[[CleanRun, int, int], bool] = lambda *_: True) -> Where:
    """At open positions (their symbols) that a condition holds for at the end of a bar."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for day in clean.days:
            for symbol in day.state.positions:
                if which(clean, day.bar, symbol):
                    yield clean.hit(stage, day.bar, symbol)

    return hits


# One bar done both ways

Stages = Stage | tuple[Stage, ...]


def as_if(stages: Stages, *plants: Setting | Data) -> Where:
    """At rows that another scenario or market changes, bar by bar, each from the clean state."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        scenario = in_scenario(clean.ground.scenario, plants)
        market = on_market(clean.market, plants)
        for day, state in zip(clean.days, clean.before, strict=True):
            yield from apart(clean, stages, day, reference.step(scenario, state, market, day.bar))

    return hits


def closed_inside(*plants: Setting | Data) -> Where:
    """At closes at a level (X9) that another scenario or market changes, and at orders that it changes.

    Where the bar orders the same position closed all the same, it is the time of its fill that is another.
    """

    def closes(day: Day) -> dict[int, Order]:
        made = {execution.order for execution in day.executions} - set(day.decision.orders)
        return {order.symbol: order for order in made if order.decided_at == day.bar}

    def hits(clean: CleanRun) -> Iterator[Hit]:
        scenario = in_scenario(clean.ground.scenario, plants)
        market = on_market(clean.market, plants)
        for day, state in zip(clean.days, clean.before, strict=True):
            other = reference.step(scenario, state, market, day.bar)
            ours, theirs = closes(day), closes(other)
            ordered = {order.symbol for order in (*day.decision.orders, *other.decision.orders)}
            for symbol in sorted({*ours, *theirs}):
                if ours.get(symbol) != theirs.get(symbol):
                    stage = Stage.STATUS if symbol in ordered else Stage.ORDER
                    yield Hit(day.bar, stage, symbol, day.bar)
            yield from apart(clean, Stage.ORDER, day, other)

    return hits


def decided_from(stages: Stages, alter: Callable[[CleanRun, int, State], State]) -> Where:
    """At rows that change when a bar decides from another state. alter: from the clean state to the other."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        scenario, market = clean.ground.scenario, clean.market
        for day in clean.days:
            state = alter(clean, day.bar, clean.deciding(day.bar))
            decision = reference.decide(scenario, state, market, day.bar)
            yield from apart(clean, stages, day, replace(day, decision=decision))

    return hits


def eligible_again(cooldown: int) -> Where:
    """At targets that are others when an exit bars its symbol for `cooldown` bars."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        scenario = clean.ground.scenario
        for day, state in zip(clean.days, clean.before, strict=True):
            t = day.bar
            left = {
                order.symbol: earlier + cooldown
                for earlier in range(max(0, t - cooldown), t)
                for order in clean.days[earlier].decision.orders
                if is_exit(order)
            }
            other = reference.step(scenario, replace(state, barred=left), clean.market, t)
            yield from apart(clean, Stage.TARGET, day, other)

    return hits


def in_turn(stage: Stage, arrange: Callable[[Sequence[Order]], Sequence[Order]]) -> Where:
    """At bars whose orders meet the cash in another order: rows of `stage` that change for it, or where none
    does, the fills that have another place in the sequence."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        scenario, market = clean.ground.scenario, clean.market
        for day, state in zip(clean.days, clean.before, strict=True):
            executions = []
            for order in arrange(day.submitted):
                done = reference.execute(scenario, state, market, day.bar, order)
                if done.fill is not None:
                    state = reference.book(scenario, state, market, day.bar, done.fill)
                executions.append(done)
            rows = list(apart(clean, stage, day, replace(day, executions=tuple(executions))))
            yield from rows or _displaced(day, executions)

    return hits


def _displaced(day: Day, executions: Sequence[Execution]) -> Iterator[Hit]:
    """Fills of a bar that are not in the same place as they were."""
    before, after = ([e.order.symbol for e in each if e.fill] for each in (day.executions, executions))
    for old, new in zip(before, after, strict=True):
        if old != new:
            yield Hit(day.bar, Stage.STATUS, old, day.bar)


def apart(clean: CleanRun, stages: Stages, day: Day, other: Day) -> Iterator[Hit]:
    """Rows of some stages that differ between two days of one bar."""
    for stage in stages if isinstance(stages, tuple) else (stages,):
        ours, theirs = ROWS[stage](day), ROWS[stage](other)
        if stage is Stage.TARGET and (day.decision.rebalance is None) != (other.decision.rebalance is None):
            yield clean.hit(stage, day.bar, None)  # the rebalance itself; its targets follow from it
            continue
        for symbol in {**ours, **theirs}:
            if ours.get(symbol) != theirs.get(symbol):
                yield clean.hit(stage, day.bar, symbol)


def _fills(*names: str) -> Callable[[Day], Rows]:
    return lambda day: {
        execution.fill.symbol: tuple(getattr(execution.fill, name) for name in names)
        for execution in day.executions
        if execution.fill is not None
    }


ROWS: Mapping[Stage, Callable[[Day], Rows]] = {
    Stage.TARGET: lambda day: {x.symbol: (x.rank, x.weight, x.quantity) for x in day.decision.targets},
    Stage.ORDER: lambda day: {
        x.symbol: (x.side, x.quantity, x.reason, x.rebalance) for x in day.decision.orders
    },
    Stage.STATUS: lambda day: {x.order.symbol: x.status for x in day.executions},
    Stage.QUANTITY: lambda day: {x.order.symbol: x.filled for x in day.executions},
    Stage.PRICE: _fills("price"),
    Stage.COST: _fills("commission", "slippage", "notional"),
    Stage.MARK: lambda day: {symbol: p.mark for symbol, p in day.state.positions.items()},
    Stage.CASH: lambda day: {None: day.valuation.cash},
    Stage.EQUITY: lambda day: {None: day.valuation.equity},
}


def is_exit(order: Order) -> bool:
    """Whether a rule gave it, not a rebalance."""
    return order.reason != REBALANCE
