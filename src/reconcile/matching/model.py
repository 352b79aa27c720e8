"""What a comparison finds: stages, breaks, roots and the verdict. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from reconcile.ledger.digest import ChainFault
from vocabulary.ledger import Kind, Manifest, Table

Value = Decimal | float | int | str | None
"""A cell: Decimal for an exact number, float for a foreign one, int for a count or a timestamp
(nanoseconds since 1970 UTC), str for a word, None for an empty cell or an absent row."""

ROW = "row"
"""The `field` of a break that is about a whole row."""


class Stage(Enum):
    """The order in which a backtest works; members are in that order."""

    TARGET = "target"
    ORDER = "order"
    STATUS = "status"
    QUANTITY = "quantity"
    PRICE = "price"
    COST = "cost"
    FLOW = "flow"
    POSITION = "position"
    MARK = "mark"
    CASH = "cash"
    EQUITY = "equity"


class BreakType(Enum):
    """What kind of disagreement: a row's, or that of a cell, named after its stage.

    missing: the candidate lacks the row.  extra: the reference lacks it.
    duplicate: one side has the row more often.  timing: the same trade, some bars off.
    """

    MISSING = "missing"
    EXTRA = "extra"
    DUPLICATE = "duplicate"
    TIMING = "timing"
    TARGET = "target"
    ORDER = "order"
    STATUS = "status"
    QUANTITY = "quantity"
    PRICE = "price"
    COST = "cost"
    FLOW = "flow"
    POSITION = "position"
    MARK = "mark"
    CASH = "cash"
    EQUITY = "equity"


class Verdict(Enum):
    """What the comparison may claim.

    matched: everything was compared (or the tables to compare were named) and nothing differs.
    breaks: something differs.
    edited: nothing differs, but a side's rows are not those that its digest chain was written for.
    matched_as_far_as_compared: nothing differs, but something was not compared.
    nothing_compared: there was not one row to compare; never a pass.
    """

    MATCHED = "matched"
    BREAKS = "breaks"
    EDITED = "edited"
    MATCHED_AS_FAR_AS_COMPARED = "matched_as_far_as_compared"
    NOTHING_COMPARED = "nothing_compared"


class Why(Enum):
    """Why a table or column was not compared."""

    ABSENT_IN_REFERENCE = "absent in the reference"
    ABSENT_IN_CANDIDATE = "absent in the candidate"
    ABSENT_IN_BOTH = "absent in both"
    NOT_NAMED = "not among the tables named"
    NO_TIME = "its rows cannot be placed in time"


class ChainState(Enum):
    """What hashing a ledger's tables again said of the digest chain in its manifest.

    none: there is no chain.  holds: the tables are those it was written for.  broken: they are not.
    not_held: not hashed, or not to be told because tables or columns are lacking.
    """

    NONE = "none"
    HOLDS = "holds"
    BROKEN = "broken"
    NOT_HELD = "not_held"


class BoundKind(Enum):
    """How a tolerance bounds a gap."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    QUANTUM = "quantum"


