"""A test's ledger against a golden that keeps no rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import reference
from golden_kit import project
from reconcile import replace, scenario_from_file
from reconcile.goldens import build as build_module
from reconcile.goldens.accept import accept
from reconcile.goldens.model import Agreement, CheckStatus
from reconcile.goldens.snapshot import Assertion, check_assertion
from reconcile.market.load import load_market


def test_a_golden_without_rows_still_names_the_first_cell(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference runs the golden's scenario again: only the engine's code is another."""
    monkeypatch.setattr(build_module, "FULL_ROWS", 1)
    place = project(tmp_path)
    scenario = scenario_from_file(small)
    market = load_market(scenario)
    right = reference.run(scenario, market)
    wrong = reference.run(replace(scenario, "costs.commission.rate", "8"), market)

    def claim(ledger: object) -> Assertion:
        return Assertion("mine", ledger, scenario, market, Agreement.REFERENCE, "test_mine.py::test_it")  # type: ignore[arg-type]

    assert check_assertion(place, claim(right), update=False).checked.status is CheckStatus.MISSING
    accept(place, ["mine"], "first")
    assert check_assertion(place, claim(right), update=False).checked.status is CheckStatus.HOLDS
    result = check_assertion(place, claim(wrong), update=True)
    assert result.checked.status is CheckStatus.CHANGED and not result.written
    change = result.checked.change
    assert change is not None and change.whole and change.first is not None
    assert (change.first.table, change.first.field, change.first.rebalance) == ("fills", "commission", 0)
    assert change.first.symbol is not None and change.by_stage["cost"] > 0
