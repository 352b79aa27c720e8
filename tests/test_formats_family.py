"""What holds for every format: one that is new has to stand in SAMPLES."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reconcile
from reconcile.formats.registry import FORMATS, open_format, recognise
from vocabulary.errors import InputError

TRADINGVIEW = "Trade #,Type,Date/Time,Signal,Price USD,Quantity,Net P&L USD\n"
DEALS = "Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Fee,Swap,Profit,Balance,Comment\n"
ORDER = {"amount": 3.0, "safe_price": 10.5, "ft_order_side": "sell", "ft_is_entry": True,
         "order_filled_timestamp": 1704294000000}  # fmt: skip
TRADE = {"pair": "A", "fee_open": 0.001, "fee_close": 0.001, "close_timestamp": 1, "orders": [ORDER]}
EVENT = {"symbolValue": "A", "time": 1704294000.0, "fillPrice": 10.5, "fillQuantity": -3, "status": "filled",
         "orderFeeAmount": 1.0, "direction": "sell"}  # fmt: skip
ACTIVITY = {"activity_type": "FILL", "transaction_time": "2024-01-03T15:00:00Z", "price": "10.5", "qty": "3",
            "side": "sell_short", "symbol": "A"}  # fmt: skip
SAMPLES = {
    "vectorbt": ("o.csv", "Order Id,Column,Timestamp,Size,Price,Fees,Side\n0,A,2024-01-03,3,10.5,0.1,Sell\n"),
    "backtesting": (
        "t.csv",
        "Size,EntryBar,ExitBar,EntryPrice,ExitPrice,EntryTime,ExitTime\n-3,1,2,10.5,9,2024-01-03,2024-01-04\n",
    ),
    "backtrader": ("f.csv", "datetime,data,size,price,comm\n2024-01-03,A,-3,10.5,0.1\n"),
    "bt": ("t.csv", "Date,Security,price,quantity\n2024-01-03,A,10.5,-3\n"),
    "pybroker": (
        "o.csv",
        "type,symbol,date,shares,limit_price,fill_price,fees\nsell,A,2024-01-03,3,,10.5,0.1\n",
    ),
    "ml4t": ("f.csv", "timestamp,asset,side,quantity,price,commission\n2024-01-03,A,sell,3,10.5,0.1\n"),
    "freqtrade": ("r.json", json.dumps({"strategy": {"Mine": {"trades": [TRADE]}}})),
    "tradingview": ("t.csv", TRADINGVIEW + "1,Entry short,2024-01-03 15:00,x,10.5,3,0\n"),
    "metatrader5": (
        "d.csv",
        DEALS + "2024.01.03 15:00:00,2,A,sell,in,3,10.5,2,-1.0,0,0,0,1000,\n",
    ),
    "lean": ("x-order-events.json", json.dumps([EVENT])),
    "alpaca": ("a.json", json.dumps([ACTIVITY])),
    "pyfolio": ("t.csv", "date,amount,price,symbol\n2024-01-03,-3,10.5,A\n"),
    "ib-flex": (
        "s.csv",
        "Symbol,DateTime,Quantity,TradePrice,IBCommission,Buy/Sell\nA,20240103;150000,-3,10.5,-1,SELL\n",
    ),
}
"""A short sale of 3 at 10.5: file name and text."""
NOT_OF_FILLS = {"zipline", "qlib", "cvxportfolio"}
"""Of equity or of money, and read by tests of their own."""
ELSEWHERE = {"nautilus"}
"""Read from the export of the engine itself."""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_no_format_is_left_out() -> None:
    assert {*SAMPLES, *NOT_OF_FILLS, *ELSEWHERE} == {one.name for one in FORMATS}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_short_sale_is_recognised_and_read(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, *SAMPLES[name])
    found = recognise(path)
    assert found is not None and found.name == name
    fills = reconcile.read("auto", path).to_frame("fills", floats=True)
    row = fills.iloc[0]
    assert (row["side"], row["quantity"], row["price"]) == ("sell", 3.0, 10.5)
    assert str(row["timestamp"]).startswith("2024-01-03")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_decimal_comma_is_refused_or_read_as_one(name: str, tmp_path: Path) -> None:
    """Never as a price that is a hundredfold."""
    file, text = SAMPLES[name]
    path = written(tmp_path, file, text.replace("10.5", '"10,50"'))
    try:
        fills = open_format(name, path).ledger
    except InputError:
        return
    assert reconcile.frame(fills, "fills", floats=True)["price"].iloc[0] == 10.5


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
@pytest.mark.parametrize("text", ["", "\x00\x01\x02", "a,b,c\n1,2,3\n", '{"a": ', "<html>", "[" * 9000])
def test_what_is_not_a_format_is_one_error(name: str, text: str, tmp_path: Path) -> None:
    for file in ("x.csv", "x.json", "x.xml", "x.zip", "x.parquet"):
        with pytest.raises(InputError) as caught:
            open_format(name, written(tmp_path, file, text))
        assert caught.value.expected and caught.value.remedy


@pytest.mark.parametrize(
    "strategies",
    [
        {"Mine": {"trades": [{"pair": "A", "orders": [], "funding_fees": 1}]}},
        {"Mine": []},
        {"Mine": {"trades": ["x"]}},
        {"Mine": {"trades": [{"orders": [1]}]}},
        {},
        [],
    ],
)
def test_a_result_of_freqtrade_of_another_shape_is_one_error(strategies: object, tmp_path: Path) -> None:
    path = written(tmp_path, "r.json", json.dumps({"strategy": strategies}))
    with pytest.raises(InputError):
        open_format("freqtrade", path)
