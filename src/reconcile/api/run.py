"""`reconcile.run` and `reconcile.check`: a scenario through both programs, or looked at without a run."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from reconcile.api.diff import GivenTolerances, beside_of, tolerances_of
from reconcile.api.given import (
    GivenCandidate,
    GivenScenario,
    Opened,
    PathLike,
    Program,
    candidate_of,
    market_of,
    scenario_of,
)
from reconcile.api.result import Result, frame_of
from reconcile.files.arguments import FLAG, PATH, TEXT, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.html.model import Compared
    from reconcile.matching.model import Break, Root, Tolerance, Verdict
    from reconcile.running.candidate import Candidate
    from reconcile.running.determinism import Disagreement
    from reconcile.running.run import Outcome
    from reconcile.running.summary import Summary
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RunResult(Result):
    """What a run came to. outcome: both sides, compared. out: the folder that was written, if any."""

    outcome: Outcome
    summary: Summary
    out: str | None = None

    @property
    def verdict(self) -> Verdict:
        return self.outcome.reconciliation.verdict

    @property
    def exit_code(self) -> int:
        from reconcile.comparing.verdict import exit_code

        return exit_code(self.verdict)

    @property
    def first(self) -> Break | None:
        return self.outcome.reconciliation.first

    @property
    def breaks(self) -> Sequence[Break]:
        return self.outcome.reconciliation.breaks

    @property
    def roots(self) -> Sequence[Root]:
        return self.outcome.reconciliation.roots or ()

    @property
    def reference(self) -> Ledger:
        return self.outcome.reference.ledger

    @property
    def candidate(self) -> Ledger:
        return self.outcome.candidate.ledger

    def text(self) -> str:
        from reconcile.running.run_page import run_page

        return run_page(self.outcome, self.summary, self.out)

    def to_json(self) -> str:
        from reconcile.running.run_json import run_json

        return run_json(self.outcome, self.summary)

    def to_markdown(self) -> str:
        from reconcile.comparing.diff_exports import diff_markdown
        from reconcile.comparing.diff_page import DiffSubject
        from reconcile.text.times import short_clock

        market = self.outcome.market
        subject = DiffSubject("reference", self.outcome.candidate.name, self.outcome.scenario.name, market)
        return diff_markdown(self.outcome.reconciliation, subject, short_clock(market))

    def _compared(self, whole: bool) -> Compared:
        from reconcile.html.model import Compared

        outcome = self.outcome
        return Compared(
            command="run",
            text=self.text(),
            data=self.to_json(),
            found=outcome.reconciliation,
            reference=self.reference,
            candidate=self.candidate,
            names=("reference", outcome.candidate.name),
            scenario=outcome.scenario,
            market=outcome.market,
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per break: the columns of `reconcile diff --csv`."""
        from reconcile.comparing.diff_exports import COLUMNS
        from reconcile.comparing.diff_json import break_facts
        from reconcile.text.times import exact_clock

        clock = exact_clock(self.outcome.market)
        return frame_of([break_facts(one, clock) for one in self.breaks], COLUMNS)


class Determinism(Enum):
    """Whether each side of a run agreed with itself."""

    NOT_DETERMINISTIC = "not_deterministic"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DisagreementResult(Result):
    """A side that disagrees with itself, so that nothing was compared."""

    command: ClassVar[str] = "run --twice"

    disagreement: Disagreement
    out: str | None = None

    @property
    def verdict(self) -> Determinism:
        return Determinism.NOT_DETERMINISTIC

    @property
    def exit_code(self) -> int:
        return 3

    def text(self) -> str:
        from reconcile.running.run_page import twice_page

        return twice_page(self.disagreement, self.out)

    def to_json(self) -> str:
        from reconcile.running.run_json import twice_json

        return twice_json(self.disagreement)


@takes(mapping=PATH, out=PATH, format=TEXT, twice=FLAG, watch=WATCH)
def run(
    scenario: GivenScenario,
    candidate: GivenCandidate | None = None,
    *,
    data: PathLike | Market | Any | None = None,
    mapping: PathLike | None = None,
    tolerance: GivenTolerances | None = None,
    out: PathLike | None = None,
    format: Literal["parquet", "csv"] = "parquet",
    twice: bool = False,
    watch: Watch = unwatched,
) -> RunResult | DisagreementResult:
    """Run a scenario through the reference and a candidate, and compare their ledgers to the last unit.

    candidate: our engine by default; else `module:function`, a function, or a ledger in any form. data: bars
    in place of the scenario's own. mapping, tolerance: how a foreign ledger is read. out: a folder for both
    ledgers and the summary, in this format. twice: first run each side twice in fresh processes.

    >>> reconcile.run("top25")
    <RunResult matched: 0 breaks, 31,686 rows in 6 tables equal to the last unit>

    Raises InputError: bad input; CallableError: a candidate that misbehaves.
    """
    from reconcile.running import output
    from reconcile.running.determinism import Disagreement
    from reconcile.running.run_json import KIND, run_json
    from reconcile.running.summary import summarise

    place = None if out is None else os.fspath(out)
    try:
        with output.staged(place, KIND) as folder:
            outcome = _outcome(scenario, candidate, data, mapping, tolerances_of(tolerance), twice, watch)
            numbers = summarise(outcome)
            if folder is not None:
                with watch(Phase.WRITING, 0):
                    output.write_sides(folder, outcome, format)
                    output.write_text(folder, output.MARKER, run_json(outcome, numbers) + "\n")
    except Disagreement as disagreement:
        return DisagreementResult(disagreement, place)
    return RunResult(outcome, numbers, place)


