"""One job done: the function of its command called, and what it answers made small.

This is what an executor's worker runs. Nothing of it is sent back but an Outcome.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconcile.campaigning.model import Command, Job, Limits, Outcome, Status
from reconcile.campaigning.plan import is_program
from reconcile.campaigning.remote import fetched
from reconcile.running.bounds import Bounds, Hosting
from reconcile.text.escape import error_text, printable
from vocabulary.errors import InputError, TieoutError

if TYPE_CHECKING:
    from reconcile.api.result import Result
    from reconcile.matching.model import Break
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

LINE = 300
"""Characters of a headline or cause that are kept."""


def work(job: Job, key: str, limits: Limits) -> Outcome:
    """Do a job; whatever happens within it becomes its outcome.

    A job that takes longer than its limit ends the whole process, also out of compiled code: whoever runs
    jobs has to tell such an end from others by its time.
    """
    began = time.perf_counter()
    with _at_most(limits.seconds):
        outcome = _outcome(job, key, limits)
    return replace(outcome, seconds=time.perf_counter() - began)


GRACE = 10.0
"""Seconds beyond its limit after which a job on a cluster ends its worker by force: compiled code may hold
the lock of the interpreter, so that the job does not hear of its limit before."""
PARTING = 2.0
"""Seconds between the report of a job that took too long and the end of its worker."""


class JobTimedOut(Exception):
    """A job on a cluster took longer than its limit. args: the seconds."""


def work_on_cluster(job: Job, key: str, limits: Limits) -> Outcome:
    """Do a job on a worker that a scheduler watches. Raises JobTimedOut; the worker then ends by itself.

    A scheduler runs a job again when its worker is lost, and an outcome is lost with its worker. An error is
    not: it reaches the scheduler at once.
    """
    done: list[Outcome] = []
    longer = replace(limits, seconds=limits.seconds + GRACE)
    thread = threading.Thread(target=lambda: done.append(work(job, key, longer)), daemon=True)
    thread.start()
    thread.join(limits.seconds)
    running = thread.is_alive()  # looked at first: what ends meanwhile is done
    if done:
        return done[0]
    if running:
        _end_worker()
        raise JobTimedOut(limits.seconds)
    raise RuntimeError("the job ended without an outcome")


def _end_worker() -> None:
    """End this process in a moment: what it is busy with cannot be stopped otherwise."""
    timer = threading.Timer(PARTING, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _outcome(job: Job, key: str, limits: Limits) -> Outcome:
    from reconcile.running.hosting import hosted

    bounds = Bounds(limits.seconds, limits.memory)
    folders = tuple(dict.fromkeys((job.folder, os.getcwd())))
    try:
        with fetched(job) as here, hosted(Hosting(bounds, folders=folders)):
            result = COMMANDS[here.command](here)
            causes, leads = _causes(result)
            if _explains(here, result):
                causes, leads = _causes(_explain(here))
            return Outcome(
                key,
                Status.DONE,
                result.exit_code,
                str(result.verdict.value),
                _line(result.text().partition("\n")[0]),
                _first(result),
                causes,
                leads,
            )
    except TieoutError as error:
        return refused(key, error)
    except Exception as error:
        return Outcome(key, Status.FAILED, 2, Status.FAILED.value, _line(error_text(error)))


def refused(key: str, error: TieoutError) -> Outcome:
    """The outcome of a job with bad input: where it is tells jobs apart, what it is they may share."""
    said = _line(f"{error.found}; expected {error.expected}")
    return Outcome(key, Status.REFUSED, 2, Status.REFUSED.value, _line(f"{error.where}: {said}"), said)


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End this process when the block takes longer, by a thread that needs no lock of the interpreter."""
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _line(text: str) -> str:
    return printable(text, LINE)


def _run(job: Job) -> Result:
    from reconcile.api.run import run

    scenario, data = _ground(job)
    return run(scenario, job.candidate, data=data, mapping=job.mapping, tolerance=job.tolerance)


def _explain(job: Job) -> Result:
    from reconcile.api.explain import explain

    scenario, data = _ground(job)
    assert job.candidate is not None
    return explain(scenario, job.candidate, data=data, mapping=job.mapping, tolerance=job.tolerance)


