"""The pages of what checks one thing against rules of its own: an audit, a gate, a drill."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.html.drawings import Look, Ratios, Waterfall
from reconcile.html.model import ROWS, Grid, Page, Picture, Tone

if TYPE_CHECKING:
    from reconcile.auditing.model import Audit
    from reconcile.drilling.model import Drill
    from reconcile.gating.model import Report, Throughput

DRIFTS = ("case", "quantity", "golden", "found", "apart", "limit", "verdict")


def audit_page(text: str, data: str, found: Audit, name: str) -> Page:
    """An audit: the answer, every finding that is kept, and every check.

    text: the printed page. data: the JSON, whose findings and checks become tables.
    """
    from reconcile.auditing.model import Verdict

    facts = json.loads(data)
    unchecked = [(one["check"], one["what"], one["why"]) for one in facts["unchecked"]]
    counts = [(kind.value.replace("_", " "), number) for kind, number in found.counts.items() if number]
    grids = [
        Grid("counts", "Findings by kind", ("kind", "findings"), counts, 0, frozenset({1})),
        *_table("findings", "Findings", facts["findings"]),
        *_table("checks", "Checks made", facts["checked"]),
    ]
    return Page(
        command="audit",
        title=name,
        verdict=text.partition("\n")[0],
        tone={Verdict.CLEAN: Tone.PASS, Verdict.FINDINGS: Tone.FAIL}.get(found.verdict, Tone.OPEN),
        outcome=found.verdict.value.replace("_", " ").capitalize(),
        not_compared_title="Not checked",
        not_compared=tuple(f"{check}: {what}, {why}" for check, what, why in unchecked),
        grids=tuple(grid for grid in grids if grid.rows),
        facts=tuple(("note", note) for note in facts["notes"]),
        text=text,
        data=data,
    )


def plain_grids(data: str) -> tuple[Grid, ...]:
    """The lists of records in a JSON answer as tables, each under its own key."""
    facts = json.loads(data)
    found: list[Grid] = []
    for name, rows in facts.items() if isinstance(facts, dict) else ():
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            found += _table(name.replace("_", "-"), name.replace("_", " ").capitalize(), rows)
    return tuple(found)


def _table(name: str, title: str, rows: list[dict[str, Any]]) -> Iterable[Grid]:
    """Rows of the JSON as a table."""
    heads = tuple(dict.fromkeys(key for row in rows for key in row))
    numeric = frozenset(
        place
        for place, head in enumerate(heads)
        if all(isinstance(row.get(head), (int, float, type(None))) for row in rows)
    )
    cells = [tuple(_cell(row.get(head)) for head in heads) for row in rows[:ROWS]]
    yield Grid(name, title, heads, cells, max(0, len(rows) - ROWS), numeric)


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def gate_page(text: str, data: str, report: Report) -> Page:
    """A gate: the ratio with its interval over the pairs, and the drift of every case."""
    from reconcile.gating.gate_page import (
        CASE_HEAD,
        case_failures,
        case_rows,
        golden_failures,
        throughput_lines,
        throughput_words,
    )
    from reconcile.gating.model import Check, Outcome
    from reconcile.goldens.model import SOUND

    failures = [": ".join(golden_failures(one)[:2]) for one in report.goldens if one.status not in SOUND]
    failures += [
        f"{one.name}: {line}"
        for one in report.cases
        if one.outcome is Outcome.FAILED
        for line in case_failures(one)
    ]
    found = report.throughput
    if found is not None and found.outcome is Outcome.FAILED:
        failures.append(f"throughput {throughput_words(found)}")
    left_out = [f"{check.value}: not asked for" for check in Check if check not in report.asked]
    aside = [f"{one.name}: {one.said}" for one in report.cases if one.outcome is Outcome.UNKNOWN]
    drifts = list(_drifts(report))
    grids = [
        Grid("cases", "Every case", CASE_HEAD, case_rows(report)),
        Grid("drift", "Drift per case", DRIFTS, drifts),
    ]
    return Page(
        command="gate",
        title=report.engine,
        verdict=text.partition("\n")[0],
        tone={Outcome.PASSED: Tone.PASS, Outcome.FAILED: Tone.FAIL}.get(report.outcome, Tone.OPEN),
        outcome=report.outcome.value.capitalize(),
        causes_title="Failures",
        causes=tuple(failures),
        not_compared_title="Not checked",
        not_compared=(*left_out, *aside),
        pictures=(*(() if found is None else _ratios(found)), *_moved(report)),
        grids=tuple(grid for grid in grids if grid.rows),
        facts=() if found is None else tuple(("throughput", line) for line in throughput_lines(found)),
        text=text,
        data=data,
    )


def _drifts(report: Report) -> Iterable[tuple[Any, ...]]:
    """One row per case and quantity, those beyond their limit first."""
    rows = [
        (one.within, (case.name, one.name, *map(_plain, (one.golden, one.found, one.apart, one.limit))))
        for case in report.cases
        for one in case.drifts
    ]
    for within, row in sorted(rows, key=lambda pair: pair[0]):
        yield (*row, "within" if within else "beyond the limit")


def _plain(value: Any) -> str:
    return "" if value is None else format(value, "f")


def _moved(report: Report) -> Iterable[Picture]:
    """The return of each case that drifted, from the golden's to the one found."""
    moved = [
        (case.name, float(one.golden) * 100, float(one.found) * 100)
        for case in report.cases
        for one in case.drifts
        if one.name == "return" and one.apart and one.golden is not None and one.found is not None
    ]
    if moved:
        heads = ("case", "return, golden, %", "return, found, %")
        table = Grid("moved-numbers", "In numbers", heads, moved, 0, frozenset({1, 2}))
        note = "One bar per case: by how many points of percent its return drifted; hatched where it falls."
        steps = tuple((case, 0.0, found - golden) for case, golden, found in moved)
        drawing = Waterfall(steps, totals=False, label="drift, points")
        yield Picture("moved", "Returns that drifted", drawing, note, table)


