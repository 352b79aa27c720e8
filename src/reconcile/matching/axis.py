"""The time axis.

Bars, cycles of decision, execution and booking, rebalance periods; quick lookups in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconcile.matching.cells import Array, Rows
from reconcile.matching.stages import COMPARED_TIME
from vocabulary.ledger import Ledger, Table
from vocabulary.scenario import Timing

Ints = npt.NDArray[np.int64]
EMPTY: Ints = np.zeros(0, np.int64)
DECISIONS = ("targets", "orders")


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The bars that two ledgers share.

    bars: every timestamp of both ledgers, ascending, ns since 1970 UTC.
    lag: cycles between a bar and the cycle of its decisions: 1 where orders execute at the next bar, else 0.
    timed: whether the lag is known; where it is not, it is 0.
    starts: places in `bars` where either side decided a rebalance; every bar where neither ledger says.
    are_bars: whether neither ledger says.
    stamps: the distinct timestamps by side (0, 1), table and column.
    """

    bars: Ints
    lag: int
    timed: bool
    starts: Ints
    are_bars: bool
    stamps: Mapping[tuple[int, str, str], Ints]

    def of(self, table: str) -> Ints:
        """The timestamps at which either side's table has rows, ascending."""
        return np.union1d(*(self.stamps.get((side, table, COMPARED_TIME[table]), EMPTY) for side in (0, 1)))


def make_axis(reference: Ledger, candidate: Ledger, timing: Timing | None) -> Axis:
    """The time axis of two ledgers; it does not depend on which one is the reference."""
    found = {
        (side, name, column): stamps(table, column)
        for side, ledger in enumerate((reference, candidate))
        for name, table in ledger.tables.items()
        for column in ("timestamp", "decided_at", "executes_at")
    }
    bars = np.unique(np.concatenate([EMPTY, *found.values()]))
    known = _lag(reference, candidate, timing)
    lag, timed = known or 0, known is not None
    told = [_rebalances(ledger) for ledger in (reference, candidate)]
    if all(times is None for times in told):
        return Axis(bars, lag, timed, np.arange(len(bars)), True, found)
    union = np.union1d(*(EMPTY if times is None else times for times in told))
    return Axis(bars, lag, timed, np.searchsorted(bars, union), False, found)


def stamps(table: Table, name: str) -> Ints:
    """The distinct timestamps of a column, ascending; none where there is no such column."""
    column = table.columns.get(name)
    if column is None:
        return EMPTY
    values = column.values if column.missing is None else column.values[~column.missing]
    return distinct_values(values)


def _lag(reference: Ledger, candidate: Ledger, timing: Timing | None) -> int | None:
    """The lag by the scenario, else by the manifests, else by the ledgers' rows, else None."""
    if timing is not None:
        return int(timing is not Timing.SAME_CLOSE)
    told = {ledger.manifest.timing for ledger in (reference, candidate)} - {None}
    if told:
        return int(told != {Timing.SAME_CLOSE.value})
    shown = [late for late in (_executes_later(reference), _executes_later(candidate)) if late is not None]
    return int(any(shown)) if shown else None


def _executes_later(ledger: Ledger) -> bool | None:
    """Whether an order executes after the bar that decided it; None where no row says."""
    seen = None
    for name, later in (("fills", "timestamp"), ("orders", "executes_at")):
        table = ledger.tables.get(name)
        if table is not None and table.rows and "decided_at" in table.columns and later in table.columns:
            decided, done = table.columns["decided_at"], table.columns[later]
            known = np.ones(table.rows, np.bool_)
            for column in (decided, done):
                if column.missing is not None:
                    known &= ~column.missing
            seen = bool(seen) or bool(np.any(done.values[known] > decided.values[known]))
    return seen


def _rebalances(ledger: Ledger) -> Ints | None:
    """Timestamps at which a ledger decided a rebalance; None where it has no column that says."""
    for name, time in (("equity", "timestamp"), ("targets", "decided_at"), ("orders", "decided_at")):
        table = ledger.tables.get(name)
        if table is not None and "rebalance" in table.columns and time in table.columns:
            column, at = table.columns["rebalance"], table.columns[time]
            empty = np.zeros(table.rows, np.bool_)
            for part in (column, at):
                if part.missing is not None:
                    empty |= part.missing
            return distinct_values(at.values[~empty])
    return None


