"""Two data sets compared window by window: the verdict and the breaks of a diff in memory, in bounded memory.

A key has a time in every table, so that rows belong together within a bar, or a few bars away where one side
lacks them. A window is therefore read with an overlap on both sides, compared as any two ledgers are, and
keeps the breaks of its own cycles: in their order they are the breaks of the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reconcile.comparing.compare import compare_all, rows_between
from reconcile.ledger.digest import first_link, first_link_apart, links_after, links_fault
from reconcile.matching.assemble import assemble
from reconcile.matching.axis import make_axis
from reconcile.matching.bounds import AppliedTolerances
from reconcile.matching.breaks import Breaks
from reconcile.matching.cells import Comparable, Rows
from reconcile.matching.diff_tables import BreakCollector
from reconcile.matching.inexact_pairs import WINDOW
from reconcile.matching.model import Break, BreakType, ChainSide, ChainState, LedgerSide, Stage, Tolerance
from reconcile.matching.pair_rows import SEQUENCE
from reconcile.matching.stages import COMPARED_TIME
from reconcile.scaling.dataset import DataSet, Ints
from reconcile.scaling.spool import in_order
from reconcile.scaling.survey import OVERLAP, Survey, survey, windows
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.running.progress import Progress
    from vocabulary.scenario import Timing

KEPT = 1000
"""Breaks that are kept whole; the others are counted, and found again where they are written."""
BYTES_PER_ROW = 1_500
"""Memory that a row of a window takes at most, all its copies and breaks included, as measured."""
BASE = 450_000_000
"""Memory that the process takes beside its windows: libraries, row groups kept, the times of the survey."""
LEAST = 20_000
"""Rows of a window at least: below, windows are mostly overlap."""


@dataclass(slots=True)
class Tally:
    """What was found so far. bounds: what they absorbed. sequence: breaks of fills.sequence. lacking: per
    side, the numbers of rows without a partner. columns: by table, those that were compared. inexact:
    windows at whose edge one-sided rows follow each other through the whole overlap. links: per side, of the
    bars that were read.
    """

    bounds: AppliedTolerances
    breaks: int = 0
    by_stage: Counter[Stage] = field(default_factory=Counter)
    by_type: Counter[BreakType] = field(default_factory=Counter)
    tables: set[str] = field(default_factory=set)
    kept: list[Break] = field(default_factory=list)
    sequence: int = 0
    lacking: tuple[list[Ints], list[Ints]] = field(default_factory=lambda: ([], []))
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inexact: int = 0
    links: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    notes: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Both sides and how they are read. start: the first bar that is not equal by both digest chains.

    hashed: per side whether its rows are hashed on the way.
    """

    sides: tuple[DataSet, DataSet]
    chosen: tuple[str, ...] | None
    survey: Survey
    start: int
    most: int
    hashed: tuple[bool, bool]
    tolerances: tuple[Tolerance, ...] = ()

    @property
    def bars(self) -> Ints:
        return self.survey.axis.bars


