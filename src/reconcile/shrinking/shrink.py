"""`shrink`: the smallest case on which a candidate still breaks the same way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconcile.comparing.compare import compare
from reconcile.matching.model import Tolerance, Verdict
from reconcile.running.candidate import Candidate, call_candidate, stdout_to_stderr
from reconcile.running.failures import Failure, ends_the_process, failed
from reconcile.scenario.programs import run_reference
from reconcile.shrinking.cases import (
    BrokenCase,
    Case,
    NamedChange,
    RootSignature,
    Shrunk,
    freeze_features,
)
from reconcile.shrinking.reducer import Reducer, Test
from vocabulary.errors import TieoutError
from vocabulary.market import Market
from vocabulary.scenario import Scenario

if TYPE_CHECKING:
    from reconcile.explaining.model import Change, Explanation

TRIALS, SECONDS = 1_500, 90.0
"""The limits of one reduction; there are at most two."""


def shrink(
    scenario: Scenario,
    market: Market,
    name: str,
    candidate: Candidate,
    on_progress: Callable[[int], None] = lambda _: None,
    tolerances: tuple[Tolerance, ...] = (),
) -> Shrunk | None:
    """The smallest case on which the candidate breaks the same way; None if it does not break.

    name: the candidate's name, for messages. on_progress: called with the number of cases tried so far.
    tolerances: what they absorb is no break, in any case.

    A smaller case is accepted if its first divergence has the same stage, type, table and column. If explain
    names causes for the given case but none of them for the smallest, the reduction is done a second time,
    and then a case is accepted only if explain names one of them for it, too. A cause is the same if its
    value, side and symbols are.

    Raises TieoutError: the candidate cannot be run on the given case, or ignores its market.
    """
    began = time.perf_counter()
    case = replace(freeze_features(scenario, market), tolerances=tolerances)
    before = run_case(case, name, candidate)
    first = before.found.first
    if before.found.verdict is not Verdict.BREAKS or first is None:
        return None
    _refuse_if_ignored(case, name, candidate)
    root = RootSignature(first.stage, first.type, first.table, first.field)
    same = partial(breaks_alike, root, name, candidate)
    named = explained_causes(case, name, candidate)
    reducer = _reduce(same, before, on_progress)
    kept = _shared_causes(named, reducer.best.case, name, candidate)
    if named and not kept:
        reducer = _reduce(partial(_breaks_for_a_cause, named, same, name, candidate), before, on_progress)
        kept = _shared_causes(named, reducer.best.case, name, candidate)
    return Shrunk(
        before=before,
        after=reducer.best,
        root=root,
        dropped=_last_changes(reducer.dropped),
        causes=kept,
        named=named,
        trials=reducer.trials,
        seconds=time.perf_counter() - began,
        stopped=reducer.spent(),
    )


def _refuse_if_ignored(case: Case, name: str, candidate: Candidate) -> None:
    """Raise CallableError for a candidate that ignores its market: a smaller one would show nothing."""
    from reconcile.running.ignored_market import market_ignored

    ledger = call_candidate(name, candidate, case.scenario, case.market)
    how = market_ignored(name, candidate, case.scenario, case.market, ledger)
    if how is not None:
        raise failed(f"candidate {name}", Failure.MARKET_IGNORED, trouble=how)


def _reduce(test: Test, before: BrokenCase, on_progress: Callable[[int], None]) -> Reducer:
    reducer = Reducer(test, before, TRIALS, time.perf_counter() + SECONDS, on_progress)
    reducer.run()
    return reducer


def run_case(case: Case, name: str, candidate: Candidate) -> BrokenCase:
    """Run the reference and the candidate on a case, and compare their ledgers."""
    with stdout_to_stderr():
        plain = run_reference(case.scenario, case.market)
        other = call_candidate(name, candidate, case.scenario, case.market)
    found = compare(plain, other, scenario=case.scenario, market=case.market, tolerances=case.tolerances)
    equity = plain.tables["equity"].columns["rebalance"]
    rebalances = len(equity.values) - (0 if equity.missing is None else int(equity.missing.sum()))
    return BrokenCase(case, found, rebalances)


def breaks_alike(root: RootSignature, name: str, candidate: Candidate, case: Case) -> BrokenCase | None:
    """The case with its comparison; None if its first divergence has another signature or it cannot run."""
    from reconcile.market.load import check

    try:
        check(case.scenario, case.market)
        broken = run_case(case, name, candidate)
    except TieoutError as error:
        if ends_the_process(error):
            raise
        return None
    first = broken.found.first
    if first is None or RootSignature(first.stage, first.type, first.table, first.field) != root:
        return None
    return broken


def explained_causes(case: Case, name: str, candidate: Candidate) -> tuple[NamedChange, ...]:
    """The changes that explain names for a case; empty if it names none."""
    from reconcile.explaining.explain import explain

    with stdout_to_stderr():
        ledger = call_candidate(name, candidate, case.scenario, case.market)
    try:
        found = explain(case.scenario, case.market, ledger, tolerances=case.tolerances)
    except TieoutError:
        return ()
    return tuple(
        _named(change, case.market) for cause in found.causes for change in (cause.change, *cause.rivals)
    )


def _named(change: Change, market: Market) -> NamedChange:
    symbols = None if change.symbols is None else frozenset(market.symbols[s] for s in change.symbols)
    side = None if change.side is None else change.side.value
    return NamedChange(change.hypothesis.id, change.value, symbols, side)


def same_causes(shrunk: Shrunk, small: Explanation) -> bool:
    """Whether explain names for the small case only causes that it names for the given case, too.

    Value, side and symbols have to agree: on a few bars, a rate may fit by chance that the given case
    refutes. Dates need not, as bars were left out.
    """
    market = shrunk.after.case.market
    return bool(small.causes) and all(
        any(
            _within(_named(change, market), given, market)
            for change in (cause.change, *cause.rivals)
            for given in shrunk.named
        )
        for cause in small.causes
    )


def _within(small: NamedChange, given: NamedChange, market: Market) -> bool:
    """Whether a change of the small case is that of the given one, on the symbols that are left."""
    if (small.hypothesis, small.value, small.side) != (given.hypothesis, given.value, given.side):
        return False
    if given.symbols is None:
        return small.symbols is None
    return (small.symbols or frozenset(market.symbols)) <= given.symbols


def _last_changes(dropped: list[str]) -> tuple[str, ...]:
    """The last change of each setting."""
    return tuple({what.partition(" = ")[0]: what for what in dropped}.values())


def _shared_causes(
    named: tuple[NamedChange, ...], case: Case, name: str, candidate: Candidate
) -> tuple[str, ...]:
    """The hypotheses of those changes named for the given case that explain names for a smaller one, too."""
    small = explained_causes(case, name, candidate)
    shared = (given for given in named if any(_within(each, given, case.market) for each in small))
    return tuple(dict.fromkeys(given.hypothesis for given in shared))


def _breaks_for_a_cause(
    named: tuple[NamedChange, ...], same: Test, name: str, candidate: Candidate, case: Case
) -> BrokenCase | None:
    """The case with its comparison if it breaks the same way, for one of these causes."""
    broken = same(case)
    return broken if broken is not None and _shared_causes(named, case, name, candidate) else None
