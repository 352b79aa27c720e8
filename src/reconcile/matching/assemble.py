"""Turns groups of differing rows into breaks: each gets its time, period and symbol; then they are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.matching.axis import Axis, Ints, codes_in, cycles, periods
from reconcile.matching.breaks import COLUMNS, DTYPES, NONE, TABLES, TYPES, BreakColumns, Breaks
from reconcile.matching.cells import doubles
from reconcile.matching.diff_tables import BreakGroup
from reconcile.matching.model import ROW, BreakType, LedgerSide, Value
from reconcile.matching.stages import COMPARED, COMPARED_TIME, RANK
from vocabulary.ledger import Column

Sides = tuple[LedgerSide, LedgerSide]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]
Columns = dict[str, Array]
SIDES = {"buy": 0, "sell": 1}


def assemble(groups: list[BreakGroup], axis: Axis, sides: Sides) -> Breaks:
    """All breaks, ordered by cycle, stage, table, symbol, side and field.

    The order does not depend on the order of rows, nor on which ledger is the reference.
    """
    names = _names(groups)
    symbols = _symbols(sides)
    specials: list[tuple[Value, Value]] = []
    reader = _Reader(sides, symbols)
    placed = [_placed(group, axis, reader, names, specials) for group in groups]
    columns, traded = _joined(placed, _row_type(sides))
    order = _order(columns, traded, reader)
    # One column after the other, so that at most one stands in memory twice.
    ordered = (columns.pop(name) if order is None else columns.pop(name)[order] for name in COLUMNS)
    return Breaks(BreakColumns(*ordered), names, symbols, tuple(specials), sides)


def _row_type(sides: Sides) -> type[np.signedinteger[Any]]:
    most = max((table.rows for side in sides for table in side.tables.values()), default=0)
    return np.int32 if most < 2**31 else np.int64


def _joined(placed: list[dict[str, Any]], rows: type[np.signedinteger[Any]]) -> tuple[Columns, Array]:
    """The columns of all groups, and the sides (buy or sell) that help to order them. Empties `placed`."""
    types = {**DTYPES, "reference_row": rows, "candidate_row": rows, "side": np.int8}
    out: Columns = {}
    for name, dtype in types.items():
        parts = [group.pop(name) for group in placed]
        wide = [np.full(n, part, dtype) if np.ndim(part) == 0 else part.astype(dtype, copy=False)
                for part, n in zip(parts, (group["rows"] for group in placed), strict=True)]  # fmt: skip
        out[name] = wide[0] if len(wide) == 1 else np.concatenate([np.zeros(0, dtype), *wide])
    return out, out.pop("side")


def _order(columns: Columns, traded: Array, reader: _Reader) -> Ints | None:
    """The order of breaks; None where they stand in it already.

    Quantity and price decide between breaks that are equal in all else; they are read for those only.
    """
    key = _sort_key(columns, traded)
    order: Ints | None = None
    if not bool(np.all(key[1:] >= key[:-1])):
        order = np.argsort(key, kind="stable")
        key = key[order]
    tied = np.zeros(len(key), np.bool_)
    same = key[1:] == key[:-1]
    tied[1:] |= same
    tied[:-1] |= same
    if not bool(tied.any()):
        return order
    order = np.arange(len(key)) if order is None else order
    among = order[tied]
    quantity, price = (_read_cells(columns, among, name, reader) for name in ("quantity", "price"))
    order[tied] = among[np.lexsort((price, quantity, key[tied]))]
    return order


def _sort_key(columns: Columns, traded: Array) -> Ints:
    """One integer per break, ascending in cycle, stage, table, symbol, side, field and type.

    Breaks of one table, cycle and stage have one timestamp, so that it need not decide. A missing row and an
    extra one have the same type here, because they change places with the sides.
    """
    kinds = columns["type"]
    kinds = np.where(kinds == TYPES.index(BreakType.EXTRA), TYPES.index(BreakType.MISSING), kinds)
    parts = [columns["cycle"], columns["stage"], columns["table"], columns["symbol"], traded]
    key, width = np.zeros(len(traded), np.int64), 0
    for part in (*parts, columns["field"], kinds):
        low, high = (int(part.min()), int(part.max())) if len(part) else (0, 0)
        bits = (high - low).bit_length()
        if width + bits > 62:
            key, width = np.unique(key, return_inverse=True)[1].astype(np.int64), len(key).bit_length()
        if bits:
            key = (key << bits) | (part.astype(np.int64) - low)
            width += bits
    return key


def _read_cells(columns: Columns, places: Ints, name: str, reader: _Reader) -> npt.NDArray[np.float64]:
    """The cells of a column for some breaks, 0 where they have none."""
    out = np.zeros(len(places))
    tables = columns["table"][places]
    for table in np.unique(tables):
        mine = tables == table
        left, right = (columns[side][places[mine]] for side in ("reference_row", "candidate_row"))
        out[mine] = reader.either(TABLES[table], left, right, name)[0]
    return out


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
) -> dict[str, Any]:
    """The columns of one group by name, plus `side` and the number of `rows`; a scalar is for all rows."""
    table, left, right = group.table, group.left, group.right
    time, known = reader.either(table, left, right, COMPARED_TIME[table])
    timestamp = np.where(known, time, axis.bars[-1] if len(axis.bars) else 0)
    cycle = cycles(axis, table, group.field, timestamp)
    decided = cycle - axis.lag
    if table == "orders" and axis.lag:
        # X9: a close at a level executes in the bar that decides it
        done, told = reader.either(table, left, right, "executes_at")
        cycle = np.where(told & known & (done <= time), decided, cycle)
    decided_at = np.full(len(left), NONE)
    reached = axis.timed & (decided >= 0) & (decided < len(axis.bars))
    decided_at[reached] = axis.bars[decided[reached]]
    if table == "fills":
        own, told = reader.either(table, left, right, "decided_at")
        decided_at = np.where(told, own, decided_at)
        decided = np.where(told, codes_in(own, axis.bars), decided)
    special: Any = -1
    if group.values is not None:
        special = np.arange(len(specials), len(specials) + len(left))
        specials.extend(group.values)
    word, has = reader.either(table, left, right, "symbol")
    return {
        "rows": len(left),
        "table": TABLES.index(table),
        "field": names.index(group.field),
        "stage": RANK[group.stage],
        "type": TYPES.index(group.type),
        "timestamp": timestamp,
        "decided_at": decided_at,
        "cycle": cycle,
        "rebalance": periods(axis, decided),
        "symbol": np.where(has, word, -1),
        "reference_row": left,
        "candidate_row": right,
        "special": special,
        "root": -1,
        "side": reader.either(table, left, right, "side")[0],
    }


class _Reader:
    """Reads cells of the rows of breaks from both sides. Words are read as their place in a shared list."""

    def __init__(self, sides: Sides, symbols: tuple[str, ...]) -> None:
        self._sides = sides
        self._codes = {"symbol": {word: code for code, word in enumerate(symbols)}, "side": SIDES}
        self._lookups: dict[tuple[int, str, str], Ints] = {}

    def either(self, table: str, left: Ints, right: Ints, column: str) -> tuple[Ints, Mask]:
        """The cells of a column (where the sides differ, the smaller), and which rows have one."""
        big = np.iinfo(np.int64).max
        found = []
        for side, rows in enumerate((left, right)):
            values, known = self._cells(side, table, column, rows)
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
