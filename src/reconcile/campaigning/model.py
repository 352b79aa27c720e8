"""The nouns of a campaign: a job, what it came to, and how far the campaign got. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

Setting = str | int | float | bool
"""The value of a setting in a plan; decimals are text, as in a scenario file."""


class Command(Enum):
    """What a job does: the command of that name."""

    RUN = "run"
    DIFF = "diff"
    EXPLAIN = "explain"
    AUDIT = "audit"
    IDENTIFY = "identify"
    CHECK = "check"
    GOLDEN = "golden"
    DRILL = "drill"


class Status(Enum):
    """How a job ended.

    done: with a verdict of its command.  refused: with one of tieout's errors, about its input or candidate.
    failed: with an error that tieout did not foresee.  lost: it ended its worker three times.
    timed_out: it took longer than a job may take, and its worker was ended.
    """

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    LOST = "lost"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of days, both included, ISO 8601. None: from the first bar, to the last bar."""

    since: str | None = None
    until: str | None = None

    @property
    def text(self) -> str:
        return f"{self.since or ''}..{self.until or ''}"


@dataclass(frozen=True, slots=True)
class Job:
    """One call of a command: words, paths and URLs, never data, so that it costs nothing to send.

    name: unique in its campaign. folder: the plan's; modules are looked for in it first. Paths are absolute
    or URLs. case: of a golden, or a fault of the drill. explain: a run that breaks is also explained.
    tables: of a diff, None for all. memory: bytes that a diff may hold, None for no bound. depends: files
    that nobody but the candidate reads: when one changes, the job is new.
    """

    name: str
    command: Command
    folder: str
    scenario: str | None = None
    candidate: str | None = None
    reference: str | None = None
    data: str | None = None
    mapping: str | None = None
    reference_mapping: str | None = None
    tolerance: str | None = None
    settings: tuple[tuple[str, Setting], ...] = ()
    window: Window | None = None
    case: str | None = None
    tables: tuple[str, ...] | None = None
    explain: bool = True
    memory: int | None = None
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may take. seconds: of the whole job. memory: bytes of a user's function, None as usual."""

    seconds: float
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job came to; small, because it travels and is kept.

    key: the digest of all that went in. verdict: the word of its command, or of its status. headline: the
    first line of its page, or what went wrong. first: the first divergence without its values, or what went
    wrong without where, for grouping; None without one. causes, leads: sentences.
    seconds: that it took where it ran. kept: it was not run now, but read from an earlier campaign.
    """

    key: str
    status: Status
    exit_code: int
    verdict: str
    headline: str
    first: str | None = None
    causes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    seconds: float = 0.0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs that have something in common: a cause, or without causes an error or a first divergence.

    kind: which of these. exit_code: the worst of its jobs. jobs: names, in the order of the plan.
    """

    kind: GroupKind
    text: str
    exit_code: int
    jobs: tuple[str, ...]


class GroupKind(Enum):
    """What the jobs of a group share."""

    CAUSE = "cause"
    LEAD = "lead"
    FIRST_DIVERGENCE = "first_divergence"
    ERROR = "error"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Matrix:
    """All jobs of a campaign with their outcomes, in the order of the plan.

    groups: the jobs that did not pass, largest group first; a job with two causes stands in two groups.
    ran: how many were run now. kept: how many were read from an earlier campaign. workers: a few words.
    notes: one sentence each.
    """

    name: str
    jobs: tuple[tuple[Job, Outcome], ...]
    groups: tuple[Group, ...]
    seconds: float
    workers: str
    notes: tuple[str, ...] = field(default=())

    @property
    def ran(self) -> int:
        return sum(bool(outcome.key) and not outcome.kept for _, outcome in self.jobs)

    @property
    def kept(self) -> int:
        return sum(outcome.kept for _, outcome in self.jobs)
