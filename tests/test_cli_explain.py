"""`reconcile explain`: causes first, exit codes, JSON, and input that is not what it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.schema_kit import conforms

import reference
from reconcile.cli import exit_code
from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from reconcile.market.load import load_market
from reconcile.scenario.files import find_scenario

Run = Callable[..., tuple[int, str, str]]

ENGINES = """
import engine, reconcile
from dataclasses import replace

def dear(scenario, market):
    return engine.run(reconcile.replace(scenario, "costs.commission.rate", "50"), market)

def true(scenario, market):
    return engine.run(scenario, market)

def odd(scenario, market):
    ledger = engine.run(scenario, market)
    equity = ledger.tables["equity"]
    cash = equity.columns["cash"]
    values = cash.values + [i * i % 3 for i in range(len(cash.values))]
    made = replace(equity, columns={**equity.columns, "cash": replace(cash, values=values)})
    return replace(ledger, tables={**ledger.tables, "equity": made})

def broken(scenario, market):
    raise RuntimeError("no \\x1b[31mred")

def nothing(scenario, market):
    return None
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, standard output, standard error) of a command."""

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = exit_code(["explain", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "did not foresee" not in captured.err, captured.err
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return command


@pytest.fixture
def engines(small: str, tmp_path: Path) -> str:
    (tmp_path / "explained_engines.py").write_text(ENGINES)
    return small


@pytest.fixture
def folder(small: str, tmp_path: Path) -> Path:
    """A true ledger's folder."""
    scenario = find_scenario(small)
    write_ledger(reference.run(scenario, load_market(scenario)), tmp_path / "kept")
    return tmp_path / "kept"


