"""A table found among the rows of a file: its header, its end, its section, and what stands around it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from reconcile.files import buffers
from reconcile.files.limits import refuse_names
from reconcile.files.places import shown
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, Unread, UnreadKind
from vocabulary.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row as text, None where empty. number: counted from 1 in the file."""

    number: int
    cells: Sequence[str | None]

    @property
    def filled(self) -> list[str]:
        """The cells that hold anything, without the spaces around."""
        return [cell.strip() for cell in self.cells if cell is not None and cell.strip()]


def table_of_rows(rows: Iterable[Row], layout: Layout, name: str, origin: str) -> RawTable:
    """The table that `layout` finds among the rows. Raises InputError: no header, rows of another length."""
    listed = list(rows)
    if layout.section is not None:
        others, header, body = _section(listed, layout.section, origin)
        before: list[Row] = []
    else:
        others = {}
        before, header, body = split_rows(listed, layout, origin)
    body, after = _ended(body, layout)
    names = column_names([cell or "" for cell in header.cells], origin)
    kept, repeated = [], []
    for row in body:
        if not row.filled:
            continue
        if header.filled and _alike(row.filled) == _alike(header.filled):
            repeated.append(row)
            continue
        kept.append(_fitted(row, len(names), origin))
    columns = [
        buffers.strings([row[i] or "" for row in kept], buffers.mask([row[i] is None for row in kept]))
        for i in range(len(names))
    ]
    unread = [
        *rows_unread(name, "before the header", before, layout),
        *rows_unread(name, "repeated header", repeated, layout),
        *rows_unread(name, "after the end", after, layout),
    ]
    unread += [
        Unread(UnreadKind.TABLE, name, other, len(these), rows_digest(these))
        for other, these in others.items()
    ]
    where = origin if layout.section is None else f"{origin}, section {layout.section}"
    return RawTable(name, where, without_empty(pa.table(columns, names)), tuple(unread))


def _alike(cells: Sequence[str]) -> list[str]:
    """Cells of a header, as they are compared: a second header may be written in capitals."""
    return [cell.strip().casefold() for cell in cells]


def rows_unread(name: str, said: str, rows: Sequence[Row], layout: Layout) -> tuple[Unread, ...]:
    """Rows that are none of a table, where they hold anything."""
    filled = [row for row in rows if row.filled]
    if not filled:
        return ()
    return (Unread(UnreadKind.ROWS, name, said, len(filled), rows_digest(filled), _reason(layout)),)


def split_rows(rows: list[Row], layout: Layout, origin: str) -> tuple[list[Row], Row, list[Row]]:
    """(rows before the header, the header, rows behind it)."""
    if layout.names is not None:
        return rows[: layout.skip], Row(0, layout.names), rows[layout.skip :]
    for at, row in enumerate(rows[layout.skip :], layout.skip):
        if layout.header is None and row.filled:
            return rows[:at], row, rows[at + 1 :]
        if layout.header is not None and set(layout.header) <= set(row.filled):
            return rows[:at], row, rows[at + 1 :]
    wanted = "a header" if layout.header is None else f"a line with {', '.join(layout.header)}"
    raise InputError(origin, "no header line", wanted, "Correct `layout` in the mapping, or the file.")


def _section(rows: list[Row], section: str, origin: str) -> tuple[dict[str, list[Row]], Row, list[Row]]:
    """(rows of the other sections by name, header of the section, rows of the section).

    A section is either the lines that begin with its name, or the block of lines below a line that holds its
    name alone; blank lines separate blocks. Raises InputError: no such section, or several.
    """
    tagged = [row for row in rows if len(row.filled) > 1 and (row.cells[0] or "").strip() == section]
    if tagged:
        others: dict[str, list[Row]] = {}
        for row in rows:
            name = (row.cells[0] or "").strip() if row.cells else ""
            if row.filled and name != section:
                others.setdefault(name or "lines without a section", []).append(row)
        inner = [Row(row.number, row.cells[1:]) for row in tagged]
        _refuse_second_header(inner, section, origin)
        return others, inner[0], inner[1:]
    blocks = _blocks(rows)
    fitting = [block for block in blocks if block[0].filled == [section]]
    if len(fitting) != 1 or len(fitting[0]) < 2:
        found = f"{len(fitting)} sections of that name" if fitting else "no section of that name"
        raise InputError(
            origin, found, f"one section {shown(section)} with its rows", "Correct `section` in the mapping."
        )
    (_, header, *body) = fitting[0]
    return {block[0].filled[0]: block for block in blocks if block is not fitting[0]}, header, body


def _blocks(rows: list[Row]) -> list[list[Row]]:
    """Rows between blank ones; a name on a line of its own goes with the block that follows."""
    blocks: list[list[Row]] = []
    titled = fresh = True
    for row in rows:
        if not row.filled:
            fresh = not (blocks and titled and len(blocks[-1]) == 1)
            continue
        if fresh or not blocks:
            blocks.append([])
            titled = len(row.filled) == 1
        fresh = False
        blocks[-1].append(row)
    return blocks


def _refuse_second_header(rows: list[Row], section: str, origin: str) -> None:
    """Another header within a section would put the rows below it under wrong names."""
    first = rows[0]
    for row in rows[1:]:
        if row.cells[:1] == first.cells[:1] and row.filled != first.filled:
            raise InputError(
                f"{origin}, line {row.number}",
                f"a second header in the section {shown(section)}",
                "one header per section",
                "Split the section, as its parts have different columns.",
            )


def _ended(rows: list[Row], layout: Layout) -> tuple[list[Row], list[Row]]:
    for at, row in enumerate(rows):
        if layout.end is not None and row.filled and row.filled[0].startswith(layout.end):
            return rows[:at], rows[at:]
    return rows, []


def _fitted(row: Row, width: int, origin: str) -> list[str | None]:
    """The cells of a row, as many as the header has; empty ones beyond are dropped."""
    cells = [cell if cell is not None and cell != "" else None for cell in row.cells]
    if len(cells) < width or any(cell is not None for cell in cells[width:]):
        raise InputError(
            f"{origin}, line {row.number}",
            f"{len(cells)} cells",
            f"{width}, as the header has",
            "Correct the line; where the table ends above it, write `end` under `layout` in a mapping.",
        )
    return cells[:width]


def column_names(header: Sequence[str], origin: str) -> list[str]:
    """The names as they stand, those without one by their place. Raises InputError for a name given twice."""
    names = [cell.strip() or f"column {at}" for at, cell in enumerate(header, 1)]
    refuse_names(names, origin)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                origin,
                f"more than one column {shown(name)}",
                "every column once",
                "Rename or drop one of them.",
            )
        seen.add(name)
    return names


def without_empty(data: pa.Table) -> pa.Table:
    """The table without columns that have neither a name nor a cell, as a separator at line ends makes."""
    idle = [
        name
        for at, name in enumerate(data.column_names, 1)
        if name == f"column {at}" and data.column(name).null_count == data.num_rows
    ]
    return data.drop_columns(idle) if idle and len(idle) < data.num_columns else data


def rows_digest(rows: list[Row]) -> str:
    """sha256 of the filled cells of some rows."""
    return hashlib.sha256(json.dumps([row.filled for row in rows], ensure_ascii=False).encode()).hexdigest()


def _reason(layout: Layout) -> str:
    return "a line like the header" if layout.is_plain else "as `layout` in the mapping says"
