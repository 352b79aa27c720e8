"""One engine's side of the measurement: read the bars, warm up, then run once for every line of input.

An engine's script gives `build(work)`, which readies one run (its time is `setup`) and returns what is
timed; that returns a function which tells, untimed, what was done. Answers are JSON, one line each.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from workload import Workload, read

WARM_UP = 24  # bars
MANY, ENOUGH = 25, 0.25
"""A run shorter than that many seconds is repeated, so many times at most, and the median is told: the first
after a rest finds its caches cold."""


@dataclass(frozen=True)
class Did:
    """What a run did. loading: seconds of it, and of the processor, that only brought in the bars."""

    fills: int
    equity: float
    loading: float = 0.0
    loading_cpu: float = 0.0
    digest: str = ""


Build = Callable[[Any], Callable[[], Callable[[], Did]]]


def serve(
    distribution: str,
    build: Build,
    load: Callable[[Path], Any] = read,
    head: Callable[[Any, int], Any] = Workload.head,
) -> None:
    """Answer until the input ends. What libraries print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    began = perf_counter()
    work = load(Path(sys.argv[1]))
    loaded = perf_counter()
    build(head(work, WARM_UP))()
    ready = {"load": loaded - began, "start": perf_counter() - loaded, "version": version(distribution)}
    print(json.dumps(ready), file=answers)
    for _ in sys.stdin:
        runs = [timed(build, work)]
        while len(runs) < MANY and sum(run["seconds"] for run in runs) < ENOUGH:
            runs.append(timed(build, work))
        runs.sort(key=lambda run: run["seconds"])
        print(json.dumps(runs[len(runs) // 2]), file=answers)


def timed(build: Build, work: Any) -> dict[str, Any]:
    """One run: what it did, seconds, seconds of the processor, and of the set-up before it."""
    began = perf_counter()
    run = build(work)
    gc.collect()
    built, spent = perf_counter(), process_time()
    tell = run()
    seconds, cpu = perf_counter() - built, process_time() - spent
    did = tell()
    times = {"seconds": seconds - did.loading, "cpu": cpu - did.loading_cpu, "setup": built - began}
    return {**asdict(did), **times}
