"""`reconcile campaign`: many jobs from one plan, grouped by cause."""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import Form, form_options
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile campaign upgrade.toml --html matrix.html")
@click.argument("plan")
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    help="Run jobs in this many processes. [default: one per processor]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run jobs on the workers of this dask scheduler, tcp://HOST:PORT.",
)
@click.option(
    "--keep", metavar="FOLDER", help="Keep outcomes in this folder. [default: PLAN.results beside PLAN]"
)
@click.option("--fresh", is_flag=True, help="Run every job, also those whose outcome is kept.")
@click.option("--junit", metavar="FILE", help="Also write the matrix as JUnit XML.")
@form_options
def campaign(
    plan: str,
    workers: int | None,
    scheduler: str | None,
    keep: str | None,
    fresh: bool,
    junit: str | None,
    form: Form,
) -> int:
    """Run the jobs of PLAN, a TOML file: matrices of scenarios, candidates, settings and windows, or pairs of
    files by pattern.

    An outcome is kept until something that went into it changes, so that a campaign that was stopped goes on
    where it was. Exits with the worst code of its jobs: 1 before 3, 2 and 4.
    """
    from reconcile.campaigning.campaign import campaign as run_jobs

    form.check()
    result = run_jobs(plan, workers=workers, scheduler=scheduler, keep=keep, fresh=fresh, watch=watching())
    if junit is not None:
        _write(junit, result.to_junit())
    return answer(result, form)


def _write(path: str, text: str) -> None:
    from reconcile.files import atomic
    from vocabulary.errors import OutputError

    try:
        atomic.write_file(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise OutputError(
            f"--junit {path}", found, "a file that can be written", "Name another file."
        ) from None
