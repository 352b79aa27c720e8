"""A ledger's rows by bar, as plain values in a scenario's units: what the resync reads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from reconcile.comparison.axis import TIME
from reconcile.comparison.columns import WORDS, is_float
from vocabulary.ledger import Column, Kind, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import Scenario

Cell = int | Fraction | float | str | None
"""An integer in the scenario's unit; a Fraction of that unit where it is no whole one; NaN or an infinity as
it stands; a word; None for an empty cell."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. at: its place in the table. symbol: its place in the market, -1 for tables without one."""

    at: int
    symbol: int
    cells: dict[str, Cell]

    def whole(self, column: str) -> int | None:
        """A number rounded to a whole unit, None where there is none."""
        value = self.cells.get(column)
        if isinstance(value, int):
            return value
        return round(value) if isinstance(value, Fraction) else None


Bars = dict[int, list[Row]]


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """Rows of each table by bar (targets and orders: of the decision), in table order.

    columns: what each table has. due: orders by the bar they execute at (None: no such column).
    stray: (table, row) of rows at no bar of the market, or for no symbol of it.
    """

    tables: dict[str, Bars]
    columns: dict[str, frozenset[str]]
    due: Bars | None
    stray: tuple[tuple[str, int], ...]

    def at(self, table: str, bar: int) -> list[Row]:
        """Rows of a bar; none where the table is lacking."""
        return self.tables.get(table, {}).get(bar, [])

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether there is such a table, or column."""
        return table in self.columns if column is None else column in self.columns.get(table, ())


def read_rows(ledger: Ledger, scenario: Scenario, market: Market) -> LedgerRows:
    """Sort a ledger's rows into the bars of a market."""
    bars = {int(stamp): t for t, stamp in enumerate(market.timestamps.tolist())}
    places = {symbol: s for s, symbol in enumerate(market.symbols)}
    tables: dict[str, Bars] = {}
    columns: dict[str, frozenset[str]] = {}
    due: Bars | None = None
    stray: list[tuple[str, int]] = []
    for name, table in ledger.tables.items():
        if TIME[name] not in table.columns:
            continue
        columns[name] = frozenset(table.columns)
        tables[name] = defaultdict(list)
        rows = _rows(table, scenario, places)
        for row in rows:
            bar = bars.get(_stamp(row, TIME[name]), -1)
            if bar < 0 or (row.symbol < 0 and "symbol" in table.columns):
                stray.append((name, row.at))
                continue
            tables[name][bar].append(row)
        if name == "orders" and "executes_at" in table.columns:
            due = defaultdict(list)
            for row in rows:
                if row.symbol >= 0:
                    due[bars.get(_stamp(row, "executes_at"), -1)].append(row)
    return LedgerRows(tables, columns, due, tuple(stray))


def _stamp(row: Row, column: str) -> int:
    value = row.cells[column]
    return value if isinstance(value, int) else -1


def _rows(table: Table, scenario: Scenario, places: dict[str, int]) -> list[Row]:
    names = list(table.columns)
    if not names:
        return []
    by_column = [cells(column, scale_of(column.kind, scenario)) for column in table.columns.values()]
    out = []
    for at, values in enumerate(zip(*by_column, strict=True)):
        row = dict(zip(names, values, strict=True))
        out.append(Row(at, places.get(str(row.get("symbol")), -1), row))
    return out


def scale_of(kind: Kind, scenario: Scenario) -> int:
    """Decimals of a kind of number in a scenario's units (section U)."""
    price, quantity = scenario.market.price_decimals, scenario.market.quantity_decimals
    scales = {Kind.PRICE: price, Kind.QUANTITY: quantity, Kind.MONEY: price + quantity, Kind.RATE: 9}
    return scales.get(kind, 0)


def cells(column: Column, scale: int) -> list[Any]:
    """The cells of a column in units of 10**-scale."""
    if column.kind in WORDS:
        words = column.dictionary or ()
        out: list[Any] = [words[code] if code >= 0 else None for code in column.values.tolist()]
    elif is_float(column):
        out = _from_doubles(column, scale)
    else:
        out = _from_exact(column, scale)
    if column.missing is not None:
        for at in np.flatnonzero(column.missing):
            out[at] = None
    return out


def _from_exact(column: Column, scale: int) -> list[Any]:
    values = column.values.tolist()
    apart = scale - (column.scale or 0)
    if column.kind is Kind.TIMESTAMP or apart == 0:
        return list(values)
    if apart > 0:
        return [value * 10**apart for value in values]
    divisor = 10**-apart
    return [value // divisor if value % divisor == 0 else Fraction(value, divisor) for value in values]


def _from_doubles(column: Column, scale: int) -> list[Any]:
    """A double that is the nearest to a whole number of units is that number."""
    values = column.values.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.rint(values * 10.0**scale)
        fits = np.isfinite(values) & (np.abs(whole) < 2**53) & (whole / 10.0**scale == values)
    out: list[Any] = []
    for value, unit, fit in zip(values.tolist(), whole.tolist(), fits.tolist(), strict=True):
        if fit:
            out.append(int(unit))
        else:
            out.append(Fraction(repr(value)) * 10**scale if np.isfinite(value) else value)
    return out
