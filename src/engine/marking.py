"""The book at a bar: who is held, what it is worth, and the rows that say so (T1, T2, M3, A3)."""

from __future__ import annotations

from engine.compiling import part
from engine.exits import arm
from engine.intrinsics import checked_product, checked_sum, claim, fetch, fetch_cell, write
from engine.layout import *  # the column names are this file's alphabet
from engine.sets import listed
from vocabulary.market import Ints

LEAST = -(2**63)


@part
def look_ahead(panel: Panel, book: Book, t: int) -> None:
    """Asks for what the next bar will read of who is held."""
    row = (t + 1) * book.lines.shape[0]
    for i in range(book.account[HELD]):
        fetch(panel.close, row + book.held[i])
    for k in range(panel.stops.shape[0]):
        for i in range(book.account[HELD]):
            fetch_cell(panel.stops[k], row + book.held[i])


@part
def claim_rows(table: Ints, first: int, count: int) -> None:
    """Asks for the memory of a table's next rows."""
    for column in range(table.shape[0]):
        start = column * table.shape[1] + first
        for row in range(start, start + count + 8, 8):
            claim(table, row)


@part
def make_room(settings: Settings, book: Book, tables: Tables) -> None:
    """Asks for the memory that a bar's rows will be written to."""
    account = book.account
    count = account[PENDING]
    claim_rows(tables.fills, account[N_FILLS], count)
    claim_rows(tables.orders, account[N_ORDERS], 2 * count)
    claim_rows(tables.positions, account[N_POSITIONS], account[HELD])
    claim_rows(tables.targets, account[N_TARGETS], settings.n + settings.short_n)


@part
def mark(panel: Panel, book: Book, tables: Tables, t: int, final: bool) -> None:
    """T1 (2): marks, peaks (X2) and equity at close t; with `final`, the rows of the bar's end."""
    account, lines, positions = book.account, book.lines, tables.positions
    if account[CHANGED] != 0:
        account[HELD] = listed(book.holding, book.held)
        account[CHANGED] = 0
    count, first = account[HELD], account[N_POSITIONS]
    for i in range(count):
        book.closes[i] = panel.close[t, book.held[i]]
    worth = 0
    wraps = 0  # longs and shorts may pass 64 bits on the way to a sum that does not (U4)
    for i in range(count):
        s = book.held[i]
        quantity, peak, close = lines[s, QUANTITY], lines[s, PEAK], book.closes[i]
        known = close if close != 0 else lines[s, MARK]
        lines[s, MARK] = known
        if close != 0:
            lines[s, PEAK] = max(peak, close) if quantity > 0 else min(peak, close)
        value, beyond = checked_product(quantity, known)
        worth, wrapped = checked_sum(worth, value)
        if wrapped:
            wraps += 1 if value > 0 else -1
        if beyond or value == LEAST:
            account[FAULT] = BAD_POSITION_VALUE
            return
        if final:
            row = first + i
            positions[H_SYMBOL, row] = s
            positions[H_QUANTITY, row] = quantity
            positions[H_AVERAGE, row] = lines[s, ENTRY]
            positions[H_BASIS, row] = lines[s, BASIS]
            positions[H_MARK, row] = known
            positions[H_VALUE, row] = value
    if final:
        account[N_POSITIONS] = first + count
        write(positions[H_TIMESTAMP], first, first + count, panel.timestamps[t])
        look_ahead(panel, book, t)
    if book.armed.shape[0] > 0:
        arm(book)
    if wraps != 0:
        account[FAULT] = BAD_MARKET_VALUE
    account[MARKET_VALUE] = worth
    account[EQUITY], beyond = checked_sum(account[CASH], worth)
    if beyond:
        account[FAULT] = BAD_EQUITY


@part
def pay_carry(panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """M5: cash and a row of `flows` for each position held when the bar begins."""
    account, flows = book.account, tables.flows
    for i in range(account[HELD]):
        s = book.held[i]
        per_share = panel.carry[t, s]
        if per_share == 0:
            continue
        amount, beyond = checked_product(book.lines[s, QUANTITY], per_share)
        account[CASH], beyond_cash = checked_sum(account[CASH], amount)
        if beyond or beyond_cash:
            account[FAULT] = BAD_CARRY if beyond else BAD_CASH
            return
        row = account[N_FLOWS]
        flows[W_TIMESTAMP, row] = panel.timestamps[t]
        flows[W_SYMBOL, row] = s
        flows[W_KIND, row] = CARRY
        flows[W_AMOUNT, row] = amount
        account[N_FLOWS] = row + 1


@part
def record_bar(panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """The ledger's rows of costs and equity for bar t; the bar's costs start anew."""
    account, costs, equity = book.account, tables.costs, tables.equity
    row = account[N_BARS]
    stamp = panel.timestamps[t]
    costs[C_TIMESTAMP, row] = stamp
    costs[C_TURNOVER, row] = account[TURNOVER]
    costs[C_COMMISSION, row] = account[BAR_COMMISSION]
    costs[C_SLIPPAGE, row] = account[BAR_SLIPPAGE]
    equity[E_TIMESTAMP, row] = stamp
    equity[E_REBALANCE, row] = account[DECIDED]
    equity[E_CASH, row] = account[CASH]
    equity[E_VALUE, row] = account[MARKET_VALUE]
    equity[E_EQUITY, row] = account[EQUITY]
    account[N_BARS] = row + 1
    account[TURNOVER] = 0
    account[BAR_COMMISSION] = 0
    account[BAR_SLIPPAGE] = 0
