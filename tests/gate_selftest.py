"""The gate tested on itself: how often its decision is wrong, from recorded pairs of timings.

    python tests/gate_selftest.py [FILE] [--runs 2000]

FILE (default: tests/gate_pairs.json) holds pairs measured by `benchmarks/record_pairs.py`: identical code,
and code with slowdowns planted in the engine's source, by what else the machine was at. Each run of the
decision draws its A/A pairs and its pairs from those, in blocks, so that what lasted over several pairs still
does; each count comes with a 95 % bound (Clopper and Pearson). The bound is of the drawing: runs share
recorded pairs, so it says nothing of machines and hours that were not recorded. Nothing is timed here.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconcile.gating.model import Outcome, Pair
from reconcile.gating.sequential_test import AA_PAIRS, decide, noise_floor, plan_for

BLOCK = 4
"""Consecutive pairs that are drawn together."""
ALIKE_NAME = "1.00"
LIMIT = 1.035


@dataclass(frozen=True, slots=True)
class Score:
    """What runs of the decision came to. slowdown: planted, a ratio of times. pairs: the mean number used."""

    slowdown: float
    outcomes: Mapping[Outcome, int]
    runs: int
    pairs: float


def read_worlds(file: Path) -> dict[str, dict[str, list[Pair]]]:
    """The recorded pairs by what the machine was at, then by planted slowdown ("1.00" is none)."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return {
        world: {name: [Pair(*pair) for pair in pairs] for name, pairs in recorded["pairs"].items()}
        for world, recorded in content["worlds"].items()
    }


def score(
    alike: Sequence[Pair], pairs: Sequence[Pair], slowdown: float, runs: int, most: int, seed: int = 1
) -> Score:
    """Runs of the decision on pairs drawn from recorded ones; alike: those of identical code."""
    draw = random.Random(seed)
    outcomes: Counter[Outcome] = Counter()
    used = 0
    plan = plan_for(most)
    for _ in range(runs):
        floor = noise_floor(blocks(draw, alike, AA_PAIRS))
        decision = decide(blocks(draw, pairs, most), floor, LIMIT, plan)
        outcomes[decision.outcome] += 1
        used += decision.pairs
    return Score(slowdown, outcomes, runs, used / runs)


def blocks(draw: random.Random, pairs: Sequence[Pair], count: int) -> list[Pair]:
    """So many pairs, in runs of BLOCK from random places (the last is followed by the first).

    Sides are swapped neither here nor anywhere: the recorded order of base and head stands.
    """
    out: list[Pair] = []
    while len(out) < count:
        start = draw.randrange(len(pairs))
        out += [pairs[(start + k) % len(pairs)] for k in range(BLOCK)]
    return out[:count]


def slowed(pairs: Sequence[Pair], ratio: float) -> list[Pair]:
    """The pairs as they would be, had head taken so much longer."""
    return [Pair(pair.base, pair.head * ratio) for pair in pairs]


def bounds(successes: int, runs: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact two-sided bounds of a chance, from a count."""
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: 1 - _at_most(successes - 1, runs, p), tail)
    high = 1.0 if successes == runs else 1 - _solve(lambda p: _at_most(successes, runs, 1 - p), tail)
    return low, high


def page(recorded: Mapping[str, Sequence[Pair]], runs: int, most: int) -> str:
    """A line a slowdown: how often the decision failed, passed, and stayed open, with bounds."""
    alike = recorded[ALIKE_NAME]
    width = 26
    lines = [f"{'slowdown':<22}" + "".join(f"{o.value:<{width}}" for o in _SHOWN) + "pairs"]
    for label, slowdown, pairs in _worlds(recorded):
        found = score(alike, pairs, slowdown, runs, most)
        cells = "".join(f"{_cell(found.outcomes[outcome], runs):<{width}}" for outcome in _SHOWN)
        lines.append(f"{label:<22}{cells}{found.pairs:.0f}")
    said = f"{runs:,} runs each, at most {most} pairs; in brackets: 95 % bounds of the chance; limit {LIMIT}"
    return "\n".join([*lines, said])


_SHOWN = (Outcome.FAILED, Outcome.PASSED, Outcome.INCONCLUSIVE)


def _worlds(recorded: Mapping[str, Sequence[Pair]]) -> list[tuple[str, float, Sequence[Pair]]]:
    """What is scored: the pairs as recorded, then identical code's with a slowdown multiplied in."""
    out: list[tuple[str, float, Sequence[Pair]]] = []
    for name, pairs in recorded.items():
        label = "none" if name == ALIKE_NAME else f"{(float(name) - 1) * 100:.0f} %, planted"
        out.append((label, float(name), pairs))
    for ratio in (1.02, LIMIT, 1.05, 1.1):
        out.append((f"{(ratio - 1) * 100:.1f} %, multiplied", ratio, slowed(recorded[ALIKE_NAME], ratio)))
    return out


def _cell(count: int, runs: int) -> str:
    low, high = bounds(count, runs)
    return f"{count:,} ({low:.2%} to {high:.2%})"


def _at_most(count: int, runs: int, chance: float) -> float:
    """P(X <= count) of a binomial X."""
    if chance <= 0:
        return 1.0
    if chance >= 1:
        return 1.0 if count >= runs else 0.0
    logs = (
        math.lgamma(runs + 1)
        - math.lgamma(k + 1)
        - math.lgamma(runs - k + 1)
        + k * math.log(chance)
        + (runs - k) * math.log1p(-chance)
        for k in range(count + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Where a rising function of [0, 1] reaches the target, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).with_name("gate_pairs.json"))
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=24, help="the most pairs that a budget has room for")
    given = parser.parse_args()
    for world, recorded in read_worlds(given.file).items():
        print(f"{world}: {len(recorded[ALIKE_NAME])} pairs of each recorded")
        print(page(recorded, given.runs, given.pairs) + "\n")


if __name__ == "__main__":
    main()
