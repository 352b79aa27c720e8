"""Files and folders that are written whole or not at all.

Each is made beside its place, in a scratch of the name `.NAME.tieout-TOKEN.tmp`, and renamed when it is
complete: a reader finds the old content or the new, never a part of either. A folder that replaces another
needs two renames; between them the old one has the scratch's name ending in `.old`.

The owner of a scratch holds a lock on it. When a process is killed, the system frees its locks, and the next
process that writes into the same folder removes the scratch, or completes a replacement that had begun. (On
Windows no scratch can be locked, and what a killed process leaves stays.)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

_SCRATCH = re.compile(r"(\..+\.tieout-[0-9a-f]{16})\.(?:tmp|old)", re.DOTALL)
_LONGEST = 200
"""Bytes of a name that stand in its scratch's; file systems allow 255."""


class Scratch:
    """What is being written, at `path`, and the `target` whose place it takes. A context manager: leaving it
    removes the scratch, unless `put_in_place` was called.
    """

    def __init__(self, target: Path, path: Path, lock: int | None) -> None:
        self.target = target
        self.path = path
        self._lock = lock

    def put_in_place(self) -> None:
        """Let the scratch take the place of the target. Raises OSError; then the target is as it was."""
        if self.path.is_dir():
            _replace_folder(self.path, self.target)
        else:
            os.replace(self.path, self.target)

    def put_as_new(self) -> None:
        """Let the scratch, a file, become the target. Raises FileExistsError where there is one already."""
        try:
            os.link(self.path, self.target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(self.target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.target)) from None
            os.replace(self.path, self.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _remove(self.path)
        finally:  # a signal may come while it is removed
            if self._lock is not None:
                os.close(self._lock)


def new_file(target: str | Path) -> Scratch:
    """An empty file that can take the place of `target`, a file or nothing, whose folder exists.

    A symbolic link is followed. Raises OSError, also where a device, pipe or socket stands at the target.
    """
    return _scratch(_place_of(target, "file"), "file")


def new_folder(target: str | Path) -> Scratch:
    """An empty folder that can take the place of `target`, a folder or nothing, whose parent exists.

    A symbolic link is followed. Raises OSError.
    """
    return _scratch(_place_of(target, "folder"), "folder")


def write_file(target: str | Path, content: str | bytes | Iterable[str]) -> None:
    """Write a file whole; it is on disk when this returns. Text becomes UTF-8, its line ends as they are.

    Raises OSError; then the target is as it was.
    """
    with new_file(target) as scratch:
        _fill(scratch, content)
        scratch.put_in_place()


def write_new_file(target: str | Path, content: str | bytes) -> None:
    """Write a file that does not exist yet, whole; it is on disk when this returns.

    Raises OSError, FileExistsError among them; then nothing has changed.
    """
    remove_abandoned(Path(os.path.abspath(target)).parent)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    with new_file(target) as scratch:
        _fill(scratch, content)
        scratch.put_as_new()


def _fill(scratch: Scratch, content: str | bytes | Iterable[str]) -> None:
    with scratch.path.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            parts = [content] if isinstance(content, str) else content
            file.writelines(part.encode("utf-8", "surrogateescape") for part in parts)
        file.flush()
        os.fsync(file.fileno())


def remove_abandoned(folder: Path, target: Path | None = None) -> None:
    """Remove what killed processes left in a folder, or complete a replacement of `target` that had begun."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return
    found = filter(None, map(_SCRATCH.fullmatch, names))
    for stem in sorted({match[1] for match in found}):
        _settle(folder, stem, target)


def _settle(folder: Path, stem: str, target: Path | None) -> None:
    """Remove one scratch and the folder that it was to replace, unless its owner lives."""
    fresh, old = folder / f"{stem}.tmp", folder / f"{stem}.old"
    if not fresh.exists():
        _remove(old)  # the replacement was complete
        return
    lock = _try_lock(fresh)
    if lock is None:
        return
    try:
        if old.exists():
            if target is None or not stem.startswith(_prefix(target)):
                return  # between two renames, and left to whoever writes that target next
            if not target.exists():
                fresh.rename(target)
            _remove(old)
        _remove(fresh)
    except OSError:
        pass  # it stays for the next one
    finally:
        os.close(lock)


def _place_of(target: str | Path, kind: Literal["file", "folder"]) -> Path:
    """The target, symbolic links followed. Raises OSError where something else than `kind` stands there."""
    place = Path(os.path.realpath(target))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(target))
    if place.exists():
        if kind == "folder" and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(target))
        if kind == "file" and place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        if kind == "file" and not place.is_file():
            raise OSError(errno.EINVAL, "a device, pipe or socket, not a file", str(target))
    return place


def _scratch(target: Path, kind: Literal["file", "folder"]) -> Scratch:
    """A new scratch with its lock taken; what killed processes left beside it is removed first."""
    remove_abandoned(target.parent, target)
    while True:
        path = target.parent / f"{_prefix(target)}{secrets.token_hex(8)}.tmp"
        if kind == "folder":
            path.mkdir()
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if sys.platform == "win32":
            return Scratch(target, path, None)
        lock = _try_lock(path)
        if lock is not None and path.exists():
            return Scratch(target, path, lock)
        if lock is not None:  # another process took it for abandoned before it was locked
            os.close(lock)


def _prefix(target: Path) -> str:
    """How the names of a target's scratches begin: with its name, which is cut where it is too long."""
    name = target.name
    if len(os.fsencode(name)) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        name = os.fsencode(name)[: _LONGEST - 17].decode("ascii", "ignore") + "~" + digest
    return f".{name}.tieout-"


def _try_lock(path: Path) -> int | None:
    """An open handle that locks a file or folder; None where another process locks it, or it is gone."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _replace_folder(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    old = fresh.with_suffix(".old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:  # an interrupt, too, puts the old one back
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
