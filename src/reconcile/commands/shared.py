"""What several subcommands share: printing, and progress on a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from reconcile.commands.process import print_answer, print_message
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.api.result import Result
    from reconcile.commands.options import Form
    from reconcile.running.progress import Phase, Progress, Watch

REDRAWN = 0.1
"""Seconds between two drawings of a progress line."""


def answer(result: Result, form: Form) -> int:
    """Print a result in the form asked for, and write its page; the exit code that it comes to."""
    if form.html is not None:
        result.to_html(form.html)
    if form.as_json:
        print_answer(result.to_json())
    elif form.as_markdown:
        print_answer(result.to_markdown().rstrip("\n"))
    else:
        text = result.text()
        if form.html is not None and not form.quiet:
            text += f"\n\npage          {printable(form.html, 200)}"
        first, newline, rest = text.partition("\n")
        first = coloured(first, result.exit_code)
        print_answer(first if form.quiet else first + newline + rest)
    return result.exit_code


def coloured(text: str, code: int) -> str:
    """The verdict in the colour of its exit code, on a terminal that NO_COLOR does not forbid it on."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg={0: "green", 1: "red"}.get(code, "yellow"), bold=True)


def watching() -> Watch:
    """A Watch for stderr: progress on one line of a terminal; elsewhere only why a start takes long."""
    return _on_terminal if sys.stderr.isatty() else _on_log


@contextlib.contextmanager
def _on_log(phase: Phase, steps: int) -> Iterator[Progress | None]:
    from reconcile.running.progress import Phase

    if phase is Phase.COMPILING:
        print_message(phase.value)
    yield None


@contextlib.contextmanager
def _on_terminal(phase: Phase, steps: int) -> Iterator[Progress | None]:
    """One line that is overwritten, at most ten times a second, and erased at the end."""
    began = shown = time.perf_counter()

    def progress(done: int) -> None:
        nonlocal shown
        now = time.perf_counter()
        if now - shown >= REDRAWN:
            shown = now
            left = (now - began) / done * (steps - done) if done else 0.0
            rewrite_line(f"{phase.value}  {done:,} of {steps:,}  {now - began:.0f} s, {left:.0f} s left")

    rewrite_line(phase.value)
    try:
        yield progress if steps else None
    finally:
        rewrite_line("")


def rewrite_line(text: str) -> None:
    """Put `text` in place of the last line on stderr, which has to be a terminal."""
    print_message(f"\r\x1b[K{text}", newline=False)
