"""Whether a candidate uses the market that it is given. One that reads a file of its own cannot be shrunk."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.market.edit import make_market
from reconcile.running.candidate import Candidate, call_candidate
from reconcile.running.hosting import HostedCandidate
from vocabulary.ledger import Column, Ledger, Table

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

LONGEST = 30.0
"""Seconds that the call with an empty market may take."""
SHOWN = 3


def market_ignored(
    name: str, function: Candidate, scenario: Scenario, market: Market, ledger: Ledger
) -> str | None:
    """How it shows that a candidate ignores the market it is given, None where it does not.

    ledger: the one that it gave for the scenario and the market. Either there are fills of symbols, or at
    times, that the market does not have; or the candidate is called with the same market empty, where no
    symbol is ever present, and gives the same fills.
    """
    fills = ledger.tables.get("fills")
    if fills is None or not fills.rows:
        return None
    return _strangers(fills, market) or _same_without(name, function, scenario, market, fills)


def empty_market(market: Market) -> Market:
    """The same bars and symbols, of which none is ever present."""
    nothing = np.full(market.present.shape, np.nan)
    ticks = np.zeros(market.present.shape, np.int64)
    grids: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), ticks)
    emptied = replace(
        market,
        **grids,
        present=np.zeros(market.present.shape, np.bool_),
        volume=nothing,
        features=dict.fromkeys(market.features, nothing),
        context={key: np.full(values.shape, np.nan) for key, values in market.context.items()},
    )
    return make_market(emptied)


def _strangers(fills: Table, market: Market) -> str | None:
    symbols = fills.columns.get("symbol")
    if symbols is not None and symbols.dictionary is not None:
        used = {symbols.dictionary[code] for code in np.unique(_there(symbols)).tolist()}
        unknown = sorted(used - set(market.symbols))
        if unknown:
            more = f" and {len(unknown) - SHOWN:,} more" if len(unknown) > SHOWN else ""
            return f"fills of symbols that the market does not have: {', '.join(unknown[:SHOWN])}{more}"
    clock = fills.columns.get("timestamp")
    if clock is not None:
        stamps = _there(clock)
        unknown_times = int((~np.isin(stamps, market.timestamps)).sum())
        if unknown_times:
            return f"{unknown_times:,} of {len(stamps):,} fills at times that are no bars of the market"
    return None


def _there(column: Column) -> Any:
    return column.values if column.missing is None else column.values[~column.missing]


def _same_without(
    name: str, function: Candidate, scenario: Scenario, market: Market, fills: Table
) -> str | None:
    from reconcile.ledger.digest import ledger_digest

    other = _call_quietly(name, function, scenario, empty_market(market))
    again = None if other is None else other.tables.get("fills")
    if other is None or again is None or again.rows != fills.rows:
        return None
    one, two = (Ledger(other.manifest, {"fills": table}) for table in (fills, again))
    if ledger_digest(one) != ledger_digest(two):
        return None
    return f"the same {fills.rows:,} fills for the market and for one in which no symbol is ever present"


def _call_quietly(name: str, function: Candidate, scenario: Scenario, market: Market) -> Ledger | None:
    """The ledger, None where the candidate fails: an empty market is more than it has to bear."""
    if isinstance(function, HostedCandidate):
        return function.try_quietly(scenario, market, LONGEST)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        return call_candidate(name, function, scenario, market)
    return None
