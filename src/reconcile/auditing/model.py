"""The nouns of an audit: checks, findings, and checks that were not made. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from reconcile.matching.model import Tolerance, Value
from reconcile.matching.patterns import PatternKind


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
    FLAT = "flat"
    NEGATIVE_CASH = "negative_cash"
    OVERSOLD = "oversold"
    SCALES = "scales"
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


@dataclass(frozen=True, slots=True)
class About:
    """What a check without findings has shown, and what it needs to be made."""

    claim: str
    needs: str


_MARKET = "a scenario"
ABOUT: Mapping[Check, About] = {
    Check.CHAIN: About("the rows are those that the manifest's digest chain was written for", "a manifest"),
    Check.CELLS: About("cells that must be full hold finite numbers, known words and times", "any table"),
    Check.KEYS: About(
        "one row per bar, one row per bar and symbol, one fill per sequence number",
        "positions, costs, equity or fills",
    ),
    Check.SEQUENCE: About("fills in the order of their sequence run forward in time", "fills with sequence"),
    Check.NOTIONAL: About("notional = price x quantity (E3)", "fills with notional"),
    Check.COSTS: About("the costs of a bar are the sums of its fills (L)", "costs, fills"),
    Check.ORDERS: About(
        "what orders call filled is what their fills add up to, and fits the status (E4)",
        "orders, fills with decided_at",
    ),
    Check.POSITIONS: About("positions roll forward from fills (A1)", "positions, fills"),
    Check.BASIS: About(
        "basis rolls forward from fills (A1), average price follows from it (X2)",
        "positions with basis, fills",
    ),
    Check.VALUES: About(
        "a position's market value = quantity x mark", "positions with mark and market_value"
    ),
    Check.MARKET_VALUE: About(
        "a bar's market value = the sum over its positions", "equity with market_value, positions"
    ),
    Check.EQUITY: About(
        "equity = cash + market value (A3)", "equity with cash, and positions or market_value"
    ),
    Check.FROZEN: About("reported equity and cash move when fills and positions do", "equity, fills"),
    Check.CASH: About("cash rolls forward from fills and flows (A1, L4)", "equity with cash, fills"),
    Check.OPENING: About(
        "the first cash follows from the initial cash", "initial cash, equity with cash, fills"
    ),
    Check.FLAT: About(
        "while nothing is held, equity = initial cash + the net of fills and flows (A3)",
        "initial cash, equity, fills",
    ),
    Check.NEGATIVE_CASH: About(
        "cash is not below zero", "equity with cash; not with a scenario, see cash_policy"
    ),
    Check.OVERSOLD: About(
        "no sale of more than was bought before it", "fills; not with a scenario, see shorts"
    ),
    Check.SCALES: About(
        "prices and marks of a symbol are on one scale, and none is far from all its neighbours",
        "fills or positions with mark",
    ),
    Check.RETURNS: About("returns follow from equity", "returns, equity"),
    Check.BARS: About("rows stand at bars of the market (M1)", _MARKET),
    Check.SYMBOLS: About("symbols are the market's, and present when they trade (M2)", _MARKET),
    Check.DECISIONS: About("fills follow their decision as the timing says (T1, T2)", _MARKET),
    Check.PRICES: About("fill prices are the bar's, with slippage (E2), not tomorrow's", _MARKET),
    Check.COMMISSION: About("commission is what the cost model says (E3)", _MARKET),
    Check.SLIPPAGE: About("slippage is quantity x |fill price - raw price| (A2)", _MARKET),
    Check.MARKS: About("marks are the last present close (M3), not tomorrow's", _MARKET),
    Check.CASH_POLICY: About("no buy that opens or adds leaves cash below zero (E4)", _MARKET),
    Check.SHORTS: About("no short position unless allowed (E5)", _MARKET),
}
"""What is known of each check."""

NEEDS_MARKET = tuple(check for check, about in ABOUT.items() if about.needs == _MARKET)
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
    FLAT = "flat book"
    OVERSOLD = "phantom short"
    SCALE = "scale"
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
    NO_OPENING = "the cash that it started with is not stated"
    NO_ORDER = "the order in which the fills executed is not stated"
    NO_CHAIN = "no digest chain"
    LACKING = "not all there"
    NO_ROWS = "no rows"
    NONE_TO_COMPARE = "there is none to compare"
    NO_UNITS = "its numbers are not in the scenario's units"
    NEVER_FLAT = "something is held at every bar"
    NOT_FLAT_AT_START = "something is held before the first fill, or sold before it is bought"


NO_CASE = (Why.NO_ROWS, Why.NEVER_FLAT)
"""Reasons that leave nothing of the ledger unchecked: what the check is about does not occur in it."""


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
    detail: what else the check knows of it, in words; empty if nothing.
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
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ConstantPattern:
    """One relation that many findings of a column share: one mistake in many rows.

    kind: factor, offset, sign or rounded. value: the factor, the offset, or the decimals kept; of `clock`,
    nanoseconds. findings: how many it accounts for. rows: of the table.
    """

    check: Check
    field: str
    kind: PatternKind
    value: Decimal | int
    findings: int
    rows: int


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
class Noise:
    """Differences of doubles too small to be findings. largest: the largest of them, without its sign."""

    check: Check
    field: str
    values: int
    largest: float


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of auditing one ledger.

    findings: at most LIMIT of each kind, in order of time; `counts` counts all of them.
    checked, unchecked: the checks that were made, and those that were not.
    named: the checks that the caller asked for, None for all. The result can be clean without the others.
    with_market: whether a scenario and its market were given. patterns: what many findings have in common.
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
    noise: tuple[Noise, ...]
    notes: tuple[str, ...]
    patterns: tuple[ConstantPattern, ...] = ()


LIMIT = 1000
"""The most findings of one kind that are kept; the rest are only counted."""
