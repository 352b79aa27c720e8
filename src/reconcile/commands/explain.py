"""`reconcile explain`: the causes that turn the reference's ledger into the candidate's."""

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


@click.command(epilog="Example:  reconcile explain incident reconcile.incident:candidate")
@scenario_argument
@click.argument("candidate")
@data_option
@foreign_options
@click.option(
    "--replay",
    is_flag=True,
    help="Take the orders from CANDIDATE's fills, not the strategy; explain prices, costs, cash and equity.",
)
@form_options
@runs_functions
def explain(
    scenario: str, candidate: str, data: str | None, foreign: Foreign, replay: bool, form: Form
) -> int:
    """Find why CANDIDATE differs from SCENARIO: its causes, each verified by a run, and what each cost.

    SCENARIO is a built-in name or a TOML file. CANDIDATE is a ledger (a folder, a Parquet or CSV file) or an
    engine: MODULE:FUNCTION, a function from (Scenario, Market) to a Ledger.

    Exits 0 when everything is explained, 1 when something is not, 2 when it cannot tell.
    """
    from reconcile.api.explain import explain as find_causes

    form.check()
    result = find_causes(
        scenario,
        candidate,
        data=data,
        mapping=foreign.mapping,
        tolerance=foreign.tolerance,
        replay=replay,
        watch=watching(),
    )
    return answer(result, form)
