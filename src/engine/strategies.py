"""A callable strategy between two pieces of the kernel (R6): its view, its answer."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from engine import layout as at
from engine.layout import Book
from engine.plan import bar_name
from vocabulary.errors import CallableError
from vocabulary.market import Bools, Floats, Ints, Market
from vocabulary.scenario import CallableStrategy, Scenario
from vocabulary.view import View

Ask = Callable[[Book], int]


def _currency(ticks: Ints, present: Bools, decimals: int) -> Floats:
    """Prices as doubles, NaN where not present, (T, S)."""
    prices = ticks / 10.0**decimals
    prices[~present] = np.nan
    prices.flags.writeable = False
    return prices


def _viewer(scenario: Scenario, market: Market) -> Callable[[Book], View]:
    """A function from the book to the view of its bar; whole-market arrays are made once."""
    price, lots = scenario.market.price_decimals, scenario.market.quantity_decimals
    money = 10.0 ** (price + lots)
    sides = [
        _currency(p, market.present, price) for p in (market.open, market.high, market.low, market.close)
    ]
    wall = market.wall.view("datetime64[ns]")

    def view(book: Book) -> View:
        t = int(book.account[at.BAR])
        upto = slice(0, t + 1)
        opens, highs, lows, closes = (p[upto] for p in sides)
        positions = book.lines[:, at.QUANTITY] / 10.0**lots
        positions.flags.writeable = False
        return View(
            bar=t,
            timestamp=wall[t],
            symbols=market.symbols,
            present=market.present[upto],
            open=opens,
            high=highs,
            low=lows,
            close=closes,
            features=MappingProxyType({name: f[upto] for name, f in market.features.items()}),
            context=MappingProxyType({name: c[upto] for name, c in market.context.items()}),
            positions=positions,
            cash=float(book.account[at.CASH]) / money,
            equity=float(book.account[at.EQUITY]) / money,
        )

    return view


def asker(scenario: Scenario, market: Market) -> Ask:
    """A function that asks the strategy at the book's bar and lays its targets into the book (R5, R6).

    It returns the number of targets, or NOTHING for no rebalance. CallableError: it raised, or gave
    what R6 or E5 does not allow.
    """
    strategy = scenario.strategy.selection
    assert isinstance(strategy, CallableStrategy)
    index = {symbol: s for s, symbol in enumerate(market.symbols)}
    view = _viewer(scenario, market)

    def ask(book: Book) -> int:
        t = int(book.account[at.BAR])
        where = f"{strategy.function} at {bar_name(market, t)}"
        try:
            answer = strategy.call(view(book))
            given = None if answer is None else _items(answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit and other libraries' own kinds too
            raise CallableError(
                where,
                f"{type(error).__name__}: {error}",
                "target weights by symbol, or None",
                "Mend the function; the view is read-only. TIEOUT_TRACEBACK=1 shows where it failed.",
            ) from error
        if given is None:
            return at.NOTHING
        return _lay(book, _weights(given, index, where), scenario, market, where)

    return ask


def _items(answer: Any) -> list[tuple[Any, Any]]:
    """The pairs of a mapping, or of what else has `.items()`; whatever goes wrong is the strategy's."""
    if not callable(getattr(answer, "items", None)):
        raise TypeError(f"returned {type(answer).__name__}, no mapping from symbol to weight")
    return [(symbol, weight) for symbol, weight in answer.items()]


def _weights(given: list[tuple[Any, Any]], index: Mapping[str, int], where: str) -> list[tuple[int, float]]:
    """The answer as (symbol index, weight) in symbol order; CallableError where it is none."""
    weights: dict[int, float] = {}
    for symbol, weight in given:
        s = index.get(symbol) if isinstance(symbol, str) else None
        if s is None or s in weights:
            found = f"symbol {symbol!r}" + ("" if s is None else " twice")
            raise CallableError(
                where, found, "each symbol of view.symbols at most once", "Check its spelling."
            )
        weights[s] = _finite(weight, symbol, where)
    return sorted(weights.items())


def _finite(weight: Any, symbol: str, where: str) -> float:
    """One weight as a double; CallableError where it is no number, or none that has a ppb."""
    number = math.nan
    if isinstance(weight, int | float | np.integer | np.floating) and not isinstance(weight, bool):
        with contextlib.suppress(OverflowError):
            number = float(weight)
    if math.isfinite(number * 1e9):
        return number
    raise CallableError(
        where, f"weight {weight!r} for {symbol}", "a finite number", "Leave out what has no weight."
    )


def _lay(book: Book, weights: list[tuple[int, float]], scenario: Scenario, market: Market, where: str) -> int:
    """R5, E5: drops what is no target, writes the rest to chosen and weights."""
    t = int(book.account[at.BAR])
    present = market.present[t]
    count = 0
    for s, weight in weights:
        ppb = round(weight * 1e9)
        if ppb == 0 or not present[s] or book.lines[s, at.BARRED] >= t:
            continue
        if ppb < 0 and not scenario.execution.allow_short:
            raise CallableError(
                where,
                f"weight {weight!r} for {market.symbols[s]}",
                "no weight below 0, as allow_short is false (E5)",
                "Set execution.allow_short = true, or return no negative weights.",
            )
        if abs(ppb) >= 2**63:
            book.account[at.FAULT] = at.BAD_WEIGHT
            return at.NOTHING
        book.chosen[count] = s
        book.chosen_closes[count] = market.close[t, s]
        book.weights[count] = ppb
        count += 1
    return count
