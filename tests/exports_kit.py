"""The exports of every format, rebuilt with invented numbers: one story of trades, as each of them tells it.

`python tests/exports_kit.py` writes those that no engine here can save into tests/ledgers/rebuilt.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

REBUILT = Path(__file__).parent / "ledgers" / "rebuilt"
SYMBOL = "AAA"
FILLS = (
    ("2024-01-03 15:00", "buy", 100, "10.5", "1.05"),
    ("2024-01-04 15:00", "sell", 40, "11.25", "0.45"),
    ("2024-01-05 15:00", "sell", 60, "11", "0.66"),
    ("2024-01-08 15:00", "sell", 30, "12", "0.36"),
    ("2024-01-09 15:00", "buy", 10, "11.5", "0.115"),
    ("2024-01-10 15:00", "buy", 20, "11.75", "0.235"),
)
"""A long that is closed in two parts, and a short that is: time, side, quantity, price, commission."""
TRIPS = ((0, 1, 40), (0, 2, 60), (3, 4, 10), (3, 5, 20))
"""The same as round trips: the fills that open and close, and the quantity."""
FEES = {"2024-01-03 15:00": ("0.42", "0.63"), "2024-01-08 15:00": ("0.24", "0.12")}
"""The commission of a fill that opens, shared by the two trips that it opens."""
EQUITY = (("2024-01-03", 99999), ("2024-01-04", 100030), ("2024-01-05", 100061), ("2024-01-08", 100050))

Text = str | bytes
Folder = Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """One export. file: its name, or that of a folder of text files. fees: whether it tells each fill's."""

    file: str
    content: Text | Folder
    fees: bool = True

    def write(self, folder: Path) -> Path:
        path = folder / self.file
        if isinstance(self.content, Mapping):
            path.mkdir()
            for name, text in self.content.items():
                (path / name).write_text(text, encoding="utf-8")
        elif isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            path.write_text(self.content, encoding="utf-8", newline="")
        return path


@dataclass(frozen=True)
class Kit:
    """The exports of one format.

    others: older generations, other tables and languages of the same story, by what they are. older: which of
    them is the older generation, or why there is none. local: as a spreadsheet with decimal commas saves it.
    table: which of ours its rows become.
    """

    good: Sample
    empty: Sample
    others: Mapping[str, Sample] = field(default_factory=dict)
    local: Sample | None = None
    table: str = "fills"
    older: str = ""


def csv(header: str, rows: list[str], mark: str = ",") -> str:
    return "\n".join([header.replace(",", mark), *rows]) + "\n"


def fills(row: Callable[..., str]) -> list[str]:
    return [row(at, *fill) for at, fill in enumerate(FILLS)]


def signed(side: str, quantity: int) -> int:
    return quantity if side == "buy" else -quantity


