"""`reconcile.gate` and `reconcile.drill`: what CI asks of a project, and what tieout asks of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Literal, overload

from reconcile.api.diff import several
from reconcile.api.result import Result, frame_of
from reconcile.files.arguments import COUNT, FLAG, NAMES, SECONDS, TEXT, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.drilling.model import Drill
    from reconcile.gating.model import Outcome, Record, Report, Settings
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


class RecordVerdict(Enum):
    """What became of a measurement for the record: it is either written, or an error."""

    WRITTEN = "written"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecordResult(Result):
    """The ratio that `gate(record=True)` has measured and put on record. file: relative to the project."""

    command: ClassVar[str] = "gate"

    record: Record
    file: str

    @property
    def verdict(self) -> RecordVerdict:
        return RecordVerdict.WRITTEN

    @property
    def exit_code(self) -> int:
        return 0

    def text(self) -> str:
        one = self.record
        return (
            f"on record: the engine is {one.ratio:,.1f} times as fast as the reference"
            f" ({one.low:,.1f} to {one.high:,.1f}, {one.pairs} pairs); {self.file}"
        )

    def to_json(self) -> str:
        from reconcile.gating.gate_reports import record_json

        return record_json(self.record, self.file)


@overload
def gate(
    *,
    base: str | None = None,
    checks: Sequence[str] | str | None = None,
    budget: float | None = None,
    record: Literal[False] = False,
    watch: Watch = unwatched,
) -> GateResult: ...
@overload
def gate(*, budget: float | None = None, record: Literal[True], watch: Watch = unwatched) -> RecordResult: ...
@takes(base=TEXT, checks=NAMES, budget=SECONDS, record=FLAG, watch=WATCH)
def gate(
    *,
    base: str | None = None,
    checks: Sequence[str] | str | None = None,
    budget: float | None = None,
    record: bool = False,
    watch: Watch = unwatched,
) -> GateResult | RecordResult:
    """Check goldens, drift and throughput of the project of the current folder.

    base: hold throughput against this revision's code, not the ratio on record. checks: only these. budget:
    seconds of measuring. record: make no check; measure the ratio reference : engine of this machine and
    write it to the record.

    >>> reconcile.gate(checks="goldens")
    <GateResult passed: goldens (23); not checked: drift, throughput>

    Raises InputError: settings that do not fit the project; a base or checks beside `record`; too small a
    budget, or an engine whose ledger is wrong, for a record. OutputError: a record that cannot be written.
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
    if not record:
        return GateResult(make_checks(paths, settings, base, watch))
    if base is not None or checks is not None:
        found = "base" if base is not None else "checks"
        raise InputError(
            "record",
            f"{found} beside it",
            "neither base nor checks: the code is measured as it stands",
            f"Leave {found} out.",
        )
    return _put_on_record(settings, watch)


def _put_on_record(settings: Settings, watch: Watch) -> RecordResult:
    from reconcile.gating.record import write_record
    from reconcile.gating.throughput import measure_record
    from reconcile.running.progress import words_to

    with watch(Phase.MEASURING, 0) as meter:
        found = measure_record(settings, words_to(meter))
    write_record(settings.root / settings.record, found)
    return RecordResult(found, settings.record.as_posix())


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


@takes(sample=COUNT, only=NAMES, pairs=FLAG, grounds=FLAG, watch=WATCH)
def drill(
    *,
    sample: int | None = None,
    only: Sequence[str] | str = (),
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
        chosen = planned.named(several(only), chosen)
    if sample is not None:
        chosen = planned.sampled(sample, chosen)
    with watch(Phase.DRILLING, len(chosen)) as progress:
        return DrillResult(run(chosen, progress=progress))
