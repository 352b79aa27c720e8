"""The nouns of a gate: its settings and its findings. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import Path

from reconcile.goldens.model import Agreement, CheckResult


class Check(Enum):
    """The checks of a gate, in the order in which they are made."""

    GOLDENS = "goldens"
    DRIFT = "drift"
    THROUGHPUT = "throughput"


class Outcome(Enum):
    """The outcome of a check or of the gate.

    passed: compared, and within limits.  failed: compared, and not. unknown: nothing, or not everything,
    could be compared.  inconclusive: throughput that the budget did not decide.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "could not tell"
    INCONCLUSIVE = "inconclusive"


class Against(Enum):
    """What throughput is held against: the code of a base revision, or the ratio on record."""

    BASE = "base"
    RECORD = "record"


class Quantity(Enum):
    """A quantity that may drift in a case, by the name of its limit in the settings."""

    RETURN = "return"
    COSTS = "costs"
    FILLS = "fills"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a case may differ from its golden; 0 is exact.

    total_return: difference of two fractions (0.0001 is a hundredth of a percent).
    costs: of commission and of slippage, as a fraction of the golden's. fills: a count.
    """

    total_return: Decimal = Decimal(0)
    costs: Decimal = Decimal(0)
    fills: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """[tool.reconcile.gate] of a pyproject.toml.

    checks: those that are made. candidate: `module:function`, the engine under test; None for tieout's
    engine. agreement: what its ledger must agree with before it is timed. paths: folders of the project that
    its code is imported from. build: commands run in each tree before timing. scenario: what is timed. limit:
    the ratio of times beyond which a slowdown fails (1.035: 3.5 %). record_limit: the same against a ratio on
    record, which varies from day to day. budget: seconds of measuring. pairs: the most that are measured.
    record: the file of the ratios on record. limits: those of every case. cases: those of single cases, by
    name.
    """

    root: Path
    checks: tuple[Check, ...] = tuple(Check)
    candidate: str | None = None
    agreement: Agreement = Agreement.REFERENCE
    paths: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    scenario: str = "top25"
    limit: float = 1.035
    record_limit: float = 1.3
    budget: float = 120.0
    pairs: int = 120
    record: Path = Path("benchmarks/record.json")
    limits: Limits = Limits()
    cases: Mapping[str, Limits] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fresh processes measured side by side: the fastest run of each, in seconds."""

    base: float
    head: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The slowdown that pairs show: head's time over base's.

    ratio: the estimate; low, high: its interval (0 and inf before there are enough pairs). confidence: that
    of the interval, over all looks together. pairs: how many it rests on. floor: the ratio above 1 that
    identical code reaches, too. limit: as in Settings.
    """

    outcome: Outcome
    ratio: float
    low: float
    high: float
    confidence: float
    pairs: int
    floor: float
    limit: float


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the software of a timing."""

    processor: str
    cores: int
    system: str
    python: str
    numba: str
    numpy: str


@dataclass(frozen=True, slots=True)
class Record:
    """A ratio reference : engine on record; low and high are its interval."""

    scenario: str
    scenario_digest: str
    ledger: str
    ratio: float
    low: float
    high: float
    pairs: int
    machine: Machine
    date: str


@dataclass(frozen=True, slots=True)
class Throughput:
    """The findings of the throughput check. against_name: the revision, or the file of the record.

    said: why it came to nothing, or what else to know; one sentence each. digest: of the ledger that every
    run had to give. events: of one run. alike: the A/A pairs, taken first. pairs: those of base and head,
    or of reference and engine. elapsed: seconds of measuring. load: of the machine, before and after.
    """

    outcome: Outcome
    against: Against
    against_name: str
    scenario: str
    said: tuple[str, ...] = ()
    decision: Decision | None = None
    digest: str | None = None
    events: int = 0
    alike: tuple[Pair, ...] = ()
    pairs: tuple[Pair, ...] = ()
    elapsed: float = 0.0
    load: tuple[float, float] | None = None
    machine: Machine | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One quantity of a case: the golden's value, the value found, their difference and its limit.

    name: return, commission, slippage or fills.
    """

    name: str
    quantity: Quantity
    golden: Decimal | None
    found: Decimal | None
    apart: Decimal | None
    limit: Decimal
    within: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One case under the engine of the project. drifts: one for each quantity, also for one that is 0."""

    name: str
    outcome: Outcome
    drifts: tuple[Drift, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a gate. Those of a check that was not asked for are empty or None."""

    outcome: Outcome
    asked: tuple[Check, ...]
    goldens: tuple[CheckResult, ...] = ()
    goldens_outcome: Outcome | None = None
    cases: tuple[Case, ...] = ()
    drift_outcome: Outcome | None = None
    throughput: Throughput | None = None
    engine: str = "engine"
