"""The matrix of a campaign: outcomes grouped by what they share, and shown as text, JSON and JUnit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from reconcile.campaigning.model import Group, GroupKind, Job, Matrix, Outcome, Status
from reconcile.text.escape import printable
from reconcile.text.json_text import to_json
from reconcile.text.layout import aligned

KIND = "tieout.campaign"
VERSION = 1
WORST = (1, 3, 2, 4)
"""Exit codes, the worst first, as in `reconcile gate`: what was found to be wrong comes before what is
unknown, and that before what stayed undecided."""
SHOWN_GROUPS = 20
SHOWN_JOBS = 30
"""Of the jobs that did not pass, on the printed page; the others are counted."""
LONGEST = 160
"""Characters of a job's name on the printed page."""
NAMED = 3
"""Jobs that a group names on the printed page."""


def worst(codes: Iterable[int]) -> int:
    """The worst exit code; 2 where there is none at all, because then nothing was shown."""
    found = set(codes)
    return next((code for code in WORST if code in found), 0 if found else 2)


def grouped(jobs: Sequence[tuple[Job, Outcome]]) -> tuple[Group, ...]:
    """The jobs that did not pass, and those with a cause, by what they share: the largest group first.

    A job stands once for each of its causes; without one, under each of its leads and under its error, its
    first divergence, or its verdict.
    """
    found: dict[tuple[GroupKind, str], list[tuple[Job, Outcome]]] = {}
    for job, outcome in jobs:
        for label in dict.fromkeys(_labels(outcome)):
            found.setdefault(label, []).append((job, outcome))
    groups = [
        Group(kind, text, worst(one.exit_code for _, one in members), tuple(job.name for job, _ in members))
        for (kind, text), members in found.items()
    ]
    order = list(GroupKind)
    return tuple(sorted(groups, key=lambda one: (-len(one.jobs), order.index(one.kind), one.text)))


def _labels(outcome: Outcome) -> Iterator[tuple[GroupKind, str]]:
    if outcome.causes:
        yield from ((GroupKind.CAUSE, cause) for cause in outcome.causes)
        return
    if outcome.exit_code == 0:
        return
    yield from ((GroupKind.LEAD, lead) for lead in outcome.leads)
    if outcome.status is not Status.DONE:
        yield GroupKind.ERROR, outcome.first or outcome.headline
    elif outcome.first is not None:
        yield GroupKind.FIRST_DIVERGENCE, outcome.first
    else:
        yield GroupKind.VERDICT, outcome.verdict


def headline(matrix: Matrix) -> str:
    """The answer in one line: the largest group, and how many jobs passed."""
    count = len(matrix.jobs)
    passed = sum(outcome.exit_code == 0 for _, outcome in matrix.jobs)
    jobs = f"{count:,} job{'' if count == 1 else 's'}"
    if passed == count and count:
        return f"passed: all {jobs}" if count > 1 else "passed: the one job"
    bad = next((one for one in matrix.groups if one.exit_code), None)
    largest = "" if bad is None else f"; {_group_words(bad, count)}"
    return f"{passed:,} of {jobs} passed{largest}"


def _group_words(group: Group, count: int) -> str:
    text = printable(group.text)
    said = {
        GroupKind.CAUSE: text,
        GroupKind.LEAD: f"lead: {text}",
        GroupKind.FIRST_DIVERGENCE: f"no cause named, first divergence {text}",
        GroupKind.ERROR: text,
        GroupKind.VERDICT: text.replace("_", " "),
    }[group.kind]
    return f"{len(group.jobs):,} of {count:,} jobs: {said}"


