"""Memory for tables, lent again when the ledger written into it is gone.

The first write to a page of fresh memory costs more than the rows that go there. Whatever shows the
memory keeps it: an array, a slice of one, an Arrow buffer; only after the last of them is it lent again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from vocabulary.market import Ints

# Bytes kept at most while nobody uses them.
KEPT = 2**28


class _Pool:
    """Blocks of memory that nobody shows."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a block may come back while another is being taken
        self._free: list[Ints] = []

    def take(self, words: int) -> Ints:
        """The smallest block that holds so many int64, where one is not far too large; else a new one."""
        with self._lock:
            fitting = [block for block in self._free if words <= block.size <= 4 * words]
            if fitting:
                block = min(fitting, key=len)
                self._free = [other for other in self._free if other is not block]
                return block
        return np.empty(words, dtype=np.int64)

    def give(self, block: Ints) -> None:
        """Keep a block, and of the others as many of the latest as there is room for."""
        with self._lock:
            kept: list[Ints] = []
            room = KEPT
            for other in (block, *self._free):
                if other.nbytes <= room:
                    kept.append(other)
                    room -= other.nbytes
            self._free = kept


_POOL = _Pool()


class _Lease:
    """What numpy holds on to for as long as an array shows the block; the block goes back with it."""

    __slots__ = ("__array_interface__", "_block", "_pool")

    def __init__(self, block: Ints, words: int, pool: _Pool) -> None:
        self._block, self._pool = block, pool
        self.__array_interface__: dict[str, Any] = block[:words].__array_interface__

    def __del__(self) -> None:
        self._pool.give(self._block)


def lent(shapes: Sequence[tuple[int, int]]) -> list[Ints]:
    """Arrays (columns, rows) side by side, of whatever was in their memory before."""
    sizes = [columns * rows for columns, rows in shapes]
    memory = np.asarray(_Lease(_POOL.take(sum(sizes)), sum(sizes), _POOL))
    parts = zip(accumulate(sizes, initial=0), sizes, shapes, strict=False)
    return [memory[at : at + size].reshape(shape) for at, size, shape in parts]
