"""What a command is doing, and how its progress reaches whoever shows it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum


class Phase(Enum):
    """What a command is doing; the value is shown while it lasts."""

    LOADING = "loading"
    COMPILING = "compiling the engine, once"
    STARTING = "starting the engine"
    TWICE = "running a side twice, in fresh processes"
    REFERENCE = "reference"
    ENGINE = "engine"
    COMPARING = "comparing"
    EXPLAINING = "explaining"
    SHRINKING = "shrinking"
    DRILLING = "planting faults"


Progress = Callable[[int], None]
"""Takes the number of steps done so far."""
Watch = Callable[[Phase, int], "contextlib.AbstractContextManager[Progress | None]"]
"""From (phase, steps in all or 0 where not known) to a context in which its progress is shown."""


@contextlib.contextmanager
def unwatched(phase: Phase, steps: int) -> Iterator[Progress | None]:
    """A Watch that shows nothing."""
    yield None
