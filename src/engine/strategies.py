"""A callable strategy between two pieces of the kernel (R6): its view, its answer."""

from __future__ import annotations

import contextlib
import functools
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
# What an error names, told when there is one.
Where = Callable[[], str]
_NAMES = frozenset({str})
_DOUBLES = frozenset({float, np.float64})
# Beyond it a weight is looked at more closely: it may have no ppb.
HUGE = 1e290


def _currency(ticks: Ints, present: Bools, decimals: int) -> Floats:
    """Prices as doubles, NaN where not present, (T, S)."""
    prices = ticks / 10.0**decimals
    prices[~present] = np.nan
    prices.flags.writeable = False
    return prices


class _Bar(View):
    """A view whose prices are made of ticks, for the whole market at once, when first asked for."""

    __slots__ = ("_prices",)
    _prices: Callable[[str], Floats]

    @property
    def open(self) -> Floats:
        return self._prices("open")[: self.bar + 1]

    @property
    def high(self) -> Floats:
        return self._prices("high")[: self.bar + 1]

    @property
    def low(self) -> Floats:
        return self._prices("low")[: self.bar + 1]

    @property
    def close(self) -> Floats:
        return self._prices("close")[: self.bar + 1]


def _viewer(scenario: Scenario, market: Market) -> Callable[[Book], View]:
    """A function from the book to the view of its bar; whole-market arrays are made once, if at all."""
    price, lots = scenario.market.price_decimals, scenario.market.quantity_decimals
    money = 10.0 ** (price + lots)
    wall = market.wall.view("datetime64[ns]")
    put = object.__setattr__

    @functools.cache
    def prices(side: str) -> Floats:
        return _currency(getattr(market, side), market.present, price)

    def view(book: Book) -> View:
        t = int(book.account[at.BAR])
        upto = slice(0, t + 1)
        positions = book.lines[:, at.QUANTITY] / 10.0**lots
        positions.flags.writeable = False
        made = object.__new__(_Bar)
        put(made, "_prices", prices)
        put(made, "bar", t)
        put(made, "timestamp", wall[t])
        put(made, "symbols", market.symbols)
        put(made, "present", market.present[upto])
        put(made, "features", MappingProxyType({name: f[upto] for name, f in market.features.items()}))
        put(made, "context", MappingProxyType({name: c[upto] for name, c in market.context.items()}))
        put(made, "positions", positions)
        put(made, "cash", float(book.account[at.CASH]) / money)
        put(made, "equity", float(book.account[at.EQUITY]) / money)
        return made

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
        def where() -> str:
            return f"{strategy.function} at {bar_name(market, int(book.account[at.BAR]))}"

        try:
            answer = strategy.call(view(book))
            given = None if answer is None else _items(answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit and other libraries' own kinds too
            raise CallableError(
                where(),
                f"{type(error).__name__}: {_message(error)}",
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


def _weights(given: list[tuple[Any, Any]], index: Mapping[str, int], where: Where) -> tuple[Ints, Floats]:
    """The answer as symbols, ascending, and their weights; CallableError where it is none."""
    symbols, weights = _plain(given, index) or _checked(given, index, where)
    if len(symbols) > 1:
        order = symbols.argsort()
        symbols, weights = symbols[order], weights[order]
    return symbols, weights


def _plain(given: list[tuple[Any, Any]], index: Mapping[str, int]) -> tuple[Ints, Floats] | None:
    """Known names, each once, with doubles not too large, as nearly all answers are; None for others."""
    if not given:
        return None
    names, numbers = zip(*given, strict=True)
    if set(map(type, names)) != _NAMES or not _DOUBLES.issuperset(map(type, numbers)):
        return None
    symbols = list(map(index.get, names))
    weights = np.array(numbers, dtype=np.float64)
    if None in symbols or len(set(symbols)) < len(symbols) or not (np.abs(weights) < HUGE).all():
        return None
    return np.array(symbols, dtype=np.int64), weights


def _checked(given: list[tuple[Any, Any]], index: Mapping[str, int], where: Where) -> tuple[Ints, Floats]:
    """Any names and numbers; CallableError where one is none."""
    weights: dict[int, float] = {}
    for symbol, weight in given:
        s = index.get(symbol) if isinstance(symbol, str) else None
        if s is None or s in weights:
            found = f"symbol {symbol!r}" + ("" if s is None else " twice")
            raise CallableError(
                where(), found, "each symbol of view.symbols at most once", "Check its spelling."
            )
        weights[s] = _finite(weight, symbol, where)
    return np.array(list(weights), dtype=np.int64), np.array(list(weights.values()), dtype=np.float64)


def _finite(weight: Any, symbol: str, where: Where) -> float:
    """One weight as a double; CallableError where it is no number, or none that has a ppb."""
    number = math.nan
    if isinstance(weight, int | float | np.integer | np.floating) and not isinstance(weight, bool):
        with contextlib.suppress(OverflowError):
            number = float(weight)
    if math.isfinite(number * 1e9):
        return number
    raise CallableError(
        where(), f"weight {weight!r} for {symbol}", "a finite number", "Leave out what has no weight."
    )


def _lay(book: Book, answer: tuple[Ints, Floats], scenario: Scenario, market: Market, where: Where) -> int:
    """R5, E5: drops what is no target, writes the rest to chosen and weights."""
    t = int(book.account[at.BAR])
    symbols, weights = answer
    ppb = np.rint(weights * 1e9)
    is_target = (ppb != 0.0) & market.present[t, symbols] & (book.lines[symbols, at.BARRED] < t)
    symbols, weights, ppb = symbols[is_target], weights[is_target], ppb[is_target]
    if not scenario.execution.allow_short and (ppb < 0.0).any():
        first = int((ppb < 0.0).argmax())
        raise CallableError(
            where(),
            f"weight {float(weights[first])!r} for {market.symbols[symbols[first]]}",
            "no weight below 0, as allow_short is false (E5)",
            "Set execution.allow_short = true, or return no negative weights.",
        )
    if (np.abs(ppb) >= 2.0**63).any():
        book.account[at.FAULT] = at.BAD_WEIGHT
        return at.NOTHING
    count = len(symbols)
    book.chosen[:count] = symbols
    book.chosen_closes[:count] = market.close[t, symbols]
    book.weights[:count] = ppb
    return count


def _message(error: BaseException) -> str:
    """Its text; a user's own kind of error may fail even at that."""
    try:
        return str(error)
    except BaseException:
        return "(an error that has no text)"
