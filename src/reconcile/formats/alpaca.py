"""Alpaca: account activities as JSON or CSV.

Truth: alpaca/trading/models.py, enums.py. `qty` has no sign. Regulatory and crypto fees are activities of
their own, FEE and CFEE, as are dividends, interest and transfers: they become flows. Stamps are instants
in UTC.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, cells_of, holds, require_one
from reconcile.tables.model import RawTable

COLUMNS = ("activity_type", "transaction_time", "price", "qty", "side", "symbol")
KINDS = {
    "dividend": ["DIV", "DIVCGL", "DIVCGS", "DIVROC", "DIVTXEX", "DIVPAY", "DIVFEE"],
    "tax": ["DIVNRA", "DIVTW", "DIVFT", "INTNRA", "INTTW"],
    "interest": ["INT"],
    "fee": ["FEE", "CFEE", "PTC"],
    "deposit": ["CSD"],
    "withdrawal": ["CSW"],
    "other": ["JNLC", "ACATC", "CSR", "MA", "NC", "TRANS", "MISC"],
}
CANCELED = "canceled"


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    used = {*COLUMNS, "net_amount", "date", "status"}
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
            **({"without": {"status": [CANCELED]}} if "status" in columns else {}),
        }
    return {"tables": tables, "time": {"zone": options.zone or "UTC", "naive": True}}


def _check(table: RawTable) -> tuple[str, ...]:
    """Notes about fills and pages that are not there. Raises InputError: several accounts or currencies."""
    require_one(table, "accounts", "account_id")
    require_one(table, "currencies", "currency")
    notes = []
    corrected = cells_of(table, "status").count("correct")
    if corrected:
        notes.append(f"corrections: {corrected}, counted beside what they correct")
    short = _short_of(table)
    if short:
        said = f"orders filled by more than the fills here: {len(short)}, such as {short[0]}"
        notes.append(f"{said}; a page is missing")
    return tuple(notes)


def _short_of(table: RawTable) -> list[str]:
    """The orders of which the fills here are not all: the largest `cum_qty` is more than their sum."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    told: dict[str, Decimal] = defaultdict(Decimal)
    names = ("activity_type", "order_id", "qty", "cum_qty")
    for kind, order, quantity, total in zip(*(cells_of(table, name) for name in names), strict=True):
        try:
            if kind == "FILL" and order and total:
                held[order] += Decimal(quantity)
                told[order] = max(told[order], Decimal(total))
        except InvalidOperation:
            continue  # an error where the cell is read
    return [order for order, most in told.items() if most > held[order]]


FORMAT = Format(
    name="alpaca",
    title="Alpaca, account activities",
    export="GET /v2/account/activities, saved as JSON",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    check=_check,
    holds=("every fill, partial ones each", "fees, dividends, interest and transfers, as flows"),
    lacks=("the fee of each fill", "orders", "positions", "equity"),
    mind=(
        "Fees are activities of their own, dated by day; cancelled activities are not counted.",
        "Activities come in pages: a fill that is missing of an order is reported.",
        "Several accounts or currencies are errors.",
    ),
)
