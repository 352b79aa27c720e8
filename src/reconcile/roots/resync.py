"""Resync: check each cycle of a ledger from the ledger's own account.

The reference starts from the ledger's State before a cycle and computes that one cycle, order by order. Only
what the cycle did is compared. After each order and each bar the ledger's own account is taken over, so that
a consequence of an earlier mistake agrees.

A value is no finding where the reference computes it from the account, or where it follows by the semantics
from other values that the ledger states at this bar. So a wrong price is a finding, and the notional that
follows from it is none. Where a stated value is in doubt (misprinted, or truly executed?), both readings are
carried on, and later rows may agree with either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconcile.matching.cells import cell, is_float
from reconcile.matching.model import ROW, BreakType, Tolerance, Value
from reconcile.matching.stages import ROW_VALUE
from reconcile.roots.check_book import check_book
from reconcile.roots.check_decision import check_decision
from reconcile.roots.check_execution import Numbers, check_execution, check_sequence
from reconcile.roots.check_levels import check_levels
from reconcile.roots.findings import (
    CheckLog,
    Event,
    Finding,
    FindingRun,
    IntendedSymbols,
    Trial,
    unknown_symbol_runs,
)
from reconcile.roots.quick_checks import quick_decision, quick_execution
from reconcile.roots.readings import MOST, DueOrder, Reading, due_order
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Row, book_all, read_rows, scale_of
from reconcile.scenario.programs import decide
from reference import Decision, Execution, close_at_levels, hand_over, initial_state, size_at_execution
from vocabulary.ledger import SCHEMA, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Membership, Order, State

Memory = tuple[Membership | None, Mapping[int, int]]
"""What a decision depends on of earlier ones: the membership (R4), and the barred symbols (X4)."""


@dataclass(slots=True)
class _Pass:
    """The state of a pass over the bars.

    due: orders by the bar at which they execute. memories: readings of the earlier decisions. numbers: those
    that the next rebalance may have. sequence: numbers that the last fill may have. wrong: bars one after
    another in which most orders, and `MANY` cells, were wrong.
    """

    history: History
    log: CheckLog
    rules: Trial
    due: dict[int, list[DueOrder]]
    memories: list[Memory]
    numbers: list[int]
    sequence: Numbers = frozenset({-1})
    wrong: int = 0


MANY, BARS = 8, 4
"""Wrong cells of a bar, and bars one after another, after which a ledger is astray: then it is no use to ask
of each cell whether it was misprinted or truly so."""


def can_resync(ledger: Ledger) -> bool:
    """Whether a ledger has what its account is rebuilt from: quantities of fills or of positions."""
    tables = ledger.tables
    return any(name in tables and "quantity" in tables[name].columns for name in ("fills", "positions"))


def resync(
    ledger: Ledger,
    scenario: Scenario,
    market: Market,
    bars: tuple[int, int] | None = None,
    tolerances: Mapping[tuple[str, str], Tolerance] | None = None,
    intended: IntendedSymbols | None = None,
) -> list[FindingRun]:
    """All independent findings of a ledger, each with the bars it persists over.

    bars: the first bar to check (before it the ledger is known to be right) and one past the last; None: all.
    intended: rows under a symbol that the market does not know, and the symbol for which they are meant.
    Raises CallableError where the scenario's function fails on the ledger's account.
    """
    rows = read_rows(ledger, scenario, market, intended)
    history = History(scenario, market, rows)
    scales = {
        (table, name): scale_of(kind, scenario) for table in SCHEMA for name, kind in SCHEMA[table].items()
    }
    doubles = frozenset(
        (name, key)
        for name, table in ledger.tables.items()
        for key, column in table.columns.items()
        if is_float(column)
    )
    run = _Pass(history, CheckLog(), Trial(tolerances or {}, scales, doubles), {}, [(None, {})], [0])
    state = initial_state(scenario)
    start, stop = bars or (0, len(market.timestamps))
    for t in range(stop):
        if t < start:
            state = _known(run, state, t)
        elif scenario.execution.timing is Timing.SAME_CLOSE:
            state = _same_bar(run, state, t)
        else:
            state = _next_bar(run, state, t)
    return [*run.log.runs, *unknown_symbol_runs(rows, intended or {}, market), *_strays(ledger, rows.stray)]


def _known(run: _Pass, state: State, t: int) -> State:
    """The state after a bar that is known to be right: nothing is checked."""
    history = run.history
    state = history.begun(state, t)
    booked = book_all(history.scenario, history.market, state, t, history.fills(state, t))
    after = history.decided(history.settled(state, t, [booked]), t)
    same = history.scenario.execution.timing is Timing.SAME_CLOSE
    run.due = {} if same else {t + 1: [due_order(order, row) for order, row in history.ordered(t)]}
    run.memories, run.numbers = [(after.membership, after.barred)], [after.rebalances]
    numbers = [row.whole("sequence") for row in history.rows.at("fills", t)]
    last = max((number for number in numbers if number is not None), default=max(run.sequence))
    run.sequence = frozenset({last})
    return after


def _next_bar(run: _Pass, state: State, t: int) -> State:
    """T1: execute what was decided before, mark, decide."""
    settled = _executed(run, run.history.begun(state, t), t)
    return _decided(run, settled, t)


def _same_bar(run: _Pass, state: State, t: int) -> State:
    """T2, X5: levels, mark, decide, execute at this close, mark again."""
    history = run.history
    closed = _Closed([Reading(history.begun(state, t))], [], ())
    if history.level_rules:
        closed = _at_levels(run, closed.readings[0].state, t)
    marked = closed.readings[0].state
    decided = _decided(run, marked, t)
    settled = _executed(run, marked, t, closed)
    return replace(
        settled,
        barred=decided.barred,
        membership=decided.membership,
        rebalances=decided.rebalances,
        pending=(),
    )


@dataclass(frozen=True, slots=True)
class _Closed:
    """What levels closed before the decision of a bar with `same_close`.

    readings: of the account after it. entries: the closes, in the order of their fills. executions: the same
    from the recorded account, None where they are not all as expected. events: the checks.
    """

    readings: list[Reading]
    entries: list[DueOrder]
    executions: tuple[Execution, ...] | None
    events: Sequence[Event] = ()


def _at_levels(run: _Pass, state: State, t: int) -> _Closed:
    """Check what levels close before the decision of bar t; `state` is marked."""
    history, trial = run.history, run.rules.fork()
    readings, entries = check_levels(history, trial, [Reading(state)], t)
    run.log.commit(trial)
    right = not trial.found() and len(readings) == 1
    _, executions = close_at_levels(history.scenario, state, history.market, t)
    return _Closed(readings, entries, executions if right else None, trial.events)


def _executed(run: _Pass, state: State, t: int, closed: _Closed | None = None) -> State:
    """Check the executions of bar t, then its book; returns the state after them."""
    due = run.due.pop(t, [])
    done = () if closed is None else closed.executions
    if done is not None:
        quick = quick_execution(run.history, run.log, state, t, due, run.sequence, done)
        if quick is not None:
            settled, run.sequence = quick
            return settled
    closed = closed or _Closed([Reading(state)], [], ())
    trial, readings, numbers = _execution(run, closed, t, due, (-1, 0))
    money = _cash_apart(trial)
    run.wrong = run.wrong + 1 if trial.found() >= max(MANY, len(due)) else 0
    run.history.astray |= run.wrong >= BARS
    if money and trial.found() > 1 and not run.history.astray:
        # Where cash diverged after some order of the bar, the later orders met the diverged cash.
        for place in range(-1, len(due)):
            other = _execution(run, closed, t, due, (place, money))
            if other[0].found() < trial.found():
                trial, readings, numbers = other
    run.sequence = numbers
    run.log.commit(trial)
    return run.history.settled(state, t, [reading.state for reading in readings])


def _execution(
    run: _Pass, closed: _Closed, t: int, due: list[DueOrder], extra_cash: tuple[int, int]
) -> tuple[Trial, list[Reading], Numbers]:
    """Check the executions of one bar and its levels (X5), with extra cash as `check_execution` has it."""
    history, trial, timing = run.history, run.rules.fork(), run.history.scenario.execution.timing
    readings, at_levels = closed.readings, closed.entries
    if timing is Timing.NEXT_CLOSE:
        readings, at_levels = check_levels(history, trial, readings, t)
    readings, entries = check_execution(history, trial, readings, t, due, extra_cash)
    if timing is Timing.NEXT_OPEN:
        readings, at_levels = check_levels(history, trial, readings, t)
        entries = [*entries, *at_levels]
    else:
        entries = [*at_levels, *entries]
    numbers = check_sequence(history, trial, t, entries, run.sequence, closed.events)
    readings = [replace(b, state=replace(b.state, cash=b.state.cash - extra_cash[1])) for b in readings]
    check_book(run.history, trial, readings, t)
    return trial, readings, numbers


def _cash_apart(trial: Trial) -> int:
    """Reported cash less expected cash, in money; 0 where the check holds."""
    for event in trial.events:
        f = event.finding
        if f is not None and (f.table, f.field) == ("equity", "cash"):
            return f.found - f.expected if isinstance(f.found, int) and isinstance(f.expected, int) else 0
    return 0


def _decided(run: _Pass, marked: State, t: int) -> State:
    """Check the decision of bar t against every memory; keep those with the fewest findings."""
    history = run.history
    found = []
    for membership, barred in run.memories:
        barred = {**barred, **history.barred_at_levels(t)}
        state = replace(marked, membership=membership, barred=barred, rebalances=run.numbers[0])
        decision = _complete(history, state, t, decide(history.scenario, state, history.market, t))
        if len(run.memories) == 1 and quick_decision(history, run.log, t, decision, run.numbers):
            return _taken(run, state, t, decision)
        trial = run.rules.fork()
        due = check_decision(history, trial, state, t, decision, run.numbers)
        found.append((trial, state, decision, due))
    least = min(trial.found() for trial, *_ in found)
    found = [each for each in found if each[0].found() == least]
    trial, _, decision, due = found[0]
    run.log.commit(trial)
    for bar, entries in due.items():
        run.due.setdefault(bar, []).extend(entries)
    run.memories = _memories(history, [(state, made) for _, state, made, _ in found], t, bool(least))
    after = history.decided(replace(found[0][1], bar=t + 1), t)
    run.numbers = _numbers(run.numbers, history.number(t), decision)
    return replace(after, membership=run.memories[0][0], barred=run.memories[0][1])


def _complete(history: History, state: State, t: int, decision: Decision) -> Decision:
    """R12: the decision with what is sized at the next bar, computed from the ledger's account."""
    if decision.unsized is None:
        return decision
    before, gone = history.before_execution(replace(state, bar=t + 1, unsized=decision.unsized), t + 1)
    sizing = size_at_execution(history.scenario, before, history.market, t + 1, gone)
    assert sizing is not None
    return replace(decision, orders=(*decision.orders, *sizing.orders), targets=sizing.targets, unsized=None)


