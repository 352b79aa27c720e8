"""R10: the orders of a ledger, and the rows of the file that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconcile.roots.rows import Row
from reference import orders_of, rows_at
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, Scenario
from vocabulary.state import Order


def in_file_order(
    scenario: Scenario, market: Market, orders: Sequence[tuple[Order, Row]], t: int
) -> list[tuple[Order, Row]]:
    """The orders of bar t, exits first, then those of the file as it has them, with type and price.

    A ledger states neither type nor price. An order has those of the row of its symbol that is most like it;
    one that no row of the file gives stands last.
    """
    wanted = scenario.strategy.selection
    assert isinstance(wanted, OrdersStrategy)
    exits = {rule.name for rule in scenario.exits}
    left = list(enumerate(orders_of(rows_at(wanted, market, t), market, t, frozenset(), 0)))
    last = len(left)
    placed: list[tuple[int, Order, Row]] = []
    for order, row in orders:
        like = [each for each in left if each[1].symbol == order.symbol]
        if order.reason in exits:
            placed.append((-1, order, row))
        elif not like:
            placed.append((last, order, row))
        else:
            best = min(like, key=lambda each: _differences(each[1], order))
            left.remove(best)
            placed.append((best[0], replace(order, type=best[1].type, price=best[1].price), row))
    return [(order, row) for _, order, row in sorted(placed, key=lambda each: each[0])]


def _differences(one: Order, other: Order) -> tuple[bool, bool, bool]:
    return one.side is not other.side, one.quantity != other.quantity, one.reason != other.reason
