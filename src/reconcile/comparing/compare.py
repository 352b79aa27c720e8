"""Comparing two ledgers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reconcile.comparing.first import between, stretches
from reconcile.comparing.periods import Periods
from reconcile.comparing.tolerances import Gauge
from reconcile.comparing.verify_digests import UNTOLD, hold_chains
from reconcile.matching.assemble import assemble
from reconcile.matching.axis import Axis, make_axis, manifest_notes
from reconcile.matching.breaks import Breaks
from reconcile.matching.diff_tables import Sink, compare_tables
from reconcile.matching.model import (
    Break,
    Chains,
    ChainState,
    Compared,
    LedgerSide,
    NotCompared,
    Reconciliation,
    Root,
    Verdict,
    Why,
)
from reconcile.roots.label_roots import Told, tell_apart
from vocabulary.errors import InputError
from vocabulary.ledger import KEYS, SCHEMA, TIME_COLUMN, Ledger

if TYPE_CHECKING:
    from reconcile.matching.model import Tolerance
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


def compare(
    reference: Ledger,
    candidate: Ledger,
    *,
    scenario: Scenario | None = None,
    market: Market | None = None,
    tolerances: Iterable[Tolerance] | None = None,
    tables: Iterable[str] | None = None,
    first: bool = False,
) -> Reconciliation:
    """Compare two ledgers of the same strategy to the last unit.

    scenario, market: when both are given, breaks are told apart into roots and consequences.
    tolerances: bounds for columns of foreign ledgers; none by default.
    tables: compare only these; what is left out then does not stand in the way of a match.
    first: only find the first divergence, without comparing what comes after it; roots then holds its root.

    Raises InputError for an unknown table, a tolerance where it does not belong, or a column that
    holds words on one side and numbers on the other.
    """
    asked = _Asked(_chosen(tables), tuple(tolerances or ()), scenario, market)
    axis = make_axis(reference, candidate, scenario.execution.timing if scenario else None)
    if first:
        for stretch in stretches(axis):
            found = _first_within(reference, candidate, asked, axis, stretch)
            if found is not None:
                return found
    return _whole(reference, candidate, asked, axis, first)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for. chosen: the tables named, None when none were."""

    chosen: tuple[str, ...] | None
    tolerances: tuple[Tolerance, ...]
    scenario: Scenario | None
    market: Market | None


def _whole(reference: Ledger, candidate: Ledger, asked: _Asked, axis: Axis, first: bool) -> Reconciliation:
    """The comparison of everything."""
    gauge = Gauge(asked.tolerances, reference, candidate)
    breaks, compared = _broken(reference, candidate, asked, axis, gauge)
    told = tell_apart(breaks, axis, (reference, candidate), asked.scenario, asked.market, gauge)
    chains = hold_chains(reference, candidate)
    return _result((reference, candidate), asked, axis, gauge, compared, told, chains, first)


def _first_within(
    reference: Ledger, candidate: Ledger, asked: _Asked, axis: Axis, stretch: tuple[int, int, int]
) -> Reconciliation | None:
    """The first divergence, if it is in a stretch of time; nothing beyond is looked at."""
    start, end, beyond = stretch
    sides = [between(ledger, start, beyond) for ledger in (reference, candidate)]
    part = make_axis(sides[0], sides[1], None)
    gauge = Gauge(asked.tolerances, reference, candidate)
    breaks, _ = _broken(sides[0], sides[1], asked, replace(axis, stamps=part.stamps), gauge)
    if not bool(np.any(breaks.columns.timestamp < end)):
        return None
    # Now from the beginning, so that roots can be told; up to here all is equal.
    sides = [between(ledger, int(axis.bars[0]), beyond) for ledger in (reference, candidate)]
    part = make_axis(sides[0], sides[1], None)
    gauge = Gauge(asked.tolerances, reference, candidate)
    known = replace(axis, stamps=part.stamps)
    breaks, compared = _broken(sides[0], sides[1], asked, known, gauge)
    breaks = breaks.at(breaks.columns.timestamp < end)
    told = tell_apart(breaks, known, (sides[0], sides[1]), asked.scenario, asked.market, gauge, beyond)
    place = _first_place(told.breaks)
    alone = replace(told, breaks=told.breaks.at([place]), roots=_alone(told, told.breaks[place]))
    return _result((sides[0], sides[1]), asked, known, gauge, compared, alone, UNTOLD, True)


def _alone(told: Told, first: Break) -> tuple[Root, ...] | None:
    """The root of the first break; how far it reaches is not looked at."""
    if told.roots is None:
        return None
    same = [root for root in told.roots if (root.first.table, root.first.key) == (first.table, first.key)]
    return tuple(Root(root.first, root.first.timestamp, 1) for root in (same or told.roots)[:1])


def _broken(
    reference: Ledger, candidate: Ledger, asked: _Asked, axis: Axis, gauge: Gauge
) -> tuple[Breaks, tuple[Compared, ...]]:
    """The breaks of two ledgers, and what was compared."""
    sink = Sink(gauge.absorb, gauge.absorb_one)
    compared = _compare_all(reference, candidate, asked.chosen, axis, sink)
    return assemble(sink.chunks, axis, _sides(reference, candidate)), compared


def _sides(reference: Ledger, candidate: Ledger) -> tuple[LedgerSide, LedgerSide]:
    return (
        LedgerSide(reference.manifest, reference.tables),
        LedgerSide(candidate.manifest, candidate.tables),
    )


