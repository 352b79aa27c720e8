"""`reconcile.explain` and `reconcile.shrink`: why a candidate differs, and on how little."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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
from reconcile.api.run import function_of
from reconcile.files.arguments import FLAG, PATH, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched, words_to
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.explaining.model import Cause, Explanation, RootGroup, Verdict
    from reconcile.html.model import Compared, Page
    from reconcile.matching.model import Beside, Break, Tolerance
    from reconcile.shrinking.cases import Shrunk
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExplainResult(Result):
    """Why a candidate differs. found: the explanation. reference: the ledger of the scenario as
    stated. candidate: its ledger; name: as pages call it.

    tolerances, beside: as they were given; the page compares once more, and by the same measure.
    """

    found: Explanation
    scenario: Scenario
    market: Market
    reference: Ledger
    candidate: Ledger
    name: str
    tolerances: tuple[Tolerance, ...] = ()
    beside: Beside | None = None

    @property
    def verdict(self) -> Verdict:
        return self.found.verdict

    @property
    def exit_code(self) -> int:
        from reconcile.explaining.model import Verdict

        codes = {Verdict.NO_BREAKS: 0, Verdict.EXPLAINED: 0, Verdict.CANNOT_TELL: 2}
        return codes.get(self.found.verdict, 1)

    @property
    def causes(self) -> Sequence[Cause]:
        return self.found.causes

    @property
    def roots(self) -> Sequence[RootGroup]:
        """The roots of what no cause explains, grouped."""
        return self.found.roots

    def text(self) -> str:
        from reconcile.explaining.explain_page import explain_page

        return explain_page(self.found, self.scenario, self.market, self.name)

    def to_json(self) -> str:
        from reconcile.explaining.explain_json import explain_json

        return explain_json(self.found, self.scenario, self.market)

    def _compared(self, whole: bool) -> Compared:
        from reconcile.comparing.compare import compare
        from reconcile.html.model import Compared
        from reconcile.running.run import Side, judge

        made = self.reference
        if whole:
            sides = Side("reference", made, 0.0), Side(self.name, self.candidate, 0.0)
            found = judge(self.scenario, self.market, *sides, self.tolerances, self.beside)
        else:
            found = compare(made, self.candidate, tolerances=self.tolerances or None, first=True)
        return Compared(
            command="explain",
            text=self.text(),
            data=self.to_json(),
            found=found,
            reference=made,
            candidate=self.candidate,
            names=("reference", self.name),
            scenario=self.scenario,
            market=self.market,
            explanation=self.found,
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per cause: sentence, what, reference, candidate, breaks_explained."""
        columns = ("sentence", "what", "reference", "candidate", "breaks_explained")
        return frame_of([{name: getattr(one, name) for name in columns} for one in self.causes], columns)


@takes(mapping=PATH, replay=FLAG, watch=WATCH)
def explain(
    scenario: GivenScenario,
    candidate: GivenCandidate,
    *,
    data: PathLike | Market | Any | None = None,
    mapping: PathLike | None = None,
    tolerance: GivenTolerances | None = None,
    replay: bool = False,
    watch: Watch = unwatched,
) -> ExplainResult:
    """Say why a candidate differs from a scenario: causes, each verified by a run, and what each cost.

    candidate: a ledger in any form, `module:function`, or a function. replay: what the strategy wanted is
    taken from the candidate's fills (R10); prices, costs, cash and equity are then explained.

    >>> reconcile.explain("incident", "reconcile.incident:candidate")
    <ExplainResult the candidate started with 100,000 instead of 1,000,000>

    Raises InputError: bad input; CallableError: a candidate that misbehaves.
    """
    from reconcile.explaining.explain import explain as find_causes
    from reconcile.running import run as running
    from reconcile.scenario.programs import run_reference

    bounds = tolerances_of(tolerance)
    found = scenario_of(scenario)
    with watch(Phase.LOADING, 0):
        market = market_of(data, found)
    with watch(Phase.READING, 0):
        other = candidate_of(candidate, mapping=mapping)
    if isinstance(other, Program):
        with watch(Phase.CANDIDATE, 0):
            other = _run_program(other, found, market)
    if replay:
        found, other = _replayed(found, market, other)
    beside = beside_of(other)
    running.warm(found, market, watch)
    with watch(Phase.EXPLAINING, 0) as meter:
        result = find_causes(
            found,
            market,
            other.ledger,
            tolerances=bounds,
            say=words_to(meter),
            beside=beside,
        )
    result = replace(result, notes=(*other.notes, *result.notes))
    stated = run_reference(found, market)
    return ExplainResult(result, found, market, stated, other.ledger, other.name, bounds, beside)


def _replayed(scenario: Scenario, market: Market, other: Opened) -> tuple[Scenario, Opened]:
    """The scenario of a ledger's own orders, and the ledger beside them."""
    from reconcile.explaining.replay import replay as orders_of

    made = orders_of(scenario, market, other.ledger)
    note = f"Replayed: the {len(made.rows):,} orders are those of the ledger's own fills."
    if made.elsewhere:
        note += f" {made.elsewhere:,} of these are at a price that no order meets in their bar."
    opened = replace(other, ledger=made.ledger, notes=(note, *other.notes))
    return made.scenario, opened


