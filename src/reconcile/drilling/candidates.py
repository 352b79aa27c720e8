"""What is planted: faults alone, in pairs and on other grounds, and candidates without a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from reconcile.drilling.catalogue import (
    engine,
    frames,
    inputs,
    loop,
    outside_deciding,
    outside_executing,
    reports,
    settings,
)
from reconcile.drilling.engines import fit_together
from reconcile.drilling.ground import SCENARIOS, SEED
from reconcile.drilling.model import Candidate, Fault, Group, Patch, Setting, Shape
from reconcile.drilling.planting import patches_of
from reconcile.explaining.bar_loop import Hooks
from reconcile.text.escape import near_remedy
from vocabulary.errors import InputError

WITHIN: tuple[Fault, ...] = (
    *settings.FAULTS,
    *inputs.FAULTS,
    *frames.FAULTS,
    *engine.FAULTS,
    *loop.FAULTS,
    *reports.FAULTS,
)
"""Faults that a hypothesis of `reconcile.explaining` says."""
OUTSIDE: tuple[Fault, ...] = (*outside_deciding.FAULTS, *outside_executing.FAULTS)
"""Faults that none says."""
BY_NAME = {fault.name: fault for fault in (*WITHIN, *OUTSIDE)}

PAIRS = 75
"""The number of pairs, a third of them on each ground."""
GROUNDS = 5
"""Other grounds for each fault that no hypothesis describes."""
CLEAN = 51
"""Candidates without a fault."""


def alone() -> Iterator[Candidate]:
    """Each fault by itself."""
    for fault in WITHIN:
        yield Candidate(Group.SINGLE, (fault.name,), fault.ground, SEED)
    for fault in OUTSIDE:
        yield Candidate(Group.OUTSIDE, (fault.name,), fault.ground, SEED)


def pairs() -> Iterator[Candidate]:
    """Pairs of faults that hypotheses say, spread evenly over all pairs that go together on a ground."""
    for ground in SCENARIOS:
        fitting = [
            (a, b)
            for a, b in combinations([fault for fault in WITHIN if fault.ground == ground], 2)
            if go_together(a, b)
        ]
        count = min(len(fitting), PAIRS // len(SCENARIOS))
        for place in range(count):
            a, b = fitting[place * len(fitting) // count]
            yield Candidate(Group.PAIR, (a.name, b.name), ground, SEED)


def go_together(a: Fault, b: Fault) -> bool:
    """Whether two faults can be planted in one candidate and be distinguished there.

    A patch changes the engine and a hook the loop over the reference's parts: one program has either. Two
    faults of one hypothesis, or of one setting, are one fault with another value.
    """
    kinds = [{type(plant) for plant in fault.plants} for fault in (a, b)]
    if any(Patch in one and Hooks in other for one, other in (kinds, kinds[::-1])):
        return False
    if {cause.hypothesis for cause in a.causes} & {cause.hypothesis for cause in b.causes}:
        return False
    paths = [
        {plant.path.split(".")[:2][-1] for plant in fault.plants if isinstance(plant, Setting)}
        for fault in (a, b)
    ]
    return not (paths[0] & paths[1]) and fit_together(patches_of((*a.plants, *b.plants)))


def elsewhere() -> Iterator[Candidate]:
    """Faults that no hypothesis describes, on other grounds."""
    for fault in OUTSIDE:
        for seed in range(1, GROUNDS + 1):
            yield Candidate(Group.OTHER_GROUNDS, (fault.name,), fault.ground, SEED + seed)


def clean() -> Iterator[Candidate]:
    """No fault, on many grounds, handed over in each shape."""
    grounds, shapes = tuple(SCENARIOS), tuple(Shape)
    for place in range(CLEAN):
        turn, ground = divmod(place, len(grounds))
        yield Candidate(Group.CLEAN, (), grounds[ground], SEED + turn, shapes[turn % len(shapes)])


def named(names: Iterable[str], among: Sequence[Candidate]) -> list[Candidate]:
    """Candidates that have one of the named faults. Raises InputError for an unknown name."""
    wanted = set(names)
    for name in sorted(wanted - set(BY_NAME)):
        remedy = near_remedy([name], list(BY_NAME), "`reconcile drill --list` names them.")
        raise InputError("--only", repr(name), f"one of {len(BY_NAME)} faults", remedy)
    return [candidate for candidate in among if wanted & set(candidate.faults)]


def sampled(count: int, among: Sequence[Candidate]) -> list[Candidate]:
    """So many candidates, evenly spread; always the same ones."""
    count = min(count, len(among))
    return [among[place * len(among) // count] for place in range(count)]
