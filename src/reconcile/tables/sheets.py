"""XLSX sheets and HTML tables as rows of text. Of a formula, the value saved with it counts."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from reconcile.files.limits import UNPACKED_BYTES, UNPACKED_RATIO
from reconcile.files.places import shown
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, Unread, UnreadKind
from reconcile.tables.rows import Row, rows_digest, table_of_rows
from reconcile.tables.unpack import Member, text_of
from vocabulary.errors import InputError


def read_sheet(member: Member, layout: Layout, name: str) -> RawTable:
    """A sheet of an XLSX workbook: the one that `layout` names, or its only one. Raises InputError."""
    sheets = dict(sheet_rows(member))
    chosen = _chosen(list(sheets), layout.sheet, "sheet", member.origin)
    table = table_of_rows(sheets[chosen], layout, name, f"{member.origin}, sheet {chosen}")
    unread = [_table_unread(other, rows) for other, rows in sheets.items() if other != chosen]
    return RawTable(table.name, table.origin, table.data, (*table.unread, *unread))


def sheet_rows(member: Member) -> list[tuple[str, list[Row]]]:
    """The rows of each sheet of a workbook, by its name. Raises InputError."""
    import openpyxl

    content = member.content()
    _refuse_bomb(content, member.origin)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            return [(sheet.title, list(_rows(sheet, member.origin))) for sheet in book.worksheets]
        finally:
            book.close()
    except (InputError, MemoryError):
        raise
    except Exception as error:  # a damaged workbook raises whatever the line that met it does
        raise _unreadable(member.origin, error) from None


def read_html(member: Member, layout: Layout, name: str) -> RawTable:
    """A table of an HTML page: the one whose number `layout` gives, else the only one with its header."""
    tables = html_tables(member, layout.encoding)
    if layout.table is not None:
        names = [str(at) for at in range(1, len(tables) + 1)]
        at = int(_chosen(names, str(layout.table), "table", member.origin)) - 1
    else:
        wanted = set(layout.header or ())
        fitting = [at for at, rows in enumerate(tables) if any(wanted <= set(row.filled) for row in rows)]
        if len(fitting) != 1:
            raise InputError(
                member.origin,
                f"{len(fitting)} tables that fit, of {len(tables)}",
                "one table",
                "Write `table`, its number, or `header`, some of its names, under `layout` in the mapping.",
            )
        at = fitting[0]
    table = table_of_rows(tables[at], layout, name, f"{member.origin}, table {at + 1}")
    unread = [_table_unread(f"table {n + 1}", rows) for n, rows in enumerate(tables) if n != at]
    return RawTable(table.name, table.origin, table.data, (*table.unread, *unread))


def html_tables(member: Member, encoding: str | None) -> list[list[Row]]:
    """The rows of each table of a page. Raises InputError."""
    from lxml import etree, html

    text = text_of(member, encoding)
    try:
        page = html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise _unreadable(member.origin, error) from None
    return [_html_rows(table) for table in page.iter("table")]


def _chosen(names: list[str], wanted: str | None, kind: str, origin: str) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted not in names:
        found = f"{len(names)} {kind}s: {', '.join(map(shown, names[:12]))}" if names else f"no {kind}"
        expected = f"one {kind}" if wanted is None else f"the {kind} {shown(wanted)}"
        raise InputError(origin, found, expected, f"Name the {kind} under `layout` in the mapping.")
    return wanted


def _table_unread(name: str, rows: list[Row]) -> Unread:
    filled = [row for row in rows if row.filled]
    return Unread(UnreadKind.TABLE, name, name, len(filled), rows_digest(filled))


def _rows(sheet: Any, origin: str) -> Iterator[Row]:
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        yield Row(number, [_cell_text(cell, f"{origin}, row {number}") for cell in cells])


def _cell_text(cell: Any, where: str) -> str | None:
    """A cell as text: numbers as the shortest decimal text of their double, times as ISO 8601."""
    if cell is None:
        return None
    if isinstance(cell, str) and cell.startswith("#") and cell.endswith(("!", "?", "#N/A", "#DIV/0!")):
        raise InputError(where, shown(cell), "a value", "Correct the formula in the workbook.")
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime | datetime.date | datetime.time):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime.datetime) else cell.isoformat()
    return str(cell)


def _html_rows(table: Any) -> list[Row]:
    """The rows of a table, without those of tables within it; a cell that spans columns fills them once."""
    rows = []
    for number, line in enumerate(table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr"), 1):
        cells: list[str | None] = []
        for cell in line.xpath("./td | ./th"):
            cells.append(" ".join("".join(cell.itertext()).split()) or None)
            span = cell.get("colspan", "1")
            cells += [None] * (min(int(span), 1000) - 1 if span.isdecimal() else 0)
        rows.append(Row(number, cells))
    return rows


def _refuse_bomb(content: bytes, origin: str) -> None:
    """A workbook is a zip archive: refuse sizes that one of its length cannot hold in earnest."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise _unreadable(origin, error) from None
    if claimed > UNPACKED_BYTES + UNPACKED_RATIO * len(content):
        raise InputError(
            origin,
            f"a claim of {claimed} bytes in a file of {len(content)} bytes",
            "a workbook",
            "Save it again.",
        )


def _unreadable(origin: str, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [""])[0][:200]
    return InputError(
        origin,
        f"a file that cannot be read ({shown(reason)[1:-1]})",
        "a whole file of the kind that its name says",
        "Save it again, or convert it to CSV.",
    )
