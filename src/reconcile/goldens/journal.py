"""The journal of accepted goldens: one entry in Markdown for each acceptance, with its date, reason and
figures.

Each entry ends in a link `- chain: BEFORE -> LINK`. LINK is a digest of the entry and of BEFORE, the link of
the entry that it follows, so that an entry which was edited, doubled, moved or removed is found.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reconcile.goldens.accept_transaction import HEAD
from reconcile.goldens.golden_page import cause_text, money, percent, whole
from reconcile.goldens.model import Fault, Figures, Golden, Pending, ProjectPaths
from reconcile.text.escape import printable

_DIGEST = 16
_CHAIN = re.compile(r"- chain: ([0-9a-f]{16}) -> ([0-9a-f]{16})")
_HEADS = ("case", "return", "drawdown", "fills", "commission", "slippage", "golden")


def entry_text(pending: Sequence[Pending], reason: str, day: str, journal: str) -> str:
    """One journal entry in Markdown, ending in its link.

    pending: the accepted cases, whatever their causes. reason: not empty. day: as ISO date. journal: the text
    that the entry is appended to.
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
    ]
    before = _last_link(journal or HEAD)
    return "\n".join([*lines, "", f"- chain: {before} -> {_link(before, lines)}", ""])


def entry_date(root: Path) -> str:
    """The date of the last commit, or today's date outside git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%cs"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        return date.fromisoformat(done.stdout.strip()).isoformat()
    except (OSError, ValueError, subprocess.SubprocessError):
        return date.today().isoformat()


def read_journal(paths: ProjectPaths) -> str:
    """The journal's text, "" where there is none."""
    try:
        return paths.journal.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def journal_faults(paths: ProjectPaths, text: str, golden: Golden | None = None) -> tuple[Fault, ...]:
    """Every entry of the journal that breaks its chain, and a fault when no entry accepts the golden."""
    name = paths.journal.name
    faults = [Fault(name, f"entry {number}, {title}", None, found) for number, title, found in _breaks(text)]
    if golden is not None and not _was_accepted(text, golden):
        found = "no entry tells that this golden was accepted"
        faults.append(Fault(name, golden.manifest.case, None, found))
    return tuple(faults)


def _was_accepted(text: str, golden: Golden) -> bool:
    begins, ends = f"| {_markdown(golden.manifest.case)} | ", f" {golden.id[:_DIGEST]} |"
    return any(line.startswith(begins) and line.endswith(ends) for line in text.splitlines())


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the journal. lines: without its link. before, link: "" for an entry without a link."""

    number: int
    title: str
    lines: tuple[str, ...]
    before: str
    link: str


def _breaks(text: str) -> Iterator[tuple[int, str, str]]:
    """(number, title, what is wrong) of each entry that breaks the chain, which the first link begins.

    An entry must follow one that stands above it, not necessarily the one just above: so two branches of a
    project that were merged may both have accepted something.
    """
    above, entries = _parse(text)
    all_links = [entry.link for entry in entries if entry.link]
    known = {_start(above)}
    for entry in entries:
        if not entry.link:
            yield entry.number, entry.title, "it has no link of the chain"
        elif entry.link != _link(entry.before, entry.lines):
            yield entry.number, entry.title, "it was edited"
        elif entry.link in known:
            yield entry.number, entry.title, "it stands there twice"
        elif entry.before in known:
            pass
        elif entry.before in all_links:
            yield entry.number, entry.title, "it was moved: the entry that it follows stands below it"
        elif len(known) == 1:
            yield entry.number, entry.title, "what stands above it was changed"
        else:
            yield entry.number, entry.title, "the entry that it follows was removed"
        known.add(entry.link)


def _parse(text: str) -> tuple[list[str], list[_Entry]]:
    """The lines above the first entry that has a link, and the entries from there on."""
    sections: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("## "):
            sections.append([])
        sections[-1].append(line.rstrip())
    entries = [_entry(number, lines) for number, lines in enumerate(sections) if number]
    first = next((entry.number for entry in entries if entry.link), len(sections))
    return [line for lines in sections[:first] for line in lines], entries[first - 1 :]


def _entry(number: int, lines: list[str]) -> _Entry:
    links = [match for line in lines if (match := _CHAIN.fullmatch(line))]
    before, link = links[0].groups() if len(links) == 1 else ("", "")
    return _Entry(
        number, lines[0][3:], tuple(line for line in lines if not _CHAIN.fullmatch(line)), before, link
    )


def _last_link(journal: str) -> str:
    """The link that the next entry follows: the last entry's, or the digest of a journal without links."""
    above, entries = _parse(journal)
    return entries[-1].link if entries else _start(above)


def _start(lines: Iterable[str]) -> str:
    return _link("", lines)


def _link(before: str, lines: Iterable[str]) -> str:
    """The link of an entry to the one before it. Blank lines do not count."""
    text = "\n".join([before, *(line for line in lines if line)])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGEST]


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
