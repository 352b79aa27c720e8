"""Exports of engines and platforms, read with a mapping file alone; tests/cases says what each gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapping_kit import CASES, rows, unread
from reconcile.cli import exit_code
from reconcile.comparing.compare import compare
from reconcile.ledger.read import read_ledger
from reconcile.mapping.open import Opened, open_ledger

CASE = {
    26: ("26-tradingview-export", "tv.csv"),
    27: ("27-metatrader5-report", "mt5.csv"),
    28: ("28-vectorbt-orders", "orders.csv"),
    29: ("29-nautilus-fills", "fills.csv"),
    30: ("30-backtesting-py-trades", "trades.csv"),
    31: ("31-lean-orders-csv", "orders.csv"),
    38: ("38-zipline-perf-csv", "perf.csv"),
}


def candidate(number: int) -> Opened:
    folder, file = CASE[number]
    return open_ledger(CASES / folder / file, CASES / folder / "map.toml")


@pytest.mark.parametrize("number", [26, 27, 28, 29, 30, 31])
def test_an_export_gives_the_fills_of_the_reference(number: int) -> None:
    """Every quantity and price, to the last digit, and every commission that the export has."""
    found = compare(read_ledger(CASES / CASE[number][0] / "ref"), candidate(number).ledger)
    assert list(found.breaks) == []
    assert [one.table for one in found.compared] == ["fills"] and found.compared[0].candidate_rows >= 3


def test_a_profit_is_held_against_the_fills_of_its_trade() -> None:
    """TradingView: 433.6152 less 20.4130 of fees is the 413.20 told; the other trade is a cent off."""
    (note,) = [note for note in candidate(26).notes if note.startswith("profit")]
    assert note == (
        "profit: 1 of 2 trades agree with their fills, net of commissions; "
        "the first other: row 3, -524.06 told, -524.05 from its fills."
    )
    assert "profit: 2 of 2 trades agree with their fills, before commissions." in candidate(30).notes


def test_rows_that_are_no_trades_and_columns_that_were_not_read_are_named() -> None:
    """MetaTrader: the deposit, the totals, and the swap that the reference has not."""
    found = unread(candidate(27))
    assert found["Type = balance"] == (1, "a filter of the mapping")
    assert found["Type = empty"] == (1, "a filter of the mapping")
    assert found["Swap"] == (6, None)
    assert unread(candidate(31)) == {
        "Type": (5, None),
        "Tag": (2, None),
        "Status = Canceled": (1, "a filter of the mapping"),
        "Status = Invalid": (1, "a filter of the mapping"),
    }


def test_equity_and_returns_of_a_performance_file_are_read_and_its_nested_cells_are_named() -> None:
    """zipline: the transactions are Python text within a cell, which nobody evaluates."""
    found = candidate(38)
    assert rows(found.ledger, "equity", "cash", "equity")[1] == ("888380.0", "999999.99")
    assert found.returns is not None and found.returns.values.tolist() == [0.0, -1e-8, -0.00107999]
    assert unread(found)["transactions"] == (3, None)


def test_the_cases_are_those_of_the_page_that_asks_for_them() -> None:
    """A case that loses its expectation would say nothing."""
    for folder, file in CASE.values():
        assert (CASES / folder / file).exists()
        assert (CASES / folder / "expected.md").read_text(encoding="utf-8").strip()
    assert Path(CASES).is_dir()


@pytest.mark.parametrize("number", [26, 27, 28, 29, 30, 31])
def test_no_export_passes_for_more_than_was_compared(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 where something was not read or is absent; 0 where the mapping gives a reason for all of it."""
    folder, file = CASE[number]
    places = [str(CASES / folder / name) for name in ("ref", file, "map.toml")]
    code = exit_code(["diff", *places[:2], "--mapping", places[2]])
    page = capsys.readouterr().out
    assert code == (0 if number == 29 else 2)
    assert page.startswith("matched: 0 breaks" if number == 29 else "matched as far as compared: 0 breaks")


def test_the_swap_of_a_deal_is_a_flow_that_the_reference_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Named as not compared, with or without a place for it in the mapping."""
    places = [str(CASES / CASE[27][0] / name) for name in ("ref", "mt5.csv", "map.toml")]
    assert exit_code(["diff", *places[:2], "--mapping", places[2]]) == 2
    assert "mt5.Swap: only the candidate has it" in capsys.readouterr().out
