"""Finds constant patterns among the breaks of a comparison: one mistake in many rows is one finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import decimal_of
from reconcile.matching.breaks import TABLES, TYPES, Breaks
from reconcile.matching.cells import NUMBERS, WORDS, as_doubles, comparable, is_float
from reconcile.matching.model import ROW, BreakType
from reconcile.matching.noise import grid_of
from reconcile.matching.patterns import LEAST, Pattern, PatternKind, fit
from reconcile.matching.stages import COMPARED_TIME
from vocabulary.ledger import Column, Kind, Table

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

SAME_NOTIONAL = 1e-4
"""The largest gap of two notionals, as a share, that rounded adjusted prices leave."""
DEPENDS: dict[str, tuple[str, ...]] = {
    "price": ("quantity",),
    "notional": ("quantity", "price"),
    "commission": ("quantity", "price"),
    "slippage": ("quantity", "price"),
}
"""Columns of fills that follow from others: where those differ, too, they prove nothing."""

COUNTED = ("rank", "sequence", "rebalance")
"""Columns that count. One row too many moves the numbers of those after it: a pattern is in most rows."""


def find_patterns(breaks: Breaks) -> tuple[Pattern, ...]:
    """The constant patterns, by their first break; those that account for all breaks say so."""
    if not len(breaks):
        return ()
    found = sorted(_one_clock(list(_all(breaks))), key=lambda one: one.first)
    if sum(one.count for one in found) < len(breaks):
        return tuple(found)
    return tuple(replace(one, whole=True) for one in found)


def _one_clock(found: list[Pattern]) -> list[Pattern]:
    """Rows of one table that stand equally later are one pattern, whether they were paired or not."""
    out: dict[tuple[object, ...], Pattern] = {}
    for place, one in enumerate(found):
        key = (one.table, one.value) if one.kind is PatternKind.CLOCK else (place,)
        old = out.get(key)
        if old is not None:
            lines = sum(each.lines or each.count for each in (old, one))
            first = min(old.first, one.first)
            one = replace(old, count=old.count + one.count, lines=lines, first=first)
        out[key] = one
    return list(out.values())


def _all(breaks: Breaks) -> Iterator[Pattern]:
    c = breaks.columns
    groups = c.table.astype(np.int64) * 10_000 + c.field.astype(np.int64) * 100 + c.type
    codes, first = np.unique(groups, return_index=True)
    adjusted = _adjusted(breaks)
    if adjusted is not None:
        yield adjusted
    for code, at in zip(codes.tolist(), first.tolist(), strict=True):
        table, name, kind = TABLES[c.table[at]], breaks.names[c.field[at]], TYPES[c.type[at]]
        if adjusted is not None and table == "fills" and name in ("price", "quantity"):
            continue
        places = np.flatnonzero(groups == code)
        if name == ROW:
            one = _edge(breaks, table, kind, places)
        elif kind is BreakType.TIMING:
            one = _moved(breaks, table, name, places)
        else:
            one = _cells(breaks, table, name, places)
        if one is not None:
            yield one
    yield from _shifted(breaks)


def _tables(breaks: Breaks, name: str) -> tuple[Table, Table]:
    return breaks.reference.tables[name], breaks.candidate.tables[name]


def _rows(breaks: Breaks, name: str) -> int:
    return max(table.rows for table in _tables(breaks, name))


def _cells(breaks: Breaks, table: str, name: str, places: Ints) -> Pattern | None:
    """The pattern of the cells of one column."""
    c = breaks.columns
    places = places[(c.reference_row[places] >= 0) & (c.candidate_row[places] >= 0) & (c.special[places] < 0)]
    left, right = _tables(breaks, table)
    if len(places) < 2 or name not in left.columns or name not in right.columns:
        return None
    a, b = left.columns[name], right.columns[name]
    if a.kind in WORDS:
        return _words(breaks, table, name, places, (a, b))
    if a.kind not in NUMBERS:
        return None
    if table == "fills" and name in DEPENDS:
        places = places[_equal(breaks, places, (left, right), DEPENDS[name])]
    known, x, y = _numbers(breaks, places, f"{table}.{name}", (a, b))
    found = fit(x, y, (_unit(a, x), _unit(b, y)))
    if found is None:
        return None
    places = places[known][found.fits]
    value = decimal_of(found.value, 12)
    rows = _rows(breaks, table)
    if name in COUNTED and 2 * len(places) <= rows:
        return None
    return Pattern(found.kind, table, name, value, len(places), rows, int(places[0]), found.by_reference)


def _numbers(
    breaks: Breaks, places: Ints, where: str, columns: tuple[Column, Column]
) -> tuple[Ints, Floats, Floats]:
    """Which of some breaks have two numbers, and these numbers."""
    cells = comparable(where, *columns)
    rows = breaks.columns.reference_row[places], breaks.columns.candidate_row[places]
    x, y = (as_doubles(cells, at.astype(np.int64), side) for side, at in enumerate(rows))
    known = np.isfinite(x) & np.isfinite(y)
    for missing, at in zip((cells.reference_missing, cells.candidate_missing), rows, strict=True):
        if missing is not None:
            known &= ~missing[at]
    return known, x[known], y[known]


def _equal(
    breaks: Breaks, places: Ints, tables: tuple[Table, Table], names: tuple[str, ...]
) -> npt.NDArray[np.bool_]:
    """The breaks in whose rows some other columns are equal, as far as both sides have them."""
    out = np.ones(len(places), np.bool_)
    for name in names:
        if all(name in table.columns for table in tables):
            a, b = (table.columns[name] for table in tables)
            known, x, y = _numbers(breaks, places, f"fills.{name}", (a, b))
            same = np.zeros(len(places), np.bool_)
            same[known] = np.abs(x - y) <= 1e-12 * np.abs(x)
            out &= same
    return out


def _unit(column: Column, values: Floats) -> float:
    """The last digit of a column's numbers; 0 where they are doubles with all their digits."""
    if not is_float(column):
        return float(10.0 ** -(column.scale or 0))
    decimals = grid_of(values)
    return 0.0 if decimals is None else float(10.0**-decimals)


