"""Checks of sums and products within a ledger, and the cash that fills move."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    minus,
    negative,
    nonzero,
    of_column,
    only,
    signed,
    take,
    times,
    totals,
    usable,
)
from reconcile.auditing.ledger_index import PlacedTable
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.recorder import Recorder
from vocabulary.state import Status


def check_notional(recorder: Recorder) -> None:
    """E3: notional = price x quantity."""
    fills = recorder.need(Check.NOTIONAL, "fills", "price", "quantity", "notional")
    if fills is not None:
        found, expected = fills.amounts("notional"), times(fills.amounts("price"), fills.amounts("quantity"))
        recorder.hold(
            Check.NOTIONAL,
            FindingKind.NOTIONAL,
            fills.field("notional"),
            found,
            expected,
            fills.full("price", "quantity", "notional"),
        )


def check_costs(recorder: Recorder) -> None:
    """Each column of `costs` is the sum over the bar's fills; a bar with fills has a row."""
    costs = recorder.need(Check.COSTS, "costs", "timestamp")
    fills = recorder.need(Check.COSTS, "fills", "timestamp")
    if costs is None or fills is None:
        return
    of_bar = _by_time(fills, costs)
    for name, source in (("turnover", "notional"), ("commission", "commission"), ("slippage", "slippage")):
        if (
            recorder.need(Check.COSTS, "costs", name) is None
            or recorder.need(Check.COSTS, "fills", source) is None
        ):
            continue
        found = costs.amounts(name)
        expected = totals(fills.amounts(source), of_bar, costs.table.rows)
        where = costs.full("timestamp", name) & costs.stands & _groups_full(fills, source, of_bar, costs)
        recorder.hold(Check.COSTS, FindingKind.COST, costs.field(name), found, expected, where)
    recorder.add_where(
        Check.COSTS, FindingKind.COST, fills.field("timestamp"), (of_bar < 0) & fills.full("timestamp")
    )


def _by_time(rows: PlacedTable, keyed: PlacedTable) -> Ints:
    """For each row, the row of `keyed` with the same timestamp; -1 if there is none."""
    full = keyed.full("timestamp") & keyed.stands
    places = np.flatnonzero(full)
    places = places[np.argsort(keyed.time[places], kind="stable")]
    if not len(places):
        return np.full(rows.table.rows, -1, np.int64)
    at = np.minimum(np.searchsorted(keyed.time[places], rows.time), len(places) - 1)
    hit = (keyed.time[places][at] == rows.time) & rows.full("timestamp")
    return np.where(hit, places[at], -1)


def _groups_full(rows: PlacedTable, column: str, groups: Ints, keyed: PlacedTable) -> Mask:
    """The groups in which every cell is usable. In the others, the cell itself is already a finding."""
    lacking = ~usable(rows.table.columns[column]) & (groups >= 0)
    out = np.ones(keyed.table.rows, np.bool_)
    out[groups[lacking]] = False
    return out


def check_values(recorder: Recorder) -> None:
    """market_value = quantity x mark."""
    positions = recorder.need(Check.VALUES, "positions", "quantity", "mark", "market_value")
    if positions is not None:
        found = positions.amounts("market_value")
        expected = times(positions.amounts("quantity"), positions.amounts("mark"))
        where = positions.full("quantity", "mark", "market_value")
        recorder.hold(
            Check.VALUES, FindingKind.VALUE, positions.field("market_value"), found, expected, where
        )


def position_value(positions: PlacedTable) -> Amounts | None:
    """The market value of each row: its column, else quantity x mark; None if it has neither."""
    if "market_value" in positions:
        return positions.amounts("market_value")
    if "quantity" in positions and "mark" in positions:
        return times(positions.amounts("quantity"), positions.amounts("mark"))
    return None


