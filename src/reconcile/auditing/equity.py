"""The equity table by bar: books that do not move with the account, and reported returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reconcile.auditing.amounts import (
    SAFETY,
    UNIT,
    Amounts,
    Floats,
    Ints,
    Mask,
    add,
    as_doubles,
    minus,
    nonzero,
    take,
    totals,
    value,
)
from reconcile.auditing.ledger_index import Field
from reconcile.auditing.model import Check, Finding, FindingKind, RowName, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import cash_beside_fills, cash_of_fills, value_of_bars
from reconcile.ledger.figures import difference
from reconcile.matching.model import BoundKind

if TYPE_CHECKING:
    from reconcile.mapping.apply import Returns


ENOUGH, CLOSE = 3, 1e-7
"""So many returns that are all this near to another formula count as following it."""


@dataclass(frozen=True, slots=True, eq=False)
class EquityByBar:
    """The rows of `equity` by bar.

    row: one entry per bar, -1 if the bar has no row. skip: for each row of `equity`, whether some number in
    it is frozen while the account moves. skip_cash: whether cash is.
    """

    row: Ints
    skip: Mask
    skip_cash: Mask


def equity_by_bar(recorder: Recorder) -> EquityByBar:
    """The row of each bar, with no row frozen."""
    equity = recorder.index.get("equity")
    count = len(recorder.index.bars)
    row = np.full(count, -1, np.int64)
    if equity is None:
        return EquityByBar(row, np.zeros(0, np.bool_), np.zeros(0, np.bool_))
    rows = np.flatnonzero(equity.stands & (equity.bar >= 0))
    row[equity.bar[rows]] = rows
    none = np.zeros(equity.table.rows, np.bool_)
    return EquityByBar(row, none, none.copy())


def cash_moved_by_bar(recorder: Recorder) -> Amounts | None:
    """The change of cash by the fills and flows of each bar, None if fills do not give it."""
    fills = recorder.index.get("fills")
    moved = (
        None
        if fills is None or not {"timestamp", "side"} <= set(fills.table.columns)
        else cash_of_fills(fills)
    )
    if fills is None or moved is None:
        return None
    flows = cash_beside_fills(recorder)
    by_bar = totals(moved[0], fills.bar, len(recorder.index.bars))
    return by_bar if flows is None else add(by_bar, flows)


def check_frozen(recorder: Recorder, books: EquityByBar) -> EquityByBar:
    """Reported equity and cash change over any two or more bars on which the account moved.

    Returns the same books with their frozen rows.
    """
    equity, flows = recorder.need(Check.FROZEN, "equity", "timestamp"), cash_moved_by_bar(recorder)
    if equity is None or not len(recorder.index.bars):
        return books
    if flows is None:
        # Without fills, a purchase cannot be told from a rise of what is held.
        recorder.need(Check.FROZEN, "fills", "timestamp", "side", "price", "quantity")
        return books
    worth = value_of_bars(recorder, equity)
    skip, skip_cash = books.skip.copy(), books.skip_cash.copy()
    names = [name for name in ("equity", "cash") if name in equity]
    if not names:
        recorder.not_made(Check.FROZEN, "equity.equity, equity.cash", Why.NO_COLUMN)
    for name in names:
        if name == "equity" and worth is None:
            recorder.not_made(Check.FROZEN, "positions", Why.NO_TABLE)
            continue
        moved = _moved(books, worth if name == "equity" else None, flows)
        if moved is None:
            continue
        found = take(equity.amounts(name), books.row)
        full = np.append(equity.full(name), False)[books.row]
        still = np.zeros(len(found), np.bool_)
        still[1:] = ~apart_exactly(found) & full[1:] & full[:-1]
        recorder.made(Check.FROZEN, int(full.sum()))
        for start, stop in still_stretches(still, moved):
            rows = books.row[start:stop]
            rows = rows[rows >= 0]
            known = bool(skip[rows].any())
            skip[rows] = True
            if name == "cash":
                skip_cash[rows] = True
            if name == "cash" and known:
                continue  # the same second book, reported once
            bars = int((moved & still)[start:stop].sum())
            recorder.add(_frozen_finding(recorder, equity.field(name), books.row[start:stop], start, bars))
    return replace(books, skip=skip, skip_cash=skip_cash)


def apart_exactly(found: Amounts) -> Mask:
    """Whether each amount differs from the one before; a frozen number is the same to the last bit."""
    return np.asarray(found.values[1:] != found.values[:-1], np.bool_)


def _moved(books: EquityByBar, worth: Amounts | None, flows: Amounts | None) -> Mask | None:
    """The bars on which fills and positions changed equity; if worth is None, those on which cash changed."""
    if worth is None:
        return None if flows is None else nonzero(flows)
    by_bar = take(worth, books.row)
    change = minus(by_bar, take(by_bar, np.arange(len(books.row)) - 1))
    return nonzero(change if flows is None else add(change, flows))


def still_stretches(still: Mask, moved: Mask) -> list[tuple[int, int]]:
    """[start, stop) of each run of still bars with at least two on which the account moved."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.view(np.int8), [0]])))
    found = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    count = np.concatenate([[0], np.cumsum(still & moved)])
    return [(start, stop) for start, stop in found if count[stop] - count[start] >= 2]


