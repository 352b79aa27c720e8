"""`reconcile shrink`: the smallest case on which a candidate breaks the same way."""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Form,
    candidate_named,
    data_option,
    form_options,
    old_candidate_option,
    runs_functions,
    scenario_argument,
    tolerance_option,
)
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile shrink stocks my_engine:run")
@scenario_argument
@click.argument("candidate", required=False)
@old_candidate_option
@data_option
@tolerance_option
@click.option(
    "--out",
    metavar="DIR",
    default="shrunk",
    show_default=True,
    help="Write the case to this folder; an earlier case there is replaced.",
)
@form_options
@runs_functions
def shrink(
    scenario: str,
    candidate: str | None,
    old_candidate: str | None,
    data: str | None,
    tolerance: str | None,
    out: str,
    form: Form,
) -> int:
    """Cut symbols, bars and settings of SCENARIO away while CANDIDATE breaks the same way.

    CANDIDATE is an engine, MODULE:FUNCTION: a function from (Scenario, Market) to a Ledger.

    Writes a folder with scenario, bars, both ledgers, WHY.md and a pytest file that fails today.
    Exits 1 when that is written (there is a break), 0 when the candidate ties out and nothing is, 2 when it
    cannot tell.
    """
    from reconcile.api.explain import shrink as shrink_case

    form.check()
    named = candidate_named(candidate, old_candidate)
    if named is None:
        raise click.UsageError("name the candidate after the scenario: my_engine:run")
    result = shrink_case(
        scenario,
        named,
        out,
        data=data,
        tolerance=tolerance,
        watch=watching(),
    )
    return answer(result, form)
