"""Roll-forwards: positions and basis and cash from fills, and books that stand still."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reconcile.audit.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    constant,
    magnitude,
    minus,
    negative,
    nonzero,
    only,
    running,
    signed,
    take,
    times,
    totals,
    value,
)
from reconcile.audit.ground import Placed
from reconcile.audit.nouns import Check, Finding, FindingKind, RowName, Why
from reconcile.audit.sink import Sink, difference
from reconcile.audit.sums import finite, value_of_bars
from reconcile.comparison.nouns import Value


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


def fill_notional(fills: Placed) -> tuple[Amounts, Mask] | None:
    """(price x quantity, or what the ledger calls notional; rows that tell), None where it has neither."""
    if "price" in fills and "quantity" in fills:
        return times(fills.amounts("price"), fills.amounts("quantity")), fills.full("price", "quantity")
    if "notional" in fills:
        return fills.amounts("notional"), fills.full("notional")
    return None


def cash_of_fills(fills: Placed, *, recorded: bool = False) -> tuple[Amounts, Mask] | None:
    """A1: what each fill does to cash, -(q*p + c); no commission where the ledger has none.

    recorded: with the notional on record in place of q*p, None where there is none.
    """
    if recorded and "notional" not in fills:
        return None
    found = (fills.amounts("notional"), fills.full("notional")) if recorded else fill_notional(fills)
    if found is None:
        return None
    notional, full = found
    out = signed(notional, ~fills.sells)
    if "commission" in fills:
        out, full = minus(out, fills.amounts("commission")), full & fills.full("commission")
    return finite(only(out, full)), full


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
    places = _without_echo(places, minus(found, expected), cells.symbol, cells.bar)
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


def _without_echo(places: Ints, gaps: Amounts, group: Ints | None, bar: Ints) -> Ints:
    """A wrong cell is off by x at its bar and by -x at the next: the second is the first's echo."""
    keep: list[int] = []
    echo = -1
    for place in places.tolist():
        if place == echo:
            echo = -1
            continue
        keep.append(place)
        after = place + 1
        if (
            after < len(bar)
            and bar[after] == bar[place] + 1
            and (group is None or group[after] == group[place])
        ):
            both = take(gaps, np.array([place, after]))
            if not apart(take(both, np.array([0])), negative(take(both, np.array([1]))))[0]:
                echo = after
    return np.array(keep, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """The `equity` table by bar.

    row: of each bar, -1 without one. skip: rows of equity inside a frozen stretch.
    """

    row: Ints
    skip: Mask


def lay_books(sink: Sink) -> Books:
    """Which row stands for which bar; nothing frozen yet."""
    equity = sink.ground.get("equity")
    count = len(sink.ground.bars)
    row = np.full(count, -1, np.int64)
    if equity is None:
        return Books(row, np.zeros(0, np.bool_))
    rows = np.flatnonzero(equity.first & (equity.bar >= 0))
    row[equity.bar[rows]] = rows
    return Books(row, np.zeros(equity.table.rows, np.bool_))


def flows_of_bars(sink: Sink) -> Amounts | None:
    """What the fills of each bar did to cash."""
    fills = sink.ground.get("fills")
    moved = (
        None
        if fills is None or not {"timestamp", "side"} <= set(fills.table.columns)
        else cash_of_fills(fills)
    )
    if fills is None or moved is None:
        return None
    return totals(moved[0], fills.bar, len(sink.ground.bars))


def check_frozen(sink: Sink, books: Books) -> Books:
    """Reported equity, else cash, that stands still over two bars or more on which the account moved."""
    equity, flows = sink.need(Check.FROZEN, "equity", "timestamp"), flows_of_bars(sink)
    if equity is None or not len(sink.ground.bars):
        return books
    if flows is None:
        sink.need(Check.FROZEN, "fills", "timestamp", "side", "price", "quantity")
    worth = value_of_bars(sink, equity)
    skip = books.skip.copy()
    for name in ("equity", "cash"):
        if sink.need(Check.FROZEN, "equity", name) is None:
            continue
        if name == "equity" and worth is None:
            sink.cannot(Check.FROZEN, "positions", Why.NO_TABLE)
            continue
        moved = _moved(books, worth if name == "equity" else None, flows)
        if moved is None:
            continue
        found = take(equity.amounts(name), books.row)
        full = np.append(equity.full(name), False)[books.row]
        still = np.zeros(len(found), np.bool_)
        still[1:] = ~apart_exactly(found) & full[1:] & full[:-1]
        sink.made(Check.FROZEN, int(full.sum()))
        for start, stop in stretches(still, moved):
            rows = books.row[start:stop]
            if name == "cash" and bool(skip[rows[rows >= 0]].any()):
                continue
            skip[rows[rows >= 0]] = True
            _frozen_finding(sink, equity, books, name, start, stop, int((moved & still)[start:stop].sum()))
    return replace(books, skip=skip)


def apart_exactly(found: Amounts) -> Mask:
    """Whether each differs from the one before, as recorded: a frozen number is the same to the last bit."""
    return np.asarray(found.values[1:] != found.values[:-1], np.bool_)


def _moved(books: Books, worth: Amounts | None, flows: Amounts | None) -> Mask | None:
    """Bars on which fills and positions changed what the account is worth (worth None: its cash)."""
    if worth is None:
        return None if flows is None else nonzero(flows)
    by_bar = take(worth, books.row)
    change = minus(by_bar, take(by_bar, np.arange(len(books.row)) - 1))
    return nonzero(change if flows is None else add(change, flows))


def stretches(still: Mask, moved: Mask) -> list[tuple[int, int]]:
    """[start, stop) of bars that stand still, with at least two on which the account moved."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.view(np.int8), [0]])))
    found = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    count = np.concatenate([[0], np.cumsum(still & moved)])
    return [(start, stop) for start, stop in found if count[stop] - count[start] >= 2]


def _frozen_finding(
    sink: Sink, equity: Placed, books: Books, name: str, start: int, stop: int, bars: int
) -> None:
    first, last = int(books.row[start]), int(books.row[stop - 1])
    time = sink.ground.bars
    sink.add(
        Finding(
            Check.FROZEN,
            FindingKind.FROZEN,
            f"equity.{name}",
            (sink.name(equity, first), sink.name(equity, last)),
            int(time[start]),
            None,
            equity.value(name, first),
            None,
            until=int(time[stop - 1]),
            bars=bars,
        )
    )


def check_cash(sink: Sink, books: Books, broken: Ints, initial: Amounts | None) -> None:
    """A1: cash = cash of the bar before + what the bar's fills did to it.

    broken: bars whose positions do not follow from fills either: there a fill is wrong, cash has no flow.
    initial: what the account started with, None where nothing says.
    """
    equity = sink.need(Check.CASH, "equity", "timestamp", "cash")
    fills = sink.need(Check.CASH, "fills", "timestamp", "side")
    if equity is None or fills is None:
        return
    moved = cash_of_fills(fills)
    if moved is None:
        sink.need(Check.CASH, "fills", "price", "quantity")
        return
    if "commission" not in fills:
        sink.notes.append("fills carry no commission: cash was rolled forward without.")
    count = len(sink.ground.bars)
    flows = totals(moved[0], fills.bar, count)
    cash = take(equity.amounts("cash"), books.row)
    before = take(cash, np.arange(count) - 1)
    full = np.append(equity.full("cash"), False)[books.row]
    torn = np.zeros(count, np.bool_)
    torn[fills.bar[~moved[1] & (fills.bar >= 0)]] = True
    where = full & np.append(False, full[:-1]) & ~torn
    where &= ~np.append(books.skip, False)[books.row]
    expected = add(before, flows)
    _opening(sink, equity, books, cash, flows, initial, full & ~torn)
    places = sink.disagree(Check.CASH, "equity.cash", cash, expected, where)
    places = _not_by_record(sink, fills, places, cash, before)
    gaps = minus(cash, expected)
    kept = _without_echo(places, gaps, None, np.arange(count))
    echoed = np.setdiff1d(places, kept) - 1
    for place in kept.tolist():
        is_flow = (
            place not in echoed
            and place not in broken
            and not _explained(fills, moved[0], take(gaps, np.array([place])), place)
        )
        kind = FindingKind.FLOW if is_flow else FindingKind.CASH
        if sink.full(kind):
            sink.count_only(Check.CASH, kind, 1)
        else:
            sink.row(
                Check.CASH,
                kind,
                equity,
                "cash",
                int(books.row[place]),
                value(cash, place),
                value(expected, place),
            )
    late = np.flatnonzero((fills.bar < 0) & fills.full("timestamp")).tolist()
    sink.rows(Check.CASH, FindingKind.CASH, fills, "timestamp", late)


def _not_by_record(sink: Sink, fills: Placed, places: Ints, cash: Amounts, before: Amounts) -> Ints:
    """Without the bars whose cash follows from the notionals on record, or the commission in `costs`: there
    a cell of fills is misprinted, and that is a finding of `notional` or `costs`."""
    if not len(places):
        return places
    count = len(cash)
    for recorded in (False, True):
        moved = cash_of_fills(fills, recorded=recorded)
        if moved is None:
            continue
        expected = add(before, totals(moved[0], fills.bar, count))
        places = places[apart(cash, expected)[places]]
        costs = sink.ground.get("costs")
        if costs is not None and "commission" in costs and "commission" in fills and "timestamp" in costs:
            charged = finite(only(fills.amounts("commission"), fills.full("commission")))
            booked = finite(only(costs.amounts("commission"), costs.full("commission") & costs.first))
            more = minus(totals(charged, fills.bar, count), totals(booked, costs.bar, count))
            places = places[apart(cash, add(expected, more))[places]]
    return np.asarray(places, np.int64)


def _explained(fills: Placed, moved: Amounts, gap: Amounts, bar: int) -> bool:
    """Whether the gap is an amount of the bar's fills: not booked, booked twice or with the wrong sign."""
    rows = np.flatnonzero(fills.bar == bar)
    if not len(rows):
        return False
    parts = [take(moved, rows)]
    if "commission" in fills:
        parts.append(finite(take(fills.amounts("commission"), rows)))
    for part in parts:
        whole = totals(part, np.zeros(len(rows), np.int64), 1)
        for known in (part, whole):
            for factor in (1, 2):
                size = times(magnitude(known), constant(factor, 0, len(known)))
                same = ~apart(size, take(magnitude(gap), np.zeros(len(known), np.int64)))
                if bool((same & nonzero(size)).any()):
                    return True
    return False


def _opening(
    sink: Sink,
    equity: Placed,
    books: Books,
    cash: Amounts,
    flows: Amounts,
    initial: Amounts | None,
    full: Mask,
) -> None:
    """The first bar's cash = the initial cash + what its fills did to it."""
    if not len(cash) or not full[0]:
        return
    if initial is None:
        sink.cannot(Check.OPENING, "initial cash", Why.NO_OPENING)
        return
    expected = add(initial, take(flows, np.zeros(1, np.int64)))
    found = take(cash, np.zeros(1, np.int64))
    if len(sink.disagree(Check.OPENING, "equity.cash", found, expected, np.ones(1, np.bool_))):
        row = int(books.row[0])
        sink.row(Check.OPENING, FindingKind.OPENING, equity, "cash", row, value(found, 0), value(expected, 0))
