"""What is easily taken wrongly in each format: exports of the kit with one thing changed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import reconcile
from exports_brokers import list_of_trades
from exports_kit import Sample, kits
from reconcile.formats.registry import open_format
from vocabulary.errors import InputError

KITS = kits()
Edit = Callable[[str], str]


def swap(old: str, new: str, count: int = -1) -> Edit:
    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, count)

    return edit


def without_line(number: int) -> Edit:
    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(lines[:number] + lines[number + 1 :])

    return edit


def records(change: Callable[[list[Any]], None]) -> Edit:
    def edit(text: str) -> str:
        found = json.loads(text)
        change(found)
        return json.dumps(found)

    return edit


def written(name: str, what: str, edit: Edit, folder: Path) -> Path:
    sample = KITS[name].good if what == "good" else KITS[name].others[what]
    if isinstance(sample.content, bytes):
        content: str | bytes = edit(sample.content.decode("utf-16")).encode("utf-16")
    else:
        content = edit(str(sample.content))
    return Sample(sample.file, content).write(folder)


CASH = '<CashTransaction accountId="U1" type="Broker Interest Paid" amount="-3" dateTime="20240104" '
CASH += 'currency="EUR"/>'
SECOND = '<FlexStatement accountId="U2"><Trades><Trade symbol="B" dateTime="20240104;100000" quantity="1" '
SECOND += 'tradePrice="1" ibCommission="0" buySell="BUY" levelOfDetail="EXECUTION"/></Trades></FlexStatement>'
ERRORS = [
    ("nautilus", "good", swap("0.45 USD", "0.0001 BNB"), "both in the currency of the account"),
    ("nautilus", "good", swap(",USD,0.45", ",EUR,0.45"), "currencies EUR, USD"),
    ("ml4t", "good", swap(",1.0,USD", ",50.0,USD"), "multiplier 50.0"),
    ("ml4t", "good", swap(",1.0,USD", ",1.0,EUR", 1), "currencies EUR, USD"),
    ("ml4t", "good", swap("o1,1,", "o1,9,"), "fill_sequence"),
    ("alpaca", "good", swap('"account_id": "X"', '"account_id": "Y"', 1), "accounts X, Y"),
    ("alpaca", "good", records(lambda found: [one.update(currency=f"C{at}") for at, one in enumerate(found)]
     and None), "currencies"),
    ("lean", "good", swap('"orderFeeCurrency": "USD"', '"orderFeeCurrency": "BTC"'), "both in one currency"),
    ("lean", "good", swap('"fillPrice": 11.25', '"fillPrice": null'), "fillprice"),
    ("ib-flex", "good", swap('currency="USD"/>', 'currency="USD" ibCommissionCurrency="CHF"/>', 1),
     "both in one currency"),
    ("ib-flex", "good", swap("</FlexStatements>", f"{SECOND}</FlexStatements>"), "accounts U1, U2"),
    ("ib-flex", "good", swap('currency="USD"', 'currency="EUR"', 1), "one currency"),
    ("tradingview", "good", without_line(2), "an exit without its entry"),
    ("tradingview", "good", lambda text: without_line(5)(without_line(5)(text)), "no trade 2"),
    ("tradingview", "good", swap("2024-01-10 15:00", "2024-01-02 15:00"), "an exit before its entry"),
    ("tradingview", "good", lambda text: text.replace("Entry short", "X").replace("Exit short", "X"), "'X'"),
    ("tradingview", "good", swap("Exit short", "Entry short"), "an entry and an exit"),
    ("tradingview", "good", swap("Exit short", "Exit long"), "one direction"),
    ("tradingview", "good", swap(",11.25,", ",,"), "a number"),
    ("metatrader5", "good", swap("<td>sell</td><td>out", "<td>???</td><td>out"), "buy or sell"),
    ("metatrader5", "good", lambda text: text[: text.index("</table>", text.index("Deals"))],
     "ends within its deals"),
    ("freqtrade", "JSON", swap('"safe_price"', '"price"'), "safe_price"),
    ("freqtrade", "JSON", swap('"safe_price": 11.25', '"safe_price": 1e999999999'), "no number"),
    ("freqtrade", "JSON", swap('"safe_price": 11.25', '"safe_price": NaN'), "no number"),
    ("freqtrade", "JSON", swap('"strategy"', '"metadata"'), "none of these formats"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what", "edit", "said"), ERRORS, ids=[f"{name}: {said}" for name, _, _, said in ERRORS]
)
def test_what_contradicts_itself_is_one_error(
    name: str, what: str, edit: Edit, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        open_format("auto", written(name, what, edit, tmp_path))
    assert said in str(caught.value), caught.value


def third_of_a_fill(found: list[Any]) -> None:
    found[1].update(qty="10", type="partial_fill")


NOTES = [
    ("alpaca", "good", records(third_of_a_fill), "a page is missing"),
    ("alpaca", "good", swap('"status": "executed"', '"status": "correct"'), "corrections: 1,"),
    ("metatrader5", "good", without_line(15), "deals are missing"),
    ("metatrader5", "CSV", lambda text: without_line(len(text.splitlines()) - 1)(text), "the row of totals"),
    ("ib-flex", "good", swap('buySell="SELL"', 'buySell="BUY (Ca.)"', 1), "cancelled trades: 1"),
    ("ib-flex", "good", swap("</CashTransactions>", f"{CASH}</CashTransactions>"), "transactions in EUR"),
    ("tradingview", "good", lambda text: "".join(text.splitlines(keepends=True)[:7]), "before number 2"),
    ("tradingview", "legacy", without_line(8), "trades without an exit: 1, such as trade 4"),
    ("lean", "whole result", swap('"Status": 3', '"Status": 5', 1), "cancelled: 1; what was filled"),
    ("lean", "whole result", swap("1", "1"), "what the chart sampled"),
    ("vectorbt", "good", lambda text: text.rstrip("\n"), "has no end"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "what", "edit", "said"), NOTES, ids=[f"{name}: {said}" for name, _, _, said in NOTES]
)
def test_what_is_missing_or_odd_is_reported(
    name: str, what: str, edit: Edit, said: str, tmp_path: Path
) -> None:
    opened = open_format("auto", written(name, what, edit, tmp_path))
    assert any(said in note for note in opened.notes), opened.notes


def fills(path: Path) -> list[tuple[str, float, float]]:
    frame = reconcile.frame(open_format("auto", path).ledger, "fills", floats=True)
    return list(zip(frame["side"], frame["quantity"], frame["price"], strict=True))


def test_the_exit_of_an_open_trade_is_no_fill_in_any_language(tmp_path: Path) -> None:
    """Its signal says so, at the last bar; the same word earlier is a user's own, and the exit counts."""
    for language, word in (
        ("current", "Open"),
        ("German", "Offen"),
        ("Japanese", "オープン"),
        ("Chinese", "未平仓"),
    ):
        lines = list_of_trades(language).splitlines(keepends=True)
        cells = lines[1].split(",")
        cells[3] = word
        earlier = lines[5].split(",")
        earlier[3] = word
        path = tmp_path / "list.csv"
        text = "".join([lines[0], ",".join(cells), *lines[2:5], ",".join(earlier), *lines[6:]])
        path.write_text(text, encoding="utf-8")
        read = fills(path)
        assert ("buy", 20.0, 11.75) not in read and ("sell", 60.0, 11.0) in read, language
        assert len(read) == 7


