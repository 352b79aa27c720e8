"""M4: atr and momentum, to the last bit, against the rule in plain Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from market_kit import scenario, write_csv
from reconcile.market.features import atr, momentum
from reconcile.market.load import load_market
from vocabulary.scenario import AtrFeature, MomentumFeature

Bar = tuple[float, float, float] | None


def plain_atr(bars: list[Bar], period: int) -> list[float | None]:
    """One symbol; (high, low, close) or None where absent."""
    out: list[float | None] = []
    ranges: list[float] = []
    before: float | None = None
    average = 0.0
    for bar in bars:
        if bar is None:
            out.append(None)
            continue
        high, low, close = bar
        true_range = high - low if before is None else max(high - low, abs(high - before), abs(low - before))
        ranges.append(true_range)
        before = close
        if len(ranges) < period:
            out.append(None)
            continue
        if len(ranges) == period:
            total = 0.0
            for one in ranges:
                total += one
            average = total / period
        else:
            average += (true_range - average) / period
        out.append(average)
    return out


def plain_momentum(bars: list[Bar], lookback: int, skip: int) -> list[float | None]:
    out: list[float | None] = []
    closes: list[float] = []
    for bar in bars:
        if bar is None:
            out.append(None)
            continue
        closes.append(bar[2])
        k = len(closes) - 1
        out.append(None if k < lookback else closes[k - skip] / closes[k - lookback] - 1)
    return out


price = st.floats(0.01, 5000, allow_subnormal=False)
one_bar = st.none() | st.tuples(price, price, price)
panels = st.integers(1, 4).flatmap(
    lambda symbols: st.lists(st.lists(one_bar, min_size=symbols, max_size=symbols), min_size=1, max_size=30)
)


def arrays(panel: list[list[Bar]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(3, T, S) high, low, close, and presence; absent cells hold numbers that must not be read."""
    values = np.array([[bar or (7777.0, 0.5, 1e6) for bar in row] for row in panel])
    return np.moveaxis(values, 2, 0), np.array([[bar is not None for bar in row] for row in panel])


def same(found: npt.NDArray[np.float64], expected: list[list[float | None]]) -> None:
    wanted = np.array([[np.nan if value is None else value for value in row] for row in expected]).T
    np.testing.assert_array_equal(found, wanted)


@settings(deadline=None)
@given(panel=panels, period=st.integers(1, 6))
def test_atr_is_the_plain_recurrence_of_each_symbol(panel: list[list[Bar]], period: int) -> None:
    (high, low, close), present = arrays(panel)
    symbols = [list(column) for column in zip(*panel, strict=True)]
    same(atr(high, low, close, present, period), [plain_atr(bars, period) for bars in symbols])


@settings(deadline=None)
@given(panel=panels, lookback=st.integers(1, 6), skip=st.integers(0, 5))
def test_momentum_counts_each_symbols_own_present_bars(
    panel: list[list[Bar]], lookback: int, skip: int
) -> None:
    skip = min(skip, lookback - 1)
    (_, _, close), present = arrays(panel)
    symbols = [list(column) for column in zip(*panel, strict=True)]
    same(momentum(close, present, lookback, skip), [plain_momentum(bars, lookback, skip) for bars in symbols])


def test_a_dense_panel_takes_the_short_way_to_the_same_momentum() -> None:
    rng = np.random.default_rng(5)
    close = rng.uniform(1, 100, (40, 7))
    present = np.ones((40, 7), dtype=np.bool_)
    wide = np.concatenate([close, close[:, :1]], axis=1)
    gaps = np.concatenate([present, np.arange(40)[:, None] % 2 == 0], axis=1)
    np.testing.assert_array_equal(momentum(close, present, 9, 3), momentum(wide, gaps, 9, 3)[:, :7])


def test_features_come_from_prices_before_they_are_rounded(tmp_path: Path) -> None:
    """At 0 decimals 10.4 -> 10.6 is one tick up; the momentum is that of the text."""
    path = write_csv(
        tmp_path,
        "2024-01-01,A,10.4,10.6,10.4,10.4",
        "2024-01-02,A,10.6,10.9,10.4,10.6",
        header="timestamp,symbol,open,high,low,close",
    )
    features = (AtrFeature("atr", 2), MomentumFeature("mom", 1, 0))
    market = load_market(scenario(0, features, kind="top_n", score="mom", n=1), path)
    assert market.close[:, 0].tolist() == [10, 11]
    assert market.features["mom"][1, 0] == 10.6 / 10.4 - 1
    first, second = 10.6 - 10.4, 10.9 - 10.4
    assert market.features["atr"][1, 0] == (first + second) / 2
    assert np.isnan(market.features["atr"][0, 0])


def test_several_features_keep_the_order_of_the_scenario(tmp_path: Path) -> None:
    header = "timestamp,symbol,open,high,low,close"
    path = write_csv(tmp_path, "2024-01-01,A,1,1,1,1", "2024-01-02,A,1,1,1,1", header=header)
    features = (MomentumFeature("b", 1, 0), AtrFeature("a", 1))
    market = load_market(scenario(0, features, kind="top_n", score="a", n=1), path)
    assert list(market.features) == ["volume", "b", "a"]
    assert market.features["a"][:, 0].tolist() == [0, 0]
    assert np.isnan(market.features["b"][0, 0]) and market.features["b"][1, 0] == 0
