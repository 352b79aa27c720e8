"""Cash, rolled forward from fills. A change of cash without a fill is a flow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    apart,
    constant,
    minus,
    negative,
    nonzero,
    only,
    signed,
    take,
    times,
    totals,
    value,
)
from reconcile.auditing.equity import EquityByBar
from reconcile.auditing.ledger_index import Field, PlacedTable
from reconcile.auditing.model import Check, FindingKind, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import cash_beside_fills, cash_of_fills, costs_apart, finite, without_echo


def check_cash(recorder: Recorder, books: EquityByBar, broken: Ints, initial: Amounts | None) -> None:
    """A1, L4: cash = cash of the bar before + the changes by the fills and flows of the bar.

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
        apart = costs_apart(recorder) is not None
        how = "with that of costs" if apart else "without"
        recorder.notes.append(f"fills carry no commission: cash was rolled forward {how}.")
    count = len(recorder.index.bars)
    cash = take(equity.amounts("cash"), books.row)
    before = take(cash, np.arange(count) - 1)
    flows = cash_beside_fills(recorder)
    paid = before if flows is None else add(before, flows)
    expected = add(paid, totals(moved[0], fills.bar, count))
    known = _known_bars(equity, fills, books, moved[1])
    if count and known[0]:
        moved_first = take(minus(expected, before), np.zeros(1, np.int64))
        _check_opening(recorder, equity.field("cash"), int(books.row[0]), moved_first, initial)
    where = known & np.append(False, np.append(equity.full("cash"), False)[books.row][:-1])
    where &= ~np.append(books.skip_cash, False)[books.row]
    places = recorder.disagreements(Check.CASH, "equity.cash", cash, expected, where)
    places = _not_by_record(recorder, fills, places, cash, paid)
    by_bar = _ByBar(fills, moved[0], np.argsort(fills.bar, kind="stable"), books.row)
    _report(recorder, by_bar, places, (cash, expected), broken)
    for placed in (fills, recorder.index.get("flows")):
        if placed is not None and "timestamp" in placed:
            late = (placed.bar < 0) & placed.full("timestamp")
            recorder.add_where(Check.CASH, FindingKind.CASH, placed.field("timestamp"), late)


def _report(
    recorder: Recorder, by_bar: _ByBar, places: Ints, cash: tuple[Amounts, Amounts], broken: Ints
) -> None:
    """Add a finding for each of these bars: a mistake with fills, or a flow.

    cash: on record, and what follows. broken: bars whose positions do not follow from fills.
    """
    found, expected = cash
    gaps = minus(found, expected)
    kept = without_echo(places, gaps, None, np.arange(len(found)))
    mistakes = np.union1d(broken, np.setdiff1d(places, kept) - 1)
    field = recorder.index.tables["equity"].field("cash")
    for place in kept.tolist():
        words = _mistake(by_bar, place, take(gaps, np.array([place])))
        kind = FindingKind.FLOW if words is None and place not in mistakes else FindingKind.CASH
        if recorder.is_full(kind):
            recorder.count_more(Check.CASH, kind, 1)
            continue
        row, seen = int(by_bar.row[place]), value(found, place)
        finding = recorder.row_finding(Check.CASH, kind, field, row, seen, value(expected, place))
        recorder.add(replace(finding, detail=words or ""))


def _known_bars(equity: PlacedTable, fills: PlacedTable, books: EquityByBar, full: Mask) -> Mask:
    """The bars with a cash cell whose fills have all cells. full: for each fill, whether it has all cells."""
    out = np.append(equity.full("cash"), False)[books.row]
    out[fills.bar[~full & (fills.bar >= 0)]] = False
    return np.asarray(out, np.bool_)


def _not_by_record(
    recorder: Recorder, fills: PlacedTable, places: Ints, cash: Amounts, before: Amounts
) -> Ints:
    """The places without those whose cash follows from the notionals on record or the commission in `costs`.

    There, a cell of fills is misprinted, which is a finding of `notional` or `costs`. before: cash of the bar
    before, with the flows of this one.
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
            booked = finite(only(costs.amounts("commission"), costs.full("commission") & costs.stands))
            more = minus(totals(charged, fills.bar, count), totals(booked, costs.bar, count))
            places = places[apart(cash, add(expected, more))[places]]
    return np.asarray(places, np.int64)


PAIRED = 20
"""The most fills of a bar whose quantities are tried on each other."""


@dataclass(frozen=True, slots=True, eq=False)
class _ByBar:
    """Fills by bar. moved: the change of cash by each. order: their rows, sorted by bar.

    row: the row of equity of each bar.
    """

    fills: PlacedTable
    moved: Amounts
    order: Ints
    row: Ints

    def rows(self, bar: int) -> Ints:
        """The fills of a bar."""
        low, high = np.searchsorted(self.fills.bar[self.order], [bar, bar + 1])
        return self.order[low:high]


def _mistake(by_bar: _ByBar, bar: int, gap: Amounts) -> str | None:
    """What was done wrong with the bar's fills, in words, if that gives the gap; else None.

    gap: one amount, cash on record less what follows.
    """
    rows = by_bar.rows(bar)
    if not len(rows):
        return None
    fills = by_bar.fills
    parts = [("what", take(by_bar.moved, rows))]
    if "commission" in fills:
        parts.append(("the commission of", negative(finite(take(fills.amounts("commission"), rows)))))
    for label, part in parts:
        whole = totals(part, np.zeros(len(rows), np.int64), 1)
        verb = " moved" if label == "what" else ""
        for known, names in (
            (whole, [f"{label} its fills{verb}"]),
            (part, [f"{label} fills row {row + 1:,}{verb}" for row in rows.tolist()]),
        ):
            for factor, words in ((-1, "was left out"), (1, "was booked twice"), (-2, "has the sign turned")):
                amounts = times(known, constant(factor, 0, len(known)))
                same = nonzero(known) & ~apart(amounts, take(gap, np.zeros(len(known), np.int64)))
                if bool(same.any()):
                    return f"{names[int(np.argmax(same))]} {words}"
    return _swapped(fills, rows, gap) if 1 < len(rows) <= PAIRED else None


def _swapped(fills: PlacedTable, rows: Ints, gap: Amounts) -> str | None:
    """Whether one fill was booked with the quantity of another of the bar."""
    if "price" not in fills or "quantity" not in fills:
        return None
    quantity, price = take(fills.amounts("quantity"), rows), take(fills.amounts("price"), rows)
    for other, row in enumerate(rows.tolist()):
        there = take(quantity, np.full(len(rows), other))
        change = signed(times(minus(quantity, there), price), fills.sells[rows])
        same = nonzero(change) & ~apart(change, take(gap, np.zeros(len(rows), np.int64)))
        if bool(same.any()):
            place = int(np.argmax(same))
            own, taken = fills.value("quantity", int(rows[place])), fills.value("quantity", row)
            return f"fills row {int(rows[place]) + 1:,}, {own} units, was booked as {taken}"
    return None


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