def test_an_open_trade_of_vectorbt_has_no_exit(tmp_path: Path) -> None:
    path = written("vectorbt", "trades", swap("Short,Closed,0\n4", "Short,Open,0\n4"), tmp_path)
    assert ("buy", 10.0, 11.5) not in fills(path) and ("sell", 10.0, 12.0) in fills(path)


def test_a_rebate_is_a_commission_below_0(tmp_path: Path) -> None:
    path = written("nautilus", "good", swap("0.45 USD", "-0.45 USD"), tmp_path)
    frame = reconcile.frame(open_format("auto", path).ledger, "fills", floats=True)
    assert frame["commission"].min() == -0.45


def test_a_cancelled_activity_is_no_flow(tmp_path: Path) -> None:
    path = written("alpaca", "good", swap('"status": "executed"', '"status": "canceled"'), tmp_path)
    assert open_format("auto", path).ledger.tables["flows"].rows == 0


def test_parameters_beside_a_symbol_do_not_merge_runs(tmp_path: Path) -> None:
    """Of vectorbt: `Column` of two runs holds both, and the symbols stay apart."""
    edit = swap("0,AAA,", "0,\"(10, 'AAA')\",")
    path = written("vectorbt", "good", edit, tmp_path)
    frame = reconcile.frame(open_format("auto", path).ledger, "fills")
    assert set(frame["symbol"]) == {"AAA", "(10, 'AAA')"}


