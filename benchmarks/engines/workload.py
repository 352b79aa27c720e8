"""The plain rebalance: its bars, its terms, and what every engine is given to trade.

Bars stand in a Parquet file in long format. `generate` makes some: daily bars of S symbols over T
weekdays. Log prices revert to a mean, so that markets of any length keep the same price level, and the
account roughly its size: what a rebalance of nearly the whole book every bar costs, the scatter of prices
gives back. Prices are whole cents, the same in every engine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 7
FIRST_DAY = "2010-01-04"
REVERSION = 0.02  # of the distance to the mean, each bar
OVERNIGHT, INTRADAY = 0.01, 0.0755  # standard deviations of a log return


@dataclass(frozen=True)
class Terms:
    """What is traded, and by which rules.

    top: symbols held, best scores first. gross: weight of all of them together. every, start: bars
    between rebalances, and the first of them. lag: bars by which scores are read late. timing:
    `next_open`, `next_close` or `same_close`. sized_at: the price of the deciding bar that a target
    weight is divided by, `close` or `open`. base: what a weight is a share of, `equity` or
    `initial_cash`. cash: at the start. commission, slippage: rates. whole: quantities are whole shares,
    cut.
    """

    top: int = 25
    gross: float = 1.0
    every: int = 1
    start: int = 13
    lag: int = 0
    timing: str = "next_open"
    sized_at: str = "close"
    base: str = "equity"
    cash: float = 1_000_000.0
    commission: float = 0.0005
    slippage: float = 0.0005
    whole: bool = False

    @property
    def weight(self) -> float:
        """Of each symbol held."""
        return self.gross / self.top


@dataclass(frozen=True, eq=False)
class Workload:
    """Bars in (T, S) float64 arrays. score: higher is better, NaN is missing."""

    symbols: tuple[str, ...]
    days: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    score: np.ndarray
    terms: Terms = field(default_factory=Terms)

    @cached_property
    def picks(self) -> dict[int, np.ndarray]:
        """Deciding bar -> the symbols to hold, best first; equal scores in symbol order."""
        terms = self.terms
        last = len(self.days) - (terms.timing != "same_close")  # the last bar cannot trade any more
        found = {}
        for t in range(terms.start, last, terms.every):
            score = self.score[t - terms.lag]
            ranked = np.argsort(-score, kind="stable")
            found[t] = ranked[~np.isnan(score[ranked])][: terms.top]
        return found

    @property
    def traded_at(self) -> np.ndarray:
        """The price that an order meets."""
        return self.open if self.terms.timing == "next_open" else self.close

    @property
    def delay(self) -> int:
        """Bars from the decision to its execution."""
        return int(self.terms.timing != "same_close")

    @property
    def sized_by(self) -> np.ndarray:
        """The price of the deciding bar that a weight is divided by."""
        return self.open if self.terms.sized_at == "open" else self.close

    def target(self, equity: float) -> float:
        """The money that one symbol's position is to be worth."""
        return (equity if self.terms.base == "equity" else self.terms.cash) * self.terms.weight

    def shares(self, target: float, price: float) -> float:
        """The quantity that is worth a target at a price."""
        return float(target // price) if self.terms.whole else target / price

    def targets(self, shift: int, others: float) -> np.ndarray:
        """(T, S) target weights on the row `shift` after the deciding bar: `others` where not picked,
        and all of a row NaN where nothing is traded."""
        weights = np.full(self.open.shape, np.nan)
        for t, picked in self.picks.items():
            weights[t + shift] = others
            weights[t + shift, picked] = self.terms.weight
        return weights

    def head(self, bars: int) -> Workload:
        """The first bars alone."""
        columns = (self.open, self.high, self.low, self.close, self.volume, self.score)
        return Workload(self.symbols, self.days[:bars], *(column[:bars] for column in columns), self.terms)


def generate(symbols: int, bars: int) -> pa.Table:
    """Long format, by day, then symbol. Uniform draws only: the same on every version of numpy."""
    draw = np.random.Generator(np.random.PCG64(SEED))

    def noise(deviation: float) -> np.ndarray:
        """Sum of four uniforms, (symbols,), with mean 0."""
        return (draw.random((4, symbols)).sum(axis=0) - 2.0) * (deviation * np.sqrt(3.0))

    mean = np.log(50.0) + noise(0.4)
    level = mean.copy()
    prices = np.empty((4, bars, symbols))
    score = np.empty((bars, symbols))
    for t in range(bars):
        opened = level + REVERSION * (mean - level) + noise(OVERNIGHT)
        level = opened + noise(INTRADAY)
        ends = np.rint(np.exp(np.stack([opened, level])) * 100.0) / 100.0
        reach = 1.0 + draw.random((2, symbols)) * 0.01
        prices[0, t], prices[3, t] = ends
        prices[1, t] = np.rint(ends.max(axis=0) * reach[0] * 100.0) / 100.0
        prices[2, t] = np.rint(ends.min(axis=0) / reach[1] * 100.0) / 100.0
        score[t] = draw.random(symbols)
    days = np.busday_offset(FIRST_DAY, np.arange(bars)).astype("datetime64[ms]")
    names = [f"S{i:04d}" for i in range(symbols)]
    return long_table(names, days, prices, np.full((bars, symbols), 1e9), score)


def long_table(
    names: list[str], days: np.ndarray, prices: np.ndarray, volume: np.ndarray, score: np.ndarray
) -> pa.Table:
    """Bars as a table. prices: (4, T, S), open, high, low, close; volume, score: (T, S)."""
    bars, symbols = score.shape
    codes = np.tile(np.arange(symbols, dtype=np.int32), bars)
    columns = {
        "timestamp": pa.array(np.repeat(days, symbols)),
        "symbol": pa.DictionaryArray.from_arrays(codes, pa.array(names)),
        **dict(zip(("open", "high", "low", "close"), (p.ravel() for p in prices), strict=True)),
        "volume": volume.ravel(),
        "score": score.ravel(),
    }
    return pa.table(columns)


def bars_file(folder: Path, symbols: int, bars: int) -> Path:
    """The file of this size, made where it is not there yet."""
    path = folder / f"{symbols}x{bars}.parquet"
    if not path.exists():
        write_bars(generate(symbols, bars), path)
    return path


def write_bars(table: pa.Table, path: Path) -> None:
    """Write a table of bars, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    pq.write_table(table, part)
    part.replace(path)


def read(path: Path, terms: Terms | None = None) -> Workload:
    """The file's columns as (T, S) arrays."""
    table = pq.read_table(path)
    symbols = tuple(table["symbol"].combine_chunks().dictionary.to_pylist())
    names = ("open", "high", "low", "close", "volume", "score")
    columns = (table[name].to_numpy().reshape(-1, len(symbols)) for name in names)
    return Workload(symbols, table["timestamp"].to_numpy()[:: len(symbols)], *columns, terms or Terms())


def digest(work: Workload) -> str:
    """sha256 of the bars, short: two machines that show the same one traded the same prices."""
    found = hashlib.sha256()
    for column in (work.open, work.high, work.low, work.close, work.score):
        found.update(np.ascontiguousarray(column))
    return found.hexdigest()[:16]
