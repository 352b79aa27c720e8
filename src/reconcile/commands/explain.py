"""`reconcile explain`: the causes that turn the reference's ledger into the candidate's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconcile.commands.options import Foreign, data_option, foreign_options, json_option, scenario_argument
from reconcile.commands.process import print_answer
from reconcile.commands.shared import watching

if TYPE_CHECKING:
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@click.command(epilog="Example:  reconcile explain incident reconcile.incident:candidate")
@scenario_argument
@click.argument("candidate")
@data_option
@foreign_options
@json_option
def explain(
    scenario: str,
    candidate: str,
    data: str | None,
    foreign: Foreign,
    as_json: bool,
) -> int:
    """Say why CANDIDATE differs from SCENARIO: causes, each verified by a run, and what each cost.

    SCENARIO is a built-in name or a TOML file. CANDIDATE is a ledger (a folder, a Parquet or CSV file) or an
    engine: MODULE:FUNCTION, a function from (Scenario, Market) to a Ledger.

    Exits 0 when everything is explained, 1 when something is not, 2 when it cannot tell.
    """
    from dataclasses import replace

    from reconcile.explaining import explain_json
    from reconcile.explaining import explain_page as explain_text
    from reconcile.explaining.explain import explain as explain_
    from reconcile.explaining.model import Verdict
    from reconcile.running import run as running
    from reconcile.running.progress import Phase
    from reconcile.scenario.files import find_scenario

    sys.path.append(
        os.getcwd()
    )  # CANDIDATE may name a module of the user's; last, so that it shadows nothing
    bounds = foreign.bounds()
    watch = watching()
    found = find_scenario(scenario)
    market, _ = running.load(found, data, watch)
    ledger, notes = _ledger(candidate, foreign.mapping, found, market)
    running.warm(found, market, watch)
    with watch(Phase.EXPLAINING, 0):
        result = explain_(found, market, ledger, tolerances=bounds)
    result = replace(result, notes=(*notes, *result.notes))
    if as_json:
        print_answer(explain_json.explain_json(result, found, market))
    else:
        print_answer(explain_text.explain_page(result, found, market, candidate))
    wholly = (Verdict.NO_BREAKS, Verdict.EXPLAINED)
    return 0 if result.verdict in wholly else 2 if result.verdict is Verdict.CANNOT_TELL else 1


def _ledger(
    candidate: str, mapping: str | None, scenario: Scenario, market: Market
) -> tuple[Ledger, tuple[str, ...]]:
    """(ledger, notes) of the folder or file with this path if there is one, else of the function."""
    from reconcile.mapping.open import open_ledger
    from reconcile.running.candidate import load_candidate
    from reconcile.running.run import run_candidate
    from vocabulary.errors import InputError

    module, colon, _ = candidate.partition(":")
    named = colon and all(part.isidentifier() for part in module.split("."))
    if not named and not Path(candidate).exists():
        raise InputError(
            candidate or "CANDIDATE",
            "nothing",
            "a ledger folder or file, or an engine as module:function",
            "Check the path, or write it like my_engine:run.",
        )
    if mapping is not None or Path(candidate).exists():
        opened = open_ledger(candidate, mapping)
        return opened.ledger, opened.notes
    return run_candidate(candidate, load_candidate(candidate, "CANDIDATE"), scenario, market).ledger, ()
