"""The scenario: what is traded, how, and at what cost, in integers (section S of the semantics).

Decimal text of the file has become integers here: ppb (parts per billion) for rates, weights and
multiples, ticks (10**-price_decimals) for prices, money (10**-(price_decimals + quantity_decimals))
for amounts of cash. A scenario is only ever made by `reconcile.scenario_from_*`, which validate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from vocabulary.state import OrderType, Side

if TYPE_CHECKING:
    from vocabulary.view import View


class Timing(Enum):
    """When an order decided at bar t executes (T1, T2)."""

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"
    SAME_CLOSE = "same_close"


class Sequence(Enum):
    """In which order the orders of a bar meet the cash (E1)."""

    SELLS_FIRST = "sells_first"
    SUBMISSION = "submission"
    SYMBOL = "symbol"
    SELLS_FIRST_SYMBOL = "sells_first_symbol"
    VALUE = "value"


class CashPolicy(Enum):
    """What happens to a buy that the cash does not cover (E4)."""

    REDUCE = "reduce"
    REJECT = "reject"
    ALLOW_NEGATIVE = "allow_negative"
    REDUCE_BEFORE_COSTS = "reduce_before_costs"


class When(Enum):
    """Whether `top_n` trades at every rebalance or only when its membership changed (R4)."""

    ALWAYS = "always"
    MEMBERSHIP = "membership"


class SizeOn(Enum):
    """The base of sizing (R7)."""

    EQUITY = "equity"
    INITIAL_CASH = "initial_cash"


class SizeAt(Enum):
    """When weights become quantities (R7, R12): at the bar that decides, or when the orders execute."""

    DECISION = "decision"
    EXECUTION = "execution"


class CommissionBase(Enum):
    """What a commission in basis points is taken of (E3): the notional, or quantity * the raw price."""

    FILL = "fill"
    RAW = "raw"


class ScheduleKind(Enum):
    """Which bars may rebalance (R2)."""

    EVERY = "every"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Bound(Enum):
    """Which side of the gate's value is open (R3): context <= max, or context >= min."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Schedule:
    """R2. `every` and `start` are bars and read only when kind is EVERY (else 1 and 0)."""

    kind: ScheduleKind = ScheduleKind.EVERY
    every: int = 1
    start: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """R3. A context column compared with a double; a missing value closes the gate."""

    context: str
    bound: Bound
    value: float


@dataclass(frozen=True, slots=True)
class AtrFeature:
    """M4 `atr(period)`; period in the symbol's own present bars."""

    name: str
    period: int


@dataclass(frozen=True, slots=True)
class MomentumFeature:
    """M4 `momentum(lookback, skip)`; both in the symbol's own present bars."""

    name: str
    lookback: int
    skip: int


Feature = AtrFeature | MomentumFeature


@dataclass(frozen=True, slots=True)
class MarketSource:
    """Where the market comes from and in which units it is held (U1).

    data: a built-in market's name, or a path relative to the scenario file.
    context: a path relative to the scenario file, or None.
    lot: quantities are cut to multiples of so many quantity units (R11).
    carry: the feature that holds cash per share paid to holders (M5), or None.
    """

    data: str
    context: str | None = None
    price_decimals: int = 4
    quantity_decimals: int = 0
    features: tuple[Feature, ...] = ()
    lot: int = 1
    carry: str | None = None


@dataclass(frozen=True, slots=True)
class TopN:
    """R4. Gross exposures in ppb; `score` and `require` name features."""

    score: str
    n: int
    short_n: int = 0
    gross_long: int = 1_000_000_000
    gross_short: int = 1_000_000_000
    require: tuple[str, ...] = ()
    when: When = When.ALWAYS


@dataclass(frozen=True, slots=True)
class Weights:
    """R5. `feature` names the column of target weights."""

    feature: str


@dataclass(frozen=True, slots=True)
class CallableStrategy:
    """R6. `function` is the name `module:function`; `call` the resolved function.

    `call` takes a View and returns target weights by symbol (plain numbers), or None.
    It takes no part in equality: two scenarios that name the same function are the same scenario.
    """

    function: str
    call: Callable[[View], Any] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """One row of an orders file (R10).

    row: its place in the file, from 1. decided_at: as in `Market.timestamps`. quantity: lots, > 0. price:
    ticks, of a limit or stop; 0 of a market order.
    """

    row: int
    decided_at: int
    symbol: str
    side: Side
    quantity: int
    type: OrderType
    price: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrdersStrategy:
    """R10. Orders as a file has them.

    file: a path relative to the scenario file. content: sha256 of the rows. zoned: whether their times have
    a zone. rows: by decided_at, those of one time in file order.
    """

    file: str
    content: str
    zoned: bool
    rows: tuple[WantedOrder, ...] = field(compare=False, repr=False)


Selection = TopN | Weights | CallableStrategy | OrdersStrategy


class ExitAt(Enum):
    """Where an exit is tested: at the close of its bar (X1), or inside the bar at its level (X5)."""

    CLOSE = "close"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class StopLoss:
    """X3, X6. loss in ppb of the entry price."""

    name: str
    loss: int
    at: ExitAt = ExitAt.CLOSE


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """X3, X6. gain in ppb of the entry price."""

    name: str
    gain: int
    at: ExitAt = ExitAt.CLOSE


