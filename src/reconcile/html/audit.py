"""The page of an audit: the answer, every finding that is kept, and every check."""

from __future__ import annotations

import json
from typing import Any

from reconcile.auditing.model import Audit, Verdict
from reconcile.html.model import ROWS, Grid, Page, Tone

TONES = {Verdict.CLEAN: Tone.PASS, Verdict.FINDINGS: Tone.FAIL}


def audit_page(text: str, data: str, found: Audit, name: str) -> Page:
    """text: the printed page. data: the JSON, whose findings and checks become tables."""
    facts = json.loads(data)
    unchecked = [(one["check"], one["what"], one["why"]) for one in facts["unchecked"]]
    return Page(
        command="audit",
        title=name,
        verdict=text.partition("\n")[0],
        tone=TONES.get(found.verdict, Tone.OPEN),
        outcome=found.verdict.value.replace("_", " ").capitalize(),
        not_compared=tuple(f"{check}: {what}, {why}" for check, what, why in unchecked),
        grids=tuple(
            grid
            for grid in (
                _grid("findings", "Findings", facts["findings"]),
                _grid("checks", "Checks made", facts["checked"]),
            )
            if grid is not None
        ),
        facts=tuple(("note", note) for note in facts["notes"]),
        text=text,
        data=data,
    )


def _grid(name: str, title: str, rows: list[dict[str, Any]]) -> Grid | None:
    if not rows:
        return None
    heads = tuple(dict.fromkeys(key for row in rows for key in row))
    numeric = frozenset(
        place
        for place, head in enumerate(heads)
        if all(isinstance(row.get(head), (int, float, type(None))) for row in rows)
    )
    cells = [tuple(_cell(row.get(head)) for head in heads) for row in rows[:ROWS]]
    return Grid(name, title, heads, cells, max(0, len(rows) - ROWS), numeric)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict)) else value
