"""`reconcile audit`: does one ledger add up, and could it have happened?"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from reconcile.commands.display import watching
from reconcile.commands.options import (
    Foreign,
    Form,
    Ground,
    foreign_options,
    form_options,
    ground_options,
    runs_functions,
)
from reconcile.commands.shared import answer

EPILOG = "Example:  reconcile audit results/candidate --scenario top25"


@click.command(epilog=EPILOG)
@click.argument("ledger")
@ground_options
@foreign_options
@click.option(
    "--initial-cash", metavar="AMOUNT", help="The cash at the start, if no manifest or scenario states it."
)
@click.option("--allow-short", is_flag=True, help="Allow short positions. A scenario decides this itself.")
@click.option(
    "--allow-negative-cash", is_flag=True, help="Allow cash below zero. A scenario decides this itself."
)
@click.option(
    "--checks",
    metavar="LIST",
    help="Make only these checks, separated by commas; the output lists their names. The first line"
    " names those that were left out.",
)
@form_options
@runs_functions
def audit(
    ledger: str,
    ground: Ground,
    foreign: Foreign,
    initial_cash: str | None,
    allow_short: bool,
    allow_negative_cash: bool,
    checks: str | None,
    form: Form,
) -> int:
    """Audit one LEDGER alone: a folder of tables, or one Parquet or CSV file.

    Exits 1 when there are findings, 0 when there are none and everything was checked, 2 when there are none
    but something could not be checked.
    """
    from reconcile.api.audit import audit as make_checks

    form.check()
    ground.check()
    result = make_checks(
        ledger,
        scenario=ground.scenario,
        data=ground.data,
        mapping=foreign.mapping,
        tolerance=foreign.tolerance,
        initial_cash=None if initial_cash is None else _amount(initial_cash),
        checks=None if checks is None else checks.split(","),
        allow_short=allow_short,
        allow_negative_cash=allow_negative_cash,
        watch=watching(),
    )
    return answer(result, form)


def _amount(text: str) -> Decimal:
    """Decimal text; no exponent, so that it stays as short as it was typed."""
    try:
        amount = Decimal(text)
        if amount.is_finite() and "e" not in text.lower():
            return amount
    except InvalidOperation:
        pass
    raise click.BadParameter("write a decimal number such as 100000", param_hint="--initial-cash")
