"""Rows of a table in order of time, read forward and a few at a time: no row group is held whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reconcile.scaling.dataset import Slice


class Stream:
    """Reads forward from a time on. passed: what is asked for may not begin before it."""

    def __init__(self, slices: Iterator[Slice], low: int) -> None:
        self._slices = slices
        self._held: deque[Slice] = deque()
        self._done = False
        self.passed = low

    def between(self, low: int, high: int) -> Iterator[Slice]:
        """The rows with a time in [low, high), low being no less than at any call before."""
        self.passed = low
        while self._held and int(self._held[0].times[-1]) < low:
            self._held.popleft()
        while not self._done and not (self._held and int(self._held[-1].times[-1]) >= high):
            found = next(self._slices, None)
            if found is None:
                self._done = True
            elif int(found.times[-1]) >= low:
                self._held.append(found)
        for one in self._held:
            first, stop = np.searchsorted(one.times, [low, high]).tolist()
            if stop > first:
                yield one.part(first, stop)
