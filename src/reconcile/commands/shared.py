"""What several subcommands share: their arguments, progress on a terminal, and printing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconcile.running.run import Progress, Watch

scenario_argument = click.argument("scenario")
data_option = click.option(
    "--data", metavar="PATH", help="Take the bars from this Parquet or CSV file instead of the scenario's."
)
mapping_option = click.option(
    "--mapping", metavar="FILE", help="A TOML file that says what a foreign ledger calls things."
)
tolerance_option = click.option(
    "--tolerance", metavar="FILE", help="A TOML table: bounds for columns of a foreign ledger, and why."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")


def emit(text: str) -> None:
    """Print an answer; a reader that has gone (`| head`) takes nothing from the exit code."""
    try:
        click.echo(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def watching() -> Watch:
    """A Watch that draws a bar on stderr when that is a terminal; else it only says why a start is slow."""
    return _drawn if sys.stderr.isatty() else _told


@contextlib.contextmanager
def _told(what: str, bars: int) -> Iterator[Progress | None]:
    from reconcile.running.run import COMPILING

    if what == COMPILING:
        click.echo(what, err=True)
    yield None


@contextlib.contextmanager
def _drawn(what: str, bars: int) -> Iterator[Progress | None]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=bars or None)
        yield (lambda done: progress.update(task, completed=done)) if bars else None
