"""Resync and continue: what did each cycle newly get wrong?

Put the reference into the ledger's own State before a cycle, let it do that one cycle, order by order, and
compare only what was newly done. After each order and each bar the ledger's own account is taken over, so
that what merely follows from an earlier mistake agrees.

A value is explained when it equals what the reference computes from the account, or what follows by the
semantics from other values that the ledger itself states at this bar: a notional from a wrong price is a
consequence, a wrong price is a finding. Where a stated value is in doubt (misprinted, or really done?), both
readings are carried on, and what comes after may agree with either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconcile.matching.cells import cell
from reconcile.matching.model import ROW, BreakType, Tolerance, Value
from reconcile.matching.stages import ROW_VALUE
from reconcile.roots.check_book import check_book
from reconcile.roots.check_decision import check_decision
from reconcile.roots.check_execution import Numbers, check_execution
from reconcile.roots.findings import (
    CheckLog,
    Finding,
    FindingRun,
    IntendedSymbols,
    Trial,
    unknown_symbol_runs,
)
from reconcile.roots.quick_checks import quick_decision, quick_execution
from reconcile.roots.readings import MOST, DueOrder, Reading
from reconcile.roots.rebuild import History
from reconcile.roots.rows import book_all, read_rows, scale_of
from reference import Decision, decide, hand_over, initial_state, mark
from vocabulary.ledger import SCHEMA, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Membership, Order, State

Memory = tuple[Membership | None, Mapping[int, int]]
"""What a decision remembers of earlier ones: membership (R4) and who is barred (X4)."""


@dataclass(slots=True)
class _Pass:
    """The pass so far. due: orders by the bar they execute at. memories: readings of what was decided.
    numbers: what the next rebalance may be numbered."""

    history: History
    log: CheckLog
    rules: Trial
    due: dict[int, list[DueOrder]]
    memories: list[Memory]
    numbers: list[int]
    sequence: Numbers = frozenset({-1})


def can_resync(ledger: Ledger) -> bool:
    """Whether a ledger says enough of its account: fills, or positions."""
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

    bars: the first that is checked (before it the ledger is known to be right) and one past the last; by
        default all.
    meant: rows under a symbol that the market does not know, and what they are meant for.
    Raises CallableError where the scenario's function fails on the ledger's account.
    """
    rows = read_rows(ledger, scenario, market, intended)
    history = History(scenario, market, rows)
    scales = {
        (table, name): scale_of(kind, scenario) for table in SCHEMA for name, kind in SCHEMA[table].items()
    }
    run = _Pass(history, CheckLog(), Trial(tolerances or {}, scales), {}, [(None, {})], [0])
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
    """A bar that is known to be right: only the account goes on."""
    history = run.history
    booked = book_all(history.scenario, history.market, state, t, history.fills(state, t))
    after = history.decided(history.settled(state, t, [booked]), t)
    same = history.scenario.execution.timing is Timing.SAME_CLOSE
    run.due = {} if same else {t + 1: [DueOrder([order], row) for order, row in history.ordered(t)]}
    run.memories, run.numbers = [(after.membership, after.barred)], [after.rebalances]
    numbers = [row.whole("sequence") for row in history.rows.at("fills", t)]
    last = max((number for number in numbers if number is not None), default=max(run.sequence))
    run.sequence = frozenset({last})
    return after


def _next_bar(run: _Pass, state: State, t: int) -> State:
    """T1: execute what was decided before, mark, decide."""
    settled = _executed(run, state, t)
    return _decided(run, settled, t)


def _same_bar(run: _Pass, state: State, t: int) -> State:
    """T2: mark, decide, execute at this close, mark again."""
    history = run.history
    marked, _ = mark(history.scenario, state, history.market, t)
    decided = _decided(run, marked, t)
    settled = _executed(run, marked, t)
    return replace(
        settled,
        barred=decided.barred,
        membership=decided.membership,
        rebalances=decided.rebalances,
        pending=(),
    )


