"""Faults of the report: the right thing was done, and something else is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.drilling.clean_run import CleanRun, at_bars, at_fills, at_positions
from reconcile.drilling.model import Fault, Hit, Reported, Where
from reconcile.explaining.hypotheses import books, reports
from reconcile.explaining.model import Change
from reconcile.matching.model import Stage
from vocabulary.ledger import Column, Ledger, Table
from vocabulary.market import Market
from vocabulary.state import Fill

# Ways to report a ledger wrongly: each is a function from a ledger and its market to a ledger

Array = npt.NDArray[Any]
Cells = dict[str, Array]
Rewrite = Callable[[Ledger, Market], Ledger]


def cells(table: str, change: Callable[[Cells, Market], Cells]) -> Rewrite:
    """Other cells in a table. change: from copies of all its columns' values to new ones."""

    def rewrite(ledger: Ledger, market: Market) -> Ledger:
        columns = ledger.tables[table].columns
        made = change({name: column.values.copy() for name, column in columns.items()}, market)
        changed = {name: replace(column, values=_sealed(made[name])) for name, column in columns.items()}
        return _with(ledger, replace(ledger.tables[table], columns=changed))

    return rewrite


def without_rows(table: str, gone: Callable[[Cells, Market], Array]) -> Rewrite:
    """A table without some of its rows. gone: from all its columns' values to a mask of those rows."""

    def rewrite(ledger: Ledger, market: Market) -> Ledger:
        columns = ledger.tables[table].columns
        values = {name: column.values for name, column in columns.items()}
        kept = np.flatnonzero(~gone(values, market))
        made = {name: _some(column, kept) for name, column in columns.items()}
        return _with(ledger, Table(table, made, len(kept)))

    return rewrite


def _some(column: Column, rows: Array) -> Column:
    missing = None if column.missing is None else _sealed(column.missing[rows])
    return replace(column, values=_sealed(column.values[rows]), missing=missing)


def _with(ledger: Ledger, table: Table) -> Ledger:
    return Ledger(ledger.manifest, {**ledger.tables, table.name: table})


def _sealed(array: Array) -> Array:
    array.flags.writeable = False
    return array


# Faults

ORDER, STATUS, COST, MARK = Stage.ORDER, Stage.STATUS, Stage.COST, Stage.MARK
POSITION, CASH, EQUITY = Stage.POSITION, Stage.CASH, Stage.EQUITY


def _fault(name: str, ground: str, rewrite: Rewrite, where: Where, *causes: Change) -> Fault:
    return Fault(name, ground, (Reported(rewrite),), where, causes)


# Rewrite


def _frozen(*names: str) -> Rewrite:
    """The book as it was before the first bar."""

    def change(values: Cells, market: Market) -> Cells:
        start = {"cash": values["cash"][0] + values["market_value"][0], "market_value": 0}
        start["equity"] = start["cash"]
        return {**values, **{name: np.full_like(values[name], start[name]) for name in names}}

    return cells("equity", change)


def _negated(table: str, *names: str) -> Rewrite:
    return cells(table, lambda values, market: {**values, **{name: -values[name] for name in names}})


def _zeroed(table: str, name: str) -> Rewrite:
    return cells(table, lambda values, market: {**values, name: values[name] * 0})


def _turned_sides(values: Cells, market: Market) -> Cells:
    return {**values, "side": 1 - values["side"]}


def _late_equity(values: Cells, market: Market) -> Cells:
    names = ("cash", "market_value", "equity")
    return {**values, **{name: np.concatenate([values[name][:1], values[name][:-1]]) for name in names}}


