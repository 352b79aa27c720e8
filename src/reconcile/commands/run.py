"""`reconcile run`: both programs on a scenario; `reconcile check`: a scenario and its market alone."""

from __future__ import annotations

from typing import Literal

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Foreign,
    Form,
    candidate_named,
    data_option,
    foreign_options,
    form_options,
    old_candidate_option,
    runs_functions,
    scenario_argument,
)
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile run top25 --out results")
@scenario_argument
@click.argument("candidate", required=False)
@old_candidate_option
@data_option
@foreign_options
@click.option(
    "--out",
    metavar="DIR",
    help="Write both ledgers and the summary to this folder; an earlier output there is replaced.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="The format of the tables that --out writes.",
)
@click.option(
    "--twice",
    is_flag=True,
    help="First run each side twice, in fresh processes with other hash seeds and threads; exit 3 if a side"
    " disagrees with itself.",
)
@form_options
@runs_functions
def run(
    scenario: str,
    candidate: str | None,
    old_candidate: str | None,
    data: str | None,
    foreign: Foreign,
    out: str | None,
    file_format: Literal["parquet", "csv"],
    twice: bool,
    form: Form,
) -> int:
    """Run SCENARIO through the reference and the engine, or CANDIDATE, and compare to the last unit.

    SCENARIO is a built-in name (see: reconcile scenarios) or a TOML file. CANDIDATE is your engine as
    MODULE:FUNCTION, a function from (Scenario, Market) to a Ledger, or a ledger on disk.
    """
    from reconcile.api.run import run as run_scenario

    form.check()
    result = run_scenario(
        scenario,
        candidate_named(candidate, old_candidate),
        data=data,
        mapping=foreign.mapping,
        tolerance=foreign.tolerance,
        out=out,
        format=file_format,
        twice=twice,
        watch=watching(),
    )
    return answer(result, form)


@click.command(epilog="Example:  reconcile check examples/sp500.toml --data bars.parquet")
@scenario_argument
@data_option
@form_options
@runs_functions
def check(scenario: str, data: str | None, form: Form) -> int:
    """Validate SCENARIO and its market, without a run.

    SCENARIO is a built-in name (see: reconcile scenarios) or a TOML file.
    """
    from reconcile.api.run import check as check_scenario

    form.check()
    return answer(check_scenario(scenario, data, watch=watching()), form)
