"""Tables become a Market: place the rows, convert the columns, compute the features, note what was odd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from reconcile.intake.features import compute_features
from reconcile.intake.market_clock import wall_clock
from reconcile.intake.market_columns import codes, doubles, instants
from reconcile.intake.market_context import read_context
from reconcile.intake.market_digest import make_market, threads
from reconcile.intake.market_layout import Layout, cell_namer, lay_out, on_grid, row_namer
from reconcile.intake.market_notes import PRICES, Cells, cell_notes, order_note, price_notes
from reconcile.intake.market_prices import PriceRows, Pricing, price_rows
from reconcile.intake.market_read import need_columns
from vocabulary.errors import InputError
from vocabulary.market import Bools, Floats, Ints, Market
from vocabulary.scenario import AtrFeature, Feature, MarketSource

KEYS = ("timestamp", "symbol")


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Long tables of bars and of context, each with the name errors call it by."""

    bars: pa.Table
    source: str
    context: pa.Table | None = None
    context_source: str = "context"


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The converted columns, one value a row; doubles: unrounded prices, where M4 needs them."""

    prices: Mapping[str, PriceRows]
    extras: Mapping[str, Floats]
    doubles: Mapping[str, Floats]


def build_market(tables: Tables, units: MarketSource, name: str, notes: tuple[str, ...] = ()) -> Market:
    """A Market from long tables, by U1, M1, M2 and M4; `units` gives price_decimals and features.

    Raises InputError for a missing, repeated or clashing column, two rows of one (timestamp, symbol), and
    what the modules of each step refuse; RangeError for ticks beyond int64 (U4).
    """
    bars, source = tables.bars, tables.source
    need_columns(bars, (*KEYS, *PRICES), source)
    refuse_clashes(units.features, bars.column_names, source)
    times, names = instants(bars["timestamp"], source), codes(bars["symbol"], source)
    layout = lay_out(times, names, source)
    rows = _convert(bars, source, units, Pricing(units.price_decimals, row_namer(times, names, source)))
    present, prices = _price_grids(layout, rows.prices)
    extras = {name: on_grid(layout, values, np.nan) for name, values in rows.extras.items()}
    volume = extras.get("volume")
    exact = {name: on_grid(layout, values, np.nan) for name, values in rows.doubles.items()}
    context, context_notes = _context(tables, layout.timestamps, times.zone)
    if volume is None:
        extras["volume"] = np.full(layout.shape, np.nan)
    odd = [
        *order_note(layout),
        *_absence_notes(rows.prices, cell_namer(times, names)),
        *cell_notes(Cells(layout, prices, present, volume)),
    ]
    return make_market(
        Market(
            symbols=layout.symbols,
            timestamps=layout.timestamps,
            wall=wall_clock(layout.timestamps, times.zone, source),
            timezone=times.zone,
            price_decimals=units.price_decimals,
            present=present,
            **prices,
            volume=extras["volume"],
            features={**extras, **compute_features(units.features, exact, present)},
            context=context,
            notes=(*notes, *odd, *context_notes),
            name=name,
        )
    )


def in_threads(jobs: list[Callable[[], Any]]) -> list[Any]:
    """The results in order; of several errors, the first job's is raised."""
    with ThreadPoolExecutor(threads()) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def refuse_clashes(features: tuple[Feature, ...], taken: list[str], source: str) -> None:
    """Raises InputError when a computed feature has the name of a column, of a price or of volume."""
    for feature in features:
        if feature.name in (*taken, *KEYS, *PRICES, "volume"):
            raise InputError(
                f"market.features.{feature.name}",
                f"a name that {source} already has",
                "a name of its own for each computed feature",
                "Rename the feature.",
            )


def _convert(bars: pa.Table, source: str, units: MarketSource, pricing: Pricing) -> _Rows:
    extras = [name for name in bars.column_names if name not in (*KEYS, *PRICES)]
    exact: set[str] = {"close"} if units.features else set()
    if any(isinstance(feature, AtrFeature) for feature in units.features):
        exact |= {"high", "low"}
    wanted = [name for name in PRICES if name in exact]

    def price(name: str) -> Callable[[], PriceRows]:
        return lambda: price_rows(bars[name], source, name, pricing)

    def number(name: str) -> Callable[[], Floats]:
        return lambda: doubles(bars[name], source, name)

    jobs = [*map(price, PRICES), *map(number, extras), *map(number, wanted)]
    done = iter(in_threads(jobs))
    return _Rows(
        {name: next(done) for name in PRICES},
        {name: next(done) for name in extras},
        {name: next(done) for name in wanted},
    )


def _price_grids(layout: Layout, rows: Mapping[str, PriceRows]) -> tuple[Bools, dict[str, Any]]:
    """M2: present where all four prices are there and > 0; ticks are 0 where they are not."""
    grids = {name: on_grid(layout, rows[name].ticks, 0) for name in PRICES}
    if layout.filled is None and all(r.missing.count == r.zero.count == 0 for r in rows.values()):
        return np.ones(layout.shape, dtype=np.bool_), grids
    present = np.ones(layout.shape, dtype=np.bool_)
    for grid in grids.values():
        present &= grid > 0
    return present, {name: np.where(present, grid, 0) for name, grid in grids.items()}


def _absence_notes(prices: Mapping[str, PriceRows], where: Callable[[int], str]) -> list[str]:
    missing = {name: rows.missing for name, rows in prices.items()}
    return price_notes(missing, {name: rows.zero for name, rows in prices.items()}, where)


def _context(tables: Tables, bars: Ints, zone: str | None) -> tuple[dict[str, Floats], list[str]]:
    if tables.context is None:
        return {}, []
    return read_context(tables.context, tables.context_source, bars, zone)
