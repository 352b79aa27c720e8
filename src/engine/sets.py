"""Sets of symbols, 64 to a word: who is held, barred, leaving, aimed at."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiling import part
from engine.intrinsics import lowest

ZERO, ONE = np.uint64(0), np.uint64(1)
PLACE = np.uint64(63)
SHIFT = np.uint64(6)


def words_for(symbols: int) -> int:
    """How many words a set of so many takes."""
    return (symbols + 63) // 64


@part
def put(words: Any, s: Any) -> None:
    """Adds a symbol."""
    at = np.uint64(s)
    words[at >> SHIFT] |= ONE << (at & PLACE)


@part
def take_out(words: Any, s: Any) -> None:
    """Removes a symbol."""
    at = np.uint64(s)
    words[at >> SHIFT] &= ~(ONE << (at & PLACE))


@part
def holds(words: Any, s: Any) -> bool:
    """Whether a symbol is in the set."""
    at = np.uint64(s)
    return (words[at >> SHIFT] >> (at & PLACE)) & ONE != ZERO


@part
def empty(words: Any) -> None:
    """Removes all."""
    for w in range(words.shape[0]):
        words[w] = ZERO


@part
def append_all(into: Any, count: int, w: int, word: Any) -> int:
    """The symbols of word w, ascending, into `into` from `count` on; the new count."""
    first = np.uint64(w) << SHIFT
    while word != ZERO:
        into[count] = first + lowest(word)
        count += 1
        word &= word - ONE
    return count


@part
def listed(words: Any, into: Any) -> int:
    """The set's symbols, ascending, into `into`; their number."""
    count = 0
    for w in range(words.shape[0]):
        count = append_all(into, count, w, words[w])
    return count