def _frozen_finding(recorder: Recorder, field: Field, rows: Ints, start: int, bars: int) -> Finding:
    """rows: of equity, one per bar from `start` on. bars: on how many of them the account moved."""
    equity, first, last = field.placed, int(rows[0]), int(rows[-1])
    time = recorder.index.bars
    return Finding(
        Check.FROZEN,
        FindingKind.FROZEN,
        field.path,
        (recorder.row_name(equity, first), recorder.row_name(equity, last)),
        int(time[start]),
        None,
        equity.value(field.column, first),
        None,
        until=int(time[start + len(rows) - 1]),
        bars=bars,
    )


def check_returns(
    recorder: Recorder, books: EquityByBar, returns: Returns | None, initial: Amounts | None
) -> None:
    """return[t] = equity[t] / equity[t-1] - 1. Returns before the first bar of the ledger are 0."""
    if returns is None:
        return
    equity = recorder.need(Check.RETURNS, "equity", "timestamp")
    if equity is None:
        return
    worth = _worth(recorder)
    if worth is None:
        recorder.not_made(Check.RETURNS, "equity.equity", Why.NO_COLUMN)
        return
    own = as_doubles(take(_bounded(recorder, worth), books.row))
    opening = as_doubles(initial) if initial is not None else Amounts(np.full(1, np.nan), None, np.zeros(1))
    if initial is None:
        recorder.not_made(Check.RETURNS, "initial cash", Why.NO_OPENING)
    assert own.slop is not None and opening.slop is not None
    before = np.concatenate([opening.values, own.values[:-1]]), np.concatenate([opening.slop, own.slop[:-1]])
    ratio = own.values / before[0]
    slop = (own.slop + np.abs(ratio) * before[1]) / np.abs(before[0]) + 4 * UNIT * (1 + np.abs(ratio))
    _hold(recorder, returns, Amounts(ratio - 1, None, slop, own.coarse), np.append(before[0][:1], own.values))


def _worth(recorder: Recorder) -> Amounts | None:
    """The equity of each row: its column, else cash + market value of the positions."""
    equity = recorder.index.tables["equity"]
    if "equity" in equity:
        return equity.amounts("equity")
    worth = value_of_bars(recorder, equity)
    if worth is None or "cash" not in equity:
        return None
    recorder.notes.append("equity has no column of its own: returns were held against cash + positions.")
    return add(equity.amounts("cash"), worth)


