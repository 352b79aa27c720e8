"""bt: `res.get_transactions()` and the strategy's `data`, written as CSV, or the result itself.

Truth: bt/core.py, bt/backtest.py (1.4.1). Transactions are differences of end-of-day positions: two
trades of one day are one. `quantity` is signed. Fees are per day for the whole strategy. It fills on the
bar that decides.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, equity_rules, holds, time_rules

COLUMNS = ("Date", "Security", "price", "quantity")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    fills = {
        "file": file,
        "columns": {"timestamp": "Date", "symbol": "Security"},
        "side": "sign",
        "leave_out": {name: "no column of a fill" for name in columns if name not in COLUMNS},
    }
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="bt",
    title="bt",
    export="res.get_transactions().to_csv('transactions.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    holds=("one netted trade per day and security",),
    mind=(
        "Two trades of a day are one row. The first row holds what was bought on the first day.",
        "It fills on the bar that decides, at that bar's price.",
    ),
    lacks=(
        "orders",
        "the fee of each trade",
        "the order of execution",
        "trades that a day's other trades undo",
    ),
    also=(
        Format(
            name="bt",
            title="bt, data of a strategy",
            export="res.backtests['name'].strategy.data.to_csv('data.csv')",
            recognises=lambda columns: holds(columns, "price", "value", "notional_value", "cash", "fees"),
            rules=equity_rules(("Date",), equity="value", cash="cash"),
            holds=("cash and worth of every day",),
            lacks=("fills", "orders", "positions"),
            mind=("Its first row is the day before the first: the initial capital.",),
        ),
    ),
)


def tables_of(result: Any, name: str | None = None) -> dict[str, Any]:
    """Tables of a bt Result. name: of the backtest, by default the only one."""
    import pandas as pd

    chosen = name or next(iter(result.backtests))
    transactions = result.get_transactions(chosen).reset_index()
    fills = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(transactions["Date"]),
            "symbol": transactions["Security"],
            "side": (transactions["quantity"] > 0).map({True: "buy", False: "sell"}),
            "quantity": transactions["quantity"].abs().astype(float),
            "price": transactions["price"].astype(float),
        }
    )
    data = result.backtests[chosen].strategy.data
    equity = pd.DataFrame(
        {
            "timestamp": data.index,
            "equity": data["value"].to_numpy(float),
            "cash": data["cash"].to_numpy(float),
        }
    )
    return {"fills": fills, "equity": equity.iloc[1:]}  # the first row is a day before the data