def prepare(
    sides: tuple[DataSet, DataSet],
    chosen: tuple[str, ...] | None,
    timing: Timing | None,
    tolerances: tuple[Tolerance, ...],
    memory: int,
    folder: Path,
    progress: Progress | None = None,
) -> Scan:
    """Survey both sides, and lay tables out by time where they are not. memory: bytes of the process."""
    found = survey(sides, timing, progress)
    most = max(LEAST, (memory - BASE) // BYTES_PER_ROW)
    start = _equal_bars(sides, found)
    edges = np.array([found.axis.bars[first] for first, _ in windows(found.rows, 0, most)], np.int64)
    for side, names in zip(sides, found.scattered, strict=True):
        assert isinstance(side.tables, dict)
        for name in names:
            side.tables[name] = in_order(side.tables[name], edges, folder)
    hashed = tuple(
        side.manifest.chain is not None and all(table.ascending for table in side.tables.values())
        for side in sides
    )
    return Scan(sides, chosen, found, start, most, (hashed[0], hashed[1]), tolerances)


def _equal_bars(sides: tuple[DataSet, DataSet], found: Survey) -> int:
    """The first bar at which the digest chains of both manifests part; 0 where they do not fit the files.

    They fit where tables, columns, numbers of rows and of bars are those that the manifests were written for.
    """
    one, other = (side.manifest.chain for side in sides)
    if one is None or other is None or len(one) != len(found.own[0]) or len(other) != len(found.own[1]):
        return 0
    shapes = [{name: table.column_names() for name, table in side.tables.items()} for side in sides]
    stated = all(
        side.listed == {name: table.rows for name, table in side.tables.items()}
        and all(table.ascending for table in side.tables.values())
        for side in sides
    )
    if shapes[0] != shapes[1] or not stated:
        return 0
    place = first_link_apart(one, other)
    shared = min(len(one), len(other)) if place is None else place
    if not np.array_equal(found.own[0][:shared], found.own[1][:shared]):
        return 0
    if place is None:
        return len(found.axis.bars)
    at = min(int(own[place]) for own in found.own if place < len(own))
    return int(np.searchsorted(found.axis.bars, at))


def run(scan: Scan, lacking: tuple[Ints, Ints], progress: Progress | None = None) -> Tally:
    """Compare all windows. lacking: per side, the sequence numbers of rows without a partner, ascending."""
    tally = Tally(_bounds(scan))
    links = [_link_before(scan, side) for side in (0, 1)]
    for piece in _pieces(scan):
        breaks, compared = _breaks(scan, piece, lacking, tally, tally.bounds)
        tally.columns.update(compared)
        _count(breaks, piece, tally)
        tally.notes.update(dict.fromkeys(piece.notes))
        for side, ledger in enumerate(piece.ledgers):
            if scan.hashed[side]:
                made = links_after(rows_between(ledger, *_times(scan, *piece.window)), links[side])
                tally.links[side].extend(made)
                links[side] = made[-1] if made else links[side]
        if progress is not None:
            progress(int(np.sum(scan.survey.rows[: piece.window[1]])))
    return tally


def breaks_of(scan: Scan, lacking: tuple[Ints, Ints]) -> Iterator[Break]:
    """Every break, in order; all windows are compared once more."""
    for piece in _pieces(scan):
        tally = Tally(_bounds(scan))
        found, _ = _breaks(scan, piece, lacking, tally, tally.bounds)
        for one in found:
            yield _numbered(one, piece)


def whole(scan: Scan, progress: Progress | None = None) -> tuple[Tally, tuple[Ints, Ints]]:
    """What all windows come to, and the sequence numbers that were left out.

    Of sequence numbers the reading with fewer breaks counts: as they stand, or without the rows that the
    other side lacks. Which it is shows at the end only; where it may be the second, all is compared again.
    """
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    tally = run(scan, none, progress)
    lacking = tuple(np.sort(np.concatenate([none[0], *parts])) for parts in tally.lacking)
    if not tally.sequence or not any(len(part) for part in lacking):
        return tally, none
    both = (lacking[0], lacking[1])
    again = run(scan, both, progress)
    return (tally, none) if tally.sequence <= again.sequence else (again, both)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A window of bars with the rows of both sides, those of the overlap included.

    numbers: per side and table, the number of each row in the whole table.
    """

    window: tuple[int, int]
    ledgers: tuple[Ledger, Ledger]
    numbers: tuple[dict[str, Ints], dict[str, Ints]]
    notes: tuple[str, ...]


def _pieces(scan: Scan) -> Iterator[_Piece]:
    span = OVERLAP + scan.survey.axis.lag
    for window in windows(scan.survey.rows, scan.start, scan.most):
        low, high = _times(scan, max(window[0] - span, scan.start), window[1] + span)
        ledgers, numbers = [], []
        notes: list[str] = []
        for side in scan.sides:
            read = {name: table.rows_between(low, high) for name, table in side.tables.items()}
            ledger, said = side.ledger({name: rows for name, (rows, _) in read.items()})
            ledgers.append(ledger)
            numbers.append({name: places for name, (_, places) in read.items()})
            notes += said
        yield _Piece(window, (ledgers[0], ledgers[1]), (numbers[0], numbers[1]), tuple(notes))


def _times(scan: Scan, first: int, stop: int) -> tuple[int, int]:
    """The times [low, high) of the bars [first, stop)."""
    bars = scan.bars
    return int(bars[first]), int(bars[stop]) if stop < len(bars) else int(bars[-1]) + 1


def _bounds(scan: Scan) -> AppliedTolerances:
    return AppliedTolerances(scan.tolerances, *(side.skeleton() for side in scan.sides))


def _breaks(
    scan: Scan, piece: _Piece, lacking: tuple[Ints, Ints], tally: Tally, bounds: AppliedTolerances
) -> tuple[Breaks, dict[str, tuple[str, ...]]]:
    """The breaks of a window's own cycles, and the columns compared by table."""
    axis = replace(scan.survey.axis, stamps=make_axis(*piece.ledgers, None).stamps)
    first, stop = piece.window
    low, high = _times(scan, first, stop)
    onesided: dict[str, tuple[Ints, Ints]] = {}

    def unpaired(name: str, columns: dict[str, Comparable], missing: Rows, extra: Rows) -> None:
        time = columns[COMPARED_TIME[name]]
        sides = (time.reference[missing], time.candidate[extra])
        onesided[name] = (np.unique(sides[0]), np.unique(sides[1]))
        if SEQUENCE in columns:
            numbers = (columns[SEQUENCE].reference[missing], columns[SEQUENCE].candidate[extra])
            for side in (0, 1):
                own = (sides[side] >= low) & (sides[side] < high)
                tally.lacking[side].append(np.asarray(numbers[side][own], np.int64))

    spare = _bounds(scan)

    def absorb(table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Rows:
        times = piece.ledgers[0].tables[table].columns[COMPARED_TIME[table]].values[left]
        own = (times >= low) & (times < high)
        keep = np.zeros(len(left), np.bool_)
        for mask, applied in ((own, bounds), (~own, spare)):  # what the overlap absorbs is not counted
            at = np.flatnonzero(mask)
            keep[at[applied.absorb(table, column, cells, left[at], right[at])]] = True
        return np.flatnonzero(keep)

    collector = BreakCollector(absorb, bounds.absorb_one, unpaired=unpaired, lacking=lacking)
    compared = compare_all(*piece.ledgers, scan.chosen, axis, collector)
    left, right = (LedgerSide(one.manifest, one.tables) for one in piece.ledgers)
    found = assemble(collector.groups, axis, (left, right))
    cycle = found.columns.cycle
    last = stop >= len(scan.bars)
    own = (cycle >= first) | (first == 0)
    own &= (cycle < stop) | last
    tally.inexact += not all(_is_settled(scan, piece.window, pair) for pair in onesided.values())
    return found.at(np.flatnonzero(own)), {one.table: one.columns for one in compared}


def _is_settled(scan: Scan, window: tuple[int, int], onesided: tuple[Ints, Ints]) -> bool:
    """Whether no chain of one-sided rows reaches from outside what was read into the window.

    Rows of two sides can be one row when they are at most WINDOW bars apart. A chain is broken between two
    bars that no such pair spans.
    """
    bars = scan.bars
    left, right = (np.searchsorted(bars, times) for times in onesided)
    if not len(left) or not len(right):
        return True
    span = OVERLAP + scan.survey.axis.lag
    lag = scan.survey.axis.lag
    zones = []
    if window[0] - span > scan.start:
        zones.append(range(window[0] - span + 1, window[0] - lag + 1))
    if window[1] + span < len(bars):
        zones.append(range(window[1], window[1] + span))
    return all(any(not _spanned(cut, left, right) for cut in zone) for zone in zones)


def _spanned(cut: int, left: Ints, right: Ints) -> bool:
    """Whether a one-sided row before a bar and one of the other side from it on may belong together."""
    for before, after in ((left, right), (right, left)):
        near = before[(before < cut) & (before >= cut - WINDOW)]
        far = after[(after >= cut) & (after < cut + WINDOW)]
        if len(near) and len(far) and int(far.min()) - int(near.max()) <= WINDOW:
            return True
    return False


def _count(breaks: Breaks, piece: _Piece, tally: Tally) -> None:
    tally.breaks += len(breaks)
    tally.by_stage.update(breaks.by_stage())
    tally.by_type.update(breaks.by_type())
    tally.tables |= breaks.tables()
    tally.sequence += int(np.count_nonzero(breaks.columns.field == breaks.names.index(SEQUENCE)))
    for one in breaks[: KEPT - len(tally.kept)]:
        tally.kept.append(_numbered(one, piece))


def _numbered(one: Break, piece: _Piece) -> Break:
    """The break with the numbers that its rows have in the whole tables."""
    rows = [
        None if row is None else int(numbers[one.table][row])
        for row, numbers in zip((one.reference_row, one.candidate_row), piece.numbers, strict=True)
    ]
    return replace(one, reference_row=rows[0], candidate_row=rows[1])


def _link_before(scan: Scan, side: int) -> str:
    """The link of the last bar that is not read; of none, the link before the first."""
    own, claimed = scan.survey.own[side], scan.sides[side].manifest.chain or ()
    skipped = _skipped(scan, side)
    return claimed[skipped - 1] if skipped and len(own) else first_link(scan.sides[side].skeleton())


def _skipped(scan: Scan, side: int) -> int:
    """The links of the bars that are not read."""
    if scan.start >= len(scan.bars):
        return len(scan.survey.own[side])
    return int(np.searchsorted(scan.survey.own[side], scan.bars[scan.start]))


def chain_side(scan: Scan, side: int, tally: Tally) -> ChainSide:
    """Whether the rows that were read fit the digest chain; not held where some were not read."""
    claimed = scan.sides[side].manifest.chain
    if claimed is None:
        return ChainSide(ChainState.NONE)
    skipped = _skipped(scan, side)
    computed = (*claimed[:skipped], *tally.links[side])
    if not scan.hashed[side] or (computed == claimed and skipped):
        return ChainSide(ChainState.NOT_HELD)
    if computed == claimed:
        return ChainSide(ChainState.HOLDS)
    fault = links_fault(claimed, computed)
    own = scan.survey.own[side]
    at = int(own[min(fault.bars[0], len(own) - 1)]) if len(own) else None
    return ChainSide(ChainState.BROKEN, at, fault)
