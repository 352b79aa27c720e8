"""vectorbt: `pf.orders.records_readable`, written as CSV or Parquet, or the Portfolio itself.

Truth: vectorbt/portfolio/enums.py (order_dt), orders.py, base/records.py (1.2.0). `Size` has no sign;
`Price` includes slippage; `Fees` are positive. A reversal is one order. `Order Id` is the order of
execution.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, first_of, holds, time_rules
from reconcile.formats.tidy import without_parameters

STAMPS = ("Timestamp", "Fill Index", "Date", "Index")
"""The time of an order: of 0.20 to 1.x, of vectorbt PRO, of 0.1x, and of frames without times."""
COLUMNS = ("Size", "Price", "Fees", "Side")
TRADE = ("Size", "Entry Fees", "Exit Fees", "Direction", "Status")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    names = {
        "timestamp": _stamp(columns) or "Timestamp",
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
    }
    _name_symbol(fills, columns, options)
    used = {*names.values(), "Column"}
    rest = {name: "of the order, not of the fill" for name in columns if name not in used}
    fills["leave_out"] = rest
    return {"tables": {"fills": fills}, **time_rules(options)}


def _trade_rules(file: str, columns: Columns, options: Options) -> Rules:
    """Trades: each row is an entry and an exit; that of an open one is the last close."""
    names = {}
    for end, other in (("Entry", "open"), ("Exit", "close")):
        price = first_of(columns, f"Avg {end} Price", f"Avg. {end} Price") or f"{end} Price"
        stamp = first_of(columns, f"{end} Timestamp", f"{end} Index", f"{end} Date") or f"{end} Timestamp"
        names[other] = {"timestamp": stamp, "price": price, "commission": f"{end} Fees"}
    fills: dict[str, Any] = {
        "file": file,
        "columns": {"quantity": "Size"},
        "round_trips": {
            **names,
            "side": {"column": "Direction", "long": ["Long"], "short": ["Short"]},
            "still_open": {"Status": ["Open"]},
        },
    }
    _name_symbol(fills, columns, options)
    used = {*TRADE, "Column", *(theirs for end in names.values() for theirs in end.values())}
    rest = {name: "follows from the trade" for name in columns if name not in used}
    fills["leave_out"] = rest
    return {"tables": {"fills": fills}, **time_rules(options)}


def _stamp(columns: Columns) -> str | None:
    return next((name for name in STAMPS if name in columns), None)


def _name_symbol(fills: dict[str, Any], columns: Columns, options: Options) -> None:
    """The symbol: of `Column`; where there is none, the one that is given."""
    if "Column" in columns:
        fills["columns"]["symbol"] = "Column"
    else:
        fills["constants"] = {"symbol": options.symbol or "ASSET"}


FORMAT = Format(
    name="vectorbt",
    title="vectorbt",
    export="pf.orders.records_readable.to_csv('orders.csv', index=False)",
    recognises=lambda columns: holds(columns, *COLUMNS) and _stamp(columns) is not None,
    rules=_rules,
    tidy=without_parameters,
    holds=("every filled order, with its fees",),
    lacks=(
        "orders that were not filled",
        "slippage apart from the price",
        "the bar of the decision",
        "equity",
    ),
    mind=(
        "`Size` has no sign; `Price` has slippage in it.",
        "A reversal is one order.",
        "`Column` may hold parameters before the symbol: they are taken off where one run is in the file.",
    ),
    also=(
        Format(
            name="vectorbt",
            title="vectorbt, trades",
            export="pf.trades.records_readable.to_csv('trades.csv', index=False)",
            recognises=lambda columns: holds(columns, *TRADE),
            rules=_trade_rules,
            tidy=without_parameters,
            holds=("the entry and the exit of every trade, with their fees",),
            lacks=("orders", "the order of execution", "slippage apart from the price", "equity"),
            mind=("The exit of an open trade is the last close, and no fill.",),
        ),
    ),
)


def tables_of(portfolio: Any) -> dict[str, Any]:
    """Tables of a vectorbt Portfolio: fills, and equity where it is one account.

    portfolio: vectorbt.Portfolio. A column of several levels is named like in its file, by all of them.
    """
    import pandas as pd

    orders = portfolio.orders.records_readable
    tables: dict[str, Any] = {
        "fills": pd.DataFrame(
            {
                "timestamp": pd.to_datetime(orders["Timestamp"]),
                "symbol": orders["Column"].map(_label),
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


def _label(column: Any) -> str:
    """A column's label as it stands in a file; of one level the level itself."""
    if not isinstance(column, tuple):
        return str(column)
    return f"({', '.join(repr(str(one)) for one in column)})"
