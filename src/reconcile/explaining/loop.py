"""Explain's own loop over the parts of the reference, so that a hypothesis can stand between them.

Without a change it makes the reference's days, one by one. Engine and reference hold no fault code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import reference
from reconcile.explaining.model import Change
from reference import Day, Decision, Execution
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import REBALANCE, Order, Side, State, Status, Target

BUY, SELL = Side.BUY, Side.SELL
G = 1_000_000_000

Decide = Callable[[Scenario, State, Market, int], Decision]
"""`reference.decide`, or one that remembers."""

Due = tuple[int, Order]
"""An order and the bar it executes at."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands between two bars. waiting: orders that are later than a State can tell."""

    state: State
    waiting: tuple[Due, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a loop runs. scenario_at: the scenario whole bars are run under. limited: from a change to the
    scenario that an order meets which the change is about. changes: those between the parts."""

    market: Market
    scenario_at: Callable[[int], Scenario]
    limited: Sequence[tuple[Change, Callable[[int], Scenario]]]
    changes: Sequence[Change]
    decide: Decide = reference.decide


def applies(change: Change, t: int, symbol: int | None = None, side: Side | None = None) -> bool:
    """Whether a change is about bar t, a symbol and a side."""
    if t < change.since or (change.until is not None and t >= change.until):
        return False
    if change.symbols is not None and symbol is not None and symbol not in change.symbols:
        return False
    return change.side is None or side is None or change.side is side


def slack(changes: Sequence[Change]) -> int:
    """Bars to run beyond a stretch, so that every order decided in it has met its bar."""
    return max(
        (c.value for c in changes if c.hypothesis == "order_late" and isinstance(c.value, int)), default=0
    )


def days(plan: Plan, start: Standing, until: int) -> Iterator[tuple[Day, Standing]]:
    """Bars [start.state.bar, until), each with where it leaves the run."""
    state, waiting = start.state, list(start.waiting)
    for t in range(state.bar, until):
        scenario = plan.scenario_at(t)
        if scenario.execution.timing is Timing.SAME_CLOSE:
            state, _ = reference.mark(scenario, state, plan.market, t)
            decision = decided(plan, scenario, state, t)
            submitted = _due(plan, t, waiting, decision.orders)
            state, executions = traded(plan, scenario, state, t, submitted)
            state, valuation = reference.mark(scenario, state, plan.market, t)
        else:
            submitted = _due(plan, t, waiting, state.pending)
            state, executions = traded(plan, scenario, state, t, submitted)
            state, valuation = reference.mark(scenario, state, plan.market, t)
            decision = decided(plan, scenario, state, t)
        state = reference.hand_over(scenario, state, plan.market, t, decision)
        yield Day(t, submitted, executions, decision, valuation, state), Standing(state, tuple(waiting))


def _due(plan: Plan, t: int, waiting: list[Due], orders: tuple[Order, ...]) -> tuple[Order, ...]:
    """The orders that execute at t: those that would, without the late ones, after those late until now."""
    now: list[Order] = [order for bar, order in waiting if bar == t]
    waiting[:] = [entry for entry in waiting if entry[0] > t]
    for order in orders:
        wait = _wait(plan, order)
        if wait:
            waiting.append((t + wait, order))
        else:
            now.append(order)
    return tuple(now)


def _wait(plan: Plan, order: Order) -> int:
    for change in plan.changes:
        if change.hypothesis == "order_late" and applies(change, order.decided_at, order.symbol, order.side):
            assert isinstance(change.value, int)
            return change.value
    return 0


class Memory:
    """`reference.decide` that remembers its last answers: hypotheses mostly differ after it."""

    def __init__(self) -> None:
        self._known: dict[int, list[tuple[Scenario, Market, State, Decision]]] = {}

    def __call__(self, scenario: Scenario, state: State, market: Market, t: int) -> Decision:
        known = self._known.setdefault(t, [])
        for its, over, before, decision in known:
            if its is scenario and over is market and before == state:
                return decision
        made = reference.decide(scenario, state, market, t)
        known.append((scenario, market, state, made))
        del known[:-8]
        return made


def decided(plan: Plan, scenario: Scenario, state: State, t: int) -> Decision:
    """The decision of bar t as the candidate may have made or sent it."""
    decision = plan.decide(scenario, state, plan.market, t)
    for change in plan.changes:
        if not applies(change, t):
            continue
        if change.hypothesis == "lot" and decision.rebalance is not None:
            assert isinstance(change.value, int)
            decision = _in_lots(scenario, state, t, decision, change.value)
        elif change.hypothesis == "exit_unsent":
            kept = tuple(
                order
                for order in decision.orders
                if order.reason == REBALANCE or change.value not in (order.reason, "*")
            )
            decision = replace(decision, orders=kept)
        elif change.hypothesis == "order_lost":
            kept = tuple(
                order for order in decision.orders if not applies(change, t, order.symbol, order.side)
            )
            decision = replace(decision, orders=kept)
    return decision


def _in_lots(scenario: Scenario, state: State, t: int, decision: Decision, lot: int) -> Decision:
    """R7 with targets cut down to whole lots of `lot`."""
    targets = []
    for target in decision.targets:
        size = abs(target.quantity) // lot * lot
        targets.append(replace(target, quantity=size if target.quantity >= 0 else -size))
    wanted = {target.symbol for target in targets}
    others = [order for order in decision.orders if order.symbol not in wanted]
    orders = [order for target in targets for order in _to_target(scenario, state, t, target, decision)]
    return replace(decision, targets=tuple(targets), orders=(*others, *orders))


def _to_target(scenario: Scenario, state: State, t: int, target: Target, decision: Decision) -> list[Order]:
    position = state.positions.get(target.symbol)
    delta = target.quantity - (position.quantity if position else 0)
    if delta == 0 or abs(delta) <= abs(target.quantity) * scenario.strategy.band // G:
        return []
    side = BUY if delta > 0 else SELL
    return [Order(t, target.symbol, side, abs(delta), REBALANCE, decision.rebalance)]


def traded(
    plan: Plan, scenario: Scenario, state: State, t: int, orders: Sequence[Order]
) -> tuple[State, tuple[Execution, ...]]:
    """E1: the orders of a bar, one by one, each under the scenario and the changes that are about it."""
    executions: list[Execution] = []
    for order in _in_turn(plan, scenario, t, orders):
        meets = scenario
        for change, scenario_at in plan.limited:
            if applies(change, t, order.symbol, order.side):
                meets = scenario_at(t)
        execution = reference.execute(meets, state, plan.market, t, order)
        active = [change for change in plan.changes if applies(change, t, order.symbol, order.side)]
        for change in active:
            execution = _executed(execution, change)
        state, executions = _booked(plan, meets, state, t, execution, active, executions)
    return state, tuple(executions)


def _in_turn(plan: Plan, scenario: Scenario, t: int, orders: Sequence[Order]) -> Sequence[Order]:
    if any(change.hypothesis == "buys_first" and applies(change, t) for change in plan.changes):
        return [*(o for o in orders if o.side is BUY), *(o for o in orders if o.side is SELL)]
    return reference.sequence(scenario, orders)


def _executed(execution: Execution, change: Change) -> Execution:
    """Between `execute` and `book`."""
    fill = execution.fill
    if fill is None:
        return execution
    if change.hypothesis == "commission_factor":
        assert isinstance(change.value, int)
        return replace(execution, fill=replace(fill, commission=fill.commission * change.value))
    if change.hypothesis == "fill_dropped":
        return Execution(execution.order, Status.NO_BAR, 0, None)
    return execution


def _booked(
    plan: Plan,
    scenario: Scenario,
    state: State,
    t: int,
    execution: Execution,
    active: Sequence[Change],
    executions: list[Execution],
) -> tuple[State, list[Execution]]:
    """`book`, and what may go wrong with it: twice, not at all, or without the cash."""
    names = {change.hypothesis for change in active}
    executions.append(execution)
    fill = execution.fill
    if fill is None:
        return state, executions
    times = 0 if "fill_unbooked" in names else 1
    if "fill_booked_twice" in names:
        times = 2
    if "fill_doubled" in names:
        executions.append(execution)
        times = 2
    for _ in range(times):
        state = reference.book(scenario, state, plan.market, t, fill)
        if fill.side is SELL and "cash_not_credited" in names:
            state = replace(state, cash=state.cash - fill.notional)
        if fill.side is BUY and "cash_not_debited" in names:
            state = replace(state, cash=state.cash + fill.notional)
        if "commission_not_paid" in names:
            state = replace(state, cash=state.cash + fill.commission)
    return state, executions