def _taken(run: _Pass, state: State, t: int, decision: Decision) -> State:
    """The state after a decision that is right in every cell."""
    history = run.history
    same = history.scenario.execution.timing is Timing.SAME_CLOSE
    rows: list[Row | None] = [None] * len(decision.orders)
    if history.from_file and history.rows.has("orders"):
        rows = [row for _, row in history.ordered(t)]
    elif history.rows.has("orders"):
        found = {row.symbol: row for row in history.decided_orders(t)}
        rows = [found.get(order.symbol) for order in decision.orders]
    entries = [due_order(order, row) for order, row in zip(decision.orders, rows, strict=True)]
    run.due.setdefault(t if same else t + 1, []).extend(entries)
    after = hand_over(history.scenario, state, history.market, t, decision)
    run.memories = [(after.membership, after.barred)]
    if decision.rebalance is not None:
        run.numbers = [after.rebalances]
    return after


def _numbers(before: list[int], told: int | None, decision: Decision) -> list[int]:
    """R1: the numbers that the next rebalance may have.

    told: the number that the ledger states at this bar. Where it states none although a rebalance was due
    (its row may be missing), both numbers stay possible.
    """
    counted = [] if decision.rebalance is None else [number + 1 for number in before]
    if told is None:
        return list(dict.fromkeys((*before, *counted)))
    return [told + 1] if told in before else list(dict.fromkeys((told + 1, *counted)))


