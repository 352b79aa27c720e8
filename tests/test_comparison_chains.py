"""A digest chain counts only after the tables were hashed again, and what was edited since passes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests import comparison_kit as kit

from reconcile.cli import exit_code
from reconcile.comparing.compare import compare
from reconcile.ledger.digest import chain
from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from reconcile.matching.model import ChainState, Verdict
from vocabulary.ledger import Ledger
from vocabulary.market import Market


@pytest.fixture(scope="module")
def sample() -> tuple[Market, Ledger]:
    """A ledger with the chain of its tables."""
    _, market, ledger = kit.sample(3)
    return market, Ledger(replace(ledger.manifest, chain=chain(ledger)), ledger.tables)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("targets", "weight"),
        ("orders", "status"),
        ("fills", "price"),
        ("positions", "mark"),
        ("equity", "cash"),
    ],
)
def test_a_table_edited_after_its_chain_was_written_is_caught(
    table: str, column: str, sample: tuple[Market, Ledger]
) -> None:
    """Even beside itself, where no cell differs; with the bar from which on it was."""
    _, true = sample
    row = 7 if table != "equity" else 5
    wrong = kit.edited(true, table, column, row, "no_bar" if column == "status" else lambda v: v + 1)
    clock = "decided_at" if table in ("targets", "orders") else "timestamp"
    found = compare(wrong, wrong)
    assert found.verdict is Verdict.EDITED and not len(found.breaks)
    for side in (found.chains.reference, found.chains.candidate):
        assert side.state is ChainState.BROKEN
        assert side.edited_at == true.tables[table].columns[clock].values[row]
    assert compare(true, wrong).verdict is Verdict.BREAKS
    assert compare(true, wrong).chains.reference.state is ChainState.HOLDS
    assert compare(wrong, wrong, tables=["costs"]).verdict is Verdict.EDITED


def test_a_chain_that_is_simply_equal_is_not_believed(sample: tuple[Market, Ledger]) -> None:
    """The candidate's manifest claims the reference's chain; its tables say otherwise."""
    _, true = sample
    wrong = kit.edited(true, "fills", "price", 3, lambda price: price + 1)
    assert wrong.manifest.chain == true.manifest.chain
    found = compare(true, wrong)
    assert (found.verdict, found.chains.equal) == (Verdict.BREAKS, None)


def test_chains_that_hold_settle_equality_and_where_ledgers_part(sample: tuple[Market, Ledger]) -> None:
    _, true = sample
    assert compare(true, true).chains.equal is True
    wrong = kit.edited(true, "fills", "price", 9, lambda price: price + 1)
    wrong = Ledger(replace(wrong.manifest, chain=chain(wrong)), wrong.tables)
    found = compare(true, wrong)
    assert found.first is not None
    assert (found.chains.equal, found.chains.part_at) == (False, found.first.timestamp)
    less = kit.taking(true, "equity", range(true.tables["equity"].rows - 1))
    less = Ledger(replace(less.manifest, chain=chain(less)), less.tables)
    assert compare(true, less).chains.part_at == true.tables["equity"].columns["timestamp"].values[-1]


def test_a_chain_of_more_tables_than_there_are_is_not_held(sample: tuple[Market, Ledger]) -> None:
    """It can be neither believed nor called broken."""
    _, true = sample
    found = compare(true, kit.without(true, "costs"))
    assert found.chains.candidate.state is ChainState.NOT_HELD
    assert found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED


def test_the_command_says_so_and_exits_2(
    sample: tuple[Market, Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A CSV changed by hand, in every form of output."""
    _, true = sample
    write_ledger(true, tmp_path / "ledger", "csv")
    assert read_ledger(tmp_path / "ledger").manifest.chain is not None
    folder = str(tmp_path / "ledger")
    assert exit_code(["diff", folder, folder]) == 0
    assert "both match their tables, which were hashed again, and are equal" in capsys.readouterr().out
    lines = (tmp_path / "ledger" / "equity.csv").read_text().splitlines()
    lines[4] = lines[4][:-1] + ("1" if lines[4][-1] != "1" else "2")
    (tmp_path / "ledger" / "equity.csv").write_text("\n".join(lines) + "\n")
    for form in ([], ["--first"], ["--markdown"], ["--json"]):
        assert exit_code(["diff", folder, folder, *form]) == 2
        out = capsys.readouterr().out
        assert '"broken"' in out if form == ["--json"] else "digest chain" in out
    assert exit_code(["audit", folder, "--checks", "chain"]) == 1
    assert "chain" in capsys.readouterr().out


@pytest.mark.parametrize("table", ["equity", "costs"])
def test_rows_that_change_places_with_their_chain_kept_are_named(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: tuple[Market, Ledger]
) -> None:
    """Every bar has its rows, and no cell differs."""
    _, true = sample
    for place in ("true", "moved"):
        write_ledger(true, tmp_path / place, "csv")
    file = tmp_path / "moved" / f"{table}.csv"
    head, *rows = file.read_text().splitlines(keepends=True)
    file.write_text("".join([head, *rows[5:], *rows[:5]]))
    assert exit_code(["diff", str(tmp_path / "true"), str(tmp_path / "moved")]) == 2
    said = f"the candidate's rows of {table} are not in the order in which they were written"
    assert said in capsys.readouterr().out
    assert exit_code(["audit", str(tmp_path / "moved"), "--checks", "chain"]) == 1
    assert f"its rows of {table} are not in the order" in capsys.readouterr().out


def test_links_that_change_places_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: tuple[Market, Ledger]
) -> None:
    _, true = sample
    write_ledger(true, tmp_path / "book", "csv")
    file = tmp_path / "book" / "manifest.json"
    content = json.loads(file.read_text())
    content["chain"][2], content["chain"][7] = content["chain"][7], content["chain"][2]
    file.write_text(json.dumps(content))
    folder = str(tmp_path / "book")
    assert exit_code(["diff", folder, folder]) == 2
    assert "the reference's digest chain was altered at" in capsys.readouterr().out
    assert exit_code(["diff", folder, folder, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["chains"]["candidate"]["fault"] == "links"
    assert exit_code(["audit", folder, "--checks", "chain"]) == 1
