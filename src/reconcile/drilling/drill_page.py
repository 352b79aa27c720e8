"""The page of `reconcile drill`, and its versioned JSON: the score, and every candidate that was missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconcile.text.escape import printable
from reconcile.text.layout import aligned

if TYPE_CHECKING:
    from reconcile.drilling.model import Drill, Finding, Place, Score


LABELS = {
    "single": "alone",
    "pair": "in pairs",
    "outside": "outside",
    "other grounds": "outside, other grounds",
    "clean": "no fault",
}
HEAD = ("", "candidates", "detected", "located", "explained", "with a false cause")


def drill_page(found: Drill) -> str:
    """The answer first, then the table, then what was missed."""
    return "\n".join([_first(found), "", *_table(found), *_missed(found)])


def _first(found: Drill) -> str:
    from reconcile.drilling.judging import aims

    met = all(aim.met for aim in aims(found))
    said = "; ".join(f"{aim.what} {_share(aim.got, aim.of)} (aim {aim.words})" for aim in aims(found))
    answer = f"{'aims met' if met else 'aims missed'}: {said}"
    if not found.findings:
        answer = "cannot tell: nothing was judged"
    if not found.traceless:
        return answer
    names = ", ".join(printable(name) for name in found.traceless)
    return f"cannot tell: planted where it changes nothing: {names}\nof the rest, {answer}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _table(found: Drill) -> Iterator[str]:
    rows = [HEAD, *(_row(LABELS[group.value], score) for group, score in found.scores.items())]
    yield from aligned(rows, "<>")
    outside = {"outside", "other grounds"} & {group.value for group in found.scores}
    if outside:
        yield ""
        yield "outside: no hypothesis describes the fault; the right answer is then that it is unexplained"


def _row(label: str, score: Score) -> tuple[str, ...]:
    faulty = label != LABELS["clean"]
    return (
        label,
        f"{score.candidates:,}",
        f"{score.detected:,}" if faulty else "-",
        f"{score.located:,}" if faulty else "-",
        f"{score.explained:,}" if faulty else "-",
        f"{score.with_false_causes:,}",
    )


def _missed(found: Drill) -> Iterator[str]:
    missed = [f for f in found.findings if not (f.right and not f.false_causes)]
    if found.idle:
        yield ""
        yield f"left out      {len(found.idle):,}: there, a fault of theirs changes nothing"
        yield from (f"  {printable(candidate.name, 100)}" for candidate in found.idle)
    if missed:
        yield ""
        yield f"missed        {len(missed):,}"
    for finding in missed:
        yield f"  {printable(finding.candidate.name, 100)}"
        yield from (f"      {line}" for line in _why(finding))


def _why(finding: Finding) -> Iterator[str]:
    if finding.candidate.faults and not finding.detected:
        yield "not detected"
    if not finding.located:
        yield f"expected at   {_place(finding.expected)}"
        yield f"found at      {_place(finding.found)}"
    if not finding.explained:
        yield f"answer        {printable(finding.answer, 200)}"


def _place(place: Place | None) -> str:
    if place is None:
        return "nowhere"
    return f"bar {place.bar}, {place.stage.value}{'' if place.symbol is None else ', ' + place.symbol}"


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
        "expected": _place_facts(finding.expected),
        "found": _place_facts(finding.found),
        "answer": finding.answer,
    }


def _place_facts(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"bar": place.bar, "stage": place.stage.value, "symbol": place.symbol}
