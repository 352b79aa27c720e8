"""Nine layouts of brokers' statements, with numbers of our own, read with a mapping file alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from mapping_kit import opened, rows, unread

FILLS = ("timestamp", "symbol", "side", "quantity", "price", "commission")
FLOWS = ("timestamp", "symbol", "kind", "amount")
BUY = ("2024-04-03T09:30:00", "AAPL", "buy", "100", "150.25", "1.50")
SELL = ("2024-04-17T15:45:00", "AAPL", "sell", "100", "151.50", "1.50")


@dataclass(frozen=True)
class Statement:
    """A file and its mapping; what the ledger must hold, and what must be named as not read."""

    mapping: str
    content: str | bytes = ""
    file: str = "statement.csv"
    fills: tuple[tuple[str, ...], ...] = (BUY, SELL)
    flows: tuple[tuple[str, ...], ...] = ()
    unread: dict[str, int] = field(default_factory=dict)


SECTIONED = Statement(
    content="""Statement,Header,Field Name,Field Value
Statement,Data,Title,Activity Statement
Trades,Header,DataDiscriminator,Currency,Symbol,Date/Time,Quantity,T. Price,Comm/Fee,Code
Trades,Data,Order,USD,AAPL,"2024-04-03, 09:30:00",100,150.25,-1.50,O
Trades,Data,Order,USD,AAPL,"2024-04-17, 15:45:00",-100,151.50,-1.50,C
Trades,SubTotal,,USD,AAPL,,0,,-3.00,
Trades,Total,,USD,,,,,-3.00,
Dividends,Header,Currency,Date,Description,Amount
Dividends,Data,USD,2024-04-10,AAPL(US0378331005) Cash Dividend,24.00
Dividends,Data,Total,,,24.00
""",
    mapping="""
[[tables.fills]]
layout = { section = "Trades" }
only = { Header = ["Data"], DataDiscriminator = ["Order"] }
currency = { columns = "Currency", is = "USD" }
columns.timestamp = "Date/Time"
columns.symbol = "Symbol"
columns.quantity = "Quantity"
columns.price = "T. Price"
columns.commission = "= -[Comm/Fee]"
side = "sign"

[[tables.flows]]
layout = { section = "Dividends" }
only = { Header = ["Data"], Currency = ["USD"] }
columns = { timestamp = "Date", amount = "Amount" }
constants = { symbol = "AAPL", kind = "dividend" }
""",
    flows=(("2024-04-10T00:00:00", "AAPL", "dividend", "24.00"),),
    unread={
        "Code": 2,
        "Description": 1,
        "Statement": 2,
        "Header = SubTotal, DataDiscriminator = empty": 1,
        "Header = Total, DataDiscriminator = empty": 1,
        "Header = Data, Currency = Total": 1,
    },
)
DOLLARS = Statement(
    content="""Run Date,Action,Symbol,Quantity,Price ($),Fees ($),Amount ($)
04/17/2024 3:45 PM,YOU SOLD,AAPL,-100,$151.50,$1.50,"$15,148.50"
04/03/2024 9:30 AM,YOU BOUGHT,AAPL,100,$150.25,$1.50,"-$15,026.50"
""",
    mapping="""
numbers = { thousands = ",", units = ["$"] }
[tables.fills]
columns.timestamp = "Run Date"
columns.symbol = "Symbol"
columns.quantity = "Quantity"
columns.price = "Price ($)"
columns.commission = "Fees ($)"
side = { column = "Action", buy = ["YOU BOUGHT"], sell = ["YOU SOLD"] }
unsigned = ["quantity"]
leave_out = { "Amount ($)" = "follows from the rest" }
""",
    fills=(SELL, BUY),
    unread={"Amount ($)": 2},
)
PENCE = Statement(
    content="""Trade Date,Stock,Buy/Sell,No. of shares,Price (pence),Commission (£)
03/04/2024 09:30,Société Générale,Bought,"1,100","15,025.5",1.50
17/04/2024 15:45,Société Générale,Sold,"1,100","15,150",1.50
""".encode("latin-1"),
    mapping="""
