"""The raw tables that a mapping draws on: of a folder, a file or memory, and what of them was not read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconcile.files.places import shown
from reconcile.mapping.rows import Usage, unread_of
from reconcile.tables.cells import table_digest
from reconcile.tables.intake import (
    is_table_file,
    is_tabular,
    read_tables,
    table_name,
    table_of_data,
    unread_file,
)
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, Unread, UnreadKind
from vocabulary.errors import InputError


class Library:
    """Finds raw tables by the names of their files, and remembers what was taken of each.

    A file that is read with two layouts (two sheets, two sections) is two raw tables.
    """

    def __init__(self, origin: str, held: Mapping[str, RawTable], files: Mapping[str, list[Path]]) -> None:
        self._origin = origin
        self._held = {name: Usage(table) for name, table in held.items()}
        self._files = files
        self._read: dict[tuple[str, Layout], list[Usage]] = {}

    @classmethod
    def of_tables(cls, tables: Mapping[str, Any], origin: str) -> Library:
        """Tables in memory: Arrow tables, frames, or results of queries, by name."""
        raw = {name: table_of_data(data, name) for name, data in tables.items()}
        named = {
            name: RawTable(name, f"{origin}: {name}", table.data, table.unread) for name, table in raw.items()
        }
        return cls(origin, named, {})

    @classmethod
    def of_path(cls, path: Path) -> Library:
        """A folder of files, or one file. Raises InputError where there is neither."""
        if not os.path.exists(path):
            raise InputError(str(path), "nothing", "a folder or file with tables", "Check the path.")
        if not path.is_dir():
            return cls(str(path), {}, {table_name(path): [path]})
        files: dict[str, list[Path]] = {}
        try:
            for entry in sorted(path.iterdir()):
                if entry.is_file() and is_table_file(entry):
                    files.setdefault(table_name(entry), []).append(entry)
        except OSError as error:
            raise InputError(
                str(path), shown(error.strerror), "a readable folder", "Check its permissions."
            ) from None
        return cls(str(path), {}, files)

    @property
    def names(self) -> list[str]:
        """The names of files and tables that there are."""
        return sorted({*self._held, *self._files})

    def find(self, file: str | None, name: str, layout: Layout) -> Usage:
        """The raw table of a file, and what was taken of it so far.

        file: the name that the mapping gives. None: the file that is named like our table `name`; if there is
        none and only one file, that one. Raises InputError: no such file, or the same name in two formats.
        """
        chosen = file or (name if name in self.names or len(self.names) != 1 else self.names[0])
        if chosen in self._held:
            return self._held[chosen]
        usages = [usage for stem in self._files for usage in self._usages(stem, layout, chosen)]
        for usage in usages:
            if usage.raw.name == chosen:
                return usage
        raise InputError(
            self._origin,
            ", ".join(self.names) or "no file",
            f"a file named {chosen}",
            "Correct `file` in the mapping.",
        )

    def _usages(self, stem: str, layout: Layout, chosen: str) -> list[Usage]:
        """The tables of the files of one name, where the one chosen can be among them."""
        paths = self._files[stem]
        packed = [path for path in paths if path.suffix.lower() == ".zip"]
        if stem != chosen and not packed:
            return []
        if len(paths) > 1 and stem == chosen:
            names = " and ".join(path.name for path in paths)
            raise InputError(
                self._origin, f"both {names}", "one file per table", "Remove one of the two files."
            )
        key = (stem, layout)
        if key not in self._read:
            tables = read_tables(paths[0], layout)
            if len(tables) == 1:
                tables = [RawTable(stem, tables[0].origin, tables[0].data, tables[0].unread)]
            self._read[key] = [Usage(table) for table in tables]
        return self._read[key]

    def unread(self, reasons: Mapping[str, str]) -> Iterator[Unread]:
        """All that no source took: files, tables, columns and rows. reasons: of tables, by name."""
        usages = [*self._held.values(), *(usage for read in self._read.values() for usage in read)]
        taken = {_inner(usage.raw) for usage in usages if usage.kept is not None}
        told: set[tuple[UnreadKind, str, str]] = set()
        for usage in usages:
            for one in _unread(usage):
                key = (one.kind, one.table, one.name)
                if one.kind is UnreadKind.TABLE and (one.name in taken or key in told):
                    continue
                told.add(key)
                yield _with_reason(one, reasons)
        read = {stem for stem, _ in self._read}
        for stem, paths in self._files.items():
            if stem not in read and is_tabular(paths[0]):
                yield _with_reason(unread_file(paths[0]), reasons)


def _inner(raw: RawTable) -> str:
    """The sheet, section or table that a raw table is within its file, as its origin ends."""
    return raw.origin.rpartition(", ")[2].removeprefix("sheet ").removeprefix("section ")


def _with_reason(one: Unread, reasons: Mapping[str, str]) -> Unread:
    if one.kind is not UnreadKind.TABLE or one.name not in reasons:
        return one
    return Unread(one.kind, one.table, one.name, one.count, one.digest, reasons[one.name])


def _unread(usage: Usage) -> list[Unread]:
    """What no source took of a raw table; all of it where none read it."""
    raw = usage.raw
    if usage.kept is not None:
        return unread_of(usage)
    whole = Unread(UnreadKind.TABLE, raw.name, raw.name, raw.data.num_rows, table_digest(raw.data))
    return [whole, *raw.unread]
