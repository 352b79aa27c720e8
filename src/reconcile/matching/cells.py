"""Equality of cells, over whole columns.

Exact numbers are equal when they are the same number, whatever their scales. An exact number and a
double are equal when the double nearest to the exact number is that double. Doubles are equal when
they are the same number; NaN and infinities equal nothing, not even themselves. Two empty cells are
equal; an empty cell and a full one are not. Words are equal when they are spelled the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import rational, scaled
from reconcile.matching.model import Value
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Kind

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WORDS = (Kind.SYMBOL, Kind.WORD)
NUMBERS = (Kind.COUNT, Kind.PRICE, Kind.QUANTITY, Kind.MONEY, Kind.RATE)
_INT64 = 2**63 - 1
_EXACT_DOUBLE = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class Comparable:
    """Both sides of a column in one common form, so that `==` of two values is equality.

    reference, candidate: int64 or object integers at `scale`, doubles (`floats`), or codes into `words`.
    doubles: which sides hold doubles; `floats` where one does.
    """

    kind: Kind
    reference: Array
    candidate: Array
    reference_missing: Mask | None
    candidate_missing: Mask | None
    floats: bool = False
    scale: int | None = None
    words: tuple[str, ...] | None = None
    doubles: tuple[bool, bool] = (False, False)


def comparable(where: str, a: Column, b: Column) -> Comparable:
    """Bring two columns to a common form. Arrays that have it already are not copied.

    where: `table.column`, for errors. Raises InputError where one column holds words and the other numbers.
    """
    if a.kind is not b.kind:
        raise InputError(
            where,
            f"{a.kind.value} in the reference and {b.kind.value} in the candidate",
            "the same kind of column on both sides",
            "Correct the column, or leave its table out with --tables.",
        )
    am, bm = _mask(a), _mask(b)
    if a.kind in WORDS:
        x, y, words = _words(a, am, b, bm)
        return Comparable(a.kind, x, y, am, bm, words=words)
    if a.kind is Kind.TIMESTAMP:
        return Comparable(a.kind, a.values, b.values, am, bm, scale=0)
    if is_float(a) or is_float(b):
        sides = is_float(a), is_float(b)
        return Comparable(a.kind, doubles(a), doubles(b), am, bm, floats=True, doubles=sides)
    scale = max(a.scale or 0, b.scale or 0)
    return Comparable(a.kind, at_scale(a, scale), at_scale(b, scale), am, bm, scale=scale)


def is_float(column: Column) -> bool:
    """Whether the column holds doubles."""
    return bool(column.values.dtype.kind == "f")


def _mask(column: Column) -> Mask | None:
    """The empty cells, None when there are none."""
    return column.missing if column.missing is not None and bool(column.missing.any()) else None


def _words(a: Column, am: Mask | None, b: Column, bm: Mask | None) -> tuple[Array, Array, tuple[str, ...]]:
    """Both columns as codes into one dictionary, and that dictionary."""
    left, right = a.dictionary or (), b.dictionary or ()
    if left == right and len(set(left)) == len(left):
        return a.values, b.values, left
    # The same code may stand for different words in two dictionaries: recode by the word.
    words = tuple(dict.fromkeys((*left, *right)))
    index = {word: code for code, word in enumerate(words)}
    return _recode(a, am, left, index), _recode(b, bm, right, index), words


def _recode(column: Column, missing: Mask | None, words: tuple[str, ...], index: dict[str, int]) -> Array:
    if not words:
        return np.zeros(len(column.values), np.int32)
    table = np.array([index[word] for word in words], np.int32)
    codes = column.values if missing is None else np.where(missing, 0, column.values)
    return np.asarray(table[codes])


def at_scale(column: Column, scale: int) -> Array:
    """The integers at a scale not below the column's; object dtype where int64 would overflow."""
    factor = 10 ** (scale - (column.scale or 0))
    values = column.values
    if factor == 1 or not len(values):
        return values
    if values.dtype != object:
        low, high = int(values.min()), int(values.max())
        if max(-low, high) * factor <= _INT64:
            return np.asarray(values * np.int64(factor))
        values = values.astype(object)
    return np.asarray(values * factor)


def doubles(column: Column) -> npt.NDArray[np.float64]:
    """The doubles nearest to the column's numbers; 0 for empty cells."""
    values = column.values
    if values.dtype.kind == "f":
        out = values.astype(np.float64, copy=False)
        return out if column.missing is None else np.where(column.missing, 0.0, out)
    scale = column.scale or 0
    if values.dtype != object and scale <= 22:
        # Integers up to 2**53 and powers of ten up to 10**22 are doubles, so a division rounds only once.
        if not len(values) or max(-int(values.min()), int(values.max())) <= _EXACT_DOUBLE:
            return values.astype(np.float64) / 10.0**scale
        out = np.asarray(values.astype(np.float64) / 10.0**scale)
        for i in np.flatnonzero(np.abs(values.astype(np.float64)) >= _EXACT_DOUBLE):
            out[i] = nearest_double(int(values[i]), scale)
        return out
    return np.array([nearest_double(int(v), scale) for v in values], np.float64)


def nearest_double(value: int, scale: int) -> float:
    """The double nearest to value / 10**scale; infinity beyond all doubles."""
    try:
        return float(Fraction(value, 10**scale))
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def differing(column: Comparable, left: Rows | None = None, right: Rows | None = None) -> Mask:
    """Which pairs of cells differ.

    Pair i is reference row left[i] and candidate row right[i]; None: row i.
    """
    x = column.reference if left is None else column.reference[left]
    y = column.candidate if right is None else column.candidate[right]
    out: Mask = np.asarray(x != y, np.bool_)
    if column.floats:
        # NaN already differs from itself; an infinity does not, so it is added.
        out |= ~np.isfinite(x)
    if column.reference_missing is None and column.candidate_missing is None:
        return out
    xm = _taken(column.reference_missing, left, len(x))
    ym = _taken(column.candidate_missing, right, len(y))
    return np.where(xm | ym, xm != ym, out)


def _taken(mask: Mask | None, rows: Rows | None, n: int) -> Mask:
    if mask is None:
        return np.zeros(n, np.bool_)
    return mask if rows is None else mask[rows]


def cell(column: Column, row: int) -> Value:
    """The value of a cell, as it is shown and exported."""
    if column.missing is not None and column.missing[row]:
        return None
    value = column.values[row]
    if column.kind in WORDS:
        return (column.dictionary or ())[int(value)]
    if is_float(column):
        return float(value)
    if column.kind in (Kind.COUNT, Kind.TIMESTAMP) and not column.scale:
        return int(value)
    return scaled(int(value), column.scale or 0)


def as_doubles(cells: Comparable, rows: Rows, side: int) -> npt.NDArray[np.float64]:
    """Some rows of the reference (side 0) or the candidate (1) as doubles, within a few units of rounding."""
    values = (cells.candidate if side else cells.reference)[rows]
    if cells.floats:
        return np.asarray(values, np.float64)
    if values.dtype == object:
        return np.array([nearest_double(int(value), cells.scale or 0) for value in values], np.float64)
    return np.asarray(values.astype(np.float64) / 10.0 ** (cells.scale or 0))


def number(cells: Comparable, row: int, side: int) -> Fraction | None:
    """The number of one cell, None where it is empty or no finite number."""
    missing = cells.candidate_missing if side else cells.reference_missing
    if missing is not None and missing[row]:
        return None
    value = (cells.candidate if side else cells.reference)[row]
    return rational(float(value)) if cells.floats else Fraction(int(value), 10 ** (cells.scale or 0))
