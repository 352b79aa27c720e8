"""TradingView: "List of trades", exported as CSV or XLSX.

Truth: exports of four generations, whose headers differ; the currency stands in them, and other languages
translate them, so columns are found by how they begin. Two rows are one trade. `Price` includes slippage.
A stamp is the open of the bar in the chart's time zone, which is not in the file.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, first_of, time_rules

WORDS = {"buy": ["Entry long", "Exit short"], "sell": ["Exit long", "Entry short"]}


def _quantity(columns: Columns) -> str | None:
    return first_of(columns, "Contracts", "Quantity", "Position size (qty)", "Size (qty)", "Qty")


def _recognises(columns: Columns) -> bool:
    names = ("Trade #", "Trade number")
    return bool(
        first_of(columns, *names) and "Type" in columns and first_of(columns, "Price") and _quantity(columns)
    )


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    time = first_of(columns, "Date/Time", "Date and time") or "Date/Time"
    price, quantity = first_of(columns, "Price") or "Price", _quantity(columns) or "Contracts"
    used = {time, price, quantity, "Type"}
    fills: dict[str, Any] = {
        "file": file,
        "columns": {"timestamp": time, "quantity": quantity, "price": price},
        "constants": {"symbol": options.symbol or "SYMBOL"},
        "side": {"column": "Type", **WORDS},
        "leave_out": {name: "follows from the trades" for name in columns if name not in used},
    }
    if "Signal" in columns:
        fills["without"] = {"Signal": ["Open"]}
        fills["leave_out"]["Signal"] = "not an order's reason"
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="tradingview",
    title="TradingView, list of trades",
    export="Strategy Tester > List of trades > Export",
    recognises=_recognises,
    rules=_rules,
    lacks=(
        "the symbol",
        "the time zone",
        "commissions: they are in the profit only",
        "orders",
        "equity per bar",
    ),
)
