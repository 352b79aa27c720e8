"""The fast path of the resync: a bar that is right in every cell needs no further check."""

from __future__ import annotations

from collections.abc import Sequence, Set

from reconcile.roots.check_execution import Numbers
from reconcile.roots.findings import CheckLog
from reconcile.roots.readings import DueOrder
from reconcile.roots.rebuild import History
from reconcile.roots.rows import TableRows
from reference import (
    Decision,
    Execution,
    Part,
    Valuation,
    close_at_levels,
    entry_price,
    mark,
    moved_extremes,
    trade,
    trade_resting,
)
from vocabulary.ledger import SCHEMA
from vocabulary.scenario import Timing
from vocabulary.state import Order, State

Line = tuple[object, ...]


def quick_execution(
    history: History,
    log: CheckLog,
    state: State,
    t: int,
    due: Sequence[DueOrder],
    numbers: Numbers,
    closed: tuple[Execution, ...] = (),
) -> tuple[State, Numbers] | None:
    """The marked state after bar t's executions and the numbers for the next bar.

    closed: what levels have closed before the decision, with `same_close`.
    None where a cell of the bar is not as expected, or where an order has several readings.
    """
    orders: list[Order] = []
    for entry in due:
        order = entry.readings[0]
        if len(entry.readings) != 1 or order is None:
            return None
        orders.append(order)
    after, executions = _executed(history, state, t, orders, closed)
    after = moved_extremes(history.scenario, after, history.market, t)
    after, worth = mark(history.scenario, after, history.market, t)
    if not _outcomes(due, executions) or not _tables(history, t, after, executions, worth):
        return None
    if not _level_orders(history, t, [e for e in executions if e.order.reason in history.level_rules]):
        return None
    numbered = _numbers(history, t, executions, numbers)
    if numbered is None:
        return None
    log.passed("orders", {execution.order.symbol for execution in executions})
    log.passed("fills", {-1, *(e.order.symbol for e in executions if e.fill is not None)})
    log.passed("positions", set(after.positions))
    log.passed("costs", (-1,))
    log.passed("equity", (-1,))
    return after, numbered


def _executed(
    history: History, state: State, t: int, orders: Sequence[Order], closed: tuple[Execution, ...]
) -> tuple[State, tuple[Execution, ...]]:
    """T1, T2, X5: the orders of a bar and what its levels close, in the order of their fills."""
    scenario, market = history.scenario, history.market
    timing = scenario.execution.timing
    if timing is Timing.NEXT_CLOSE:
        state, closed = close_at_levels(scenario, state, market, t)
    gone = {execution.order.symbol for execution in closed} if timing is Timing.NEXT_CLOSE else set()
    state, traded = trade(scenario, state, market, t, orders, gone)
    if timing is not Timing.NEXT_OPEN:
        return state, (*closed, *traded)
    state, at_open = close_at_levels(scenario, state, market, t, (Part.OPEN,))
    state, met = trade_resting(scenario, state, market, t, orders, {e.order.symbol for e in at_open})
    moved = {execution.fill.symbol for execution in met if execution.fill is not None}
    state, on_the_way = close_at_levels(scenario, state, market, t, (Part.WAY,), moved)
    return state, (*traded, *at_open, *met, *on_the_way)


def _level_orders(history: History, t: int, closed: Sequence[Execution]) -> bool:
    """X9: whether the rows of what levels closed in bar t are as expected."""
    now, symbols = int(history.market.timestamps[t]), history.market.symbols
    lines: list[Line] = [
        (now, now, None, symbols[o.symbol], o.side.value, o.quantity, x.filled, x.status.value, o.reason)
        for o, x in ((x.order, x) for x in closed)
    ]
    return not history.level_rules or agrees(history, "orders", t, lines, reasons=history.level_rules)


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


def agrees(
    history: History,
    name: str,
    t: int,
    expected: list[Line],
    skipped: tuple[str, ...] = (),
    reasons: Set[str] | None = None,
) -> bool:
    """Whether the rows of a table at bar t are the expected ones, in any order, on the columns it has.

    reasons: the rows of `orders` with one of these reasons alone; None: those of them that no level closed.
    """
    table = history.rows.tables.get(name)
    if table is None:
        return True
    rows = table.by_bar.get(t, [])
    if name == "orders" and history.level_rules and "reason" in table.columns:
        wanted = reasons is not None
        rows = [row for row in rows if (table.columns["reason"][row] in history.level_rules) == wanted]
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
    found = [(sequence[row], table.symbols[row]) for row in table.by_bar.get(t, [])]
    ours = [execution.order.symbol for execution in executions if execution.fill is not None]
    if not ours:
        return numbers
    first = min(number for number, _ in found)
    if first - 1 not in numbers or sorted(found) != list(enumerate(ours, first)):
        return None
    return frozenset({first + len(ours) - 1})


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
