"""Ledgers and markets with their tables as frames."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from vocabulary import ledger as ledger_nouns
from vocabulary import market as market_nouns

if TYPE_CHECKING:
    import pandas as pd


class Ledger(ledger_nouns.Ledger):
    """A ledger whose tables are at hand as pandas frames: `ledger.fills`, `ledger.equity` and so on.

    Numbers are exact decimals; `to_frame(table, floats=True)` gives float64. A table that it lacks is an
    AttributeError, as of any name that is not there.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in ledger_nouns.SCHEMA:
            raise AttributeError(f"a ledger has no {name!r}; its tables are {', '.join(self.tables)}")
        if name not in self.tables:
            raise AttributeError(
                f"this ledger has no table {name!r}; its tables are {', '.join(self.tables)}"
            )
        return self.to_frame(name)

    def to_frame(self, table: str, floats: bool = False) -> pd.DataFrame:
        """One table as a frame; see `reconcile.frame`."""
        from reconcile.ledger.frames import frame

        return frame(self, table, floats)

    def __dir__(self) -> list[str]:
        return ["manifest", "tables", "to_frame", *self.tables]

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {table.rows:,}" for name, table in self.tables.items())
        return f"<Ledger {rows or 'without a table'}>"


class Market(market_nouns.Market):
    """A market that becomes frames: `to_frame()` long, `to_frame("close")` wide."""

    __slots__ = ()

    def to_frame(self, column: str | None = None) -> pd.DataFrame:
        """Prices in money, features as they are.

        Without a column one row per bar and symbol present, in long form: timestamp, symbol, open, high, low,
        close, volume and the features. With one, one row per bar and one column per symbol, empty where the
        symbol is absent. Raises KeyError for a column that is not there.
        """
        return _long(self) if column is None else _wide(self, column)

    def __repr__(self) -> str:
        bars, symbols = self.present.shape
        return f"<Market {self.name}: {symbols:,} symbols x {bars:,} bars>"


PRICES = ("open", "high", "low", "close")


def _long(market: market_nouns.Market) -> pd.DataFrame:
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


def _wide(market: market_nouns.Market, column: str) -> pd.DataFrame:
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
        raise KeyError(column)
    return pd.DataFrame(values, index=index, columns=list(market.symbols))


def _money(market: market_nouns.Market, name: str) -> Any:
    """Ticks as the nearest double of the price."""
    return getattr(market, name) / 10.0**market.price_decimals


def _index(market: market_nouns.Market) -> Any:
    import pandas as pd

    index = pd.DatetimeIndex(market.timestamps.view("datetime64[ns]"), name="timestamp")
    return index if market.timezone is None else index.tz_localize("UTC").tz_convert(market.timezone)


def with_frames(given: Any) -> Any:
    """A ledger or market of the vocabulary as the class above; anything else as it is."""
    for plain, framed in ((ledger_nouns.Ledger, Ledger), (market_nouns.Market, Market)):
        if isinstance(given, plain) and not isinstance(given, framed):
            return framed(**{field.name: getattr(given, field.name) for field in fields(plain)})
    return given
