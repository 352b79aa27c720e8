"""`reconcile golden`: check pinned ledgers, review what changed, accept it on purpose."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from reconcile.commands.display import watching
from reconcile.commands.options import PLAIN, Form, complete_cases, form_options, runs_functions
from reconcile.commands.process import print_answer
from reconcile.commands.shared import answer
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.goldens.golden_page import Group
    from reconcile.goldens.model import ProjectPaths
    from reconcile.goldens.row_diff import Mark


@click.group(epilog="Example:  reconcile golden check")
def golden() -> None:
    """Check golden files, review what changed, accept it with a reason.

    Where they are: `golden` in [tool.reconcile] of pyproject.toml, by default tests/golden/blessed.
    """


@golden.command(epilog="Example:  reconcile golden check top25 stocks")
@click.argument("cases", metavar="[CASE]...", nargs=-1, shell_complete=complete_cases)
@form_options
@runs_functions
def check(cases: tuple[str, ...], form: Form) -> int:
    """Run each CASE, by default all, and hold it against its golden.

    A change is left pending beside the golden, for review; nothing is accepted here.
    """
    from reconcile.api.golden import check as check_cases

    form.check()
    return answer(check_cases(*cases, watch=watching()), form)


@golden.command(epilog='Example:  reconcile golden accept top25 --reason "the new commission tariff"')
@click.argument("cases", metavar="CASE...", nargs=-1, shell_complete=complete_cases)
@click.option("--reason", required=True, metavar="TEXT", help="Why the change is right, for the journal.")
@click.option("--all", "everything", is_flag=True, help="Accept all that is pending.")
def accept(cases: tuple[str, ...], reason: str, everything: bool) -> int:
    """Make the pending change of each CASE its golden: of all of them, or of none.

    The reason, the causes and the figures before and after go to the journal.
    """
    from reconcile.goldens.accept import accept as accept_cases
    from reconcile.goldens.accept import pending_cases
    from reconcile.goldens.project_paths import find_project

    if everything == bool(cases):
        raise click.UsageError("name the cases to accept, or give --all")
    paths = find_project()
    done = accept_cases(paths, pending_cases(paths) if everything else cases, reason)
    print_answer(_accepted([one.change.case for one in done], paths))
    return 0


@golden.command(epilog="Example:  reconcile golden review")
@form_options
def review(form: Form) -> int:
    """Show what is pending, grouped by cause, and decide with one key per group.

    a accepts (and asks for the reason), r rejects, s skips, m shows more, q ends. Without a terminal the
    same is printed. Exits 1 while anything is pending.
    """
    from reconcile.api.golden import review as pending_goldens
    from reconcile.goldens.golden_page import edited_lines, group_lines, review_headline
    from reconcile.goldens.project_paths import find_project

    form.check()
    found = pending_goldens()
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or form != PLAIN:
        return answer(found, form)
    paths, groups = find_project(), found.groups
    print_answer("\n".join([review_headline(groups), *edited_lines(found.edited)]))
    for number, group in enumerate(groups, 1):
        shown = partial(
            group_lines, group, found.goldens, style=_style, width=shutil.get_terminal_size().columns
        )
        if not _decide(paths, group, f"{number}/{len(groups)}", shown):
            break
    return pending_goldens().exit_code


def _style(text: str, mark: Mark, changed: bool) -> str:
    """Rows of the golden in red, new ones in green, the cells that differ in bold."""
    from reconcile.goldens.row_diff import Mark

    colours = {Mark.OLD: "red", Mark.NEW: "green"}
    if os.environ.get("NO_COLOR") or mark not in colours:
        return text
    return click.style(text, fg=colours[mark], bold=changed)


def _decide(paths: ProjectPaths, group: Group, where: str, shown: Callable[..., list[str]]) -> bool:
    """Show one group and act on the key that is pressed; False to leave the other groups for later.

    shown: gives the group's lines, with more=True more of them.
    """
    from reconcile.goldens.accept import accept as accept_cases
    from reconcile.goldens.accept import reject

    cases = [one.change.case for one in group.pending]
    print_answer("\n".join(["", where, *shown()]))
    while True:
        print_answer("[a]ccept  [r]eject  [s]kip  show [m]ore  [q]uit")
        key = click.getchar().lower()
        if key == "a":
            reason = click.prompt("reason", default="", show_default=False)
            if not reason.strip():
                print_answer("not accepted: a reason is needed")
                continue
            accept_cases(paths, cases, reason)
            print_answer(_accepted(cases, paths))
        elif key == "r":
            reject(paths, cases)
            print_answer(f"rejected: {', '.join(cases)}; the golden stays")
        elif key == "m":
            print_answer("\n".join(shown(more=True)))
            continue
        elif key not in ("s", "q", "\x03", "\x04"):
            print_answer(f"no answer: {printable(key, 20)!r} is none of a, r, s, m, q")
            continue
        return key in ("a", "r", "s")


def _accepted(cases: list[str], paths: ProjectPaths) -> str:
    from reconcile.goldens.golden_page import count

    journal = paths.journal
    shown = journal.relative_to(paths.root) if journal.is_relative_to(paths.root) else journal
    names = ", ".join(printable(case, 60) for case in cases)
    return f"accepted {count(len(cases), 'case')}: {names}; journal: {shown}"
