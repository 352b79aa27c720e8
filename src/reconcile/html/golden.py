"""The page of a golden review: per case what it was, what it would be, why, and how it is accepted."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.goldens.build import SUMMARY_FILE
from reconcile.goldens.changes import golden_ledger
from reconcile.goldens.golden_page import cause_text, fault_lines, first_text, money, percents, whole
from reconcile.html import series
from reconcile.html.comparison_grids import BREAKS, NUMERIC_BREAKS, break_rows
from reconcile.html.drawings import EquityCurves, Line, Waterfall
from reconcile.html.model import Grid, Page, Picture, Section, Tone
from reconcile.text.times import short_clock

if TYPE_CHECKING:
    from reconcile.goldens.golden_page import Group
    from reconcile.goldens.model import Change, Fault, Golden, Pending

CHANGED = 500
"""Changed rows that the page shows of one case; the rest is counted."""
FULL_CASES = 12
"""Cases that are shown with chart and rows; of more there is the table of all."""


def review_page(
    text: str,
    data: str,
    groups: Sequence[Group],
    edited: Mapping[str, Sequence[Fault]],
    goldens: Mapping[str, Golden],
) -> Page:
    """What is pending, case by case.

    edited: by case, where the files of a pending change were edited. goldens: those on record, by case; a new
    case has none.
    """
    pending = [one for group in groups for one in group.pending]
    causes = dict.fromkeys(cause_text(cause) for group in groups for cause in group.causes)
    rows = [row for one in pending for row in _overview(one.change)]
    heads = ("case", "figure", "before", "after", "cause")
    grids = [Grid("moved", "Figures that change, all cases", heads, rows)] if len(pending) > 1 else []
    left = len(pending) - FULL_CASES
    facts = (("cases", f"{left:,} more cases are in the table of figures only"),) if left > 0 else ()
    return Page(
        command="golden review",
        title="pending goldens",
        verdict=text.partition("\n")[0],
        tone=Tone.FAIL if edited else Tone.OPEN if pending else Tone.PASS,
        outcome="Edited" if edited else "Pending" if pending else "Nothing pending",
        causes=tuple(causes),
        not_compared_title="Edited since they were found, so that they cannot be accepted",
        not_compared=tuple(f"{case}: {fault_lines(faults)[0]}" for case, faults in sorted(edited.items())),
        commands=('reconcile golden accept --all --reason "..."',) if pending else (),
        pictures=tuple(_returns(pending)),
        sections=tuple(_section(one, goldens.get(one.change.case)) for one in pending[:FULL_CASES]),
        grids=tuple(grid for grid in grids if grid.rows),
        facts=facts,
        text=text,
        data=data,
    )


def _overview(change: Change) -> Iterable[tuple[str, ...]]:
    causes = "; ".join(map(cause_text, change.causes))
    for label, old, new in _before_after(change):
        if old != new:
            yield change.case, label, old, new, causes


def _before_after(change: Change) -> Iterable[tuple[str, str, str]]:
    """(figure, before, after) of every figure that a golden records."""
    before, after = change.before, change.after
    for label, name in (("return", "total_return"), ("largest drawdown", "max_drawdown")):
        yield label, *percents(None if before is None else getattr(before, name), getattr(after, name))
    for label, name, show in (
        ("commission", "commission", money),
        ("slippage", "slippage", money),
        ("turnover", "turnover", money),
        ("fills", "fills", whole),
        ("rebalances", "rebalances", whole),
        ("final equity", "final_equity", money),
    ):
        yield label, show(None if before is None else getattr(before, name)), show(getattr(after, name))


def _section(pending: Pending, golden: Golden | None) -> Section:
    """One case: before, after, cause, chart, changed rows, and the command that accepts it."""
    change = pending.change
    causes = "; ".join(map(cause_text, change.causes)) or "how it is recorded"
    facts = [("cause", causes)]
    if change.first is not None:
        facts.append(("first", first_text(change.first)))
        facts.append(("changed", f"{change.fills:,} fills, {change.rebalances:,} rebalances"))
    elif golden is not None:
        facts.append(("ledger", "the same"))
    number = f"case-{_anchor(change.case)}"
    return Section(
        name=number,
        title=change.case,
        facts=tuple(facts),
        before_after=tuple(_before_after(change)),
        pictures=tuple(_equity(number, golden, pending.golden)),
        grids=tuple(_changed(number, golden, pending.golden)),
        commands=(f'reconcile golden accept {shlex.quote(change.case)} --reason "..."',),
    )


def _anchor(case: str) -> str:
    """A case's name as a part of an anchor."""
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in case.lower()) or "case"


