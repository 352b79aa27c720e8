"""The fast path of the resync: a bar that is right in every cell needs no further check."""

from __future__ import annotations

from collections.abc import Sequence

from reconcile.roots.check_execution import Numbers
from reconcile.roots.findings import CheckLog
from reconcile.roots.readings import DueOrder
from reconcile.roots.rebuild import History
from reconcile.roots.rows import TableRows
from reference import Decision, Execution, Valuation, entry_price, mark, trade
from vocabulary.ledger import SCHEMA
from vocabulary.scenario import Timing
from vocabulary.state import Order, State

Line = tuple[object, ...]


def quick_execution(
    history: History, log: CheckLog, state: State, t: int, due: Sequence[DueOrder], numbers: Numbers
) -> tuple[State, Numbers] | None:
    """The marked state after bar t's executions and the numbers for the next bar.

    None where a cell of the bar is not as expected, or where an order has several readings.
    """
    orders: list[Order] = []
    for entry in due:
        order = entry.readings[0]
        if len(entry.readings) != 1 or order is None:
            return None
        orders.append(order)
    after, executions = trade(history.scenario, state, history.market, t, orders)
    after, worth = mark(history.scenario, after, history.market, t)
    if not _outcomes(due, executions) or not _tables(history, t, after, executions, worth):
        return None
    numbered = _numbers(history, t, executions, numbers)
    if numbered is None:
        return None
    log.passed("orders", {order.symbol for order in orders})
    log.passed("fills", {-1, *(e.order.symbol for e in executions if e.fill is not None)})
    log.passed("positions", set(after.positions))
    log.passed("costs", (-1,))
    log.passed("equity", (-1,))
    return after, numbered


def _outcomes(due: Sequence[DueOrder], executions: Sequence[Execution]) -> bool:
    """Whether status and filled quantity of every order are as expected."""
    became = {id(execution.order): execution for execution in executions}
    for entry in due:
        execution, row = became[id(entry.readings[0])], entry.row
        if row is not None and (
            row.cells.get("status", execution.status.value) != execution.status.value
            or row.cells.get("filled", execution.filled) != execution.filled
        ):
            return False
    return True


def _tables(
    history: History, t: int, state: State, executions: Sequence[Execution], worth: Valuation
) -> bool:
    """Whether fills, positions, costs and equity of the bar are as expected, but for their numbers."""
    symbols, stamps = history.market.symbols, history.market.timestamps
    now = int(stamps[t])
    fills: list[Line] = []
    turnover = commission = slippage = 0
    for execution in executions:
        fill, order = execution.fill, execution.order
        if fill is not None:
            turnover += fill.notional
            commission += fill.commission
            slippage += fill.slippage
            fills.append(
                (
                    None,
                    now,
                    int(stamps[order.decided_at]),
                    symbols[fill.symbol],
                    fill.side.value,
                    fill.quantity,
                    fill.price,
                    fill.notional,
                    fill.commission,
                    fill.slippage,
                    order.reason,
                )
            )
    positions: list[Line] = [
        (now, symbols[s], p.quantity, entry_price(p), p.basis, p.mark, p.quantity * p.mark)
        for s, p in state.positions.items()
    ]
    costs: list[Line] = [(now, turnover, commission, slippage)]
    equity: list[Line] = [(now, None, worth.cash, worth.market_value, worth.equity)]
    lines = {"fills": fills, "positions": positions, "costs": costs, "equity": equity}
    skipped = {"fills": ("sequence",), "equity": ("rebalance",)}
    return all(agrees(history, name, t, lines[name], skipped.get(name, ())) for name in lines)


def agrees(history: History, name: str, t: int, expected: list[Line], skipped: tuple[str, ...] = ()) -> bool:
    """Whether the rows of a table at bar t are the expected ones, in any order, on the columns it has."""
    table = history.rows.tables.get(name)
    if table is None:
        return True
    rows = table.by_bar.get(t, [])
    if len(rows) != len(expected):
        return False
    kept = [
        (i, column)
        for i, column in enumerate(SCHEMA[name])
        if column in table.columns and column not in skipped
    ]
    found = sorted((_line(table, row, kept) for row in rows), key=repr)
    return found == sorted((tuple(line[i] for i, _ in kept) for line in expected), key=repr)


def _line(table: TableRows, row: int, kept: list[tuple[int, str]]) -> Line:
    return tuple(table.columns[column][row] for _, column in kept)


def _numbers(history: History, t: int, executions: Sequence[Execution], numbers: Numbers) -> Numbers | None:
    """E1: the numbers that the last fill may have, None where the sequence is not as expected."""
    table = history.rows.tables.get("fills")
    if table is None or "sequence" not in table.columns:
        return numbers
    sequence = table.columns["sequence"]
    found = {table.symbols[row]: sequence[row] for row in table.by_bar.get(t, [])}
    ours = [found[execution.order.symbol] for execution in executions if execution.fill is not None]
    if not ours:
        return numbers
    if (
        len(found) != len(ours)
        or ours[0] - 1 not in numbers
        or ours != list(range(ours[0], ours[0] + len(ours)))
    ):
        return None
    return frozenset({ours[-1]})


def quick_decision(
    history: History, log: CheckLog, t: int, decision: Decision, numbers: Sequence[int]
) -> bool:
    """Whether every cell about the decision of bar t is as expected."""
    number = decision.rebalance
    rows, market = history.rows, history.market
    if history.number(t) != number or (number is not None and number != numbers[0]):
        return False
    symbols, now = market.symbols, int(market.timestamps[t])
    own = t if history.scenario.execution.timing is Timing.SAME_CLOSE else t + 1
    at = int(market.timestamps[own]) if own < len(market.timestamps) else None
    targets: list[Line] = [
        (number, now, symbols[x.symbol], x.rank, x.weight, x.quantity) for x in decision.targets
    ]
    orders: list[Line] = [
        (now, at, x.rebalance, symbols[x.symbol], x.side.value, x.quantity, None, None, x.reason)
        for x in decision.orders
    ]
    if not agrees(history, "targets", t, targets):
        return False
    if not agrees(history, "orders", t, orders, ("filled", "status")):
        return False
    told = rows.at("equity", t)
    if rows.has("equity") and len(told) != 1:
        return False
    if told and told[0].cells.get("rebalance", number) != number:
        return False
    log.passed("targets", {target.symbol for target in decision.targets})
    log.passed("orders", {order.symbol for order in decision.orders})
    return True
