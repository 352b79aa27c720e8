"""Compares two ledgers: in full, or only up to the first divergence.

For the first divergence, windows of bars that double in length are compared until one has a break.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reconcile.comparing.coverage import (
    absent_table_notes,
    compounded_notes,
    list_not_compared,
    manifest_differences,
    manifest_notes,
    match_unread,
    timeless,
)
from reconcile.comparing.find_patterns import find_patterns
from reconcile.comparing.idle import idle_reasons
from reconcile.comparing.periods import Periods
from reconcile.comparing.verdict import UNTOLD, contradiction, decide_verdict, hold_chains
from reconcile.files.arguments import FLAG, LEDGER, MARKET, SCENARIO, takes
from reconcile.matching.assemble import assemble
from reconcile.matching.axis import Axis, Ints, make_axis
from reconcile.matching.bounds import AppliedTolerances
from reconcile.matching.breaks import Breaks
from reconcile.matching.diff_tables import BreakCollector, compare_tables
from reconcile.matching.inexact_pairs import WINDOW
from reconcile.matching.model import (
    Beside,
    Break,
    Chains,
    Compared,
    LedgerSide,
    Reconciliation,
    Root,
    UnreadPart,
)
from reconcile.matching.stages import COMPARED, COMPARED_TIME, RETURNS
from reconcile.roots.label_roots import LabelledBreaks, label_roots, own_tables
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Ledger, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Tolerance
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@takes(reference=LEDGER, candidate=LEDGER, scenario=SCENARIO, market=MARKET, first=FLAG)
def compare(
    reference: Ledger,
    candidate: Ledger,
    *,
    scenario: Scenario | None = None,
    market: Market | None = None,
    tolerances: Iterable[Tolerance] | None = None,
    tables: Iterable[str] | None = None,
    beside: tuple[Beside, Beside] | None = None,
    first: bool = False,
) -> Reconciliation:
    """Compare two ledgers of the same strategy to the last unit.

    scenario, market: where both are given, breaks are labelled as roots or consequences.
    tolerances: bounds for columns of foreign ledgers; none by default.
    tables: compare only these; the others then do not stand in the way of a match.
    beside: what each source holds besides its ledger: returns are compared, unread parts forbid a match.
    first: look only for the first divergence; what comes after it is not compared, and `roots` has its root.

    Raises InputError for an unknown table, for a tolerance between two ledgers of ours or a second one for a
    column, and for a column that holds words on one side and numbers on the other.
    """
    beside = beside or (Beside(), Beside())
    request = _Request(_chosen(tables), tuple(tolerances or ()), scenario, market, match_unread(*beside))
    reference, candidate = (
        _with_returns(ledger, extra) for ledger, extra in zip((reference, candidate), beside, strict=True)
    )
    axis = make_axis(reference, candidate, scenario.execution.timing if scenario else None)
    if first:
        for window in windows(axis):
            found = _first_within(reference, candidate, request, axis, window)
            if found is not None:
                return found
    return _compare_whole(reference, candidate, request, axis, first)


@dataclass(frozen=True, slots=True)
class _Request:
    """The arguments of a comparison. chosen: the tables named, None for all."""

    chosen: tuple[str, ...] | None
    tolerances: tuple[Tolerance, ...]
    scenario: Scenario | None
    market: Market | None
    unread: tuple[UnreadPart, ...]


def _with_returns(ledger: Ledger, beside: Beside) -> Ledger:
    """The ledger with the return series beside it as one more table."""
    if beside.returns is None:
        return ledger
    return Ledger(ledger.manifest, {**ledger.tables, RETURNS: beside.returns})


def _compare_whole(
    reference: Ledger, candidate: Ledger, request: _Request, axis: Axis, first: bool
) -> Reconciliation:
    """Compare all rows."""
    bounds = AppliedTolerances(request.tolerances, reference, candidate)
    breaks, compared = _find_breaks(reference, candidate, request, axis, bounds)
    told = label_roots(breaks, axis, (reference, candidate), request.scenario, request.market, bounds)
    chains = hold_chains(own_tables(reference), own_tables(candidate))
    return _result((reference, candidate), request, axis, bounds, compared, told, chains, first)


def _first_within(
    reference: Ledger, candidate: Ledger, request: _Request, axis: Axis, window: tuple[int, int, int]
) -> Reconciliation | None:
    """The first divergence, if it lies in a window; None if not. Rows beyond the window are not read."""
    start, end, beyond = window
    sides = [rows_between(ledger, start, beyond) for ledger in (reference, candidate)]
    part = make_axis(sides[0], sides[1], None)
    bounds = AppliedTolerances(request.tolerances, reference, candidate)
    breaks, _ = _find_breaks(sides[0], sides[1], request, replace(axis, stamps=part.stamps), bounds)
    if not bool(np.any(breaks.columns.timestamp < end)):
        return None
    # Compare again from the first bar, so that roots can be told; all rows before the window are equal.
    sides = [rows_between(ledger, int(axis.bars[0]), beyond) for ledger in (reference, candidate)]
    part = make_axis(sides[0], sides[1], None)
    bounds = AppliedTolerances(request.tolerances, reference, candidate)
    known = replace(axis, stamps=part.stamps)
    breaks, compared = _find_breaks(sides[0], sides[1], request, known, bounds)
    breaks = breaks.at(breaks.columns.timestamp < end)
    told = label_roots(breaks, known, (sides[0], sides[1]), request.scenario, request.market, bounds, beyond)
    place = _first_place(told.breaks)
    alone = replace(told, breaks=told.breaks.at([place]), roots=_root_of_first(told, told.breaks[place]))
    return _result((sides[0], sides[1]), request, known, bounds, compared, alone, UNTOLD, True)


def _root_of_first(told: LabelledBreaks, first: Break) -> tuple[Root, ...] | None:
    """The root of the first break, with a count of 1: its later breaks were not looked for."""
    if told.roots is None:
        return None
    same = [root for root in told.roots if (root.first.table, root.first.key) == (first.table, first.key)]
    return tuple(Root(root.first, root.first.timestamp, 1) for root in (same or told.roots)[:1])


def _find_breaks(
    reference: Ledger, candidate: Ledger, request: _Request, axis: Axis, bounds: AppliedTolerances
) -> tuple[Breaks, tuple[Compared, ...]]:
    """The breaks of two ledgers, and what was compared."""
    collector = BreakCollector(bounds.absorb, bounds.absorb_one)
    compared = compare_all(reference, candidate, request.chosen, axis, collector)
    return assemble(collector.groups, axis, _sides(reference, candidate)), compared


def _sides(reference: Ledger, candidate: Ledger) -> tuple[LedgerSide, LedgerSide]:
    return (
        LedgerSide(reference.manifest, reference.tables),
        LedgerSide(candidate.manifest, candidate.tables),
    )


def _result(
    ledgers: tuple[Ledger, Ledger],
    request: _Request,
    axis: Axis,
    bounds: AppliedTolerances,
    compared: tuple[Compared, ...],
    told: LabelledBreaks,
    chains: Chains,
    first: bool,
) -> Reconciliation:
    """The Reconciliation of all that was found."""
    reference, candidate = ledgers
    breaks, sides = told.breaks, _sides(reference, candidate)
    left_out = list_not_compared(reference, candidate, request.chosen)
    manifests = manifest_differences(reference.manifest, candidate.manifest)
    idle = () if len(breaks) else idle_reasons(sides, request.scenario, request.market)
    complete = not left_out and all(part.reason is not None for part in request.unread)
    contradicted = contradiction(chains, manifests, idle)
    return Reconciliation(
        verdict=decide_verdict(len(breaks), compared, complete, request.chosen, contradicted),
        breaks=breaks,
        first=breaks[_first_place(breaks)] if len(breaks) else None,
        roots=told.roots,
        by_stage=breaks.by_stage(),
        by_type=breaks.by_type(),
        compared=compared,
        not_compared=left_out,
        unread=request.unread,
        manifests=manifests,
        idle=idle,
        named=request.chosen is not None,
        first_only=first,
        bars=axis.bars,
        periods=Periods(axis, breaks, sides),
        periods_are_bars=axis.are_bars,
        tolerances=bounds.report(),
        patterns=() if first else find_patterns(breaks),
        noise=bounds.noise.report(),
        chains=chains,
        notes=(
            *manifest_notes(reference.manifest, candidate.manifest),
            *absent_table_notes(reference, candidate, request.unread),
            *compounded_notes(reference.tables.get(RETURNS), candidate.tables.get(RETURNS)),
            *told.notes,
            *idle,
        ),
        reference=sides[0],
        candidate=sides[1],
    )


def _first_place(breaks: Breaks) -> int:
    """The place of the first divergence: of the earliest cycle the earliest root or, if roots are unknown,
    the earliest stage.

    (A fill priced too high leaves less cash for the next order of the bar. The quantity of that order differs
    at an earlier stage, but only as a consequence.)
    """
    c = breaks.columns
    roots = np.flatnonzero((c.cycle == c.cycle[0]) & (c.root == 1))
    return int(roots[0]) if len(roots) else 0


def _chosen(tables: Iterable[str] | None) -> tuple[str, ...] | None:
    """The tables named, in the order of COMPARED; None where none were."""
    if tables is None:
        return None
    wanted = set(tables)
    unknown = sorted(wanted - set(COMPARED))
    if unknown or not wanted:
        raise InputError(
            "tables",
            repr(unknown[0]) if unknown else "none",
            "some of " + ", ".join(COMPARED),
            "Name tables of a ledger, separated by commas.",
        )
    return tuple(name for name in COMPARED if name in wanted)


def compare_all(
    reference: Ledger,
    candidate: Ledger,
    chosen: tuple[str, ...] | None,
    axis: Axis,
    collector: BreakCollector,
) -> tuple[Compared, ...]:
    """Compare every table that both ledgers have and whose rows have a time."""
    out = []
    for name in chosen or tuple(COMPARED):
        left, right = reference.tables.get(name), candidate.tables.get(name)
        if (
            left is None
            or right is None
            or COMPARED_TIME[name] not in left.columns
            or COMPARED_TIME[name] not in right.columns
        ):
            continue
        columns = compare_tables(left, right, axis, collector)
        skipped = timeless(left, right)
        out.append(Compared(name, left.rows - skipped, right.rows - skipped, columns))
    return tuple(out)


FIRST_WINDOW = 32
"""Number of bars in the first window; each later window is twice as long."""


def windows(axis: Axis) -> Iterator[tuple[int, int, int]]:
    """Windows (from, to, beyond) of timestamps: rows in [from, to) are judged; rows in [to, beyond) only help
    to pair them.

    A row may have its partner WINDOW bars later, and that partner a closer one; so `beyond` is 2 * WINDOW
    bars after `to`.
    """
    bars = axis.bars
    start, length = 0, FIRST_WINDOW
    while start < len(bars):
        end = min(start + length, len(bars))
        beyond = min(end + 2 * WINDOW, len(bars))
        yield int(bars[start]), _after(bars, end), _after(bars, beyond)
        start, length = end, 2 * length


def _after(bars: Ints, place: int) -> int:
    return int(bars[place]) if place < len(bars) else int(bars[-1]) + 1


def rows_between(ledger: Ledger, start: int, end: int) -> Ledger:
    """The ledger's rows with a timestamp in [start, end)."""
    tables = {name: _table_rows_between(table, start, end) for name, table in ledger.tables.items()}
    return Ledger(ledger.manifest, tables)


def _table_rows_between(table: Table, start: int, end: int) -> Table:
    column = table.columns.get(COMPARED_TIME[table.name])
    if column is None:
        return table
    values = column.values
    rows: slice | Ints
    if column.missing is None and bool(np.all(values[1:] >= values[:-1])):
        low, high = np.searchsorted(values, [start, end])
        rows, count = slice(int(low), int(high)), int(high - low)
    else:
        rows = np.flatnonzero((values >= start) & (values < end))
        count = len(rows)
    return Table(table.name, {name: _some(part, rows) for name, part in table.columns.items()}, count)


def _some(column: Column, rows: slice | Ints) -> Column:
    missing = None if column.missing is None else column.missing[rows]
    return replace(column, values=column.values[rows], missing=missing)
