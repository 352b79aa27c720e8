"""The interval of a median difference from paired measurements, without assuming how they are spread.

Walsh averages (x_i + x_j) / 2 and the signed-rank distribution: for independent pairs spread symmetrically
about one centre (which alternating the order of two processes of a pair sees to) the interval holds whatever
the tails are, and a few wild pairs move it little.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def centre(values: Sequence[float]) -> float:
    """The Hodges-Lehmann estimate: the median of the Walsh averages. Of at least one value."""
    return float(np.median(_walsh(np.asarray(values, dtype=np.float64))))


def interval(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """The ends of the two-sided interval that misses the centre with probability at most alpha.

    (-inf, inf) where the values are too few for that alpha.
    """
    n = len(values)
    outside = _outside(n, alpha / 2)
    if outside < 0:
        return -math.inf, math.inf
    walsh = np.sort(_walsh(np.asarray(values, dtype=np.float64)))
    return float(walsh[outside]), float(walsh[len(walsh) - 1 - outside])


def spread(values: Sequence[float]) -> float:
    """A robust standard deviation about 0: the median distance, scaled to that of a normal spread."""
    return 1.4826 * float(np.median(np.abs(values)))


def _walsh(values: Floats) -> Floats:
    """All (x_i + x_j) / 2 with i <= j."""
    i, j = np.triu_indices(len(values))
    return np.asarray((values[i] + values[j]) / 2)


@functools.cache
def _outside(n: int, tail: float) -> int:
    """The largest k with P(W <= k) <= tail, W the signed-rank sum of n pairs; -1 where there is none."""
    below = np.cumsum(_signed_rank(n))
    return int(np.searchsorted(below, tail * (1 + 1e-12), side="right")) - 1


@functools.cache
def _signed_rank(n: int) -> Floats:
    """P(W = w) for w = 0 .. n (n + 1) / 2: each rank is in the sum or not, with even chance."""
    chance = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(chance) + rank)
        longer[: len(chance)] += chance / 2
        longer[rank:] += chance / 2
        chance = longer
    return chance
