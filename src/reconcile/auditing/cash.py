"""Cash, rolled forward from fills. A change of cash without a fill is a flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    constant,
    magnitude,
    minus,
    nonzero,
    only,
    take,
    times,
    totals,
    value,
)
from reconcile.auditing.equity import EquityByBar
from reconcile.auditing.ledger_index import Field, PlacedTable
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import cash_of_fills, finite, without_echo


def check_cash(recorder: Recorder, books: EquityByBar, broken: Ints, initial: Amounts | None) -> None:
    """A1: cash = cash of the bar before + the changes by the fills of the bar.

    broken: bars whose positions do not follow from fills either; there, a fill is wrong and no flow is named.
    initial: the initial cash, one amount; None if it is not known.
    """
    equity = recorder.need(Check.CASH, "equity", "timestamp", "cash")
    fills = recorder.need(Check.CASH, "fills", "timestamp", "side")
    if equity is None or fills is None:
        return
    moved = cash_of_fills(fills)
    if moved is None:
        recorder.need(Check.CASH, "fills", "price", "quantity")
        return
    if "commission" not in fills:
        recorder.notes.append("fills carry no commission: cash was rolled forward without.")
    count = len(recorder.index.bars)
    cash = take(equity.amounts("cash"), books.row)
    before = take(cash, np.arange(count) - 1)
    expected = add(before, totals(moved[0], fills.bar, count))
    known = _known_bars(equity, fills, books, moved[1])
    if count and known[0]:
        moved_first = take(minus(expected, before), np.zeros(1, np.int64))
        _check_opening(recorder, equity.field("cash"), int(books.row[0]), moved_first, initial)
    where = known & np.append(False, np.append(equity.full("cash"), False)[books.row][:-1])
    where &= ~np.append(books.skip_cash, False)[books.row]
    places = recorder.disagreements(Check.CASH, "equity.cash", cash, expected, where)
    places = _not_by_record(recorder, fills, places, cash, before)
    gaps = minus(cash, expected)
    kept = without_echo(places, gaps, None, np.arange(count))
    mistakes = np.union1d(broken, np.setdiff1d(places, kept) - 1)
    by_bar = _ByBar(fills, moved[0], np.argsort(fills.bar, kind="stable"))
    for place in kept.tolist():
        mistaken = place in mistakes or _explained(by_bar, place, take(gaps, np.array([place])))
        kind = FindingKind.CASH if mistaken else FindingKind.FLOW
        if recorder.is_full(kind):
            recorder.count_more(Check.CASH, kind, 1)
            continue
        row = int(books.row[place])
        recorder.add_row(
            Check.CASH, kind, equity.field("cash"), row, value(cash, place), value(expected, place)
        )
    late = (fills.bar < 0) & fills.full("timestamp")
    recorder.add_where(Check.CASH, FindingKind.CASH, fills.field("timestamp"), late)


def _known_bars(equity: PlacedTable, fills: PlacedTable, books: EquityByBar, full: Mask) -> Mask:
    """The bars with a cash cell whose fills have all cells. full: for each fill, whether it has all cells."""
    out = np.append(equity.full("cash"), False)[books.row]
    out[fills.bar[~full & (fills.bar >= 0)]] = False
    return np.asarray(out, np.bool_)


def _not_by_record(
    recorder: Recorder, fills: PlacedTable, places: Ints, cash: Amounts, before: Amounts
) -> Ints:
    """The places without those whose cash follows from the notionals on record or the commission in `costs`.

    There, a cell of fills is misprinted, which is a finding of `notional` or `costs`.
    """
    if not len(places):
        return places
    count = len(cash)
    for recorded in (False, True):
        moved = cash_of_fills(fills, recorded=recorded)
        if moved is None:
            continue
        expected = add(before, totals(moved[0], fills.bar, count))
        places = places[apart(cash, expected)[places]]
        costs = recorder.index.get("costs")
        if costs is not None and "commission" in costs and "commission" in fills and "timestamp" in costs:
            charged = finite(only(fills.amounts("commission"), fills.full("commission")))
            booked = finite(only(costs.amounts("commission"), costs.full("commission") & costs.first))
            more = minus(totals(charged, fills.bar, count), totals(booked, costs.bar, count))
            places = places[apart(cash, add(expected, more))[places]]
    return np.asarray(places, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _ByBar:
    """Fills by bar. moved: the change of cash by each. order: their rows, sorted by bar."""

    fills: PlacedTable
    moved: Amounts
    order: Ints

    def rows(self, bar: int) -> Ints:
        """The fills of a bar."""
        low, high = np.searchsorted(self.fills.bar[self.order], [bar, bar + 1])
        return self.order[low:high]


def _explained(by_bar: _ByBar, bar: int, gap: Amounts) -> bool:
    """Whether the gap is an amount of the bar's fills that was left out, booked twice or turned round."""
    rows = by_bar.rows(bar)
    if not len(rows):
        return False
    parts = [take(by_bar.moved, rows)]
    if "commission" in by_bar.fills:
        parts.append(finite(take(by_bar.fills.amounts("commission"), rows)))
    for part in parts:
        whole = totals(part, np.zeros(len(rows), np.int64), 1)
        for known in (part, whole):
            for factor in (1, 2):
                size = times(magnitude(known), constant(factor, 0, len(known)))
                same = ~apart(size, take(magnitude(gap), np.zeros(len(known), np.int64)))
                if bool((same & nonzero(size)).any()):
                    return True
    return False


def _check_opening(
    recorder: Recorder, cash: Field, row: int, moved: Amounts, initial: Amounts | None
) -> None:
    """Cash of the first bar, which is in this row of equity, = initial cash + what its fills moved."""
    if initial is None:
        recorder.not_made(Check.OPENING, "initial cash", Why.NO_OPENING)
        return
    expected = add(initial, moved)
    found = take(cash.placed.amounts(cash.column), np.array([row]))
    if len(recorder.disagreements(Check.OPENING, cash.path, found, expected, np.ones(1, np.bool_))):
        recorder.add_row(Check.OPENING, FindingKind.OPENING, cash, row, value(found, 0), value(expected, 0))
