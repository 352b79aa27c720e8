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
    """All bars from `scan.start` on, in pieces that can be matched within the budget."""
    whole = any(scan.hashed)  # the digest of a bar takes all its rows
    most = min(scan.budget.read_rows, scan.budget.matched_rows) if whole else scan.budget.read_rows
    for window in windows(scan.survey.rows, scan.start, most):
        for piece in _read(scan, window, lacking, whole):
            first, stop = piece.window
            for a, b in windows(_rows_by_bar(scan, piece), first, scan.budget.matched_rows, stop):
                yield piece if (a, b) == piece.window and not piece.in_place else piece.part(scan, a, b)


def _read(scan: Scan, window: tuple[int, int], lacking: tuple[Ints, Ints], whole: bool) -> Iterator[Piece]:
    """The rows of a window; in more than one piece where memory runs short."""
    waiting = [window]
    while waiting:
        first, stop = waiting.pop()
        try:
            piece = _piece(scan, (first, stop), lacking, whole)
        except MemoryShort:
            piece = None
        if piece is not None:
            yield piece
            continue
        for side in scan.sides:
            for table in side.tables.values():
                table.forget()
        if stop - first < 2:
            raise scan.budget.refused(f"a bar with {int(scan.survey.rows[first]):,} rows")
        middle = (first + stop) // 2
        waiting += [(middle, stop), (first, middle)]


def _piece(scan: Scan, window: tuple[int, int], lacking: tuple[Ints, Ints], whole: bool) -> Piece:
    span = OVERLAP + scan.survey.axis.lag
    low, high = times_of_bars(scan, max(window[0] - span, scan.start), window[1] + span)
    scan.budget.require(scan.budget.width * int(np.sum(scan.survey.rows[window[0] : window[1]])))
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
    counts = np.zeros(len(scan.bars), np.int64)
    for side in piece.slices:
        for one in side.values():
            found = np.bincount(np.searchsorted(scan.bars, one.times), minlength=len(counts))
            counts += found[: len(counts)]
    return counts


def times_of_bars(scan: Scan, first: int, stop: int) -> tuple[int, int]:
    """The times [low, high) of the bars [first, stop)."""
    bars = scan.bars
    return int(bars[first]), int(bars[stop]) if stop < len(bars) else int(bars[-1]) + 1
