"""Tolerances applied: how far two foreign values may be apart and still agree.

A tolerance bounds the gap |a - b| of two numbers:

    absolute   |a - b| <= bound
    relative   |a - b| <= bound * max(|a|, |b|)
    quantum    one of the two stands on the grid of multiples of the bound, and |a - b| <= bound / 2:
               one side shows the other's number rounded to that grid

All three are symmetric. An exact number stands for itself (next to a double: for the double nearest to it), a
double for the shortest decimal that reads back as it, and the comparison with the bound is exact. An empty
cell, NaN or an infinity is never absorbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import decimal_of
from reconcile.matching.cells import Comparable, Rows, as_doubles, number
from reconcile.matching.model import BoundKind, Tolerance, ToleranceUse
from reconcile.matching.noise import NoiseGauge
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

SLACK = 10
"""A bound more than this many times the largest gap it absorbed is slack."""
_EPS = float(np.finfo(np.float64).eps)


@dataclass(slots=True)
class _Use:
    """What one tolerance absorbed so far."""

    absorbed: int = 0
    largest: Fraction = Fraction(0)


class AppliedTolerances:
    """The tolerances of a comparison, and what each one has absorbed so far."""

    def __init__(self, tolerances: tuple[Tolerance, ...], reference: Ledger, candidate: Ledger) -> None:
        """Raises InputError where both ledgers follow our semantics, or where a column has two bounds."""
        if tolerances and all(ledger.manifest.semantics is not None for ledger in (reference, candidate)):
            raise InputError(
                "tolerances",
                "two ledgers of these semantics, which are exact",
                "a foreign ledger on one side",
                "Leave the tolerances out: such ledgers must agree to the last unit.",
            )
        self.by_column: dict[tuple[str, str], Tolerance] = {}
        for one in tolerances:
            if (one.table, one.column) in self.by_column:
                raise InputError(
                    "tolerances",
                    f"two bounds for {one.table}.{one.column}",
                    "one",
                    "Remove one of the two.",
                )
            self.by_column[one.table, one.column] = one
        self._uses = {key: _Use() for key in self.by_column}
        self.noise = NoiseGauge()

    def absorb(self, table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Rows:
        """The places, among differing pairs of rows, of those that no tolerance absorbs.

        A column without one has that of doubles: what is float noise is absorbed.
        """
        tolerance = self.by_column.get((table, column))
        everything = np.arange(len(left))
        if not len(left):
            return everything
        if tolerance is None:
            return everything[~self.noise.absorb(table, column, cells, left, right)]
        within = _within_all(tolerance, cells, left, right)
        self._remember(tolerance, cells, left[within], right[within])
        return everything[~within]

    def absorb_one(self, table: str, column: str, a: Fraction, b: Fraction, floats: bool) -> bool:
        """Whether the difference of two numbers is absorbed; if so, it is counted.

        floats: one of them was a double.
        """
        tolerance = self.by_column.get((table, column))
        if tolerance is None:
            return floats and self.noise.absorb_one(table, column, a, b)
        if not within(tolerance, a, b):
            return False
        use = self._uses[table, column]
        use.absorbed += 1
        use.largest = max(use.largest, gap(tolerance, a, b))
        return True

    def report(self) -> tuple[ToleranceUse, ...]:
        """What each tolerance did."""
        return tuple(_report(self.by_column[key], use) for key, use in self._uses.items())

    def _remember(self, tolerance: Tolerance, cells: Comparable, left: Rows, right: Rows) -> None:
        """Count the pairs, and find the largest gap: by doubles first, then exactly among the candidates."""
        if not len(left):
            return
        x, y = as_doubles(cells, left, 0), as_doubles(cells, right, 1)
        size = np.maximum(np.abs(x), np.abs(y))
        gaps, doubt = np.abs(x - y), 8 * _EPS * size
        if tolerance.kind is BoundKind.RELATIVE:
            safe = np.where(size > 0, size, 1.0)
            gaps, doubt = gaps / safe, doubt / safe + _EPS
        near = np.flatnonzero(gaps + doubt >= np.max(gaps - doubt))
        # Most of the candidates are the same few numbers.
        pairs = {(number(cells, int(left[i]), 0), number(cells, int(right[i]), 1)) for i in near}
        use = self._uses[tolerance.table, tolerance.column]
        use.absorbed += len(left)
        found = [gap(tolerance, a, b) for a, b in pairs if a is not None and b is not None]
        use.largest = max(use.largest, *found)


def _report(tolerance: Tolerance, use: _Use) -> ToleranceUse:
    bound = Fraction(tolerance.bound) / (2 if tolerance.kind is BoundKind.QUANTUM else 1)
    return ToleranceUse(tolerance, use.absorbed, decimal_of(use.largest), bound > SLACK * use.largest)


def gap(tolerance: Tolerance, a: Fraction, b: Fraction) -> Fraction:
    """The gap of two numbers; for a relative bound, as a fraction of the larger number."""
    size = max(abs(a), abs(b))
    return abs(a - b) / size if tolerance.kind is BoundKind.RELATIVE and size else abs(a - b)


def within(tolerance: Tolerance, a: Fraction, b: Fraction) -> bool:
    """Whether two numbers agree under a tolerance; exact and symmetric."""
    bound = Fraction(tolerance.bound)
    if tolerance.kind is not BoundKind.QUANTUM:
        return gap(tolerance, a, b) <= bound
    on_grid = (a / bound).denominator == 1 or (b / bound).denominator == 1
    return on_grid and abs(a - b) <= bound / 2


def _within_all(tolerance: Tolerance, cells: Comparable, left: Rows, right: Rows) -> npt.NDArray[np.bool_]:
    """`within` for many pairs: by doubles where their error cannot matter, else exactly."""
    x, y = as_doubles(cells, left, 0), as_doubles(cells, right, 1)
    usable = np.isfinite(x) & np.isfinite(y)
    for mask, rows in ((cells.reference_missing, left), (cells.candidate_missing, right)):
        if mask is not None:
            usable &= ~mask[rows]
    x, y = np.where(usable, x, 0.0), np.where(usable, y, 0.0)
    size = np.maximum(np.abs(x), np.abs(y))
    bound = float(tolerance.bound)
    limit = {
        BoundKind.ABSOLUTE: np.full(len(x), bound),
        BoundKind.RELATIVE: bound * size,
        BoundKind.QUANTUM: np.full(len(x), bound / 2),
    }[tolerance.kind]
    with np.errstate(over="ignore"):
        gaps = np.abs(x - y)
    doubt = 8 * _EPS * (size + limit)
    out = usable & (gaps < limit - doubt)
    unsure = usable & (np.abs(gaps - limit) <= doubt)
    if tolerance.kind is BoundKind.QUANTUM:
        off = [np.abs(v / bound - np.rint(v / bound)) > 1e-6 + 8 * _EPS * np.abs(v / bound) for v in (x, y)]
        unsure, out = (unsure | out) & ~(off[0] & off[1]), np.zeros(len(x), np.bool_)
    known: dict[tuple[Fraction | None, Fraction | None], bool] = {}
    for i in np.flatnonzero(unsure):
        a, b = number(cells, int(left[i]), 0), number(cells, int(right[i]), 1)
        if (a, b) not in known:
            known[a, b] = a is not None and b is not None and within(tolerance, a, b)
        out[i] = known[a, b]
    return np.asarray(out, np.bool_)
