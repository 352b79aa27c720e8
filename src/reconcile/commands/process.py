"""How the process ends: its standard streams, its signals, and its exit code.

The exit code is that of the verdict only when the answer was written. A stream that is closed or full makes
it 2; a reader that has gone (`| head`) leaves it as it is. SIGINT and SIGTERM end the process with 130 and
143, whatever the code that they interrupted makes of them.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import IO

import click

CANNOT_TELL = 2
INTERRUPTED = 130
TERMINATED = 143
_SIGNALS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


class Terminated(KeyboardInterrupt):
    """SIGTERM was received. It passes wherever an interrupt does."""


class _Received:
    """The first signal that was received, None before."""

    number: int | None = None


def open_streams() -> None:
    """Give the process every standard stream that it was started without.

    Otherwise the next file that is opened would take the stream's number, and be written to by mistake.
    Writing to a standard output that was closed fails, because nobody would see the answer; messages are
    dropped.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def handle_signals() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt and Terminated; a second signal ends it at once."""
    sys.unraisablehook = lambda _: None  # an exception in a destructor has no traceback either
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)


def release_signals() -> None:
    """Let a signal end the process without an exception, as the system does by default."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _on_signal(number: int, _: FrameType | None) -> None:
    release_signals()
    _Received.number = number
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def final_code(code: int) -> int:
    """The exit code of the process, after all that was printed has left it. code: that of the command."""
    if _Received.number is not None:
        code = _SIGNALS[signal.Signals(_Received.number)]
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            _discard(stream)
            if not isinstance(error, BrokenPipeError) and code not in _SIGNALS.values():
                code = CANNOT_TELL
    return code


def print_answer(text: str) -> None:
    """Print an answer to standard output. Raises OutputError when it is closed or full.

    A reader that has gone is no error. Nothing is printed where a user's function ended its process, even if
    a search took that for a run that is not possible.
    """
    hosting = sys.modules.get("reconcile.running.hosting")  # a command that has none need not load it
    if hosting is not None:
        hosting.current_host().check()
    try:
        click.echo(text)
    except OSError as error:
        _lose_answer(error)
    flush_answer()


def flush_answer() -> None:
    """Have standard output take all that was printed. Raises OutputError when it is closed or full."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _lose_answer(error)


def answer_error(error: BaseException) -> Exception | None:
    """The error of a standard output that did not take what click itself prints, such as a help text.

    None for an error of any other origin.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if not isinstance(error, OSError) or trace is None or trace.tb_frame.f_code is not click.echo.__code__:
        return None
    return _lost_answer(error)


def _lose_answer(error: OSError) -> None:
    """Raise OutputError, unless it is only that the reader has gone."""
    failure = _lost_answer(error)
    if not isinstance(error, BrokenPipeError):
        raise failure


def _lost_answer(error: OSError) -> Exception:
    from vocabulary.errors import OutputError

    _discard(sys.stdout)
    found = error.strerror or type(error).__name__
    expected = "a stream that accepts the answer"
    return OutputError("standard output", found, expected, "Redirect it elsewhere, or free space.")


def print_message(text: str, *, newline: bool = True) -> None:
    """Print a message or progress to standard error. What it does not take is lost, and ends nothing."""
    try:
        click.echo(text, err=True, nl=newline)
    except (OSError, ValueError):
        _discard(sys.stderr)


def _discard(stream: IO[str]) -> None:
    """Send what a stream still holds, and all that follows, to nowhere."""
    try:
        target = os.open(os.devnull, os.O_WRONLY)
        os.dup2(target, stream.fileno())
        os.close(target)
        stream.flush()
    except (OSError, ValueError):
        pass  # a stream that is no file, as in a test
