"""A ledger beside the orders that its own fills came from, as a program that replays them would have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reconcile.files.decimals import unit_scales
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Table
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, Scenario, WantedOrder
from vocabulary.state import Side, Status

SIDES = tuple(side.value for side in Side)
STATUSES = tuple(status.value for status in Status)


def as_replayed(
    scenario: Scenario, market: Market, ledger: Ledger, places: Sequence[tuple[int, int]]
) -> Ledger:
    """The ledger with the orders of a replay in place of its own targets, orders, decisions and rebalances.

    scenario: of the replay; its rows stand in the order of `places`: the bar of each fill and its row in
    `fills`.
    """
    wanted = scenario.strategy.selection
    assert isinstance(wanted, OrdersStrategy)
    orders = sorted(wanted.rows, key=lambda row: row.row)
    number = {at: i for i, at in enumerate(dict.fromkeys(row.decided_at for row in wanted.rows))}
    tables = {name: table for name, table in ledger.tables.items() if name not in ("targets", "orders")}
    tables["targets"] = _table("targets", scenario, market, {name: [] for name in SCHEMA["targets"]}, ())
    tables["fills"] = _decided(tables["fills"], orders, [at for _, at in places])
    tables["orders"] = _orders(scenario, market, orders, [t for t, _ in places], number)
    if "equity" in tables and "timestamp" in tables["equity"].columns:
        tables["equity"] = _numbered(tables["equity"], number)
    names = [name for name in SCHEMA if name in tables]
    manifest = replace(ledger.manifest, scenario=scenario.digest, chain=None)
    return Ledger(manifest, {name: tables[name] for name in names})


def _decided(fills: Table, orders: Sequence[WantedOrder], rows: Sequence[int]) -> Table:
    """The fills with the bar and the reason of their orders; rows that are no fills have neither."""
    reasons = tuple(dict.fromkeys(order.reason for order in orders))
    decided, codes = np.zeros(fills.rows, dtype=np.int64), np.zeros(fills.rows, dtype=np.int32)
    missing = np.ones(fills.rows, dtype=np.bool_)
    for order, at in zip(orders, rows, strict=True):
        decided[at], codes[at], missing[at] = order.decided_at, reasons.index(order.reason), False
    gaps = missing if missing.any() else None
    columns = {
        **fills.columns,
        "decided_at": _column(Kind.TIMESTAMP, decided, None, None, gaps),
        "reason": _column(Kind.WORD, codes, reasons, None, gaps),
    }
    return Table("fills", {name: columns[name] for name in SCHEMA["fills"] if name in columns}, fills.rows)


def _orders(
    scenario: Scenario,
    market: Market,
    orders: Sequence[WantedOrder],
    bars: Sequence[int],
    number: dict[int, int],
) -> Table:
    """The orders, each filled whole."""
    place = {symbol: s for s, symbol in enumerate(market.symbols)}
    reasons = tuple(dict.fromkeys(order.reason for order in orders))
    cells: dict[str, list[int]] = {
        "decided_at": [order.decided_at for order in orders],
        "executes_at": [int(market.timestamps[t]) for t in bars],
        "rebalance": [number[order.decided_at] for order in orders],
        "symbol": [place[order.symbol] for order in orders],
        "side": [SIDES.index(order.side.value) for order in orders],
        "quantity": [order.quantity for order in orders],
        "filled": [order.quantity for order in orders],
        "status": [STATUSES.index(Status.FILLED.value)] * len(orders),
        "reason": [reasons.index(order.reason) for order in orders],
    }
    return _table("orders", scenario, market, cells, reasons)


def _numbered(equity: Table, number: dict[int, int]) -> Table:
    """The bars with the numbers of the replay's rebalances."""
    found = [number.get(stamp, -1) for stamp in equity.columns["timestamp"].values.tolist()]
    values = np.array(found, dtype=np.int64)
    missing = values < 0
    columns = {
        **equity.columns,
        "rebalance": _column(Kind.COUNT, values, None, 0, missing if missing.any() else None),
    }
    return Table("equity", {name: columns[name] for name in SCHEMA["equity"] if name in columns}, equity.rows)


def _table(
    name: str, scenario: Scenario, market: Market, cells: dict[str, list[int]], reasons: tuple[str, ...]
) -> Table:
    scales = unit_scales(scenario.market.price_decimals, scenario.market.quantity_decimals)
    words = {"symbol": market.symbols, "side": SIDES, "status": STATUSES, "reason": reasons}
    columns = {}
    for column, kind in SCHEMA[name].items():
        values = np.array(cells[column], dtype=np.int32 if column in words else np.int64)
        columns[column] = _column(kind, values, words.get(column), scales.get(kind), None)
    return Table(name, columns, len(cells["symbol"]))


def _column(
    kind: Kind, values: Any, words: tuple[str, ...] | None, scale: int | None, missing: Any
) -> Column:
    for array in (values, missing):
        if array is not None:
            array.flags.writeable = False
    return Column(kind, values, words, scale, missing)
