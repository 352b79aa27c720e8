"""What a test's ledger is told when its golden keeps no rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import reference
from golden_kit import project
from reconcile import replace, scenario_from_file
from reconcile.golden import making
from reconcile.golden.accept import accept
from reconcile.golden.check_snapshot import Claim, weigh
from reconcile.golden.model import Agreement, Standing
from reconcile.market.load import load_market


def test_a_golden_without_rows_still_names_the_first_cell(
    small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference runs the golden's scenario again: only the engine's code is another."""
    monkeypatch.setattr(making, "FULL_ROWS", 1)
    place = project(tmp_path)
    scenario = scenario_from_file(small)
    market = load_market(scenario)
    right = reference.run(scenario, market)
    wrong = reference.run(replace(scenario, "costs.commission.rate", "8"), market)

    def claim(ledger: object) -> Claim:
        return Claim("mine", ledger, scenario, market, Agreement.REFERENCE, "test_mine.py::test_it")  # type: ignore[arg-type]

    assert weigh(place, claim(right), update=False).checked.standing is Standing.MISSING
    accept(place, ["mine"], "first")
    assert weigh(place, claim(right), update=False).checked.standing is Standing.HOLDS
    weighed = weigh(place, claim(wrong), update=True)
    assert weighed.checked.standing is Standing.CHANGED and not weighed.written
    change = weighed.checked.change
    assert change is not None and change.whole and change.first is not None
    assert (change.first.table, change.first.field, change.first.rebalance) == ("fills", "commission", 0)
    assert change.first.symbol is not None and change.by_stage["cost"] > 0
