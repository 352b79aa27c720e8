"""Orders meet the market and the cash (E1 to E5), fills enter the book (A1, A2)."""

from __future__ import annotations

from engine.arithmetic import TOO_LARGE, mul, product, share_of, sum_overflows
from engine.compiling import part, rare
from engine.layout import *  # the column names are this file's alphabet
from vocabulary.market import Ints


@part
def slipped(settings: Settings, account: Ints, raw: int, side: int) -> int:
    """E2: the fill price for a raw price."""
    slip = settings.slip_rate
    if settings.slip == NO_COST:
        return raw
    if settings.slip == BPS:
        slip = mul(raw, slip)
    if side == SELL:
        return max(1, raw - slip) if slip != TOO_LARGE else 1
    price = raw + slip
    if slip == TOO_LARGE or price < raw:
        account[FAULT] = BAD_PRICE
        return raw
    return price


@part
def commission_on(settings: Settings, notional: int, quantity: int) -> int:
    """E3, for a quantity above 0; TOO_LARGE where it does not fit."""
    if settings.fee == NO_COST:
        return 0
    if settings.fee == BPS:
        fee = mul(notional, settings.fee_rate)
    else:
        # quantity * 10**price_decimals * rate, the rate's whole and fractional money apart
        fee = product(quantity, settings.fee_whole)
        part = mul(quantity, settings.fee_part)
        if fee == TOO_LARGE or part == TOO_LARGE or fee + part < 0:
            return TOO_LARGE
        fee += part
    if fee != TOO_LARGE and fee < settings.fee_minimum:
        return settings.fee_minimum
    return fee


@part
def affords(settings: Settings, cash: int, price: int, quantity: int) -> bool:
    """E4: whether notional + commission <= cash."""
    notional = product(quantity, price)
    if notional == TOO_LARGE or notional > cash:
        return False
    fee = commission_on(settings, notional, quantity)
    return fee != TOO_LARGE and fee <= cash - notional


@rare
def largest_affordable(settings: Settings, cash: int, price: int, cover: int, wanted: int) -> int:
    """E4 `reduce`: the largest quantity in [cover, wanted) that the cash affords, else cover.

    A closed form in doubles lands within a lot or two; where it does not, bisection finishes.
    """
    room = float(cash)
    unit = float(price)
    if settings.fee == BPS:
        unit *= 1.0 + settings.fee_rate / 1e9
    elif settings.fee == PER_UNIT:
        unit += settings.fee_whole + settings.fee_part / 1e9
    guess = min(room / unit, (room - settings.fee_minimum) / price)
    low, high = cover, wanted  # low is taken as affordable, high is not
    at = int(min(max(guess, float(cover)), float(wanted)))
    step = 1
    while high - low > 1:
        at = min(max(at, low + 1), high - 1)
        if affords(settings, cash, price, at):
            low = at
            at += step
        else:
            high = at
            at -= step
        # two tries beside the guess, then halves
        step += 1
        if step > 4:
            at = low + (high - low) // 2
    return low


@part
def permitted(settings: Settings, cash: int, price: int, position: int, wanted: int) -> int:
    """E4: how much of a buy is filled."""
    cover = min(wanted, -position) if position < 0 else 0
    if cover == wanted or settings.cash == ALLOW_NEGATIVE:
        return wanted
    if cash <= 0:
        return cover
    if affords(settings, cash, price, wanted):
        return wanted
    if settings.cash == REJECT:
        return cover
    return largest_affordable(settings, cash, price, cover, wanted)


@part
def enter(book: Book, t: int, s: int, side: int, quantity: int, price: int) -> None:
    """A1: the position's side of a fill; X2's entry price, opening bar and peak with it."""
    lines, account = book.lines, book.account
    before = lines[s, QUANTITY]
    signed = quantity if side == BUY else -quantity
    if before == 0 or (before > 0) == (signed > 0):
        basis = lines[s, BASIS] + quantity * price
        if basis < 0:
            account[FAULT] = BAD_BASIS
        lines[s, BASIS] = basis
        if before == 0:
            lines[s, OPENED] = t
            lines[s, PEAK] = price
            book.held[account[HELD]] = s
            account[HELD] += 1
            account[CHANGED] += 1
    else:
        size = abs(before)
        closed = min(quantity, size)
        removed = share_of(lines[s, BASIS], closed, size)
        gain = closed * price - removed
        if before < 0:
            gain = -gain
        realised = account[REALISED] + gain
        if sum_overflows(account[REALISED], gain, realised):
            account[FAULT] = BAD_REALISED
        account[REALISED] = realised
        lines[s, BASIS] -= removed
        if quantity > closed:
            lines[s, BASIS] = (quantity - closed) * price
            lines[s, OPENED] = t
            lines[s, PEAK] = price
        elif quantity == size:
            account[CHANGED] += 1
    after = before + signed
    lines[s, QUANTITY] = after
    if after != 0:
        # X2: (2 * B + |Q|) // (2 * |Q|), without the doubling that could pass 64 bits
        size = abs(after)
        entry = lines[s, BASIS] // size
        rest = lines[s, BASIS] - entry * size
        lines[s, ENTRY] = entry + 1 if rest >= size - rest else entry


