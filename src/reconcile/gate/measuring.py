"""Pairs of timings: two fresh processes side by side, run in turns, the quickest run of each.

A turn lasts a few thousandths of a second and the two take turns in alternating order, so whatever else the
machine does meets both alike; the quickest of many runs is the one that was disturbed least.
"""

from __future__ import annotations

from collections.abc import Generator

from reconcile.gate.children import Child, children
from reconcile.gate.nouns import Pair, Settings
from reconcile.gate.trees import Tree
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
            pair = _measured(*(started[::-1] if flipped else started), digests, flipped)
        yield pair
        flipped = not flipped


def against_reference(settings: Settings, head: Tree, digest: str) -> Generator[Pair, None, None]:
    """Pairs without end of the reference (as `base`) and the engine (as `head`), each in a process of its own."""
    while True:
        with children(settings, settings.agreement.value, head, head) as (one, other):
            quickest = [_turn(one, "vouch 1", digest), float("inf")]
            for _ in range(2):
                quickest[1] = min(quickest[1], _turn(other, "run 12", digest))
                quickest[0] = min(quickest[0], _turn(one, "vouch 1", digest))
                quickest[1] = min(quickest[1], _turn(other, "run 12", digest))
        yield Pair(*quickest)


def _measured(base: Child, head: Child, digests: tuple[str, str], flipped: bool) -> Pair:
    first = _turn(base, "run 1", digests[0]), _turn(head, "run 1", digests[1])
    longest = max(*first, 1e-6)
    runs = max(1, round(TURN / longest))
    turns = max(2, min(TURNS, round(AT_MOST / (runs * longest))))
    quickest = list(first)
    for turn in range(turns):
        order = (0, 1) if (turn % 2 == 0) != flipped else (1, 0)
        for side in order:
            seconds = _turn((base, head)[side], f"run {runs}", digests[side])
            quickest[side] = min(quickest[side], seconds)
    return Pair(*quickest)


def _turn(child: Child, request: str, digest: str) -> float:
    """The quickest run of a turn; only a run whose ledger digest is right counts."""
    answer = child.ask(request)
    if answer["ledger"] != digest:
        raise InputError(
            f"timing {child.name}",
            f"a ledger with the digest {answer['ledger'][:16]}",
            f"{digest[:16]}, as when it was checked",
            "Its runs do not agree with each other: reconcile run --twice shows where.",
        )
    return float(answer["seconds"])
