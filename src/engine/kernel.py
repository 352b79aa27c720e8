"""One compiled pass over bars: section T of the semantics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.compiling import compiled, part
from engine.deciding import free, order_exits, order_from_file, rebalance, size_late
from engine.executing import add_up, execute
from engine.layout import *  # the column names are this file's alphabet
from engine.levels import after_levels, meet_levels
from engine.marking import make_room, mark, pay_carry, record_bar
from engine.referring import refer
from engine.selecting import choose_top, choose_weighted, scout
from engine.sets import empty


@part
def has_room(settings: Settings, panel: Panel, book: Book, tables: Tables) -> bool:
    """Whether the fullest bar there can be still fits into each table."""
    account, room = book.account, settings.room
    return (
        account[N_TARGETS] + room <= tables.targets.shape[1]
        and account[N_ORDERS] + account[PENDING] + account[UNSIZED] + room <= tables.orders.shape[1]
        and account[N_FILLS] + room <= tables.fills.shape[1]
        and account[N_POSITIONS] + room <= tables.positions.shape[1]
        and (panel.carry.shape[0] == 0 or account[N_FLOWS] + room <= tables.flows.shape[1])
    )


@part
def trade(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """T1 (1) and (2), T2, X5: the order in which levels are met, orders execute and positions are marked."""
    account = book.account
    final = settings.timing != SAME_CLOSE or account[PHASE] == AT_TRADE
    if settings.timing != NEXT_OPEN and account[PHASE] == AT_START:
        meet_levels(settings, panel, book, tables, t)
    if final and account[FAULT] == 0:
        size_late(settings, panel, book, tables, t)
    if final and account[FAULT] == 0:
        execute(settings, panel, book, tables, t)
    if settings.timing == NEXT_OPEN and account[FAULT] == 0:
        meet_levels(settings, panel, book, tables, t)
    if settings.levels:
        # X9: the closings are rows of the ledger now, and bar no order of the bar any more
        account[N_ORDERS] += account[N_CLOSED]
        account[N_CLOSED] = 0
        empty(book.leaving)
    if final and account[FAULT] == 0:
        add_up(book, tables, account[FIRST_FILL])
        after_levels(settings, panel, book, tables, t)
    if account[FAULT] == 0:
        mark(panel, book, tables, t, final)


@part
def prepare(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> bool:
    """T1 (3): the exits. Whether a rebalance may follow."""
    account = book.account
    account[DECIDED] = NOTHING
    if settings.timing != SAME_CLOSE and t >= settings.bars - 1:
        return False
    free(book, t)
    order_exits(settings, panel, book, tables, t)
    return account[FAULT] == 0 and panel.allowed[t]


@part
def decide(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, due: bool) -> None:
    """The rebalance, where one is due."""
    count = NOTHING
    if due:
        if settings.kind == TOP_N:
            count = choose_top(settings, panel, book, t)
        elif settings.kind == WEIGHTS:
            count = choose_weighted(panel, book, t)
        elif settings.kind == ORDERS:
            order_from_file(settings, panel, book, tables, t)
        else:
            count = book.account[GIVEN]
    if count != NOTHING:
        rebalance(settings, panel, book, tables, t, count)
    empty(book.leaving)
    empty(book.aimed)


@part
def advance_by_reference(settings: Settings, panel: Panel, book: Book, tables: Tables, stop: int) -> int:
    """What `advance` does, of addresses."""
    account = book.account
    while account[BAR] < stop:
        t = account[BAR]
        if account[PHASE] == AT_START:
            if not has_room(settings, panel, book, tables):
                return FULL
            make_room(settings, book, tables)
            account[FIRST_FILL] = account[N_FILLS]
            if panel.carry.shape[0] > 0:
                pay_carry(panel, book, tables, t)
                if account[FAULT] != 0:
                    return OUT_OF_RANGE
            if settings.kind == TOP_N and panel.allowed[t]:
                scout(settings, panel, book, t)
        if account[PHASE] != AT_WEIGHTS:
            trade(settings, panel, book, tables, t)
        if account[PHASE] != AT_TRADE and account[FAULT] == 0:
            due = account[PHASE] == AT_WEIGHTS or prepare(settings, panel, book, tables, t)
            if due and settings.kind == CALLABLE and account[PHASE] == AT_START:
                account[PHASE] = AT_WEIGHTS
                return NEEDS_WEIGHTS
            decide(settings, panel, book, tables, t, due)
            if settings.timing == SAME_CLOSE and account[FAULT] == 0:
                account[PHASE] = AT_TRADE
                continue
        if account[FAULT] != 0:
            return OUT_OF_RANGE
        record_bar(panel, book, tables, t)
        account[PHASE] = AT_START
        account[BAR] = t + 1
    return DONE


@compiled
def advance(settings: Settings, panel: Panel, book: Book, tables: Tables, stop: int) -> int:
    """Runs bars [account[BAR], stop); returns why it came back before or at `stop`.

    FULL: a table needs more room; nothing of the bar was done. NEEDS_WEIGHTS: a callable strategy is
    due at account[BAR]; called again with its targets in chosen and weights and account[GIVEN] set, the
    kernel goes on from there. OUT_OF_RANGE: account[FAULT] left int64 at account[BAR] (U4).
    """
    return advance_by_reference(refer(settings), refer(panel), refer(book), refer(tables), stop)


@compiled
def advance_with_extras(settings: Settings, panel: Panel, book: Book, tables: Tables, stop: int) -> int:
    """`advance` for settings with extras. Its code has a name of its own, so that it can be asked for."""
    return advance_by_reference(refer(settings), refer(panel), refer(book), refer(tables), stop)


def has_code(extras: bool) -> bool:
    """Whether an earlier command left the compiled kernel of this install in the cache."""
    kernel: Any = advance_with_extras if extras else advance
    folder = kernel.stats.cache_path
    return bool(folder) and any(Path(folder).glob(f"kernel.{kernel.py_func.__name__}-*.nbc"))
