"""Jobs handed to executors of concurrent.futures: processes of this machine, or workers of a dask cluster.

An executor here is a lane: it takes a few jobs at a time, in order. On one machine every lane is one process.
When a process ends, the job that ended it is therefore known, and its neighbours in other lanes never notice.
A cluster is one wide lane; dask itself tries a job again when its worker is lost.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context, parent_process
from typing import Any

from reconcile.campaigning.model import Job, Limits, Outcome, Status
from reconcile.campaigning.work import JobTimedOut, work, work_on_cluster
from reconcile.text.escape import error_text
from vocabulary.errors import InputError

LIVES = 3
"""A job that ended so many workers is reported, and not tried again."""
Make = Callable[[], AbstractContextManager[Executor]]
"""Starts an executor; called again when that one broke."""
Task = tuple[Job, str]
"""A job and its key."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where jobs run. lanes: how each executor is started. width: jobs that a lane holds at a time.

    ordered: a lane does its jobs one after the other, so that the first is to blame when it breaks.
    lost: the class of exceptions that means a worker was lost, besides BrokenExecutor. name: for the page.
    task: what a worker calls.
    """

    name: str
    lanes: tuple[Make, ...]
    width: int
    ordered: bool
    lost: tuple[type[BaseException], ...] = ()
    task: Callable[[Job, str, Limits], Outcome] = work


@dataclass(slots=True, eq=False)
class _Lane:
    make: Make
    width: int
    task: Callable[[Job, str, Limits], Outcome]
    executor: Executor | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    flying: deque[tuple[Future[Outcome], Task]] = field(default_factory=deque)
    since: float = 0.0

    def submit(self, task: Task, limits: Limits) -> None:
        if self.executor is None:
            self.executor = self.stack.enter_context(self.make())
        if not self.flying:
            self.since = time.monotonic()
        self.flying.append((self.executor.submit(self.task, *task, limits), task))

    def close(self) -> None:
        self.stack.close()
        self.executor = None

    def abandon(self, error: BaseException) -> None:
        """End what is under way, without waiting for it."""
        for future, _ in self.flying:
            future.cancel()
        self.stack.__exit__(type(error), error, error.__traceback__)
        self.executor = None


def run_all(tasks: Sequence[Task], cluster: Cluster, limits: Limits) -> Iterator[tuple[Job, Outcome]]:
    """Every job with its outcome, as they come. Closing the iterator ends what is under way.

    Raises InputError where the cluster itself is gone.
    """
    waiting = deque(tasks)
    suspects: deque[Task] = deque()
    ended: dict[str, int] = {}
    lanes = [_Lane(make, cluster.width, cluster.task) for make in cluster.lanes[: max(1, len(tasks))]]
    try:
        while waiting or suspects or any(lane.flying for lane in lanes):
            _fill(lanes, waiting, limits)
            if not any(lane.flying for lane in lanes):
                lanes[0].submit(
                    suspects.popleft(), limits
                )  # alone, so that it is known whom a loss is due to
            flying = [future for lane in lanes for future, _ in lane.flying]
            wait(flying, return_when=FIRST_COMPLETED)
            for lane in lanes:
                yield from _settled(lane, cluster, limits, waiting, suspects, ended)
    except BaseException as error:
        for lane in lanes:
            lane.abandon(error)
        raise
    finally:
        for lane in lanes:
            lane.close()


def _fill(lanes: list[_Lane], waiting: deque[Task], limits: Limits) -> None:
    for lane in lanes:
        while waiting and len(lane.flying) < lane.width:
            task = waiting.popleft()
            try:
                lane.submit(task, limits)
            except BrokenExecutor:  # it broke since: `_settled` sees to what was under way
                waiting.appendleft(task)
                if not lane.flying:
                    lane.close()
                break


def _settled(
    lane: _Lane,
    cluster: Cluster,
    limits: Limits,
    waiting: deque[Task],
    suspects: deque[Task],
    ended: dict[str, int],
) -> Iterator[tuple[Job, Outcome]]:
    """What a lane has done; what it lost is put back in the queue, or reported."""
    first = True
    for entry in [one for one in lane.flying if one[0].done()]:
        future, (job, key) = entry
        lane.flying.remove(entry)
        error = _error_of(future)
        if error is None:
            lane.since = time.monotonic()
            yield job, future.result()
            continue
        if isinstance(error, BrokenExecutor):
            lane.close()
            if first and cluster.ordered:
                first = False
                took = time.monotonic() - lane.since
                found = _blamed(job, key, took, limits, ended)
                if found is None:
                    waiting.appendleft((job, key))
                else:
                    yield job, found
            else:
                waiting.appendleft((job, key))
        elif isinstance(error, JobTimedOut):
            yield job, _timed_out(key, limits, limits.seconds)
        elif isinstance(error, cluster.lost):
            alone = key in ended or not (waiting or suspects or lane.flying)
            ended[key] = LIVES
            if alone:
                yield job, _lost(key, limits)
            else:
                suspects.append((job, key))
        elif isinstance(error, CancelledError):
            remedy = "Start the cluster, and run the campaign again: it goes on where it was."
            raise InputError(
                cluster.name, "a cluster that does not answer any more", "a running cluster", remedy
            )
        else:
            said = f"the job could not be sent or its outcome not returned: {error_text(error)}"
            yield job, Outcome(key, Status.FAILED, 2, Status.FAILED.value, said)


def _error_of(future: Future[Outcome]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _blamed(job: Job, key: str, took: float, limits: Limits, ended: dict[str, int]) -> Outcome | None:
    """The outcome of a job whose worker ended while it ran; None where it is tried again."""
    if took >= limits.seconds:
        return _timed_out(key, limits, took)
    ended[key] = ended.get(key, 0) + 1
    return _lost(key, limits) if ended[key] >= LIVES else None


def _timed_out(key: str, limits: Limits, took: float) -> Outcome:
    said = f"took longer than {limits.seconds:g} s"
    return Outcome(key, Status.TIMED_OUT, 2, Status.TIMED_OUT.value, said, seconds=took)


def _lost(key: str, limits: Limits) -> Outcome:
    said = f"ended its worker {LIVES} times, without an error message"
    return Outcome(key, Status.LOST, 2, Status.LOST.value, said)


def processes(count: int) -> Cluster:
    """So many processes of this machine, each started anew by this Python (nothing is forked)."""
    return Cluster(f"{count} process{'' if count == 1 else 'es'}", (_process,) * count, 2, True)


@contextmanager
def _process() -> Iterator[Executor]:
    """An executor of one process, which is ended at once, with all that it started, when it is left early."""
    from concurrent.futures import ProcessPoolExecutor

    from reconcile.running.process_tree import end_pool, shielded_from_interrupts

    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_start)
    before = set(active_children())
    with shielded_from_interrupts():
        pool.submit(_ready)
    own = [child for child in active_children() if child not in before]
    try:
        yield pool
    except BaseException:
        end_pool(own)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start() -> None:
    """What every process does first. Where the campaign is killed, its processes end by themselves."""
    from reconcile.own_packages import ours_first

    ours_first()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready() -> None:
    """A task that does nothing: it starts the process."""


def dask_cluster(address: str) -> Cluster:
    """The workers of a dask scheduler. Raises InputError: dask is not installed, or nobody answers."""
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        found, remedy = "no dask.distributed", "pip install 'tieout[cluster]'"
        raise InputError("--scheduler", found, "the package that speaks to a cluster", remedy) from None
    try:
        make: Any = Client
        client = make(address, timeout=10, set_as_default=False)
        threads = sum(client.nthreads().values())
    except (OSError, ValueError, TimeoutError) as error:
        remedy = "Start it: dask scheduler, and dask worker ADDRESS --nthreads 1"
        raise InputError(f"--scheduler {address}", error_text(error), "a dask scheduler", remedy) from None

    @contextmanager
    def start() -> Iterator[Executor]:
        try:
            yield client.get_executor(pure=False)
        finally:
            client.close()

    width = max(4 * threads, 16)
    return Cluster(f"dask at {address}", (start,), width, False, (KilledWorker,), work_on_cluster)
