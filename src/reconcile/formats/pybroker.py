"""pybroker: `result.orders` and `result.portfolio`, written as CSV, or the result itself.

Truth: pybroker/portfolio.py, strategy.py (2.0.2). `shares` have no sign; `fees` are positive. Numbers are
rounded to cents by default (`round_test_result=True`). In `portfolio`, `equity` counts shorts at cost:
`market_value` is the worth of the account.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, equity_rules, holds, time_rules

COLUMNS = ("type", "symbol", "date", "shares", "fill_price", "fees")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    fills = {
        "file": file,
        "columns": {
            "timestamp": "date", "side": "type", "quantity": "shares", "price": "fill_price",
            "commission": "fees",
        },
        "side": {"buy": ["buy"], "sell": ["sell"]},
        "execution_order": "rows",
        "leave_out": {name: "of the order, not of the fill" for name in columns if name not in COLUMNS},
    }  # fmt: skip
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="pybroker",
    title="pybroker",
    export="result.orders.to_csv('orders.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    holds=("every filled order, with its fees",),
    mind=(
        "Numbers are rounded to cents, unless `round_test_result=False`.",
        "The price is by default the middle of the bar; `shares` have no sign.",
    ),
    lacks=(
        "orders that were not filled",
        "slippage",
        "positions, unless it recorded them",
        "digits below a cent",
    ),
    also=(
        Format(
            name="pybroker",
            title="pybroker, portfolio",
            export="result.portfolio.to_csv('portfolio.csv')",
            recognises=lambda columns: holds(columns, "cash", "equity", "market_value", "unrealized_pnl"),
            rules=equity_rules(("date",), equity="market_value", cash="cash"),
            holds=("cash and worth of every bar",),
            lacks=("fills", "orders", "positions"),
            mind=("Its `equity` counts shorts at cost: `market_value` is the worth of the account.",),
        ),
    ),
)


def tables_of(result: Any) -> dict[str, Any]:
    """Tables of a pybroker TestResult."""
    import pandas as pd

    orders, portfolio = result.orders, result.portfolio
    fills = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(orders["date"]),
            "symbol": orders["symbol"],
            "side": orders["type"],
            "quantity": orders["shares"].astype(float),
            "price": orders["fill_price"].astype(float),
            "commission": orders["fees"].astype(float),
        }
    )
    equity = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(portfolio.index),
            "equity": portfolio["market_value"].to_numpy(float),
            "cash": portfolio["cash"].to_numpy(float),
        }
    )
    return {"fills": fills, "equity": equity}
