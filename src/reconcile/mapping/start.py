"""What an account held before its first fill, as fills of the reason `start`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa

from reconcile.files import buffers
from reconcile.ledger.columns import Source, ledger_from_arrow
from reconcile.mapping.join import joined
from reconcile.mapping.schema import Start
from vocabulary.errors import InputError
from vocabulary.ledger import Kind, Ledger, Table

REASON = "start"
_MOST_DECIMALS = 9


def with_start(ledger: Ledger, start: Start, origin: str) -> Ledger:
    """The ledger with its initial cash, and with fills at its beginning that open the positions of `start`.

    They trade at what a position cost, and the cash is raised by as much, so that after them the account
    holds what `start` says.
    Raises InputError.
    """
    cost = sum((held.quantity * held.price for held in start.positions.values()), Decimal(0))
    tables = dict(ledger.tables)
    if start.positions:
        own = _fills(start, f"{origin}: start")
        if "fills" in tables:
            own = Table(
                "fills",
                {k: own.columns[k] for k in own.columns if k in tables["fills"].columns or k == "reason"},
                own.rows,
            )
            tables["fills"] = joined("fills", [own, tables["fills"]])
        else:
            tables = {"fills": own, **tables}
    prices, quantities = _decimals(tables, Kind.PRICE), _decimals(tables, Kind.QUANTITY)
    cash = start.cash + cost
    prices = max(prices, -int(cash.normalize().as_tuple().exponent) - quantities)
    if prices > _MOST_DECIMALS or quantities > _MOST_DECIMALS:
        raise InputError(
            f"{origin}: start",
            f"prices of {prices} and quantities of {quantities} decimals",
            f"at most {_MOST_DECIMALS} of each, so that the initial cash can be computed",
            "Leave out `start`, and give the initial cash on the command line.",
        )
    manifest = replace(
        ledger.manifest,
        initial_cash=int(cash.scaleb(prices + quantities)),
        price_decimals=prices,
        quantity_decimals=quantities,
    )
    return Ledger(manifest, tables)


def _fills(start: Start, where: str) -> Table:
    held = [(symbol, one) for symbol, one in start.positions.items() if one.quantity]
    columns = {
        "timestamp": [start.at or ""] * len(held),
        "symbol": [symbol for symbol, _ in held],
        "side": ["buy" if one.quantity > 0 else "sell" for _, one in held],
        "quantity": [str(abs(one.quantity)) for _, one in held],
        "price": [str(one.price) for _, one in held],
        "notional": [f"{abs(one.quantity) * one.price:f}" for _, one in held],
        "commission": ["0"] * len(held),
        "slippage": ["0"] * len(held),
        "reason": [REASON] * len(held),
    }
    table = pa.table({name: buffers.strings(cells) for name, cells in columns.items()})
    return ledger_from_arrow([Source("fills", where, table)]).ledger.tables["fills"]


def _decimals(tables: dict[str, Table], kind: Kind) -> int:
    """The most decimals that columns of a kind have; 0 for doubles, which have none."""
    return max(
        (
            column.scale or 0
            for table in tables.values()
            for column in table.columns.values()
            if column.kind is kind
        ),
        default=0,
    )