def _bounded(recorder: Recorder, worth: Amounts) -> Amounts:
    """The same, with the tolerances of its parts as rounding error."""
    bounds = [
        recorder.tolerances.get(name) for name in ("equity.cash", "equity.equity", "positions.market_value")
    ]
    out = as_doubles(worth)
    assert out.slop is not None
    slop = out.slop
    for tolerance in bounds:
        if tolerance is not None:
            relative = tolerance.kind is BoundKind.RELATIVE
            slop = slop + float(tolerance.bound) * (np.abs(out.values) if relative else 1.0) / SAFETY
    return Amounts(out.values, None, slop, slop is not out.slop)


def _hold(recorder: Recorder, returns: Returns, expected: Amounts, worth: Floats) -> None:
    """Each reported return agrees with that of the bar with its timestamp.

    worth: the initial cash, or NaN, and the equity of each bar.
    """
    bars = recorder.index.bars
    full = np.isfinite(returns.values)
    found = Amounts(returns.values, None, UNIT * np.abs(returns.values))
    at = np.minimum(np.searchsorted(bars, returns.timestamps), max(len(bars) - 1, 0))
    hit = bars[at] == returns.timestamps if len(bars) else np.zeros(len(at), np.bool_)
    early = returns.timestamps < bars[0] if len(bars) else ~hit
    wanted = take(expected, np.where(hit, at, -1))
    known = np.isfinite(wanted.values)
    where = full & (hit | early) & known
    places = recorder.disagreements(Check.RETURNS, "returns.return", found, wanted, where)
    odd = np.flatnonzero(~(hit | early) | ~full)
    used = where & hit
    detail = _other_returns(worth, at[used], returns.values[used]) if len(places) else ""
    for place in np.union1d(places, odd).tolist():
        if recorder.is_full(FindingKind.RETURN):
            recorder.count_more(Check.RETURNS, FindingKind.RETURN, 1)
            continue
        time = int(returns.timestamps[place])
        seen = value(found, place) if full[place] else None
        right = value(wanted, place) if hit[place] or early[place] else None
        name = RowName("returns", (time,), place)
        gap = difference(seen, right)
        kind = FindingKind.RETURN
        finding = Finding(Check.RETURNS, kind, "returns.return", (name,), time, None, seen, right, gap)
        recorder.add(replace(finding, detail=detail))
        detail = ""
    lacking = np.setdiff1d(bars, returns.timestamps)
    if len(lacking):
        recorder.notes.append(f"{len(lacking):,} bars of the ledger have no reported return.")


def _other_returns(worth: Floats, bars: Ints, found: Floats) -> str:
    """What the reported returns are instead, in words, if all of them are; else what they compound to.

    worth: the initial cash, or NaN, and the equity of each bar. bars: of each return.
    """
    after, before = worth[bars + 1], worth[bars]
    first = worth[0] if np.isfinite(worth[0]) else worth[1]
    following = np.append(worth, np.nan)[bars + 2]
    others = {
        f"the change over the initial {first:,.10g}: not compounded": (after - before) / first,
        "logarithms of the change": np.log(after / before),
        "in percent": 100 * (after / before - 1),
        "those of the next bar": following / after - 1,
        "those of the bar before": before / np.append(np.nan, worth)[bars] - 1,
    }
    plain = np.abs(found - (after / before - 1))
    if not len(bars) or not float(np.nanmax(plain)) > 10 * CLOSE:
        return ""  # rounded when they were published: on so small a gap, other formulas fit as well
    led, equity = float(np.prod(1 + found)) - 1, float(after[-1] / before[0]) - 1
    for words, other in others.items():
        known = np.isfinite(other)
        if int(known.sum()) >= ENOUGH and bool((np.abs(found - other)[known] <= CLOSE).all()):
            return f"all {int(known.sum()):,} are {words}"
    shown = f"{led:+.4%}", f"{equity:+.4%}"
    return f"compounded they give {shown[0]}, equity {shown[1]}" if shown[0] != shown[1] else ""