def _ratios(found: Throughput) -> Iterable[Picture]:
    """The ratio of each pair of fresh processes, and the interval so far, with the limit."""
    if not found.pairs:
        return
    ratios = np.array([pair.head / pair.base for pair in found.pairs])
    decision = found.decision
    looks = tuple(_looks(found))
    rows: list[tuple[Any, ...]] = [
        (number, round(float(ratio), 4), None, None, None) for number, ratio in enumerate(ratios, 1)
    ]
    for one in looks:
        rows[one.pairs - 1] = (
            *rows[one.pairs - 1][:2],
            *(round(x, 4) for x in (one.ratio, one.low, one.high)),
        )
    heads = ("pair", "ratio", "ratio so far", "low", "high")
    table = Grid("pairs-numbers", "In numbers", heads, rows, 0, frozenset(range(5)))
    note = (
        "One point per pair of fresh processes: time of head over time of base. Diamonds with whiskers: the"
        " ratio and its interval after so many pairs. The dashed line is the limit."
    )
    drawing = Ratios(ratios, looks, None if decision is None else decision.limit)
    yield Picture("equity", "Throughput, pair by pair", drawing, note, table)


def _looks(found: Throughput) -> Iterable[Look]:
    """Ratio and interval after every few pairs, and the decision's own at the end.

    The ones before the end are of the decision's total share of alpha, so that the picture claims no more.
    """
    from reconcile.gating.sequential_test import ALPHA, FIRST_LOOK, centre, interval

    decision = found.decision
    if decision is None or not math.isfinite(decision.ratio):
        return
    values = [math.log(pair.head / pair.base) for pair in found.pairs]
    most = max(FIRST_LOOK, len(values))
    for count in np.unique(np.linspace(FIRST_LOOK, most, 8).astype(int)).tolist():
        if count >= min(decision.pairs, len(values)):
            break
        low, high = interval(values[:count], ALPHA)
        if math.isfinite(low) and math.isfinite(high):
            yield Look(count, math.exp(centre(values[:count])), math.exp(low), math.exp(high))
    if math.isfinite(decision.high):
        yield Look(decision.pairs, decision.ratio, decision.low, decision.high)


def drill_page(text: str, data: str, found: Drill) -> Page:
    """A drill: the score of each group, what was missed, and every candidate."""
    from reconcile.drilling.drill_page import LABELS
    from reconcile.drilling.judging import aims

    scores = [
        (LABELS[group.value], one.candidates, one.detected, one.located, one.explained, one.with_false_causes)
        for group, one in found.scores.items()
    ]
    heads = ("group", "candidates", "detected", "located", "explained", "with a false cause")
    met = [
        (aim.what, f"{aim.got:,} of {aim.of:,}", aim.words, "met" if aim.met else "missed")
        for aim in aims(found)
    ]
    missed = [row for one, row in _findings(found) if not (one.right and not one.false_causes)]
    whole = [row for _, row in _findings(found)]
    columns = ("candidate", "group", "detected", "located", "explained", "false causes", "answer")
    judged = bool(found.findings) and not found.traceless
    grids: Sequence[Grid] = (
        Grid("aims", "Aims", ("what", "reached", "aim", "met or missed"), met),
        Grid("scores", "Scores", heads, scores, 0, frozenset(range(1, 6))),
        Grid("missed", "Missed", columns, missed[:ROWS], max(0, len(missed) - ROWS)),
        Grid("findings", "Every candidate", columns, whole[:ROWS], max(0, len(whole) - ROWS)),
    )
    left_out = tuple(f"{one.name}: a fault of it changes nothing there" for one in found.idle)
    passed = judged and all(aim.met for aim in aims(found))
    return Page(
        command="drill",
        title="planted faults",
        verdict=text.partition("\n")[0],
        tone=Tone.OPEN if not judged else Tone.PASS if passed else Tone.FAIL,
        outcome="Nothing judged" if not judged else "Aims met" if passed else "Aims missed",
        not_compared_title="Left out",
        not_compared=left_out,
        grids=tuple(grid for grid in grids if grid.rows),
        text=text,
        data=data,
    )


def _findings(found: Drill) -> Iterable[tuple[Any, tuple[Any, ...]]]:
    for one in found.findings:
        words = ("yes" if is_so else "no" for is_so in (one.detected, one.located, one.explained))
        group = one.candidate.group.value
        yield one, (one.candidate.name, group, *words, "; ".join(one.false_causes), one.answer)
