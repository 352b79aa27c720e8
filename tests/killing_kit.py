"""Killing a command at every write, without a process for each: what it has written so far is recorded
instead.

A process that is killed leaves the disk as it was just then. So one run is enough: before each operation on a
file, and before each line of the modules that write, the folder is read. Every distinct content that was
found is what a kill at some moment leaves.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from reconcile.files import atomic
from reconcile.goldens import accept_transaction, store
from reconcile.ledger import write
from reconcile.running import output
from reconcile.templates import project

Tree = dict[str, bytes | None]
"""Path -> content of a file, or None for a folder."""
WRITERS = {module.__file__ for module in (accept_transaction, atomic, output, project, store, write)}
_CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class _Hook:
    """The one audit hook of the test process: hooks cannot be removed."""

    installed = False
    folder = ""
    action: Callable[[], None] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _Hook.action is None or (event != "open" and event not in _CHANGES):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITES):
        return
    path = arguments[0]
    relative = event in ("os.rmdir", "os.remove") and arguments[-1] != -1  # within an open folder: rmtree
    if relative or (isinstance(path, str | Path) and os.path.abspath(path).startswith(_Hook.folder)):
        action, _Hook.action = _Hook.action, None
        try:
            action()
        finally:
            _Hook.action = action


@contextlib.contextmanager
def before_each_change(folder: Path, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` before each operation that changes a file or folder below `folder`; its errors pass."""
    if not _Hook.installed:
        sys.addaudithook(_audit)
        _Hook.installed = True
    _Hook.folder, _Hook.action = str(folder), action
    try:
        yield
    finally:
        _Hook.action = None


@contextlib.contextmanager
def before_each_line(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` before each line of the modules that write."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in WRITERS:
            return None
        if event == "line":
            action()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def read_tree(folder: Path) -> Tree:
    """All that is below a folder."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def write_tree(tree: Tree, folder: Path) -> Path:
    """Make a folder that holds this, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in tree.items():
        if content is None:
            (folder / name).mkdir(exist_ok=True)
        else:
            (folder / name).write_bytes(content)
    return folder


def states(folder: Path, work: Callable[[], object]) -> list[Tree]:
    """Every distinct content of a folder while some work is done in it, the first and the last included."""
    found = [read_tree(folder)]

    def look() -> None:
        tree = read_tree(folder)
        if tree != found[-1]:
            found.append(tree)

    with before_each_change(folder, look), before_each_line(look):
        work()
    look()
    return found


def interrupted_at(
    folder: Path, step: int, error: BaseException, work: Callable[[], Any]
) -> tuple[Any, bool]:
    """Do some work in which one change of the folder raises an error; its result, and whether it did."""
    seen = 0

    def act() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            raise error

    with before_each_change(folder, act):
        result = work()
    return result, seen >= step


@contextlib.contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes, as on a disk that is full."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
