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
from reconcile.matching.cells import NUMBERS, Comparable, Rows, doubles
from reconcile.matching.diff_tables import BreakCollector
from reconcile.matching.inexact_pairs import WINDOW
from reconcile.matching.model import Break, BreakType, ChainSide, ChainState, LedgerSide, Stage, Tolerance
from reconcile.matching.noise import RUNNING
from reconcile.matching.pair_rows import SEQUENCE
from reconcile.matching.stages import COMPARED_TIME
from reconcile.scaling.budget import Budget, MemoryShort, width_of
from reconcile.scaling.dataset import DataSet, Ints
from reconcile.scaling.pieces import Piece, pieces, times_of_bars
from reconcile.scaling.spool import in_order
from reconcile.scaling.survey import OVERLAP, Survey, survey, windows
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.running.progress import Progress
    from vocabulary.scenario import Timing

KEPT = 1000
"""Breaks that are kept whole; the others are counted, and found again where they are written."""


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

    hashed: per side whether its rows are hashed on the way. skeletons: the ledgers without their rows.
    """

    sides: tuple[DataSet, DataSet]
    chosen: tuple[str, ...] | None
    survey: Survey
    start: int
    budget: Budget
    hashed: tuple[bool, bool]
    skeletons: tuple[Ledger, Ledger]
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
    budget = Budget(memory, _width(sides))
    try:
        budget.require()
        found = survey(sides, timing, budget.require, progress)
    except MemoryShort:
        raise budget.refused("the times of all rows") from None
    start = _equal_bars(sides, found)
    most = budget.read_rows
    edges = np.array([found.axis.bars[first] for first, _ in windows(found.rows, 0, most)], np.int64)
    for side, names in zip(sides, found.scattered, strict=True):
        assert isinstance(side.tables, dict)
        for name, table in side.tables.items():
            large = not table.ascending and table.largest_part() > most // 8
            if name in names or large:
                side.tables[name] = in_order(table, edges, folder)
    hashed = tuple(
        side.manifest.chain is not None and all(table.ascending for table in side.tables.values())
        for side in sides
    )
    skeletons = (sides[0].skeleton(), sides[1].skeleton())
    return Scan(sides, chosen, found, start, budget, (hashed[0], hashed[1]), skeletons, tolerances)


def _width(sides: tuple[DataSet, DataSet]) -> float:
    """The mean bytes of a row."""
    return width_of(
        {
            (side.path, place, name): (table.rows, table.bytes_per_row())
            for place, side in enumerate(sides)
            for name, table in side.tables.items()
        }
    )


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
    for breaks, piece in _compared(scan, lacking, tally):
        _count(breaks, piece, tally)
        if progress is not None:
            progress(int(np.sum(scan.survey.rows[: piece.window[1]])))
    return tally


def _compared(scan: Scan, lacking: tuple[Ints, Ints], tally: Tally) -> Iterator[tuple[Breaks, Piece]]:
    """Compare piece by piece; one for which memory runs short is divided."""
    for piece in pieces(scan, lacking):
        waiting = [piece]
        while waiting:
            one = waiting.pop()
            halves = None
            try:
                scan.budget.require(scan.budget.per_row * one.rows)
            except MemoryShort:
                halves = one.halves(scan)
                if halves is None and one.rows > scan.budget.least:
                    first = one.window[0]
                    raise scan.budget.refused(f"a bar with {int(scan.survey.rows[first]):,} rows") from None
            if halves is None:
                yield _breaks(scan, one, lacking, tally), one
            else:
                waiting += reversed(halves)


def breaks_of(scan: Scan, lacking: tuple[Ints, Ints]) -> Iterator[Break]:
    """Every break, in order; all windows are compared once more."""
    for breaks, piece in _compared(scan, lacking, Tally(_bounds(scan))):
        for one in breaks:
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


def _bounds(scan: Scan) -> AppliedTolerances:
    return AppliedTolerances(scan.tolerances, *scan.skeletons)


def _breaks(scan: Scan, piece: Piece, lacking: tuple[Ints, Ints], tally: Tally) -> Breaks:
    """The breaks of a window's own cycles. Adds to the tally all but the breaks."""
    read = [piece.ledger(scan, side) for side in (0, 1)]
    ledgers = (read[0][0], read[1][0])
    tally.notes.update(dict.fromkeys(note for _, notes in read for note in notes))
    axis = replace(scan.survey.axis, stamps=make_axis(*ledgers, None).stamps)
    first, stop = piece.window
    low, high = times_of_bars(scan, first, stop)
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
    spare.noise.before = tally.bounds.noise.before

    def absorb(table: str, column: str, cells: Comparable, left: Rows, right: Rows) -> Rows:
        times = ledgers[0].tables[table].columns[COMPARED_TIME[table]].values[left]
        own = (times >= low) & (times < high)
        keep = np.zeros(len(left), np.bool_)
        numbers = [piece.slices[side][table].numbers for side in (0, 1)]
        for mask, applied in ((own, tally.bounds), (~own, spare)):  # what the overlap absorbs is not counted
            at = np.flatnonzero(mask)
            applied.noise.numbers = (numbers[0], numbers[1])
            keep[at[applied.absorb(table, column, cells, left[at], right[at])]] = True
        return np.flatnonzero(keep)

    collector = BreakCollector(absorb, tally.bounds.absorb_one, unpaired=unpaired, lacking=lacking)
    compared = compare_all(*ledgers, scan.chosen, axis, collector)
    tally.columns.update({one.table: one.columns for one in compared})
    left, right = (LedgerSide(one.manifest, one.tables) for one in ledgers)
    found = assemble(collector.groups, axis, (left, right))
    cycle = found.columns.cycle
    last = stop >= len(scan.bars)
    own = (cycle >= first) | (first == 0)
    own &= (cycle < stop) | last
    tally.inexact += not all(_is_settled(scan, piece.window, pair) for pair in onesided.values())
    _hash(scan, ledgers, (low, high), tally)
    _pass_over(ledgers, high, tally)
    return found.at(np.flatnonzero(own))


