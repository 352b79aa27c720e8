"""`reconcile run`: both programs on one scenario, and whether they tie out."""

from __future__ import annotations

import os
import sys
from typing import Literal

import click

from reconcile.commands.options import data_option, json_option, scenario_argument
from reconcile.commands.process import print_answer
from reconcile.commands.shared import watching


@click.command(epilog="Example:  reconcile run top25 --out results")
@scenario_argument
@data_option
@click.option(
    "--candidate",
    metavar="MODULE:FUNCTION",
    help="Your engine in place of ours: a function from (Scenario, Market) to a Ledger.",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Write both ledgers and the summary there; an earlier output is replaced whole.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Of the ledgers' tables.",
)
@click.option(
    "--twice",
    is_flag=True,
    help="First run each side twice in fresh processes (hash seed and threads varied); exit 3 if it disagrees"
    " with itself.",
)
@json_option
def run(
    scenario: str,
    data: str | None,
    candidate: str | None,
    out: str | None,
    file_format: Literal["parquet", "csv"],
    twice: bool,
    as_json: bool,
) -> int:
    """Run SCENARIO through the reference and the engine and compare their ledgers to the last unit.

    SCENARIO is a built-in name (see: reconcile scenarios) or a TOML file.
    """
    from reconcile.comparing.verdict import NOT_DETERMINISTIC, exit_code
    from reconcile.running import output
    from reconcile.running import run as running
    from reconcile.running.determinism import Disagreement
    from reconcile.running.run_json import KIND, run_json, twice_json
    from reconcile.running.run_page import run_page, twice_page
    from reconcile.running.summary import summarise
    from reconcile.scenario.files import find_scenario

    sys.path.append(os.getcwd())  # --candidate names a module of the user's; last, so that it shadows nothing
    try:
        with output.staged(out, KIND) as folder:
            found = find_scenario(scenario)
            outcome = running.run(found, data=data, candidate=candidate, twice=twice, watch=watching())
            numbers = summarise(outcome)
            as_text = run_json(outcome, numbers)
            if folder is not None:
                output.write_sides(folder, outcome, file_format)
                output.write_text(folder, output.MARKER, as_text + "\n")
    except Disagreement as disagreement:
        print_answer(twice_json(disagreement) if as_json else twice_page(disagreement, out))
        return NOT_DETERMINISTIC
    print_answer(as_text if as_json else run_page(outcome, numbers, out))
    return exit_code(outcome.reconciliation.verdict)
