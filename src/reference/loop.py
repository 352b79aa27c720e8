"""The loop: one bar after the other (section T)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set

from reference.accounting import book
from reference.carry import pay
from reference.decision import decide, size_at_execution
from reference.execution import execute, sequence
from reference.levels import Part, close_at_levels, moved_extremes
from reference.marking import mark
from reference.record import Rows, ledger, record
from reference.results import Day, Decision, Execution
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Order, OrderType, State, Status

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
    sizing = None
    match scenario.execution.timing:
        case Timing.SAME_CLOSE:
            # T2, X5: levels, mark, decide, execute at this close, mark again.
            state, closed = close_at_levels(scenario, state, market, t)
            state, _ = mark(scenario, state, market, t)
            decision = decide(scenario, state, market, t)
            state, traded = trade(scenario, state, market, t, decision.orders)
            submitted = (*_orders(closed), *decision.orders)
            executions = (*closed, *traded)
        case Timing.NEXT_CLOSE:
            # T1, X5: levels, then execute what the bar before decided, mark, decide.
            state, closed = close_at_levels(scenario, state, market, t)
            gone = {execution.order.symbol for execution in closed}
            sizing = size_at_execution(scenario, state, market, t, gone)
            due = (*state.pending, *(() if sizing is None else sizing.orders))
            state, traded = trade(scenario, state, market, t, due, gone)
            submitted = (*due, *_orders(closed))
            executions = (*closed, *traded)
        case Timing.NEXT_OPEN:
            # T1, X5: execute at the open, levels there, limits and stops, levels on the way, mark, decide.
            sizing = size_at_execution(scenario, state, market, t)
            due = (*state.pending, *(() if sizing is None else sizing.orders))
            state, traded = trade(scenario, state, market, t, due)
            state, first = close_at_levels(scenario, state, market, t, (Part.OPEN,))
            gone = {execution.order.symbol for execution in first}
            state, met = trade_resting(scenario, state, market, t, due, gone)
            moved = {execution.fill.symbol for execution in met if execution.fill is not None}
            state, later = close_at_levels(scenario, state, market, t, (Part.WAY,), moved)
            submitted = (*due, *_orders(first), *_orders(later))
            executions = (*traded, *first, *met, *later)
    state, valuation = mark(scenario, moved_extremes(scenario, state, market, t), market, t)
    if scenario.execution.timing is not Timing.SAME_CLOSE:
        decision = decide(scenario, state, market, t)
    state = hand_over(scenario, state, market, t, decision)
    return Day(t, submitted, executions, decision, valuation, state, flows, sizing)


def _orders(executions: Iterable[Execution]) -> tuple[Order, ...]:
    return tuple(execution.order for execution in executions)


def trade(
    scenario: Scenario,
    state: State,
    market: Market,
    t: int,
    orders: Sequence[Order],
    gone: Set[int] = frozenset(),
) -> tuple[State, tuple[Execution, ...]]:
    """E1: the market orders of a bar, one by one, each meeting what the earlier ones left.

    gone: symbols that a level has closed in this bar; what was ordered of them is not executed (X9).
    """
    market_orders = [order for order in orders if order.type is OrderType.MARKET]
    return _traded(scenario, state, market, t, sequence(scenario, market_orders, market), gone)


def trade_resting(
    scenario: Scenario,
    state: State,
    market: Market,
    t: int,
    orders: Sequence[Order],
    gone: Set[int] = frozenset(),
) -> tuple[State, tuple[Execution, ...]]:
    """R10: the limits and stops among the orders of a bar, in file order, as `trade` takes the others."""
    resting = [order for order in orders if order.type is not OrderType.MARKET]
    return _traded(scenario, state, market, t, resting, gone)


def _traded(
    scenario: Scenario, state: State, market: Market, t: int, turn: Sequence[Order], gone: Set[int]
) -> tuple[State, tuple[Execution, ...]]:
    executions = []
    for order in turn:
        if order.symbol in gone:
            executions.append(Execution(order, Status.GONE, 0, None))
            continue
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
        exits = {rule.name for rule in scenario.exits}
        barred |= {order.symbol: until for order in decision.orders if order.reason in exits}
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
        unsized=decision.unsized,
    )