def matrix_page(matrix: Matrix) -> str:
    """The printed page; its first line is the answer."""
    lines = [headline(matrix), "", f"campaign      {printable(matrix.name, 100)}", *_figures(matrix)]
    count = len(matrix.jobs)
    if matrix.groups:
        lines += ["", "by cause"]
        for group in matrix.groups[:SHOWN_GROUPS]:
            more = len(group.jobs) - NAMED
            lines.append(f"  {_group_words(group, count)}")
            lines += [f"    {printable(name, LONGEST)}" for name in group.jobs[:NAMED]]
            lines += [f"    and {more:,} more"] if more > 0 else []
        lines += _left_out(len(matrix.groups) - SHOWN_GROUPS, "group")
    bad = [(job, outcome) for job, outcome in matrix.jobs if outcome.exit_code]
    if bad:
        rows = [
            (printable(job.name, LONGEST), _verdict(one), printable(one.headline))
            for job, one in bad[:SHOWN_JOBS]
        ]
        lines += ["", "jobs that did not pass", *(f"  {line}".rstrip() for line in aligned(rows, "<<<"))]
        lines += _left_out(len(bad) - SHOWN_JOBS, "job")
    lines += ["", *(f"note          {printable(note)}" for note in matrix.notes)] if matrix.notes else []
    return "\n".join(lines)


def _figures(matrix: Matrix) -> Iterator[str]:
    verdicts = Counter(_verdict(outcome) for _, outcome in matrix.jobs)
    yield f"verdicts      {', '.join(f'{name} {number:,}' for name, number in verdicts.most_common())}"
    by = f" by {printable(matrix.workers)}" if matrix.ran else ""
    yield f"jobs          {matrix.ran:,} run now{by}, {matrix.kept:,} kept from before"
    yield f"time          {matrix.seconds:.1f} s"


def _verdict(outcome: Outcome) -> str:
    return printable(outcome.verdict).replace("_", " ")


def _left_out(count: int, noun: str) -> list[str]:
    return [f"  and {count:,} {noun}{'' if count == 1 else 's'} more: see --json"] if count > 0 else []


def matrix_json(matrix: Matrix, verdict: str) -> str:
    """The matrix as JSON text."""
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": verdict,
            "name": matrix.name,
            "jobs": [_job_facts(job, outcome) for job, outcome in matrix.jobs],
            "groups": [
                {
                    "kind": group.kind.value,
                    "text": group.text,
                    "exit_code": group.exit_code,
                    "count": len(group.jobs),
                    "jobs": list(group.jobs),
                }
                for group in matrix.groups
            ],
            "ran": matrix.ran,
            "kept": matrix.kept,
            "seconds": round(matrix.seconds, 3),
            "workers": matrix.workers,
            "notes": list(matrix.notes),
        }
    )


def _job_facts(job: Job, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": job.name,
        "command": job.command.value,
        "status": outcome.status.value,
        "exit_code": outcome.exit_code,
        "verdict": outcome.verdict,
        "headline": outcome.headline,
        "first": outcome.first,
        "causes": list(outcome.causes),
        "leads": list(outcome.leads),
        "seconds": round(outcome.seconds, 3),
        "kept": outcome.kept,
        "key": outcome.key,
    }


def matrix_junit(matrix: Matrix) -> str:
    """The matrix as JUnit XML, one test case per job. A campaign without a job has an error."""
    suite = Xml.Element("testsuite", name=printable(matrix.name, 100))
    for job, outcome in matrix.jobs:
        case = Xml.SubElement(suite, "testcase", classname=f"campaign.{job.command.value}")
        case.set("name", printable(job.name, 200))
        case.set("time", f"{outcome.seconds:.3f}")
        kind = {0: None, 1: "failure", 4: "skipped"}.get(outcome.exit_code, "error")
        if kind is not None:
            lines = [printable(line) for line in (outcome.headline, *outcome.causes, *outcome.leads)]
            note = Xml.SubElement(case, kind, message=lines[0])
            note.text = "\n".join(lines)
    if not matrix.jobs:
        case = Xml.SubElement(suite, "testcase", classname="campaign", name="any job")
        Xml.SubElement(case, "error", message="no job was run")
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    totals = {name: str(len(suite.findall(f"testcase/{kind}"))) for name, kind in kinds.items()}
    totals["tests"] = str(len(suite.findall("testcase")))
    suite.attrib.update(totals)
    root = Xml.Element("testsuites", {"name": "reconcile campaign", **totals})
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"
