"""`reconcile.gate` and `reconcile.drill`: what CI asks of a project, and what tieout asks of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from reconcile.api.result import Result, frame_of
from reconcile.running.progress import Phase, Watch, unwatched

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.drilling.model import Drill
    from reconcile.gating.model import Outcome, Report
    from reconcile.html.model import Page


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GateResult(Result):
    """What the checks of a gate found."""

    report: Report

    @property
    def verdict(self) -> Outcome:
        return self.report.outcome

    @property
    def exit_code(self) -> int:
        from reconcile.gating.model import Outcome

        codes = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INCONCLUSIVE: 4}
        return codes.get(self.report.outcome, 2)

    def text(self) -> str:
        from reconcile.gating.gate_page import gate_page

        return gate_page(self.report)

    def page(self) -> Page:
        from reconcile.html.checks import gate_page

        return gate_page(self.text(), self.to_json(), self.report)

    def to_json(self) -> str:
        from reconcile.gating.gate_reports import gate_json

        return gate_json(self.report)

    def to_markdown(self) -> str:
        from reconcile.gating.gate_reports import gate_summary

        return gate_summary(self.report)

    def to_frame(self) -> pd.DataFrame:
        """One row per case: case, golden, return, commission, slippage, fills, verdict."""
        from reconcile.gating.gate_page import CASE_HEAD, case_rows

        rows = [dict(zip(CASE_HEAD, row, strict=True)) for row in case_rows(self.report)]
        return frame_of(rows, CASE_HEAD)


def gate(
    *,
    base: str | None = None,
    checks: Sequence[str] | str | None = None,
    budget: float | None = None,
    watch: Watch = unwatched,
) -> GateResult:
    """Check goldens, drift and throughput of the project of the current folder.

    base: hold throughput against this revision's code, not the ratio on record. checks: only these. budget:
    seconds of measuring.

    >>> reconcile.gate(checks="goldens")
    <GateResult passed: 23 goldens hold (asked for goldens only)>

    Raises InputError: settings that do not fit the project.
    """
    from reconcile.gating.gate import gate as make_checks
    from reconcile.gating.settings import named_checks, read_gate_settings
    from reconcile.goldens.project_paths import find_project

    paths = find_project()
    settings = read_gate_settings(paths.root)
    if checks is not None:
        settings = replace(
            settings, checks=named_checks(checks if isinstance(checks, str) else ",".join(checks))
        )
    if budget is not None:
        settings = replace(settings, budget=budget)
    return GateResult(make_checks(paths, settings, base, watch))


class DrillVerdict(Enum):
    """Whether the aims of a drill are met."""

    MET = "met"
    MISSED = "missed"
    NOTHING_JUDGED = "nothing_judged"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DrillResult(Result):
    """How many planted faults were detected, located and explained."""

    command: ClassVar[str] = "drill"

    found: Drill

    @property
    def verdict(self) -> DrillVerdict:
        from reconcile.drilling.judging import aims

        if self.found.traceless or not self.found.findings:
            return DrillVerdict.NOTHING_JUDGED
        return DrillVerdict.MET if all(aim.met for aim in aims(self.found)) else DrillVerdict.MISSED

    @property
    def exit_code(self) -> int:
        return {DrillVerdict.MET: 0, DrillVerdict.MISSED: 1}.get(self.verdict, 2)

    def text(self) -> str:
        from reconcile.drilling.drill_page import drill_page

        return drill_page(self.found)

    def page(self) -> Page:
        from reconcile.html.checks import drill_page

        return drill_page(self.text(), self.to_json(), self.found)

    def to_json(self) -> str:
        from reconcile.drilling.drill_page import drill_json

        return drill_json(self.found)


def drill(
    *,
    sample: int | None = None,
    only: Sequence[str] = (),
    pairs: bool = False,
    grounds: bool = False,
    watch: Watch = unwatched,
) -> DrillResult:
    """Plant faults in copies of the engine, in its inputs and in its ledger, and score what is found of them.

    sample: only so many candidates, always the same ones. only: those with these faults. pairs: faults in
    pairs, too. grounds: also on other grounds, and runs without a fault.

    Raises InputError: a fault that is not in the catalogue.
    """
    from reconcile.drilling import candidates as planned
    from reconcile.drilling.drill import run

    chosen = [*planned.alone(), *(planned.pairs() if pairs else ())]
    if grounds:
        chosen += [*planned.elsewhere(), *planned.clean()]
    if only:
        chosen = planned.named(only, chosen)
    if sample is not None:
        chosen = planned.sampled(sample, chosen)
    with watch(Phase.DRILLING, len(chosen)) as progress:
        return DrillResult(run(chosen, progress=progress))
