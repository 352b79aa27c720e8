"""zipline-reloaded: the perf frame of `run_algorithm`, or its equity written as CSV.

Truth: finance/transaction.py, finance/order.py, algorithm.py (3.1, 3.2). `amount` is signed; a
transaction's `commission` is always None, that of an order is accumulated. In CSV the lists of
transactions are text, which is never evaluated: only equity and returns are read from it.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules

COLUMNS = ("portfolio_value", "ending_cash", "ending_value", "returns")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    stamp = "period_close" if "period_close" in columns else columns[0]
    used = {stamp, *COLUMNS}
    equity = {
        "file": file,
        "columns": {
            "timestamp": stamp, "equity": "portfolio_value", "cash": "ending_cash",
            "market_value": "ending_value",
        },
        "leave_out": {name: "no column of equity" for name in columns if name not in used},
    }  # fmt: skip
    returns = {"file": file, "column": "returns", "timestamp": stamp}
    return {"tables": {"equity": equity}, "returns": returns, **time_rules(options, "UTC")}


FORMAT = Format(
    name="zipline",
    title="zipline-reloaded",
    export="perf.to_csv('perf.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    lacks=("fills, in CSV: use reconcile.from_zipline(perf)", "the commission of each fill", "slippage"),
)


def tables_of(perf: Any) -> dict[str, Any]:
    """Tables of a perf frame: fills of its transactions, equity per session.

    The commission of an order is told once, on its last fill of the session in which it grew.
    """
    import pandas as pd

    paid: dict[Any, float] = {}
    rows = []
    for session in perf.index:
        now = {order["id"]: float(order["commission"] or 0) for order in perf.at[session, "orders"]}
        for transaction in perf.at[session, "transactions"]:
            order = transaction["order_id"]
            fee = now.get(order, 0.0) - paid.get(order, 0.0)
            paid[order] = paid.get(order, 0.0) + fee
            rows.append(
                {
                    "timestamp": transaction["dt"],
                    "symbol": str(getattr(transaction["sid"], "symbol", transaction["sid"])),
                    "side": "buy" if transaction["amount"] > 0 else "sell",
                    "quantity": float(abs(transaction["amount"])),
                    "price": float(transaction["price"]),
                    "commission": fee,
                }
            )
    columns = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    equity = pd.DataFrame(
        {
            "timestamp": perf.get("period_close", perf.index),
            "equity": perf["portfolio_value"].to_numpy(float),
            "cash": perf["ending_cash"].to_numpy(float),
            "market_value": perf["ending_value"].to_numpy(float),
        }
    )
    return {"fills": pd.DataFrame(rows, columns=columns), "equity": equity.reset_index(drop=True)}
