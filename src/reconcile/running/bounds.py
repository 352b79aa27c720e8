"""What a user's functions may take, and where they run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

SECONDS = 3600.0
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one call. seconds: 0 is no bound. memory: bytes of the process and all that it started; 0 is no
    bound, None is what the machine has."""

    seconds: float = SECONDS
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Hosting:
    """in_process: in the command's own process and without bounds, for a debugger; else in a worker.

    folders: searched for modules before the current folder.
    """

    bounds: Bounds = field(default_factory=Bounds)
    in_process: bool = False
    folders: tuple[str, ...] = ()


def read_size(text: str) -> int:
    """Bytes of a size such as 800MB or 2.5 GB; a number alone is bytes. Raises ValueError."""
    words = text.strip().upper()
    fitting = (place for place in reversed(range(len(UNITS))) if words.endswith(UNITS[place]))
    power = next(fitting, None)
    size = float(words) if power is None else float(words.removesuffix(UNITS[power])) * 10.0 ** (3 * power)
    if not 0 <= size < math.inf:
        raise ValueError(text)
    return int(size)


def size_text(size: int) -> str:
    """A number of bytes for a reader: 1.5 GB."""
    value, power = float(size), 0
    while value >= 999.5 and power < len(UNITS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.3g} {UNITS[power]}"
