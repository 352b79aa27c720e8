"""The beginning of a file: what may be the header of a table in it, with some rows below."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reconcile.tables.intake import HTML, PARQUET, SHEETS, TEXT, damage_named, is_table_file, read_tables
from reconcile.tables.rows import Row
from reconcile.tables.sheets import html_tables, sheet_rows
from reconcile.tables.unpack import members, text_of
from vocabulary.errors import InputError

START, LINES, BELOW = 65_536, 40, 60
"""Bytes of a text file that are looked at, lines among which its header is, and rows below it."""
MARKS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Head:
    """What may be the header of a table.

    columns: the names of its cells; those without one that have cells below are called by their place, as
    the table reader calls them. cells: the header as it stands. rows: some rows below, as text. layout: the
    settings under which this is the header.
    """

    columns: tuple[str, ...]
    cells: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    layout: dict[str, Any]

    def below(self, column: str) -> list[str]:
        """The cells below a column, as far as rows were looked at."""
        at = self.cells.index(column)
        return [row[at] for row in self.rows if at < len(row)]


class Peek:
    """A file or folder, looked at once for all formats."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def ending(self) -> str:
        """The ending of the file's name, in lower case, without that of gzip."""
        name = self.path.name.lower()
        return Path(name.removesuffix(".gz")).suffix

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """What may be headers; none where the file cannot be read."""
        try:
            return tuple(self._heads())
        except (InputError, OSError):
            return ()

    @cached_property
    def start(self) -> bytes:
        """The first bytes, unpacked; none where the file cannot be read."""
        try:
            return b"" if self.path.is_dir() else members(self.path)[0].head(START)
        except (InputError, OSError):
            return b""

    def grids(self) -> Iterator[tuple[dict[str, Any], list[Row]]]:
        """The rows of each sheet of a workbook and of each table of a page, with the layout that names it.

        Raises InputError: it cannot be read.
        """
        with damage_named(self.path):
            member = members(self.path)[0]
            if self.ending in SHEETS:
                for name, rows in sheet_rows(member):
                    yield {"sheet": name}, rows
            if self.ending in HTML:
                for at, rows in enumerate(html_tables(member, None), 1):
                    yield {"table": at}, rows

    def refuse_unreadable(self) -> None:
        """Raises InputError where the file is empty, damaged, or of a kind that is no table."""
        if self.path.is_dir():
            return
        if self.ending in TEXT:
            text_of(members(self.path)[0], None)
        elif self.ending in (*SHEETS, *HTML):
            for _ in self.grids():
                pass
        elif is_table_file(self.path):
            read_tables(self.path)

    def _heads(self) -> Iterator[Head]:
        if self.path.is_dir():
            return
        if self.ending in TEXT:
            yield from self._text_heads()
        elif self.ending in (*SHEETS, *HTML):
            for layout, rows in self.grids():
                filled = [row for row in rows if row.filled][: LINES + BELOW]
                yield from _heads_of([[cell or "" for cell in row.cells] for row in filled], layout)
        elif self.ending in PARQUET and self.path.suffix.lower() in PARQUET:
            import pyarrow.parquet as pq

            with damage_named(self.path):
                names = tuple(pq.read_schema(self.path).names)
            yield Head(names, names, (), {})
        else:
            for table in read_tables(self.path):
                names = tuple(str(name) for name in table.data.column_names)
                rows = table.data.slice(0, BELOW).to_pylist()
                text = tuple(
                    tuple("" if cell is None else str(cell) for cell in row.values()) for row in rows
                )
                yield Head(names, names, text, {})

    def _text_heads(self) -> Iterator[Head]:
        start = self.start
        encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        text = start.decode(encoding, "replace")
        lines = text.splitlines()
        if len(start) == START:
            del lines[-1:]
        for mark in MARKS:
            grid = []
            for line in lines[: LINES + BELOW]:
                try:
                    grid.append(next(csv.reader([line], delimiter=mark), []))
                except csv.Error:
                    grid.append([])
            yield from _heads_of(grid, {"separator": mark})


def _heads_of(grid: Sequence[Sequence[str]], layout: dict[str, Any]) -> Iterator[Head]:
    """Each of the first lines that has several cells, as a header."""
    for at, row in enumerate(grid[:LINES]):
        cells = tuple(cell.strip() for cell in row)
        named = [cell for cell in cells if cell]
        if len(named) < 3:
            continue
        rows = tuple(tuple(cell.strip() for cell in below) for below in grid[at + 1 : at + 1 + BELOW])
        columns = [
            cell or f"column {place + 1}"
            for place, cell in enumerate(cells)
            if cell or any(place < len(below) and below[place] for below in rows)
        ]
        begins = {"header": named[:3]} if at else {}
        yield Head(tuple(columns), cells, rows, {**layout, **begins})
