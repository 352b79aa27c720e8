"""Readings of a bar: the accounts that are possible after each order (A1).

Where a stated value is in doubt, the ledger can be read in more than one way. Each reading is carried on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconcile.roots.rebuild import History
from reconcile.roots.rows import FLAT, Row, book_all, fill_of, fits
from reference import commission_of, raw_price
from vocabulary.state import Fill, Order, OrderType, Position, State

MOST = 16
"""The most readings of one bar that are carried on."""
FLAT_ALONE = [FLAT]


@dataclass(frozen=True, slots=True)
class Reading:
    """One possible account within a bar.

    turnover, commission, slippage: the costs of the bar so far, in money. gone: symbols that a level has
    closed before the orders for this bar, which are then not executed (X9). book: what the bar's fills made
    of the positions, as a hash; readings of one bar with equal books hold the same. misfits: how many symbols
    fit the reported positions worse than before the bar.
    """

    state: State
    turnover: int = 0
    commission: int = 0
    slippage: int = 0
    gone: frozenset[int] = frozenset()
    book: int = 0
    misfits: int = 0


def with_more_cash(readings: list[Reading], money: int) -> list[Reading]:
    """The readings with `money` added to the cash of each."""
    if not money:
        return readings
    return [replace(b, state=replace(b.state, cash=b.state.cash + money)) for b in readings]


def branch_readings(
    history: History,
    readings: list[Reading],
    t: int,
    recorded: Sequence[Sequence[Row]],
    alternatives: list[Fill],
    nothing: bool = False,
) -> list[Reading]:
    """Each reading followed by each list of recorded rows, and by each alternative fill; equal results once.

    nothing: also keep each reading as it is, because perhaps nothing was filled.
    """
    if history.astray:
        return [_recorded(history, readings[0], t, recorded, alternatives)]
    out: dict[tuple[object, ...], Reading] = {}
    distinct = dict.fromkeys(alternatives)  # most readings lead to the same fill of an order
    for reading in readings:
        options = [_booked_rows(history, reading, t, rows) for rows in recorded]
        options += [_booked(history, reading, t, [fill]) for fill in distinct]
        if nothing:
            options.append(reading)
        for option in options:
            costs = option.turnover, option.commission, option.slippage
            out.setdefault((option.state.cash, option.book, *costs), option)
    return _likeliest(list(out.values()))


def _recorded(
    history: History, reading: Reading, t: int, recorded: Sequence[Sequence[Row]], alternatives: list[Fill]
) -> Reading:
    """The one reading that is carried on of a ledger that is astray: as it is recorded."""
    if recorded:
        return _booked_rows(history, reading, t, recorded[0])
    return _booked(history, reading, t, alternatives[:1])


def _likeliest(readings: list[Reading]) -> list[Reading]:
    """At most MOST readings: the recorded one first, then those closest to the reported positions."""
    if len(readings) <= MOST:
        return readings
    ranked = sorted(readings[1:], key=lambda reading: reading.misfits)
    return [readings[0], *ranked[: MOST - 1]]


def _booked_rows(history: History, reading: Reading, t: int, rows: Sequence[Row]) -> Reading:
    """A reading after recorded fills; its costs are those that the rows state."""
    made = [(row, fill_of(history.scenario, history.market, t, row)) for row in rows]
    fills = [fill for _, fill in made if fill is not None]
    out = _booked(history, reading, t, fills)
    for row, fill in made:
        if fill is not None:
            notional, slippage = row.whole("notional"), row.whole("slippage")
            moved = 0 if notional is None else notional - fill.notional
            out = replace(out, turnover=out.turnover + moved)
            if slippage is None:
                raw = execution_price(history, t, fill.symbol)
                cost = 0 if raw is None else fill.quantity * abs(fill.price - raw)
                out = replace(out, slippage=out.slippage + cost)
    return out


def _booked(history: History, reading: Reading, t: int, fills: Sequence[Fill]) -> Reading:
    state = book_all(history.scenario, history.market, reading.state, t, fills)
    told = history.reported(t)
    book, misfits = reading.book, reading.misfits
    for symbol in {fill.symbol for fill in fills}:
        was, now = reading.state.positions.get(symbol), state.positions.get(symbol)
        book ^= _hashed(symbol, was) ^ _hashed(symbol, now)
        if told is not None:
            holdings = told.get(symbol, FLAT_ALONE)
            misfits += fits(was, holdings) - fits(now, holdings)
    return Reading(
        state,
        reading.turnover + sum(fill.notional for fill in fills),
        reading.commission + sum(fill.commission for fill in fills),
        reading.slippage + sum(fill.slippage for fill in fills),
        reading.gone,
        book,
        misfits,
    )


def _hashed(symbol: int, position: Position | None) -> int:
    return 0 if position is None else hash((symbol, position.quantity, position.basis))


def as_ordered(history: History, t: int, entry: DueOrder) -> list[Fill]:
    """The fill that a row of `orders` implies, for a ledger without a table of fills."""
    filled, order = None if entry.row is None else entry.row.whole("filled"), entry.order()
    if not filled or order is None or entry.at_level or execution_price(history, t, order.symbol) is None:
        return []
    return [history.priced(t, order.symbol, order.side, filled)]


def as_stated(history: History, t: int, entry: DueOrder, row: Row) -> list[Fill]:
    """Alternative fills: each assumes that one stated value of the row is wrong and the others are right."""
    stated = fill_of(history.scenario, history.market, t, row)
    order = entry.order()
    raw = None if order is None else execution_price(history, t, order.symbol)
    if stated is None or order is None or raw is None:
        return []
    out = []
    for reading in entry.readings:
        if reading is not None and not entry.at_level:
            out.append(history.priced(t, order.symbol, reading.side, stated.quantity))
    out.append(
        Fill(
            stated.symbol,
            stated.side,
            stated.quantity,
            stated.price,
            stated.quantity * stated.price,
            commission_of(history.scenario, stated.quantity, stated.quantity * stated.price, raw),
            stated.slippage,
        )
    )
    return out


def execution_price(history: History, t: int, symbol: int) -> int | None:
    """E2: the price that orders meet at bar t before slippage, None where the symbol is absent."""
    present = history.market.present.item(t, symbol)
    return raw_price(history.scenario, history.market, t, symbol) if present else None


@dataclass(frozen=True, slots=True)
class DueOrder:
    """An order due at a bar.

    readings: what it may be, None for no order. row: its row in `orders`. at_level: whether it has a price of
    its own: a close at a level (X9), a limit or a stop (R10).
    """

    readings: list[Order | None]
    row: Row | None
    at_level: bool = False

    def order(self, reading: int = 0) -> Order | None:
        """The order of the first (0) or last (-1) reading that has one."""
        orders = [order for order in self.readings if order is not None]
        return orders[reading] if orders else None


def due_order(order: Order, row: Row | None) -> DueOrder:
    """An order that is what its row says, where it has one."""
    return DueOrder([order], row, at_level=order.type is not OrderType.MARKET)


def symbol_of(entry: DueOrder) -> int:
    """The symbol of an order, -1 where no reading has an order."""
    order = entry.order()
    return -1 if order is None else order.symbol


def side_of(row: Row) -> str | None:
    """The side that a row states, None where it states none."""
    side = row.cells.get("side")
    return side if isinstance(side, str) else None
