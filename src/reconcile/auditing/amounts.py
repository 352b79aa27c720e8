"""Columns of amounts, and arithmetic on them: exact where the ledger is, with a known error where not.

Exact amounts are integers at a scale; int64 becomes Python integers (object) before it could overflow.
Doubles carry beside each value `slop`, a bound of what rounding may have done to it: 2**-53 of a number
read, propagated through every sum and product (running error analysis). Two doubles agree when they are
no further apart than SAFETY times their slops: another program sums in another order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import scaled
from reconcile.matching.cells import doubles, is_float
from reconcile.matching.model import Value
from vocabulary.ledger import Column

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

UNIT = 2.0**-53
SAFETY = 8.0
NOISE = 2.0**-42
"""A difference of doubles up to this share of the numbers that it comes from is float noise (2e-13)."""
_INT64 = 2**63 - 1
MOST_DECIMALS = 300
"""10.0**decimals is a finite double up to here."""


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """values: int64 or object integers, the amount times 10**scale; or float64, scale None, with slop.

    coarse: whether the slop holds more than rounding of doubles, so that it does not measure the numbers.
    """

    values: Array
    scale: int | None
    slop: Floats | None = None
    coarse: bool = False

    def __len__(self) -> int:
        return len(self.values)


def of_column(column: Column) -> Amounts:
    """The numbers of a column, with 0 for an empty cell. NaN and infinities are kept."""
    if is_float(column):
        values = doubles(column)
        return Amounts(values, None, UNIT * np.abs(values))
    values = column.values
    if column.missing is not None:
        values = np.where(column.missing, 0, values)
    return Amounts(values, column.scale or 0)


def usable(column: Column) -> Mask:
    """The cells that are not empty and, if the column holds doubles, are finite."""
    full: Mask = np.ones(len(column.values), np.bool_)
    if is_float(column):
        full = np.isfinite(column.values)
    return full if column.missing is None else full & ~column.missing


def constant(value: int, scale: int, count: int) -> Amounts:
    """The same exact amount `count` times."""
    dtype: Any = np.int64 if abs(value) <= _INT64 else object
    return Amounts(np.full(count, value, dtype), scale)


def as_doubles(a: Amounts) -> Amounts:
    """The same amounts as doubles with their slop."""
    if a.scale is None:
        return a
    if a.values.dtype == object or a.scale > MOST_DECIMALS:
        values = np.array([_divided(value, a.scale) for value in a.values.tolist()], np.float64)
    else:
        values = a.values.astype(np.float64) / 10.0**a.scale
    return Amounts(values, None, 2 * UNIT * np.abs(values))


def _divided(value: int, scale: int) -> float:
    try:
        return float(value / 10**scale)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def largest(values: Array) -> int:
    """The largest magnitude in an array of integers, 0 for an empty array."""
    return max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0


def wide(values: Array, bound: int) -> Array:
    """The values, as Python integers if `bound` does not fit into int64."""
    return values.astype(object) if bound > _INT64 and values.dtype != object else values


def at_scale(a: Amounts, scale: int) -> Amounts:
    """The same exact amounts at a larger or equal scale."""
    assert a.scale is not None
    factor = 10 ** (scale - a.scale)
    if factor == 1:
        return a
    return Amounts(wide(a.values, max(largest(a.values), 1) * factor) * factor, scale)


def _alike(a: Amounts, b: Amounts) -> tuple[Amounts, Amounts]:
    """Both exact at one scale, or both doubles."""
    if a.scale is None or b.scale is None:
        return as_doubles(a), as_doubles(b)
    scale = max(a.scale, b.scale)
    return at_scale(a, scale), at_scale(b, scale)


def add(a: Amounts, b: Amounts) -> Amounts:
    """a + b."""
    a, b = _alike(a, b)
    if a.slop is None or b.slop is None:
        bound = largest(a.values) + largest(b.values)
        return Amounts(wide(a.values, bound) + wide(b.values, bound), a.scale)
    values = a.values + b.values
    return Amounts(values, None, a.slop + b.slop + UNIT * np.abs(values), a.coarse or b.coarse)


def negative(a: Amounts) -> Amounts:
    """-a."""
    return Amounts(-_safe(a), a.scale, a.slop, a.coarse)


def _safe(a: Amounts) -> Array:
    """The values in a type in which each can be negated; the smallest int64 cannot."""
    return a.values if a.scale is None else wide(a.values, largest(a.values))


def minus(a: Amounts, b: Amounts) -> Amounts:
    """a - b."""
    return add(a, negative(b))


def times(a: Amounts, b: Amounts) -> Amounts:
    """a * b; the scales of exact amounts add up."""
    if a.scale is not None and b.scale is not None:
        bound = largest(a.values) * largest(b.values)
        return Amounts(wide(a.values, bound) * wide(b.values, bound), a.scale + b.scale)
    a, b = as_doubles(a), as_doubles(b)
    assert a.slop is not None and b.slop is not None
    values = a.values * b.values
    slop = np.abs(a.values) * b.slop + np.abs(b.values) * a.slop + UNIT * np.abs(values)
    return Amounts(values, None, slop, a.coarse or b.coarse)


def signed(a: Amounts, negative_where: Mask) -> Amounts:
    """-a where the mask says so, else a."""
    values = _safe(a)
    return Amounts(np.where(negative_where, -values, values), a.scale, a.slop, a.coarse)


def magnitude(a: Amounts) -> Amounts:
    """|a|."""
    return Amounts(np.abs(_safe(a)), a.scale, a.slop, a.coarse)


def take(a: Amounts, rows: Ints) -> Amounts:
    """The amounts at these indices, 0 for the index -1."""
    if not len(a):
        return constant(0, a.scale or 0, len(rows))
    values = np.where(rows >= 0, a.values[rows], 0)
    slop = None if a.slop is None else np.where(rows >= 0, a.slop[rows], 0.0)
    return Amounts(values, a.scale, slop, a.coarse)


def picked(a: Amounts, rows: Ints) -> Amounts:
    """The amounts at these indices."""
    return Amounts(a.values[rows], a.scale, None if a.slop is None else a.slop[rows], a.coarse)


def only(a: Amounts, mask: Mask) -> Amounts:
    """The amounts, with 0 where the mask is False."""
    slop = None if a.slop is None else np.where(mask, a.slop, 0.0)
    return Amounts(np.where(mask, a.values, 0), a.scale, slop, a.coarse)


def totals(a: Amounts, groups: Ints, count: int) -> Amounts:
    """(count,) sums by group; a group of -1 is left out."""
    inside = groups >= 0
    if not bool(inside.all()):
        a, groups = take(a, np.flatnonzero(inside)), groups[inside]
    if a.slop is None:
        values = wide(a.values, largest(a.values) * max(len(a), 1))
        out = np.zeros(count, values.dtype)
        np.add.at(out, groups, values)
        return Amounts(out, a.scale)
    sums = np.bincount(groups, a.values, count)
    sizes = np.bincount(groups, np.abs(a.values), count)
    slop = np.bincount(groups, a.slop, count) + UNIT * np.bincount(groups, minlength=count) * sizes
    return Amounts(sums, None, slop, a.coarse)


def running(a: Amounts) -> Amounts:
    """Running sums, each amount included."""
    if a.slop is None:
        return Amounts(np.cumsum(wide(a.values, largest(a.values) * max(len(a), 1))), a.scale)
    values = np.cumsum(a.values)
    slop = np.cumsum(a.slop) + UNIT * np.cumsum(np.abs(a.values)) * np.arange(1, len(a) + 1)
    return Amounts(values, None, slop, a.coarse)


def loosened(a: Amounts, unit: float) -> Amounts:
    """The same; doubles get `unit` more of slop, because a program on doubles does not round to our units."""
    if a.slop is None:
        return a
    return Amounts(a.values, None, a.slop + unit / SAFETY, unit > 0 or a.coarse)


def limit(a: Amounts, b: Amounts) -> Floats | None:
    """The largest difference of a and b that rounding explains, None if both are exact."""
    if a.scale is not None and b.scale is not None:
        return None
    x, y = as_doubles(a), as_doubles(b)
    assert x.slop is not None and y.slop is not None
    return SAFETY * (x.slop + y.slop)


def noise_limit(a: Amounts, b: Amounts) -> Floats:
    """The largest difference of a and b, one of which holds doubles, that counts as float noise."""
    x, y = as_doubles(a), as_doubles(b)
    assert x.slop is not None and y.slop is not None
    size = np.maximum(np.abs(x.values), np.abs(y.values))
    if not (a.coarse or b.coarse):
        size = np.maximum(size, (x.slop + y.slop) / UNIT)  # of all numbers that were added up
    return NOISE * size


def apart(a: Amounts, b: Amounts) -> Mask:
    """Where a and b differ by more than rounding explains. NaN and infinities differ from everything."""
    bound = limit(a, b)
    x, y = _alike(a, b)
    if bound is None:
        return np.asarray(x.values != y.values, np.bool_)
    return np.asarray(~(np.abs(x.values - y.values) <= bound), np.bool_)


def nonzero(a: Amounts) -> Mask:
    """Where an amount differs from zero by more than rounding explains."""
    return apart(a, constant(0, a.scale or 0, len(a)))


def value(a: Amounts, place: int) -> Value:
    """One amount, exact."""
    if a.scale is None:
        return float(a.values[place])
    return scaled(int(a.values[place]), a.scale)


def of_value(amount: Decimal) -> tuple[int, int]:
    """(integer, scale) of a finite Decimal."""
    sign, digits, exponent = amount.as_tuple()
    whole = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    power = int(exponent)
    return (whole * 10**power, 0) if power > 0 else (whole, -power)


PPB = 1_000_000_000


def mul(amounts: Array, rate: int) -> Array:
    """U2 on integers >= 0: amounts * rate / 10**9, rounded half up; each part of the sum fits into int64."""
    top = int(amounts.max()) if len(amounts) else 0
    if amounts.dtype == object or rate > 8 * PPB or (top // PPB + 1) * max(rate, 1) >= 2**62:
        return np.asarray((amounts.astype(object) * rate + PPB // 2) // PPB)
    return np.asarray((amounts // PPB) * rate + ((amounts % PPB) * rate + PPB // 2) // PPB)


def whole(a: Amounts, scale: int) -> Amounts | None:
    """The same amounts as integers at `scale`, None if they are doubles or have more decimals."""
    if a.scale is None:
        return None
    if a.scale <= scale:
        return at_scale(a, scale)
    factor = 10 ** (a.scale - scale)
    values = a.values if factor < 2**63 else a.values.astype(object)
    if bool((values % factor != 0).any()):
        return None
    return Amounts(values // factor, scale)
