"""Times taken side by side: what a slow second costs, it costs all that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """How many times faster one is than another: of the medians, and the quartiles of the rounds' ratios."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"


def interleaved(
    jobs: Mapping[str, Callable[[], Any]], rounds: int, again: Mapping[str, int] | None = None
) -> dict[str, list[float]]:
    """Seconds of each job in each round; all jobs take their turn in every round.

    again: how often a short job is run in its turn, for the median: the first finds its caches cold.
    """
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            seconds[name].append(median(_once(job) for _ in range((again or {}).get(name, 1))))
    return seconds


def _once(job: Callable[[], Any]) -> float:
    began = perf_counter()
    result = job()
    seconds = perf_counter() - began
    del result  # untimed
    return seconds


def ratio(slow: list[float], fast: list[float]) -> Ratio:
    """slow / fast, of rounds that belong together."""
    each = [one / other for one, other in zip(slow, fast, strict=True)]
    low, _, high = quantiles(each, n=4) if len(each) > 1 else (each[0],) * 3
    return Ratio(median(slow) / median(fast), low, high)


def figure(value: float) -> str:
    """Three digits or so, as they are read: 0.873, 12.4, 1,240."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def rate(per_second: float) -> str:
    return f"{figure(per_second / 1e6)} M/s" if per_second >= 1e6 else f"{figure(per_second / 1e3)} k/s"
