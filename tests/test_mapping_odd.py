"""Tables that no format knows: what is proposed for them reads them whole, under the names that they have."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import reconcile
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.library import Library
from reconcile.mapping.read import mapping_from
from reconcile.mapping.suggest import suggest
from vocabulary.errors import InputError

FILLS = [("2024-01-15", "AAPL", "buy", 100.0, 150.25), ("2024-01-17", "AAPL", "sell", 100.0, 151.0)]
SHORT = [("2024-01-16", "MSFT", "sell", 10.0, 390.0), ("2024-01-18", "MSFT", "buy", 10.0, 391.0)]
TABLES = {
    "semicolons and decimal commas": (
        "Datum;Wertpapier;Aktion;Stück;Kurs;Gebühr\n15.01.2024;AAPL;Kauf;100;150,25;1,50\n"
        "17.01.2024;AAPL;Verkauf;100;151,00;1,50\n",
        FILLS,
    ),
    "letters for the sides": (
        "Datum;Kürzel;Richtung;Menge;Preis\n15.01.2024;AAPL;K;100;150,25\n17.01.2024;AAPL;V;100;151,00\n",
        FILLS,
    ),
    "signed quantities, names that say nothing": (
        "when,what,lots,px\n2024-01-15,AAPL,100,150.25\n2024-01-17,AAPL,-100,151\n",
        FILLS,
    ),
    "a side before its quantity": (
        "Date,Ticker,Trade,Price\n2024-01-15,AAPL,Buy 100,150.25\n2024-01-17,AAPL,Sell 100,151\n",
        FILLS,
    ),
    "a side behind its quantity": (
        "Date,Ticker,Quantity,Price\n2024-01-15,AAPL,100 B,150.25\n2024-01-17,AAPL,100 S,151\n",
        FILLS,
    ),
    "a column for buying and one for selling": (
        "Date,Symbol,Bought,Sold,Price\n2024-01-15,AAPL,100,,150.25\n2024-01-17,AAPL,,100,151\n",
        FILLS,
    ),
    "a flag for the side, times counted": (
        "ts,instrument,is_buy,filled_qty,avg_px\n1705276800000,AAPL,1,100,150.25\n"
        "1705449600000,AAPL,0,100,151\n",
        FILLS,
    ),
    "lines around the table": (
        "Account 1\n\nTrade Date,Description,B/S,No. of Shares,Unit Price,Net Amount\n"
        '01/15/2024,AAPL,B,100,150.25,"-15,025.00"\n01/17/2024,AAPL,S,100,151.00,"15,100.00"\n'
        "Total,,,,,75.00\n",
        FILLS,
    ),
    "no header": ("2024-01-15,AAPL,B,100,150.25\n2024-01-17,AAPL,S,100,151\n", FILLS),
    "round trips with a direction": (
        "Symbol,Direction,Qty,Entry Time,Entry Price,Exit Time,Exit Price\n"
        "AAPL,Long,100,2024-01-15,150.25,2024-01-17,151\nMSFT,Short,10,2024-01-16,390,2024-01-18,391\n",
        [*FILLS, *SHORT],
    ),
    "round trips whose prices are called open and close": (
        "Open Date,Close Date,Market,Long/Short,Size,Open,Close\n"
        "2024-01-15,2024-01-17,AAPL,L,100,150.25,151\n2024-01-16,2024-01-18,MSFT,S,10,390,391\n",
        [*FILLS, *SHORT],
    ),
}  # fmt: skip
OTHERS = {
    "positions": (
        "date,symbol,position,market value\n2024-01-15,AAPL,100,15025\n2024-01-16,AAPL,50,7550\n",
        {"positions": [("2024-01-15", "AAPL", 100.0, 15025.0), ("2024-01-16", "AAPL", 50.0, 7550.0)]},
    ),
    "a column per symbol": (
        "date,AAPL,MSFT,cash\n2024-01-15,15025,0,84975\n2024-01-16,0,3900,96100\n",
        {
            "positions": [("2024-01-15", "AAPL", 15025.0), ("2024-01-16", "MSFT", 3900.0)],
            "equity": [("2024-01-15", 84975.0), ("2024-01-16", 96100.0)],
        },
    ),
    "worth alone": (
        "Day,Net Asset Value\n2024-01-15,100000\n2024-01-16,100075\n",
        {"equity": [("2024-01-15", 100000.0), ("2024-01-16", 100075.0)]},
    ),
}


def proposed(path: Path) -> Any:
    """The ledger that the proposal makes of a file, once it is confirmed."""
    rules = mapping_from(tomllib.loads(suggest(path).text), origin="guesses")
    return apply_mapping(Library.of_path(path), rules).ledger


def rows(ledger: Any, table: str) -> list[tuple[Any, ...]]:
    frame = reconcile.frame(ledger, table, floats=True)
    frame["timestamp"] = frame["timestamp"].astype(str).str[:10]
    return [tuple(row) for row in frame.itertuples(index=False)]


@pytest.mark.parametrize("what", TABLES)
def test_what_is_proposed_reads_all_fills(what: str, tmp_path: Path) -> None:
    text, fills = TABLES[what]
    path = tmp_path / "trades.csv"
    path.write_text(text, encoding="utf-8")
    frame = reconcile.frame(proposed(path), "fills", floats=True)
    frame["timestamp"] = frame["timestamp"].astype(str).str[:10]
    read = [tuple(row) for row in frame[["timestamp", "symbol", "side", "quantity", "price"]].to_numpy()]
    assert sorted(read) == sorted(fills)


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_proposed_reads_positions_and_worth(what: str, tmp_path: Path) -> None:
    text, tables = OTHERS[what]
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    ledger = proposed(path)
    assert {table: rows(ledger, table) for table in ledger.tables} == tables


@pytest.mark.parametrize("what", [*TABLES, *OTHERS])
def test_a_table_of_no_format_is_answered_with_a_mapping_file(what: str, tmp_path: Path) -> None:
    """Never with a renaming of its columns."""
    path = tmp_path / "table.csv"
    path.write_text({**TABLES, **OTHERS}[what][0], encoding="utf-8")
    with pytest.raises(InputError) as caught:
        reconcile.audit(path)
    assert "import --suggest" in caught.value.remedy and "--mapping" in caught.value.remedy
    assert "ename" not in caught.value.remedy


def test_bars_are_no_round_trips(tmp_path: Path) -> None:
    """`open` and `close` of candles are no prices of trades."""
    path = tmp_path / "candles.csv"
    path.write_text(
        "open time,symbol,open,high,low,close,volume,close time\n2024-01-15,A,1,2,1,2,10,2024-01-16\n"
    )
    assert ".round_trips]" not in suggest(path).text


def test_a_word_beside_more_than_a_number_is_no_side(tmp_path: Path) -> None:
    """`Sell Stop` is another word than `Sell`: it has to be listed."""
    path = tmp_path / "trades.csv"
    path.write_text("timestamp,symbol,what,quantity,price\n2024-01-15,A,Sell Stop,1,2\n")
    side = {"column": "what", "buy": ["Buy"], "sell": ["Sell"]}
    rules = mapping_from({"tables": {"fills": {"file": "trades", "side": side}}}, origin="m")
    with pytest.raises(InputError, match="Sell Stop"):
        apply_mapping(Library.of_path(path), rules)