def test_a_margin_call_is_a_fill(tmp_path: Path) -> None:
    edit = swap("Exit long,2024-01-04 15:00,x", "Exit long,2024-01-04 15:00,Margin call")
    assert ("sell", 40.0, 11.25) in fills(written("tradingview", "good", edit, tmp_path))


def test_a_swap_is_funding_and_a_withdrawal_is_one(tmp_path: Path) -> None:
    """Of MetaTrader: rows without a symbol move money in and out by their sign."""
    text = str(KITS["metatrader5"].others["CSV"].content)
    lines = text.splitlines()
    cells = lines[3].split(";")
    cells[9] = "-1.20"
    lines[3] = ";".join(cells)
    lines.insert(5, "2024.01.06 00:00:00;9;;balance;;;;;0.00;0.00;-500.00;9 000.00;")
    path = tmp_path / "deals.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    flows = reconcile.frame(open_format("auto", path).ledger, "flows", floats=True)
    assert list(zip(flows["kind"], flows["amount"], strict=True)) == [
        ("deposit", 10000.0), ("funding", -1.2), ("withdrawal", -500.0),
    ]  # fmt: skip


EQUITY = {
    "pybroker": ",cash,equity,notional,margin,market_value,pnl,unrealized_pnl,fees\n"
    "2024-01-03,90,95,5,0,100,0,0,1\n2024-01-04,80,99,5,0,110,0,0,2\n",
    "bt": ",price,value,notional_value,cash,fees,flows\n2024-01-03,100,100,0,90,0,0\n"
    "2024-01-04,110,110,30,80,1,0\n",
    "backtesting": ",Equity,DrawdownPct,DrawdownDuration\n2024-01-03,100,0,\n2024-01-04,110,0,\n",
    "ml4t": "timestamp,equity,cash,gross_exposure,net_exposure,open_positions\n2024-01-03,99,95,4,4,1\n"
    "2024-01-03,100,90,10,10,1\n2024-01-04,110,80,30,30,1\n",
}


@pytest.mark.parametrize("name", EQUITY)
def test_the_table_of_equity_of_an_engine_is_read_as_such(name: str, tmp_path: Path) -> None:
    """Worth with shorts at market; of several states of a bar the last."""
    path = Sample("table.csv", EQUITY[name]).write(tmp_path)
    opened = open_format("auto", path)
    assert opened.notes[0].startswith("read as ") and set(opened.ledger.tables) == {"equity"}
    frame = reconcile.frame(opened.ledger, "equity", floats=True)
    assert list(frame["equity"]) == [100.0, 110.0]
    assert name == "backtesting" or list(frame["cash"]) == [90.0, 80.0]


def test_parameters_of_one_run_are_taken_off_its_symbols(tmp_path: Path) -> None:
    path = written("vectorbt", "good", swap(",AAA,", ",\"(10, 'AAA')\","), tmp_path)
    frame = reconcile.frame(open_format("auto", path).ledger, "fills")
    assert set(frame["symbol"]) == {"AAA"}


def test_the_folder_of_ml4t_is_fills_and_equity(tmp_path: Path) -> None:
    """Its files have names of our tables, and columns of their own."""
    folder = tmp_path / "out"
    folder.mkdir()
    fills = pd.read_csv(io.StringIO(str(KITS["ml4t"].good.content)), parse_dates=["timestamp"])
    fills.to_parquet(folder / "fills.parquet")
    equity = pd.read_csv(io.StringIO(EQUITY["ml4t"]), parse_dates=["timestamp"])
    equity.to_parquet(folder / "portfolio_state.parquet")
    equity.to_parquet(folder / "holdings.parquet")
    opened = open_format("auto", folder)
    assert "holdings.parquet is not read" in opened.notes
    assert {name: table.rows for name, table in opened.ledger.tables.items()} == {"fills": 6, "equity": 2}
    frame = reconcile.frame(opened.ledger, "fills", floats=True)
    assert set(frame["symbol"]) == {"AAA"} and frame["commission"].sum() == pytest.approx(2.87)
