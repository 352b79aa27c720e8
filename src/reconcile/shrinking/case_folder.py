"""The folder of a shrunk case: scenario, bars, both ledgers, WHY.md, and a test that fails today."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from reconcile.comparing.tolerances import tolerance_toml
from reconcile.ledger.write import write_ledger
from reconcile.market.file import write_market
from reconcile.market.load import load_market
from reconcile.running import output
from reconcile.running.candidate import Candidate
from reconcile.scenario.files import scenario_from_file
from reconcile.scenario.orders import orders_text
from reconcile.scenario.programs import run_reference
from reconcile.scenario.toml import scenario_to_toml
from reconcile.shrinking import shrink_page as shrink_text
from reconcile.shrinking.cases import DATA, ORDERS, Case, Shrunk
from reconcile.shrinking.shrink import breaks_alike
from vocabulary.errors import InputError
from vocabulary.scenario import OrdersStrategy

KIND = "shrink"
SCENARIO, WHY, TEST, TOLERANCE = "scenario.toml", "WHY.md", "test_shrunk.py", "tolerance.toml"
KNOWN_NAMES = (SCENARIO, DATA, ORDERS, WHY, TEST, TOLERANCE, "__pycache__", ".pytest_cache")
"""Names that may stand in such a folder besides the ledgers and the marker: files that are written, and
files that running the test leaves."""
FAILED = 1
"""Exit code of pytest when a test failed."""
TIMEOUT = 300
"""Seconds that the test may take."""


def write_folder(folder: Path, shrunk: Shrunk, name: str, candidate: Candidate, page: str | None) -> None:
    """Write the folder, then read it back and run it: it has to break the same way.

    page: explain's page for the small case; None if it names other causes than for the given case.

    Raises InputError: the case that was written does not break the same way, because the candidate keeps
    something from call to call or is not deterministic.
    """
    case = shrunk.after.case
    output.write_text(folder, SCENARIO, scenario_to_toml(case.scenario))
    write_market(case.market, folder / DATA)
    wanted, units = case.scenario.strategy.selection, case.scenario.market
    if isinstance(wanted, OrdersStrategy):
        text = orders_text(wanted, units.price_decimals, units.quantity_decimals)
        output.write_text(folder, ORDERS, text)
    if case.tolerances:
        lines = [tolerance_toml(one) + "\n" for one in case.tolerances]
        output.write_text(folder, TOLERANCE, "".join(lines))
    back = replace(_read_back(folder), tolerances=case.tolerances)
    look = breaks_alike(shrunk.root, name, candidate, back)
    if look is None:
        raise _not_reproducible(name)
    write_ledger(run_reference(back.scenario, back.market), folder / "reference", format="csv")
    write_ledger(candidate(back.scenario, back.market), folder / "candidate", format="csv")
    output.write_text(folder, TEST, shrink_text.test_file(shrunk, name))
    output.write_text(folder, WHY, shrink_text.why(shrunk, name, page))
    output.write_text(
        folder, output.MARKER, json.dumps(shrink_text.shrink_facts(shrunk, name), indent=2) + "\n"
    )
    if _fails(folder) is False:
        raise _not_reproducible(name)


def _read_back(folder: Path) -> Case:
    scenario = scenario_from_file(folder / SCENARIO)
    return Case(scenario, load_market(scenario))


def _fails(folder: Path) -> bool | None:
    """Whether the test fails, as it has to; None if pytest is not installed or does not end in time."""
    if importlib.util.find_spec("pytest") is None:
        return None
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / TEST)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode == FAILED


def _not_reproducible(name: str) -> InputError:
    return InputError(
        f"candidate {name}",
        "no break, or another, when the shrunk case was read back and run again",
        "the same answer to the same scenario and market",
        "See whether it agrees with itself: reconcile run --twice.",
    )
