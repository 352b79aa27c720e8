"""The tables a kernel writes, their room, and the Ledger made of them (section L)."""

from __future__ import annotations

import numpy as np

from engine import layout as at
from engine.arena import lent
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
        "orders": 2 * names * bars + symbols,
        "fills": 2 * names * bars,
        "positions": (names + 2) * bars,
    }
    rows = {name: room[name] + symbols if name in room else bars for name in SCHEMA}
    return Tables(*lent([(len(WRITTEN[name]), rows[name]) for name in SCHEMA]))


def with_room(tables: Tables, book: Book, symbols: int) -> Tables:
    """The tables again, those too small for one more fullest bar twice as large."""
    account = book.account
    written = {name: int(account[rows]) for name, rows in ROWS.items()}
    written["orders"] += int(account[at.PENDING])
    return Tables(
        *(_grown(table, written[name], symbols) for name, table in zip(SCHEMA, tables, strict=True))
    )


def _grown(table: Ints, rows: int, symbols: int) -> Ints:
    if rows + symbols <= table.shape[1]:
        return table
    (grown,) = lent([(table.shape[0], 2 * table.shape[1] + symbols)])
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


def _scales(scenario: Scenario) -> dict[str, int]:
    """Decimals of the numbers, by their kind's value (section U)."""
    price, quantity = scenario.market.price_decimals, scenario.market.quantity_decimals
    return {
        Kind.PRICE.value: price,
        Kind.QUANTITY.value: quantity,
        Kind.MONEY.value: price + quantity,
        Kind.RATE.value: 9,
        Kind.COUNT.value: 0,
    }


# Each table's columns as the kernel writes them: name, kind, and the kind's value, which is quicker to look
# up than the kind.
WRITTEN = {
    table: [(name, kind, kind.value) for name, kind in columns.items() if name != "sequence"]
    for table, columns in SCHEMA.items()
}
_NUMBERS: list[Ints] = [np.arange(0, dtype=np.int64)]


def _numbers(count: int) -> Ints:
    """0, 1, 2, ...: the same memory for all ledgers."""
    longest = _NUMBERS[0]
    if len(longest) < count:
        longest = np.arange(2 * count, dtype=np.int64)
        longest.flags.writeable = False
        _NUMBERS[0] = longest
    return longest[:count]


def ledger_from(tables: Tables, book: Book, scenario: Scenario, market: Market) -> Ledger:
    """The columns as the kernel left them, named, scaled and sealed; nothing is copied."""
    scale, words = _scales(scenario).get, _dictionaries(scenario, market).get
    made = {}
    for name, written in zip(SCHEMA, tables, strict=True):
        rows = int(book.account[ROWS[name]])
        written.flags.writeable = False
        columns = {"sequence": Column(Kind.COUNT, _numbers(rows), None, 0)} if name == "fills" else {}
        for (column, kind, value), values in zip(WRITTEN[name], written[:, :rows], strict=True):
            columns[column] = Column(kind, values, words(column), scale(value))
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
    return Column(column.kind, column.values, column.dictionary, column.scale, missing)


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
