"""Pairs of timings: two fresh processes side by side, run in turns, the quickest run of each.

A turn lasts some hundredths of a second and the two take turns in alternating order, so whatever else the
machine does meets both alike; the quickest of many runs is the one that was disturbed least. On a busy
machine even that one has waited for its core; a run that only computes is therefore measured in time on the
core, and any other by the wall clock.
"""

from __future__ import annotations

import math
from collections.abc import Generator

from reconcile.gating.children import Child, children
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
            tally = Tally()
            tally.take(0, one, "vouch 1", digest)
            for _ in range(2):
                tally.take(1, other, "run 12", digest)
                tally.take(0, one, "vouch 1", digest)
                tally.take(1, other, "run 12", digest)
        yield tally.pair()


class Tally:
    """The quickest of base (0) and head (1) so far, by both clocks."""

    def __init__(self) -> None:
        self.walls = [math.inf, math.inf]
        self.cores = [math.inf, math.inf]

    def take(self, side: int, child: Child, request: str, digest: str) -> float:
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


def _measured(base: Child, head: Child, digests: tuple[str, str], flipped: bool) -> Pair:
    sides = (base, head)
    tally = Tally()
    longest = max(*(tally.take(side, sides[side], "run 1", digests[side]) for side in (0, 1)), 1e-6)
    runs = max(1, round(TURN / longest))
    turns = max(2, min(TURNS, round(AT_MOST / (runs * longest))))
    for turn in range(turns):
        for side in (0, 1) if (turn % 2 == 0) != flipped else (1, 0):
            tally.take(side, sides[side], f"run {runs}", digests[side])
    return tally.pair()
