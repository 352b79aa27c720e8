"""Deciding about what is pending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconcile.golden import accept_transaction as accepting
from reconcile.golden.journal import day_of, entry_text
from reconcile.golden.model import Pending, Place
from reconcile.golden.project_paths import folder_name
from reconcile.golden.store import drop_pending, read_shelf, read_unlocked, write
from vocabulary.errors import InputError


def accept(place: Place, cases: Iterable[str], reason: str) -> tuple[Pending, ...]:
    """Make the pending goldens of these cases the goldens, and tell the journal why: all of it or nothing.

    Raises InputError: no reason, a case of which nothing is pending, or a golden that is no longer the one
    the change was made against; OutputError when the folder cannot be written.
    """
    wanted = list(dict.fromkeys(cases))
    if not " ".join(reason.split()):
        raise InputError("--reason", "no text", "why the change is right", "Say it in a sentence.")
    if not wanted:
        raise InputError("CASE", "none", "cases of which something is pending", "Name them, or use --all.")
    day = day_of(place.root)

    def commit() -> tuple[Pending, ...]:
        shelf = read_unlocked(place, wanted)
        found = [_pending(shelf.pending, case) for case in wanted]
        for one in found:
            case = one.change.case
            current = shelf.goldens.get(case)
            if case in shelf.broken or (current.id if current else None) != one.change.replaces:
                raise InputError(
                    f"golden {case}",
                    "a golden that is not the one the pending change was made against",
                    "the golden as it was when the change was found",
                    "Restore it from version control if it was edited; then check again.",
                )
        accepting.commit(place, [folder_name(case) for case in wanted], entry_text(found, reason, day))
        return tuple(found)

    return write(place, commit)


def reject(place: Place, cases: Iterable[str]) -> None:
    """Drop what is pending for these cases; their goldens stay. Raises OutputError."""
    drop_pending(place, cases)


def pending_cases(place: Place) -> tuple[str, ...]:
    """The cases of which something is pending."""
    return tuple(sorted(read_shelf(place).pending))


def _pending(known: Mapping[str, Pending], case: str) -> Pending:
    if case not in known:
        raise InputError(
            f"golden {case}",
            "nothing pending",
            "a change that waits for a decision",
            "`reconcile golden check`, or the test that asserts it, finds changes.",
        )
    return known[case]
