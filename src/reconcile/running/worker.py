"""A worker: one process that runs a user's functions, call after call, as seen from the command.

Whatever the function does, the command goes on: the worker is started anew by this program's own Python
(nothing is forked), is bounded in time and memory, and is ended with all that it started. The comparison runs
in the command's process, on a ledger that was checked there.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reconcile.running import failures, wire
from reconcile.running.bounds import Bounds
from reconcile.running.failures import CandidateError, Failure, failed
from reconcile.running.mapped_market import write_mapped
from reconcile.running.process_tree import end_tree, shielded_from_interrupts, whole_memory
from reconcile.running.supervision import GRACE, Frame, Frames, Output, Watch, read_frames
from reconcile.scenario.programs import Fired
from vocabulary import errors
from vocabulary.errors import OutputError, TieoutError
from vocabulary.scenario import CallableStrategy

if TYPE_CHECKING:
    from reference.results import Decision
    from vocabulary.ledger import Ledger
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario
    from vocabulary.state import State

SCRIPT = Path(__file__).with_name("worker_process.py")
SLICE = 0.05
"""Seconds to wait for an answer before time and memory are looked at."""
STARTING = 120.0
"""Seconds that a worker may take to start, whatever the bound of a call."""
PARTING = 2.0
"""Seconds that a worker may take to end when it is no longer needed."""
KEPT_MARKETS = 4

Made = TypeVar("Made")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Call:
    """A request, and who is asked. seconds: a bound of its own."""

    who: str
    request: Mapping[str, Any]
    progress: Progress | None = None
    seconds: float | None = None


class Worker:
    """Starts its process with the first call, and again after `forgive`.

    A call that ends the process fails for good: each later call, and `check`, raise the same error, so that
    no search that tries many runs can take it for a run that merely was not possible.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        folders: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        echo: bool = True,
    ) -> None:
        self._seconds = bounds.seconds or None
        self._memory = whole_memory() if bounds.memory is None else bounds.memory or None
        self.failure: CandidateError | None = None
        self._folders = folders
        self._environment = environment
        self._echo = echo
        self._process: subprocess.Popen[bytes] | None = None
        self._frames: Frames = queue.Queue()
        self._output = Output(echo)
        self._awaited: deque[_Call] = deque()
        self._found: dict[tuple[str, str, str], None] = {}
        self._folder: Path | None = None
        self._markets: OrderedDict[str, Path] = OrderedDict()

    def find(self, name: str, folder: str, where: str, *, wait: bool = True) -> None:
        """Import the function `module:function`; folder and where as for `resolve_callable`.

        wait: until it is found. Otherwise the next call says so where it is not, and the command can load the
        market meanwhile.
        """
        key = (name, folder, where)
        if key not in self._found:
            self._found[key] = None
            if self._process is None:
                self._start()
            else:
                self._send(_find(*key))
        if wait:
            self._settle()

    def candidate(
        self, name: str, scenario: Scenario, market: Market, *, seconds: float | None = None
    ) -> tuple[Ledger, float]:
        """A candidate's ledger, and the seconds that it took."""
        request = {"call": "candidate", "name": name, **self._subject(scenario, market)}
        return self._run(_Call(f"candidate {name}", request, seconds=seconds))

    def run(
        self, program: str, scenario: Scenario, market: Market, progress: Progress | None = None
    ) -> tuple[Ledger, float]:
        """The ledger of `engine` or `reference` where a strategy's function decides, and its seconds."""
        request: dict[str, Any] = {"call": "run", "program": program, "progress": progress is not None}
        request |= self._subject(scenario, market)
        return self._run(_Call(request["who"], request, progress))

    def resume(self, scenario: Scenario, market: Market, state: State, until: int) -> tuple[Ledger, State]:
        """The engine from a state up to a bar."""
        request = {"call": "resume", "state": wire.to_data(state), "until": until}
        request |= self._subject(scenario, market)
        value, body = self._ask(_Call(request["who"], request))
        return self._read(
            request["who"],
            lambda: (wire.unpack_ledger(value["ledger"], body), wire.from_data(value["state"])),
        )

    def decide(
        self, scenario: Scenario, state: State, market: Market, bar: int, fired: Fired | None = None
    ) -> Decision:
        """The reference's decision at a bar. fired: as for `reference.decide`."""
        request = {"call": "decide", "bar": bar, "state": wire.to_data(state), "fired": wire.to_data(fired)}
        request |= self._subject(scenario, market)
        value, _ = self._ask(_Call(request["who"], request))
        made: Decision = self._read(request["who"], lambda: wire.from_data(value))
        return made

    def is_compiled(self, scenario: Scenario, market: Market) -> bool:
        """Whether the engine has the compiled code that a run needs already."""
        value, _ = self._ask(_Call("engine", {"call": "compiled", **self._subject(scenario, market)}))
        return bool(value)

    def check(self) -> None:
        """Raise the failure that ended the process, if one did."""
        if self.failure is not None:
            raise self.failure

    def forgive(self) -> None:
        """Forget a failure; the next call starts a new process."""
        self.failure = None

    def look_in(self, folders: Sequence[str]) -> None:
        """Look for modules in these folders first; the next call starts a new process."""
        self.end()
        self._folders = folders

    def mute(self) -> contextlib.AbstractContextManager[None]:
        """Within the block, what the user's code prints is not passed on."""
        return self._output.muted()

    def end(self, *, now: bool = False) -> None:
        """End the process with all that it started. now: without a chance to run its exit handlers."""
        process, self._process = self._process, None
        if process is not None:
            end_tree(process, 0.0 if now else PARTING)
            self._output.join()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._markets.clear()

    def _run(self, call: _Call) -> tuple[Ledger, float]:
        value, body = self._ask(call)
        return self._read(
            call.who, lambda: (wire.unpack_ledger(value["ledger"], body), float(value["seconds"]))
        )

    def _read(self, who: str, make: Callable[[], Made]) -> Made:
        """What is made of an answer; where it cannot be made, that is a failure."""
        try:
            return make()
        except (wire.WireError, KeyError, TypeError, ValueError) as error:
            raise self._give_up(failed(who, Failure.PROTOCOL, trouble=error)) from error

    def _subject(self, scenario: Scenario, market: Market) -> dict[str, Any]:
        """What a call is about; a market is written once, and mapped by the worker."""
        selection = scenario.strategy.selection
        return {
            "who": f"strategy.function {selection.function}"
            if isinstance(selection, CallableStrategy)
            else "scenario",
            "scenario": wire.to_data(scenario),
            "origin": scenario.origin,
            "market": str(self._place_of(market)),
        }

    def _place_of(self, market: Market) -> Path:
        if self._folder is None:
            self._folder = _temporary_folder()
        key = f"{market.digest} {market.name} {market.notes}"
        if key not in self._markets:
            place = Path(tempfile.mkdtemp(prefix=f"{market.digest[:16]}-", dir=self._folder))
            write_mapped(market, place)
            self._markets[key] = place
            if len(self._markets) > KEPT_MARKETS:
                shutil.rmtree(self._markets.popitem(last=False)[1], ignore_errors=True)
        self._markets.move_to_end(key)
        return self._markets[key]

    def _ask(self, call: _Call) -> tuple[Any, bytes]:
        """The value of an answer and what came with it. Raises TieoutError."""
        self.check()
        if self._process is None:
            self._start()
        self._settle()
        self._send(call)
        return self._receive()

    def _send(self, call: _Call) -> None:
        """Send a request; its answer comes after those that are awaited already."""
        assert self._process is not None and self._process.stdin is not None
        self._awaited.append(call)
        with contextlib.suppress(OSError):  # then there is no answer, which tells more
            wire.write_frame(self._process.stdin, call.request)

    def _receive(self) -> tuple[Any, bytes]:
        """The value of the next answer and what came with it. Raises TieoutError."""
        call = self._awaited.popleft()
        assert self._process is not None
        header, body = self._answer(self._process, call)
        if "error" in header:
            raise _error(call.who, header["error"])
        return header.get("value"), body

    def _settle(self) -> None:
        """Receive all answers that are awaited."""
        self.check()
        while self._awaited:
            self._receive()

    def _start(self) -> None:
        """Start the process, and let it find the functions that it has to know."""
        self._output = Output(self._echo)
        self._frames = queue.Queue()
        self._awaited.clear()
        with shielded_from_interrupts():
            process = subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT)],
                env={**os.environ, **(self._environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        self._process = process
        assert process.stdout is not None and process.stderr is not None
        reading = (process.stdout, self._frames, self._memory)
        threading.Thread(target=read_frames, args=reading, daemon=True).start()
        self._output.start(process.stderr)
        terminal = sys.stdin is not None and sys.stdin.isatty()
        path = search_path(self._folders)
        begin = {"call": "start", "path": path, "terminal": terminal}
        self._send(_Call("worker", begin, seconds=STARTING))
        for found in self._found:
            self._send(_find(*found))

    def _answer(self, process: subprocess.Popen[bytes], call: _Call) -> Frame:
        """Wait for the answer, with an eye on time and memory."""
        seconds = self._seconds if call.seconds is None else call.seconds
        watch = Watch(process, call.who, seconds, self._memory)
        while True:
            with contextlib.suppress(queue.Empty):
                frame = self._frames.get(timeout=SLICE)
                if isinstance(frame, wire.WireError):
                    raise self._give_up(failed(call.who, Failure.PROTOCOL, trouble=frame))
                if frame is None:
                    raise self._give_up(self._ended(process, call.who))
                if not {"progress", "debugging"} & frame[0].keys():
                    return frame
                if call.progress is not None and "progress" in frame[0]:
                    call.progress(int(frame[0]["progress"]))
                watch.debugging = watch.debugging or "debugging" in frame[0]
            if watch.has_ended() and self._frames.empty():
                raise self._give_up(self._ended(process, call.who))
            failure = watch.failure()
            if failure is not None:
                raise self._give_up(failure)

    def _ended(self, process: subprocess.Popen[bytes], who: str) -> CandidateError:
        """Why there is no answer and will be none."""
        try:
            code = process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            return failed(who, Failure.PROTOCOL, trouble="the pipe that answers come through was closed")
        self._output.join()
        return failures.ended(who, code, "" if self._echo else self._output.last_words())

    def _give_up(self, failure: CandidateError) -> CandidateError:
        """Remember a failure; end what is left of the process."""
        self.failure = failure
        process, self._process = self._process, None
        if process is not None:
            end_tree(process, 0.0)
        return failure


def _find(name: str, folder: str, where: str) -> _Call:
    who = f"candidate {name}" if folder == "" else f"strategy.function {name}"
    return _Call(who, {"call": "find", "name": name, "folder": folder, "where": where})


def search_path(folders: Sequence[str]) -> list[str]:
    """Where a user's modules are looked for: folders, the current folder, and the usual places."""
    first = [*folders, os.getcwd()]
    return [*first, *(entry for entry in sys.path if entry not in ("", *first))]


def _temporary_folder() -> Path:
    """A folder for what the worker reads; raises OutputError where there can be none."""
    try:
        return Path(tempfile.mkdtemp(prefix="tieout-"))
    except OSError as error:
        remedy = "Set TMPDIR to a folder that can be written."
        raise OutputError("temporary folder", str(error), "one that can be written", remedy) from error


def _error(who: str, told: Mapping[str, Any]) -> TieoutError:
    """An error of the worker's as an exception of ours."""
    if told.get("class") is None:
        facts = {"type": told.get("type"), "text": told.get("text"), "expected": failures.OF_A_LEDGER}
        return failed(who, Failure.EXCEPTION, **facts)
    where, found, expected, remedy = (
        str(told.get(name)) for name in ("where", "found", "expected", "remedy")
    )
    kind = str(told.get("kind"))
    if kind in Failure.__members__:
        return CandidateError(where, Failure[kind], found, expected, remedy)
    made = getattr(errors, str(told["class"]), TieoutError)
    known = isinstance(made, type) and issubclass(made, TieoutError)
    error: TieoutError = (made if known else TieoutError)(where, found, expected, remedy)
    return error
