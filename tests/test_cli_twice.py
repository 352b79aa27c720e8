"""`reconcile run --twice`: a side that disagrees with itself is caught before anything is compared."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.schema_kit import conforms

from reconcile.cli import exit_code
from reconcile.running import run as running
from reconcile.running.determinism import CONDITIONS, THREADS, difference
from reconcile.scenario.files import find_scenario
from vocabulary.ledger import Ledger, Table

RUNS = ("run 1", "run 2")

CANDIDATES = """
import os
import random
from dataclasses import replace

import reference

def moved(scenario, market, ticks):
    ledger = reference.run(scenario, market)
    fills = ledger.tables["fills"]
    values = fills.columns["price"].values.copy()
    values[3] += ticks
    price = replace(fills.columns["price"], values=values)
    fills = replace(fills, columns={**fills.columns, "price": price})
    return replace(ledger, tables={**ledger.tables, "fills": fills})

def good(scenario, market):
    print("hello")
    return moved(scenario, market, 0)

def hashed(scenario, market):
    return moved(scenario, market, list({f"name {i}" for i in range(99)}).index("name 7"))

def unseeded(scenario, market):
    return moved(scenario, market, random.randrange(10**6))

def threaded(scenario, market):
    return moved(scenario, market, int(os.environ.get("OMP_NUM_THREADS", 0)))

def here_only(scenario, market):
    return moved(scenario, market, int("OMP_NUM_THREADS" not in os.environ))

CALLS = []

def keeps(scenario, market):
    CALLS.append(1)
    return moved(scenario, market, len(CALLS))

def crashes(scenario, market):
    if os.environ.get("PYTHONHASHSEED") == "2":
        print("\\x1b[31mlast words", flush=True)
        os.abort()
    return moved(scenario, market, 0)

def leaves(scenario, market):
    if os.environ.get("PYTHONHASHSEED") == "1":
        os._exit(0)
    return moved(scenario, market, 0)

def raises(scenario, market):
    if os.environ.get("PYTHONHASHSEED") == "2":
        raise ValueError("no luck")
    return moved(scenario, market, 0)
"""

STRATEGY = """
def weights(view):
    held = list({"AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"})
    first = next(name for name in held if name in view.symbols)
    return {first: 0.5}
"""


@pytest.fixture
def mine(small: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small scenario with a module of candidates beside it; no thread count is set."""
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    name = "candidates_run_twice"
    Path(f"{name}.py").write_text(CANDIDATES)
    return name


