"""Checking goldens: both programs run each case of the project again, and the result must equal its golden.

A golden that a test of the project asserts (with the plugin's `ledger_snapshot`) is only checked for
unchanged files, because the engine belongs to the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.comparing.idle import idle_market
from reconcile.goldens.build import SCENARIO, identify_inputs, is_empty, make_golden, storage_for
from reconcile.goldens.changes import describe_change, find_edits, first_divergence, inputs_differ
from reconcile.goldens.golden_page import count
from reconcile.goldens.journal import journal_faults, read_journal
from reconcile.goldens.model import (
    REVIEWABLE,
    SOUND,
    CheckResult,
    CheckStatus,
    Golden,
    GoldenSet,
    ProjectPaths,
)
from reconcile.goldens.store import drop_pending, put_pending, read_goldens
from reconcile.running.progress import Phase, Watch, unwatched
from reconcile.text.escape import near_remedy
from vocabulary.errors import InputError, TieoutError

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True)
class _CheckedCase:
    """The result of checking a case, and the golden that would replace the present one."""

    checked: CheckResult
    fresh: Golden | None = None


def check_goldens(
    paths: ProjectPaths, cases: Iterable[str] | None = None, *, keep: bool = False, watch: Watch | None = None
) -> tuple[CheckResult, ...]:
    """Check all goldens of a project, or some cases, in order of their names.

    keep: leave each change pending for review, and drop the pending golden of a case that holds again. Raises
    InputError for an unknown case, OutputError when `keep` is set and the folder cannot be written. Any other
    error in a case becomes the status of that case.
    """
    on_file = read_goldens(paths)
    known = case_files(paths)
    every = sorted({*known, *on_file.goldens, *on_file.broken})
    chosen = every if cases is None else list(dict.fromkeys(cases))
    for case in chosen:
        if case not in every:
            found = ", ".join(every[:12]) or "none"
            remedy = near_remedy([case], every)
            raise InputError("CASE", repr(case), f"a case of {paths.blessed}: {found}", remedy)
    out: list[CheckResult] = []
    journal = read_journal(paths)
    watch = watch or unwatched
    with watch(Phase.GOLDENS, len(chosen)) as meter:
        for case in chosen:
            if meter is not None:
                meter(len(out))
            case_check = _check_case(paths, on_file, case, known.get(case), watch)
            case_check = _require_journal_entry(paths, on_file, case_check, journal)
            if keep:
                _keep(paths, case_check, waiting=case in on_file.pending or case in on_file.broken_pending)
            out.append(case_check.checked)
    return tuple(out)


def _require_journal_entry(
    paths: ProjectPaths, on_file: GoldenSet, case_check: _CheckedCase, journal: str
) -> _CheckedCase:
    """A golden that holds is TAMPERED when no entry of the journal accepted it, or the journal was edited."""
    golden = on_file.goldens.get(case_check.checked.case)
    if golden is None or case_check.checked.status not in SOUND:
        return case_check
    faults = journal_faults(paths, journal, golden)
    if not faults:
        return case_check
    return _CheckedCase(replace(case_check.checked, status=CheckStatus.TAMPERED, faults=faults, said=""))


def case_files(paths: ProjectPaths) -> dict[str, Path]:
    """The scenario file of each case of the project, by name."""
    found = sorted(paths.cases.glob("*.toml")) if paths.cases.is_dir() else []
    return {path.stem: path for path in found}


def _keep(paths: ProjectPaths, case_check: _CheckedCase, *, waiting: bool) -> None:
    checked = case_check.checked
    if checked.status in REVIEWABLE and case_check.fresh is not None and checked.change is not None:
        put_pending(paths, case_check.fresh, checked.change)
    elif checked.status is CheckStatus.HOLDS and waiting:
        drop_pending(paths, [checked.case])


def _check_case(
    paths: ProjectPaths, on_file: GoldenSet, case: str, file: Path | None, watch: Watch
) -> _CheckedCase:
    golden = on_file.goldens.get(case)
    if case in on_file.broken:
        return _CheckedCase(CheckResult(case, CheckStatus.TAMPERED, faults=on_file.broken[case]))
    try:
        if file is None:
            assert golden is not None
            return _CheckedCase(_asserted_elsewhere(paths, golden))
        return _run(paths, case, file, golden, watch)
    except TieoutError as error:
        figures = None if golden is None else golden.manifest.figures
        return _CheckedCase(CheckResult(case, CheckStatus.FAILED, figures, said=str(error)))


def _asserted_elsewhere(paths: ProjectPaths, golden: Golden) -> CheckResult:
    """Check a golden that has no case file: a test asserts it, or nothing does."""
    manifest = golden.manifest
    if manifest.figures.fills == 0:
        return CheckResult(
            manifest.case, CheckStatus.EMPTY, manifest.figures, said="not one fill: it pins nothing"
        )
    if manifest.test is None:
        said = f"no {manifest.case}.toml in {paths.cases.name}, and no test asserts it"
        return CheckResult(manifest.case, CheckStatus.UNUSED, manifest.figures, said=said)
    if not (paths.root / manifest.test.partition("::")[0]).is_file():
        return CheckResult(
            manifest.case, CheckStatus.UNUSED, manifest.figures, said=f"no test {manifest.test}"
        )
    return CheckResult(
        manifest.case, CheckStatus.SEALED, manifest.figures, said=f"asserted by {manifest.test}"
    )


def _run(paths: ProjectPaths, case: str, file: Path, golden: Golden | None, watch: Watch) -> _CheckedCase:
    from reconcile.ledger.digest import ledger_digest
    from reconcile.running import run as running
    from reconcile.scenario.files import scenario_from_file

    scenario = scenario_from_file(file)
    absent = absent_data(scenario, paths)
    if absent is not None:
        if golden is not None and golden.manifest.inputs.scenario == scenario.digest:
            said = f"no {absent.name}, which is not part of the project"
            return _CheckedCase(CheckResult(case, CheckStatus.NOT_RUN, golden.manifest.figures, said=said))
        raise InputError(str(absent), "no such file", "the market of this case", "Put the file there.")
    market, _ = running.load(scenario, None, watch)
    reference = running.run_reference(scenario, market, watch)
    engine = running.run_engine(scenario, market, watch)
    inputs, storage = identify_inputs(scenario, market, paths), storage_for(scenario, paths)
    fresh = make_golden(case, reference.ledger, inputs, scenario=scenario, storage=storage)
    figures = None if golden is None else golden.manifest.figures
    if ledger_digest(engine.ledger) != fresh.manifest.figures.ledger:
        found = running.judge(scenario, market, reference, engine)
        said = f"engine and reference disagree: {first_difference(found, reference.ledger)}"
        return _CheckedCase(CheckResult(case, CheckStatus.DISAGREE, figures, said=said))
    if is_empty(reference.ledger):
        said = " ".join(("not one fill: nothing to pin.", *idle_market(scenario, market))).removesuffix(".")
        return _CheckedCase(CheckResult(case, CheckStatus.EMPTY, figures, fresh.manifest.figures, said=said))

    def rerun(before: Golden) -> Ledger | None:
        return rerun_golden(before, scenario, market)

    return _CheckedCase(compare_with_golden(golden, fresh, reference.ledger, rerun), fresh)


def compare_with_golden(
    golden: Golden | None, fresh: Golden, ledger: Ledger, rerun: Callable[[Golden], Ledger | None]
) -> CheckResult:
    """Compare a ledger on which both programs agree with its golden."""
    case, figures = fresh.manifest.case, fresh.manifest.figures
    if golden is None:
        change = describe_change(None, fresh, ledger, rerun)
        return CheckResult(case, CheckStatus.MISSING, None, figures, change)
    checked = CheckResult(case, CheckStatus.HOLDS, golden.manifest.figures, figures)
    if golden.files == fresh.files:
        return checked
    if golden.manifest.figures.ledger != figures.ledger:
        return replace(
            checked, status=CheckStatus.CHANGED, change=describe_change(golden, fresh, ledger, rerun)
        )
    # The digests are equal and the files differ: either other inputs gave the same ledger, or the files were
    # edited and sealed again.
    same_kind = golden.manifest.storage is fresh.manifest.storage and not inputs_differ(golden, fresh)
    faults = find_edits(golden, fresh) if same_kind else ()
    if faults:
        return replace(checked, status=CheckStatus.TAMPERED, faults=faults)
    return replace(checked, status=CheckStatus.STALE, change=describe_change(golden, fresh, ledger, rerun))


def first_difference(found: Reconciliation, ledger: Ledger) -> str:
    """The number of breaks and the first of them, in one line."""
    if found.first is None:
        return "their ledgers have other tables or columns"
    one = first_divergence(found.first, ledger.manifest)
    left, right = ("nothing" if side is None else side for side in (one.before, one.after))
    where = [f"{one.table} {one.field}", *([one.symbol] if one.symbol else []), one.timestamp]
    values = f"{left} (reference) vs {right} (engine)"
    return f"{count(len(found.breaks), 'break')}, first {', '.join(where)}: {values}"


def rerun_golden(golden: Golden, scenario: Scenario | None, market: Market | None) -> Ledger | None:
    """The ledger that a golden was made from, computed by the reference from the golden's own scenario.

    None when the scenario cannot be run on this market, or gives another ledger, as after a change of the
    reference or of the data.
    """
    from reconcile.ledger.digest import ledger_digest
    from reconcile.running import run as running
    from reconcile.scenario.files import scenario_from_text

    text = golden.files.get(SCENARIO)
    if text is None or scenario is None or market is None:
        return None
    try:
        then = scenario_from_text(text.decode(), origin=scenario.origin, name=scenario.name)
        if then.market != scenario.market:
            return None
        ledger = running.run_reference(then, market).ledger
    except (TieoutError, UnicodeDecodeError):
        return None
    return ledger if ledger_digest(ledger) == golden.manifest.figures.ledger else None


def absent_data(scenario: Scenario, paths: ProjectPaths) -> Path | None:
    """The file of a market that is missing and not part of the project, else None."""
    from reconcile.market.builtin.tables import BUILTINS

    if scenario.market.data in BUILTINS:
        return None
    file = Path(scenario.origin, scenario.market.data)
    outside = not file.resolve().is_relative_to(paths.root.resolve())
    return file if outside and not file.exists() else None
