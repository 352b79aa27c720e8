"""A ledger that a test has in hand, against its golden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.golden.causes import inputs_differ
from reconcile.golden.changes import change_of
from reconcile.golden.check import not_accepted
from reconcile.golden.figures import is_empty
from reconcile.golden.making import inputs_of, make_golden, storage_of
from reconcile.golden.model import Agreement, Checked, Golden, Inputs, Place, Standing
from reconcile.golden.running import earlier_ledger, parting
from reconcile.golden.store import drop_pending, put_pending, read_shelf
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What a test asserts: this ledger is the golden of `case`.

    scenario, market: what the ledger was made from, None where that is not known. test: the test's name;
    None where the case is one of the cases folder.
    """

    case: str
    ledger: Ledger
    scenario: Scenario | None
    market: Market | None
    agreement: Agreement
    test: str | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """checked: the standing. written: whether it is pending now. refused: why it is not, "" else."""

    checked: Checked
    written: bool = False
    refused: str = ""


def weigh(place: Place, claim: Claim, *, update: bool) -> Weighed:
    """Hold a ledger against its golden; what is missing, or with `update` what changed, becomes pending,
    once what must vouch for it does.

    Raises InputError for tables that are no ledger, OutputError when nothing can be written.
    """
    from reconcile.ledger.digest import ledger_digest
    from reconcile.ledger.shape import check_ledger

    check_ledger(claim.ledger)
    shelf = read_shelf(place, [claim.case])
    if claim.case in shelf.broken:
        return Weighed(Checked(claim.case, Standing.TAMPERED, faults=shelf.broken[claim.case]))
    golden = shelf.goldens.get(claim.case)
    recorded = None if golden is None else golden.facts.figures
    if is_empty(claim.ledger):
        said = "a ledger without one fill pins nothing: it is refused"
        return Weighed(Checked(claim.case, Standing.EMPTY, recorded, said=said))
    fresh = _fresh(place, claim)
    found = fresh.facts.figures

    def earlier(before: Golden) -> Ledger | None:
        return earlier_ledger(before, claim.scenario, claim.market)

    if golden is None:
        change = change_of(None, fresh, claim.ledger, earlier)
        checked = Checked(claim.case, Standing.MISSING, None, found, change)
        return _offer(place, claim, fresh, checked)
    checked = Checked(claim.case, Standing.HOLDS, recorded, found)
    if golden.facts.figures.ledger == ledger_digest(claim.ledger):
        if not inputs_differ(golden, fresh):
            if claim.case in shelf.pending:
                drop_pending(place, [claim.case])
            faults = not_accepted(place, golden)
            return Weighed(replace(checked, standing=Standing.TAMPERED, faults=faults) if faults else checked)
        checked = replace(checked, standing=Standing.STALE)
    else:
        checked = replace(checked, standing=Standing.CHANGED)
    checked = replace(checked, change=change_of(golden, fresh, claim.ledger, earlier))
    return _offer(place, claim, fresh, checked) if update else Weighed(checked)


def _fresh(place: Place, claim: Claim) -> Golden:
    scenario = claim.scenario
    return make_golden(
        claim.case,
        claim.ledger,
        _inputs(place, claim),
        scenario=scenario,
        storage=None if scenario is None else storage_of(scenario, place),
        agreement=claim.agreement,
        test=claim.test,
    )


def _inputs(place: Place, claim: Claim) -> Inputs:
    """Digests of what the test has in hand, else those that the ledger names itself."""
    inputs, manifest = inputs_of(claim.scenario, claim.market, place), claim.ledger.manifest
    return replace(
        inputs,
        scenario=inputs.scenario or manifest.scenario,
        market=inputs.market or manifest.market,
        semantics=inputs.semantics if claim.agreement is Agreement.REFERENCE else manifest.semantics,
    )


def _offer(place: Place, claim: Claim, fresh: Golden, checked: Checked) -> Weighed:
    """Leave it pending, if what must vouch for it does."""
    doubt = _doubt(claim)
    if doubt:
        return Weighed(checked, refused=doubt)
    assert checked.change is not None
    put_pending(place, fresh, checked.change)
    return Weighed(checked, written=True)


def _doubt(claim: Claim) -> str:
    """Why the ledger may not become pending, "" where it may."""
    if claim.agreement is Agreement.ITSELF:
        return ""
    if claim.scenario is None or claim.market is None:
        lacking = "scenario" if claim.scenario is None else "market"
        return (
            f"the test shows no {lacking} that the reference could run: write"
            " `== ledger_snapshot(scenario, market)`, or let the fixture golden_agreement return 'itself'"
        )
    return disagreement(claim)


def disagreement(claim: Claim) -> str:
    """How the ledger parts from the reference's, "" where it does not."""
    from reconcile.comparing.compare import compare
    from reconcile.ledger.digest import chain
    from reconcile.matching.model import Verdict
    from reconcile.running import run as running

    assert claim.scenario is not None and claim.market is not None
    try:
        ledger = running.run_reference(claim.scenario, claim.market).ledger
    except TieoutError as error:
        return f"the reference cannot run this: {error}"
    if chain(ledger) == chain(claim.ledger):
        return ""
    found = compare(ledger, claim.ledger, scenario=claim.scenario, market=claim.market)
    if found.verdict in (Verdict.MATCHED, Verdict.MATCHED_AS_FAR_AS_COMPARED):
        return ""
    return f"engine and reference disagree: {parting(found, ledger)}"
