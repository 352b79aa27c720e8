"""What a command is doing, and how its progress reaches whoever shows it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Protocol


class Phase(Enum):
    """What a command is doing; the value is shown while it lasts."""

    READING = "reading a ledger"
    LOADING = "loading"
    COMPILING = "compiling the engine, once"
    STARTING = "starting the engine"
    TWICE = "running a side twice, in fresh processes"
    REFERENCE = "reference"
    ENGINE = "engine"
    CANDIDATE = "candidate"
    COMPARING = "comparing"
    AUDITING = "auditing"
    EXPLAINING = "explaining"
    IDENTIFYING = "identifying"
    SHRINKING = "shrinking"
    DRILLING = "planting faults"
    GOLDENS = "goldens"
    DRIFT = "drift"
    MEASURING = "measuring throughput"
    WRITING = "writing"
    BARS = "reading and writing bars"
    LOOKING = "looking at the file"
    PAGE = "drawing the page"
    JOBS = "jobs"


Progress = Callable[[int], None]
"""Takes the number of steps done so far."""


class Meter(Protocol):
    """Takes the number of steps done so far, and words on what is being tried."""

    def __call__(self, done: int, /) -> None: ...

    def say(self, text: str, /) -> None: ...


Watch = Callable[[Phase, int], "contextlib.AbstractContextManager[Meter | None]"]
"""From (phase, steps in all or 0 where not known) to a context in which its progress is shown. None where
nothing is shown."""


def words_to(meter: Meter | None) -> Callable[[str], None]:
    """Where words on what is being tried go."""
    return (lambda _: None) if meter is None else meter.say


@contextlib.contextmanager
def unwatched(phase: Phase, steps: int) -> Iterator[Meter | None]:
    """A Watch that shows nothing."""
    yield None
