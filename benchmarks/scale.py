"""Campaigns on one process and two, and diffs on disk: rows of docs/scale.md that a busy machine distorts.

    python benchmarks/scale.py [--datacompy]

1. 300 diffs of small ledgers on one worker process and on two, in turn, three times: time, scaling, and what
   a job costs beside the time that it takes itself.
2. `diff --memory` of two tables of 5 million fills each, of which 0, 1 and 100 % differ, three times.
   With --datacompy (pip install 'tieout[diff]') also its Polars comparison of a million rows, beside ours.

It took three minutes on two cores at a load of 4. Printed: the load of the machine before, and rows of a
table, medians with the least and the most.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from campaign_jobs import make_jobs, timed
from diff_larger_than_memory import OURS, THEIRS, make, measured

SHARES = {"none": 0.0, "1 %": 0.01, "every row": 1.0}


def shown(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g})"


def jobs_rows(folder: Path, count: int, rounds: int) -> None:
    """One worker and two, in turn."""
    make_jobs(folder, count)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    beside: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in (1, 2):
            found: dict[str, Any] = timed(folder, workers)
            own = sum(job["seconds"] for job in found["jobs"])
            seconds[workers].append(found["seconds"])
            beside[workers].append(1000 * (found["seconds"] * workers - own) / count)
    print("\n| campaign of small diffs | one process | two processes |\n| --- | --- | --- |")
    print(f"| {count} jobs | {shown(seconds[1], 's')} | {shown(seconds[2], 's')} |")
    print(f"| beside a job's own time | {shown(beside[1], 'ms')} | {shown(beside[2], 'ms')} |")
    ratio = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    print(f"| times as fast | 1 | {shown(ratio, '')} |", flush=True)


def diff_rows(
    folder: Path, rows: int, rounds: int, programs: dict[str, Callable[..., dict[str, float]]]
) -> None:
    """Each share of differing rows and each program, in turn."""
    make(folder / "left", rows, 0.0)
    for name, share in SHARES.items():
        make(folder / name, rows, share)
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in SHARES:
            for program, run in programs.items():
                told = run(str(folder / "left"), str(folder / name))
                runs.setdefault((name, program), []).append(told)
    print(f"\n| {rows:,} rows a side | differ | seconds | of a processor | peak memory | breaks |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (name, program), found in runs.items():
        seconds, cpu = ([one[key] for one in found] for key in ("seconds", "cpu"))
        peak = max(one["peak"] for one in found) / 1e9
        print(
            f"| {program} | {name} | {shown(seconds, 's')} | {shown(cpu, 's')} | {peak:.2f} GB"
            f" | {found[0]['breaks']:,.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--datacompy", action="store_true")
    options = parser.parse_args()
    print(f"load before: {', '.join(f'{load:.2f}' for load in os.getloadavg())}", flush=True)

    def ours(left: str, right: str) -> dict[str, float]:
        return measured(OURS, left, right, "2GB")

    def theirs(left: str, right: str) -> dict[str, float]:
        return measured(THEIRS, left, right)

    with tempfile.TemporaryDirectory() as name:
        jobs_rows(Path(name) / "jobs", options.jobs, options.rounds)
        diff_rows(Path(name) / "diff", options.rows, options.rounds, {"reconcile diff --memory 2GB": ours})
        if options.datacompy:
            both = {"reconcile diff --memory 2GB": ours, "datacompy on Polars": theirs}
            diff_rows(Path(name) / "both", min(options.rows, 1_000_000), 1, both)


if __name__ == "__main__":
    main()
