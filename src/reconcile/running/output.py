"""The folder of --out: made beside its place, then put there in one move; nothing of others is lost."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconcile.files import atomic
from reconcile.files.limits import read_bounded
from vocabulary.errors import OutputError

if TYPE_CHECKING:
    from reconcile.running.run import Outcome

MARKER = "summary.json"


@contextlib.contextmanager
def staged(out: str | None, kind: str, own: Sequence[str] = ()) -> Iterator[Path | None]:
    """A new folder to write to; it takes the place of `out` when the block ends well, else it is gone.

    kind: what the marker file must say for an existing `out` to be replaced. own: what may stand in it
    besides the marker and the ledgers. None in, None out.
    Raises OutputError before the block runs when `out` may not be replaced or its parent not written.
    """
    if out is None:
        yield None
        return
    place = _place(out)
    _refuse_strangers(out, place, kind, own)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = atomic.new_folder(place)
    except OSError as error:
        raise _unwritable(out, error) from error
    with scratch:
        yield scratch.path
        _refuse_strangers(out, place, kind, own)
        try:
            scratch.put_in_place()
        except OSError as error:
            raise _unwritable(out, error) from error


def write_sides(folder: Path, outcome: Outcome, file_format: Literal["parquet", "csv"]) -> None:
    """Both ledgers, every table of theirs and the manifest, to `reference/` and `candidate/`."""
    from reconcile.ledger.write import write_ledger

    write_ledger(outcome.reference.ledger, folder / "reference", format=file_format)
    write_ledger(outcome.candidate.ledger, folder / "candidate", format=file_format)


def write_text(folder: Path, name: str, text: str) -> None:
    """Write one file of the output. Raises OutputError."""
    try:
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(name, reason, "a file that can be written", "Name another place.") from error


def _place(out: str) -> Path:
    try:
        return Path(os.path.realpath(out))
    except ValueError as error:  # a NUL character
        raise OutputError(
            f"--out {out!r}", str(error), "a name that a folder can have", "Name another folder."
        ) from None


def _refuse_strangers(out: str, place: Path, kind: str, own: Sequence[str]) -> None:
    if not os.path.exists(place):
        return
    remedy = "Name a new folder, or remove this one yourself."
    where = f"--out {out}"
    if not place.is_dir():
        raise OutputError(where, "a file", "a folder, or nothing yet", remedy)
    if place == Path.cwd() or place in Path.cwd().parents:
        raise OutputError(where, "the current folder", "a folder that can be replaced as a whole", remedy)
    stranger = _stranger(place, kind, own)
    if stranger is not None:
        raise OutputError(where, stranger, "an earlier output, or an empty folder", remedy)


def _stranger(place: Path, kind: str, own: Sequence[str]) -> str | None:
    """What stands in `place` that no run of ours wrote, None when it may be replaced."""
    entries = sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))
    if not entries:
        return None
    try:
        marker = json.loads(read_bounded(place / MARKER))
        ours = isinstance(marker, dict) and marker.get("kind") == kind
    except (OSError, ValueError, RecursionError):
        ours = False
    if not ours:
        return f"other things ({entries[0]})"
    foreign = [name for name in entries if name.partition("/")[0] not in own and not _is_ours(name)]
    return f"{foreign[0]}, which is no part of an output" if foreign else None


def _is_ours(name: str) -> bool:
    from vocabulary.ledger import SCHEMA

    side, slash, file = name.partition("/")
    if not slash:
        return name in (MARKER, "reference", "candidate")
    stem, _, ending = file.partition(".")
    known = (stem in SCHEMA and ending in ("parquet", "csv")) or file == "manifest.json"
    return side in ("reference", "candidate") and known


def _unwritable(out: str, error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(f"--out {out}", reason, "a folder that can be written", "Name another place.")
