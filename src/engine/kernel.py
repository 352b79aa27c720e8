"""One compiled pass over bars: section T of the semantics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.compiling import compiled, part
from engine.deciding import free, order_exits, rebalance
from engine.executing import execute
from engine.layout import *  # the column names are this file's alphabet
from engine.marking import look_ahead, mark, record_bar
from engine.selecting import choose_top, choose_weighted
from engine.sets import empty


@part
def has_room(book: Book, tables: Tables) -> bool:
    """Whether the fullest bar there can be, one row a symbol in each table, still fits."""
    account = book.account
    symbols = book.lines.shape[0]
    return (
        account[N_TARGETS] + symbols <= tables.targets.shape[1]
        and account[N_ORDERS] + account[PENDING] + symbols <= tables.orders.shape[1]
        and account[N_FILLS] + symbols <= tables.fills.shape[1]
        and account[N_POSITIONS] + symbols <= tables.positions.shape[1]
    )


@part
def open_bar(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> bool:
    """T1 (1) and (2), or T2's first mark; then the exits. Whether a rebalance may follow."""
    account = book.account
    ahead = settings.timing == SAME_CLOSE
    if not ahead:
        execute(settings, panel, book, tables, t)
    if account[FAULT] == 0:
        mark(panel, book, tables, t, not ahead)
        look_ahead(panel, book, t)
    account[DECIDED] = NOTHING
    if account[FAULT] != 0 or not (ahead or t < settings.bars - 1):
        return False
    free(book, t)
    order_exits(settings, panel, book, tables, t)
    return panel.allowed[t]


@part
def close_bar(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, count: int) -> None:
    """The rebalance, where there is one, and T2's execution; then the rows of the bar."""
    if count != NOTHING:
        rebalance(settings, panel, book, tables, t, count)
    if settings.timing == SAME_CLOSE and book.account[FAULT] == 0:
        execute(settings, panel, book, tables, t)
        mark(panel, book, tables, t, True)
    empty(book.leaving)
    empty(book.aimed)
    record_bar(panel, book, tables, t)


@compiled
def advance(settings: Settings, panel: Panel, book: Book, tables: Tables, stop: int) -> int:
    """Runs bars [account[BAR], stop); returns why it came back before or at `stop`.

    FULL: a table needs more room; nothing of the bar was done. NEEDS_WEIGHTS: a callable strategy is
    due at account[BAR]; called again with its targets in chosen and weights and account[GIVEN] set, the
    kernel goes on from there. OUT_OF_RANGE: account[FAULT] left int64 at account[BAR] (U4).
    """
    account = book.account
    while account[BAR] < stop:
        t = account[BAR]
        count = NOTHING
        if account[PHASE] == AT_WEIGHTS:
            account[PHASE] = AT_START
            count = account[GIVEN]
        else:
            if not has_room(book, tables):
                return FULL
            if open_bar(settings, panel, book, tables, t):
                if settings.kind == CALLABLE:
                    if account[FAULT] != 0:
                        return OUT_OF_RANGE
                    account[PHASE] = AT_WEIGHTS
                    return NEEDS_WEIGHTS
                if settings.kind == TOP_N:
                    count = choose_top(settings, panel, book, t)
                else:
                    count = choose_weighted(panel, book, t)
        close_bar(settings, panel, book, tables, t, count)
        if account[FAULT] != 0:
            return OUT_OF_RANGE
        account[BAR] = t + 1
    return DONE


def is_compiled() -> bool:
    """Whether an earlier command left the compiled kernel of this install in the cache."""
    stats: Any = advance
    return any(Path(stats.stats.cache_path or "").glob("kernel.advance*.nbc"))
