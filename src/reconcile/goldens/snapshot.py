"""The fixture `ledger_snapshot`: the object that a test compares its ledger with, and what `==` checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from reconcile.goldens.build import identify_inputs, is_empty, make_golden, storage_for
from reconcile.goldens.changes import describe_change, holds_within, inputs_differ
from reconcile.goldens.check import first_difference, rerun_golden
from reconcile.goldens.journal import journal_faults, read_journal
from reconcile.goldens.model import Agreement, CheckResult, CheckStatus, Golden, Inputs, ProjectPaths
from reconcile.goldens.store import drop_pending, put_pending, read_goldens
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation, Tolerance

_Noun = TypeVar("_Noun", Scenario, Market)
GivenTolerances: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"
"""A TOML file of bounds, or what it holds as a dictionary."""
_INTERMEDIATE = ("reconcile.goldens.", "syrupy.")
"""Modules whose frames lie between a test and the comparison."""


@dataclass(frozen=True, slots=True, eq=False)
class Assertion:
    """The assertion of a test that a ledger is the golden of `case`.

    scenario, market: what the ledger was made from, None when that is not known. test: the test's name, None
    for a case of the cases folder. tolerances: bounds within which it has to agree with the reference, and
    within which it is the golden's ledger.
    """

    case: str
    ledger: Ledger
    scenario: Scenario | None
    market: Market | None
    agreement: Agreement
    test: str | None
    tolerances: tuple[Tolerance, ...] = ()


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """The result of an assertion.

    written: whether the ledger is pending now. refused: why it was not made pending, "" when nothing stood
    against it.
    """

    checked: CheckResult
    written: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotContext:
    """The test that an assertion is made in.

    case: the name that its golden has by default. case_names: the cases of the cases folder. on_result:
    called with each result. tolerance: the bounds of the fixture golden_tolerance.
    """

    paths: ProjectPaths
    case: str
    test: str
    agreement: Agreement
    update: bool
    case_names: frozenset[str]
    on_result: Callable[[AssertionResult], None]
    tolerance: GivenTolerances | None = None


class LedgerSnapshot:
    """The golden of a ledger, for `==`.

    Call it with the scenario and the market that the ledger was made from; without a call, it takes those
    that the test has as fixtures, variables or globals. case: a name other than the test's, or one of the
    cases folder. agreement: "reference" or "itself", instead of the fixture golden_agreement. tolerance: a
    file of bounds, or what it holds as a dictionary, instead of the fixture golden_tolerance.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, context: SnapshotContext) -> None:
        self._context = context
        self._given: tuple[Scenario | None, Market | None] = (None, None)
        self._named: str | None = None
        self._parent = self
        self._count = 0
        self.lines: list[str] = []

    def __call__(
        self,
        scenario: Scenario | None = None,
        market: Market | None = None,
        *,
        case: str | None = None,
        agreement: str | None = None,
        tolerance: GivenTolerances | None = None,
    ) -> LedgerSnapshot:
        made = LedgerSnapshot(self._context)
        if tolerance is not None:
            made._context = replace(made._context, tolerance=tolerance)
        if agreement is not None:
            made._context = replace(made._context, agreement=Agreement(agreement))
        made._given, made._named, made._parent = (scenario, market), case, self._parent
        return made

    def __repr__(self) -> str:
        return f"golden {self._named or self._context.case}"

    def __eq__(self, other: object) -> bool:
        name = self._named or self._numbered()
        self.lines = []
        if not isinstance(other, Ledger):
            self.lines = [f"golden {name}: a {type(other).__qualname__}, where a Ledger is compared"]
            return False
        scenario, market = self._subject(other, sys._getframe(1))
        test = None if name in self._context.case_names else self._context.test
        try:
            bounds = bounds_of(self._context.tolerance)
            assertion = Assertion(name, other, scenario, market, self._context.agreement, test, bounds)
            result = check_assertion(self._context.paths, assertion, update=self._context.update)
        except TieoutError as error:
            self.lines = [f"golden {name}: {error}"]
            return False
        self._context.on_result(result)
        self.lines = _failure_lines(result, self._context.update)
        return result.checked.status is CheckStatus.HOLDS

    def _numbered(self) -> str:
        """The test's name, with a number from its second ledger on."""
        self._parent._count += 1
        count = self._parent._count
        return self._context.case if count == 1 else f"{self._context.case}.{count}"

    def _subject(self, ledger: Ledger, frame: FrameType | None) -> tuple[Scenario | None, Market | None]:
        scenario, market = self._given
        while frame is not None and frame.f_globals.get("__name__", "").startswith(_INTERMEDIATE):
            frame = frame.f_back
        manifest = ledger.manifest
        return (
            scenario or _from_scope(Scenario, frame, manifest.scenario),
            market or _from_scope(Market, frame, manifest.market),
        )


