"""Holdings as fills give them: the quantity of each symbol after each time at which it was traded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import (
    NOISE,
    UNIT,
    Amounts,
    Ints,
    add,
    minus,
    only,
    running,
    signed,
    take,
    totals,
)
from reconcile.auditing.model import Check, Why
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import finite


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """One entry per symbol and time with fills, sorted by symbol, then time.

    row: the last fill of the entry, in order of execution. before, held: the quantity before and after the
    fills of the entry, with what was held before the first fill of the symbol.
    """

    symbol: Ints
    bar: Ints
    time: Ints
    row: Ints
    held: Amounts
    before: Amounts


def holdings(recorder: Recorder, check: Check) -> Holdings | None:
    """The holdings; None, recorded as not made, if fills lack a column or a usable cell."""
    fills = recorder.need(check, "fills", "timestamp", "symbol", "side", "quantity")
    if fills is None:
        return None
    full = fills.full("timestamp", "symbol", "side", "quantity")
    if not bool(full.all()):
        recorder.not_made(check, "fills.quantity", Why.LACKING)
        return None
    rows = recorder.index.sequence
    rows = rows[np.lexsort((fills.time[rows], fills.symbol[rows]))]
    lots = take(finite(signed(fills.amounts("quantity"), fills.sells)), rows)
    symbol, time = fills.symbol[rows], fills.time[rows]
    last = np.append((symbol[1:] != symbol[:-1]) | (time[1:] != time[:-1]), True)[: len(rows)]
    entry = np.cumsum(np.append(0, last[:-1]))[: len(rows)].astype(np.int64)
    rows, symbol, time = rows[last], symbol[last], time[last]
    moved = totals(lots, entry, len(rows))
    held = _by_symbol(moved, symbol)
    opening = _held_at_start(recorder, fills.bar[rows], symbol, moved)
    if opening is not None:
        held = add(held, opening)
    return Holdings(symbol, fills.bar[rows], time, rows, held, minus(held, moved))


def _by_symbol(moved: Amounts, symbol: Ints) -> Amounts:
    """Running sums that start again at 0 with each symbol."""
    if not len(symbol):
        return moved
    sums = running(moved)
    starts = np.flatnonzero(np.append(True, symbol[1:] != symbol[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(symbol)), "right") - 1]
    return minus(sums, take(sums, start_of - 1))


def _held_at_start(recorder: Recorder, bar: Ints, symbol: Ints, moved: Amounts) -> Amounts | None:
    """For each entry, the quantity held before the first fill of its symbol; None without positions.

    This is the position at the bar before. At the first bar of the ledger, it is the position less the fills.
    """
    positions = recorder.index.get("positions")
    needed = {"timestamp", "symbol", "quantity"}
    if positions is None or not len(symbol) or not needed <= set(positions.table.columns):
        return None
    count = len(recorder.index.bars)
    usable = np.flatnonzero(positions.stands & (positions.bar >= 0) & (positions.symbol >= 0))
    keys = positions.symbol[usable] * count + positions.bar[usable]
    order = np.argsort(keys, kind="stable")
    keys, usable = keys[order], usable[order]
    if not len(keys):
        return None
    starts = np.flatnonzero(np.append(True, symbol[1:] != symbol[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(symbol)), "right") - 1]
    first = bar[start_of]
    wanted = symbol * count + np.maximum(first - 1, 0)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    quantity = finite(only(positions.amounts("quantity"), positions.full("quantity")))
    held = take(quantity, np.where(keys[at] == wanted, usable[at], -1))
    group = np.searchsorted(starts, np.arange(len(symbol)), "right") - 1
    at_once = totals(only(moved, bar == 0), group, len(starts))
    return minus(held, only(take(at_once, group), first == 0))


def sign_of(a: Amounts) -> Ints:
    """The sign of each amount, 0 if it differs from zero by float noise at most."""
    if a.slop is None:
        return np.asarray(np.sign(a.values), np.int64)
    zero = ~(np.abs(a.values) > NOISE * a.slop / UNIT)  # NaN is a finding of its own
    return np.where(zero, 0, np.sign(a.values)).astype(np.int64)
