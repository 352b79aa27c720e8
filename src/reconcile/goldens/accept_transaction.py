"""Accepting pending goldens together with their journal entry: all or nothing, whenever the process dies.

First the intent is written to disk, in one rename. Before that rename nothing has happened. After it the
accept has happened: each remaining step can be repeated, and the next process that reads or writes goldens
does them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconcile.files import atomic
from reconcile.files.limits import parse_json, read_bounded
from reconcile.goldens.model import ProjectPaths
from reconcile.goldens.project_paths import PENDING
from vocabulary.errors import OutputError

INTENT = ".accepting.json"
HEAD = "# Accepted changes of golden files\n"
_FORMAT = 1
_SUFFIXES = (".new", ".old", ".tmp")


@dataclass(frozen=True, slots=True)
class Intent:
    """An accept that is under way.

    folders: those of the cases that change. entry: the text that the journal gains. before: the digest of the
    journal without that text.
    """

    id: str
    folders: tuple[str, ...]
    entry: str
    before: str


def commit(paths: ProjectPaths, folders: Sequence[str], entry: str) -> None:
    """Move each folder's pending golden to where its golden is, and append the entry to the journal.

    The caller holds the lock for writing, and has checked that every pending golden is whole.
    """
    intent = Intent(secrets.token_hex(8), tuple(folders), entry, _digest(_journal(paths)))
    atomic.write_file(paths.blessed / INTENT, _intent_text(intent))
    _finish(paths, intent)


def has_leftovers(paths: ProjectPaths) -> bool:
    """Whether a killed process left work to finish or files to remove. The caller holds a lock."""
    if not paths.blessed.is_dir():
        return False
    return (paths.blessed / INTENT).exists() or any(_leftover_paths(paths))


def recover(paths: ProjectPaths) -> None:
    """Finish an accept that was under way, and remove any other unfinished files.

    The caller holds the lock for writing. Raises OSError, and OutputError for an intent that cannot be read.
    """
    file = paths.blessed / INTENT
    if file.exists():
        _finish(paths, _read_intent(file))
    for path in _leftover_paths(paths):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _finish(paths: ProjectPaths, intent: Intent) -> None:
    for folder in intent.folders:
        target, pending = paths.blessed / folder, paths.blessed / f"{folder}{PENDING}"
        fresh = pending / "golden"
        if fresh.exists():
            if target.exists():
                os.rename(target, paths.blessed / f".{intent.id}.{folder}.old")
            os.rename(fresh, target)
        shutil.rmtree(pending, ignore_errors=True)
    _append_entry(paths, intent)
    (paths.blessed / INTENT).unlink()
    for path in _leftover_paths(paths):
        shutil.rmtree(path, ignore_errors=True)


def _append_entry(paths: ProjectPaths, intent: Intent) -> None:
    """Append the entry, unless the journal has it: the process may have been killed after this step."""
    journal = _journal(paths)
    if _digest(journal) == intent.before or intent.entry not in journal:
        paths.journal.parent.mkdir(parents=True, exist_ok=True)
        gap = "" if journal.endswith("\n") else "\n"
        atomic.write_file(paths.journal, (journal or HEAD) + gap + intent.entry)


def _leftover_paths(paths: ProjectPaths) -> list[Path]:
    """Unfinished and half-removed files, and pending folders whose golden has been moved away."""
    entries = list(paths.blessed.iterdir())
    hidden = [path for path in entries if path.name.startswith(".") and path.suffix in _SUFFIXES]
    hollow = [path for path in entries if path.name.endswith(PENDING) and not (path / "golden").exists()]
    return [*hidden, *hollow, *paths.journal.parent.glob(f".{paths.journal.name}.*.tmp")]


def _journal(paths: ProjectPaths) -> str:
    try:
        return paths.journal.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _intent_text(intent: Intent) -> str:
    content = {"format": _FORMAT, "id": intent.id, "folders": intent.folders}
    return json.dumps({**content, "entry": intent.entry, "before": intent.before}, indent=1) + "\n"


def _read_intent(file: Path) -> Intent:
    try:
        content = parse_json(read_bounded(file).decode())
        if content["format"] != _FORMAT:
            raise ValueError("format")
        folders = tuple(str(folder) for folder in content["folders"])
        if any(Path(folder).name != folder or folder.startswith(".") for folder in folders):
            raise ValueError("folders")
        return Intent(str(content["id"]), folders, str(content["entry"]), str(content["before"]))
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(
            str(file),
            f"an interrupted accept that cannot be read ({type(error).__name__})",
            "what this version of tieout wrote",
            "Finish it with the version that began it, or restore the goldens from version control.",
        ) from None
