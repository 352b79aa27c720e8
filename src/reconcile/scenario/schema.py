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


Gap = Annotated[nouns.Gap, PlainValidator(values.choice(nouns.Gap)), values.words_of(nouns.Gap)]
Path = Annotated[nouns.Path, PlainValidator(values.choice(nouns.Path)), values.words_of(nouns.Path)]
Trail = Annotated[nouns.Trail, PlainValidator(values.choice(nouns.Trail)), values.words_of(nouns.Trail)]
Touch = Annotated[nouns.Touch, PlainValidator(values.choice(nouns.Touch)), values.words_of(nouns.Touch)]
Armed = Annotated[nouns.Armed, PlainValidator(values.choice(nouns.Armed)), values.words_of(nouns.Armed)]


class FeatureTable(TableModel):
    """market.features.NAME (M4)."""


class AtrTable(FeatureTable):
    """M4 atr."""

    kind: Literal["atr"]
    period: Positive = Field(description="Present bars that the average true range is taken over. (M4)")


class MomentumTable(FeatureTable):
    """M4 momentum."""

    kind: Literal["momentum"]
    lookback: Positive = Field(description="Present bars back to the earlier close. (M4)")
    skip: Natural = Field(description="Present bars back to the later close; below lookback. (M4)")

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

    data: Word = Field(
        description='A built-in market such as "top25", or a Parquet or CSV file of bars, relative to '
        "this file. (M1)"
    )
    context: Word | None = Field(
        default=None,
        description="A Parquet or CSV file of columns that hold for all symbols, one row per timestamp. (M1)",
    )
    price_decimals: Decimals = Field(
        default=default(nouns.MarketSource, "price_decimals"),
        description="Decimals of a price: one tick is 10^-price_decimals of the currency. (U)",
    )
    quantity_decimals: Decimals = Field(
        default=default(nouns.MarketSource, "quantity_decimals"),
        description="Decimals of a quantity; 0 means whole shares. (U)",
    )
    lot: Amount | None = Field(
        default=None,
        description="Shares that a quantity is a multiple of; without it, one unit of quantity. (R11)",
    )
    carry: Word | None = Field(
        default=None,
        description="The feature that is cash per share, paid to who holds the symbol when the bar "
        "begins. (M5)",
    )
    features: Features = Field(
        default_factory=dict, description="Features that are computed at load, by name. (M4)"
    )


class PortfolioTable(TableModel):
    """[portfolio]."""

    initial_cash: Amount = Field(description="Cash at the start, in the currency of the account. (A3)")


class ScheduleTable(TableModel):
    """R2 `every` k bars from `start`."""

    every: Positive = Field(
        default=default(nouns.Schedule, "every"), description="Bars between two rebalances. (R2)"
    )
    start: Natural = Field(
        default=default(nouns.Schedule, "start"),
        description="The first bar that may rebalance, counted from 0. (R2)",
    )


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

    context: Word = Field(description="The column of the context that is compared. (R3)")
    max: Real | None = Field(
        default=None, description="The gate is open up to this value, which is included. (R3)"
    )
    min: Real | None = Field(
        default=None, description="The gate is open from this value on, which is included. (R3)"
    )

    @model_validator(mode="after")
    def _one_bound(self) -> GateTable:
        if (self.max is None) == (self.min is None):
            found, remedy = ("neither", "Add one") if self.max is None else ("both", "Remove one")
            raise values.fault(None, "exactly one of max and min", f"{remedy} of the two.", found=found)
        return self


class StrategyTable(TableModel):
    """What every kind of [strategy] has (R2, R3, X4)."""

    cooldown: Natural = Field(
        default=default(nouns.Strategy, "cooldown"),
        description="Bars after an exit during which the symbol is no target. (X4)",
    )
    schedule: ScheduleModel = Field(
        default=ScheduleTable(),
        description='When it rebalances: a table with every and start, "weekly" or "monthly". (R2)',
    )
    gate: GateTable | None = Field(
        default=None, description="A context column that has to be within a bound for a rebalance. (R3)"
    )


class TargetsTable(StrategyTable):
    """What every kind has that gives targets (R7, R11, R12)."""

    band: Band = Field(
        default=default(nouns.Strategy, "band"),
        description="Share of the target up to which a difference is not traded; from 0 to below 1. (R7)",
    )
    size_on: SizeOn = Field(
        default=default(nouns.Strategy, "size_on"), description="What weights are shares of. (R7)"
    )
    minimum_notional: Amount = Field(
        default="0",
        description="Orders of less than this amount are skipped, in the currency of the account. (R11)",
    )
    size_at: SizeAt = Field(
        default=default(nouns.Strategy, "size_at"),
        description="The price at which weights become quantities: that of the decision or of the "
        "execution. (R12)",
    )


class TopNTable(TargetsTable):
    """R4."""

    kind: Literal["top_n"]
    score: Word = Field(description="The feature that ranks the symbols, highest first. (R4)")
    n: Natural = Field(description="How many symbols to hold long. (R4)")
    short_n: Natural = Field(
        default=default(nouns.TopN, "short_n"), description="How many symbols to hold short. (R4)"
    )
    gross_long: Gross = Field(
        default=default(nouns.TopN, "gross_long"),
        description="The sum of the weights of the longs; 1 is all of the base. (R4)",
    )
    gross_short: Gross = Field(
        default=default(nouns.TopN, "gross_short"),
        description="The sum of the weights of the shorts, without sign. (R4)",
    )
    require: Words = Field(
        default_factory=list, description="Features that a symbol must have besides the score. (R4)"
    )
    when: When = Field(
        default=default(nouns.TopN, "when"),
        description="Rebalance always, or only when the set of chosen symbols changes. (R4)",
    )

    @model_validator(mode="after")
    def _someone(self) -> TopNTable:
        if self.n == 0 and self.short_n == 0:
            raise values.fault(0, "n or short_n above 0", "Say how many symbols to hold.", key="n")
        return self


