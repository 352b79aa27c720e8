"""Float noise: gaps between doubles that rounding to 53 bits explains. They are no breaks, and are reported.

A number that a program computed in doubles carries at most one rounding of 2**-53 of its size for each
operation behind it. The cell of row i has two of them for every row up to its own on each side, and `STEPS`
for its own arithmetic; beyond `MOST` (the bound of `auditing.amounts`) nothing is called noise.

Noise has no grid. Where the doubles of a side stand on a grid of decimals and the gaps are of its size, the
numbers were rounded (to cents, to 8 decimals) or are other numbers. That stays a break.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import decimal_of
from reconcile.matching.cells import NUMBERS, Comparable, Mask, Rows, as_doubles, number
from reconcile.matching.model import FloatNoise

Floats = npt.NDArray[np.float64]

UNIT = 2.0**-53
STEPS = 8
"""Roundings in the arithmetic of one cell."""
MOST = 2.0**-42
"""The largest share of a number that is noise, however many operations are behind it (2e-13)."""
RUNNING = ("equity", "returns")
"""Tables whose cells are what is left of larger numbers: a cash of 0 is a million less a million."""
PARTS = 64
"""A gap of more than a 64th of a grid's step is of the size of that grid."""
_FINEST = 15


@dataclass(slots=True)
class _Use:
    """The noise of one column: how many cells, the largest gap, and the largest gap as a share."""

    cells: int = 0
    largest: Fraction = Fraction(0)
    share: float = 0.0


class NoiseGauge:
    """The float noise found so far, by column.

    numbers: where tables are parts of larger ones, the numbers of their rows there, by side. before: the
    largest number of a column of each side in the rows before these parts.
    """

    def __init__(self) -> None:
        self._uses: dict[tuple[str, str], _Use] = {}
        self.numbers: tuple[Rows, Rows] | None = None
        self.before: dict[tuple[str, str, int], float] = {}

    def absorb(self, table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Mask:
        """Which of some differing pairs of rows differ by float noise only."""
        if not cells.floats or cells.kind not in NUMBERS:
            return np.zeros(len(left), np.bool_)
        x, y = as_doubles(cells, left, 0), as_doubles(cells, right, 1)
        known = np.isfinite(x) & np.isfinite(y) & _full(cells, left, right)
        x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
        size = np.maximum(np.abs(x), np.abs(y))
        if table in RUNNING:
            size = np.maximum(size, self._largest_before(table, column, cells, left, right))
        with np.errstate(over="ignore"):
            gaps = np.abs(x - y)
        whole = (left, right) if self.numbers is None else (self.numbers[0][left], self.numbers[1][right])
        steps = 2.0 * (np.maximum(*whole) + 1) + STEPS
        within = known & (gaps <= np.minimum(steps * UNIT, MOST) * size)
        if not bool(within.any()) or _on_grid(cells.doubles, x[within], y[within], float(gaps[within].max())):
            return np.zeros(len(left), np.bool_)
        self._remember(table, column, cells, (left[within], right[within]), (gaps[within], size[within]))
        return np.asarray(within, np.bool_)

    def absorb_one(self, table: str, column: str, a: Fraction, b: Fraction) -> bool:
        """The same for two numbers that several rows give together."""
        size, gap = float(max(abs(a), abs(b))), float(abs(a - b))
        if not gap <= STEPS * UNIT * size:
            return False
        use = self._uses.setdefault((table, column), _Use())
        use.cells += 1
        use.largest, use.share = max(use.largest, abs(a - b)), max(use.share, gap / size)
        return True

    def _largest_before(self, table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Floats:
        """For each pair, the largest number of its column up to its row; of returns, the 1 that they are
        taken from."""
        if table == "returns":
            return np.ones(len(left))
        out = np.zeros(len(left))
        for side, (values, rows) in enumerate(((cells.reference, left), (cells.candidate, right))):
            out = np.maximum(out, _running(values)[rows])
            out = np.maximum(out, self.before.get((table, column, side), 0.0))
        return out

    def report(self) -> tuple[FloatNoise, ...]:
        """The noise of each column that has any, in the order in which it was met."""
        return tuple(
            FloatNoise(*key, use.cells, _short(use.largest), use.share) for key, use in self._uses.items()
        )

    def _remember(
        self,
        table: str,
        column: str,
        cells: Comparable,
        rows: tuple[Rows, Rows],
        measured: tuple[Floats, Floats],
    ) -> None:
        gaps, size = measured
        use = self._uses.setdefault((table, column), _Use())
        at = int(np.argmax(gaps))
        a, b = number(cells, int(rows[0][at]), 0), number(cells, int(rows[1][at]), 1)
        use.cells += len(gaps)
        if a is not None and b is not None:
            use.largest = max(use.largest, abs(a - b))
        use.share = max(use.share, float(np.max(gaps / size)))


def _short(gap: Fraction) -> Decimal:
    """A gap to two digits."""
    return Decimal(f"{decimal_of(gap):.2g}")


def _full(cells: Comparable, left: Rows, right: Rows) -> Mask:
    """The pairs in which neither cell is empty."""
    out = np.ones(len(left), np.bool_)
    for mask, rows in ((cells.reference_missing, left), (cells.candidate_missing, right)):
        if mask is not None:
            out &= ~mask[rows]
    return out


def _running(values: npt.NDArray[Any]) -> Floats:
    """The largest finite size up to each row."""
    sizes = np.abs(values.astype(np.float64))
    return np.asarray(np.maximum.accumulate(np.where(np.isfinite(sizes), sizes, 0.0)))


def _on_grid(doubles: tuple[bool, bool], x: Floats, y: Floats, largest: float) -> bool:
    """Whether the doubles of a side were rounded: they stand on a grid, and the gaps are of its size."""
    for is_double, values in zip(doubles, (x, y), strict=True):
        decimals = grid_of(values) if is_double else None
        if decimals is not None and largest > 10.0**-decimals / PARTS:
            return True
    return False


def grid_of(values: Floats) -> int | None:
    """The fewest decimals that some doubles have, None where they have more than can be told from noise."""
    coarsest = 16 * 2 * UNIT * float(np.max(np.abs(values), initial=0.0))
    for decimals in range(_FINEST + 1):
        if 10.0**-decimals < coarsest:
            return None
        if bool((np.round(values, decimals) == values).all()):
            return decimals
    return None
