"""The markets of the ledgers: built-in, S&P 500, and drawn; each with the terms on which it is traded.

The S&P 500's bars are not part of the project: they are looked for where `examples/sp500.toml` finds them
(`sp500.parquet` beside it) or where `--sp500` says, and the market is skipped, visibly, without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from workload import Terms, generate, long_table, write_bars

import reconcile

ROOT = Path(__file__).parents[2]
SP500 = ROOT / "examples" / "sp500.parquet"
LOOKBACK = 60  # bars of the S&P 500's momentum


@dataclass(frozen=True)
class Market:
    """name: of its folder. title: as the table calls it. terms: as they are without a mistake."""

    name: str
    title: str
    terms: Terms


BUILT_IN = Market("builtin", "built-in (top25)", Terms(top=10, gross=0.95, every=5, start=13, whole=True))
SP_500 = Market("sp500", "S&P 500", Terms(top=10, gross=0.95, every=10, start=LOOKBACK, whole=True))
DRAWN = Market("drawn", "drawn", Terms(top=8, gross=1.0, every=3, start=13, whole=True))
MARKETS = (BUILT_IN, SP_500, DRAWN)
SMALL = Market("small", "small", Terms(top=2, gross=0.95, every=3, start=4, whole=True))
"""Of the exports that the tests keep."""


def bars_of(market: Market, folder: Path, sp500: Path | None) -> Path | str:
    """The file of a market's bars, made where it is not there yet; or why there is none."""
    path = folder / f"{market.name}.parquet"
    if path.exists():
        return path
    if market is SP_500:
        source = sp500 or SP500
        if not source.exists():
            return (
                f"no bars at {source.name}: bring them as examples/sp500.toml says, or name them with --sp500"
            )
        write_bars(_sp500(source), path)
    else:
        makers: dict[str, Callable[[], pa.Table]] = {
            "builtin": _builtin,
            "drawn": lambda: generate(30, 130),
            "small": lambda: generate(6, 32),
        }
        write_bars(makers[market.name](), path)
    return path


def _builtin() -> pa.Table:
    """40 symbols of `top25` over 160 bars, prices in whole cents, with its own score."""
    scenario = reconcile.find_scenario("top25")
    whole = reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 160))
    fields = (whole.open, whole.high, whole.low, whole.close)
    prices = np.stack([np.asarray(each)[:, :40] for each in fields]) / 10**whole.price_decimals
    days = np.asarray(whole.timestamps).astype("datetime64[ns]").astype("datetime64[ms]")
    score = np.asarray(whole.features["ml_score"])[:, :40]
    volume = np.asarray(whole.volume)[:, :40]
    return long_table(list(whole.symbols[:40]), days, np.rint(prices * 100) / 100, volume, score)


def _sp500(source: Path) -> pa.Table:
    """The first 40 symbols that are complete, over 300 bars, with their momentum as score."""
    frame: Any = pq.read_table(source).to_pandas()
    names = ("open", "high", "low", "close", "volume")
    wide = {name: frame.pivot(index="timestamp", columns="symbol", values=name).iloc[:300] for name in names}
    whole = ~np.any([each.isna().any() for each in wide.values()], axis=0)
    cells = {name: each.loc[:, whole].iloc[:, :40] for name, each in wide.items()}
    score = cells["close"].to_numpy() / cells["close"].shift(LOOKBACK).to_numpy() - 1.0
    prices = np.stack([cells[name].to_numpy() for name in names[:4]])
    days = cells["close"].index.to_numpy().astype("datetime64[ms]")
    symbols = [str(name) for name in cells["close"].columns]
    return long_table(symbols, days, prices, cells["volume"].to_numpy(float), score)