def _outcome(
    given: GivenScenario,
    candidate: GivenCandidate | None,
    data: Any,
    mapping: PathLike | None,
    bounds: Sequence[Tolerance],
    twice: bool,
    watch: Watch,
) -> Outcome:
    """Both sides, whatever the candidate is: our engine, a program, or a ledger that is there already."""
    from reconcile.running.hosting import current_host
    from reconcile.running.run import run as run_both

    scenario = scenario_of(given)
    other = None if candidate is None else candidate_of(candidate, mapping=mapping)
    named = other is None or (isinstance(other, Program) and other.function is None)
    if named and not bounds and (data is None or isinstance(data, (str, os.PathLike))):
        place = None if data is None else os.fspath(data)
        return run_both(
            scenario,
            current_host(),
            data=place,
            candidate=None if other is None else other.name,
            twice=twice,
            watch=watch,
        )
    if twice:
        found, remedy = (
            "a candidate or data in memory",
            "Name the program as module:function, and the data as a file.",
        )
        raise InputError("twice", found, "what a fresh process can find", remedy)
    return _in_memory(scenario, data, other, bounds, watch)


def _in_memory(
    scenario: Scenario, data: Any, other: Opened | Program | None, bounds: Sequence[Tolerance], watch: Watch
) -> Outcome:
    """The same where a side or the market is an object of this process."""
    from reconcile.running import run as running

    began = time.perf_counter()
    with watch(Phase.LOADING, 0):
        market = market_of(data, scenario)
    loading = time.perf_counter() - began
    compiling = running.warm(scenario, market, watch) if other is None else None
    reference = running.run_reference(scenario, market, watch)
    notes: tuple[str, ...] = ()
    if other is None:
        side = running.run_engine(scenario, market, watch)
    elif isinstance(other, Program):
        function = function_of(other)
        with watch(Phase.CANDIDATE, 0):
            side = running.run_candidate(other.name, function, scenario, market)
    else:
        side, notes = running.Side(other.name, other.ledger, 0.0), other.notes
    with watch(Phase.COMPARING, 0):
        beside = beside_of(other) if isinstance(other, Opened) else None
        found = running.judge(scenario, market, reference, side, bounds, beside)
    if isinstance(other, Program):
        notes = running.ignored_notes(side, function, scenario, market, found)
    found = replace(found, notes=(*found.notes, *notes))
    return running.Outcome(scenario, market, reference, side, found, loading, compiling)


def function_of(program: Program) -> Candidate:
    """The function of a candidate that is a program. Raises InputError where it cannot be found."""
    from reconcile.running.hosting import current_host

    return program.function or current_host().candidate(program.name, "candidate")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CheckResult(Result):
    """A scenario and its market, both in order. loading: seconds. idle: why no run of them can trade."""

    command: ClassVar[str] = "check"

    scenario: Scenario
    market: Market
    loading: float
    idle: tuple[str, ...] = ()

    @property
    def verdict(self) -> Validity:
        return Validity.NOTHING_HAPPENS if self.idle else Validity.VALID

    @property
    def exit_code(self) -> int:
        return 2 if self.idle else 0

    def text(self) -> str:
        from reconcile.running.run_page import check_page

        return check_page(self.scenario, self.market, self.loading, self.idle)

    def to_json(self) -> str:
        from reconcile.text.json_text import to_json

        return to_json(
            {
                "kind": "tieout.check",
                "version": 1,
                "verdict": self.verdict.value,
                "scenario": {"name": self.scenario.name, "digest": self.scenario.digest},
                "market": {"name": self.market.name, "digest": self.market.digest},
                "bars": len(self.market.timestamps),
                "symbols": len(self.market.symbols),
                "notes": [*self.market.notes, *self.idle],
            }
        )


class Validity(Enum):
    """What checking a scenario may claim; anything else is an error.

    nothing_happens: both are in order, but no run of them can trade.
    """

    VALID = "valid"
    NOTHING_HAPPENS = "nothing_happens"


@takes(watch=WATCH)
def check(
    scenario: GivenScenario, data: PathLike | Market | Any | None = None, *, watch: Watch = unwatched
) -> CheckResult:
    """Validate a scenario and its market, without a run.

    >>> reconcile.check("top25")
    <CheckResult valid: top25 and its market fit>

    Raises InputError: the scenario or the data are not in order.
    """
    from reconcile.comparing.idle import idle_market
    from reconcile.market.load import check as check_fit

    found = scenario_of(scenario)
    began = time.perf_counter()
    with watch(Phase.LOADING, 0):
        market = market_of(data, found)
    check_fit(found, market)
    return CheckResult(found, market, time.perf_counter() - began, idle_market(found, market))
