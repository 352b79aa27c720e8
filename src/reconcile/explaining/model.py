"""What an explanation is made of. Data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from vocabulary.state import Side

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

Value = int | float | str | tuple[Any, ...] | None
"""What a hypothesis is tried with; a table of the scenario file is a tuple of (key, value) pairs."""


class Kind(Enum):
    """Where a hypothesis acts; members are in the order in which a backtest meets them."""

    SCENARIO = "scenario"
    INPUT = "input"
    LOOP = "loop"
    REPORT = "report"


class Verdict(Enum):
    """What an explanation may claim.

    no_breaks: the candidate ties out.  explained: a run under the causes gives the candidate's ledger.
    partly: causes were found, and breaks remain.  unexplained: no hypothesis fits.
    cannot_tell: there is nothing to compare, or something was not compared and nothing differs.
    """

    NO_BREAKS = "no_breaks"
    EXPLAINED = "explained"
    PARTLY = "partly_explained"
    UNEXPLAINED = "unexplained"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Change:
    """One hypothesis with a value and its limits: what turns one world into another.

    hypothesis: its id in the catalogue. since, until: bars [since, until) in which it holds, None
    without an end. symbols: places in the market, None for all. side: of the order, None for both.
    """

    hypothesis: str
    value: Value = None
    since: int = 0
    until: int | None = None
    symbols: tuple[int, ...] | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was read off a ledger from one bar on; None or empty where it cannot be read.

    Rates in ppb, `initial_cash` in money, quantities in lots. commission: (side, kind, rate, minimum).
    slippage: (kind, rate or ticks). price: (field, lag in bars). schedule: the scenario's table.
    exits: (name, setting) -> values that fit. split: (symbol, factor as numerator and denominator).
    """

    initial_cash: int | None = None
    commission: tuple[tuple[Side | None, str, int, int], ...] = ()
    slippage: tuple[tuple[str, int], ...] = ()
    price: tuple[tuple[str, int], ...] = ()
    n: int | None = None
    short_n: int | None = None
    gross_long: int | None = None
    gross_short: int | None = None
    lot: int | None = None
    base: tuple[int, ...] = ()
    schedules: tuple[Value, ...] = ()
    gates: tuple[Value, ...] = ()
    bands: tuple[int, ...] = ()
    exits: Mapping[tuple[str, str], tuple[int, ...]] | None = None
    unused_exits: tuple[str, ...] = ()
    splits: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What a hypothesis is asked about: the scenario as stated and the market as read."""

    scenario: Scenario
    market: Market


@dataclass(frozen=True, slots=True)
class Wording:
    """How a change reads: a sentence in the past tense, the setting or datum, and both its values."""

    sentence: str
    what: str
    reference: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One entry of the catalogue.

    domain: the values worth trying, from what was measured. say: how a change with a value reads.
    whole_run: it acts before the first bar or carries more than a State tells, so it is only ever run
    from bar 0. by_symbol, by_side: it can be limited so.
    """

    id: str
    kind: Kind
    domain: Callable[[Subject, Measured], tuple[Value, ...]]
    say: Callable[[Subject, Value], Wording]
    whole_run: bool = False
    by_symbol: bool = False
    by_side: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, verified by a run.

    since, until: timestamps, None from the start and to the end. symbols: names, None for all.
    breaks_explained: breaks that come back when this cause alone is left out.
    alternatives: changes that give the very same ledger here, as they read; rivals: the same as changes.
    """

    change: Change
    kind: Kind
    sentence: str
    what: str
    reference: str
    candidate: str
    since: int | None
    until: int | None
    symbols: tuple[str, ...] | None
    breaks_explained: int
    alternatives: tuple[str, ...] = ()
    rivals: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bridge. amount: money units; equity: final equity after it."""

    label: str
    amount: int
    equity: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """From the reference's final equity to the candidate's, exact, in money units.

    scale: decimals of money. base, candidate_base: initial cash that each return is measured against.
    by_cause: in the order in which the causes are listed, each added to those before it, then
    `unexplained`. by_stage, by_symbol, by_month: the same difference taken apart otherwise; each sums to it.
    """

    scale: int
    reference: int
    candidate: int
    base: int
    candidate_base: int
    by_cause: tuple[Line, ...]
    by_stage: tuple[tuple[str, int], ...]
    by_symbol: tuple[tuple[str, int], ...]
    by_month: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RootGroup:
    """Roots that share something. shared: what, in words; count: how many; example: the first, in words."""

    shared: str
    count: int
    example: str


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The answer. breaks: of the candidate against the reference; unexplained: those that remain.

    roots: of what remains, grouped; empty when nothing does. runs: backtests it took.
    candidate_return: as the candidate's own manifest has it. notes: a sentence each.
    """

    verdict: Verdict
    causes: tuple[Cause, ...]
    breaks: int
    unexplained_breaks: int
    bridge: Bridge | None
    roots: tuple[RootGroup, ...]
    runs: int
    seconds: float
    reference_return: Decimal | None
    candidate_return: Decimal | None
    notes: tuple[str, ...] = ()
