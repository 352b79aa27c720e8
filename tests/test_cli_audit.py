"""`reconcile audit`: the answer first, findings with their rows, what was not checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import comparison_kit as kit

import reference
from reconcile.auditing.model import ABOUT, Check
from reconcile.cli import exit_code
from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from reconcile.market.load import load_market
from reconcile.scenario.files import find_scenario
from vocabulary.ledger import Ledger, Manifest

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, standard output) of a command."""

    def command(*arguments: str | Path) -> tuple[int, str]:
        code = exit_code(list(map(str, arguments)))
        captured = capsys.readouterr()
        assert "did not foresee" not in captured.err, captured.err
        return code, captured.out

    return command


@pytest.fixture
def true(small: str, tmp_path: Path) -> Path:
    """A true ledger of the small scenario, which is in the current folder."""
    scenario = find_scenario(small)
    write_ledger(reference.run(scenario, load_market(scenario)), tmp_path / "true")
    return tmp_path / "true"


@pytest.fixture
def charged(true: Path, tmp_path: Path) -> Path:
    """The same with 1 unit too much of commission on its fourth fill."""
    changed = kit.edited(read_ledger(true), "fills", "commission", 3, lambda v: v + 1)
    write_ledger(changed, tmp_path / "charged")
    return tmp_path / "charged"


def test_a_clean_ledger_exits_0_and_says_what_that_covers(true: Path, run: Run) -> None:
    """Without a scenario the first line says that nothing was held against a market."""
    code, out = run("audit", true)
    assert code == 0
    assert out.startswith("clean: 0 findings in 16 checks of ")
    assert "nothing was held against a market" in out.splitlines()[0]
    code, out = run("audit", true, "--scenario", "small.toml")
    assert code == 0 and "market" not in out.splitlines()[0]
    for check in set(Check) - {Check.RETURNS, Check.NEGATIVE_CASH, Check.OVERSOLD, Check.SCALES}:
        assert ABOUT[check].claim in out


def test_a_finding_exits_1_and_names_its_row(charged: Path, run: Run) -> None:
    code, out = run("audit", charged, "--scenario", "small.toml")
    first = out.splitlines()[0]
    assert code == 1 and first.startswith("2 findings: ")
    assert "fills row 4" in out and "(+0.0001)" in out


def test_the_json_names_rows_exactly(charged: Path, run: Run) -> None:
    code, out = run("audit", charged, "--scenario", "small.toml", "--json")
    facts = json.loads(out)
    assert (code, facts["kind"], facts["version"], facts["verdict"]) == (1, "tieout.audit", 1, "findings")
    assert facts["counts"] == {"cost": 1, "commission": 1}
    one = next(one for one in facts["findings"] if one["kind"] == "commission")
    assert (one["field"], one["rows"][0]["row"], one["gap"]) == ("fills.commission", 4, 0.0001)


def test_what_cannot_be_checked_exits_2_unless_the_checks_are_named(
    true: Path, run: Run, tmp_path: Path
) -> None:
    """The omission stands in the first line either way."""
    write_ledger(kit.without(read_ledger(true), "costs"), tmp_path / "less")
    code, out = run("audit", tmp_path / "less")
    assert (code, out.startswith("clean as far as checked: ")) == (2, True)
    assert "not checked: costs" in out.splitlines()[0] and "no such table" in out
    code, out = run("audit", tmp_path / "less", "--checks", "cash, positions")
    assert code == 0 and "by request not checked: " in out.splitlines()[0]


def test_a_market_that_is_not_the_ledgers_shows(true: Path, run: Run, tmp_path: Path) -> None:
    """--data takes other bars: the fills are then none of theirs."""
    bars = (tmp_path / "bars.csv").read_text().replace(",20.0,", ",20.5,")
    lines = bars.splitlines()
    moved = [lines[0]]
    for line in lines[1:]:
        cells = line.split(",")
        moved.append(",".join([*cells[:2], *(str(float(cell) * 2) for cell in cells[2:6]), *cells[6:]]))
    (tmp_path / "other.csv").write_text("\n".join(moved) + "\n")
    code, out = run("audit", true, "--scenario", "small.toml", "--data", tmp_path / "other.csv")
    assert (
        code == 1
        and "of its prices are about 0.5 times the market's: adjusted prices, or another unit" in out
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--checks", "cahs"),
        ("--initial-cash", "much"),
        ("--initial-cash", "1e9"),
        ("--data", "bars.csv"),
        ("--scenario", "nowhere.toml"),
    ],
)
def test_bad_usage_exits_2_and_prints_no_answer(arguments: tuple[str, ...], true: Path, run: Run) -> None:
    assert run("audit", true, *arguments) == (2, "")


