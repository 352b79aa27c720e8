"""QuantConnect LEAN: the order events or the whole result of a backtest as JSON, or its orders as CSV.

Truth: Engine/Results/BaseResultsHandler.cs, BacktestingResultHandler.cs, Common/Orders/Order.cs,
Common/Orders/Serialization/SerializedOrderEvent.cs. Fills are the events whose `fillQuantity` is not 0; it is
signed. `time` is in seconds, UTC. Keys were `symbol-value` and `SymbolValue` before they were `symbolValue`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, Tables, holds, time_rules
from reconcile.formats.peek import Peek
from reconcile.tables.unpack import members, text_of
from reconcile.text.escape import printable
from vocabulary.errors import InputError

EVENT = ("symbolvalue", "time", "fillprice", "fillquantity")
ORDERS = ("Time", "Symbol", "Price", "Quantity", "Type", "Status")
FILLED = ("3", "filled")
"""The status of a filled order: a number, in old results a word."""
FILL = ("timestamp", "symbol", "side", "quantity", "price", "commission")


def _bare(record: Any) -> dict[str, Any]:
    """A record under keys without dashes, in lower case: of every generation the same."""
    if not isinstance(record, dict):
        return {}
    return {re.sub(r"[^a-z]", "", str(key).lower()): value for key, value in record.items()}


def _json_of(path: Path) -> Any:
    """The parsed JSON, numbers as their text. Raises InputError: it cannot be read."""
    try:
        text = text_of(members(path)[0], None)
        return json.loads(text, parse_float=str, parse_int=str)
    except (OSError, ValueError, RecursionError) as error:
        found = f"JSON that cannot be read ({type(error).__name__})"
        raise InputError(str(path), found, EXPORT, "Download it again.") from None


def owns(peek: Peek) -> bool:
    """Whether a file is one: a list of order events, or a result with orders and charts."""
    if peek.ending != ".json" or not re.search(
        rb'(?i)fill-?quantity|"(charts|orders|rollingwindow)"', peek.start
    ):
        return False
    try:
        found = _json_of(peek.path)
    except InputError:
        return False
    if isinstance(found, list):
        return bool(found) and all(holds(tuple(_bare(one)), *EVENT) for one in found[:20])
    return {"orders", "charts"} <= _bare(found).keys()


def tables_of(path: Path, options: Options | None = None) -> Tables:
    """Fills of events, or of a result's filled orders with the equity that it sampled.

    Raises InputError: no such JSON, an event without its numbers, fees in another currency.
    """
    import pandas as pd

    found = _json_of(path)
    if isinstance(found, list):
        fills = [one for at, event in enumerate(found, 1) for one in _of_event(event, f"{path}: event {at}")]
        return Tables({"fills": pd.DataFrame(fills, columns=list(FILL)).dropna(axis=1, how="all")})
    result = _bare(found)
    orders = result.get("orders")
    if not isinstance(orders, dict):
        raise InputError(str(path), "JSON of another kind", EXPORT, "Name the order events, or the result.")
    fills, partly = _of_orders(orders, str(path))
    tables = {"fills": pd.DataFrame(fills, columns=list(FILL[:-1]))}
    notes = ["fees are not in it, and of an order only its average price: {id}-order-events.json has both"]
    if partly:
        notes.append(f"orders filled in part and then cancelled: {partly}; what was filled is not in it")
    equity = _equity(result.get("charts"))
    if equity:
        tables["equity"] = pd.DataFrame(equity, columns=["timestamp", "equity"])
        notes.append("equity is what the chart sampled, not every bar")
    return Tables(tables, tuple(notes))


def _of_event(raw: Any, where: str) -> Iterator[tuple[Any, ...]]:
    event = _bare(raw)
    quantity = _number(event, "fillquantity", where)
    if quantity == 0:
        return
    fee, charged, priced = (
        event.get(name) for name in ("orderfeeamount", "orderfeecurrency", "fillpricecurrency")
    )
    if (
        fee is not None
        and charged
        and priced
        and charged != priced
        and _number(event, "orderfeeamount", where)
    ):
        said = f"a fee in {printable(str(charged), 20)} on a fill in {printable(str(priced), 20)}"
        raise InputError(where, said, "both in one currency", "Leave such events out.")
    _number(event, "fillprice", where)
    stamp = _stamp(event.get("time"), f"{where}, time")
    yield _fill(stamp, str(event.get("symbolvalue", "")), event["fillquantity"], event["fillprice"], fee)


def _of_orders(orders: Mapping[str, Any], origin: str) -> tuple[list[tuple[Any, ...]], int]:
    """(fills of the filled orders by time, orders that were filled in part and then cancelled)."""
    fills, partly = [], 0
    for key, raw in orders.items():
        order, where = _bare(raw), f"{origin}: order {printable(str(key), 20)}"
        filled = order.get("lastfilltime") or order.get("time")
        if str(order.get("status", "")).lower() not in FILLED:
            partly += order.get("lastfilltime") is not None
            continue
        symbol = _bare(order.get("symbol")).get("value") or order.get("symbol", "")
        _number(order, "price", where)
        if _number(order, "quantity", where):
            stamp = _stamp(filled, f"{where}, time")
            fills.append(_fill(stamp, str(symbol), order["quantity"], order["price"])[:-1])
    return sorted(fills, key=lambda row: row[0]), partly


def _fill(stamp: Any, symbol: str, quantity: Any, price: Any, fee: Any = None) -> tuple[Any, ...]:
    amount = str(quantity)
    side = "sell" if amount.startswith("-") else "buy"
    return stamp, symbol, side, amount.lstrip("+-"), str(price), None if fee is None else str(fee)


def _equity(charts: Any) -> list[tuple[Any, str]]:
    """(time, equity) of the chart `Strategy Equity`: the last value of each candle."""
    series = _bare(_bare(charts).get("strategyequity")).get("series")
    rows = []
    for point in _bare(_bare(series).get("equity")).get("values") or []:
        if isinstance(point, dict):
            time, value = point.get("x"), point.get("y")
        else:
            time, value = point[0], point[-1]
        rows.append((_stamp(time, "equity"), str(value)))
    return rows


def _number(record: Mapping[str, Any], name: str, where: str) -> float:
    try:
        return float(record[name])
    except (KeyError, TypeError, ValueError):
        found = printable(repr(record.get(name)), 40)
        raise InputError(f"{where}, {name}", found, "a number", "Download it again.") from None


def _stamp(value: Any, where: str) -> Any:
    """An instant, of seconds since 1970 or of text."""
    import pandas as pd

    try:
        if re.fullmatch(r"\d+(\.\d+)?", str(value)):
            whole, _, fraction = str(value).partition(".")
            return pd.Timestamp(int(whole) * 10**9 + int(fraction[:9].ljust(9, "0")), unit="ns", tz="UTC")
        return pd.to_datetime(str(value), utc=True)
    except (ValueError, OverflowError):
        found = printable(repr(value), 40)
        raise InputError(
            where, found, "seconds since 1970, or a date and time", "Download it again."
        ) from None


def _own_rules(file: str, columns: Columns, options: Options) -> Rules:
    tables: dict[str, Any] = {name: {"file": name} for name in columns}
    tables["fills"]["execution_order"] = "rows"
    return {"tables": tables, **time_rules(options, "UTC")}


def _order_rules(file: str, columns: Columns, options: Options) -> Rules:
    names = {"timestamp": "Time", "symbol": "Symbol", "quantity": "Quantity", "price": "Price"}
    used = {*ORDERS} - {"Type"}
    fills = {
        "file": file,
        "columns": names,
        "side": "sign",
        "only": {"Status": ["Filled"]},
        "leave_out": {name: "no column of a fill" for name in columns if name not in used},
    }
    return {"tables": {"fills": fills}, **time_rules(options, "UTC")}


EXPORT = "{id}-order-events.json of a backtest, or its {id}.json"
FORMAT = Format(
    name="lean",
    title="QuantConnect LEAN",
    export=EXPORT,
    recognises=lambda columns: False,  # by its JSON, see `owns`
    rules=_own_rules,
    holds=("every fill with its fee, of order events", "sampled equity, of a whole result"),
    lacks=("positions and cash", "equity at every bar", "slippage"),
    mind=(
        "A whole result has no order events: its orders lack fees, and what was filled in part.",
        "Prices may be adjusted for splits and dividends.",
    ),
    owns=owns,
    tables=tables_of,
    also=(
        Format(
            name="lean",
            title="QuantConnect LEAN, orders",
            export="Orders > Download as CSV",
            recognises=lambda columns: holds(columns, *ORDERS),
            rules=_order_rules,
            holds=("every filled order",),
            lacks=("fees", "positions and cash", "equity at every bar", "slippage"),
        ),
    ),
)
