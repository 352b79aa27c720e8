"""An index of a ledger: its bars, its symbols, and the bar and symbol of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import Amounts, Ints, Mask, of_column, usable
from reconcile.matching.cells import cell
from reconcile.matching.model import Value
from vocabulary.ledger import KEYS, TIME_COLUMN, Column, Kind, Ledger, Table


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTable:
    """A table with the bar and symbol of each row. All arrays have one entry per row.

    time: ns since 1970 UTC, 0 if the cell is empty.
    bar: index into LedgerIndex.bars, of the next bar if the time is between two; -1 after the last bar.
    symbol: index into LedgerIndex.symbols, -1 if the row has none. sells: whether the side is `sell`.
    stands: False if an earlier row has the same key; sums and roll-forwards of keyed tables leave it out.
    """

    table: Table
    time: Ints
    bar: Ints
    symbol: Ints
    sells: Mask
    stands: Mask

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    def field(self, column: str) -> Field:
        """A column of this table, to be named in findings."""
        return Field(self, column)

    def __contains__(self, column: str) -> bool:
        return column in self.table.columns

    def amounts(self, column: str) -> Amounts:
        """The numbers of a column."""
        return of_column(self.table.columns[column])

    def full(self, *columns: str) -> Mask:
        """The rows in which all of these columns hold a usable value."""
        mask = np.ones(self.table.rows, np.bool_)
        for name in columns:
            mask &= usable(self.table.columns[name])
        return mask

    def value(self, column: str, row: int) -> Value:
        """One cell."""
        return cell(self.table.columns[column], row)

    def key(self, row: int) -> tuple[Value, ...]:
        """The row's key, with None for a column that the table does not have."""
        columns = self.table.columns
        return tuple(cell(columns[name], row) if name in columns else None for name in KEYS[self.name])


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column of one table of the ledger under audit."""

    placed: PlacedTable
    column: str

    @property
    def path(self) -> str:
        """`table.column`."""
        return f"{self.placed.name}.{self.column}"


@dataclass(frozen=True, slots=True, eq=False)
class LedgerIndex:
    """A ledger, its bars and symbols, and its tables by name.

    bars: timestamps of `equity`, ascending; without equity those of the other tables by bar.
    symbols: of all tables, sorted. sequence: the rows of `fills` by bar and order of execution.
    ordered: whether the ledger gives the order of execution within a bar.
    """

    ledger: Ledger
    bars: Ints
    symbols: tuple[str, ...]
    tables: Mapping[str, PlacedTable]
    sequence: Ints
    ordered: bool

    def get(self, name: str) -> PlacedTable | None:
        """The table, None if the ledger does not have it."""
        return self.tables.get(name)


def index_ledger(ledger: Ledger) -> LedgerIndex:
    """Index a ledger."""
    bars = _bars(ledger)
    words = {word for table in ledger.tables.values() for word in _symbols(table)}
    symbols = tuple(sorted(words))
    codes = {word: place for place, word in enumerate(symbols)}
    tables = {name: _placed_table(table, bars, codes) for name, table in ledger.tables.items()}
    sequence, ordered = _execution_order(tables.get("fills"))
    return LedgerIndex(ledger, bars, symbols, tables, sequence, ordered)


def _symbols(table: Table) -> tuple[str, ...]:
    column = table.columns.get("symbol")
    return () if column is None else column.dictionary or ()


def timestamps_of(column: Column) -> tuple[Ints, Mask]:
    """(ns since 1970 UTC, 0 in empty cells; which cells are not empty)."""
    full = usable(column)
    return np.where(full, column.values, 0).astype(np.int64), full


def _bars(ledger: Ledger) -> Ints:
    for names in (("equity",), ("positions", "fills", "costs", "flows")):
        found = []
        for name in names:
            column = ledger.tables[name].columns.get("timestamp") if name in ledger.tables else None
            if column is not None:
                stamps, full = timestamps_of(column)
                found.append(np.unique(stamps[full]))
        if found and any(map(len, found)):
            return np.unique(np.concatenate(found))
    return np.zeros(0, np.int64)


def _placed_table(table: Table, bars: Ints, codes: Mapping[str, int]) -> PlacedTable:
    nothing = np.full(table.rows, -1, np.int64)
    time, bar, symbol = np.zeros(table.rows, np.int64), nothing, nothing
    clock = table.columns.get(TIME_COLUMN[table.name])
    if clock is not None and clock.kind is Kind.TIMESTAMP:
        time, full = timestamps_of(clock)
        bar = np.searchsorted(bars, time).astype(np.int64)
        bar = np.where(full & (bar < len(bars)), bar, -1)
    words = table.columns.get("symbol")
    if words is not None and table.rows:
        lookup = np.array([*(codes[word] for word in words.dictionary or ()), -1], np.int64)
        full = usable(words)
        symbol = lookup[np.where(full, words.values, len(lookup) - 1)]
    stands = np.ones(table.rows, np.bool_)
    if table.name in ("positions", "costs", "equity"):
        stands = ~repeated(time, symbol)
    return PlacedTable(table, time, bar, symbol, _sells(table), stands)


def repeated(*keys: Ints) -> Mask:
    """Which rows have the key of an earlier row. keys: one array per part of the key."""
    count = len(keys[0])
    if count < 2:
        return np.zeros(count, np.bool_)
    if _ascends(keys):
        return np.zeros(count, np.bool_)
    order = np.lexsort(keys[::-1])
    same = np.ones(count - 1, np.bool_)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    out = np.zeros(count, np.bool_)
    out[order[1:]] = same
    return out


def _ascends(keys: tuple[Ints, ...]) -> bool:
    """Whether the keys are strictly ascending, so that none repeats."""
    greater = np.zeros(len(keys[0]) - 1, np.bool_)
    equal = np.ones(len(keys[0]) - 1, np.bool_)
    for key in keys:
        greater |= equal & (key[1:] > key[:-1])
        equal &= key[1:] == key[:-1]
    return bool(greater.all())


def _sells(table: Table) -> Mask:
    column = table.columns.get("side")
    if column is None or not table.rows:
        return np.zeros(table.rows, np.bool_)
    lookup = np.array([*(word == "sell" for word in column.dictionary or ()), False], np.bool_)
    return np.asarray(lookup[np.where(usable(column), column.values, len(lookup) - 1)])


def _execution_order(fills: PlacedTable | None) -> tuple[Ints, bool]:
    if fills is None:
        return np.zeros(0, np.int64), False
    column = fills.table.columns.get("sequence")
    if column is None:
        return np.argsort(fills.time, kind="stable"), False
    return np.lexsort((column.values, fills.time)), bool(usable(column).all())
