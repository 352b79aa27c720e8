"""The plain rebalance: its bars, made once and kept in a file, and what every engine is given to trade.

Daily bars of S symbols over T weekdays. Log prices revert to a mean, so that markets of any length keep
the same price level, and the account roughly its size: what a rebalance of nearly the whole book
every bar costs, the scatter of prices gives back. Prices are whole cents, the same in every engine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START = 13  # first bar that decides
TOP = 25  # symbols held
WEIGHT = 0.04  # of the equity at the decision's close, each
RATE = 0.0005  # 5 basis points of commission, and as much of slippage
CASH = 1_000_000.0
SEED = 7
FIRST_DAY = "2010-01-04"
REVERSION = 0.02  # of the distance to the mean, each bar
OVERNIGHT, INTRADAY = 0.01, 0.0755  # standard deviations of a log return


@dataclass(frozen=True, eq=False)
class Workload:
    """Bars in (T, S) float64 arrays; `score` is uniform in [0, 1)."""

    symbols: tuple[str, ...]
    days: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    score: np.ndarray

    @cached_property
    def picks(self) -> dict[int, np.ndarray]:
        """Deciding bar -> the symbols to hold, best first. The last bar cannot trade any more."""
        best = np.argpartition(self.score, -TOP, axis=1)[:, -TOP:]
        order = np.argsort(-np.take_along_axis(self.score, best, axis=1), axis=1)
        ranked = np.take_along_axis(best, order, axis=1)
        return {t: ranked[t] for t in range(START, len(self.days) - 1)}

    def targets(self, shift: int, others: float) -> np.ndarray:
        """(T, S) target weights on the row `shift` after the deciding bar: `others` where not picked,
        and all of a row NaN where nothing is traded."""
        weights = np.full(self.open.shape, np.nan)
        for t, picked in self.picks.items():
            weights[t + shift] = others
            weights[t + shift, picked] = WEIGHT
        return weights

    def head(self, bars: int) -> Workload:
        """The first bars alone."""
        columns = (self.open, self.high, self.low, self.close, self.volume, self.score)
        return Workload(self.symbols, self.days[:bars], *(column[:bars] for column in columns))


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
    names = pa.array([f"S{i:04d}" for i in range(symbols)])
    columns = {
        "timestamp": pa.array(np.repeat(days, symbols)),
        "symbol": pa.DictionaryArray.from_arrays(np.tile(np.arange(symbols, dtype=np.int32), bars), names),
        **dict(zip(("open", "high", "low", "close"), (p.ravel() for p in prices), strict=True)),
        "volume": np.full(bars * symbols, 1e9),
        "score": score.ravel(),
    }
    return pa.table(columns)


def bars_file(folder: Path, symbols: int, bars: int) -> Path:
    """The file of this size, made where it is not there yet."""
    path = folder / f"{symbols}x{bars}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        pq.write_table(generate(symbols, bars), part)
        part.replace(path)
    return path


def read(path: Path) -> Workload:
    """The file's columns as (T, S) arrays."""
    table = pq.read_table(path)
    symbols = tuple(table["symbol"].combine_chunks().dictionary.to_pylist())
    names = ("open", "high", "low", "close", "volume", "score")
    columns = (table[name].to_numpy().reshape(-1, len(symbols)) for name in names)
    return Workload(symbols, table["timestamp"].to_numpy()[:: len(symbols)], *columns)


def digest(work: Workload) -> str:
    """sha256 of the bars, short: two machines that show the same one traded the same prices."""
    found = hashlib.sha256()
    for column in (work.open, work.high, work.low, work.close, work.score):
        found.update(np.ascontiguousarray(column))
    return found.hexdigest()[:16]
