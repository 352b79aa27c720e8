"""What is ordered at a bar: exits, then the rebalance (X1 to X4, R7 to R9)."""

from __future__ import annotations

import numpy as np

from engine.arithmetic import TOO_LARGE, mul, mul_floor, quantity_for, sum_overflows
from engine.compiling import part
from engine.layout import *  # the column names are this file's alphabet
from engine.vectors import cell


@part
def submit(book: Book, s: int, side: int, quantity: int, reason: int) -> None:
    """Appends an order; within a bar R9's order is the order of the calls."""
    at = book.account[PENDING]
    pending = book.pending
    pending[P_SYMBOL, at] = s
    pending[P_SIDE, at] = side
    pending[P_QUANTITY, at] = quantity
    pending[P_REASON, at] = reason
    book.account[PENDING] = at + 1


@part
def distance(settings: Settings, panel: Panel, book: Book, t: int, s: int, rule: int) -> int:
    """X3: how far, in ticks, the close may stand from the rule's origin; TOO_LARGE: the rule cannot fire."""
    rules, lines = book.rules, book.lines
    kind = rules[rule, R_KIND]
    if kind == STOP_LOSS or kind == TAKE_PROFIT:
        return mul(lines[s, ENTRY], rules[rule, R_FIRST])
    if kind == TRAILING_STOP:
        held = t - lines[s, OPENED]
        rate = rules[rule, R_FIRST] - rules[rule, R_SECOND] * held
        return mul(lines[s, PEAK], max(rules[rule, R_THIRD], rate))
    # VOLATILITY_STOP: the feature in ticks (U1), half to even
    feature = cell(panel.stops[rules[rule, R_FEATURE]], t * lines.shape[0] + s)
    ticks = np.rint(feature * settings.price_unit)
    if not ticks > 0.0:
        return TOO_LARGE
    if ticks >= 2.0**63:
        book.account[FAULT] = BAD_FEATURE
        return TOO_LARGE
    return mul(np.int64(ticks), rules[rule, R_FIRST])


@part
def fires(settings: Settings, panel: Panel, book: Book, t: int, s: int, rule: int) -> bool:
    """X3, a long's rules and their mirror for a short."""
    lines = book.lines
    kind = book.rules[rule, R_KIND]
    if kind == TIME_EXIT:
        return t - lines[s, OPENED] >= book.rules[rule, R_FIRST]
    gap = distance(settings, panel, book, t, s, rule)
    if gap == TOO_LARGE:
        return False
    origin = lines[s, PEAK] if kind == TRAILING_STOP else lines[s, ENTRY]
    # how far the position has moved against its holder, or for it
    against = origin - lines[s, MARK]
    if lines[s, QUANTITY] < 0:
        against = -against
    if kind == TAKE_PROFIT:
        return -against >= gap
    return against >= gap


@part
def order_exits(settings: Settings, panel: Panel, book: Book, t: int) -> None:
    """X1, X4: the first rule that fires closes the position and bars its symbol."""
    lines = book.lines
    for i in range(book.account[HELD]):
        s = book.held[i]
        if book.closes[i] == 0:
            continue
        for rule in range(book.rules.shape[0]):
            if fires(settings, panel, book, t, s, rule):
                quantity = lines[s, QUANTITY]
                submit(book, s, SELL if quantity > 0 else BUY, abs(quantity), rule)
                lines[s, STAMP] = 4 * t + HAS_EXIT
                lines[s, BARRED] = t + settings.cooldown
                break


@part
def order_closings(settings: Settings, panel: Panel, book: Book, t: int) -> None:
    """R8: what is held, present, no target and not already leaving."""
    lines = book.lines
    for i in range(book.account[HELD]):
        s = book.held[i]
        stamp = lines[s, STAMP]
        if stamp == 4 * t + IS_TARGET or stamp == 4 * t + HAS_EXIT or book.closes[i] == 0:
            continue
        quantity = lines[s, QUANTITY]
        submit(book, s, SELL if quantity > 0 else BUY, abs(quantity), settings.rebalance_reason)


@part
def order_targets(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    """R7: a row for every target, an order for each whose delta passes the band."""
    account, lines, targets = book.account, book.lines, tables.targets
    base = max(0, account[EQUITY]) if settings.size_on_equity else settings.initial_cash
    stamp = panel.timestamps[t]
    for k in range(count):
        s = book.chosen[k]
        weight = book.weights[k]
        size = quantity_for(base, abs(weight), book.chosen_closes[k])
        if size == TOO_LARGE:
            account[FAULT] = BAD_TARGET
            return
        quantity = size if weight > 0 else -size
        row = account[N_TARGETS]
        targets[T_REBALANCE, row] = account[DECIDED]
        targets[T_DECIDED, row] = stamp
        targets[T_SYMBOL, row] = s
        targets[T_RANK, row] = k
        targets[T_WEIGHT, row] = weight
        targets[T_QUANTITY, row] = quantity
        account[N_TARGETS] = row + 1
        delta = quantity - lines[s, QUANTITY]
        if sum_overflows(quantity, -lines[s, QUANTITY], delta):
            account[FAULT] = BAD_ORDER
            return
        if delta != 0 and abs(delta) > mul_floor(size, settings.band):
            submit(book, s, BUY if delta > 0 else SELL, abs(delta), settings.rebalance_reason)


@part
def rebalance(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    """R1, R7 to R9: numbers the rebalance and submits its orders."""
    account = book.account
    account[DECIDED] = account[REBALANCES]
    account[REBALANCES] += 1
    for k in range(count):
        book.lines[book.chosen[k], STAMP] = 4 * t + IS_TARGET
    order_closings(settings, panel, book, t)
    order_targets(settings, panel, book, tables, t, count)
