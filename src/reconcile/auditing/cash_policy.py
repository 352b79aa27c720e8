"""E4: cash that the policy does not let go below zero."""

from __future__ import annotations

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
    value,
)
from reconcile.auditing.flows import cash_of_fills
from reconcile.auditing.frozen import Books
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.positions import Cells
from reconcile.auditing.sink import Sink
from reconcile.auditing.sums import finite
from vocabulary.scenario import CashPolicy, Scenario


def check_cash_policy(
    sink: Sink, scenario: Scenario, books: Books, cells: Cells | None, initial: Amounts | None
) -> None:
    """No buy leaves cash below zero but for the part that covers a short.

    Cash starts each bar at what the ledger says of the bar before; a bar that does not add up is a finding
    of `cash`, not of all that follows. Where the book stands still it says nothing: there the fills are
    summed from the last bar at which it moved.
    """
    if scenario.execution.cash is CashPolicy.ALLOW_NEGATIVE:
        sink.made(Check.CASH_POLICY, 0)
        return
    equity = sink.need(Check.CASH_POLICY, "equity", "timestamp", "cash")
    fills = sink.need(Check.CASH_POLICY, "fills", "timestamp", "symbol", "side", "price", "quantity")
    if equity is None or fills is None or initial is None:
        return
    if not sink.ground.ordered:
        sink.cannot(Check.CASH_POLICY, "fills.sequence", Why.NO_ORDER)
        return
    moved = cash_of_fills(fills)
    if moved is None:
        return
    rows = sink.ground.sequence
    rows = rows[(fills.bar[rows] >= 0) & moved[1][rows]]
    if not len(rows):
        sink.made(Check.CASH_POLICY, equity.table.rows)
        return
    after = _cash_after(books, equity, moved[0], fills, rows, initial)
    opening = _opens_more(sink, fills, rows, cells)
    sink.made(Check.CASH_POLICY, len(rows))
    below = nonzero(after) & np.asarray(after.values < 0, np.bool_)
    wrong = np.flatnonzero(below & opening & ~fills.sells[rows])
    for place in wrong.tolist():
        if sink.full(FindingKind.NEGATIVE_CASH):
            sink.count_only(Check.CASH_POLICY, FindingKind.NEGATIVE_CASH, 1)
            continue
        row = int(rows[place])
        kind = FindingKind.NEGATIVE_CASH
        sink.row(Check.CASH_POLICY, kind, fills, "quantity", row, value(after, place), None)


def _since(sums: Amounts, group: Ints) -> Amounts:
    """Running sums that start anew with each group; groups stand together."""
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(group)), "right") - 1]
    return minus(sums, take(sums, start_of - 1))


def _cash_after(
    books: Books, equity: Placed, moved: Amounts, fills: Placed, rows: Ints, initial: Amounts
) -> Amounts:
    """Cash after each fill, in the order of execution."""
    anchor = _anchors(books)[fills.bar[rows]]
    since = _since(running(take(moved, rows)), anchor)
    start = finite(take(equity.amounts("cash"), np.where(anchor >= 0, books.row[anchor], -1)))
    first = only(take(initial, np.zeros(len(rows), np.int64)), anchor < 0)
    return add(add(start, first), since)


def _anchors(books: Books) -> Ints:
    """Of each bar the last one before it whose cash can be trusted (reported, and moving); -1: the start."""
    stands = np.append(books.skip_cash, True)[books.row]
    trusted = np.where(stands, -1, np.arange(len(books.row)))
    return np.append(-1, np.maximum.accumulate(trusted)[:-1])


def _opens_more(sink: Sink, fills: Placed, rows: Ints, cells: Cells | None) -> Mask:
    """Buys that do more than cover a short: after which the account is long, or was not short before."""
    positions = sink.ground.get("positions")
    order = np.lexsort((np.arange(len(rows)), fills.bar[rows], fills.symbol[rows]))
    lots = finite(only(signed(fills.amounts("quantity"), fills.sells), fills.full("quantity")))
    own = take(lots, rows[order])
    key = fills.symbol[rows[order]] * max(len(sink.ground.bars), 1) + fills.bar[rows[order]]
    known = positions is not None and cells is not None and "quantity" in positions
    if known and positions is not None and cells is not None:
        at = np.searchsorted(cells.symbol * len(sink.ground.bars) + cells.bar, key)
        held = add(take(positions.amounts("quantity"), cells.before[at]), _since(running(own), key))
    else:
        held = _since(running(own), fills.symbol[rows[order]])
    out = np.zeros(len(rows), np.bool_)
    out[order] = nonzero(held) & np.asarray(held.values > 0, np.bool_)
    return out
