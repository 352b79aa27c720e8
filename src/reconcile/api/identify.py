"""`reconcile.identify`: whose conventions a ledger follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from reconcile.api.diff import GivenTolerances, tolerances_of
from reconcile.api.given import GivenLedger, GivenScenario, PathLike, ledger_of, market_of, scenario_of
from reconcile.api.result import Result, frame_of
from reconcile.files.arguments import PATH, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched, words_to

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.html.model import Page
    from reconcile.identifying.model import Finding, Identification, Verdict
    from vocabulary.market import Market


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IdentifyResult(Result):
    """The conventions that a ledger shows, with the evidence for each, and the engines that have them."""

    command: ClassVar[str] = "identify"

    found: Identification
    scenario: str
    ledger: str

    @property
    def verdict(self) -> Verdict:
        return self.found.verdict

    @property
    def exit_code(self) -> int:
        from reconcile.identifying.model import Verdict

        return {Verdict.FITS: 0, Verdict.PARTLY: 1}.get(self.found.verdict, 2)

    @property
    def conventions(self) -> Sequence[Finding]:
        """One finding per convention that the scenario leaves open."""
        return self.found.findings

    def text(self) -> str:
        from reconcile.identifying.identify_page import identify_page

        return identify_page(self.found, self.scenario, self.ledger)

    def to_json(self) -> str:
        from reconcile.identifying.identify_page import identify_json

        return identify_json(self.found, self.scenario)

    def page(self) -> Page:
        from reconcile.html.conventions import identify_page

        return identify_page(self.text(), self.to_json(), self.found, self.ledger)

    def to_frame(self) -> pd.DataFrame:
        """One row per convention: name, question, status, shown, equal, stated, fits, contradicts."""
        columns = ("name", "question", "status", "shown", "equal", "stated", "fits", "contradicts")
        return frame_of(self.to_dict()["conventions"], columns)


@takes(mapping=PATH, watch=WATCH)
def identify(
    scenario: GivenScenario,
    ledger: GivenLedger,
    *,
    data: PathLike | Market | Any | None = None,
    mapping: PathLike | None = None,
    tolerance: GivenTolerances | None = None,
    watch: Watch = unwatched,
) -> IdentifyResult:
    """Read the conventions of the engine that made a ledger off the ledger, with the evidence for each.

    scenario: states the strategy, and a first guess of everything else.

    >>> reconcile.identify("stocks", "results/candidate")
    <IdentifyResult 9 of 14 conventions identified; with them, every cell comes out right ...>

    Raises InputError: bad input.
    """
    from reconcile.identifying.identify import identify as read_conventions
    from reconcile.running import run as running

    bounds = tolerances_of(tolerance)
    found = scenario_of(scenario)
    with watch(Phase.LOADING, 0):
        market = market_of(data, found)
    with watch(Phase.READING, 0):
        opened = ledger_of(ledger, "ledger", mapping)
    running.warm(found, market, watch)
    with watch(Phase.IDENTIFYING, 0) as meter:
        result = read_conventions(found, market, opened.ledger, tolerances=bounds, say=words_to(meter))
    return IdentifyResult(replace(result, notes=(*result.notes, *opened.notes)), found.name, opened.name)
