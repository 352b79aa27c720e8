"""The drill: every candidate is planted and judged, and the findings are scored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context

import reference
from reconcile.drilling import engines
from reconcile.drilling.candidates import BY_NAME
from reconcile.drilling.clean_run import CleanRun, run_clean
from reconcile.drilling.ground import Ground, ground
from reconcile.drilling.judging import judge, scores
from reconcile.drilling.model import Candidate, Drill, Fault, Finding, Group, Plant
from reconcile.drilling.planting import as_reported, hooks_of, in_scenario, on_market, patches_of, shaped
from reconcile.explaining.bar_loop import BarLoop, Standing
from reconcile.ledger.digest import ledger_digest
from reconcile.own_packages import own_package
from reconcile.running.process_tree import end_pool, shielded_from_interrupts
from vocabulary.errors import InputError, TieoutError
from vocabulary.ledger import Ledger

Progress = Callable[[int], None]


def run(
    candidates: Sequence[Candidate],
    *,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Drill:
    """Plant and judge candidates, `jobs` processes at a time.

    progress: called with the number of candidates done. Raises InputError where a patch does not apply.
    """
    order = {candidate: place for place, candidate in enumerate(candidates)}
    for candidate in candidates:
        engines.check_patches(*patches_of(_plants(candidate)))
    findings: list[Finding] = []
    idle: list[Candidate] = []
    done = 0
    for batch, found in _worked(list(_batches(candidates)), jobs):
        if isinstance(found, InputError):
            raise found
        findings += found
        judged = {finding.candidate for finding in found}
        idle += [candidate for candidate in batch if candidate not in judged]
        done += len(batch)
        if progress is not None:
            progress(done)
    findings.sort(key=lambda finding: order[finding.candidate])
    return Drill(tuple(findings), scores(findings), tuple(sorted(idle, key=order.__getitem__)))


Batch = tuple[Candidate, ...]
"""Candidates that one engine makes."""
LARGEST = 8


def _batches(candidates: Iterable[Candidate]) -> Iterator[Batch]:
    """Candidates by the engine they need, at most LARGEST together; those without a patch one by one."""
    by_engine: dict[object, list[Candidate]] = {}
    for candidate in candidates:
        changes = patches_of(_plants(candidate))
        by_engine.setdefault(changes or candidate, []).append(candidate)
    for alike in by_engine.values():
        rest = iter(alike)
        while batch := tuple(islice(rest, LARGEST)):
            yield batch


def _worked(batches: list[Batch], jobs: int) -> Iterator[tuple[Batch, list[Finding] | InputError]]:
    """Each batch with its findings, as they come."""
    if jobs <= 1 or len(batches) == 1:
        for batch in batches:
            yield batch, work(batch)
        return
    with (
        tempfile.TemporaryDirectory(prefix="tieout-drill-") as scratch,
        ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=_work_in, initargs=(scratch,)
        ) as pool,
    ):
        with shielded_from_interrupts():
            futures: dict[Future[list[Finding] | tuple[str, ...]], Batch] = {
                pool.submit(_worked_apart, batch): batch for batch in batches
            }
        try:
            waiting = set(futures)
            while waiting:
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    result = future.result()
                    yield futures[future], InputError(*result) if isinstance(result, tuple) else result
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            end_pool()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _work_in(folder: str) -> None:
    """Have a process of the pool write to a folder that the command removes, however the process ends."""
    tempfile.tempdir = folder


def _worked_apart(batch: Batch) -> list[Finding] | tuple[str, ...]:
    """`work` in another process; an error comes back as its four parts, since it cannot be pickled."""
    try:
        return work(batch)
    except TieoutError as error:
        return error.where, error.found, error.expected, error.remedy


def work(batch: Batch) -> list[Finding]:
    """The findings of a batch. A candidate has none where one of its faults changes nothing."""
    findings = []
    for candidate, planted in zip(batch, plant(batch), strict=True):
        clean, own = world(candidate.ground, candidate.seed)
        if candidate.faults and ledger_digest(planted) in _lesser(candidate, own):
            continue
        findings.append(judge(candidate, _faults(candidate), clean, own, planted))
    return findings


def _lesser(candidate: Candidate, own: Ledger) -> set[str]:
    """Digests of the ledgers with one fault less: the clean one, or those of a pair's parts."""
    if len(candidate.faults) == 1:
        return {ledger_digest(own)}
    return {_digest_alone(name, candidate.ground, candidate.seed) for name in candidate.faults}


@lru_cache(maxsize=256)
def _digest_alone(name: str, on: str, seed: int) -> str:
    (ledger,) = plant((Candidate(Group.SINGLE, (name,), on, seed),))
    return str(ledger_digest(ledger))


def plant(batch: Batch) -> list[Ledger]:
    """The ledgers of candidates that one engine makes."""
    changes = patches_of(_plants(batch[0]))
    if changes:
        tasks = [(c.faults, c.ground, c.seed) for c in batch]
        made = engines.ledgers(changes, tasks)
    else:
        made = [_unpatched(c, world(c.ground, c.seed)[0].ground) for c in batch]
    out = []
    for candidate, ledger in zip(batch, made, strict=True):
        clean, own = world(candidate.ground, candidate.seed)
        told = as_reported(ledger, clean.market, own.manifest, _plants(candidate))
        out.append(shaped(told, candidate.shape))
    return out


def _unpatched(candidate: Candidate, on: Ground) -> Ledger:
    plants = _plants(candidate)
    scenario, market, hooks = in_scenario(on.scenario, plants), on_market(on.market, plants), hooks_of(plants)
    if hooks:
        start = Standing(reference.initial_state(scenario))
        days = BarLoop(market, lambda bar: scenario, hooks).days(start, len(market.timestamps))
        return reference.ledger_of(scenario, market, (day for day, _ in days))
    made: Ledger = own_package("engine").run(scenario, market)
    return made


@lru_cache(maxsize=16)
def world(name: str, seed: int) -> tuple[CleanRun, Ledger]:
    """The clean run of a ground, and the reference's ledger of it."""
    clean = run_clean(ground(name, seed))
    return clean, reference.ledger_of(clean.ground.scenario, clean.market, clean.days)


def _faults(candidate: Candidate) -> list[Fault]:
    return [BY_NAME[name] for name in candidate.faults]


def _plants(candidate: Candidate) -> list[Plant]:
    return [plant for fault in _faults(candidate) for plant in fault.plants]
