"""Tables become a Market: rows are placed, columns converted, features computed, oddities noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from reconcile.files.buffers import LongTable
from reconcile.files.instants import mixed_zones, show_instant, wall_clock
from reconcile.market.columns import Instants, codes, doubles, instants, row_name
from reconcile.market.edit import make_market, sealed, threads
from reconcile.market.features import compute_feature
from reconcile.market.frame import Market
from reconcile.market.grid import Layout, cell_namer, lay_out, on_grid, row_namer
from reconcile.market.notes import PRICES, Cells, cell_notes, order_note, price_notes
from reconcile.market.prices import PriceRows, Pricing, price_rows
from reconcile.market.read import need_columns
from vocabulary.errors import InputError
from vocabulary.market import Bools, Floats, Ints
from vocabulary.scenario import AtrFeature, Feature, MarketSource

KEYS = ("timestamp", "symbol")


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Long tables of bars and of context, each with the name that errors give it."""

    bars: LongTable
    source: str
    context: pa.Table | None = None
    context_source: str = "context"


@dataclass(frozen=True, slots=True, eq=False)
class _Prices:
    """The four price columns. rows: their ticks and oddities per row. present: (T, S), by M2.

    ticks: (T, S) each, 0 where not present. doubles: (T, S) unrounded, of those that features read (M4).
    """

    rows: Mapping[str, PriceRows]
    present: Bools
    ticks: dict[str, Any]
    doubles: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Loading:
    """What every step of a load needs. pool: the threads that convert the columns of a step in parallel."""

    pool: Executor
    bars: LongTable
    source: str
    units: MarketSource
    layout: Layout


def build_market(tables: Tables, units: MarketSource, name: str, notes: tuple[str, ...] = ()) -> Market:
    """A Market from long tables, by U1, M1, M2 and M4; `units` gives price_decimals and features.

    Raises InputError for a missing, repeated or clashing column, two rows of one (timestamp, symbol), and
    what the modules of each step refuse; RangeError for ticks beyond int64 (U4).
    """
    bars, source = tables.bars, tables.source
    need_columns(bars, (*KEYS, *PRICES), source)
    refuse_clashes(units.features, bars.column_names, source)
    with ThreadPoolExecutor(threads()) as pool:
        stamps = pool.submit(lambda: instants(bars["timestamp"], source))
        symbols = pool.submit(lambda: codes(bars["symbol"], source))
        times, names = stamps.result(), symbols.result()
        load = _Loading(pool, bars, source, units, lay_out(times, names, source))
        layout = load.layout
        prices = _prices(load, Pricing(units.price_decimals, row_namer(times, names, source)))
        features, ticks, odd = _rest(load, prices)
    context, context_notes = _context(tables, layout.timestamps, times.zone)
    return make_market(
        Market(
            symbols=layout.symbols,
            timestamps=layout.timestamps,
            wall=wall_clock(layout.timestamps, times.zone, source),
            timezone=times.zone,
            price_decimals=units.price_decimals,
            present=prices.present,
            **ticks,
            volume=features["volume"],
            features=features,
            context=context,
            notes=(
                *notes,
                *order_note(layout),
                *_absence_notes(prices.rows, cell_namer(times, names)),
                *odd,
                *context_notes,
            ),
            name=name,
        )
    )


def refuse_clashes(features: tuple[Feature, ...], taken: list[str], source: str) -> None:
    """Raises InputError when a computed feature has the name of another column."""
    for feature in features:
        if feature.name in (*taken, *KEYS, *PRICES, "volume"):
            raise InputError(
                f"market.features.{feature.name}",
                f"a name that {source} already has",
                "a name of its own for each computed feature",
                "Rename the feature.",
            )


def _prices(load: _Loading, pricing: Pricing) -> _Prices:
    """The prices in ticks (U1). A symbol is present where all four are > 0, else they are 0 (M2)."""
    layout, wanted = load.layout, _unrounded(load.units.features)

    def convert(name: str) -> tuple[PriceRows, Ints, Floats | None]:
        column = load.bars[name]
        rows = price_rows(column, load.source, name, pricing)
        exact = on_grid(layout, doubles(column, load.source, name), np.nan) if name in wanted else None
        return rows, on_grid(layout, rows.ticks, 0), exact

    done = dict(zip(PRICES, load.pool.map(convert, PRICES), strict=True))
    rows = {name: one for name, (one, _, _) in done.items()}
    ticks = {name: grid for name, (_, grid, _) in done.items()}
    present = np.ones(layout.shape, dtype=np.bool_)
    if layout.filled is not None or any(one.missing.count or one.zero.count for one in rows.values()):
        for grid in ticks.values():
            present &= grid > 0
        ticks = {name: np.where(present, grid, 0) for name, grid in ticks.items()}
    exact = {name: grid for name, (_, _, grid) in done.items() if grid is not None}
    return _Prices(rows, present, ticks, exact)


