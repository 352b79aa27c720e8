"""The gate's decision on pairs of timings that were measured: how often it is wrong, with bounds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from gate_selftest import ALIKE_NAME, Score, bounds, read_worlds, score, slowed
from reconcile.gating.model import Outcome, Pair

RUNS = 400
MOST = 24
"""Pairs that the default budget has room for."""
WORLDS = read_worlds(Path(__file__).with_name("gate_pairs.json"))
FALSE_ALARM = 0.01


@cache
def scored(world: str, name: str) -> Score:
    """RUNS of the decision on the pairs recorded under a name."""
    recorded = WORLDS[world]
    return score(recorded[ALIKE_NAME], recorded[name], float(name), RUNS, MOST)


def test_enough_was_recorded() -> None:
    """Several hundred pairs of fresh processes, identical code among them."""
    assert "quiet" in WORLDS
    for recorded in WORLDS.values():
        assert set(recorded) == {"1.00", "1.02", "1.05", "1.10"}
        assert min(map(len, recorded.values())) >= 30
        assert all(
            0 < pair.base < 1e6 and 0 < pair.head < 1e6 for pairs in recorded.values() for pair in pairs
        )


@pytest.mark.parametrize("world", WORLDS)
def test_identical_code_fails_in_under_one_percent(world: str) -> None:
    """400 runs; at this count 0 failures bound the chance at 0.92 %, 95 % sure."""
    found = scored(world, "1.00")
    assert bounds(found.outcomes[Outcome.FAILED], RUNS)[1] < FALSE_ALARM
    assert found.outcomes[Outcome.PASSED] > RUNS / 2, "a gate that never passes tells nothing"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", ["1.05", "1.10"])
def test_a_planted_slowdown_never_passes_and_mostly_fails(world: str, name: str) -> None:
    """5 % and 10 %, beyond the limit of 3.5 %."""
    found = scored(world, name)
    assert found.outcomes[Outcome.PASSED] == 0
    assert bounds(found.outcomes[Outcome.FAILED], RUNS)[0] > 0.5


@pytest.mark.parametrize("world", WORLDS)
def test_a_slowdown_within_the_limit_is_no_failure(world: str) -> None:
    """2 %: called one by no more than the false-alarm rate."""
    assert bounds(scored(world, "1.02").outcomes[Outcome.FAILED], RUNS)[1] < FALSE_ALARM


def test_the_test_can_fail() -> None:
    """A slowdown of a fifth passed off as identical code is a false alarm on every run."""
    recorded = WORLDS["quiet"]
    found = score(recorded[ALIKE_NAME], slowed(recorded[ALIKE_NAME], 1.2), 1.0, 50, MOST)
    assert found.outcomes[Outcome.FAILED] == 50
    one_sided = [Pair(1.0, 1.05)] * 40
    assert score(one_sided, one_sided, 1.0, 20, MOST).outcomes[Outcome.FAILED] == 0, "the floor was left out"
