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
"""The probability that the interval misses the true ratio at any look, half of it on each side."""
FIRST_LOOK = 12
"""With fewer pairs there is no interval at the first look's share of alpha."""
GROWTH = 1.2
"""Each look has so many times as many pairs as the one before."""
AA_PAIRS = 10
"""Number of pairs of identical code; with fewer than 8 no interval at ALPHA would exclude anything."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The looks at the pairs, fixed before the first pair is seen.

    looks: (number of pairs, share of alpha) of each, ascending. The shares add up to at most alpha.
    """

    looks: tuple[tuple[int, float], ...]
    alpha: float = ALPHA


def plan_for(pairs: int, alpha: float = ALPHA) -> Plan:
    """Looks at FIRST_LOOK pairs, then each time at GROWTH times as many, and at the last pair.

    Each look's share of alpha is proportional to the number of its new pairs.
    """
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


def noise_floor(aa_pairs: Sequence[Pair]) -> float:
    """How large a difference pairs of identical code show, as a logarithm of the ratio; `inf` without pairs.

    It is the larger of the distance of their centre from 0 and of the standard error of that centre.
    """
    if not aa_pairs:
        return math.inf
    values = [_slowdown(pair) for pair in aa_pairs]
    return max(abs(centre(values)), spread(values) / math.sqrt(len(values)))


def decide(
    pairs: Sequence[Pair], floor: float, limit: float, plan: Plan, extra_width: float = 0.0
) -> Decision:
    """The first look that decides, else the last look made.

    FAILED when the whole interval of the ratio is beyond `limit`, PASSED when the whole interval is within,
    else INCONCLUSIVE. floor: the interval reaches at least so far to each side of the estimate. extra_width:
    each end is moved outwards by so much, for a record from another machine. Both are logarithms.
    """
    decision = _undecided(floor, limit, plan)
    for count, share in plan.looks:
        if count > len(pairs):
            break
        decision = _look(pairs[:count], share, floor, limit, plan, extra_width)
        if decision.outcome is not Outcome.INCONCLUSIVE:
            break
    return decision


def _look(
    pairs: Sequence[Pair], share: float, floor: float, limit: float, plan: Plan, extra_width: float
) -> Decision:
    values = [_slowdown(pair) for pair in pairs]
    middle = centre(values)
    low, high = interval(values, share)
    low, high = min(low, middle - floor) - extra_width, max(high, middle + floor) + extra_width
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
    """The Hodges-Lehmann estimate: the median of the Walsh averages of at least one value."""
    return float(np.median(_walsh(np.asarray(values, dtype=np.float64))))


def interval(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """The ends of the two-sided interval that misses the centre with probability at most alpha.

    (-inf, inf) when there are too few values for that alpha.
    """
    n = len(values)
    outside = _outside(n, alpha / 2)
    if outside < 0:
        return -math.inf, math.inf
    walsh = np.sort(_walsh(np.asarray(values, dtype=np.float64)))
    return float(walsh[outside]), float(walsh[len(walsh) - 1 - outside])


def spread(values: Sequence[float]) -> float:
    """A robust standard deviation about 0: the median distance, scaled as for a normal distribution."""
    return 1.4826 * float(np.median(np.abs(values)))


def _walsh(values: Floats) -> Floats:
    """All (x_i + x_j) / 2 with i <= j."""
    i, j = np.triu_indices(len(values))
    return np.asarray((values[i] + values[j]) / 2)


@functools.cache
def _outside(n: int, tail: float) -> int:
    """The largest k with P(W <= k) <= tail, W being the signed-rank sum of n pairs; -1 if there is none."""
    below = np.cumsum(_signed_rank(n))
    return int(np.searchsorted(below, tail * (1 + 1e-12), side="right")) - 1


@functools.cache
def _signed_rank(n: int) -> Floats:
    """P(W = w) for w = 0 .. n (n + 1) / 2: each rank is in the sum with probability 1/2."""
    chance = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(chance) + rank)
        longer[: len(chance)] += chance / 2
        longer[rank:] += chance / 2
        chance = longer
    return chance
