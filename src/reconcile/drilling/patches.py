"""Copies of the engine with changed sources."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from reconcile.drilling.model import Patch
from vocabulary.errors import InputError

SOURCE = Path(__file__).resolve().parents[2] / "engine"


def plant(patches: Sequence[Patch], folder: Path) -> Path:
    """The engine with patches, as `folder`/engine. Raises InputError where one does not apply."""
    place = folder / "engine"
    shutil.copytree(SOURCE, place, ignore=shutil.ignore_patterns("__pycache__"))
    for patch in patches:
        file = place / patch.file
        file.write_text(patched(file.read_text(encoding="utf-8"), patch), encoding="utf-8")
    return place


def patched(text: str, patch: Patch) -> str:
    """A source with one patch. Raises InputError unless `old` stands in it exactly once."""
    count = text.count(patch.old)
    if count != 1:
        raise InputError(
            f"a fault of the drill in engine/{patch.file}",
            f"{count} places that read {patch.old!r}",
            "exactly one",
            "The engine's source has changed: change the fault's patch with it.",
        )
    return text.replace(patch.old, patch.new)


def check(*patches: Patch) -> None:
    """Raises InputError unless patches apply to the engine as it stands, one after the other."""
    texts: dict[str, str] = {}
    for patch in patches:
        if patch.file not in texts:
            texts[patch.file] = (SOURCE / patch.file).read_text(encoding="utf-8")
        texts[patch.file] = patched(texts[patch.file], patch)


def fit_together(patches: Sequence[Patch]) -> bool:
    """Whether patches that each apply do so one after the other, too: no two change the same words."""
    try:
        check(*patches)
        check(*reversed(patches))
    except InputError:
        return False
    return True