class WeightsTable(TargetsTable):
    """R5."""

    kind: Literal["weights"]
    feature: Word = Field(description="The feature that holds the target weights; 1 is all of the base. (R5)")


class CallableTable(TargetsTable):
    """R6."""

    kind: Literal["callable"]
    function: Word = Field(
        description='The function that gives the target weights, as "module:function". (R6)'
    )


class OrdersTable(StrategyTable):
    """R10."""

    kind: Literal["orders"]
    file: Word = Field(description="A CSV or Parquet file of orders, relative to this file. (R10)")


if TYPE_CHECKING:
    AnyStrategy = StrategyTable
else:
    AnyStrategy = any_of(TopNTable, WeightsTable, CallableTable, OrdersTable)


class LevelsTable(TableModel):
    """[execution.levels] (X5 to X8)."""

    gap: Gap = Field(
        default=default(nouns.Levels, "gap"),
        description="The price of a stop when the bar opens beyond its level. (X8)",
    )
    path: Path = Field(
        default=default(nouns.Levels, "path"),
        description="Whether the low or the high of a bar is visited first. (X7)",
    )
    trail: Trail = Field(
        default=default(nouns.Levels, "trail"),
        description="What moves the extreme that a trailing stop follows. (X6)",
    )
    touch: Touch = Field(
        default=default(nouns.Levels, "touch"),
        description="Whether reaching a target is enough, or the price has to pass it. (X7)",
    )
    armed: Armed = Field(
        default=default(nouns.Levels, "armed"),
        description="Whether levels hold from the bar of the entry on, or from the next one. (X5)",
    )


class ExecutionTable(TableModel):
    """[execution] (T1, T2, E1, E4, E5)."""

    timing: Timing = Field(
        default=default(nouns.Execution, "timing"),
        description="When an order executes: at the next open, the next close, or the close of its own "
        "bar. (T1)",
    )
    sequence: Sequence = Field(
        default=default(nouns.Execution, "sequence"),
        description="In which order the orders of one bar meet the cash. (E1)",
    )
    cash: CashPolicy = Field(
        default=default(nouns.Execution, "cash"),
        description="What happens to a buy that the cash does not cover. (E4)",
    )
    allow_short: Flag = Field(
        default=default(nouns.Execution, "allow_short"), description="Whether a position may be below 0. (E5)"
    )
    levels: LevelsTable | None = Field(
        default=None,
        description='How exits with at = "level" and the orders of a file are met inside a bar. (X5)',
    )


class CommissionTable(TableModel):
    """costs.commission (E3)."""

    minimum: Amount = Field(
        default=str(default(nouns.BpsCommission, "minimum")),
        description="The least commission of an order that fills, in the currency of the account. (E3)",
    )


class BpsCommissionTable(CommissionTable):
    """E3 bps."""

    kind: Literal["bps"]
    rate: Bps = Field(description="Basis points of the amount traded. (E3)")
    maximum: Multiple | None = Field(
        default=None, description="The most commission of an order, as a share of its amount. (E3)"
    )
    on: CommissionBase = Field(
        default=default(nouns.BpsCommission, "on"),
        description="Whether it is taken of the amount at the fill price, or at the raw price. (E3)",
    )


class PerShareCommissionTable(CommissionTable):
    """E3 per_share: currency a share."""

    kind: Literal["per_share"]
    rate: Multiple = Field(description="Currency per share. (E3)")
    maximum: Multiple | None = Field(
        default=None, description="The most commission of an order, as a share of its amount. (E3)"
    )


class SlippageTable(TableModel):
    """costs.slippage (E2)."""


class BpsSlippageTable(SlippageTable):
    """E2 bps."""

    kind: Literal["bps"]
    rate: Bps = Field(description="Basis points of the raw price, against the order. (E2)")


class FixedSlippageTable(SlippageTable):
    """E2 fixed: currency a share."""

    kind: Literal["fixed"]
    amount: Amount = Field(description="Currency per share, against the order. (E2)")


if TYPE_CHECKING:
    AnyCommission = BpsCommissionTable | PerShareCommissionTable
    AnySlippage = BpsSlippageTable | FixedSlippageTable
else:
    AnyCommission = any_of(BpsCommissionTable, PerShareCommissionTable)
    AnySlippage = any_of(BpsSlippageTable, FixedSlippageTable)


class CostsTable(TableModel):
    """[costs]."""

    commission: AnyCommission | None = Field(
        default=None, description="The commission; without it there is none. (E3)"
    )
    slippage: AnySlippage | None = Field(
        default=None, description="The slippage; without it there is none. (E2)"
    )


class ScenarioTable(TableModel):
    """The file."""

    market: MarketTable
    portfolio: PortfolioTable
    strategy: AnyStrategy
    exits: Annotated[list[AnyExit], BeforeValidator(values.listed)] = Field(default_factory=list)
    execution: ExecutionTable = ExecutionTable()
    costs: CostsTable = CostsTable()
