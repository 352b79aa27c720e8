"""Constant patterns: one relation that many differing numbers share, so that they are one finding.

The other side's number times a constant, plus a constant, with the opposite sign, or rounded. Both numbers
may be rounded themselves, so each pair gives an interval for the constant; the roundest number inside all of
them is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from reconcile.matching.model import Value

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEAST = 3
"""Pairs that make a pattern: through two points there is always a line."""
MOST = 0.98
"""The share of the pairs that have to fit a pattern."""
_EPS = 2.0**-48
_DIGITS = 12
_GRID = 8


class PatternKind(Enum):
    """One relation that many breaks of a column share.

    factor, offset, sign, rounded: how the numbers of one side follow from the other's.  adjusted: prices by a
    factor for each symbol, and quantities by its inverse.  clock: rows that stand so much later.
    sides: buy and sell swapped.  renamed: one symbol under another name.  starts_later, ends_earlier: rows
    that one side lacks at its beginning or its end.
    """

    FACTOR = "factor"
    OFFSET = "offset"
    SIGN = "sign"
    ROUNDED = "rounded"
    ADJUSTED = "adjusted"
    CLOCK = "clock"
    SIDES = "sides"
    RENAMED = "renamed"
    STARTS_LATER = "starts_later"
    ENDS_EARLIER = "ends_earlier"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Breaks that one constant pattern accounts for.

    table, column: of the breaks. value: the factor, the offset, the decimals kept, the time in ns, or the new
    name; of `adjusted`, one factor per symbol as text. was: of `renamed`, the name on the other side.
    count: its breaks. lines: the rows they are in, where that is another number: a row that stands elsewhere
    is missing and extra. rows: the rows that the larger side has in the table; of `starts_later` and
    `ends_earlier`, the bars that are lacking. by_reference: whether the reference is the side that was
    rounded, renamed, starts later or ends earlier. whole: no other break is left. first: the place of its
    first break.
    """

    kind: PatternKind
    table: str
    column: str
    value: Value
    count: int
    rows: int
    first: int
    by_reference: bool = False
    whole: bool = False
    was: str | None = None
    lines: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A relation and the pairs that have it. value: the factor, the offset, or the decimals kept.

    by_reference: of ROUNDED, whether the reference is the rounded side.
    """

    kind: PatternKind
    value: Fraction
    fits: Mask
    by_reference: bool = False


def fit(reference: Floats, candidate: Floats, units: tuple[float, float]) -> Fit | None:
    """The relation of some differing pairs, None where they have none in common.

    units: the last digit of either side's numbers, which may be off by half of it; 0 for numbers that are not
    rounded. Pairs with a number that is not finite must have been left out.
    """
    if len(reference) < LEAST:
        return None
    noise = tuple(units[side] / 2 + _EPS * np.abs(x) for side, x in enumerate((reference, candidate)))
    exact = tuple(_EPS * np.abs(x) for x in (reference, candidate))
    found = (
        _sign(reference, candidate)
        or _rounded(reference, candidate)
        or _offset(reference, candidate, exact)
        or _factor(reference, candidate, exact)
    )
    if found is None:
        offset, factor = _offset(reference, candidate, noise), _factor(reference, candidate, noise)
        found = offset if factor is None or (offset is not None and _digits(factor.value) > 3) else factor
    return found


def _enough(fits: Mask) -> bool:
    return int(fits.sum()) >= max(LEAST, MOST * len(fits))


def _sign(x: Floats, y: Floats) -> Fit | None:
    fits = np.asarray((x == -y) & (x != 0), np.bool_)
    return Fit(PatternKind.SIGN, Fraction(-1), fits) if _enough(fits) else None


def _rounded(x: Floats, y: Floats) -> Fit | None:
    """One side is the other to fewer decimals: half, down or up."""
    for by_reference, whole, short in ((False, x, y), (True, y, x)):
        for decimals in range(_GRID + 1):
            on_grid = np.round(short, decimals) == short
            near = np.abs(whole - short) <= 10.0**-decimals * (0.5 + 1e-6)
            fits = np.asarray(on_grid & near & (np.round(whole, decimals) != whole), np.bool_)
            if _enough(fits):
                return Fit(PatternKind.ROUNDED, Fraction(decimals), fits, by_reference)
    return None


def _offset(x: Floats, y: Floats, noise: tuple[Floats, ...]) -> Fit | None:
    apart, slack = y - x, noise[0] + noise[1]
    middle = float(np.median(apart))
    fits = np.asarray(np.abs(apart - middle) <= 2 * slack, np.bool_)
    if not _enough(fits) or len(set(x[fits].tolist())) < 2:
        return None
    value = roundest(float(np.max((apart - slack)[fits])), float(np.min((apart + slack)[fits])))
    return None if not value else Fit(PatternKind.OFFSET, value, fits)


def _factor(x: Floats, y: Floats, noise: tuple[Floats, ...]) -> Fit | None:
    told = (x != 0) & (y != 0)
    if not _enough(np.asarray(told, np.bool_)):
        return None
    safe = np.where(told, x, 1.0)
    ratio = y / safe
    # The largest numbers give the narrowest intervals.
    large = told & (np.abs(x) >= np.median(np.abs(x[told])))
    middle = float(np.median(ratio[large]))
    slack = (noise[1] + abs(middle) * noise[0]) / np.abs(safe)
    fits = np.asarray(told & (np.abs(ratio - middle) <= 2 * slack + 1e-12 * abs(middle)), np.bool_)
    if not _enough(fits):
        return None
    low, high = float(np.max((ratio - slack)[fits])), float(np.min((ratio + slack)[fits]))
    if low > high or low <= 1.0 <= high or high - low > 0.02 * abs(middle):
        return None
    value = roundest(low, high)
    return None if not value else Fit(PatternKind.FACTOR, value, fits)


def roundest(low: float, high: float) -> Fraction | None:
    """The number with the fewest digits in [low, high], or a short fraction where that is plainer."""
    if low > high:
        return None
    if low <= 0.0 <= high:
        return Fraction(0)
    middle = (low + high) / 2
    simple = Fraction(middle).limit_denominator(20)
    for digits in range(1, _DIGITS + 1):
        value = Decimal(f"{middle:.{digits - 1}e}")
        if low <= float(value) <= high:
            if digits > 4 and low <= float(simple) <= high:
                return simple
            return Fraction(value)
    return Fraction(Decimal(repr(middle)))


def _digits(value: Fraction) -> int:
    """The significant digits of a number or of its inverse, whichever has fewer."""
    texts = (f"{float(each):.10g}" for each in (value, 1 / value))
    return min(len(text.replace(".", "").replace("-", "").strip("0")) for text in texts)


def shown(value: Fraction) -> str:
    """A constant as text: a decimal, or a fraction where it does not end."""
    if value.denominator in range(2, 21) and Fraction(f"{float(value):.10g}") != value:
        return f"{value.numerator}/{value.denominator}"
    text = f"{float(value):.10g}"
    return f"{int(value):,}" if value.denominator == 1 and abs(value) < 10**15 else text
