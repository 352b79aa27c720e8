"""`reconcile diff`: the first line is the answer, whatever is shown below it, and the exit code agrees."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests import build
from tests import comparison_kit as kit

import reconcile
import reference
from reconcile.cli import exit_code
from reconcile.ledger.write import write_ledger
from reconcile.market.load import load_market
from reconcile.scenario.files import find_scenario
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

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
def pair(small: str, tmp_path: Path) -> tuple[Path, Path]:
    """A true ledger, and one whose sixth fill is 0.50 too cheap."""
    scenario = find_scenario(small)
    ledger = reference.run(scenario, load_market(scenario))
    write_ledger(ledger, tmp_path / "true")
    write_ledger(cheaper(ledger), tmp_path / "cheap")
    return tmp_path / "true", tmp_path / "cheap"


def cheaper(ledger: Ledger) -> Ledger:
    return kit.edited(ledger, "fills", "price", 5, lambda ticks: ticks - 5000)


def test_a_match_exits_0(pair: tuple[Path, Path], run: Run) -> None:
    code, out = run("diff", pair[0], pair[0])
    assert (code, out.startswith("matched: 0 breaks")) == (0, True)


def test_the_first_line_is_the_first_divergence(pair: tuple[Path, Path], run: Run) -> None:
    """Count, roots, rebalance, day, what, whose, and both values exactly."""
    fill = build.rows(kit_ledger(pair[0]), "fills")[5]
    code, out = run("diff", *pair, "--scenario", "small.toml")
    first = out.splitlines()[0]
    price = fill["price"]
    assert code == 1
    assert first.startswith("1 break, 1 root: rebalance ")
    assert f"fill price, {fill['symbol']}: " in first
    assert f"{price / 10**4:.4f} (reference) vs {(price - 5000) / 10**4:.4f} (candidate)" in first


def kit_ledger(path: Path) -> Ledger:
    from reconcile.ledger.read import read_ledger

    return read_ledger(path)


def test_below_stand_the_bar_and_both_sides(pair: tuple[Path, Path], run: Run) -> None:
    """The bar's market data; order, fill, position and cash; a star where the sides differ."""
    _, out = run("diff", *pair, "--scenario", "small.toml")
    lines = out.splitlines()
    assert any(line.startswith("market") and "open" in line and "close" in line for line in lines)
    for label in ("order", "fill", "held after", "cash before", "cash after", "equity after"):
        assert any(line.startswith(label) for line in lines), label
    starred = [line.split()[0] for line in lines if line[14:16] == "* "]
    assert starred == ["fill"]
    assert any(line.startswith("by rebalance") for line in lines)
    assert "price 1" in next(line for line in lines if line.startswith("by stage"))


def test_without_a_scenario_roots_are_not_claimed(pair: tuple[Path, Path], run: Run) -> None:
    _, out = run("diff", *pair)
    assert out.startswith("1 break: ") and "roots are not separated" in out


@pytest.mark.parametrize(
    "option",
    [
        ("--symbol", "NOBODY"),
        ("--stage", "target"),
        ("--type", "missing"),
        ("--date", "1999-01-01"),
        ("--date", "..2023-12-31"),
    ],
)
def test_filters_choose_what_is_shown_and_leave_the_verdict(
    option: tuple[str, str], pair: tuple[Path, Path], run: Run
) -> None:
    """Nothing passes the filter, and it is still a break; the output says that."""
    plain, _ = run("diff", *pair)
    code, out = run("diff", *pair, *option)
    assert code == plain == 1
    assert out.startswith("1 break: ")
    assert "0 of 1 break" in out and "the first line and the exit code are about all of them" in out
    facts = json.loads(run("diff", *pair, *option, "--json")[1])
    assert (facts["verdict"], facts["breaks"], facts["shown"], facts["list"]) == ("breaks", 1, 0, [])


def test_filters_let_through_what_they_name(pair: tuple[Path, Path], run: Run) -> None:
    fill = build.rows(kit_ledger(pair[0]), "fills")[5]
    _, out = run("diff", *pair, "--symbol", fill["symbol"], "--stage", "price", "--date", "2024-01-01..")
    assert "1 of 1 break" in out


def test_the_json_holds_what_its_schema_says(pair: tuple[Path, Path], run: Run) -> None:
    """The values of the break; test_docs_json.py holds the shape."""
    code, out = run("diff", *pair, "--scenario", "small.toml", "--json")
    facts = json.loads(out)
    assert (code, facts["kind"], facts["version"], facts["verdict"]) == (1, "tieout.diff", 1, "breaks")
    first = facts["first"]
    assert (first["stage"], first["type"], first["field"], first["root"]) == ("price", "price", "price", True)
    assert first["reference"] - first["candidate"] == pytest.approx(0.5)
    assert first["reference_row"] == 6
    (period,) = [one for one in facts["rebalances"] if one["breaks"]]
    assert period["breaks"] == {"price": 1}
    assert period["reference"]["fills"] == period["candidate"]["fills"]


