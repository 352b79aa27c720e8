"""All formats, the one that a file is in, and ledgers read by a format's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reconcile.files.limits import no_file
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
from reconcile.formats.peek import Head, Peek
from reconcile.formats.tidy import under_symbol
from reconcile.formats.written import cut_off, number_form
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.library import Library
from reconcile.mapping.notes import of_unread
from reconcile.mapping.open import Opened
from reconcile.mapping.read import mapping_from
from reconcile.tables.intake import read_tables, table_name
from reconcile.tables.layout import Layout
from reconcile.tables.settings import settings_from
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
"""In the order in which they are listed: engines, then brokers."""
AUTO = "auto"


def find_format(name: str) -> Format:
    """The format of a name. Raises InputError, with the nearest name, where there is none."""
    for one in FORMATS:
        if one.name == name:
            return one
    known = [one.name for one in FORMATS]
    near = get_close_matches(name, known, 1)
    remedy = f"Did you mean {near[0]!r}?" if near else "Use a mapping: reconcile import --suggest FILE."
    raise InputError("format", repr(name), ", ".join(known), remedy)


def fitting(path: Path) -> list[Format]:
    """All formats that a file or folder can be in, by its shape. A pipe is in none: it is not waited for."""
    if no_file(path) not in (None, "a folder"):
        return []
    peek = Peek(path)
    return [one for one in FORMATS if _shape(one, peek) is not None]


def recognise(path: Path) -> Format | None:
    """The one format that a file is in, by its shape; None for none. Raises InputError where several fit."""
    found = fitting(path)
    if len(found) > 1:
        titles = " and ".join(one.title for one in found)
        names = " or ".join(f"reconcile import {one.name} {path} --out FOLDER" for one in found)
        raise InputError(str(path), f"a file that fits {titles}", "one format", f"Say which: {names}.")
    return found[0] if found else None


def open_format(name: str, path: Path, options: Options | None = None) -> Opened:
    """Read a file by a format's name, or by its shape (`auto`). The notes say what it was taken for.

    Raises InputError: another shape, an unknown name, a cell that does not fit.
    """
    options = options or Options()
    reason = no_file(path)
    if reason not in (None, "a folder"):
        raise InputError(str(path), str(reason), "a file or folder that an engine wrote", "Check the path.")
    chosen = _recognised(path) if name == AUTO else find_format(name)
    peek = Peek(path)
    shape, head = _shape(chosen, peek) or _refuse(chosen, peek)
    taken = f"read as {shape.title}; it does not record {', '.join(shape.lacks)}"
    opened = _own_tables(shape, path, options) if head is None else _plain(shape, head, path, options)
    if shape.tidy is not None:
        ledger, told = shape.tidy(opened.ledger)
        opened = replace(opened, ledger=ledger, notes=(*told, *opened.notes))
    if options.symbol is not None:
        ledger, told = under_symbol(opened.ledger, options.symbol, str(path))
        opened = replace(opened, ledger=ledger, notes=(*told, *opened.notes))
    empty = [f"no row of {table.name} is in it" for table in opened.ledger.tables.values() if not table.rows]
    return replace(opened, notes=(taken, *cut_off(path), *empty, *opened.notes))


def _shape(one: Format, peek: Peek) -> tuple[Format, Head | None] | None:
    """Which table of a format a file is, and its header; no header where the format reads it itself."""
    for shape in (one, *one.also):
        if shape.owns is not None and shape.owns(peek):
            return shape, None
        for head in peek.heads:
            if shape.recognises(head.columns):
                return shape, head
    return None


def _own_tables(shape: Format, path: Path, options: Options) -> Opened:
    assert shape.tables is not None
    made = shape.tables(path, options)
    rules = shape.rules(table_name(path), tuple(made.named), options)
    opened = _applied(Library.of_tables(made.named, str(path)), rules, str(path))
    return replace(opened, notes=(*made.notes, *opened.notes))


def _plain(shape: Format, head: Head, path: Path, options: Options) -> Opened:
    rules: dict[str, Any] = dict(shape.rules(table_name(path), head.columns, options))
    rules["layout"] = head.layout
    written = number_form(rules, head)
    rules["numbers"] = {**rules.get("numbers", {}), **written}
    notes = [f"numbers are written with a decimal comma in {path.name}"] if written else []
    if shape.check is not None:
        for table in read_tables(path, settings_from(Layout, head.layout, "format")):
            notes += shape.check(table)
    opened = _applied(Library.of_path(path), rules, str(path))
    return replace(opened, notes=(*notes, *opened.notes))


def _applied(library: Library, rules: Mapping[str, Any], origin: str) -> Opened:
    made = apply_mapping(library, mapping_from(rules, origin="format"), origin=origin)
    notes = (*made.notes, *(of_unread(one) for one in made.unread))
    return Opened(made.ledger, made.returns, notes, mapped=True, unread=made.unread)


def _recognised(path: Path) -> Format:
    found = recognise(path)
    if found is None:
        Peek(path).refuse_unreadable()
        remedy = "Name its format, or write a mapping: reconcile import --suggest FILE."
        known = ", ".join(one.name for one in FORMATS)
        raise InputError(str(path), "a file in none of these formats", known, remedy)
    return found


def _refuse(one: Format, peek: Peek) -> tuple[Format, Head | None]:
    """Raises InputError: what a file is instead. A format that reads files itself says it better."""
    if one.tables is not None:
        return one, None
    if not peek.heads:
        peek.refuse_unreadable()
    shown = ", ".join(peek.heads[0].columns) if peek.heads else "none"
    exports = "; or ".join(shape.export for shape in (one, *one.also))
    raise InputError(
        str(peek.path),
        f"a table with the columns {printable(shown, 160)}",
        f"an export of {one.title}: {exports}",
        "Name its format, or use a mapping: reconcile import --suggest FILE.",
    )
