"""Pairs of timings: two fresh processes side by side, run in turns, the fastest run of each.

A turn lasts some hundredths of a second, and the processes alternate, so that a disturbance of the machine
meets both alike. The fastest of many runs is the one that was disturbed least. On a busy machine even that
run has waited for its core. A run that only computes is therefore measured in time on the core, any other run
by the wall clock.
"""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

from reconcile.gating.model import Pair, Settings
from reconcile.gating.trees import Tree
from vocabulary.errors import InputError

TURN = 0.02
"""Seconds of work in one turn of a process. A turn has at least one run."""
TURNS = 24
"""Number of turns of each process in one pair."""
AT_MOST = 4.0
"""Seconds of work for each process in one pair when a single run is long."""


def pairs_of(
    settings: Settings, base: Tree, head: Tree, digests: tuple[str, str]
) -> Generator[Pair, None, None]:
    """Pairs without end. In every second pair head is started first.

    digests: those of the ledgers that base and head must give. Raises InputError for a run that gives
    another.
    """
    flipped = False
    while True:
        trees = (head, base) if flipped else (base, head)
        with start_workers(settings, settings.agreement.value, *trees) as started:
            first, second = started
            pair = _measure_pair(*((second, first) if flipped else (first, second)), digests, flipped)
        yield pair
        flipped = not flipped


def against_reference(settings: Settings, head: Tree, digest: str) -> Generator[Pair, None, None]:
    """Pairs without end of the reference (as `base`) and the engine (as `head`), each in a process."""
    while True:
        with start_workers(settings, settings.agreement.value, head, head) as (one, other):
            fastest = FastestRuns()
            fastest.add_turn(0, one, "vouch 1", digest)
            for _ in range(2):
                fastest.add_turn(1, other, "run 12", digest)
                fastest.add_turn(0, one, "vouch 1", digest)
                fastest.add_turn(1, other, "run 12", digest)
        yield fastest.pair()


class FastestRuns:
    """The fastest run so far of base (0) and of head (1), by the wall clock and by time on the core."""

    def __init__(self) -> None:
        self.wall_times = [math.inf, math.inf]
        self.core_times = [math.inf, math.inf]

    def add_turn(self, side: int, worker: TimedWorker, request: str, digest: str) -> float:
        """Let a side do one turn and return the wall-clock seconds of its fastest run.

        digest: that of the ledger which every run must give. Raises InputError for another.
        """
        answer = worker.ask(request)
        if answer["ledger"] != digest:
            raise InputError(
                f"timing {worker.name}",
                f"a ledger with the digest {answer['ledger'][:16]}",
                f"{digest[:16]}, as when it was checked",
                "Its runs do not agree with each other: reconcile run --twice shows where.",
            )
        wall = float(answer["wall"])
        self.wall_times[side] = min(self.wall_times[side], wall)
        if answer["cpu"] is not None:
            self.core_times[side] = min(self.core_times[side], float(answer["cpu"]))
        return wall

    def pair(self) -> Pair:
        """Times on the core if both sides only compute, else times by the wall clock."""
        computed = all(map(math.isfinite, self.core_times))
        return Pair(*(self.core_times if computed else self.wall_times))


def _measure_pair(base: TimedWorker, head: TimedWorker, digests: tuple[str, str], flipped: bool) -> Pair:
    sides = (base, head)
    fastest = FastestRuns()
    longest = max(*(fastest.add_turn(side, sides[side], "run 1", digests[side]) for side in (0, 1)), 1e-6)
    runs = max(1, round(TURN / longest))
    turns = max(2, min(TURNS, round(AT_MOST / (runs * longest))))
    for turn in range(turns):
        for side in (0, 1) if (turn % 2 == 0) != flipped else (1, 0):
            fastest.add_turn(side, sides[side], f"run {runs}", digests[side])
    return fastest.pair()


PATIENCE = 900.0
"""Seconds that a worker may live. The longest of its tasks is to compile on a busy machine."""
WORKER = Path(__file__).with_name("worker.py")


class TimedWorker:
    """A worker process (reconcile.gating.worker) as seen from the gate. Its answers are dictionaries."""

    def __init__(self, tree: Tree, settings: Settings, agreement: str) -> None:
        job = {
            "candidate": settings.candidate,
            "scenario": settings.scenario,
            "agreement": agreement,
            "paths": tree.paths,
        }
        self.name = tree.name
        self.events = 0
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), json.dumps(job)],
            cwd=tree.root,
            env=dict(tree.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self.clock = threading.Timer(PATIENCE, self.process.kill)
        self.clock.daemon = True
        self.clock.start()

    def ask(self, request: str) -> dict[str, Any]:
        """Send one request and return its answer. Raises InputError."""
        with contextlib.suppress(BrokenPipeError):  # the answer, or its absence, says why
            _require_pipe(self.process.stdin).write(request + "\n")
            _require_pipe(self.process.stdin).flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer. Raises InputError when there is none, or when the worker reports an error."""
        line = _require_pipe(self.process.stdout).readline()
        found = json.loads(line) if line.startswith("{") else {}
        if not found:
            code = self.process.wait()
            found = {"trouble": f"the process ended with exit code {code} and no answer"}
        if "trouble" in found:
            remedy = "Run it there yourself: reconcile run, with the same scenario."
            raise InputError(f"timing {self.name}", found["trouble"], "a run that ends", remedy)
        return dict(found)

    def end(self) -> None:
        """Kill the process and close its pipes."""
        self.clock.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                _require_pipe(pipe).close()


@contextlib.contextmanager
def start_workers(settings: Settings, agreement: str, *trees: Tree) -> Iterator[tuple[TimedWorker, ...]]:
    """One fresh worker for each tree, loaded and idle. They are ended on leaving.

    Raises InputError when a worker does not start, or when that of a copied tree runs code from elsewhere.
    """
    started: list[TimedWorker] = []
    try:
        started.extend(TimedWorker(tree, settings, agreement) for tree in trees)
        for worker, tree in zip(started, trees, strict=True):
            worker.events = _check_origin(worker.answer(), tree)
        yield tuple(started)
    finally:
        for worker in started:
            worker.end()


def _check_origin(loaded: dict[str, Any], tree: Tree) -> int:
    """The number of events in a run. Raises InputError when a copied tree runs code that is not its own.

    Otherwise both sides might run the same code, and no difference could ever be found.
    """
    place = Path(loaded["engine"])
    if tree.copied and not place.is_relative_to(tree.root.resolve()):
        raise InputError(
            f"timing {tree.name}",
            f"an engine imported from {place.parent}",
            "one from the project's own files",
            "Name its folders in [tool.reconcile.gate] paths, relative to pyproject.toml.",
        )
    return int(loaded["events"])


def _require_pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
