"""Where a project keeps its goldens, what the folder of a case is called, and the lock of the goldens.

The lock admits many readers or one writer; the operating system frees it when its process ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconcile.files.limits import parse_toml, read_bounded
from reconcile.goldens.model import ProjectPaths
from vocabulary.errors import InputError, OutputError

BLESSED = "tests/golden/blessed"
PENDING = ".pending"
_PLAIN = "-_.[]=, "


def find_project(start: str | Path = ".") -> ProjectPaths:
    """The project that a folder belongs to.

    Its root is the folder of the nearest pyproject.toml with a table [tool.reconcile], in `start` or above
    it; else that of the nearest pyproject.toml; else `start`. The table's settings are paths relative to the
    root: `golden` (default tests/golden/blessed), `cases` and `journal` (default `cases` and `JOURNAL.md`
    beside it). Raises InputError for a setting of the wrong kind.
    """
    try:
        here = Path(start).resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        found = getattr(error, "strerror", None) or str(error)
        raise InputError(str(start), found, "a folder that exists", "Change to another folder.") from None
    files = [folder / "pyproject.toml" for folder in (here, *here.parents)]
    files = [file for file in files if os.path.lexists(file)]
    for file in files:
        settings = read_settings(file)
        if settings is not None:
            return _paths(file.parent, settings, str(file))
    root = files[0].parent if files else here
    return _paths(root, {}, str(root))


def read_settings(file: Path) -> dict[str, Any] | None:
    """The table [tool.reconcile] of a pyproject.toml, None where it has none. Raises InputError."""
    try:
        content = parse_toml(read_bounded(file).decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            str(file), error.strerror or str(error), "a file of TOML", "Check the file and its permissions."
        ) from None
    except ValueError as error:
        raise InputError(
            str(file), f"text that is not TOML: {error}", "TOML", "Correct the file there."
        ) from None
    tool = content.get("tool", {})
    if not isinstance(tool, dict):
        raise InputError(f"{file}: tool", repr(tool), "a table", "Write [tool.reconcile].")
    settings = tool.get("reconcile")
    if settings is not None and not isinstance(settings, dict):
        raise InputError(f"{file}: tool.reconcile", repr(settings), "a table", "Write [tool.reconcile].")
    return settings


def _paths(root: Path, settings: dict[str, Any], where: str) -> ProjectPaths:
    def path(key: str, default: Path) -> Path:
        value = settings.get(key, str(default))
        if not isinstance(value, str) or not value:
            expected = "a path relative to pyproject.toml"
            raise InputError(f"{where}: tool.reconcile.{key}", repr(value), expected, "Correct the value.")
        return root / value

    blessed = path("golden", Path(BLESSED))
    cases = path("cases", blessed.parent / "cases")
    return ProjectPaths(root, blessed, cases, path("journal", blessed.parent / "JOURNAL.md"))


def folder_name(case: str) -> str:
    """The folder of a case: its name, with characters that file systems reject written as %XX.

    Different cases have different folders. Raises InputError for a name that no folder can have.
    """
    name = quote(case, safe=_PLAIN)
    name = name.replace(".", "%2E", 1) if name.startswith(".") else name
    if name.endswith(PENDING):
        name = f"{name.removesuffix(PENDING)}%2Epending"
    if not name or len(name) > 200:
        raise InputError("case", repr(case[:60]), "a name of 1 to 200 characters", "Name it with case=...")
    return name


def pending_name(case: str) -> str:
    """The folder of a case's pending golden, beside the golden."""
    return folder_name(case) + PENDING


_PATIENCE = 60.0
_PAUSE = 0.02


@contextlib.contextmanager
def locked(folder: Path, *, writing: bool, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder; does nothing when there is no such folder.

    The folder itself is locked, so that no lock file is left behind. Raises OutputError when another process
    holds the lock for longer than `patience` seconds.
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
    """The folder, or on Windows, which cannot lock a folder, a file in it."""
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
