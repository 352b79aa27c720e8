"""Section L: what a bar's work looks like as rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from reference.accounting import entry_price
from reference.results import Day
from vocabulary.ledger import (
    RUN_TABLES,
    SCHEMA,
    SEMANTICS_DIGEST,
    Column,
    FlowKind,
    Kind,
    Ledger,
    Manifest,
    Table,
)
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, Scenario
from vocabulary.state import REBALANCE, Side, Status, Target

SIDES = tuple(side.value for side in Side)
STATUSES = tuple(status.value for status in Status)
BUY = Side.BUY
BOUGHT, SOLD = SIDES.index(Side.BUY.value), SIDES.index(Side.SELL.value)
STATUS_CODES = {status: code for code, status in enumerate(Status)}
FLOW_KINDS = tuple(kind.value for kind in FlowKind)
CARRY = FLOW_KINDS.index(FlowKind.CARRY.value)
NONE = -1
"""Stands in a cell of `rebalance` that is empty."""

Row = tuple[int, ...]


@dataclass(slots=True)
class Rows:
    """Rows so far, one list a table, cells in the order of SCHEMA: whole numbers and codes."""

    targets: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    costs: list[Row] = field(default_factory=list)
    equity: list[Row] = field(default_factory=list)
    flows: list[Row] = field(default_factory=list)


def record(rows: Rows, scenario: Scenario, market: Market, day: Day) -> None:
    """Append one bar's rows (L)."""
    _record_flows(rows, market, day)
    _record_targets(rows, market, day)
    _record_orders(rows, scenario, market, day)
    _record_fills(rows, scenario, market, day)
    _record_close(rows, market, day)


def _record_flows(rows: Rows, market: Market, day: Day) -> None:
    """One row a position that carry was paid for or by, in symbol order (M5)."""
    now: int = market.timestamps.item(day.bar)
    rows.flows += [(now, flow.symbol, CARRY, flow.amount) for flow in day.flows]


def _record_targets(rows: Rows, market: Market, day: Day) -> None:
    """One row a target, those of quantity 0 too."""
    sizing = day.sizing
    if sizing is not None:
        # R12: decided at the bar before, sized at this one.
        _add_targets(rows, sizing.rebalance, market.timestamps.item(day.bar - 1), sizing.targets)
    number = day.decision.rebalance
    if number is not None:
        _add_targets(rows, number, market.timestamps.item(day.bar), day.decision.targets)


def _add_targets(rows: Rows, number: int, decided_at: int, targets: tuple[Target, ...]) -> None:
    for target in targets:
        rows.targets.append((number, decided_at, target.symbol, target.rank, target.weight, target.quantity))


def _record_orders(rows: Rows, scenario: Scenario, market: Market, day: Day) -> None:
    """One row an order, in submission order, at the bar it executes at or dies at (T3)."""
    if not day.submitted:
        return
    now: int = market.timestamps.item(day.bar)
    reasons = _reason_codes(scenario)
    became = {id(execution.order): execution for execution in day.executions}
    for order in day.submitted:
        execution = became[id(order)]
        rows.orders.append(
            (
                market.timestamps.item(order.decided_at),
                now,
                NONE if order.rebalance is None else order.rebalance,
                order.symbol,
                BOUGHT if order.side is BUY else SOLD,
                order.quantity,
                execution.filled,
                STATUS_CODES[execution.status],
                reasons[order.reason],
            )
        )


def _record_fills(rows: Rows, scenario: Scenario, market: Market, day: Day) -> None:
    """One row an execution, in execution order; one row of the bar's costs (A2, L)."""
    now: int = market.timestamps.item(day.bar)
    reasons = _reason_codes(scenario)
    turnover = commission = slippage = 0
    for execution in day.executions:
        order, fill = execution.order, execution.fill
        if fill is None:
            continue
        turnover += fill.notional
        commission += fill.commission
        slippage += fill.slippage
        rows.fills.append(
            (
                len(rows.fills),
                now,
                market.timestamps.item(order.decided_at),
                fill.symbol,
                BOUGHT if fill.side is BUY else SOLD,
                fill.quantity,
                fill.price,
                fill.notional,
                fill.commission,
                fill.slippage,
                reasons[order.reason],
            )
        )
    rows.costs.append((now, turnover, commission, slippage))


