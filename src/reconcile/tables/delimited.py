"""CSV text as a table: every cell as text, nothing guessed. A plain file is read by Arrow with all cores."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from reconcile.files import buffers
from reconcile.files.limits import CELL_BYTES, LINE_BYTES
from reconcile.tables.cells import one_array
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable
from reconcile.tables.rows import Row, column_names, rows_unread, split_rows, table_of_rows, without_empty
from reconcile.tables.unpack import Member, text_of
from vocabulary.errors import InputError

_BLOCK = 1 << 20


def read_delimited(member: Member, layout: Layout, name: str) -> RawTable:
    """The table of a CSV file. Raises InputError, and what Arrow and csv raise over damaged text."""
    if member.name.lower().endswith(".tsv") and "separator" not in layout.model_fields_set:
        layout = layout.model_copy(update={"separator": "\t"})
    head = member.head()
    if head.startswith(b"PAR1"):
        raise InputError(member.origin, "Parquet data", "CSV text", "Give the file its right ending.")
    refuse_long_lines(member)
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if marked or layout.encoding not in (None, "utf-8") or not layout.is_one_run:
        return _by_rows(member, layout, name)
    if b"\0" in head:
        raise InputError(member.origin, "binary data", "CSV text in UTF-8", "Convert the file.")
    return _by_arrow(member, layout, name) if layout.is_plain else _below_header(member, layout, name)


def refuse_long_lines(member: Member) -> None:
    """Raises InputError for a line of twice the limit, and may for one of more than the limit.

    Only the places are looked at that every such line covers. What was unpacked is bounded already.
    """
    if member.data is not None:
        return
    with member.path.open("rb") as file:
        for start in range(0, member.path.stat().st_size, LINE_BYTES):
            file.seek(start)
            seen = 0
            while (block := file.read(_BLOCK)) and b"\n" not in block and b"\r" not in block:
                seen += len(block)
                if seen >= LINE_BYTES:
                    raise InputError(
                        member.origin,
                        f"a line of more than {LINE_BYTES:,} bytes",
                        "a table with one row per line",
                        "Check that the file is whole and that it is a table.",
                    )


def _below_header(member: Member, layout: Layout, name: str) -> RawTable:
    """The table below a header that is not the first line, read by Arrow where all of it are rows."""
    try:
        head = list(csv_rows(_first_lines(member), layout.separator))
    except csv.Error:  # the first lines may end within quotes
        return _by_rows(member, layout, name)
    before, header, _ = split_rows(head, layout, member.origin)
    names = column_names([cell or "" for cell in header.cells], member.origin)
    try:
        data = pa_csv.read_csv(
            _source(member),
            read_options=_reading(member, names, header.number),
            parse_options=_parsing(member, layout, names),
            convert_options=_as_text(names),
        )
    except pa.ArrowException:
        return _by_rows(member, layout, name)  # whose error names the line
    if _repeats_header(data, names) or _has_empty_row(data):
        return _by_rows(member, layout, name)
    return RawTable(
        name, member.origin, without_empty(data), rows_unread(name, "before the header", before, layout)
    )


def _by_rows(member: Member, layout: Layout, name: str) -> RawTable:
    text = text_of(member, layout.encoding)
    return table_of_rows(csv_rows(text, layout.separator), layout, name, member.origin)


def csv_rows(text: str, separator: str) -> Iterator[Row]:
    """The rows of CSV text, blank lines among them."""
    csv.field_size_limit(CELL_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    for cells in reader:
        yield Row(reader.line_num, cells)


def _by_arrow(member: Member, layout: Layout, name: str) -> RawTable:
    header = _header(member, layout.separator)
    names = column_names(header, member.origin)
    renamed = names != header
    if renamed and any("\n" in cell for cell in header):  # Arrow skips lines, not rows
        return _by_rows(member, layout, name)
    data = pa_csv.read_csv(
        _source(member),
        read_options=_reading(member, names if renamed else None, 1 if renamed else 0),
        parse_options=_parsing(member, layout, names),
        convert_options=_as_text(names),
    )
    if _repeats_header(data, names):
        return _by_rows(member, layout, name)
    return RawTable(name, member.origin, without_empty(data))


def _reading(member: Member, names: list[str] | None, skip: int) -> pa_csv.ReadOptions:
    block = max(_BLOCK, 4 * len(member.head()))
    return pa_csv.ReadOptions(block_size=block, column_names=names, skip_rows=skip)


def _parsing(member: Member, layout: Layout, names: list[str]) -> pa_csv.ParseOptions:
    return pa_csv.ParseOptions(
        delimiter=layout.separator,
        newlines_in_values=_holds_quotes(member),
        ignore_empty_lines=len(names) > 1,
    )


def _as_text(names: list[str]) -> pa_csv.ConvertOptions:
    """Every cell as text, null where empty and not quoted."""
    return pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.large_string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )


def _source(member: Member) -> Any:
    return member.path if member.data is None else pa.BufferReader(member.data)


def _holds_quotes(member: Member) -> bool:
    """Whether a cell may span lines; where none can, Arrow reads with all cores."""
    if member.data is not None:
        return b'"' in member.data
    with member.path.open("rb") as file:
        return any(b'"' in block for block in iter(lambda: file.read(1 << 24), b""))


def _header(member: Member, separator: str) -> list[str]:
    """The first line's cells."""
    reader = csv.reader(io.StringIO(_first_lines(member), newline=""), delimiter=separator, strict=True)
    return next(reader, [])


def _first_lines(member: Member) -> str:
    """The beginning of the text. Raises InputError where it is not UTF-8."""
    head = member.head(_BLOCK)
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < _BLOCK else "ignore")
    except UnicodeDecodeError:
        raise InputError(
            member.origin,
            "text that is not UTF-8",
            "CSV text in UTF-8",
            "Save the file as UTF-8, or name its `encoding` under `layout` in a mapping.",
        ) from None
    return text if len(head) < _BLOCK else text[: text.rfind("\n") + 1] or text


def _has_empty_row(data: pa.Table) -> bool:
    """Whether a row holds nothing but separators."""
    empty = np.ones(data.num_rows, dtype=bool)
    for column in data.columns:
        if column.null_count == 0:
            return False
        empty &= buffers.missing_of(one_array(column))
    return bool(empty.any())


def _repeats_header(data: pa.Table, names: list[str]) -> bool:
    """Whether a row of a table with several columns is its header again, in capitals or not."""
    if len(names) < 2:
        return False
    same = _is(data.column(0), names[0])
    for at, name in enumerate(names[1:], 1):
        if not pc.any(same).as_py():
            return False
        same = pc.and_(same, _is(data.column(at), name))
    return bool(pc.any(same).as_py())


def _is(column: Any, name: str) -> Any:
    """Where a cell is the name, whatever its case and the spaces around."""
    return pc.match_substring_regex(column, rf"^\s*{re.escape(name)}\s*$", ignore_case=True)
