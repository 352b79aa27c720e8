"""R10: orders of a file: which of them a bar decides, and the price that a limit or stop meets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence, Set

from vocabulary.market import Market
from vocabulary.scenario import Gap, Levels, OrdersStrategy, Scenario, Touch, WantedOrder
from vocabulary.state import Order, OrderType, Side

BUY = Side.BUY


def rows_at(wanted: OrdersStrategy, market: Market, t: int) -> Sequence[WantedOrder]:
    """The rows of the file that bar t decides, in file order."""
    now: int = market.timestamps.item(t)
    first = bisect_left(wanted.rows, now, key=_decided_at)
    return wanted.rows[first : bisect_right(wanted.rows, now, key=_decided_at)]


def _decided_at(row: WantedOrder) -> int:
    return row.decided_at


def orders_of(
    rows: Sequence[WantedOrder], market: Market, t: int, barred: Set[int], number: int
) -> tuple[Order, ...]:
    """The orders of these rows; those of a barred symbol (X4) are dropped."""
    places = {row.symbol: bisect_left(market.symbols, row.symbol) for row in rows}
    return tuple(
        Order(
            t, places[row.symbol], row.side, row.quantity, row.reason, number, type=row.type, price=row.price
        )
        for row in rows
        if places[row.symbol] not in barred
    )


def met_price(scenario: Scenario, market: Market, t: int, order: Order) -> int | None:
    """P of a limit or stop at bar t in ticks, None where it is not met. Its symbol is present."""
    opened: int = market.open.item(t, order.symbol)
    low: int = market.low.item(t, order.symbol)
    high: int = market.high.item(t, order.symbol)
    price_of = _limit_price if order.type is OrderType.LIMIT else _stop_price
    if order.side is BUY:
        return price_of(scenario.execution.levels, order.price, opened, low, high)
    # A sell mirrors a buy: prices negated, with high and low exchanged.
    price = price_of(scenario.execution.levels, -order.price, -opened, -high, -low)
    return None if price is None else -price


def _limit_price(levels: Levels, limit: int, opened: int, low: int, high: int) -> int | None:
    """A buy limit: at the limit, at the open where that is better."""
    best = min(low, opened)
    met = best <= limit if levels.touch is Touch.TOUCH else best < limit
    return min(opened, limit) if met else None


def _stop_price(levels: Levels, stop: int, opened: int, low: int, high: int) -> int | None:
    """A buy stop: never below the stop."""
    if high < stop and opened < stop:
        return None
    if levels.gap is Gap.OPEN:
        return max(opened, stop)
    if low <= stop:
        return stop
    return max(stop, opened if levels.gap is Gap.LEVEL_OR_OPEN else low)
