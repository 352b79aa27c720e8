"""Features that are computed at load (M4), from unrounded prices over each symbol's own present bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vocabulary.market import Bools, Floats
from vocabulary.scenario import AtrFeature, Feature


def compute_feature(feature: Feature, prices: Mapping[str, Floats], present: Bools) -> Floats:
    """(T, S) float64, NaN where the symbol is absent or too young.

    prices: `high`, `low`, `close`, (T, S) doubles in currency as read, before any rounding to ticks; momentum
    reads `close` alone.
    """
    if isinstance(feature, AtrFeature):
        return atr(prices["high"], prices["low"], prices["close"], present, feature.period)
    return momentum(prices["close"], present, feature.lookback, feature.skip)


def atr(high: Floats, low: Floats, close: Floats, present: Bools, period: int) -> Floats:
    """M4 atr(period), bar by bar for all symbols at once; each has its float operations in their order.

    true range = max(high - low, |high - c|, |low - c|), c the previous present close;
    first present bar: high - low. At the period-th: their sum, added one by one, / period.
    From then on: atr += (tr - atr) / period.
    """
    bars, symbols = present.shape
    out = np.full((bars, symbols), np.nan)
    count = np.zeros(symbols, dtype=np.int64)
    before = np.full(symbols, np.nan)
    value = np.zeros(symbols)  # the sum of true ranges until the period-th, the average after it
    grown = False  # whether every symbol has its average: from then on there is nothing to count
    for t in range(bars):
        here = present[t]
        full = bool(here.all())
        h, lo = high[t], low[t]
        if grown and full:
            _advance(out[t], value, (h, lo, before), period)
            value, before = out[t], close[t]
            continue
        # at the first present bar there is no previous close, but NaN, which fmax ignores
        span = np.fmax(h - lo, np.fmax(np.abs(h - before), np.abs(lo - before)))
        count = count + here
        running = np.where(count <= period, value + span, value + (span - value) / period)
        running = np.where(count == period, running / period, running)
        value = running if full else np.where(here, running, value)
        before = close[t] if full else np.where(here, close[t], before)
        np.copyto(out[t], value, where=here & (count >= period))
        grown = grown or bool(count.min() >= period)
    return out


def _advance(out: Floats, value: Floats, prices: tuple[Floats, Floats, Floats], period: int) -> None:
    """One bar at which every symbol is present and has its average: the same operations, no cases."""
    high, low, before = prices
    span = high - low
    reach = high - before
    np.fmax(span, np.abs(reach, out=reach), out=span)
    np.subtract(low, before, out=reach)
    np.fmax(span, np.abs(reach, out=reach), out=span)
    np.subtract(span, value, out=span)
    np.divide(span, period, out=span)
    np.add(value, span, out=out)


def momentum(close: Floats, present: Bools, lookback: int, skip: int) -> Floats:
    """M4 momentum(lookback, skip): at the k-th present bar close[k - skip] / close[k - lookback] - 1."""
    bars, _ = present.shape
    out = np.full(close.shape, np.nan)
    if bars <= lookback:
        return out
    if present.all():
        out[lookback:] = close[lookback - skip : bars - skip] / close[: bars - lookback] - 1
        return out
    at, symbol = np.nonzero(present)
    rank = (np.cumsum(present, axis=0) - 1)[at, symbol]
    own = np.full(close.shape, np.nan)  # row k: each symbol's k-th present close
    own[rank, symbol] = close[at, symbol]
    old = rank >= lookback
    at, symbol, rank = at[old], symbol[old], rank[old]
    out[at, symbol] = own[rank - skip, symbol] / own[rank - lookback, symbol] - 1
    return out
