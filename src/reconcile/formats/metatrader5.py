"""MetaTrader 5: the Deals of a strategy tester report, as CSV, XLSX or HTML.

Truth: parsers of the report, and sample rows. `Volume` is in lots; the contract's size is not in the
report. Commission, fee, swap and profit are signed effects on cash: below 0 is paid. Rows of type balance
are deposits. Stamps are server time.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules

COLUMNS = ("Time", "Deal", "Symbol", "Type", "Direction", "Volume", "Price", "Commission", "Swap", "Profit")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    trades = {"Type": ["buy", "sell"]}
    commission = "= 0 - Commission - default(Fee, 0)" if "Fee" in columns else "= 0 - Commission"
    used = {*COLUMNS, "Fee"} - {"Deal", "Direction"}
    fills: dict[str, Any] = {
        "file": file,
        "columns": {
            "timestamp": "Time", "symbol": "Symbol", "side": "Type", "quantity": "Volume", "price": "Price",
            "commission": commission,
        },
        "side": {"buy": ["buy"], "sell": ["sell"]},
        "only": trades,
        "execution_order": "rows",
        "leave_out": {name: "no column of a fill" for name in columns if name not in used},
    }  # fmt: skip
    money = {"timestamp": "Time", "amount": "Profit"}
    flows: list[dict[str, Any]] = [
        {"file": file, "only": {"Type": ["balance"]}, "columns": money, "constants": {"kind": "deposit"}},
        {
            "file": file,
            "only": trades,
            "columns": {"timestamp": "Time", "symbol": "Symbol", "amount": "Swap"},
            "constants": {"kind": "funding"},
        },
    ]
    return {"numbers": {"thousands": " "}, "tables": {"fills": fills, "flows": flows}, **time_rules(options)}


FORMAT = Format(
    name="metatrader5",
    title="MetaTrader 5, deals",
    export="Strategy Tester > Backtest > Report > Open XML (or HTML)",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    lacks=("the contract's size", "the time zone of the server", "equity per bar", "slippage"),
)
