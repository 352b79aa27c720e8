"""Books that stand still while fills and positions move: somewhere a second portfolio is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reconcile.auditing.amounts import Amounts, Ints, Mask, add, minus, nonzero, take, totals
from reconcile.auditing.flows import cash_of_fills
from reconcile.auditing.layout import Placed
from reconcile.auditing.model import Check, Finding, FindingKind, Why
from reconcile.auditing.sink import Sink
from reconcile.auditing.sums import value_of_bars


@dataclass(frozen=True, slots=True, eq=False)
class Books:
    """The `equity` table by bar.

    row: of each bar, -1 without one. skip: rows of `equity` at which some number stands still while the
    account moves. skip_cash: those at which cash does.
    """

    row: Ints
    skip: Mask
    skip_cash: Mask


def lay_books(sink: Sink) -> Books:
    """Which row stands for which bar; nothing frozen yet."""
    equity = sink.ground.get("equity")
    count = len(sink.ground.bars)
    row = np.full(count, -1, np.int64)
    if equity is None:
        return Books(row, np.zeros(0, np.bool_), np.zeros(0, np.bool_))
    rows = np.flatnonzero(equity.first & (equity.bar >= 0))
    row[equity.bar[rows]] = rows
    none = np.zeros(equity.table.rows, np.bool_)
    return Books(row, none, none.copy())


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
    skip, skip_cash = books.skip.copy(), books.skip_cash.copy()
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
            rows = rows[rows >= 0]
            known = bool(skip[rows].any())
            skip[rows] = True
            if name == "cash":
                skip_cash[rows] = True
            if name == "cash" and known:
                continue  # the same second book, told once
            _frozen_finding(sink, equity, books, name, start, stop, int((moved & still)[start:stop].sum()))
    return replace(books, skip=skip, skip_cash=skip_cash)


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
