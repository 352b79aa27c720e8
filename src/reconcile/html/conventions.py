"""The page of an identification: the conventions that a ledger shows, and the engines that have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconcile.html.model import Grid, Page, Tone

if TYPE_CHECKING:
    from reconcile.identifying.model import Identification

CONVENTIONS = ("convention", "the ledger shows", "the scenario states", "status", "fits", "contradicts")
ENGINES = ("engine", "agree", "differ", "not visible", "differs in", "setting", "source")


def identify_page(text: str, data: str, found: Identification, name: str) -> Page:
    """What the ledger shows beside what the scenario states, then the engines, the nearest first."""
    from reconcile.identifying.identify_page import alike
    from reconcile.identifying.model import Status, Verdict

    facts = json.loads(data)
    shown = [
        (
            one["question"],
            " or ".join([one["shown"], *one["equal"]]),
            one["stated"],
            Status(one["status"]).value.replace("_", " "),
            one["fits"],
            one["contradicts"],
        )
        for one in facts["conventions"]
    ]
    engines = [
        (
            f"{one['engine']} {one['engine_version']}",
            *(len(one[key]) for key in ("agree", "differ", "open")),
            ", ".join(one["differ"]),
            one["setting"],
            one["source"],
        )
        for one in facts["engines"]
    ]
    return Page(
        command="identify",
        title=name,
        verdict=text.partition("\n")[0],
        tone={Verdict.FITS: Tone.PASS, Verdict.PARTLY: Tone.FAIL}.get(found.verdict, Tone.OPEN),
        outcome=found.verdict.value.replace("_", " ").capitalize(),
        causes_title="Engines that have all of these conventions",
        causes=tuple(
            f"{each.profile.engine} {each.profile.version}: {each.profile.setting}"
            for each in alike(found.engines)
        ),
        not_compared_title="Not told by this ledger",
        not_compared=tuple(
            one.convention.question for one in found.findings if one.status is Status.CANNOT_TELL
        ),
        grids=tuple(
            grid
            for grid in (
                Grid("conventions", "Conventions", CONVENTIONS, shown, 0, frozenset({4, 5})),
                Grid("engines", "Known engines", ENGINES, engines, 0, frozenset({1, 2, 3})),
            )
            if grid.rows
        ),
        facts=tuple(("note", note) for note in facts["notes"]),
        text=text,
        data=data,
    )
