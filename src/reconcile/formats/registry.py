"""All formats, the one that a file is in, and ledgers read by a format's name."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reconcile.formats import (
    alpaca,
    backtesting,
    backtrader,
    bt,
    cvxportfolio,
    freqtrade,
    ib_flex,
    lean,
    metatrader5,
    ml4t,
    nautilus,
    pybroker,
    pyfolio,
    qlib,
    tradingview,
    vectorbt,
    zipline,
)
from reconcile.formats.model import Format, Options
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.library import Library
from reconcile.mapping.notes import of_unread
from reconcile.mapping.open import Opened
from reconcile.mapping.read import mapping_from
from reconcile.tables.intake import read_tables, table_name
from reconcile.text.escape import printable
from vocabulary.errors import InputError

FORMATS: tuple[Format, ...] = (
    vectorbt.FORMAT,
    backtesting.FORMAT,
    backtrader.FORMAT,
    bt.FORMAT,
    zipline.FORMAT,
    nautilus.FORMAT,
    pybroker.FORMAT,
    ml4t.FORMAT,
    freqtrade.FORMAT,
    tradingview.FORMAT,
    metatrader5.FORMAT,
    lean.FORMAT,
    alpaca.FORMAT,
    pyfolio.FORMAT,
    ib_flex.FORMAT,
    cvxportfolio.FORMAT,
    qlib.FORMAT,
)
"""In the order in which they are tried: the more particular ones first."""
AUTO = "auto"
HEAD, LINES = 65_536, 40
"""Bytes and lines of a text file among which its header is looked for."""


def find_format(name: str) -> Format:
    """The format of a name. Raises InputError, with the nearest name, where there is none."""
    for one in FORMATS:
        if one.name == name:
            return one
    known = [one.name for one in FORMATS]
    near = get_close_matches(name, known, 1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Use a mapping: reconcile import --suggest FILE."
    raise InputError("format", repr(name), ", ".join(known), remedy)


@dataclass(frozen=True, slots=True)
class Head:
    """What may be the header of a table. line: its place in a text file. separator: None if it is no text."""

    columns: tuple[str, ...]
    line: int = 0
    separator: str | None = None

    def layout(self) -> dict[str, Any]:
        """The layout under which this is the header."""
        if self.separator is None:
            return {}
        return {"separator": self.separator, **({"header": list(self.columns[:3])} if self.line else {})}


def recognise(path: Path) -> Format | None:
    """The one format that a file is in, by its shape; None for none, or for more than one."""
    owner = next((one for one in FORMATS if one.owns is not None and one.owns(path)), None)
    if owner is not None or path.is_dir():
        return owner
    heads = _heads(path)
    found = [one for one in FORMATS if any(one.recognises(head.columns) for head in heads)]
    return found[0] if len(found) == 1 else None


def open_format(name: str, path: Path, options: Options | None = None) -> Opened:
    """Read a file by a format's name, or by its shape (`auto`). The notes say what it was taken for.

    Raises InputError: another shape, an unknown name, a cell that does not fit.
    """
    options = options or Options()
    chosen = _recognised(path) if name == AUTO else find_format(name)
    taken = f"read as {chosen.title}; it does not record {', '.join(chosen.lacks)}"
    if chosen.tables is not None:
        tables = chosen.tables(path, options)
        rules: Any = chosen.rules(table_name(path), tuple(tables), options)
        opened = _applied(Library.of_tables(tables, str(path)), rules, str(path))
    else:
        head = _head_of(chosen, path)
        rules = dict(chosen.rules(table_name(path), head.columns, options))
        if head.layout():
            rules = {"layout": head.layout(), **rules}
        opened = _applied(Library.of_path(path), rules, str(path))
    if chosen.tidy is not None:
        ledger, told = chosen.tidy(opened.ledger)
        opened = replace(opened, ledger=ledger, notes=(*told, *opened.notes))
    return replace(opened, notes=(taken, *opened.notes))


def _applied(library: Library, rules: Any, origin: str) -> Opened:
    made = apply_mapping(library, mapping_from(rules, origin="format"), origin=origin)
    notes = (*made.notes, *(of_unread(one) for one in made.unread))
    return Opened(made.ledger, made.returns, notes, mapped=True, unread=made.unread)


def _recognised(path: Path) -> Format:
    found = recognise(path)
    if found is None:
        remedy = "Name its format, or write a mapping: reconcile import --suggest FILE."
        known = ", ".join(one.name for one in FORMATS)
        raise InputError(str(path), "a file in none of these formats", known, remedy)
    return found


def _head_of(one: Format, path: Path) -> Head:
    """The header that a format recognises. Raises InputError where there is none, or nothing to read."""
    heads = _heads(path)
    for head in heads:
        if one.recognises(head.columns):
            return head
    if not heads:
        read_tables(path)  # says why it cannot be read
    shown = ", ".join(heads[0].columns) if heads else "none"
    found = f"a table with the columns {printable(shown, 160)}"
    raise InputError(
        str(path), found, f"an export of {one.title}: {one.export}", "Name its format, or use a mapping."
    )


def _heads(path: Path) -> list[Head]:
    """What may be the header of a file: of text each of its first lines, else those of its tables."""
    if path.suffix not in (".csv", ".txt", ".tsv"):
        try:
            tables = read_tables(path)
        except InputError:
            return []
        return [Head(tuple(str(name) for name in table.data.column_names)) for table in tables]
    try:
        with path.open("rb") as file:
            start = file.read(HEAD)
    except OSError:
        return []
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    heads = []
    for number, line in enumerate(start.decode(encoding, "replace").splitlines()[:LINES]):
        for mark in ",;\t":
            cells = tuple(cell.strip() for cell in next(csv.reader([line], delimiter=mark), []))
            if len(cells) > 2:
                heads.append(Head(tuple(cell for cell in cells if cell), number, mark))
    return heads
