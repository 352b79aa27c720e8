"""The throughput check: build both sides, check their ledgers, and measure until it is decided."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from itertools import islice

from reconcile.gating.model import Against, Decision, Outcome, Pair, Record, Settings, Throughput
from reconcile.gating.record import OTHER_MACHINE_WIDTH, is_alike, read_records, this_machine
from reconcile.gating.sequential_test import AA_PAIRS, ALPHA, FIRST_LOOK, Plan, decide, noise_floor, plan_for
from reconcile.gating.timing import against_reference, pairs_of, start_workers
from reconcile.gating.trees import Tree, base_and_head, same_code, working_tree
from vocabulary.errors import InputError

MEMORY = 4.0
"""An engine so many times faster at a run that it has made before keeps its results instead of running."""
OnProgress = Callable[[str], None]
Source = Generator[Pair, None, None]


@dataclass(frozen=True, slots=True)
class CheckedTree:
    """One side, built and compiled, whose ledger was checked. scenario, market, ledger: digests."""

    tree: Tree
    scenario: str
    market: str
    ledger: str
    events: int


@dataclass(frozen=True, slots=True)
class PairSources:
    """Where pairs come from, and the limit that they are held against.

    aa_pairs: pairs of identical code. on_record: the ratio base : head of a pair is divided by this.
    extra_width: how much further an interval reaches, as a logarithm, because the record is uncertain.
    hopeless: whether the interval is too wide to pass, so that pairs beyond the first look's would be
    measured in vain.
    """

    aa_pairs: Source
    pairs: Source
    limit: float
    on_record: float = 1.0
    extra_width: float = 0.0
    hopeless: bool = False


class WrongLedgerError(Exception):
    """An engine's ledger is not the one it must agree with, so its times do not count."""


def throughput(settings: Settings, revision: str | None, on_progress: OnProgress) -> Throughput:
    """Head against a base revision, or against the ratio on record where none is given.

    on_progress: called with what is being done. Bad input is an outcome here (UNKNOWN, with the reason), so
    that the findings of the other checks are still reported.
    """
    against = Against.RECORD if revision is None else Against.BASE
    name = settings.record.as_posix() if revision is None else revision
    nothing = Throughput(Outcome.UNKNOWN, against, name, settings.scenario, machine=this_machine())
    try:
        if revision is None:
            return _against_record(settings, nothing, on_progress)
        return _against_base(settings, revision, nothing, on_progress)
    except WrongLedgerError as error:
        return replace(nothing, outcome=Outcome.FAILED, said=(str(error),))
    except InputError as error:
        return replace(nothing, said=(str(error),))


def measure_record(settings: Settings, on_progress: OnProgress) -> Record:
    """Measure the ratio reference : engine of this machine for the record. Raises InputError."""
    try:
        ready = _checked(settings, working_tree(settings), on_progress)
    except WrongLedgerError as error:
        remedy = "Mend the engine first: the time of a wrong run is of no use."
        raise InputError("--record", str(error), "the right ledger", remedy) from None
    taken, began = [], time.monotonic()
    with contextlib.closing(against_reference(settings, ready.tree, ready.ledger)) as source:
        for pair in islice(source, settings.pairs):
            taken.append(pair)
            on_progress(f"measuring: {len(taken)} pairs of reference and engine")
            if time.monotonic() - began > settings.budget:
                break
    found = decide(taken, 0.0, settings.limit, Plan(((len(taken), ALPHA),)))
    if not math.isfinite(found.high):
        remedy = "Give it a larger budget_seconds."
        raise InputError("--record", f"{len(taken)} pairs in the budget", f"{FIRST_LOOK} or so", remedy)
    return Record(
        scenario=settings.scenario,
        scenario_digest=ready.scenario,
        ledger=ready.ledger,
        ratio=1 / found.ratio,
        low=1 / found.high,
        high=1 / found.low,
        pairs=len(taken),
        machine=this_machine(),
        date=time.strftime("%Y-%m-%d"),
    )


def _against_base(
    settings: Settings, revision: str, nothing: Throughput, on_progress: OnProgress
) -> Throughput:
    on_progress(f"building {revision} and the project as it stands")
    with base_and_head(settings, revision) as (base, head):
        ready = _checked(settings, head, on_progress)
        try:
            old = _checked(settings, base, on_progress)
        except WrongLedgerError as error:
            return replace(nothing, said=(f"the base cannot be timed: {error}",), digest=ready.ledger)
        sources = PairSources(
            aa_pairs=pairs_of(settings, head, head, (ready.ledger, ready.ledger)),
            pairs=pairs_of(settings, base, head, (old.ledger, ready.ledger)),
            limit=settings.limit,
        )
        same = (f"{revision} and the project hold the same code",) if same_code(base, head) else ()
        start = replace(
            nothing, said=(*_work_notes(old, ready), *same), digest=ready.ledger, events=ready.events
        )
        return _measure(settings, start, sources, on_progress)


