"""nautilus_trader: the fills report, written as CSV, or the engine's trader.

Truth: nautilus_trader/analysis/reporter.py, model/events/order.pyx. `commission` is text with its
currency, positive when paid. Rows are sorted by order id, not by time. Stamps are instants in UTC.
An instrument's id is its symbol, a dot and its venue; the symbol may have dots, too.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds, require_one, time_rules, words_of
from reconcile.formats.tidy import without_venues
from reconcile.tables.model import RawTable
from reconcile.text.escape import printable
from vocabulary.errors import InputError

COLUMNS = ("instrument_id", "order_side", "last_qty", "last_px", "commission", "ts_event")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    names = {
        "timestamp": "ts_event", "symbol": "instrument_id", "side": "order_side", "quantity": "last_qty",
        "price": "last_px", "commission": "commission",
    }  # fmt: skip
    fills: dict[str, Any] = {
        "file": file,
        "columns": names,
        "side": {"buy": ["BUY"], "sell": ["SELL"]},
        "leave_out": {name: "no column of a fill" for name in columns if name not in COLUMNS},
    }
    return {
        "tables": {"fills": fills},
        "numbers": {"units": ["USD", "USDT", "USDC", "EUR", "GBP", "JPY", "BTC", "ETH"]},
        **time_rules(options, "UTC"),
    }


def _check(table: RawTable) -> tuple[str, ...]:
    """Raises InputError: a commission in another currency than its fill, or fills in several."""
    paid = {word.rpartition(" ")[2] for word in words_of(table, "commission") if " " in word}
    priced = set(words_of(table, "currency"))
    others = sorted(paid - priced) if priced else sorted(paid)[1:]
    if others:
        one, other = (printable(", ".join(each), 60) for each in (others, sorted(priced)))
        found = f"commissions in {one}, fills in {other}"
        remedy = "Export the fills of each currency alone."
        raise InputError(table.origin, found, "both in the currency of the account", remedy)
    require_one(table, "currencies", "currency")
    return ()


FORMAT = Format(
    name="nautilus",
    title="nautilus_trader",
    export="engine.trader.generate_fills_report().to_csv('fills.csv')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    check=_check,
    holds=("every fill, with its commission",),
    mind=(
        "Rows are sorted by order, not by time.",
        "A commission in another currency than the fill's is an error: amounts are never converted.",
    ),
    lacks=("cash and equity per bar", "the order of execution within one instant", "slippage"),
    tidy=without_venues,
)


def tables_of(engine: Any) -> dict[str, Any]:
    """Fills of a BacktestEngine, by its own report; amounts are its decimals."""
    import pandas as pd

    report = engine.trader.generate_fills_report().sort_values(["ts_event", "trade_id"], kind="stable")
    fills = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(report["ts_event"], utc=True).dt.tz_localize(None),
            "symbol": [str(name) for name in report["instrument_id"]],
            "side": [str(side).rpartition(".")[2].lower() for side in report["order_side"]],
            "quantity": report["last_qty"].astype(str),
            "price": report["last_px"].astype(str),
            "commission": [str(paid).partition(" ")[0] for paid in report["commission"]],
        }
    )
    return {"fills": fills}
