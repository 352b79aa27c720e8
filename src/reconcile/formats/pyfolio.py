"""pyfolio: the transactions frame, written as CSV.

Truth: pyfolio/utils.py, round_trips.py. `amount` is signed; commissions are usually absent; times may be
cut to days. Of zipline's transactions, `symbol` is a printed asset.
"""

from __future__ import annotations

from reconcile.formats.model import Columns, Format, Options, Rules, holds, time_rules
from reconcile.formats.tidy import without_asset_marks

COLUMNS = ("symbol", "amount", "price")
BESIDES = {"sid", "order_id", "commission", "dt", "txn_dollars", "date", "timestamp", "index"}
"""What else the frame has. Other names are of another table."""


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    stamp = next(
        (name for name in ("dt", "date", "timestamp", "index", "Unnamed: 0") if name in columns), columns[0]
    )
    fills = {
        "file": file,
        "columns": {"timestamp": stamp, "quantity": "amount"},
        "side": "sign",
        "leave_out": {name: "no column of a fill" for name in columns if name not in {*COLUMNS, stamp}},
    }
    return {"tables": {"fills": fills}, **time_rules(options)}


FORMAT = Format(
    name="pyfolio",
    title="pyfolio, transactions",
    export="transactions.to_csv('transactions.csv')",
    recognises=lambda columns: (
        holds(columns, *COLUMNS) and set(columns) - BESIDES <= {*COLUMNS, "Unnamed: 0", "column 1"}
    ),
    rules=_rules,
    holds=("every transaction",),
    mind=("`amount` is signed. The frame of positions holds values, no quantities, and is not read.",),
    lacks=("commissions", "orders", "equity", "the time of day, where it was cut"),
    tidy=without_asset_marks,
)
