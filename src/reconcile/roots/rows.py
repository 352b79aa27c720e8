"""A ledger's rows by bar, as plain values in a scenario's units, and the fills and holdings they state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from reconcile.files.decimals import unit_scales
from reconcile.matching.cells import WORDS, is_float
from reconcile.matching.noise import MOST as NOISE
from reference import book, commission_of, raw_price
from vocabulary.ledger import TIME_COLUMN, Column, Kind, Ledger
from vocabulary.market import Market
from vocabulary.scenario import CashPolicy, Scenario
from vocabulary.state import Fill, Position, Side, State

NEAR = 1e-3
"""The most of a unit that is taken for noise."""

Cell = int | Fraction | float | str | None
"""An int counts the scenario's unit; a Fraction is a number between two units; a float is NaN or an infinity;
a str is a word; None is an empty cell."""


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


@dataclass(frozen=True, slots=True)
class TableRows:
    """One table as lists of cells, and its rows by bar.

    columns: cells in table order. symbols: the place of each row's symbol in the market.
    by_bar: row numbers of a bar, in table order. cache: rows made so far.
    """

    columns: dict[str, list[Any]]
    symbols: list[int]
    by_bar: dict[int, list[int]]
    cache: dict[int, list[Row]]

    def at(self, bar: int) -> list[Row]:
        """The rows of a bar, in table order."""
        if bar not in self.cache:
            self.cache[bar] = [self.row(i) for i in self.by_bar.get(bar, [])]
        return self.cache[bar]

    def row(self, at: int) -> Row:
        """One row."""
        return Row(at, self.symbols[at], {name: cells[at] for name, cells in self.columns.items()})


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The rows of each table by bar, in table order; targets and orders stand at the bar of the decision.

    stray: (table, row) of rows whose time is no bar, or whose symbol is none, of the market.
    """

    tables: dict[str, TableRows]
    stray: tuple[tuple[str, int], ...]

    def at(self, table: str, bar: int) -> list[Row]:
        """The rows of a table at a bar; none where there is no such table."""
        return self.tables[table].at(bar) if table in self.tables else []

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether there is such a table, or column."""
        return table in self.tables and (column is None or column in self.tables[table].columns)


def read_rows(
    ledger: Ledger,
    scenario: Scenario,
    market: Market,
    intended: Mapping[tuple[str, int], int] | None = None,
) -> LedgerRows:
    """Sort a ledger's rows into the bars of a market.

    intended: (table, row) -> place in the market of the symbol that a row is meant for, where the market does
        not know the symbol in the row.
    """
    places = {symbol: s for s, symbol in enumerate(market.symbols)}
    tables: dict[str, TableRows] = {}
    stray: list[tuple[str, int]] = []
    for name, table in ledger.tables.items():
        if TIME_COLUMN[name] not in table.columns:
            continue
        columns = {
            key: cells(column, scale_of(column.kind, scenario)) for key, column in table.columns.items()
        }
        bars, symbols = _bars(table.columns[TIME_COLUMN[name]], market), [-1] * table.rows
        if "symbol" in columns:
            symbols = [places.get(symbol, -1) for symbol in columns["symbol"]]
            for (table_name, at), place in (intended or {}).items():
                if table_name == name:
                    symbols[at] = place
        by_bar: dict[int, list[int]] = {}
        for at, (bar, symbol) in enumerate(zip(bars, symbols, strict=True)):
            # A flow of the account has no symbol (L4).
            if bar < 0 or (symbol < 0 and "symbol" in columns and name != "flows"):
                stray.append((name, at))
            else:
                by_bar.setdefault(bar, []).append(at)
        tables[name] = TableRows(columns, symbols, by_bar, {})
    return LedgerRows(tables, tuple(stray))


def _bars(column: Column, market: Market) -> list[int]:
    """The bar of each timestamp, -1 where the market has no such bar."""
    stamps = market.timestamps
    at = np.minimum(np.searchsorted(stamps, column.values), len(stamps) - 1)
    known = stamps[at] == column.values
    if column.missing is not None:
        known = known & ~column.missing
    return [int(bar) for bar in np.where(known, at, -1)]


def scale_of(kind: Kind, scenario: Scenario) -> int:
    """Decimals of a kind of number in a scenario's units (section U)."""
    units = scenario.market
    return unit_scales(units.price_decimals, units.quantity_decimals).get(kind, 0)


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
    """A double becomes the whole number of units whose nearest double it is, or from which float noise alone
    parts it; else a Fraction."""
    values = column.values.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        units = values * 10.0**scale
        whole = np.rint(units)
        near = np.abs(units - whole) <= np.minimum(NOISE * np.abs(units), NEAR)
        exact = whole / 10.0**scale == values
        fits = np.isfinite(values) & (np.abs(whole) < 2**53) & (exact | near & (np.abs(whole) < 2**40))
    out: list[Any] = []
    for value, unit, fit in zip(values.tolist(), whole.tolist(), fits.tolist(), strict=True):
        if fit:
            out.append(int(unit))
        else:
            out.append(Fraction(repr(value)) * 10**scale if np.isfinite(value) else value)
    return out


def book_all(scenario: Scenario, market: Market, state: State, t: int, fills: Sequence[Fill]) -> State:
    """A1: the state after `fills`, booked in their order at bar t."""
    for fill in fills:
        state = book(scenario, state, market, t, fill)
    return state


def unlimited(scenario: Scenario) -> Scenario:
    """The scenario with unlimited cash and shares, to compute fills that no lack of them reduces."""
    execution = replace(scenario.execution, cash=CashPolicy.ALLOW_NEGATIVE, allow_short=True)
    return replace(scenario, execution=execution)


def fill_of(scenario: Scenario, market: Market, t: int, row: Row) -> Fill | None:
    """A row of `fills` at bar t as a Fill. A commission that the row lacks is computed. None where it is no
    fill."""
    quantity, price, side = row.whole("quantity"), row.whole("price"), row.cells.get("side")
    if quantity is None or price is None or quantity <= 0 or side not in ("buy", "sell"):
        return None
    notional = quantity * price
    charged = row.whole("commission")
    if charged is None:
        present = row.symbol >= 0 and market.present.item(t, row.symbol)
        raw = raw_price(scenario, market, t, row.symbol) if present else price
        charged = commission_of(scenario, quantity, notional, raw)
    return Fill(row.symbol, Side(side), quantity, price, notional, charged, row.whole("slippage") or 0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What `positions` holds of one symbol: signed lots, and the basis in money, None where it says none."""

    quantity: int
    basis: int | None


FLAT = Holding(0, 0)


def bare_position(holding: Holding) -> Position:
    """A holding as a Position whose other values are 0."""
    return Position(holding.quantity, holding.basis or 0, 0, 0, 0)


def fits(position: Position | None, holdings: Sequence[Holding]) -> bool:
    """Whether a position equals one of the reported holdings."""
    quantity, basis = (0, 0) if position is None else (position.quantity, position.basis)
    return any(told.quantity == quantity and told.basis in (None, basis) for told in holdings)


def holds(state: State, told: Mapping[int, Sequence[Holding]]) -> bool:
    """Whether an account holds exactly what `positions` reports. told: holdings by symbol."""
    return not misfits(state, told)


def misfits(state: State, told: Mapping[int, Sequence[Holding]]) -> int:
    """The number of symbols of which an account holds something else than `positions` reports."""
    symbols = {*state.positions, *told}
    return sum(not fits(state.positions.get(symbol), told.get(symbol, [FLAT])) for symbol in symbols)
