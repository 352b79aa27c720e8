"""What several subcommands share: how an answer is printed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from reconcile.commands.display import watching
from reconcile.commands.process import print_answer
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.api.result import Result
    from reconcile.commands.options import Form


def answer(result: Result, form: Form) -> int:
    """Print a result in the form asked for, and write its page; the exit code that it comes to."""
    if form.html is not None:
        from reconcile.running.progress import Phase

        with watching()(Phase.PAGE, 0):
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
