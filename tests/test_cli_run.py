"""`reconcile run`: the page, the JSON, and a user's own engine in place of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.schema_kit import conforms

from reconcile.cli import exit_code

SIDE = {
    "name",
    "fills",
    "rebalances",
    "orders_dropped",
    "commission",
    "slippage",
    "final_equity",
    "total_return",
    "seconds",
    "events_per_second",
    "stranded",
    "deterministic",
}
FIRST = {
    "rebalance",
    "decided_at",
    "timestamp",
    "stage",
    "type",
    "symbol",
    "field",
    "reference",
    "candidate",
}

CANDIDATES = """
import sys
from dataclasses import replace

import numpy as np

import engine
import reference
from reconcile import frame, from_frames

def same(scenario, market):
    return reference.run(scenario, market)

def costly(scenario, market):
    fees = replace(scenario.costs.commission, rate=800_000)
    return reference.run(replace(scenario, costs=replace(scenario.costs, commission=fees)), market)

def loud(scenario, market):
    print("hello")
    return reference.run(scenario, market)

def raises(scenario, market):
    raise ValueError("no \\x1b[31mluck")

def leaves(scenario, market):
    sys.exit(0)

def panics(scenario, market):
    raise BaseException("index out of bounds")

def nothing(scenario, market):
    return None

def floats(scenario, market):
    ledger = reference.run(scenario, market)
    return from_frames({name: frame(ledger, name, floats=True) for name in ledger.tables})

def only_fills(scenario, market):
    ledger = reference.run(scenario, market)
    return replace(ledger, tables={"fills": ledger.tables["fills"]})

def empty(scenario, market):
    return replace(reference.run(scenario, market), tables={})

def short_column(scenario, market):
    ledger = reference.run(scenario, market)
    fills = ledger.tables["fills"]
    price = replace(fills.columns["price"], values=fills.columns["price"].values[:-1])
    fills = replace(fills, columns={**fills.columns, "price": price})
    return replace(ledger, tables={**ledger.tables, "fills": fills})

def vandal(scenario, market):
    ledger = reference.run(scenario, market)
    close = market.close
    while not close.flags.writeable:
        try:
            close.flags.writeable = True
        except ValueError:
            close = close.base
    close[-1, 0] += 1
    return ledger

def swaps(scenario, market):
    ledger = reference.run(scenario, market)
    object.__setattr__(market, "close", market.open)
    return ledger

number = 3
"""


@pytest.fixture
def mine(small: str) -> str:
    """The small scenario, with a module of candidates beside it."""
    name = "candidates_of_a_user"
    Path(f"{name}.py").write_text(CANDIDATES)
    return name


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = exit_code(["run", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def summary(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(*arguments, "--json", capsys=capsys)
    found = json.loads(out)
    assert conforms("run", found)
    return code, found


def test_the_first_line_is_the_verdict(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(small, capsys=capsys)
    assert code == 0
    assert out.splitlines()[0].startswith("matched: 0 breaks, ")


def test_the_page_shows_both_sides_next_to_each_other(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(small, capsys=capsys)
    rows = {line[:14].strip(): line[14:].split() for line in out.splitlines()}
    for label in ("rebalances", "fills", "commission", "slippage", "final equity"):
        left, right = rows[label]
        assert left == right
        assert float(left.replace(",", "")) > 0
    assert set(rows) >= {"return", "seconds", "events/s", "untimed"}


def test_json_has_the_keys_it_promises(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = summary(small, capsys=capsys)
    assert code == 0
    assert (found["kind"], found["version"]) == ("tieout.run", 1)
    assert (found["verdict"], found["breaks"], found["first"]) == ("matched", 0, None)
    assert found["events"] == 40
    for side in ("reference", "candidate"):
        assert set(found[side]) == SIDE
        assert all(found[side][name] is not None for name in SIDE - {"deterministic", "orders_dropped"})
        assert found[side]["stranded"] == []
    assert found["reference"]["final_equity"] == found["candidate"]["final_equity"]


def test_json_numbers_keep_all_their_digits(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An amount is written with the scenario's four decimals, not as a double."""
    _, out, _ = run(small, "--json", capsys=capsys)
    amounts = re.findall(r'"(?:commission|slippage|final_equity)": (\S+),', out)
    assert len(amounts) == 6
    assert all(re.fullmatch(r"\d+\.\d{4}", amount) for amount in amounts)


