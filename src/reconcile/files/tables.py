"""One CSV or Parquet file read as an Arrow table: every cell of a CSV as text, nothing guessed.

Files come from anywhere: what is compressed, binary, cut short or claims absurd sizes is one InputError.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from reconcile.files.places import shown
from vocabulary import InputError

SUFFIXES = (".parquet", ".csv")

_SIGNATURES = {
    b"\x1f\x8b": "gzip data",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"PAR1": "Parquet data",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_HEAD = 65536
_MODEST = 64 * 2**20
"""Bytes that any file may claim to hold, however small it is."""
_RATIO = 1000
"""Beyond that, how many bytes a byte of file may hold: our own ledgers stay under 100."""


def read_file(path: Path, wanted: Collection[str] | None = None) -> Any:
    """The pyarrow.Table of a .csv or .parquet file: all columns, or of a Parquet file those wanted.

    CSV cells are strings (null where empty and not quoted). Raises InputError.
    """
    read: Callable[[], Any]
    if path.suffix == ".csv":
        read = lambda: _read_csv(path)  # noqa: E731
    elif path.suffix == ".parquet":
        read = lambda: _read_parquet(path, wanted)  # noqa: E731
    else:
        raise InputError(
            str(path), f"a file ending in {shown(path.suffix)}", ".csv or .parquet", "Convert the file."
        )
    try:
        return read()
    except InputError:
        raise
    except MemoryError as error:  # pyarrow's own is one
        raise InputError(
            str(path), shown(str(error)), "a table that fits into memory", "Split the file."
        ) from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except (pa.ArrowException, ValueError, OverflowError, csv.Error) as error:
        raise _unreadable(path, str(error)) from None


def _unreadable(path: Path, reason: str) -> InputError:
    lines = reason.splitlines() or [""]
    return InputError(
        str(path),
        f"a file that cannot be read ({shown(lines[0][:200])[1:-1]})",
        f"a readable {path.suffix[1:]} file",
        "Check that the file is whole and what its name says.",
    )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise InputError(str(path), "an empty file", "a table with a header", "Write the file again.")
    return head


def _read_csv(path: Path) -> Any:
    head = _head(path)
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            raise InputError(
                str(path), name, "CSV text in UTF-8", "Unpack or convert it, or give it its right ending."
            )
    if b"\0" in head:
        raise InputError(str(path), "binary data", "CSV text in UTF-8", "Convert the file.")
    header = _header(path)
    return pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=max(_HEAD * 16, 4 * len(head))),
        parse_options=pa_csv.ParseOptions(
            newlines_in_values=_holds_quotes(path), ignore_empty_lines=len(header) > 1
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.large_string() for name in header},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    )


def _holds_quotes(path: Path) -> bool:
    """Whether a cell may span lines; where none can, pyarrow reads with all cores."""
    with path.open("rb") as file:
        return any(b'"' in block for block in iter(lambda: file.read(1 << 24), b""))


def _header(path: Path) -> list[str]:
    """The column names; a name that stands twice is refused here, before anything is read by name."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, strict=True), [])
    except UnicodeDecodeError:
        raise InputError(
            str(path), "text that is not UTF-8", "CSV text in UTF-8", "Save the file as UTF-8."
        ) from None
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise InputError(
            str(path),
            f"more than one column {shown(doubled[0])}",
            "every column once",
            "Rename or drop one of them.",
        )
    return header


def _read_parquet(path: Path, wanted: Collection[str] | None) -> Any:
    head = _head(path)
    if not head.startswith(b"PAR1"):
        raise InputError(
            str(path), "data that is not Parquet", "a Parquet file", "Convert it, or name it .csv."
        )
    with pa_parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        _check_claims(path, file.metadata)
        columns = None if wanted is None else [name for name in names if name in wanted] or names
        table = file.read(columns=columns)
        if wanted is not None and columns is not names:
            rest = [name for name in names if name not in wanted]
            for name in rest:  # named, so that a note can tell of them; never read
                table = table.append_column(name, pa.nulls(table.num_rows))
    if table.num_rows != file.metadata.num_rows:
        raise _unreadable(path, f"{table.num_rows} rows where its footer says {file.metadata.num_rows}")
    table.validate()
    return table


def _check_claims(path: Path, metadata: Any) -> None:
    """Refuse sizes that the file cannot hold, before anything is allocated for them."""
    size = path.stat().st_size
    limit = _MODEST + _RATIO * size
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    claimed = max(
        sum(max(chunk.total_uncompressed_size, 0) for chunk in chunks), 8 * metadata.num_rows, 8 * len(chunks)
    )
    compressed = sum(chunk.total_compressed_size for chunk in chunks)
    negative = any(chunk.total_compressed_size < 0 or chunk.total_uncompressed_size < 0 for chunk in chunks)
    if (
        claimed > limit
        or compressed > size
        or negative
        or metadata.num_rows != sum(g.num_rows for g in groups)
    ):
        raise InputError(
            str(path),
            f"a claim of {metadata.num_rows} rows and {claimed} bytes in a file of {size} bytes",
            "sizes that the file can hold",
            "Write the file again; if it is right, write it without compression.",
        )
