"""What a new ledger would change in a golden: the first divergence, how much by stage, and why."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.golden.causes import causes_of
from reconcile.golden.facts import FILE as MANIFEST
from reconcile.golden.making import CHAIN, SUMMARY_FILE, TABLES
from reconcile.golden.model import Change, Fault, First, Golden, Storage
from vocabulary.ledger import SCHEMA, Kind, Ledger, Manifest

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Reconciliation

_STAGES = {"targets": "target", "fills": "status", "equity": "equity"}
"""The stage a column of the summary belongs to; the rest are costs."""


def change_of(
    before: Golden | None, after: Golden, ledger: Ledger, earlier: Callable[[Golden], Ledger | None]
) -> Change:
    """From a golden, or none, to the golden of this ledger.

    earlier: gives the ledger that a golden was made of where the golden does not keep it, or None.
    """
    figures = after.facts.figures
    blank = Change(
        case=after.facts.case,
        replaces=None if before is None else before.id,
        causes=causes_of(before, after),
        before=None if before is None else before.facts.figures,
        after=figures,
        first=None,
        by_stage={},
        fills=figures.fills or 0,
        rebalances=figures.rebalances or 0,
        whole=True,
    )
    if before is None:
        return blank
    changed = _summary_changes(before, after)
    if before.facts.figures.ledger == figures.ledger:
        return replace(blank, fills=0, rebalances=len(changed))
    kept = golden_ledger(before) if before.facts.storage is Storage.FULL else earlier(before)
    if kept is not None:
        found = _compare(kept, ledger)
        return replace(
            blank,
            first=None if found.first is None else first_of(found.first, ledger.manifest),
            by_stage={stage.value: count for stage, count in found.by_stage.items()},
            fills=_fills_apart(found),
            rebalances=len(changed),
        )
    return replace(
        blank,
        first=_first_of_summary(before, after, changed),
        by_stage=dict(Counter(column for _, old, new in changed for column in _apart(old, new))),
        fills=sum(int((new or {}).get("fills") or 0) for _, _, new in changed),
        rebalances=len(changed),
        whole=False,
    )


def _compare(kept: Ledger, ledger: Ledger) -> Reconciliation:
    """A ledger against the golden's, the golden in the reference's place."""
    from reconcile.comparing.compare import compare

    return compare(replace(kept, manifest=replace(ledger.manifest, chain=None)), ledger)


def golden_ledger(golden: Golden) -> Ledger:
    """The tables that a golden keeps. Raises InputError when they cannot be read."""
    from reconcile.ledger.read import read_ledger

    with tempfile.TemporaryDirectory() as scratch:
        for name in golden.facts.tables:
            data = golden.files.get(f"{TABLES}/{name}.csv")
            if data is not None and name in SCHEMA:
                Path(scratch, f"{name}.csv").write_bytes(data)
        return read_ledger(scratch)


def edits(before: Golden, after: Golden) -> tuple[Fault, ...]:
    """Where two goldens of one ledger and the same inputs differ: the first cell of each file, and every
    figure of the manifest."""
    names = [name for name in dict.fromkeys((*before.files, *after.files)) if name.endswith(".csv")]
    faults = []
    for name in names:
        old, new = (_rows(golden.files.get(name, b"")) for golden in (before, after))
        if old != new:
            faults.append(_first_cell(name, old, new))
    for field in fields(before.facts.figures):
        was, now = (getattr(golden.facts.figures, field.name) for golden in (before, after))
        if was != now:
            faults.append(Fault(MANIFEST, field.name, None, f"{was}, where a run gives {now}"))
    return tuple(faults)


def _first_cell(name: str, old: list[list[str]], new: list[list[str]]) -> Fault:
    shared = min(len(old), len(new))
    line = next((k for k in range(shared) if old[k] != new[k]), shared)
    was, now = (rows[line] if line < len(rows) else [] for rows in (old, new))
    width = min(len(was), len(now))
    place = next((k for k in range(width) if was[k] != now[k]), width)
    head = old[0][place] if old and place < len(old[0]) else None
    cells = (repr(row[place]) if place < len(row) else "nothing" for row in (was, now))
    return Fault(name, f"line {line + 1}", head, ", where a run gives ".join(cells))


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))


def _records(golden: Golden, name: str) -> list[dict[str, str]]:
    text = golden.files.get(name, b"").decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


_Row = dict[str, str]


def _summary_changes(before: Golden, after: Golden) -> list[tuple[str, _Row | None, _Row | None]]:
    """Rows of the summary that differ, by when they were decided, in order of time."""
    old, new = ({row["end"]: row for row in _records(golden, SUMMARY_FILE)} for golden in (before, after))
    return [(end, old.get(end), new.get(end)) for end in sorted({*old, *new}) if old.get(end) != new.get(end)]


def _apart(old: _Row | None, new: _Row | None) -> list[str]:
    if old is None or new is None:
        return ["rebalance"]
    return [column for column in old if old[column] != new.get(column)]


def _first_of_summary(
    before: Golden, after: Golden, changed: list[tuple[str, _Row | None, _Row | None]]
) -> First | None:
    """The bar where the chains part, with the first column of the summary that shows it."""
    old, new = (_records(golden, CHAIN) for golden in (before, after))
    bar = next((a["timestamp"] for a, b in zip(old, new, strict=False) if a != b), None)
    if bar is None:
        longer = max(old, new, key=len)
        bar = longer[min(len(old), len(new))]["timestamp"] if len(old) != len(new) else ""
    if not changed:
        return First(None, bar, None, "chain", "digest", None, "one", "another")
    _, was, now = changed[0]
    shown = (name for name in _apart(was, now) if name not in ("rebalance", "decided_at", "end"))
    field = next(shown, "rebalance")
    number = (was or now or {}).get("rebalance", "")
    stage = _STAGES.get(field, "cost")
    return First(
        int(number) if number else None,
        bar,
        stage if field != "rebalance" else "target",
        "summary",
        field,
        None,
        None if was is None else was[field],
        None if now is None else now[field],
    )


def first_of(found: Break, manifest: Manifest) -> First:
    """A break as goldens tell it, the reference's value before the candidate's."""
    return First(
        found.rebalance,
        moment(found.timestamp, manifest),
        found.stage.value,
        found.table,
        found.type.value if found.field == "row" else found.field,
        found.symbol,
        value_text(found, found.reference, manifest),
        value_text(found, found.candidate, manifest),
    )


def moment(nanoseconds: int, manifest: Manifest) -> str:
    """An instant as the tables show it."""
    import numpy as np

    from reconcile.files.instants import iso_text

    return iso_text(np.array([nanoseconds], dtype=np.int64), manifest.timezone)[0]


def value_text(found: Break, value: object, manifest: Manifest) -> str | None:
    """One side of a break as text, None where there is no row."""
    if value is None:
        return None
    if found.kind is Kind.TIMESTAMP:
        return moment(int(str(value)), manifest)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _fills_apart(found: Reconciliation) -> int:
    """Fills that are not the same on both sides, or on one of them only."""
    rows = {(one.reference_row, one.candidate_row) for one in found.breaks if one.table == "fills"}
    return len(rows)
