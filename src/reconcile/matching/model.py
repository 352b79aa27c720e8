"""The nouns of a comparison: stages, breaks, roots, periods, verdict. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

from reconcile.ledger.digest import ChainFault
from reconcile.tables.model import Unread, UnreadKind
from vocabulary.ledger import Kind, Manifest, Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from reconcile.matching.breaks import Breaks
    from reconcile.matching.patterns import Pattern

Value = Decimal | float | int | str | None
"""A cell: Decimal for an exact number, float for a foreign one, int for a count or a timestamp
(nanoseconds since 1970 UTC), str for a word, None for an empty cell or an absent row."""

ROW = "row"
"""The `field` of a break that is about a whole row."""


class Stage(Enum):
    """The stages of a backtest, in the order in which it works."""

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
    RETURN = "return"


class BreakType(Enum):
    """The kind of a break: about a whole row, or about a cell and then named after its stage.

    missing: the candidate lacks the row.  extra: the reference lacks it.
    duplicate: one side has the row more often.  timing: the same row, some bars off.
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
    RETURN = "return"


class Verdict(Enum):
    """What a comparison may claim.

    matched: everything was compared (or the tables to compare were named) and nothing differs.
    breaks: something differs.
    edited: nothing differs, but the rows of a side do not fit its digest chain.
    matched_as_far_as_compared: nothing differs, but something was not compared.
    nothing_compared: there was no row to compare; this is never a pass.
    manifests_differ: nothing differs in the tables, but the manifests state different markets, initial cash,
        timings or units.
    nothing_happened: nothing differs, and neither ledger has a target, order, fill, position or flow.
    """

    MATCHED = "matched"
    BREAKS = "breaks"
    EDITED = "edited"
    MATCHED_AS_FAR_AS_COMPARED = "matched_as_far_as_compared"
    NOTHING_COMPARED = "nothing_compared"
    MANIFESTS_DIFFER = "manifests_differ"
    NOTHING_HAPPENED = "nothing_happened"


class Why(Enum):
    """Why a table or column was not compared."""

    ABSENT_IN_REFERENCE = "absent in the reference"
    ABSENT_IN_CANDIDATE = "absent in the candidate"
    ABSENT_IN_BOTH = "absent in both"
    NOT_NAMED = "not among the tables named"
    NO_TIME = "its rows cannot be placed in time"
    TIMELESS = "rows without a time on both sides"


class ChainState(Enum):
    """Whether a ledger's tables, hashed again, fit the digest chain in its manifest.

    none: there is no chain.  holds: they fit.  broken: they do not.
    not_held: they were not hashed, or tables or columns are lacking, so that it cannot be decided.
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

    table, key: the row; key has one value for each key column of the table (KEYS).
    field: the column, or ROW. kind: the kind of the values in `reference` and `candidate`.
    timestamp: the bar of the row (targets and orders: of the decision), ns since 1970 UTC.
    decided_at: the bar that decided it, None where that is unknown.
    cycle: the number of its cycle of decision, execution and booking.
    rebalance: number of its period, None before the first. A period begins where either side rebalanced;
        up to the first break, periods are numbered as the rebalances are.
    reference, candidate: the two values, exact. For a whole row: its quantity, turnover or equity, and None
        on the side that lacks it.
    root: True for a root, False for a consequence, None without a scenario or where it cannot be decided.
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

    first: its earliest break. last: the timestamp of its latest. count: the number of breaks that are this
    same root, persisting from bar to bar.
    """

    first: Break
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A compared table: the rows of each side, and the columns that both have, keys first."""

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
class UnreadPart:
    """Something that the source of a ledger holds and that was not read.

    what: column, rows or table. table: of the source. reference, candidate: the number of cells (of a column)
    or rows on each side, None where a side has no such part. differs: None where it was not looked at.
    reason: why it was left out, where every side that has it says so; then it does not forbid a match.
    """

    what: UnreadKind
    table: str
    name: str
    reference: int | None
    candidate: int | None
    differs: bool | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ManifestDifference:
    """A value that both manifests state and that differs. Cash in currency, digests and words as text."""

    field: str
    reference: Value
    candidate: Value


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What the source of one ledger holds besides it.

    unread: what was not read. returns: the return series that its mapping names, None without one.
    """

    unread: tuple[Unread, ...] = ()
    returns: Table | None = None


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
    """What a tolerance absorbed.

    absorbed: the number of cells. largest: the largest gap among them; for a relative bound, as a fraction of
    the larger value. slack: it absorbed nothing, or the bound is more than ten times the largest gap.
    """

    tolerance: Tolerance
    absorbed: int
    largest: Decimal
    slack: bool


