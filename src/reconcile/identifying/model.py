"""The nouns of an identification: conventions, their options, and the evidence for each. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconcile.explaining.model import Change, Hypothesis
from reconcile.identifying.profiles import Profile


class Status(Enum):
    """What a ledger shows about a convention.

    identified: one option only gets its cells right.  several: some options do equally well, and others do
    worse.  contradicted: the best option gets cells wrong that another gets right.  cannot_tell: every option
    does equally well, so the ledger never meets the question.
    """

    IDENTIFIED = "identified"
    SEVERAL = "several"
    CONTRADICTED = "contradicted"
    CANNOT_TELL = "cannot_tell"


class Verdict(Enum):
    """What an identification may claim.

    fits: under the conventions found every trade of the bars looked at is right.  partly: some are not.
    cannot_tell: the ledger has too little to rebuild its account, or never trades.
    """

    FITS = "fits"
    PARTLY = "partly"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Convention:
    """One question about an engine.

    hypotheses: those whose values are its options besides the stated one. column: the table and column that
    the answer shows in, where it is one; an option that leaves most of its cells wrong is no answer.
    """

    name: str
    question: str
    hypotheses: tuple[Hypothesis, ...]
    column: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a convention. change: from the scenario as stated, None for what it states.

    key: its name, in the words of the scenario file where that has one. words: how it reads.
    """

    key: str
    words: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the ledger shows about one convention.

    option: the best one. equal: others that get the very same cells right. fits: cells that it gets right and
    some other option gets wrong. contradicts: cells that it gets wrong and some other gets right. stated: the
    scenario's own option, where that is another.
    """

    convention: Convention
    status: Status
    option: Option
    equal: tuple[Option, ...]
    fits: int
    contradicts: int
    stated: Option | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a profile compares with the ledger, in names of conventions.

    agree: the ledger shows the profile's option. open: the ledger does not tell. differ: it shows another.
    """

    profile: Profile
    agree: tuple[str, ...]
    open: tuple[str, ...]
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer. engines: the profiles, the most alike first.

    bars: bars with trades that were looked at, of `busy` in all. cells: of those bars, in targets, orders and
    fills. wrong: cells of any table that differ there under the conventions found.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    engines: tuple[Likeness, ...]
    bars: int
    busy: int
    cells: int
    wrong: int
    reason: str = ""
    notes: tuple[str, ...] = ()