def local(text: str) -> str:
    """The text of a CSV file as a spreadsheet saves it where decimals have a comma."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text.replace(",", ";"))


def table(header: str, row: Callable[..., str], fees: bool = True, name: str = "export.csv") -> Kit:
    """A format of one plain table of fills: in English, empty, and with semicolons and decimal commas."""
    text = csv(header, fills(row))
    return Kit(Sample(name, text, fees), Sample(name, csv(header, [])), local=Sample(name, local(text), fees))


def trips(row: Callable[..., list[str]]) -> list[str]:
    lines = []
    for number, (enters, leaves, quantity) in enumerate(TRIPS, 1):
        lines += row(number, FILLS[enters], FILLS[leaves], quantity, FILLS[enters][1] == "buy")
    return lines


def vectorbt() -> Kit:
    made = table(
        "Order Id,Column,Timestamp,Size,Price,Fees,Side",
        lambda at, time, side, size, price, fee: f"{at},AAA,{time}:00,{size},{price},{fee},{side.title()}",
    )
    trades = csv(
        "Exit Trade Id,Column,Size,Entry Timestamp,Avg Entry Price,Entry Fees,Exit Timestamp,Avg Exit Price,"
        "Exit Fees,PnL,Return,Direction,Status,Position Id",
        [
            *trips(
                lambda number, first, last, size, long: [
                    f"{number},AAA,{size},{first[0]},{first[3]},{FEES[first[0]][(number - 1) % 2]},{last[0]},"
                    f"{last[3]},{last[4]},1,0.1,{'Long' if long else 'Short'},Closed,0"
                ]
            )
        ],
    )
    text = str(made.good.content)
    others = {
        "trades": Sample("trades.csv", trades),
        "of PRO": Sample("o.csv", text.replace("Timestamp", "Fill Index")),
        "of 0.1": Sample("o.csv", text.replace("Timestamp", "Date")),
    }
    return Kit(made.good, made.empty, others, made.local, older="of 0.1")


def backtesting() -> Kit:
    header = (
        ",Size,EntryBar,ExitBar,EntryPrice,ExitPrice,SL,TP,PnL,Commission,ReturnPct,EntryTime,ExitTime,Tag"
    )
    old = ",Size,EntryBar,ExitBar,EntryPrice,ExitPrice,PnL,ReturnPct,EntryTime,ExitTime,Duration"

    def row(number: int, first: Any, last: Any, size: int, long: bool) -> list[str]:
        size = size if long else -size
        return [f"{number},{size},1,2,{first[3]},{last[3]},,,1,0.3,0.1,{first[0]}:00,{last[0]}:00,"]

    def before(number: int, first: Any, last: Any, size: int, long: bool) -> list[str]:
        profit = (float(last[3]) - float(first[3])) * (size if long else -size)
        size = size if long else -size
        return [f"{number},{size},1,2,{first[3]},{last[3]},{profit:g},0.1,{first[0]}:00,{last[0]}:00,1 days"]

    text = csv(header, trips(row))
    return Kit(
        Sample("trades.csv", text, fees=False),
        Sample("trades.csv", csv(header, [])),
        {"of 0.5": Sample("trades.csv", csv(old, trips(before)), fees=False)},
        Sample("trades.csv", local(text), fees=False),
        older="of 0.5",
    )


def backtrader() -> Kit:
    made = table(
        "datetime,data,size,price,comm",
        lambda at, time, side, size, price, fee: f"{time}:00,AAA,{signed(side, size)},{price},{fee}",
    )
    netted = table(
        "date,amount,price,sid,symbol,value",
        lambda at, time, side, size, price, fee: f"{time}:00,{signed(side, size)},{price},0,AAA,1",
        fees=False,
    )
    return Kit(
        made.good, made.empty, {"Transactions": netted.good}, made.local, older="none: it is our own list"
    )


def pybroker() -> Kit:
    made = table(
        "id,type,symbol,date,created,order_type,intent,shares,limit_price,market_price,fill_price,fees",
        lambda at, time, side, size, price, fee: (
            f"{at},{side},AAA,{time}:00,{time[:10]},market,buy_to_open,{size},,{price},{price},{fee}"
        ),
    )
    older = table(
        "id,type,symbol,date,shares,limit_price,fill_price,fees",
        lambda at, time, side, size, price, fee: f"{at},{side},AAA,{time}:00,{size},,{price},{fee}",
    )
    return Kit(made.good, made.empty, {"of 1": older.good}, made.local, older="of 1")


def nautilus() -> Kit:
    header = (
        "client_order_id,instrument_id,order_side,order_type,last_qty,last_px,currency,commission,ts_event"
    )

    def row(at: int, time: str, side: str, size: int, price: str, fee: str) -> str:
        told = f"O-{at},AAA.XNAS,{side.upper()},MARKET,{size},{price},USD,{fee} USD,{time}:00+00:00"
        return f"{told},{{}},False"

    made = table(f"{header},info,reconciliation", row)
    older = table(header, lambda *fill: row(*fill).removesuffix(",{},False"))
    return Kit(made.good, made.empty, {"of 1.180": older.good}, made.local, older="of 1.180")


def ml4t() -> Kit:
    header = "order_id,fill_sequence,asset,side,quantity,signed_quantity,multiplier,currency,price,timestamp,"
    header += "commission,slippage"
    made = table(
        header,
        lambda at, time, side, size, price, fee: (
            f"o{at},{at},AAA,{side},{size},{signed(side, size)},1.0,USD,{price},{time}:00,{fee},0"
        ),
    )
    older = table(
        "order_id,asset,side,quantity,price,timestamp,commission",
        lambda at, time, side, size, price, fee: f"o{at},AAA,{side},{size},{price},{time}:00,{fee}",
    )
    packed = io.BytesIO()
    pd.read_csv(io.StringIO(str(made.good.content)), parse_dates=["timestamp"]).to_parquet(packed)
    others = {"of 0.1": older.good, "Parquet": Sample("fills.parquet", packed.getvalue())}
    return Kit(made.good, made.empty, others, made.local, older="of 0.1")


def bt() -> Kit:
    made = table(
        "Date,Security,price,quantity",
        lambda at, time, side, size, price, fee: f"{time}:00,AAA,{price},{signed(side, size)}",
        fees=False,
    )
    return Kit(made.good, made.empty, local=made.local, older="none: its columns are those of 0.2")


def pyfolio() -> Kit:
    made = table(
        "date,sid,symbol,price,order_id,amount,commission,dt,txn_dollars",
        lambda at, time, side, size, price, fee: (
            f"{time[:10]},AAA,AAA,{price},o{at},{signed(side, size)},,{time}:00,1"
        ),
        fees=False,
    )
    older = table(
        "date,amount,price,symbol",
        lambda at, time, side, size, price, fee: f"{time}:00,{signed(side, size)},{price},AAA",
        fees=False,
    )
    return Kit(made.good, made.empty, {"of 0.5": older.good}, made.local, older="of 0.5")


def milliseconds(time: str) -> int:
    return int(pd.Timestamp(time).value // 10**6)


def freqtrade() -> Kit:
    def order(at: int, quantity: int | None = None) -> dict[str, Any]:
        time, side, whole, price, _ = FILLS[at]
        return {
            "amount": float(quantity or whole), "safe_price": float(price), "ft_order_side": side,
            "order_filled_timestamp": milliseconds(time), "ft_is_entry": at in (0, 3), "ft_order_tag": "",
        }  # fmt: skip

    def trade(numbers: tuple[int, ...], short: bool) -> dict[str, Any]:
        return {
            "pair": SYMBOL, "fee_open": 0.001, "fee_close": 0.001, "is_short": short, "funding_fees": 0.0,
            "close_timestamp": milliseconds(FILLS[numbers[-1]][0]), "orders": [order(at) for at in numbers],
        }  # fmt: skip

    def old(enters: int, leaves: int, quantity: int) -> dict[str, Any]:
        first, last = FILLS[enters], FILLS[leaves]
        return {
            "pair": SYMBOL, "amount": float(quantity), "is_short": first[1] == "sell", "fee_open": 0.001,
            "fee_close": 0.001, "open_rate": float(first[3]), "close_rate": float(last[3]), "is_open": False,
            "open_date": f"{first[0]}:00+00:00", "close_date": f"{last[0]}:00+00:00",
        }  # fmt: skip

    def result(trades: list[dict[str, Any]]) -> str:
        told = {"trades": trades, "starting_balance": 100000.0, "stake_currency": "USD"}
        return json.dumps({"strategy": {"Mine": told}, "strategy_comparison": []}, indent=1)

    text = result([trade((0, 1, 2), False), trade((3, 4, 5), True)])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("backtest-result-1.json", text)
        archive.writestr("backtest-result-1_config.json", "{}")
        archive.writestr("backtest-result-1_Mine.json", "{}")
    return Kit(
        Sample("backtest-result-1.zip", packed.getvalue()),
        Sample("result.json", result([])),
        {
            "JSON": Sample("backtest-result.json", text),
            "of 2021": Sample("old.json", result([old(*trip) for trip in TRIPS])),
        },
        older="of 2021",
    )


def lean() -> Kit:
    def event(at: int, keys: str = "camel") -> dict[str, Any]:
        time, side, quantity, price, fee = FILLS[at]
        named = {
            "symbolValue": SYMBOL, "time": milliseconds(time) / 1000, "fillPrice": float(price),
            "fillQuantity": signed(side, quantity), "orderFeeAmount": float(fee), "direction": side,
            "orderFeeCurrency": "USD", "fillPriceCurrency": "USD", "status": "filled",
        }  # fmt: skip
        if keys == "camel":
            return named
        return {"".join(f"-{one.lower()}" if one.isupper() else one for one in key): value
                for key, value in named.items()}  # fmt: skip

    asked = {**event(0), "fillQuantity": 0, "fillPrice": 0, "status": "submitted", "orderFeeAmount": 0}
    orders = {
        str(at): {
            "Symbol": {"Value": SYMBOL}, "Price": float(price), "Quantity": signed(side, quantity),
            "Time": f"{time[:10]}T14:00:00Z", "LastFillTime": f"{time.replace(' ', 'T')}:00Z", "Status": 3,
        }
        for at, (time, side, quantity, price, _) in enumerate(FILLS)
    }  # fmt: skip
    values = [[milliseconds(day) // 1000, worth, worth, worth, worth] for day, worth in EQUITY]
    charts = {"Strategy Equity": {"Series": {"Equity": {"Values": values}}}}
    listed = csv(
        "Time,Symbol,Price,Quantity,Type,Status,Value,Tag",
        fills(
            lambda at, time, side, size, price, fee: (
                f"{time.replace(' ', 'T')}:00Z,AAA,{price},{signed(side, size)},Market,Filled,1,"
            )
        ),
    )
    return Kit(
        Sample("1-order-events.json", json.dumps([asked, *(event(at) for at in range(6))], indent=1)),
        Sample("orders.csv", "Time,Symbol,Price,Quantity,Type,Status,Value,Tag\n"),
        {
            "with dashes": Sample("e.json", json.dumps([event(at, "dashes") for at in range(6)])),
            "whole result": Sample("1.json", json.dumps({"Charts": charts, "Orders": orders}), fees=False),
            "orders": Sample("orders.csv", listed, fees=False),
        },
        older="with dashes",
    )


def alpaca() -> Kit:
    def activity(at: int) -> dict[str, Any]:
        time, side, quantity, price, _ = FILLS[at]
        return {
            "id": f"a{at}", "account_id": "X", "activity_type": "FILL", "price": price, "qty": str(quantity),
            "transaction_time": f"{time.replace(' ', 'T')}:00Z", "side": "sell_short" if at == 3 else side,
            "symbol": SYMBOL, "order_id": f"o{at}", "cum_qty": str(quantity), "leaves_qty": "0",
            "type": "fill", "order_status": "filled",
        }  # fmt: skip

    fee = {"id": "f", "account_id": "X", "activity_type": "FEE", "date": "2024-01-04", "net_amount": "-0.02",
           "status": "executed"}  # fmt: skip
    activities = [activity(at) for at in range(6)]
    header = "activity_type,transaction_time,price,qty,side,symbol"
    listed = table(
        header,
        lambda at, time, side, size, price, _: f"FILL,{time.replace(' ', 'T')}:00Z,{price},{size},{side},AAA",
        fees=False,
    )
    return Kit(
        Sample("activities.json", json.dumps([*activities, fee], indent=1), fees=False),
        listed.empty,
        {"without flows": Sample("a.json", json.dumps(activities), fees=False), "CSV": listed.good},
        listed.local,
        older="none: activities have one layout",
    )


def kits() -> dict[str, Kit]:
    """The kit of every format."""
    import exports_brokers as brokers

    return {
        "vectorbt": vectorbt(), "backtesting": backtesting(), "backtrader": backtrader(), "bt": bt(),
        "zipline": brokers.zipline(), "nautilus": nautilus(), "pybroker": pybroker(), "ml4t": ml4t(),
        "freqtrade": freqtrade(), "tradingview": brokers.tradingview(),
        "metatrader5": brokers.metatrader5(), "lean": lean(), "alpaca": alpaca(), "pyfolio": pyfolio(),
        "ib-flex": brokers.ib_flex(), "cvxportfolio": brokers.cvxportfolio(), "qlib": brokers.qlib(),
    }  # fmt: skip


def rebuilt() -> dict[str, Sample]:
    """The exports that stand in tests/ledgers/rebuilt, by the folder of each."""
    made = kits()
    languages = {"metatrader5": ("German", "Russian", "Spanish"),
                 "tradingview": ("German", "French", "Japanese", "Russian", "Chinese")}  # fmt: skip
    alone = ("tradingview", "metatrader5", "lean", "alpaca", "pyfolio", "ib-flex", "qlib")
    out = {name: made[name].good for name in alone}
    out["freqtrade"] = made["freqtrade"].others["JSON"]
    for name, listed in languages.items():
        out |= {f"{name}/{language}": made[name].others[language] for language in listed}
    return out


if __name__ == "__main__":
    for folder, sample in rebuilt().items():
        (REBUILT / folder).mkdir(parents=True, exist_ok=True)
        sample.write(REBUILT / folder)
