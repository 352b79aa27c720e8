"""How far a predicted ledger agrees with the candidate's, cycle by cycle, and who may be at fault.

A search steers by these scores; what is reported is settled by `reconcile.comparing.compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np

from reconcile.explaining.counterfactuals import NO_RUN, Counterfactuals
from reconcile.explaining.evidence import DECISIONS, TRADE_TABLES, Bools, Ints, Rows, Target, read
from reconcile.explaining.model import Acts, Change, Changes, Kind, LoopHypothesis
from reconcile.matching.model import BoundKind
from reconcile.scenario.exits import has_levels
from vocabulary.ledger import Ledger
from vocabulary.scenario import Scenario, SizeAt


class Score(NamedTuple):
    """How well a ledger was predicted; a larger score is better.

    trades, trades_share: the first cycle in which targets, orders or fills differ, and the share of them that
    agrees in it. whole, whole_share: the same over all tables. A cycle past the last one means that nothing
    differs.
    """

    trades: int
    trades_share: float
    whole: int
    whole_share: float


def score(target: Target, ledger: Ledger, start: int, stop: int, beats: Score | None = None) -> Score:
    """The score of a predicted ledger over cycles [start, stop).

    beats: where the trades alone score worse than this, the other tables are not looked at.
    """
    trades, trades_share = _part(target, read(ledger, target.axes, target.trades), start, stop)
    if beats is not None and (trades, trades_share) < beats[:2]:
        return Score(trades, trades_share, -1, 0.0)
    whole, whole_share = _part(target, read(ledger, target.axes), start, stop)
    return Score(trades, trades_share, whole, whole_share)


def _part(target: Target, predicted: Mapping[str, Rows], start: int, stop: int) -> tuple[int, float]:
    """The first cycle in which some tables differ, and the share of it that agrees."""
    shared = [name for name in target.tables if name in predicted]
    first = min((first_apart(target, name, predicted[name], start, stop) for name in shared), default=stop)
    return first, _share(target, predicted, shared, first) if first < stop else 1.0


def first_apart(target: Target, name: str, rows: Rows, start: int, stop: int) -> int:
    """The first cycle in [start, stop) in which a table differs; `stop` when none does."""
    theirs = target.tables[name]
    a, b = theirs.within(start, stop), rows.within(start, stop)
    left, right = theirs.key[a], rows.key[b]
    common = min(len(left), len(right))
    apart = np.flatnonzero(left[:common] != right[:common])
    at, found = common, stop
    if len(apart):
        at = int(apart[0])
        found = min(int(theirs.cycle[a][at]), int(rows.cycle[b][at]))
    elif len(left) != len(right):
        found = int((theirs.cycle[a] if len(left) > common else rows.cycle[b])[common])
    for column, values in theirs.cells.items():
        if column not in rows.cells:
            continue
        wrong = np.flatnonzero(_differ(target, name, column, values[a][:at], rows.cells[column][b][:at]))
        if len(wrong):
            at = int(wrong[0])
            found = min(found, int(theirs.cycle[a][at]))
    return found


def _differ(target: Target, table: str, column: str, left: Ints, right: Ints) -> Bools:
    out: Bools = np.asarray(left != right)
    bound = target.bounds.get((table, column))
    if bound is None or not out.any():
        return out
    kind, size = bound
    a, b = left.astype(np.float64), right.astype(np.float64)
    limit = size * np.maximum(np.abs(a), np.abs(b)) if kind is BoundKind.RELATIVE else size
    return out & (np.abs(a - b) > limit * (1 + 1e-12) + 1e-9)


def _share(target: Target, predicted: Mapping[str, Rows], tables: Sequence[str], cycle: int) -> float:
    """The mean of three shares over the rows of a cycle: rows that both sides have, the smaller number of
    rows over the larger one, and cells that agree, column by column."""
    shares = []
    for name in tables:
        theirs, ours = target.tables[name], predicted[name]
        a, b = theirs.within(cycle, cycle + 1), ours.within(cycle, cycle + 1)
        left, right = theirs.key[a], ours.key[b]
        if not len(left) and not len(right):
            continue
        _, i, j = np.intersect1d(left, right, return_indices=True)
        every = len(left) + len(right) - len(i)
        shares += [len(i) / every, min(len(left), len(right)) / max(len(left), len(right))]
        for column, values in theirs.cells.items():
            if column in ours.cells:
                wrong = _differ(target, name, column, values[a][i], ours.cells[column][b][j])
                shares.append((len(i) - int(wrong.sum())) / every)
    return sum(shares) / len(shares) if shares else 1.0


def overlap(target: Target, ledger: Ledger, cycle: int) -> float:
    """The symbols that both sides chose or traded in a cycle, as a share of those that either did."""
    predicted = read(ledger, target.axes, target.trades)
    for name in ("targets", *target.trades):
        if name in target.tables and name in predicted:
            theirs, ours = target.tables[name], predicted[name]
            a = set(theirs.symbol[theirs.within(cycle, cycle + 1)].tolist())
            b = set(ours.symbol[ours.within(cycle, cycle + 1)].tolist())
            return len(a & b) / len(a | b) if a | b else 1.0
    return 1.0


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a prediction gets wrong in one cycle.

    cells: (table, key, column); the column is empty for a row that one side lacks. busy: whether the
    candidate did anything in the cycle.
    """

    cells: frozenset[tuple[str, int, str]]
    busy: bool