def _pass_over(ledgers: tuple[Ledger, Ledger], high: int, tally: Tally) -> None:
    """Note the largest doubles of running totals in the rows before the next window."""
    before = tally.bounds.noise.before
    for side, ledger in enumerate(ledgers):
        for name in RUNNING:
            table = ledger.tables.get(name)
            if table is None:
                continue
            for column, cells in table.columns.items():
                if cells.kind in NUMBERS:
                    past = doubles(cells)[table.columns[COMPARED_TIME[name]].values < high]
                    key = (name, column, side)
                    before[key] = max(
                        before.get(key, 0.0),
                        float(np.max(np.abs(past), initial=0.0, where=np.isfinite(past))),
                    )


def _hash(scan: Scan, ledgers: tuple[Ledger, Ledger], times: tuple[int, int], tally: Tally) -> None:
    """Add the links of a window's bars to those of the bars before."""
    for side, ledger in enumerate(ledgers):
        if scan.hashed[side]:
            links = tally.links[side]
            before = links[-1] if links else _link_before(scan, side)
            links.extend(links_after(rows_between(ledger, *times), before))


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


def _count(breaks: Breaks, piece: Piece, tally: Tally) -> None:
    tally.breaks += len(breaks)
    tally.by_stage.update(breaks.by_stage())
    tally.by_type.update(breaks.by_type())
    tally.tables |= breaks.tables()
    tally.sequence += int(np.count_nonzero(breaks.columns.field == breaks.names.index(SEQUENCE)))
    for one in breaks[: KEPT - len(tally.kept)]:
        tally.kept.append(_numbered(one, piece))


def _numbered(one: Break, piece: Piece) -> Break:
    """The break with the numbers that its rows have in the whole tables."""
    rows = [
        None if row is None else int(slices[one.table].numbers[row])
        for row, slices in zip((one.reference_row, one.candidate_row), piece.slices, strict=True)
    ]
    return replace(one, reference_row=rows[0], candidate_row=rows[1])


def _link_before(scan: Scan, side: int) -> str:
    """The link of the last bar that is not read; of none, the link before the first."""
    own, claimed = scan.survey.own[side], scan.sides[side].manifest.chain or ()
    skipped = _skipped(scan, side)
    return claimed[skipped - 1] if skipped and len(own) else first_link(scan.skeletons[side])


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
