"""Sums and products that a ledger's own columns must keep."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    nonzero,
    of_column,
    take,
    times,
    totals,
    usable,
)
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.sink import Sink
from vocabulary.state import Status


def check_notional(sink: Sink) -> None:
    """E3: notional = price x quantity."""
    fills = sink.need(Check.NOTIONAL, "fills", "price", "quantity", "notional")
    if fills is not None:
        found, expected = fills.amounts("notional"), times(fills.amounts("price"), fills.amounts("quantity"))
        rows = sink.disagree(
            Check.NOTIONAL, "fills.notional", found, expected, fills.full("price", "quantity", "notional")
        )
        sink.rows(Check.NOTIONAL, FindingKind.NOTIONAL, fills, "notional", rows.tolist(), found, expected)


def check_costs(sink: Sink) -> None:
    """Each column of `costs` is the sum over the bar's fills; a bar with fills has a row."""
    costs = sink.need(Check.COSTS, "costs", "timestamp")
    fills = sink.need(Check.COSTS, "fills", "timestamp")
    if costs is None or fills is None:
        return
    of_bar = _by_time(fills, costs)
    for name, source in (("turnover", "notional"), ("commission", "commission"), ("slippage", "slippage")):
        if sink.need(Check.COSTS, "costs", name) is None or sink.need(Check.COSTS, "fills", source) is None:
            continue
        found = costs.amounts(name)
        expected = totals(fills.amounts(source), of_bar, costs.table.rows)
        where = costs.full("timestamp", name) & costs.first & _groups_full(fills, source, of_bar, costs)
        rows = sink.disagree(Check.COSTS, f"costs.{name}", found, expected, where)
        sink.rows(Check.COSTS, FindingKind.COST, costs, name, rows.tolist(), found, expected)
    homeless = np.flatnonzero((of_bar < 0) & fills.full("timestamp")).tolist()
    sink.rows(Check.COSTS, FindingKind.COST, fills, "timestamp", homeless)


def _by_time(rows: Placed, keyed: Placed) -> Ints:
    """For each row, the row of `keyed` with the same timestamp, -1 without one."""
    full = keyed.full("timestamp") & keyed.first
    places = np.flatnonzero(full)
    places = places[np.argsort(keyed.time[places], kind="stable")]
    if not len(places):
        return np.full(rows.table.rows, -1, np.int64)
    at = np.minimum(np.searchsorted(keyed.time[places], rows.time), len(places) - 1)
    hit = (keyed.time[places][at] == rows.time) & rows.full("timestamp")
    return np.where(hit, places[at], -1)


def _groups_full(rows: Placed, column: str, groups: Ints, keyed: Placed) -> Mask:
    """Groups in which every row's cell is usable: of the others, the cell itself is a finding."""
    lacking = ~usable(rows.table.columns[column]) & (groups >= 0)
    out = np.ones(keyed.table.rows, np.bool_)
    out[groups[lacking]] = False
    return out


def check_values(sink: Sink) -> None:
    """market_value = quantity x mark."""
    positions = sink.need(Check.VALUES, "positions", "quantity", "mark", "market_value")
    if positions is not None:
        found = positions.amounts("market_value")
        expected = times(positions.amounts("quantity"), positions.amounts("mark"))
        where = positions.full("quantity", "mark", "market_value")
        rows = sink.disagree(Check.VALUES, "positions.market_value", found, expected, where)
        sink.rows(Check.VALUES, FindingKind.VALUE, positions, "market_value", rows.tolist(), found, expected)


def position_value(positions: Placed) -> Amounts | None:
    """What each row of positions is worth: quantity x mark where it tells, else its market value."""
    if "market_value" in positions:
        return positions.amounts("market_value")
    if "quantity" in positions and "mark" in positions:
        return times(positions.amounts("quantity"), positions.amounts("mark"))
    return None


def value_of_bars(sink: Sink, rows: Placed) -> Amounts | None:
    """For each row of `rows` (keyed by bar), the sum over the positions of its bar."""
    positions = sink.ground.get("positions")
    worth = None if positions is None or "timestamp" not in positions else position_value(positions)
    if positions is None or worth is None:
        return None
    groups = np.where(positions.first, _by_time(positions, rows), -1)
    return totals(finite(worth), groups, rows.table.rows)


def finite(a: Amounts) -> Amounts:
    """NaN and infinities as 0: they are findings of their own."""
    if a.slop is None:
        return a
    good = np.isfinite(a.values) & np.isfinite(a.slop)
    return Amounts(np.where(good, a.values, 0.0), None, np.where(good, a.slop, 0.0))


