"""Checks what levels close in one bar (X5 to X9), from the ledger's own account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconcile.roots.check_decision import best_rows, check_order, order_cells
from reconcile.roots.check_execution import check_one
from reconcile.roots.findings import Trial
from reconcile.roots.readings import DueOrder, Reading
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Row
from reference import WHOLE_BAR, Execution, Part, closing
from vocabulary.scenario import Timing
from vocabulary.state import Order


def check_levels(
    history: History, trial: Trial, readings: list[Reading], t: int
) -> tuple[list[Reading], list[DueOrder]]:
    """Check the closes at levels of bar t.

    Returns every reading after them, the recorded one first, and the closes in the order of their fills.
    """
    if not history.level_rules:
        return readings, []
    rows, rest = best_rows(history.level_orders(t), lambda row: row.symbol, lambda row: 0)
    fills: dict[int, list[Row]] = {}
    for row in history.level_fills(t):
        fills.setdefault(row.symbol, []).append(row)
    held = {symbol for reading in readings for symbol in reading.state.positions}
    at_open: list[DueOrder] = []
    on_the_way: list[DueOrder] = []
    for symbol in sorted({*held, *rows, *fills}):
        met = [_closing(history, reading, t, symbol, WHOLE_BAR) for reading in readings]
        if symbol not in rows and symbol not in fills and not any(met):
            continue
        first = _closing(history, readings[0], t, symbol, (Part.OPEN,))
        one_pass = history.scenario.execution.timing is not Timing.NEXT_OPEN
        entry = _entry(history, trial, t, met, rows.get(symbol))
        readings = _checked(history, trial, readings, t, entry, met, fills.get(symbol, []))
        (at_open if one_pass or first is not None else on_the_way).append(entry)
    for row in rest:
        check_order(trial, t, None, row, [], {})
    return readings, [*at_open, *on_the_way]


def _closing(
    history: History, reading: Reading, t: int, symbol: int, parts: tuple[Part, ...]
) -> Execution | None:
    position = reading.state.positions.get(symbol)
    if position is None:
        return None
    return closing(history.scenario, position, history.market, t, symbol, parts)


def _entry(
    history: History, trial: Trial, t: int, met: Sequence[Execution | None], row: Row | None
) -> DueOrder:
    """The close of one symbol as an order, once its row in `orders` is checked."""
    orders = list(dict.fromkeys(execution.order for execution in met if execution is not None))
    found: list[Order | None] = [*orders, *([None] if None in met else [])]
    if history.rows.has("orders"):
        expected = orders[0] if orders else None
        stamp = int(history.market.timestamps[t])
        cells = {order.symbol: order_cells(order, [None], stamp) for order in orders[:1]}
        found, _ = check_order(
            trial, t, expected, row, [order for order in found if order != expected], cells
        )
    return DueOrder(found, row, at_level=True)


def _checked(
    history: History,
    trial: Trial,
    readings: list[Reading],
    t: int,
    entry: DueOrder,
    met: Sequence[Execution | None],
    fills: list[Row],
) -> list[Reading]:
    """Check status and fill of a close; returns the readings after it, without what it makes of no effect."""
    symbol = next(order.symbol for order in entry.readings if order) if any(entry.readings) else None
    if symbol is None:
        symbol = fills[0].symbol if fills else entry.row.symbol if entry.row is not None else -1
    done = [execution for execution in met if execution is not None]
    made = [None if execution is None else execution.fill for execution in met]
    if not any(entry.readings):
        # No order and none expected: what is filled all the same is a finding of the executions.
        return readings
    after, _ = check_one(history, trial, readings, t, entry, fills, (done, made))
    if history.scenario.execution.timing is not Timing.NEXT_CLOSE:
        return after
    return [
        reading if symbol in reading.state.positions else replace(reading, gone=reading.gone | {symbol})
        for reading in after
    ]