def cycles(axis: Axis, table: str, field: str, times: Ints) -> Ints:
    """The cycle of rows stamped `times`: a decision belongs to the cycle that executes it."""
    late = table in DECISIONS or (table == "equity" and field == "rebalance")
    return codes_in(times, axis.bars) + (axis.lag if late else 0)


def periods(axis: Axis, decision_bars: Ints) -> Ints:
    """The period of each decision bar: that of the last rebalance up to it, -1 before the first."""
    if len(decision_bars) < 1024:
        return np.searchsorted(axis.starts, decision_bars, "right").astype(np.int64) - 1
    # Decision bars are small integers, so each distinct one is looked up once.
    low, high = int(decision_bars.min()), int(decision_bars.max())
    table = np.searchsorted(axis.starts, np.arange(low, high + 1), "right").astype(np.int64) - 1
    return table[decision_bars - low]


SPARE = 16
"""A lookup table may have this many times more places than there are rows or bars."""


def distinct_values(values: Array) -> Array:
    """The distinct values, ascending; fast where `values` is sorted, as ledgers usually are."""
    if len(values) < 2:
        return values[:]
    first = np.flatnonzero(values[1:] != values[:-1]) + 1
    firsts = values[np.concatenate([[0], first])]
    if bool(np.all(firsts[1:] > firsts[:-1])):
        return np.asarray(firsts)
    return _few_distinct(firsts) if len(firsts) > 1 << 16 and firsts.dtype == np.int64 else np.unique(firsts)


def _few_distinct(values: Array) -> Array:
    """Distinct values without sorting, where few values repeat on a regular step, as bars do."""
    low, high = values.min(), values.max()
    step = np.gcd.reduce(values[:4096] - low)
    if step == 0 or int(high - low) // int(step) > len(values):
        return np.unique(values)
    places = (values - low) // step
    seen = np.zeros(int((high - low) // step) + 1, np.bool_)
    seen[places] = True
    if bool(np.any(places * step + low != values)):
        return np.unique(values)
    return np.asarray(low + np.flatnonzero(seen) * step)


def codes_in(values: Array, bars: Array) -> Rows:
    """The place of each value in `bars` (ascending, distinct).

    Of a value not among them, that of the next.
    """
    if len(values) < 1024 or not len(bars) or values.dtype == object:
        return np.searchsorted(bars, values).astype(np.int64)
    if bool(np.all(values[1:] >= values[:-1])):
        return _of_sorted(values, bars)
    direct = _direct(bars) if values.dtype.kind == bars.dtype.kind == "i" else None
    if direct is not None:
        base, step, table = direct
        places = values - base
        inside = bool(places.min() >= 0) and bool(places.max() <= (len(table) - 1) * step)
        if inside:
            return np.asarray(table[-(-places // step)])
    return np.searchsorted(bars, values).astype(np.int64)


def _of_sorted(values: Array, bars: Array) -> Rows:
    """The same for ascending values: the bars are searched in the values, which is faster."""
    ends = np.searchsorted(values, bars, "right")
    counts = np.diff(ends, prepend=0)
    out = np.repeat(np.arange(len(bars)), counts)
    return np.concatenate([out, np.full(len(values) - len(out), len(bars))]).astype(np.int64)


def _direct(bars: Array) -> tuple[np.int64, np.int64, npt.NDArray[np.int64]] | None:
    """(first bar, step, place of each step) where the bars lie on a regular step.

    None where it is too fine.
    """
    if len(bars) < 2:
        return None
    step = np.gcd.reduce(np.diff(bars))
    span = int((bars[-1] - bars[0]) // step) + 1
    if span > max(SPARE * len(bars), 1 << 20):
        return None
    return bars[0], step, np.searchsorted(bars, bars[0] + np.arange(span) * step).astype(np.int64)


def count_below(sorted_values: Array, values: Array) -> Rows:
    """For each value the number of `sorted_values` below it."""
    if len(values) < 1024 or not len(sorted_values) or values.dtype.kind != "i":
        return np.searchsorted(sorted_values, values).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if high - low > SPARE * len(values):
        return np.searchsorted(sorted_values, values).astype(np.int64)
    table = np.searchsorted(sorted_values, np.arange(low, high + 1)).astype(np.int64)
    return np.asarray(table[values - low])