def value_of_bars(recorder: Recorder, rows: PlacedTable) -> Amounts | None:
    """For each row of a table with one row per bar, the market value of the positions of its bar."""
    positions = recorder.index.get("positions")
    worth = None if positions is None or "timestamp" not in positions else position_value(positions)
    if positions is None or worth is None:
        return None
    groups = np.where(positions.stands, _by_time(positions, rows), -1)
    return totals(finite(worth), groups, rows.table.rows)


def finite(a: Amounts) -> Amounts:
    """The same, with 0 for NaN and infinities, which are findings of their own."""
    if a.slop is None:
        return a
    good = np.isfinite(a.values) & np.isfinite(a.slop)
    return Amounts(np.where(good, a.values, 0.0), None, np.where(good, a.slop, 0.0), a.coarse)


def check_market_value(recorder: Recorder, skip: Mask) -> None:
    """equity.market_value = the sum over the positions of the bar. skip: rows of equity that are frozen."""
    equity = recorder.need(Check.MARKET_VALUE, "equity", "timestamp", "market_value")
    positions = recorder.need(Check.MARKET_VALUE, "positions", "timestamp")
    if equity is None or positions is None:
        return
    expected = value_of_bars(recorder, equity)
    if expected is None:
        recorder.not_made(Check.MARKET_VALUE, "positions.market_value", Why.NO_COLUMN)
        return
    found = equity.amounts("market_value")
    where = equity.full("timestamp", "market_value") & equity.stands & ~skip
    recorder.hold(
        Check.MARKET_VALUE, FindingKind.MARKET_VALUE, equity.field("market_value"), found, expected, where
    )
    without_bar = (_by_time(positions, equity) < 0) & positions.full("timestamp")
    recorder.add_where(
        Check.MARKET_VALUE,
        FindingKind.MARKET_VALUE,
        positions.field("timestamp"),
        without_bar,
    )


def check_equity(recorder: Recorder, skip: Mask) -> None:
    """A3: equity = cash + market value. The market value is the column of equity, else of the positions."""
    equity = recorder.need(Check.EQUITY, "equity", "cash", "equity")
    if equity is None:
        return
    worth: Amounts | None
    columns = ["cash", "equity"]
    if "market_value" in equity:
        worth = equity.amounts("market_value")
        columns.append("market_value")
    else:
        worth = value_of_bars(recorder, equity) if "timestamp" in equity else None
    if worth is None:
        recorder.not_made(Check.EQUITY, "equity.market_value", Why.NO_COLUMN)
        return
    found, expected = equity.amounts("equity"), add(equity.amounts("cash"), worth)
    recorder.hold(
        Check.EQUITY,
        FindingKind.EQUITY,
        equity.field("equity"),
        found,
        expected,
        equity.full(*columns) & ~skip,
    )


def check_orders(recorder: Recorder) -> None:
    """orders.filled = the sum of the fills of the same decision, symbol and side, and fits the status."""
    keys = ("decided_at", "symbol", "side")
    orders = recorder.need(Check.ORDERS, "orders", *keys, "filled", "quantity", "status")
    fills = recorder.need(Check.ORDERS, "fills", *keys, "quantity")
    if orders is None or fills is None:
        return
    order_of, count, group_of = _match_orders(orders, fills)
    filled = orders.amounts("filled")
    where = orders.full(*keys, "filled")
    sums = take(totals(fills.amounts("quantity"), order_of, count), group_of)
    wanted = take(totals(filled, group_of, count), group_of)
    rows = recorder.disagreements(Check.ORDERS, "orders.filled", wanted, sums, where)
    recorder.add_rows(Check.ORDERS, FindingKind.ORDER, orders.field("filled"), rows, filled, sums)
    recorder.add_where(
        Check.ORDERS,
        FindingKind.ORDER,
        fills.field("decided_at"),
        (order_of < 0) & fills.full(*keys) & ~_before_first_order(recorder, orders, fills),
    )
    _check_status(recorder, orders, filled)


