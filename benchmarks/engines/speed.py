"""How fast every engine is over the same bars: `make engines-speed`.

Makes an environment per engine (environments.py), writes the bars there once, and runs all engines in turn,
each in a process of its own that stays up. Medians and spreads, fills and final equity are printed as a
table and kept in `speed.json` beside the environments. Sizes and engines not asked for keep what they had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from engines import ENGINES, OURS, Engine
from environments import ROOT, environment
from speed_table import page
from worker import Worker, WorkerError
from workload import bars_file, digest, read

HERE = Path(__file__).parent
RESULTS = ROOT / "speed.json"
SIZES = ("500x252", "500x2520")


def main() -> None:
    asked = arguments()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"sizes": {}}
    chosen = [engine for engine in ENGINES if not asked.only or engine.name.split()[0] in asked.only]
    pythons = {engine.name: environment(engine.home, engine.python) for engine in chosen}
    if asked.install:
        return
    for size in asked.sizes:
        before = results["sizes"].get(size, {}).get("engines", {})
        measured = measure(size, chosen, pythons, asked)
        known = {engine.name for engine in ENGINES}
        kept = {name: row for name, row in before.items() if name in known}
        measured["engines"] = {**kept, **measured["engines"]}
        results["sizes"][size] = measured
        results["ours"] = OURS
        save(RESULTS, json.dumps(results, indent=1) + "\n")
    print(page(results))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every engine over the same bars.")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="SxT", help="symbols x bars")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="first words of the engines to run")
    parser.add_argument("--rounds", type=int, default=5, help="runs an engine at most")
    parser.add_argument(
        "--budget", type=float, default=20.0, help="seconds an engine after which it runs no more"
    )
    parser.add_argument("--limit", type=float, default=300.0, help="seconds after which a run is given up")
    parser.add_argument("--quiet", type=float, default=0.7, help="load average to wait for before a size")
    parser.add_argument("--wait", type=float, default=0.0, help="minutes to wait for it at most")
    parser.add_argument("--install", action="store_true", help="only make the environments")
    return parser.parse_args()


def measure(
    size: str, engines: list[Engine], pythons: dict[str, Path | str], asked: argparse.Namespace
) -> dict[str, Any]:
    """All engines in turn, round after round: what a slow minute costs, it costs them all."""
    symbols, bars = (int(number) for number in size.split("x"))
    path = bars_file(ROOT / "bars", symbols, bars)
    print(f"{size}: {digest(read(path))}", file=sys.stderr)
    waited_for(asked.quiet, asked.wait)
    load = os.getloadavg()
    rows: dict[str, dict[str, Any]] = {}
    workers: dict[str, Worker] = {}
    for engine in engines:
        python = pythons[engine.name]
        try:
            if isinstance(python, str):
                raise WorkerError(python)
            workers[engine.name] = Worker(
                [python, HERE / engine.script, path, *engine.arguments], asked.limit
            )
            rows[engine.name] = {**workers[engine.name].ready, "runs": []}
        except WorkerError as error:
            rows[engine.name] = {"failed": str(error)}
    for _ in range(asked.rounds):
        for name, worker in list(workers.items()):
            runs = rows[name]["runs"]
            if sum(run["seconds"] for run in runs) >= asked.budget:
                continue
            try:
                runs.append(worker.run())
                print(f"{size} {name}: {runs[-1]}", file=sys.stderr)
            except WorkerError as error:
                rows[name]["failed"] = str(error)
                workers.pop(name).close()
    for worker in workers.values():
        worker.close()
    exact(rows)
    return {
        "events": symbols * bars,
        "bars": digest(read(path)),
        "machine": machine(),
        "date": date.today().isoformat(),
        "load": [round(load[0], 2), round(os.getloadavg()[0], 2)],
        "engines": {name: summary(row, symbols * bars) for name, row in rows.items()},
    }


def exact(rows: dict[str, dict[str, Any]]) -> None:
    """Engine and reference wrote the same ledger, or there is nothing to measure."""
    for name, row in rows.items():
        other = rows.get(name.replace("engine", "reference"), {})
        if row.get("runs") and other.get("runs"):
            mine, theirs = ({run["digest"] for run in one["runs"]} for one in (row, other))
            if mine != theirs or len(mine) != 1:
                sys.exit(f"{name}: its ledger is not the reference's; nothing was saved")


def summary(row: dict[str, Any], events: int) -> dict[str, Any]:
    """Median and spread of the runs, in events a second and in seconds; what was done, once for all runs."""
    runs = row.get("runs")
    if not runs:
        return {"failed": row["failed"]}
    seconds = [run["seconds"] for run in runs]
    done = {(run["fills"], run["equity"]) for run in runs}
    return {
        "version": row["version"],
        "runs": len(runs),
        "events_per_second": events / median(seconds),
        "seconds": {"median": median(seconds), "least": min(seconds), "most": max(seconds)},
        "cpu_seconds": median(run["cpu"] for run in runs),
        "apart": {
            "reading the file": row["load"],
            "starting and compiling": row["start"],
            "setting up a run": median(run["setup"] + run["loading"] for run in runs),
        },
        "fills": runs[0]["fills"],
        "final_equity": runs[0]["equity"],
        **({"digest": runs[0]["digest"]} if runs[0]["digest"] else {}),
        **({} if len(done) == 1 else {"differs_between_runs": sorted(done)}),
        **({"failed": row["failed"]} if "failed" in row else {}),
    }


def waited_for(load: float, minutes: float) -> None:
    """Sleep until the machine is quiet, or the wait is over."""
    end = time.monotonic() + 60 * minutes
    while os.getloadavg()[0] > load and time.monotonic() < end:
        time.sleep(15)


def machine() -> dict[str, Any]:
    """What ran it."""
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    cpu = models[0] if models else platform.processor()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def save(path: Path, text: str) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(text)
    part.replace(path)


if __name__ == "__main__":
    main()