def _unrounded(features: tuple[Feature, ...]) -> set[str]:
    """The prices that computed features read as doubles."""
    close = {"close"} if features else set()
    return close | ({"high", "low"} if any(isinstance(one, AtrFeature) for one in features) else set())


def _rest(load: _Loading, prices: _Prices) -> tuple[dict[str, Floats], dict[str, Any], list[str]]:
    """What is made from the prices: features, sealed ticks, notes. The longest work is begun first."""
    layout, submit = load.layout, load.pool.submit

    def read(name: str) -> Floats:
        return sealed(on_grid(layout, doubles(load.bars[name], load.source, name), np.nan))

    def compute(feature: Feature) -> Floats:
        return sealed(compute_feature(feature, prices.doubles, prices.present))

    def unknown() -> Floats:
        return sealed(np.full(layout.shape, np.nan))

    columns = [name for name in load.bars.column_names if name not in (*KEYS, *PRICES)]
    told = "volume" in columns
    features = {name: submit(read, name) for name in columns}
    if not told:
        features["volume"] = submit(unknown)
    features |= {feature.name: submit(compute, feature) for feature in load.units.features}
    ticks = {name: submit(sealed, prices.ticks[name]) for name in PRICES}

    def look() -> list[str]:
        # submitted last: the volume that it waits for is being read by then
        volume = features["volume"].result() if told else None
        return cell_notes(Cells(layout, prices.ticks, prices.present, volume))

    odd = submit(look)
    found = {name: future.result() for name, future in features.items()}
    return found, {name: future.result() for name, future in ticks.items()}, odd.result()


def _absence_notes(prices: Mapping[str, PriceRows], where: Callable[[int], str]) -> list[str]:
    missing = {name: rows.missing for name, rows in prices.items()}
    return price_notes(missing, {name: rows.zero for name, rows in prices.items()}, where)


def _context(tables: Tables, bars: Ints, zone: str | None) -> tuple[dict[str, Floats], list[str]]:
    if tables.context is None:
        return {}, []
    return read_context(tables.context, tables.context_source, bars, zone)


def read_context(
    table: pa.Table, source: str, bars: Ints, zone: str | None
) -> tuple[dict[str, Floats], list[str]]:
    """name -> (T,) float64, NaN where a bar has no row or the value is missing, and what was odd.

    Raises InputError for another time zone than the bars', rows of one timestamp that differ, columns
    that hold no numbers.
    """
    need_columns(table, ("timestamp",), source)
    times = instants(table["timestamp"], source)
    if times.zone != zone:
        raise mixed_zones(f"{source}, column 'timestamp'", times.zone, zone)
    names = [name for name in table.column_names if name != "timestamp"]
    columns = {name: doubles(table[name], source, name) for name in names}
    notes = _refuse_contradictions(times, columns, source)
    at = np.minimum(np.searchsorted(bars, times.rows), len(bars) - 1)
    hit = bars[at] == times.rows
    out = {}
    for name, values in columns.items():
        out[name] = np.full(len(bars), np.nan)
        out[name][at[hit]] = values[hit]
    return out, [*notes, *_coverage_notes(times, hit, at, bars)]


def _coverage_notes(times: Instants, hit: np.ndarray, at: Ints, bars: Ints) -> list[str]:
    notes = []
    if not hit.any():
        # legal by M1, and hardly meant: a gate on such a context never opens
        row, bar = show_instant(int(times.rows[0])), show_instant(int(bars[0]))
        return [
            f"no context row has the timestamp of a bar, all are missing (first row {row}, first bar {bar})"
        ]
    if not hit.all():
        lost = np.flatnonzero(~hit)
        first = show_instant(int(times.rows[lost[0]]))
        notes.append(f"context rows without a bar, not used: {len(lost):,} (first: {first})")
    bare = np.ones(len(bars), dtype=np.bool_)
    bare[at[hit]] = False
    if bare.any():
        first = show_instant(int(bars[np.argmax(bare)]))
        notes.append(f"bars without a context row, missing there: {int(bare.sum()):,} (first: {first})")
    return notes


def _refuse_contradictions(times: Instants, columns: dict[str, Floats], source: str) -> list[str]:
    order = np.argsort(times.rows, kind="stable")
    ascending = times.rows[order]
    again = np.flatnonzero(ascending[1:] == ascending[:-1]) + 1
    if not len(again):
        return []
    for values in columns.values():
        now, before = values[order[again]], values[order[again - 1]]
        differ = ~((now == before) | (np.isnan(now) & np.isnan(before)))
        if differ.any():
            i = int(again[np.argmax(differ)])
            raise InputError(
                f"{row_name(source, int(order[i - 1]))} and row {int(order[i]) + 1}",
                f"two different rows for {show_instant(int(ascending[i]))}",
                "one row for each timestamp",
                "Drop one of them.",
            )
    first = show_instant(int(ascending[again[0]]))
    return [f"context rows that repeat another of their timestamp: {len(again):,} (first: {first})"]
