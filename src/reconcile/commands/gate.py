"""`reconcile gate`: goldens hold, results have not drifted, and the engine has not become slower."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconcile.commands.display import watching
from reconcile.commands.options import Form, form_options, runs_functions
from reconcile.commands.process import print_answer
from reconcile.commands.shared import answer

if TYPE_CHECKING:
    from reconcile.gating.model import Report


@click.command(epilog="Example:  reconcile gate --base origin/main")
@click.option(
    "--base",
    metavar="REV",
    help="Hold throughput against the code of this revision, not against the ratio on record.",
)
@click.option(
    "--checks",
    metavar="LIST",
    help="Make only these checks (goldens, drift, throughput), separated by commas; the first line names"
    " the others.",
)
@click.option(
    "--budget",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    help="Measure throughput for at most this long.",
)
@click.option("--junit", metavar="FILE", help="Also write what was found as JUnit XML.")
@click.option(
    "--github/--no-github",
    default=None,
    help="Print annotations and write a job summary. [default: where GITHUB_ACTIONS is true]",
)
@click.option(
    "--record",
    is_flag=True,
    help="Make no check: measure the ratio reference : engine, and put it on record.",
)
@form_options
@runs_functions
def gate(
    base: str | None,
    checks: str | None,
    budget: float | None,
    junit: str | None,
    github: bool | None,
    record: bool,
    form: Form,
) -> int:
    """Check all goldens, each case's drift, and throughput; the settings are in pyproject.toml.

    Exits 1 when a check failed, 2 when one could not tell, 4 when only throughput stayed undecided, else 0.
    """
    from reconcile.api.gate import gate as make_checks

    form.check()
    if record:
        if base is not None or checks is not None or junit is not None:
            raise click.UsageError(
                "--record makes no check and measures the code as it stands:"
                " leave --base, --checks and --junit out"
            )
        return answer(make_checks(budget=budget, record=True, watch=watching()), form)
    result = make_checks(base=base, checks=checks, budget=budget, watch=watching())
    code = answer(result, form)
    _leave(result.report, junit, _on_github() if github is None else github, to_stderr=form.as_json)
    return code


def _leave(report: Report, junit: str | None, github: bool, *, to_stderr: bool) -> None:
    """Write the files and annotations that were asked for."""
    if junit is not None:
        from reconcile.gating.gate_reports import gate_junit

        _write(junit, gate_junit(report), "--junit", "w")
    if github:
        from reconcile.gating.annotations import gate_annotations
        from reconcile.gating.gate_reports import gate_summary
        from reconcile.goldens.project_paths import find_project

        annotations = gate_annotations(report, find_project())
        if to_stderr:
            click.echo(annotations, err=True)
        else:
            print_answer(annotations)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            _write(summary, gate_summary(report), "GITHUB_STEP_SUMMARY", "a")


def _write(path: str, text: str, what: str, mode: str) -> None:
    from reconcile.files import atomic
    from vocabulary.errors import OutputError

    content = text.encode("utf-8", "backslashreplace")
    try:
        if mode == "w" and (Path(path).is_file() or not os.path.lexists(path)):
            atomic.write_file(path, content)
        else:  # it is appended to, or no file: /dev/stdout
            with open(path, f"{mode}b") as file:
                file.write(content)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise OutputError(
            f"{what} {path}", found, "a file that can be written", "Name another file."
        ) from None


def _on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
