"""Interactive Brokers Flex, cvxportfolio and qlib: exports that are no plain list of trades."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import reconcile
from reconcile.auditing.model import Verdict
from reconcile.formats.registry import open_format, recognise
from vocabulary.errors import InputError

EXPORTS = Path(__file__).parent / "ledgers" / "engines"
TRADES = [
    {"symbol": "AAA", "dateTime": "20240103;153000", "quantity": "100", "tradePrice": "10.50",
     "ibCommission": "-1.00", "taxes": "0", "buySell": "BUY", "levelOfDetail": "EXECUTION",
     "assetCategory": "STK", "multiplier": "1", "currency": "USD"},
    {"symbol": "AAA", "dateTime": "20240105;100000", "quantity": "-40", "tradePrice": "11.25",
     "ibCommission": "-1.05", "taxes": "-0.02", "buySell": "SELL", "levelOfDetail": "EXECUTION",
     "assetCategory": "STK", "multiplier": "1", "currency": "USD"},
]  # fmt: skip
ORDER = {**TRADES[0], "levelOfDetail": "ORDER"}
FUTURE = {**TRADES[0], "symbol": "ESH4", "multiplier": "50", "assetCategory": "FUT"}
CASH = [
    {"type": "Dividends", "amount": "24", "dateTime": "20240104", "symbol": "AAA", "levelOfDetail": "DETAIL"},
    {
        "type": "Dividends",
        "amount": "24",
        "dateTime": "20240104",
        "symbol": "AAA",
        "levelOfDetail": "SUMMARY",
    },
    {"type": "Withholding Tax", "amount": "-3.6", "dateTime": "20240104", "symbol": "AAA"},
    {"type": "Deposits/Withdrawals", "amount": "5000", "dateTime": "20240102", "symbol": ""},
]
EQUITY = [
    {"reportDate": "20240103", "cash": "3949", "total": "4999"},
    {"reportDate": "20240105", "cash": "4418.33", "total": "5093.33"},
]
FILLS = [
    ("2024-01-03 15:30:00", "AAA", "buy", 100.0, 10.5, 1.0),
    ("2024-01-05 10:00:00", "AAA", "sell", 40.0, 11.25, 1.07),
]


def xml(*trades: dict[str, str], cash: Any = (), equity: Any = ()) -> str:
    def rows(name: str, found: Any) -> str:
        inner = "".join(f"<{name} " + " ".join(f'{k}="{v}"' for k, v in row.items()) + "/>" for row in found)
        return f"<{name}s>{inner}</{name}s>"

    body = rows("Trade", trades) + rows("CashTransaction", cash)
    body += rows("EquitySummaryByReportDateInBase", equity)
    head = '<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">'
    return f'{head}<FlexStatement accountId="U1">{body}</FlexStatement></FlexStatements></FlexQueryResponse>'


def csv_of(*trades: dict[str, str], prefix: bool = False) -> str:
    names = {
        "Symbol": "symbol", "DateTime": "dateTime", "Quantity": "quantity", "TradePrice": "tradePrice",
        "IBCommission": "ibCommission", "Taxes": "taxes", "Buy/Sell": "buySell", "Multiplier": "multiplier",
        "LevelOfDetail": "levelOfDetail", "AssetClass": "assetCategory", "CurrencyPrimary": "currency",
    }  # fmt: skip
    lines = [",".join(names), *(",".join(row[key] for key in names.values()) for row in trades)]
    if prefix:
        lines = [f"{'DATA' if place else 'HEADER'},TRNT,{line}" for place, line in enumerate(lines)]
        lines = ["BOF,U1", "BOS,TRNT", *lines, "EOS,TRNT", "EOF,U1"]
    return "\n".join(lines) + "\n"


def fills_of(ledger: Any) -> list[tuple[Any, ...]]:
    frame = ledger.to_frame("fills", floats=True)
    frame["timestamp"] = frame["timestamp"].astype(str)
    names = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    return [tuple(row) for row in frame[names].itertuples(index=False)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.xml", xml(*TRADES)),
        ("s.csv", csv_of(*TRADES)),
        ("s.csv", csv_of(*TRADES, prefix=True)),
        ("s.csv", "\ufeff" + csv_of(*reversed(TRADES))),
        ("s.xml", xml(*(dict(row, dateTime=row["dateTime"].replace(";", ",")) for row in TRADES))),
    ],
    ids=["xml", "csv", "csv with sections", "csv, newest first", "xml, other stamps"],
)
def test_executions_of_a_flex_statement_are_its_fills(tmp_path: Path, name: str, text: str) -> None:
    """Quantities are signed, commission and taxes are effects on cash; rows are sorted by time."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = recognise(path)
    assert found is not None and found.name == "ib-flex"
    assert fills_of(reconcile.read("auto", path)) == FILLS
    assert reconcile.audit(path).exit_code in (0, 2)