def _from_scope(kind: type[_Noun], frame: FrameType | None, digest: str | None) -> _Noun | None:
    """The scenario or market among a test's variables, fixtures and globals.

    digest: the one that the ledger's manifest names, which decides between several. None when that leaves
    none.
    """
    if frame is None:
        return None
    for scope in (frame.f_locals, frame.f_globals):
        found = {each.digest: each for each in _values(scope) if isinstance(each, kind)}
        if digest in found:
            return found[digest]
        if len(found) == 1:
            return next(iter(found.values()))
    return None


def _values(scope: dict[str, Any]) -> Iterator[Any]:
    yield from list(scope.values())


def _failure_lines(result: AssertionResult, update: bool) -> list[str]:
    """Why the assertion fails and what to do about it; empty when it holds."""
    from reconcile.goldens.golden_page import change_lines, fault_lines

    checked = result.checked
    if checked.status is CheckStatus.HOLDS:
        return []
    lines = [f"golden {checked.case}: {checked.status.value}"]
    lines += [checked.said] if checked.said else []
    lines += fault_lines(checked.faults)
    lines += change_lines(checked.change) if checked.change is not None else []
    if result.refused:
        lines += f"not written: {result.refused}".split("\n")
    elif result.written:
        lines.append("pending: `reconcile golden review` shows it, `reconcile golden accept` takes it")
    elif checked.change is not None and not update:
        lines.append("if it is meant: pytest --snapshot-update, then reconcile golden review")
    return lines


def bounds_of(given: GivenTolerances | None) -> tuple[Tolerance, ...]:
    """The bounds of a test. Raises InputError for bounds that are none."""
    from reconcile.comparing.tolerances import read_tolerances, tolerances_from

    if given is None:
        return ()
    if isinstance(given, Mapping):
        return tolerances_from(given, origin="golden_tolerance")
    return read_tolerances(os.fspath(given))


def check_assertion(paths: ProjectPaths, assertion: Assertion, *, update: bool) -> AssertionResult:
    """Compare a ledger with its golden.

    A ledger without a golden, or with `update` one that differs from its golden, becomes pending, provided
    that it agrees with the reference (or that the test requires no such agreement). Raises InputError for
    tables that are no ledger, OutputError when nothing can be written.
    """
    from reconcile.ledger.columns import check_ledger

    check_ledger(assertion.ledger)
    case = assertion.case
    on_file = read_goldens(paths, [case])
    if case in on_file.broken:
        return AssertionResult(CheckResult(case, CheckStatus.TAMPERED, faults=on_file.broken[case]))
    golden = on_file.goldens.get(case)
    recorded = None if golden is None else golden.manifest.figures
    if is_empty(assertion.ledger):
        said = "a ledger without one fill pins nothing: it is refused"
        return AssertionResult(CheckResult(case, CheckStatus.EMPTY, recorded, said=said))
    fresh = _golden_of(paths, assertion)
    found = fresh.manifest.figures

    def rerun(before: Golden) -> Ledger | None:
        return rerun_golden(before, assertion.scenario, assertion.market)

    if golden is None:
        change = describe_change(None, fresh, assertion.ledger, rerun)
        checked = CheckResult(case, CheckStatus.MISSING, None, found, change)
        return _make_pending(paths, assertion, fresh, checked)
    same_ledger = golden.manifest.figures.ledger == found.ledger
    if not same_ledger and not inputs_differ(golden, fresh):
        same_ledger = holds_within(golden, assertion.ledger)
    if same_ledger and not inputs_differ(golden, fresh):
        if case in on_file.pending or case in on_file.broken_pending:
            drop_pending(paths, [case])
        faults = journal_faults(paths, read_journal(paths), golden)
        status = CheckStatus.TAMPERED if faults else CheckStatus.HOLDS
        return AssertionResult(CheckResult(case, status, recorded, found, faults=faults))
    status = CheckStatus.STALE if same_ledger else CheckStatus.CHANGED
    change = describe_change(golden, fresh, assertion.ledger, rerun)
    checked = CheckResult(case, status, recorded, found, change)
    return _make_pending(paths, assertion, fresh, checked) if update else AssertionResult(checked)


