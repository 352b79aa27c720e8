"""The built-in markets by name; the tables of each are made when they are asked for.

`stocks` are real daily bars, carried as published and adjusted when loaded. Where the file is from, its
version, hash and licence stand beside it in data/stocks.json.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from reconcile.files.buffers import table_of_arrays
from reconcile.market.build import Tables
from reconcile.market.columns import doubles
from vocabulary.market import Floats

if TYPE_CHECKING:
    from reconcile.market.build import Tables


def _top25() -> tuple[Tables, tuple[str, ...]]:
    from reconcile.market.builtin.synthetic import TOP25, synthetic_tables

    return synthetic_tables(*TOP25), (
        "synthetic: generated prices, scores and vix, not those of any real market",
    )


def _stocks() -> tuple[Tables, tuple[str, ...]]:

    return stocks_tables(), ("real prices of AAPL, FB, GOOG, IBM and MSFT, scaled by adj_close / close",)


def _incident() -> tuple[Tables, tuple[str, ...]]:
    from reconcile.market.builtin.synthetic import incident_tables

    return incident_tables(), (
        "synthetic: generated prices, scores and vix; the vix is missing for a week every quarter",
    )


BUILTINS: dict[str, Callable[[], tuple[Tables, tuple[str, ...]]]] = {
    "incident": _incident,
    "stocks": _stocks,
    "top25": _top25,
}
"""name -> its tables and what its market's notes begin with."""


def builtin_tables(name: str) -> tuple[Tables, tuple[str, ...]]:
    return BUILTINS[name]()


SOURCE = "the stocks market"
_DAY_NS = 86_400_000_000_000


def adjusted(raw: Floats, close: Floats, adj_close: Floats) -> Floats:
    """raw * (adj_close / close), in double arithmetic: splits and dividends taken out of a price."""
    return raw * (adj_close / close)


def raw_stocks() -> Any:
    """The file as published, a pyarrow.Table: Ticker, Date, Open, High, Low, Close, Volume, Adj Close."""
    from pyarrow import csv

    packed = resources.files(__package__).joinpath("data", "stocks.csv.gz").read_bytes()
    kinds = {"Ticker": pa.string(), "Date": pa.date32()}
    numbers = {name: pa.float64() for name in ("Open", "High", "Low", "Close", "Volume", "Adj Close")}
    options = csv.ConvertOptions(column_types={**kinds, **numbers})
    return csv.read_csv(io.BytesIO(gzip.decompress(packed)), convert_options=options)


def stocks_tables() -> Tables:
    """The adjusted bars in order of timestamp and symbol."""
    raw = raw_stocks()
    days = np.array(raw["Date"].cast(pa.int32()).to_pylist(), dtype=np.int64)
    tickers = raw["Ticker"].to_pylist()
    names = sorted(set(tickers))
    codes = np.array([names.index(ticker) for ticker in tickers], dtype=np.int32)
    order = np.lexsort((codes, days))
    column = {name: doubles(raw[name], SOURCE, name)[order] for name in raw.column_names[2:]}
    prices = {
        name.lower(): adjusted(column[name], column["Close"], column["Adj Close"])
        for name in ("Open", "High", "Low", "Close")
    }
    table = table_of_arrays(
        days[order] * _DAY_NS, codes[order], names, {**prices, "volume": column["Volume"]}
    )
    return Tables(table, SOURCE)
