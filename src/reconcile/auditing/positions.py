"""Positions, their basis and average price, rolled forward from fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import (
    SAFETY,
    UNIT,
    Amounts,
    Array,
    Ints,
    Mask,
    add,
    as_doubles,
    at_scale,
    largest,
    loosened,
    minus,
    nonzero,
    only,
    picked,
    running,
    signed,
    take,
    totals,
    value,
    wide,
)
from reconcile.auditing.ledger_index import PlacedTable
from reconcile.auditing.model import Check, Finding, FindingKind, RowName, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import fill_notional, finite, without_echo
from reconcile.ledger.figures import difference
from reconcile.matching.model import Value

FACTORS = (1.5, 2, 3, 4, 5, 10, 20, 100, 1000)
"""Factors of splits, and of other units, that are named."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One entry per (symbol, bar) at which a position may change, sorted by symbol, then bar.

    row: of `positions`, -1 if the symbol is flat. before: the row of the bar before, -1 if flat there.
    moved: the sum of the fills, signed.
    """

    symbol: Ints
    bar: Ints
    row: Ints
    before: Ints
    moved: Amounts


def position_cells(recorder: Recorder) -> Cells | None:
    """The cells of a ledger; None, recorded as not made, if positions or fills lack a column."""
    positions = recorder.need(Check.POSITIONS, "positions", "timestamp", "symbol")
    fills = recorder.need(Check.POSITIONS, "fills", "timestamp", "symbol", "side", "quantity")
    if positions is None or fills is None:
        return None
    count = len(recorder.index.bars)
    rows = np.flatnonzero(positions.stands & (positions.bar >= 0) & (positions.symbol >= 0))
    held = positions.symbol[rows] * count + positions.bar[rows]
    traded = np.where((fills.bar >= 0) & (fills.symbol >= 0), fills.symbol * count + fills.bar, -1)
    later = held[positions.bar[rows] + 1 < count] + 1
    keys = np.sort(np.concatenate([held, later, traded[traded >= 0]]))
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    order = np.argsort(held, kind="stable")
    held, rows = held[order], rows[order]
    bar = keys % count if count else keys
    quantity = finite(only(signed(fills.amounts("quantity"), fills.sells), fills.full("quantity")))
    groups = np.where(traded >= 0, np.searchsorted(keys, traded), -1)
    before = np.where(bar > 0, _row_at(held, rows, keys - 1), -1)
    symbol = keys // count if count else keys
    return Cells(symbol, bar, _row_at(held, rows, keys), before, totals(quantity, groups, len(keys)))


def _row_at(held: Ints, rows: Ints, keys: Ints) -> Ints:
    """For each key the row that has it, -1 if none has. held: the keys of `rows`, ascending."""
    if not len(held):
        return np.full(len(keys), -1, np.int64)
    at = np.minimum(np.searchsorted(held, keys), len(held) - 1)
    return np.where(held[at] == keys, rows[at], -1)


def check_positions(recorder: Recorder, cells: Cells | None) -> Ints:
    """A1: quantity = quantity of the bar before + the signed fills of the bar.

    Returns the bars with a finding.
    """
    positions = recorder.index.get("positions")
    if cells is None or positions is None:
        return np.zeros(0, np.int64)
    if "quantity" not in positions:
        return _check_signs(recorder, cells, positions)
    quantity = positions.amounts("quantity")
    found, expected = take(quantity, cells.row), add(take(quantity, cells.before), cells.moved)
    where = _both_full(positions, "quantity", cells)
    places = recorder.disagreements(Check.POSITIONS, "positions.quantity", found, expected, where)
    if recorder.index.ledger.manifest.semantics is None:
        opening = places[cells.bar[places] == 0]
        _note_opening(recorder, cells, opening, minus(found, expected))
        places = np.setdiff1d(places, opening)
    places = without_echo(places, minus(found, expected), cells.symbol, cells.bar)
    for place in places.tolist():
        _position_finding(recorder, positions, cells, place, value(found, place), value(expected, place))
    return np.unique(cells.bar[places])


def _note_opening(recorder: Recorder, cells: Cells, places: Ints, held: Amounts) -> None:
    """Note what a foreign ledger holds at its first bar without a fill: it may have begun before."""
    names = [f"{recorder.index.symbols[int(cells.symbol[p])]} {value(held, int(p))}" for p in places[:5]]
    if names:
        more = f" and {len(places) - 5:,} more" if len(places) > 5 else ""
        recorder.notes.append(f"held before the first fill: {', '.join(names)}{more}.")


def _both_full(positions: PlacedTable, column: str, cells: Cells) -> Mask:
    """The cells for which this row and the one before hold a number."""
    full = np.append(positions.full(column), True)
    return np.asarray(full[cells.row] & full[cells.before])


def _position_finding(
    recorder: Recorder, positions: PlacedTable, cells: Cells, place: int, found: Value, expected: Value
) -> None:
    if recorder.is_full(FindingKind.POSITION):
        recorder.count_more(Check.POSITIONS, FindingKind.POSITION, 1)
        return
    time, symbol = int(recorder.index.bars[cells.bar[place]]), recorder.index.symbols[cells.symbol[place]]
    rows = [int(row) for row in (cells.row[place], cells.before[place]) if row >= 0]
    names = [recorder.row_name(positions, row) for row in rows]
    if cells.row[place] < 0:
        names.insert(0, RowName("positions", (time, symbol), None))
    fills = recorder.index.tables["fills"]
    traded = np.flatnonzero((fills.bar == cells.bar[place]) & (fills.symbol == cells.symbol[place]))
    names += [recorder.row_name(fills, int(row)) for row in traded[:4]]
    recorder.add(
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
            detail=_position_words(fills, traded, found, expected),
        )
    )


def _position_words(fills: PlacedTable, traded: Ints, found: Value, expected: Value) -> str:
    """What the difference is, in words: the commission of the fills, or a factor like a split; or empty."""
    if isinstance(found, str) or isinstance(expected, str) or found is None or expected is None:
        return ""
    gap, size = float(found) - float(expected), max(abs(float(found)), abs(float(expected)))
    if len(traded) and "commission" in fills:
        fee = float(np.sum(as_doubles(picked(fills.amounts("commission"), traded)).values))
        if fee and abs(abs(gap) - abs(fee)) <= 1e-9 * size:
            return "that is the commission of its fills"
    ratio = float(found) / float(expected) if float(expected) else 0.0
    near = next((one for one in FACTORS if ratio > 0 and abs(max(ratio, 1 / ratio) / one - 1) <= 1e-6), None)
    if near is None:
        return ""
    return f"{near:g} times as much" if ratio > 1 else f"a {near:g}th part"


def _check_signs(recorder: Recorder, cells: Cells, positions: PlacedTable) -> Ints:
    """Without quantities, the sign of each position agrees with the sum of its fills from the start."""
    if "market_value" not in positions:
        recorder.not_made(Check.POSITIONS, "positions.quantity", Why.NO_COLUMN)
        return np.zeros(0, np.int64)
    recorder.notes.append(
        "positions carry no quantity: that they are open, flat, long or short was held against the fills."
    )
    held = _since_start(cells)
    worth = take(positions.amounts("market_value"), cells.row)
    long = nonzero(held) & np.asarray(held.values > 0)
    short = nonzero(held) & np.asarray(held.values < 0)
    up, down = np.asarray(worth.values > 0, np.bool_), np.asarray(worth.values < 0, np.bool_)
    full = np.append(positions.full("market_value"), True)[cells.row]
    recorder.made(Check.POSITIONS, int(full.sum()))
    places = np.flatnonzero(full & ((long != up) | (short != down)))
    for place in places.tolist():
        _position_finding(recorder, positions, cells, place, value(worth, place), value(held, place))
    return np.unique(cells.bar[places])


def _since_start(cells: Cells) -> Amounts:
    """The sum of the symbol's fills up to and including each cell."""
    sums = running(cells.moved)
    starts = np.flatnonzero(np.append(True, cells.symbol[1:] != cells.symbol[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(cells.symbol)), "right") - 1]
    return minus(sums, take(sums, start_of - 1))