def _golden_of(paths: ProjectPaths, assertion: Assertion) -> Golden:
    scenario = assertion.scenario
    return make_golden(
        assertion.case,
        assertion.ledger,
        _inputs(paths, assertion),
        scenario=scenario,
        storage=None if scenario is None else storage_for(scenario, paths),
        agreement=assertion.agreement,
        test=assertion.test,
        tolerances=assertion.tolerances,
    )


def _inputs(paths: ProjectPaths, assertion: Assertion) -> Inputs:
    """The digests of the test's scenario and market, else those in the ledger's manifest."""
    inputs = identify_inputs(assertion.scenario, assertion.market, paths)
    manifest = assertion.ledger.manifest
    by_reference = assertion.agreement is Agreement.REFERENCE
    return replace(
        inputs,
        scenario=inputs.scenario or manifest.scenario,
        market=inputs.market or manifest.market,
        semantics=inputs.semantics if by_reference else manifest.semantics,
    )


def _make_pending(
    paths: ProjectPaths, assertion: Assertion, fresh: Golden, checked: CheckResult
) -> AssertionResult:
    """Make the ledger pending, unless a required agreement is missing."""
    refused = _refusal(assertion, fresh)
    if refused:
        return AssertionResult(checked, refused=refused)
    assert checked.change is not None
    put_pending(paths, fresh, checked.change)
    return AssertionResult(checked, written=True)


def _refusal(assertion: Assertion, fresh: Golden) -> str:
    """Why the ledger may not become pending, "" when it may."""
    scenario, market = assertion.scenario, assertion.market
    if assertion.agreement is Agreement.ITSELF:
        return ""
    if scenario is None or market is None:
        lacking = "scenario" if scenario is None else "market"
        return (
            f"the test shows no {lacking} that the reference could run: write"
            " `== ledger_snapshot(scenario, market)`, or let the fixture golden_agreement return 'itself'"
        )
    return _disagreement(assertion, fresh.manifest.figures.ledger, scenario, market)


def _disagreement(assertion: Assertion, digest: str, scenario: Scenario, market: Market) -> str:
    """How a ledger, whose digest is given, differs from the reference's, "" when it does not."""
    from reconcile.comparing.compare import compare
    from reconcile.ledger.digest import ledger_digest
    from reconcile.matching.model import Verdict
    from reconcile.running import run as running

    try:
        reference = running.run_reference(scenario, market).ledger
    except TieoutError as error:
        return f"the reference cannot run this: {error}"
    if ledger_digest(reference) == digest:
        return ""
    bounds = assertion.tolerances or None
    found = compare(reference, assertion.ledger, scenario=scenario, market=market, tolerances=bounds)
    if found.verdict is not Verdict.BREAKS:
        same = (Verdict.MATCHED, Verdict.MATCHED_AS_FAR_AS_COMPARED, Verdict.NOTHING_HAPPENED)
        return "" if found.verdict in same else f"engine and reference: {found.verdict.value}"
    disagree = f"engine and reference disagree: {first_difference(found, reference)}"
    return "\n".join([disagree, *_ways_out(found)])


def _ways_out(found: Reconciliation) -> list[str]:
    """What there is to do about a disagreement; bounds are for columns of doubles alone."""
    held = {
        (name, key): column
        for name, table in found.candidate.tables.items()
        for key, column in table.columns.items()
    }
    broken = dict.fromkeys((one.table, one.field) for one in found.breaks)
    doubles = [".".join(key) for key in broken if key in held and held[key].values.dtype.kind == "f"]
    lines = ["  `reconcile explain` names the cause: mend the engine, or the scenario"]
    if doubles:
        bound = '{"absolute": "...", "reason": "..."}'
        lines.append("  an engine of doubles may be bounded, with a reason that is kept with the golden:")
        lines.append(f'    == ledger_snapshot(scenario, market, tolerance={{"{doubles[0]}": {bound}}})')
    lines.append("  to pin it to itself alone, let the fixture golden_agreement return 'itself'")
    return lines