def _audit(job: Job) -> Result:
    from reconcile.api.audit import audit

    scenario, data = (None, None) if job.scenario is None else _ground(job)
    return audit(job.candidate, scenario=scenario, data=data, mapping=job.mapping, tolerance=job.tolerance)


def _diff(job: Job) -> Result:
    from reconcile.api.diff import diff

    scenario, data = (None, None) if job.scenario is None else _ground(job)
    return diff(
        job.reference,
        job.candidate,
        scenario=scenario,
        data=data,
        tolerance=job.tolerance,
        mapping=job.mapping,
        reference_mapping=job.reference_mapping,
        tables=job.tables,
        memory=job.memory,
    )


def _check(job: Job) -> Result:
    from reconcile.api.run import check

    return check(*_ground(job))


def _golden(job: Job) -> Result:
    from reconcile.api.golden import GoldenCheck
    from reconcile.goldens.check import check_goldens
    from reconcile.goldens.project_paths import find_project

    assert job.case is not None
    return GoldenCheck(check_goldens(find_project(job.folder), [job.case], keep=True), named=True)


def _drill(job: Job) -> Result:
    from reconcile.api.gate import drill

    assert job.case is not None
    return drill(only=(job.case,))


def _identify(job: Job) -> Result:
    from reconcile.api.identify import identify

    scenario, data = _ground(job)
    return identify(scenario, job.candidate, data=data, mapping=job.mapping, tolerance=job.tolerance)


COMMANDS: dict[Command, Callable[[Job], Result]] = {
    Command.RUN: _run,
    Command.DIFF: _diff,
    Command.EXPLAIN: _explain,
    Command.AUDIT: _audit,
    Command.IDENTIFY: _identify,
    Command.CHECK: _check,
    Command.GOLDEN: _golden,
    Command.DRILL: _drill,
}
"""What each command calls: the same function as on the command line."""


def _ground(job: Job) -> tuple[Scenario, Market | str | None]:
    """The scenario with the job's settings, and its bars: cut to the window where there is one."""
    from reconcile.api.given import market_of
    from reconcile.scenario.files import find_scenario
    from reconcile.scenario.files import replace as with_setting

    assert job.scenario is not None
    scenario = find_scenario(job.scenario)
    for path, value in job.settings:
        scenario = with_setting(scenario, path, value)
    if job.window is None:
        return scenario, job.data
    return scenario, _cut(market_of(job.data, scenario), job)


def _cut(market: Market, job: Job) -> Market:
    """The bars within the job's window, by the clock of the market; features keep their values."""
    import numpy as np

    from reconcile.comparing.filters import filters_from
    from reconcile.market.edit import slice_market

    assert job.window is not None
    span = filters_from(job.window.text, (), (), (), market.timezone)
    stamps = market.timestamps.astype(np.int64)
    start = 0 if span.since is None else int(np.searchsorted(stamps, span.since))
    stop = len(stamps) if span.until is None else int(np.searchsorted(stamps, span.until, "right"))
    if start >= stop:
        found = f"no bar in the window {job.window.text}"
        raise InputError(job.name, found, "bars within the market", "Choose other days.")
    return slice_market(market, bars=(start, stop))


def _explains(job: Job, result: Result) -> bool:
    """Whether a run that breaks is to be explained, too."""
    return job.command is Command.RUN and job.explain and result.exit_code == 1 and job.candidate is not None


def _causes(result: Result) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Causes and leads as sentences; both empty where the command finds none."""
    leads = getattr(getattr(result, "found", None), "leads", ())
    return (
        tuple(_line(_sentence(cause)) for cause in result.causes),
        tuple(_line(lead.sentence) for lead in leads),
    )


def _sentence(cause: Any) -> str:
    return cause if isinstance(cause, str) else str(cause.sentence)


def _first(result: Result) -> str | None:
    """The first divergence by its kind alone, so that jobs that part in the same way stand together."""
    first: Break | Any = result.first
    if first is None:
        return None
    if hasattr(first, "stage"):
        where = first.table if first.field == "row" else f"{first.table}.{first.field}"
        return f"{where}, {first.type.value}"
    return _line(str(getattr(getattr(first, "check", None), "value", first)))


def needs_program(job: Job) -> bool:
    """Whether the candidate is a function that this machine's Python has to find."""
    return job.candidate is not None and is_program(job.candidate) and not os.path.exists(job.candidate)
