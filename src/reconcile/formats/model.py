"""What is known of one export format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reconcile.formats.tidy import Tidied
from reconcile.text.escape import printable
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.formats.peek import Peek
    from reconcile.tables.model import RawTable

Columns: TypeAlias = Sequence[str]
Rules: TypeAlias = Mapping[str, Any]
"""A mapping file's content, as docs/reference/mapping.md describes it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not hold, or holds several of.

    symbol: of a file about one. zone: of clock times. strategy: the one to read, of a file about several.
    """

    symbol: str | None = None
    zone: str | None = None
    strategy: str | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an export that its format reads itself, by name, and what was found, a sentence each.

    Of the tables `Format.rules` takes those it knows; the others are named as not read.
    """

    named: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One export format.

    name: as it is typed. title: as it is called. export: how the file is made. holds, lacks: what it
    records and what not, one phrase each. mind: what is easily taken wrongly, one sentence each.
    recognises: whether a table with these columns is one. rules: the mapping for a file (its name without
    ending) with these columns. check: of a plain table, what is wrong or noteworthy in it: sentences, or an
    InputError. owns, tables: of a format that is no plain table, whether a file or folder is one, and its
    tables. also: other tables that the same engine exports, each a format under the same name.
    tidy: takes off what the engine puts around symbols or times, of files and of live objects.
    """

    name: str
    title: str
    export: str
    recognises: Callable[[Columns], bool]
    rules: Callable[[str, Columns, Options], Rules]
    holds: tuple[str, ...]
    lacks: tuple[str, ...]
    mind: tuple[str, ...] = ()
    check: Callable[[RawTable], tuple[str, ...]] | None = None
    owns: Callable[[Peek], bool] | None = None
    tables: Callable[[Path, Options], Tables] | None = None
    tidy: Callable[[Ledger], Tidied] | None = None
    also: tuple[Format, ...] = ()


def cells_of(table: RawTable, name: str) -> list[str]:
    """The cells of a column as text; empty ones where there is no such column."""
    from reconcile.tables.cells import as_text

    if name not in table.data.column_names:
        return [""] * int(table.data.num_rows)
    return [cell or "" for cell in as_text(table.data.column(name)).to_pylist()]


def words_of(table: RawTable, name: str) -> list[str]:
    """The distinct cells of a column that are not empty, as text; none where there is no such column."""
    return sorted(set(cells_of(table, name)) - {""})


def require_one(table: RawTable, what: str, *names: str) -> None:
    """Raises InputError where the columns of these names hold several words between them.

    what: in plural, such as `currencies`.
    """
    found = sorted({word for name in names for word in words_of(table, name)})
    if len(found) > 1:
        remedy = "Export each of them alone."
        raise InputError(
            table.origin, f"the {what} {printable(', '.join(found), 120)}", "one of them", remedy
        )


def holds(columns: Columns, *names: str) -> bool:
    """Whether a table has all of these columns."""
    return set(names) <= set(columns)


def first_of(columns: Columns, *beginnings: str) -> str | None:
    """The first column that begins with one of these, whatever its case; None without one."""
    for beginning in beginnings:
        for name in columns:
            if name.lower().startswith(beginning.lower()):
                return name
    return None


def equity_rules(stamps: Columns, **names: str) -> Callable[[str, Columns, Options], Rules]:
    """Rules of a table of equity. stamps: what its times may be called. names: ours = theirs."""

    def rules(file: str, columns: Columns, options: Options) -> Rules:
        stamp = next((name for name in stamps if name in columns), columns[0])
        used = {stamp, *names.values()}
        equity = {
            "file": file,
            "columns": {"timestamp": stamp, **names},
            "leave_out": {name: "no column of equity" for name in columns if name not in used},
        }
        return {"tables": {"equity": equity}, **time_rules(options)}

    return rules


def time_rules(options: Options, default: str | None = None) -> dict[str, Any]:
    """[time] for stamps of a zone: instants become clock times of that zone."""
    zone = options.zone or default
    return {"time": {"zone": zone, "naive": True}} if zone else {}
