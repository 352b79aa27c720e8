"""The tables a kernel writes, their room, and the Ledger made of them (section L)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine import layout as at
from engine.book import reasons_of
from engine.layout import Book, Settings, Tables
from vocabulary.ledger import SCHEMA, SEMANTICS_DIGEST, Column, Kind, Ledger, Manifest, Table
from vocabulary.market import Ints, Market
from vocabulary.scenario import Scenario
from vocabulary.state import Side, Status

# Tables whose `rebalance` may be empty.
NULLABLE = ("orders", "equity")
ROWS = {
    "targets": at.N_TARGETS,
    "orders": at.N_ORDERS,
    "fills": at.N_FILLS,
    "positions": at.N_POSITIONS,
    "costs": at.N_BARS,
    "equity": at.N_BARS,
}


def new_tables(settings: Settings, symbols: int, bars: int) -> Tables:
    """Room for a run of `bars`; what a strategy of n names usually needs, and one fullest bar."""
    names = settings.n + settings.short_n or min(symbols, 64)
    room = {
        "targets": names * bars,
        "orders": 2 * names * bars,
        "fills": 2 * names * bars,
        "positions": (names + 2) * bars,
    }
    sizes = {name: room[name] + symbols if name in room else bars for name in SCHEMA}
    return Tables(*(np.empty((len(SCHEMA[name]), sizes[name]), dtype=np.int64) for name in SCHEMA))


def with_room(tables: Tables, book: Book, symbols: int) -> Tables:
    """The tables again, those too small for one more fullest bar twice as large."""
    return Tables(
        *(
            _grown(table, int(book.account[ROWS[name]]), symbols)
            for name, table in zip(SCHEMA, tables, strict=True)
        )
    )


def _grown(table: Ints, rows: int, symbols: int) -> Ints:
    if rows + symbols <= table.shape[1]:
        return table
    grown = np.empty((table.shape[0], 2 * table.shape[1] + symbols), dtype=np.int64)
    grown[:, :rows] = table[:, :rows]
    return grown


def _dictionaries(scenario: Scenario, market: Market) -> dict[str, tuple[str, ...]]:
    """The words behind the codes."""
    return {
        "symbol": market.symbols,
        "side": tuple(side.value for side in Side),
        "status": tuple(status.value for status in Status),
        "reason": reasons_of(scenario),
    }


def scales_of(scenario: Scenario) -> dict[Kind, int]:
    """Decimals of each kind of number (section U)."""
    price, quantity = scenario.market.price_decimals, scenario.market.quantity_decimals
    return {
        Kind.PRICE: price,
        Kind.QUANTITY: quantity,
        Kind.MONEY: price + quantity,
        Kind.RATE: 9,
        Kind.COUNT: 0,
    }


def ledger_from(tables: Tables, book: Book, scenario: Scenario, market: Market) -> Ledger:
    """The columns as the kernel left them, named, scaled and sealed; nothing is copied."""
    scales = scales_of(scenario)
    words = _dictionaries(scenario, market)
    made = {}
    for name, written in zip(SCHEMA, tables, strict=True):
        rows = int(book.account[ROWS[name]])
        written.flags.writeable = False
        columns = {
            column: Column(kind, values, words.get(column), scales.get(kind))
            for (column, kind), values in zip(SCHEMA[name].items(), written[:, :rows], strict=True)
        }
        if name in NULLABLE:
            columns["rebalance"] = _with_missing(columns["rebalance"])
        made[name] = Table(name, columns, rows)
    return Ledger(_manifest(scenario, market), made)


def _with_missing(column: Column) -> Column:
    """Bars and orders without a rebalance are empty there."""
    missing = column.values == at.NOTHING
    if not missing.any():
        return column
    missing.flags.writeable = False
    return replace(column, missing=missing)


def _manifest(scenario: Scenario, market: Market) -> Manifest:
    return Manifest(
        price_decimals=scenario.market.price_decimals,
        quantity_decimals=scenario.market.quantity_decimals,
        initial_cash=scenario.initial_cash,
        timing=scenario.execution.timing.value,
        timezone=market.timezone,
        scenario=scenario.digest,
        market=market.digest,
        semantics=SEMANTICS_DIGEST,
        producer="engine",
    )
