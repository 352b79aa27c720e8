"""Symbols, times and fills as a market has them: no venue, no end of a session, none left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import reconcile
from reconcile.formats.model import Options
from reconcile.formats.registry import open_format
from vocabulary.errors import InputError

NAUTILUS = "instrument_id,order_side,last_qty,last_px,commission,ts_event\n"
PERF = "period_close,portfolio_value,ending_cash,ending_value,returns\n"


def opened(name: str, text: str, folder: Path) -> Any:
    path = folder / "export.csv"
    path.write_text(text, encoding="utf-8")
    return open_format(name, path)


def column(ledger: Any, table: str, name: str) -> list[str]:
    return [str(one).removesuffix(" 00:00:00") for one in reconcile.frame(ledger, table)[name]]


def nautilus_rows(*symbols: str) -> str:
    return NAUTILUS + "".join(f"{one},BUY,3,10.5,0.1 USD,2024-01-03 15:00:00+00:00\n" for one in symbols)


def test_a_venue_is_taken_off_behind_the_last_dot(tmp_path: Path) -> None:
    """A symbol has dots of its own."""
    found = opened("nautilus", nautilus_rows("BRK.B.XNYS", "AAPL.XNAS", "BTCUSDT-PERP.BINANCE"), tmp_path)
    assert column(found.ledger, "fills", "symbol") == ["BRK.B", "AAPL", "BTCUSDT-PERP"]
    assert any("the venue is taken off each symbol: AAPL.XNAS is AAPL" in note for note in found.notes)


def test_one_symbol_of_two_venues_keeps_them(tmp_path: Path) -> None:
    found = opened("nautilus", nautilus_rows("BTC.BINANCE", "BTC.BYBIT"), tmp_path)
    assert column(found.ledger, "fills", "symbol") == ["BTC.BINANCE", "BTC.BYBIT"]
    assert any("symbols keep the venue" in note for note in found.notes)


def test_a_live_engine_and_its_report_name_symbols_alike(tmp_path: Path) -> None:
    text = nautilus_rows("BRK.B.XNYS", "AAPL.XNAS")
    file = opened("nautilus", text, tmp_path).ledger
    report = pd.read_csv(tmp_path / "export.csv").assign(trade_id=["1", "2"])
    engine = SimpleNamespace(trader=SimpleNamespace(generate_fills_report=lambda: report))
    live = reconcile.from_nautilus(engine)
    for name in ("symbol", "timestamp"):
        assert column(live, "fills", name) == column(file, "fills", name)


def test_an_asset_of_zipline_in_pyfolio_is_its_symbol(tmp_path: Path) -> None:
    text = "date,amount,price,symbol\n2024-01-03,-3,10.5,Equity(8554 [SPY])\n2024-01-03,3,10.5,AAPL\n"
    found = opened("pyfolio", text, tmp_path)
    assert column(found.ledger, "fills", "symbol") == ["SPY", "AAPL"]


def test_the_end_of_a_day_in_backtrader_is_that_day(tmp_path: Path) -> None:
    """Feeds of daily bars that are read from files; other times of a day stay."""
    rows = "2024-01-03 23:59:59.999989,A,3,10.5,0.1\n2024-01-04 23:59:00,A,3,10.5,0.1\n"
    found = opened("backtrader", "datetime,data,size,price,comm\n" + rows, tmp_path)
    stamps = column(found.ledger, "fills", "timestamp")
    assert stamps == ["2024-01-03", "2024-01-04 23:59:00"]


@pytest.mark.parametrize(
    ("stamps", "read"),
    [
        (["2024-01-03 14:30:00+00:00", "2024-07-03 13:30:00+00:00"], ["2024-01-03", "2024-07-03"]),
        (["2024-01-03 14:30:00+00:00", "2024-01-03 15:30:00+00:00"], None),
        (["2024-01-03", "2024-01-04"], ["2024-01-03", "2024-01-04"]),
    ],
    ids=["opens of days", "hours", "days"],
)
def test_opens_of_days_in_cvxportfolio_are_days(
    stamps: list[str], read: list[str] | None, tmp_path: Path
) -> None:
    """Of its files as of its result; hours of one day stay what they are."""
    index = pd.DatetimeIndex(stamps)
    u = pd.DataFrame({"A": [10.0, -5.0], "cash": [-10.0, 5.0]}, index)
    h = pd.DataFrame(
        {"A": [0.0, 10.0, 5.0], "cash": [100.0, 90.0, 95.0]}, [*index, index[1] + pd.Timedelta("1D")]
    )
    for name, frame in (("u", u), ("h", h)):
        frame.to_csv(tmp_path / f"{name}.csv")
    for ledger in (
        open_format("auto", tmp_path).ledger,
        reconcile.from_cvxportfolio(SimpleNamespace(u=u, h=h)),
    ):
        found = column(ledger, "fills", "timestamp")
        assert found == (read or [str(stamp) for stamp in index])


def test_two_runs_of_vectorbt_with_one_symbol_stay_apart() -> None:
    orders = pd.DataFrame(
        {"Order Id": [0, 1], "Column": [(10, "A"), (20, "A")],
         "Timestamp": pd.date_range("2024-01-03", periods=2), "Size": [2.0, 3.0], "Price": [5.0, 5.0],
         "Fees": [0.1, 0.1], "Side": ["Buy", "Buy"]}
    )  # fmt: skip
    line = pd.DataFrame({(10, "A"): [1.0], (20, "A"): [1.0]})
    portfolio = SimpleNamespace(
        orders=SimpleNamespace(records_readable=orders), value=lambda: line, cash=lambda: line
    )
    assert column(reconcile.from_vectorbt(portfolio), "fills", "symbol") == ["('10', 'A')", "('20', 'A')"]


def test_sessions_of_zipline_are_days_in_csv(tmp_path: Path) -> None:
    rows = "2024-07-03 17:00:00+00:00,100,100,0,0\n2024-11-05 21:00:00+00:00,101,101,0,0.01\n"
    found = opened("zipline", PERF + rows, tmp_path)
    assert column(found.ledger, "equity", "timestamp") == ["2024-07-03", "2024-11-05"]


def perf(*sessions: tuple[str, str, list[str]]) -> pd.DataFrame:
    """A perf frame: of each session its start, its end, and when it bought a share."""
    rows = []
    for start, end, bought in sessions:
        orders = [{"id": stamp, "commission": 0.1} for stamp in bought]
        trades = [
            {"dt": pd.Timestamp(stamp, tz="UTC"), "sid": SimpleNamespace(symbol="A"), "amount": 1,
             "price": 10.0, "order_id": stamp}
            for stamp in bought
        ]  # fmt: skip
        stamps = {"period_open": pd.Timestamp(start, tz="UTC"), "period_close": pd.Timestamp(end, tz="UTC")}
        money = {"portfolio_value": 100.0, "ending_cash": 90.0, "ending_value": 10.0}
        rows.append({**stamps, **money, "orders": orders, "transactions": trades})
    frame = pd.DataFrame(rows)
    return frame.set_index(pd.DatetimeIndex(frame["period_close"]))


@pytest.mark.parametrize(
    ("sessions", "fills", "equity"),
    [
        pytest.param(
            [("2024-01-03 14:31", "2024-01-03 21:00", ["2024-01-03 21:00"])],
            ["2024-01-03"],
            ["2024-01-03"],
            id="daily bars",
        ),
        pytest.param(
            [("2024-01-03 00:01", "2024-01-04 00:00", ["2024-01-04 00:00"])],
            ["2024-01-03"],
            ["2024-01-03"],
            id="sessions that end at midnight",
        ),
        pytest.param(
            [("2024-01-03 14:31", "2024-01-03 00:00", ["2024-01-03 00:00"])],
            ["2024-01-03"],
            ["2024-01-03"],
            id="stamps that were cut before",
        ),
        pytest.param(
            [("2024-01-03 14:31", "2024-01-03 21:00", ["2024-01-03 15:00"])],
            ["2024-01-03 15:00:00"],
            ["2024-01-03 21:00:00"],
            id="minutes",
        ),
    ],
)
def test_sessions_of_zipline_are_days_where_all_trades_stand_at_their_ends(
    sessions: list[tuple[str, str, list[str]]], fills: list[str], equity: list[str]
) -> None:
    ledger = reconcile.from_zipline(perf(*sessions))
    assert column(ledger, "fills", "timestamp") == fills
    assert column(ledger, "equity", "timestamp") == equity


def test_a_trade_that_backtesting_still_has_open_was_bought() -> None:
    stamps = pd.date_range("2024-01-03", periods=3)
    closed = {
        "Size": [2],
        "EntryPrice": [5.0],
        "ExitPrice": [6.0],
        "EntryTime": stamps[:1],
        "ExitTime": stamps[1:2],
    }
    still = SimpleNamespace(size=-3, entry_price=7.0, entry_time=stamps[2])
    stats = SimpleNamespace(
        _trades=pd.DataFrame(closed),
        _equity_curve=pd.DataFrame({"Equity": [100.0, 101, 102]}, stamps),
        _strategy=SimpleNamespace(trades=(still,)),
    )
    fills = reconcile.frame(reconcile.from_backtesting(stats, "A"), "fills", floats=True)
    rows = list(zip(fills["side"], fills["quantity"], fills["price"], strict=True))
    assert rows == [("buy", 2, 5), ("sell", 2, 6), ("sell", 3, 7)]


VECTORBT = "Order Id,Column,Timestamp,Size,Price,Fees,Side\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nautilus", nautilus_rows("AAPL.XNAS", "MSFT.XNAS")),
        ("vectorbt", VECTORBT + "0,AAPL,2024-01-03,1,10,0,Buy\n1,MSFT,2024-01-03,1,10,0,Buy\n"),
    ],
)
def test_one_symbol_does_not_name_several(name: str, text: str, tmp_path: Path) -> None:
    """They would be merged into one."""
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="the symbols AAPL, MSFT; expected one symbol") as caught:
        open_format(name, path, Options(symbol="X"))
    assert "Leave out --symbol" in str(caught.value)


def test_the_symbol_that_is_given_renames_the_only_one_and_this_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(nautilus_rows("AAPL.XNAS"), encoding="utf-8")
    found = open_format("nautilus", path, Options(symbol="X"))
    assert column(found.ledger, "fills", "symbol") == ["X"]
    assert "AAPL is called X, the symbol that is given" in found.notes
    same = open_format("nautilus", path, Options(symbol="AAPL"))
    assert not any("is called" in note for note in same.notes)