@dataclass(frozen=True, slots=True)
class VolatilityStop:
    """X3, X6. multiple in ppb of the feature (a price difference, made ticks by U1)."""

    name: str
    multiple: int
    feature: str
    at: ExitAt = ExitAt.CLOSE


@dataclass(frozen=True, slots=True)
class TrailingStop:
    """X3, X6. initial, tighten (a bar) and minimum in ppb of the peak, at a level of the extreme."""

    name: str
    initial: int
    tighten: int
    minimum: int
    at: ExitAt = ExitAt.CLOSE


@dataclass(frozen=True, slots=True)
class TimeExit:
    """X3. bars held."""

    name: str
    bars: int


@dataclass(frozen=True, slots=True)
class BreakEven:
    """X3. gain in ppb of the entry price."""

    name: str
    gain: int


ExitRule = BreakEven | StopLoss | TakeProfit | VolatilityStop | TrailingStop | TimeExit


@dataclass(frozen=True, slots=True)
class Strategy:
    """What is decided at a bar (R1 to R9, X4). band in ppb; cooldown in bars; minimum_notional in money
    (R11)."""

    selection: Selection
    band: int = 0
    size_on: SizeOn = SizeOn.EQUITY
    cooldown: int = 0
    schedule: Schedule = Schedule()
    gate: Gate | None = None
    minimum_notional: int = 0
    size_at: SizeAt = SizeAt.DECISION


class Gap(Enum):
    """At which price a stop fills that the open is already beyond (X8, R10)."""

    OPEN = "open"
    LEVEL_OR_OPEN = "level_or_open"
    LEVEL_OR_FAR = "level_or_far"


class Path(Enum):
    """What of a bar is visited first, its stops or targets, its low or high (X7)."""

    STOP_FIRST = "stop_first"
    TARGET_FIRST = "target_first"
    NEAREST = "nearest"
    UP_FIRST = "up_first"
    COLOR = "color"


class Trail(Enum):
    """Which price moves the extreme of a trailing stop, and whether before the bar's stop is tested (X6)."""

    HIGH_AFTER = "high_after"
    HIGH_BEFORE = "high_before"
    CLOSE = "close"


class Touch(Enum):
    """Whether a target or limit is met by a price at its level, or only by one beyond it (X7, R10)."""

    TOUCH = "touch"
    CROSS = "cross"


class Armed(Enum):
    """From which bar on a position's levels are tested: that of its opening fill, or the next (X5)."""

    ENTRY = "entry"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Levels:
    """How levels, limits and stops are met inside a bar (X5 to X8, R10)."""

    gap: Gap = Gap.OPEN
    path: Path = Path.STOP_FIRST
    trail: Trail = Trail.HIGH_AFTER
    touch: Touch = Touch.TOUCH
    armed: Armed = Armed.ENTRY


@dataclass(frozen=True, slots=True)
class Execution:
    """How orders meet the market (T1, T2, E1, E4, E5, X5)."""

    timing: Timing = Timing.NEXT_OPEN
    sequence: Sequence = Sequence.SELLS_FIRST
    cash: CashPolicy = CashPolicy.REDUCE
    allow_short: bool = False
    levels: Levels = Levels()


@dataclass(frozen=True, slots=True)
class BpsCommission:
    """E3. rate in ppb (5 bps = 500,000) of what `on` names, minimum in money per filled order.

    maximum: ppb of the notional, None for no maximum.
    """

    rate: int
    minimum: int = 0
    maximum: int | None = None
    on: CommissionBase = CommissionBase.FILL


@dataclass(frozen=True, slots=True)
class PerShareCommission:
    """E3. rate in ppb of a currency unit per share, minimum in money per filled order.

    maximum: ppb of the notional, None for no maximum.
    """

    rate: int
    minimum: int = 0
    maximum: int | None = None


Commission = BpsCommission | PerShareCommission


@dataclass(frozen=True, slots=True)
class BpsSlippage:
    """E2. rate in ppb of the raw price (5 bps = 500,000)."""

    rate: int


@dataclass(frozen=True, slots=True)
class FixedSlippage:
    """E2. ticks added to a buy's price and taken from a sell's."""

    ticks: int


Slippage = BpsSlippage | FixedSlippage


@dataclass(frozen=True, slots=True)
class Costs:
    """None of either by default."""

    commission: Commission | None = None
    slippage: Slippage | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One backtest, whole.

    initial_cash: money units.
    digest: sha256 of the canonical TOML, computed where the scenario is made.
    origin: the folder that relative paths start from, and the name errors use; neither is part of
        what the scenario means, so they take no part in equality or digest.
    """

    market: MarketSource
    initial_cash: int
    strategy: Strategy
    exits: tuple[ExitRule, ...] = ()
    execution: Execution = Execution()
    costs: Costs = Costs()
    digest: str = ""
    origin: str = field(default="", compare=False)
    name: str = field(default="scenario", compare=False)
