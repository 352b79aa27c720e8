"""`reconcile shrink`: the smallest case on which a candidate breaks the same way."""

from __future__ import annotations

import os
import sys

import click

from reconcile.commands.options import data_option, json_option, scenario_argument
from reconcile.commands.process import print_answer
from reconcile.commands.shared import watching


@click.command(epilog="Example:  reconcile shrink stocks --candidate my_engine:run")
@scenario_argument
@data_option
@click.option(
    "--candidate",
    required=True,
    metavar="MODULE:FUNCTION",
    help="The engine that breaks: a function from (Scenario, Market) to a Ledger.",
)
@click.option(
    "--out",
    metavar="DIR",
    default="shrunk",
    show_default=True,
    help="Write the case there; an earlier one is replaced whole.",
)
@json_option
def shrink(scenario: str, data: str | None, candidate: str, out: str, as_json: bool) -> int:
    """Cut symbols, bars and settings of SCENARIO away while the candidate breaks the same way.

    Writes a folder with scenario, bars, both ledgers, WHY.md and a pytest file that fails today.
    Exits 1 when that is written (there is a break), 0 when the candidate ties out and nothing is, 2 when it
    cannot tell.
    """
    import json

    from reconcile.explaining.explain import explain
    from reconcile.explaining.explain_page import explain_page
    from reconcile.running import output
    from reconcile.running import run as running
    from reconcile.running.candidate import call_candidate, load_candidate
    from reconcile.running.progress import Phase
    from reconcile.scenario.files import find_scenario
    from reconcile.shrinking.case_folder import KIND, KNOWN_NAMES, write_folder
    from reconcile.shrinking.shrink import TRIALS, same_causes
    from reconcile.shrinking.shrink import shrink as shrink_case
    from reconcile.shrinking.shrink_page import shrink_facts, shrink_page

    sys.path.append(os.getcwd())  # --candidate names a module of the user's; last, so that it shadows nothing
    watch = watching()
    found = find_scenario(scenario)
    function = load_candidate(candidate)
    market, _ = running.load(found, data, watch)
    running.warm(found, market, watch)
    try:
        with output.staged(out, KIND, KNOWN_NAMES) as folder:
            assert folder is not None
            with watch(Phase.SHRINKING, TRIALS) as progress:
                shrunk = shrink_case(found, market, candidate, function, progress or (lambda _: None))
            if shrunk is None:
                raise _NoBreak
            small = shrunk.after.case
            with watch(Phase.EXPLAINING, 0):
                ledger = call_candidate(candidate, function, small.scenario, small.market)
                answer = explain(small.scenario, small.market, ledger)
            page = None
            if same_causes(shrunk, answer):
                page = explain_page(answer, small.scenario, small.market, candidate)
            write_folder(folder, shrunk, candidate, function, page)
    except _NoBreak:
        print_answer("{}" if as_json else "no breaks: there is nothing to shrink, and nothing was written")
        return 0
    facts = shrink_facts(shrunk, candidate)
    print_answer(json.dumps(facts, indent=2) if as_json else shrink_page(shrunk, candidate, out))
    return 1


class _NoBreak(Exception):
    """Leaves the block that would otherwise put the folder in place."""
