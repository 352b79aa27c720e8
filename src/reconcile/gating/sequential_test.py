"""From paired timings to a decision: a pure function of the pairs, evaluated repeatedly as they arrive.

Evaluating often and stopping at the first decision would make an ordinary interval wrong more often than its
confidence says. The looks are therefore fixed beforehand (`Plan`), and each spends a share of alpha: by
Boole's inequality the chance that any of them misses the true ratio is at most alpha, however the looks
depend on each other.

The interval is that of the median of paired differences, from Walsh averages (x_i + x_j) / 2 and the
signed-rank distribution. It holds for independent pairs spread symmetrically about one centre, whatever their
tails are, and a few extreme pairs move it little. Alternating the order of the two processes makes the spread
symmetric.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconcile.gating.model import Decision, Outcome, Pair

ALPHA = 0.01
"""The chance that the interval misses the true ratio at any look: half of it on each side."""
FIRST_LOOK = 12
"""Fewer pairs cannot give an interval at the share of alpha that the first look has."""
GROWTH = 1.2
"""Each look has so many times the pairs of the one before."""
ALIKE = 10
"""A/A pairs: the least from which an interval at ALPHA excludes anything is 8."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The looks at the pairs, decided before the first of them is seen.

    looks: (pairs, share of alpha) of each, pairs ascending; the shares sum up to at most alpha.
    """

    looks: tuple[tuple[int, float], ...]
    alpha: float = ALPHA


def plan_for(pairs: int, alpha: float = ALPHA) -> Plan:
    """Looks at FIRST_LOOK pairs, then at GROWTH times as many each, and at the last; alpha in proportion."""
    places = []
    place = float(FIRST_LOOK)
    while round(place) < pairs:
        places.append(round(place))
        place *= GROWTH
    if places and pairs / places[-1] < math.sqrt(GROWTH):
        places.pop()
    places.append(max(pairs, FIRST_LOOK))
    before = (0, *places)
    shares = [alpha * (now - then) / places[-1] for then, now in zip(before, places, strict=False)]
    return Plan(tuple(zip(places, shares, strict=True)), alpha)


def noise_floor(alike: Sequence[Pair]) -> float:
    """What A/A pairs show of differences that are none, as a distance of logarithms.

    The larger of how far their centre lies from 0 and of what their spread leaves open about it. `inf`
    without pairs.
    """
    if not alike:
        return math.inf
    values = [_slowdown(pair) for pair in alike]
    return max(abs(centre(values)), spread(values) / math.sqrt(len(values)))


def decide(pairs: Sequence[Pair], floor: float, limit: float, plan: Plan, elsewhere: float = 0.0) -> Decision:
    """The first look that decides, else the last one made.

    FAILED when the interval of the ratio lies wholly beyond `limit`, PASSED when wholly within, else
    INCONCLUSIVE. floor: the interval reaches at least so far to each side of the estimate (logarithms).
    elsewhere: and so much further, for what the pairs cannot know (logarithms).
    """
    decision = _undecided(floor, limit, plan)
    for count, share in plan.looks:
        if count > len(pairs):
            break
        decision = _look(pairs[:count], share, floor, limit, plan, elsewhere)
        if decision.outcome is not Outcome.INCONCLUSIVE:
            break
    return decision


def _look(
    pairs: Sequence[Pair], share: float, floor: float, limit: float, plan: Plan, elsewhere: float
) -> Decision:
    values = [_slowdown(pair) for pair in pairs]
    middle = centre(values)
    low, high = interval(values, share)
    low, high = min(low, middle - floor) - elsewhere, max(high, middle + floor) + elsewhere
    edge = math.log(limit)
    outcome = Outcome.FAILED if low > edge else Outcome.PASSED if high < edge else Outcome.INCONCLUSIVE
    ends = _ratio(low), _ratio(high)
    return Decision(outcome, math.exp(middle), *ends, 1 - plan.alpha, len(pairs), _ratio(floor), limit)


def _undecided(floor: float, limit: float, plan: Plan) -> Decision:
    return Decision(Outcome.INCONCLUSIVE, math.nan, 0.0, math.inf, 1 - plan.alpha, 0, _ratio(floor), limit)


def _slowdown(pair: Pair) -> float:
    return math.log(pair.head / pair.base)


def _ratio(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 700 else math.inf


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
