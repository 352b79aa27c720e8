"""The ledger: the tables of section L, ours or anyone's.

Ours are exact: whole numbers in a unit of 10**-scale. A foreign ledger may lack its manifest, tables
and columns, and may carry floats; `Column.scale` says which a column is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

SEMANTICS_VERSION = 2
SEMANTICS_DIGEST = "169da0a90521aab22dbead21db1a9f29306c6a898711d3ee6944818585567a42"
"""sha256 of docs/semantics.md: what the numbers of a ledger mean. A test holds the two together."""


class Kind(Enum):
    """What a column holds."""

    TIMESTAMP = "timestamp"
    SYMBOL = "symbol"
    COUNT = "count"
    PRICE = "price"
    QUANTITY = "quantity"
    MONEY = "money"
    RATE = "rate"
    WORD = "word"


class FlowKind(Enum):
    """Why cash came or went without a trade (L4); ours are all CARRY."""

    CARRY = "carry"
    DIVIDEND = "dividend"
    FUNDING = "funding"
    INTEREST = "interest"
    FEE = "fee"
    TAX = "tax"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    SPLIT = "split"
    OTHER = "other"


TARGETS: Mapping[str, Kind] = {
    "rebalance": Kind.COUNT,
    "decided_at": Kind.TIMESTAMP,
    "symbol": Kind.SYMBOL,
    "rank": Kind.COUNT,
    "weight": Kind.RATE,
    "quantity": Kind.QUANTITY,
}
ORDERS: Mapping[str, Kind] = {
    "decided_at": Kind.TIMESTAMP,
    "executes_at": Kind.TIMESTAMP,
    "rebalance": Kind.COUNT,
    "symbol": Kind.SYMBOL,
    "side": Kind.WORD,
    "quantity": Kind.QUANTITY,
    "filled": Kind.QUANTITY,
    "status": Kind.WORD,
    "reason": Kind.WORD,
}
FILLS: Mapping[str, Kind] = {
    "sequence": Kind.COUNT,
    "timestamp": Kind.TIMESTAMP,
    "decided_at": Kind.TIMESTAMP,
    "symbol": Kind.SYMBOL,
    "side": Kind.WORD,
    "quantity": Kind.QUANTITY,
    "price": Kind.PRICE,
    "notional": Kind.MONEY,
    "commission": Kind.MONEY,
    "slippage": Kind.MONEY,
    "reason": Kind.WORD,
}
POSITIONS: Mapping[str, Kind] = {
    "timestamp": Kind.TIMESTAMP,
    "symbol": Kind.SYMBOL,
    "quantity": Kind.QUANTITY,
    "average_price": Kind.PRICE,
    "basis": Kind.MONEY,
    "mark": Kind.PRICE,
    "market_value": Kind.MONEY,
}
COSTS: Mapping[str, Kind] = {
    "timestamp": Kind.TIMESTAMP,
    "turnover": Kind.MONEY,
    "commission": Kind.MONEY,
    "slippage": Kind.MONEY,
}
EQUITY: Mapping[str, Kind] = {
    "timestamp": Kind.TIMESTAMP,
    "rebalance": Kind.COUNT,
    "cash": Kind.MONEY,
    "market_value": Kind.MONEY,
    "equity": Kind.MONEY,
}
FLOWS: Mapping[str, Kind] = {
    "timestamp": Kind.TIMESTAMP,
    "symbol": Kind.SYMBOL,
    "kind": Kind.WORD,
    "amount": Kind.MONEY,
}
SCHEMA: Mapping[str, Mapping[str, Kind]] = {
    "targets": TARGETS,
    "orders": ORDERS,
    "fills": FILLS,
    "positions": POSITIONS,
    "costs": COSTS,
    "equity": EQUITY,
    "flows": FLOWS,
}
RUN_TABLES = ("targets", "orders", "fills", "positions", "costs", "equity")
"""The tables that every run writes. `flows` stands in a ledger only where there are any (L4)."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "targets": ("decided_at", "symbol"),
    "orders": ("decided_at", "symbol", "side"),
    "fills": ("timestamp", "symbol", "side"),
    "positions": ("timestamp", "symbol"),
    "costs": ("timestamp",),
    "equity": ("timestamp",),
    "flows": ("timestamp", "symbol", "kind"),
}
TIME_COLUMN: Mapping[str, str] = {
    "targets": "decided_at",
    "orders": "decided_at",
    "fills": "timestamp",
    "positions": "timestamp",
    "costs": "timestamp",
    "equity": "timestamp",
    "flows": "timestamp",
}
"""The column that says to which bar a row of the table belongs."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column, numbers or words, not writeable.

    values, by kind:
        TIMESTAMP: int64 nanoseconds since 1970 UTC.
        SYMBOL, WORD: integer codes into `dictionary`.
        COUNT: int64.
        numbers, exact: int64, the value times 10**scale; object dtype holding Python integers when
            one does not fit; COUNT has scale 0.
        numbers, foreign: float64, with `scale` None.
    dictionary: the words that codes point to, for SYMBOL and WORD, else None.
    scale: decimals of an exact number; None for floats, timestamps and words.
    missing: True where the cell is empty, None when no cell is.
    """

    kind: Kind
    values: npt.NDArray[Any]
    dictionary: tuple[str, ...] | None = None
    scale: int | None = None
    missing: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns of equal length, in the order of SCHEMA; a foreign one may lack some."""

    name: str
    columns: Mapping[str, Column]
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a ledger states about itself (L2). A foreign one may leave any of it None.

    initial_cash: money units. timing: a Timing's value. timezone: of the timestamps as shown.
    scenario, market, semantics: digests. producer: who made the ledger, e.g. `engine`.
    chain: per bar, the hex digest of all rows up to it, where it was written.
    """

    price_decimals: int | None = None
    quantity_decimals: int | None = None
    initial_cash: int | None = None
    timing: str | None = None
    timezone: str | None = None
    scenario: str | None = None
    market: str | None = None
    semantics: str | None = None
    producer: str | None = None
    chain: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """The tables by name, in the order of SCHEMA, with their manifest."""

    manifest: Manifest
    tables: Mapping[str, Table]
