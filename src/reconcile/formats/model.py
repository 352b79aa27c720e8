"""What is known of one export format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from reconcile.formats.tidy import Tidied
from vocabulary.ledger import Ledger

Columns: TypeAlias = Sequence[str]
Rules: TypeAlias = Mapping[str, Any]
"""A mapping file's content, as docs/mapping.md describes it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not hold. symbol: of a file about one. zone: of clock times."""

    symbol: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """One export format.

    name: as it is typed. title: as it is called. export: how the file is made. recognises: whether a
    table with these columns is one. rules: the mapping for a file (its name without ending) with these
    columns. lacks: what it does not record, one phrase each. owns, tables: of a format that is no plain
    table, whether a file or folder is one, and its tables by name, of which `rules` takes those it knows.
    tidy: takes off what the engine puts around symbols or times, of files and of live objects.
    """

    name: str
    title: str
    export: str
    recognises: Callable[[Columns], bool]
    rules: Callable[[str, Columns, Options], Rules]
    lacks: tuple[str, ...]
    owns: Callable[[Path], bool] | None = None
    tables: Callable[[Path, Options], Mapping[str, Any]] | None = None
    tidy: Callable[[Ledger], Tidied] | None = None


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


def time_rules(options: Options, default: str | None = None) -> dict[str, Any]:
    """[time] for stamps of a zone: instants become clock times of that zone."""
    zone = options.zone or default
    return {"time": {"zone": zone, "naive": True}} if zone else {}
