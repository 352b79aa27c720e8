"""A ledger as a search reads it: every table in the scenario's units, sorted by cycle, symbol and side.

Cycle t holds what is decided at bar t-1, and executed and booked at bar t; with `same_close` all of it is of
bar t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reconcile.files.decimals import unit_scales
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.roots.rebuild import rebuild_states
from reconcile.roots.resync import can_resync
from vocabulary.errors import TieoutError
from vocabulary.ledger import TIME_COLUMN, Column, Kind, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import State

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EMPTY = np.iinfo(np.int64).min
"""An empty cell, or one whose value no 64-bit integer holds."""
TRADE_TABLES = ("targets", "orders", "fills")
DECISIONS = "decisions"
"""The column `rebalance` of `equity` as a table of its own: it belongs to the next cycle."""
UNCOMPARED = ("sequence", "symbol", "side")
SIDES = ("buy", "sell")
MOST_ROWS = 400
"""Rows of a table that values are read off; more tell nothing more."""


NOISE = 2.0**-42
"""How far doubles may be apart, as a share of the larger: the most that is taken for float noise."""


class Rows(NamedTuple):
    """One table in the scenario's units, sorted by key. cycle, symbol, side: of each row (0 without);
    key: the three as one number. cells: by column, EMPTY where there is none."""

    cycle: Ints
    symbol: Ints
    side: Ints
    key: Ints
    cells: Mapping[str, Ints]

    def within(self, start: int, stop: int) -> slice:
        """The rows of cycles [start, stop)."""
        return slice(*np.searchsorted(self.cycle, (start, stop)).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """What turns a ledger's cells into the scenario's units: bars, symbols, words, scales."""

    bars: int
    timestamps: Ints
    symbols: tuple[str, ...]
    places: Mapping[str, int]
    same_bar: bool
    scales: Mapping[Kind, int]
    words: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The candidate's ledger, ready to be compared with.

    trades: the tables that show what was done, as far as the ledger has them. bounds: by table and column,
    how far apart two values may be, in units of the column.
    """

    axes: Axes
    tables: Mapping[str, Rows]
    trades: tuple[str, ...]
    bounds: Mapping[tuple[str, str], tuple[BoundKind, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Cycles [start, stop) of a candidate's ledger, from which hypotheses read the values worth trying.

    fills, positions, targets, orders: their first rows within the window, of some symbols or all; None where
    there are none. memo: what was read off the whole ledger, shared by all windows on it.
    """

    ledger: Ledger
    target: Target
    start: int
    stop: int
    fills: Rows | None
    positions: Rows | None
    targets: Rows | None
    orders: Rows | None
    memo: dict[str, Any] = field(default_factory=dict)

    def once(self, what: str, read: Callable[[], Any]) -> Any:
        """What `read` gives, read once for all windows on a ledger."""
        if what not in self.memo:
            self.memo[what] = read()
        return self.memo[what]

    def slack(self, column: str) -> int:
        """Units that a column of fills may be off by, as its tolerance says."""
        kind, size = self.target.bounds.get(("fills", column), (BoundKind.ABSOLUTE, 0.0))
        return 0 if kind is BoundKind.RELATIVE else ceil(size)


def window_of(
    ledger: Ledger,
    target: Target,
    start: int,
    stop: int,
    symbols: tuple[int, ...] | None = None,
    memo: dict[str, Any] | None = None,
) -> Window:
    """Cycles [start, stop) of a ledger. symbols: places in the market of those looked at, None for all."""
    fills, positions, targets, orders = (
        _cut(target, name, start, stop, symbols) for name in ("fills", "positions", "targets", "orders")
    )
    shared = {} if memo is None else memo
    return Window(ledger, target, start, stop, fills, positions, targets, orders, shared)


def states_of(scenario: Scenario, market: Market, window: Window) -> Sequence[State] | None:
    """The candidate's State after each bar, rebuilt from its whole ledger; None where that has not enough."""

    def read() -> Sequence[State] | None:
        if not can_resync(window.ledger):
            return None
        try:
            return list(rebuild_states(window.ledger, scenario, market))
        except TieoutError:
            return None

    found: Sequence[State] | None = window.once("states", read)
    return found


def _cut(target: Target, name: str, start: int, stop: int, symbols: tuple[int, ...] | None) -> Rows | None:
    rows = target.tables.get(name)
    if rows is None:
        return None
    within = rows.within(start, stop)
    at = np.arange(within.start, within.stop)
    if symbols is not None:
        at = at[np.isin(rows.symbol[within], symbols)]
    at = at[:MOST_ROWS]
    if not len(at):
        return None
    cells = {name: values[at] for name, values in rows.cells.items()}
    return Rows(rows.cycle[at], rows.symbol[at], rows.side[at], rows.key[at], cells)


def axes_of(scenario: Scenario, market: Market) -> Axes:
    """The scenario's units over the market's bars and symbols."""
    scales = unit_scales(scenario.market.price_decimals, scenario.market.quantity_decimals)
    places = {symbol: place for place, symbol in enumerate(market.symbols)}
    same_bar = scenario.execution.timing is Timing.SAME_CLOSE
    return Axes(len(market.timestamps), market.timestamps, market.symbols, places, same_bar, scales, {})


def target_of(
    ledger: Ledger, scenario: Scenario, market: Market, tolerances: Sequence[Tolerance] = ()
) -> Target:
    """A candidate's ledger as the target of a search."""
    axes = axes_of(scenario, market)
    tables = read(ledger, axes)
    for name, last in (("equity", axes.bars - 1), (DECISIONS, axes.bars)):
        if name in tables:  # rows at no bar of the market are breaks, and no run can give them
            tables[name] = _first_rows(tables[name], last)
    trades = tuple(name for name in TRADE_TABLES if name in tables)
    if "fills" not in trades:
        trades = (*trades, *(name for name in ("positions",) if name in tables))
    bounds = {
        (name, column): (BoundKind.RELATIVE, NOISE)
        for name, table in ledger.tables.items()
        for column, cells in table.columns.items()
        if cells.scale is None and cells.values.dtype.kind == "f"
    }
    bounds |= {(one.table, one.column): (one.kind, _units(one, axes)) for one in tolerances}
    return Target(axes, tables, trades or tuple(tables), bounds)


def _first_rows(rows: Rows, last: int) -> Rows:
    """The rows up to a cycle, which are the first."""
    at = slice(0, int(np.searchsorted(rows.cycle, last, side="right")))
    cells = {name: values[at] for name, values in rows.cells.items()}
    return Rows(rows.cycle[at], rows.symbol[at], rows.side[at], rows.key[at], cells)


def read(ledger: Ledger, axes: Axes, only: Sequence[str] | None = None) -> dict[str, Rows]:
    """Every table whose rows have a time, and a symbol where they need one. only: the tables to read."""
    found = {}
    for name, table in ledger.tables.items():
        if only is not None and name not in only:
            continue
        if TIME_COLUMN[name] not in table.columns or (
            name not in ("costs", "equity") and "symbol" not in table.columns
        ):
            continue
        found[name] = _rows(table, axes)
    equity = ledger.tables.get("equity")
    if equity is not None and "rebalance" in equity.columns and "equity" in found:
        rows = found["equity"]
        shift = 0 if axes.same_bar else 1
        cells = {"rebalance": rows.cells["rebalance"]}
        found[DECISIONS] = Rows(rows.cycle + shift, rows.symbol, rows.side, rows.key, cells)
        found["equity"] = rows._replace(cells={k: v for k, v in rows.cells.items() if k != "rebalance"})
    return found


def _rows(table: Table, axes: Axes) -> Rows:
    columns, count = table.columns, table.rows
    cycle = bars_of(columns[TIME_COLUMN[table.name]], axes)
    if TIME_COLUMN[table.name] == "decided_at" and not axes.same_bar:
        cycle = cycle + 1
    symbol = _symbols(columns["symbol"], axes) if "symbol" in columns else np.zeros(count, np.int64)
    side = _words(columns["side"], axes, SIDES) if "side" in columns else np.zeros(count, np.int64)
    key = (cycle * (len(axes.places) + 1) + symbol) * 4 + side
    cells = {name: cells_of(column, axes) for name, column in columns.items() if name not in UNCOMPARED}
    cells.pop(TIME_COLUMN[table.name], None)
    if "sequence" in columns:
        cells["place"] = _places(cycle, cells_of(columns["sequence"], axes))
    if count > 1 and not bool((key[1:] > key[:-1]).all()):
        # Rows of one key stand by quantity and price, so that their order in the file does not count.
        more = [cells[name] for name in ("price", "quantity") if name in cells]
        order = np.lexsort((*more, key))
        cycle, symbol, side, key = cycle[order], symbol[order], side[order], key[order]
        cells = {name: values[order] for name, values in cells.items()}
    return Rows(cycle, symbol, side, key, cells)


def _places(cycle: Ints, sequence: Ints) -> Ints:
    """Each row's place among those of its cycle: 0 for the first."""
    order = np.lexsort((sequence, cycle))
    placed = cycle[order]
    out = np.empty(len(order), np.int64)
    out[order] = np.arange(len(order)) - np.searchsorted(placed, placed)
    return out


def bars_of(column: Column, axes: Axes) -> Ints:
    """The bar of each timestamp; one past the last for what is at no bar."""
    place = np.searchsorted(axes.timestamps, column.values)
    capped = np.minimum(place, axes.bars - 1)
    known = (place < axes.bars) & (axes.timestamps[capped] == column.values)
    if column.missing is not None:
        known &= ~column.missing
    return np.where(known, place, axes.bars + 1).astype(np.int64)


def _symbols(column: Column, axes: Axes) -> Ints:
    if column.dictionary is axes.symbols and column.missing is None:
        return column.values.astype(np.int64)
    words = [axes.places.get(word, len(axes.places)) for word in column.dictionary or ()]
    return _decoded(column, words)


def _words(column: Column, axes: Axes, known: Sequence[str] = ()) -> Ints:
    if known:
        words = [known.index(word) if word in known else 2 for word in column.dictionary or ()]
    else:
        words = [axes.words.setdefault(word, len(axes.words)) for word in column.dictionary or ()]
    return _decoded(column, words)


def _decoded(column: Column, words: Sequence[int]) -> Ints:
    codes = column.values.astype(np.int64)
    if column.missing is not None:
        codes = np.where(column.missing, len(words), codes)
    return np.array([*words, EMPTY], np.int64)[codes]


def cells_of(column: Column, axes: Axes) -> Ints:
    """Cells as integers: units, codes of words, or nanoseconds."""
    if column.kind is Kind.WORD:
        return _words(column, axes)
    values, unit = column.values, axes.scales.get(column.kind, 0)
    if values.dtype.kind == "f":
        scaled = np.round(values.astype(np.float64) * 10.0**unit)
        fits = np.abs(scaled) < 2.0**62
        out = np.where(fits, np.where(fits, scaled, 0).astype(np.int64), EMPTY)
    else:
        out = _rescaled(values, unit - (column.scale or 0) if column.kind in axes.scales else 0)
    return np.where(column.missing, EMPTY, out) if column.missing is not None else out


def _rescaled(values: npt.NDArray[np.generic], shift: int) -> Ints:
    """Integers at another scale; what is no whole number there, or too large, is EMPTY."""
    if shift == 0 and values.dtype == np.int64:
        return np.asarray(values)
    cells = []
    for value in values.tolist():
        whole, rest = (value * 10**shift, 0) if shift >= 0 else divmod(value, 10**-shift)
        cells.append(whole if rest == 0 and abs(whole) < 2**63 else EMPTY)
    return np.array(cells, np.int64)


def _units(tolerance: Tolerance, axes: Axes) -> float:
    """How far apart two values may be, in units of their column: of a quantum, half of it."""
    from vocabulary.ledger import SCHEMA

    if tolerance.kind is BoundKind.RELATIVE:
        return float(tolerance.bound)
    size = tolerance.bound / 2 if tolerance.kind is BoundKind.QUANTUM else tolerance.bound
    return float(size * Decimal(10) ** axes.scales.get(SCHEMA[tolerance.table][tolerance.column], 0))


def overlap_notes(ledger: Ledger, market: Market) -> tuple[str, ...]:
    """A note where no timestamp of a ledger is a bar of the market, and one where no symbol is the market's:
    nothing can be explained then."""
    return (*_no_bar(ledger, market), *_no_symbol(ledger, market))


def _no_bar(ledger: Ledger, market: Market) -> Iterator[str]:
    from reconcile.text.times import stamp

    found = [each for name in ledger.tables for each in _columns(ledger, name, TIME_COLUMN[name])]
    if found and not any(np.isin(column.values, market.timestamps).any() for column in found):
        theirs, ours = int(found[0].values.min()), int(market.timestamps[0])
        yield (
            f"No timestamp of the candidate is a bar of the market: its first is {stamp(market, theirs)}, "
            f"the market's {stamp(market, ours)}."
        )


def _no_symbol(ledger: Ledger, market: Market) -> Iterator[str]:
    found = [each for name in ledger.tables for each in _columns(ledger, name, "symbol")]
    names = {name for column in found for name in column.dictionary or ()}
    if names and names.isdisjoint(market.symbols):
        yield (
            f"No symbol of the candidate is one of the market: it has {min(names)}, "
            f"the market {min(market.symbols)}."
        )


def _columns(ledger: Ledger, name: str, column: str) -> list[Column]:
    """A table's column, where it is there and holds rows."""
    table = ledger.tables[name]
    return [table.columns[column]] if table.rows and column in table.columns else []
