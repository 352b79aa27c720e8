"""One side in a process of its own: reads a request, leaves a ledger and a report.

`reconcile.running.determinism` starts this file by its path, so that nothing but the request says what is
imported from where. In the folder given as the only argument it reads `request.json` and writes `ledger/`
and `report.json`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

REQUEST, REPORT, LEDGER = "request.json", "report.json", "ledger"
REFERENCE, ENGINE = "reference", "engine"
INTERRUPTED = 130


def main(folder: Path) -> int:
    """Do what the request asks; the exit code."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    sys.path[:] = request["path"]
    try:
        report: Mapping[str, Any] = run_request(request, folder / LEDGER)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:
        report = _trouble(error)
    (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")
    return 2 if "error" in report else 0


def run_request(request: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Load, run one side, write its ledger; the digests of what it was run on."""
    from reconcile.ledger.write import write_ledger
    from reconcile.running import run as running
    from reconcile.scenario.files import scenario_from_text

    scenario = scenario_from_text(request["scenario"], origin=request["origin"], name=request["name"])
    market, _ = running.load(scenario, request["data"])
    write_ledger(_ledger(request["side"], scenario, market), place)
    return {"scenario": scenario.digest, "market": market.digest}


def _ledger(side: str, scenario: Scenario, market: Market) -> Ledger:
    from reconcile.running import run as running
    from reconcile.running.candidate import load_candidate

    if side == REFERENCE:
        return running.run_reference(scenario, market).ledger
    if side == ENGINE:
        return running.run_engine(scenario, market).ledger
    return running.run_candidate(side, load_candidate(side), scenario, market).ledger


def _trouble(error: BaseException) -> dict[str, Any]:
    """An error as data: the four parts of one of ours, else its type and text."""
    if os.environ.get("TIEOUT_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    parts = ("where", "found", "expected", "remedy")
    told = {name: str(getattr(error, name)) for name in parts if hasattr(error, name)}
    foreseen = type(error).__module__ == "vocabulary.errors" and len(told) == len(parts)
    return {"error": type(error).__name__, **(told if foreseen else {"text": str(error)})}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