def wrong_at(target: Target, ledger: Ledger, cycle: int) -> Wrong:
    """The cells of one cycle that differ, and the rows that one side lacks."""
    predicted = read(ledger, target.axes)
    cells: set[tuple[str, int, str]] = set()
    busy = False
    for name, theirs in target.tables.items():
        a = theirs.within(cycle, cycle + 1)
        busy |= name in target.trades and a.stop > a.start
        if name not in predicted:
            continue
        ours = predicted[name]
        b = ours.within(cycle, cycle + 1)
        left, right = theirs.key[a], ours.key[b]
        _, i, j = np.intersect1d(left, right, return_indices=True)
        cells.update((name, key, "") for key in np.setxor1d(left, right).tolist())
        for column, values in theirs.cells.items():
            if column in ours.cells:
                wrong = _differ(target, name, column, values[a][i], ours.cells[column][b][j])
                cells.update((name, key, column) for key in left[i][wrong].tolist())
    return Wrong(frozenset(cells), busy)


DECIDED = ("targets", "orders", DECISIONS)
WHOLE = {"targets", "orders", "fills", "positions", "equity"}
"""Tables that tell a State, and what was decided from it."""


def contradicted(target: Target, scenario: Scenario, ledger: Ledger, cycle: int) -> Acts | None:
    """What cannot be at fault in a cycle up to which every table is right, so that its State was, too.

    Targets that differ were decided otherwise, whatever became of them; and where targets and orders are
    right, no decision was wrong. None where the tables do not tell, or sizes and exits follow the execution.
    """
    at_levels = has_levels(scenario.exits)
    if not target.tables.keys() >= WHOLE or at_levels or scenario.strategy.size_at is SizeAt.EXECUTION:
        return None
    tables = {name for name, _, _ in wrong_at(target, ledger, cycle).cells}
    if "targets" in tables:
        return Acts.EXECUTING
    return Acts.DECIDING if tables and not tables & set(DECIDED) else None


class Suspects(NamedTuple):
    """What may be at fault in a cycle.

    symbols: those whose positions or trades differ. others: the other symbols that traded; where only the
    cash differs, one of theirs was booked wrongly. sides: of the orders and fills that differ, else of all
    fills.
    """

    symbols: tuple[int, ...]
    others: tuple[int, ...]
    sides: tuple[int, ...]


