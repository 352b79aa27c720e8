"""Orders meet the market and the cash (E1 to E5), fills enter the book (A1, A2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.arithmetic import TOO_LARGE, entry_of, mul, product, share_of, total
from engine.compiling import either, part, rare
from engine.intrinsics import checked_product, checked_sum, write
from engine.layout import *  # the column names are this file's alphabet
from engine.referring import copied
from engine.sets import holds, put, take_out
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
def _bps_plain(settings: Settings, notional: int, quantity: int, raw: int) -> int:
    return mul(notional, settings.fee_rate)


@part
def _bps_with_extras(settings: Settings, notional: int, quantity: int, raw: int) -> int:
    charged = product(quantity, raw) if settings.extras.fee_on_raw else notional
    return charged if charged == TOO_LARGE else mul(charged, settings.fee_rate)


@part
def _uncapped(settings: Settings, fee: int, notional: int) -> int:
    return fee


@part
def _capped(settings: Settings, fee: int, notional: int) -> int:
    if settings.extras.fee_maximum == NOTHING:
        return fee
    cap = mul(notional, settings.extras.fee_maximum)
    return cap if cap != TOO_LARGE and (fee == TOO_LARGE or fee > cap) else fee


bps_of = either("extras", _bps_with_extras, _bps_plain)
capped = either("extras", _capped, _uncapped)


@part
def commission_on(settings: Settings, notional: int, quantity: int, raw: int) -> int:
    """E3, for a quantity above 0; TOO_LARGE where it does not fit."""
    if settings.fee == NO_COST:
        return 0
    if settings.fee == BPS:
        fee = bps_of(settings, notional, quantity, raw)
    else:
        # quantity * 10**price_decimals * rate, the rate's whole and fractional money apart
        fee = product(quantity, settings.fee_whole)
        part = mul(quantity, settings.fee_part)
        if fee == TOO_LARGE or part == TOO_LARGE or fee + part < 0:
            fee = TOO_LARGE  # a cap may bring it down
        else:
            fee += part
    if fee != TOO_LARGE and fee < settings.fee_minimum:
        fee = settings.fee_minimum
    return capped(settings, fee, notional)


@part
def affords(settings: Settings, cash: int, price: int, raw: int, quantity: int) -> bool:
    """E4: whether the cash covers the notional and, unless costs come after, the commission."""
    notional = product(quantity, price)
    if notional == TOO_LARGE or notional > cash:
        return False
    if settings.cash == REDUCE_BEFORE_COSTS:
        return True
    fee = commission_on(settings, notional, quantity, raw)
    return fee != TOO_LARGE and fee <= cash - notional


@rare
def largest_affordable(settings: Settings, cash: int, price: int, raw: int, cover: int, wanted: int) -> int:
    """E4 `reduce`, R11: the largest cover + lots below wanted that the cash affords, else cover.

    A closed form in doubles lands within a lot or two; where it does not, bisection finishes.
    """
    lot = settings.lot
    room = float(cash)
    unit = float(price)
    if settings.cash == REDUCE_BEFORE_COSTS:
        pass
    elif settings.fee == BPS:
        unit *= 1.0 + settings.fee_rate / 1e9
    elif settings.fee == PER_UNIT:
        unit += settings.fee_whole + settings.fee_part / 1e9
    guess = min(room / unit, (room - settings.fee_minimum) / price)
    # In lots beyond the cover: `low` is taken as affordable, `high` is not.
    low, high = 0, (wanted - cover - 1) // lot + 1
    at = int(min(max(guess - cover, 0.0) / lot, float(high)))
    step = 1
    while high - low > 1:
        at = min(max(at, low + 1), high - 1)
        if affords(settings, cash, price, raw, cover + at * lot):
            low = at
            at += step
        else:
            high = at
            at -= step
        # two tries beside the guess, then halves
        step += 1
        if step > 4:
            at = low + (high - low) // 2
    return cover + low * lot


@part
def permitted(settings: Settings, cash: int, price: int, raw: int, position: int, wanted: int) -> int:
    """E4: how much of a buy is filled."""
    cover = min(wanted, -position) if position < 0 else 0
    if cover == wanted or settings.cash == ALLOW_NEGATIVE:
        return wanted
    if cash <= 0:
        return cover
    if affords(settings, cash, price, raw, wanted):
        return wanted
    if settings.cash == REJECT:
        return cover
    return largest_affordable(copied(settings), cash, price, raw, cover, wanted)


@part
def _sellable(settings: Settings, book: Book, s: Any, wanted: int) -> int:
    """R10: how much of a sell is filled."""
    return min(wanted, max(0, book.lines[s, QUANTITY])) if settings.extras.held_only else wanted


@part
def _sellable_all(settings: Settings, book: Book, s: Any, wanted: int) -> int:
    return wanted


sellable = either("extras", _sellable, _sellable_all)


@part
def enter(book: Book, t: int, s: Any, signed: int, price: int, notional: int) -> None:
    """A1: the position's side of a fill; X2's entry price, opening bar and peak with it."""
    lines, account = book.lines, book.account
    before, basis = lines[s, QUANTITY], lines[s, BASIS]
    after = before + signed
    if before == 0 or (before ^ signed) >= 0:
        basis, beyond = checked_sum(basis, notional)
        if beyond:
            account[FAULT] = BAD_BASIS
    else:
        quantity, size = abs(signed), abs(before)
        closed = min(quantity, size)
        removed = share_of(basis, closed, size)
        gain = closed * price - removed
        account[REALISED], beyond = checked_sum(account[REALISED], gain if before > 0 else -gain)
        if beyond:
            account[FAULT] = BAD_REALISED
        basis -= removed
        if quantity > closed:
            basis = (quantity - closed) * price
    if before == 0 or (before ^ after) < 0:
        lines[s, OPENED] = t
        lines[s, PEAK] = price
        lines[s, EXTREME] = price
    lines[s, BASIS] = basis
    lines[s, QUANTITY] = after
    if after == 0:
        take_out(book.holding, s)
        account[CHANGED] = 1
        return
    lines[s, ENTRY] = entry_of(basis, abs(after))
    if before == 0:
        put(book.holding, s)
        account[CHANGED] = 1


@part
def settle(account: Ints, side: int, notional: int, fee: int) -> None:
    """A1: the cash side of a fill."""
    # U4: what a buy costs may pass 64 bits where the cash after it does not, so the two go one by one
    if side == SELL:
        cash, beyond = checked_sum(account[CASH], notional - fee)
        beyond_fee = False
    else:
        cash, beyond = checked_sum(account[CASH], -notional)
        cash, beyond_fee = checked_sum(cash, -fee)
    account[CASH] = cash
    if beyond or beyond_fee:
        account[FAULT] = BAD_CASH


@part
def fill(
    settings: Settings, book: Book, tables: Tables, t: int, order: int, raw: int, side: int, slips: bool
) -> int:
    """One order: how much of it fills, at what price and cost; its fill's row. Returns its status.

    slips: whether its price has slippage (X8).
    """
    account, orders = book.account, tables.orders
    s = np.uint64(orders[O_SYMBOL, order])
    wanted = orders[O_QUANTITY, order]
    orders[O_FILLED, order] = 0
    if raw <= 0:
        if raw == UNMET:
            return NOT_MET
        return NO_BAR if raw != CANCELLED else GONE
    price = slipped(settings, account, raw, side) if slips else raw
    quantity = wanted
    if side == BUY:
        quantity = permitted(settings, account[CASH], price, raw, book.lines[s, QUANTITY], wanted)
        if quantity == 0:
            return NO_CASH
    else:
        quantity = sellable(settings, book, s, wanted)
        if quantity == 0:
            return NO_SHARES
    notional, beyond = checked_product(quantity, price)
    slippage, beyond_slippage = checked_product(quantity, abs(price - raw))
    if beyond or beyond_slippage:
        account[FAULT] = BAD_NOTIONAL if beyond else BAD_SLIPPAGE
        return NO_CASH
    fee = commission_on(settings, notional, quantity, raw)
    if fee == TOO_LARGE:
        account[FAULT] = BAD_COMMISSION
        return NO_CASH
    settle(account, side, notional, fee)
    enter(book, t, s, quantity if side == BUY else -quantity, price, notional)
    orders[O_FILLED, order] = quantity
    row = account[N_FILLS]
    fills = tables.fills
    fills[F_SYMBOL, row] = s
    fills[F_SIDE, row] = side
    fills[F_QUANTITY, row] = quantity
    fills[F_FILL_PRICE, row] = price
    fills[F_FILL_NOTIONAL, row] = notional
    fills[F_FILL_COMMISSION, row] = fee
    fills[F_FILL_SLIPPAGE, row] = slippage
    fills[F_REASON, row] = orders[O_REASON, order]
    account[N_FILLS] = row + 1
    return FILLED if quantity == wanted else REDUCED


@part
def line_up(
    settings: Settings, panel: Panel, book: Book, tables: Tables, decided: int, first: int, count: int
) -> None:
    """E1: the order in which the pending orders, decided at bar `decided`, execute, into turns."""
    turns, sides = book.turns, tables.orders[O_SIDE]
    if settings.sequence != SELLS_FIRST:
        rearrange(settings, panel, book, tables, decided, first, count)
        return
    sells = 0
    for i in range(count):
        sells += sides[first + i]
    buys, sells = sells, 0
    for i in range(count):
        side = sides[first + i]
        turns[sells if side == SELL else buys] = i
        sells += side
        buys += 1 - side


@part
def rearrange(
    settings: Settings, panel: Panel, book: Book, tables: Tables, decided: int, first: int, count: int
) -> None:
    """E1: turns as submitted, or by symbol, by side and symbol, by signed value; equals stay as submitted."""
    turns, keys, orders, symbols = book.turns, book.alike, tables.orders, book.lines.shape[0]
    for i in range(count):
        turns[i] = i
    if settings.sequence == SUBMISSION:
        return
    for i in range(count):
        s, side = orders[O_SYMBOL, first + i], orders[O_SIDE, first + i]
        if settings.sequence == VALUE:
            value = product(orders[O_QUANTITY, first + i], value_price(settings, panel, decided, s))
            if value == TOO_LARGE:
                book.account[FAULT] = BAD_VALUE
                return
            keys[i] = -value if side == SELL else value
        else:
            buys_last = settings.sequence == SELLS_FIRST_SYMBOL and side == BUY
            keys[i] = s + symbols if buys_last else s
    for i in range(1, count):
        at, turn = i, turns[i]
        while at > 0 and keys[turns[at - 1]] > keys[turn]:
            turns[at] = turns[at - 1]
            at -= 1
        turns[at] = turn


@part
def _late_price(settings: Settings, panel: Panel, decided: int, s: Any) -> int:
    price = panel.price[decided + 1, s] if settings.extras.late else 0
    return price if price != 0 else last_close(panel, decided, s)


@part
def _early_price(settings: Settings, panel: Panel, decided: int, s: Any) -> int:
    return last_close(panel, decided, s)


@part
def last_close(panel: Panel, t: int, s: Any) -> int:
    """M3: the close at bar t, else the last one before it; 0 where there is none."""
    while t > 0 and panel.close[t, s] == 0:
        t -= 1
    return panel.close[t, s]


# E1 `value`: the mark of the decision bar; under R12 P of the bar after, else the mark.
value_price = either("extras", _late_price, _early_price)


@part
def stamp(panel: Panel, book: Book, tables: Tables, t: int, decided: int, first: int, start: int) -> None:
    """What all orders and fills of a bar have in common; orders from row `first`, fills from `start`."""
    account, orders, fills = book.account, tables.orders, tables.fills
    now, then = panel.timestamps[t], panel.timestamps[decided]
    write(orders[O_DECIDED], first, account[N_ORDERS], then)
    write(orders[O_EXECUTES], first, account[N_ORDERS], now)
    write(orders[O_REBALANCE], first, account[N_ORDERS], account[DECIDED])
    write(fills[F_TIMESTAMP], start, account[N_FILLS], now)
    write(fills[F_DECIDED], start, account[N_FILLS], then)


@part
def add_up(book: Book, tables: Tables, start: int) -> None:
    """The bar's turnover and costs, of the fills from row `start`."""
    account, end = book.account, book.account[N_FILLS]
    if start == end:
        return
    account[TURNOVER] = total(tables.fills[F_FILL_NOTIONAL], start, end)
    account[BAR_COMMISSION] = total(tables.fills[F_FILL_COMMISSION], start, end)
    account[BAR_SLIPPAGE] = total(tables.fills[F_FILL_SLIPPAGE], start, end)
    if min(account[TURNOVER], account[BAR_COMMISSION], account[BAR_SLIPPAGE]) == TOO_LARGE:
        account[FAULT] = BAD_TURNOVER
        return
    account[COMMISSIONS], beyond = checked_sum(account[COMMISSIONS], account[BAR_COMMISSION])
    if beyond:
        account[FAULT] = BAD_COMMISSIONS


