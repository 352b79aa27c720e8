"""Many small jobs: what one costs beside its own time, one worker and two, and a cluster that is shot at.

    python benchmarks/campaign_jobs.py --jobs 2000

1. The jobs on one process and on two: wall time, and what a job costs beside the time that it takes itself.
2. The same jobs on a dask scheduler with two worker processes, of which one is killed every few seconds; the
   campaign itself is killed, too, and started again until it ends. Its matrix has to be that of one process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

HAND = Path(__file__).resolve().parent.parent / "tests" / "golden" / "hand"
PLAN = '[[pairs]]\nreference = "old/*"\ncandidate = "new/*"\n'
YOUNG = 8.0
"""Seconds that a worker is given to start before it is shot at."""
UNLIKE = ("seconds", "kept", "ran", "workers")


def make_jobs(folder: Path, count: int) -> None:
    """Pairs of small ledgers; of every third pair the candidate has another commission or lacks a fill."""
    cases = sorted(path for path in HAND.iterdir() if (path / "expected" / "fills.csv").exists())
    for number in range(count):
        source = cases[number % len(cases)] / "expected"
        for side in ("old", "new"):
            shutil.copytree(source, folder / side / f"{number:05}")
        if number % 3 == 0:
            spoil(folder / "new" / f"{number:05}" / "fills.csv", number)
    (folder / "plan.toml").write_text(PLAN)


def spoil(path: Path, number: int) -> None:
    head, *rows = path.read_text().splitlines()
    if not rows:
        return
    if number % 2:
        rows = rows[1:]
    else:
        cells, names = rows[0].split(","), head.split(",")
        cells[names.index("commission")] = f"{number + 1}.0000"
        rows[0] = ",".join(cells)
    path.write_text("\n".join([head, *rows]) + "\n")


def campaign(folder: Path, keep: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reconcile", "campaign", str(folder / "plan.toml"), "--json"]
    with open(folder / f"{keep}.json", "wb") as out:
        return subprocess.Popen(
            [*command, "--keep", str(folder / keep), *options], stdout=out, stderr=subprocess.DEVNULL
        )


def matrix(folder: Path, keep: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{keep}.json").read_text())
    return found


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    jobs = [{key: job[key] for key in job if key not in UNLIKE} for job in found["jobs"]]
    return {**{key: found[key] for key in found if key not in UNLIKE}, "jobs": jobs}


def timed(folder: Path, workers: int) -> dict[str, Any]:
    keep = f"w{workers}"
    shutil.rmtree(folder / keep, ignore_errors=True)
    code = campaign(folder, keep, "--workers", str(workers), "--fresh").wait()
    found = matrix(folder, keep)
    own = sum(job["seconds"] for job in found["jobs"])
    count = len(found["jobs"])
    beside = (found["seconds"] * workers - own) / count
    print(
        f"{workers} process(es): {found['seconds']:.1f} s for {count:,} jobs, exit code {code};"
        f" a job takes {own / count * 1000:.1f} ms and {beside * 1000:.1f} ms beside it",
        flush=True,
    )
    return found


def outcomes(folder: Path, keep: str) -> int:
    return sum(1 for _ in (folder / keep).glob("*/*.json"))


def at_work(nanny: int) -> list[int]:
    """The worker of a nanny, once it has been up for a while; one that only starts is left alone."""
    found = []
    for one in psutil.Process(nanny).children():
        try:
            if "spawn_main" in " ".join(one.cmdline()) and time.time() - one.create_time() > YOUNG:
                found.append(one.pid)
        except psutil.Error:
            continue
    return found


def shot_at(folder: Path, seed: int, every: float) -> dict[str, Any]:
    """The campaign on a cluster whose workers are killed, and which is itself killed twice."""
    chance = random.Random(seed)
    ready = folder / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [*dask, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(ready)],
        **quiet,
    )
    while not ready.exists():
        time.sleep(0.1)
    address = json.loads(ready.read_text())["address"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]

    def start_worker() -> subprocess.Popen[bytes]:
        return subprocess.Popen([*worker, "--no-dashboard"], **quiet)

    nannies = [start_worker() for _ in range(2)]
    shots = kills = twice = 0
    before: list[int] = []
    try:
        while True:
            start = outcomes(folder, "dask")
            running = campaign(folder, "dask", "--scheduler", address)
            enough = start + chance.randint(200, 700)
            while running.poll() is None:
                time.sleep(every * (0.5 + chance.random()))
                nannies = [one if one.poll() is None else start_worker() for one in nannies]
                workers = [one for nanny in nannies for one in at_work(nanny.pid)]
                if workers:
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    shots += 1
                if kills < 2 and outcomes(folder, "dask") > enough and running.poll() is None:
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                    kills += 1
                    break
            before.append(start)
            if running.returncode != -signal.SIGKILL:
                break
    finally:
        for process in (*nannies, scheduler):
            process.terminate()
            process.wait()
    found = matrix(folder, "dask")
    twice = found["ran"] + before[-1] - len(found["jobs"])
    print(
        f"dask: {shots} workers and {kills} campaigns killed; outcomes kept at each start: {before};"
        f" the last start ran {found['ran']:,} and kept {found['kept']:,} ({twice} run twice)",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two shots")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_jobs(folder, options.jobs)
        for _ in range(options.rounds):
            one, _two = timed(folder, 1), timed(folder, 2)
        same = comparable(shot_at(folder, options.seed, options.every)) == comparable(one)
        print(f"the matrix is that of one process: {same}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