def test_a_candidate_that_agrees_matches(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("small.toml", f"{mine}:same", capsys=capsys)
    assert code == 0
    assert out.startswith("matched")
    assert f"candidate {mine}:same" in out


def test_a_candidate_that_charges_more_breaks(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line names the first divergence: the first fill's commission."""
    code, out, _ = run("small.toml", f"{mine}:costly", capsys=capsys)
    assert code == 1
    line = out.splitlines()[0]
    assert re.match(r"\d+ breaks", line)
    assert "2024-01-02" in line
    assert "commission" in line
    assert "(reference)" in line and "(candidate)" in line


def test_the_first_break_as_json(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = summary("small.toml", f"{mine}:costly", capsys=capsys)
    assert code == 1
    assert found["verdict"] == "breaks"
    assert found["breaks"] > 0
    first = found["first"]
    assert set(first) == FIRST
    assert first["decided_at"] == "2024-01-01T00:00:00"
    assert first["timestamp"] == "2024-01-02T00:00:00"
    assert (first["stage"], first["type"], first["field"]) == ("cost", "cost", "commission")
    assert first["candidate"] > first["reference"]


def test_what_a_candidate_prints_is_no_part_of_the_answer(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("small.toml", f"{mine}:loud", "--json", capsys=capsys)
    assert code == 0
    assert json.loads(out)["verdict"] == "matched"
    assert "hello" in err


def test_a_float_ledger_of_the_same_numbers_matches(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = summary("small.toml", f"{mine}:floats", capsys=capsys)
    assert (code, found["breaks"]) == (0, 0)
    assert found["candidate"]["final_equity"] == pytest.approx(found["reference"]["final_equity"])


@pytest.mark.parametrize("name", ["only_fills", "empty"])
def test_what_was_not_compared_is_no_pass(name: str, mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("small.toml", f"{mine}:{name}", capsys=capsys)
    assert code == 2
    assert "not compared: " in out.splitlines()[0]
    assert re.search(r"final equity +[\d,.]+ +-$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "ValueError: no \\x1b[31mluck"),
        ("leaves", "SystemExit: 0"),
        ("panics", "BaseException: index out of bounds"),
        ("nothing", "a NoneType"),
        ("short_column", "column fills.price: values of shape"),
        ("vandal", "AttributeError"),
        ("swaps", "the market it was given, changed"),
        ("number", "expected  a function"),
        ("absent", "absent"),
    ],
)
def test_a_candidate_that_misbehaves_exits_2(
    name: str, said: str, mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run("small.toml", f"{mine}:{name}", capsys=capsys)
    assert (code, out) == (2, "")
    assert said in err
    assert "candidate" in err.splitlines()[0]
    assert "did not foresee" not in err


def test_a_candidate_that_changes_the_market_in_this_process_exits_2(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the arrays are not mapped from a file they can be written, by force; that is found."""
    code, out, err = run("small.toml", "--candidate", f"{mine}:vandal", "--in-process", capsys=capsys)
    assert (code, out) == (2, "")
    assert "the market it was given, changed" in err


@pytest.mark.parametrize("name", ["no_such_module:run", "run", ":run", "candidates:", "os:path:join", ""])
def test_a_candidate_that_cannot_be_found_exits_2(
    name: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(small, name, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("error: candidate")


def test_a_candidate_module_that_fails_to_import_exits_2(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken_candidate.py").write_text("raise SystemExit(0)\n")
    code, out, err = run(small, "broken_candidate:run", capsys=capsys)
    assert (code, out) == (2, "")
    assert "SystemExit" in err


def test_a_strategy_that_writes_to_the_market_exits_2(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The view is read-only; what gets round that is found, and no verdict stands on it."""
    Path("writes_to_the_market.py").write_text(
        "def weights(view):\n"
        "    volume = view.features['volume']\n"
        "    while not volume.flags.writeable:\n"
        "        try:\n"
        "            volume.flags.writeable = True\n"
        "        except ValueError:\n"
        "            volume = volume.base\n"
        "    volume[0, 0] = 7.0\n"
        "    return {}\n"
    )
    head, _, _ = Path(small).read_text().partition("[strategy]")
    text = f'{head}[strategy]\nkind = "callable"\nfunction = "writes_to_the_market:weights"\n'
    Path(small).write_text(text)
    code, out, err = run(small, capsys=capsys)
    assert (code, out) == (2, "")
    assert "writes_to_the_market:weights at bar 0" in err  # mapped from a file: it cannot be written at all
    code, out, err = run(small, "--in-process", capsys=capsys)
    assert (code, out) == (2, "")
    assert "strategy.function writes_to_the_market:weights" in err
    assert "the market it was given, changed" in err


def test_what_never_trades_again_is_named(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """M3: a position in a symbol without further bars keeps its mark, and the page says whose."""
    lines = Path("bars.csv").read_text().splitlines()
    held = [line for line in lines if not (",DDD," in line and line >= "2024-01-06")]
    Path("bars.csv").write_text("\n".join(line.replace(",DDD,", ",[red]D\x1b[31m,") for line in held) + "\n")
    text = Path(small).read_text().replace('score = "score"\nn = 2', 'score = "close_"\nn = 3')
    Path(small).write_text(text)
    widen("bars.csv", "close_", lambda cells: cells[5])
    code, out, _ = run(small, capsys=capsys)
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("stranded")]
    assert "[red]D\\x1b[31m" in line
    assert "2024-01-05" in line
    _, found = summary(small, capsys=capsys)
    assert found["reference"]["stranded"] == found["candidate"]["stranded"] == ["[red]D\x1b[31m"]


def widen(path: str, name: str, value: Any) -> None:
    head, *rows = Path(path).read_text().splitlines()
    lines = [f"{head},{name}", *(f"{row},{value(row.split(','))}" for row in rows)]
    Path(path).write_text("\n".join(lines) + "\n")


def test_what_was_odd_in_the_data_is_said(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    head, *rows = Path("bars.csv").read_text().splitlines()
    Path("bars.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    code, out, _ = run(small, capsys=capsys)
    assert code == 0
    (line,) = [line for line in out.splitlines() if line.startswith("data")]
    assert "sort" in line


def test_data_replaces_the_bars_of_the_scenario(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("bars.csv").read_text().splitlines()
    Path("other.csv").write_text("\n".join(line for line in lines if ",AAA," not in line) + "\n")
    _, found = summary(small, "--data", "other.csv", capsys=capsys)
    assert found["symbols"] == 3


def test_a_missing_scenario_exits_2(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("absent.toml", capsys=capsys)
    assert (code, out) == (2, "")
    assert "absent.toml" in err


@pytest.mark.parametrize("scenario", ["top25", "stocks"])
def test_the_built_in_scenarios_tie_out(scenario: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = summary(scenario, capsys=capsys)
    assert (code, found["verdict"]) == (0, "matched")
    assert found["reference"]["fills"] > 100
