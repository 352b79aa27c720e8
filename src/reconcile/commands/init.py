"""`reconcile init`: what a project needs to hold its own engine against the reference."""

from __future__ import annotations

import click

from reconcile.commands.process import print_answer


@click.command(epilog="Example:  reconcile init my-backtests")
@click.argument("folder", metavar="[DIR]", default=".")
def init(folder: str) -> int:
    """Write a scenario, an adapter, a test, settings and a CI workflow to DIR, by default the current folder.

    What is already there is left as it is, and named.
    """
    from reconcile.templates.project import write_project

    print_answer(write_project(folder))
    return 0
