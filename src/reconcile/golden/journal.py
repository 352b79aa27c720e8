"""The journal's entry for what was accepted: when, why, and each case before and after."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from reconcile.golden.model import Figures, Golden, Pending, Place
from reconcile.golden.wording import cause_text, money, percent, whole
from reconcile.text.escape import printable

_DIGEST = 16
_HEADS = ("case", "return", "drawdown", "fills", "commission", "slippage", "golden")


def entry_text(pending: Sequence[Pending], reason: str, day: str) -> str:
    """One entry in Markdown. pending: what is accepted, of any causes; reason: not empty."""
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


def day_of(root: Path) -> str:
    """The last commit's date, or today's outside git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return date.fromisoformat(done.stdout.strip()).isoformat()
    except (OSError, ValueError, subprocess.SubprocessError):
        return date.today().isoformat()


def was_accepted(text: str, golden: Golden) -> bool:
    """Whether an entry of the journal's text tells that this golden was accepted."""
    begins, ends = f"| {_markdown(golden.facts.case)} | ", f" {golden.id[:_DIGEST]} |"
    return any(line.startswith(begins) and line.endswith(ends) for line in text.splitlines())


def read_journal(place: Place) -> str:
    """The journal's text, "" where there is none."""
    try:
        return place.journal.read_bytes().decode("utf-8", "replace")
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
    """On one line, with nothing that Markdown or HTML would read as its own."""
    shown = printable(" ".join(text.split()))
    return "".join(f"\\{mark}" if mark in "\\`*_|<>[]#" else mark for mark in shown)
