"""What the resync finds: values that deviate from the reference, and the runs in which they persist.

A row under a symbol that the market does not know may equal a row of the other side in all but the symbol. It
is then read under that symbol, and only its name is a finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from reconcile.matching.bounds import within
from reconcile.matching.breaks import TABLES, Breaks
from reconcile.matching.cells import cell
from reconcile.matching.diff_tables import cell_type
from reconcile.matching.model import ROW, BreakType, Tolerance
from reconcile.roots.rows import Cell, LedgerRows, Row
from vocabulary.market import Market

Key = tuple[str, str, int]
"""(table, field, symbol): a finding of one key may persist from bar to bar."""
SKIPPED = ("timestamp", "decided_at", "executes_at", "symbol", "side", "sequence", "rebalance")
"""Columns left out when two rows are compared by what they state: keys, times and numbers of order."""


NOISE = 2**48
"""A double that is off by less than this part of itself, 32 roundings to 53 bits, is right."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that differs from what the reference computes from the ledger's own state.

    bar: the bar of the row. symbol: place in the market, -1 for a table without symbols. row: place in the
    ledger's table, -1 for a missing row. content: the cells of the row, for a finding about a whole row.
    """

    table: str
    field: str
    type: BreakType
    bar: int
    symbol: int
    side: str | None
    row: int
    expected: Cell
    found: Cell
    content: Mapping[str, Cell] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One check. finding: None when it held."""

    key: Key
    finding: Finding | None


@dataclass(slots=True)
class Trial:
    """The checks of one reading of a bar. Of several readings, the one with the fewest findings is kept.

    doubles: the columns that the ledger holds in doubles, which carry float noise.
    """

    tolerances: Mapping[tuple[str, str], Tolerance]
    scales: Mapping[tuple[str, str], int]
    doubles: frozenset[tuple[str, str]] = frozenset()
    events: list[Event] = field(default_factory=list)

    def found(self) -> int:
        """The number of checks that failed."""
        return sum(event.finding is not None for event in self.events)

    def fork(self) -> Trial:
        """A trial without checks under the same tolerances."""
        return Trial(self.tolerances, self.scales, self.doubles)

    def same(self, table: str, column: str, expected: Cell, found: Cell) -> bool:
        """Whether a value is the expected one, exactly or within the tolerance of its column."""
        if expected == found:
            return True
        tolerance = self.tolerances.get((table, column))
        if not isinstance(expected, int | Fraction) or not isinstance(found, int | Fraction):
            return False
        if tolerance is None:
            number = Fraction(found)
            noise = abs(Fraction(expected) - number) * NOISE <= abs(number)
            return (table, column) in self.doubles and noise
        unit = 10 ** self.scales[table, column]
        return within(tolerance, Fraction(expected) / unit, Fraction(found) / unit)

    def cell(
        self,
        table: str,
        column: str,
        kind: BreakType,
        where: tuple[int, int, str | None],
        row: Row,
        allowed: Sequence[Cell],
    ) -> bool:
        """Check one cell of a row; returns whether it holds.

        where: (bar, symbol, side). allowed: the expected value, then values that follow from what the ledger
        itself states earlier in the bar.
        """
        if column not in row.cells:
            return True
        found = row.cells[column]
        holds = any(self.same(table, column, value, found) for value in allowed)
        bar, symbol, side = where
        finding = None
        if not holds:
            finding = Finding(table, column, kind, bar, symbol, side, row.at, allowed[0], found)
        self.events.append(Event((table, column, symbol), finding))
        return holds

    def row(
        self,
        table: str,
        kind: BreakType | None,
        where: tuple[int, int, str | None],
        row: Row | None,
        content: Mapping[str, Cell],
        shown: str,
    ) -> None:
        """Record that a row stands where it was expected (kind None), or is missing, extra or duplicate."""
        bar, symbol, side = where
        finding = None
        if kind is not None:
            value = content.get(shown)
            expected, found = (value, None) if row is None else (None, value)
            at = -1 if row is None else row.at
            finding = Finding(table, ROW, kind, bar, symbol, side, at, expected, found, content)
        self.events.append(Event((table, ROW, symbol), finding))


@dataclass(slots=True)
class FindingRun:
    """The findings of one key that persist from check to check."""

    findings: list[Finding]


class CheckLog:
    """All checks in order. Findings of one key and type form one run until a check of that key holds."""

    def __init__(self) -> None:
        self.runs: list[FindingRun] = []
        self._open: dict[Key, FindingRun] = {}

    def commit(self, trial: Trial) -> None:
        """Add the checks of a trial."""
        for event in trial.events:
            run = self._open.get(event.key)
            if event.finding is None:
                self._open.pop(event.key, None)
            elif run is not None and run.findings[-1].type is event.finding.type:
                run.findings.append(event.finding)
            else:
                self._open[event.key] = run = FindingRun([event.finding])
                self.runs.append(run)

    def passed(self, table: str, symbols: Container[int]) -> None:
        """Record that every check of some symbols' rows held.

        Symbol -1 is the row of a table without symbols.
        """
        for key in [key for key in self._open if key[0] == table and key[2] in symbols]:
            del self._open[key]


def alike(a: Finding, b: Finding) -> bool:
    """Whether two rows state the same in every column they share, except SKIPPED."""
    x, y = a.content or {}, b.content or {}
    shared = [name for name in x if name in y and name not in SKIPPED]
    return bool(shared) and all(x[name] == y[name] for name in shared)


SYMBOL = "symbol"
IntendedSymbols = Mapping[tuple[str, int], int]
"""(table, row) -> place in the market of the symbol for which the row is meant."""


def intended_symbols(breaks: Breaks, is_candidate: bool, market: Market) -> IntendedSymbols:
    """The rows of one side under an unknown symbol whose partner on the other side has a known one."""
    places = {symbol: place for place, symbol in enumerate(market.symbols)}
    c = breaks.columns
    sides = (breaks.reference, c.reference_row), (breaks.candidate, c.candidate_row)
    (there, other_rows), (here, own_rows) = sides if is_candidate else reversed(sides)
    out: dict[tuple[str, int], int] = {}
    for at in np.flatnonzero(c.field == breaks.names.index(SYMBOL)).tolist():
        table, own, other = TABLES[c.table[at]], int(own_rows[at]), int(other_rows[at])
        if cell(here.tables[table].columns[SYMBOL], own) in places:
            continue
        place = places.get(str(cell(there.tables[table].columns[SYMBOL], other)))
        if place is not None:
            out[table, own] = place
    return out


def unknown_symbol_runs(rows: LedgerRows, intended: IntendedSymbols, market: Market) -> list[FindingRun]:
    """One run for each stretch of bars in which a table states a symbol under an unknown name."""
    runs: list[FindingRun] = []
    for name in dict.fromkeys(table for table, _ in intended):
        table = rows.tables[name]
        by_symbol: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for bar, found in sorted(table.by_bar.items()):
            for at in found:
                by_symbol[table.symbols[at]].append((bar, at))
        for symbol, places in by_symbol.items():
            run: FindingRun | None = None
            for bar, at in places:
                if (name, at) not in intended:
                    run = None
                    continue
                side = table.columns.get("side")
                finding = Finding(
                    name,
                    SYMBOL,
                    cell_type(name, SYMBOL),
                    bar,
                    symbol,
                    None if side is None else side[at],
                    at,
                    market.symbols[symbol],
                    table.columns[SYMBOL][at],
                )
                if run is None:
                    run = FindingRun([])
                    runs.append(run)
                run.findings.append(finding)
    return runs