def suspects(target: Target, ledger: Ledger, cycle: int) -> Suspects:
    """What may be at fault where a prediction differs from the candidate in a cycle, the likeliest first."""
    wrong = wrong_at(target, ledger, cycle)
    width = len(target.axes.places) + 1
    symbols: dict[int, None] = {}
    sides: dict[int, None] = {}
    for names in (("positions",), TRADE_TABLES):
        keys = sorted({(key, name) for name, key, _ in wrong.cells if name in names})
        symbols.update(dict.fromkeys(key // 4 % width for key, _ in keys))
        sides.update(dict.fromkeys(key % 4 for key, name in keys if name in ("orders", "fills")))
    others: list[int] = []
    traded = target.tables.get("fills")
    if traded is not None:
        at = traded.within(cycle, cycle + 1)
        others = [s for s in dict.fromkeys(traded.symbol[at].tolist()) if s not in symbols]
        if not sides:
            sides.update(dict.fromkeys(traded.side[at].tolist()))
    return Suspects(tuple(symbols), tuple(others), tuple(sides))


# Counterfactuals

AFTER = 2
"""Cycles, from the first divergence on, over which a hypothesis is tried at first."""
LOSES = Score(-1, 0.0, -1, 0.0)


class View(Enum):
    """Which divergence a search looks at.

    trades: the first in targets, orders or fills.  all: the first in any table; what was booked wrongly shows
    in the cash long before it shows in a trade.
    """

    TRADES = "trades"
    ALL = "all"

    def of(self, result: Score) -> Score:
        """A score with the part that this view compares first in front."""
        if self is View.TRADES:
            return result
        return Score(result.whole, result.whole_share, result.trades, result.trades_share)

    def first(self, result: Score) -> int:
        """The cycle of its divergence."""
        return result.trades if self is View.TRADES else result.whole


def needs_loop(changes: Changes, base: Changes) -> bool:
    """Whether the engine cannot run `changes` because of what they add to `base`."""
    return any(
        c.hypothesis.kind is Kind.LOOP
        or c.side is not None
        or (c.hypothesis.kind is Kind.SCENARIO and c.symbols is not None)
        for c in changes
        if c not in base
    )


class Gauge:
    """Scores of runs against one candidate's ledger; whole ones are kept."""

    def __init__(self, target: Target, runs: Counterfactuals) -> None:
        self.target, self.runs = target, runs
        self.bars = runs.bars
        self.end = self.bars + 3
        self.known: dict[Changes, Score] = {}

    def matches(self, result: Score) -> bool:
        """Whether nothing differs."""
        return result.whole >= self.end

    def full(self, changes: Changes, at: int = 0) -> Score:
        """The score over the whole market. Where the engine cannot run it, only as far as what was done
        agrees, in stretches that begin with the cycle `at`.
        """
        if changes not in self.known:
            self.known[changes] = _or_loses(lambda: self._full(changes, at))
        return self.known[changes]

    def _full(self, changes: Changes, at: int) -> Score:
        if not self.runs.by_engine(changes):
            until, more = at + AFTER, self._beyond(changes)
            while until + more < self.bars:
                result = score(self.target, self.runs.first_bars(changes, until + more), 0, until)
                if result.trades < until:
                    return result
                until *= 2
        return score(self.target, self.runs.ledger(changes), 0, self.end)

    def _beyond(self, changes: Changes) -> int:
        """Bars to run beyond a stretch of cycles, so that every order decided in it reaches its bar. Orders
        may be late, and another timing may take a bar more than the scenario's own."""
        late = [c.hypothesis.bars_late(c.value) for c in changes if isinstance(c.hypothesis, LoopHypothesis)]
        return max(late, default=0) + self.target.axes.same_bar

    def near(self, changes: Changes, base: Changes, at: int, beats: Score | None = None) -> Score:
        """The score from cycle `at` on, from the state that `base` had when it was decided."""
        until = min(self.bars, at + AFTER)
        stop = min(self.bars, until + self._beyond(changes))
        begin = max(0, at - 1)

        def result() -> Score:
            if begin == 0 or any(self._from_start(c) for c in changes if c not in base):
                return score(self.target, self.runs.first_bars(changes, stop), 0, until, beats)
            state = self.runs.state(base, begin)
            return score(self.target, self.runs.window(changes, state, stop), at, until, beats)

        return _or_loses(result)

    def _from_start(self, change: Change) -> bool:
        """Whether what a change does near a cycle needs a run from bar 0."""
        hypothesis = change.hypothesis
        return hypothesis.whole_run or (hypothesis.on_cash and "equity" not in self.target.tables)


def _or_loses(result: Callable[[], Score]) -> Score:
    """A set that allows no run gets the lowest score."""
    try:
        return result()
    except NO_RUN:
        return LOSES
