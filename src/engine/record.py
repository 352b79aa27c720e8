"""The tables a kernel writes, their room, and the Ledger made of them (section L)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from engine import layout as at
from engine.arena import lent
from engine.book import reasons_of
from engine.layout import Book, Settings, Tables
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
from vocabulary.market import Ints, Market
from vocabulary.scenario import Scenario
from vocabulary.state import Side, Status

SIDES = tuple(side.value for side in Side)
FLOW_KINDS = tuple(kind.value for kind in FlowKind)
STATUSES = tuple(status.value for status in Status)
Scales = Mapping[Kind, int]
Words = Mapping[str, tuple[str, ...]]
ROWS = {
    "targets": at.N_TARGETS,
    "orders": at.N_ORDERS,
    "fills": at.N_FILLS,
    "positions": at.N_POSITIONS,
    "costs": at.N_BARS,
    "equity": at.N_BARS,
    "flows": at.N_FLOWS,
}
TABLES = (*RUN_TABLES, "flows")


def new_tables(settings: Settings, symbols: int, bars: int) -> Tables:
    """Room for a run of `bars`; what a strategy of n names usually needs, and one fullest bar."""
    names = settings.n + settings.short_n or min(symbols, 64)
    room = {
        "targets": names * bars,
        "orders": 2 * names * bars + settings.room,
        "fills": 2 * names * bars,
        "positions": (names + 2) * bars,
        "flows": 0,
    }
    rows = {name: room[name] + symbols if name in room else bars for name in TABLES}
    return Tables(*lent([(len(PLACES[name]), rows[name]) for name in TABLES]))


def with_room(tables: Tables, book: Book, symbols: int) -> Tables:
    """The tables again, those too small for one more fullest bar twice as large."""
    account = book.account
    written = {name: int(account[rows]) for name, rows in ROWS.items()}
    written["orders"] += int(account[at.PENDING]) + int(account[at.UNSIZED])
    return Tables(
        *(_grown(table, written[name], symbols) for name, table in zip(TABLES, tables, strict=True))
    )


def _grown(table: Ints, rows: int, symbols: int) -> Ints:
    if rows + symbols <= table.shape[1]:
        return table
    (grown,) = lent([(table.shape[0], 2 * table.shape[1] + symbols)])
    grown[:, :rows] = table[:, :rows]
    return grown


def _dictionaries(scenario: Scenario, market: Market) -> Words:
    """The words behind the codes."""
    return {
        "symbol": market.symbols,
        "side": SIDES,
        "status": STATUSES,
        "reason": reasons_of(scenario),
        "kind": FLOW_KINDS,
    }


def _scales(scenario: Scenario) -> Scales:
    """Decimals of each kind of number (section U)."""
    price, quantity = scenario.market.price_decimals, scenario.market.quantity_decimals
    return {
        Kind.PRICE: price,
        Kind.QUANTITY: quantity,
        Kind.MONEY: price + quantity,
        Kind.RATE: 9,
        Kind.COUNT: 0,
    }


# Where the kernel writes each table's columns.
PLACES = {
    table: {name: at for at, name in enumerate(name for name in columns if name != "sequence")}
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


class _Columns(Mapping[str, Column]):
    """A table's columns, each made when it is first asked for.

    Of a thousand counterfactual runs hardly a column is read, and making all of one ledger takes a tenth of
    a run of 126,000 events.
    """

    __slots__ = ("_made", "_rows", "_scales", "_table", "_words", "_written")

    def __init__(self, table: str, written: Ints, rows: int, scales: Scales, words: Words) -> None:
        self._table, self._written, self._rows = table, written, rows
        self._scales, self._words = scales, words
        self._made: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(name)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(SCHEMA[self._table])

    def __len__(self) -> int:
        return len(SCHEMA[self._table])

    def _make(self, name: str) -> Column:
        kind = SCHEMA[self._table][name]
        if name == "sequence":
            return Column(kind, _numbers(self._rows), None, 0)
        values = self._written[PLACES[self._table][name], : self._rows]
        missing = None
        if name == "rebalance":
            # bars and orders without one are empty there
            missing = values == at.NOTHING
            missing.flags.writeable = False
        if missing is not None and not missing.any():
            missing = None
        return Column(kind, values, self._words.get(name), self._scales.get(kind), missing)


def ledger_from(tables: Tables, book: Book, scenario: Scenario, market: Market) -> Ledger:
    """The columns as the kernel left them, named, scaled and sealed; nothing is copied."""
    scales, words = _scales(scenario), _dictionaries(scenario, market)
    made = {}
    for name, written in zip(TABLES, tables, strict=True):
        rows = int(book.account[ROWS[name]])
        if rows == 0 and name not in RUN_TABLES:
            continue  # L4: a ledger without flows has no such table
        written.flags.writeable = False
        made[name] = Table(name, _Columns(name, written, rows, scales, words), rows)
    return Ledger(_manifest(scenario, market), made)


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
