"""Outcomes on disk, one small file each, named by the key of its job."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reconcile.campaigning.model import Outcome, Status
from reconcile.files.atomic import write_file
from reconcile.files.limits import SETTINGS_BYTES, read_bounded
from reconcile.text.json_text import to_json
from vocabulary.errors import OutputError

_READER = TypeAdapter(Outcome)
TAG = "CACHEDIR.TAG"
"""Marks a folder of what can be made again, by the convention of that name: nothing in it goes into a key."""
_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Outcomes of reconcile campaign.\n"
LASTING = (Status.DONE, Status.REFUSED)
"""Only what the same input would give again is kept; what was lost, timed out or failed is tried again."""


class Kept:
    """A folder of outcomes. Several campaigns may share it, also at the same time."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def find(self, key: str) -> Outcome | None:
        """The outcome kept under a key; None where there is none that can be read whole."""
        try:
            found = _READER.validate_json(read_bounded(self._place(key), SETTINGS_BYTES))
        except (OSError, ValidationError):
            return None
        return replace(found, kept=True) if found.key == key and found.status in LASTING else None

    def keep(self, outcome: Outcome) -> None:
        """Write an outcome whole, if it is one that lasts. Raises OutputError."""
        if outcome.status not in LASTING:
            return
        facts = asdict(outcome)
        del facts["kept"]
        facts["status"] = outcome.status.value
        place = self._place(outcome.key)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not (self.folder / TAG).exists():
                write_file(self.folder / TAG, _TAG_TEXT)
            write_file(place, to_json(facts) + "\n")
        except OSError as error:
            found = error.strerror or type(error).__name__
            remedy = "Name another with --keep."
            raise OutputError(str(self.folder), found, "a folder that can be written", remedy) from None

    def _place(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
