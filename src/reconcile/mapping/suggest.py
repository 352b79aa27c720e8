"""A mapping file of guesses about an unknown file, for a person to correct and confirm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconcile.files.limits import no_file
from reconcile.files.places import shown
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.draft import Draft, settings_lines
from reconcile.mapping.library import Library
from reconcile.mapping.read import mapping_from
from reconcile.mapping.roles import roles_of
from reconcile.mapping.shapes import bought_and_sold, combined_side
from reconcile.mapping.sniff import Guess, guessed_layout, layout_of, numbers_of
from reconcile.mapping.times import examples_of, times_of
from reconcile.mapping.words import AMOUNT, NAMELESS, words_of
from reconcile.tables.cells import as_text, is_text
from reconcile.tables.intake import read_tables, table_name
from reconcile.tables.model import RawTable
from reconcile.text.escape import printable
from vocabulary.errors import InputError

_ROWS = 5000
"""Rows that guesses are made from."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The text of a mapping file, and how many questions it asks. reads: whether the file reads so."""

    text: str
    questions: int
    reads: bool = True


def suggest(path: Path) -> Suggestion:
    """A mapping file for an unknown file. Guesses stand below their evidence; doubts are questions.

    Raises InputError where the file holds no table that can be read.
    """
    found = no_file(path)
    if found is not None:
        raise InputError(str(path), found, "a file with a table", "Check the path, or name a file in it.")
    layout = layout_of(path)
    try:
        tables = read_tables(path, guessed_layout(layout))
    except InputError as error:
        return _unread(path, layout, error)
    raw = max(tables, key=lambda table: table.data.num_rows)
    stem = table_name(path) if len(tables) == 1 else raw.name
    raw = RawTable(stem, raw.origin, raw.data.slice(0, _ROWS), raw.unread)
    texts = {name: as_text(raw.data.column(name)) for name in raw.data.column_names}
    cells = {name: column.to_pylist() for name, column in texts.items()}
    combined, pair = combined_side(cells), bought_and_sold(cells)
    given = {"quantity": combined.name} if combined else {"quantity": _difference(*pair)} if pair else {}
    written = [
        name
        for name in cells
        if is_text(raw.data.schema.field(name).type)
        and (AMOUNT.search(words_of(name)) or NAMELESS.fullmatch(name))
        and name not in given.values()
    ]
    numbers = numbers_of((name, cells[name]) for name in written)
    if combined is not None:
        numbers.say(
            "units", [*combined.buys, *combined.sells], f"they are the sides in {shown(combined.name)}"
        )
    table, columns = roles_of(raw, texts, cells, numbers, given)
    time = times_of(raw, columns)
    if combined is not None:
        columns.say(
            "quantity", combined.name, f"a side and a number, as in {examples_of(cells[combined.name])}"
        )
    elif pair is not None:
        columns.say("quantity", given["quantity"], f"each row fills {shown(pair[0])} or {shown(pair[1])}")
    groups = {"layout": layout, "numbers": numbers, "time": time}
    draft = Draft(raw, table, columns, cells, groups, combined, pair or ())
    text = "\n".join(draft.lines()) + "\n"
    trouble = _trouble(path, text)
    if trouble is not None:
        draft.questions.append(f"Read so, the file gives an error: {trouble}")
        text = "\n".join(draft.lines()) + "\n"
    return Suggestion(text, len(draft.questions), trouble is None)


def _unread(path: Path, layout: Guess, error: InputError) -> Suggestion:
    """What can be reported about a file whose layout a person has to describe first."""
    questions = [*layout.questions, f"Where is the table? {_told(error)}"]
    lines = [
        f"# Guesses about {shown(str(path))}, whose table could not be found.",
        *(f"# question: {question}" for question in questions),
        "confirmed = false",
        "",
        "[layout]",
        *settings_lines(layout),
        "",
        "[tables.fills]",
    ]
    return Suggestion("\n".join(lines) + "\n", len(questions), reads=False)


def _told(error: InputError) -> str:
    """An error on one line, whatever the file wrote into it."""
    return printable(f"{error.where}: found {error.found}, expected {error.expected}")


def _difference(bought: str, sold: str) -> str:
    """A formula: what was bought less what was sold."""
    return f"= default([{bought}], 0) - default([{sold}], 0)"


def _trouble(path: Path, text: str) -> str | None:
    """What goes wrong when the guesses are followed, None where nothing does."""
    import tomllib

    try:
        apply_mapping(Library.of_path(path), mapping_from(tomllib.loads(text), origin="guesses"))
    except InputError as error:
        return _told(error)
    return None
