"""Ledgers read from a folder or a file, ours or anyone's, and the times of their rows.

An account report may have a row per event. The last row of a timestamp is then the account at the end of that
bar; the rows before it are left out, and a note says so. A ledger with a digest chain states its rows, so
nothing is left out of it.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reconcile.files.arguments import PATH, takes
from reconcile.files.limits import no_file
from reconcile.files.places import shown
from reconcile.ledger import manifest as manifests
from reconcile.ledger.columns import LedgerReading, Source, frozen, ledger_from_arrow
from reconcile.tables.intake import (
    is_table_file,
    is_tabular,
    read_table,
    read_tables,
    table_name,
    unread_file,
)
from reconcile.tables.model import Unread
from vocabulary import KEYS, SCHEMA, TIME_COLUMN, Column, InputError, Ledger, Manifest, Table

_OURS = (".parquet", ".csv")
"""The endings of ledgers that `write_ledger` wrote."""


@takes(path=PATH)
def read_ledger(path: str | Path) -> Ledger:
    """The ledger of a folder of tables (fills.parquet, equity.csv, ...), or of one such file.

    One file alone is the table of its name, else the one table its columns fit. Ours come back exactly as
    they were written. From elsewhere: CSV numbers and Parquet decimals are exact, Parquet floats stay
    floats (scale None), NaN is an empty cell; columns we do not know are left out. Rows keep their order. Of
    several rows of `equity` at one time the last is kept, where no digest chain says that all belong to it.
    Raises InputError: nothing readable, one table twice, a cell of the wrong kind (column, row, value).
    """
    return read_ledger_with_notes(path).ledger


def read_ledger_with_notes(path: str | Path) -> LedgerReading:
    """`read_ledger`, and what was left out or read as floats, one sentence each."""
    path = Path(path)
    if os.path.isdir(path):
        return _read_folder(path)
    _require_file(path)
    data = read_table(path).data
    return _settled(ledger_from_arrow([Source(_table_of(path, data.column_names), str(path), data)]), path)


def _settled(
    reading: LedgerReading, path: Path, notes: Sequence[str] = (), unread: Sequence[Unread] = ()
) -> LedgerReading:
    ledger, odd = settle_times(reading.ledger, str(path))
    return LedgerReading(ledger, (*notes, *reading.notes, *odd), (*unread, *reading.unread))


def raw_tables(path: str | Path) -> Mapping[str, Any]:
    """Every file of a folder that holds a table, or the one file, by name without its ending: all columns,
    under the names they have, cells of text files as text. For ledgers whose names must be mapped first.
    """
    path = Path(path)
    if not os.path.isdir(path):
        _require_file(path)
    if not os.path.isdir(path):
        found = read_tables(path)
        return {table_name(path): found[0].data} if len(found) == 1 else {one.name: one.data for one in found}
    return {stem: read_table(file).data for stem, file in _files(path).items()}


def _require_file(path: Path) -> None:
    reason = no_file(path)
    if reason is not None:
        raise InputError(str(path), reason, "a ledger folder or file", "Check the path.")


def _files(folder: Path) -> dict[str, Path]:
    """Files by name without ending; a table that stands there in two formats is refused."""
    files: dict[str, Path] = {}
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            str(folder), shown(error.strerror), "a readable folder", "Check its permissions."
        ) from None
    for entry in entries:
        name = table_name(entry)
        if name in SCHEMA and is_table_file(entry) and not entry.is_file():
            reason = no_file(entry) or "nothing"
            raise InputError(str(entry), reason, f"the table {name}, a file", "Remove or replace it.")
        if entry.is_file() and is_table_file(entry) and (name in SCHEMA or is_tabular(entry)):
            if name in files:
                raise InputError(
                    str(folder),
                    f"both {files[name].name} and {entry.name}",
                    "one file per table",
                    "Remove one of the two files.",
                )
            files[name] = entry
    return files


def _read_folder(folder: Path) -> LedgerReading:
    files = _files(folder)
    if not any(name in files for name in SCHEMA):
        raise _no_table(folder)
    described = manifests.Described(Manifest())
    if os.path.lexists(folder / manifests.FILE):
        described = manifests.read_manifest(folder / manifests.FILE)
    sources = []
    others = [name for name in files if name not in SCHEMA]
    notes = [f"{files[name]}: not a table of a ledger, not read" for name in others]
    unread = [unread_file(files[name]) for name in others]
    for name in SCHEMA:
        if name in files:
            data = read_table(files[name]).data
            sources.append(Source(name, str(files[name]), data, described.hints.get(name, {})))
            notes += _row_notes(files[name], data.num_rows, described.rows.get(name))
        elif name in described.rows:
            notes.append(f"{folder}: {name} is listed in the manifest, but there is no such file")
    return _settled(ledger_from_arrow(sources, described.manifest), folder, notes, unread)


def _row_notes(file: Path, rows: int, listed: int | None) -> list[str]:
    return [] if listed in (None, rows) else [f"{file}: {rows} rows, where the manifest lists {listed}"]


def _no_table(folder: Path) -> InputError:
    found = sorted(entry.name for entry in folder.iterdir())
    inner = [
        name for name in found if any((folder / name / f"{t}{s}").exists() for t in SCHEMA for s in _OURS)
    ]
    remedy = f"Name a folder in it, such as {shown(inner[0])}." if inner else "Name a folder that holds one."
    return InputError(
        str(folder),
        ", ".join(map(shown, found[:8])) or "an empty folder",
        f"a file of a table: {', '.join(SCHEMA)}, as .parquet or .csv",
        remedy,
    )


def _table_of(path: Path, names: list[str]) -> str:
    """The table a lone file holds: by its name, else the one that has its key and knows its columns."""
    if table_name(path) in SCHEMA:
        return table_name(path)
    known = {name for name in names if any(name in columns for columns in SCHEMA.values())}
    fitting = [
        table for table, keys in KEYS.items() if known.issuperset(keys) and known.issubset(SCHEMA[table])
    ]
    if len(fitting) == 1:
        return fitting[0]
    remedy = f"Name the file after its table, e.g. fills{path.suffix}."
    if not fitting:
        remedy = (
            f"If it has names of its own: reconcile import --suggest {shlex.quote(str(path))}"
            f" --out names.toml, then --mapping names.toml. If its columns are those of a table: {remedy}"
        )
    raise InputError(
        str(path),
        f"columns {', '.join(map(shown, names[:12])) or 'none'}",
        f"the columns of one table: {', '.join(SCHEMA)}",
        remedy,
    )


def settle_times(ledger: Ledger, origin: str) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with one row of `equity` per bar, and a note for each thing that is odd about its rows.

    origin: what the notes call the ledger.
    """
    notes = [note for table in ledger.tables.values() for note in _hole_notes(table, origin)]
    equity = ledger.tables.get("equity")
    if equity is None or "timestamp" not in equity.columns or ledger.manifest.chain is not None:
        return ledger, tuple(notes)
    keep = _last_of_each_time(equity.columns["timestamp"])
    left_out = int(np.count_nonzero(~keep))
    if not left_out:
        return ledger, tuple(notes)
    notes.append(
        f"{origin}: equity has several rows at one time; the last is taken as the bar's, and {left_out:,}"
        f" {'row is' if left_out == 1 else 'rows are'} left out (first: row {int(np.argmin(keep)) + 1})"
    )
    columns = {name: _kept(column, keep) for name, column in equity.columns.items()}
    settled = Table("equity", columns, equity.rows - left_out)
    return dataclasses.replace(ledger, tables={**ledger.tables, "equity": settled}), tuple(notes)


