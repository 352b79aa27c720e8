"""Small ledgers and edits of them, for the tests of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from tests import build

import reference
from reconcile.matching.model import Beside
from reconcile.tables.model import Unread, UnreadKind
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Manifest, Table
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, BpsSlippage, Scenario, TimeExit, TopN

DAY = 86_400_000_000_000
WORDS = (Kind.SYMBOL, Kind.WORD)


def sample(
    seed: int = 1, *, symbols: int = 6, bars: int = 20, **settings: Any
) -> tuple[Scenario, Market, Ledger]:
    """A market, a scenario that trades in it a good deal, and the true ledger."""
    market = build.random_market(seed, symbols, bars)
    settings = {
        "initial_cash": 10**8,
        "price_decimals": 2,
        "exits": [TimeExit("time", 4)],
        "commission": BpsCommission(500_000),
        "slippage": BpsSlippage(500_000),
        **settings,
    }
    scenario = build.scenario(settings.pop("selection", TopN("score", 3, gross_long=900_000_000)), **settings)
    return scenario, market, reference.run(scenario, market)


def foreign(tables: Mapping[str, Mapping[str, Sequence[Any]]], **manifest: Any) -> Ledger:
    """A ledger from plain lists. Timestamps are bar numbers; Decimals make an exact column, floats a
    foreign one; None is an empty cell."""
    made = {}
    for name, columns in tables.items():
        cells = {column: column_of(SCHEMA[name][column], values) for column, values in columns.items()}
        rows = len(next(iter(columns.values()))) if columns else 0
        made[name] = Table(name, cells, rows)
    return Ledger(Manifest(**manifest), made)


def column_of(kind: Kind, values: Sequence[Any]) -> Column:
    """One column from plain values."""
    empty = np.array([value is None for value in values], np.bool_)
    missing = empty if empty.any() else None
    full = [value for value in values if value is not None]
    if kind in WORDS:
        words = tuple(dict.fromkeys(full))
        codes = [words.index(value) if value is not None else 0 for value in values]
        return Column(kind, np.array(codes, np.int32), words, None, missing)
    if kind is Kind.TIMESTAMP:
        stamps = [0 if value is None else int(value) * DAY for value in values]
        return Column(kind, np.array(stamps, np.int64), None, None, missing)
    if any(isinstance(value, float) for value in full):
        return Column(kind, np.array([value or 0.0 for value in values], np.float64), None, None, missing)
    numbers = [Decimal(0 if value is None else value) for value in values]
    scale = max([0, *(-int(number.as_tuple().exponent) for number in numbers)])
    whole = [int(number.scaleb(scale)) for number in numbers]
    dtype = np.int64 if all(abs(number) < 2**63 for number in whole) else object
    return Column(kind, np.array(whole, dtype), None, scale, missing)


def with_table(ledger: Ledger, table: Table) -> Ledger:
    """The ledger with one table replaced."""
    return Ledger(ledger.manifest, {**ledger.tables, table.name: table})


def with_column(ledger: Ledger, table: str, name: str, column: Column | None) -> Ledger:
    """The ledger with one column replaced, or taken out."""
    old = ledger.tables[table]
    columns = dict(old.columns)
    if column is None:
        del columns[name]
    else:
        columns[name] = column
    return with_table(ledger, Table(table, columns, old.rows))


def without(ledger: Ledger, *tables: str) -> Ledger:
    """The ledger without some tables."""
    return Ledger(
        ledger.manifest, {name: table for name, table in ledger.tables.items() if name not in tables}
    )


def edited(ledger: Ledger, table: str, name: str, row: int, value: Any) -> Ledger:
    """One cell changed: an integer in the column's unit, a word of its dictionary or a new one, or a
    callable of the old value."""
    column = ledger.tables[table].columns[name]
    values, words = column.values.copy(), column.dictionary
    if column.kind in WORDS:
        words = tuple(words or ())
        old = words[int(values[row])]
        word = value(old) if callable(value) else value
        words = words if word in words else (*words, word)
        values[row] = words.index(word)
    else:
        values[row] = value(values[row].item()) if callable(value) else value
    return with_column(ledger, table, name, replace(column, values=values, dictionary=words))


def rows_of(table: Table, rows: Any) -> Table:
    """Some rows of a table, in the order given."""
    columns = {
        name: replace(
            column,
            values=column.values[rows],
            missing=None if column.missing is None else column.missing[rows],
        )
        for name, column in table.columns.items()
    }
    return Table(table.name, columns, len(np.arange(table.rows)[rows]))


def taking(ledger: Ledger, table: str, rows: Any) -> Ledger:
    """The ledger with only some rows of one table, in the order given."""
    return with_table(ledger, rows_of(ledger.tables[table], np.asarray(rows, np.int64)))


def dropping(ledger: Ledger, table: str, row: int) -> Ledger:
    """The ledger without one row."""
    return taking(ledger, table, np.delete(np.arange(ledger.tables[table].rows), row))


def doubling(ledger: Ledger, table: str, row: int) -> Ledger:
    """The ledger with one row twice."""
    return taking(ledger, table, [*range(ledger.tables[table].rows), row])


def shuffled(ledger: Ledger, seed: int) -> Ledger:
    """Every table with its rows in another order, and its words coded otherwise."""
    rng = np.random.default_rng(seed)
    out = ledger
    for name, table in ledger.tables.items():
        out = taking(out, name, rng.permutation(table.rows))
    tables = {}
    for name, table in out.tables.items():
        columns = dict(table.columns)
        for key, column in columns.items():
            if column.dictionary is not None:
                words = tuple(rng.permutation(np.array([*column.dictionary, "unused"], object)).tolist())
                codes = np.array([words.index(word) for word in column.dictionary], np.int32)
                columns[key] = replace(column, values=codes[column.values], dictionary=words)
        tables[name] = Table(name, columns, table.rows)
    return Ledger(ledger.manifest, tables)


def in_floats(ledger: Ledger) -> Ledger:
    """The ledger as someone else would write it: numbers as doubles, no manifest."""
    tables = {}
    for name, table in ledger.tables.items():
        columns = {}
        for key, column in table.columns.items():
            if column.scale is not None and column.kind is not Kind.COUNT:
                values = np.array([float(Decimal(v).scaleb(-column.scale)) for v in column.values.tolist()])
                column = replace(column, values=values, scale=None)
            columns[key] = column
        tables[name] = Table(name, columns, table.rows)
    return Ledger(Manifest(), tables)


def stating(ledger: Ledger, **manifest: Any) -> Ledger:
    """The ledger with other values in its manifest."""
    return Ledger(replace(ledger.manifest, **manifest), ledger.tables)


def beside(
    name: str, digests: tuple[str | None, str | None] = ("a", "b"), reason: str | None = None
) -> tuple[Beside, Beside]:
    """A column that both sources hold and that was not read."""
    reference, candidate = (
        Beside((Unread(UnreadKind.COLUMN, "trades", name, 2, digest, reason),)) for digest in digests
    )
    return reference, candidate
