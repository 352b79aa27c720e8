"""What is ordered at a bar: exits, then the rebalance (X1 to X4, R7 to R9)."""

from __future__ import annotations

from typing import Any

from engine.arithmetic import TOO_LARGE, mul_floor, product, quantity_for
from engine.compiling import either, part, separate
from engine.exits import UNREADABLE, try_rule
from engine.intrinsics import checked_product, checked_sum, fetch, fetch_cell, write
from engine.layout import *  # the column names are this file's alphabet
from engine.referring import copied
from engine.sets import append_all, holds, listed, put, take_out
from vocabulary.market import Ints

NEVER = 2**62


@part
def submit(panel: Panel, book: Book, tables: Tables, t: int, s: Any, signed: int, reason: int) -> None:
    """Appends an order; within a bar R9's order is the order of the calls."""
    account, orders = book.account, tables.orders
    row = account[N_ORDERS] + account[PENDING]
    orders[O_SYMBOL, row] = s
    orders[O_SIDE, row] = BUY if signed > 0 else SELL
    orders[O_QUANTITY, row] = abs(signed)
    orders[O_REASON, row] = reason
    account[PENDING] += 1
    following = (t + 1) * book.lines.shape[0] + s
    fetch(panel.price, following)
    fetch(panel.close, following)
    for k in range(panel.stops.shape[0]):
        fetch_cell(panel.stops[k], following)