def _against_record(settings: Settings, nothing: Throughput, on_progress: OnProgress) -> Throughput:
    records = read_records(settings.root / settings.record)
    if not records:
        said = "there is no record to hold it against: measure one (reconcile gate --record) or give --base"
        return replace(nothing, said=(said,))
    ready = _checked(settings, working_tree(settings), on_progress)
    start = replace(nothing, digest=ready.ledger, events=ready.events)
    work = (ready.scenario, ready.ledger)
    fitting = [one for one in records if (one.scenario_digest, one.ledger) == work]
    if not fitting:
        said = "the record is of another scenario or ledger: measure it anew (reconcile gate --record)"
        return replace(start, record=records[0], said=(said,))
    own = next((one for one in fitting if is_alike(one.machine, this_machine())), None)
    record = own or fitting[0]
    sources = PairSources(
        aa_pairs=pairs_of(settings, ready.tree, ready.tree, (ready.ledger, ready.ledger)),
        pairs=against_reference(settings, ready.tree, ready.ledger),
        on_record=record.ratio,
        extra_width=_record_width(record) + (OTHER_MACHINE_WIDTH if own is None else 0.0),
        limit=settings.record_limit,
        hopeless=own is None,
    )
    start = replace(start, record=record, said=() if own else (_FROM_ELSEWHERE,))
    return _measure(settings, start, sources, on_progress)


_FROM_ELSEWHERE = (
    "no record is of this machine, Python and numba: only a ratio"
    f" {math.exp(OTHER_MACHINE_WIDTH):.0f} times worse fails; measure one here (reconcile gate --record)"
    " or give --base"
)


def _record_width(record: Record) -> float:
    """How far the record's own interval reaches from its ratio, as a logarithm."""
    return max(math.log(record.high / record.ratio), math.log(record.ratio / record.low))


def _checked(settings: Settings, tree: Tree, on_progress: OnProgress) -> CheckedTree:
    """Compile one side by running it, and check its ledger.

    Raises WrongLedgerError for a wrong ledger, InputError when it cannot be run.
    """
    on_progress(f"compiling and checking {tree.name}")
    with start_workers(settings, settings.agreement.value, tree) as (child,):
        found = child.ask("check")
        if found["ledger"] != found["vouched"]:
            other = "the reference" if settings.agreement.value == "reference" else "itself"
            raise WrongLedgerError(f"{tree.name}: the engine disagrees with {other}; its time does not count")
        _require_work(tree.name, found["again"], found["fresh"])
        if not found["fills"]:
            where = f"timing {tree.name}"
            raise InputError(where, "a run without one fill", "work to be timed", "Name another scenario.")
        return CheckedTree(tree, found["scenario"], found["market"], found["ledger"], child.events)


def _require_work(name: str, again: float, fresh: float) -> None:
    """Raise InputError for an engine that is fast only at runs it has made before. again, fresh: seconds."""
    if fresh > MEMORY * again and fresh - again > 2e-4:
        took = f"{again * 1e3:,.3f} ms for a run made before, {fresh * 1e3:,.3f} ms with a little more cash"
        remedy = "Keep no results between runs: what is remembered takes no time."
        raise InputError(f"timing {name}", took, "the same work in every run", remedy)


def _work_notes(base: CheckedTree, head: CheckedTree) -> tuple[str, ...]:
    """A note when the two sides do not do the same work."""
    if base.ledger == head.ledger:
        return ()
    what = [name for name in ("scenario", "market") if getattr(base, name) != getattr(head, name)]
    why = f" (another {' and '.join(what)})" if what else ""
    return (f"base and head give different ledgers{why}, each the right one of its revision",)


def _measure(
    settings: Settings, start: Throughput, sources: PairSources, on_progress: OnProgress
) -> Throughput:
    """Measure A/A pairs, then pairs until a look at them decides or the budget ends."""
    load, began = _load(), time.monotonic()
    on_progress("measuring: identical code first")
    alike: list[Pair] = []
    taken: list[Pair] = []
    with contextlib.closing(sources.aa_pairs):
        while len(alike) < AA_PAIRS and time.monotonic() - began <= settings.budget:
            alike.append(next(sources.aa_pairs))
    if len(alike) < AA_PAIRS:
        start = replace(start, said=(*start.said, "the budget ended before the noise floor was known"))
        decision = decide(taken, noise_floor(()), sources.limit, plan_for(FIRST_LOOK))
    else:
        taken, decision = _measure_until_decided(settings, sources, noise_floor(alike), began, on_progress)
    return replace(
        start,
        outcome=decision.outcome,
        decision=decision,
        alike=tuple(alike),
        pairs=tuple(taken),
        elapsed=time.monotonic() - began,
        load=None if load is None else (load, _load() or load),
    )


def _measure_until_decided(
    settings: Settings, sources: PairSources, floor: float, began: float, on_progress: OnProgress
) -> tuple[list[Pair], Decision]:
    """The measured pairs and their decision. began: when the budget started, by time.monotonic."""
    taken: list[Pair] = []
    plan = plan_for(FIRST_LOOK)
    decision = decide(taken, floor, sources.limit, plan)
    with contextlib.closing(sources.pairs):
        clock = time.monotonic()
        for pair in sources.pairs:
            taken.append(Pair(pair.base / sources.on_record, pair.head))
            if len(taken) == 1 and not sources.hopeless:  # decided before any other pair is seen
                room = (settings.budget - (clock - began)) / (time.monotonic() - clock)
                plan = plan_for(max(FIRST_LOOK, min(settings.pairs, int(room))))
            decision = decide(taken, floor, sources.limit, plan, sources.extra_width)
            on_progress(f"measuring: {len(taken)} of at most {plan.looks[-1][0]} pairs")
            late = time.monotonic() - began > settings.budget
            if decision.outcome is not Outcome.INCONCLUSIVE or late or len(taken) >= plan.looks[-1][0]:
                break
    return taken, decision


def _load() -> float | None:
    """The load average of the last minute, None where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
