"""Tolerances: how far foreign values may be apart and still agree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from reconcile.comparison.columns import Comparable, Rows
from reconcile.comparison.nouns import Tolerance, ToleranceUse
from vocabulary.ledger import Ledger


class Gauge:
    """Applies tolerances and remembers what each one absorbed."""

    def __init__(self, tolerances: tuple[Tolerance, ...], reference: Ledger, candidate: Ledger) -> None:
        self.tolerances = {(one.table, one.column): one for one in tolerances}

    def absorb(self, table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Rows:
        """Places of the pairs that remain breaks."""
        return np.arange(len(left))

    def absorb_one(self, table: str, column: str, a: Fraction, b: Fraction) -> bool:
        """Whether two totals agree."""
        return False

    def report(self) -> tuple[ToleranceUse, ...]:
        """What each tolerance did."""
        return ()
