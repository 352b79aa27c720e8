"""The drift check: the project's engine over each case, its figures against the golden's, within limits."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.gating.model import Case, Drift, Limits, Outcome, Quantity, Settings
from reconcile.golden.check import absent_data, case_files
from reconcile.golden.figures import figures_of
from reconcile.golden.making import SCENARIO
from reconcile.golden.model import Figures, Golden, Place
from reconcile.golden.store import read_shelf
from vocabulary.errors import InputError, TieoutError

if TYPE_CHECKING:
    from reconcile.running.candidate import Candidate
    from reconcile.running.progress import Watch
    from vocabulary.ledger import Ledger
    from vocabulary.scenario import Scenario


def drifts(place: Place, settings: Settings, watch: Watch) -> tuple[Case, ...]:
    """All goldens and cases in order of their names. One that cannot be run says why and is UNKNOWN; one
    whose files are not those that were accepted is FAILED, since nothing can be held against it.

    Raises InputError for a limit of a case that is not there, and a candidate that cannot be imported.
    """
    shelf = read_shelf(place)
    names = sorted({*shelf.goldens, *shelf.broken, *case_files(place)})
    for name in settings.cases:
        if name not in names:
            known = ", ".join(names[:12]) or "none"
            where = "tool.reconcile.gate.cases"
            raise InputError(where, repr(name), f"a golden of the project: {known}", "Mend the name.")
    candidate = _candidate(settings)
    out = []
    for name in names:
        if name in shelf.broken:
            out.append(Case(name, Outcome.FAILED, said="its golden is not what was accepted"))
        elif name not in shelf.goldens:
            out.append(Case(name, Outcome.UNKNOWN, said="there is no golden of it"))
        else:
            out.append(_case(place, shelf.goldens[name], settings, candidate, watch))
    return tuple(out)


def outcome_of(cases: Iterable[Case]) -> Outcome:
    """FAILED where one did; PASSED where at least one passed; nothing compared is never a pass."""
    found = {case.outcome for case in cases}
    for outcome in (Outcome.FAILED, Outcome.PASSED):
        if outcome in found:
            return outcome
    return Outcome.UNKNOWN


def compared(golden: Figures, found: Figures, limits: Limits) -> tuple[Drift, ...]:
    """Return, commission, slippage and fills of two ledgers, each within its limit or not."""
    fills = tuple(None if side.fills is None else Decimal(side.fills) for side in (golden, found))
    return (
        _drift("return", Quantity.RETURN, golden.total_return, found.total_return, limits.total_return),
        _costs("commission", golden.commission, found.commission, limits.costs),
        _costs("slippage", golden.slippage, found.slippage, limits.costs),
        _drift("fills", Quantity.FILLS, fills[0], fills[1], Decimal(limits.fills)),
    )


def _costs(name: str, golden: Decimal | None, found: Decimal | None, limit: Decimal) -> Drift:
    """The limit is a fraction of the golden's: of nothing, nothing."""
    return _drift(name, Quantity.COSTS, golden, found, limit * abs(golden or Decimal(0)))


def _drift(
    name: str, quantity: Quantity, golden: Decimal | None, found: Decimal | None, limit: Decimal
) -> Drift:
    apart = None if golden is None or found is None else found - golden
    within = golden is found if apart is None else abs(apart) <= limit
    return Drift(name, quantity, golden, found, apart, limit, within)


def _case(
    place: Place, golden: Golden, settings: Settings, candidate: Candidate | None, watch: Watch
) -> Case:
    name = golden.facts.case
    try:
        scenario = _scenario(place, golden)
        if candidate is None and golden.facts.test is not None:
            return Case(name, Outcome.UNKNOWN, said=f"asserted by {golden.facts.test}; no candidate is named")
        if scenario is None:
            return Case(name, Outcome.UNKNOWN, said="its golden holds no scenario to run")
        absent = absent_data(scenario, place)
        if absent is not None:
            return Case(name, Outcome.UNKNOWN, said=f"no {absent.name}, which is not part of the project")
        found = _figures(_ledger(scenario, settings, candidate, watch))
    except TieoutError as error:
        return Case(name, Outcome.FAILED, said=str(error))
    drift = compared(golden.facts.figures, found, settings.cases.get(name, settings.limits))
    if all(one.golden is None for one in drift):
        return Case(name, Outcome.UNKNOWN, drift, "its golden tells of no return, costs or fills")
    outcome = Outcome.PASSED if all(one.within for one in drift) else Outcome.FAILED
    return Case(name, outcome, drift)


def _scenario(place: Place, golden: Golden) -> Scenario | None:
    """The case's own file, else the scenario kept with the golden, None where there is neither."""
    from reconcile.scenario.files import scenario_from_file, scenario_from_text

    file = case_files(place).get(golden.facts.case)
    if file is not None:
        return scenario_from_file(file)
    text = golden.files.get(SCENARIO)
    origin = golden.facts.inputs.origin
    if text is None:
        return None
    return scenario_from_text(text.decode(), origin=str(place.root / (origin or ".")), name=golden.facts.case)


def _candidate(settings: Settings) -> Candidate | None:
    from reconcile.running.candidate import load_candidate

    if settings.candidate is None:
        return None
    # Last, so that a file of the project's shadows nothing.
    for path in settings.paths or ("src", "."):
        folder = str((settings.root / path).resolve())
        if Path(folder).is_dir() and folder not in sys.path:
            sys.path.append(folder)
    return load_candidate(settings.candidate)


def _ledger(scenario: Scenario, settings: Settings, candidate: Candidate | None, watch: Watch) -> Ledger:
    from reconcile.running import run as running

    market, _ = running.load(scenario, None, watch)
    if candidate is None:
        return running.run_engine(scenario, market, watch).ledger
    return running.run_candidate(str(settings.candidate), candidate, scenario, market).ledger


def _figures(ledger: Ledger) -> Figures:
    from reconcile.ledger.digest import chain, ledger_digest

    return figures_of(ledger, chain(ledger) or (ledger_digest(ledger),))
