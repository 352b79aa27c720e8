"""The batched run: plan, advance in compiled spans, hand over the ledger and the state."""

from __future__ import annotations

from collections.abc import Callable

from engine import layout as at
from engine.book import book_from, initial_state, state_from
from engine.kernel import advance
from engine.layout import Book, Panel, Settings, Tables
from engine.plan import panel_of, settings_of
from engine.record import ledger_from, new_tables, with_room
from engine.strategies import Ask, asker
from vocabulary.errors import InputError, RangeError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import CallableStrategy, Scenario
from vocabulary.state import State

Progress = Callable[[int], None]
# Bars between two calls of `progress`.
STRIDE = 4096


def run(scenario: Scenario, market: Market, progress: Progress | None = None) -> Ledger:
    """The whole backtest in one compiled pass.

    market: as `reconcile.check` passed it for this scenario. progress: called with the bars done.
    RangeError: a value would leave int64 (U4). CallableError: the strategy's function failed (R6).
    """
    book, tables = _run(scenario, market, initial_state(scenario), len(market.timestamps), progress)
    return ledger_from(tables, book, scenario, market)


def resume(
    scenario: Scenario, market: Market, state: State, until: int, progress: Progress | None = None
) -> tuple[Ledger, State]:
    """Bars [state.bar, until) from `state`: their rows of the ledger, and the state at `until`.

    An order's row is written at the bar it executes, so spans put end to end are the whole run's
    tables; `fills.sequence` counts from 0 in each.
    """
    require_span(state, until, len(market.timestamps))
    book, tables = _run(scenario, market, state, until, progress)
    return ledger_from(tables, book, scenario, market), state_from(book, scenario)


def _run(
    scenario: Scenario, market: Market, state: State, until: int, progress: Progress | None
) -> tuple[Book, Tables]:
    """The span's book and tables as the kernel leaves them."""
    settings = settings_of(scenario, market)
    panel = panel_of(scenario, market)
    book = book_from(state, scenario, market)
    tables = new_tables(settings, len(market.symbols), until - state.bar)
    ask = asker_of(scenario, market)
    while book.account[at.BAR] < until:
        stop = until if progress is None else min(until, int(book.account[at.BAR]) + STRIDE)
        tables = advance_to(settings, panel, book, tables, stop, market, ask)
        if progress is not None:
            progress(int(book.account[at.BAR]) - state.bar)
    return book, tables


def asker_of(scenario: Scenario, market: Market) -> Ask | None:
    """What answers when the kernel needs weights: the callable strategy, where it is one."""
    return asker(scenario, market) if isinstance(scenario.strategy.selection, CallableStrategy) else None


def require_span(state: State, until: int, bars: int) -> None:
    """InputError unless bars [state.bar, until) are the market's."""
    if not 0 <= state.bar <= until <= bars:
        raise InputError(
            "engine.resume",
            f"bars {state.bar} to {until}",
            f"0 <= state.bar <= until <= {bars}, the market's bars",
            "Give a bar of this market.",
        )


def advance_to(
    settings: Settings, panel: Panel, book: Book, tables: Tables, stop: int, market: Market, ask: Ask | None
) -> Tables:
    """The kernel up to `stop`, with what it asks for on the way: room, weights, or to give up."""
    while True:
        why = advance(settings, panel, book, tables, stop)
        if why == at.DONE:
            return tables
        if why == at.FULL:
            tables = with_room(tables, book, len(market.symbols))
        elif why == at.NEEDS_WEIGHTS and ask is not None:
            book.account[at.GIVEN] = ask(book)
        else:
            t = int(book.account[at.BAR])
            raise RangeError(
                f"bar {t} ({market.wall[t].astype('datetime64[ns]')})",
                f"{at.FAULTS[int(book.account[at.FAULT])]} beyond 64 bits",
                "values within plus or minus 9,223,372,036,854,775,807 units (U4)",
                "Use fewer price_decimals or quantity_decimals, or less cash.",
            )