def _words(
    breaks: Breaks, table: str, name: str, places: Ints, columns: tuple[Column, Column]
) -> Pattern | None:
    """Sides that are swapped, or one symbol under one other name."""
    c = breaks.columns
    words = [
        [(column.dictionary or ())[code] for code in column.values[rows[places]].tolist()]
        for column, rows in zip(columns, (c.reference_row, c.candidate_row), strict=True)
    ]
    pairs = set(zip(*words, strict=True))
    rows, first = _rows(breaks, table), int(places[0])
    if name == "side" and pairs <= {("buy", "sell"), ("sell", "buy")}:
        return Pattern(PatternKind.SIDES, table, name, None, len(places), rows, first)
    if name == "symbol" and len(pairs) == 1:
        ((was, now),) = pairs
        return Pattern(PatternKind.RENAMED, table, name, now, len(places), rows, first, was=was)
    return None


def _moved(breaks: Breaks, table: str, name: str, places: Ints) -> Pattern | None:
    """Rows that all stand so much later, or earlier."""
    left, right = _tables(breaks, table)
    c = breaks.columns
    if len(places) < 2 or left.columns[name].kind is not Kind.TIMESTAMP:
        return None
    rows = c.reference_row[places], c.candidate_row[places]
    apart = right.columns[name].values[rows[1]] - left.columns[name].values[rows[0]]
    if len(set(apart.tolist())) != 1:
        return None
    later = int(apart[0])
    return Pattern(PatternKind.CLOCK, table, name, later, len(places), _rows(breaks, table), int(places[0]))


def _edge(breaks: Breaks, table: str, kind: BreakType, places: Ints) -> Pattern | None:
    """Rows that one side lacks before its first row, or after its last."""
    if kind not in (BreakType.MISSING, BreakType.EXTRA) or table not in ("equity", "positions", "costs"):
        return None
    lacks = kind is BreakType.EXTRA  # whether it is the reference that lacks them
    own = _tables(breaks, table)[0 if lacks else 1]
    times = own.columns[COMPARED_TIME[table]].values
    if not len(times):
        return None
    stamps = breaks.columns.timestamp[places]
    bars, rows = len(set(stamps.tolist())), int(places[0])
    if bool((stamps < times.min()).all()):
        value, which = int(times.min()), PatternKind.STARTS_LATER
    elif bool((stamps > times.max()).all()):
        value, which = int(times.max()), PatternKind.ENDS_EARLIER
    else:
        return None
    return Pattern(which, table, COMPARED_TIME[table], value, len(places), bars, rows, lacks)


