"""Accepting what is pending: all of it and the journal's entry, or nothing, whenever the process dies.

First the intent goes to disk, in one rename. From then on the accept has happened: each step that follows
can be done again, and whoever comes next does those that are left. Before it, nothing has happened.
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
from reconcile.golden.model import Place
from reconcile.golden.project_paths import PENDING
from vocabulary.errors import OutputError

INTENT = ".accepting.json"
HEAD = "# Accepted changes of golden files\n"
_FORMAT = 1
_SUFFIXES = (".new", ".old", ".tmp")


@dataclass(frozen=True, slots=True)
class Intent:
    """folders: of the cases that change. entry: what the journal gains. before: digest of the journal."""

    id: str
    folders: tuple[str, ...]
    entry: str
    before: str


def commit(place: Place, folders: Sequence[str], entry: str) -> None:
    """Put each folder's pending golden in its place and the entry into the journal.

    The caller holds the lock for writing, and has found every pending golden whole.
    """
    intent = Intent(secrets.token_hex(8), tuple(folders), entry, _digest(_journal(place)))
    atomic.write_file(place.blessed / INTENT, _intent_text(intent))
    _finish(place, intent)


def leftovers(place: Place) -> bool:
    """Whether a killed process left something to finish or to remove; the caller holds a lock."""
    if not place.blessed.is_dir():
        return False
    return (place.blessed / INTENT).exists() or any(_litter(place))


def settle(place: Place) -> None:
    """Finish an accept that was under way, and remove what was not finished otherwise.

    The caller holds the lock for writing. Raises OSError, and OutputError for an intent of another kind.
    """
    file = place.blessed / INTENT
    if file.exists():
        _finish(place, _read_intent(file))
    for path in _litter(place):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def _finish(place: Place, intent: Intent) -> None:
    for folder in intent.folders:
        target, pending = place.blessed / folder, place.blessed / f"{folder}{PENDING}"
        fresh = pending / "golden"
        if fresh.exists():
            if target.exists():
                os.rename(target, place.blessed / f".{intent.id}.{folder}.old")
            os.rename(fresh, target)
        shutil.rmtree(pending, ignore_errors=True)
    _enter(place, intent)
    (place.blessed / INTENT).unlink()
    for path in _litter(place):
        shutil.rmtree(path, ignore_errors=True)


def _enter(place: Place, intent: Intent) -> None:
    """The journal gains the entry, unless it has it already: a kill may have come after this step."""
    journal = _journal(place)
    if _digest(journal) == intent.before or intent.entry not in journal:
        place.journal.parent.mkdir(parents=True, exist_ok=True)
        gap = "" if journal.endswith("\n") else "\n"
        atomic.write_file(place.journal, (journal or HEAD) + gap + intent.entry)


def _litter(place: Place) -> list[Path]:
    """What is being written or removed, and pending folders that have lost their golden."""
    entries = list(place.blessed.iterdir())
    hidden = [path for path in entries if path.name.startswith(".") and path.suffix in _SUFFIXES]
    hollow = [path for path in entries if path.name.endswith(PENDING) and not (path / "golden").exists()]
    return [*hidden, *hollow, *place.journal.parent.glob(f".{place.journal.name}.*.tmp")]


def _journal(place: Place) -> str:
    try:
        return place.journal.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _intent_text(intent: Intent) -> str:
    content = {"format": _FORMAT, "id": intent.id, "folders": intent.folders}
    return json.dumps({**content, "entry": intent.entry, "before": intent.before}, indent=1) + "\n"


def _read_intent(file: Path) -> Intent:
    try:
        content = json.loads(file.read_bytes())
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