layout = { encoding = "latin-1" }
numbers = { thousands = "," }
symbols = { "Société Générale" = "GLE" }
[tables.fills]
side = { column = "Buy/Sell", buy = ["Bought"], sell = ["Sold"] }
[tables.fills.columns]
timestamp = "Trade Date"
symbol = "Stock"
quantity = "No. of shares"
price = "= [Price (pence)] / 100"
commission = "Commission (£)"
""",
    fills=(
        ("2024-04-03T09:30:00", "GLE", "buy", "1100", "150.255", "1.50"),
        ("2024-04-17T15:45:00", "GLE", "sell", "1100", "151.500", "1.50"),
    ),
)
TOTALS = Statement(
    content="""Account,U1234567
Period,April 2024

Date;Instrument;Side;Qty;Price;Fee
03.04.2024 09:30;AAPL;B;100;150,25;1,50
17.04.2024 15:45;AAPL;S;100;151,50;1,50

Total;;;;;3,00
All amounts in EUR.
""",
    mapping="""
numbers = { decimal = "," }
[layout]
separator = ";"
header = ["Instrument", "Qty"]
end = ["Total"]
[tables.fills]
columns = { timestamp = "Date", symbol = "Instrument", quantity = "Qty", price = "Price", commission = "Fee" }
side = { column = "Side", buy = ["B"], sell = ["S"] }
""",
    unread={"before the header": 2, "after the end": 2},
)
MIXED = Statement(
    content="""time,type,symbol,qty,price,fee,amount
2024-04-01T00:00:00,DEPOSIT,,,,,20000.00
2024-04-03T09:30:00,TRADE,AAPL,100,150.25,1.50,-15026.50
2024-04-10T00:00:00,DIV,AAPL,,,,24.00
2024-04-10T00:00:00,WTAX,AAPL,,,,-3.60
2024-04-17T15:45:00,TRADE,AAPL,-100,151.50,1.50,15148.50
2024-04-30T00:00:00,WIRE OUT,,,,,-500.00
""",
    mapping="""
[tables.fills]
only = { type = ["TRADE"] }
columns = { timestamp = "time", quantity = "qty", commission = "fee" }
side = "sign"
[tables.flows]
without = { type = ["TRADE"] }
columns = { timestamp = "time", kind = "type" }
words = { kind = { deposit = ["DEPOSIT"], withdrawal = ["WIRE OUT"], dividend = ["DIV"], tax = ["WTAX"] } }
""",
    flows=(
        ("2024-04-01T00:00:00", "", "deposit", "20000.00"),
        ("2024-04-10T00:00:00", "AAPL", "dividend", "24.00"),
        ("2024-04-10T00:00:00", "AAPL", "tax", "-3.60"),
        ("2024-04-30T00:00:00", "", "withdrawal", "-500.00"),
    ),
)
PARENTHESES = Statement(
    content="""Date,Security,Units,Unit price,Charges,Net amount
3 Apr 2024 09:30,AAPL,100.000,150.25,(1.50),"(15,026.50)"
17 Apr 2024 15:45,AAPL,(100.000),151.50,(1.50),"15,148.50"
18 Apr 2024 00:00,AAPL,-,-,n/a,0.00
""",
    mapping="""
numbers = { thousands = ",", parentheses = true, none = ["-", "n/a"] }
[tables.fills]
without = { Units = ["-"] }
columns.timestamp = "Date"
columns.symbol = "Security"
columns.quantity = "Units"
columns.price = "Unit price"
columns.commission = "Charges"
unsigned = ["commission"]
side = "sign"
leave_out = { "Net amount" = "follows from the rest" }
""",
    fills=tuple((*row[:3], "100.000", *row[4:]) for row in (BUY, SELL)),
    unread={"Net amount": 3, "Units = -": 1},
)
APART = Statement(
    content="""Trade date|Trade time|Zone|Ticker|B/S|Open/Close|Qty|Px|Comm
20240403|093000|UTC|AAPL|Long|Open|100|150.25|1.50
20240417|154500|UTC|AAPL|Long|Close|100|151.50|1.50
""",
    mapping="""
