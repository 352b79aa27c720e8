"""The process in which a user's function runs: `python -P worker_process.py`, started by `running.worker`.

Requests come in on what was standard input, answers go out on what was standard output; both are moved to
other file descriptors first. What a user's code prints, on any descriptor, goes to standard error. A request
says in `call` what to do:

    start       the search path for modules; whether there is a terminal, for a debugger
    find        import a function: `name`, `folder`, `where`
    candidate   a candidate's ledger: `name`, `scenario`, `market`
    run         the ledger of the engine or the reference (`program`) for a strategy's function
    resume      the engine over some bars: `state`, `until`
    decide      the reference's decision at a bar: `state`, `bar`, and `fired`, the exits in place of its own
    compiled    whether the engine has its compiled code already

An answer holds `value`, or `error`. Besides, `progress` and `debugging` tell how a call goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

KEPT_MARKETS = 4
BETWEEN = 0.05
"""Seconds between two tellings of progress."""
UNHEARD = 60.0
"""Seconds until a process whose answers nobody can read ends by itself."""

Answer = tuple[dict[str, Any], bytes]


class Server:
    """Does what requests ask for; keeps the functions it found, and the last markets."""

    def __init__(self, replies: IO[bytes]) -> None:
        from reconcile.running import wire

        self.wire = wire
        self.replies = replies
        self.process = os.getpid()
        self.home = os.getcwd()
        self.terminal = False
        self.functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self.markets: OrderedDict[str, Any] = OrderedDict()

    def serve(self, requests: IO[bytes]) -> None:
        """Answer requests until there are no more."""
        while (frame := self.wire.read_frame(requests)) is not None:
            header, body = self.answer(frame[0])
            if os.getpid() != self.process:  # a copy that the user's code forked and let return
                os._exit(0)
            self.write(header, body)

    def write(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Write a frame. Where the pipe is closed, only the command can say so: it ends this process."""
        try:
            self.wire.write_frame(self.replies, header, body)
        except (OSError, ValueError):
            time.sleep(UNHEARD)
            os._exit(1)

    def answer(self, request: dict[str, Any]) -> Answer:
        """One answer, an error included."""
        try:
            with contextlib.suppress(OSError):
                os.chdir(self.home)
            made = getattr(self, f"do_{request['call']}")(request)
            return made if isinstance(made, tuple) else ({"value": made}, b"")
        except KeyboardInterrupt:
            os._exit(130)
        except BaseException as error:
            return {"error": trouble(error)}, b""

    def do_start(self, request: dict[str, Any]) -> None:
        """Make the process the user's: from here on their modules are found first."""
        from reconcile.own_packages import give_way

        sys.path[:] = request["path"]
        give_way()
        self.terminal = request["terminal"]
        sys.breakpointhook = self.debug

    def do_find(self, request: dict[str, Any]) -> None:
        from reconcile.scenario.callables import resolve_callable

        key = request["name"], request["folder"]
        if key not in self.functions:
            self.functions[key] = resolve_callable(*key, request["where"])

    def do_candidate(self, request: dict[str, Any]) -> Answer:
        from reconcile.running.candidate import call_candidate

        name = request["name"]
        scenario, market = self.scenario(request), self.market(request)
        began = time.perf_counter()
        ledger = call_candidate(name, self.functions[name, ""], scenario, market)
        seconds = time.perf_counter() - began
        return self.ledger(ledger, f"candidate {name}", market, seconds=seconds)

    def do_run(self, request: dict[str, Any]) -> Answer:
        from reconcile.own_packages import own_package

        program = own_package(request["program"])
        scenario, market = self.scenario(request), self.market(request)
        progress = self.progress if request["progress"] else None
        began = time.perf_counter()
        ledger = program.run(scenario, market, progress)
        seconds = time.perf_counter() - began
        return self.ledger(ledger, request["who"], market, seconds=seconds)

    def do_resume(self, request: dict[str, Any]) -> Answer:
        from reconcile.own_packages import own_package

        scenario, market = self.scenario(request), self.market(request)
        state = self.wire.from_data(request["state"])
        ledger, state = own_package("engine").resume(scenario, market, state, request["until"])
        return self.ledger(ledger, request["who"], market, state=self.wire.to_data(state))

    def do_decide(self, request: dict[str, Any]) -> Any:
        from reconcile.own_packages import own_package

        scenario, market = self.scenario(request), self.market(request)
        state = self.wire.from_data(request["state"])
        fired = self.wire.from_data(request["fired"])
        made = own_package("reference").decide(scenario, state, market, request["bar"], fired)
        return self.wire.to_data(made)

    def do_compiled(self, request: dict[str, Any]) -> bool:
        from reconcile.own_packages import own_package

        return bool(own_package("engine").is_compiled(self.scenario(request)))

    def ledger(self, ledger: Any, who: str, market: Any, **facts: Any) -> Answer:
        """A ledger as an answer, when the market still is what it was."""
        from reconcile.running.candidate import check_unchanged

        check_unchanged(who, market)
        about, body = self.wire.pack_ledger(ledger)
        return {"value": {"ledger": about, **facts}}, body

    def scenario(self, request: dict[str, Any]) -> Any:
        origin = request["origin"]
        return self.wire.from_data(request["scenario"], lambda name: self.functions[name, origin])

    def market(self, request: dict[str, Any]) -> Any:
        """The market in a folder, which is named after its digest."""
        from reconcile.running.mapped_market import read_mapped

        folder = request["market"]
        if folder not in self.markets:
            self.markets[folder] = read_mapped(Path(folder))
            if len(self.markets) > KEPT_MARKETS:
                self.markets.popitem(last=False)
        self.markets.move_to_end(folder)
        return self.markets[folder]

    told = 0.0

    def progress(self, bars: int) -> None:
        """Tell how many bars are done, now and then."""
        now = time.perf_counter()
        if now - self.told > BETWEEN and os.getpid() == self.process:
            self.told = now
            self.write({"progress": bars})

    def debug(self, *given: Any, **named: Any) -> Any:
        """`breakpoint()`: Python's debugger on the terminal, where there is one."""
        if os.environ.get("PYTHONBREAKPOINT"):
            return sys.__breakpointhook__(*given, **named)
        if not self.terminal:
            raise RuntimeError("breakpoint() has no terminal here; run it with --in-process")
        import pdb

        self.write({"debugging": True})
        windows = os.name == "nt"
        keyboard = open("CONIN$" if windows else "/dev/tty")  # noqa: SIM115  for as long as the debugger lasts
        screen = open("CONOUT$" if windows else "/dev/tty", "w")  # noqa: SIM115
        pdb.Pdb(stdin=keyboard, stdout=screen).set_trace(sys._getframe(1))
        return None


def trouble(error: BaseException) -> dict[str, Any]:
    """An error as data: the four parts of one of ours, else its type and text."""
    from reconcile.text.escape import error_message
    from vocabulary.errors import TieoutError

    if os.environ.get("TIEOUT_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    kind = getattr(getattr(error, "kind", None), "name", None)
    if isinstance(error, TieoutError):
        parts = {name: str(getattr(error, name)) for name in ("where", "found", "expected", "remedy")}
        return {"class": type(error).__name__, "kind": kind, **parts}
    return {"class": None, "type": type(error).__name__, "text": error_message(error)}


def private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """What was standard input and output, moved away: user's code reads nothing and prints to stderr."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return requests, replies


def main() -> None:
    """Serve until the command ends; then run exit handlers, which nobody waits for long."""
    root = str(Path(__file__).resolve().parents[2])
    before = list(sys.path)
    sys.path.insert(0, root)
    import reconcile.market.edit
    import reconcile.running.candidate
    import reconcile.running.mapped_market  # noqa: F401  loaded while only ours can be found

    sys.path[:] = before
    requests, replies = private_pipes()
    Server(replies).serve(requests)
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
