"""`reconcile check`: is the scenario valid, and does its market fit?"""

from __future__ import annotations

import click

from reconcile.commands.options import data_option, scenario_argument
from reconcile.commands.process import print_answer
from reconcile.commands.shared import watching


@click.command(epilog="Example:  reconcile check examples/sp500.toml --data bars.parquet")
@scenario_argument
@data_option
def check(scenario: str, data: str | None) -> int:
    """Validate SCENARIO and its market, without a run.

    SCENARIO is a built-in name (see: reconcile scenarios) or a TOML file.
    """
    from reconcile.running import run as running
    from reconcile.running.run_page import check_page
    from reconcile.scenario.files import find_scenario

    found = find_scenario(scenario)
    market, loading = running.load(found, data, watching())
    print_answer(check_page(found, market, loading))
    return 0
