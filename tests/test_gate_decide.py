"""The decision on throughput: a pure function of paired timings, tried on simulated and on recorded pairs."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_selftest import bounds
from reconcile.gating.model import Outcome, Pair
from reconcile.gating.sequential_test import (
    ALPHA,
    FIRST_LOOK,
    centre,
    decide,
    interval,
    noise_floor,
    plan_for,
)

LIMIT = 1.035


def pairs(ratio: float, spread: float, count: int, seed: int = 1) -> list[Pair]:
    """Pairs of a true ratio, their noise heavy in the tails: one in ten is five times as wild."""
    draw = random.Random(seed)
    noise = (draw.gauss(0, spread * (5 if draw.random() < 0.1 else 1)) for _ in range(count))
    return [Pair(1.0, ratio * math.exp(value)) for value in noise]


def test_the_interval_covers_as_often_as_it_says() -> None:
    """All 2**n signs of given distances are equally likely about the true centre: counted, not simulated."""
    distances = [0.3, 1.1, 2.7, 3.2, 4.9, 6.1, 7.7, 8.3, 9.9]
    for alpha in (0.01, 0.05, 0.2):
        missed = 0
        for signs in product((-1, 1), repeat=len(distances)):
            low, high = interval([s * d for s, d in zip(signs, distances, strict=True)], alpha)
            missed += not low <= 0 <= high
        assert missed / 2 ** len(distances) <= alpha
        assert missed > 0, "an interval that never misses tells nothing"


def test_too_few_values_have_no_interval() -> None:
    assert interval([0.1] * 7, 0.01) == (-math.inf, math.inf)
    assert interval([0.1] * 8, 0.01) == (0.1, 0.1)


@given(st.lists(st.floats(-10, 10), min_size=8, max_size=30))
def test_the_estimate_lies_in_its_interval_and_changes_sign_with_the_values(values: list[float]) -> None:
    low, high = interval(values, 0.01)
    assert low <= centre(values) <= high
    turned = interval([-value for value in values], 0.01)
    assert turned == pytest.approx((-high, -low))


@pytest.mark.parametrize("most", [12, 13, 20, 60, 120, 200])
def test_the_looks_together_spend_no_more_than_alpha(most: int) -> None:
    looks = plan_for(most).looks
    assert sum(share for _, share in looks) <= ALPHA * (1 + 1e-9)
    assert [count for count, _ in looks] == sorted({count for count, _ in looks})
    assert looks[0][0] >= FIRST_LOOK and looks[-1][0] == most
    assert interval([1.0] * looks[0][0], looks[0][1]) == (1.0, 1.0), "the first look could decide nothing"


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.9, Outcome.PASSED),
        (1.0, Outcome.PASSED),
        (1.02, Outcome.PASSED),
        (1.05, Outcome.FAILED),
        (1.2, Outcome.FAILED),
        (LIMIT, Outcome.INCONCLUSIVE),
    ],
)
def test_a_quiet_machine_gets_a_decision(ratio: float, expected: Outcome) -> None:
    """Wholly beyond the limit fails, wholly within passes, else it stays open."""
    found = decide(pairs(ratio, 0.003, 60), 0.001, LIMIT, plan_for(60))
    assert found.outcome is expected
    assert found.low <= ratio <= found.high
    assert found.low > LIMIT if expected is Outcome.FAILED else found.low <= LIMIT


def test_the_first_look_that_decides_stands() -> None:
    """Pairs after it, which would not have been measured, change nothing."""
    early = pairs(1.0, 0.002, FIRST_LOOK)
    late = early + pairs(1.3, 0.002, 48)
    assert decide(late, 0.0, LIMIT, plan_for(60)) == decide(early, 0.0, LIMIT, plan_for(60))


@pytest.mark.parametrize("count", [0, 1, FIRST_LOOK - 1])
def test_too_few_pairs_decide_nothing(count: int) -> None:
    """However far apart they are."""
    found = decide([Pair(1.0, 5.0)] * count, 0.0, LIMIT, plan_for(60))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert (found.low, found.high) == (0.0, math.inf)


def test_an_interval_is_never_narrower_than_the_floor() -> None:
    """Pairs that happen to agree to the last digit cannot tell less than what identical code differs by."""
    agreeing = [Pair(1.0, 1.02)] * 60
    assert decide(agreeing, 0.0, LIMIT, plan_for(60)).outcome is Outcome.PASSED
    noisy = decide(agreeing, math.log(1.05), LIMIT, plan_for(60))
    assert noisy.outcome is Outcome.INCONCLUSIVE
    assert noisy.low <= 1.02 / 1.0499 and noisy.high >= 1.02 * 1.0499
    assert noisy.floor == pytest.approx(1.05)


def test_the_floor_sees_a_side_that_is_favoured() -> None:
    """A/A pairs that all lean one way by 4 % put the floor there, however little they scatter."""
    assert noise_floor([Pair(1.0, 1.04)] * 10) == pytest.approx(math.log(1.04))
    assert noise_floor([]) == math.inf


def test_what_a_record_leaves_open_widens_the_interval() -> None:
    slower = pairs(1.05, 0.002, 60)
    assert decide(slower, 0.0, LIMIT, plan_for(60)).outcome is Outcome.FAILED
    assert decide(slower, 0.0, LIMIT, plan_for(60), math.log(1.25)).outcome is Outcome.INCONCLUSIVE
    much = pairs(1.4, 0.002, 60)
    assert decide(much, 0.0, LIMIT, plan_for(60), math.log(1.25)).outcome is Outcome.FAILED


def test_looking_often_does_not_raise_the_alarm_more_often() -> None:
    """At the limit itself either verdict is wrong: over 400 runs of all looks, no more than alpha allows."""
    wrong = sum(
        decide(pairs(LIMIT, 0.02, 60, seed), 0.0, LIMIT, plan_for(60)).outcome is not Outcome.INCONCLUSIVE
        for seed in range(400)
    )
    assert bounds(wrong, 400)[0] <= ALPHA


@pytest.mark.parametrize(
    ("count", "runs", "expected"),
    [(0, 300, (0.0, 0.012221)), (3, 300, (0.002067, 0.028945)), (300, 300, (0.987779, 1.0))],
)
def test_the_bounds_are_those_of_clopper_and_pearson(
    count: int, runs: int, expected: tuple[float, float]
) -> None:
    """(0, 300) and (300, 300) are 1 - 0.025**(1/300) from the end; the other from a published table."""
    assert bounds(count, runs) == pytest.approx(expected, abs=2e-6)