def _run_program(program: Program, scenario: Scenario, market: Market) -> Opened:
    """The ledger of a program, and a note where it ignores the market that it is given."""
    from reconcile.running.ignored_market import market_ignored
    from reconcile.running.run import run_candidate

    function = function_of(program)
    ledger = run_candidate(program.name, function, scenario, market).ledger
    how = market_ignored(program.name, function, scenario, market, ledger)
    notes = () if how is None else (f"The candidate ignores the market that it is given: {how}.",)
    return Opened(program.name, ledger, notes=notes)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShrinkResult(Result):
    """The smallest case on which a candidate breaks the same way; None where it does not break."""

    command: ClassVar[str] = "shrink"

    shrunk: Shrunk | None
    name: str
    out: str

    @property
    def verdict(self) -> Any:
        from reconcile.matching.model import Verdict

        return Verdict.MATCHED if self.shrunk is None else Verdict.BREAKS

    @property
    def exit_code(self) -> int:
        return 0 if self.shrunk is None else 1

    @property
    def first(self) -> Break | None:
        return None if self.shrunk is None else self.shrunk.after.found.first

    @property
    def breaks(self) -> Sequence[Break]:
        return () if self.shrunk is None else self.shrunk.after.found.breaks

    def text(self) -> str:
        from reconcile.shrinking.shrink_page import shrink_page

        if self.shrunk is None:
            return "no breaks: there is nothing to shrink, and nothing was written"
        return shrink_page(self.shrunk, self.name, self.out)

    def page(self) -> Page:
        from reconcile.html.comparison import shrink_page

        if self.shrunk is None:
            return Result.page(self)
        return shrink_page(self.text(), self.to_json(), self.shrunk, self.name, self.out)

    def to_json(self) -> str:
        from reconcile.shrinking.shrink_page import shrink_facts

        return "{}" if self.shrunk is None else json.dumps(shrink_facts(self.shrunk, self.name), indent=2)


@takes(out=PATH, watch=WATCH)
def shrink(
    scenario: GivenScenario,
    candidate: GivenCandidate,
    out: PathLike = "shrunk",
    *,
    data: PathLike | Market | Any | None = None,
    tolerance: GivenTolerances | None = None,
    watch: Watch = unwatched,
) -> ShrinkResult:
    """Cut symbols, bars and settings away while a candidate breaks the same way; write the case to a folder.

    candidate: `module:function`, or a function. out: the folder; an earlier case there is replaced whole.

    >>> reconcile.shrink("stocks", "my_engine:run", "case")
    <ShrinkResult rebalance 0, 2001-03-02, fill commission, IBM: 0.1921 (reference) vs 0.3073 (candidate)>

    Raises InputError: bad input, or a ledger as the candidate; CallableError: a candidate that misbehaves.
    """
    from reconcile.running import output
    from reconcile.running import run as running
    from reconcile.running.hosting import current_host
    from reconcile.shrinking.case_folder import KIND, KNOWN_NAMES
    from reconcile.shrinking.shrink import TRIALS
    from reconcile.shrinking.shrink import shrink as shrink_case

    bounds = tolerances_of(tolerance)
    found = scenario_of(scenario)
    program = candidate_of(candidate)
    if not isinstance(program, Program):
        raise InputError(
            "candidate",
            f"a ledger, {program.name}",
            "a program",
            "Name the engine that made it (module:function): a ledger cannot be run on a smaller case.",
        )
    function = program.function or current_host().candidate(program.name, "candidate")
    with watch(Phase.LOADING, 0):
        market = market_of(data, found)
    running.warm(found, market, watch)
    place = os.fspath(out)
    try:
        with output.staged(place, KIND, KNOWN_NAMES) as folder:
            assert folder is not None
            with watch(Phase.SHRINKING, TRIALS) as progress:
                shrunk = shrink_case(
                    found, market, program.name, function, progress or (lambda _: None), bounds
                )
            if shrunk is None:
                raise _NoBreak
            _write_case(folder, shrunk, program.name, function, watch)
    except _NoBreak:
        return ShrinkResult(None, program.name, place)
    return ShrinkResult(shrunk, program.name, place)


def _write_case(folder: Path, shrunk: Shrunk, name: str, function: Any, watch: Watch) -> None:
    from reconcile.explaining.explain import explain as find_causes
    from reconcile.explaining.explain_page import explain_page
    from reconcile.running.candidate import call_candidate
    from reconcile.shrinking.case_folder import write_folder
    from reconcile.shrinking.shrink import same_causes

    small = shrunk.after.case
    with watch(Phase.EXPLAINING, 0) as meter:
        ledger = call_candidate(name, function, small.scenario, small.market)
        answer = find_causes(
            small.scenario, small.market, ledger, tolerances=small.tolerances, say=words_to(meter)
        )
    page = None
    if same_causes(shrunk, answer):
        page = explain_page(answer, small.scenario, small.market, name)
    write_folder(folder, shrunk, name, function, page)


class _NoBreak(Exception):
    """Leaves the block that would otherwise put the folder in place."""