def test_a_trade_is_counted_once_and_the_rest_is_named(tmp_path: Path) -> None:
    """Orders repeat their executions, a future has a multiplier: neither is a fill, both are reported."""
    path = tmp_path / "s.xml"
    path.write_text(xml(*TRADES, ORDER, FUTURE))
    opened = open_format("ib-flex", path)
    assert fills_of(reconcile.read("ib-flex", path)) == FILLS
    notes = " ".join(opened.notes)
    assert "trades at level ORDER" in notes and "trades with a multiplier" in notes
    assert sum(one.count for one in opened.unread) == 2


def test_cash_and_equity_of_a_statement_are_flows_and_equity(tmp_path: Path) -> None:
    """Amounts keep their sign; summaries are left out; equity is cash and what is held."""
    path = tmp_path / "s.xml"
    path.write_text(xml(*TRADES, cash=CASH, equity=EQUITY))
    ledger = reconcile.read("ib-flex", path)
    flows = ledger.to_frame("flows", floats=True)
    assert list(zip(flows["kind"], flows["amount"], strict=True)) == [
        ("dividend", 24.0),
        ("tax", -3.6),
        ("deposit", 5000.0),
    ]
    equity = ledger.to_frame("equity", floats=True)
    assert list(equity["market_value"]) == [1050.0, 675.0] and list(equity["equity"]) == [4999.0, 5093.33]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (xml(), "Execution"),
        (xml(*TRADES)[:-40], "cannot be read"),
        (xml(dict(TRADES[0], quantity="many")), "trade 1, quantity"),
        (xml(dict(TRADES[0], tradePrice="")), "trade 1, tradePrice"),
        (xml(dict(TRADES[0], dateTime="03/01/2024;153000")), "yyyyMMdd"),
        (xml(dict(TRADES[0], dateTime="20241303")), "yyyyMMdd"),
        (xml(TRADES[0], dict(TRADES[1], currency="EUR")), "EUR, USD"),
        (
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + xml(dict(TRADES[0], quantity="&e;")),
            "cannot be read",
        ),
    ],
    ids=["empty", "truncated", "no number", "no price", "other dates", "no date", "currencies", "entity"],
)
def test_a_statement_that_is_not_one_is_one_error(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.xml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        open_format("ib-flex", path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quantity": "-100"}, "SELL below 0"),
        ({"quantity": "0"}, "SELL below 0"),
        ({"tradePrice": "10,50"}, "decimal point"),
        ({"accountId": "U2"}, "one account"),
    ],
)
def test_a_trade_that_contradicts_itself_is_one_error(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    """No comma is dropped: of a decimal comma it would make a hundredfold price."""
    path = tmp_path / "s.xml"
    path.write_text(xml({**TRADES[0], **change}, {**TRADES[1], "accountId": "U1"}))
    with pytest.raises(InputError) as caught:
        open_format("ib-flex", path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "stamp",
    [
        "20240113;103000", "2024-01-13;10:30:00", "2024-01-13, 10:30:00", "2024-01-13T10:30:00",
        "01/13/2024;103000", "13/01/2024;103000", "1/13/24;10:30:00", "13-Jan-24;10:30:00",
        "20240113;103000 EST",
    ],
)  # fmt: skip
def test_dates_of_every_setting_of_a_query_are_read(tmp_path: Path, stamp: str) -> None:
    path = tmp_path / "s.xml"
    path.write_text(xml({**TRADES[0], "dateTime": stamp}))
    assert fills_of(reconcile.read("ib-flex", path))[0][0] == "2024-01-13 10:30:00"


def test_equity_of_a_day_has_the_trades_of_that_day_in_it(tmp_path: Path) -> None:
    """It stands at the day's end: cash rolls forward from the fills, and a cent that is missing is found."""
    days = [{"reportDate": "20240102", "cash": "5000", "total": "5000"}, *EQUITY]
    days[2] = {"reportDate": "20240105", "cash": "4397.93", "total": "5072.93"}
    path = tmp_path / "s.xml"
    path.write_text(xml(*TRADES, equity=days))
    assert reconcile.audit(path).verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED
    days[2] = {"reportDate": "20240105", "cash": "4397.94", "total": "5072.94"}
    path.write_text(xml(*TRADES, equity=days))
    assert reconcile.audit(path).verdict is Verdict.FINDINGS


def test_equity_is_not_read_beside_trades_that_are_not(tmp_path: Path) -> None:
    path = tmp_path / "s.xml"
    path.write_text(xml(*TRADES, FUTURE, equity=EQUITY))
    opened = open_format("ib-flex", path)
    assert set(opened.ledger.tables) == {"fills"}
    assert "equity in base" in " ".join(opened.notes)


def test_a_csv_statement_without_its_last_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(csv_of(*TRADES, prefix=True).rpartition("EOS")[0])
    with pytest.raises(InputError, match="EOF"):
        open_format("ib-flex", path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_entity_of_a_statement_is_expanded(tmp_path: Path, encoding: str) -> None:
    """Within attributes the parser would: a document type is refused as such."""
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY e "EVIL">]>'
    path = tmp_path / "s.xml"
    path.write_text(text + xml(dict(TRADES[0], symbol="&e;")), encoding=encoding)
    with pytest.raises(InputError, match="document type"):
        open_format("ib-flex", path)


def test_a_truncated_csv_statement_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(csv_of(*TRADES)[:-30])
    with pytest.raises(InputError, match="line 3"):
        open_format("ib-flex", path)


def test_a_csv_statement_in_another_encoding_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(csv_of(*TRADES).replace("AAA", "\u00c4AA").encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        open_format("ib-flex", path)


def test_cvxportfolio_is_read_from_its_folder_and_from_its_result() -> None:
    """Trades and holdings in money, which a real run saved; what it lacks is reported."""
    folder = EXPORTS / "cvxportfolio"
    found = recognise(folder)
    assert found is not None and found.name == "cvxportfolio"
    opened = open_format("auto", folder)
    assert "quantities" in opened.notes[0]
    tables = opened.ledger.tables
    assert tables["fills"].rows > 0 and tables["positions"].rows > 0 and tables["equity"].rows > 0
    frames = {name: pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True) for name in "uhv"}
    live = reconcile.from_cvxportfolio(SimpleNamespace(**frames))
    assert {name: table.rows for name, table in live.tables.items()} == {
        name: table.rows for name, table in tables.items()
    }


def test_a_folder_of_cvxportfolio_without_cash_is_one_error(tmp_path: Path) -> None:
    for name in "uhv":
        (tmp_path / f"{name}.csv").write_text(",A,B\n2024-01-02,1.0,2.0\n")
    with pytest.raises(InputError, match="cash, after the assets"):
        open_format("cvxportfolio", tmp_path)


@pytest.mark.parametrize(
    ("trades", "holdings", "place"),
    [
        (",A,cash\n2024-01-02,abc,1\n", ",A,cash\n2024-01-02,1,1\n", "u.csv"),
        (",A,cash\n2024-01-02,1,1\n", ",A,cash\n2024-01-02,1,abc\n", "h.csv"),
        ("x\n", "x\n", "cash, after the assets"),
        (",A,cash\n2024-01-02,1,1\n", ",B,cash\n2024-01-02,1,1\n", "the columns of the trades"),
        ("", "", "u.csv"),
    ],
    ids=["text in trades", "text in holdings", "no column", "other columns", "empty"],
)
def test_a_broken_folder_of_cvxportfolio_is_one_error(
    tmp_path: Path, trades: str, holdings: str, place: str
) -> None:
    (tmp_path / "u.csv").write_text(trades)
    (tmp_path / "h.csv").write_text(holdings)
    with pytest.raises(InputError, match=place):
        open_format("cvxportfolio", tmp_path)


QLIB = (
    "datetime,account,return,total_turnover,turnover,total_cost,cost,value,cash,bench\n"
    "2024-01-02,1000000.0,0.0,0.0,0.0,0.0,0.0,0.0,1000000.0,0.001\n"
    "2024-01-03,1000950.0,0.0012,500000.0,0.5,750.0,0.00075,499750.0,501200.0,-0.002\n"
)


@pytest.mark.parametrize(
    "text", [QLIB, QLIB.replace("datetime,", ",", 1)], ids=["named", "index without a name"]
)
def test_the_daily_report_of_qlib_is_equity(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.csv"
    path.write_text(text)
    found = recognise(path)
    assert found is not None and found.name == "qlib"
    ledger = reconcile.read("auto", path)
    assert list(ledger.to_frame("equity", floats=True)["equity"]) == [1000000.0, 1000950.0]
    assert set(ledger.tables) == {"equity"}


def test_a_truncated_report_of_qlib_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text(QLIB[:-20])
    with pytest.raises(InputError):
        open_format("qlib", path)