def told(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    assert conforms("explain", found)
    return found


def test_an_explained_candidate_exits_0_and_its_cause_is_the_first_line(engines: str, run: Run) -> None:
    code, out, _ = run(engines, "explained_engines:dear")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "commission is 50 bps instead of 5 bps"
    order = [
        out.index(part)
        for part in ("explained     ", "unexplained   0", "reference  ", "by stage", "by symbol", "by month")
    ]
    assert order == sorted(order)


def test_months_that_would_fill_the_page_are_summed_by_year() -> None:
    """And nothing of their sum is lost."""
    from reconcile.explaining.explain_page import over_time

    months = [("at the start", -7), *((f"{2023 + k // 12}-{k % 12 + 1:02d}", k * k) for k in range(30))]
    assert over_time(months[:14]) == ("by month", months[:14])
    label, years = over_time(months)
    assert label.startswith("by year")
    assert [name for name, _ in years] == ["at the start", "2023", "2024", "2025"]
    assert sum(amount for _, amount in years) == sum(amount for _, amount in months)
    assert dict(years)["2025"] == sum(k * k for k in range(24, 30))


def test_a_clean_candidate_exits_0_and_names_no_cause(engines: str, run: Run, folder: Path) -> None:
    for candidate in ("explained_engines:true", folder):
        code, out, _ = run(engines, candidate)
        assert code == 0 and out.startswith("no breaks: ")
        assert "0 breaks" not in out and "by stage" not in out
        code, out, _ = run(engines, candidate, "--json")
        assert code == 0 and told(out)["causes"] == [] and told(out)["breaks"] == 0


def test_what_nothing_explains_exits_1_and_shows_the_roots(engines: str, run: Run) -> None:
    code, out, _ = run(engines, "explained_engines:odd")
    assert code == 1 and out.startswith("unexplained: no cause that was tried gives this ledger")
    assert "roots of what remains, by what they share" in out
    code, out, _ = run(engines, "explained_engines:odd", "--json")
    assert code == 1 and told(out)["causes"] == [] and told(out)["roots"]
    assert told(out)["unexplained_breaks"] == told(out)["breaks"] > 0


def test_what_cannot_be_told_exits_2(engines: str, run: Run, folder: Path) -> None:
    """A ledger that agrees as far as it goes, and does not go far."""
    for name in ("targets", "orders", "fills", "positions", "costs"):
        next(folder.glob(f"{name}.*")).unlink()
    for manifest in folder.glob("manifest*"):
        manifest.unlink()
    code, out, _ = run(engines, folder)
    assert code == 2 and out.startswith("cannot tell: ")


def test_the_json_is_what_it_says(engines: str, run: Run) -> None:
    """Its names are relied on elsewhere."""
    code, out, _ = run(engines, "explained_engines:dear", "--json")
    found = told(out)
    assert code == 0 and found["version"] == 1 and found["verdict"] == "explained"
    (cause,) = found["causes"]
    assert cause["hypothesis"] == "commission" and cause["what"] == "costs.commission"
    assert (cause["reference"], cause["candidate"]) == ("5 bps", "50 bps")
    assert cause["from"] is None and cause["symbols"] is None
    assert cause["breaks_explained"] == found["breaks"] == found["explained_breaks"] > 0
    assert found["unexplained_breaks"] == 0
    bridge = found["bridge"]
    assert bridge["by_cause"][-1]["label"] == "unexplained" and float(bridge["by_cause"][-1]["amount"]) == 0


def test_a_tolerance_is_read_from_its_file(engines: str, run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bounds.toml").write_text("nonsense = [")
    code, _, err = run(engines, folder, "--tolerance", tmp_path / "bounds.toml")
    assert code == 2 and "bounds.toml" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("small.toml",), "candidate"),
        (("small.toml", "nowhere"), "nowhere"),
        (("small.toml", "nowhere"), "module:function"),
        (("small.toml", "no_such_module:run"), "CANDIDATE"),
        (("small.toml", "no_such_module:run"), "in the current folder"),
        (("small.toml", "explained_engines.py:dear"), "'explained_engines'"),
        (("small.toml", "explained_engines:missing"), "missing"),
        (("small.toml", "explained_engines:broken"), "RuntimeError"),
        (("small.toml", "explained_engines:nothing"), "NoneType"),
        (("no_such_scenario", "explained_engines:true"), "no_such_scenario"),
        (("small.toml", "."), ""),
        (("small.toml", "explained_engines:true", "--tolerance", "none.toml"), "none.toml"),
        (("small.toml", "explained_engines:true", "--data", "none.csv"), "none.csv"),
        (("small.toml", "explained_engines:true", "--jsn"), "--jsn"),
    ],
)
def test_bad_input_is_one_error_and_exit_2(
    engines: str, run: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2 and out == ""
    assert said.lower() in err.lower() and "\x1b" not in err


def test_a_damaged_ledger_is_one_error(engines: str, run: Run, folder: Path) -> None:
    table = next(folder.glob("fills.*"))
    table.write_bytes(table.read_bytes()[:100])
    code, out, err = run(engines, folder)
    assert code == 2 and out == "" and "fills" in err


def test_names_from_data_cannot_write_on_the_terminal(engines: str, run: Run, tmp_path: Path) -> None:
    """A symbol that carries an escape code."""
    bars = tmp_path / "bars.csv"
    bars.write_text(bars.read_text().replace("AAA", "A\x1b[31mA"))
    (tmp_path / "named_engines.py").write_text(
        ENGINES
        + """
def one(scenario, market):
    ledger = engine.run(scenario, market)
    fills = ledger.tables["fills"]
    fees = fills.columns["commission"]
    first = fills.columns["symbol"].values == 0
    made = replace(fees, values=fees.values * (1 + first))  # told twice the fee, one symbol only
    columns = {**fills.columns, "commission": made}
    return replace(ledger, tables={**ledger.tables, "fills": replace(fills, columns=columns)})
"""
    )
    code, out, err = run(engines, "named_engines:one")
    assert code in (0, 1), err
    assert "\x1b" not in out and "\\x1b" in out


def test_the_same_candidate_gives_the_same_answer(engines: str, run: Run) -> None:
    """Whatever the order in which sets are walked: all but the seconds."""
    answers = []
    for _ in range(2):
        found = told(run(engines, "explained_engines:dear", "--json")[1])
        answers.append({key: value for key, value in found.items() if key != "seconds"})
    assert answers[0] == answers[1]


def test_a_ledger_that_was_written_and_read_is_explained(engines: str, run: Run, tmp_path: Path) -> None:
    """From a folder, as from the function itself."""
    import engine
    import reconcile

    scenario = find_scenario(engines)
    dear = reconcile.replace(scenario, "costs.commission.rate", "50")
    write_ledger(engine.run(dear, load_market(scenario)), tmp_path / "dear")
    assert read_ledger(tmp_path / "dear").tables
    code, out, _ = run(engines, tmp_path / "dear")
    assert code == 0 and out.splitlines()[0] == "commission is 50 bps instead of 5 bps"


def test_a_foreign_file_is_read_under_its_own_names(engines: str, run: Run, tmp_path: Path) -> None:
    """With a mapping, as `reconcile diff` reads it; what is left out of the file is said."""
    import engine
    import reconcile

    scenario = find_scenario(engines)
    dear = reconcile.replace(scenario, "costs.commission.rate", "50")
    fills = reconcile.frame(engine.run(dear, load_market(scenario)), "fills", floats=True)
    fills = fills.rename(columns={"commission": "fee"}).drop(columns=["reason", "sequence"])
    fills.to_csv(tmp_path / "trades.csv", index=False)
    (tmp_path / "names.toml").write_text(
        '[tables.fills]\nfile = "trades"\ncolumns = { commission = "fee" }\n'
    )
    code, out, err = run(engines, tmp_path / "trades.csv", "--mapping", tmp_path / "names.toml")
    assert code == 0, err
    assert out.splitlines()[0] == "commission is 50 bps instead of 5 bps"


def test_a_scenario_with_a_function_of_its_own_is_explained(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The function runs in a process of its own, where every question of a search has to be put."""
    rule = 'def weights(view):\n    return {"AAA": 0.45} if view.bar % 3 else {"BBB": 0.3}\n'
    Path("rules.py").write_text(rule)
    Path("dear.py").write_text(
        "import reconcile\n\n\ndef run(scenario, market):\n"
        '    dearer = reconcile.replace(scenario, "costs.commission.rate", "8")\n'
        "    return reconcile.reference.run(dearer, market)\n"
    )
    text = Path(small).read_text()
    start, end = text.index("[strategy]"), text.index("[costs]")
    strategy = '[strategy]\nkind = "callable"\nfunction = "rules:weights"\n\n'
    Path("own.toml").write_text(text[:start] + strategy + text[end:])
    assert exit_code(["explain", "own.toml", "dear:run"]) == 0
    assert "commission is 8 bps instead of 5 bps" in capsys.readouterr().out


def test_what_exits_look_at_is_found_beside_a_function_of_its_own(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exits of a hypothesis are put to the process that holds the function."""
    rows = ["timestamp,symbol,open,high,low,close,volume"]
    for day in range(30):
        for place, symbol in enumerate(("AAA", "BBB", "CCC")):
            close = 20 + 7 * place + (day * (place + 2)) % 5 + 0.25 * day
            first = close + (day * (place + 3) % 7 - 3) / 2
            high, low = max(first, close) + 1, min(first, close) - 1
            rows.append(f"2024-01-{day + 1:02d},{symbol},{first},{high},{low},{close},1000")
    Path("bars.csv").write_text("\n".join(rows) + "\n")
    rule = 'def weights(view):\n    return {"AAA": 0.3, "BBB": 0.3, "CCC": 0.3}\n'
    Path("rules.py").write_text(rule)
    Path("opens.py").write_text(
        "import reconcile\n"
        "from dataclasses import replace\n"
        "from reference import decision\n\n\n"
        "def run(scenario, market):\n"
        "    own = decision.exits\n"
        "    decision.exits = lambda scenario, state, market, t: own(\n"
        "        scenario, state, replace(market, close=market.open), t)\n"
        "    try:\n"
        "        return reconcile.reference.run(scenario, market)\n"
        "    finally:\n"
        "        decision.exits = own\n"
    )
    text = Path(small).read_text()
    start, end = text.index("[strategy]"), text.index("[costs]")
    strategy = '[strategy]\nkind = "callable"\nfunction = "rules:weights"\n\n'
    exits = '\n[[exits]]\nkind = "stop_loss"\nloss = "0.02"\n'
    Path("own.toml").write_text(text[:start] + strategy + text[end:] + exits)
    assert exit_code(["explain", "own.toml", "opens:run"]) == 0
    found = capsys.readouterr().out.splitlines()[0]
    assert found == "exits are tried against the bar's open instead of its close"
