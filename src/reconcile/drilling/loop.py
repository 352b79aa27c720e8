"""A loop over the reference's parts, with faults between them. The parts themselves hold none."""

from __future__ import annotations

from collections.abc import Sequence

import reference
from reconcile.drilling.model import Hooks, Moment
from reference import Day, Execution
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Order, State


def run(scenario: Scenario, market: Market, hooks: Sequence[Hooks]) -> Ledger:
    """The ledger of a program that has the faults of `hooks`."""
    late: tuple[Order, ...] = ()
    state, days = reference.initial_state(scenario), []
    for t in range(len(market.timestamps)):
        day, late = _day(hooks, Moment(scenario, market, t, state), late)
        days.append(day)
        state = day.state
    return reference.ledger_of(scenario, market, days)


def _day(hooks: Sequence[Hooks], at: Moment, late: tuple[Order, ...]) -> tuple[Day, tuple[Order, ...]]:
    """Bar `at.bar`, and the orders that were left for later."""
    scenario, market, t = at.scenario, at.market, at.bar
    ahead = scenario.execution.timing is Timing.SAME_CLOSE
    state, decision = at.state, None
    if ahead:
        state, _ = reference.mark(scenario, state, market, t)
        decision = _decide(hooks, at, state)
    now = (*late, *(decision.orders if decision is not None else state.pending))
    later: tuple[Order, ...] = ()
    for hook in hooks:
        if hook.due is not None:
            now, more = hook.due(Moment(scenario, market, t, state), now)
            later += more
    state, executions = _trade(hooks, at, state, now)
    state, valuation = reference.mark(scenario, state, market, t)
    if decision is None:
        decision = _decide(hooks, at, state)
    state = reference.hand_over(scenario, state, market, t, decision)
    day = Day(t, now, executions, decision, valuation, state)
    for hook in hooks:
        if hook.day is not None:
            day = hook.day(Moment(scenario, market, t, state), day)
    return day, later


def _decide(hooks: Sequence[Hooks], at: Moment, state: State) -> reference.Decision:
    decision = reference.decide(at.scenario, state, at.market, at.bar)
    for hook in hooks:
        if hook.decided is not None:
            decision = hook.decided(Moment(at.scenario, at.market, at.bar, state), decision)
    return decision


def _trade(
    hooks: Sequence[Hooks], at: Moment, state: State, orders: tuple[Order, ...]
) -> tuple[State, tuple[Execution, ...]]:
    executions = []
    for order in reference.sequence(at.scenario, orders):
        moment = Moment(at.scenario, at.market, at.bar, state)
        execution = reference.execute(at.scenario, state, at.market, at.bar, order)
        for hook in hooks:
            if hook.executed is not None:
                execution = hook.executed(moment, execution)
        if execution.fill is not None:
            state = reference.book(at.scenario, state, at.market, at.bar, execution.fill)
            for hook in hooks:
                if hook.booked is not None:
                    state = hook.booked(moment, state, execution)
        executions.append(execution)
    return state, tuple(executions)