def _memories(
    history: History, readings: list[tuple[State, Decision]], t: int, doubtful: bool
) -> list[Memory]:
    """Memories for the next bar: the recorded one and, where it is in doubt, the expected one."""
    recorded = history.rows.has("targets"), history.rows.has("orders")
    memberships: list[Membership | None] = []
    everyone: list[Mapping[int, int]] = []
    for state, decision in readings:
        after = history.decided(state, t)
        if recorded[0]:
            memberships.append(after.membership)
        if not recorded[0] or doubtful:
            memberships.append(decision.membership)
        if recorded[1]:
            everyone.append(after.barred)
        if not recorded[1] or doubtful:
            everyone.append(_remembered(history, state, decision.orders, t))
    out: list[Memory] = []
    for membership in memberships:
        for barred in everyone:
            if (membership, barred) not in out:
                out.append((membership, barred))
    return out[:MOST]


def _remembered(history: History, state: State, orders: tuple[Order, ...], t: int) -> Mapping[int, int]:
    """X4: the symbols barred after the reference's own decision."""
    decision = Decision(orders, (), None, None)
    return hand_over(history.scenario, state, history.market, t, decision).barred


def _strays(ledger: Ledger, rows: Sequence[tuple[str, int]]) -> list[FindingRun]:
    """Findings for rows outside the market; rows of one table and symbol are one mistake."""
    runs: dict[tuple[str, Value], FindingRun] = {}
    for table, at in rows:
        symbol = ledger.tables[table].columns.get("symbol")
        key = table, None if symbol is None else cell(symbol, at)
        runs.setdefault(key, FindingRun([])).findings.append(_stray(ledger, table, at))
    return list(runs.values())


def _stray(ledger: Ledger, table: str, at: int) -> Finding:
    """The finding for a row whose time or symbol the market does not have."""
    columns = ledger.tables[table].columns
    shown, side = (columns.get(name) for name in (ROW_VALUE[table], "side"))
    value = None if shown is None else cell(shown, at)
    way = None if side is None else cell(side, at)
    found = None if value is None else str(value)
    return Finding(
        table, ROW, BreakType.EXTRA, -1, -1, None if way is None else str(way), at, None, found, {}
    )
