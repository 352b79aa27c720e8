"""The scale of prices and marks: it finds splits, pence, adjusted prices, and a digit too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import Floats, Ints, Mask, as_doubles
from reconcile.auditing.ledger_index import PlacedTable
from reconcile.auditing.model import Check, Finding, FindingKind, Why
from reconcile.auditing.recorder import Recorder

SPLIT = 1.3
"""The smallest ratio of a price to those around it that is noted."""
FAR = 2.0
"""The smallest ratio of a single price to those around it that is a finding."""
NEAR_BARS, NEAR_TIME = 2, 30 * 86_400 * 10**9
"""The largest distance of neighbours, in bars and in nanoseconds."""
ALIKE = 1.15
"""Ratios that differ from their median by at most this factor count as one ratio."""
TICKS, SAMPLED = 10, 1000
"""Prices this many units apart are near; the largest number of prices that the unit is read from."""
UNIT_JUMP = 0.02
"""A ratio is 100 or 1,000 if its logarithm to base 10 differs from 2 or 3 by at most this (5 %)."""
FEW = 3
"""The smallest number of prices with one ratio, of at least SPLIT, that is a finding."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The usable prices of one table, sorted by symbol, then time. row: of the table; price: currency."""

    placed: PlacedTable
    column: str
    row: Ints
    symbol: Ints
    bar: Ints
    time: Ints
    price: Floats


def check_scales(recorder: Recorder) -> None:
    """Each price and mark is near the prices of its symbol around it.

    If several prices of a symbol have one ratio, they are one finding. A single price is a finding if its
    ratio is FAR or more, and a note if it is SPLIT or more.
    """
    fills, marks = _series(recorder, "fills", "price"), _series(recorder, "positions", "mark")
    if fills is None and marks is None:
        recorder.not_made(Check.SCALES, "fills.price, positions.mark", Why.NO_COLUMN)
        return
    odd = 0
    for series, others in ((fills, marks), (marks, marks), (fills, fills)):
        if series is None or others is None or (series is fills and others is fills and marks is not None):
            continue
        low, high, known = _around(series, others)
        recorder.made(Check.SCALES, int(known.sum()))
        ratio = np.ones(len(series.row))
        least = TICKS * _step(series)  # a few ticks apart are near, however small the price is
        ratio = np.where(known & (series.price > high + least), series.price / high, ratio)
        ratio = np.where(known & (series.price < low - least), series.price / low, ratio)
        what = "the marks around it" if others is marks and series is fills else "its neighbours"
        odd += _report(recorder, series, ratio, what)
    _report_jumps(recorder, fills if marks is None else marks)
    if odd:
        recorder.notes.append(
            f"prices {SPLIT} to {FAR:.0f} times those around them: {odd:,}; a jump, or another scale."
        )


def _series(recorder: Recorder, table: str, column: str) -> Series | None:
    placed = recorder.index.get(table)
    if placed is None or not {"timestamp", "symbol", column} <= set(placed.table.columns):
        return None
    prices = as_doubles(placed.amounts(column)).values
    usable = placed.full("timestamp", "symbol", column) & (placed.bar >= 0) & (placed.symbol >= 0)
    rows = np.flatnonzero(usable & np.asarray(prices > 0, np.bool_))
    rows = rows[np.lexsort((placed.time[rows], placed.symbol[rows]))]
    return Series(
        placed, column, rows, placed.symbol[rows], placed.bar[rows], placed.time[rows], prices[rows]
    )


def _around(series: Series, others: Series) -> tuple[Floats, Floats, Mask]:
    """(lowest price around each, highest price around each, whether both are known).

    They are known if the prices around agree within SPLIT. In a series by itself, a price needs at least FEW
    neighbours, and some on both sides.
    """
    own = series is others
    places = np.arange(len(series.row))
    at = places if own else np.searchsorted(_order(others), _order(series))
    low, high = np.full(len(places), np.inf), np.full(len(places), -np.inf)
    count, sides = np.zeros(len(places), np.int64), np.zeros((2, len(places)), np.bool_)
    offsets = (-2, -1, 1, 2) if own else (-2, -1, 0, 1, 2)
    for offset in offsets:
        other = at + offset
        inside = (other >= 0) & (other < len(others.row))
        place = np.where(inside, other, 0)
        near = inside & (len(others.row) > 0)
        if not bool(near.any()):
            continue
        near &= others.symbol[place] == series.symbol
        near &= np.abs(others.bar[place] - series.bar) <= NEAR_BARS
        near &= np.abs(others.time[place] - series.time) <= NEAR_TIME
        price = others.price[place]
        low, high = np.where(near, np.minimum(low, price), low), np.where(near, np.maximum(high, price), high)
        count += near
        sides[int(offset > 0)] |= near
    alike = (count >= 1) & (high <= low * SPLIT)
    return low, high, alike & (sides.all(axis=0) & (count >= FEW) if own else True)