def check_basis(recorder: Recorder, cells: Cells | None) -> None:
    """A1: basis follows from the bar before and the fills. X2: average price follows from basis."""
    positions = recorder.need(Check.BASIS, "positions", "timestamp", "symbol", "quantity", "basis")
    fills = recorder.need(Check.BASIS, "fills", "timestamp", "symbol", "side", "quantity")
    if positions is None or fills is None or cells is None:
        return
    found = fill_notional(fills)
    if found is None:
        recorder.need(Check.BASIS, "fills", "price")
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
    expected = _rolled(recorder, cells, basis, quantity, lots, notional)
    full = np.append(positions.full("basis", "quantity"), True)
    where = full[cells.row] & full[cells.before] & (cells.row >= 0)
    seen = take(basis, cells.row)
    for place in recorder.disagreements(Check.BASIS, "positions.basis", seen, expected, where).tolist():
        if recorder.is_full(FindingKind.BASIS):
            recorder.count_more(Check.BASIS, FindingKind.BASIS, 1)
            continue
        row = int(cells.row[place])
        recorder.add_row(
            Check.BASIS,
            FindingKind.BASIS,
            positions.field("basis"),
            row,
            value(seen, place),
            value(expected, place),
        )
    _check_average(recorder, positions)


def _rolled(
    recorder: Recorder, cells: Cells, basis: Amounts, quantity: Amounts, lots: Amounts, notional: Amounts
) -> Amounts:
    """The basis of every cell: that of the bar before, and then one fill of this bar after the other.

    The first fills of all cells are booked in one array operation, then the second fills, and so on.
    """
    out = take(basis, cells.before)
    held, values = take(quantity, cells.before).values.copy(), out.values.copy()
    slop = None if out.slop is None else out.slop.copy()
    keys = cells.symbol * len(recorder.index.bars) + cells.bar
    rows = _traded_rows(recorder)
    fills = recorder.index.tables["fills"]
    at = np.searchsorted(keys, fills.symbol[rows] * len(recorder.index.bars) + fills.bar[rows])
    starts = np.flatnonzero(np.append(True, at[1:] != at[:-1])[: len(at)])
    counts = np.diff(np.append(starts, len(at)))
    for turn in range(int(counts.max()) if len(counts) else 0):
        here = starts[counts > turn] + turn
        cell, row = at[here], rows[here]
        q, b = booked(held[cell], values[cell], lots.values[row], notional.values[row])
        held, values = _put(held, cell, q), _put(values, cell, b)
        if slop is not None:
            size = np.abs(b) + np.abs(notional.values[row])
            slop[cell] += 8 * UNIT * size + recorder.money_unit / SAFETY  # A1 floors what is removed
    return Amounts(values, out.scale, slop, recorder.money_unit > 0)


