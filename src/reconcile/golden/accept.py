"""Accepting and rejecting pending goldens, and the journal that records each acceptance.

A journal entry holds the date, the reason, and the figures of each case before and after.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from reconcile.golden import accept_transaction
from reconcile.golden.golden_page import cause_text, money, percent, whole
from reconcile.golden.model import Figures, Golden, Pending, ProjectPaths
from reconcile.golden.project_paths import folder_name
from reconcile.golden.store import change_goldens, drop_pending, read_goldens, read_goldens_locked
from reconcile.text.escape import printable
from vocabulary.errors import InputError


def accept(paths: ProjectPaths, cases: Iterable[str], reason: str) -> tuple[Pending, ...]:
    """Make the pending goldens of these cases the goldens, and record the reason in the journal: all or
    nothing.

    Raises InputError when there is no reason, when nothing is pending for a case, or when its golden is no
    longer the one that the change was made against; OutputError when the folder cannot be written.
    """
    wanted = list(dict.fromkeys(cases))
    if not " ".join(reason.split()):
        raise InputError("--reason", "no text", "why the change is right", "Say it in a sentence.")
    if not wanted:
        raise InputError("CASE", "none", "cases of which something is pending", "Name them, or use --all.")
    day = entry_date(paths.root)

    def commit() -> tuple[Pending, ...]:
        on_file = read_goldens_locked(paths, wanted)
        found = [_pending(on_file.pending, case) for case in wanted]
        for one in found:
            case = one.change.case
            current = on_file.goldens.get(case)
            if case in on_file.broken or (current.id if current else None) != one.change.replaces:
                raise InputError(
                    f"golden {case}",
                    "a golden that is not the one the pending change was made against",
                    "the golden as it was when the change was found",
                    "Restore it from version control if it was edited; then check again.",
                )
        folders = [folder_name(case) for case in wanted]
        accept_transaction.commit(paths, folders, entry_text(found, reason, day))
        return tuple(found)

    return change_goldens(paths, commit)


def reject(paths: ProjectPaths, cases: Iterable[str]) -> None:
    """Drop what is pending for these cases; their goldens stay. Raises OutputError."""
    drop_pending(paths, cases)


def pending_cases(paths: ProjectPaths) -> tuple[str, ...]:
    """The cases that have a pending golden."""
    return tuple(sorted(read_goldens(paths).pending))


def _pending(known: Mapping[str, Pending], case: str) -> Pending:
    if case not in known:
        raise InputError(
            f"golden {case}",
            "nothing pending",
            "a change that waits for a decision",
            "`reconcile golden check`, or the test that asserts it, finds changes.",
        )
    return known[case]


_DIGEST = 16
_HEADS = ("case", "return", "drawdown", "fills", "commission", "slippage", "golden")


def entry_text(pending: Sequence[Pending], reason: str, day: str) -> str:
    """One journal entry in Markdown.

    pending: the accepted cases, whatever their causes. reason: not empty. day: as ISO date.
    """
    causes = dict.fromkeys(cause_text(cause) for one in pending for cause in one.change.causes)
    lines = [
        f"## {day}",
        "",
        f"- cause: {_markdown('; '.join(causes))}",
        f"- reason: {_markdown(reason)}",
        "",
        f"| {' | '.join(_HEADS)} |",
        f"|{' --- |' * len(_HEADS)}",
        *(f"| {' | '.join(_row(one))} |" for one in pending),
        "",
    ]
    return "\n".join(lines)


def entry_date(root: Path) -> str:
    """The date of the last commit, or today's date outside git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return date.fromisoformat(done.stdout.strip()).isoformat()
    except (OSError, ValueError, subprocess.SubprocessError):
        return date.today().isoformat()


def was_accepted(text: str, golden: Golden) -> bool:
    """Whether an entry in the journal's text records that this golden was accepted."""
    begins, ends = f"| {_markdown(golden.manifest.case)} | ", f" {golden.id[:_DIGEST]} |"
    return any(line.startswith(begins) and line.endswith(ends) for line in text.splitlines())


def read_journal(paths: ProjectPaths) -> str:
    """The journal's text, "" where there is none."""
    try:
        return paths.journal.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _row(one: Pending) -> tuple[str, ...]:
    before, after = one.change.before, one.change.after
    replaced = "" if one.change.replaces is None else f"{one.change.replaces[:_DIGEST]} -> "
    golden = replaced + one.golden.id[:_DIGEST]
    return (
        _markdown(one.change.case),
        _pair(before, after, lambda side: percent(side.total_return)),
        _pair(before, after, lambda side: percent(side.max_drawdown)),
        _pair(before, after, lambda side: whole(side.fills)),
        _pair(before, after, lambda side: money(side.commission)),
        _pair(before, after, lambda side: money(side.slippage)),
        golden,
    )


def _pair(before: Figures | None, after: Figures, show: Callable[[Figures], str]) -> str:
    new = show(after)
    return new if before is None or show(before) == new else f"{show(before)} -> {new}"


def _markdown(text: str) -> str:
    """The text on one line, with Markdown and HTML escaped."""
    shown = printable(" ".join(text.split()))
    return "".join(f"\\{mark}" if mark in "\\`*_|<>[]#" else mark for mark in shown)
