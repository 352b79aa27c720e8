"""Positions, rolled forward from fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    minus,
    nonzero,
    only,
    running,
    signed,
    take,
    totals,
    value,
)
from reconcile.auditing.flows import without_echo
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, Finding, FindingKind, RowName, Why
from reconcile.auditing.sink import Sink, difference
from reconcile.auditing.sums import finite
from reconcile.matching.model import Value


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One entry a (symbol, bar) at which a position may have changed, by symbol, then bar.

    row: in positions, -1 where flat. before: the row of the bar before, -1. moved: what fills changed.
    """

    symbol: Ints
    bar: Ints
    row: Ints
    before: Ints
    moved: Amounts


def position_cells(sink: Sink) -> Cells | None:
    """Where positions stand or fills happen; None, with the reason on record, where that cannot be told."""
    positions = sink.need(Check.POSITIONS, "positions", "timestamp", "symbol")
    fills = sink.need(Check.POSITIONS, "fills", "timestamp", "symbol", "side", "quantity")
    if positions is None or fills is None:
        return None
    count = len(sink.ground.bars)
    rows = np.flatnonzero(positions.first & (positions.bar >= 0) & (positions.symbol >= 0))
    held = positions.symbol[rows] * count + positions.bar[rows]
    traded = np.where((fills.bar >= 0) & (fills.symbol >= 0), fills.symbol * count + fills.bar, -1)
    later = held[positions.bar[rows] + 1 < count] + 1
    keys = np.unique(np.concatenate([held, later, traded[traded >= 0]]))
    order = np.argsort(held, kind="stable")
    held, rows = held[order], rows[order]
    bar = keys % count if count else keys
    quantity = finite(only(signed(fills.amounts("quantity"), fills.sells), fills.full("quantity")))
    groups = np.where(traded >= 0, np.searchsorted(keys, traded), -1)
    before = np.where(bar > 0, _row_at(held, rows, keys - 1), -1)
    symbol = keys // count if count else keys
    return Cells(symbol, bar, _row_at(held, rows, keys), before, totals(quantity, groups, len(keys)))


def _row_at(held: Ints, rows: Ints, keys: Ints) -> Ints:
    """The row whose key is this, -1 without one. held: ascending."""
    if not len(held):
        return np.full(len(keys), -1, np.int64)
    at = np.minimum(np.searchsorted(held, keys), len(held) - 1)
    return np.where(held[at] == keys, rows[at], -1)


def check_positions(sink: Sink, cells: Cells | None) -> Ints:
    """A1: quantity = quantity of the bar before + what fills bought and sold. Returns the bars at fault."""
    positions = sink.ground.get("positions")
    if cells is None or positions is None:
        return np.zeros(0, np.int64)
    if "quantity" not in positions:
        return _check_signs(sink, cells, positions)
    quantity = positions.amounts("quantity")
    found, expected = take(quantity, cells.row), add(take(quantity, cells.before), cells.moved)
    where = _both_full(positions, "quantity", cells)
    places = sink.disagree(Check.POSITIONS, "positions.quantity", found, expected, where)
    places = without_echo(places, minus(found, expected), cells.symbol, cells.bar)
    for place in places.tolist():
        _position_finding(sink, positions, cells, place, value(found, place), value(expected, place))
    return np.unique(cells.bar[places])


def _both_full(positions: Placed, column: str, cells: Cells) -> Mask:
    """Cells whose row, and the one before, hold a number."""
    full = np.append(positions.full(column), True)
    return np.asarray(full[cells.row] & full[cells.before])


def _position_finding(
    sink: Sink, positions: Placed, cells: Cells, place: int, found: Value, expected: Value
) -> None:
    if sink.full(FindingKind.POSITION):
        sink.count_only(Check.POSITIONS, FindingKind.POSITION, 1)
        return
    time, symbol = int(sink.ground.bars[cells.bar[place]]), sink.ground.symbols[cells.symbol[place]]
    rows = [int(row) for row in (cells.row[place], cells.before[place]) if row >= 0]
    names = [sink.name(positions, row) for row in rows]
    if cells.row[place] < 0:
        names.insert(0, RowName("positions", (time, symbol), None))
    fills = sink.ground.tables["fills"]
    traded = np.flatnonzero((fills.bar == cells.bar[place]) & (fills.symbol == cells.symbol[place]))
    names += [sink.name(fills, int(row)) for row in traded[:4]]
    sink.add(
        Finding(
            Check.POSITIONS,
            FindingKind.POSITION,
            "positions.quantity",
            tuple(names),
            time,
            symbol,
            found,
            expected,
            difference(found, expected),
        )
    )


def _check_signs(sink: Sink, cells: Cells, positions: Placed) -> Ints:
    """Positions without quantities: fills summed from the start tell which are open, and on which side."""
    if "market_value" not in positions:
        sink.cannot(Check.POSITIONS, "positions.quantity", Why.NO_COLUMN)
        return np.zeros(0, np.int64)
    sink.notes.append(
        "positions carry no quantity: that they are open, flat, long or short was held against the fills."
    )
    held = _since_start(cells)
    worth = take(positions.amounts("market_value"), cells.row)
    long = nonzero(held) & np.asarray(held.values > 0)
    short = nonzero(held) & np.asarray(held.values < 0)
    up, down = np.asarray(worth.values > 0, np.bool_), np.asarray(worth.values < 0, np.bool_)
    full = np.append(positions.full("market_value"), True)[cells.row]
    sink.made(Check.POSITIONS, int(full.sum()))
    places = np.flatnonzero(full & ((long != up) | (short != down)))
    for place in places.tolist():
        _position_finding(sink, positions, cells, place, value(worth, place), value(held, place))
    return np.unique(cells.bar[places])


def _since_start(cells: Cells) -> Amounts:
    """The sum of a symbol's fills up to each cell."""
    sums = running(cells.moved)
    starts = np.flatnonzero(np.append(True, cells.symbol[1:] != cells.symbol[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(cells.symbol)), "right") - 1]
    return minus(sums, take(sums, start_of - 1))
