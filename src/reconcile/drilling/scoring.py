"""The score of a drill, held against what is aimed at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.drilling.model import Drill, Finding, Group, Score

WITHIN = (Group.SINGLE, Group.PAIR)
FAULTY = (*WITHIN, Group.OUTSIDE, Group.OTHER_GROUNDS)


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim. least: the share that is to be reached, in percent; words: the aim as it reads."""

    what: str
    got: int
    of: int
    least: int
    words: str

    @property
    def met(self) -> bool:
        return self.got * 100 >= self.least * self.of


def scores(findings: Iterable[Finding]) -> dict[Group, Score]:
    """The table: a row for each group that occurs."""
    table = {}
    every = list(findings)
    for group in Group:
        rows = [finding for finding in every if finding.candidate.group is group]
        if rows:
            table[group] = Score(
                candidates=len(rows),
                detected=sum(row.detected for row in rows),
                located=sum(row.located for row in rows),
                explained=sum(row.explained for row in rows),
                with_false_causes=sum(bool(row.false_causes) for row in rows),
            )
    return table


def aims(found: Drill) -> tuple[Aim, ...]:
    """All detected, 95 % located, 90 % of those within the hypotheses explained, nothing named falsely
    elsewhere. Aims of groups that did not take part are left out."""

    def total(groups: Iterable[Group], name: str) -> int:
        return sum(getattr(found.scores[group], name) for group in groups if group in found.scores)

    apart = (Group.OUTSIDE, Group.OTHER_GROUNDS, Group.CLEAN)
    quiet = total(apart, "candidates") - total(apart, "with_false_causes")
    out = (
        Aim("detected", total(FAULTY, "detected"), total(FAULTY, "candidates"), 100, "all"),
        Aim("located", total(FAULTY, "located"), total(FAULTY, "candidates"), 95, "95 %"),
        Aim("explained", total(WITHIN, "explained"), total(WITHIN, "candidates"), 90, "90 %"),
        Aim("no false cause in", quiet, total(apart, "candidates"), 100, "all"),
    )
    return tuple(aim for aim in out if aim.of)
