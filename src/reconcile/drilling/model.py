"""The nouns of a drill: faults with their expected answers, and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from reconcile.explaining.bar_loop import Hooks
from reconcile.explaining.model import Change
from reconcile.matching.model import Stage

if TYPE_CHECKING:
    from reconcile.drilling.clean_run import CleanRun
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market


class Hit(NamedTuple):
    """A row that a fault acts on.

    cycle: of decision, execution and booking. symbol: its place, None for a bar's own row. bar: of the row.
    """

    cycle: int
    stage: Stage
    symbol: int | None
    bar: int


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of the engine's source: `old`, which stands in `file` exactly once, becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Setting:
    """The scenario is another: a path of the scenario file and what stands there."""

    path: str
    value: object


@dataclass(frozen=True, slots=True)
class Data:
    """The market is read otherwise. read: from the market to the market as it is read."""

    read: Callable[[Market], Market]


@dataclass(frozen=True, slots=True)
class Reported:
    """The right thing was done, and the ledger reports another. report: from the ledger to the reported
    one."""

    report: Callable[[Ledger, Market], Ledger]


Plant = Patch | Setting | Data | Hooks | Reported


Where = Callable[["CleanRun"], Iterable[Hit]]
"""From a run without the fault to the rows that it acts on. The first of them is where it first shows. Later
ones may not be affected, as the fault changes what follows."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and the answer that is right.

    ground: the name of the one it is planted on. plants: all of them together make the fault. where: the rows
    it acts on. causes: the changes that say what it is; several are the same change in other words. Where
    there are none, no hypothesis describes it, and the right answer is that it is unexplained.
    """

    name: str
    ground: str
    plants: tuple[Plant, ...]
    where: Where
    causes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A first divergence: a bar, a stage, a symbol's name."""

    bar: int
    stage: Stage
    symbol: str | None


class Group(Enum):
    """What a candidate is planted for; each is scored apart."""

    SINGLE = "single"
    PAIR = "pair"
    OUTSIDE = "outside"
    OTHER_GROUNDS = "other grounds"
    CLEAN = "clean"


class Shape(Enum):
    """How a ledger is handed over: as ours are, through frames of floats, or in two of its tables."""

    WHOLE = "whole"
    FLOATS = "floats"
    FILLS_AND_EQUITY = "fills and equity"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is planted, on which ground. faults: their names, none for a clean run."""

    group: Group
    faults: tuple[str, ...]
    ground: str
    seed: int
    shape: Shape = Shape.WHOLE

    @property
    def name(self) -> str:
        what = " + ".join(self.faults) or "no fault"
        shape = "" if self.shape is Shape.WHOLE else f", {self.shape.value}"
        return f"{what} ({self.ground}, seed {self.seed}{shape})"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one candidate.

    detected: the comparison finds breaks. located: it finds the first one where it is expected. explained:
    the answer of explain is the right one. false_causes: the sentences of causes that are none of the
    faults'. expected, found: the first divergences. answer: what explain answered.
    """

    candidate: Candidate
    detected: bool
    located: bool
    explained: bool
    false_causes: tuple[str, ...]
    expected: Place | None
    found: Place | None
    answer: str
    seconds: float

    @property
    def right(self) -> bool:
        """Whether all of it is as it should be."""
        return self.explained and (not self.candidate.faults or (self.detected and self.located))


@dataclass(frozen=True, slots=True)
class Score:
    """The table's row of one group."""

    candidates: int
    detected: int
    located: int
    explained: int
    with_false_causes: int


@dataclass(frozen=True, slots=True)
class Drill:
    """All findings and their scores. idle: candidates left out, as one of their faults changes nothing
    there."""

    findings: tuple[Finding, ...]
    scores: Mapping[Group, Score]
    idle: tuple[Candidate, ...] = ()

    @property
    def traceless(self) -> tuple[str, ...]:
        """Faults that change nothing alone on their own ground, which is an error of the drill. On another
        ground a fault may change nothing, and one of two faults may leave the other nothing to act on."""
        alone = (Group.SINGLE, Group.OUTSIDE)
        return tuple(name for each in self.idle if each.group in alone for name in each.faults)
