"""The nouns of golden files and of checking them. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path


class Agreement(Enum):
    """What an engine must agree with before a golden of its ledger is written.

    reference: the reference program on the same scenario and market, to the last unit.
    itself: nothing but a second run of the same engine.
    """

    REFERENCE = "reference"
    ITSELF = "itself"


class Storage(Enum):
    """How much of the ledger a golden keeps besides its summary and its digest chain.

    full: every row of every table.  checkpoints: positions and equity of some bars.
    summary: no table, because the market is not part of the project.
    """

    FULL = "full"
    CHECKPOINTS = "checkpoints"
    SUMMARY = "summary"


class CheckStatus(Enum):
    """The result of checking one case. All but HOLDS, SEALED and NOT_RUN are failures.

    holds: the run gives the golden's ledger from the golden's inputs.
    sealed: the files are unchanged; a test of the project asserts the ledger itself.
    not_run: the files are unchanged; the market is not available.
    changed: the run gives another ledger.  stale: it gives the same ledger from other inputs.
    missing: there is no golden.  unused: neither a case file nor a test asserts the golden.
    tampered: the files are not those that were accepted.
    disagree: the engine does not agree with the reference.  empty: the ledger has no fill.
    failed: the case could not be run.
    """

    HOLDS = "holds"
    SEALED = "sealed"
    NOT_RUN = "not run"
    CHANGED = "changed"
    STALE = "stale"
    MISSING = "missing"
    UNUSED = "unused"
    TAMPERED = "tampered"
    DISAGREE = "disagree"
    EMPTY = "empty"
    FAILED = "failed"


SOUND = frozenset({CheckStatus.HOLDS, CheckStatus.SEALED, CheckStatus.NOT_RUN})
REVIEWABLE = frozenset({CheckStatus.CHANGED, CheckStatus.STALE, CheckStatus.MISSING})
"""Statuses that leave a golden pending, for review."""


class CauseKind(Enum):
    """What differs between the inputs of two goldens.

    code: nothing differs, and yet the ledgers do.  agreement: what the engine had to agree with.
    tolerance: a bound within which it had to agree, and within which its ledger holds.
    """

    NEW = "new"
    SCENARIO = "scenario"
    DATA = "data"
    SEMANTICS = "semantics"
    CODE = "code"
    AGREEMENT = "agreement"
    TOLERANCE = "tolerance"


@dataclass(frozen=True, slots=True)
class Cause:
    """One difference. what: the setting's path, the market's name, or "". unit: of `before` and `after`."""

    kind: CauseKind
    what: str = ""
    before: str | None = None
    after: str | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ProjectPaths:
    """Where a project keeps its goldens.

    root: the folder of pyproject.toml. blessed: the goldens. cases: the scenario files. journal: a Markdown
    file.
    """

    root: Path
    blessed: Path
    cases: Path
    journal: Path


@dataclass(frozen=True, slots=True)
class Figures:
    """Exact figures of a ledger, None for one that its tables do not give.

    total_return, max_drawdown: fractions to 9 decimals. ledger: its digest.
    """

    ledger: str
    bars: int
    rebalances: int | None
    fills: int | None
    turnover: Decimal | None
    commission: Decimal | None
    slippage: Decimal | None
    final_equity: Decimal | None
    total_return: Decimal | None
    max_drawdown: Decimal | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a ledger was made from: digests, None for one that is not known.

    data: that of the market without its computed features. origin: the folder that the scenario's paths are
    relative to, as a path within the project; None when it lies outside.
    """

    scenario: str | None
    market: str | None
    data: str | None
    market_name: str | None
    origin: str | None
    semantics: str | None


@dataclass(frozen=True, slots=True)
class GoldenManifest:
    """The facts that manifest.json records of a golden.

    test: the test that asserts it, None for a case of the cases folder. tables: number of rows by table.
    """

    case: str
    agreement: Agreement
    test: str | None
    storage: Storage
    inputs: Inputs
    figures: Figures
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a golden's files are not what was accepted.

    row: `line N`, counted from 1. column: its name. found: what is there instead.
    """

    file: str
    row: str | None
    column: str | None
    found: str


@dataclass(frozen=True, slots=True)
class Golden:
    """A golden as it is on disk. files: content by path. id: a digest of all files."""

    manifest: GoldenManifest
    files: Mapping[str, bytes]
    id: str


@dataclass(frozen=True, slots=True)
class FirstDivergence:
    """The first divergence. before: the golden's value. after: the new value. None where there is no row."""

    rebalance: int | None
    timestamp: str
    stage: str | None
    table: str
    field: str
    symbol: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """From a golden to what would replace it.

    replaces: the golden's id, None for a new case. before: its figures. whole: whether all rows of both
    ledgers were compared. by_stage: number of breaks by stage; if not `whole`, number of differing summary
    rows by column. fills: number of fills that differ; if not `whole`, of fills in rebalances that differ.
    rebalances: number of summary rows that differ.
    """

    case: str
    replaces: str | None
    causes: tuple[Cause, ...]
    before: Figures | None
    after: Figures
    first: FirstDivergence | None
    by_stage: Mapping[str, int]
    fills: int
    rebalances: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """A golden that waits for a decision, and the change it would bring."""

    golden: Golden
    change: Change


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """All goldens of a project, by case, as of one moment.

    broken, broken_pending: the goldens and the pending changes that do not match their seal.
    """

    goldens: Mapping[str, Golden]
    pending: Mapping[str, Pending]
    broken: Mapping[str, tuple[Fault, ...]]
    broken_pending: Mapping[str, tuple[Fault, ...]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of checking one case. golden: the figures on record. found: those of the present run."""

    case: str
    status: CheckStatus
    golden: Figures | None = None
    found: Figures | None = None
    change: Change | None = None
    faults: tuple[Fault, ...] = ()
    said: str = ""
