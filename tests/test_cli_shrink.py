"""`reconcile shrink`: the folder it writes, the test in it, and input that is not what it should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.schema_kit import conforms

from reconcile.cli import exit_code
from reconcile.ledger.read import read_ledger

Run = Callable[..., tuple[int, str, str]]

ENGINES = """
import engine, reconcile

calls = []

def dear(scenario, market):
    return engine.run(reconcile.replace(scenario, "costs.commission.rate", "50"), market)

def true(scenario, market):
    return engine.run(scenario, market)

def generous(scenario, market):
    # A little too much cash on Fridays: nothing that explain knows.
    from dataclasses import replace
    ledger = engine.run(scenario, market)
    table = ledger.tables["equity"]
    cash = table.columns["cash"]
    late = (table.columns["timestamp"].values // 86_400_000_000_000 + 3) % 7 == 4
    columns = {**table.columns, "cash": replace(cash, values=cash.values + late)}
    return replace(ledger, tables={**ledger.tables, "equity": replace(table, columns=columns)})

def moody(scenario, market):
    calls.append(1)
    return dear(scenario, market) if len(calls) == 1 else true(scenario, market)

def floats(scenario, market):
    # Dear, and with prices off by the noise of doubles.
    ledger = dear(scenario, market)
    fills = reconcile.frame(ledger, "fills", floats=True)
    fills["price"] *= 1 + 1e-12
    return reconcile.from_frames({"fills": fills})

def broken(scenario, market):
    raise RuntimeError("no")
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, standard output, standard error) of a command."""

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = exit_code(["shrink", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "did not foresee" not in captured.err, captured.err
        return code, captured.out, captured.err

    return command


@pytest.fixture
def engines(small: str, tmp_path: Path) -> Path:
    """The current folder, with engines to shrink for."""
    (tmp_path / "shrunk_engines.py").write_text(ENGINES)
    return tmp_path


def exit_of(folder: Path, cwd: Path) -> int:
    """Exit code of the test that was written."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False).returncode


def test_the_folder_holds_all_and_its_test_fails_until_the_candidate_is_mended(
    engines: Path, run: Run
) -> None:
    code, out, _ = run("small.toml", "shrunk_engines:dear", "--out", "case")
    assert code == 1 and "fill commission" in out.splitlines()[0]
    folder = engines / "case"
    assert {path.name for path in folder.iterdir()} == {
        "scenario.toml", "bars.parquet", "reference", "candidate", "WHY.md", "test_shrunk.py", "summary.json"
    }  # fmt: skip
    assert read_ledger(folder / "reference").tables.keys() == read_ledger(folder / "candidate").tables.keys()
    why = (folder / "WHY.md").read_text()
    assert "commission is 50 bps instead of 5 bps" in why and "| symbols | 4 | 1 |" in why
    told = json.loads((folder / "summary.json").read_text())
    assert conforms("shrink", told)
    assert told["kind"] == "shrink" and told["causes"][0] == "commission"
    assert told["after"]["symbols"] == 1 and told["after"]["rebalances"] == 1
    assert exit_of(folder, engines) == 1
    (engines / "shrunk_engines.py").write_text(ENGINES.replace('"50"', '"5"'))
    assert exit_of(folder, engines) == 0


def test_what_a_tolerance_absorbs_is_no_break_of_any_smaller_case(engines: Path, run: Run) -> None:
    """The bounds go into the folder, and its test compares within them."""
    (engines / "noise.toml").write_text('"fills.price" = { relative = "1e-11", reason = "doubles" }')
    code, out, _ = run("small.toml", "shrunk_engines:floats", "--out", "case", "--tolerance", "noise.toml")
    assert code == 1 and "fill commission" in out.splitlines()[0]
    assert (engines / "case" / "tolerance.toml").read_text().startswith('"fills.price" = { relative = "1')
    assert exit_of(engines / "case", engines) == 1
    (engines / "shrunk_engines.py").write_text(ENGINES.replace('"50"', '"5"'))
    assert exit_of(engines / "case", engines) == 0
    assert run("small.toml", "shrunk_engines:dear", "--mapping", "map.toml")[0] == 2


def test_a_small_case_is_given_no_cause_that_the_whole_has_not(
    engines: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a few bars many a cause fits by chance."""
    from reconcile.shrinking import shrink

    assert run("small.toml", "shrunk_engines:generous", "--out", "case")[0] == 1
    why = (engines / "case" / "WHY.md").read_text()
    assert "unexplained: of the whole case" in why and "cannot be told from" not in why
    told = json.loads((engines / "case" / "summary.json").read_text())
    assert told["causes"] == []
    assert run("small.toml", "shrunk_engines:dear", "--out", "case")[0] == 1
    assert "unexplained: of the whole case" not in (engines / "case" / "WHY.md").read_text()
    monkeypatch.setattr(shrink, "same_causes", lambda shrunk, small: False)
    assert run("small.toml", "shrunk_engines:dear", "--out", "case")[0] == 1
    assert "commission is 50 bps" not in (engines / "case" / "WHY.md").read_text()


def test_an_earlier_case_is_replaced_and_nothing_else_is(engines: Path, run: Run) -> None:
    """What running its test leaves is ours, too."""
    shrink = ("small.toml", "shrunk_engines:dear", "--out", "case")
    assert run(*shrink)[0] == 1
    (engines / "case" / "__pycache__").mkdir()
    (engines / "case" / "__pycache__" / "test_shrunk.pyc").write_text("")
    assert run(*shrink)[0] == 1
    assert not (engines / "case" / "__pycache__").exists()
    (engines / "case" / "notes.txt").write_text("mine")
    code, out, err = run(*shrink)
    assert code == 2 and out == "" and "notes.txt" in err
    assert (engines / "case" / "notes.txt").read_text() == "mine"


def test_nothing_is_written_where_there_is_no_break(engines: Path, run: Run) -> None:
    code, out, _ = run("small.toml", "shrunk_engines:true", "--out", "case")
    assert code == 0 and out.startswith("no breaks") and not (engines / "case").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("small.toml",), "the candidate"),
        (("small.toml", "shrunk_engines:missing"), "missing"),
        (("small.toml", "shrunk_engines:broken"), "RuntimeError"),
        (("small.toml", "not a name"), "not a name"),
        (("nowhere.toml", "shrunk_engines:dear"), "nowhere"),
        (("small.toml", "shrunk_engines:dear", "--out", "."), "."),
        (("small.toml", "shrunk_engines:dear", "--out", "bars.csv"), "bars.csv"),
    ],
)
def test_bad_input_is_one_error_and_exit_2(
    engines: Path, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    before = sorted(path.name for path in engines.iterdir() if path.name != "__pycache__")
    code, out, err = run(*arguments)
    assert code == 2 and out == "" and said in err
    assert sorted(path.name for path in engines.iterdir() if path.name != "__pycache__") == before


def test_a_candidate_that_changes_its_mind_is_found_out(engines: Path, run: Run) -> None:
    """It breaks on the first call only: no case can show that, and none is written."""
    code, out, err = run("small.toml", "shrunk_engines:moody", "--out", "case")
    assert code == 2 and out == "" and "--twice" in err
    assert not (engines / "case").exists()
