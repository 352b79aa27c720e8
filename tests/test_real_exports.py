"""Exports that real engines saved (tests/ledgers/engines) are recognised, read in full, and add up."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import reconcile
from reconcile.auditing.model import Verdict
from reconcile.formats.registry import recognise

FOLDER = Path(__file__).parent / "ledgers" / "engines"
EXPORTS = {
    "vectorbt": "orders.csv",
    "backtrader": "fills.csv",
    "zipline": "perf.csv",
    "bt": "transactions.csv",
    "nautilus": "fills.csv",
    "ml4t": "fills.parquet",
    "pybroker": "orders.csv",
    "backtesting": "trades.csv",
}
HARNESS = Path(__file__).parents[1] / "benchmarks" / "engines"
ROUND_TRIPS = {"backtesting": 2}
"""Fills of one row of the export; one elsewhere."""


def rows_of(path: Path) -> int:
    """Rows of the export, counted without tieout."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


@pytest.mark.parametrize("engine", EXPORTS)
def test_a_real_export_is_recognised_by_its_shape(engine: str) -> None:
    found = recognise(FOLDER / engine / EXPORTS[engine])
    assert found is not None
    assert found.name == engine


@pytest.mark.parametrize("engine", EXPORTS)
def test_every_row_of_a_real_export_is_read(engine: str) -> None:
    path = FOLDER / engine / EXPORTS[engine]
    ledger = reconcile.read("auto", path)
    table = "equity" if engine == "zipline" else "fills"
    assert rows_of(path) > 0
    assert ledger.tables[table].rows == rows_of(path) * ROUND_TRIPS.get(engine, 1)


@pytest.mark.parametrize("engine", EXPORTS)
def test_a_real_export_audits_without_a_finding(engine: str) -> None:
    found = reconcile.audit(FOLDER / engine / EXPORTS[engine])
    assert found.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED, found.text()


def test_the_tables_of_real_engines_are_made_from_the_answers_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [str(HARNESS), *sys.path])
    import page  # type: ignore[import-not-found]

    text = (HARNESS.parents[1] / "docs" / "engines.md").read_text(encoding="utf-8")
    shown = text.split(page.BEGIN)[1].split(page.END)[0]
    results = json.loads((HARNESS / "results.json").read_text(encoding="utf-8"))
    assert len(results) > 30
    assert shown.strip() == page.tables(results)
