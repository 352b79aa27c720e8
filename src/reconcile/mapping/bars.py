"""Bars under other names: a mapping's table `bars` becomes a file that a scenario can use as its market."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from reconcile.files import atomic, buffers, instants
from reconcile.files.places import Place
from reconcile.ledger.columns import column_from_arrow
from reconcile.mapping import notes, rows
from reconcile.mapping.apply import symbols_of, times_of
from reconcile.mapping.arithmetic import Amounts, as_doubles
from reconcile.mapping.cells import SourceRows, long_table
from reconcile.mapping.library import Library
from reconcile.mapping.schema import BARS, Mapping, Table, merged
from reconcile.tables.model import Unread
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Kind


def write_bars(source: Path, mapping: Mapping, out: Path) -> tuple[int, tuple[str, ...], tuple[Unread, ...]]:
    """Write the bars that a mapping finds as one Parquet file: their rows, notes, and what was not read.

    Raises InputError as `apply_mapping`; OutputError where the file cannot be written.
    """
    library = Library.of_path(source)
    said: list[str] = []
    parts = [_bars(library, table, mapping, said) for table in mapping.tables[BARS]]
    try:
        whole = pa.concat_tables(parts, promote_options="default")
    except pa.ArrowException:
        raise InputError(
            str(source),
            "bars with and without a zone",
            "times that all have a zone, or that all have none",
            "Write `zone` under `time` in the mapping.",
        ) from None
    content = pa.BufferOutputStream()
    pa_parquet.write_table(whole, content, compression="zstd")
    atomic.write_file(out, content.getvalue().to_pybytes())
    said += notes.general(mapping)
    return whole.num_rows, tuple(dict.fromkeys(said)), tuple(library.unread(mapping.leave_out))


def _bars(library: Library, table: Table, mapping: Mapping, said: list[str]) -> pa.Table:
    usage = library.find(table.file, BARS, merged(mapping.layout, table.layout))
    where = usage.raw.origin
    said += notes.of_source(BARS, usage.raw.name, table)
    usage.reasons.update(table.leave_out)
    keep = rows.rows_read(usage, table, where)
    if table.currency is not None:
        rows.check_currency(usage, table.currency, keep, where)
    source = SourceRows(usage, BARS, table, mapping, keep)
    data = source.columns(table.columns) if table.wide is None else long_table(source, said)
    usage.keep(keep)
    time = merged(mapping.time, table.time)
    out: dict[str, Any] = {}
    for name in data.column_names:
        column, zone = column_from_arrow(source.kinds[name], data.column(name), Place(where, BARS, name))
        if column.kind is Kind.TIMESTAMP:
            values = times_of(column.values, time, zone or None, where)
            place = None if time.naive else time.zone or zone or None
            out[name] = instants.to_arrow(values, place, column.missing)
        elif column.kind is Kind.SYMBOL:
            out[name] = _symbols(symbols_of(column, mapping))
        else:
            out[name] = _doubles(column)
    return pa.table(out)


def _symbols(column: Column) -> Any:
    words = buffers.strings(column.dictionary or ())
    return pa.DictionaryArray.from_arrays(buffers.numeric(column.values, column.missing), words)


def _doubles(column: Column) -> Any:
    """Numbers as the nearest doubles, as markets hold them (U1)."""
    missing = np.zeros(len(column.values), dtype=bool) if column.missing is None else column.missing
    return buffers.numeric(as_doubles(Amounts(column.values, column.scale, missing)), column.missing)
