"""A1 and X2: basis from fills, average price from basis."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import (
    SAFETY,
    UNIT,
    Amounts,
    Array,
    Ints,
    as_doubles,
    at_scale,
    largest,
    loosened,
    only,
    signed,
    take,
    value,
    wide,
)
from reconcile.auditing.flows import fill_notional
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.positions import Cells
from reconcile.auditing.sink import Sink
from reconcile.auditing.sums import finite


def check_basis(sink: Sink, cells: Cells | None) -> None:
    """basis follows from the bar before and the fills, average_price from basis and quantity."""
    positions = sink.need(Check.BASIS, "positions", "timestamp", "symbol", "quantity", "basis")
    fills = sink.need(Check.BASIS, "fills", "timestamp", "symbol", "side", "quantity")
    if positions is None or fills is None or cells is None:
        return
    found = fill_notional(fills)
    if found is None:
        sink.need(Check.BASIS, "fills", "price")
        return
    notional = finite(only(*found))
    basis, quantity = positions.amounts("basis"), positions.amounts("quantity")
    lots = finite(only(signed(fills.amounts("quantity"), fills.sells), fills.full("quantity")))
    exact = None not in (basis.scale, quantity.scale, notional.scale, lots.scale)
    if exact:
        scale = max(basis.scale or 0, notional.scale or 0)
        basis, notional = at_scale(basis, scale), at_scale(notional, scale)
        unit = max(quantity.scale or 0, lots.scale or 0)
        quantity, lots = at_scale(quantity, unit), at_scale(lots, unit)
    else:
        basis, notional, quantity, lots = map(as_doubles, (basis, notional, quantity, lots))
    expected = _rolled(sink, cells, basis, quantity, lots, notional)
    full = np.append(positions.full("basis", "quantity"), True)
    where = full[cells.row] & full[cells.before] & (cells.row >= 0)
    seen = take(basis, cells.row)
    for place in sink.disagree(Check.BASIS, "positions.basis", seen, expected, where).tolist():
        if sink.full(FindingKind.BASIS):
            sink.count_only(Check.BASIS, FindingKind.BASIS, 1)
            continue
        row = int(cells.row[place])
        sink.row(
            Check.BASIS,
            FindingKind.BASIS,
            positions,
            "basis",
            row,
            value(seen, place),
            value(expected, place),
        )
    _check_average(sink, positions)


def _rolled(
    sink: Sink, cells: Cells, basis: Amounts, quantity: Amounts, lots: Amounts, notional: Amounts
) -> Amounts:
    """The basis of every cell, from the bar before and the fills of this one, each fill after the other.

    All cells take their first fill at once, then those that have one their second, and so on.
    """
    out = take(basis, cells.before)
    held, values = take(quantity, cells.before).values.copy(), out.values.copy()
    slop = None if out.slop is None else out.slop.copy()
    keys = cells.symbol * len(sink.ground.bars) + cells.bar
    rows = _traded_rows(sink)
    fills = sink.ground.tables["fills"]
    at = np.searchsorted(keys, fills.symbol[rows] * len(sink.ground.bars) + fills.bar[rows])
    starts = np.flatnonzero(np.append(True, at[1:] != at[:-1])[: len(at)])
    counts = np.diff(np.append(starts, len(at)))
    for turn in range(int(counts.max()) if len(counts) else 0):
        here = starts[counts > turn] + turn
        cell, row = at[here], rows[here]
        q, b = booked(held[cell], values[cell], lots.values[row], notional.values[row])
        held, values = _put(held, cell, q), _put(values, cell, b)
        if slop is not None:
            size = np.abs(b) + np.abs(notional.values[row])
            slop[cell] += 8 * UNIT * size + sink.money_unit / SAFETY  # A1 floors what is removed
    return Amounts(values, out.scale, slop)


def _put(values: Array, at: Ints, new: Array) -> Array:
    """The values with some replaced, in place; as Python integers where the new ones are."""
    if new.dtype == object and values.dtype != object:
        values = values.astype(object)
    values[at] = new
    return values


def _traded_rows(sink: Sink) -> Ints:
    """Fills by symbol, bar and execution."""
    fills = sink.ground.tables["fills"]
    rows = sink.ground.sequence
    rows = rows[(fills.bar[rows] >= 0) & (fills.symbol[rows] >= 0)]
    order = np.lexsort((fills.bar[rows], fills.symbol[rows]))
    return np.asarray(rows[order])


def booked(held: Array, basis: Array, lots: Array, notional: Array) -> tuple[Array, Array]:
    """A1, on arrays: (quantity, basis) after one fill of signed lots each. Integers stay exact."""
    exact = held.dtype.kind != "f"
    if exact:
        bound = (largest(basis) + largest(notional)) * (largest(held) + largest(lots) + 1)
        held, basis, lots, notional = (wide(array, bound) for array in (held, basis, lots, notional))
    size, traded = np.abs(held), np.abs(lots)
    same = (held == 0) | (lots == 0) | ((held > 0) == (lots > 0))
    closed = np.minimum(size, traded)
    rest = traded - closed
    removed = _share(basis, closed, np.where(size == 0, 1, size), exact)
    opened = _share(notional, rest, np.where(traded == 0, 1, traded), exact)
    return held + lots, np.where(same, basis + notional, np.where(rest != 0, opened, basis - removed))


def _share(amount: Array, part: Array, whole: Array, exact: bool) -> Array:
    return amount * part // whole if exact else amount * part / whole


def _check_average(sink: Sink, positions: Placed) -> None:
    """X2: average_price = (2*B + |Q|) // (2*|Q|), in ticks and lots."""
    if sink.need(Check.BASIS, "positions", "average_price") is None:
        return
    average, basis = positions.amounts("average_price"), positions.amounts("basis")
    quantity = positions.amounts("quantity")
    where = positions.full("average_price", "basis", "quantity") & np.asarray(quantity.values != 0, np.bool_)
    if average.scale is None or basis.scale is None or quantity.scale is None:
        x, y = as_doubles(basis), as_doubles(quantity)
        assert x.slop is not None
        size = np.where(where, np.abs(y.values), 1.0)
        expected = Amounts(x.values / size, None, 4 * x.slop / size)
        average = loosened(as_doubles(average), 0.5 * sink.tick)  # X2 rounds to ticks
    else:
        shift = average.scale + quantity.scale - basis.scale
        if shift < 0:
            sink.cannot(Check.BASIS, "positions.average_price", Why.NO_UNITS)
            return
        lots = np.where(where, np.abs(quantity.values), 1).astype(object)
        money = at_scale(basis, basis.scale + shift).values.astype(object)
        expected = Amounts((2 * money + lots) // (2 * lots), average.scale)
    rows = sink.disagree(Check.BASIS, "positions.average_price", average, expected, where)
    sink.rows(Check.BASIS, FindingKind.BASIS, positions, "average_price", rows.tolist(), average, expected)
