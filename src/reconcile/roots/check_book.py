"""Checks the book of one bar: positions, costs, cash and equity as reported (A, M3)."""

from __future__ import annotations

from collections.abc import Sequence

from reconcile.matching.model import BreakType
from reconcile.roots.check_decision import best_rows, fitting_cells, surplus_type
from reconcile.roots.findings import Trial
from reconcile.roots.readings import Reading
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Cell, Holding, Row, bare_position, holds
from reference import entry_price, mark
from vocabulary.state import Position, State

KINDS = {
    "quantity": BreakType.POSITION,
    "average_price": BreakType.POSITION,
    "basis": BreakType.POSITION,
    "mark": BreakType.MARK,
    "market_value": BreakType.MARK,
}


def check_book(history: History, trial: Trial, readings: Sequence[Reading], t: int) -> None:
    """Check the book at the end of bar t against every reading of its executions."""
    states = [mark(history.scenario, reading.state, history.market, t)[0] for reading in readings]
    _check_positions(history, trial, states, t)
    told = history.reported(t)
    fits_report = [told is None or holds(reading.state, told) for reading in readings]
    if any(fits_report):
        # The reported positions select the readings; costs and cash must agree with those.
        readings = [reading for reading, fits in zip(readings, fits_report, strict=True) if fits]
        states = [state for state, fits in zip(states, fits_report, strict=True) if fits]
    _check_costs(history, trial, readings, t)
    _check_equity(history, trial, states, t)


def _check_positions(history: History, trial: Trial, states: Sequence[State], t: int) -> None:
    if not history.rows.has("positions"):
        return
    held: dict[int, list[Position]] = {}
    for state in states:
        for symbol, position in state.positions.items():
            held.setdefault(symbol, []).append(position)
    wanted = {symbol: _position_cells(positions) for symbol, positions in held.items()}
    main, rest = best_rows(
        history.rows.at("positions", t),
        lambda row: row.symbol,
        lambda row: fitting_cells(trial, "positions", row, wanted.get(row.symbol)),
    )
    for row in rest:
        trial.row(
            "positions",
            surplus_type(row, main[row.symbol]),
            (t, row.symbol, None),
            row,
            row.cells,
            "quantity",
        )
    for symbol in sorted({*wanted, *main}):
        where, cells, found = (t, symbol, None), wanted.get(symbol), main.get(symbol)
        if cells is None and found is not None:
            trial.row("positions", BreakType.EXTRA, where, found, found.cells, "quantity")
        elif found is None and cells is not None:
            if len(held[symbol]) == len(states):
                content = {name: values[0] for name, values in cells.items()}
                trial.row("positions", BreakType.MISSING, where, None, content, "quantity")
        elif cells is not None and found is not None:
            trial.row("positions", None, where, found, {}, "quantity")
            for name, values in _following(cells, found).items():
                trial.cell("positions", name, KINDS[name], where, found, values)


def _position_cells(positions: Sequence[Position]) -> dict[str, list[Cell]]:
    out: dict[str, list[Cell]] = {name: [] for name in KINDS}
    for p in positions:
        values = (p.quantity, entry_price(p), p.basis, p.mark, p.quantity * p.mark)
        for name, value in zip(KINDS, values, strict=True):
            if value not in out[name]:
                out[name].append(value)
    return out


def _following(cells: dict[str, list[Cell]], row: Row) -> dict[str, list[Cell]]:
    """The values allowed in a row of `positions`, including those that follow from its own cells."""
    quantity, basis, marked = row.whole("quantity"), row.whole("basis"), row.whole("mark")
    out = {name: list(values) for name, values in cells.items()}
    if quantity and basis is not None:
        out["average_price"].append(entry_price(bare_position(Holding(quantity, basis))))
    if quantity is not None and marked is not None:
        out["market_value"].append(quantity * marked)
    return out


def _check_costs(history: History, trial: Trial, readings: Sequence[Reading], t: int) -> None:
    if not history.rows.has("costs"):
        return
    fills = history.rows.at("fills", t)
    cells: dict[str, list[Cell]] = {
        "turnover": [reading.turnover for reading in readings] + _total(fills, "notional"),
        "commission": [reading.commission for reading in readings] + _total(fills, "commission"),
        "slippage": [reading.slippage for reading in readings] + _total(fills, "slippage"),
    }
    row = _one_row(history, trial, "costs", t, cells, "turnover")
    for name, values in cells.items():
        if row is not None:
            trial.cell("costs", name, BreakType.COST, (t, -1, None), row, values)


def _total(rows: Sequence[Row], column: str) -> list[Cell]:
    """The sum of a column over rows; nothing where a cell is empty."""
    values = [row.whole(column) for row in rows]
    return [sum(value for value in values if value is not None)] if None not in values else []


def _check_equity(history: History, trial: Trial, states: Sequence[State], t: int) -> None:
    if not history.rows.has("equity"):
        return
    values = [sum(p.quantity * p.mark for p in state.positions.values()) for state in states]
    cash: list[Cell] = [state.cash for state in states]
    worth: list[Cell] = [*values, *_total(history.rows.at("positions", t), "market_value")]
    told = history.rows.at("positions", t)
    if history.rows.has("positions") and all(row.whole("quantity") is not None for row in told):
        products = [(row.whole("quantity") or 0) * (row.whole("mark") or 0) for row in told]
        worth.append(sum(products))
    equity: list[Cell] = [state.cash + value for state, value in zip(states, values, strict=True)]
    row = _one_row(
        history, trial, "equity", t, {"cash": cash, "market_value": worth, "equity": equity}, "equity"
    )
    if row is None:
        return
    where = (t, -1, None)
    trial.cell("equity", "cash", BreakType.CASH, where, row, cash)
    trial.cell("equity", "market_value", BreakType.MARK, where, row, worth)
    stated = [row.whole("cash"), row.whole("market_value")]
    sums = [
        a + b
        for a in dict.fromkeys((stated[0], *cash))
        for b in dict.fromkeys((stated[1], *worth))
        if isinstance(a, int) and isinstance(b, int) and (a == stated[0] or b == stated[1])
    ]
    trial.cell("equity", "equity", BreakType.EQUITY, where, row, [*equity, *sums])


def _one_row(
    history: History, trial: Trial, table: str, t: int, cells: dict[str, list[Cell]], shown: str
) -> Row | None:
    """Check that a table has one row at bar t.

    Returns it. cells: allowed values. shown: column of the row.
    """
    main, rest = best_rows(
        history.rows.at(table, t), lambda row: -1, lambda row: fitting_cells(trial, table, row, cells)
    )
    where, row = (t, -1, None), main.get(-1)
    if row is None:
        content = {name: values[0] for name, values in cells.items()}
        trial.row(table, BreakType.MISSING, where, None, content, shown)
        return None
    trial.row(table, None, where, row, {}, shown)
    for other in rest:
        trial.row(table, surplus_type(other, row), where, other, other.cells, shown)
    return row
