"""What can go wrong with a user's function, as one table: each row is one message."""

from __future__ import annotations

import signal
from enum import Enum

from vocabulary.errors import CallableError

OF_A_LEDGER = "a Ledger"
BUILD = "Build one from data frames: reconcile.from_frames({{'fills': fills, ...}})."
DEBUG = "--in-process runs it under a debugger."


class Failure(Enum):
    """(what was found, what was expected, what to do); braces hold facts of the case."""

    EXIT = (
        "a process that ended with exit code {code} before it answered{words}",
        "an answer",
        f"Look for os._exit, and for libraries that end the process. {DEBUG}",
    )
    SIGNAL = (
        "a process that was ended by signal {signal}{words}",
        "an answer",
        "Look for compiled code that crashes; SIGKILL often means that the system ran out of memory.",
    )
    TIMEOUT = (
        "no answer within {seconds} s",
        "an answer within --timeout",
        f"Give it longer with --timeout, or see where it hangs: {DEBUG}",
    )
    MEMORY = (
        "{used} of memory in use by its process and what that started",
        "at most {allowed}",
        "Give it more with --memory, or let it hold less.",
    )
    PROTOCOL = (
        "an answer that cannot be read: {trouble}",
        "the answer of one call",
        "Leave file descriptors alone that the function did not open.",
    )
    EXCEPTION = ("{type}: {text}", "{expected}", "Set TIEOUT_TRACEBACK=1 to see where.")
    NO_LEDGER = ("a {type}", OF_A_LEDGER, BUILD)
    MALFORMED = ("{trouble}", "a Ledger as vocabulary.ledger describes it", BUILD)
    MARKET_CHANGED = (
        "the market it was given, changed",
        "read-only use",
        "Copy an array before writing to it: numpy.array(market.close).",
    )
    MARKET_IGNORED = (
        "{trouble}",
        "a ledger made from the market that the function is given",
        "Take the bars from the market argument, not from a file of its own.",
    )


ENDINGS = (Failure.EXIT, Failure.SIGNAL, Failure.TIMEOUT, Failure.MEMORY, Failure.PROTOCOL)
"""After these no further call can be made."""


class CandidateError(CallableError):
    """A failure of a user's function. kind: the row of the table."""

    def __init__(self, where: str, kind: Failure, found: str, expected: str, remedy: str) -> None:
        super().__init__(where, found, expected, remedy)
        self.kind = kind


def failed(who: str, kind: Failure, **facts: object) -> CandidateError:
    """The error of one row. who: `candidate my_engine:run`, or the strategy's function."""
    found, expected, remedy = (part.format(**facts) for part in kind.value)
    return CandidateError(who, kind, found, expected, remedy)


def ends_the_process(error: BaseException) -> bool:
    """Whether a user's function brought its process to an end."""
    return isinstance(error, CandidateError) and error.kind in ENDINGS


def ended(who: str, code: int, words: str) -> CandidateError:
    """The error of a process that ended too early. words: the last that it printed, shown if not empty."""
    said = f"; its last words: {words}" if words else ""
    if code >= 0:
        return failed(who, Failure.EXIT, code=code, words=said)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return failed(who, Failure.SIGNAL, signal=name, words=said)
