"""The built-in markets by name. The tables of each are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.market.build import Tables


def _top25() -> tuple[Tables, tuple[str, ...]]:
    from reconcile.market.builtin.synthetic import TOP25, synthetic_tables

    return synthetic_tables(*TOP25), (
        "synthetic: generated prices, scores and vix, not those of any real market",
    )


def _stocks() -> tuple[Tables, tuple[str, ...]]:
    from reconcile.market.builtin.stocks import stocks_tables

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
