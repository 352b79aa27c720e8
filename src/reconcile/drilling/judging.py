"""Whether each fault was detected, located and explained, and the score of all, held against its aims."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconcile.comparing.compare import compare
from reconcile.drilling.clean_run import CleanRun
from reconcile.drilling.model import Candidate, Drill, Fault, Finding, Group, Place, Score
from reconcile.explaining.explain import explain
from reconcile.explaining.model import Cause, Change, Explanation
from reconcile.explaining.model import Verdict as Answer
from reconcile.matching.model import Break, Verdict
from reconcile.matching.stages import RANK
from vocabulary.ledger import Ledger


def judge(
    candidate: Candidate, faults: Sequence[Fault], clean: CleanRun, own: Ledger, planted: Ledger
) -> Finding:
    """The finding for a planted ledger. own: the reference's ledger of the clean run."""
    scenario, market = clean.ground.scenario, clean.ground.market
    compared = compare(own, planted, scenario=scenario, market=market)
    detected = compared.verdict is Verdict.BREAKS
    expected = None if not faults else first_place(faults, clean)
    found = None if compared.first is None else _place(compared.first, clean)
    began = time.perf_counter()
    answer = explain(scenario, market, planted)
    wrong = false_causes(answer.causes, faults)
    told = [lead.sentence for lead in answer.leads if not _is_one_of(lead.change, faults)]
    return Finding(
        candidate=candidate,
        detected=detected,
        located=expected == found,
        explained=_right(candidate, faults, answer, wrong),
        false_causes=(*(cause.sentence for cause in wrong), *told),
        expected=expected,
        found=found,
        answer=_said(answer),
        seconds=time.perf_counter() - began,
    )


def first_place(faults: Sequence[Fault], clean: CleanRun) -> Place | None:
    """The first divergence that faults make: the earliest of theirs by cycle, stage and symbol."""
    hits = [hit for fault in faults for hit in fault.where(clean)]
    if not hits:
        return None
    first = min(hits, key=lambda hit: (hit.cycle, RANK[hit.stage], hit.symbol is None, hit.symbol))
    name = None if first.symbol is None else clean.market.symbols[first.symbol]
    return Place(first.bar, first.stage, name)


def _place(first: Break, clean: CleanRun) -> Place:
    bar = int(clean.market.timestamps.searchsorted(first.timestamp))
    return Place(bar, first.stage, first.symbol)


def false_causes(causes: Sequence[Cause], faults: Sequence[Fault]) -> list[Cause]:
    """Causes named that are none of the faults'; each fault accounts for one."""
    open_faults = list(faults)
    wrong = []
    for cause in causes:
        match = next((f for f in open_faults if any(same(cause.change, c) for c in f.causes)), None)
        if match is None:
            wrong.append(cause)
        else:
            open_faults.remove(match)
    return wrong


def _is_one_of(found: Change, faults: Sequence[Fault]) -> bool:
    """Whether a lead says one of the faults."""
    return any(same(found, cause) for fault in faults for cause in fault.causes)


def same(found: Change, written: Change) -> bool:
    """Whether a cause that was found is the one written down: hypothesis, value and limits.

    A limit in time may be found at another bar than the one written down: it was verified by a run, and bars
    at which the fault has nothing to act on cannot be distinguished.
    """
    limited = [(change.since > 0, change.until is not None) for change in (found, written)]
    return limited[0] == limited[1] and replace(found, since=0, until=None) == replace(
        written, since=0, until=None
    )


def _right(
    candidate: Candidate, faults: Sequence[Fault], answer: Explanation, wrong: Sequence[Cause]
) -> bool:
    if candidate.group is Group.CLEAN:
        return not answer.causes and answer.verdict in (Answer.NO_BREAKS, Answer.CANNOT_TELL)
    if any(not fault.causes for fault in faults):
        return answer.verdict is Answer.UNEXPLAINED and not answer.causes
    return answer.verdict is Answer.EXPLAINED and not wrong and len(answer.causes) == len(faults)


def _said(answer: Explanation) -> str:
    causes = "; ".join(cause.sentence for cause in answer.causes)
    rest = f" ({answer.unexplained_breaks:,} of {answer.breaks:,} breaks unexplained)"
    return f"{answer.verdict.value}: {causes or 'no cause'}{rest if answer.unexplained_breaks else ''}"


# The score

WITHIN = (Group.SINGLE, Group.PAIR)
FAULTY = (*WITHIN, Group.OUTSIDE, Group.OTHER_GROUNDS)


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim. least: the share to be reached, in percent. words: the same as it is printed."""

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
    """All faults are detected, 95 % located, 90 % of those that a hypothesis describes explained.

    For the others no cause is named falsely. Aims of groups that did not take part are left out.
    """

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
