"""The batched run: plan, advance in compiled spans, hand over the ledger and the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import layout as at
from engine.book import await_orders, book_from, initial_state, state_from
from engine.kernel import advance, advance_with_extras, has_code
from engine.layout import Book, Panel, Settings, Tables
from engine.plan import bar_name, extras_of, panel_of, settings_of
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
    after = state_from(book, tables, scenario)
    return ledger_from(tables, book, scenario, market), after


def is_compiled(scenario: Scenario, state: State | None = None) -> bool:
    """Whether an earlier command left the kernel that a run needs in the cache. state: where it begins."""
    return has_code(extras_of(scenario, state or initial_state(scenario)) is not None)


def _run(
    scenario: Scenario, market: Market, state: State, until: int, progress: Progress | None
) -> tuple[Book, Tables]:
    """The span's book and tables as the kernel leaves them."""
    plan = plan_of(scenario, market, state)
    book, tables = begin(plan, scenario, state, until)
    while book.account[at.BAR] < until:
        stop = until if progress is None else min(until, int(book.account[at.BAR]) + STRIDE)
        tables = advance_to(plan, book, tables, stop)
        if progress is not None:
            progress(int(book.account[at.BAR]) - state.bar)
    return book, tables


@dataclass(frozen=True, slots=True)
class Plan:
    """What does not change during a run. ask: what answers when the kernel needs weights (R6)."""

    market: Market
    settings: Settings
    panel: Panel
    ask: Ask | None


def plan_of(scenario: Scenario, market: Market, state: State) -> Plan:
    """The scenario and the market as the kernel reads them. state: where the run begins."""
    called = isinstance(scenario.strategy.selection, CallableStrategy)
    ask = asker(scenario, market) if called else None
    extras = extras_of(scenario, state)
    return Plan(market, settings_of(scenario, market, extras), panel_of(scenario, market, extras), ask)


def begin(plan: Plan, scenario: Scenario, state: State, until: int) -> tuple[Book, Tables]:
    """A book at `state`, and tables for the bars to `until`."""
    book = book_from(state, scenario, plan.market, plan.settings.room)
    tables = new_tables(plan.settings, len(plan.market.symbols), until - state.bar)
    await_orders(book, tables, scenario, state)
    return book, tables


def require_span(state: State, until: int, bars: int) -> None:
    """InputError unless bars [state.bar, until) are the market's."""
    if not 0 <= state.bar <= until <= bars:
        raise InputError(
            "engine.resume",
            f"bars {state.bar} to {until}",
            f"0 <= state.bar <= until <= {bars}, the market's bars",
            "Give a bar of this market.",
        )


def advance_to(plan: Plan, book: Book, tables: Tables, stop: int) -> Tables:
    """The kernel up to `stop`, with what it asks for on the way: room, weights, or to give up."""
    kernel = advance if plan.settings.extras is None else advance_with_extras
    while True:
        why = kernel(plan.settings, plan.panel, book, tables, stop)
        if why == at.DONE:
            return tables
        if why == at.FULL:
            tables = with_room(tables, book, plan.settings.room)
        elif why == at.NEEDS_WEIGHTS and plan.ask is not None:
            book.account[at.GIVEN] = plan.ask(book)
        else:
            t = int(book.account[at.BAR])
            raise RangeError(
                bar_name(plan.market, t),
                f"{at.FAULTS[int(book.account[at.FAULT])]} beyond 64 bits",
                "values within plus or minus 9,223,372,036,854,775,807 units (U4)",
                "Use fewer price_decimals or quantity_decimals, or less cash.",
            )
