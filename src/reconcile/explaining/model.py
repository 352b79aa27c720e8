"""The nouns of an explanation: hypotheses and changes, and the answer that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from vocabulary.state import Side

if TYPE_CHECKING:
    from reconcile.explaining.bar_loop import Hooks
    from reconcile.explaining.evidence import Window
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

Value = int | float | str | tuple[Any, ...] | None
"""What a hypothesis is tried with; a table of the scenario file is a tuple of (key, value) pairs."""
Values = tuple[Value, ...]
EVERY = "*"
"""The value that stands for all exit rules."""


class Kind(Enum):
    """Where a hypothesis acts; members are in the order in which a backtest meets them."""

    SCENARIO = "scenario"
    INPUT = "input"
    LOOP = "loop"
    REPORT = "report"


class Family(Enum):
    """Hypotheses of one family look alike at first, so that one may have been taken for another."""

    FEE = "fee"
    SLIPPAGE = "slippage"
    SIZE = "size"
    EXECUTION = "execution"
    GATE = "gate"
    EXIT = "exit"
    CASH_ORDER = "cash order"
    LOST = "lost"
    DOUBLED = "doubled"
    FEATURE = "feature"


class Ranking(Enum):
    """What a hypothesis has to do with the ranking.

    changes: it changes which symbols are chosen.  beside: it may hide such a change, so the two are tried
    together.  apart: neither.
    """

    CHANGES = "changes"
    BESIDE = "beside"
    APART = "apart"


class Acts(Enum):
    """Which part of a bar a hypothesis changes, where every table was right up to it.

    deciding: what is decided, which is in the targets and orders.  executing: what becomes of the orders, and
    what is booked and reported; never what is decided from the same State.  anywhere: either.
    """

    DECIDING = "deciding"
    EXECUTING = "executing"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained: the scenario as stated and the market as read."""

    scenario: Scenario
    market: Market


@dataclass(frozen=True, slots=True)
class Wording:
    """How a change reads: a sentence, the setting or datum, and both its values."""

    sentence: str
    what: str
    reference: str
    candidate: str


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Hypothesis:
    """All that is known of one thing that may be wrong. It is one of the four classes below.

    id: its name in the JSON.
    values: the values worth trying, read off a part of the candidate's ledger where they can be.
    say: how a change with a value reads.
    acts: the part of a bar that it changes.
    family: the hypotheses it may be taken for.
    names_its_object: its value, or the first part of it, names the setting or datum that it is about; two
        changes of one object exclude each other. Without it all changes of the hypothesis do.
    by_symbol, by_side: it may be limited to symbols, to buys or to sells.
    whole_run: it acts before the first bar, or on what a State does not tell; it is only run from bar 0.
    on_cash: it moves the cash alone. A ledger of trades does not show that before a later order is sized by
        it, so that it is run from bar 0 there.
    fitted: its value is fitted to the few events at which it was met, so it has to account for most of them.
    at_start: it changes what the account begins with, so it shows in the first row or not at all.
    ranking: what it has to do with the ranking.
    numbers: how many numbers it counts as, besides those of its value, when the plainest wording is chosen.
    """

    id: str
    values: Callable[[Subject, Window], Values]
    say: Callable[[Subject, Value], Wording]
    acts: Acts = Acts.ANYWHERE
    family: Family | None = None
    names_its_object: bool = False
    by_symbol: bool = False
    by_side: bool = False
    whole_run: bool = False
    on_cash: bool = False
    fitted: bool = False
    at_start: bool = False
    ranking: Ranking = Ranking.APART
    numbers: int = 0
    kind: ClassVar[Kind]

    def __repr__(self) -> str:
        return repr(self.id)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SettingHypothesis(Hypothesis):
    """Another scenario.

    apply: from the scenario and a value to the changed scenario. Raises InputError where it is refused.
    """

    apply: Callable[[Scenario, Value], Scenario]
    names_its_object: bool = True
    kind: ClassVar[Kind] = Kind.SCENARIO


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class InputHypothesis(Hypothesis):
    """Another market. apply: from the stated scenario and a market to the market as the candidate read it.

    scenario: the scenario such a run needs, where that is not the stated one.
    """

    apply: Callable[[Scenario, Market, Change], Market]
    scenario: Callable[[Scenario], Scenario] | None = None
    kind: ClassVar[Kind] = Kind.INPUT


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LoopHypothesis(Hypothesis):
    """Something between the parts of a bar. hooks: what stands there.

    decides: it acts at the bar of the decision, not at that of the execution. bars_late: for how many bars
    it may keep an order back. scenario: the scenario that its bars need, where that is not the stated one.
    """

    hooks: Callable[[Change], Hooks]
    scenario: Callable[[Scenario], Scenario] | None = None
    decides: bool = False
    bars_late: Callable[[Value], int] = lambda value: 0
    kind: ClassVar[Kind] = Kind.LOOP


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ReportHypothesis(Hypothesis):
    """The right thing was done and something else reported. apply: from the ledger to the reported one."""

    apply: Callable[[Scenario, Market, Ledger, Change], Ledger]
    kind: ClassVar[Kind] = Kind.REPORT


@dataclass(frozen=True, slots=True)
class Change:
    """One hypothesis with a value and its limits: what turns one counterfactual into another.

    since, until: it holds at bars [since, until); until is None where it has no end. symbols: places in the
    market, None for all. side: of the order, None for both.
    """

    hypothesis: Hypothesis
    value: Value = None
    since: int = 0
    until: int | None = None
    symbols: tuple[int, ...] | None = None
    side: Side | None = None

    def covers(self, bar: int, symbol: int | None = None, side: Side | None = None) -> bool:
        """Whether it holds at a bar, for a symbol and a side where these are given."""
        if bar < self.since or (self.until is not None and bar >= self.until):
            return False
        if self.symbols is not None and symbol is not None and symbol not in self.symbols:
            return False
        return self.side is None or side is None or self.side is side


Changes = tuple[Change, ...]


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
class Cause:
    """One cause, verified by a run.

    since, until: timestamps, None from the start and to the end. symbols: names, None for all.
    breaks_explained: breaks that come back when this cause alone is left out.
    alternatives: changes that give the very same ledger here, as they read; rivals: the same as changes.
    """

    change: Change
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
class Lead:
    """A change that the candidate's own states bear out bar by bar, and that no whole run proves.

    column: `table.column` of which it mends most. mended: its cells that only the change gets right.
    differing: those that are wrong without it. It spoils none of them.
    """

    change: Change
    column: str
    mended: int
    differing: int
    sentence: str = ""


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
    """The answer. breaks: of the candidate against the reference; unexplained_breaks: those that remain.

    roots: of what remains, grouped; empty when nothing does. runs: backtests it took.
    candidate_return: against the initial cash of the candidate's own manifest. notes: one sentence each.
    leads: what is borne out beside the causes, where breaks remain. next_divergence: the timestamp and
    symbol of the first trade that still differs, with causes and leads, from the candidate's own state; None
    for none. idle: neither side did anything, so that there is nothing to explain. patterns: constant
    patterns in what no cause explains, in words. proposals: lines of a tolerance file that would absorb what
    looks like rounding, with their number of breaks. noise: the largest gap of doubles that is float noise,
    None for none.
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
    leads: tuple[Lead, ...] = ()
    next_divergence: tuple[int, str] | None = None
    idle: bool = False
    patterns: tuple[str, ...] = ()
    proposals: tuple[tuple[str, int], ...] = ()
    noise: Decimal | None = None
