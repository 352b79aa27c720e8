"""The functions that a notebook calls: every command has one, and each takes what a caller has at hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.schema_kit import conforms

import engine
import reconcile
import reference
from reconcile.market.frame import Market as FramedMarket
from vocabulary.errors import InputError, TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return reconcile.find_scenario("stocks")


@pytest.fixture(scope="module")
def market(scenario: Scenario) -> FramedMarket:
    return reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 700))


@pytest.fixture(scope="module")
def right(scenario: Scenario, market: Market) -> Ledger:
    return reference.run(scenario, market)


@pytest.fixture(scope="module")
def dear(scenario: Scenario, market: Market) -> Ledger:
    """A commission of 8 bps where the scenario says 5."""
    return engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)


def dear_engine(scenario: Scenario, market: Market) -> Ledger:
    return engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)


def frames_of(ledger: Ledger) -> dict[str, pd.DataFrame]:
    return {name: reconcile.frame(ledger, name) for name in ledger.tables}


def test_a_diff_takes_ledgers_folders_and_frames_alike(right: Ledger, dear: Ledger, tmp_path: Path) -> None:
    reconcile.write_ledger(dear, tmp_path / "dear")
    given = (dear, str(tmp_path / "dear"), tmp_path / "dear", frames_of(dear))
    found = [reconcile.diff(right, one) for one in given]
    assert {len(one.breaks) for one in found} == {len(found[0].breaks)} and found[0].breaks
    assert all(one.first == found[0].first and one.exit_code == 1 for one in found)
    assert found[0].verdict.value == "breaks"


def test_a_frame_says_which_table_it_is_by_its_columns(right: Ledger) -> None:
    fills = reconcile.frame(right, "fills")
    found = reconcile.diff(right, fills)
    assert [one.table for one in found.found.compared] == ["fills"] and found.exit_code == 2
    with pytest.raises(InputError, match="which table"):
        reconcile.diff(right, pd.DataFrame({"timestamp": [1], "symbol": ["A"]}))


def test_a_polars_frame_is_a_frame(right: Ledger) -> None:
    polars = pytest.importorskip("polars")
    fills = polars.from_pandas(reconcile.frame(right, "fills", floats=True).drop(columns=["reason"]))
    found = reconcile.diff(right, {"fills": fills})
    assert not found.breaks and found.exit_code == 2


def test_a_run_takes_a_function_a_name_and_a_ledger(scenario: Scenario, market: Market, dear: Ledger) -> None:
    by_function = reconcile.run(scenario, dear_engine, data=market)
    by_ledger = reconcile.run("stocks", dear, data=market)
    assert by_function.exit_code == by_ledger.exit_code == 1
    assert by_function.first == by_ledger.first is not None
    ours = reconcile.run(scenario, data=market)
    assert ours.exit_code == 0 and not ours.breaks and ours.text().startswith("matched: 0 breaks")


def test_explain_names_the_cause_of_a_function_and_of_a_ledger(
    scenario: Scenario, market: Market, dear: Ledger
) -> None:
    for given in (dear_engine, dear):
        found = reconcile.explain(scenario, given, data=market)
        assert [cause.sentence for cause in found.causes] == ["commission is 8 bps instead of 5 bps"]
        assert found.exit_code == 0 and list(found.to_frame()["what"]) == ["costs.commission"]


def test_an_audit_of_what_a_run_gave_is_clean(right: Ledger, scenario: Scenario, market: Market) -> None:
    found = reconcile.audit(right, scenario=scenario, data=market)
    assert found.exit_code == 0 and found.first is None
    assert reconcile.audit(frames_of(right)).exit_code in (0, 2)


def test_shrink_writes_nothing_where_nothing_breaks_or_nothing_can_be_run(
    scenario: Scenario, market: Market, right: Ledger, tmp_path: Path
) -> None:
    found = reconcile.shrink(scenario, "engine:run", tmp_path / "case", data=market)
    assert found.exit_code == 0 and found.shrunk is None
    with pytest.raises(InputError, match="a ledger"):
        reconcile.shrink(scenario, right, tmp_path / "case", data=market)
    assert not (tmp_path / "case").exists()


def test_a_ledger_that_is_read_has_its_tables_as_frames(right: Ledger, tmp_path: Path) -> None:
    reconcile.write_ledger(right, tmp_path / "right", format="csv")
    ledger = reconcile.read(tmp_path / "right")
    assert list(ledger.fills.columns) == list(right.tables["fills"].columns)
    assert len(ledger.equity) == right.tables["equity"].rows
    assert "fills" in dir(ledger) and f"fills {len(ledger.fills):,}" in repr(ledger)
    with pytest.raises(AttributeError, match="no 'trades'"):
        _ = ledger.trades


def test_check_says_that_a_scenario_and_its_market_fit() -> None:
    found = reconcile.check("stocks")
    assert found.exit_code == 0 and repr(found) == "<CheckResult valid: stocks and its market fit>"


@pytest.mark.parametrize(
    "call",
    [
        lambda: reconcile.run(3),
        lambda: reconcile.run("stocks", data=3.5),
        lambda: reconcile.run("stocks", 7),
        lambda: reconcile.diff("nowhere", "nowhere"),
        lambda: reconcile.diff({"fills": 3}, {}),
        lambda: reconcile.diff({}, {}, data="bars.csv"),
        lambda: reconcile.audit(None),
        lambda: reconcile.explain("stocks", "no such thing"),
        lambda: reconcile.shrink("stocks", "nowhere", "x"),
        lambda: reconcile.check("no-such-scenario"),
        lambda: reconcile.read(object()),
    ],
)
def test_wrong_arguments_get_the_error_that_says_what_to_do(call: Any) -> None:
    with pytest.raises(TieoutError) as caught:
        call()
    assert caught.value.where and caught.value.expected and caught.value.remedy


def test_a_result_shows_itself_in_a_line_a_page_and_a_notebook(right: Ledger, dear: Ledger) -> None:
    found = reconcile.diff(right, dear)
    assert repr(found).count("\n") == 0 and len(repr(found)) < 300 and repr(found).startswith("<DiffResult ")
    assert str(found) == found.text()
    shown = found._repr_html_()
    assert shown.count("<details>") == 1 and "<script" not in shown
    assert json.loads(found.to_json())["kind"] == "tieout.diff" == found.to_dict()["kind"]
    assert "commission" in found.to_markdown()
    frame = found.to_frame()
    assert len(frame) == len(found.breaks) and frame.loc[0, "field"] == "commission"


def test_text_from_data_cannot_become_markup_in_a_notebook(right: Ledger) -> None:
    fills = reconcile.frame(right, "fills")
    fills["symbol"] = fills["symbol"].astype(object)
    fills.loc[0, "symbol"] = "<script>alert(1)</script>"
    shown = reconcile.diff(right, {"fills": fills})._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_a_market_becomes_frames_long_and_wide(market: FramedMarket) -> None:
    wide, long = market.to_frame("close"), market.to_frame()
    assert wide.shape == market.present.shape and list(wide.columns) == list(market.symbols)
    assert len(long) == int(market.present.sum())
    again = long.pivot(index="timestamp", columns="symbol", values="close")
    pd.testing.assert_frame_equal(again, wide.dropna(axis=1, how="all")[again.columns], check_names=False)
    with pytest.raises(InputError, match="no column 'clse'"):
        market.to_frame("clse")


def test_a_candidate_is_given_a_market_that_becomes_frames(tmp_path: Path) -> None:
    """Also in a process of its own."""
    (tmp_path / "framing.py").write_text(
        "import reconcile\n\n\ndef run(scenario, market):\n"
        "    assert market.to_frame('close').shape == market.close.shape\n"
        "    return reconcile.engine.run(scenario, market)\n"
    )
    command = [sys.executable, "-m", "reconcile", "run", "stocks", "framing:run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_column_of_a_frame_that_no_table_has_is_reported_and_forbids_a_match(right: Ledger) -> None:
    """Whatever it holds, and also where a program makes a ledger of its frames."""
    fills = frames_of(right)["fills"].assign(note=lambda table: [object() for _ in range(len(table))])
    frames = {**frames_of(right), "fills": fills}
    found = reconcile.diff(right, frames)
    assert not found.breaks and found.exit_code == 2 and "note" in found.text().partition("\n")[0]
    with pytest.warns(UserWarning, match=r"fills\.note"):
        reconcile.from_frames({"fills": fills})


def test_importing_reconcile_loads_no_engine_and_no_frames() -> None:
    code = (
        "import sys, reconcile; print([name for name in ('numba', 'pandas', 'numpy', 'pyarrow', 'engine')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_tab_completion_shows_what_there_is_and_nothing_else() -> None:
    shown = dir(reconcile)
    assert {"run", "diff", "explain", "audit", "shrink", "check", "golden", "gate", "drill", "read"} <= set(
        shown
    )
    assert all(name == "__version__" or not name.startswith("_") for name in shown)
    assert all(getattr(reconcile, name) is not None for name in shown)
    assert set(shown) - set(reconcile.__all__) == {"engine", "golden", "reference", "vocabulary"}


def test_importing_reconcile_takes_less_than_150_ms() -> None:
    """Beyond Python's own start; the best of five, because other work may run beside it."""
    code = "import time; t = time.perf_counter(); import reconcile; print(time.perf_counter() - t)"
    best = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )
    assert best < 0.15


