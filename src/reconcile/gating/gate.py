"""The gate: the checks of goldens, drift and throughput, and their combined outcome.

The drift check runs the project's engine on each case and holds its figures against the golden's, within
limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.gating.model import Case, Check, Drift, Limits, Outcome, Quantity, Report, Settings
from reconcile.gating.throughput import throughput
from reconcile.goldens.build import SCENARIO, figures_of, with_cash
from reconcile.goldens.check import absent_data, case_files
from reconcile.goldens.model import SOUND, CheckResult, CheckStatus, Figures, Golden, ProjectPaths
from reconcile.goldens.store import read_goldens
from reconcile.running.progress import Phase, words_to
from reconcile.text.escape import near_remedy
from vocabulary.errors import InputError, TieoutError

if TYPE_CHECKING:
    from reconcile.running.candidate import Candidate
    from reconcile.running.progress import Watch
    from vocabulary.ledger import Ledger
    from vocabulary.scenario import Scenario


def gate(
    paths: ProjectPaths,
    settings: Settings,
    base: str | None,
    watch: Watch,
) -> Report:
    """Make the checks that the settings ask for.

    base: the revision that throughput is held against, None for the record. Raises InputError for settings
    that do not fit the project. Any other error becomes an outcome.
    """
    report = Report(Outcome.UNKNOWN, settings.checks, engine=settings.candidate or "engine")
    if Check.GOLDENS in settings.checks:
        report = _goldens(report, paths, watch)
    if Check.DRIFT in settings.checks:
        cases = check_drift(paths, settings, watch)
        report = replace(report, cases=cases, drift_outcome=drift_outcome(cases))
    if Check.THROUGHPUT in settings.checks:
        with watch(Phase.MEASURING, 0) as meter:
            report = replace(report, throughput=throughput(settings, base, words_to(meter)))
    return replace(report, outcome=combined_outcome(outcomes(report).values()))


def outcomes(report: Report) -> dict[Check, Outcome]:
    """The outcome of each check that was asked for."""
    made = {
        Check.GOLDENS: report.goldens_outcome,
        Check.DRIFT: report.drift_outcome,
        Check.THROUGHPUT: report.throughput and report.throughput.outcome,
    }
    return {check: made[check] or Outcome.UNKNOWN for check in report.asked}


def combined_outcome(found: Iterable[Outcome]) -> Outcome:
    """FAILED if any check failed, else UNKNOWN if any is, else INCONCLUSIVE if any is, else PASSED."""
    seen = set(found)
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.INCONCLUSIVE):
        if outcome in seen:
            return outcome
    return Outcome.PASSED if seen else Outcome.UNKNOWN


def goldens_outcome(checked: tuple[CheckResult, ...]) -> Outcome:
    """FAILED if any golden does not hold, UNKNOWN if none was looked at, else PASSED."""
    if any(one.status not in SOUND for one in checked):
        return Outcome.FAILED
    seen = [one for one in checked if one.status is not CheckStatus.NOT_RUN]
    return Outcome.PASSED if seen else Outcome.UNKNOWN


def _goldens(report: Report, paths: ProjectPaths, watch: Watch) -> Report:
    from reconcile.goldens.check import check_goldens

    checked = check_goldens(paths, watch=watch)
    return replace(report, goldens=checked, goldens_outcome=goldens_outcome(checked))


def check_drift(paths: ProjectPaths, settings: Settings, watch: Watch) -> tuple[Case, ...]:
    """The drift of every golden and case, in order of their names.

    A case that cannot be run is UNKNOWN, with the reason. A case whose golden is not what was accepted is
    FAILED, because it cannot be compared. Raises InputError for limits of a case that does not exist, and for
    a candidate that cannot be imported.
    """
    on_file = read_goldens(paths)
    names = sorted({*on_file.goldens, *on_file.broken, *case_files(paths)})
    for name in settings.cases:
        if name not in names:
            known = ", ".join(names[:12]) or "none"
            where = "tool.reconcile.gate.cases"
            remedy = near_remedy([name], names)
            raise InputError(where, repr(name), f"a golden of the project: {known}", remedy)
    candidate = _candidate(settings)
    out: list[Case] = []
    with watch(Phase.DRIFT, len(names)) as meter:
        for name in names:
            if meter is not None:
                meter(len(out))
            if name in on_file.broken:
                out.append(Case(name, Outcome.FAILED, said="its golden is not what was accepted"))
            elif name not in on_file.goldens:
                out.append(Case(name, Outcome.UNKNOWN, said="there is no golden of it"))
            else:
                out.append(_case(paths, on_file.goldens[name], settings, candidate, watch))
    return tuple(out)


def drift_outcome(cases: Iterable[Case]) -> Outcome:
    """FAILED if any case failed, else PASSED if any passed, else UNKNOWN."""
    found = {case.outcome for case in cases}
    for outcome in (Outcome.FAILED, Outcome.PASSED):
        if outcome in found:
            return outcome
    return Outcome.UNKNOWN


def compare_figures(golden: Figures, found: Figures, limits: Limits) -> tuple[Drift, ...]:
    """The drift of return, commission, slippage and fills, and whether each is within its limit."""
    fills = tuple(None if side.fills is None else Decimal(side.fills) for side in (golden, found))
    return (
        _drift("return", Quantity.RETURN, golden.total_return, found.total_return, limits.total_return),
        _costs("commission", golden.commission, found.commission, limits.costs),
        _costs("slippage", golden.slippage, found.slippage, limits.costs),
        _drift("fills", Quantity.FILLS, fills[0], fills[1], Decimal(limits.fills)),
    )


def _costs(name: str, golden: Decimal | None, found: Decimal | None, limit: Decimal) -> Drift:
    """The drift of a cost, whose limit is a fraction of the golden's cost (0 if that is not known)."""
    return _drift(name, Quantity.COSTS, golden, found, limit * abs(golden or Decimal(0)))


