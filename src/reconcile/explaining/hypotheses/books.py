"""What the account's table and the dates of rows say instead: equity before the trades, rows of another day,
an account balance in place of cash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from reconcile.explaining.evidence import Rows, Window
from reconcile.explaining.hypotheses.features import carried
from reconcile.explaining.hypotheses.reports import Array, replaced, rows_of
from reconcile.explaining.hypotheses.settings import no_values, pair
from reconcile.explaining.model import Acts, Change, ReportHypothesis, Subject, Value, Values, Wording
from vocabulary.ledger import Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing


def _at_bars(bars: Array, amounts: Array, count: int) -> Array:
    """The sum of amounts at each bar."""
    out = np.zeros(count, np.int64)
    np.add.at(out, bars, amounts)
    return out


def _signs(fills: Table) -> Array:
    """1 for a buy, -1 for a sell."""
    sides = fills.columns["side"]
    signs: Array = np.where(sides.values == (sides.dictionary or ()).index("buy"), 1, -1)
    return signs


# Equity before the trades of its bar


def _before_trades(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """The fills of the bar are taken back: their outlay is cash again, and what they bought has no value."""
    fills, equity = ledger.tables["fills"], ledger.tables["equity"]
    count = len(market.timestamps)
    bars = np.searchsorted(market.timestamps, fills.columns["timestamp"].values)
    sign = _signs(fills)
    outlay = sign * fills.columns["notional"].values + fills.columns["commission"].values
    marks = carried(market.close, market.present)[bars, fills.columns["symbol"].values]
    value = sign * fills.columns["quantity"].values * marks
    at = np.searchsorted(market.timestamps, equity.columns["timestamp"].values)
    rows = rows_of(equity, market, change)
    back = np.where(rows, _at_bars(bars, outlay, count)[at], 0)
    gone = np.where(rows, _at_bars(bars, value, count)[at], 0)
    moved = {"cash": back, "market_value": -gone, "equity": back - gone}
    return replaced(ledger, "equity", {name: equity.columns[name].values + moved[name] for name in moved})


def _if_filled(subject: Subject, window: Window) -> Values:
    tables = window.target.tables
    return no_values() if "equity" in tables and "fills" in tables else ()


BEFORE_TRADES = ReportHypothesis(
    id="equity_before_trades",
    acts=Acts.EXECUTING,
    values=_if_filled,
    say=lambda *_: Wording(
        "equity is reported as it was before the trades of its bar", "equity", "after them", "before them"
    ),
    apply=_before_trades,
)

# Rows of another day

DATED = ("fills", "equity", "positions")
"""Tables whose rows have the date of their bar."""


def _other_days(subject: Subject, window: Window) -> Values:
    """Only days that the ledger's own prices, marks and cash speak for."""
    return tuple(
        (name, shift)
        for name in DATED
        if name in window.target.tables
        for shift in (-1, 1)
        if window.once(f"{name} {shift}", partial(_speaks_for, name, shift, subject.market, window))
    )


def _speaks_for(name: str, shift: int, market: Market, window: Window) -> bool:
    """Whether the rows of a table fit the bar that they would be of better than the one they are dated."""
    tables = window.target.tables
    rows = tables[name]
    if name == "equity":
        return _moves(rows, tables.get("fills"), shift) > _moves(rows, tables.get("fills"), 0)
    cells = rows.cells.get("price" if name == "fills" else "mark")
    if cells is None:
        return False
    fields = (market.open, market.close) if name == "fills" else (market.close,)
    own, moved = (_gap(rows, cells, fields, back) for back in (0, shift))
    return moved < own


def _gap(rows: Rows, cells: Array, fields: Sequence[Array], shift: int) -> float:
    """How far prices are from the nearest field of the bar `shift` before, at the median, as a share."""
    bar = rows.cycle - shift
    count, symbols = fields[0].shape
    at = np.flatnonzero((bar >= 0) & (bar < count) & (rows.symbol < symbols) & (cells > 0))
    if not len(at):
        return float("inf")
    raw = [np.maximum(1, field[bar[at], rows.symbol[at]]).astype(np.float64) for field in fields]
    return float(np.median(np.min([np.abs(cells[at] / each - 1) for each in raw], axis=0)))


