"""The shape of a scenario file (section S): every table and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag, model_validator

from reconcile.scenario import values
from reconcile.scenario.exits import AnyExit
from reconcile.scenario.values import (
    Amount,
    Band,
    Bps,
    Decimals,
    Flag,
    Gross,
    Multiple,
    Natural,
    Positive,
    Real,
    TableModel,
    Word,
    Words,
    any_of,
    default,
)
from vocabulary import scenario as nouns

SizeOn = Annotated[nouns.SizeOn, PlainValidator(values.choice(nouns.SizeOn)), values.words_of(nouns.SizeOn)]
SizeAt = Annotated[nouns.SizeAt, PlainValidator(values.choice(nouns.SizeAt)), values.words_of(nouns.SizeAt)]
When = Annotated[nouns.When, PlainValidator(values.choice(nouns.When)), values.words_of(nouns.When)]
Timing = Annotated[nouns.Timing, PlainValidator(values.choice(nouns.Timing)), values.words_of(nouns.Timing)]
Sequence = Annotated[
    nouns.Sequence, PlainValidator(values.choice(nouns.Sequence)), values.words_of(nouns.Sequence)
]
CommissionBase = Annotated[
    nouns.CommissionBase,
    PlainValidator(values.choice(nouns.CommissionBase)),
    values.words_of(nouns.CommissionBase),
]
CashPolicy = Annotated[
    nouns.CashPolicy, PlainValidator(values.choice(nouns.CashPolicy)), values.words_of(nouns.CashPolicy)
]


class FeatureTable(TableModel):
    """market.features.NAME (M4)."""


class AtrTable(FeatureTable):
    """M4 atr."""

    kind: Literal["atr"]
    period: Positive


class MomentumTable(FeatureTable):
    """M4 momentum."""

    kind: Literal["momentum"]
    lookback: Positive
    skip: Natural

    @model_validator(mode="after")
    def _order(self) -> MomentumTable:
        if self.skip >= self.lookback:
            raise values.fault(
                self.skip, f"an integer below lookback, {self.lookback}", "Make skip smaller.", key="skip"
            )
        return self


if TYPE_CHECKING:
    AnyFeature = AtrTable | MomentumTable
else:
    AnyFeature = any_of(AtrTable, MomentumTable)
Features = Annotated[dict[Word, AnyFeature], BeforeValidator(values.features)]


class MarketTable(TableModel):
    """[market] (U, M)."""

    data: Word
    context: Word | None = None
    price_decimals: Decimals = default(nouns.MarketSource, "price_decimals")
    quantity_decimals: Decimals = default(nouns.MarketSource, "quantity_decimals")
    lot: Amount | None = None
    carry: Word | None = None
    features: Features = Field(default_factory=dict)


class PortfolioTable(TableModel):
    """[portfolio]."""

    initial_cash: Amount


class ScheduleTable(TableModel):
    """R2 `every` k bars from `start`."""

    every: Positive = default(nouns.Schedule, "every")
    start: Natural = default(nouns.Schedule, "start")


_CALENDAR = [nouns.ScheduleKind.WEEKLY, nouns.ScheduleKind.MONTHLY]
Period = Annotated[
    nouns.ScheduleKind,
    PlainValidator(values.choice(_CALENDAR, " or { every, start }")),
    values.words_of(_CALENDAR),
]
ScheduleModel = Annotated[
    Annotated[ScheduleTable, Tag("a table")] | Annotated[Period, Tag("a word")],
    Discriminator(lambda value: "a table" if isinstance(value, dict | ScheduleTable) else "a word"),
]


class GateTable(TableModel):
    """R3."""

    context: Word
    max: Real | None = None
    min: Real | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> GateTable:
        if (self.max is None) == (self.min is None):
            found, remedy = ("neither", "Add one") if self.max is None else ("both", "Remove one")
            raise values.fault(None, "exactly one of max and min", f"{remedy} of the two.", found=found)
        return self


class StrategyTable(TableModel):
    """What every kind of [strategy] has (R2, R3, X4)."""

    cooldown: Natural = default(nouns.Strategy, "cooldown")
    schedule: ScheduleModel = ScheduleTable()
    gate: GateTable | None = None


class TargetsTable(StrategyTable):
    """What every kind has that gives targets (R7, R11, R12)."""

    band: Band = default(nouns.Strategy, "band")
    size_on: SizeOn = default(nouns.Strategy, "size_on")
    minimum_notional: Amount = "0"
    size_at: SizeAt = default(nouns.Strategy, "size_at")


class TopNTable(TargetsTable):
    """R4."""

    kind: Literal["top_n"]
    score: Word
    n: Natural
    short_n: Natural = default(nouns.TopN, "short_n")
    gross_long: Gross = default(nouns.TopN, "gross_long")
    gross_short: Gross = default(nouns.TopN, "gross_short")
    require: Words = Field(default_factory=list)
    when: When = default(nouns.TopN, "when")

    @model_validator(mode="after")
    def _someone(self) -> TopNTable:
        if self.n == 0 and self.short_n == 0:
            raise values.fault(0, "n or short_n above 0", "Say how many symbols to hold.", key="n")
        return self


class WeightsTable(TargetsTable):
    """R5."""

    kind: Literal["weights"]
    feature: Word


class CallableTable(TargetsTable):
    """R6."""

    kind: Literal["callable"]
    function: Word


class OrdersTable(StrategyTable):
    """R10."""

    kind: Literal["orders"]
    file: Word


if TYPE_CHECKING:
    AnyStrategy = StrategyTable
else:
    AnyStrategy = any_of(TopNTable, WeightsTable, CallableTable, OrdersTable)


class LevelsTable(TableModel):
    """[execution.levels] (X5 to X8)."""

    gap: Annotated[nouns.Gap, PlainValidator(values.choice(nouns.Gap)), values.words_of(nouns.Gap)] = default(
        nouns.Levels, "gap"
    )
    path: Annotated[nouns.Path, PlainValidator(values.choice(nouns.Path)), values.words_of(nouns.Path)] = (
        default(nouns.Levels, "path")
    )
    trail: Annotated[
        nouns.Trail, PlainValidator(values.choice(nouns.Trail)), values.words_of(nouns.Trail)
    ] = default(nouns.Levels, "trail")
    touch: Annotated[
        nouns.Touch, PlainValidator(values.choice(nouns.Touch)), values.words_of(nouns.Touch)
    ] = default(nouns.Levels, "touch")
    armed: Annotated[
        nouns.Armed, PlainValidator(values.choice(nouns.Armed)), values.words_of(nouns.Armed)
    ] = default(nouns.Levels, "armed")


class ExecutionTable(TableModel):
    """[execution] (T1, T2, E1, E4, E5)."""

    timing: Timing = default(nouns.Execution, "timing")
    sequence: Sequence = default(nouns.Execution, "sequence")
    cash: CashPolicy = default(nouns.Execution, "cash")
    allow_short: Flag = default(nouns.Execution, "allow_short")
    levels: LevelsTable | None = None


class CommissionTable(TableModel):
    """costs.commission (E3)."""

    minimum: Amount = str(default(nouns.BpsCommission, "minimum"))


class BpsCommissionTable(CommissionTable):
    """E3 bps."""

    kind: Literal["bps"]
    rate: Bps
    maximum: Multiple | None = None
    on: CommissionBase = default(nouns.BpsCommission, "on")


class PerShareCommissionTable(CommissionTable):
    """E3 per_share: currency a share."""

    kind: Literal["per_share"]
    rate: Multiple
    maximum: Multiple | None = None


class SlippageTable(TableModel):
    """costs.slippage (E2)."""


class BpsSlippageTable(SlippageTable):
    """E2 bps."""

    kind: Literal["bps"]
    rate: Bps


class FixedSlippageTable(SlippageTable):
    """E2 fixed: currency a share."""

    kind: Literal["fixed"]
    amount: Amount


if TYPE_CHECKING:
    AnyCommission = BpsCommissionTable | PerShareCommissionTable
    AnySlippage = BpsSlippageTable | FixedSlippageTable
else:
    AnyCommission = any_of(BpsCommissionTable, PerShareCommissionTable)
    AnySlippage = any_of(BpsSlippageTable, FixedSlippageTable)


class CostsTable(TableModel):
    """[costs]."""

    commission: AnyCommission | None = None
    slippage: AnySlippage | None = None


class ScenarioTable(TableModel):
    """The file."""

    market: MarketTable
    portfolio: PortfolioTable
    strategy: AnyStrategy
    exits: Annotated[list[AnyExit], BeforeValidator(values.listed)] = Field(default_factory=list)
    execution: ExecutionTable = ExecutionTable()
    costs: CostsTable = CostsTable()
