"""Changes of what goes in: a market as a candidate may have read it.

Features stay as they were computed unless a change is about them. A change holds for bars
[since, until) and for some symbols, or all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.explaining.model import Change
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing

Array = npt.NDArray[Any]
PRICES = ("open", "high", "low", "close")


def changed_market(scenario: Scenario, market: Market, change: Change) -> Market:
    """The market under one change of input. Digests are not brought up to date: it is never kept."""
    return CHANGES[change.hypothesis](scenario, market, change)


def needs_next_open(scenario: Scenario) -> bool:
    """Whether `execution_price` has to take over from `next_close` (its prices are also marks)."""
    return scenario.execution.timing is Timing.NEXT_CLOSE


def limited(old: Array, new: Array, change: Change) -> Array:
    """`new` where the change holds, else `old`."""
    out = old.copy()
    rows = slice(change.since, change.until)
    if old.ndim == 1 or change.symbols is None:
        out[rows] = new[rows]
    else:
        columns = list(change.symbols)
        out[rows, columns] = new[rows, columns]
    out.flags.writeable = False
    return out


def later(values: Array, bars: int, fill: Any) -> Array:
    """What stood `bars` earlier; with negative bars, what will stand later."""
    out = np.full_like(values, fill)
    if bars > 0:
        out[bars:] = values[:-bars] if bars < len(values) else values[:0]
    elif bars < 0:
        out[:bars] = values[-bars:]
    else:
        out[:] = values
    return out


def carried(values: Array, there: Array) -> Array:
    """Each cell's last value that was there, by column."""
    last = np.where(there, np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1)), -1)
    at = np.maximum.accumulate(last, axis=0)
    found: Array = np.take_along_axis(values, np.maximum(at, 0), axis=0)
    return np.where(at >= 0, found, values)


def _feature(market: Market, name: str, new: Array, change: Change) -> Market:
    old = market.features[name]
    return replace(market, features={**market.features, name: limited(old, new, change)})


def _context(market: Market, name: str, new: Array, change: Change) -> Market:
    old = market.context[name]
    return replace(market, context={**market.context, name: limited(old, new, change)})


def _pair(change: Change) -> tuple[str, int]:
    assert isinstance(change.value, tuple)
    name, number = change.value
    return name, number


def _name(change: Change) -> str:
    assert isinstance(change.value, str)
    return change.value


def _feature_shifted(scenario: Scenario, market: Market, change: Change) -> Market:
    name, bars = _pair(change)
    return _feature(market, name, later(market.features[name], bars, np.nan), change)


def _feature_reversed(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    return _feature(market, name, -market.features[name], change)


def _feature_zero_filled(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    values = market.features[name]
    return _feature(market, name, np.where(np.isnan(values), 0.0, values), change)


def _feature_carried(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    values = market.features[name]
    return _feature(market, name, carried(values, ~np.isnan(values)), change)


def _feature_misaligned(scenario: Scenario, market: Market, change: Change) -> Market:
    name, places = _pair(change)
    return _feature(market, name, np.roll(market.features[name], places, axis=1), change)


def _feature_scaled(scenario: Scenario, market: Market, change: Change) -> Market:
    name, factor = _pair(change)
    return _feature(market, name, market.features[name] * factor, change)


def _context_zero_filled(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    values = market.context[name]
    return _context(market, name, np.where(np.isnan(values), 0.0, values), change)


def _context_zero(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    return _context(market, name, np.zeros_like(market.context[name]), change)


def _context_carried(scenario: Scenario, market: Market, change: Change) -> Market:
    name = _name(change)
    values = market.context[name]
    return _context(market, name, carried(values, ~np.isnan(values)), change)


def _context_shifted(scenario: Scenario, market: Market, change: Change) -> Market:
    name, bars = _pair(change)
    return _context(market, name, later(market.context[name], bars, np.nan), change)


def _with_prices(market: Market, arrays: dict[str, Array], change: Change) -> Market:
    opens, highs, lows, closes = (limited(getattr(market, name), arrays[name], change) for name in PRICES)
    present = (closes > 0) & (opens > 0)
    present.flags.writeable = False
    return replace(market, present=present, open=opens, high=highs, low=lows, close=closes)


def _prices_shifted(scenario: Scenario, market: Market, change: Change) -> Market:
    bars = change.value
    assert isinstance(bars, int)
    return _with_prices(market, {name: later(getattr(market, name), bars, 0) for name in PRICES}, change)


def _prices_carried(scenario: Scenario, market: Market, change: Change) -> Market:
    """An absent bar becomes one at the last close."""
    close = carried(market.close, market.present)
    filled = {name: np.where(market.present, getattr(market, name), close) for name in PRICES}
    return _with_prices(market, filled, change)


def _prices_misaligned(scenario: Scenario, market: Market, change: Change) -> Market:
    places = change.value
    assert isinstance(places, int)
    return _with_prices(
        market, {name: np.roll(getattr(market, name), places, axis=1) for name in PRICES}, change
    )


def _split(scenario: Scenario, market: Market, change: Change) -> Market:
    assert isinstance(change.value, tuple)
    up, down = change.value
    scaled = {}
    for name in PRICES:
        price = getattr(market, name)
        scaled[name] = np.where(price > 0, np.maximum(1, (price * up * 2 + down) // (down * 2)), 0)
    return _with_prices(market, scaled, change)


def execution_prices(market: Market, field: str, lag: int) -> Array:
    """A price field of `lag` bars ago, the bar's own open where that is not there."""
    values = (market.high + market.low) // 2 if field == "middle" else getattr(market, field)
    moved = later(values, lag, 0)
    return np.where(market.present, np.where(moved > 0, moved, market.open), 0)


def _execution_price(scenario: Scenario, market: Market, change: Change) -> Market:
    field, lag = _pair(change)
    base = replace(market, open=market.close) if needs_next_open(scenario) else market
    return replace(base, open=limited(base.open, execution_prices(market, field, lag), change))


CHANGES: dict[str, Callable[[Scenario, Market, Change], Market]] = {
    "feature_shifted": _feature_shifted,
    "feature_reversed": _feature_reversed,
    "feature_zero_filled": _feature_zero_filled,
    "feature_carried": _feature_carried,
    "feature_misaligned": _feature_misaligned,
    "feature_scaled": _feature_scaled,
    "context_zero_filled": _context_zero_filled,
    "context_zero": _context_zero,
    "context_carried": _context_carried,
    "context_shifted": _context_shifted,
    "prices_shifted": _prices_shifted,
    "prices_carried": _prices_carried,
    "prices_misaligned": _prices_misaligned,
    "split": _split,
    "execution_price": _execution_price,
}
