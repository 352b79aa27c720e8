"""Events a second of engine, reference, load, compare and the whole command: `make bench-track`.

No time counts of a wrong result: ledger, market or verdict is held against the right one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.benchmark(group="engine")
def test_engine(case: Any, noted: Any) -> None:
    import engine
    from reconcile.ledger.digest import ledger_digest

    noted(
        lambda: engine.run(case.scenario, case.market),
        lambda ledger: ledger_digest(ledger) == case.digest,
        rounds=25 if case.rounds(2) > 1 else 5,
    )


@pytest.mark.benchmark(group="reference")
def test_reference(case: Any, noted: Any) -> None:
    import reference
    from reconcile.ledger.digest import ledger_digest

    noted(
        lambda: reference.run(case.scenario, case.market),
        lambda ledger: ledger_digest(ledger) == case.digest,
        rounds=case.rounds(3),
    )


@pytest.mark.benchmark(group="load")
def test_load(case: Any, noted: Any) -> None:
    """From Parquet in long format, computed features included."""
    from reconcile.market.load import load_market
    from reconcile.scenario.files import scenario_from_file

    scenario = scenario_from_file(case.file)
    noted(
        lambda: load_market(scenario),
        lambda market: market.digest == case.market.digest,
        rounds=case.rounds(3),
    )


@pytest.mark.benchmark(group="compare")
def test_compare(case: Any, noted: Any) -> None:
    """Of two equal ledgers, every row of every table."""
    import engine
    from reconcile.comparing.compare import compare
    from reconcile.matching.model import Verdict

    ours = engine.run(case.scenario, case.market)
    noted(
        lambda: compare(case.ledger, ours, scenario=case.scenario, market=case.market),
        lambda found: found.verdict is Verdict.MATCHED,
        rounds=5,
    )


@pytest.mark.benchmark(group="command")
def test_command(case: Any, noted: Any) -> None:
    """`reconcile run` as a process of its own: start, load, both programs, comparison."""
    command = [sys.executable, "-m", "reconcile.cli", "run", str(case.file), "--json"]

    def whole() -> Any:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def right(summary: Any) -> bool:
        return bool(summary["verdict"] == "matched" and summary["market"]["digest"] == case.market.digest)

    noted(whole, right, rounds=case.rounds(3))
