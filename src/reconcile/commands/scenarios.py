"""`reconcile scenarios`: the built-in scenarios."""

from __future__ import annotations

import click

from reconcile.commands.process import print_answer
from reconcile.text.escape import printable


@click.command(epilog="Example:  reconcile scenarios")
def scenarios() -> int:
    """List the built-in scenarios, one per line."""
    from reconcile.scenario.files import builtin_scenarios

    found = builtin_scenarios()
    width = max((len(name) for name in found), default=0)
    print_answer("\n".join(f"{name:<{width}}  {printable(line)}" for name, line in found.items()))
    return 0
