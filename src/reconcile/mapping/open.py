"""A ledger as a command is given it: a path, and a mapping file where names differ from ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.ledger.read import read_ledger_with_notes

if TYPE_CHECKING:
    from reconcile.mapping.apply import Returns
    from reconcile.mapping.schema import Mapping
    from reconcile.tables.model import Unread
    from vocabulary.ledger import Ledger


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A ledger, the returns beside it, what was mapped (a sentence each), and what was not read."""

    ledger: Ledger
    returns: Returns | None
    notes: tuple[str, ...]
    mapped: bool
    unread: tuple[Unread, ...] = ()


def open_ledger(path: str | Path, mapping: str | Path | None = None) -> Opened:
    """Read a ledger, under the names a mapping file gives. Raises InputError.

    A mapping of unconfirmed guesses is refused.
    """
    if mapping is None:
        reading = read_ledger_with_notes(path)
        return Opened(reading.ledger, None, reading.notes, mapped=False, unread=reading.unread)
    from reconcile.mapping.read import confirmed_mapping

    return open_mapped(Path(path), confirmed_mapping(mapping))


def open_mapped(path: Path, rules: Mapping) -> Opened:
    """Read a ledger under the names of a mapping."""
    from reconcile.mapping.apply import apply_mapping
    from reconcile.mapping.library import Library
    from reconcile.mapping.notes import of_unread

    made = apply_mapping(Library.of_path(path), rules, origin=str(path))
    notes = (*made.notes, *(of_unread(one) for one in made.unread))
    return Opened(made.ledger, made.returns, notes, mapped=True, unread=made.unread)