def test_goldens_and_the_gate_answer_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parent.parent)
    held = reconcile.golden.check("exit-time")
    assert held.exit_code == 0 and list(held.to_frame()["case"]) == ["exit-time"]
    waiting = reconcile.golden.review()
    assert conforms("review", waiting.to_dict()) and waiting.exit_code == (1 if waiting.pending else 0)
    found = reconcile.gate(checks="drift")
    assert found.exit_code in (0, 1) and len(found.to_frame()) == len(found.report.cases)
    with pytest.raises(InputError):
        reconcile.golden.check("no such case")


def test_the_json_of_a_check_is_what_its_schema_says() -> None:
    assert conforms("check", reconcile.check("stocks").to_dict())


def test_the_drill_answers_from_python() -> None:
    found = reconcile.drill(sample=1)
    assert found.exit_code in (0, 1, 2) and conforms("drill", found.to_dict())


def test_every_result_has_a_frame_and_a_page(tmp_path: Path) -> None:
    pytest.importorskip("bokeh", reason="tieout[html] is not installed")
    found = reconcile.check("stocks")
    assert list(found.to_frame()["verdict"]) == ["valid"]
    found.to_html(tmp_path / "check.html")
    assert "valid: stocks" in (tmp_path / "check.html").read_text(encoding="utf-8")


def test_what_a_mapped_candidate_holds_unread_stands_in_the_way_of_a_match(
    scenario: Scenario, market: Market, right: Ledger, tmp_path: Path
) -> None:
    fills = reconcile.frame(right, "fills").assign(funding_fee=1)
    fills.to_csv(tmp_path / "trades.csv", index=False)
    rules = '[tables.fills]\nfile = "trades"\n'
    (tmp_path / "names.toml").write_text(rules)
    found = reconcile.run(scenario, tmp_path / "trades.csv", data=market, mapping=tmp_path / "names.toml")
    assert found.exit_code == 2 and "funding_fee" in found.text().partition("\n")[0]
    whole = {**frames_of(right), "fills": fills}
    assert reconcile.explain(scenario, frames_of(right), data=market).verdict.value == "no_breaks"
    why = reconcile.explain(scenario, whole, data=market)
    assert (why.exit_code, why.verdict.value) == (2, "cannot_tell") and "funding_fee" in why.text()
