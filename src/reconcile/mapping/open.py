"""A ledger as a command is given it: a path, and a mapping file where names differ from ours."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.files.limits import no_file
from reconcile.files.places import shown
from reconcile.ledger.read import read_ledger_with_notes
from reconcile.tables.intake import is_table_file, read_tables
from vocabulary.errors import InputError
from vocabulary.ledger import KEYS, SCHEMA

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
        try:
            reading = read_ledger_with_notes(path)
        except InputError as error:
            raise _proposed(Path(path)) or error from None
        return Opened(reading.ledger, None, reading.notes, mapped=False, unread=reading.unread)
    from reconcile.mapping.read import confirmed_mapping

    return open_mapped(Path(path), confirmed_mapping(mapping))


def _proposed(path: Path) -> InputError | None:
    """How a table under names of its own can be read; None where its names are ours, or it is no table."""
    if no_file(path) is not None or not is_table_file(path):
        return None
    try:
        names = [name for table in read_tables(path) for name in table.data.column_names]
    except InputError:
        names = []  # laid out in another way than ours are
    if any(set(names).issuperset(keys) for keys in KEYS.values()):
        return None
    from reconcile.mapping.suggest import suggest

    try:
        made = suggest(path)
    except InputError:
        return None
    if not made.reads:
        return None
    questions = "1 question" if made.questions == 1 else f"{made.questions} questions"
    asked = f", with {questions} to answer" if made.questions else ""
    command = f"reconcile import --suggest {shlex.quote(str(path))} --out names.toml"
    remedy = (
        f"Its columns can stay as they are: {command} writes a mapping file{asked}. Look at it, write "
        "`confirmed = true` into it, and add --mapping names.toml. Exports that need none: "
        "reconcile import --formats."
    )
    found = f"columns {', '.join(map(shown, names[:12]))}" if names else "a table laid out in its own way"
    return InputError(str(path), found, f"the columns of one table: {', '.join(SCHEMA)}", remedy)


def open_mapped(path: Path, rules: Mapping) -> Opened:
    """Read a ledger under the names of a mapping."""
    from reconcile.mapping.apply import apply_mapping
    from reconcile.mapping.library import Library
    from reconcile.mapping.notes import of_unread

    made = apply_mapping(Library.of_path(path), rules, origin=str(path))
    notes = (*made.notes, *(of_unread(one) for one in made.unread))
    return Opened(made.ledger, made.returns, notes, mapped=True, unread=made.unread)
