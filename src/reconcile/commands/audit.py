"""`reconcile audit`: does one ledger add up, and could it have happened?"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from reconcile.commands.options import Foreign, Ground, foreign_options, ground_options, json_option
from reconcile.commands.process import print_answer

EPILOG = "Example:  reconcile audit results/candidate --scenario top25"


@click.command(epilog=EPILOG)
@click.argument("ledger")
@ground_options
@foreign_options
@click.option("--initial-cash", metavar="AMOUNT", help="What the account started with, where nothing says.")
@click.option(
    "--checks",
    metavar="LIST",
    help="Make only these checks (see the names in the output), separated by commas; the first line says so.",
)
@json_option
def audit(
    ledger: str,
    ground: Ground,
    foreign: Foreign,
    initial_cash: str | None,
    checks: str | None,
    as_json: bool,
) -> int:
    """Audit one LEDGER alone: a folder of tables, or one Parquet or CSV file.

    Exits 1 when there are findings, 0 when there are none and everything was checked, 2 when there are none
    but something could not be checked.
    """
    from reconcile.auditing.audit import AuditOptions
    from reconcile.auditing.audit import audit as audit_
    from reconcile.auditing.audit_page import Subject, audit_json, audit_page
    from reconcile.auditing.model import Verdict
    from reconcile.mapping.open import open_ledger
    from reconcile.text import times as clock

    ground.check()
    bounds = foreign.bounds()
    cash = None if initial_cash is None else _amount(initial_cash)
    opened = open_ledger(ledger, foreign.mapping)
    held = ground.load()
    found, market = (None, None) if held is None else held
    options = AuditOptions(bounds, cash, opened.returns, None if checks is None else checks.split(","))
    result = audit_(opened.ledger, scenario=found, market=market, options=options)
    manifest = opened.ledger.manifest
    if as_json:
        print_answer(audit_json(result, opened.notes, clock.exact_clock(market, manifest)))
    else:
        name = None if found is None else found.name
        subject = Subject(ledger, opened.ledger, name, opened.notes)
        print_answer(audit_page(result, subject, clock.short_clock(market, manifest)))
    return {Verdict.CLEAN: 0, Verdict.FINDINGS: 1}.get(result.verdict, 2)


def _amount(text: str) -> Decimal:
    """Decimal text; no exponent, so that it stays as short as it was typed."""
    try:
        amount = Decimal(text)
        if amount.is_finite() and "e" not in text.lower():
            return amount
    except InvalidOperation:
        pass
    raise click.BadParameter("write a decimal number such as 100000", param_hint="--initial-cash")
