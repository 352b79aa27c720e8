"""Goldens on disk: read as of one moment, and changed whole.

    blessed/CASE/                   the golden
    blessed/CASE.pending/golden/    what would replace it, with change.json beside it
    blessed/.accepting.json         an accept that is under way (reconcile.golden.accept_transaction)
    blessed/.*.new, .*.old          being written, being removed

Whoever reads or writes first looks for what a killed process left, and finishes or removes it. Names that
begin with a point are no goldens.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from reconcile.golden import accept_transaction as accepting
from reconcile.golden import facts
from reconcile.golden.lock import locked
from reconcile.golden.model import Change, Facts, Fault, Golden, Pending, Place, Shelf
from reconcile.golden.project_paths import PENDING, folder_name, pending_name
from reconcile.golden.seal import broken, seal_id
from vocabulary.errors import InputError, OutputError

CHANGE = "change.json"
INNER = "golden"
_Result = TypeVar("_Result")


def read_shelf(place: Place, cases: Iterable[str] | None = None) -> Shelf:
    """All goldens and what is pending, or those of some cases, as of one moment.

    Raises OutputError when what a killed process left can be neither finished nor removed.
    """
    with reading(place):
        return read_unlocked(place, cases)


def read_unlocked(place: Place, cases: Iterable[str] | None = None) -> Shelf:
    """`read_shelf` for a caller that holds a lock."""
    wanted = None if cases is None else {folder_name(case) for case in cases}
    goldens: dict[str, Golden] = {}
    pending: dict[str, Pending] = {}
    faulty: dict[str, tuple[Fault, ...]] = {}
    for folder in _folders(place, wanted):
        name = folder.name
        if name.endswith(PENDING):
            found = _read_pending(folder)
            if found is not None:
                pending[found.change.case] = found
            continue
        golden = _read_golden(folder, unquote(name))
        if isinstance(golden, Golden):
            goldens[golden.facts.case] = golden
        else:
            faulty[unquote(name)] = golden
    return Shelf(goldens, pending, faulty)


def put_pending(place: Place, golden: Golden, change: Change) -> None:
    """Leave a golden pending, in place of what was pending for its case. Raises OutputError."""

    def put() -> None:
        target = place.blessed / pending_name(change.case)
        fresh = _scratch(place, "new")
        for name, data in golden.files.items():
            _write(fresh / INNER / name, data)
        _write(fresh / CHANGE, facts.change_text(change))
        _remove(place, target)
        os.rename(fresh, target)

    write(place, put)


def drop_pending(place: Place, cases: Iterable[str]) -> None:
    """Remove what is pending for some cases; nothing, where there is nothing. Raises OutputError."""
    targets = [place.blessed / pending_name(case) for case in cases]
    if any(target.exists() for target in targets):

        def drop() -> None:
            for target in targets:
                _remove(place, target)

        write(place, drop)


@contextlib.contextmanager
def reading(place: Place) -> Iterator[None]:
    """Hold goldens still while they are read; what a killed process left is settled before."""
    while True:
        with locked(place.blessed, writing=False):
            if not accepting.leftovers(place):
                yield
                return
        write(place, lambda: None)


def write(place: Place, work: Callable[[], _Result]) -> _Result:
    """Do something to the goldens alone, what a killed process left being settled first."""
    try:
        place.blessed.mkdir(parents=True, exist_ok=True)
        with locked(place.blessed, writing=True):
            accepting.settle(place)
            return work()
    except OSError as error:
        raise OutputError(
            str(error.filename or place.blessed),
            error.strerror or type(error).__name__,
            "a folder that can be written",
            "Give the folder of goldens and what is in it to the user that runs this.",
        ) from None


def _folders(place: Place, wanted: set[str] | None) -> list[Path]:
    if not place.blessed.is_dir():
        return []
    found = (entry for entry in sorted(place.blessed.iterdir()) if entry.is_dir())
    return [
        entry
        for entry in found
        if not entry.name.startswith(".") and (wanted is None or entry.name.removesuffix(PENDING) in wanted)
    ]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _read_golden(folder: Path, case: str) -> Golden | tuple[Fault, ...]:
    try:
        files = _files(folder)
    except OSError as error:
        return (Fault(folder.name, None, None, error.strerror or "cannot be read"),)
    faults = broken(files)
    if faults:
        return faults
    try:
        known = facts.read_facts(files.get(facts.FILE, b""), f"{folder.name}/{facts.FILE}")
    except InputError as error:
        return (Fault(facts.FILE, None, None, error.found),)
    return _own(known, files, case)


def _own(known: Facts, files: dict[str, bytes], case: str) -> Golden | tuple[Fault, ...]:
    if known.case != case:
        return (Fault(facts.FILE, "case", None, f"the golden of {known.case!r} under another name"),)
    return Golden(known, files, seal_id(files))


def _read_pending(folder: Path) -> Pending | None:
    """None for what is no longer whole: it is written anew by whoever finds the change again."""
    case = unquote(folder.name.removesuffix(PENDING))
    golden = _read_golden(folder / INNER, case) if (folder / INNER).is_dir() else ()
    if not isinstance(golden, Golden):
        return None
    try:
        return Pending(golden, facts.read_change((folder / CHANGE).read_bytes(), f"{folder.name}/{CHANGE}"))
    except (OSError, InputError):
        return None


def _scratch(place: Place, kind: str) -> Path:
    return place.blessed / f".{secrets.token_hex(8)}.{kind}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _remove(place: Place, target: Path) -> None:
    """Out of sight in one step, then gone."""
    if target.exists():
        old = _scratch(place, "old")
        os.rename(target, old)
        shutil.rmtree(old, ignore_errors=True)