@pytest.fixture
def ledger(small: str) -> Ledger:
    scenario = find_scenario(small)
    return running.run_reference(scenario, running.load(scenario, None)[0]).ledger


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = exit_code(["run", "small.toml", "--twice", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_both_programs_of_ours_agree_with_themselves(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The page says that it was asked, and the comparison follows."""
    code, out, _ = run(capsys)
    assert code == 0
    assert out.startswith("matched: 0 breaks, ")
    (line,) = [line for line in out.splitlines() if line.startswith("twice ")]
    assert "hash seed 1, 1 thread; hash seed 2, " in line


def test_a_candidate_that_agrees_with_itself_is_compared(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, f"{mine}:good", "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (0, "matched")
    assert found["reference"]["deterministic"] is found["candidate"]["deterministic"] is True
    assert err.count("hello") == 1  # what the fresh processes print is said once


def test_without_the_flag_nothing_is_claimed(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    # By the luck of this process's hash seed it may even match.
    assert exit_code(["run", "small.toml", f"{mine}:hashed", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert found["reference"]["deterministic"] is found["candidate"]["deterministic"] is None


@pytest.mark.parametrize("name", ["hashed", "unseeded", "threaded"])
def test_a_candidate_that_disagrees_with_itself_exits_3(
    name: str, mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first line names rebalance, time, field, symbol and both values; below stands the stage."""
    code, out, _ = run(capsys, f"{mine}:{name}")
    assert code == 3
    first = out.splitlines()[0]
    assert first.startswith(
        f"not deterministic: candidate {mine}:{name} disagrees with itself: rebalance 1, "
    )
    assert "2024-01-03, fill price, " in first
    assert "(run 1) vs " in first and first.endswith("(run 2)")
    assert "stage         price, decided 2024-01-02" in out
    assert "matched" not in out


def test_a_disagreement_as_json(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, f"{mine}:threaded", "--json")
    found = json.loads(out)
    assert conforms("twice", found)
    assert (code, found["verdict"], found["breaks"], found["first"]) == (3, "not_deterministic", None, None)
    assert (found["reference"]["deterministic"], found["candidate"]["deterministic"]) == (True, False)
    (one,) = found["disagreements"]
    assert (one["side"], one["stage"], one["field"], one["rebalance"]) == (
        f"{mine}:threaded",
        "price",
        "price",
        1,
    )
    assert one["values"][1] - one["values"][0] == pytest.approx((CONDITIONS[1].threads - 1) / 10**4)


def test_an_output_that_stood_there_stays_when_a_side_disagrees(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["run", "small.toml", "--out", "results"]) == 0
    before = Path("results/summary.json").read_bytes()
    code, out, _ = run(capsys, f"{mine}:hashed", "--out", "results")
    assert code == 3
    assert "results is as it was" in out
    assert Path("results/summary.json").read_bytes() == before
    assert not list(Path().glob(".results*"))


def test_a_strategy_that_depends_on_hash_order_is_caught_in_both_programs(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("strategy_run_twice.py").write_text(STRATEGY)
    text = Path(small).read_text()
    start, end = text.index("[strategy]"), text.index("[costs]")
    strategy = '[strategy]\nkind = "callable"\nfunction = "strategy_run_twice:weights"\n\n'
    Path(small).write_text(text[:start] + strategy + text[end:])
    code, out, _ = run(capsys)
    assert code == 3
    lines = out.splitlines()
    assert lines[0].startswith("not deterministic: the reference disagrees with itself: rebalance 0, ")
    assert lines[1].startswith("not deterministic: the engine disagrees with itself: rebalance 0, ")


def test_the_run_that_is_compared_is_the_one_that_was_agreed_on(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, f"{mine}:here_only")
    assert code == 3
    assert "(run 1) vs " in out and "(this run)" in out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("crashes", "signal SIGABRT; its last words: \\x1b[31mlast words"),
        ("leaves", "exit code 0 before it answered"),
        ("raises", "ValueError: no luck"),
    ],
)
def test_a_process_that_fails_is_one_clear_error(
    name: str, said: str, mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, f"{mine}:{name}")
    assert (code, out) == (2, "")
    assert said in err
    number = 1 if name == "leaves" else 2
    assert f"run {number} of 2 ({CONDITIONS[number - 1]})" in err.splitlines()[0]
    assert "Traceback" not in err and "did not foresee" not in err


def test_what_is_kept_from_call_to_call_is_told_apart(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both processes agree on their first call; neither gives the same again."""
    code, out, _ = run(capsys, "--candidate", f"{mine}:keeps")
    assert code == 3
    first = out.splitlines()[0]
    assert f"candidate {mine}:keeps disagrees with itself when run a second time in one process: " in first
    assert "(run 1) vs " in first and first.endswith("(run 2)")
    assert "look for      what is kept from call to call" in out
    assert "hash seed" not in out


def test_no_place_for_temporary_files_exits_2(
    small: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", os.path.join(os.getcwd(), "absent"))
    code, out, err = run(capsys)
    assert (code, out) == (2, "")
    assert "error: temporary folder" in err


def test_a_ledger_is_the_same_as_itself(ledger: Ledger) -> None:
    assert difference("x", RUNS, ledger, replace(ledger)) is None


def test_rows_in_another_order_are_a_difference(ledger: Ledger) -> None:
    """A comparison takes rows in any order; a program that gives them so is not deterministic."""
    found = difference("x", RUNS, ledger, with_table(ledger, reordered(ledger.tables["positions"])))
    assert found is not None and found.found is None
    assert found.where.startswith("positions row ")
    assert found.field == "symbol"
    assert found.values[0] != found.values[1]


def test_a_table_that_only_one_run_has_is_a_difference(ledger: Ledger) -> None:
    less = replace(ledger, tables={k: v for k, v in ledger.tables.items() if k != "costs"})
    found = difference("x", RUNS, ledger, less)
    assert found is not None
    assert (found.field, found.values) == ("costs", ("present", "absent"))


def test_what_a_ledger_says_of_itself_is_compared_too(ledger: Ledger) -> None:
    other = replace(ledger, manifest=replace(ledger.manifest, producer="17:04"))
    found = difference("x", RUNS, ledger, other)
    assert found is not None
    assert (found.where, found.field, found.values) == ("manifest", "producer", ("reference", "17:04"))


def test_what_is_not_a_number_twice_is_the_same(ledger: Ledger) -> None:
    """Infinity breaks against anything in a comparison; here it only has to come again."""
    equity = ledger.tables["equity"]
    values = np.full(equity.rows, np.inf)
    column = replace(equity.columns["equity"], values=values, scale=None)
    odd = with_table(ledger, replace(equity, columns={**equity.columns, "equity": column}))
    assert difference("x", RUNS, odd, replace(odd)) is None


def with_table(ledger: Ledger, table: Table) -> Ledger:
    return replace(ledger, tables={**ledger.tables, table.name: table})


def reordered(table: Table) -> Table:
    """The two positions of the last bar swapped."""
    order = [*range(table.rows - 2), table.rows - 1, table.rows - 2]
    columns = {
        name: replace(
            one, values=one.values[order], missing=None if one.missing is None else one.missing[order]
        )
        for name, one in table.columns.items()
    }
    return replace(table, columns=columns)
