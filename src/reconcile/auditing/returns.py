"""Returns, where a ledger from elsewhere reports them: equity over the equity before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reconcile.auditing.amounts import SAFETY, UNIT, Amounts, add, as_doubles, take, value
from reconcile.auditing.frozen import Books
from reconcile.auditing.model import Check, Finding, FindingKind, RowName, Why
from reconcile.auditing.sink import Sink, difference
from reconcile.auditing.sums import value_of_bars
from reconcile.matching.model import BoundKind

if TYPE_CHECKING:
    from reconcile.mapping.apply import Returns


def check_returns(sink: Sink, books: Books, returns: Returns | None, initial: Amounts | None) -> None:
    """return[t] = equity[t] / equity[t-1] - 1; before the first bar of the ledger nothing was earned."""
    if returns is None:
        return
    equity = sink.need(Check.RETURNS, "equity", "timestamp")
    if equity is None:
        return
    worth = _worth(sink)
    if worth is None:
        sink.cannot(Check.RETURNS, "equity.equity", Why.NO_COLUMN)
        return
    own = as_doubles(take(_bounded(sink, worth), books.row))
    opening = as_doubles(initial) if initial is not None else Amounts(np.full(1, np.nan), None, np.zeros(1))
    if initial is None:
        sink.cannot(Check.RETURNS, "initial cash", Why.NO_OPENING)
    assert own.slop is not None and opening.slop is not None
    before = np.concatenate([opening.values, own.values[:-1]]), np.concatenate([opening.slop, own.slop[:-1]])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = own.values / before[0]
        slop = (own.slop + np.abs(ratio) * before[1]) / np.abs(before[0]) + 4 * UNIT * (1 + np.abs(ratio))
    _hold(sink, returns, Amounts(ratio - 1, None, slop))


def _worth(sink: Sink) -> Amounts | None:
    """Equity of each row: its column, else cash + positions."""
    equity = sink.ground.tables["equity"]
    if "equity" in equity:
        return equity.amounts("equity")
    worth = value_of_bars(sink, equity)
    if worth is None or "cash" not in equity:
        return None
    sink.notes.append("equity has no column of its own: returns were held against cash + positions.")
    return add(equity.amounts("cash"), worth)


def _bounded(sink: Sink, worth: Amounts) -> Amounts:
    """The same, as far off as the tolerances of what it is made of say it may be."""
    bounds = [
        sink.tolerances.get(name) for name in ("equity.cash", "equity.equity", "positions.market_value")
    ]
    out = as_doubles(worth)
    assert out.slop is not None
    slop = out.slop
    for tolerance in bounds:
        if tolerance is not None:
            relative = tolerance.kind is BoundKind.RELATIVE
            slop = slop + float(tolerance.bound) * (np.abs(out.values) if relative else 1.0) / SAFETY
    return Amounts(out.values, None, slop)


def _hold(sink: Sink, returns: Returns, expected: Amounts) -> None:
    """Each reported return against the bar of its timestamp."""
    bars = sink.ground.bars
    full = np.isfinite(returns.values)
    found = Amounts(returns.values, None, UNIT * np.abs(returns.values))
    at = np.minimum(np.searchsorted(bars, returns.timestamps), max(len(bars) - 1, 0))
    hit = bars[at] == returns.timestamps if len(bars) else np.zeros(len(at), np.bool_)
    early = returns.timestamps < bars[0] if len(bars) else ~hit
    wanted = take(expected, np.where(hit, at, -1))
    known = np.isfinite(wanted.values)
    where = full & (hit | early) & known
    places = sink.disagree(Check.RETURNS, "returns.return", found, wanted, where)
    odd = np.flatnonzero(~(hit | early) | ~full)
    for place in np.union1d(places, odd).tolist():
        if sink.full(FindingKind.RETURN):
            sink.count_only(Check.RETURNS, FindingKind.RETURN, 1)
            continue
        time = int(returns.timestamps[place])
        seen = value(found, place) if full[place] else None
        right = value(wanted, place) if hit[place] or early[place] else None
        name = RowName("returns", (time,), place)
        gap = difference(seen, right)
        kind = FindingKind.RETURN
        sink.add(Finding(Check.RETURNS, kind, "returns.return", (name,), time, None, seen, right, gap))
    lacking = np.setdiff1d(bars, returns.timestamps)
    if len(lacking):
        sink.notes.append(f"{len(lacking):,} bars of the ledger have no reported return.")