def _marked(marks: Callable[[Market], Array]) -> Rewrite:
    """Positions and equity at other marks, which are (bars, symbols); the cash stays."""

    def other_marks(values: Cells, market: Market) -> Cells:
        at = np.searchsorted(market.timestamps, values["timestamp"])
        mark = marks(market)[at, values["symbol"]]
        return {**values, "mark": mark, "market_value": mark * values["quantity"]}

    positions = cells("positions", other_marks)

    def rewrite(ledger: Ledger, market: Market) -> Ledger:
        made = positions(ledger, market)
        positions_made = made.tables["positions"].columns
        total = np.zeros(len(market.timestamps), np.int64)
        at = np.searchsorted(market.timestamps, positions_made["timestamp"].values)
        np.add.at(total, at, positions_made["market_value"].values)

        def change(values: Cells, market: Market) -> Cells:
            return {**values, "market_value": total.copy(), "equity": values["cash"] + total}

        return cells("equity", change)(made, market)

    return rewrite


def last_known(prices: Array) -> Array:
    """Each cell's last price above zero, itself counted."""
    out = prices.copy()
    for t in range(1, len(out)):
        out[t] = np.where(out[t] > 0, out[t], out[t - 1])
    return out


def _closes_before(market: Market) -> Array:
    known = last_known(market.close)
    before = np.concatenate([known[:1] * 0, known[:-1]])
    return np.where(before > 0, before, known)


# Where


def _fill_rows(stage: Stage, which: Callable[[CleanRun, int, Fill], bool] = lambda *_: True) -> Where:
    """At rows of `fills`, stamped with their own bar."""

    def hits(clean: CleanRun) -> Iterator[Hit]:
        for hit in at_fills(COST, which)(clean):
            yield Hit(hit.cycle, stage, hit.symbol, hit.bar)

    return hits


def _dated_before(clean: CleanRun) -> Iterator[Hit]:
    """Rows of `fills` at the bar before their own."""
    for hit in at_fills(COST)(clean):
        yield Hit(hit.cycle - 1, STATUS, hit.symbol, hit.bar - 1)


def _invested(clean: CleanRun, bar: int) -> bool:
    return bool(clean.days[bar].valuation.market_value)


def _traded(clean: CleanRun, bar: int) -> bool:
    return any(e.fill is not None and e.fill.commission for e in clean.days[bar].executions)


def _moved(clean: CleanRun, bar: int) -> bool:
    return bar > 0 and clean.days[bar].valuation.market_value != clean.days[bar - 1].valuation.market_value


def _mark_is_not(marks: Callable[[Market], Array]) -> Callable[[CleanRun, int, int], bool]:
    def which(clean: CleanRun, bar: int, symbol: int) -> bool:
        mark = int(marks(clean.market)[bar, symbol])
        return mark != clean.days[bar].state.positions[symbol].mark

    return which


def _opens(market: Market) -> Array:
    return last_known(market.open)


def _before_trades(ledger: Ledger, market: Market) -> Ledger:
    """Equity of the money before a bar's fills and of what was held then, at the bar's closes."""
    fills, equity = ledger.tables["fills"].columns, ledger.tables["equity"].columns
    buy = (fills["side"].dictionary or ()).index("buy")
    made = {name: equity[name].values.copy() for name in ("cash", "market_value", "equity")}
    columns = ("timestamp", "symbol", "side", "quantity", "notional", "commission")
    for stamp, symbol, side, quantity, notional, fee in zip(*(fills[c].values for c in columns), strict=True):
        at, sign = int(np.searchsorted(market.timestamps, stamp)), 1 if side == buy else -1
        made["cash"][at] += sign * notional + fee
        made["market_value"][at] -= sign * quantity * market.close[at, symbol]
    made["equity"] = made["cash"] + made["market_value"]
    return cells("equity", lambda values, _: {**values, **made})(ledger, market)


def _decided_dates(values: Cells, market: Market) -> Cells:
    return {**values, "timestamp": values["decided_at"]}


def _with_cost(ledger: Ledger, market: Market) -> Ledger:
    positions, equity = ledger.tables["positions"].columns, ledger.tables["equity"].columns
    cash = equity["cash"].values.copy()
    for stamp, basis in zip(positions["timestamp"].values, positions["basis"].values, strict=True):
        cash[np.searchsorted(equity["timestamp"].values, stamp)] += basis
    return cells("equity", lambda values, _: {**values, "cash": cash})(ledger, market)