_NEEDED = {"fills": ("symbol", "side", "quantity", "price"), "positions": ("symbol", "quantity")}
"""Columns, besides the time, without which a row says nothing about a book."""


def _hole_notes(table: Table, origin: str) -> list[str]:
    """A note per column whose cells must be full, and are not: a row of totals, say."""
    notes = []
    for name in (TIME_COLUMN[table.name], *_NEEDED.get(table.name, ())):
        column = table.columns.get(name)
        if column is None or column.missing is None or not column.missing.any():
            continue
        count = int(np.count_nonzero(column.missing))
        first = int(np.argmax(column.missing)) + 1
        rows = "1 row" if count == 1 else f"{count:,} rows"
        what = "time" if name == TIME_COLUMN[table.name] else name
        notes.append(f"{origin}: {rows} of {table.name} without a {what} (first: row {first})")
    return notes


def _last_of_each_time(times: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(rows,) whether no later row has the same time; rows without a time are all kept."""
    values = times.values
    keep = np.ones(len(values), np.bool_)
    order = np.argsort(values, kind="stable")
    keep[order[:-1]] = values[order[1:]] != values[order[:-1]]
    return keep if times.missing is None else keep | times.missing


def _kept(column: Column, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Column:
    missing = None if column.missing is None else column.missing[keep]
    if missing is not None and not missing.any():
        missing = None
    return frozen(dataclasses.replace(column, values=column.values[keep], missing=missing))
