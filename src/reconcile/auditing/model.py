"""What an audit finds: checks, findings, and what could not be checked. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from reconcile.matching.model import Tolerance, Value


class Check(Enum):
    """What is held against what; the value is its name, for `--checks`."""

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
"""What a clean check has shown."""

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
"""Checks made only with a scenario and its market."""


class FindingKind(Enum):
    """What is wrong; the value names it.

    edited: from that bar on, rows are not those that the digest chain was written for.
    flow: cash moved by an amount that no fill explains, and stayed: a deposit, a withdrawal, a dividend.
    frozen: reported equity or cash stands still while fills and positions move: a second book.
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
    """Why a check was not made, or not on all that it is about."""

    NO_TABLE = "no such table"
    NO_COLUMN = "no such column"
    NO_SCENARIO = "it needs a scenario"
    NO_OPENING = "nothing says what cash it started with"
    NO_ORDER = "nothing says in which order the fills executed"
    NO_CHAIN = "no digest chain"
    LACKING = "not all there"
    NO_UNITS = "its numbers are not in the scenario's units"


class Verdict(Enum):
    """What the audit may claim."""

    CLEAN = "clean"
    FINDINGS = "findings"
    CLEAN_AS_FAR_AS_CHECKED = "clean_as_far_as_checked"
    NOTHING_CHECKED = "nothing_checked"


@dataclass(frozen=True, slots=True)
class RowName:
    """A row of a table: its key (KEYS), and its number, counted from 0. row: None where there is none."""

    table: str
    key: tuple[Value, ...]
    row: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    field: the table.column that is wrong. rows: which rows show it, the wrong one first.
    timestamp: ns since 1970 UTC. until: the last bar of it, where it lasts. bars: how many it spans.
    found, expected: exact, as Value; None where there is nothing.
    gap: found - expected where both are numbers; of a flow: the amount that came in.
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
    """A check that was made: on how many values, and the rounding of doubles it had to allow.

    allowed: the largest bound used for a value that is a double, None where all was exact.
    """

    check: Check
    values: int
    findings: int
    allowed: float | None = None


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A check that was not made. what: the table or table.column that is lacking."""

    check: Check
    what: str
    why: Why


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What a tolerance did: values it let pass, and the largest gap among them."""

    tolerance: Tolerance
    values: int
    largest: Decimal


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of auditing one ledger.

    findings: at most LIMIT of each kind, in order of time; `counts` has all of them.
    checked, unchecked: which checks were made and which were not. named: the checks to make were named,
        so that omissions do not stand in the way of a clean result.
    with_market: whether the market's checks were asked for.
    notes: what else a reader should know, a sentence each.
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
"""Findings of one kind that are kept; the rest are counted."""
