"""What golden files are made of, and what checking them finds. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path


class Agreement(Enum):
    """What an engine must agree with before a golden of its ledger is written.

    reference: our plain loop over the same scenario and market, to the last unit.
    itself: nothing else vouches for it.
    """

    REFERENCE = "reference"
    ITSELF = "itself"


class Storage(Enum):
    """How much of the ledger a golden keeps, beside summary and chain.

    full: every row of every table.  checkpoints: positions and equity of some bars.
    summary: no table (the market is not part of the project).
    """

    FULL = "full"
    CHECKPOINTS = "checkpoints"
    SUMMARY = "summary"


class Standing(Enum):
    """What checking one case came to; only HOLDS, SEALED and NOT_RUN are no failure.

    holds: what was run is what was blessed.
    sealed: the files are whole; the ledger itself is asserted by a test of the project.
    not_run: the files are whole; the market is not at hand.
    changed: another ledger.  stale: the same ledger, but from other inputs than those blessed.
    missing: there is no golden.  unused: nothing asserts it.
    tampered: the files are not those that were accepted.
    disagree: the engine parts from what must vouch for it.  empty: not one fill.
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


SOUND = frozenset({Standing.HOLDS, Standing.SEALED, Standing.NOT_RUN})
REVIEWABLE = frozenset({Standing.CHANGED, Standing.STALE, Standing.MISSING})
"""Standings that leave a pending golden."""


class CauseKind(Enum):
    """What differs between two manifests. code: nothing does, and still the ledger is another.

    agreement: something else vouches for it."""

    NEW = "new"
    SCENARIO = "scenario"
    DATA = "data"
    SEMANTICS = "semantics"
    CODE = "code"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class Cause:
    """One difference. what: the setting's path, the market's name, or nothing. unit: of the two values."""

    kind: CauseKind
    what: str = ""
    before: str | None = None
    after: str | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project keeps its goldens. root: the folder of pyproject.toml."""

    root: Path
    blessed: Path
    cases: Path
    journal: Path


@dataclass(frozen=True, slots=True)
class Figures:
    """A ledger in a handful of exact numbers, None where it does not tell.

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
    """What a ledger was made from. scenario: canonical TOML; the rest digests, None where not known.

    data: the market without its computed features. origin: the folder that the scenario's paths start
    from, relative to the project; None where that is outside it.
    """

    scenario: str | None
    market: str | None
    data: str | None
    market_name: str | None
    origin: str | None
    semantics: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """The manifest of a golden. test: the test that asserts it, None for a case of the cases folder.

    tables: rows by table.
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
    """One place where the files of a golden are not what was accepted; row and column from 1 and by name."""

    file: str
    row: str | None
    column: str | None
    found: str


@dataclass(frozen=True, slots=True)
class Golden:
    """A golden as it lies on disk. files: content by path. id: digest of all of it."""

    facts: Facts
    files: Mapping[str, bytes]
    id: str


@dataclass(frozen=True, slots=True)
class First:
    """The first divergence: before is the golden's value, after the new one, None where there is no row."""

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

    replaces: the golden's id, None for a new case. before: its figures. by_stage: breaks where both have
    every row (`whole`), else rows of the summary by column. fills: fills that are not the same; with
    `whole` false the fills of the rebalances that changed. rebalances: summary rows that differ.
    """

    case: str
    replaces: str | None
    causes: tuple[Cause, ...]
    before: Figures | None
    after: Figures
    first: First | None
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
class Shelf:
    """All goldens of a project, by case, as of one moment. broken: whose files are not what was sealed."""

    goldens: Mapping[str, Golden]
    pending: Mapping[str, Pending]
    broken: Mapping[str, tuple[Fault, ...]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking one case found. golden: the figures on record; found: those of today's run."""

    case: str
    standing: Standing
    golden: Figures | None = None
    found: Figures | None = None
    change: Change | None = None
    faults: tuple[Fault, ...] = ()
    said: str = ""
