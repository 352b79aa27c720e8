"""M1: a context row belongs to the bar with exactly its timestamp; nothing is carried forward."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from reconcile.files.clock import mixed_zones, show_instant
from reconcile.market.columns import Instants, doubles, instants, row_name
from reconcile.market.read import need_columns
from vocabulary.errors import InputError
from vocabulary.market import Floats, Ints


def read_context(
    table: pa.Table, source: str, bars: Ints, zone: str | None
) -> tuple[dict[str, Floats], list[str]]:
    """name -> (T,) float64, NaN where a bar has no row or the value is missing, and what was odd.

    Raises InputError for another time zone than the bars', rows of one timestamp that differ, columns
    that hold no numbers.
    """
    need_columns(table, ("timestamp",), source)
    times = instants(table["timestamp"], source)
    if times.zone != zone:
        raise mixed_zones(f"{source}, column 'timestamp'", times.zone, zone)
    names = [name for name in table.column_names if name != "timestamp"]
    columns = {name: doubles(table[name], source, name) for name in names}
    notes = _refuse_contradictions(times, columns, source)
    at = np.minimum(np.searchsorted(bars, times.rows), len(bars) - 1)
    hit = bars[at] == times.rows
    out = {}
    for name, values in columns.items():
        out[name] = np.full(len(bars), np.nan)
        out[name][at[hit]] = values[hit]
    return out, [*notes, *_coverage_notes(times, hit, at, bars)]


def _coverage_notes(times: Instants, hit: np.ndarray, at: Ints, bars: Ints) -> list[str]:
    notes = []
    if not hit.any():
        # legal by M1, and hardly meant: a gate on such a context never opens
        row, bar = show_instant(int(times.rows[0])), show_instant(int(bars[0]))
        return [
            f"no context row has the timestamp of a bar, all are missing (first row {row}, first bar {bar})"
        ]
    if not hit.all():
        lost = np.flatnonzero(~hit)
        first = show_instant(int(times.rows[lost[0]]))
        notes.append(f"context rows without a bar, not used: {len(lost):,} (first: {first})")
    bare = np.ones(len(bars), dtype=np.bool_)
    bare[at[hit]] = False
    if bare.any():
        first = show_instant(int(bars[np.argmax(bare)]))
        notes.append(f"bars without a context row, missing there: {int(bare.sum()):,} (first: {first})")
    return notes


def _refuse_contradictions(times: Instants, columns: dict[str, Floats], source: str) -> list[str]:
    order = np.argsort(times.rows, kind="stable")
    ascending = times.rows[order]
    again = np.flatnonzero(ascending[1:] == ascending[:-1]) + 1
    if not len(again):
        return []
    for values in columns.values():
        now, before = values[order[again]], values[order[again - 1]]
        differ = ~((now == before) | (np.isnan(now) & np.isnan(before)))
        if differ.any():
            i = int(again[np.argmax(differ)])
            raise InputError(
                f"{row_name(source, int(order[i - 1]))} and row {int(order[i]) + 1}",
                f"two different rows for {show_instant(int(ascending[i]))}",
                "one row for each timestamp",
                "Drop one of them.",
            )
    first = show_instant(int(ascending[again[0]]))
    return [f"context rows that repeat another of their timestamp: {len(again):,} (first: {first})"]