@part
def order_exits(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """X1, X4: the first rule that fires closes the position and bars its symbol."""
    lines, account, fired = book.lines, book.account, book.fired
    for i in range(account[HELD]):
        fired[i] = NOTHING
    # backwards: an earlier rule has the last word
    for k in range(book.exits.shape[0]):
        try_rule(settings, panel, book, t, book.exits.shape[0] - 1 - k)
    for i in range(account[HELD]):
        if fired[i] == NOTHING or book.closes[i] == 0:
            continue
        if fired[i] == UNREADABLE:
            account[FAULT] = BAD_FEATURE
            return
        s = book.held[i]
        submit(panel, book, tables, t, s, -lines[s, QUANTITY], fired[i])
        put(book.leaving, s)
        bar(book, s, t + settings.cooldown)


@part
def bar(book: Book, s: Any, last: int) -> None:
    """X4: until bar `last` the symbol is not eligible."""
    account = book.account
    if not holds(book.barred, s):
        put(book.barred, s)
        book.bars[account[N_BARRED]] = s
        account[N_BARRED] += 1
    book.lines[s, BARRED] = last
    account[FREED_AT] = min(account[FREED_AT], last + 1)


@part
def free(book: Book, t: int) -> None:
    """X4: those barred up to an earlier bar are so no longer."""
    account, bars = book.account, book.bars
    if account[FREED_AT] > t:
        return
    kept = 0
    account[FREED_AT] = NEVER
    for i in range(account[N_BARRED]):
        s = bars[i]
        last = book.lines[s, BARRED]
        if last < t:
            take_out(book.barred, s)
            continue
        bars[kept] = s
        kept += 1
        account[FREED_AT] = min(account[FREED_AT], last + 1)
    account[N_BARRED] = kept


@part
def order_closings(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """R8: what is held, present, no target and not already leaving."""
    near = book.near[0]
    count = 0
    for w in range(book.holding.shape[0]):
        word = book.holding[w] & ~book.aimed[w] & ~book.leaving[w]
        count = append_all(near, count, w, word)
    for i in range(count):
        s = near[i]
        if panel.close[t, s] != 0:
            submit(panel, book, tables, t, s, -book.lines[s, QUANTITY], settings.rebalance_reason)


@part
def too_small(settings: Settings, quantity: int, price: int) -> bool:
    """R11: whether an order is worth less than the minimum notional."""
    if settings.minimum_notional == 0:
        return False
    worth = product(quantity, price)
    return worth != TOO_LARGE and worth < settings.minimum_notional


@part
def target_row(targets: Ints, row: int, s: Any, rank: int, weight: int, quantity: int) -> None:
    targets[T_SYMBOL, row] = s
    targets[T_RANK, row] = rank
    targets[T_WEIGHT, row] = weight
    targets[T_QUANTITY, row] = quantity


@part
def order_targets(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    """R7: a row for every target that bar t decided, an order for each whose delta passes the band.

    A close of 0 marks a target that is not to be sized (R12).
    """
    account, lines, targets = book.account, book.lines, tables.targets
    base = max(0, account[EQUITY]) if settings.size_on_equity else settings.initial_cash
    first = account[N_TARGETS]
    for k in range(count):
        s = book.chosen[k]
        weight = book.weights[k]
        if book.chosen_closes[k] == 0:
            target_row(targets, first + k, s, k, weight, 0)
            continue
        size = quantity_for(base, abs(weight), book.chosen_closes[k])
        if size == TOO_LARGE:
            account[FAULT] = BAD_TARGET
            return
        if settings.lot > 1:
            size -= size % settings.lot
        quantity = size if weight > 0 else -size
        target_row(targets, first + k, s, k, weight, quantity)
        delta, beyond = checked_sum(quantity, -lines[s, QUANTITY])
        if beyond:
            account[FAULT] = BAD_ORDER
            return
        if delta == 0 or abs(delta) <= mul_floor(size, settings.band):
            continue
        if size != 0 and too_small(settings, abs(delta), book.chosen_closes[k]):
            continue
        submit(panel, book, tables, t, s, delta, settings.rebalance_reason)
    account[N_TARGETS] = first + count
    write(targets[T_REBALANCE], first, first + count, account[DECIDED])
    write(targets[T_DECIDED], first, first + count, panel.timestamps[t])


@part
def rebalance(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    """R1, R7 to R9: numbers the rebalance and submits its orders."""
    account = book.account
    account[DECIDED] = account[REBALANCES]
    account[REBALANCES] += 1
    for k in range(count):
        put(book.aimed, book.chosen[k])
    order_closings(settings, panel, book, tables, t)
    aim(settings, panel, book, tables, t, count)


@part
def _aim_late(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    if settings.extras.late:
        book.account[UNSIZED] = count
    else:
        order_targets(settings, panel, book, tables, t, count)


# R7: targets are sized at the bar that decides them; under R12 at the next.
aim = either("extras", _aim_late, order_targets)


@separate
def order_late(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """R12: at bar t, the targets of the bar before become rows and orders, at the prices of their execution.

    Equity is that of the book at those prices; the mark of bar t sets it anew.
    """
    account, lines = book.account, book.lines
    count, behind = account[UNSIZED], account[N_ORDERS] + account[PENDING] + account[UNSIZED]
    account[UNSIZED] = 0
    if account[CHANGED] != 0:
        account[HELD] = listed(book.holding, book.held)
        account[CHANGED] = 0
    worth, wraps = 0, 0  # longs and shorts may pass 64 bits on the way to a sum that does not (U4)
    for i in range(account[HELD]):
        s = book.held[i]
        price = panel.price[t, s]
        value, beyond = checked_product(lines[s, QUANTITY], price if price != 0 else lines[s, MARK])
        worth, wrapped = checked_sum(worth, value)
        if wrapped:
            wraps += 1 if value > 0 else -1
        if beyond:
            account[FAULT] = BAD_BASE
            return
    account[EQUITY], beyond = checked_sum(account[CASH], worth)
    if beyond or wraps != 0:
        account[FAULT] = BAD_BASE
        return
    for k in range(count):
        s = book.chosen[k]
        book.chosen_closes[k] = 0 if holds(book.leaving, s) else panel.price[t, s]
    order_targets(settings, panel, book, tables, t - 1, count)
    # X9: the rows of what a level has closed in this bar move up to the orders
    for i in range(account[N_CLOSED]):
        for column in range(tables.orders.shape[0]):
            tables.orders[column, account[N_ORDERS] + account[PENDING] + i] = tables.orders[
                column, behind + i
            ]


@part
def _size_late(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    if book.account[UNSIZED] > 0:
        order_late(copied(settings), copied(panel), copied(book), copied(tables), t)


@part
def _nothing(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    return


size_late = either("extras", _size_late, _nothing)


@separate
def order_rows(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """R10: the rows of bar t become orders but those of a barred symbol (X4); the bar is a rebalance."""
    account, wanted = book.account, panel.wanted
    first, end = wanted.first[t], wanted.first[t + 1]
    if first == end:
        return
    account[DECIDED] = account[REBALANCES]
    account[REBALANCES] += 1
    for k in range(first, end):
        s = wanted.symbol[k]
        if book.lines[s, BARRED] >= t:
            continue
        i = account[PENDING]
        book.kinds[i] = wanted.kind[k]
        book.limits[i] = wanted.price[k]
        signed = wanted.quantity[k] if wanted.side[k] == BUY else -wanted.quantity[k]
        submit(panel, book, tables, t, s, signed, wanted.reason[k])


@part
def _order_from_file(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    if settings.extras.from_file:
        order_rows(copied(settings), copied(panel), copied(book), copied(tables), t)


order_from_file = either("extras", _order_from_file, _nothing)
