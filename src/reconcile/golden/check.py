"""Checking goldens: each case of the project run anew by both programs and held against what is on file.

What a test of the project asserts (the plugin's `ledger_snapshot`) is only checked for being whole: its
engine is the test's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.golden.causes import inputs_differ
from reconcile.golden.changes import change_of, edits
from reconcile.golden.figures import is_empty
from reconcile.golden.journal import read_journal, was_accepted
from reconcile.golden.making import inputs_of, make_golden, storage_of
from reconcile.golden.model import REVIEWABLE, SOUND, Checked, Fault, Golden, Place, Shelf, Standing
from reconcile.golden.running import absent_data as absent_data
from reconcile.golden.running import earlier_ledger, run_pair
from reconcile.golden.store import drop_pending, put_pending, read_shelf
from vocabulary.errors import InputError, TieoutError

if TYPE_CHECKING:
    from reconcile.running.progress import Watch
    from vocabulary.ledger import Ledger


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was found of one case, and what would replace its golden."""

    checked: Checked
    fresh: Golden | None = None


def check_goldens(
    place: Place, cases: Iterable[str] | None = None, *, keep: bool = False, watch: Watch | None = None
) -> tuple[Checked, ...]:
    """Check all goldens of a project, or some cases, in order of their names.

    keep: leave each change pending, for review, and drop what was pending of cases that hold again.
    Raises InputError for a case that is not known, OutputError when keep is asked for and the folder
    cannot be written. What is wrong with one case is that case's standing.
    """
    shelf = read_shelf(place)
    known = case_files(place)
    every = sorted({*known, *shelf.goldens, *shelf.broken})
    chosen = every if cases is None else list(dict.fromkeys(cases))
    for case in chosen:
        if case not in every:
            found = ", ".join(every[:12]) or "none"
            raise InputError("CASE", repr(case), f"a case of {place.blessed}: {found}", "Mend the name.")
    out = []
    for case in chosen:
        examined = _accepted(place, shelf, _examine(place, shelf, case, known.get(case), watch))
        if keep:
            _keep(place, examined, waiting=case in shelf.pending)
        out.append(examined.checked)
    return tuple(out)


def _accepted(place: Place, shelf: Shelf, examined: _Examined) -> _Examined:
    """A golden that holds, but was put there by no accept, was put there by hand."""
    golden = shelf.goldens.get(examined.checked.case)
    if golden is None or examined.checked.standing not in SOUND:
        return examined
    faults = not_accepted(place, golden)
    if not faults:
        return examined
    return _Examined(replace(examined.checked, standing=Standing.TAMPERED, faults=faults, said=""))


def not_accepted(place: Place, golden: Golden) -> tuple[Fault, ...]:
    """A fault where the journal does not tell of this golden."""
    if was_accepted(read_journal(place), golden):
        return ()
    return (
        Fault(place.journal.name, golden.facts.case, None, "no entry tells that this golden was accepted"),
    )


def case_files(place: Place) -> dict[str, Path]:
    """The scenario file of each case of the project, by name."""
    found = sorted(place.cases.glob("*.toml")) if place.cases.is_dir() else []
    return {path.stem: path for path in found}


def _keep(place: Place, examined: _Examined, *, waiting: bool) -> None:
    checked = examined.checked
    if checked.standing in REVIEWABLE and examined.fresh is not None and checked.change is not None:
        put_pending(place, examined.fresh, checked.change)
    elif checked.standing is Standing.HOLDS and waiting:
        drop_pending(place, [checked.case])


def _examine(place: Place, shelf: Shelf, case: str, file: Path | None, watch: Watch | None) -> _Examined:
    golden = shelf.goldens.get(case)
    if case in shelf.broken:
        return _Examined(Checked(case, Standing.TAMPERED, faults=shelf.broken[case]))
    try:
        if file is None:
            assert golden is not None
            return _Examined(_asserted_elsewhere(place, golden))
        return _run(place, case, file, golden, watch)
    except TieoutError as error:
        figures = None if golden is None else golden.facts.figures
        return _Examined(Checked(case, Standing.FAILED, figures, said=str(error)))


def _asserted_elsewhere(place: Place, golden: Golden) -> Checked:
    """A golden without a case file: some test asserts it, or nothing does."""
    facts = golden.facts
    if facts.figures.fills == 0:
        return Checked(facts.case, Standing.EMPTY, facts.figures, said="not one fill: it pins nothing")
    if facts.test is None:
        said = f"no {facts.case}.toml in {place.cases.name}, and no test asserts it"
        return Checked(facts.case, Standing.UNUSED, facts.figures, said=said)
    if not (place.root / facts.test.partition("::")[0]).is_file():
        return Checked(facts.case, Standing.UNUSED, facts.figures, said=f"no test {facts.test}")
    return Checked(facts.case, Standing.SEALED, facts.figures, said=f"asserted by {facts.test}")


def _run(place: Place, case: str, file: Path, golden: Golden | None, watch: Watch | None) -> _Examined:
    from reconcile.running import run as running
    from reconcile.running.progress import unwatched
    from reconcile.scenario.files import scenario_from_file

    scenario = scenario_from_file(file)
    absent = absent_data(scenario, place)
    if absent is not None:
        if golden is not None and golden.facts.inputs.scenario == scenario.digest:
            said = f"no {absent.name}, which is not part of the project"
            return _Examined(Checked(case, Standing.NOT_RUN, golden.facts.figures, said=said))
        raise InputError(str(absent), "no such file", "the market of this case", "Bring the file.")
    market, _ = running.load(scenario, None, watch or unwatched)
    ledger, said = run_pair(scenario, market, watch or unwatched)
    if said:
        return _Examined(
            Checked(case, Standing.DISAGREE, golden.facts.figures if golden else None, said=said)
        )
    inputs = inputs_of(scenario, market, place)
    fresh = make_golden(case, ledger, inputs, scenario=scenario, storage=storage_of(scenario, place))
    if is_empty(ledger):
        figures = golden.facts.figures if golden else None
        said = "not one fill: nothing to pin"
        return _Examined(Checked(case, Standing.EMPTY, figures, fresh.facts.figures, said=said))
    checked = judge(golden, fresh, ledger, lambda before: earlier_ledger(before, scenario, market))
    return _Examined(checked, fresh)


def judge(
    golden: Golden | None, fresh: Golden, ledger: Ledger, earlier: Callable[[Golden], Ledger | None]
) -> Checked:
    """A case of which both programs agree, against its golden."""
    case, figures = fresh.facts.case, fresh.facts.figures
    if golden is None:
        change = change_of(None, fresh, ledger, earlier)
        return Checked(case, Standing.MISSING, None, figures, change)
    checked = Checked(case, Standing.HOLDS, golden.facts.figures, figures)
    if golden.files == fresh.files:
        return checked
    if golden.facts.figures.ledger != figures.ledger:
        return replace(checked, standing=Standing.CHANGED, change=change_of(golden, fresh, ledger, earlier))
    # One digest, and the files differ: other inputs gave the same ledger, or the files were edited and
    # sealed again.
    same_kind = golden.facts.storage is fresh.facts.storage and not inputs_differ(golden, fresh)
    faults = edits(golden, fresh) if same_kind else ()
    if faults:
        return replace(checked, standing=Standing.TAMPERED, faults=faults)
    return replace(checked, standing=Standing.STALE, change=change_of(golden, fresh, ledger, earlier))
