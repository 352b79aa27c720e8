"""Where the functions that a user names run while a command lasts: in a worker, or in this process.

with hosted(hosting) as host:
    scenario = find_scenario(name)            # a strategy's function is found by the host
    candidate = host.candidate("my_engine:run")
    ledger = candidate(scenario, market)
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconcile.own_packages import give_way
from reconcile.running.bounds import Hosting
from reconcile.running.candidate import Candidate, stdout_to_stderr
from reconcile.running.progress import Progress
from reconcile.scenario import callables
from reconcile.scenario.programs import Elsewhere, Fired
from vocabulary.errors import TieoutError

if TYPE_CHECKING:
    from reconcile.running.worker import Worker
    from reference.results import Decision
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario
    from vocabulary.state import State


class HostedCandidate:
    """A candidate in a worker; it is called like any other."""

    def __init__(self, worker: Worker, name: str) -> None:
        self.worker, self.name = worker, name

    def __call__(self, scenario: Scenario, market: Market) -> Ledger:
        return self.timed(scenario, market)[0]

    def timed(self, scenario: Scenario, market: Market) -> tuple[Ledger, float]:
        """The ledger, and the seconds of the function alone."""
        return self.worker.candidate(self.name, scenario, market)

    def try_quietly(self, scenario: Scenario, market: Market, seconds: float) -> Ledger | None:
        """The ledger, None where there is none in that time; nothing is printed, and no failure lasts."""
        with self.worker.mute():
            try:
                return self.worker.candidate(self.name, scenario, market, seconds=seconds)[0]
            except TieoutError:
                self.worker.forgive()
                return None


class HostedStrategy(Elsewhere):
    """A strategy's function in a worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def run(
        self, program: str, scenario: Scenario, market: Market, progress: Progress | None
    ) -> tuple[Ledger, float]:
        return self.worker.run(program, scenario, market, progress)

    def is_compiled(self, scenario: Scenario, market: Market) -> bool:
        return self.worker.is_compiled(scenario, market)

    def resume(self, scenario: Scenario, market: Market, state: State, until: int) -> tuple[Ledger, State]:
        return self.worker.resume(scenario, market, state, until)

    def decide(
        self, scenario: Scenario, state: State, market: Market, t: int, fired: Fired | None = None
    ) -> Decision:
        return self.worker.decide(scenario, state, market, t, fired)


class Host:
    """Finds functions, and holds the worker that they run in, which starts when it is first needed."""

    def __init__(self, hosting: Hosting) -> None:
        self.hosting = hosting
        self.worker: Worker | None = None

    def candidate(self, name: str, where: str = "candidate") -> Candidate:
        """The function that `module:function` names. where: the option or argument it was given as.

        Raises InputError when there is none; a worker may say so only when the function is called.
        """
        if self.hosting.in_process:
            with stdout_to_stderr():
                return callables.resolve_callable(name, "", where)
        worker = self._worker()
        worker.find(name, "", where, wait=False)
        return HostedCandidate(worker, name)

    def strategy(self, name: str, folder: str, where: str) -> Callable[..., Any]:
        """A strategy's function; folder: that of its scenario."""
        if self.hosting.in_process:
            return callables.resolve_callable(name, folder, where)
        worker = self._worker()
        worker.find(name, folder, where)
        return HostedStrategy(worker)

    def look_in(self, folders: Sequence[str]) -> None:
        """Look for modules in these folders first; a worker that runs already is started anew."""
        self.hosting = replace(self.hosting, folders=tuple(folders))
        if self.worker is not None:
            self.worker.look_in(folders)
        if self.hosting.in_process:
            sys.path[:] = [*folders, *(entry for entry in sys.path if entry not in folders)]

    def _worker(self) -> Worker:
        from reconcile.running.worker import Worker

        if self.worker is None:
            self.worker = Worker(self.hosting.bounds, folders=self.hosting.folders)
        return self.worker

    def check(self) -> None:
        """Raise the failure that ended the worker, if one did."""
        if self.worker is not None:
            self.worker.check()

    def end(self, *, now: bool = False) -> None:
        """End the worker; now: without a chance to run its exit handlers."""
        if self.worker is not None:
            self.worker.end(now=now)


_CURRENT: ContextVar[Host | None] = ContextVar("host", default=None)


@contextlib.contextmanager
def hosted(hosting: Hosting) -> Iterator[Host]:
    """A host for as long as the block runs; a worker starts when it is first needed.

    At its end raises the failure of a worker that a search in between may have taken for something else.
    """
    host = Host(hosting)
    token = _CURRENT.set(host)
    path = _users_path(hosting.folders) if hosting.in_process else contextlib.nullcontext()
    with path, callables.found_by(host.strategy):
        try:
            yield host
            host.check()
        except BaseException:
            host.end(now=True)
            raise
        finally:
            _CURRENT.reset(token)
        host.end()


def current_host() -> Host:
    """The host of the command that is running; outside of one, functions run in this process."""
    return _CURRENT.get() or Host(Hosting(in_process=True))


@contextlib.contextmanager
def _users_path(folders: Sequence[str]) -> Iterator[None]:
    """Their modules are found first, as they are in a worker."""
    from reconcile.running.worker import search_path

    before = list(sys.path)
    sys.path[:] = search_path(folders)
    give_way()
    try:
        yield
    finally:
        sys.path[:] = before
