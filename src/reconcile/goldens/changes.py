"""What a new ledger would change in a golden: causes, first divergence, and number of breaks by stage."""

from __future__ import annotations

import csv
import io
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.goldens.build import CHAIN, SCENARIO, SUMMARY_FILE, TABLES, TOLERANCE
from reconcile.goldens.files import MANIFEST
from reconcile.goldens.model import Cause, CauseKind, Change, Fault, FirstDivergence, Golden, Storage
from vocabulary.ledger import SCHEMA, Kind, Ledger, Manifest

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Reconciliation, Tolerance


_STAGES = {"targets": "target", "fills": "status", "equity": "equity"}
"""The stage that a column of the summary belongs to. Columns that are not listed are costs."""


def describe_change(
    before: Golden | None, after: Golden, ledger: Ledger, rerun: Callable[[Golden], Ledger | None]
) -> Change:
    """The change from a golden, None for a new case, to the golden of `ledger`.

    rerun: computes the ledger of a golden that does not keep all rows; None when that is not possible.
    """
    figures = after.manifest.figures
    blank = Change(
        case=after.manifest.case,
        replaces=None if before is None else before.id,
        causes=find_causes(before, after),
        before=None if before is None else before.manifest.figures,
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
    if before.manifest.figures.ledger == figures.ledger:
        return replace(blank, fills=0, rebalances=len(changed))
    kept = golden_ledger(before) if before.manifest.storage is Storage.FULL else rerun(before)
    if kept is not None:
        found = _compare(kept, ledger, golden_tolerances(before))
        return replace(
            blank,
            first=None if found.first is None else first_divergence(found.first, ledger.manifest),
            by_stage={stage.value: count for stage, count in found.by_stage.items()},
            fills=_differing_fills(found),
            rebalances=len(changed),
        )
    return replace(
        blank,
        first=_first_of_summary(before, after, changed),
        by_stage=dict(Counter(column for _, old, new in changed for column in _differing_columns(old, new))),
        fills=sum(int((new or {}).get("fills") or 0) for _, _, new in changed),
        rebalances=len(changed),
        whole=False,
    )


def _compare(kept: Ledger, ledger: Ledger, bounds: tuple[Tolerance, ...] = ()) -> Reconciliation:
    """Compare a ledger with the golden's, which takes the part of the reference."""
    from reconcile.comparing.compare import compare

    reference = replace(kept, manifest=replace(ledger.manifest, chain=None))
    return compare(reference, ledger, tolerances=bounds or None)


def golden_ledger(golden: Golden) -> Ledger:
    """The tables that a golden keeps. Raises InputError when they cannot be read."""
    from reconcile.ledger.read import read_ledger

    with tempfile.TemporaryDirectory() as scratch:
        for name in golden.manifest.tables:
            data = golden.files.get(f"{TABLES}/{name}.csv")
            if data is not None and name in SCHEMA:
                Path(scratch, f"{name}.csv").write_bytes(data)
        return read_ledger(scratch)


def find_edits(before: Golden, after: Golden) -> tuple[Fault, ...]:
    """Where two goldens of the same ledger and the same inputs differ.

    Reports the first differing cell of each file, and every differing figure of the manifest.
    """
    names = [name for name in dict.fromkeys((*before.files, *after.files)) if name.endswith(".csv")]
    faults = []
    for name in names:
        old, new = (_rows(golden.files.get(name, b"")) for golden in (before, after))
        if old != new:
            faults.append(_first_cell(name, old, new))
    for field in fields(before.manifest.figures):
        was, now = (getattr(golden.manifest.figures, field.name) for golden in (before, after))
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
    """(end, old row, new row) of the summary rows that differ, in order of time; None: no such row."""
    old, new = ({row["end"]: row for row in _records(golden, SUMMARY_FILE)} for golden in (before, after))
    return [(end, old.get(end), new.get(end)) for end in sorted({*old, *new}) if old.get(end) != new.get(end)]


def _differing_columns(old: _Row | None, new: _Row | None) -> list[str]:
    if old is None or new is None:
        return ["rebalance"]
    return [column for column in old if old[column] != new.get(column)]


def _first_of_summary(
    before: Golden, after: Golden, changed: list[tuple[str, _Row | None, _Row | None]]
) -> FirstDivergence | None:
    """The bar at which the digest chains part, and the first column of the summary that differs."""
    old, new = (_records(golden, CHAIN) for golden in (before, after))
    bar = next((a["timestamp"] for a, b in zip(old, new, strict=False) if a != b), None)
    if bar is None:
        longer = max(old, new, key=len)
        bar = longer[min(len(old), len(new))]["timestamp"] if len(old) != len(new) else ""
    if not changed:
        return FirstDivergence(None, bar, None, "chain", "digest", None, "one", "another")
    _, was, now = changed[0]
    shown = (name for name in _differing_columns(was, now) if name not in ("rebalance", "decided_at", "end"))
    field = next(shown, "rebalance")
    number = (was or now or {}).get("rebalance", "")
    stage = _STAGES.get(field, "cost")
    return FirstDivergence(
        int(number) if number else None,
        bar,
        stage if field != "rebalance" else "target",
        "summary",
        field,
        None,
        None if was is None else was[field],
        None if now is None else now[field],
    )


def first_divergence(found: Break, manifest: Manifest) -> FirstDivergence:
    """A break as a golden records it: `before` is the reference's value, `after` the candidate's."""
    return FirstDivergence(
        found.rebalance,
        instant_text(found.timestamp, manifest),
        found.stage.value,
        found.table,
        found.type.value if found.field == "row" else found.field,
        found.symbol,
        value_text(found, found.reference, manifest),
        value_text(found, found.candidate, manifest),
    )


def instant_text(nanoseconds: int, manifest: Manifest) -> str:
    """An instant as text in ISO format, in the ledger's time zone."""
    import numpy as np

    from reconcile.files.instants import iso_text

    return iso_text(np.array([nanoseconds], dtype=np.int64), manifest.timezone)[0]


def value_text(found: Break, value: object, manifest: Manifest) -> str | None:
    """One side of a break as text, None when that side has no row."""
    if value is None:
        return None
    if found.kind is Kind.TIMESTAMP:
        return instant_text(int(str(value)), manifest)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _differing_fills(found: Reconciliation) -> int:
    """Number of fills that differ, or exist on one side only."""
    rows = {(one.reference_row, one.candidate_row) for one in found.breaks if one.table == "fills"}
    return len(rows)


_SHORT = 12
"""Hex digits of a digest as it is shown."""


def find_causes(before: Golden | None, after: Golden) -> tuple[Cause, ...]:
    """The differences between the inputs of two goldens, or CODE when only their ledgers differ.

    Empty when neither inputs nor ledgers differ.
    """
    if before is None:
        return (Cause(CauseKind.NEW), *_tolerance_causes(None, after))
    found = [
        *_scenario_causes(before, after),
        *_data_causes(before, after),
        *_semantics_causes(before, after),
        *_agreement_causes(before, after),
        *_tolerance_causes(before, after),
    ]
    if found:
        return tuple(found)
    old, new = before.manifest, after.manifest
    if _differ(old.inputs.market, new.inputs.market):
        return (Cause(CauseKind.CODE, "computed features"),)
    return (Cause(CauseKind.CODE),) if old.figures.ledger != new.figures.ledger else ()


def inputs_differ(before: Golden, after: Golden) -> bool:
    """Whether two goldens were made from different inputs, as far as both record them."""
    old, new = before.manifest.inputs, after.manifest.inputs
    names = ("scenario", "market", "semantics")
    bounds = (golden.files.get(TOLERANCE) for golden in (before, after))
    return len(set(bounds)) > 1 or any(_differ(getattr(old, name), getattr(new, name)) for name in names)


def _differ(old: str | None, new: str | None) -> bool:
    return None not in (old, new) and old != new


def _scenario_causes(before: Golden, after: Golden) -> list[Cause]:
    if not _differ(before.manifest.inputs.scenario, after.manifest.inputs.scenario):
        return []
    old, new = (_settings(golden) for golden in (before, after))
    causes = [
        Cause(CauseKind.SCENARIO, path, old.get(path), new.get(path), _unit(path, old, new))
        for path in dict.fromkeys((*old, *new))
        if old.get(path) != new.get(path)
    ]
    digests = (golden.manifest.inputs.scenario or "" for golden in (before, after))
    return causes or [Cause(CauseKind.SCENARIO, "digest", *(digest[:_SHORT] for digest in digests))]


def _data_causes(before: Golden, after: Golden) -> list[Cause]:
    """Whether the bars differ; not reported when the scenario names another market or other units."""
    old, new = before.manifest.inputs, after.manifest.inputs
    asked = any(cause.what.startswith("market.") for cause in _scenario_causes(before, after))
    if asked or not _differ(old.data, new.data):
        return []
    name = new.market_name or "market"
    return [Cause(CauseKind.DATA, name, (old.data or "")[:_SHORT], (new.data or "")[:_SHORT])]


def _semantics_causes(before: Golden, after: Golden) -> list[Cause]:
    old, new = before.manifest.inputs.semantics, after.manifest.inputs.semantics
    if not _differ(old, new):
        return []
    return [Cause(CauseKind.SEMANTICS, "", (old or "")[:_SHORT], (new or "")[:_SHORT])]


def _agreement_causes(before: Golden, after: Golden) -> list[Cause]:
    old, new = before.manifest.agreement.value, after.manifest.agreement.value
    return [] if old == new else [Cause(CauseKind.AGREEMENT, "", old, new)]


def _tolerance_causes(before: Golden | None, after: Golden) -> list[Cause]:
    """The bounds that were added, changed or taken away, with their reasons."""
    old, new = (_bounds(golden) for golden in (before, after))
    return [
        Cause(CauseKind.TOLERANCE, name, old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def _bounds(golden: Golden | None) -> dict[str, str]:
    """By column: `absolute 0.01 (in cents)`."""
    found = () if golden is None else golden_tolerances(golden)
    return {f"{one.table}.{one.column}": f"{one.kind.value} {one.bound} ({one.reason})" for one in found}


def golden_tolerances(golden: Golden) -> tuple[Tolerance, ...]:
    """The bounds within which a golden's ledger holds. Raises InputError when they cannot be read."""
    from reconcile.comparing.tolerances import tolerances_from

    text = golden.files.get(TOLERANCE, b"").decode("utf-8", "replace")
    return tolerances_from(tomllib.loads(text), origin=f"golden {golden.manifest.case}: {TOLERANCE}")


def holds_within(golden: Golden, ledger: Ledger) -> bool:
    """Whether a ledger is that of a golden within the golden's bounds, row by row and column by column.

    Raises InputError: bounds between ledgers that have to be equal to the last unit.
    """
    bounds = golden_tolerances(golden)
    if not bounds or golden.manifest.storage is not Storage.FULL:
        return False
    kept = golden_ledger(golden)
    alike = {name: set(table.columns) for name, table in kept.tables.items()} == {
        name: set(table.columns) for name, table in ledger.tables.items()
    }
    return alike and not _compare(kept, ledger, bounds).breaks


def _settings(golden: Golden) -> dict[str, str]:
    """Every setting of a golden's scenario by its dotted path, as text."""
    text = golden.files.get(SCENARIO, b"").decode("utf-8", "replace")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, item in enumerate(value):
            yield from _flat(item, f"{path}.{item.get('name', place)}")
    else:
        yield path, value if isinstance(value, str) else repr(value)


def _unit(path: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """bps for a rate in basis points on both sides, else ""."""
    holder, _, key = path.rpartition(".")
    kinds = {settings.get(f"{holder}.kind") for settings in (old, new)}
    return "bps" if key == "rate" and kinds == {"bps"} else ""
