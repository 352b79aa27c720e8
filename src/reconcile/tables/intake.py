"""One way in for every table: a file of any kind that is read, a frame, or the result of a query."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from reconcile.files.limits import no_file
from reconcile.files.places import shown
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, Unread, UnreadKind
from reconcile.tables.unpack import Member, members, refuse_strangers
from vocabulary.errors import InputError

TEXT = (".csv", ".tsv", ".txt")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
SHEETS = (".xlsx", ".xlsm")
LINES = (".jsonl", ".ndjson")
HTML = (".html", ".htm")
ENDINGS = (*TEXT, *PARQUET, *ARROW, *SHEETS, ".json", *LINES, *HTML)
PACKED = (".gz", ".zip")


def is_table_file(path: Path) -> bool:
    """Whether a file's name says that it may hold a table."""
    return _bare(path.name).suffix.lower() in ENDINGS or path.suffix.lower() == ".zip"


def is_tabular(path: Path) -> bool:
    """Whether a file of any name is meant as a table; text, JSON and HTML are often something else."""
    return _bare(path.name).suffix.lower() in (".csv", ".tsv", *PARQUET, *ARROW, *SHEETS)


def table_name(path: Path) -> str:
    """The file's name without the endings of its kind and of packing."""
    bare = _bare(path.name)
    return bare.stem if bare.suffix.lower() in (*ENDINGS, *PACKED) else bare.name


def _bare(name: str) -> Path:
    return Path(name[:-3] if name.lower().endswith(".gz") else name)


def read_tables(path: Path, layout: Layout | None = None) -> list[RawTable]:
    """The tables of a file: one, or one for each file within a zip archive.

    Raises InputError: no such file, a kind that is not read, damaged data, no header.
    """
    reason = no_file(path)
    if reason is not None:
        raise InputError(str(path), reason, "a file with a table", "Check the path.")
    if not is_table_file(path):
        raise _unknown(str(path), path.suffix)
    with damage_named(path):
        held = members(path)
        packed = len(held) > 1 or (held and held[0].data is not None)
        known = [one for one in held if not packed or is_table_file(Path(one.name))]
        if not known:
            raise InputError(
                str(path),
                "no file with a table in it",
                "one of " + ", ".join(ENDINGS),
                "Name a folder that holds such a file, or convert the file.",
            )
        return [_table(one, layout or Layout()) for one in known]


def read_table(path: Path, layout: Layout | None = None) -> RawTable:
    """The one table of a file, named after the file. Raises InputError as `read_tables`, and for several."""
    found = read_tables(path, layout)
    if len(found) > 1:
        names = ", ".join(table.name for table in found[:12])
        raise InputError(
            str(path), f"{len(found)} tables: {names}", "one table", "Unpack the archive into a folder."
        )
    (only,) = found
    return RawTable(table_name(path), only.origin, only.data, only.unread)


def unread_file(path: Path) -> Unread:
    """A file that nothing read: the number of its rows, 0 where it cannot be read, and its digest."""
    try:
        rows = sum(table.data.num_rows for table in read_tables(path))
    except InputError:
        rows = 0
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Unread(UnreadKind.TABLE, table_name(path), table_name(path), rows, digest)


def _table(member: Member, layout: Layout) -> RawTable:
    from reconcile.tables import binary, delimited, documents, sheets

    refuse_strangers(member)
    name, ending = table_name(Path(member.name)), Path(member.name).suffix.lower()
    readers: dict[tuple[str, ...], Callable[[], RawTable]] = {
        TEXT: lambda: delimited.read_delimited(member, layout, name),
        PARQUET: lambda: binary.read_parquet(member, name),
        ARROW: lambda: binary.read_arrow(member, name),
        SHEETS: lambda: sheets.read_sheet(member, layout, name),
        (".json",): lambda: documents.read_json(member, layout, name),
        LINES: lambda: documents.read_json_lines(member, layout, name),
        HTML: lambda: sheets.read_html(member, layout, name),
    }
    for endings, read in readers.items():
        if ending in endings:
            return read()
    raise _unknown(member.origin, ending)


def _unknown(origin: str, ending: str) -> InputError:
    return InputError(
        origin, f"a file ending in {shown(ending)}", f"one of {', '.join(ENDINGS)}", "Convert the file."
    )


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """What readers raise over damaged files, as one error that names the file."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:  # Arrow's own is one
        raise InputError(
            str(path), shown(str(error)), "a table that fits into memory", "Split the file."
        ) from None
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from None
    except (pa.ArrowException, ValueError, OverflowError, csv.Error) as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, reason: str) -> InputError:
    lines = reason.splitlines() or [""]
    return InputError(
        str(path),
        f"a file that cannot be read ({shown(lines[0][:200])[1:-1]})",
        f"a readable {path.suffix[1:]} file",
        "Check that the file is whole and what its name says.",
    )


def table_of_data(data: Any, name: str) -> RawTable:
    """The table of data in memory: an Arrow table, a pandas or Polars frame, a DuckDB relation, or the result
    of a SQLAlchemy query. Raises InputError for anything else.
    """
    if isinstance(data, pa.Table):
        return RawTable(name, name, data)
    if hasattr(data, "reset_index"):  # pandas
        from reconcile.tables.frames import table_of_frame

        return RawTable(name, name, table_of_frame(data, name))
    if hasattr(data, "__arrow_c_stream__"):  # Polars, DuckDB
        return RawTable(name, name, pa.table(data))
    if hasattr(data, "fetch_arrow_table"):  # a DuckDB connection with a result
        return RawTable(name, name, data.fetch_arrow_table())
    if hasattr(data, "keys") and hasattr(data, "fetchall"):  # SQLAlchemy
        from reconcile.tables.frames import table_of_records

        return RawTable(name, name, table_of_records(list(data.keys()), data.fetchall(), name))
    raise InputError(
        name,
        f"a {type(data).__name__}",
        "a pandas or Polars frame, an Arrow table, or the result of a query",
        "Convert it to one of them.",
    )
