"""One lock for a folder of goldens: many readers, or one writer; the system frees it when a process dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vocabulary.errors import OutputError

_PATIENCE = 60.0
_PAUSE = 0.02


@contextlib.contextmanager
def locked(folder: Path, *, writing: bool, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder; without the folder there is nothing to lock.

    The folder itself is locked, so that nothing is left behind. Raises OutputError when another process
    keeps it for longer than `patience` seconds.
    """
    if not folder.is_dir():
        yield
        return
    handle = os.open(_lockable(folder), os.O_RDONLY)
    try:
        _wait(handle, folder, writing, patience)
        yield
    finally:
        os.close(handle)  # frees the lock


def _lockable(folder: Path) -> Path:
    """Windows opens no folder: there a file in it is locked instead."""
    if sys.platform != "win32":
        return folder
    file = folder / ".lock"
    file.touch()
    return file


def _wait(handle: int, folder: Path, writing: bool, patience: float) -> None:
    until = time.monotonic() + patience
    while not _take(handle, writing):
        if time.monotonic() > until:
            raise OutputError(
                str(folder),
                f"goldens that another process has been using for {patience:.0f} s",
                "at most one command that writes them",
                "Wait for it to end.",
            )
        time.sleep(_PAUSE)


def _take(handle: int, writing: bool) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, (fcntl.LOCK_EX if writing else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