def _step(series: Series) -> float:
    """The unit of the prices, a power of ten from 1 to 10**-8."""
    prices = series.price[:: max(1, len(series.price) // SAMPLED)]
    for decimals in range(8):
        scaled = prices * 10.0**decimals
        if bool((np.abs(scaled - np.round(scaled)) <= 1e-6).all()):
            return float(10.0**-decimals)
    return 1e-8


def _order(series: Series) -> Ints:
    """One key per row, ascending by symbol, then bar."""
    width = int(series.bar.max()) + 1 if len(series.bar) else 1
    return series.symbol * max(width, 1 << 32) + series.bar


def _report(recorder: Recorder, series: Series, ratio: Floats, what: str) -> int:
    """Add the findings of one series. Returns the number of single prices with a ratio from SPLIT to FAR."""
    off = np.flatnonzero((ratio >= SPLIT) | (ratio <= 1 / SPLIT))
    done = np.zeros(len(ratio), np.bool_)
    for symbol in np.unique(series.symbol[off]).tolist():
        own = off[series.symbol[off] == symbol]
        median = float(np.median(ratio[own]))
        if len(own) >= FEW and bool((np.abs(np.log(ratio[own] / median)) <= np.log(ALIKE)).all()):
            done[own] = True
            detail = f"{len(own):,} of its {int((series.symbol == symbol).sum()):,} prices are"
            recorder.add(_finding(recorder, series, own, f"{detail} about {median:.4g} times {what}"))
    rest = off[~done[off]]
    far = rest[(ratio[rest] >= FAR) | (ratio[rest] <= 1 / FAR)]
    for place in far.tolist():
        if recorder.is_full(FindingKind.SCALE):
            recorder.count_more(Check.SCALES, FindingKind.SCALE, 1)
            continue
        detail = f"about {ratio[place]:.4g} times {what}"
        recorder.add(_finding(recorder, series, np.array([place]), detail))
    return len(rest) - len(far)


def _report_jumps(recorder: Recorder, series: Series | None) -> None:
    """From one bar to the next, no price grows or shrinks 100 or 1,000 times, as a change of unit does."""
    if series is None or len(series.row) < 2:
        return
    power = np.abs(np.log10(series.price[1:] / series.price[:-1]))
    jump = (np.abs(power - 2) <= UNIT_JUMP) | (np.abs(power - 3) <= UNIT_JUMP)
    jump &= (series.symbol[1:] == series.symbol[:-1]) & (np.diff(series.bar) <= NEAR_BARS)
    told = {row.row for one in recorder.findings if one.check is Check.SCALES for row in one.rows}
    for place in (np.flatnonzero(jump) + 1).tolist():
        if int(series.row[place]) in told or int(series.row[place - 1]) in told:
            continue
        ratio = series.price[place] / series.price[place - 1]
        detail = f"{ratio:.4g} times the price before it"
        recorder.add(_finding(recorder, series, np.array([place]), detail))


def _finding(recorder: Recorder, series: Series, places: Ints, detail: str) -> Finding:
    """A finding about these places in the series, of which it names the first four rows."""
    first, last = int(places[0]), int(places[-1])
    return Finding(
        Check.SCALES,
        FindingKind.SCALE,
        f"{series.placed.name}.{series.column}",
        tuple(recorder.row_name(series.placed, int(series.row[place])) for place in places[:4]),
        int(series.time[first]),
        recorder.index.symbols[int(series.symbol[first])],
        series.placed.value(series.column, int(series.row[first])),
        None,
        until=int(series.time[last]),
        bars=len(places),
        detail=detail,
    )
