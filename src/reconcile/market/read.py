"""Files become tables: Parquet as it is typed, text with every column but two as doubles (U1)."""

from __future__ import annotations

import contextlib
import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from reconcile.files.buffers import Column, LongTable
from reconcile.files.limits import no_file, refuse_names
from reconcile.market.columns import row_name
from vocabulary.errors import InputError

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"PAR1")
_TEXT = ("timestamp", "symbol")
_NULLS = ["", "NA", "N/A", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "none"]
_HEADER_BYTES = 1 << 20
_AGAIN = "Write or download the file again."
_UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, MemoryError)
"""What pyarrow raises over a damaged file; ValueError: also for names that are not UTF-8."""


def open_table(path: Path, words: tuple[str, ...]) -> LongTable:
    """As `read_table`, but a Parquet file's columns are read one by one, each when it is asked for."""
    _refuse_file(path)
    if not path.name.lower().endswith(_PARQUET):
        return read_table(path, words)
    opened = _open_parquet(path, words)
    if opened.footer.num_rows == 0:
        raise _no_rows(path)
    return opened


def read_table(path: Path, words: tuple[str, ...]) -> pa.Table:
    """The table in a file of any kind that is read (`tables.intake`), told apart by the name's ending.

    words: the columns that hold text in a file of text; every other column is numbers.
    Raises InputError when the file is missing, empty, truncated, of another kind, or its text is no
    number where one belongs.
    """
    _refuse_file(path)
    try:
        name = path.name.lower()
        if name.endswith(_PARQUET):
            table = _open_parquet(path, words).read()
        else:
            table = _read_csv(path, words) if name.endswith(_CSV) else _read_other(path, words)
    except (OSError, MemoryError) as error:
        raise _unreadable(path, error) from error
    if table.num_rows == 0:
        raise _no_rows(path)
    return table


def _refuse_file(path: Path) -> None:
    """Raises InputError for what is no file, an empty one, or one of another ending."""
    source = str(path)
    reason = no_file(path)
    if reason is not None:
        found = "no such file" if reason == "nothing" else reason
        raise InputError(source, found, "a Parquet or CSV file", "Check the path.")
    if not path.name.lower().endswith((*_PARQUET, *_CSV)):
        from reconcile.tables.intake import ENDINGS, is_table_file

        if not is_table_file(path):
            raise InputError(
                source,
                f"the ending {path.suffix!r}",
                "one of " + ", ".join(ENDINGS),
                "Rename the file by what it holds, or convert it.",
            )
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error
    if size == 0:
        raise InputError(source, "an empty file", "a table", "Write the data again.")


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(str(path), f"a file that cannot be read ({_short(error)})", "a readable table", _AGAIN)


def _no_rows(path: Path) -> InputError:
    return InputError(str(path), "no rows", "at least one row", "Write the data again.")


def _short(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def need_columns(table: LongTable, names: tuple[str, ...], source: str) -> None:
    """Raises InputError when a column is missing or named twice."""
    need_names(table.column_names, names, source)


def need_names(found: list[str], names: tuple[str, ...], source: str) -> None:
    """As `need_columns`, from the header alone."""
    refuse_names(found, source)
    twice = sorted(name for name, times in Counter(found).items() if times > 1)
    if twice:
        raise InputError(source, f"the column {twice[0]!r} twice", "each column once", "Rename or drop one.")
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            source,
            f"the columns {', '.join(map(repr, found))}",
            "also " + ", ".join(map(repr, missing)),
            "Rename or add what is missing; names are told apart by case.",
        )


def parquet_metadata(path: Path) -> dict[bytes, bytes]:
    """The key-value metadata of a Parquet file; empty when there is none or the file is no Parquet."""
    import pyarrow.parquet as pq

    try:
        return dict(pq.read_metadata(path).metadata or {})
    except _UNREADABLE:
        return {}


@dataclass(frozen=True, slots=True, eq=False)
class ParquetTable:
    """A Parquet file as a table whose columns are read when asked for, each by the thread that asks.

    words: columns of text; encoded: those of them that are read as a dictionary.
    Reading raises InputError when the file is damaged, at the column where it is.
    """

    path: Path
    words: tuple[str, ...]
    footer: Any
    column_names: list[str]
    encoded: list[str]

    def __getitem__(self, name: str, /) -> Column:
        return self.read([name])[name]

    def read(self, columns: list[str] | None = None) -> pa.Table:
        """Some columns by this thread alone, or all by several."""
        import pyarrow.parquet as pq

        options: Any = {"read_dictionary": self.encoded, "page_checksum_verification": True}
        with _readable(self.path), pq.ParquetFile(self.path, metadata=self.footer, **options) as file:
            table = file.read(columns=columns, use_threads=columns is None)
            for name in self.words:  # indices within their dictionary, and text that is UTF-8
                if name in table.column_names:
                    table[name].validate(full=True)
            if table.num_rows != self.footer.num_rows:  # columns that are read apart must be of one length
                raise ValueError(f"{table.num_rows:,} rows where its footer tells {self.footer.num_rows:,}")
        return table