def _result(
    ledgers: tuple[Ledger, Ledger],
    asked: _Asked,
    axis: Axis,
    gauge: Gauge,
    compared: tuple[Compared, ...],
    told: Told,
    chains: Chains,
    first: bool,
) -> Reconciliation:
    """All of it in one noun."""
    reference, candidate = ledgers
    breaks, sides = told.breaks, _sides(reference, candidate)
    left_out = _not_compared(reference, candidate, asked.chosen)
    return Reconciliation(
        verdict=_verdict(len(breaks), compared, left_out, asked.chosen, chains),
        breaks=breaks,
        first=breaks[_first_place(breaks)] if len(breaks) else None,
        roots=told.roots,
        by_stage=breaks.by_stage(),
        by_type=breaks.by_type(),
        compared=compared,
        not_compared=left_out,
        named=asked.chosen is not None,
        first_only=first,
        periods=Periods(axis, breaks, sides),
        periods_are_bars=axis.are_bars,
        tolerances=gauge.report(),
        chains=chains,
        notes=(
            *manifest_notes(reference.manifest, candidate.manifest),
            *_neither_notes(reference, candidate),
            *told.notes,
        ),
        reference=sides[0],
        candidate=sides[1],
    )


def _first_place(breaks: Breaks) -> int:
    """Where the first divergence stands: of the earliest cycle the earliest stage; where roots are known, of
    the roots. (An order priced too high starves the next one of the same bar: that one's quantity is an
    earlier stage, and only a consequence.)"""
    c = breaks.columns
    roots = np.flatnonzero((c.cycle == c.cycle[0]) & (c.root == 1))
    return int(roots[0]) if len(roots) else 0


def _chosen(tables: Iterable[str] | None) -> tuple[str, ...] | None:
    """The tables named, in the order of SCHEMA; None when none were."""
    if tables is None:
        return None
    wanted = set(tables)
    unknown = sorted(wanted - set(SCHEMA))
    if unknown or not wanted:
        raise InputError(
            "tables",
            repr(unknown[0]) if unknown else "none",
            "some of " + ", ".join(SCHEMA),
            "Name tables of a ledger, separated by commas.",
        )
    return tuple(name for name in SCHEMA if name in wanted)


def _compare_all(
    reference: Ledger, candidate: Ledger, chosen: tuple[str, ...] | None, axis: Axis, sink: Sink
) -> tuple[Compared, ...]:
    """Every table that both have and that can be placed in time."""
    out = []
    for name in chosen or tuple(SCHEMA):
        left, right = reference.tables.get(name), candidate.tables.get(name)
        if (
            left is None
            or right is None
            or TIME_COLUMN[name] not in left.columns
            or TIME_COLUMN[name] not in right.columns
        ):
            continue
        columns = compare_tables(left, right, axis, sink)
        out.append(Compared(name, left.rows, right.rows, columns))
    return tuple(out)


def _not_compared(
    reference: Ledger, candidate: Ledger, chosen: tuple[str, ...] | None
) -> tuple[NotCompared, ...]:
    """What was not compared and why: over the union of both sides' tables and columns.

    What neither foreign ledger has is nobody's claim and no omission; of our own ledgers every table and
    column of SCHEMA is expected.
    """
    ours = any(ledger.manifest.semantics is not None for ledger in (reference, candidate))
    out: list[NotCompared] = []
    for name, schema in SCHEMA.items():
        left, right = reference.tables.get(name), candidate.tables.get(name)
        if chosen is not None and name not in chosen:
            if left is not None or right is not None:
                out.append(NotCompared(name, None, Why.NOT_NAMED))
            continue
        if left is None or right is None:
            if left is not None or right is not None or ours or chosen is not None:
                out.append(NotCompared(name, None, _absent(left is None, right is None)))
            continue
        if TIME_COLUMN[name] not in left.columns or TIME_COLUMN[name] not in right.columns:
            out.append(NotCompared(name, None, Why.NO_TIME))
            continue
        for column in dict.fromkeys((*schema, *left.columns, *right.columns)):
            lacks = column not in left.columns, column not in right.columns
            if any(lacks) and (ours or not all(lacks)):
                out.append(NotCompared(name, column, _absent(*lacks)))
    return tuple(out)


def _absent(left: bool, right: bool) -> Why:
    if left and right:
        return Why.ABSENT_IN_BOTH
    return Why.ABSENT_IN_REFERENCE if left else Why.ABSENT_IN_CANDIDATE


def _neither_notes(reference: Ledger, candidate: Ledger) -> tuple[str, ...]:
    """Tables that two foreign ledgers both lack."""
    if any(ledger.manifest.semantics is not None for ledger in (reference, candidate)):
        return ()
    lacking = [name for name in SCHEMA if name not in reference.tables and name not in candidate.tables]
    return (f"Neither ledger has {', '.join(lacking)}.",) if lacking else ()


def _verdict(
    breaks: int,
    compared: tuple[Compared, ...],
    left_out: tuple[NotCompared, ...],
    chosen: tuple[str, ...] | None,
    chains: Chains,
) -> Verdict:
    """What may be claimed; nothing compared is never a pass, nor is what was edited."""
    if breaks:
        return Verdict.BREAKS
    told = {part.table for part in compared if set(part.columns) - set(KEYS[part.table])}
    if not any(part.reference_rows or part.candidate_rows for part in compared if part.table in told):
        return Verdict.NOTHING_COMPARED
    if ChainState.BROKEN in (chains.reference.state, chains.candidate.state):
        return Verdict.EDITED
    if chosen is not None:
        # Tables that were named must have been compared, in more than their keys.
        return Verdict.MATCHED if set(chosen) <= told else Verdict.MATCHED_AS_FAR_AS_COMPARED
    return Verdict.MATCHED_AS_FAR_AS_COMPARED if left_out else Verdict.MATCHED
