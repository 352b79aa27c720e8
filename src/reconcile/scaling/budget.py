"""The memory that a comparison may take: planned by measured sizes, and held against what is in use."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import pyarrow as pa

from reconcile.running.bounds import size_text
from vocabulary.errors import InputError

BASE = 450_000_000
"""Memory that the process takes beside its windows: libraries, and the times of the survey."""
BYTES_PER_ROW = 1_500
"""Memory that a row takes at most while it is matched, all its copies and breaks included, as measured."""
COPIES = 14
"""The same in copies of the row as Arrow holds it, for rows that are wider."""
LEAST = 20_000
"""Rows of a window at least: below, windows are mostly overlap."""
READ_SHARE, MATCHED_SHARE = 0.25, 0.6
"""Shares of what is free for rows as they are read, and for rows that are being matched."""
RESERVE = 0.05
"""Share of the limit that is never planned for."""


class MemoryShort(Exception):
    """The next step would pass the limit."""


@dataclass(frozen=True, slots=True)
class Budget:
    """limit: bytes of this process and all that it started. width: bytes of a row as Arrow holds it."""

    limit: int
    width: float

    @property
    def read_rows(self) -> int:
        """Rows of both sides that are read at a time."""
        return max(LEAST, int(self._free * READ_SHARE / max(self.width, 1.0)))

    @property
    def matched_rows(self) -> int:
        """Rows of both sides that are matched at a time."""
        return max(LEAST, int(self._free * MATCHED_SHARE / self.per_row))

    @property
    def least(self) -> int:
        """Rows that are matched whatever they take."""
        return LEAST

    @property
    def per_row(self) -> float:
        return max(float(BYTES_PER_ROW), COPIES * self.width)

    @property
    def _free(self) -> float:
        return max(self.limit * (1 - RESERVE) - BASE, 0.0)

    def require(self, size: float = 0.0) -> None:
        """Raises MemoryShort where `size` bytes more would pass the limit."""
        if used() + size <= self.limit * (1 - RESERVE):
            return
        release()
        if used() + size > self.limit * (1 - RESERVE):
            raise MemoryShort

    def refused(self, what: str) -> InputError:
        """The error for what cannot be divided further."""
        return InputError(
            "memory",
            f"{what}, which does not fit beside the {size_text(used())} in use",
            f"at most {size_text(self.limit)}",
            "Give more with --memory.",
        )


def used() -> int:
    """Bytes that this process and all that it started hold; of what is shared, all counts for each."""
    own = psutil.Process()
    total = int(own.memory_info().rss)
    for child in _children():
        try:
            total += int(psutil.Process(child).memory_info().rss)
        except psutil.Error:
            continue  # it has ended meanwhile
    return total


def _children() -> list[int]:
    """Processes that this one started. Linux tells them; elsewhere all processes are looked through."""
    if not sys.platform.startswith("linux"):
        return [one.pid for one in psutil.Process().children(recursive=True)]
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    waiting += map(int, file.read().split())
        except OSError:
            continue  # ended meanwhile, or a kernel without these files
        if pid != os.getpid():
            found.append(pid)
    return found


def release() -> None:
    """Give memory that is held in reserve back to the system."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def width_of(tables: Mapping[Any, tuple[int, float]]) -> float:
    """The mean bytes of a row. tables: rows and bytes per row of each."""
    rows = sum(count for count, _ in tables.values())
    return sum(count * width for count, width in tables.values()) / rows if rows else 0.0
