"""The page of a campaign: groups by cause, and one row per job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconcile.html.model import ROWS, Grid, Page, Tone
from reconcile.text.escape import printable

GROUPS = ("jobs", "what they share", "kind", "exit code", "first of them")
JOBS = ("job", "verdict", "answer", "causes", "leads", "seconds", "kept")


def campaign_page(
    text: str,
    data: str,
    jobs: Sequence[Mapping[str, Any]],
    groups: Sequence[Mapping[str, Any]],
    exit_code: int,
) -> Page:
    """jobs, groups: as in the JSON."""
    by_cause = [
        (
            one["count"],
            printable(one["text"]),
            one["kind"].replace("_", " "),
            one["exit_code"],
            printable(one["jobs"][0]),
        )
        for one in groups
    ]
    rows = [
        (
            printable(one["name"]),
            printable(one["verdict"]).replace("_", " "),
            printable(one["headline"]),
            "; ".join(map(printable, one["causes"])),
            "; ".join(map(printable, one["leads"])),
            one["seconds"],
            "kept" if one["kept"] else "",
        )
        for one in sorted(jobs, key=lambda one: one["exit_code"] == 0)
    ]
    return Page(
        command="campaign",
        title="",
        verdict=text.partition("\n")[0],
        tone={0: Tone.PASS, 1: Tone.FAIL}.get(exit_code, Tone.OPEN),
        outcome={0: "Passed", 1: "Breaks", 3: "Not deterministic", 4: "Inconclusive"}.get(
            exit_code, "Cannot tell"
        ),
        causes=tuple(printable(one["text"]) for one in groups if one["kind"] == "cause"),
        grids=(
            Grid(
                "groups", "By cause", GROUPS, by_cause[:ROWS], max(0, len(groups) - ROWS), frozenset({0, 3})
            ),
            Grid("jobs", "Jobs", JOBS, rows[:ROWS], max(0, len(rows) - ROWS), frozenset({5})),
        ),
        text=text,
        data=data,
    )
