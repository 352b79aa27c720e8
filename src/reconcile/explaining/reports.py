"""Changes of what is reported: the right thing was done, and the ledger tells something else.

Each takes a ledger as it would have been and returns it as told, at bars [since, until).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.explaining.inputs import carried, later
from reconcile.explaining.model import Change
from vocabulary.ledger import KEYS, TIME_COLUMN, Column, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import Scenario

Array = npt.NDArray[Any]


def told(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """The ledger as told under one change of reporting."""
    return CHANGES[change.hypothesis](scenario, market, ledger, change)


def _rows(table: Table, market: Market, change: Change) -> Array:
    """Which rows the change is about."""
    timed = table.columns[TIME_COLUMN[table.name]].values
    out: Array = timed >= market.timestamps[min(change.since, len(market.timestamps) - 1)]
    if change.until is not None and change.until < len(market.timestamps):
        out &= timed < market.timestamps[change.until]
    return out


def _with(ledger: Ledger, name: str, columns: dict[str, Array]) -> Ledger:
    table = ledger.tables[name]
    made = dict(table.columns)
    for column, values in columns.items():
        values.flags.writeable = False
        made[column] = replace(made[column], values=values)
    return replace(ledger, tables={**ledger.tables, name: replace(table, columns=made)})


def _column(ledger: Ledger, name: str, column: str) -> Column:
    return ledger.tables[name].columns[column]


def _frozen_book(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Equity from a book that fills never reach: what it began with, for good."""
    rows = _rows(ledger.tables["equity"], market, change)
    cash = scenario.initial_cash
    made = {"equity": np.where(rows, cash, _column(ledger, "equity", "equity").values)}
    if change.value == "book":
        made["cash"] = np.where(rows, cash, _column(ledger, "equity", "cash").values)
        made["market_value"] = np.where(rows, 0, _column(ledger, "equity", "market_value").values)
    return _with(ledger, "equity", made)


def _sign_flipped(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    assert isinstance(change.value, tuple)
    name, column = change.value
    table = ledger.tables[name]
    rows, old = _rows(table, market, change), table.columns[column]
    if column == "side":
        return _with(
            ledger, name, {column: np.where(rows, 1 - old.values, old.values).astype(old.values.dtype)}
        )
    made = {column: np.where(rows, -old.values, old.values)}
    if name == "positions" and column == "quantity":
        value = table.columns["market_value"].values
        made["market_value"] = np.where(rows, -value, value)
    return _with(ledger, name, made)


def _zero(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    assert isinstance(change.value, tuple)
    name, column = change.value
    table = ledger.tables[name]
    values = table.columns[column].values
    return _with(ledger, name, {column: np.where(_rows(table, market, change), 0, values)})


def _marked_otherwise(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Marks of another field, or of earlier bars; values and equity follow, cash does not."""
    assert isinstance(change.value, tuple)
    field, lag = change.value
    marks = carried(getattr(market, field), market.present)
    old = later(marks, lag, 0)
    marks = np.where(old > 0, old, marks)
    positions, equity = ledger.tables["positions"], ledger.tables["equity"]
    bars = np.searchsorted(market.timestamps, positions.columns["timestamp"].values)
    rows = _rows(positions, market, change)
    mark = np.where(rows, marks[bars, positions.columns["symbol"].values], positions.columns["mark"].values)
    value = positions.columns["quantity"].values * mark
    moved = np.zeros(len(market.timestamps), np.int64)
    np.add.at(moved, bars, value - positions.columns["market_value"].values)
    at = moved[np.searchsorted(market.timestamps, equity.columns["timestamp"].values)]
    made = _with(ledger, "positions", {"mark": mark, "market_value": value})
    total = {name: equity.columns[name].values + at for name in ("market_value", "equity")}
    return _with(made, "equity", total)


def _equity_late(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Each bar reports the equity of the bar before."""
    table = ledger.tables["equity"]
    rows = _rows(table, market, change)
    rows[:1] = False
    names = ("cash", "market_value", "equity")
    old = {name: table.columns[name].values for name in names}
    return _with(ledger, "equity", {name: np.where(rows, np.roll(old[name], 1), old[name]) for name in names})


def _unreported(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Rows left out of one table, by symbol or all."""
    assert isinstance(change.value, str)
    table = ledger.tables[change.value]
    gone = _rows(table, market, change)
    if change.symbols is not None and "symbol" in KEYS[change.value]:
        gone &= np.isin(table.columns["symbol"].values, change.symbols)
    keep = np.flatnonzero(~gone)
    columns = {
        name: replace(
            column,
            values=column.values[keep],
            missing=None if column.missing is None else column.missing[keep],
        )
        for name, column in table.columns.items()
    }
    made = replace(table, columns=columns, rows=len(keep))
    return replace(ledger, tables={**ledger.tables, table.name: made})


CHANGES: dict[str, Callable[[Scenario, Market, Ledger, Change], Ledger]] = {
    "frozen_book": _frozen_book,
    "sign_flipped": _sign_flipped,
    "reported_zero": _zero,
    "marked_otherwise": _marked_otherwise,
    "equity_late": _equity_late,
    "unreported": _unreported,
}
