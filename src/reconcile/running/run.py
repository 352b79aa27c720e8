"""One run: a scenario through the reference and a candidate, and their ledgers compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.own_packages import own_package
from reconcile.running.candidate import Candidate, call_candidate, check_unchanged, stdout_to_stderr
from reconcile.running.hosting import Host, HostedCandidate
from reconcile.running.progress import Phase, Progress, Watch, unwatched
from reconcile.scenario.programs import elsewhere

if TYPE_CHECKING:
    from reconcile.matching.model import Beside, Reconciliation, Tolerance
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

WARM_BARS = 3
"""Enough bars to decide, to execute and to mark, so that every kernel the scenario needs compiles."""


@dataclass(frozen=True, slots=True)
class Side:
    """One program's ledger. seconds: of the run alone, without loading and compiling."""

    name: str
    ledger: Ledger
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a run came to.

    loading, compiling: seconds; compiling is None for a user's engine. deterministic: True where each side
    was run twice in fresh processes and agreed with itself, None where that was not asked.
    """

    scenario: Scenario
    market: Market
    reference: Side
    candidate: Side
    reconciliation: Reconciliation
    loading: float
    compiling: float | None
    deterministic: bool | None = None


def run(
    scenario: Scenario,
    host: Host,
    *,
    data: str | None = None,
    candidate: str | None = None,
    twice: bool = False,
    watch: Watch = unwatched,
) -> Outcome:
    """Load, run the reference, run the candidate (ours by default, warmed up), compare.

    host: finds the candidate. data: a file to take the bars from instead of the scenario's own. candidate:
    `module:function`.
    twice: before that, run each side twice in fresh processes.
    Raises TieoutError: bad input, a callable or a candidate that misbehaves, values beyond int64;
    reconcile.running.determinism.Disagreement: a side that disagrees with itself.
    """
    from reconcile.running.determinism import confirm, run_twice

    function = None if candidate is None else host.candidate(candidate)
    market, loading = load(scenario, data, watch)
    compiling = warm(scenario, market, watch) if function is None else None
    agreed = run_twice(scenario, market, candidate, host, watch) if twice else None
    reference = run_reference(scenario, market, watch)
    if function is None:
        other = run_engine(scenario, market, watch)
    else:
        with watch(Phase.CANDIDATE, 0):
            other = run_candidate(str(candidate), function, scenario, market)
    if agreed is not None:
        confirm(agreed, (reference.ledger, other.ledger), market)
    with watch(Phase.COMPARING, 0):
        reconciliation = judge(scenario, market, reference, other)
    if function is not None:
        notes = ignored_notes(other, function, scenario, market, reconciliation)
        reconciliation = replace(reconciliation, notes=(*reconciliation.notes, *notes))
    return Outcome(scenario, market, reference, other, reconciliation, loading, compiling, twice or None)


def load(scenario: Scenario, data: str | None, watch: Watch = unwatched) -> tuple[Market, float]:
    """The market, which the scenario fits, and the seconds that took."""
    from reconcile.market.load import load_market

    began = time.perf_counter()
    with watch(Phase.LOADING, 0):
        market = load_market(scenario, data)
    return market, time.perf_counter() - began


def warm(scenario: Scenario, market: Market, watch: Watch = unwatched) -> float:
    """Import the engine and let it compile on the first bars; the seconds that took."""
    from reconcile.market.edit import slice_market

    began = time.perf_counter()
    place = elsewhere(scenario)
    if place is None:
        compiled = own_package("engine").is_compiled(scenario)
    else:
        compiled = place.is_compiled(scenario, market)
    with watch(Phase.STARTING if compiled else Phase.COMPILING, 0):
        bars = (0, min(WARM_BARS, len(market.timestamps)))
        _run("engine", scenario, slice_market(market, bars=bars), None)
    return time.perf_counter() - began


def run_reference(scenario: Scenario, market: Market, watch: Watch = unwatched) -> Side:
    """The plain loop."""
    with watch(Phase.REFERENCE, len(market.timestamps)) as progress:
        return _run("reference", scenario, market, progress)


def run_engine(scenario: Scenario, market: Market, watch: Watch = unwatched) -> Side:
    """The batched engine."""
    with watch(Phase.ENGINE, len(market.timestamps)) as progress:
        return _run("engine", scenario, market, progress)


def _run(program: str, scenario: Scenario, market: Market, progress: Progress | None) -> Side:
    """One of our programs, in the process that holds the strategy's function if it has one."""
    place = elsewhere(scenario)
    if place is not None:
        return Side(program, *place.run(program, scenario, market, progress))
    ours = own_package(program)
    with stdout_to_stderr():
        began = time.perf_counter()
        ledger = ours.run(scenario, market, progress)
        seconds = time.perf_counter() - began
    check_function(scenario, market)
    return Side(program, ledger, seconds)


def check_function(scenario: Scenario, market: Market) -> None:
    """R6: raise CallableError where a strategy's function got round the read-only view and wrote."""
    from vocabulary.scenario import CallableStrategy

    selection = scenario.strategy.selection
    if isinstance(selection, CallableStrategy):
        check_unchanged(f"strategy.function {selection.function}", market)


def run_candidate(name: str, function: Candidate, scenario: Scenario, market: Market) -> Side:
    """A user's engine, once; the market must be afterwards what it was before."""
    if isinstance(function, HostedCandidate):
        return Side(name, *function.timed(scenario, market))
    with stdout_to_stderr():
        began = time.perf_counter()
        ledger = call_candidate(name, function, scenario, market)
        seconds = time.perf_counter() - began
    check_unchanged(f"candidate {name}", market)
    return Side(name, ledger, seconds)


def ignored_notes(
    side: Side, function: Candidate, scenario: Scenario, market: Market, found: Reconciliation
) -> tuple[str, ...]:
    """The notes about a candidate that breaks and does not use the market it is given."""
    from reconcile.matching.model import Verdict
    from reconcile.running.ignored_market import market_ignored

    if found.verdict is not Verdict.BREAKS:
        return ()
    how = market_ignored(side.name, function, scenario, market, side.ledger)
    return () if how is None else (f"The candidate ignores the market that it is given: {how}.",)


def judge(
    scenario: Scenario,
    market: Market,
    reference: Side,
    candidate: Side,
    tolerances: Sequence[Tolerance] = (),
    beside: Beside | None = None,
) -> Reconciliation:
    """The comparison of both ledgers. tolerances: of a foreign one. beside: what its source holds, too."""
    from reconcile.comparing.compare import compare
    from reconcile.matching.model import Beside

    return compare(
        reference.ledger,
        candidate.ledger,
        scenario=scenario,
        market=market,
        tolerances=tuple(tolerances) or None,
        beside=None if beside is None else (Beside(), beside),
    )