def check_market_value(sink: Sink, skip: Mask) -> None:
    """equity.market_value = the sum over the bar's positions. skip: rows of equity that are frozen."""
    equity = sink.need(Check.MARKET_VALUE, "equity", "timestamp", "market_value")
    positions = sink.need(Check.MARKET_VALUE, "positions", "timestamp")
    if equity is None or positions is None:
        return
    expected = value_of_bars(sink, equity)
    if expected is None:
        sink.cannot(Check.MARKET_VALUE, "positions.market_value", Why.NO_COLUMN)
        return
    found = equity.amounts("market_value")
    where = equity.full("timestamp", "market_value") & equity.first & ~skip
    rows = sink.disagree(Check.MARKET_VALUE, "equity.market_value", found, expected, where)
    sink.rows(
        Check.MARKET_VALUE, FindingKind.MARKET_VALUE, equity, "market_value", rows.tolist(), found, expected
    )
    homeless = (_by_time(positions, equity) < 0) & positions.full("timestamp")
    sink.rows(
        Check.MARKET_VALUE,
        FindingKind.MARKET_VALUE,
        positions,
        "timestamp",
        np.flatnonzero(homeless).tolist(),
    )


def check_equity(sink: Sink, skip: Mask) -> None:
    """A3: equity = cash + market value, of its own column, else of the positions."""
    equity = sink.need(Check.EQUITY, "equity", "cash", "equity")
    if equity is None:
        return
    worth: Amounts | None
    columns = ["cash", "equity"]
    if "market_value" in equity:
        worth = equity.amounts("market_value")
        columns.append("market_value")
    else:
        worth = value_of_bars(sink, equity) if "timestamp" in equity else None
    if worth is None:
        sink.cannot(Check.EQUITY, "equity.market_value", Why.NO_COLUMN)
        return
    found, expected = equity.amounts("equity"), add(equity.amounts("cash"), worth)
    rows = sink.disagree(Check.EQUITY, "equity.equity", found, expected, equity.full(*columns) & ~skip)
    sink.rows(Check.EQUITY, FindingKind.EQUITY, equity, "equity", rows.tolist(), found, expected)


def check_orders(sink: Sink) -> None:
    """orders.filled is what the fills of its decision, symbol and side add up to, and fits the status."""
    keys = ("decided_at", "symbol", "side")
    orders = sink.need(Check.ORDERS, "orders", *keys, "filled", "quantity", "status")
    fills = sink.need(Check.ORDERS, "fills", *keys, "quantity")
    if orders is None or fills is None:
        return
    order_of, count, group_of = _match_orders(orders, fills)
    filled = orders.amounts("filled")
    where = orders.full(*keys, "filled")
    sums = take(totals(fills.amounts("quantity"), order_of, count), group_of)
    wanted = take(totals(filled, group_of, count), group_of)
    rows = sink.disagree(Check.ORDERS, "orders.filled", wanted, sums, where)
    sink.rows(Check.ORDERS, FindingKind.ORDER, orders, "filled", rows.tolist(), filled, sums)
    orphans = np.flatnonzero((order_of < 0) & fills.full(*keys)).tolist()
    sink.rows(Check.ORDERS, FindingKind.ORDER, fills, "decided_at", orphans)
    _check_status(sink, orders, filled)


def _match_orders(orders: Placed, fills: Placed) -> tuple[Ints, int, Ints]:
    """(group of each fill or -1, groups, group of each order): a group is one decision, symbol and side."""
    decided = of_column(fills.table.columns["decided_at"]).values
    columns = [(orders.time, decided), (orders.symbol, fills.symbol), (orders.sells, fills.sells)]
    rows = np.stack([np.concatenate(pair).astype(np.int64) for pair in columns])
    group = grouped(*rows)
    of_orders, of_fills = group[: orders.table.rows], group[orders.table.rows :]
    count = int(group.max()) + 1 if len(group) else 0
    known = np.zeros(count, np.bool_)
    known[of_orders] = True
    return np.where(known[of_fills], of_fills, -1), count, of_orders


def grouped(*keys: Ints) -> Ints:
    """A number for each row, the same for rows of equal keys, in the order of the keys."""
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), np.bool_)
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    out = np.zeros(len(order), np.int64)
    out[order] = np.cumsum(new)
    return out


def _check_status(sink: Sink, orders: Placed, filled: Amounts) -> None:
    """E4: filled is the whole, reduced a part, no_cash and no_bar nothing."""
    column = orders.table.columns["status"]
    words = np.array([*(column.dictionary or ()), ""])
    status = words[np.where(usable(column), column.values, len(words) - 1)]
    quantity = orders.amounts("quantity")
    whole, some = ~apart(filled, quantity), nonzero(filled)
    fits = np.select(
        [status == Status.FILLED.value, status == Status.REDUCED.value], [whole, some & ~whole], ~some
    )
    where = orders.full("status", "filled", "quantity")
    sink.made(Check.ORDERS, int(where.sum()))
    sink.rows(Check.ORDERS, FindingKind.ORDER, orders, "status", np.flatnonzero(where & ~fits).tolist())