@part
def settle(account: Ints, side: int, notional: int, fee: int, slippage: int) -> None:
    """A1: the cash side of a fill, and the bar's costs."""
    # U4: what a buy costs may pass 64 bits where the cash after it does not, so the two go one by one
    flow = notional - fee if side == SELL else -notional
    cash = account[CASH] + flow
    if sum_overflows(account[CASH], flow, cash):
        account[FAULT] = BAD_CASH
    if side == BUY:
        left = cash - fee
        if sum_overflows(cash, -fee, left):
            account[FAULT] = BAD_CASH
        cash = left
    account[CASH] = cash
    account[COMMISSIONS] += fee
    if account[COMMISSIONS] < 0:
        account[FAULT] = BAD_COMMISSIONS
    account[TURNOVER] += notional
    account[BAR_COMMISSION] += fee
    account[BAR_SLIPPAGE] += slippage
    if account[TURNOVER] < 0 or account[BAR_COMMISSION] < 0 or account[BAR_SLIPPAGE] < 0:
        account[FAULT] = BAD_TURNOVER


@part
def fill(settings: Settings, book: Book, tables: Tables, t: int, i: int) -> tuple[int, int]:
    """One order: how much of it fills, at what price and cost; its fill's row. Returns (filled, status)."""
    account, pending = book.account, book.pending
    s = pending[P_SYMBOL, i]
    side = pending[P_SIDE, i]
    raw = pending[P_RAW, i]
    if raw == 0:
        return 0, NO_BAR
    price = slipped(settings, account, raw, side)
    wanted = pending[P_QUANTITY, i]
    quantity = wanted
    if side == BUY:
        quantity = permitted(settings, account[CASH], price, book.lines[s, QUANTITY], wanted)
        if quantity == 0:
            return 0, NO_CASH
    notional = product(quantity, price)
    slippage = product(quantity, abs(price - raw))
    if notional == TOO_LARGE or slippage == TOO_LARGE:
        account[FAULT] = BAD_NOTIONAL if notional == TOO_LARGE else BAD_SLIPPAGE
        return 0, NO_CASH
    fee = commission_on(settings, notional, quantity)
    if fee == TOO_LARGE:
        account[FAULT] = BAD_COMMISSION
        return 0, NO_CASH
    settle(account, side, notional, fee, slippage)
    enter(book, t, s, side, quantity, price)
    row = account[N_FILLS]
    fills = tables.fills
    fills[F_SEQUENCE, row] = row
    fills[F_TIMESTAMP, row] = account[EXECUTED_AT]
    fills[F_DECIDED, row] = account[ORDERED_AT]
    fills[F_SYMBOL, row] = s
    fills[F_SIDE, row] = side
    fills[F_QUANTITY, row] = quantity
    fills[F_FILL_PRICE, row] = price
    fills[F_FILL_NOTIONAL, row] = notional
    fills[F_FILL_COMMISSION, row] = fee
    fills[F_FILL_SLIPPAGE, row] = slippage
    fills[F_REASON, row] = pending[P_REASON, i]
    account[N_FILLS] = row + 1
    return quantity, FILLED if quantity == wanted else REDUCED


@part
def record_order(book: Book, tables: Tables, i: int, filled: int, status: int) -> None:
    """The ledger's row of order i, at its place in submission order."""
    account, pending, orders = book.account, book.pending, tables.orders
    row = account[N_ORDERS] + i
    orders[O_DECIDED, row] = account[ORDERED_AT]
    orders[O_EXECUTES, row] = account[EXECUTED_AT]
    orders[O_REBALANCE, row] = account[DECIDED]
    orders[O_SYMBOL, row] = pending[P_SYMBOL, i]
    orders[O_SIDE, row] = pending[P_SIDE, i]
    orders[O_QUANTITY, row] = pending[P_QUANTITY, i]
    orders[O_FILLED, row] = filled
    orders[O_STATUS, row] = status
    orders[O_REASON, row] = pending[P_REASON, i]


@part
def execute(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """E1: the pending orders in their sequence, each meeting the cash the earlier ones left."""
    account = book.account
    count = account[PENDING]
    if count == 0:
        return
    # all prices at once: fetched one by one between fills, each would be waited for
    for i in range(count):
        book.pending[P_RAW, i] = panel.price[t, book.pending[P_SYMBOL, i]]
    account[EXECUTED_AT] = panel.timestamps[t]
    account[ORDERED_AT] = panel.timestamps[t if settings.timing == SAME_CLOSE else t - 1]
    for turn in range(2):
        for i in range(count):
            if settings.sequence == SELLS_FIRST:
                if (book.pending[P_SIDE, i] == SELL) != (turn == 0):
                    continue
            elif turn == 1:
                break
            filled, status = fill(settings, book, tables, t, i)
            record_order(book, tables, i, filled, status)
            if account[FAULT] != 0:
                return
    account[N_ORDERS] += count
    account[PENDING] = 0