def _open_parquet(path: Path, words: tuple[str, ...]) -> ParquetTable:
    import pyarrow.parquet as pq

    with _readable(path), pq.ParquetFile(path) as file:
        schema, footer = file.schema_arrow, file.metadata
        text = (pa.string(), pa.large_string())
        encoded = [name for name in words if name in schema.names and schema.field(name).type in text]
        return ParquetTable(path, words, footer, list(schema.names), encoded)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What pyarrow raises over a damaged Parquet file, as an InputError."""
    try:
        yield
    except _UNREADABLE as error:
        raise InputError(
            str(path), f"a Parquet file that cannot be read ({_short(error)})", "a whole Parquet file", _AGAIN
        ) from error


def _read_csv(path: Path, words: tuple[str, ...]) -> pa.Table:
    from pyarrow import csv as arrow_csv

    names = _csv_header(path)
    need_names(names, words, str(path))
    text = pa.dictionary(pa.int32(), pa.string())
    kinds = {name: text if name in words else pa.float64() for name in names}
    try:
        return arrow_csv.read_csv(
            path, convert_options=arrow_csv.ConvertOptions(column_types=kinds, null_values=_NULLS)
        )
    except pa.ArrowInvalid as error:
        raise _csv_trouble(path, words, names, error) from error


def _read_other(path: Path, words: tuple[str, ...]) -> pa.Table:
    """A table that is neither Parquet nor CSV: columns of text but `words` become doubles."""
    from reconcile.tables import intake
    from reconcile.tables.cells import is_text, one_array

    data = intake.read_table(path).data
    need_names(data.column_names, words, str(path))
    columns = {}
    for name in data.column_names:
        cells = one_array(data.column(name))
        if name in words:
            columns[name] = cells.cast(pa.string()).dictionary_encode() if is_text(cells.type) else cells
        else:
            columns[name] = _doubles(cells, f"{path}", name) if is_text(cells.type) else cells
    return pa.table(columns)


def _doubles(cells: Any, source: str, name: str) -> Any:
    """Text as doubles, null where nothing stands. Raises InputError naming the first cell that is none."""
    from reconcile.files import buffers

    values = cells.to_pylist()
    for row, value in enumerate(values):
        if value is not None and value not in _NULLS and not _is_number(value):
            raise _no_number(source, row, name, value)
    missing = [value is None or value in _NULLS for value in values]
    numbers = [0.0 if gone else float(value) for value, gone in zip(values, missing, strict=True)]
    return buffers.numeric(np.array(numbers, dtype=np.float64), buffers.mask(missing))


def _no_number(source: str, row: int, name: str, value: str) -> InputError:
    return InputError(
        f"{row_name(source, row)}, column {name!r}",
        f"the text {value!r}",
        "a number",
        "Correct it, or leave the cell empty if the value is missing.",
    )


def _csv_header(path: Path) -> list[str]:
    """The column names. Raises InputError for compressed and binary files, and for names given twice."""
    source = str(path)
    packed = path.name.lower().endswith(".gz")
    with path.open("rb") as file:
        start = file.read(4)
    if not packed and start.startswith(_PACKED):
        raise InputError(
            source, "a compressed or binary file", "CSV text", "Unpack it, or mend the name's ending."
        )
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < _HEADER_BYTES else "ignore")
    except UnicodeDecodeError as error:
        raise InputError(source, "bytes that are not UTF-8 text", "CSV text", "Save it as UTF-8.") from error
    names = next(csv.reader(text.splitlines()), [])
    if not any(names) or "\0" in text[:4096]:
        raise InputError(source, "no header line", "a line of column names", "Write the data again.")
    return names


def _csv_trouble(path: Path, words: tuple[str, ...], names: list[str], error: Exception) -> InputError:
    """What stopped the reader: the first cell that is no number, else what the reader says."""
    from pyarrow import csv as arrow_csv

    source = str(path)
    kinds: dict[str, Any] = {name: pa.string() for name in names}
    options = arrow_csv.ConvertOptions(column_types=kinds)
    try:
        table = arrow_csv.read_csv(path, arrow_csv.ReadOptions(use_threads=False), convert_options=options)
    except pa.ArrowInvalid as plain:
        return InputError(
            source, f"text that is no table ({_short(plain)})", "CSV with a header line", _AGAIN
        )
    for name in names:
        if name in words:
            continue
        for row, value in enumerate(table[name].to_pylist()):
            if value not in _NULLS and not _is_number(str(value)):
                return _no_number(source, row, name, str(value))
    return InputError(source, f"text that is no table ({_short(error)})", "CSV with a header line", _AGAIN)


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text.strip()).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True
