"""From raw chunks to breaks in order: placed in time, period and symbol, and sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.comparison.axis import TIME, Axis, Ints, cycles, periods
from reconcile.comparison.breaks import COLUMNS, NONE, TABLES, TYPES, BreakColumns, Breaks
from reconcile.comparison.columns import doubles
from reconcile.comparison.found import Chunk
from reconcile.comparison.nouns import ROW, BreakType, LedgerSide, Value
from reconcile.comparison.stages import RANK
from vocabulary.ledger import SCHEMA, Table

Sides = tuple[LedgerSide, LedgerSide]
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


def assemble(chunks: list[Chunk], axis: Axis, sides: Sides) -> Breaks:
    """All breaks, by cycle, stage, table, symbol, side, field; the order knows neither rows nor sides."""
    names = _names(chunks)
    symbols = _symbols(sides)
    specials: list[tuple[Value, Value]] = []
    parts: list[list[npt.NDArray[Any]]] = []
    ties: list[list[npt.NDArray[Any]]] = []
    codes = {word: code for code, word in enumerate(symbols)}
    for chunk in chunks:
        parts.append(_placed(chunk, axis, sides, names, codes, specials))
        ties.append(_ties(chunk, sides))
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


def _names(chunks: list[Chunk]) -> tuple[str, ...]:
    known = dict.fromkeys(column for columns in SCHEMA.values() for column in columns)
    return (ROW, *known, *sorted({chunk.field for chunk in chunks} - set(known) - {ROW}))


def _symbols(sides: Sides) -> tuple[str, ...]:
    """Every symbol of either side, in code point order."""
    words: set[str] = set()
    for side in sides:
        for table in side.tables.values():
            if "symbol" in table.columns:
                words.update(table.columns["symbol"].dictionary or ())
    return tuple(sorted(words))


def _placed(
    chunk: Chunk,
    axis: Axis,
    sides: Sides,
    names: tuple[str, ...],
    codes: dict[str, int],
    specials: list[tuple[Value, Value]],
) -> list[npt.NDArray[Any]]:
    """The columns of one chunk, in the order of COLUMNS."""
    n = len(chunk.left)
    time, known = _either(chunk, sides, TIME[chunk.table])
    timestamp = np.where(known, time, axis.bars[-1] if len(axis.bars) else 0)
    cycle = cycles(axis, chunk.table, chunk.field, timestamp)
    decided = cycle - axis.lag
    decided_at = np.full(n, NONE)
    reached = axis.timed & (decided >= 0) & (decided < len(axis.bars))
    decided_at[reached] = axis.bars[decided[reached]]
    if chunk.table == "fills":
        own, told = _either(chunk, sides, "decided_at")
        decided_at = np.where(told, own, decided_at)
        decided = np.where(told, np.searchsorted(axis.bars, own), decided)
    period = periods(axis, decided)
    special = np.full(n, -1)
    if chunk.values is not None:
        special = np.arange(len(specials), len(specials) + n)
        specials.extend(chunk.values)
    word, has = _either(chunk, sides, "symbol", codes)
    return [
        np.full(n, TABLES.index(chunk.table)),
        np.full(n, names.index(chunk.field)),
        np.full(n, RANK[chunk.stage]),
        np.full(n, TYPES.index(chunk.type)),
        timestamp,
        decided_at,
        cycle,
        np.where(period < 0, NONE, period),
        np.where(has, word, -1),
        chunk.left,
        chunk.right,
        special,
        np.full(n, -1),
    ]


def _ties(chunk: Chunk, sides: Sides) -> list[npt.NDArray[Any]]:
    """What tells breaks of one symbol and field apart: side, quantity, price."""
    out: list[npt.NDArray[Any]] = [_either(chunk, sides, "side", {"buy": 0, "sell": 1})[0]]
    for name in ("quantity", "price"):
        out.append(_either(chunk, sides, name)[0])
    return out


def _either(
    chunk: Chunk, sides: Sides, column: str, codes: dict[str, int] | None = None
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """The cells of a column, the smaller of both sides' where they differ, and whether there is one."""
    big = np.iinfo(np.int64).max
    found: list[npt.NDArray[Any]] = []
    for rows, side in zip((chunk.left, chunk.right), sides, strict=True):
        values, known = _cells(side.tables.get(chunk.table), column, rows, codes)
        found.append(np.where(known, values, big))
    value = np.minimum(*found)
    known = value != big
    return np.where(known, value, 0), known


def _cells(
    table: Table | None, column: str, rows: Ints, codes: dict[str, int] | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    if table is None or column not in table.columns or not table.rows:
        return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
    part = table.columns[column]
    at = np.maximum(rows, 0)
    known = rows >= 0
    if part.missing is not None:
        known = known & ~part.missing[at]
    values = part.values[at]
    if codes is not None:
        lookup = np.array([codes.get(word, len(codes)) for word in part.dictionary or ()], np.int64)
        values = lookup[np.where(known, values, 0)] if len(lookup) else np.zeros(len(rows), np.int64)
    elif part.scale is not None or values.dtype.kind == "f":
        values = doubles(type(part)(part.kind, values, None, part.scale, None))
        values = np.where(np.isnan(values), -np.inf, values)
    return values, known