def _put(values: Array, at: Ints, new: Array) -> Array:
    """The values with some replaced; Python integers if the new values are."""
    if new.dtype == object and values.dtype != object:
        values = values.astype(object)
    values[at] = new
    return values


def _traded_rows(recorder: Recorder) -> Ints:
    """The rows of fills, sorted by symbol, bar and order of execution."""
    fills = recorder.index.tables["fills"]
    rows = recorder.index.sequence
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


def _check_average(recorder: Recorder, positions: PlacedTable) -> None:
    """X2: average_price = (2*B + |Q|) // (2*|Q|), in ticks and lots."""
    if recorder.need(Check.BASIS, "positions", "average_price") is None:
        return
    average, basis = positions.amounts("average_price"), positions.amounts("basis")
    quantity = positions.amounts("quantity")
    where = positions.full("average_price", "basis", "quantity") & np.asarray(quantity.values != 0, np.bool_)
    if average.scale is None or basis.scale is None or quantity.scale is None:
        x, y = as_doubles(basis), as_doubles(quantity)
        assert x.slop is not None
        size = np.where(where, np.abs(y.values), 1.0)
        expected = Amounts(x.values / size, None, 4 * x.slop / size, x.coarse)
        average = loosened(as_doubles(average), 0.5 * recorder.tick)  # X2 rounds to ticks
    else:
        shift = average.scale + quantity.scale - basis.scale
        if shift < 0:
            recorder.not_made(Check.BASIS, "positions.average_price", Why.NO_UNITS)
            return
        lots = np.where(where, np.abs(quantity.values), 1).astype(object)
        money = at_scale(basis, basis.scale + shift).values.astype(object)
        expected = Amounts((2 * money + lots) // (2 * lots), average.scale)
    rows = recorder.disagreements(Check.BASIS, "positions.average_price", average, expected, where)
    recorder.add_rows(
        Check.BASIS, FindingKind.BASIS, positions.field("average_price"), rows, average, expected
    )
