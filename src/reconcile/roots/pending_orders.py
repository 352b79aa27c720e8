"""What is due at a bar: orders, and the rows that tell of them."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.roots.rows import Row
from vocabulary.state import Order


@dataclass(frozen=True, slots=True)
class Due:
    """An order that executes at a bar, in every reading (None: there was none), and its row in `orders`."""

    readings: list[Order | None]
    row: Row | None

    def order(self, reading: int = 0) -> Order | None:
        """The first (0) or last (-1) reading in which there is one."""
        orders = [order for order in self.readings if order is not None]
        return orders[reading] if orders else None


def symbol_of(entry: Due) -> int:
    """The symbol of an order, -1 where in no reading there is one."""
    order = entry.order()
    return -1 if order is None else order.symbol


def side_of(row: Row) -> str | None:
    """The side as a row says it, None where it says none."""
    side = row.cells.get("side")
    return side if isinstance(side, str) else None
