"""What engines put around a name or a time, taken off: a venue behind a symbol, the end of a day."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from reconcile.text.escape import printable
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Kind, Ledger, Table

Tidied: TypeAlias = tuple[Ledger, tuple[str, ...]]
"""A ledger, and what was changed in it, one sentence each."""
UNNAMED = frozenset({"ASSET", "SYMBOL"})
"""What the symbol of an export is called that does not name it."""
DAY, MILLISECOND = 86_400_000_000_000, 1_000_000
ASSET = re.compile(r"(?:Equity|Future|Asset|ContinuousFuture)\(\d+ \[(?P<symbol>[^\]]+)\]\)")
"""An asset of zipline, printed: `Equity(8554 [SPY])`."""
LEVELS = re.compile(r"\(.*, '(?P<last>[^']+)'\)")
"""A column's label of several levels, the last one the symbol, printed: `(10, 'SPY')`."""


def without_venues(ledger: Ledger) -> Tidied:
    """Symbols without the venue behind their last dot: `AAPL` for `AAPL.XNAS`."""
    return _renamed(ledger, lambda word: word.rpartition(".")[0] or word, "the venue")


def without_asset_marks(ledger: Ledger) -> Tidied:
    """Symbols of zipline's assets: `SPY` for `Equity(8554 [SPY])`."""
    return _renamed(ledger, lambda word: ASSET.sub(lambda found: found["symbol"], word), "its asset's number")


def without_parameters(ledger: Ledger) -> Tidied:
    """Symbols without the parameters of the run that stand before them: `AAPL` for `(10, 'AAPL')`."""

    def last(word: str) -> str:
        found = LEVELS.fullmatch(word)
        return found["last"] if found is not None else word

    return _renamed(ledger, last, "what stands before a symbol in its column's label")


def named_as(ledger: Ledger, other: Ledger) -> Tidied:
    """An export about one symbol, which does not name it, under the only symbol of another ledger."""
    own, theirs = symbols_in(ledger), symbols_in(other)
    if len(own) != 1 or not own <= UNNAMED or len(theirs) != 1 or theirs <= UNNAMED:
        return ledger, ()
    (word,), (symbol,) = own, theirs
    named, _ = _renamed(ledger, lambda _: symbol, "its name")
    return named, (f"{word} is taken to be {printable(symbol, 60)}, the only symbol of the other ledger",)


def under_symbol(ledger: Ledger, symbol: str, origin: str) -> Tidied:
    """An export about one symbol under the name that is given. Raises InputError: it is about several."""
    own = symbols_in(ledger) - {""}  # that of a flow of cash
    if len(own) > 1:
        found = f"the symbols {printable(', '.join(sorted(own)), 120)}"
        expected = f"one symbol, which {printable(symbol, 60)} would name"
        raise InputError(origin, found, expected, "Leave out --symbol: the file names its symbols.")
    if own <= {symbol}:
        return ledger, ()
    (word,) = own
    named, _ = _renamed(ledger, lambda one: one and symbol, "its name")
    return named, (f"{printable(word, 60)} is called {printable(symbol, 60)}, the symbol that is given",)


def without_session_ends(ledger: Ledger) -> Tidied:
    """Stamps in the last millisecond of a day, which is how daily bars are stamped, cut to the day."""
    changed = 0
    tables = dict(ledger.tables)
    for name, table in ledger.tables.items():
        columns = dict(table.columns)
        for label, column in table.columns.items():
            if column.kind is Kind.TIMESTAMP:
                within = column.values % DAY
                ends = within >= DAY - MILLISECOND
                changed += int(np.count_nonzero(ends))
                columns[label] = replace(column, values=np.where(ends, column.values - within, column.values))
        tables[name] = Table(name, columns, table.rows)
    if not changed:
        return ledger, ()
    note = f"{changed:,} stamps at the end of a day are taken as that day"
    return replace(ledger, tables=tables), (note,)


def with_days(ledger: Ledger) -> Tidied:
    """Instants of which no two are of one day as the days: daily bars that are stamped with their open."""
    stamps = [
        column.values
        for table in ledger.tables.values()
        for column in table.columns.values()
        if column.kind is Kind.TIMESTAMP
    ]
    found = np.unique(np.concatenate(stamps)) if stamps else np.array([], np.int64)
    if ledger.manifest.timezone is None or not (found % DAY).any() or not np.diff(found // DAY).all():
        return ledger, ()
    tables = {}
    for name, table in ledger.tables.items():
        columns = {
            label: replace(column, values=column.values - column.values % DAY)
            if column.kind is Kind.TIMESTAMP
            else column
            for label, column in table.columns.items()
        }
        tables[name] = Table(name, columns, table.rows)
    note = "no two stamps are of one day: they are taken as days, of UTC"
    return replace(ledger, tables=tables, manifest=replace(ledger.manifest, timezone=None)), (note,)


def symbols_in(ledger: Ledger) -> set[str]:
    """The symbols of all tables."""
    return {
        word
        for table in ledger.tables.values()
        for column in table.columns.values()
        if column.kind is Kind.SYMBOL
        for word in column.dictionary or ()
    }


def _renamed(ledger: Ledger, ours: Callable[[str], str], what: str) -> Tidied:
    """Symbols under other names. They stay as they are where two of them would get the same one."""
    names = {word: ours(word) for word in symbols_in(ledger)}
    first = next((word for word in sorted(names) if names[word] != word), None)
    if first is None:
        return ledger, ()
    if len(set(names.values())) < len(names):
        return ledger, (f"symbols keep {what}: without it, two of them have the same name",)
    tables = {
        name: Table(
            name, {label: _relabelled(column, names) for label, column in table.columns.items()}, table.rows
        )
        for name, table in ledger.tables.items()
    }
    note = f"{what} is taken off each symbol: {printable(first, 60)} is {printable(names[first], 60)}"
    return replace(ledger, tables=tables), (note,)


def _relabelled(column: Column, names: dict[str, str]) -> Column:
    if column.kind is not Kind.SYMBOL:
        return column
    return replace(column, dictionary=tuple(names[word] for word in column.dictionary or ()))