def test_nothing_there_is_an_error(run: Run, tmp_path: Path) -> None:
    assert run("audit", tmp_path / "nowhere") == (2, "")


def test_an_unknown_start_is_said(true: Path, run: Run, tmp_path: Path) -> None:
    """A ledger without manifest does not tell what it started with; the option does."""
    ledger = read_ledger(true)
    write_ledger(Ledger(Manifest(), ledger.tables), tmp_path / "bare")
    code, out = run("audit", tmp_path / "bare")
    assert code == 2 and "not checked: opening" in out.splitlines()[0]
    assert run("audit", tmp_path / "bare", "--initial-cash", "10000")[0] == 0
    code, out = run("audit", tmp_path / "bare", "--initial-cash", "10001")
    assert code == 1 and out.splitlines()[0].startswith("1 finding: opening")


OLMAR = ("cash", "positions", "opening", "returns", "notional", "cells", "keys")


def published(repository: Path, folder: Path, *more: str) -> tuple[str | Path, ...]:
    examples = repository / "examples"
    return (
        "audit",
        folder,
        "--mapping",
        examples / "pyfolio_olmar.toml",
        "--tolerance",
        examples / "pyfolio_olmar_tolerance.toml",
        "--initial-cash",
        "100000",
        *more,
    )


def test_a_published_ledger_re_derives_on_every_day(repository: Path, shared_data: Path, run: Run) -> None:
    """Cash on all 1,505 changes from day to day, and all 1,511 returns; what was mapped is said."""
    code, out = run(*published(repository, shared_data, "--json", "--checks", ",".join(OLMAR)))
    facts = json.loads(out)
    assert (code, facts["verdict"], facts["findings"]) == (0, "clean", [])
    values = {one["check"]: one["values"] for one in facts["checked"]}
    assert (values["cash"], values["opening"], values["returns"]) == (1505, 1, 1511)
    assert values["positions"] > 9000 and values["notional"] == 9367
    assert {one["field"]: one["largest"] < 5e-7 for one in facts["tolerances"]} == {
        "fills.notional": True,
        "equity.cash": True,
    }
    said = " ".join(facts["notes"])
    for words in (
        "the side is the sign",
        "their 'amount'",
        "a column for each of 7 symbols",
        "no commission",
    ):
        assert words in said


def test_what_the_published_ledger_lacks_is_said(repository: Path, shared_data: Path, run: Run) -> None:
    """Without naming the checks it is clean only as far as checked."""
    code, out = run(*published(repository, shared_data, "--allow-negative-cash"))
    assert code == 2
    assert out.startswith("clean as far as checked: ") and "costs: no such table" in out


@pytest.mark.parametrize(
    "table, column, kind",
    [("positions", "cash", "flow"), ("transactions", "amount", "position"), ("returns", "return", "return")],
)
def test_one_cell_of_the_published_ledger_changed_is_found(
    table: str, column: str, kind: str, repository: Path, shared_data: Path, run: Run, tmp_path: Path
) -> None:
    """From a day on, where it is cash: else it would be one misprint."""
    import pandas as pd

    for name in ("transactions", "positions", "returns"):
        file = f"pyfolio_olmar_{name}.parquet"
        if name != table:
            shutil.copy(shared_data / file, tmp_path / file)
            continue
        frame = pd.read_parquet(shared_data / file)
        last = len(frame) - 1 if table == "positions" else 700
        frame.loc[700:last, column] = frame.loc[700:last, column] + 1
        frame.to_parquet(tmp_path / file)
    code, out = run(*published(repository, tmp_path, "--json"))
    assert code == 1
    assert kind in json.loads(out)["counts"]
