"""`reconcile check`: is the scenario valid, and does its market fit?"""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import Form, data_option, form_options, runs_functions, scenario_argument
from reconcile.commands.shared import answer


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
