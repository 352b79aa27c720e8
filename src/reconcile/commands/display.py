"""Progress on stderr: one line of a terminal that is overwritten; elsewhere a line now and then."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconcile.commands.process import print_message
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.running.progress import Meter, Phase, Watch

PROGRESS = "TIEOUT_PROGRESS"
"""0 in this variable of the environment: no progress is shown."""
FIRST = 0.5
"""Seconds before the first drawing, so that what is quick draws nothing."""
REDRAWN = 0.2
"""Seconds between two drawings on a terminal."""
REPEATED = 10.0
"""Seconds between two lines elsewhere."""
BAR, WORDS = 20, 100
"""Characters of a full bar, and of the words on what is being tried."""


def watching() -> Watch:
    """A Watch that shows on stderr what a command is doing, with counts and the time left."""
    silent = os.environ.get(PROGRESS) == "0"
    return Display(terminal=sys.stderr.isatty(), silent=silent).watch


class _Step:
    """One phase that is going on. done: steps so far, of `steps` in all; 0 where that is not known."""

    def __init__(self, name: str, steps: int) -> None:
        self.name, self.steps, self.done, self.words = name, steps, 0, ""
        self.began = time.perf_counter()

    def __call__(self, done: int) -> None:
        self.done = done

    def say(self, text: str) -> None:
        self.words = text

    def text(self, *, bar: bool) -> str:
        """`reference  [#####---------------]  812 of 3,270  4 s, 12 s left`"""
        spent = time.perf_counter() - self.began
        parts = [self.name]
        if self.steps:
            if bar:
                full = min(BAR, BAR * self.done // self.steps)
                parts.append(f"[{'#' * full}{'-' * (BAR - full)}]")
            parts.append(f"{self.done:,} of {self.steps:,}")
        if self.words:
            words = printable(self.words)
            parts.append(words if len(words) <= WORDS else f"{words[:WORDS]}...")
        left = (
            f", {spent / self.done * (self.steps - self.done):.0f} s left" if self.steps and self.done else ""
        )
        return "  ".join([*parts, f"{spent:.0f} s{left}"])


class Display:
    """Shows the phases that are going on, the outer ones first. A thread draws, so that a phase that reports
    nothing shows its time, too; it ends with the last phase."""

    def __init__(
        self, *, terminal: bool, first: float = FIRST, repeated: float = REPEATED, silent: bool = False
    ) -> None:
        self._terminal, self._silent = terminal, silent
        self._every = REDRAWN if terminal else repeated
        self._due = time.monotonic() + (first if terminal else repeated)
        self._steps: list[_Step] = []
        self._lock = threading.Lock()
        self._over: threading.Event | None = None
        self._drawn = False

    @contextlib.contextmanager
    def watch(self, phase: Phase, steps: int) -> Iterator[Meter]:
        """Show a phase for as long as the block lasts."""
        from reconcile.running.progress import Phase

        step = _Step(phase.value, steps)
        if phase is Phase.COMPILING and not self._terminal:
            print_message(phase.value)  # at once: it says why a first start takes long
        with self._lock:
            self._steps.append(step)
            if self._over is None and not self._silent:
                self._over = threading.Event()
                threading.Thread(target=self._draw, args=(self._over,), name="progress", daemon=True).start()
        try:
            yield step
        finally:
            with self._lock:
                self._steps.remove(step)
                if not self._steps and self._over is not None:
                    self._over.set()
                    self._over = None
                if self._drawn and not self._steps:
                    self._drawn = False
                    print_message("\r\x1b[K", newline=False)

    def _draw(self, over: threading.Event) -> None:
        while not over.wait(max(0.0, self._due - time.monotonic())):
            with self._lock:
                if over.is_set():
                    return
                self._due = time.monotonic() + self._every
                self._show("  ".join(step.text(bar=self._terminal) for step in self._steps))

    def _show(self, text: str) -> None:
        if not self._terminal:
            print_message(text)
            return
        width = _width()
        self._drawn = True
        print_message(f"\r\x1b[K{text[: width - 1]}", newline=False)


def _width() -> int:
    """Characters of a line of stderr: standard output, which `shutil` would ask, may be a pipe."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal():
        return int(given)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
