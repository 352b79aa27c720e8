"""The loop: one bar after the other (section T)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reference.accounting import book
from reference.carry import pay
from reference.decision import decide
from reference.execution import execute, sequence
from reference.marking import mark
from reference.record import Rows, ledger, record
from reference.results import Day, Decision, Execution
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import REBALANCE, Order, State

PROGRESS_EVERY = 16


def run(scenario: Scenario, market: Market, progress: Callable[[int], None] | None = None) -> Ledger:
    """The ledger of the whole backtest; as `resume` from the first bar to the last."""
    return resume(scenario, market, initial_state(scenario), len(market.timestamps), progress)[0]


def resume(
    scenario: Scenario,
    market: Market,
    state: State,
    until: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[Ledger, State]:
    """Bars [state.bar, until): their ledger, and the state that bar `until` would start from.

    An order is recorded at the bar it executes at: one pending at the start is in this ledger, one
    pending at the end is in the state. `fills.sequence` counts from 0; rebalances go on counting.
    progress: called now and then with the number of bars done.
    Raises InputError when the bars are not the market's, CallableError as R6 says.
    """
    first, bars = state.bar, len(market.timestamps)
    if not 0 <= first <= until <= bars:
        raise InputError(
            "reference.resume",
            f"bars {first} to {until}",
            f"0 <= state.bar <= until <= {bars}",
            "Resume a state over the market it came from.",
        )
    rows = Rows()
    for t in range(first, until):
        day = step(scenario, state, market, t)
        record(rows, scenario, market, day)
        state = day.state
        done = t + 1 - first
        if progress is not None and (done % PROGRESS_EVERY == 0 or t + 1 == until):
            progress(done)
    return ledger(scenario, market, rows), state


def ledger_of(scenario: Scenario, market: Market, days: Iterable[Day]) -> Ledger:
    """The ledger of days that some other loop has made of the parts."""
    rows = Rows()
    for day in days:
        record(rows, scenario, market, day)
    return ledger(scenario, market, rows)


def initial_state(scenario: Scenario) -> State:
    """The account before bar 0."""
    return State(
        bar=0,
        cash=scenario.initial_cash,
        positions={},
        barred={},
        realised=0,
        commissions=0,
        pending=(),
        membership=None,
        rebalances=0,
    )


def step(scenario: Scenario, state: State, market: Market, t: int) -> Day:
    """One bar, whole."""
    state, flows = pay(scenario, state, market, t)
    if scenario.execution.timing is Timing.SAME_CLOSE:
        # T2: mark, decide, execute at this close, mark again.
        state, _ = mark(scenario, state, market, t)
        decision = decide(scenario, state, market, t)
        submitted = decision.orders
        state, executions = trade(scenario, state, market, t, submitted)
        state, valuation = mark(scenario, state, market, t)
    else:
        # T1: execute what the bar before decided, mark, decide.
        submitted = state.pending
        state, executions = trade(scenario, state, market, t, submitted)
        state, valuation = mark(scenario, state, market, t)
        decision = decide(scenario, state, market, t)
    state = hand_over(scenario, state, market, t, decision)
    return Day(t, submitted, executions, decision, valuation, state, flows)


def trade(
    scenario: Scenario, state: State, market: Market, t: int, orders: Sequence[Order]
) -> tuple[State, tuple[Execution, ...]]:
    """E1: the orders of a bar, one by one, each meeting what the earlier ones left."""
    executions = []
    for order in sequence(scenario, orders, market):
        execution = execute(scenario, state, market, t, order)
        if execution.fill is not None:
            state = book(scenario, state, market, t, execution.fill)
        executions.append(execution)
    return state, tuple(executions)


def hand_over(scenario: Scenario, state: State, market: Market, t: int, decision: Decision) -> State:
    """The state that bar t + 1 starts from, with what bar t decided (T3, X4, R1, R4)."""
    barred = {symbol: until for symbol, until in state.barred.items() if until > t}
    until = t + scenario.strategy.cooldown
    if until > t:
        # X4: whether or not the exit fills.
        barred |= {order.symbol: until for order in decision.orders if order.reason != REBALANCE}
    executed = scenario.execution.timing is Timing.SAME_CLOSE
    return State(
        bar=t + 1,
        cash=state.cash,
        positions=state.positions,
        barred=barred,
        realised=state.realised,
        commissions=state.commissions,
        pending=() if executed else decision.orders,
        membership=decision.membership,
        rebalances=state.rebalances if decision.rebalance is None else decision.rebalance + 1,
    )