@part
def _cancel_gone(settings: Settings, book: Book, tables: Tables, first: int, count: int) -> None:
    """X9: an order for a symbol that a level has closed in this bar is not executed."""
    for i in range(count):
        if holds(book.leaving, tables.orders[O_SYMBOL, first + i]):
            book.raws[i] = CANCELLED


@part
def _cancel_nothing(settings: Settings, book: Book, tables: Tables, first: int, count: int) -> None:
    return


cancel_gone = either("extras", _cancel_gone, _cancel_nothing)


@part
def _leave_resting(settings: Settings, book: Book, count: int) -> bool:
    """R10: whether the bar's orders have limits or stops; they execute later in the bar."""
    book.account[RESTING] = 0
    for i in range(count):
        if book.kinds[i] != MARKET:
            book.account[RESTING] = count
    return book.account[RESTING] > 0


@part
def _leave_nothing(settings: Settings, book: Book, count: int) -> bool:
    return False


leave_resting = either("extras", _leave_resting, _leave_nothing)


@part
def execute(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """E1: the pending orders in their sequence, each meeting the cash the earlier ones left."""
    account, raws = book.account, book.raws
    count = account[PENDING]
    if count == 0:
        return
    first, start = account[N_ORDERS], account[N_FILLS]
    # all prices at once: fetched one by one between fills, each would be waited for
    for i in range(count):
        raws[i] = panel.price[t, np.uint64(tables.orders[O_SYMBOL, first + i])]
    decided = t if settings.timing == SAME_CLOSE else t - 1
    line_up(settings, panel, book, tables, decided, first, count)
    if account[FAULT] != 0:
        return
    cancel_gone(settings, book, tables, first, count)
    rests = leave_resting(settings, book, count)
    for k in range(count):
        i = book.turns[k]
        if rests and book.kinds[i] != MARKET:
            continue
        if tables.orders[O_SIDE, first + i] == SELL:
            status = fill(settings, book, tables, t, first + i, raws[i], SELL, True)
        else:
            status = fill(settings, book, tables, t, first + i, raws[i], BUY, True)
        tables.orders[O_STATUS, first + i] = status
        if account[FAULT] != 0:
            return
    account[N_ORDERS] = first + count
    account[PENDING] = 0
    stamp(panel, book, tables, t, decided, first, start)
