"""Windows of bars with their rows of both sides, equal ones left out, cut to what can be matched at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reconcile.scaling.budget import MemoryShort
from reconcile.scaling.dataset import Ints, Slice
from reconcile.scaling.equal_rows import differing_tables
from reconcile.scaling.survey import OVERLAP, windows
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.scaling.compare import Scan


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A window [from, to) of bars. slices: per side and table the rows of it and of the bars that are read
    beside it, equal ones left out. in_place: no row can lack a partner, so that bars do not touch each other.
    """

    window: tuple[int, int]
    slices: tuple[dict[str, Slice], dict[str, Slice]]
    in_place: bool

    @property
    def rows(self) -> int:
        return sum(len(one.times) for side in self.slices for one in side.values())

    def ledger(self, scan: Scan, side: int) -> tuple[Ledger, tuple[str, ...]]:
        """The rows of a side as a ledger, and what reading them left out."""
        return scan.sides[side].ledger({name: one.data for name, one in self.slices[side].items()})

    def part(self, scan: Scan, first: int, stop: int) -> Piece:
        """The same for some of its bars."""
        reach = scan.survey.axis.lag if self.in_place else OVERLAP + scan.survey.axis.lag
        low, high = times_of_bars(scan, max(first - reach, scan.start), stop + reach)
        slices = [{name: one.between(low, high) for name, one in side.items()} for side in self.slices]
        return Piece((first, stop), (slices[0], slices[1]), self.in_place)

    def halves(self, scan: Scan) -> tuple[Piece, Piece] | None:
        """Two parts; None of a single bar."""
        first, stop = self.window
        if stop - first < 2:
            return None
        middle = (first + stop) // 2
        return self.part(scan, first, middle), self.part(scan, middle, stop)


def pieces(scan: Scan, lacking: tuple[Ints, Ints]) -> Iterator[Piece]:
    """All bars from `scan.start` on, in pieces that can be matched within the budget.

    Bars beside a window are read from the first window on in which a row may lack its partner.
    """
    whole = any(scan.hashed)  # the digest of a bar takes all its rows
    most = min(scan.budget.read_rows, scan.budget.matched_rows) if whole else scan.budget.read_rows
    beside = whole
    for window in windows(scan.survey.rows, scan.start, most):
        waiting = [window]
        while waiting:
            first, stop = waiting.pop()
            piece = _read(scan, (first, stop), lacking, whole, beside)
            if piece is None:
                if stop - first < 2:
                    raise scan.budget.refused(f"a bar with {int(scan.survey.rows[first]):,} rows")
                middle = (first + stop) // 2
                waiting += [(middle, stop), (first, middle)]
                continue
            beside = beside or not piece.in_place
            for a, b in windows(_rows_by_bar(scan, piece), 0, scan.budget.matched_rows):
                sub = (first + a, first + b)
                yield piece if sub == piece.window and not piece.in_place else piece.part(scan, *sub)


def _read(
    scan: Scan, window: tuple[int, int], lacking: tuple[Ints, Ints], whole: bool, beside: bool
) -> Piece | None:
    """The rows of a window; None where memory runs short."""
    try:
        if not beside:
            piece = _piece(scan, window, lacking, whole, 0)
            if piece.in_place:
                return piece
        return _piece(scan, window, lacking, whole, OVERLAP)
    except MemoryShort:
        for side in scan.sides:
            for table in side.tables.values():
                table.forget()
        return None


def _piece(
    scan: Scan, window: tuple[int, int], lacking: tuple[Ints, Ints], whole: bool, overlap: int
) -> Piece:
    first, stop = max(window[0] - overlap - scan.survey.axis.lag, scan.start), window[1] + overlap
    low, high = times_of_bars(scan, first, stop + (scan.survey.axis.lag if overlap else 0))
    scan.budget.require(scan.budget.width * int(np.sum(scan.survey.rows[first:stop])))
    left, right = (_rows(scan, side, low, high) for side in (0, 1))
    if whole:
        return Piece(window, (left, right), False)
    shared = {name: (rows, right[name]) for name, rows in left.items() if name in right}
    kept, in_place = differing_tables(shared, lacking)
    left |= {name: sides[0] for name, sides in kept.items()}
    right |= {name: sides[1] for name, sides in kept.items()}
    return Piece(window, (left, right), in_place)


def _rows(scan: Scan, side: int, low: int, high: int) -> dict[str, Slice]:
    """The rows of every table of a side with a time in [low, high)."""
    out = {}
    for name, table in scan.sides[side].tables.items():
        out[name] = table.rows_between(low, high)
        scan.budget.require()
    return out


def _rows_by_bar(scan: Scan, piece: Piece) -> Ints:
    """The rows of both sides that are left of each bar of the window."""
    first, stop = piece.window
    counts = np.zeros(stop - first, np.int64)
    for side in piece.slices:
        for one in side.values():
            bars = np.searchsorted(scan.bars, one.times) - first
            counts += np.bincount(bars[(bars >= 0) & (bars < stop - first)], minlength=stop - first)
    return counts


def times_of_bars(scan: Scan, first: int, stop: int) -> tuple[int, int]:
    """The times [low, high) of the bars [first, stop)."""
    bars = scan.bars
    return int(bars[first]), int(bars[stop]) if stop < len(bars) else int(bars[-1]) + 1
