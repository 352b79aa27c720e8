"""Worker processes as seen from the gate: started, asked, and gone for sure."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from reconcile.gating.model import Settings
from reconcile.gating.trees import Tree
from vocabulary.errors import InputError

PATIENCE = 900.0
"""Seconds that a worker may live; a compile on a busy machine is the longest thing it does."""
WORKER = Path(__file__).with_name("worker.py")


class Child:
    """One worker process; its answers are dictionaries."""

    def __init__(self, tree: Tree, settings: Settings, agreement: str) -> None:
        job = {
            "candidate": settings.candidate,
            "scenario": settings.scenario,
            "agreement": agreement,
            "paths": tree.paths,
        }
        self.name = tree.name
        self.events = 0
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), json.dumps(job)],
            cwd=tree.root,
            env=dict(tree.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.clock = threading.Timer(PATIENCE, self.process.kill)
        self.clock.daemon = True
        self.clock.start()

    def ask(self, request: str) -> dict[str, Any]:
        """Send one request and wait for its answer. Raises InputError."""
        with contextlib.suppress(BrokenPipeError):  # then the answer below tells why
            _open(self.process.stdin).write(request + "\n")
            _open(self.process.stdin).flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer. Raises InputError where there is none, or it tells of trouble."""
        line = _open(self.process.stdout).readline()
        found = json.loads(line) if line.startswith("{") else {}
        if not found:
            code = self.process.wait()
            found = {"trouble": f"the process ended with exit code {code} and no answer"}
        if "trouble" in found:
            remedy = "Run it there yourself: reconcile run, with the same scenario."
            raise InputError(f"timing {self.name}", found["trouble"], "a run that ends", remedy)
        return dict(found)

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        self.clock.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                _open(pipe).close()


@contextlib.contextmanager
def children(settings: Settings, agreement: str, *trees: Tree) -> Iterator[tuple[Child, ...]]:
    """One fresh worker for each tree, loaded and idle; ended afterwards.

    Raises InputError where a worker does not start, or a copied tree's runs code that is not its own.
    """
    started: list[Child] = []
    try:
        started.extend(Child(tree, settings, agreement) for tree in trees)
        for child, tree in zip(started, trees, strict=True):
            child.events = _own(child.answer(), tree)
        yield tuple(started)
    finally:
        for child in started:
            child.end()


def _own(loaded: dict[str, Any], tree: Tree) -> int:
    """The events of a run. Both sides running one code would tie forever: a copy must run its own."""
    place = Path(loaded["engine"])
    if tree.copied and not place.is_relative_to(tree.root.resolve()):
        raise InputError(
            f"timing {tree.name}",
            f"an engine imported from {place.parent}",
            "one from the project's own files",
            "Name its folders in [tool.reconcile.gate] paths, relative to pyproject.toml.",
        )
    return int(loaded["events"])


def _open(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
