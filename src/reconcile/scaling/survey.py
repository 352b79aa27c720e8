"""One pass over the times of two data sets: the bars, how many rows each has, and windows that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reconcile.matching.axis import Axis, distinct_values
from reconcile.matching.inexact_pairs import WINDOW
from reconcile.scaling.dataset import DataSet, Ints, TableSet, times_of
from vocabulary.errors import InputError
from vocabulary.ledger import TIME_COLUMN, Manifest
from vocabulary.scenario import Timing

if TYPE_CHECKING:
    from reconcile.running.progress import Progress

OVERLAP = 4 * WINDOW
"""Bars that are read on both sides of a window: rows pair with others up to WINDOW bars away, and which of
them do may depend on others, again so many bars away."""
LEAST_MEMORY = 600_000_000
"""Bytes below which nothing is compared: the libraries alone take half of it."""
STAMPS = ("timestamp", "decided_at", "executes_at")
_REBALANCES = ("equity", "targets", "orders")
EMPTY: Ints = np.zeros(0, np.int64)
COPIES = 4
"""Copies of times that sorting out the distinct ones takes."""
PARTS = 256
"""Lists of distinct times that are made one at a time."""
Check = Callable[[float], None]


@dataclass(slots=True)
class _Side:
    """What is seen of one side. counts: by table, distinct times with their numbers of rows.

    stamps: by table and column, the distinct times of columns that do not place a row.
    """

    stamps: dict[tuple[str, str], list[Ints]] = field(default_factory=dict)
    counts: dict[str, list[tuple[Ints, Ints]]] = field(default_factory=dict)
    rebalances: dict[str, list[Ints]] = field(default_factory=dict)
    later: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """axis: without `stamps`, which each window has for itself. rows: of both sides, by bar.

    own: per side the times that its digest chain has links for. scattered: tables, per side, whose row groups
    each reach over so much time that every window would read most of them.
    """

    axis: Axis
    rows: Ints
    own: tuple[Ints, Ints]
    scattered: tuple[tuple[str, ...], tuple[str, ...]]


def survey(
    sides: tuple[DataSet, DataSet],
    timing: Timing | None,
    check: Check,
    progress: Progress | None = None,
) -> Survey:
    """Read the times of both data sets. check: called with bytes before they are taken.

    Raises InputError: a row without a time.
    """
    done = 0
    seen = (_Side(), _Side())
    for side, found in zip(sides, seen, strict=True):
        for table in side.tables.values():
            for _ in _scan(table, found, check):
                done += 1
                if progress is not None:
                    progress(done)
            found.counts[table.name] = [_merged(found.counts.get(table.name, []), check)]
    placing = [times for one in seen for counts in one.counts.values() for times, _ in counts]
    others = [_distinct(parts, check) for one in seen for parts in one.stamps.values()]
    bars = _union([*placing, *others], check)
    rows = np.zeros(len(bars), np.int64)
    for one in seen:
        for counts in one.counts.values():
            for times, number in counts:
                rows[np.searchsorted(bars, times)] += number
    lag = _lag([side.manifest for side in sides], [one.later for one in seen], timing)
    told = [_rebalances(one, check) for one in seen]
    are_bars = all(one is None for one in told)
    union = np.unique(np.concatenate([EMPTY, *(one for one in told if one is not None)]))
    starts = np.arange(len(bars)) if are_bars else np.searchsorted(bars, union)
    axis = Axis(bars, lag or 0, lag is not None, starts, are_bars, {})
    own = tuple(
        EMPTY
        if side.manifest.chain is None
        else _union([times for counts in one.counts.values() for times, _ in counts], check)
        for side, one in zip(sides, seen, strict=True)
    )
    scattered = tuple(
        tuple(name for name, table in side.tables.items() if _is_scattered(table)) for side in sides
    )
    return Survey(axis, rows, (own[0], own[1]), (scattered[0], scattered[1]))


def _scan(table: TableSet, found: _Side, check: Check) -> Iterator[None]:
    """Add what the times of one table say, and fill its spans; yields after every few rows."""
    names = table.column_names()
    main = TIME_COLUMN[table.name]
    if main not in names:
        raise InputError(table.origin, f"no column {main}", "a time in every row", "Compare it in memory.")
    spans = [(np.iinfo(np.int64).max, np.iinfo(np.int64).min)] * len(table.parts)
    place, last = -1, np.iinfo(np.int64).min
    current = None
    for part, _, data in table.batches([*STAMPS, "rebalance"]):
        if part is not current:
            current, place = part, table.parts.index(part, place + 1)
        times = times_of(data, table)
        low, high = spans[place]
        spans[place] = (min(low, int(times.min())), max(high, int(times.max())))
        sorted_here = bool((times[1:] >= times[:-1]).all())
        table.ascending = table.ascending and int(times[0]) >= last and sorted_here
        last = int(times[-1])
        stamps = {name: times_of(data, table, name) for name in STAMPS if name in names}
        for name, values in stamps.items():
            if name != main:
                known = values[values != np.iinfo(np.int64).min]
                _add(found.stamps.setdefault((table.name, name), []), known, check)
        counted = _runs(times) if sorted_here else np.unique(times, return_counts=True)
        counts = found.counts.setdefault(table.name, [])
        counts.append(counted)
        if len(counts) > PARTS:
            counts[:] = [_merged(counts, check)]
        _note_rebalances(table, data, stamps, found, check)
        _note_delay(table, stamps, found)
        yield
    table.spans = spans


def _note_rebalances(
    table: TableSet, data: object, stamps: dict[str, Ints], found: _Side, check: Check
) -> None:
    time = "timestamp" if table.name == "equity" else "decided_at"
    if table.name in _REBALANCES and time in stamps and "rebalance" in data.column_names:  # type: ignore[attr-defined]
        valid = data["rebalance"].is_valid().to_numpy()  # type: ignore[index]
        times = stamps[time][valid]
        known = times[times != np.iinfo(np.int64).min]
        _add(found.rebalances.setdefault(table.name, []), known, check)


def _note_delay(table: TableSet, stamps: dict[str, Ints], found: _Side) -> None:
    later = {"fills": "timestamp", "orders": "executes_at"}.get(table.name)
    if later in stamps and "decided_at" in stamps and later is not None:
        done, decided = stamps[later], stamps["decided_at"]
        known = (done != np.iinfo(np.int64).min) & (decided != np.iinfo(np.int64).min)
        found.later = bool(found.later) or bool((done[known] > decided[known]).any())


def _rebalances(found: _Side, check: Check) -> Ints | None:
    name = next((name for name in _REBALANCES if name in found.rebalances), None)
    return None if name is None else _distinct(found.rebalances[name], check)


def _lag(manifests: Sequence[Manifest], later: Sequence[bool | None], timing: Timing | None) -> int | None:
    """As `matching.axis` decides it: by the scenario, else the manifests, else the rows, else None."""
    if timing is not None:
        return int(timing is not Timing.SAME_CLOSE)
    told = {one.timing for one in manifests} - {None}
    if told:
        return int(told != {Timing.SAME_CLOSE.value})
    shown = [one for one in later if one is not None]
    return int(any(shown)) if shown else None


def _is_scattered(table: TableSet) -> bool:
    """Whether the spans of the parts overlap so much that time does not select parts."""
    spans = [span for span, part in zip(table.spans, table.parts, strict=True) if part.rows]
    if len(spans) < 2:
        return not table.ascending
    whole = max(high for _, high in spans) - min(low for low, _ in spans)
    together = sum(high - low for low, high in spans)
    return not table.ascending and together > 4 * whole


def _runs(times: Ints) -> tuple[Ints, Ints]:
    """The distinct values of ascending times, and how many there are of each."""
    first = np.flatnonzero(np.concatenate([[True], times[1:] != times[:-1]]))
    return times[first], np.diff(np.append(first, len(times)))


def _add(parts: list[Ints], times: Ints, check: Check) -> None:
    parts.append(distinct_values(times))
    if len(parts) > PARTS:
        parts[:] = [_distinct(parts, check)]


def _distinct(parts: Sequence[Ints], check: Check) -> Ints:
    check(COPIES * sum(part.nbytes for part in parts))
    return np.asarray(distinct_values(np.concatenate([EMPTY, *parts])))


def _union(arrays: Sequence[Ints], check: Check) -> Ints:
    """The distinct values of arrays that are ascending and distinct each; often they are all the same."""
    found = EMPTY
    for one in arrays:
        if not np.array_equal(found, one):
            check(COPIES * (found.nbytes + one.nbytes))
            found = np.union1d(found, one) if len(found) else one
    return found


def _merged(parts: Sequence[tuple[Ints, Ints]], check: Check) -> tuple[Ints, Ints]:
    if not parts:
        return EMPTY, EMPTY
    check(COPIES * sum(times.nbytes for times, _ in parts))
    all_times = np.concatenate([times for times, _ in parts])
    numbers = np.concatenate([number for _, number in parts])
    if not bool((all_times[1:] >= all_times[:-1]).all()):
        order = np.argsort(all_times, kind="stable")
        all_times, numbers = all_times[order], numbers[order]
    times, counts = _runs(all_times)
    return times, np.add.reduceat(numbers, np.cumsum(counts) - counts)


def windows(rows: Ints, start: int, most: int) -> Iterator[tuple[int, int]]:
    """Spans [from, to) of bars from `start` on, each of at most `most` rows, and of at least one bar."""
    sums = np.cumsum(rows)
    while start < len(rows):
        before = int(sums[start - 1]) if start else 0
        stop = max(int(np.searchsorted(sums, before + most, "right")), start + 1)
        yield start, stop
        start = stop
