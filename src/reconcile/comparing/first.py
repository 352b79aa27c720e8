"""The first divergence alone: ledgers compared in growing stretches of time, up to the first that differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reconcile.matching.axis import Axis, Ints
from reconcile.matching.near_rows import WINDOW
from vocabulary.ledger import TIME_COLUMN, Column, Ledger, Table

FIRST_STRETCH = 32
"""Bars in the first stretch; each one after is twice as long."""


def stretches(axis: Axis) -> Iterator[tuple[int, int, int]]:
    """(from, to, beyond): timestamps such that a break of a row in [from, to) can be told from the rows in
    [from, beyond). What lies beyond is not looked at. A row may have its partner WINDOW bars off, and that
    one another nearer by; so `beyond` is twice that far from `to`."""
    bars = axis.bars
    start, length = 0, FIRST_STRETCH
    while start < len(bars):
        end = min(start + length, len(bars))
        beyond = min(end + 2 * WINDOW, len(bars))
        yield int(bars[start]), _after(bars, end), _after(bars, beyond)
        start, length = end, 2 * length


def _after(bars: Ints, place: int) -> int:
    return int(bars[place]) if place < len(bars) else int(bars[-1]) + 1


def between(ledger: Ledger, start: int, end: int) -> Ledger:
    """The rows stamped within [start, end); rows without a stamp are of the last stretch there is."""
    tables = {name: _table_between(table, start, end) for name, table in ledger.tables.items()}
    return Ledger(ledger.manifest, tables)


def _table_between(table: Table, start: int, end: int) -> Table:
    column = table.columns.get(TIME_COLUMN[table.name])
    if column is None:
        return table
    values = column.values
    rows: slice | Ints
    if column.missing is None and bool(np.all(values[1:] >= values[:-1])):
        low, high = np.searchsorted(values, [start, end])
        rows, count = slice(int(low), int(high)), int(high - low)
    else:
        rows = np.flatnonzero((values >= start) & (values < end))
        count = len(rows)
    return Table(table.name, {name: _some(part, rows) for name, part in table.columns.items()}, count)


def _some(column: Column, rows: slice | Ints) -> Column:
    missing = None if column.missing is None else column.missing[rows]
    return replace(column, values=column.values[rows], missing=missing)
