"""Markets as frames of pandas: every market that is read or made here can show itself as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vocabulary import market as nouns
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

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