def _executed(run: _Pass, state: State, t: int) -> State:
    """Execute the orders due and compare; then the book."""
    due = run.due.pop(t, [])
    quick = quick_execution(run.history, run.log, state, t, due, run.sequence)
    if quick is not None:
        settled, run.sequence = quick
        return settled
    trial, readings, numbers = _execution(run, state, t, due, (-1, 0))
    money = _cash_apart(trial)
    if money and trial.found() > 1:
        # Cash that went its own way after some order of the bar is what the later ones met.
        for place in range(-1, len(due)):
            other = _execution(run, state, t, due, (place, money))
            if other[0].found() < trial.found():
                trial, readings, numbers = other
    run.sequence = numbers
    run.log.commit(trial)
    return run.history.settled(state, t, [reading.state for reading in readings])


def _execution(
    run: _Pass, state: State, t: int, due: list[DueOrder], apart: tuple[int, int]
) -> tuple[Trial, list[Reading], Numbers]:
    """One reading of a bar: with more cash at hand, from some order on, than there should be."""
    trial = run.rules.fork()
    readings, numbers = check_execution(run.history, trial, state, t, due, run.sequence, apart)
    readings = [replace(b, state=replace(b.state, cash=b.state.cash - apart[1])) for b in readings]
    check_book(run.history, trial, readings, t)
    return trial, readings, numbers


def _cash_apart(trial: Trial) -> int:
    """By how much reported cash is off, 0 where it is not."""
    for event in trial.events:
        f = event.finding
        if f is not None and (f.table, f.field) == ("equity", "cash"):
            return f.found - f.expected if isinstance(f.found, int) and isinstance(f.expected, int) else 0
    return 0


def _decided(run: _Pass, marked: State, t: int) -> State:
    """Decide from every reading of what is remembered; keep those that explain most."""
    history = run.history
    found = []
    for membership, barred in run.memories:
        state = replace(marked, membership=membership, barred=barred, rebalances=run.numbers[0])
        decision = decide(history.scenario, state, history.market, t)
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


def _taken(run: _Pass, state: State, t: int, decision: Decision) -> State:
    """A decision that is right in every cell, handed on."""
    history = run.history
    same = history.scenario.execution.timing is Timing.SAME_CLOSE
    rows = {row.symbol: row for row in history.rows.at("orders", t)}
    entries = [DueOrder([order], rows.get(order.symbol)) for order in decision.orders]
    run.due.setdefault(t if same else t + 1, []).extend(entries)
    after = hand_over(history.scenario, state, history.market, t, decision)
    run.memories = [(after.membership, after.barred)]
    if decision.rebalance is not None:
        run.numbers = [after.rebalances]
    return after


def _numbers(before: list[int], told: int | None, decision: Decision) -> list[int]:
    """R1: what the next rebalance may be numbered. told: this bar's number. Where the ledger is silent about
    a rebalance that was due (its row may be missing), both stay possible."""
    counted = [] if decision.rebalance is None else [number + 1 for number in before]
    if told is None:
        return list(dict.fromkeys((*before, *counted)))
    return [told + 1] if told in before else list(dict.fromkeys((told + 1, *counted)))


def _memories(
    history: History, readings: list[tuple[State, Decision]], t: int, doubtful: bool
) -> list[Memory]:
    """What the next bar may remember: what is recorded, and, where that is in doubt, what was expected."""
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
    """X4, by the reference's own decision."""
    decision = Decision(orders, (), None, None)
    return hand_over(history.scenario, state, history.market, t, decision).barred


def _strays(ledger: Ledger, rows: Sequence[tuple[str, int]]) -> list[FindingRun]:
    """Rows that the market has no place for: those of one table and symbol are one mistake."""
    runs: dict[tuple[str, Value], FindingRun] = {}
    for table, at in rows:
        symbol = ledger.tables[table].columns.get("symbol")
        key = table, None if symbol is None else cell(symbol, at)
        runs.setdefault(key, FindingRun([])).findings.append(_stray(ledger, table, at))
    return list(runs.values())


def _stray(ledger: Ledger, table: str, at: int) -> Finding:
    """A row at no bar of the market, or for no symbol of it."""
    columns = ledger.tables[table].columns
    shown, side = (columns.get(name) for name in (ROW_VALUE[table], "side"))
    value = None if shown is None else cell(shown, at)
    way = None if side is None else cell(side, at)
    found = None if value is None else str(value)
    return Finding(
        table, ROW, BreakType.EXTRA, -1, -1, None if way is None else str(way), at, None, found, {}
    )
