"""A ledger as a command is given it: a path, and a mapping file where names differ from ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.ledger.read import raw_tables, read_ledger_with_notes
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.mapping.apply import Returns
    from reconcile.mapping.schema import Mapping
    from reconcile.tables.model import Unread
    from vocabulary.ledger import Ledger

_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A ledger, the returns beside it, what was mapped (a sentence each), and what was not read."""

    ledger: Ledger
    returns: Returns | None
    notes: tuple[str, ...]
    mapped: bool
    unread: tuple[Unread, ...] = ()


def open_ledger(path: str | Path, mapping: str | Path | None = None) -> Opened:
    """Read a ledger, under the names a mapping file gives. Raises InputError."""
    if mapping is None:
        reading = read_ledger_with_notes(path)
        return Opened(reading.ledger, None, reading.notes, mapped=False)
    from reconcile.mapping.apply import apply_mapping
    from reconcile.mapping.schema import read_mapping

    rules = read_mapping(mapping)
    made = apply_mapping(_named(Path(path), rules), rules, origin=str(path))
    return Opened(made.ledger, made.returns, made.notes, mapped=True)


def _named(path: Path, rules: Mapping) -> dict[str, Any]:
    """The files that a mapping names, read; of a folder only those, as it may hold anything."""
    if not path.is_dir():
        return dict(raw_tables(path))
    stems = {table.file for table in rules.tables.values()}
    if rules.returns is not None:
        stems.add(rules.returns.file)
    found: dict[str, Any] = {}
    for stem in sorted(stems):
        files = [path / f"{stem}{suffix}" for suffix in _SUFFIXES if (path / f"{stem}{suffix}").is_file()]
        if len(files) > 1:
            names = " and ".join(file.name for file in files)
            raise InputError(str(path), f"both {names}", "one file a table", "Remove the one not meant.")
        for file in files:
            found.update(raw_tables(file))
    if not found:
        raise InputError(
            str(path),
            "none of the files that the mapping names",
            ", ".join(f"{stem}.parquet or {stem}.csv" for stem in sorted(stems)),
            "Check the path, and `file` in the mapping.",
        )
    return found
