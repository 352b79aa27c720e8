"""Ledgers written to a folder: one file per table, and manifest.json (L1, L2).

The same ledger gives the same bytes. Numbers are exact decimal text (CSV) or Arrow decimals (Parquet),
counts included; floats of a foreign ledger stay floats. A CSV holds what the ledger holds: a symbol such
as =cmd() is written as it is, so import a CSV of unknown origin into a spreadsheet as text.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from reconcile.files import atomic, buffers, instants, integers
from reconcile.files.arguments import LEDGER, PATH, TEXT, takes
from reconcile.files.places import shown
from reconcile.ledger import digest as chains
from reconcile.ledger import manifest as manifests
from reconcile.ledger.columns import check_ledger
from vocabulary import Column, InputError, Kind, Ledger, Manifest, OutputError, Table

_CHUNK = 200_000
"""Rows of CSV text made at a time."""


@takes(ledger=LEDGER, folder=PATH, format=TEXT)
def write_ledger(ledger: Ledger, folder: str | Path, format: str = "parquet") -> None:
    """Write the ledger to `folder`, whole or not at all; a ledger that stood there is replaced.

    format: "parquet" or "csv". Missing parents are made. The digest chain is computed from the tables.
    Raises OutputError: a folder that holds anything `write_ledger` did not put there, a path that cannot
    be written; InputError: tables that are not a ledger (`check_ledger`).
    """
    if format not in manifests.STORAGES:
        raise OutputError("format", shown(format), " or ".join(manifests.STORAGES), "Choose one of them.")
    check_ledger(ledger)
    try:
        target = Path(os.path.realpath(folder))
        _refuse_foreign(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic.new_folder(target) as scratch:
            _write_files(ledger, scratch.path, format)
            scratch.put_in_place()
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            str(folder), shown(reason), "a folder that can be written", "Choose another path."
        ) from None


def csv_tables(ledger: Ledger) -> dict[str, bytes]:
    """Each table as the content of its CSV file, by the table's name.

    Raises InputError for tables that are not a ledger, OutputError for cells that CSV cannot hold.
    """
    check_ledger(ledger)
    content = {}
    for name, table in ledger.tables.items():
        with _representable(name, "csv"):
            content[name] = b"".join(_csv_parts(table, ledger.manifest.timezone))
    return content


def _write_files(ledger: Ledger, folder: Path, format: str) -> None:
    write = _write_parquet if format == "parquet" else _write_csv
    for name, table in ledger.tables.items():
        with _representable(name, format):
            write(table, ledger.manifest.timezone, folder / f"{name}.{format}")
    text = manifests.manifest_text(ledger, format, chains.chain(ledger))
    (folder / manifests.FILE).write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def _representable(table: str, format: str) -> Iterator[None]:
    """Raise OutputError for a table that has a value which the format cannot hold."""
    try:
        yield
    except (OverflowError, pa.ArrowException, ValueError) as error:
        raise OutputError(
            f"table {table}",
            shown(str(error)),
            f"values that {format} can hold",
            "Write it as csv, or correct it.",
        ) from None


def _refuse_foreign(target: Path) -> None:
    """A folder is replaced only if all that it holds is listed by its manifest, or it is empty."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(str(target), "a file", "a folder, or nothing", "Choose another path.")
    found = sorted(entry.name for entry in target.iterdir())
    ours: set[str] = set()
    if manifests.FILE in found:
        try:
            described = manifests.read_manifest(target / manifests.FILE)
        except InputError:
            described = manifests.Described(Manifest())
        if described.storage is not None:
            ours = {manifests.FILE, *(f"{name}.{described.storage}" for name in described.rows)}
    alien = [name for name in found if name not in ours]
    if alien:
        raise OutputError(
            str(target),
            f"{shown(alien[0])}, which is no part of a ledger that tieout wrote",
            "an empty folder, a ledger that tieout wrote, or nothing",
            "Choose another folder, or empty this one.",
        )


def _write_parquet(table: Table, zone: str | None, file: Path) -> None:
    arrays = {name: arrow_array(column, zone) for name, column in table.columns.items()}
    pa_parquet.write_table(pa.table(arrays), file, compression="zstd", store_decimal_as_integer=True)


def arrow_array(column: Column, zone: str | None = None) -> Any:
    """The column as an Arrow array, exact: timestamp[ns, zone], dictionary, decimal, or float64 for floats.

    Raises OverflowError where a number has more digits than an Arrow decimal.
    """
    if column.kind is Kind.TIMESTAMP:
        return instants.to_arrow(column.values, zone, column.missing)
    if column.dictionary is not None:
        codes = buffers.numeric(column.values.astype(np.int32), column.missing)
        return pa.DictionaryArray.from_arrays(codes, buffers.strings(column.dictionary).cast(pa.string()))
    if column.values.dtype.kind == "f":
        return buffers.numeric(column.values.astype(np.float64), column.missing)
    return integers.decimal_array(column.values, column.scale or 0, column.missing)


def _write_csv(table: Table, zone: str | None, file: Path) -> None:
    with file.open("wb") as out:
        out.writelines(_csv_parts(table, zone))


def _csv_parts(table: Table, zone: str | None) -> Iterator[bytes]:
    """The content of a table's CSV file, in parts of at most _CHUNK rows."""
    columns = [_csv_text(column, zone) for column in table.columns.values()]
    yield (",".join(table.columns) + "\n").encode()
    for start in range(0, table.rows, _CHUNK):
        stop = min(start + _CHUNK, table.rows)
        cells = [column(start, stop) for column in columns]
        options = pc.JoinOptions(null_handling="replace", null_replacement="")
        lines = pc.binary_join_element_wise(*cells, buffers.string(","), options=options)
        lines = pc.binary_join_element_wise(lines, buffers.string(""), buffers.string("\n"))
        yield lines.buffers()[2]


def _csv_text(column: Column, zone: str | None) -> Callable[[int, int], Any]:
    """A function from a span of rows to their cells as CSV text, null where empty."""
    missing = column.missing

    def mask(start: int, stop: int) -> Any:
        return None if missing is None else missing[start:stop]

    if column.kind is Kind.TIMESTAMP or column.dictionary is not None:
        codes, words = _coded(column, zone)
        return lambda start, stop: words.take(buffers.numeric(codes[start:stop], mask(start, stop)))
    if column.values.dtype.kind == "f":
        doubles, text = column.values, pa.large_string()
        return lambda start, stop: buffers.numeric(doubles[start:stop], mask(start, stop)).cast(text)
    scale = column.scale or 0
    return lambda start, stop: integers.decimal_text(column.values[start:stop], scale, mask(start, stop))


def _coded(column: Column, zone: str | None) -> tuple[Any, Any]:
    """(codes, text of each code) of timestamps and words; words quoted where CSV needs it."""
    if column.dictionary is not None:
        return column.values, buffers.strings([_quoted(word) for word in column.dictionary])
    encoded = buffers.numeric(column.values, column.missing).dictionary_encode()
    distinct = buffers.values_of(encoded.dictionary)
    return buffers.values_of(encoded.indices), buffers.strings(instants.iso_text(distinct, zone))


def _quoted(word: str) -> str:
    """RFC 4180; the empty word is quoted, as an empty cell is a missing one."""
    if "\0" in word:
        raise ValueError(f"a NUL character in {word!r}")
    if word and not any(mark in word for mark in ',"\r\n'):
        return word
    return '"' + word.replace('"', '""') + '"'
