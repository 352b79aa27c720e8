"""`reconcile orders`: a ledger's fills become a file of orders, and a scenario that replays them."""

from __future__ import annotations

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Form,
    data_option,
    form_options,
    mapping_option,
    runs_functions,
    scenario_argument,
)
from reconcile.commands.shared import answer


@click.command(epilog="Example:  reconcile orders scenario.toml trades.csv --out orders.csv")
@scenario_argument
@click.argument("ledger")
@click.option(
    "--out", metavar="FILE", required=True, help="The CSV file to write. Its scenario is written beside it."
)
@data_option
@mapping_option
@click.option(
    "--format", "format_", metavar="NAME", help="The export format of LEDGER (reconcile import --formats)."
)
@form_options
@runs_functions
def orders(
    scenario: str,
    ledger: str,
    out: str,
    data: str | None,
    mapping: str | None,
    format_: str | None,
    form: Form,
) -> int:
    """Write the orders that the fills of LEDGER came from, and the scenario that replays them.

    SCENARIO is a built-in name or a TOML file. Its market, timing and costs are kept; the file of orders
    replaces its strategy. LEDGER is a folder, a Parquet or CSV file, or an export of a known format.

    One command does this and explains what differs: reconcile explain SCENARIO LEDGER --replay.
    """
    from reconcile.api.replay import orders as make_orders

    form.check()
    return answer(
        make_orders(scenario, ledger, out, data=data, mapping=mapping, format=format_, watch=watching()), form
    )