def _summary(golden: Golden) -> dict[str, dict[str, str]]:
    """The rows of a golden's summary by the end of their rebalance."""
    text = golden.files.get(SUMMARY_FILE, b"").decode("utf-8", "replace")
    return {row.get("end", ""): row for row in csv.DictReader(io.StringIO(text, newline=""))}


def _line(golden: Golden) -> Line | None:
    """Equity at the end of every rebalance; None where the summary does not say it."""
    found = []
    for end, row in _summary(golden).items():
        try:
            moment = datetime.fromisoformat(end)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            found.append((int(moment.timestamp()) * 10**9, float(row.get("equity") or "nan")))
        except ValueError:
            continue
    found.sort()
    if not found:
        return None
    return np.array([at for at, _ in found], np.int64), np.array([value for _, value in found])


def _equity(name: str, old: Golden | None, new: Golden) -> Iterable[Picture]:
    left, right = (None if golden is None else _line(golden) for golden in (old, new))
    if right is None and left is None:
        return
    between = None if left is None or right is None else series.gap(left, right)
    drawing = EquityCurves(left, right, between, None, ("golden", "new"))
    sides = [{} if golden is None else _summary(golden) for golden in (old, new)]
    ends = sorted({*sides[0], *sides[1]})
    rows = [(end, *(side.get(end, {}).get("equity") for side in sides)) for end in ends[:CHANGED]]
    more = max(0, len(ends) - CHANGED)
    table = Grid(f"{name}-numbers", "In numbers", ("end", "golden", "new"), rows, more, frozenset({1, 2}))
    note = "One point per rebalance."
    yield Picture(f"{name}-equity", "Equity of the golden and of the new ledger", drawing, note, table)


def _changed(name: str, old: Golden | None, new: Golden) -> Iterable[Grid]:
    """The rebalances whose figures change, and, where both goldens keep all rows, every changed cell."""
    if old is None:
        return
    rows = list(_rebalances(old, new))
    if rows:
        heads = ("end", "figure", "golden", "new")
        yield Grid(
            f"{name}-rebalances", "Rebalances that change", heads, rows[:CHANGED], max(0, len(rows) - CHANGED)
        )
    if all(any(path.startswith("tables/") for path in golden.files) for golden in (old, new)):
        from reconcile.comparing.compare import compare

        found = compare(golden_ledger(old), golden_ledger(new))
        if found.breaks:
            clock = short_clock(None, found.reference.manifest, found.candidate.manifest)
            kept = break_rows(found, clock, CHANGED)
            left_out = len(found.breaks) - len(kept)
            yield Grid(
                f"{name}-rows",
                "Rows that change",
                (*BREAKS[:-2], "golden", "new"),
                kept,
                left_out,
                NUMERIC_BREAKS,
            )


def _rebalances(old: Golden, new: Golden) -> Iterable[tuple[str, str, str, str]]:
    sides = [_summary(golden) for golden in (old, new)]
    for end in sorted({*sides[0], *sides[1]}):
        was, now = (side.get(end) for side in sides)
        if was is None or now is None:
            there = ("none", "one") if was is None else ("one", "none")
            yield end, "rebalance", *there
            continue
        for column, value in was.items():
            if value != now.get(column):
                yield end, column, value, now.get(column) or ""


def _returns(pending: Sequence[Any]) -> Iterable[Picture]:
    """How the return of each case changes, as one bar per case."""
    moved: list[tuple[Any, ...]] = [
        (one.change.case, *(float(Decimal(side.total_return)) * 100 for side in sides))
        for one in pending
        for sides in [(one.change.before, one.change.after)]
        if all(side is not None and side.total_return is not None for side in sides)
        and sides[0].total_return != sides[1].total_return
    ]
    if len(moved) > 1:
        heads = ("case", "return before, %", "return after, %")
        table = Grid("returns-numbers", "In numbers", heads, moved, 0, frozenset({1, 2}))
        note = "One bar per case: by how many points of percent its return changes; hatched where it falls."
        steps = tuple((case, 0.0, new - old) for case, old, new in moved)
        drawing = Waterfall(steps, totals=False, label="change, points")
        yield Picture("equity", "How the returns change", drawing, note, table)
