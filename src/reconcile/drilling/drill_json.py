"""The JSON of `reconcile drill`, versioned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.drilling.model import Drill, Finding, Place

VERSION = 1


def drill_json(found: Drill) -> str:
    """Keys: version, aims, scores by group, without_trace, left_out, findings."""
    from reconcile.drilling.judging import aims

    told = {
        "version": VERSION,
        "aims": [
            {"what": aim.what, "got": aim.got, "of": aim.of, "aim": aim.words, "met": aim.met}
            for aim in aims(found)
        ],
        "scores": {
            group.value: {name: getattr(score, name) for name in type(score).__slots__}
            for group, score in found.scores.items()
        },
        "without_trace": list(found.traceless),
        "left_out": [candidate.name for candidate in found.idle],
        "findings": [_finding(finding) for finding in found.findings],
    }
    return json.dumps(told, indent=2, ensure_ascii=True)


def _finding(finding: Finding) -> dict[str, Any]:
    candidate = finding.candidate
    return {
        "faults": list(candidate.faults),
        "group": candidate.group.value,
        "ground": candidate.ground,
        "seed": candidate.seed,
        "detected": finding.detected,
        "located": finding.located,
        "explained": finding.explained,
        "false_causes": list(finding.false_causes),
        "expected": _place(finding.expected),
        "found": _place(finding.found),
        "answer": finding.answer,
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"bar": place.bar, "stage": place.stage.value, "symbol": place.symbol}
