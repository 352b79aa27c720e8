"""Accepting and rejecting pending goldens."""

from __future__ import annotations

from collections.abc import Iterable

from reconcile.goldens import accept_transaction
from reconcile.goldens.journal import entry_date, entry_text, journal_faults, read_journal
from reconcile.goldens.model import Fault, Golden, GoldenSet, Pending, ProjectPaths
from reconcile.goldens.project_paths import folder_name
from reconcile.goldens.store import change_goldens, drop_pending, read_goldens, read_goldens_locked
from vocabulary.errors import InputError


def accept(paths: ProjectPaths, cases: Iterable[str], reason: str) -> tuple[Pending, ...]:
    """Make the pending goldens of these cases the goldens, and record the reason in the journal, or do
    nothing.

    Raises InputError when there is no reason, when nothing is pending for a case, when a pending change or
    the journal was edited, or when a golden is no longer the one that the change was made against;
    OutputError when the folder cannot be written.
    """
    wanted = list(dict.fromkeys(cases))
    if not " ".join(reason.split()):
        raise InputError("--reason", "no text", "why the change is right", "Give the reason in one sentence.")
    if not wanted:
        raise InputError("CASE", "none", "cases of which something is pending", "Name them, or use --all.")
    if not paths.blessed.is_dir():  # it would be made for the lock
        _acceptable(read_goldens(paths, wanted), wanted[0])
    day = entry_date(paths.root)

    def commit() -> tuple[Pending, ...]:
        on_file = read_goldens_locked(paths, wanted)
        found = [_acceptable(on_file, case) for case in wanted]
        journal = read_journal(paths)
        faults = journal_faults(paths, journal)
        if faults:
            where = f"{paths.journal}: {faults[0].row}"
            remedy = "Restore the journal from version control."
            raise InputError(where, faults[0].found, "the entry as it was written", remedy)
        folders = [folder_name(case) for case in wanted]
        accept_transaction.commit(paths, folders, entry_text(found, reason, day, journal))
        return tuple(found)

    return change_goldens(paths, commit)


def reject(paths: ProjectPaths, cases: Iterable[str]) -> None:
    """Drop what is pending for these cases; their goldens stay. Raises OutputError."""
    drop_pending(paths, cases)


def pending_cases(paths: ProjectPaths) -> tuple[str, ...]:
    """The cases that have a pending golden, edited ones included."""
    on_file = read_goldens(paths)
    return tuple(sorted({*on_file.pending, *on_file.broken_pending}))


def _acceptable(on_file: GoldenSet, case: str) -> Pending:
    """The pending golden of a case. Raises InputError when it may not be accepted."""
    where = f"golden {case}"
    if case in on_file.broken_pending:
        raise _edited(case, on_file.broken_pending[case][0])
    if case not in on_file.pending:
        raise InputError(
            where,
            "nothing pending",
            "a change that waits for a decision",
            "`reconcile golden check`, or the test that asserts it, finds changes.",
        )
    pending, current = on_file.pending[case], on_file.goldens.get(case)
    if case in on_file.broken or (current.id if current else None) != pending.change.replaces:
        raise InputError(
            where,
            "a golden that is not the one the pending change was made against",
            "the golden as it was when the change was found",
            "Restore it from version control if it was edited; then check again.",
        )
    _require_true_change(pending, current)
    return pending


def _require_true_change(pending: Pending, current: Golden | None) -> None:
    """Raise InputError when a change says otherwise than the two goldens that it is about."""
    from reconcile.goldens.changes import find_causes

    change = pending.change
    told = (change.before, change.after, change.causes)
    before = None if current is None else current.manifest.figures
    if told != (before, pending.golden.manifest.figures, find_causes(current, pending.golden)):
        found = "figures or causes that are not those of the two goldens"
        raise _edited(change.case, Fault("change.json", None, None, found))


def _edited(case: str, fault: Fault) -> InputError:
    where = ", ".join(part for part in (fault.file, fault.row, fault.column) if part)
    return InputError(
        f"golden {case}: pending",
        f"a change that was edited ({where}: {fault.found})",
        "the change as it was found",
        "Find it again: `reconcile golden check`, or the test that asserts it.",
    )