def _record_close(rows: Rows, market: Market, day: Day) -> None:
    """One row an open position, in symbol order; one row of equity."""
    now: int = market.timestamps.item(day.bar)
    for symbol, position in sorted(day.state.positions.items()):
        value = position.quantity * position.mark
        rows.positions.append(
            (now, symbol, position.quantity, entry_price(position), position.basis, position.mark, value)
        )
    number = day.decision.rebalance
    worth = day.valuation
    rows.equity.append(
        (now, NONE if number is None else number, worth.cash, worth.market_value, worth.equity)
    )


def _reasons(scenario: Scenario) -> tuple[str, ...]:
    selection = scenario.strategy.selection
    wanted = selection.rows if isinstance(selection, OrdersStrategy) else ()
    return (*(rule.name for rule in scenario.exits), REBALANCE, *dict.fromkeys(row.reason for row in wanted))


def _reason_codes(scenario: Scenario) -> dict[str, int]:
    return {reason: code for code, reason in enumerate(_reasons(scenario))}


def ledger(scenario: Scenario, market: Market, rows: Rows) -> Ledger:
    """The rows as columns, with their manifest (L1, L2)."""
    manifest = Manifest(
        price_decimals=scenario.market.price_decimals,
        quantity_decimals=scenario.market.quantity_decimals,
        initial_cash=scenario.initial_cash,
        timing=scenario.execution.timing.value,
        timezone=market.timezone,
        scenario=scenario.digest,
        market=market.digest,
        semantics=SEMANTICS_DIGEST,
        producer="reference",
    )
    words = {"side": SIDES, "status": STATUSES, "reason": _reasons(scenario), "kind": FLOW_KINDS}
    scales = {
        Kind.PRICE: scenario.market.price_decimals,
        Kind.QUANTITY: scenario.market.quantity_decimals,
        Kind.MONEY: scenario.market.price_decimals + scenario.market.quantity_decimals,
        Kind.RATE: 9,
        Kind.COUNT: 0,
    }
    tables = {}
    # L4: a ledger without flows has no such table.
    for name in (*RUN_TABLES, "flows") if rows.flows else RUN_TABLES:
        kinds = SCHEMA[name]
        table: list[Row] = getattr(rows, name)
        columns = {}
        by_column: list[tuple[int, ...]] = list(zip(*table, strict=True)) or [()] * len(kinds)
        for cells, (column, kind) in zip(by_column, kinds.items(), strict=True):
            dictionary = market.symbols if kind is Kind.SYMBOL else words.get(column)
            columns[column] = _column(kind, cells, dictionary, scales.get(kind), column == "rebalance")
        tables[name] = Table(name, columns, len(table))
    return Ledger(manifest, tables)


def _column(
    kind: Kind,
    cells: tuple[int, ...],
    dictionary: tuple[str, ...] | None,
    scale: int | None,
    may_be_empty: bool,
) -> Column:
    """Cells as an array that cannot be written."""
    values = _integers(cells, np.dtype(np.int64 if dictionary is None else np.int32))
    missing = None
    if may_be_empty and NONE in cells:
        missing = np.array([cell == NONE for cell in cells], dtype=np.bool_)
        missing.flags.writeable = False
    return Column(kind, values, dictionary, scale, missing)


def _integers(cells: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """U4: int64 where every cell fits, else Python's own integers."""
    try:
        values = np.array(cells, dtype=dtype)
    except OverflowError:
        values = np.array(cells, dtype=object)
    values.flags.writeable = False
    return values
