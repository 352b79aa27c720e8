"""QuantConnect LEAN: the order events of a backtest as JSON, or its orders as CSV.

Truth: Engine/Results/BaseResultsHandler.cs, Common/Orders/Serialization/SerializedOrderEvent.cs. Fills
are the events whose `fillQuantity` is not 0; it is signed. `time` is in seconds, UTC. Old files have
dashes in their keys.
"""

from __future__ import annotations

from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, holds

EVENTS = ("symbolValue", "time", "fillPrice", "fillQuantity")
ORDERS = ("Time", "Symbol", "Price", "Quantity", "Type", "Status")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    zone = options.zone or "UTC"
    if holds(columns, *EVENTS):
        names = {
            "timestamp": "time",
            "symbol": "symbolValue",
            "quantity": "fillQuantity",
            "price": "fillPrice",
        }
        used = {*EVENTS, "status"}
        if "orderFeeAmount" in columns:
            names["commission"] = "= default(orderFeeAmount, 0)"
            used |= {"orderFeeAmount"}
        fills: dict[str, Any] = {"file": file, "columns": names, "side": "sign"}
        if "status" in columns:
            fills["only"] = {"status": ["filled", "partiallyFilled"]}
        time = {"epoch": "s", "zone": zone, "naive": True}
    else:
        names = {"timestamp": "Time", "symbol": "Symbol", "quantity": "Quantity", "price": "Price"}
        used = {*ORDERS} - {"Type"}
        fills = {"file": file, "columns": names, "side": "sign", "only": {"Status": ["Filled"]}}
        time = {"zone": zone, "naive": True}
    fills["leave_out"] = {name: "no column of a fill" for name in columns if name not in used}
    return {"tables": {"fills": fills}, "time": time}


FORMAT = Format(
    name="lean",
    title="QuantConnect LEAN",
    export="{id}-order-events.json of a backtest, or Orders > Download as CSV",
    recognises=lambda columns: holds(columns, *EVENTS) or holds(columns, *ORDERS),
    rules=_rules,
    lacks=("positions and cash", "equity at every bar", "fees, in the CSV of orders", "slippage"),
)
