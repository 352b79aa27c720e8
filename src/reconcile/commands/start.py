"""What to start from: `reconcile init` writes a project, `reconcile scenarios` lists what is built in."""

from __future__ import annotations

import click

from reconcile.commands.process import print_answer
from reconcile.text.escape import printable

PROJECTS = (
    "own",
    "vectorbt",
    "backtrader",
    "bt",
    "pybroker",
    "ml4t",
    "zipline",
    "nautilus",
    "backtesting",
    "freqtrade",
)
"""What `init` writes a project around; listed here, as help loads nothing."""


@click.command(epilog="Example:  reconcile init my-backtests")
@click.argument("folder", metavar="[DIR]", default=".")
@click.option(
    "--engine",
    type=click.Choice(PROJECTS),
    default="own",
    show_default=True,
    help="Write a strategy of this engine as the adapter.",
)
def init(folder: str, engine: str) -> int:
    """Write a scenario, an adapter, a test, settings and a CI workflow to DIR, by default the current folder.

    What is already there is left as it is, and named.
    """
    from reconcile.templates.project import write_project

    print_answer(write_project(folder, engine))
    return 0


@click.command(epilog="Example:  reconcile scenarios")
def scenarios() -> int:
    """List the built-in scenarios, one per line."""
    from reconcile.scenario.files import builtin_scenarios

    found = builtin_scenarios()
    width = max((len(name) for name in found), default=0)
    print_answer("\n".join(f"{name:<{width}}  {printable(line)}" for name, line in found.items()))
    return 0
