"""The page of `reconcile gate`; the first line is the answer."""

from __future__ import annotations

from reconcile.gating.gate_words import (
    against_words,
    case_failures,
    decision_words,
    gate_headline,
    golden_failures,
    throughput_lines,
)
from reconcile.gating.model import Outcome, Report
from reconcile.golden.model import SOUND
from reconcile.text.escape import printable


def gate_page(report: Report) -> str:
    """The answer, then what failed, then how throughput was measured."""
    lines = [gate_headline(report)]
    for one in report.goldens:
        if one.standing not in SOUND:
            lines += ["", "golden " + "\n".join(golden_failures(one))]
    for case in report.cases:
        if case.outcome is Outcome.FAILED:
            lines += ["", f"{printable(case.name, 60)} under {printable(report.engine, 80)}"]
            lines += [f"  {text}" for text in case_failures(case)]
    aside = [case for case in report.cases if case.outcome is Outcome.UNKNOWN]
    if aside:
        lines += ["", "not compared for drift"]
        lines += [f"  {printable(case.name, 60)}: {printable(case.said)}" for case in aside]
    found = report.throughput
    if found is not None and found.decision is not None:
        lines += ["", f"throughput  {found.outcome.value}, {decision_words(found.decision)}"]
        lines += [f"            against {against_words(found)}"]
        lines += [f"            {text}" for text in throughput_lines(found)]
    if any(one.change is not None for one in report.goldens):
        lines += ["", "next: reconcile golden check, then reconcile golden review"]
    return "\n".join(lines)