def _before_first_order(recorder: Recorder, orders: PlacedTable, fills: PlacedTable) -> Mask:
    """The fills of a foreign ledger that were decided before its first order: it may have begun later."""
    decided = of_column(fills.table.columns["decided_at"]).values
    if recorder.index.ledger.manifest.semantics is not None or not orders.table.rows:
        return np.zeros(fills.table.rows, np.bool_)
    return np.asarray(decided < orders.time[orders.full("decided_at")].min(initial=2**63 - 1), np.bool_)


def _match_orders(orders: PlacedTable, fills: PlacedTable) -> tuple[Ints, int, Ints]:
    """(group of each fill, number of groups, group of each order).

    A group is one decision, symbol and side. A fill without an order has the group -1.
    """
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
    """The number of each row's group: rows with equal keys are one group, and groups ascend by key."""
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), np.bool_)
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    out = np.zeros(len(order), np.int64)
    out[order] = np.cumsum(new)
    return out


def _check_status(recorder: Recorder, orders: PlacedTable, filled: Amounts) -> None:
    """E4: all of a `filled` order is filled, a part of a `reduced` one, nothing of the others."""
    column = orders.table.columns["status"]
    words = np.array([*(column.dictionary or ()), ""])
    status = words[np.where(usable(column), column.values, len(words) - 1)]
    quantity = orders.amounts("quantity")
    whole, some = ~apart(filled, quantity), nonzero(filled)
    fits = np.select(
        [status == Status.FILLED.value, status == Status.REDUCED.value], [whole, some & ~whole], ~some
    )
    where = orders.full("status", "filled", "quantity")
    recorder.made(Check.ORDERS, int(where.sum()))
    recorder.add_where(Check.ORDERS, FindingKind.ORDER, orders.field("status"), where & ~fits)


def fill_notional(fills: PlacedTable) -> tuple[Amounts, Mask] | None:
    """(price x quantity, else the notional on record; rows with all cells), None without these columns."""
    if "price" in fills and "quantity" in fills:
        return times(fills.amounts("price"), fills.amounts("quantity")), fills.full("price", "quantity")
    if "notional" in fills:
        return fills.amounts("notional"), fills.full("notional")
    return None


def cash_of_fills(fills: PlacedTable, *, recorded: bool = False) -> tuple[Amounts, Mask] | None:
    """(the change of cash by each fill, rows with all cells). A1: -(q*p + c), with c = 0 without that column.

    recorded: use the notional on record instead of q*p; the result is None if there is none.
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


def cash_beside_fills(recorder: Recorder) -> Amounts | None:
    """The change of cash of each bar that fills do not tell; None if nothing else moves it.

    L4: the flows; and where fills carry no commission, that of `costs`.
    """
    flows, costs = recorder.index.get("flows"), costs_apart(recorder)
    out: Amounts | None = None
    if flows is not None and "amount" in flows and "timestamp" in flows:
        amounts = finite(only(flows.amounts("amount"), flows.full("amount")))
        out = totals(amounts, flows.bar, len(recorder.index.bars))
    if costs is None:
        return out
    fees = finite(only(costs.amounts("commission"), costs.full("commission") & costs.stands))
    charged = negative(totals(fees, costs.bar, len(recorder.index.bars)))
    return charged if out is None else add(out, charged)


def costs_apart(recorder: Recorder) -> PlacedTable | None:
    """The table `costs` if it alone carries the commission."""
    fills, costs = recorder.index.get("fills"), recorder.index.get("costs")
    alone = fills is not None and "commission" not in fills
    return (
        costs
        if alone and costs is not None and {"timestamp", "commission"} <= set(costs.table.columns)
        else None
    )


def without_echo(places: Ints, gaps: Amounts, group: Ints | None, bar: Ints) -> Ints:
    """The places without echoes: one wrong cell gives a gap of x at its bar and of -x at the next bar."""
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
