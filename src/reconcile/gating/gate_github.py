"""What a gate found for GitHub: annotations, and a job summary in Markdown with the table of cases."""

from __future__ import annotations

from reconcile.comparing.diff_exports import escaped, table
from reconcile.gating.gate import outcomes
from reconcile.gating.gate_words import (
    CASE_HEAD,
    case_failures,
    case_rows,
    check_words,
    gate_headline,
    golden_failures,
    throughput_lines,
    throughput_words,
)
from reconcile.gating.model import Check, Outcome, Report
from reconcile.golden.model import SOUND
from reconcile.text.escape import printable

_LEVEL = {Outcome.FAILED: "error", Outcome.UNKNOWN: "error", Outcome.INCONCLUSIVE: "warning"}


def gate_annotations(report: Report) -> str:
    """A line a finding, as workflow commands; one notice where there is none."""
    lines = []
    for one in report.goldens:
        if one.standing not in SOUND:
            lines.append(_command("error", f"golden {one.case}", "\n".join(golden_failures(one))))
    for case in report.cases:
        if case.outcome is Outcome.FAILED:
            lines.append(_command("error", f"drift {case.name}", "\n".join(case_failures(case))))
    for check, outcome in outcomes(report).items():
        said = check is Check.THROUGHPUT or not lines
        if outcome in _LEVEL and said:
            lines.append(_command(_LEVEL[outcome], check.value, check_words(report, check)))
    return "\n".join(lines or [_command("notice", "gate", gate_headline(report))])


def gate_summary(report: Report) -> str:
    """The job summary: the answer, a row a check, a row a case, and how throughput was measured."""
    rows = [
        (check.value, outcome.value, check_words(report, check))
        for check, outcome in outcomes(report).items()
    ]
    parts = [
        [f"### gate: {escaped(report.outcome.value)}"],
        table(("check", "outcome", "found"), rows),
        table(CASE_HEAD, case_rows(report)),
    ]
    if report.throughput is not None:
        parts.append([f"- {escaped(text)}" for text in _measured(report)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _measured(report: Report) -> list[str]:
    assert report.throughput is not None
    return [throughput_words(report.throughput), *throughput_lines(report.throughput)]


def _command(level: str, title: str, message: str) -> str:
    """`::error title=...::...`, so written that neither can end the command or begin another."""
    name = f"gate: {title}"
    lines = "%0A".join(_data(printable(line)) for line in message.splitlines())
    return f"::{level} title={_data(printable(name, 200)).replace(':', '%3A').replace(',', '%2C')}::{lines}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
