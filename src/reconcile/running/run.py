"""One run: a scenario through the reference and a candidate, and their ledgers compared."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from reconcile.running.candidate import (
    Candidate,
    call_candidate,
    check_unchanged,
    load_candidate,
    talking_to_stderr,
)
from reconcile.running.progress import Phase, Watch, unwatched
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation, Tolerance
    from reconcile.running.determinism import Agreement
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
    *,
    data: str | None = None,
    candidate: str | None = None,
    twice: bool = False,
    watch: Watch = unwatched,
) -> Outcome:
    """Load, run the reference, run the candidate (ours by default, warmed up), compare.

    data: a file to take the bars from instead of the scenario's own. candidate: `module:function`.
    twice: before that, run each side twice in fresh processes.
    Raises TieoutError: bad input, a callable or a candidate that misbehaves, values beyond int64;
    reconcile.running.determinism.Disagreement: a side that disagrees with itself.
    """
    function = None if candidate is None else load_candidate(candidate)
    market, loading = load(scenario, data, watch)
    compiling = warm(scenario, market, watch) if function is None else None
    agreed = both_twice(scenario, market, data, candidate, watch) if twice else None
    reference = run_reference(scenario, market, watch)
    other = (
        run_engine(scenario, market, watch)
        if function is None
        else run_candidate(str(candidate), function, scenario, market)
    )
    if agreed is not None:
        same_again(agreed, reference, other, market)
    with watch(Phase.COMPARING, 0):
        reconciliation = judge(scenario, market, reference, other)
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
    engine = ours("engine")
    phase = Phase.STARTING if engine.is_compiled() else Phase.COMPILING
    with watch(phase, 0), talking_to_stderr():
        bars = (0, min(WARM_BARS, len(market.timestamps)))
        engine.run(scenario, slice_market(market, bars=bars))
    return time.perf_counter() - began


def run_reference(scenario: Scenario, market: Market, watch: Watch = unwatched) -> Side:
    """The plain loop."""
    reference = ours("reference")
    with watch(Phase.REFERENCE, len(market.timestamps)) as progress, talking_to_stderr():
        began = time.perf_counter()
        ledger = reference.run(scenario, market, progress)
        seconds = time.perf_counter() - began
    check_function(scenario, market)
    return Side("reference", ledger, seconds)


def run_engine(scenario: Scenario, market: Market, watch: Watch = unwatched) -> Side:
    """The batched engine."""
    engine = ours("engine")
    with watch(Phase.ENGINE, len(market.timestamps)) as progress, talking_to_stderr():
        began = time.perf_counter()
        ledger = engine.run(scenario, market, progress)
        seconds = time.perf_counter() - began
    check_function(scenario, market)
    return Side("engine", ledger, seconds)


def check_function(scenario: Scenario, market: Market) -> None:
    """R6: raise CallableError where a strategy's function got round the read-only view and wrote."""
    from vocabulary.scenario import CallableStrategy

    selection = scenario.strategy.selection
    if isinstance(selection, CallableStrategy):
        check_unchanged(f"strategy.function {selection.function}", market)


def run_candidate(name: str, function: Candidate, scenario: Scenario, market: Market) -> Side:
    """A user's engine, once; the market must be afterwards what it was before."""
    with talking_to_stderr():
        began = time.perf_counter()
        ledger = call_candidate(name, function, scenario, market)
        seconds = time.perf_counter() - began
    check_unchanged(f"candidate {name}", market)
    return Side(name, ledger, seconds)


def both_twice(
    scenario: Scenario, market: Market, data: str | None, candidate: str | None, watch: Watch
) -> tuple[Agreement, Agreement]:
    """A/A: what each side agrees on with itself in two fresh processes; raises Disagreement."""
    from reconcile.running.determinism import run_twice

    return run_twice(scenario, market, data, candidate, watch)


def same_again(agreed: tuple[Agreement, Agreement], reference: Side, candidate: Side, market: Market) -> None:
    """Raise Disagreement where the run that is to be compared is not what two fresh processes agreed on."""
    from reconcile.running.determinism import confirm

    confirm(agreed, (reference.ledger, candidate.ledger), market)


def ours(name: str) -> ModuleType:
    """Import one of the two programs; raises InputError where another module of that name is in the way."""
    found = importlib.import_module(name)
    place = Path(found.__file__ or "").resolve()
    if place.parent.parent != Path(__file__).resolve().parents[2]:
        remedy = f"Rename it, or take its folder off PYTHONPATH: tieout's own {name} has to be found first."
        raise InputError(f"import {name}", str(place), f"the {name} that tieout installs", remedy)
    return found


def judge(
    scenario: Scenario,
    market: Market,
    reference: Side,
    candidate: Side,
    tolerances: Sequence[Tolerance] = (),
) -> Reconciliation:
    """The comparison of both ledgers. tolerances: of a foreign one."""
    from reconcile.comparing.compare import compare

    return compare(
        reference.ledger,
        candidate.ledger,
        scenario=scenario,
        market=market,
        tolerances=tuple(tolerances) or None,
    )