@dataclass(frozen=True, slots=True)
class Break:
    """One disagreement.

    table, key: the row; key has one value for each of the table's key columns (KEYS).
    field: the column, or ROW. kind: what `reference` and `candidate` hold.
    timestamp: the row's own bar (targets and orders: the bar of the decision), ns since 1970 UTC.
    decided_at: the bar that decided it, None where that is not known.
    cycle: number of the cycle of decision, execution and booking it belongs to.
    rebalance: the period it belongs to, None before the first. Periods begin where either side
        rebalanced and are numbered 0, 1, 2, ...; up to the first break these are the rebalances' numbers.
    reference, candidate: the two values, exact. Of a whole row: its quantity, turnover or equity, and
        None on the side that lacks it.
    root: True for a root, False for a consequence, None where it was not asked or cannot be told.
    """

    table: str
    key: tuple[Value, ...]
    field: str
    kind: Kind
    stage: Stage
    type: BreakType
    timestamp: int
    decided_at: int | None
    cycle: int
    rebalance: int | None
    symbol: str | None
    reference: Value
    candidate: Value
    reference_row: int | None
    candidate_row: int | None
    root: bool | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """One independent disagreement and how far it reaches.

    first: its earliest break. last: timestamp of the latest. count: breaks that are this same root
    (one stage, field and symbol, or one book, persisting).
    """

    first: Break
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A table that was compared: rows of each side, and the columns both have, keys first."""

    table: str
    reference_rows: int
    candidate_rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotCompared:
    """A table (column None) or a column that was not compared."""

    table: str
    column: str | None
    why: Why


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two values of a column may be apart and still agree, and why that is right."""

    table: str
    column: str
    kind: BoundKind
    bound: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class ToleranceUse:
    """What a tolerance did: cells it absorbed, the largest gap among them (in the bound's own
    measure: relative to the larger value for RELATIVE), and whether it is slack: it absorbed nothing,
    or its bound is more than ten times the largest gap."""

    tolerance: Tolerance
    absorbed: int
    largest: Decimal
    slack: bool


@dataclass(frozen=True, slots=True)
class PeriodSide:
    """One side's part of a period; None where its ledger does not tell.

    rebalance: the number this side gave it. equity: at the end of the period.
    """

    rebalance: int | None
    targets: int | None
    fills: int | None
    turnover: Value
    commission: Value
    slippage: Value
    equity: Value


@dataclass(frozen=True, slots=True)
class Period:
    """One row of the summary: a rebalance and all that follows up to the next (or one bar).

    number: as Break.rebalance. decided_at: None before the first. start, end: first and last bar
    booked in it. breaks: by stage, only those that occur.
    """

    number: int | None
    decided_at: int | None
    start: int
    end: int
    reference: PeriodSide
    candidate: PeriodSide
    breaks: Mapping[Stage, int]


@dataclass(frozen=True, slots=True)
class ChainSide:
    """One side's digest chain. edited_at: the first bar at which it and the tables disagree. fault: how."""

    state: ChainState
    edited_at: int | None = None
    fault: ChainFault | None = None


@dataclass(frozen=True, slots=True)
class Chains:
    """Both digest chains. equal: whether they are, None unless both hold. part_at: the bar at which they
    part."""

    reference: ChainSide
    candidate: ChainSide
    equal: bool | None
    part_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LedgerSide:
    """One side as it was compared: its manifest and tables."""

    manifest: Manifest
    tables: Mapping[str, Table]


@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """The result of comparing two ledgers.

    breaks: all of them, in order of cycle, stage, table, symbol; Break objects are made on demand.
        With `first_only` at most the first, and of roots its own, not how far it reaches.
    first: the first divergence: of the earliest cycle the earliest stage, and where roots are known the
        earliest root of that cycle; None when nothing differs.
    roots: independent disagreements, None where it was not asked or cannot be told (no scenario).
    by_stage, by_type: counts, only those that occur.
    compared, not_compared: what was, and what was not and why. `named`: the tables were named, so
        omissions do not stand in the way of a match.
    periods: the summary, a row a rebalance (or a bar, where no ledger tells of rebalances);
        `periods_are_bars` says which.
    tolerances: what each one absorbed.
    chains: what hashing the tables again said of the digest chains.
    notes: what else a reader should know, a sentence each.
    """

    verdict: Verdict
    breaks: Sequence[Break]
    first: Break | None
    roots: tuple[Root, ...] | None
    by_stage: Mapping[Stage, int]
    by_type: Mapping[BreakType, int]
    compared: tuple[Compared, ...]
    not_compared: tuple[NotCompared, ...]
    named: bool
    first_only: bool
    periods: Sequence[Period]
    periods_are_bars: bool
    tolerances: tuple[ToleranceUse, ...]
    chains: Chains
    notes: tuple[str, ...]
    reference: LedgerSide
    candidate: LedgerSide