@dataclass(frozen=True, slots=True)
class FloatNoise:
    """Gaps of one column that rounding to 53 bits explains, so that they are no breaks.

    cells: how many. largest: the largest gap. share: the largest gap as a share of the numbers behind it.
    """

    table: str
    column: str
    cells: int
    largest: Decimal
    share: float


@dataclass(frozen=True, slots=True)
class PeriodSide:
    """The figures of one side in a period; None for what its ledger does not say.

    rebalance: the number that this side gave it. equity: at the end of the period.
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
    """One row of the summary: a rebalance and all that follows up to the next one, or one bar.

    number: as Break.rebalance. decided_at: None before the first rebalance. start, end: the first and the
    last bar booked in it, ns since 1970 UTC. breaks: the number by stage, without zeros.
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
    """Both digest chains.

    equal: None unless both hold. part_at: the first bar at which they differ, ns since 1970 UTC.
    """

    reference: ChainSide
    candidate: ChainSide
    equal: bool | None
    part_at: int | None


@dataclass(frozen=True, slots=True, eq=False)
class LedgerSide:
    """The manifest and tables of one side, as they were compared."""

    manifest: Manifest
    tables: Mapping[str, Table]


@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """The result of comparing two ledgers.

    breaks: all breaks, by cycle, stage, table and symbol; Break objects are made on demand.
    first: the first divergence: the earliest stage of the earliest cycle or, where roots are known, the
        earliest root of that cycle. None where nothing differs.
    roots: independent disagreements; None without a scenario, or where they cannot be found.
    by_stage, by_type: numbers of breaks, without zeros.
    compared, not_compared: tables and columns that were compared, and those that were not, with the reason.
    unread: what the sources hold and was not read, and whether it differs.
    manifests: what both manifests state differently.
    idle: why nothing happened, one sentence per reason; empty where something did.
    named: the tables to compare were named, so that other tables do not stand in the way of a match.
    first_only: only the first divergence was looked for: `breaks` has at most one, `roots` only its own.
    bars: every timestamp of both ledgers, ascending, ns since 1970 UTC.
    periods: the summary, one row per rebalance, or per bar where `periods_are_bars`.
    tolerances: what each one absorbed.
    patterns: constant patterns among the breaks, by their first break.
    noise: cells of doubles that differ by no more than their rounding; none of them is a break.
    chains: whether the tables fit the digest chains.
    notes: what else a reader should know, one sentence each.
    """

    verdict: Verdict
    breaks: Breaks
    first: Break | None
    roots: tuple[Root, ...] | None
    by_stage: Mapping[Stage, int]
    by_type: Mapping[BreakType, int]
    compared: tuple[Compared, ...]
    not_compared: tuple[NotCompared, ...]
    unread: tuple[UnreadPart, ...]
    manifests: tuple[ManifestDifference, ...]
    idle: tuple[str, ...]
    named: bool
    first_only: bool
    bars: npt.NDArray[np.int64]
    periods: Sequence[Period]
    periods_are_bars: bool
    tolerances: tuple[ToleranceUse, ...]
    patterns: tuple[Pattern, ...]
    noise: tuple[FloatNoise, ...]
    chains: Chains
    notes: tuple[str, ...]
    reference: LedgerSide
    candidate: LedgerSide
