"""Exports of engines and brokers, read by their names: small files in their shapes, with invented numbers."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import reconcile
from reconcile.formats.registry import FORMATS, find_format, open_format, recognise
from vocabulary.errors import InputError

CASES = Path(__file__).parent / "cases"
FILLS = [
    ("2024-01-03 15:00:00", "BTCUSDT", "buy", 0.25, 42150.5, 9.99),
    ("2024-01-05 09:00:00", "BTCUSDT", "sell", 0.25, 43980.25, 10.42),
]
TRADINGVIEW = {
    "legacy": "Trade #,Type,Signal,Date/Time,Price,Contracts,Profit,Profit %,Cum. Profit,Cum. Profit %,"
    "Run-up,Run-up %,Drawdown,Drawdown %",
    "with currency": "Trade #,Type,Signal,Date/Time,Price USD,Contracts,Profit USD,Profit %,"
    "Cumulative profit USD,Cumulative profit %,Run-up USD,Run-up %,Drawdown USD,Drawdown %",
    "net": "Trade #,Type,Date/Time,Signal,Price USD,Quantity,Position size (value),Net P&L USD,Net P&L %,"
    "Run-up USD,Run-up %,Drawdown USD,Drawdown %,Cumulative P&L USD,Cumulative P&L %",
    "current": "Trade #,Type,Date and time,Signal,Price USDT,Position size (qty),Position size (value),"
    "Net P&L USD,Net P&L %,Favorable excursion USD,Favorable excursion %,Adverse excursion USD,"
    "Adverse excursion %,Cumulative P&L USD,Cumulative P&L %",
}


def fills_of(ledger: Any) -> list[tuple[Any, ...]]:
    frame = ledger.to_frame("fills", floats=True)
    if "commission" not in frame:
        frame["commission"] = 0.0
    frame["timestamp"] = frame["timestamp"].astype(str)
    names = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    return [tuple(row) for row in frame[names].itertuples(index=False)]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_format_has_a_name_of_its_own_and_says_what_it_lacks() -> None:
    assert len({one.name for one in FORMATS}) == len(FORMATS) >= 14
    assert all(one.lacks and one.export and one.title for one in FORMATS)


@pytest.mark.parametrize(
    ("case", "file", "name", "rows"),
    [
        ("26-tradingview-export", "tv.csv", "tradingview", 4),
        ("27-metatrader5-report", "mt5.csv", "metatrader5", None),
        ("28-vectorbt-orders", "orders.csv", "vectorbt", 3),
        ("29-nautilus-fills", "fills.csv", "nautilus", None),
        ("30-backtesting-py-trades", "trades.csv", "backtesting", 4),
        ("31-lean-orders-csv", "orders.csv", "lean", None),
        ("38-zipline-perf-csv", "perf.csv", "zipline", None),
    ],
)
def test_a_file_is_recognised_by_its_shape_and_read(
    case: str, file: str, name: str, rows: int | None
) -> None:
    path = CASES / case / file
    found = recognise(path)
    assert found is not None and found.name == name
    opened = open_format("auto", path)
    assert opened.notes[0].startswith(f"read as {found.title}")
    table = "equity" if name == "zipline" else "fills"
    assert opened.ledger.tables[table].rows > 0
    if rows is not None:
        assert opened.ledger.tables[table].rows == rows
    audited = reconcile.audit(opened.ledger)
    assert audited.exit_code in (0, 1, 2) and audited.text()


@pytest.mark.parametrize("generation", sorted(TRADINGVIEW))
def test_tradingview_of_every_generation_is_read(generation: str, tmp_path: Path) -> None:
    """Columns are found by how they begin; the byte order mark and the order of rows are theirs."""
    header = TRADINGVIEW[generation].split(",")
    rows = []
    for kind, time, price in (
        ("Exit long", "2024-01-05 09:00", "43980.25"),
        ("Entry long", "2024-01-03 15:00", "42150.5"),
    ):
        cells = dict.fromkeys(header, "1")
        cells["Type"], cells["Signal"] = kind, "x"
        for name in header:
            if name.startswith("Price"):
                cells[name] = price
            if name in ("Date/Time", "Date and time"):
                cells[name] = time
            if name in ("Contracts", "Quantity", "Position size (qty)"):
                cells[name] = "0.25"
        rows.append(",".join(cells[name] for name in header))
    path = written(tmp_path, "trades.csv", "\ufeff" + "\n".join([",".join(header), *rows]) + "\n")
    ledger = reconcile.read("tradingview", path, symbol="BTCUSDT")
    assert sorted(row[:5] for row in fills_of(ledger)) == [row[:5] for row in FILLS]


def test_an_open_trade_of_tradingview_has_no_exit(tmp_path: Path) -> None:
    text = (
        "Trade #,Type,Date/Time,Signal,Price USD,Quantity,Net P&L USD\n"
        "1,Exit long,2024-01-05 09:00,Open,43980.25,0.25,0\n1,Entry long,2024-01-03 15:00,x,42150.5,0.25,0\n"
    )
    ledger = reconcile.read("tradingview", written(tmp_path, "t.csv", text), symbol="B")
    assert [row[2] for row in fills_of(ledger)] == ["buy"]


def freqtrade_result() -> dict[str, Any]:
    def order(side: str, amount: float, price: float, stamp: str, entry: bool) -> dict[str, Any]:
        return {
            "amount": amount,
            "safe_price": price,
            "ft_order_side": side,
            "order_filled_timestamp": int(pd.Timestamp(stamp).value // 10**6),
            "ft_is_entry": entry,
        }

    trade = {
        "pair": "BTC/USDT",
        "fee_open": 0.001,
        "fee_close": 0.002,
        "close_timestamp": 1704445200000,
        "funding_fees": -1.5,
        "orders": [
            order("buy", 0.5, 40000.0, "2024-01-03 15:00", True),
            order("sell", 0.2, 41000.0, "2024-01-04 09:00", False),
            order("sell", 0.3, 42000.0, "2024-01-05 09:00", False),
            {**order("sell", 9, 9, "2024-01-05 09:00", False), "order_filled_timestamp": None},
        ],
    }
    return {"strategy": {"Mine": {"trades": [trade]}}, "strategy_comparison": []}


@pytest.mark.parametrize("packed", [False, True])
def test_freqtrade_is_read_from_json_and_from_its_zip_with_partial_exits(
    packed: bool, tmp_path: Path
) -> None:
    text = json.dumps(freqtrade_result())
    path = tmp_path / ("result.zip" if packed else "result.json")
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("backtest-result.json", text)
            archive.writestr("backtest-result_config.json", "{}")
    else:
        path.write_text(text)
    found = recognise(path)
    assert found is not None and found.name == "freqtrade"
    ledger = reconcile.read(path)
    assert [row[2:] for row in fills_of(ledger)] == [
        ("buy", 0.5, 40000.0, 20.0),
        ("sell", 0.2, 41000.0, pytest.approx(16.4)),
        ("sell", 0.3, 42000.0, pytest.approx(25.2)),
    ]
    flows = ledger.to_frame("flows", floats=True)
    assert list(flows["kind"]) == ["funding"] and list(flows["amount"]) == [-1.5]


def test_trades_of_freqtrade_in_memory_are_read_like_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, "result.json", json.dumps(freqtrade_result()))
    trades = freqtrade_result()["strategy"]["Mine"]["trades"]
    expected = fills_of(reconcile.read(path))
    assert fills_of(reconcile.from_freqtrade(trades)) == expected
    assert fills_of(reconcile.from_freqtrade(pd.DataFrame(trades))) == expected


def test_exits_that_freqtrade_forces_at_the_end_can_be_left_out() -> None:
    """An exit of the strategy in the same trade stays, and so does an entry, whatever its tag."""
    (trade,) = freqtrade_result()["strategy"]["Mine"]["trades"]
    first, partial, last, _ = trade["orders"]
    first["ft_order_tag"] = last["ft_order_tag"] = "force_exit"
    kept = fills_of(reconcile.from_freqtrade([trade], forced_exits=False))
    assert [row[2:4] for row in kept] == [("buy", 0.5), ("sell", 0.2)]
    assert partial in trade["orders"] and len(fills_of(reconcile.from_freqtrade([trade]))) == 3


def test_freqtrade_with_several_strategies_asks_which(tmp_path: Path) -> None:
    result = freqtrade_result()
    result["strategy"]["Other"] = result["strategy"]["Mine"]
    path = written(tmp_path, "result.json", json.dumps(result))
    with pytest.raises(InputError, match="Mine, Other"):
        reconcile.read("freqtrade", path)
    assert len(reconcile.read("freqtrade", path, strategy="Other").fills) == 3


def test_order_events_of_lean_are_fills(tmp_path: Path) -> None:
    events = [
        {"symbolValue": "SPY", "time": 1704294000.0, "fillPrice": 470.5, "fillQuantity": 10,
         "status": "filled", "orderFeeAmount": 1.0, "direction": "buy"},
        {"symbolValue": "SPY", "time": 1704294000.0, "fillPrice": 0, "fillQuantity": 0, "status": "submitted",
         "orderFeeAmount": 0.0, "direction": "sell"},
        {"symbolValue": "SPY", "time": 1704380400.0, "fillPrice": 471.5, "fillQuantity": -10,
         "status": "filled", "orderFeeAmount": 1.0, "direction": "sell"},
    ]  # fmt: skip
    path = written(tmp_path, "abc-order-events.json", json.dumps(events))
    assert [row[1:] for row in fills_of(reconcile.read("lean", path))] == [
        ("SPY", "buy", 10.0, 470.5, 1.0),
        ("SPY", "sell", 10.0, 471.5, 1.0),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "pybroker",
            "type,symbol,date,shares,limit_price,fill_price,fees\nbuy,A,2024-01-03,10,,5.25,0.1\n",
        ),
        ("bt", "Date,Security,price,quantity\n2024-01-03,A,5.25,10\n"),
        ("backtrader", "datetime,data,size,price,comm\n2024-01-03,A,10,5.25,0.1\n"),
        ("pyfolio", "date,amount,price,symbol\n2024-01-03,10,5.25,A\n"),
        ("ml4t", "timestamp,asset,side,quantity,price,commission\n2024-01-03,A,buy,10,5.25,0.1\n"),
    ],
)
def test_a_short_export_is_recognised_and_read(name: str, text: str, tmp_path: Path) -> None:
    path = written(tmp_path, "export.csv", text)
    found = recognise(path)
    assert found is not None and found.name == name
    row = fills_of(reconcile.read(path))[0]
    assert row[1:5] == ("A", "buy", 10.0, 5.25)


def test_fees_of_alpaca_are_flows(tmp_path: Path) -> None:
    activities = [
        {"activity_type": "FILL", "transaction_time": "2024-01-03T15:00:00Z", "price": "10.5", "qty": "3",
         "side": "buy", "symbol": "A", "date": None, "net_amount": None},
        {"activity_type": "FEE", "transaction_time": None, "price": None, "qty": None, "side": None,
         "symbol": None, "date": "2024-01-03", "net_amount": "-0.02"},
    ]  # fmt: skip
    path = written(tmp_path, "activities.json", json.dumps(activities))
    ledger = reconcile.read("alpaca", path)
    assert fills_of(ledger)[0][1:5] == ("A", "buy", 3.0, 10.5)
    assert list(ledger.flows["kind"]) == ["fee"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("vectorbt", "Order Id,Column,Timestamp\n1,A,2024-01-03\n", "columns"),
        ("vectorbt", "", "an empty file"),
        ("vectorbtt", "a,b\n1,2\n", "Did you mean 'vectorbt'?"),
        ("freqtrade", "{}", "`strategy`"),
        ("auto", "a,b,c\n1,2,3\n", "none of these formats"),
        ("auto", "a;b;c\n1;2,5;3\n", "none of these formats"),
        ("tradingview", "a;b;c\n1;2,5;3\n", "no list of trades"),
        ("metatrader5", "a;b;c\n1;2,5;3\n", "no deals"),
    ],
)
def test_what_is_not_in_the_format_is_one_error(name: str, text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, "file.csv" if name != "freqtrade" else "file.json", text)
    with pytest.raises(InputError) as caught:
        open_format(name, path)
    assert said in str(caught.value)


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


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "portfolio.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(InputError):
        reconcile.read("vectorbt", path)
    assert not (tmp_path / "pwned").exists()


def test_a_format_that_is_asked_for_is_proposed_when_misspelt() -> None:
    with pytest.raises(InputError, match="Did you mean 'tradingview'"):
        find_format("tradingvew")


def test_live_objects_are_read_from_their_recorded_structure() -> None:
    """As the engines lay them out; where they are installed the engines themselves are tried below."""
    stamps = pd.date_range("2024-01-03", periods=3)
    orders = pd.DataFrame(
        {"Order Id": [0], "Column": [("p", "A")], "Timestamp": [stamps[0]], "Size": [2.0], "Price": [5.0],
         "Fees": [0.1], "Side": ["Buy"]}
    )  # fmt: skip
    line = pd.Series([100.0, 101.0, 102.0], index=stamps)
    portfolio = SimpleNamespace(
        orders=SimpleNamespace(records_readable=orders), value=lambda: line, cash=lambda: line - 10
    )
    ledger = reconcile.from_vectorbt(portfolio)
    assert fills_of(ledger)[0][1:] == ("A", "buy", 2.0, 5.0, 0.1) and len(ledger.equity) == 3
    trades = pd.DataFrame(
        {
            "Size": [-2],
            "EntryPrice": [5.0],
            "ExitPrice": [4.0],
            "EntryTime": [stamps[0]],
            "ExitTime": [stamps[2]],
        }
    )
    stats = SimpleNamespace(_trades=trades, _equity_curve=pd.DataFrame({"Equity": line}))
    short = fills_of(reconcile.from_backtesting(stats, "A"))
    assert [row[2:5] for row in short] == [("sell", 2.0, 5.0), ("buy", 2.0, 4.0)]
    returns = reconcile.from_quantstats(pd.Series([0.0, 0.1, -0.1], index=stamps))
    assert list(returns.to_frame("equity", floats=True)["equity"].round(6)) == [1.0, 1.1, 0.99]


@pytest.mark.parametrize(
    "name", ["vectorbt", "backtesting", "backtrader", "bt", "zipline", "pybroker", "ml4t", "freqtrade"]
)
def test_another_object_is_one_error(name: str) -> None:
    with pytest.raises(InputError) as caught:
        getattr(reconcile, f"from_{name}")(object())
    assert caught.value.expected and caught.value.remedy


def test_vectorbt_itself_is_read() -> None:
    vectorbt = pytest.importorskip("vectorbt", reason="vectorbt is not installed")
    close = pd.Series([10.0, 11.0, 12.0, 11.0], index=pd.date_range("2024-01-03", periods=4), name="A")
    size = pd.Series([5.0, 0.0, -5.0, 0.0], index=close.index)
    portfolio = vectorbt.Portfolio.from_orders(close, size, fees=0.001, init_cash=100)
    ledger = reconcile.from_vectorbt(portfolio)
    assert [row[2:5] for row in fills_of(ledger)] == [("buy", 5.0, 10.0), ("sell", 5.0, 12.0)]
    assert len(ledger.equity) == 4


def test_backtrader_itself_is_read() -> None:
    backtrader = pytest.importorskip("backtrader", reason="backtrader is not installed")

    class Once(backtrader.Strategy):  # type: ignore[misc, name-defined]
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=5)
            if len(self) == 3:
                self.close()

    bars = pd.DataFrame(
        {
            "open": [10.0, 11, 12, 13, 14],
            "high": 15.0,
            "low": 9.0,
            "close": [10.0, 11, 12, 13, 14],
            "volume": 1,
        },
        index=pd.date_range("2024-01-03", periods=5),
    )
    cerebro = backtrader.Cerebro()
    cerebro.adddata(backtrader.feeds.PandasData(dataname=bars), name="A")
    cerebro.addstrategy(Once)
    cerebro.addanalyzer(reconcile.backtrader_analyzer())
    ledger = reconcile.from_backtrader(cerebro.run()[0])
    assert [row[1:5] for row in fills_of(ledger)] == [("A", "buy", 5.0, 11.0), ("A", "sell", 5.0, 13.0)]
    assert len(ledger.equity) == 5
