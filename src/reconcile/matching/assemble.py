"""Turns groups of differing rows into breaks: each gets its time, period and symbol; then they are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.matching.axis import Axis, Ints, codes_in, cycles, periods
from reconcile.matching.breaks import COLUMNS, NONE, TABLES, TYPES, BreakColumns, Breaks
from reconcile.matching.cells import doubles
from reconcile.matching.diff_tables import BreakGroup
from reconcile.matching.model import ROW, BreakType, LedgerSide, Value
from reconcile.matching.stages import COMPARED, COMPARED_TIME, RANK
from vocabulary.ledger import Column

Sides = tuple[LedgerSide, LedgerSide]
Mask = npt.NDArray[np.bool_]
SIDES = {"buy": 0, "sell": 1}
_DTYPES = (
    np.int8,
    np.int16,
    np.int8,
    np.int8,
    *[np.int64] * 4,
    np.int32,
    np.int64,
    np.int64,
    np.int32,
    np.int8,
)


def assemble(groups: list[BreakGroup], axis: Axis, sides: Sides) -> Breaks:
    """All breaks, ordered by cycle, stage, table, symbol, side and field.

    The order does not depend on the order of rows, nor on which ledger is the reference.
    """
    names = _names(groups)
    symbols = _symbols(sides)
    specials: list[tuple[Value, Value]] = []
    parts: list[list[npt.NDArray[Any]]] = []
    ties: list[list[npt.NDArray[Any]]] = []
    reader = _Reader(sides, symbols)
    for group in groups:
        parts.append(_placed(group, axis, reader, names, specials))
        ties.append(_ties(group, reader))
    if not parts:
        empty = BreakColumns(*(np.zeros(0, dtype) for dtype in _DTYPES))
        return Breaks(empty, names, symbols, (), sides)
    joined = [np.concatenate([part[i] for part in parts]).astype(_DTYPES[i]) for i in range(len(COLUMNS))]
    columns = BreakColumns(*joined)
    side, quantity, price = (np.concatenate([tie[i] for tie in ties]) for i in range(3))
    kind = np.where(
        columns.type == TYPES.index(BreakType.EXTRA), TYPES.index(BreakType.MISSING), columns.type
    )
    order = np.lexsort(
        (
            price,
            quantity,
            kind,
            columns.field,
            side,
            columns.timestamp,
            columns.symbol,
            columns.table,
            columns.stage,
            columns.cycle,
        )
    )
    columns = BreakColumns(*(getattr(columns, name)[order] for name in COLUMNS))
    return Breaks(columns, names, symbols, tuple(specials), sides)


def _names(groups: list[BreakGroup]) -> tuple[str, ...]:
    known = dict.fromkeys(column for columns in COMPARED.values() for column in columns)
    return (ROW, *known, *sorted({group.field for group in groups} - set(known) - {ROW}))


def _symbols(sides: Sides) -> tuple[str, ...]:
    """Every symbol of either side, in code point order."""
    words: set[str] = set()
    for side in sides:
        for table in side.tables.values():
            if "symbol" in table.columns:
                words.update(table.columns["symbol"].dictionary or ())
    return tuple(sorted(words))


def _placed(
    group: BreakGroup,
    axis: Axis,
    reader: _Reader,
    names: tuple[str, ...],
    specials: list[tuple[Value, Value]],
) -> list[npt.NDArray[Any]]:
    """The columns of one group, in the order of COLUMNS."""
    n = len(group.left)
    time, known = reader.either(group, COMPARED_TIME[group.table])
    timestamp = np.where(known, time, axis.bars[-1] if len(axis.bars) else 0)
    cycle = cycles(axis, group.table, group.field, timestamp)
    decided = cycle - axis.lag
    decided_at = np.full(n, NONE)
    reached = axis.timed & (decided >= 0) & (decided < len(axis.bars))
    decided_at[reached] = axis.bars[decided[reached]]
    if group.table == "fills":
        own, told = reader.either(group, "decided_at")
        decided_at = np.where(told, own, decided_at)
        decided = np.where(told, codes_in(own, axis.bars), decided)
    period = periods(axis, decided)
    special = np.full(n, -1)
    if group.values is not None:
        special = np.arange(len(specials), len(specials) + n)
        specials.extend(group.values)
    word, has = reader.either(group, "symbol")
    return [
        np.full(n, TABLES.index(group.table)),
        np.full(n, names.index(group.field)),
        np.full(n, RANK[group.stage]),
        np.full(n, TYPES.index(group.type)),
        timestamp,
        decided_at,
        cycle,
        np.where(period < 0, NONE, period),
        np.where(has, word, -1),
        group.left,
        group.right,
        special,
        np.full(n, -1),
    ]


def _ties(group: BreakGroup, reader: _Reader) -> list[npt.NDArray[Any]]:
    """Side, quantity and price: they order breaks that are equal in all else."""
    return [reader.either(group, name)[0] for name in ("side", "quantity", "price")]


class _Reader:
    """Reads cells of the rows of breaks from both sides. Words are read as their place in a shared list."""

    def __init__(self, sides: Sides, symbols: tuple[str, ...]) -> None:
        self._sides = sides
        self._codes = {"symbol": {word: code for code, word in enumerate(symbols)}, "side": SIDES}
        self._lookups: dict[tuple[int, str, str], Ints] = {}

    def either(self, group: BreakGroup, column: str) -> tuple[Ints, Mask]:
        """The cells of a column (where the sides differ, the smaller), and which rows have one."""
        big = np.iinfo(np.int64).max
        found = []
        for side, rows in enumerate((group.left, group.right)):
            values, known = self._cells(side, group.table, column, rows)
            found.append(np.where(known, values, big))
        value = np.minimum(*found)
        known = value != big
        return np.where(known, value, 0), known

    def _cells(self, side: int, name: str, column: str, rows: Ints) -> tuple[npt.NDArray[Any], Mask]:
        table = self._sides[side].tables.get(name)
        if table is None or column not in table.columns or not table.rows:
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        part = table.columns[column]
        at = np.maximum(rows, 0)
        known = rows >= 0
        if part.missing is not None:
            known = known & ~part.missing[at]
        values = part.values[at]
        if column in self._codes:
            lookup = self._lookup(side, name, column, part.dictionary or ())
            values = lookup[np.where(known, values, -1)]
        elif part.scale is not None or values.dtype.kind == "f":
            values = doubles(Column(part.kind, values, None, part.scale))
            values = np.where(np.isnan(values), -np.inf, values)
        return values, known

    def _lookup(self, side: int, name: str, column: str, words: tuple[str, ...]) -> Ints:
        """The place of each word of a dictionary; an unknown one comes last."""
        if (side, name, column) not in self._lookups:
            codes = self._codes[column]
            places = [codes.get(word, len(codes)) for word in words]
            self._lookups[side, name, column] = np.array([*places, -1], np.int64)
        return self._lookups[side, name, column]
