"""Frames of pandas: one as an Arrow table that shares no memory with it, and a market as frames."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from reconcile.files.buffers import Chunk
from reconcile.files.instants import mixed_zones
from reconcile.market.columns import row_name
from vocabulary import market as nouns
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def table_of_frame(frame: pd.DataFrame, source: str, words: tuple[str, ...]) -> pa.Table:
    """Every column converted by its own kind; `words` may stand in the index.

    Raises InputError for columns that mix kinds, and for timestamps of several zones.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        found = f"a {type(frame).__module__}.{type(frame).__qualname__}".replace("a builtins.", "a ")
        raise InputError(source, found, "a pandas DataFrame", "Convert it first.")
    levels = [name for name in frame.index.names if name in words and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    if not len(frame):
        raise InputError(source, "no rows", "at least one row", "Check how it was made.")
    names = [str(name) for name in frame.columns]
    columns = [_column(frame.iloc[:, i], names[i], source, words) for i in range(len(names))]
    return pa.Table.from_arrays(columns, names=names)


def _column(values: pd.Series[Any], name: str, source: str, words: tuple[str, ...]) -> Chunk:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiu" and values.dtype.itemsize <= 8:
        return pa.array(np.array(values.to_numpy(), copy=True))  # not the frame's own memory
    if values.dtype == object:
        _refuse_mixtures(values, name, source, words)
        values = values.map(_missing_or_finite)
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{source}, column {name!r}",
            f"values that make no column ({str(error).splitlines()[0][:120]})",
            "values of one kind",
            "Convert the column first.",
        ) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _missing_or_finite(value: Any) -> Any:
    """M2: a decimal NaN or infinity is missing; Arrow takes only what is finite."""
    return None if isinstance(value, Decimal) and not value.is_finite() else value


def _refuse_mixtures(values: pd.Series[Any], name: str, source: str, words: tuple[str, ...]) -> None:
    """Text among numbers, and timestamps of several zones, which Arrow would convert without a word."""
    zones: dict[str | None, int] = {}
    for row, value in enumerate(values):
        if isinstance(value, str):
            if name not in words:
                raise InputError(
                    f"{row_name(source, row)}, column {name!r}",
                    f"the text {value!r}",
                    "a number",
                    "Correct it, or leave the cell empty if the value is missing.",
                )
        elif name == "timestamp" and hasattr(value, "tzinfo"):
            zones.setdefault(None if value.tzinfo is None else str(value.tzinfo), row)
    if len(zones) > 1:
        (one, first), (other, second) = list(zones.items())[:2]
        raise mixed_zones(f"{row_name(source, first)} and row {second + 1}", one, other)


PRICES = ("open", "high", "low", "close")


class Market(nouns.Market):
    """A market that becomes frames: `to_frame()` long, `to_frame("close")` wide.

    `market.close` and its like are integers in ticks, which is what both programs compute with; frames hold
    money.
    """

    __slots__ = ()

    def to_frame(self, column: str | None = None) -> pd.DataFrame:
        """Prices in money, features as they are.

        Without a column one row per bar and symbol present, in long form: timestamp, symbol, open, high, low,
        close, volume and the features. With one, one row per bar and one column per symbol, empty where the
        symbol is absent; a context column alone has one value per bar.

        >>> reconcile.load_market(reconcile.find_scenario("stocks")).to_frame("close").tail(1)

        Raises InputError: no such column.
        """
        return _long(self) if column is None else _wide(self, column)

    def __repr__(self) -> str:
        bars, symbols = self.present.shape
        return f"<Market {self.name}: {symbols:,} symbols x {bars:,} bars>"


def _long(market: nouns.Market) -> pd.DataFrame:
    import pandas as pd

    bars, symbols = np.nonzero(market.present)
    columns: dict[str, Any] = {
        "timestamp": _index(market)[bars],
        "symbol": np.array(market.symbols, dtype=object)[symbols],
    }
    for name in PRICES:
        columns[name] = _money(market, name)[bars, symbols]
    columns["volume"] = market.volume[bars, symbols]
    for name, values in market.features.items():
        columns.setdefault(name, values[bars, symbols])
    return pd.DataFrame(columns)


def _wide(market: nouns.Market, column: str) -> pd.DataFrame:
    import pandas as pd

    index = _index(market)
    if column in market.context:
        return pd.DataFrame({column: market.context[column]}, index=index)
    if column in PRICES:
        values = np.where(market.present, _money(market, column), np.nan)
    elif column == "volume":
        values = market.volume.copy()
    elif column in market.features:
        values = market.features[column].copy()
    else:
        there = ", ".join(dict.fromkeys((*PRICES, "volume", *market.features, *market.context)))
        raise InputError(f"market {market.name}", f"no column {column!r}", there, "Name one of those listed.")
    return pd.DataFrame(values, index=index, columns=list(market.symbols))


def _money(market: nouns.Market, name: str) -> Any:
    """Ticks as the nearest double of the price."""
    return getattr(market, name) / 10.0**market.price_decimals


def _index(market: nouns.Market) -> Any:
    import pandas as pd

    index = pd.DatetimeIndex(market.timestamps.view("datetime64[ns]"), name="timestamp")
    return index if market.timezone is None else index.tz_localize("UTC").tz_convert(market.timezone)
