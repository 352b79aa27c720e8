"""The settings of a mapping file: what the names, signs and forms of a foreign table mean.

The classes below are the one description of the file: docs/reference/mapping.md is
made from them, and they read it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag, model_validator

from reconcile.files.places import shown
from reconcile.mapping.arithmetic import Formula, parse_formula
from reconcile.tables.layout import Layout
from reconcile.tables.numbers import Numbers
from reconcile.tables.settings import PAGE, Names, Settings, Texts, refused
from reconcile.tables.times import EPOCHS, Order, TimeForm
from vocabulary.errors import InputError
from vocabulary.scenario import Timing

DAY = 86_400_000_000_000
UNITS = {"second": 10**9, "minute": 60 * 10**9, "hour": 3600 * 10**9, "day": DAY}
BARS = "bars"
"""The table of a market: not of a ledger, but read alike."""
BAR_COLUMNS = ("open", "high", "low", "close", "volume")
FORMULA = "="
"""What a formula begins with, where a column could be named."""

Timings = Literal["next_open", "next_close", "same_close"]
assert set(Timings.__args__) == {timing.value for timing in Timing}  # type: ignore[attr-defined]


def _span(value: Any) -> int:
    """Nanoseconds of a length such as "5 minutes"."""
    count, _, unit = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not count.isdecimal() or unit.removesuffix("s") not in UNITS or int(count) == 0 or len(count) > 9:
        raise refused(shown(value), 'a length such as "5 minutes", "1 hour" or "1 day"')
    return int(count) * UNITS[unit.removesuffix("s")]


def _amount(value: Any) -> Decimal:
    """Exact decimal text."""
    text = value if isinstance(value, str) else ""
    whole, _, fraction = text.removeprefix("-").partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit() or len(text) > 40:
        raise refused(shown(value), 'a decimal number as text, such as "100.5"')
    return Decimal(text)


def _one_or_more(value: Any) -> Any:
    """A table, or a list of tables."""
    return tuple(value) if isinstance(value, list) else (value,)


Span = Annotated[int, PlainValidator(_span)]
Amount = Annotated[Decimal, PlainValidator(_amount)]
Text = Annotated[str, Field(min_length=1)]
Sign = Annotated[Literal["sign", "-sign"], Tag("sign")]
_either = Discriminator(lambda value: "words" if isinstance(value, dict | Settings) else "sign")


class SideWords(Settings):
    """Their words for buying and selling."""

    column: Names | None = Field(
        default=None,
        description="The column of the words; of several, the words are joined by a space.",
        examples=['["Type", "Direction"]'],
    )
    buy: Texts = Field(
        description="Words that mean buying. A number may stand beside one, as in `Buy 100`.",
        examples=['["B", "BOT"]'],
    )
    sell: Texts = Field(description="Words that mean selling.", examples=['["S", "SLD"]'])

    @model_validator(mode="after")
    def _told_apart(self) -> SideWords:
        if not self.buy or not self.sell or set(self.buy) & set(self.sell):
            raise refused(
                f"buy {list(self.buy)}, sell {list(self.sell)}",
                "different words for buy and sell",
                "List the words of each.",
            )
        return self


class DirectionWords(Settings):
    """Their words for a long and a short trade."""

    column: Names = Field(description="The column of the words.", examples=['"Direction"'])
    long: Texts = Field(description="Words of a trade that begins with a buy.", examples=['["Long"]'])
    short: Texts = Field(description="Words of a trade that begins with a sell.", examples=['["Short"]'])

    @model_validator(mode="after")
    def _told_apart(self) -> DirectionWords:
        if not (self.long or self.short) or set(self.long) & set(self.short):
            raise refused(
                f"long {list(self.long)}, short {list(self.short)}",
                "different words for long and short",
                "List the words of each.",
            )
        return self


class RoundTrips(Settings):
    """One row holds a whole trade; it becomes the fill that opens and the fill that closes it."""

    open: dict[str, Names] = Field(
        description="Columns of the fill that opens, ours = theirs.",
        examples=['{ timestamp = "EntryTime", price = "EntryPrice" }'],
    )
    close: dict[str, Names] = Field(
        description="Columns of the fill that closes, ours = theirs. Where its time is empty there is none.",
        examples=['{ timestamp = "ExitTime", price = "ExitPrice" }'],
    )
    side: Annotated[Sign | Annotated[DirectionWords, Tag("words")], _either] = Field(
        default="sign",
        description='`"sign"`: quantities above 0 are long trades; `"-sign"`: short ones; or words.',
        examples=['{ column = "Direction", long = ["Long"], short = ["Short"] }'],
    )
    still_open: dict[str, Texts] = Field(
        default_factory=dict,
        description="Values of a column in rows whose close is a valuation, no fill.",
        examples=['{ Status = ["Open"] }'],
    )


class Profit(Settings):
    """A column with the profit of each trade, held against its fills."""

    column: Text = Field(description="The column of the profit.", examples=['"PnL"'])
    trade: Text | None = Field(
        default=None,
        description="The column that numbers the trades, where a trade has several rows.",
        examples=['"Trade #"'],
    )
    of: Literal["net", "gross"] = Field(
        default="gross", description="Whether commissions are already subtracted from it.", examples=['"net"']
    )
    commission: Names | None = Field(
        default=None,
        description="The commission of a row, where fills have none: a column or a formula.",
        examples=['"= 0.001 * Price * Contracts"'],
    )


class Currency(Settings):
    """The one currency of a table: another in any row is an error, as amounts are never converted."""

    columns: Names = Field(description="Columns that name a currency.", examples=['"Currency"'])
    is_: Text = Field(alias="is", description="The currency of the account.", examples=['"USD"'])


class Time(Settings):
    """How times are written, and what they become."""

    zone: Text | None = Field(
        default=None,
        description="The zone of clock times; instants are converted to it.",
        examples=['"America/New_York"'],
    )
    naive: bool = Field(
        default=False, description="Drop the zone afterwards: plain clock times remain.", examples=["true"]
    )
    from_: Literal["open", "close"] | None = Field(
        default=None,
        alias="from",
        description="The end of the bar that their stamps stand at. Goes with `to` and `bar`.",
        examples=['"close"'],
    )
    to: Literal["open", "close"] | None = Field(
        default=None, description="The end of the bar that ours stand at.", examples=['"open"']
    )
    bar: Span | None = Field(default=None, description="How long a bar is.", examples=['"1 hour"'])
    floor: Literal["second", "minute", "hour", "day"] | None = Field(
        default=None, description="Cut the times to the start of this unit.", examples=['"day"']
    )
    order: Literal["day", "month", "year"] | None = Field(
        default=None,
        description="What comes first in 03/04/2024 or 24-01-02. Without it, the dates must show it.",
        examples=['"day"'],
    )
    epoch: Literal["s", "ms", "us", "ns"] | None = Field(
        default=None, description="Times are counts of this unit since 1970 UTC.", examples=['"ms"']
    )
    zones: dict[str, Text] = Field(
        default_factory=dict,
        description="What abbreviations of zones mean.",
        examples=['{ EST = "America/New_York" }'],
    )

    @model_validator(mode="after")
    def _together(self) -> Time:
        given = [value is not None for value in (self.from_, self.to, self.bar)]
        if any(given) and not all(given):
            raise refused(
                "only some of from, to and bar", "all three or none", 'Say what `bar` is, e.g. "1 hour".'
            )
        if self.order and self.epoch:
            raise refused("`order` beside `epoch`", "one of them", "Leave one of them out.")
        return self

    @property
    def shift(self) -> int:
        """Nanoseconds from their stamps to ours."""
        ends = {"open": 0, "close": 1, None: 0}
        return (ends[self.to] - ends[self.from_]) * (self.bar or 0)

    @property
    def step(self) -> int:
        """Nanoseconds that times are cut to, 0 for none."""
        return UNITS[self.floor] if self.floor else 0

    @property
    def form(self) -> TimeForm:
        """How times are written."""
        order = Order(self.order) if self.order else None
        return TimeForm(order, EPOCHS[self.epoch] if self.epoch else 0, self.zones)


class Table(Settings):
    """Where one of our tables comes from. Of several, a list makes one table, one after the other."""

    file: Text | None = Field(
        default=None,
        description="The file's name without its ending; by default the table's own, or the only file.",
        examples=['"transactions"'],
    )
    columns: dict[str, Names] = Field(
        default_factory=dict,
        description="Ours = theirs. Of a list, the cells are joined by a space. A text that begins with `=` "
        "is a formula over their columns.",
        examples=['{ timestamp = ["Date", "Time"], price = "= Price / 100" }'],
    )
    constants: dict[str, Text] = Field(
        default_factory=dict,
        description="Ours = a value that holds for every row.",
        examples=['{ symbol = "BTCUSDT" }'],
    )
    side: Annotated[Sign | Annotated[SideWords, Tag("words")], _either] | None = Field(
        default=None,
        description='`"sign"`: quantities above 0 buy, below 0 sell; `"-sign"`: the reverse; or words.',
        examples=['{ buy = ["B", "BOT"], sell = ["S"] }'],
    )
    words: dict[str, dict[str, Texts]] = Field(
        default_factory=dict,
        description="Words of a column: ours = theirs.",
        examples=['{ kind = { dividend = ["Dividends"] } }'],
    )
    unsigned: Texts = Field(
        default=(), description="Columns to be taken without their sign.", examples=['["commission"]']
    )
    wide: Text | None = Field(
        default=None,
        description="Of a wide file, which has one column per symbol: our column that its cells are. "
        "Cells that are 0 or empty give no row.",
        examples=['"market_value"'],
    )
    leave: Texts = Field(
        default=(), description="Columns of a wide file that are not symbols.", examples=['["cash"]']
    )
    only: dict[str, Texts] = Field(
        default_factory=dict,
        description="Rows to be read: those whose cell is one of the values; an empty text is an empty cell.",
        examples=['{ Status = ["Filled"] }'],
    )
    without: dict[str, Texts] = Field(
        default_factory=dict,
        description="Rows to be left out: those whose cell is one of the values.",
        examples=['{ Type = ["balance", ""] }'],
    )
    leave_out: dict[str, Text] = Field(
        default_factory=dict,
        description="Columns that are not read, each with the reason.",
        examples=['{ funding_fee = "paid elsewhere" }'],
    )
    round_trips: RoundTrips | None = Field(
        default=None, description="One row holds a whole trade: see below."
    )
    profit: Profit | None = Field(
        default=None,
        description="A column with the profit of each trade, checked against its fills: see below.",
    )
    currency: Currency | None = Field(
        default=None, description="Columns that must all name one currency: see below."
    )
    execution_order: Literal["rows", "reversed"] | None = Field(
        default=None,
        description="The order of rows is the order of execution, or the reverse of it.",
        examples=['"rows"'],
    )
    layout: Layout | None = Field(default=None, description="As `layout` below, for this table alone.")
    numbers: Numbers | None = Field(default=None, description="As `numbers` below, for this table alone.")
    time: Time | None = Field(default=None, description="As `time` below, for this table alone.")


class ReturnsFile(Settings):
    """A file of daily returns, beside the tables."""

    file: Text = Field(
        default="returns", description="The file's name without its ending.", examples=['"perf"']
    )
    column: Text = Field(default="return", description="The column of the returns.", examples=['"returns"'])
    timestamp: Text = Field(
        default="timestamp", description="The column of their times.", examples=['"period_close"']
    )


class Holding(Settings):
    """A position held before the first fill."""

    quantity: Amount = Field(description="Signed: a short position is below 0.", examples=['"100"'])
    price: Amount = Field(description="The price paid per unit.", examples=['"42.5"'])


class Start(Settings):
    """What the account held before the first fill."""

    cash: Amount = Field(description="The cash of the account.", examples=['"100000"'])
    at: Text | None = Field(
        default=None,
        description="The time of that state; required if there are positions.",
        examples=['"2024-01-02"'],
    )
    positions: dict[str, Holding] = Field(
        default_factory=dict,
        description="Positions by symbol. Each becomes a fill with the reason `start`, and the initial cash "
        "is raised by what the position cost.",
        examples=['{ AAPL = { quantity = "100", price = "42.5" } }'],
    )

    @model_validator(mode="after")
    def _dated(self) -> Start:
        if self.positions and self.at is None:
            raise refused("positions without a time", "`at`, the time of the positions", "Add `at`.")
        return self


class Mapping(Settings):
    """A mapping file."""

    confirmed: bool = Field(
        default=True,
        description="`false` in a file of guesses, which is refused until a person has looked at it.",
        examples=["false"],
    )
    timing: Timings | None = Field(
        default=None, description="When the orders of this ledger execute.", examples=['"next_open"']
    )
    symbol_case: Literal["upper", "lower"] | None = Field(
        default=None, description="The case that symbols of the file are changed to.", examples=['"upper"']
    )
    symbols: dict[str, Text] = Field(
        default_factory=dict,
        description="Symbols of the file = symbols of ours.",
        examples=['{ "BRK.B" = "BRK-B" }'],
    )
    multipliers: dict[str, Amount] = Field(
        default_factory=dict,
        description="The value of `multiplier` in formulas, for each symbol of the file.",
        examples=['{ ES = "50" }'],
    )
    leave_out: dict[str, Text] = Field(
        default_factory=dict,
        description="Files, sheets and other tables that are not read, each with the reason.",
        examples=['{ benchmark = "not ours" }'],
    )
    tables: dict[str, Annotated[tuple[Table, ...], BeforeValidator(_one_or_more)]] = Field(
        default_factory=dict,
        description="One group for each table that is read; other tables are not read.",
    )
    layout: Layout = Field(default_factory=Layout, description="How the files are laid out.")
    numbers: Numbers = Field(default_factory=Numbers, description="How numbers are written.")
    time: Time = Field(default_factory=Time, description="How times are written, and what they become.")
    start: Start | None = Field(default=None, description="What the account held before the first fill.")
    returns: ReturnsFile | None = Field(
        default=None, description="A file of daily returns, beside the tables."
    )


def formula_of(theirs: tuple[str, ...], where: str = "formula") -> Formula | None:
    """The formula that a source of a column is, None where it names columns. Raises InputError."""
    if not any(name.startswith(FORMULA) for name in theirs):
        return None
    if len(theirs) > 1:
        raise InputError(where, shown(list(theirs)), "one formula, or names of columns", f"See {PAGE}.")
    return parse_formula(theirs[0].removeprefix(FORMULA), where)


Group = TypeVar("Group", bound=Settings)


def merged(general: Group, own: Group | None) -> Group:
    """The settings of a table over those of the file, key by key."""
    if own is None:
        return general
    return general.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})
