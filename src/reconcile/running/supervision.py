"""A process of a user's code as it is watched: its answers, its output, the time and memory it takes."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from reconcile.running import wire
from reconcile.running.bounds import size_text
from reconcile.running.failures import CandidateError, Failure, failed
from reconcile.running.process_tree import memory_of

LOOK = 0.25
"""Seconds between two looks at memory."""
GRACE = 0.5
"""Seconds in which the last answer of a process that has ended may still be read."""
SETTLE = 0.02
"""Seconds in which what was printed before an answer arrives."""
OUTPUT = 1 << 20
"""Bytes of output that are passed on to stderr."""
LAST_WORDS = 400
"""Characters of a failed process's output that are shown where it was not passed on."""

Frame = tuple[dict[str, Any], bytes]
Frames = queue.Queue[Frame | wire.WireError | None]
"""Last comes None where the stream ended, or what could not be read."""


class Watch:
    """Looks now and then at what a process takes while it is at work on a call."""

    def __init__(
        self, process: subprocess.Popen[bytes], who: str, seconds: float | None, memory: int | None
    ) -> None:
        self.debugging = False
        self._process, self._who = process, who
        self._seconds, self._memory = seconds, memory
        self._began = self._looked = time.monotonic()
        self._ended: float | None = None

    def has_ended(self) -> bool:
        """Whether the process is gone, and what it wrote last has had a moment to be read.

        Its output alone does not tell: a copy that it left behind may hold the other end open.
        """
        if self._ended is None and self._process.poll() is not None:
            self._ended = time.monotonic()
        return self._ended is not None and time.monotonic() - self._ended > GRACE

    def failure(self) -> CandidateError | None:
        """The bound that is broken, None where none is."""
        now = time.monotonic()
        if self._seconds is not None and not self.debugging and now - self._began > self._seconds:
            return failed(self._who, Failure.TIMEOUT, seconds=f"{self._seconds:,g}")
        if self._memory is not None and now - self._looked > LOOK:
            self._looked = now
            used = memory_of(self._process.pid)
            if used > self._memory:
                facts = {"used": size_text(used), "allowed": size_text(self._memory)}
                return failed(self._who, Failure.MEMORY, **facts)
        return None


class Output:
    """A worker's output: passed on to stderr up to a bound, and its end kept."""

    def __init__(self, echo: bool) -> None:
        self._echo = echo
        self._muted = False
        self._left = OUTPUT
        self._tail = b""
        self._thread: threading.Thread | None = None

    def start(self, stream: IO[bytes]) -> None:
        self._thread = threading.Thread(target=self._pump, args=(stream,), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait a moment until all that was printed has been passed on."""
        if self._thread is not None:
            self._thread.join(timeout=1)

    def last_words(self) -> str:
        return self._tail.decode("utf-8", "backslashreplace").strip()[-LAST_WORDS:]

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        self._muted = True
        try:
            yield
        finally:
            time.sleep(SETTLE)
            self._muted = False

    def _pump(self, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), 1 << 16):
            self._tail = (self._tail + piece)[-4 * LAST_WORDS :]
            if self._echo and not self._muted:
                self._pass_on(piece)

    def _pass_on(self, piece: bytes) -> None:
        if self._left <= 0:
            return
        text = piece[: self._left].decode("utf-8", "backslashreplace")
        self._left -= len(piece)
        if self._left <= 0:
            text += f"\nreconcile: more than {OUTPUT:,} bytes of output; the rest is left out\n"
        with contextlib.suppress(OSError, ValueError):  # stderr is closed, or nobody reads it
            sys.stderr.write(text)
            sys.stderr.flush()


def read_frames(stream: IO[bytes], frames: Frames, longest: int | None) -> None:
    """Put every frame into the queue; last, None where the stream ended, or what could not be read."""
    try:
        while (frame := wire.read_frame(stream, longest)) is not None:
            frames.put(frame)
    except wire.WireError as error:
        frames.put(error)
    except (OSError, ValueError):
        frames.put(None)
    else:
        frames.put(None)
