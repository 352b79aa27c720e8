"""zipline-reloaded: the perf frame of `run_algorithm`, or its equity written as CSV.

Truth: finance/transaction.py, finance/order.py, algorithm.py (3.1, 3.2). `amount` is signed; a
transaction's `commission` is always None, that of an order is accumulated. In CSV the lists of
transactions are text, which is never evaluated: only equity and returns are read from it. Stamps are
the instants at which sessions end; they become the sessions' days, as bars are stamped.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds

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
    return {"tables": {"equity": equity}, "returns": returns, **by_session(options)}


def by_session(options: Options) -> dict[str, Any]:
    """[time] of stamps at the end of a session, which become its day."""
    return {"time": {"zone": options.zone or "UTC", "naive": True, "floor": "day"}}


FORMAT = Format(
    name="zipline",
    title="zipline-reloaded",
    export="perf.to_csv('perf.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    holds=("equity, cash and return of every session",),
    mind=(
        "In CSV, transactions and orders are text of Python, which is never evaluated.",
        "Dividends move cash on their pay date, without a fill.",
    ),
    lacks=("fills, in CSV: use reconcile.from_zipline(perf)", "the commission of each fill", "slippage"),
)


def tables_of(perf: Any) -> dict[str, Any]:
    """Tables of a perf frame: fills of its transactions, equity per session.

    The commission of an order is reported once, on its last fill of the session in which it grew. Where every
    transaction stands at the end of its session, as those of daily bars do, all stamps are days; else they
    are instants in UTC.
    """
    import pandas as pd

    closes = pd.DatetimeIndex(perf.get("period_close", perf.index))
    days = _days(closes, perf.get("period_open"))
    stamps = [{_utc(each["dt"]) for each in perf.at[session, "transactions"]} for session in perf.index]
    daily = all(found <= {_utc(close)} for found, close in zip(stamps, closes, strict=True))
    paid: dict[Any, float] = {}
    rows = []
    for session, day in zip(perf.index, days, strict=True):
        now = {order["id"]: float(order["commission"] or 0) for order in perf.at[session, "orders"]}
        for transaction in perf.at[session, "transactions"]:
            order = transaction["order_id"]
            fee = now.get(order, 0.0) - paid.get(order, 0.0)
            paid[order] = paid.get(order, 0.0) + fee
            rows.append(
                {
                    "timestamp": day if daily else _utc(transaction["dt"]),
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
            "timestamp": days if daily else closes.map(_utc),
            "equity": perf["portfolio_value"].to_numpy(float),
            "cash": perf["ending_cash"].to_numpy(float),
            "market_value": perf["ending_value"].to_numpy(float),
        }
    )
    return {"fills": pd.DataFrame(rows, columns=columns), "equity": equity.reset_index(drop=True)}


def _utc(stamp: Any) -> Any:
    """A Timestamp as clock time in UTC."""
    import pandas as pd

    stamp = pd.Timestamp(stamp)
    return stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)


def _days(closes: Any, opens: Any) -> list[Any]:
    """The day of each session: that of its end, but of its start where it ends at midnight."""
    days = []
    for close, start in zip(closes, closes if opens is None else opens, strict=True):
        end, start = _utc(close), _utc(start)
        at_midnight = end == end.normalize() and start < end
        days.append((start if at_midnight else end).normalize())
    return days