def _drift(
    name: str, quantity: Quantity, golden: Decimal | None, found: Decimal | None, limit: Decimal
) -> Drift:
    apart = None if golden is None or found is None else found - golden
    within = golden is found if apart is None else abs(apart) <= limit
    return Drift(name, quantity, golden, found, apart, limit, within)


def _case(
    paths: ProjectPaths, golden: Golden, settings: Settings, candidate: Candidate | None, watch: Watch
) -> Case:
    name = golden.manifest.case
    try:
        scenario = _scenario(paths, golden)
        if candidate is None and golden.manifest.test is not None:
            return Case(
                name, Outcome.UNKNOWN, said=f"asserted by {golden.manifest.test}; no candidate is named"
            )
        if scenario is None:
            return Case(name, Outcome.UNKNOWN, said="its golden holds no scenario to run")
        absent = absent_data(scenario, paths)
        if absent is not None:
            return Case(name, Outcome.UNKNOWN, said=f"no {absent.name}, which is not part of the project")
        found = _figures(with_cash(_ledger(scenario, settings, candidate, watch), scenario))
    except TieoutError as error:
        return Case(name, Outcome.FAILED, said=str(error))
    drift = compare_figures(golden.manifest.figures, found, settings.cases.get(name, settings.limits))
    if all(one.golden is None for one in drift):
        return Case(name, Outcome.UNKNOWN, drift, "its golden has no return, costs or fills")
    outcome = Outcome.PASSED if all(one.within for one in drift) else Outcome.FAILED
    return Case(name, outcome, drift)


def _scenario(paths: ProjectPaths, golden: Golden) -> Scenario | None:
    """The scenario of the case's file, else that kept with the golden, else None."""
    from reconcile.scenario.files import scenario_from_file, scenario_from_text

    file = case_files(paths).get(golden.manifest.case)
    if file is not None:
        return scenario_from_file(file)
    text = golden.files.get(SCENARIO)
    origin = golden.manifest.inputs.origin
    if text is None:
        return None
    return scenario_from_text(
        text.decode(), origin=str(paths.root / (origin or ".")), name=golden.manifest.case
    )


def _candidate(settings: Settings) -> Candidate | None:
    from reconcile.running.hosting import current_host

    if settings.candidate is None:
        return None
    folders = [(settings.root / path).resolve() for path in settings.paths or ("src", ".")]
    host = current_host()
    host.look_in([str(folder) for folder in folders if folder.is_dir()])
    return host.candidate(settings.candidate)


def _ledger(scenario: Scenario, settings: Settings, candidate: Candidate | None, watch: Watch) -> Ledger:
    from reconcile.running import run as running

    market, _ = running.load(scenario, None, watch)
    if candidate is None:
        return running.run_engine(scenario, market, watch).ledger
    return running.run_candidate(str(settings.candidate), candidate, scenario, market).ledger


def _figures(ledger: Ledger) -> Figures:
    from reconcile.ledger.digest import chain, ledger_digest

    return figures_of(ledger, chain(ledger) or (ledger_digest(ledger),))
