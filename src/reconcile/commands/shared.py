"""What several subcommands share: how an answer is printed."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import click

from reconcile.commands.display import watching
from reconcile.commands.process import print_answer
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.api.result import Result
    from reconcile.commands.options import Form

_SIDES = re.compile(r"(: )(\S.*?) \((reference|golden)\) vs (\S.*?) \((candidate|engine|new)\)")
"""Two values that differ, as every page words them."""
_DIFFERS = re.compile(r"^(\S.{13})\* (.*)$", re.MULTILINE)
"""A row of the first divergence that differs."""
BLOCKS = 60
"""The most blocks of the equity gap on a terminal."""


def answer(result: Result, form: Form) -> int:
    """Print a result in the form asked for, and write its page; the exit code that it comes to."""
    written = _write_pictures(result, form)
    if form.as_json:
        print_answer(result.to_json())
    elif form.as_markdown:
        print_answer(result.to_markdown().rstrip("\n"))
    else:
        text = result.text()
        if not form.quiet:
            text += "".join(f"\n\n{line}" for line in (*_gap_lines(result), *written))
        first, newline, rest = text.partition("\n")
        first = coloured(first, result.exit_code)
        print_answer(first if form.quiet else first + newline + coloured_sides(rest))
    return result.exit_code


def _write_pictures(result: Result, form: Form) -> list[str]:
    """Write the page and the figures that were asked for; a line about each."""
    if form.html is None and form.figures is None:
        return []
    from reconcile.html.render import write_page
    from reconcile.running.progress import Phase

    lines = []
    with watching()(Phase.PAGE, 0):
        page = result.page()
        if form.html is not None:
            write_page(page, form.html)
            lines.append(f"page          {printable(form.html, 200)}")
        if form.figures is not None:
            from reconcile.html.figures import write_figures

            names = write_figures(page, form.figures)
            told = ", ".join(names) or "none: this answer has neither equity, bridge nor map"
            lines.append(f"figures       {printable(form.figures, 200)}: {told}")
    return lines


def _gap_lines(result: Result) -> list[str]:
    """The equity gap as a line of blocks, on a terminal that can show them."""
    if not sys.stdout.isatty():
        return []
    try:
        "▁█".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return []
    room = shutil.get_terminal_size().columns - 16
    found = result.gap_line(max(10, min(BLOCKS, room)))
    return [] if found is None else ["equity gap    " + found.replace("\n", "\n              ")]


def coloured(text: str, code: int) -> str:
    """The verdict in the colour of its exit code, on a terminal that NO_COLOR does not forbid it on."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg={0: "green", 1: "red"}.get(code, "yellow"), bold=True)


def coloured_sides(text: str) -> str:
    """A page with the two sides of what differs in red and green, and the rows that differ in bold.

    What the other side lacks is so seen as added or missing. Nothing else changes, and nothing at all where
    no colour is wanted.
    """
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text

    def sides(found: re.Match[str]) -> str:
        before, after = click.style(found[2], fg="red"), click.style(found[4], fg="green")
        return f"{found[1]}{before} ({found[3]}) vs {after} ({found[5]})"

    bold = _DIFFERS.sub(lambda found: f"{found[1]}* {click.style(found[2], bold=True)}", text)
    return _SIDES.sub(sides, bold)
