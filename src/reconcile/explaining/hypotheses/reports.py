"""The report: the right thing was done, and the ledger says something else.

Each hypothesis takes a ledger as it would have been and returns the reported one, for bars [since, until).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.features import carried, later
from reconcile.explaining.hypotheses.settings import no_values, pair
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    ReportHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from vocabulary.ledger import KEYS, TIME_COLUMN, Column, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import Scenario

Array = npt.NDArray[Any]


def rows_of(table: Table, market: Market, change: Change) -> Array:
    """Which rows the change is about."""
    timed = table.columns[TIME_COLUMN[table.name]].values
    out: Array = timed >= market.timestamps[min(change.since, len(market.timestamps) - 1)]
    if change.until is not None and change.until < len(market.timestamps):
        out &= timed < market.timestamps[change.until]
    return out


def replaced(ledger: Ledger, name: str, columns: dict[str, Array]) -> Ledger:
    """The ledger with other values in some columns of a table."""
    table = ledger.tables[name]
    made = dict(table.columns)
    for column, values in columns.items():
        values.flags.writeable = False
        made[column] = replace(made[column], values=values)
    return replace(ledger, tables={**ledger.tables, name: replace(table, columns=made)})


def _column(ledger: Ledger, name: str, column: str) -> Column:
    return ledger.tables[name].columns[column]


# Equity


def _frozen_book(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Equity from a book that fills never reach: what it began with, for good."""
    rows = rows_of(ledger.tables["equity"], market, change)
    cash = scenario.initial_cash
    made = {"equity": np.where(rows, cash, _column(ledger, "equity", "equity").values)}
    if change.value == "book":
        made["cash"] = np.where(rows, cash, _column(ledger, "equity", "cash").values)
        made["market_value"] = np.where(rows, 0, _column(ledger, "equity", "market_value").values)
    return replaced(ledger, "equity", made)


def _frozen_reads(subject: Subject, value: Value) -> Wording:
    sentence = "equity is reported from a second book that fills never reach"
    what = "equity" if value == "book" else "equity.equity"
    return Wording(sentence, what, "the book's", "what it began with")


def _books(subject: Subject, window: Window) -> Values:
    return ("book", "equity")


FROZEN_BOOK = ReportHypothesis(
    id="frozen_book", acts=Acts.EXECUTING, values=_books, say=_frozen_reads, apply=_frozen_book
)


def _equity_late(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Each bar reports the equity of the bar before."""
    table = ledger.tables["equity"]
    rows = rows_of(table, market, change)
    rows[:1] = False
    names = ("cash", "market_value", "equity")
    old = {name: table.columns[name].values for name in names}
    return replaced(
        ledger, "equity", {name: np.where(rows, np.roll(old[name], 1), old[name]) for name in names}
    )


EQUITY_LATE = ReportHypothesis(
    id="equity_late",
    acts=Acts.EXECUTING,
    values=no_values,
    say=lambda *_: Wording("equity is reported one bar late", "equity", "this bar's", "the bar before's"),
    apply=_equity_late,
)

# Cells

SIGNED = (
    ("equity", "market_value"),
    ("equity", "equity"),
    ("equity", "cash"),
    ("positions", "quantity"),
    ("positions", "market_value"),
    ("fills", "side"),
    ("orders", "side"),
    ("targets", "quantity"),
    ("targets", "weight"),
    ("fills", "commission"),
    ("costs", "commission"),
    ("costs", "slippage"),
)
CHARGED = (
    ("fills", "commission"),
    ("fills", "slippage"),
    ("costs", "commission"),
    ("costs", "slippage"),
    ("costs", "turnover"),
)


def _sign_flipped(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    name, column = pair(change.value)
    table = ledger.tables[name]
    rows, old = rows_of(table, market, change), table.columns[column]
    if column == "side":
        return replaced(
            ledger, name, {column: np.where(rows, 1 - old.values, old.values).astype(old.values.dtype)}
        )
    made = {column: np.where(rows, -old.values, old.values)}
    if name == "positions" and column == "quantity":
        value = table.columns["market_value"].values
        made["market_value"] = np.where(rows, -value, value)
    return replaced(ledger, name, made)


def _sign_reads(subject: Subject, value: Value) -> Wording:
    table, column = pair(value)
    what = "buy and sell are swapped" if column == "side" else f"the sign of {column} is flipped"
    return Wording(f"{what} in the table {table}", f"{table}.{column}", "as done", "flipped")


SIGN_FLIPPED = ReportHypothesis(
    id="sign_flipped",
    values=lambda subject, window: SIGNED,
    say=_sign_reads,
    apply=_sign_flipped,
    names_its_object=True,
)


def _zero(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    name, column = pair(change.value)
    table = ledger.tables[name]
    values = table.columns[column].values
    return replaced(ledger, name, {column: np.where(rows_of(table, market, change), 0, values)})


def _zero_reads(subject: Subject, value: Value) -> Wording:
    table, column = pair(value)
    sentence = f"{column} is reported as zero in the table {table}"
    return Wording(sentence, f"{table}.{column}", "as charged", "0")


REPORTED_ZERO = ReportHypothesis(
    id="reported_zero",
    acts=Acts.EXECUTING,
    values=lambda subject, window: CHARGED,
    say=_zero_reads,
    apply=_zero,
    names_its_object=True,
)

# Marks


def _marked_otherwise(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Marks of another field, or of earlier bars; values and equity follow, cash does not."""
    field, lag = pair(change.value)
    marks = carried(getattr(market, field), market.present)
    old = later(marks, lag, 0)
    marks = np.where(old > 0, old, marks)
    positions, equity = ledger.tables["positions"], ledger.tables["equity"]
    bars = np.searchsorted(market.timestamps, positions.columns["timestamp"].values)
    rows = rows_of(positions, market, change)
    mark = np.where(rows, marks[bars, positions.columns["symbol"].values], positions.columns["mark"].values)
    value = positions.columns["quantity"].values * mark
    moved = np.zeros(len(market.timestamps), np.int64)
    np.add.at(moved, bars, value - positions.columns["market_value"].values)
    at = moved[np.searchsorted(market.timestamps, equity.columns["timestamp"].values)]
    made = replaced(ledger, "positions", {"mark": mark, "market_value": value})
    total = {name: equity.columns[name].values + at for name in ("market_value", "equity")}
    return replaced(made, "equity", total)


def _marks(subject: Subject, window: Window) -> Values:
    return (("close", 1), ("open", 0))


def _mark_reads(subject: Subject, value: Value) -> Wording:
    field, lag = pair(value)
    new = f"the {field} of the bar before" if lag else f"the bar's {field}"
    said = "stale marks: positions are valued" if lag else "positions are valued"
    return Wording(f"{said} at {new}", "positions.mark", "the bar's close", new)


MARKED_OTHERWISE = ReportHypothesis(
    id="marked_otherwise", acts=Acts.EXECUTING, values=_marks, say=_mark_reads, apply=_marked_otherwise
)

# Rows


def _unreported(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Rows left out of one table, by symbol or all."""
    assert isinstance(change.value, str)
    table = ledger.tables[change.value]
    gone = rows_of(table, market, change)
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


def _tables(subject: Subject, window: Window) -> Values:
    return ("fills", "orders", "positions", "targets")


def _unreported_reads(subject: Subject, value: Value) -> Wording:
    return Wording(f"rows are left out of the table {value}", str(value), "reported", "left out")


UNREPORTED = ReportHypothesis(
    id="unreported",
    values=_tables,
    say=_unreported_reads,
    apply=_unreported,
    family=Family.LOST,
    names_its_object=True,
    by_symbol=True,
)
