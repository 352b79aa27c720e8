"""The nouns of an audit: checks, findings, and checks that were not made. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from reconcile.matching.model import Tolerance, Value


class Check(Enum):
    """The checks of an audit; the value is the name that `--checks` takes."""

    CHAIN = "chain"
    CELLS = "cells"
    KEYS = "keys"
    SEQUENCE = "sequence"
    NOTIONAL = "notional"
    COSTS = "costs"
    ORDERS = "orders"
    POSITIONS = "positions"
    BASIS = "basis"
    VALUES = "values"
    MARKET_VALUE = "market_value"
    EQUITY = "equity"
    FROZEN = "frozen"
    CASH = "cash"
    OPENING = "opening"
    RETURNS = "returns"
    BARS = "bars"
    SYMBOLS = "symbols"
    DECISIONS = "decisions"
    PRICES = "prices"
    COMMISSION = "commission"
    SLIPPAGE = "slippage"
    MARKS = "marks"
    CASH_POLICY = "cash_policy"
    SHORTS = "shorts"


CLAIMS: Mapping[Check, str] = {
    Check.CHAIN: "the rows are those that the manifest's digest chain was written for",
    Check.CELLS: "cells that must be full hold finite numbers, known words and times",
    Check.KEYS: "one row a bar, one row a bar and symbol, one fill a sequence number",
    Check.SEQUENCE: "fills in the order of their sequence run forward in time",
    Check.NOTIONAL: "notional = price x quantity (E3)",
    Check.COSTS: "the costs of a bar are the sums of its fills (L)",
    Check.ORDERS: "what orders call filled is what their fills add up to, and fits the status (E4)",
    Check.POSITIONS: "positions roll forward from fills (A1)",
    Check.BASIS: "basis rolls forward from fills (A1), average price follows from it (X2)",
    Check.VALUES: "a position's market value = quantity x mark",
    Check.MARKET_VALUE: "a bar's market value = the sum over its positions",
    Check.EQUITY: "equity = cash + market value (A3)",
    Check.FROZEN: "reported equity and cash move when fills and positions do",
    Check.CASH: "cash rolls forward from fills (A1), without flows",
    Check.OPENING: "the first cash follows from the initial cash",
    Check.RETURNS: "returns follow from equity",
    Check.BARS: "rows stand at bars of the market (M1)",
    Check.SYMBOLS: "symbols are the market's, and present when they trade (M2)",
    Check.DECISIONS: "fills follow their decision as the timing says (T1, T2)",
    Check.PRICES: "fill prices are the bar's, with slippage (E2), not tomorrow's",
    Check.COMMISSION: "commission is what the cost model says (E3)",
    Check.SLIPPAGE: "slippage is quantity x |fill price - raw price| (A2)",
    Check.MARKS: "marks are the last present close (M3), not tomorrow's",
    Check.CASH_POLICY: "no buy that opens or adds leaves cash below zero (E4)",
    Check.SHORTS: "no short position unless allowed (E5)",
}
"""What a check without findings has shown."""

NEEDS_MARKET = (
    Check.BARS,
    Check.SYMBOLS,
    Check.DECISIONS,
    Check.PRICES,
    Check.COMMISSION,
    Check.SLIPPAGE,
    Check.MARKS,
    Check.CASH_POLICY,
    Check.SHORTS,
)
"""Checks that need a scenario and its market."""


class FindingKind(Enum):
    """What is wrong; the value is its name.

    edited: from this bar on, the rows are not those that the digest chain was made from.
    flow: cash changed for good by an amount that no fill explains, such as a deposit, withdrawal or dividend.
    frozen: reported equity or cash does not change while fills and positions do: a second book is kept.
    """

    EDITED = "edited"
    CELL = "cell"
    DUPLICATE = "duplicate"
    SEQUENCE = "sequence"
    NOTIONAL = "notional"
    COST = "cost"
    ORDER = "order"
    POSITION = "position"
    BASIS = "basis"
    VALUE = "value"
    MARKET_VALUE = "market value"
    EQUITY = "equity"
    FROZEN = "frozen"
    CASH = "cash"
    FLOW = "flow"
    OPENING = "opening"
    RETURN = "return"
    NO_BAR = "no such bar"
    MISSING_BAR = "missing bar"
    SYMBOL = "unknown symbol"
    ABSENT = "absent symbol"
    BEFORE_DECISION = "fill before its decision"
    TOO_SOON = "fill at its decision's bar"
    LATE = "late fill"
    TOMORROW = "tomorrow's price"
    RANGE = "price out of range"
    PRICE = "price"
    COMMISSION = "commission"
    SLIPPAGE = "slippage"
    MARK = "mark"
    NEGATIVE_CASH = "negative cash"
    SHORT = "short position"


class Why(Enum):
    """Why a check, or a part of it, was not made."""

    NO_TABLE = "no such table"
    NO_COLUMN = "no such column"
    NO_SCENARIO = "it needs a scenario"
    NO_OPENING = "nothing says what cash it started with"
    NO_ORDER = "nothing says in which order the fills executed"
    NO_CHAIN = "no digest chain"
    LACKING = "not all there"
    NO_UNITS = "its numbers are not in the scenario's units"


class Verdict(Enum):
    """The conclusion that the audit supports."""

    CLEAN = "clean"
    FINDINGS = "findings"
    CLEAN_AS_FAR_AS_CHECKED = "clean_as_far_as_checked"
    NOTHING_CHECKED = "nothing_checked"


@dataclass(frozen=True, slots=True)
class RowName:
    """A row of a table. key: as in KEYS. row: its number, counted from 0; None if there is no such row."""

    table: str
    key: tuple[Value, ...]
    row: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    field: the table.column that is wrong. rows: the rows that show it, the wrong one first.
    timestamp: ns since 1970 UTC. until: the last bar of a finding that spans several. bars: how many.
    found, expected: exact values, None if there is no value.
    gap: found - expected if both are numbers. For a flow, this is the amount that was paid in.
    """

    check: Check
    kind: FindingKind
    field: str
    rows: tuple[RowName, ...]
    timestamp: int | None
    symbol: str | None
    found: Value
    expected: Value
    gap: Value = None
    until: int | None = None
    bars: int = 1


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made. values: how many values it compared.

    allowed: the largest rounding error of doubles that it allowed for, None if all values were exact.
    """

    check: Check
    values: int
    findings: int
    allowed: float | None = None


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A check that was not made. what: what is missing, such as a table or table.column."""

    check: Check
    what: str
    why: Why


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The effect of a tolerance. values: how many it accepted. largest: the largest gap among them."""

    tolerance: Tolerance
    values: int
    largest: Decimal


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of auditing one ledger.

    findings: at most LIMIT of each kind, in order of time; `counts` counts all of them.
    checked, unchecked: the checks that were made, and those that were not.
    named: the checks that the caller asked for, None for all. The result can be clean without the others.
    with_market: whether a scenario and its market were given.
    notes: further facts for the reader, one sentence each.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    counts: Mapping[FindingKind, int]
    checked: tuple[Checked, ...]
    unchecked: tuple[Unchecked, ...]
    named: tuple[Check, ...] | None
    with_market: bool
    absorbed: tuple[Absorbed, ...]
    notes: tuple[str, ...]


LIMIT = 1000
"""The most findings of one kind that are kept; the rest are only counted."""
