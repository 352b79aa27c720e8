"""vectorbt: `pf.orders.records_readable`, written as CSV or Parquet, or the Portfolio itself.

Truth: vectorbt/portfolio/enums.py (order_dt), orders.py, base/records.py (1.2.0). `Size` has no sign;
`Price` includes slippage; `Fees` are positive. A reversal is one order. `Order Id` is the order of
execution.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules

COLUMNS = ("Timestamp", "Size", "Price", "Fees", "Side")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    names = {
        "timestamp": "Timestamp",
        "side": "Side",
        "quantity": "Size",
        "price": "Price",
        "commission": "Fees",
    }
    fills: dict[str, Any] = {
        "file": file,
        "columns": names,
        "side": {"buy": ["Buy"], "sell": ["Sell"]},
        "execution_order": "rows",
        "leave_out": {
            name: "numbers the orders"
            for name in columns
            if name in ("Order Id", "Id", "Signal Id", "Unnamed: 0", "")
        },
    }
    if options.symbol is None and "Column" in columns:
        names["symbol"] = "Column"
    else:
        fills["constants"] = {"symbol": options.symbol or "ASSET"}
        if "Column" in columns:
            fills["leave_out"]["Column"] = "the symbol is given"
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="vectorbt",
    title="vectorbt",
    export="pf.orders.records_readable.to_csv('orders.csv', index=False)",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    lacks=(
        "orders that were not filled",
        "slippage apart from the price",
        "the bar of the decision",
        "equity",
    ),
)


def tables_of(portfolio: Any) -> dict[str, Any]:
    """Tables of a vectorbt Portfolio: fills, and equity where it is one account.

    portfolio: vectorbt.Portfolio. Several parameter columns beside symbols are refused by the caller's
    symbols.
    """
    import pandas as pd

    orders = portfolio.orders.records_readable
    tables: dict[str, Any] = {
        "fills": pd.DataFrame(
            {
                "timestamp": pd.to_datetime(orders["Timestamp"]),
                "symbol": orders["Column"].map(_symbol),
                "side": orders["Side"].str.lower(),
                "quantity": orders["Size"].astype(float),
                "price": orders["Price"].astype(float),
                "commission": orders["Fees"].astype(float),
            }
        )
    }
    value, cash = portfolio.value(), portfolio.cash()
    if getattr(value, "ndim", 1) == 2 and value.shape[1] > 1:
        return tables  # an account per column: no one equity
    value, cash = (each.iloc[:, 0] if getattr(each, "ndim", 1) == 2 else each for each in (value, cash))
    equity = {"timestamp": value.index, "equity": value.to_numpy(float)}
    if len(cash) == len(value):
        equity |= {"cash": cash.to_numpy(float), "market_value": value.to_numpy(float) - cash.to_numpy(float)}
    tables["equity"] = pd.DataFrame(equity)
    return tables


def _symbol(column: Any) -> str:
    """A column's label: of several levels the last one, which names the symbol."""
    return str(column[-1] if isinstance(column, tuple) else column)
