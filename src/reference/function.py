"""R6: a user's function is shown the market so far and asked for weights."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Set
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from reference.marking import equity
from reference.units import ppb
from vocabulary.errors import CallableError
from vocabulary.market import Floats, Ints, Market
from vocabulary.scenario import CallableStrategy, Scenario
from vocabulary.state import State
from vocabulary.view import View

Scalar = TypeVar("Scalar", bound=np.generic)

EXPECTED = "a mapping from symbol to a finite number, or None"


def answer(
    scenario: Scenario, strategy: CallableStrategy, state: State, market: Market, t: int, barred: Set[int]
) -> dict[int, int] | None:
    """R6, E5: the function's weights in ppb by symbol, None where it wants no rebalance.

    Raises CallableError, naming the bar and the function, when it raises, answers something else, gives
    two answers to one view, or sells short where that is not allowed.
    """
    where = f"{strategy.function} at bar {_clock(market, t)}"
    view = make_view(scenario, state, market, t)
    first = _ask(strategy, view, where)
    second = _ask(strategy, view, where)
    if first != second:
        raise CallableError(
            where,
            f"two answers to one view, {_shown(first, market)} and then {_shown(second, market)}",
            "the same answer to the same view",
            "Take everything from the view: no memory, no random numbers.",
        )
    if first is not None and not scenario.execution.allow_short:
        _refuse_shorts(first, market, t, barred, where)
    return first


def _refuse_shorts(asked: dict[int, int], market: Market, t: int, barred: Set[int], where: str) -> None:
    """E5: a negative weight that R5 does not drop needs allow_short."""
    for symbol, weight in sorted(asked.items()):
        if weight < 0 and symbol not in barred and market.present.item(t, symbol):
            raise CallableError(
                where,
                f"weight {weight / 1e9!r} for {market.symbols[symbol]!r}",
                "no weight below 0 without allow_short",
                "Set execution.allow_short = true, or return no negative weight.",
            )


def _ask(strategy: CallableStrategy, view: View, where: str) -> dict[int, int] | None:
    """R6: one call, its answer in ppb by symbol."""
    try:
        given = strategy.call(view)
        items = None if given is None else _items(given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # SystemExit and other libraries' own kinds too: a function must not decide how the command ends.
        raise CallableError(
            where,
            f"{type(error).__name__}: {_message(error)}",
            f"a function that returns {EXPECTED}",
            "Correct the function; the view it was given is read-only. TIEOUT_TRACEBACK=1 shows where.",
        ) from error
    if items is None:
        return None
    index = _index(view.symbols)
    weights: dict[int, int] = {}
    for name, value in items:
        symbol = index.get(name) if isinstance(name, str) else None
        if symbol is None:
            raise _unusable(where, f"symbol {reprlib.repr(name)}", "one of the view's symbols")
        if symbol in weights:
            raise _unusable(where, f"two weights for {name!r}", "one weight a symbol")
        weights[symbol] = _weight(name, value, where)
    return weights


def _items(given: Any) -> list[tuple[Any, Any]]:
    """The pairs of a mapping, or of anything else with `.items()`, a pandas Series for one."""
    items = getattr(given, "items", None)
    if not callable(items):
        raise TypeError(f"returned {reprlib.repr(given)}, a {type(given).__name__}")
    return [(name, value) for name, value in items()]


def _weight(name: str, value: Any, where: str) -> int:
    """R6: one weight in ppb; a number, finite, no truth value."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if number:
        try:
            weight = ppb(float(value))
        except OverflowError:
            weight = None
        if weight is not None:
            return weight
    raise _unusable(where, f"weight {reprlib.repr(value)} for {name!r}", "a finite number")


def _unusable(where: str, found: str, expected: str) -> CallableError:
    return CallableError(where, found, expected, f"Return {EXPECTED}.")


def _shown(asked: dict[int, int] | None, market: Market) -> str:
    """An answer in a message: its first few weights."""
    if asked is None:
        return "None"
    few = [f"{market.symbols[symbol]!r}: {weight / 1e9!r}" for symbol, weight in sorted(asked.items())[:3]]
    return "{" + ", ".join(few) + (", ..." if len(asked) > len(few) else "") + "}"


def _clock(market: Market, t: int) -> str:
    """Local clock time of bar t, as text."""
    wall: int = market.wall.item(t)
    return (datetime(1970, 1, 1) + timedelta(microseconds=wall // 1000)).isoformat(sep=" ")


@lru_cache(maxsize=1)
def _index(symbols: tuple[str, ...]) -> dict[str, int]:
    return {name: symbol for symbol, name in enumerate(symbols)}


def make_view(scenario: Scenario, state: State, market: Market, t: int) -> View:
    """R6: the market up to and including bar t and the account as of t; no array can be written."""
    opens, highs, lows, closes = _prices(market)
    lot = float(10**scenario.market.quantity_decimals)
    money = float(10 ** (scenario.market.price_decimals + scenario.market.quantity_decimals))
    positions = [0.0] * len(market.symbols)
    for symbol, position in state.positions.items():
        positions[symbol] = float(position.quantity) / lot
    until = t + 1
    return View(
        bar=t,
        timestamp=np.datetime64(market.wall.item(t), "ns"),
        symbols=market.symbols,
        present=_frozen(market.present[:until]),
        open=_frozen(opens[:until]),
        high=_frozen(highs[:until]),
        low=_frozen(lows[:until]),
        close=_frozen(closes[:until]),
        features=MappingProxyType({name: _frozen(a[:until]) for name, a in market.features.items()}),
        context=MappingProxyType({name: _frozen(a[:until]) for name, a in market.context.items()}),
        positions=_frozen(np.array(positions, dtype=np.float64)),
        cash=float(state.cash) / money,
        equity=float(equity(state)) / money,
    )


@lru_cache(maxsize=1)
def _prices(market: Market) -> tuple[Floats, Floats, Floats, Floats]:
    """A market's prices as doubles, made once, not once a bar: a market never changes."""
    one = float(10**market.price_decimals)

    def currency(prices: Ints) -> Floats:
        doubles = np.empty(prices.shape, dtype=np.float64)
        for t, (row, present) in enumerate(zip(prices, market.present, strict=True)):
            cells = zip(row.tolist(), present.tolist(), strict=True)
            doubles[t] = [float(price) / one if there else math.nan for price, there in cells]
        return _frozen(doubles)

    return currency(market.open), currency(market.high), currency(market.low), currency(market.close)


def _frozen(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """The array as one that cannot be written, without touching the one given."""
    view = array.view()
    view.flags.writeable = False
    return view


def _message(error: BaseException) -> str:
    """Its text; a user's own kind of error may fail even at that."""
    try:
        return str(error)
    except BaseException:
        return "(an error that has no text)"
