"""The book at a bar: who is held, what it is worth, and the rows that say so (T1, T2, M3, A3)."""

from __future__ import annotations

from engine.arithmetic import TOO_LARGE, product, sum_overflows
from engine.compiling import part
from engine.layout import *  # the column names are this file's alphabet

FEW = 64


@part
def tidy(book: Book) -> None:
    """Drops closed symbols from `held` and puts opened ones, appended by fills, in symbol order."""
    account, held, lines = book.account, book.held, book.lines
    count = account[HELD]
    opened = account[CHANGED]
    account[CHANGED] = 0
    if opened > FEW:
        kept = 0
        for s in range(lines.shape[0]):
            if lines[s, QUANTITY] != 0:
                held[kept] = s
                kept += 1
        account[HELD] = kept
        return
    kept = 0
    for i in range(count):
        s = held[i]
        if lines[s, QUANTITY] == 0:
            continue
        at = kept
        while at > 0 and held[at - 1] > s:
            held[at] = held[at - 1]
            at -= 1
        held[at] = s
        kept += 1
    account[HELD] = kept


@part
def record_position(book: Book, tables: Tables, stamp: int, s: int, value: int) -> None:
    """The ledger's row of one open position."""
    lines, positions = book.lines, tables.positions
    row = book.account[N_POSITIONS]
    positions[H_TIMESTAMP, row] = stamp
    positions[H_SYMBOL, row] = s
    positions[H_QUANTITY, row] = lines[s, QUANTITY]
    positions[H_AVERAGE, row] = lines[s, ENTRY]
    positions[H_BASIS, row] = lines[s, BASIS]
    positions[H_MARK, row] = lines[s, MARK]
    positions[H_VALUE, row] = value
    book.account[N_POSITIONS] = row + 1


@part
def mark(panel: Panel, book: Book, tables: Tables, t: int, final: bool) -> None:
    """T1 (2): marks, peaks (X2) and equity at close t; with `final`, the rows of the bar's end."""
    account, lines = book.account, book.lines
    if account[CHANGED] != 0:
        tidy(book)
    stamp = panel.timestamps[t]
    total = 0
    wraps = 0  # longs and shorts may pass 64 bits on the way to a sum that does not (U4)
    for i in range(account[HELD]):
        book.closes[i] = panel.close[t, book.held[i]]
    for i in range(account[HELD]):
        s = book.held[i]
        quantity = lines[s, QUANTITY]
        close = book.closes[i]
        if close != 0:
            lines[s, MARK] = close
            peak = lines[s, PEAK]
            lines[s, PEAK] = max(peak, close) if quantity > 0 else min(peak, close)
        value = product(abs(quantity), lines[s, MARK])
        if value == TOO_LARGE:
            account[FAULT] = BAD_POSITION_VALUE
            return
        if quantity < 0:
            value = -value
        more = total + value
        if sum_overflows(total, value, more):
            wraps += 1 if value > 0 else -1
        total = more
        if final:
            record_position(book, tables, stamp, s, value)
    if wraps != 0:
        account[FAULT] = BAD_MARKET_VALUE
    account[MARKET_VALUE] = total
    account[EQUITY] = account[CASH] + total
    if sum_overflows(account[CASH], total, account[EQUITY]):
        account[FAULT] = BAD_EQUITY


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
