"""Where in a ledger something stands, and how a value of the data is shown in an error."""

from __future__ import annotations

from dataclasses import dataclass

from vocabulary import InputError

SHOWN = 60


def shown(value: object) -> str:
    """The value as Python would write it, control characters escaped, cut after 60 characters."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a table: `origin` is the file's path, or the table's name for data in memory."""

    origin: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.origin}, column {self.column}"


def bad_cell(place: Place, row: int, value: object, expected: str) -> InputError:
    """The error for one cell. row: counted from 0; shown from 1, the header apart."""
    return InputError(
        f"{place}, row {row + 1}",
        shown(value),
        expected,
        "Correct the cell, or leave it empty if nothing is known.",
    )


def bad_column(place: Place, found: str, expected: str, remedy: str) -> InputError:
    """The error for a column as a whole."""
    return InputError(str(place), found, expected, remedy)