def _shifted(breaks: Breaks) -> Iterator[Pattern]:
    """Tables of which each side lacks the other's rows, all of them so much later: another clock."""
    c = breaks.columns
    row = breaks.names.index(ROW)
    for code in np.unique(c.table).tolist():
        mine = (c.table == code) & (c.field == row)
        gone, new = (
            np.flatnonzero(mine & (c.type == TYPES.index(kind)))
            for kind in (BreakType.MISSING, BreakType.EXTRA)
        )
        if len(gone) < LEAST or len(gone) != len(new):
            continue
        name = COMPARED_TIME[TABLES[code]]
        left, right = (table.columns[name].values for table in _tables(breaks, TABLES[code]))
        orders = [np.lexsort((c.timestamp[at], c.symbol[at])) for at in (gone, new)]
        gone, new = gone[orders[0]], new[orders[1]]
        apart = right[c.candidate_row[new]] - left[c.reference_row[gone]]
        alike = set(apart.tolist())
        if len(alike) == 1 and 0 not in alike and bool((c.symbol[gone] == c.symbol[new]).all()):
            count, first = len(gone) + len(new), int(min(gone.min(), new.min()))
            rows = _rows(breaks, TABLES[code])
            later = int(apart[0])
            yield Pattern(PatternKind.CLOCK, TABLES[code], name, later, count, rows, first, lines=len(gone))


def _adjusted(breaks: Breaks) -> Pattern | None:
    """Fills whose price is a factor of the other's, one per symbol, and whose quantity is the inverse."""
    c = breaks.columns
    fills = (c.table == TABLES.index("fills")) & (c.special < 0)
    both = [np.flatnonzero(fills & (c.field == breaks.names.index(name))) for name in ("price", "quantity")]
    tables = breaks.reference.tables.get("fills"), breaks.candidate.tables.get("fills")
    if min(map(len, both)) < LEAST or tables[0] is None or tables[1] is None:
        return None
    rows = [dict(zip(c.reference_row[at].tolist(), at.tolist(), strict=True)) for at in both]
    shared = [row for row in rows[0] if row in rows[1]]
    places = np.array([rows[0][row] for row in shared], np.int64)
    other = np.array([rows[1][row] for row in shared], np.int64)
    if len(shared) < max(LEAST, 0.98 * max(map(len, both))):
        return None
    numbers = []
    for name, at in (("price", places), ("quantity", other)):
        known, x, y = _numbers(
            breaks, at, f"fills.{name}", (tables[0].columns[name], tables[1].columns[name])
        )
        if not bool(known.all()) or not bool(((x > 0) & (y > 0)).all()):
            return None
        numbers.append((x, y))
    (p, q), (n, m) = numbers
    if not bool((np.abs(q * m / (p * n) - 1) <= SAME_NOTIONAL).all()):
        return None
    factors: dict[str, list[float]] = {}
    for symbol, factor in zip(c.symbol[places].tolist(), (q / p).tolist(), strict=True):
        factors.setdefault(breaks.symbols[symbol], []).append(factor)
    if any(max(each) - min(each) > SAME_NOTIONAL * max(each) for each in factors.values()):
        return None
    text = ", ".join(f"{each[0]:.5g} ({symbol})" for symbol, each in list(factors.items())[:LEAST])
    more = len(factors) - LEAST
    value = f"{text}{f' and {more} more' if more > 0 else ''}"
    count = len(places) + len(other)
    first = int(min(places.min(), other.min()))
    return Pattern(PatternKind.ADJUSTED, "fills", "price", value, count, _rows(breaks, "fills"), first)


def factor_of(pattern: Pattern) -> Fraction:
    """The number of a pattern, exact."""
    return Fraction(pattern.value) if isinstance(pattern.value, Decimal | int) else Fraction(0)