def _moves(equity: Rows, fills: Rows | None, shift: int) -> int:
    """At how many bars with fills the cash moves, in rows that are `shift` bars later."""
    if fills is None or "cash" not in equity.cells:
        return 0
    cash = equity.cells["cash"]
    moved = set((equity.cycle[1:][cash[1:] != cash[:-1]] - shift).tolist())
    return len(moved & set(fills.cycle.tolist()))


def _dated(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Rows of a table bear the date of another bar; those that have none are not there."""
    name, shift = pair(change.value)
    table = ledger.tables[name]
    stamped = table.columns["timestamp"]
    count = len(market.timestamps)
    bars = np.searchsorted(market.timestamps, stamped.values)
    moved = np.where(rows_of(table, market, change), bars + shift, bars)
    keep = np.flatnonzero((moved >= 0) & (moved < count))
    values = market.timestamps[moved[keep]]
    values.flags.writeable = False
    kept = _only(table, keep)
    columns = {**kept.columns, "timestamp": replace(stamped, values=values)}
    return replace(ledger, tables={**ledger.tables, name: Table(name, columns, len(keep))})


def _dated_reads(subject: Subject, value: Value) -> Wording:
    name, shift = pair(value)
    when = "the bar after" if shift > 0 else "the bar before"
    own = subject.scenario.execution.timing is not Timing.SAME_CLOSE
    if name == "fills" and shift < 0 and own:
        return Wording("fills are dated at their decision", "fills.timestamp", "the fill's bar", when)
    sentence = f"rows of the table {name} are dated one bar {'late' if shift > 0 else 'early'}"
    return Wording(sentence, f"{name}.timestamp", "their bar", when)


ROWS_DATED = ReportHypothesis(
    id="rows_dated",
    acts=Acts.EXECUTING,
    values=_other_days,
    say=_dated_reads,
    apply=_dated,
    names_its_object=True,
)

# Closed trades alone


def _closed_alone(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """The fills of positions that are still open at the end are not there."""
    fills = ledger.tables["fills"]
    signed = _signs(fills) * fills.columns["quantity"].values
    symbols = fills.columns["symbol"].values
    gone = np.zeros(fills.rows, bool)
    for symbol in np.unique(symbols):
        at = np.flatnonzero(symbols == symbol)
        held = np.cumsum(signed[at])
        flat = np.flatnonzero(held == 0)
        if held[-1]:
            gone[at[flat[-1] + 1 if len(flat) else 0 :]] = True
    keep = np.flatnonzero(~(gone & rows_of(fills, market, change)))
    return replace(ledger, tables={**ledger.tables, "fills": _only(fills, keep)})


def _only(table: Table, rows: Array) -> Table:
    """Some rows of a table."""
    columns = {
        name: replace(
            column,
            values=column.values[rows],
            missing=None if column.missing is None else column.missing[rows],
        )
        for name, column in table.columns.items()
    }
    return Table(table.name, columns, len(rows))


CLOSED_ALONE = ReportHypothesis(
    id="closed_trades_alone",
    acts=Acts.EXECUTING,
    values=_if_filled,
    say=lambda *_: Wording(
        "the fills of positions that are open at the end are left out",
        "fills",
        "all",
        "those of closed trades",
    ),
    apply=_closed_alone,
    whole_run=True,
)

# A balance in place of cash


def _balance(scenario: Scenario, market: Market, ledger: Ledger, change: Change) -> Ledger:
    """Cash and what open positions cost: what an account calls its balance."""
    positions, equity = ledger.tables["positions"], ledger.tables["equity"]
    bars = np.searchsorted(market.timestamps, positions.columns["timestamp"].values)
    long = positions.columns["quantity"].values > 0
    basis = positions.columns["basis"].values
    cost = _at_bars(bars, np.where(long, basis, -basis), len(market.timestamps))
    at = np.searchsorted(market.timestamps, equity.columns["timestamp"].values)
    cash = equity.columns["cash"].values
    rows = rows_of(equity, market, change)
    return replaced(ledger, "equity", {"cash": np.where(rows, cash + cost[at], cash)})


def _if_cash(subject: Subject, window: Window) -> Values:
    equity = window.target.tables.get("equity")
    return no_values() if equity is not None and "cash" in equity.cells else ()


BALANCE = ReportHypothesis(
    id="balance_as_cash",
    acts=Acts.EXECUTING,
    values=_if_cash,
    say=lambda *_: Wording(
        "cash is reported with what the open positions cost: an account balance",
        "equity.cash",
        "cash",
        "the balance",
    ),
    apply=_balance,
)
