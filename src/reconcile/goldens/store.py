"""Goldens on disk: read as of one moment, and changed as a whole.

    blessed/CASE/                   the golden
    blessed/CASE.pending/golden/    what would replace it, beside it change.json, and a seal.json of both
    blessed/.accepting.json         an accept that is under way (reconcile.goldens.accept_transaction)
    blessed/.*.new, .*.old          being written, being removed

Every reader and writer first looks for what a killed process left, and finishes or removes it. A name that
begins with a dot is no golden.
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

from reconcile.goldens import accept_transaction
from reconcile.goldens.files import (
    MANIFEST,
    SEAL,
    change_bytes,
    read_change,
    read_manifest,
    seal_bytes,
    seal_faults,
    seal_id,
)
from reconcile.goldens.model import Change, Fault, Golden, GoldenSet, Pending, ProjectPaths
from reconcile.goldens.project_paths import PENDING, folder_name, locked, pending_name
from vocabulary.errors import InputError, OutputError

CHANGE = "change.json"
INNER = "golden"
_Result = TypeVar("_Result")


def read_goldens(paths: ProjectPaths, cases: Iterable[str] | None = None) -> GoldenSet:
    """All goldens and pending goldens, or those of some cases, as of one moment.

    Raises InputError when their folder cannot be read, OutputError when the remains of a killed process can
    be neither finished nor removed.
    """
    try:
        with hold_for_reading(paths):
            return read_goldens_locked(paths, cases)
    except OSError as error:
        where, found = str(error.filename or paths.blessed), error.strerror or type(error).__name__
        remedy = "Give the folder of goldens to the user that runs this."
        raise InputError(where, found, "a folder that can be read", remedy) from None


def read_goldens_locked(paths: ProjectPaths, cases: Iterable[str] | None = None) -> GoldenSet:
    """`read_goldens` for a caller that holds a lock."""
    wanted = None if cases is None else {folder_name(case) for case in cases}
    goldens: dict[str, Golden] = {}
    pending: dict[str, Pending] = {}
    broken: dict[str, tuple[Fault, ...]] = {}
    broken_pending: dict[str, tuple[Fault, ...]] = {}
    for folder in _folders(paths, wanted):
        name = folder.name
        if name.endswith(PENDING):
            case = unquote(name.removesuffix(PENDING))
            found = _read_pending(folder, case)
            if isinstance(found, Pending):
                pending[case] = found
            else:
                broken_pending[case] = found
            continue
        golden = _read_golden(folder, unquote(name))
        if isinstance(golden, Golden):
            goldens[golden.manifest.case] = golden
        else:
            broken[unquote(name)] = golden
    return GoldenSet(goldens, pending, broken, broken_pending)


def put_pending(paths: ProjectPaths, golden: Golden, change: Change) -> None:
    """Make a golden pending, instead of what was pending for its case. Raises OutputError."""

    def put() -> None:
        target = paths.blessed / pending_name(change.case)
        fresh = _scratch(paths, "new")
        for name, data in golden.files.items():
            _write(fresh / INNER / name, data)
        data = change_bytes(change)
        _write(fresh / CHANGE, data)
        _write(fresh / SEAL, seal_bytes({CHANGE: data, f"{INNER}/{SEAL}": golden.files[SEAL]}))
        _remove(paths, target)
        os.rename(fresh, target)

    change_goldens(paths, put)


def drop_pending(paths: ProjectPaths, cases: Iterable[str]) -> None:
    """Remove what is pending for some cases, if anything is. Raises OutputError."""
    targets = [paths.blessed / pending_name(case) for case in cases]
    if any(target.exists() for target in targets):

        def drop() -> None:
            for target in targets:
                _remove(paths, target)

        change_goldens(paths, drop)


@contextlib.contextmanager
def hold_for_reading(paths: ProjectPaths) -> Iterator[None]:
    """Keep goldens unchanged while they are read; the remains of a killed process are dealt with first."""
    while True:
        with locked(paths.blessed, writing=False):
            if not accept_transaction.has_leftovers(paths):
                yield
                return
        change_goldens(paths, lambda: None)


def change_goldens(paths: ProjectPaths, work: Callable[[], _Result]) -> _Result:
    """Do some work while no other process reads or writes goldens; leftovers are dealt with first."""
    try:
        paths.blessed.mkdir(parents=True, exist_ok=True)
        with locked(paths.blessed, writing=True):
            accept_transaction.recover(paths)
            return work()
    except OSError as error:
        raise OutputError(
            str(error.filename or paths.blessed),
            error.strerror or type(error).__name__,
            "a folder that can be written",
            "Give the folder of goldens and what is in it to the user that runs this.",
        ) from None


def _folders(paths: ProjectPaths, wanted: set[str] | None) -> list[Path]:
    if not paths.blessed.is_dir():
        return []
    found = (entry for entry in sorted(paths.blessed.iterdir()) if entry.is_dir())
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
    faults = seal_faults(files)
    if faults:
        return faults
    try:
        manifest = read_manifest(files.get(MANIFEST, b""), f"{folder.name}/{MANIFEST}")
    except InputError as error:
        return (Fault(MANIFEST, None, None, error.found),)
    if manifest.case != case:
        found = f"the golden of {manifest.case!r} under another name"
        return (Fault(MANIFEST, "case", None, found),)
    return Golden(manifest, files, seal_id(files))


def _read_pending(folder: Path, case: str) -> Pending | tuple[Fault, ...]:
    """A pending golden with its change, or where its files are not as they were written."""
    golden = _read_golden(folder / INNER, case)
    if not isinstance(golden, Golden):
        return golden
    try:
        outer = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        faults = seal_faults({**outer, f"{INNER}/{SEAL}": golden.files[SEAL]})
        return faults or Pending(golden, read_change(outer[CHANGE], f"{folder.name}/{CHANGE}"))
    except OSError as error:
        return (Fault(folder.name, None, None, error.strerror or "cannot be read"),)
    except InputError as error:
        return (Fault(CHANGE, None, None, error.found),)


def _scratch(paths: ProjectPaths, kind: str) -> Path:
    return paths.blessed / f".{secrets.token_hex(8)}.{kind}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _remove(paths: ProjectPaths, target: Path) -> None:
    """Rename it out of sight, which is one step, then delete it."""
    if target.exists():
        old = _scratch(paths, "old")
        os.rename(target, old)
        shutil.rmtree(old, ignore_errors=True)
