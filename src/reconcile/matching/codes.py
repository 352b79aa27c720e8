"""Timestamps as numbers of bars, quickly: for tables of many millions of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reconcile.matching.cells import Array, Rows

SPARE = 16
"""How many times more places than rows (or bars) a table looked up directly may have."""


def distinct_values(values: Array) -> Array:
    """The distinct values, ascending; quick where they come sorted, as in a ledger they do."""
    if len(values) < 2:
        return values[:]
    first = np.flatnonzero(values[1:] != values[:-1]) + 1
    firsts = values[np.concatenate([[0], first])]
    if bool(np.all(firsts[1:] > firsts[:-1])):
        return np.asarray(firsts)
    return _few_distinct(firsts) if len(firsts) > 1 << 16 and firsts.dtype == np.int64 else np.unique(firsts)


def _few_distinct(values: Array) -> Array:
    """Distinct values that are few among many and a step apart, as bars are: counted, not sorted."""
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
    """For each value its place in `bars` (ascending, distinct); where it is none of them, the place of the
    next one, as `searchsorted` says."""
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
    """Where values ascend, bars are looked up among them, not the other way round."""
    ends = np.searchsorted(values, bars, "right")
    counts = np.diff(ends, prepend=0)
    out = np.repeat(np.arange(len(bars)), counts)
    return np.concatenate([out, np.full(len(values) - len(out), len(bars))]).astype(np.int64)


def _direct(bars: Array) -> tuple[np.int64, np.int64, npt.NDArray[np.int64]] | None:
    """(first bar, step, place of each step) where bars are multiples of some step that is not too fine."""
    if len(bars) < 2:
        return None
    step = np.gcd.reduce(np.diff(bars))
    span = int((bars[-1] - bars[0]) // step) + 1
    if span > max(SPARE * len(bars), 1 << 20):
        return None
    return bars[0], step, np.searchsorted(bars, bars[0] + np.arange(span) * step).astype(np.int64)


def count_below(sorted_values: Array, values: Array) -> Rows:
    """For each value how many of `sorted_values` are below it."""
    if len(values) < 1024 or not len(sorted_values) or values.dtype.kind != "i":
        return np.searchsorted(sorted_values, values).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if high - low > SPARE * len(values):
        return np.searchsorted(sorted_values, values).astype(np.int64)
    table = np.searchsorted(sorted_values, np.arange(low, high + 1)).astype(np.int64)
    return np.asarray(table[values - low])
