"""How the numbers of an export are written, and whether its end is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconcile.formats.peek import Head
from reconcile.mapping.sniff import numbers_of
from reconcile.tables.intake import TEXT
from vocabulary.ledger import SCHEMA, Kind

NUMBERS = (Kind.PRICE, Kind.QUANTITY, Kind.MONEY, Kind.RATE)


def number_form(rules: Mapping[str, Any], head: Head) -> dict[str, str]:
    """`decimal` and `thousands` of an export that a spreadsheet saved with a decimal comma; else nothing.

    A number that could be read in two ways decides nothing: it is then an error where it is read.
    """
    columns = [name for name in dict.fromkeys(_number_columns(rules)) if name in head.cells]
    return comma_form({name: head.below(name) for name in columns})


def comma_form(cells: Mapping[str, list[str]]) -> dict[str, str]:
    """The same for columns of cells."""
    guess = numbers_of(cells.items())
    if guess.questions or guess.settings.get("decimal") != ",":
        return {}
    return {key: guess.settings[key] for key in ("decimal", "thousands") if key in guess.settings}


def cut_off(path: Path) -> list[str]:
    """A note where the last line of a text file has no end: it may have been cut there."""
    if path.is_dir() or path.suffix.lower() not in TEXT:
        return []
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 2))
        end = file.read()
    if not end or end.endswith((b"\n", b"\r", b"\n\0", b"\0\n")):
        return []
    said = f"the last line of {path.name} has no end"
    return [f"{said}: if the file was cut there, its last row is not whole"]


def _number_columns(rules: Mapping[str, Any]) -> Iterator[str]:
    """Their columns that become numbers of ours."""
    for name, given in rules["tables"].items():
        for table in given if isinstance(given, list) else [given]:
            trips = table.get("round_trips", {})
            parts = (table.get("columns", {}), trips.get("open", {}), trips.get("close", {}))
            for part in parts:
                yield from (theirs for ours, theirs in part.items() if SCHEMA[name][ours] in NUMBERS)
            yield from (ours for ours, kind in SCHEMA[name].items() if kind in NUMBERS)
    yield from filter(None, [rules.get("returns", {}).get("column")])