layout = { separator = "|" }
time = { naive = true }
[tables.fills]
side.column = ["B/S", "Open/Close"]
side.buy = ["Long Open", "Short Close"]
side.sell = ["Long Close", "Short Open"]
[tables.fills.columns]
timestamp = ["Trade date", "Trade time", "Zone"]
symbol = "Ticker"
quantity = "Qty"
price = "Px"
commission = "Comm"
""",
)
WORKBOOK = Statement(
    file="statement.xlsx",
    mapping="""
layout = { sheet = "Trades", header = ["Ticker"] }
[tables.fills]
columns.timestamp = "When"
columns.symbol = "Ticker"
columns.quantity = "Shares"
columns.price = "Price"
columns.commission = "= Rate * Shares * Price"
side = { column = "What", buy = ["Buy"], sell = ["Sell"] }
""",
    fills=(
        ("2024-04-03T09:30:00", "AAPL", "buy", "100", "150.25", "15.02500"),
        ("2024-04-17T15:45:00", "AAPL", "sell", "100", "151.50", "15.15000"),
    ),
    unread={"Summary": 1, "before the header": 1},
)
NESTED = Statement(
    file="result.json",
    content=json.dumps(
        {
            "strategy": {
                "starting_balance": 20000,
                "trades": [
                    {
                        "pair": "AAPL",
                        "fee": 0.001,
                        "orders": [
                            {"amount": 100, "price": 150.25, "side": "buy", "at": 1712136600000},
                            {"amount": 100, "price": 151.5, "side": "sell", "at": 1713368700000},
                        ],
                    }
                ],
            },
            "locks": [{"pair": "AAPL"}],
        }
    ),
    mapping="""
layout = { path = "strategy.trades.orders" }
time = { epoch = "ms", naive = true }
[tables.fills]
columns.timestamp = "at"
columns.symbol = "trades.pair"
columns.quantity = "amount"
columns.commission = "= amount * price * [trades.fee]"
leave_out = { "strategy.starting_balance" = "said on the command line" }
""",
    fills=(
        ("2024-04-03T09:30:00", "AAPL", "buy", "100", "150.25", "15.02500"),
        ("2024-04-17T15:45:00", "AAPL", "sell", "100", "151.50", "15.15000"),
    ),
    unread={"locks": 1, "strategy.starting_balance": 2},
)
STATEMENTS = {
    "sections": SECTIONED,
    "dollars": DOLLARS,
    "pence": PENCE,
    "totals": TOTALS,
    "mixed": MIXED,
    "parentheses": PARENTHESES,
    "apart": APART,
    "workbook": WORKBOOK,
    "nested": NESTED,
}


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Summary"
    first.append(["Profit", 122])
    sheet = book.create_sheet("Trades")
    sheet.append(["April 2024"])
    sheet.append(["When", "Ticker", "What", "Shares", "Price", "Rate"])
    sheet.append([datetime(2024, 4, 3, 9, 30), "AAPL", "Buy", 100, 150.25, 0.001])
    sheet.append([datetime(2024, 4, 17, 15, 45), "AAPL", "Sell", 100, 151.5, 0.001])
    book.save(path)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_read_to_the_last_digit(name: str, tmp_path: Path) -> None:
    """Its fills, its flows, and the names of all that was not read."""
    statement = STATEMENTS[name]
    path = tmp_path / statement.file
    if statement.file.endswith(".xlsx"):
        workbook(path)
    else:
        content = statement.content
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = opened(path, statement.mapping)
    stamped = [_with_clock(row) for row in rows(found.ledger, "fills", *FILLS)]
    assert stamped == list(statement.fills)
    if statement.flows:
        assert [_with_clock(row) for row in rows(found.ledger, "flows", *FLOWS)] == list(statement.flows)
    assert {key: count for key, (count, _) in unread(found).items()} == statement.unread


def _with_clock(row: tuple[str, ...]) -> tuple[str, ...]:
    stamp, *rest = row
    return (datetime.fromisoformat(stamp).isoformat(), *rest)


def test_the_layouts_are_nine() -> None:
    assert len(STATEMENTS) == 9