def _still_open(values: Cells, market: Market) -> Array:
    """Fills of the last position of a symbol, where it was not closed. Codes: a buy is 0."""
    gone = np.zeros(len(values["symbol"]), bool)
    for symbol in set(values["symbol"].tolist()):
        held, since = 0, 0
        mine = np.flatnonzero(values["symbol"] == symbol)
        for place, at in enumerate(mine):
            held += values["quantity"][at] if values["side"][at] == 0 else -values["quantity"][at]
            since = place + 1 if held == 0 else since
        gone[mine[since:]] = True
    return gone


def _left_open(clean: CleanRun, bar: int, fill: Fill) -> bool:
    """Whether a fill's symbol is not flat again at any bar from it on."""
    return all(fill.symbol in day.state.positions for day in clean.days[bar:])


FAULTS: tuple[Fault, ...] = (
    _fault("equity of a second book", "long", _frozen("cash", "market_value", "equity"),
           at_bars(MARK, _invested), Change(reports.FROZEN_BOOK, "book")),
    _fault("equity stands still", "short", _frozen("equity"),
           at_bars(EQUITY, lambda h, t: h.days[t].valuation.equity != h.ground.scenario.initial_cash),
           Change(reports.FROZEN_BOOK, "equity")),
    _fault("market value with the wrong sign", "long", _negated("equity", "market_value"),
           at_bars(MARK, _invested), Change(reports.SIGN_FLIPPED, ("equity", "market_value"))),
    _fault("positions with the wrong sign", "short", _negated("positions", "quantity", "market_value"),
           at_positions(POSITION), Change(reports.SIGN_FLIPPED, ("positions", "quantity"))),
    _fault("commission with the wrong sign", "long", _negated("fills", "commission"),
           at_fills(COST), Change(reports.SIGN_FLIPPED, ("fills", "commission"))),
    _fault("buys told as sells", "tight", cells("fills", _turned_sides),
           _fill_rows(ORDER), Change(reports.SIGN_FLIPPED, ("fills", "side"))),
    _fault("equity a bar late", "long", cells("equity", _late_equity),
           at_bars(MARK, _moved), Change(reports.EQUITY_LATE)),
    _fault("marked at the close before", "short", _marked(_closes_before),
           at_positions(MARK, _mark_is_not(_closes_before)), Change(reports.MARKED_OTHERWISE, ("close", 1))),
    _fault("marked at the open", "long", _marked(_opens),
           at_positions(MARK, _mark_is_not(_opens)), Change(reports.MARKED_OTHERWISE, ("open", 0))),
    _fault("no commission told", "long", _zeroed("fills", "commission"),
           at_fills(COST), Change(reports.REPORTED_ZERO, ("fills", "commission"))),
    _fault("no turnover told", "tight", _zeroed("costs", "turnover"),
           at_bars(COST, _traded), Change(reports.REPORTED_ZERO, ("costs", "turnover"))),
    _fault("fills of one symbol not told", "short",
           without_rows("fills", lambda values, market: values["symbol"] == 2),
           _fill_rows(STATUS, lambda h, t, fill: fill.symbol == 2),
           Change(reports.UNREPORTED, "fills", symbols=(2,))),
    _fault("positions of one symbol not told", "tight",
           without_rows("positions", lambda values, market: values["symbol"] == 1),
           at_positions(POSITION, lambda h, t, s: s == 1),
           Change(reports.UNREPORTED, "positions", symbols=(1,))),
    _fault("equity before the trades", "tight", _before_trades,
           at_bars(MARK, _traded), Change(books.BEFORE_TRADES)),
    _fault("fills dated at their decision", "long", cells("fills", _decided_dates),
           _dated_before, Change(books.ROWS_DATED, ("fills", -1))),
    _fault("closed trades alone", "long", without_rows("fills", _still_open),
           _fill_rows(STATUS, _left_open), Change(books.CLOSED_ALONE)),
    _fault("a balance for cash", "long", _with_cost, at_bars(CASH, _invested), Change(books.BALANCE)),
)  # fmt: skip
