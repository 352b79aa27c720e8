"""Stops of real engines (tests/ledgers/levels) tie out with scenarios that state their conventions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import reconcile

HARNESS = Path(__file__).parents[1] / "benchmarks" / "engines"
FOLDER = Path(__file__).parent / "ledgers" / "levels"
BEYOND = (FOLDER / "pybroker" / "brackets.toml", FOLDER / "nautilus" / "brackets.toml")
SCENARIOS = sorted(set(FOLDER.glob("*/*.toml")) - set(BEYOND))
NAMES = [f"{path.parent.name}-{path.stem}" for path in SCENARIOS]
SHARP = [
    FOLDER / name for name in ("backtrader/trailing.toml", "pybroker/trails.toml", "zipline/brackets.toml")
]
"""Those of which other conventions are tried; the table of docs/conventions.md has the others."""
NOISE = 1e-12
"""Between a price and the double that is to be it."""


def export_of(scenario: Path) -> Any:
    """The ledger that the engine saved, as `reconcile import` reads it."""
    (export,) = (path for path in scenario.parent.glob(f"{scenario.stem}*") if path.suffix != ".toml")
    if export.is_dir():
        return reconcile.read(export)
    return reconcile.read("auto", export, symbol="G0" if scenario.parent.name == "backtesting" else None)


def run(scenario: Any, ledger: Any) -> Any:
    return reconcile.run(scenario, ledger, tolerance=FOLDER / "tolerance.toml")


def fills(ledger: Any) -> pd.DataFrame:
    return reconcile.frame(ledger, "fills", floats=True)


@pytest.mark.parametrize("path", SCENARIOS, ids=NAMES)
def test_an_engine_ties_out_with_its_stated_conventions(path: Path) -> None:
    """No break; each fill has its partner in time, symbol, side and quantity, at its price."""
    ledger = export_of(path)
    found = run(path, ledger)
    assert not found.breaks, found.text()
    keys = ["timestamp", "symbol", "side", "quantity"]
    ours, theirs = fills(found.reference), fills(ledger)
    assert len(ours) == len(theirs) > 130
    both = ours.merge(theirs, on=keys, suffixes=("", "_theirs"), validate="one_to_one")
    assert len(both) == len(ours)
    assert (both["price"] - both["price_theirs"]).abs().max() < NOISE
    closings = ours["reason"].value_counts()
    assert all(closings[reason] for reason in set(closings.index) - {"time_exit"})
    assert any(name in closings for name in ("stop_loss", "trailing_stop"))


@pytest.mark.parametrize("path", SHARP, ids=[path.parent.name for path in SHARP])
def test_the_market_tells_conventions_apart(path: Path) -> None:
    """Another word for where a gapped stop fills, or for what moves a trailing stop, gives breaks."""
    scenario, ledger = reconcile.scenario_from_file(path), export_of(path)
    if path.parent.name == "zipline":  # its exits look at the close
        assert run(reconcile.replace(scenario, "exits.0.at", "level"), ledger).breaks
        return
    other = "level_or_open" if scenario.execution.levels.gap.value != "level_or_open" else "open"
    assert run(reconcile.replace(scenario, "execution.levels.gap", other), ledger).breaks
    if path.stem.startswith("trail"):
        assert run(reconcile.replace(scenario, "execution.levels.trail", "high_before"), ledger).breaks


@pytest.mark.parametrize("path", BEYOND, ids=[path.parent.name for path in BEYOND])
def test_a_rule_out_of_scope_is_all_that_differs(path: Path) -> None:
    """A target that the open is beyond fills at its level, in pybroker at the bar's near end."""
    ledger = export_of(path)
    ours, theirs = fills(run(path, ledger).reference), fills(ledger)
    keys = ["timestamp", "symbol", "side", "quantity"]
    both = ours.merge(theirs, on=keys, suffixes=("", "_theirs"), validate="one_to_one")
    assert len(both) == len(ours) == len(theirs)
    apart = both[(both["price"] - both["price_theirs"]).abs() > NOISE]
    bars = pd.read_csv(FOLDER / "market.csv", parse_dates=["timestamp"])
    apart = apart.merge(bars, on=["timestamp", "symbol"])
    assert len(apart) > 10 and set(apart["reason"]) == {"take_profit"}
    for row in apart.to_dict("records"):
        entry = ours[(ours["symbol"] == row["symbol"]) & (ours["timestamp"] < row["timestamp"])].iloc[-1]
        side = 1 if entry["side"] == "buy" else -1
        level = entry["price"] * (1 + side * 0.05)
        assert side * row["open"] > side * level and row["price"] == pytest.approx(row["open"], abs=NOISE)
        near = row["low"] if side > 0 else row["high"]
        clipped = side * max(side * level, side * near) if path.parent.name == "pybroker" else level
        assert row["price_theirs"] == pytest.approx(clipped, abs=NOISE)


def test_identify_reads_conventions_of_stops_off_a_list_of_fills() -> None:
    """The ledger shows another gap than the scenario states, and which engine has all that it shows."""
    path = FOLDER / "pybroker" / "trails.toml"
    scenario = reconcile.replace(reconcile.scenario_from_file(path), "execution.levels.gap", "open")
    found = reconcile.identify(scenario, export_of(path), tolerance=FOLDER / "tolerance.toml").found
    shown = {each.convention.name: (each.option.key, each.status.value) for each in found.findings}
    expected = {"timing": "next_close", "gap": "level_or_far", "trail": "high_after"}
    assert {name: shown[name] for name in expected} == {k: (v, "identified") for k, v in expected.items()}
    assert found.wrong == 0
    assert [each.profile.engine for each in found.engines if not each.differ and len(each.agree) > 2] == [
        "pybroker"
    ]


def test_what_is_kept_is_what_the_harness_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars, entries, scenarios and the table of docs/conventions.md are those of benchmarks/engines."""
    monkeypatch.setattr(sys, "path", [str(HARNESS), *sys.path])
    import gaps  # type: ignore[import-not-found]
    import levels  # type: ignore[import-not-found]
    import levels_run  # type: ignore[import-not-found]

    for name, frame in gaps.files().items():
        assert (FOLDER / name).read_text() == frame.to_csv(index=False), name
    assert {one.scenario for one in levels.STATED} == {*SCENARIOS, *BEYOND}
    for one in levels.STATED:
        assert one.scenario.read_text() == levels.scenario_text(one), one.name
    text = levels_run.PAGE.read_text(encoding="utf-8")
    shown = text.split(levels_run.BEGIN)[1].split(levels_run.END)[0]
    assert shown.strip() == levels_run.rows(json.loads(levels_run.RESULTS.read_text()))
