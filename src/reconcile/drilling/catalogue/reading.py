"""Ways to read a market wrongly; each gives a function from a market to a market."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vocabulary.market import Market

Array = npt.NDArray[Any]
Read = Callable[[Market], Market]
PRICES = ("open", "high", "low", "close")


def _sealed(array: Array) -> Array:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def column(name: str, change: Callable[[Array], Array]) -> Read:
    """A feature or a context column read otherwise."""

    def read(market: Market) -> Market:
        if name in market.context:
            return replace(
                market, context={**market.context, name: _sealed(change(market.context[name].copy()))}
            )
        return replace(
            market, features={**market.features, name: _sealed(change(market.features[name].copy()))}
        )

    return read


def prices(change: Callable[[Array, Market], Array], names: tuple[str, ...] = PRICES) -> Read:
    """Prices read otherwise; who has an open and a close is present."""

    def read(market: Market) -> Market:
        changed: dict[str, Any] = {
            name: _sealed(change(getattr(market, name).copy(), market)) for name in names
        }
        made = replace(market, **changed)
        return replace(made, present=_sealed((made.open > 0) & (made.close > 0)))

    return read


def zero_filled(name: str) -> Read:
    return column(name, lambda values: np.nan_to_num(values, nan=0.0))


def filled_forward(values: Array, there: Array) -> Array:
    """Row by row: what is not there stays as it was the bar before."""
    for t in range(1, len(values)):
        values[t] = np.where(there[t] | ~seen(there, t), values[t], values[t - 1])
    return values


def seen(there: Array, t: int) -> Array:
    """What was there before bar t."""
    return np.asarray(there[:t].any(axis=0))


def carried(name: str) -> Read:
    return column(name, lambda values: filled_forward(values, ~np.isnan(values)))


def late(name: str, bars: int) -> Read:
    """What stood `bars` earlier, or with negative bars what will stand later; missing at the ends."""

    def change(values: Array) -> Array:
        moved = np.full_like(values, np.nan)
        for t in range(len(values)):
            if 0 <= t - bars < len(values):
                moved[t] = values[t - bars]
        return moved

    return column(name, change)


def misaligned(name: str, places: int) -> Read:
    """Each symbol is given its neighbour's values."""
    return column(
        name, lambda values: values[:, [(s - places) % values.shape[1] for s in range(values.shape[1])]]
    )


def late_prices(bars: int) -> Read:
    def change(values: Array, market: Market) -> Array:
        moved = np.zeros_like(values)
        for t in range(len(values)):
            if 0 <= t - bars < len(values):
                moved[t] = values[t - bars]
        return moved

    return prices(change)


def misaligned_prices(places: int) -> Read:
    return prices(
        lambda values, market: values[:, [(s - places) % values.shape[1] for s in range(values.shape[1])]]
    )


def carried_prices(market: Market) -> Market:
    """An absent bar is made up at the last close."""
    close = filled_forward(market.close.copy(), market.present)
    return prices(lambda values, market: np.where(market.present, values, close))(market)


def unadjusted(symbol: int, until: int, factor: int) -> Read:
    """Before bar `until` a symbol's prices are `factor` times what they should be."""

    def change(values: Array, market: Market) -> Array:
        values[:until, symbol] *= factor
        return values

    return prices(change)
