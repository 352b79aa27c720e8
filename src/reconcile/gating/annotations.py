"""What a gate found as GitHub workflow commands, each at the file and line that it is about."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reconcile.gating.gate import outcomes
from reconcile.gating.gate_page import case_failures, check_words, gate_headline, golden_failures
from reconcile.gating.model import Check, Outcome, Report
from reconcile.goldens.model import SOUND, CheckResult, FirstDivergence, ProjectPaths
from reconcile.goldens.project_paths import folder_name
from reconcile.goldens.store import read_goldens
from reconcile.text.escape import printable

_LEVEL = {Outcome.FAILED: "error", Outcome.UNKNOWN: "error", Outcome.INCONCLUSIVE: "warning"}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1."""

    file: Path
    line: int = 1


def gate_annotations(report: Report, paths: ProjectPaths) -> str:
    """One workflow command per finding, or one notice when there is none.

    A golden is annotated at the row of the first divergence, a drift at the test or scenario of its case.
    """
    lines = []
    for one in report.goldens:
        if one.status not in SOUND:
            where = golden_place(paths, one)
            lines.append(_command("error", f"golden {one.case}", golden_failures(one), where))
    for case in report.cases:
        if case.outcome is Outcome.FAILED:
            where = _case_place(paths, case.name)
            lines.append(_command("error", f"drift {case.name}", case_failures(case), where))
    for check, outcome in outcomes(report).items():
        shown = check is Check.THROUGHPUT or not lines
        if outcome in _LEVEL and shown:
            lines.append(_command(_LEVEL[outcome], check.value, check_words(report, check).splitlines()))
    return "\n".join(lines or [_command("notice", "gate", [gate_headline(report)])])


def golden_place(paths: ProjectPaths, checked: CheckResult) -> Place | None:
    """Where the golden of a case first differs: an edited cell, or the row of the first divergence.

    A row that the golden does not keep leaves the test or scenario of the case. None where there is neither.
    """
    golden = paths.blessed / folder_name(checked.case)
    for fault in checked.faults:
        file = golden / fault.file
        if file.is_file():
            number = (fault.row or "").removeprefix("line ")
            return Place(file, int(number) if number.isdigit() else 1)
    first = checked.change.first if checked.change else None
    found = None if first is None else _row(golden / "tables" / f"{first.table}.csv", first)
    return found or _case_place(paths, checked.case)


def _row(file: Path, first: FirstDivergence) -> Place | None:
    """The line of the golden's table that holds the row of the first divergence."""
    try:
        with file.open(newline="", encoding="utf-8") as text:
            for number, row in enumerate(csv.DictReader(text), start=2):
                times = {row.get("timestamp"), row.get("decided_at"), row.get("executes_at")}
                if first.timestamp in times and row.get("symbol") in (first.symbol, None):
                    return Place(file, number)
    except (OSError, ValueError, csv.Error):
        pass
    return None


def _case_place(paths: ProjectPaths, case: str) -> Place | None:
    """The test that asserts a golden, or the scenario that gives it."""
    golden = read_goldens(paths).goldens.get(case)
    test = golden.manifest.test if golden else None
    if test:
        name, _, function = test.partition("::")
        file = paths.root / name
        return Place(file, _definition(file, function.rpartition("::")[2].partition("[")[0]))
    file = paths.cases / f"{case}.toml"
    return Place(file) if file.is_file() else None


def _definition(file: Path, function: str) -> int:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return 1
    heads = (f"def {function}(", f"async def {function}(")
    return next((n for n, line in enumerate(lines, 1) if line.lstrip().startswith(heads)), 1)


def _command(level: str, title: str, message: Iterable[str], where: Place | None = None) -> str:
    """`::error file=...,line=...,title=...::...`, escaped: no text can end the command or begin another."""
    told = "%0A".join(_data(printable(line)) for line in message)
    properties = {} if where is None else {"file": _in_workspace(where.file), "line": str(where.line)}
    properties["title"] = printable(f"gate: {title}", 206)
    return (
        f"::{level} "
        + ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        + f"::{told}"
    )


def _in_workspace(file: Path) -> str:
    """The path that GitHub shows: relative to the repository, where the file is in it."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    resolved = file.resolve()
    return (resolved.relative_to(root) if resolved.is_relative_to(root) else resolved).as_posix()


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
