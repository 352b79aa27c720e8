"""Faults of the input: the market is read otherwise than it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.drilling.clean_run import Stages, as_if
from reconcile.drilling.model import Data, Fault
from reconcile.explaining.hypotheses import exits, features, prices, selection
from reconcile.explaining.model import Change
from reconcile.matching.model import Stage
from vocabulary.market import Market

# Ways to read a market wrongly: each is a function from a market to a market

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


def with_prices(change: Callable[[Array, Market], Array], names: tuple[str, ...] = PRICES) -> Read:
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

    return with_prices(change)


def to_tenths(values: Array, market: Market) -> Array:
    """Prices of four decimals to the nearest tenth of a currency unit."""
    return np.where(values > 0, (values + 500) // 1000 * 1000, 0)


def misaligned_prices(places: int) -> Read:
    return with_prices(
        lambda values, market: values[:, [(s - places) % values.shape[1] for s in range(values.shape[1])]]
    )


def carried_prices(market: Market) -> Market:
    """An absent bar is made up at the last close."""
    close = filled_forward(market.close.copy(), market.present)
    return with_prices(lambda values, market: np.where(market.present, values, close))(market)


def unadjusted(symbol: int, until: int, factor: int) -> Read:
    """Before bar `until` a symbol's prices are `factor` times what they should be."""

    def change(values: Array, market: Market) -> Array:
        values[:until, symbol] *= factor
        return values

    return with_prices(change)


def opens_for_closes(market: Market) -> Market:
    """The open of each bar stands for its close."""
    return replace(market, close=market.open)


# Faults

TARGET, ORDER, STATUS = Stage.TARGET, Stage.ORDER, Stage.STATUS
DECIDED = (TARGET, ORDER)
SCORE, VIX, ATR = "ml_score", "vix", "atr"
SPLIT_SYMBOL, SPLIT_BAR = 3, 30


def _fault(name: str, ground: str, read: Read, stages: Stages, *causes: Change) -> Fault:
    data = Data(read)
    return Fault(name, ground, (data,), as_if(stages, data), causes)


FAULTS: tuple[Fault, ...] = (
    _fault("score a bar late", "long", late(SCORE, 1), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, 1))),
    _fault("score of tomorrow", "short", late(SCORE, -1), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, -1))),
    _fault("score two bars late", "long", late(SCORE, 2), TARGET,
           Change(features.FEATURE_SHIFTED, (SCORE, 2))),
    _fault("score turned round", "short", column(SCORE, lambda values: -values), TARGET,
           Change(features.FEATURE_REVERSED, SCORE)),
    _fault("missing score read as zero", "tight", zero_filled(SCORE), TARGET,
           Change(features.FEATURE_ZERO_FILLED, SCORE)),
    _fault("missing score filled forward", "long", carried(SCORE), TARGET,
           Change(features.FEATURE_CARRIED, SCORE)),
    _fault("score of the next symbol", "tight", misaligned(SCORE, -1), TARGET,
           Change(features.FEATURE_MISALIGNED, (SCORE, -1))),
    _fault("score of the symbol before", "short", misaligned(SCORE, 1), TARGET,
           Change(features.FEATURE_MISALIGNED, (SCORE, 1))),
    _fault("vix read as zero", "long", column(VIX, lambda values: np.zeros(len(values))), TARGET,
           Change(features.CONTEXT_ZERO, VIX), Change(selection.GATE, ("strategy.gate", None))),
    _fault("missing vix filled forward", "long", carried(VIX), TARGET,
           Change(features.CONTEXT_CARRIED, VIX)),
    _fault("vix a bar late", "long", late(VIX, 1), TARGET,
           Change(features.CONTEXT_SHIFTED, (VIX, 1))),
    _fault("vix of tomorrow", "long", late(VIX, -1), TARGET,
           Change(features.CONTEXT_SHIFTED, (VIX, -1))),
    _fault("atr a hundred times", "long", column(ATR, lambda values: values * 100), DECIDED,
           Change(features.FEATURE_SCALED, (ATR, 100)), Change(exits.EXIT_UNUSED, "volatility_stop")),
    _fault("atr a bar late", "long", late(ATR, 1), DECIDED,
           Change(features.FEATURE_SHIFTED, (ATR, 1))),
    _fault("volume missing read as zero", "short", zero_filled("volume"), TARGET,
           Change(features.FEATURE_ZERO_FILLED, "volume"),
           Change(selection.SELECTION, ("strategy.require", ()))),
    _fault("prices a bar late", "long", late_prices(1), DECIDED, Change(prices.PRICES_SHIFTED, 1)),
    _fault("opens for closes", "short", opens_for_closes, DECIDED, Change(prices.PRICES_FIELD, "open")),
    _fault("prices of tomorrow", "tight", late_prices(-1), DECIDED,
           Change(prices.PRICES_SHIFTED, -1)),
    _fault("prices stored to one decimal", "long", with_prices(to_tenths), DECIDED,
           Change(prices.PRICES_ROUNDED, 1)),
    _fault("prices filled forward", "long", carried_prices, (*DECIDED, STATUS),
           Change(prices.PRICES_CARRIED)),
    _fault("prices filled forward, shorts", "short", carried_prices, (*DECIDED, STATUS),
           Change(prices.PRICES_CARRIED)),
    _fault("prices of the symbol before", "short", misaligned_prices(1), DECIDED,
           Change(prices.PRICES_MISALIGNED, 1)),
    _fault("a split not adjusted for", "long", unadjusted(SPLIT_SYMBOL, SPLIT_BAR, 2), DECIDED,
           Change(prices.SPLIT, (2, 1), until=SPLIT_BAR, symbols=(SPLIT_SYMBOL,))),
)  # fmt: skip
