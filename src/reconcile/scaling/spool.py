"""A table that is not in order of time, laid out again so that a stretch of time is a stretch of a file.

Rows are put into one temporary Parquet file per stretch, in the order in which they come, each with its
number. Arrow reads and writes them: a database would sort as well, but has types of its own (its timestamps
with a zone count microseconds).
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from reconcile.scaling.dataset import ROW, Ints, Part, TableSet, times_of
from vocabulary.errors import OutputError

FILES = 200
"""Temporary files that are open at a time, of one table."""
HELD = 500_000
"""Rows that wait in memory to be written together."""


def in_order(table: TableSet, edges: Ints, folder: Path) -> TableSet:
    """The same table with its rows by stretch of time. edges: ascending times at which stretches begin.

    Raises OutputError where there is no room for the temporary files.
    """
    step = -(-len(edges) // FILES)
    edges = edges[::step]
    place = folder / f"{table.name}-{len(os.listdir(folder))}"
    spans: list[tuple[int, int]] = [(np.iinfo(np.int64).max, np.iinfo(np.int64).min)] * len(edges)
    rows = [0] * len(edges)
    try:
        place.mkdir()
        with ExitStack() as stack:
            writers: dict[int, Any] = {}
            waiting: dict[int, list[Any]] = {}
            held = 0
            schema = table.empty().schema.append(pa.field(ROW, pa.int64()))

            def flush() -> None:
                for one, parts in waiting.items():
                    if one not in writers:
                        path = place / f"{one:06}.parquet"
                        writer = pa_parquet.ParquetWriter(path, schema, compression="lz4")
                        writers[one] = stack.enter_context(writer)
                    writers[one].write_table(pa.concat_tables(parts))
                waiting.clear()

            for _, first, data in table.batches():
                times = times_of(data, table)
                numbered = data.append_column(ROW, pa.array(np.arange(first, first + data.num_rows)))
                bucket = np.maximum(np.searchsorted(edges, times, "right") - 1, 0)
                for one in np.unique(bucket).tolist():
                    keep = np.flatnonzero(bucket == one)
                    waiting.setdefault(one, []).append(numbered.take(pa.array(keep)).cast(schema))
                    low, high = spans[one]
                    spans[one] = (min(low, int(times[keep].min())), max(high, int(times[keep].max())))
                    rows[one] += len(keep)
                held += data.num_rows
                if held >= HELD:
                    flush()
                    held = 0
            flush()
    except OSError as error:
        found = error.strerror or type(error).__name__
        remedy = "Set TMPDIR to a folder with room for the table."
        raise OutputError(
            str(folder), found, "room for a copy of the table in order of time", remedy
        ) from None
    return _laid_out(table, place, spans, rows)


def _laid_out(table: TableSet, place: Path, spans: list[tuple[int, int]], rows: list[int]) -> TableSet:
    parts, found, first = [], [], 0
    for one, count in enumerate(rows):
        if not count:
            continue
        path = str(place / f"{one:06}.parquet")
        meta = pa_parquet.read_metadata(path)
        for group in range(meta.num_row_groups):
            parts.append(Part(path, group, meta.row_group(group).num_rows, first))
            found.append(spans[one])
            first += meta.row_group(group).num_rows
    made = TableSet(table.name, table.origin, parts or table.parts, found or table.spans)
    made.ascending = table.ascending
    return made
