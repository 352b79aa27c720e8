"""Breaks as columns: millions of them take a few arrays. Break objects are made on demand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from reconcile.matching.cells import cell
from reconcile.matching.model import ROW, Break, BreakType, LedgerSide, Stage, Value
from reconcile.matching.stages import COMPARED, COMPARED_KEYS, ROW_VALUE, STAGES
from vocabulary.ledger import Kind

TABLES = tuple(COMPARED)
TYPES = tuple(BreakType)
NONE = np.iinfo(np.int64).min
"""The int64 that stands for None."""


@dataclass(frozen=True, slots=True, eq=False)
class BreakColumns:
    """One entry per break.

    table, stage, type: places in TABLES, STAGES, TYPES. field: place in the names of `Breaks.names`.
    timestamp, decided_at: ns, NONE where unknown. cycle: may be negative. rebalance: -1 before the first.
    symbol: place in `Breaks.symbols`, -1 without one. reference_row, candidate_row: -1 without one.
    special: place in `Breaks.specials` of a pair of values that no single row holds, else -1.
    root: 1 root, 0 consequence, -1 not known.
    """

    table: npt.NDArray[np.int8]
    field: npt.NDArray[np.int16]
    stage: npt.NDArray[np.int8]
    type: npt.NDArray[np.int8]
    timestamp: npt.NDArray[np.int64]
    decided_at: npt.NDArray[np.int64]
    cycle: npt.NDArray[np.int32]
    rebalance: npt.NDArray[np.int32]
    symbol: npt.NDArray[np.int32]
    reference_row: npt.NDArray[np.signedinteger[Any]]
    candidate_row: npt.NDArray[np.signedinteger[Any]]
    special: npt.NDArray[np.int32]
    root: npt.NDArray[np.int8]


COLUMNS = tuple(field.name for field in fields(BreakColumns))
DTYPES: dict[str, type[np.signedinteger[Any]]] = {
    "table": np.int8,
    "field": np.int16,
    "stage": np.int8,
    "type": np.int8,
    "timestamp": np.int64,
    "decided_at": np.int64,
    "cycle": np.int32,
    "rebalance": np.int32,
    "symbol": np.int32,
    "reference_row": np.int64,
    "candidate_row": np.int64,
    "special": np.int32,
    "root": np.int8,
}
"""46 bytes per break where rows are int32, which they are in tables of fewer than 2**31 rows."""


def take(columns: BreakColumns, rows: Any) -> BreakColumns:
    """The columns of some breaks. rows: an index array, a mask or a slice."""
    return BreakColumns(*(getattr(columns, name)[rows] for name in COLUMNS))


class Breaks(Sequence[Break]):
    """All breaks, in order. Indexing and iterating make Break objects; `where` does not.

    names, symbols: the words that `columns.field` and `columns.symbol` are places in.
    """

    __slots__ = ("candidate", "columns", "names", "reference", "specials", "symbols")

    def __init__(
        self,
        columns: BreakColumns,
        names: tuple[str, ...],
        symbols: tuple[str, ...],
        specials: tuple[tuple[Value, Value], ...],
        sides: tuple[LedgerSide, LedgerSide],
    ) -> None:
        self.columns = columns
        self.names = names
        self.symbols = symbols
        self.specials = specials
        self.reference, self.candidate = sides

    def __len__(self) -> int:
        return len(self.columns.table)

    @overload
    def __getitem__(self, index: int) -> Break: ...
    @overload
    def __getitem__(self, index: slice) -> Breaks: ...
    def __getitem__(self, index: int | slice) -> Break | Breaks:
        if isinstance(index, slice):
            return self.at(index)
        return self._break(range(len(self))[index])

    def __iter__(self) -> Iterator[Break]:
        for i in range(len(self)):
            yield self._break(i)

    def at(self, rows: Any) -> Breaks:
        """Some of the breaks. rows: an index array, a mask or a slice."""
        sides = (self.reference, self.candidate)
        return Breaks(take(self.columns, rows), self.names, self.symbols, self.specials, sides)

    def where(
        self,
        *,
        stages: Iterable[Stage] | None = None,
        types: Iterable[BreakType] | None = None,
        tables: Iterable[str] | None = None,
        symbols: Iterable[str] | None = None,
        since: int | None = None,
        until: int | None = None,
        rebalances: Iterable[int] | None = None,
        root: bool | None = None,
    ) -> Breaks:
        """The breaks that meet every condition given. since, until: ns since 1970 UTC, both included."""
        c, keep = self.columns, np.ones(len(self), np.bool_)
        if stages is not None:
            keep &= np.isin(c.stage, [STAGES.index(stage) for stage in stages])
        if types is not None:
            keep &= np.isin(c.type, [TYPES.index(kind) for kind in types])
        if tables is not None:
            keep &= np.isin(c.table, [TABLES.index(table) for table in tables])
        if symbols is not None:
            wanted = set(symbols)
            keep &= np.isin(c.symbol, [i for i, symbol in enumerate(self.symbols) if symbol in wanted])
        if since is not None:
            keep &= c.timestamp >= since
        if until is not None:
            keep &= c.timestamp <= until
        if rebalances is not None:
            keep &= np.isin(c.rebalance, list(rebalances))
        if root is not None:
            keep &= c.root == int(root)
        return self.at(keep)

    def tables(self) -> set[str]:
        """The tables that have breaks."""
        return {TABLES[place] for place in np.flatnonzero(np.bincount(self.columns.table))}

    def by_stage(self) -> dict[Stage, int]:
        """The number of breaks by stage, in the order of stages, without zeros."""
        return _counts(self.columns.stage, STAGES)

    def by_type(self) -> dict[BreakType, int]:
        """The number of breaks by type, without zeros."""
        return _counts(self.columns.type, TYPES)

    def by_rebalance(self) -> dict[int | None, dict[Stage, int]]:
        """The number of breaks by period and stage, without zeros."""
        key = self.columns.rebalance.astype(np.int64) * len(STAGES) + self.columns.stage
        out: dict[int | None, dict[Stage, int]] = {}
        for pair, count in zip(*count_values(key), strict=True):
            number, stage = divmod(int(pair), len(STAGES))
            out.setdefault(None if number < 0 else number, {})[STAGES[stage]] = int(count)
        return out

    def _break(self, i: int) -> Break:
        c = self.columns
        table, name = TABLES[c.table[i]], self.names[c.field[i]]
        left, right = int(c.reference_row[i]), int(c.candidate_row[i])
        side, row = (self.reference, left) if left >= 0 else (self.candidate, right)
        key = tuple(
            cell(side.tables[table].columns[k], row) if k in side.tables[table].columns else None
            for k in COMPARED_KEYS[table]
        )
        shown = ROW_VALUE[table] if name == ROW else name
        if c.special[i] >= 0:
            values = self.specials[c.special[i]]
        else:
            values = (_shown(self.reference, table, shown, left), _shown(self.candidate, table, shown, right))
        rebalance, decided, root = int(c.rebalance[i]), int(c.decided_at[i]), int(c.root[i])
        return Break(
            table,
            key,
            name,
            COMPARED[table].get(shown, _kind(side, table, shown)),
            STAGES[c.stage[i]],
            TYPES[c.type[i]],
            int(c.timestamp[i]),
            None if decided == NONE else decided,
            int(c.cycle[i]),
            None if rebalance < 0 else rebalance,
            self.symbols[c.symbol[i]] if c.symbol[i] >= 0 else None,
            values[0],
            values[1],
            left if left >= 0 else None,
            right if right >= 0 else None,
            None if root < 0 else bool(root),
        )


def count_values(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct values, ascending, and how often each stands; fast for small ranges."""
    if not len(values):
        return values, values
    low, high = int(values.min()), int(values.max())
    if high - low > 16 * len(values) + 1024:
        return np.unique(values, return_counts=True)
    counts = np.bincount(values - low)
    there = np.flatnonzero(counts)
    return there + low, counts[there]


def _counts(codes: npt.NDArray[np.int8], names: tuple[Any, ...]) -> dict[Any, int]:
    counts = np.bincount(codes, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _shown(side: LedgerSide, table: str, column: str, row: int) -> Value:
    if row < 0 or table not in side.tables or column not in side.tables[table].columns:
        return None
    return cell(side.tables[table].columns[column], row)


def _kind(side: LedgerSide, table: str, column: str) -> Kind:
    columns = side.tables[table].columns
    return columns[column].kind if column in columns else Kind.WORD
