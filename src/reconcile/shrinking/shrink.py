"""`shrink`: the smallest case on which a candidate still breaks the same way."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from reconcile.comparing.compare import compare
from reconcile.matching.model import Verdict
from reconcile.running import run as running
from reconcile.running.candidate import Candidate, call_candidate, talking_to_stderr
from reconcile.shrinking.model import Case, Look, Shrunk, Sort
from reconcile.shrinking.reducer import Reducer, Test
from reconcile.shrinking.smaller_cases import frozen
from vocabulary.errors import TieoutError
from vocabulary.market import Market
from vocabulary.scenario import Scenario

if TYPE_CHECKING:
    from reconcile.explaining.model import Explanation

TRIALS, SECONDS = 1_500, 90.0
"""What is spent at most on each of two reductions."""


def shrink(
    scenario: Scenario,
    market: Market,
    name: str,
    candidate: Candidate,
    say: Callable[[int], None] = lambda _: None,
) -> Shrunk | None:
    """The smallest case, None where the candidate does not break.

    name: of the candidate, for messages. say: told the number of cases tried.
    A case is kept where its first divergence is of the same stage, type, table and column. Where explain
    names causes for the whole case, it has to name some of them, and no other, for the smallest; if it does
    not, that becomes part of each trial. Raises what a candidate that misbehaves on the whole case raises.
    """
    began = time.perf_counter()
    case = frozen(scenario, market)
    before = seen(case, name, candidate)
    first = before.found.first
    if before.found.verdict is not Verdict.BREAKS or first is None:
        return None
    sort = Sort(first.stage, first.type, first.table, first.field)
    same = partial(breaks_alike, sort, name, candidate)
    causes = named(case, name, candidate)
    reducer = _reduced(same, before, say)
    kept = _of(causes, named(reducer.best.case, name, candidate))
    if causes and not kept:
        reducer = _reduced(partial(_alike_for, causes, same, name, candidate), before, say)
        kept = _of(causes, named(reducer.best.case, name, candidate))
    return Shrunk(
        before=before,
        after=reducer.best,
        sort=sort,
        dropped=_last(reducer.dropped),
        causes=kept,
        trials=reducer.trials,
        seconds=time.perf_counter() - began,
        stopped=reducer.spent(),
    )


def _reduced(test: Test, before: Look, say: Callable[[int], None]) -> Reducer:
    reducer = Reducer(test, before, TRIALS, time.perf_counter() + SECONDS, say)
    reducer.run()
    return reducer


def seen(case: Case, name: str, candidate: Candidate) -> Look:
    """Both sides run over a case, and compared."""
    reference = running.ours("reference")
    with talking_to_stderr():
        plain = reference.run(case.scenario, case.market)
        other = call_candidate(name, candidate, case.scenario, case.market)
    found = compare(plain, other, scenario=case.scenario, market=case.market)
    equity = plain.tables["equity"].columns["rebalance"]
    rebalances = len(equity.values) - (0 if equity.missing is None else int(equity.missing.sum()))
    return Look(case, found, rebalances)


def breaks_alike(sort: Sort, name: str, candidate: Candidate, case: Case) -> Look | None:
    """The case where its first divergence is of a sort; a case that cannot be run is none."""
    from reconcile.market.load import check

    try:
        check(case.scenario, case.market)
        look = seen(case, name, candidate)
    except TieoutError:
        return None
    first = look.found.first
    if first is None or Sort(first.stage, first.type, first.table, first.field) != sort:
        return None
    return look


def named(case: Case, name: str, candidate: Candidate) -> tuple[str, ...]:
    """The hypotheses that explain names for a case, none where it names none."""
    from reconcile.explaining.explain import explain

    with talking_to_stderr():
        ledger = call_candidate(name, candidate, case.scenario, case.market)
    try:
        found = explain(case.scenario, case.market, ledger)
    except TieoutError:
        return ()
    return tuple(
        hypothesis
        for cause in found.causes
        for hypothesis in dict.fromkeys(each.hypothesis for each in (cause.change, *cause.rivals))
    )


def same_causes(shrunk: Shrunk, small: Explanation) -> bool:
    """Whether what explain names for the small case is what it names for the whole, and nothing else: in a
    few bars a cause may fit that the whole refutes."""
    return bool(small.causes) and all(
        any(change.hypothesis in shrunk.causes for change in (cause.change, *cause.rivals))
        for cause in small.causes
    )


def _last(dropped: list[str]) -> tuple[str, ...]:
    """What was done to each setting last."""
    return tuple({what.partition(" = ")[0]: what for what in dropped}.values())


def _of(causes: tuple[str, ...], small: tuple[str, ...]) -> tuple[str, ...]:
    """The causes of the whole that the small case has, too."""
    return tuple(cause for cause in dict.fromkeys(causes) if cause in small)


def _alike_for(
    causes: tuple[str, ...], same: Test, name: str, candidate: Candidate, case: Case
) -> Look | None:
    """The case where it breaks alike for one of the causes."""
    look = same(case)
    return look if look is not None and _of(causes, named(case, name, candidate)) else None
