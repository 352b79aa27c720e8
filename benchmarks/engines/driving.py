"""One engine's side: what its script gives, run for its speed or for its ledger.

A script of an engine gives two functions. `build(work)` readies one run (its time is `setup`) and returns
what is timed: a function that runs the engine and returns what the engine returned. `tell(work, result)`
says, untimed, what was done. For ledgers it gives a third: `save(work, result, folder)` writes the
engine's own export into a folder and returns the live object's ledger, read by tieout; `recorded` builds
a run that is saved, where it is built otherwise.

Run as `script BARS`, it answers every line of input with a timed run, in JSON, one line each. Run as
`script BARS --save FOLDER TERMS`, it runs once under these terms and saves.
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

from workload import Terms, Workload, read

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


Build = Callable[[Any], Callable[[], Any]]
Tell = Callable[[Any, Any], Did]
Save = Callable[[Any, Any, Path], Any]


def main(distribution: str, build: Build, tell: Tell, save: Save, recorded: Build | None = None) -> None:
    """What an engine's script does when it is run."""
    if "--save" in sys.argv:
        save_once(distribution, recorded or build, save, Path(sys.argv[1]), *sys.argv[-2:])
    else:
        serve(distribution, build, tell)


def save_once(distribution: str, build: Build, save: Save, bars: Path, folder: str, terms: str) -> None:
    """Run once; write the engine's export, and the ledger of its live object, into a folder."""
    work = read(bars, Terms(**json.loads(terms)))
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    os.dup2(2, 1)  # what libraries print goes to the error stream
    ledger = save(work, build(work)(), target)
    if ledger is not None:
        import reconcile

        reconcile.write_ledger(ledger, target / "live")
    (target / "made.json").write_text(json.dumps({"version": version(distribution)}) + "\n")


def serve(
    distribution: str,
    build: Build,
    tell: Tell,
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
        runs = [timed(build, tell, work)]
        while len(runs) < MANY and sum(run["seconds"] for run in runs) < ENOUGH:
            runs.append(timed(build, tell, work))
        runs.sort(key=lambda run: run["seconds"])
        print(json.dumps(runs[len(runs) // 2]), file=answers)


def timed(build: Build, tell: Tell, work: Any) -> dict[str, Any]:
    """One run: what it did, seconds, seconds of the processor, and of the set-up before it."""
    began = perf_counter()
    run = build(work)
    gc.collect()
    built, spent = perf_counter(), process_time()
    result = run()
    seconds, cpu = perf_counter() - built, process_time() - spent
    did = tell(work, result)
    times = {"seconds": seconds - did.loading, "cpu": cpu - did.loading_cpu, "setup": built - began}
    return {**asdict(did), **times}
