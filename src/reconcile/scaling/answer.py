"""The Reconciliation of two data sets, made of what their windows came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from reconcile.comparing.coverage import (
    absent_table_notes,
    list_not_compared,
    manifest_differences,
    manifest_notes,
    match_unread,
)
from reconcile.comparing.idle import idle_reasons
from reconcile.comparing.verdict import contradiction, decide_verdict
from reconcile.ledger.digest import first_link_apart
from reconcile.matching.model import (
    Beside,
    Break,
    BreakType,
    Chains,
    ChainState,
    Compared,
    LedgerSide,
    Period,
    Reconciliation,
    Stage,
    Tolerance,
)
from reconcile.matching.stages import COMPARED
from reconcile.scaling.compare import Scan, Tally, breaks_of, chain_side, prepare, whole
from reconcile.scaling.dataset import DataSet, Ints
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.matching.breaks import Breaks
    from reconcile.running.progress import Progress
    from vocabulary.scenario import Timing


class CountedBreaks(Sequence[Break]):
    """The number of all breaks, of which the first ones are there. `Answer.breaks` finds all again."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def __len__(self) -> int:
        return self._tally.breaks

    def __getitem__(self, index: Any) -> Any:
        return self._tally.kept[index]

    def __iter__(self) -> Iterator[Break]:
        return iter(self._tally.kept)

    def tables(self) -> set[str]:
        return self._tally.tables

    def by_stage(self) -> dict[Stage, int]:
        return {stage: self._tally.by_stage[stage] for stage in Stage if self._tally.by_stage[stage]}

    def by_type(self) -> dict[BreakType, int]:
        return {kind: self._tally.by_type[kind] for kind in BreakType if self._tally.by_type[kind]}

    def by_rebalance(self) -> dict[int | None, dict[Stage, int]]:
        return {}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """found: all but roots, patterns and the summary per rebalance. ledgers: without rows.

    folder: holds tables that were laid out by time; it goes with the answer.
    """

    found: Reconciliation
    ledgers: tuple[Ledger, Ledger]
    scan: Scan
    lacking: tuple[Ints, Ints]
    folder: TemporaryDirectory[str]

    def breaks(self) -> Iterator[Break]:
        """Every break, in the order of a diff in memory."""
        return breaks_of(self.scan, self.lacking)


def reconcile_sets(
    sides: tuple[DataSet, DataSet],
    chosen: Sequence[str] | None,
    timing: Timing | None,
    tolerances: tuple[Tolerance, ...],
    memory: int,
    progress: Progress | None = None,
) -> Answer:
    """Compare two data sets within `memory` bytes.

    Raises InputError: an unknown table, a row without a time, or what a diff in memory refuses.
    """
    names = _chosen(chosen)
    folder = TemporaryDirectory(prefix="tieout-")
    scan = prepare(sides, names, timing, tolerances, memory, Path(folder.name))
    tally, lacking = whole(scan, progress)
    return Answer(_reconciliation(scan, tally, scan.skeletons), scan.skeletons, scan, lacking, folder)


def _chosen(tables: Sequence[str] | None) -> tuple[str, ...] | None:
    if tables is None:
        return None
    unknown = sorted(set(tables) - set(COMPARED))
    if unknown or not tables:
        found = repr(unknown[0]) if unknown else "none"
        raise InputError("tables", found, "some of " + ", ".join(COMPARED), "Name tables of a ledger.")
    return tuple(name for name in COMPARED if name in tables)


def _reconciliation(scan: Scan, tally: Tally, ledgers: tuple[Ledger, Ledger]) -> Reconciliation:
    left, right = ledgers
    breaks = CountedBreaks(tally)
    unread = match_unread(*(Beside(side.unread) for side in scan.sides))
    left_out = list_not_compared(left, right, scan.chosen)
    manifests = manifest_differences(left.manifest, right.manifest)
    sides = (LedgerSide(left.manifest, left.tables), LedgerSide(right.manifest, right.tables))
    idle = () if tally.breaks else _idle(sides)
    columns = tally.columns or _columns(scan, ledgers)
    compared = tuple(
        Compared(name, left.tables[name].rows, right.tables[name].rows, columns[name])
        for name in COMPARED
        if name in columns
    )
    chains = _chains(scan, tally)
    complete = not left_out and all(part.reason is not None for part in unread)
    contradicted = contradiction(chains, manifests, idle)
    return Reconciliation(
        verdict=decide_verdict(tally.breaks, compared, complete, scan.chosen, contradicted),
        breaks=cast("Breaks", breaks),
        patterns=(),
        first=tally.kept[0] if tally.kept else None,
        roots=None,
        by_stage=breaks.by_stage(),
        by_type=breaks.by_type(),
        compared=compared,
        not_compared=left_out,
        unread=unread,
        manifests=manifests,
        idle=idle,
        named=scan.chosen is not None,
        first_only=False,
        bars=scan.bars,
        periods=cast("Sequence[Period]", ()),
        periods_are_bars=scan.survey.axis.are_bars,
        tolerances=tally.bounds.report(),
        noise=tally.bounds.noise.report(),
        chains=chains,
        notes=(
            *manifest_notes(left.manifest, right.manifest),
            *absent_table_notes(left, right, unread),
            *_notes(scan, tally),
            *idle,
        ),
        reference=sides[0],
        candidate=sides[1],
    )


def _idle(sides: tuple[LedgerSide, LedgerSide]) -> tuple[str, ...]:
    """Whether neither ledger has a row that says that something happened."""
    rows = any(table.rows for side in sides for name, table in side.tables.items() if name != "equity")
    return () if rows or not all(side.tables for side in sides) else idle_reasons(sides, None, None)


def _columns(scan: Scan, ledgers: tuple[Ledger, Ledger]) -> dict[str, tuple[str, ...]]:
    """The columns of tables of which no row had to be read."""
    return {
        name: tuple(column for column in table.columns if column in ledgers[1].tables[name].columns)
        for name, table in ledgers[0].tables.items()
        if name in ledgers[1].tables and (scan.chosen is None or name in scan.chosen)
    }


def _chains(scan: Scan, tally: Tally) -> Chains:
    reference, candidate = (chain_side(scan, side, tally) for side in (0, 1))
    if ChainState.HOLDS is not reference.state or ChainState.HOLDS is not candidate.state:
        return Chains(reference, candidate, None, None)
    chains = [side.manifest.chain or () for side in scan.sides]
    place = first_link_apart(*chains)
    if place is None:
        return Chains(reference, candidate, True, None)
    at = min(int(own[place]) for own in scan.survey.own if place < len(own))
    return Chains(reference, candidate, False, at)


def _notes(scan: Scan, tally: Tally) -> Iterator[str]:
    if scan.start:
        rows = int(np.sum(scan.survey.rows[: scan.start]))
        yield (
            f"{scan.start:,} bars with {rows:,} rows of both sides were not read: both digest chains state"
            " the same rows there. Without --memory the chains are held against the rows."
        )
    yield from tally.notes
    yield "Roots, patterns and the summary per rebalance need both ledgers in memory and were left out."
    if tally.breaks > len(tally.kept):
        yield f"The first {len(tally.kept):,} breaks are listed; --csv writes all of them."
    if tally.inexact:
        yield (
            f"In {tally.inexact:,} windows one-sided rows of both sides follow each other without a gap:"
            " which of them are taken for one row may differ from a diff in memory there."
        )
