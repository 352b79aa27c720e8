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
"""Seconds of work in one turn of a process, at least one run."""
TURNS = 24
"""Turns of each process in one pair."""
AT_MOST = 4.0
"""Seconds of work for each process in one pair, where single runs are long."""


def pairs_of(
    settings: Settings, base: Tree, head: Tree, digests: tuple[str, str]
) -> Generator[Pair, None, None]:
    """Pairs without end, every other one with head started first.

    digests: of the ledgers that base and head must give. Raises InputError where a run gives another.
    """
    flipped = False
    while True:
        trees = (head, base) if flipped else (base, head)
        with children(settings, settings.agreement.value, *trees) as started:
            first, second = started
            pair = _measured(*((second, first) if flipped else (first, second)), digests, flipped)
        yield pair
        flipped = not flipped


def against_reference(settings: Settings, head: Tree, digest: str) -> Generator[Pair, None, None]:
    """Pairs without end of the reference (as `base`) and the engine (as `head`), each in its own process."""
    while True:
        with children(settings, settings.agreement.value, head, head) as (one, other):
            tally = FastestRuns()
            tally.take(0, one, "vouch 1", digest)
            for _ in range(2):
                tally.take(1, other, "run 12", digest)
                tally.take(0, one, "vouch 1", digest)
                tally.take(1, other, "run 12", digest)
        yield tally.pair()


class FastestRuns:
    """The quickest of base (0) and head (1) so far, by both clocks."""

    def __init__(self) -> None:
        self.walls = [math.inf, math.inf]
        self.cores = [math.inf, math.inf]

    def take(self, side: int, child: TimedWorker, request: str, digest: str) -> float:
        """One turn of a side; its quickest run by the wall clock. Only a run whose digest is right counts."""
        answer = child.ask(request)
        if answer["ledger"] != digest:
            raise InputError(
                f"timing {child.name}",
                f"a ledger with the digest {answer['ledger'][:16]}",
                f"{digest[:16]}, as when it was checked",
                "Its runs do not agree with each other: reconcile run --twice shows where.",
            )
        wall = float(answer["wall"])
        self.walls[side] = min(self.walls[side], wall)
        if answer["cpu"] is not None:
            self.cores[side] = min(self.cores[side], float(answer["cpu"]))
        return wall

    def pair(self) -> Pair:
        """Time on the core where both sides only compute; else time by the clock, which nothing escapes."""
        computed = all(map(math.isfinite, self.cores))
        return Pair(*(self.cores if computed else self.walls))


def _measured(base: TimedWorker, head: TimedWorker, digests: tuple[str, str], flipped: bool) -> Pair:
    sides = (base, head)
    tally = FastestRuns()
    longest = max(*(tally.take(side, sides[side], "run 1", digests[side]) for side in (0, 1)), 1e-6)
    runs = max(1, round(TURN / longest))
    turns = max(2, min(TURNS, round(AT_MOST / (runs * longest))))
    for turn in range(turns):
        for side in (0, 1) if (turn % 2 == 0) != flipped else (1, 0):
            tally.take(side, sides[side], f"run {runs}", digests[side])
    return tally.pair()


PATIENCE = 900.0
"""Seconds that a worker may live; a compile on a busy machine is the longest thing it does."""
WORKER = Path(__file__).with_name("worker.py")


class TimedWorker:
    """One worker process; its answers are dictionaries."""

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
        """Send one request and wait for its answer. Raises InputError."""
        with contextlib.suppress(BrokenPipeError):  # then the answer below tells why
            _open(self.process.stdin).write(request + "\n")
            _open(self.process.stdin).flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer. Raises InputError where there is none, or it tells of trouble."""
        line = _open(self.process.stdout).readline()
        found = json.loads(line) if line.startswith("{") else {}
        if not found:
            code = self.process.wait()
            found = {"trouble": f"the process ended with exit code {code} and no answer"}
        if "trouble" in found:
            remedy = "Run it there yourself: reconcile run, with the same scenario."
            raise InputError(f"timing {self.name}", found["trouble"], "a run that ends", remedy)
        return dict(found)

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        self.clock.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                _open(pipe).close()


@contextlib.contextmanager
def children(settings: Settings, agreement: str, *trees: Tree) -> Iterator[tuple[TimedWorker, ...]]:
    """One fresh worker for each tree, loaded and idle; ended afterwards.

    Raises InputError where a worker does not start, or a copied tree's runs code that is not its own.
    """
    started: list[TimedWorker] = []
    try:
        started.extend(TimedWorker(tree, settings, agreement) for tree in trees)
        for child, tree in zip(started, trees, strict=True):
            child.events = _own(child.answer(), tree)
        yield tuple(started)
    finally:
        for child in started:
            child.end()


def _own(loaded: dict[str, Any], tree: Tree) -> int:
    """The events of a run. Both sides running one code would tie forever: a copy must run its own."""
    place = Path(loaded["engine"])
    if tree.copied and not place.is_relative_to(tree.root.resolve()):
        raise InputError(
            f"timing {tree.name}",
            f"an engine imported from {place.parent}",
            "one from the project's own files",
            "Name its folders in [tool.reconcile.gate] paths, relative to pyproject.toml.",
        )
    return int(loaded["events"])


def _open(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