def test_the_csv_lists_every_break_exactly(pair: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    run("diff", *pair, "--csv", tmp_path / "breaks.csv")
    with (tmp_path / "breaks.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["table"], row["field"], row["reference_row"]) == ("fills", "price", "6")
    price = build.rows(kit_ledger(pair[0]), "fills")[5]["price"]
    assert row["reference"] == f"{price / 10**4:.4f}"
    assert sorted(place.name for place in tmp_path.iterdir() if place.suffix == ".tmp") == []


def test_the_summary_has_a_row_a_rebalance(pair: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    """Those without breaks too: both sides' figures, which add up to the tables."""
    run("diff", *pair, "--rebalances", tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    ledger = kit_ledger(pair[0])
    numbers = [number for (number,) in build.rows(ledger, "equity", "rebalance") if number is not None]
    assert [row["rebalance"] for row in rows if row["rebalance"]] == [str(number) for number in numbers]
    fills = build.rows(ledger, "fills")
    for side in ("reference", "candidate"):
        assert sum(int(row[f"{side}_fills"] or 0) for row in rows) == len(fills)
    paid = sum(Decimal(row["reference_commission"] or 0) for row in rows)
    assert paid == Decimal(sum(fill["commission"] for fill in fills)).scaleb(-4)
    assert sum(int(row["price_breaks"]) for row in rows) == 1
    assert run("diff", *pair, "--rebalances", tmp_path / "no" / "where.csv") == (2, "")


def test_a_library_renders_what_the_command_prints(pair: tuple[Path, Path], run: Run) -> None:
    found = reconcile.compare(kit_ledger(pair[0]), kit_ledger(pair[1]))
    _, page = run("diff", *pair)
    assert reconcile.render(found).splitlines()[0] == page.splitlines()[0]
    assert json.loads(reconcile.render(found, "json")) == json.loads(run("diff", *pair, "--json")[1])
    assert reconcile.render(found, "markdown").startswith("**1 break: ")
    assert len(reconcile.render(found, "csv").splitlines()) == 2
    with pytest.raises(InputError):
        reconcile.render(found, "xml")


def test_an_unwritable_csv_is_an_error(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert exit_code(["diff", *map(str, pair), "--csv", str(tmp_path / "no" / "where.csv")]) == 2


def test_the_markdown_begins_with_the_answer(pair: tuple[Path, Path], run: Run) -> None:
    _, out = run("diff", *pair, "--markdown")
    assert out.startswith("**1 break: ")
    assert "| price | 1 |" in out


def test_first_finds_the_same_first(pair: tuple[Path, Path], run: Run) -> None:
    _, every = run("diff", *pair)
    code, out = run("diff", *pair, "--first")
    assert code == 1
    assert out.splitlines()[0] == every.splitlines()[0].replace("1 break:", "first break:")


def test_a_lacking_table_exits_2_and_named_tables_0(
    pair: tuple[Path, Path], run: Run, tmp_path: Path
) -> None:
    """What was not compared stands in the first line."""
    write_ledger(kit.without(kit_ledger(pair[0]), "costs"), tmp_path / "less")
    code, out = run("diff", pair[0], tmp_path / "less")
    assert (code, out.startswith("matched as far as compared: ")) == (2, True)
    assert "costs" in out.splitlines()[0]
    code, out = run("diff", pair[0], tmp_path / "less", "--tables", "fills,equity")
    assert (code, out.startswith("matched: ")) == (0, True)
    assert "not compared: " in out.splitlines()[0]


def test_a_tolerance_is_told_with_what_it_absorbed(pair: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    """On a foreign ledger, and the first line does not say `to the last unit`."""
    foreign = cheaper(kit_ledger(pair[0]))
    write_ledger(Ledger(replace(foreign.manifest, semantics=None), foreign.tables), tmp_path / "foreign")
    (tmp_path / "bounds.toml").write_text(
        '["fills.price"]\nabsolute = "0.5"\nreason = "their prices are rounded"\n'
    )
    code, out = run("diff", pair[0], tmp_path / "foreign", "--tolerance", tmp_path / "bounds.toml")
    assert code == 0 and out.startswith("matched: ")
    assert "last unit" not in out.splitlines()[0]
    assert "absorbed 1, largest gap 0.5" in out and "their prices are rounded" in out


def test_a_mapping_is_about_the_candidate_and_said(pair: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    """Their names, and amounts whose sign is the side."""
    ledger = kit_ledger(pair[0])
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    rows = ["when,ticker,amount,price"]
    for row in build.rows(ledger, "fills"):
        sign = "-" if row["side"] == "sell" else ""
        day = str(build.np.datetime64(row["timestamp"], "ns"))[:10]
        rows.append(f"{day},{row['symbol']},{sign}{row['quantity']},{row['price'] / 10**4:.4f}")
    (theirs / "trades.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "names.toml").write_text(
        '[tables.fills]\nfile = "trades"\nside = "sign"\n'
        'columns = { timestamp = "when", symbol = "ticker", quantity = "amount" }\n'
    )
    code, out = run("diff", pair[0], theirs, "--mapping", tmp_path / "names.toml")
    assert code == 2 and out.startswith("matched as far as compared: ")
    assert "the side is the sign of the quantity" in out and "their 'ticker'" in out
    code, out = run("diff", pair[1], theirs, "--mapping", tmp_path / "names.toml")
    assert code == 1 and "fill price" in out.splitlines()[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--date", "yesterday"),
        ("--tables", "fils"),
        ("--scenario", "nowhere.toml"),
        ("--tolerance", "nowhere.toml"),
        ("--mapping", "nowhere.toml"),
        ("--stage", "everything"),
        ("--json", "--markdown"),
        ("--data", "bars.csv"),
    ],
)
def test_bad_usage_exits_2_and_prints_no_answer(
    arguments: tuple[str, ...], pair: tuple[Path, Path], run: Run
) -> None:
    assert run("diff", *pair, *arguments) == (2, "")


def test_swapping_the_sides_swaps_the_names_in_the_first_line(pair: tuple[Path, Path], run: Run) -> None:
    """And nothing else."""
    _, there = run("diff", *pair)
    _, back = run("diff", *reversed(pair))
    before, values = there.splitlines()[0].rsplit(": ", 1)
    left, right = (value.split()[0] for value in values.split(" vs "))
    assert back.splitlines()[0] == f"{before}: {right} (reference) vs {left} (candidate)"
