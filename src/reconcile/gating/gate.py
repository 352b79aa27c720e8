"""The gate: goldens, drift, throughput, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from reconcile.gating.drift import drifts, outcome_of
from reconcile.gating.model import Check, Outcome, Report, Settings
from reconcile.gating.throughput import throughput
from reconcile.golden.model import SOUND, Checked, Place, Standing

if TYPE_CHECKING:
    from reconcile.running.progress import Watch


def gate(
    place: Place, settings: Settings, base: str | None, watch: Watch, say: Callable[[str], None]
) -> Report:
    """Make the checks asked for. base: the revision that throughput is held against, None for the record.

    Raises InputError for settings that do not fit the project. What else goes wrong is an outcome.
    """
    report = Report(Outcome.UNKNOWN, settings.checks, engine=settings.candidate or "engine")
    if Check.GOLDENS in settings.checks:
        report = _goldens(report, place, watch)
    if Check.DRIFT in settings.checks:
        cases = drifts(place, settings, watch)
        report = replace(report, cases=cases, drift_outcome=outcome_of(cases))
    if Check.THROUGHPUT in settings.checks:
        report = replace(report, throughput=throughput(settings, base, say))
    return replace(report, outcome=altogether(outcomes(report).values()))


def outcomes(report: Report) -> dict[Check, Outcome]:
    """The outcome of each check asked for."""
    made = {
        Check.GOLDENS: report.goldens_outcome,
        Check.DRIFT: report.drift_outcome,
        Check.THROUGHPUT: report.throughput and report.throughput.outcome,
    }
    return {check: made[check] or Outcome.UNKNOWN for check in report.asked}


def altogether(found: Iterable[Outcome]) -> Outcome:
    """A failure of any is one; then what could not be told; then what stayed undecided."""
    seen = set(found)
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.INCONCLUSIVE):
        if outcome in seen:
            return outcome
    return Outcome.PASSED if seen else Outcome.UNKNOWN


def goldens_outcome(checked: tuple[Checked, ...]) -> Outcome:
    """FAILED where a golden does not hold; UNKNOWN where none was looked at; else PASSED."""
    if any(one.standing not in SOUND for one in checked):
        return Outcome.FAILED
    seen = [one for one in checked if one.standing is not Standing.NOT_RUN]
    return Outcome.PASSED if seen else Outcome.UNKNOWN


def _goldens(report: Report, place: Place, watch: Watch) -> Report:
    from reconcile.golden.check import check_goldens

    checked = check_goldens(place, watch=watch)
    return replace(report, goldens=checked, goldens_outcome=goldens_outcome(checked))
