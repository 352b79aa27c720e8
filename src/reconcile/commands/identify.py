"""`reconcile identify`: whose conventions a ledger follows."""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Foreign,
    Form,
    data_option,
    foreign_options,
    form_options,
    runs_functions,
    scenario_argument,
)
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile identify stocks results/candidate")
@scenario_argument
@click.argument("ledger")
@data_option
@foreign_options
@form_options
@runs_functions
def identify(scenario: str, ledger: str, data: str | None, foreign: Foreign, form: Form) -> int:
    """Read an engine's conventions off LEDGER, with the evidence for each, and name engines that have them.

    SCENARIO states the strategy, and a first guess of timing, prices, sizes and costs. LEDGER is a folder, a
    file, or an export that `reconcile import --formats` lists.

    Exits 0 when everything comes out right under what was identified, 1 when something does not, 2 when it
    cannot tell.
    """
    from reconcile.api.identify import identify as read_conventions

    form.check()
    result = read_conventions(
        scenario,
        ledger,
        data=data,
        mapping=foreign.mapping,
        tolerance=foreign.tolerance,
        watch=watching(),
    )
    return answer(result, form)
