"""Alpaca: account activities as JSON or CSV.

Truth: alpaca/trading/models.py, enums.py. `qty` has no sign. Regulatory and crypto fees are activities of
their own, FEE and CFEE, as are dividends, interest and transfers: they become flows. Stamps are instants
in UTC.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds

COLUMNS = ("activity_type", "transaction_time", "price", "qty", "side", "symbol")
KINDS = {
    "dividend": ["DIV", "DIVCGL", "DIVCGS", "DIVNRA", "DIVROC", "DIVTXEX"],
    "interest": ["INT"],
    "fee": ["FEE", "CFEE"],
    "deposit": ["CSD"],
    "withdrawal": ["CSW"],
}


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    used = {*COLUMNS, "net_amount", "date"}
    tables: dict[str, Any] = {
        "fills": {
            "file": file,
            "columns": {"timestamp": "transaction_time", "quantity": "qty"},
            "side": {"buy": ["buy"], "sell": ["sell", "sell_short"]},
            "only": {"activity_type": ["FILL"]},
            "leave_out": {name: "no column of a fill" for name in columns if name not in used},
        }
    }
    if holds(columns, "net_amount", "date"):
        words = [word for each in KINDS.values() for word in each]
        tables["flows"] = {
            "file": file,
            "columns": {"timestamp": "date", "amount": "net_amount", "kind": "activity_type"},
            "words": {"kind": KINDS},
            "only": {"activity_type": words},
        }
    return {"tables": tables, "time": {"zone": options.zone or "UTC", "naive": True}}


FORMAT = Format(
    name="alpaca",
    title="Alpaca, account activities",
    export="GET /v2/account/activities, saved as JSON",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    lacks=("the fee of each fill", "orders", "positions", "equity"),
)
