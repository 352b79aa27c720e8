"""What a comparison did not cover: tables, columns, unread parts of a source, contradicting manifests."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from reconcile.ledger.figures import initial_cash
from reconcile.matching.model import Beside, ManifestDifference, NotCompared, UnreadPart, Why
from reconcile.matching.stages import COMPARED, COMPARED_TIME, RETURNS
from reconcile.tables.model import Unread
from vocabulary.ledger import RUN_TABLES, Column, Kind, Ledger, Manifest, Table

TOLD = ("quantity", "price")
"""What a fill must tell for equal fills to mean equal trades."""


def list_not_compared(
    reference: Ledger, candidate: Ledger, chosen: tuple[str, ...] | None
) -> tuple[NotCompared, ...]:
    """The tables and columns that were not compared, of all that either side has, and why.

    A ledger of ours must have every table and column of COMPARED. Of two foreign ledgers, what neither has is
    not listed.
    """
    ours = any(ledger.manifest.semantics is not None for ledger in (reference, candidate))
    out: list[NotCompared] = []
    for name, schema in COMPARED.items():
        left, right = reference.tables.get(name), candidate.tables.get(name)
        if chosen is not None and name not in chosen:
            if left is not None or right is not None:
                out.append(NotCompared(name, None, Why.NOT_NAMED))
            continue
        if left is None or right is None:
            if (
                name not in RUN_TABLES
                and chosen is None
                and not any(t is not None and t.rows for t in (left, right))
            ):
                continue  # no flows on either side
            if left is not None or right is not None or ours or chosen is not None:
                out.append(NotCompared(name, None, _absent(left is None, right is None)))
            continue
        if COMPARED_TIME[name] not in left.columns or COMPARED_TIME[name] not in right.columns:
            out.append(NotCompared(name, None, Why.NO_TIME))
            continue
        if timeless(left, right):
            out.append(NotCompared(name, COMPARED_TIME[name], Why.TIMELESS))
        for column in dict.fromkeys((*schema, *left.columns, *right.columns)):
            lacks = column not in left.columns, column not in right.columns
            if any(lacks) and (ours or not all(lacks)):
                out.append(NotCompared(name, column, _absent(*lacks)))
    return tuple(out)


def timeless(left: Table, right: Table) -> int:
    """The rows without a time that both tables have: they belong to no bar, and equal ones prove nothing."""
    name = COMPARED_TIME[left.name]
    masks = [table.columns[name].missing for table in (left, right)]
    return min(0 if mask is None else int(mask.sum()) for mask in masks)


def _absent(left: bool, right: bool) -> Why:
    if left and right:
        return Why.ABSENT_IN_BOTH
    return Why.ABSENT_IN_REFERENCE if left else Why.ABSENT_IN_CANDIDATE


def absent_table_notes(
    reference: Ledger, candidate: Ledger, unread: tuple[UnreadPart, ...]
) -> tuple[str, ...]:
    """A note on what neither of two foreign ledgers has: tables, also none unread, and columns of fills."""
    if any(ledger.manifest.semantics is not None for ledger in (reference, candidate)):
        return ()
    held = {*reference.tables, *candidate.tables, *(part.name for part in unread)}
    lacking = [name for name in RUN_TABLES if name not in held]
    fills = [ledger.tables["fills"].columns for ledger in (reference, candidate) if "fills" in ledger.tables]
    if len(fills) == 2:
        lacking += [f"fills.{name}" for name in TOLD if not any(name in columns for columns in fills)]
    return (f"Neither ledger has {', '.join(lacking)}.",) if lacking else ()


def match_unread(reference: Beside, candidate: Beside) -> tuple[UnreadPart, ...]:
    """What either source holds and was not read, each part once.

    Parts of the two sides belong together where kind, table and name are the same; where only the table has
    another name, kind and name decide.
    """
    left = {(one.kind, one.table, one.name): one for one in reference.unread}
    right = {(one.kind, one.table, one.name): one for one in candidate.unread}
    pairs: list[tuple[Unread | None, Unread | None]] = [
        (one, right.pop(key)) for key, one in list(left.items()) if key in right and left.pop(key)
    ]
    for key, one in left.items():
        twin = next((other for other in right if (other[0], other[2]) == (key[0], key[2])), None)
        pairs.append((one, None if twin is None else right.pop(twin)))
    pairs += [(None, one) for one in right.values()]
    return tuple(_unread_part(*pair) for pair in pairs)


def _unread_part(left: Unread | None, right: Unread | None) -> UnreadPart:
    sides = [one for one in (left, right) if one is not None]
    reasons = [one.reason for one in sides]
    differs: bool | None = True
    if left is not None and right is not None:
        looked_at = left.digest is not None and right.digest is not None
        differs = left.digest != right.digest if looked_at else None
    return UnreadPart(
        sides[0].kind,
        sides[0].table,
        sides[0].name,
        None if left is None else left.count,
        None if right is None else right.count,
        differs,
        None if None in reasons else reasons[0],
    )


def manifest_differences(reference: Manifest, candidate: Manifest) -> tuple[ManifestDifference, ...]:
    """What decides a run and is stated differently by both manifests: market, timing, initial cash, units."""
    fields = ("market", "timing", "price_decimals", "quantity_decimals")
    stated = [(name, getattr(reference, name), getattr(candidate, name)) for name in fields]
    left_cash, right_cash = _cash(reference, candidate)
    return tuple(
        ManifestDifference(name, left, right)
        for name, left, right in (*stated, ("initial_cash", left_cash, right_cash))
        if left is not None and right is not None and left != right
    )


def _cash(*manifests: Manifest) -> list[Decimal | int | None]:
    """Initial cash in currency; as its bare integer where a manifest lacks the units."""
    money: list[Decimal | int | None] = [initial_cash(manifest) for manifest in manifests]
    return [manifest.initial_cash for manifest in manifests] if None in money else money


def manifest_notes(reference: Manifest, candidate: Manifest) -> tuple[str, ...]:
    """Notes on manifest values that both ledgers state and that differ."""
    words = {
        "timing": "name different timings",
        "scenario": "were made from different scenarios",
        "market": "were made on different markets",
        "semantics": "follow different semantics",
        "timezone": "show their timestamps in different zones",
    }
    notes = [
        f"The two ledgers {words[name]}."
        for name in words
        if None not in (getattr(reference, name), getattr(candidate, name))
        and getattr(reference, name) != getattr(candidate, name)
    ]
    started = [initial_cash(manifest) for manifest in (reference, candidate)]
    if None not in started and started[0] != started[1]:
        notes.append("The two ledgers started with different cash.")
    zones = {"reference": reference.timezone, "candidate": candidate.timezone}
    for name, other in zip(zones, reversed(zones), strict=True):
        if zones[name] is None and zones[other] is not None:
            notes.append(
                f"The {name}'s times are clock times without a zone, the {other}'s instants of"
                f" {zones[other]}: the clock times were compared as if they were UTC."
            )
    return tuple(notes)


def compounded_notes(reference: Table | None, candidate: Table | None) -> tuple[str, ...]:
    """A note on what the returns of both sides come to."""
    if reference is None or candidate is None:
        return ()
    left, right = (_compounded(table) for table in (reference, candidate))
    return (f"Returns compound to {left:.6f} in the reference and {right:.6f} in the candidate.",)


def _compounded(returns: Table) -> float:
    """The product of 1 + return; what is not finite is left out."""
    values: list[float] = returns.columns["return"].values.tolist()
    return math.prod(1 + value for value in values if math.isfinite(value))


def returns_table(timestamps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Table:
    """A return series as a table that can be compared. timestamps: ns since 1970 UTC."""
    columns = {
        "timestamp": Column(Kind.TIMESTAMP, timestamps, None, None),
        "return": Column(Kind.RATE, values, None, None),
    }
    return Table(RETURNS, columns, len(values))
