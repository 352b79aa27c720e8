"""`reconcile golden`: check pinned ledgers, review what changed, accept it on purpose."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reconcile.commands.display import watching
from reconcile.commands.options import PLAIN, Form, complete_cases, form_options, runs_functions
from reconcile.commands.process import print_answer
from reconcile.commands.shared import answer

if TYPE_CHECKING:
    from reconcile.goldens.golden_page import Group
    from reconcile.goldens.model import ProjectPaths


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
    """Make what is pending of each CASE its golden: all of them, or none.

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
    """Walk what is pending, grouped by cause, and decide with one key.

    a accepts (and asks for the reason), r rejects, s skips, m shows more, q ends. Without a terminal the
    same is printed. Exits 1 while anything is pending.
    """
    from reconcile.api.golden import review as pending_goldens
    from reconcile.goldens.golden_page import edited_lines, review_headline
    from reconcile.goldens.project_paths import find_project

    form.check()
    found = pending_goldens()
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or form != PLAIN:
        return answer(found, form)
    paths, groups = find_project(), found.groups
    print_answer("\n".join([review_headline(groups), *edited_lines(found.edited)]))
    for number, group in enumerate(groups, 1):
        if not _decide(paths, group, f"{number}/{len(groups)}"):
            break
    return pending_goldens().exit_code


def _decide(paths: ProjectPaths, group: Group, where: str) -> bool:
    """Show one group and act on the key that is pressed; False to leave the other groups for later."""
    from reconcile.goldens.accept import accept as accept_cases
    from reconcile.goldens.accept import reject
    from reconcile.goldens.golden_page import group_text

    cases = [one.change.case for one in group.pending]
    print_answer(f"\n{where}  {group_text(group)}")
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
            print_answer(group_text(group, more=True))
            continue
        elif key not in ("s", "q", "\x03", "\x04"):
            continue
        return key in ("a", "r", "s")


def _accepted(cases: list[str], paths: ProjectPaths) -> str:
    from reconcile.goldens.golden_page import count
    from reconcile.text.escape import printable

    journal = paths.journal
    shown = journal.relative_to(paths.root) if journal.is_relative_to(paths.root) else journal
    names = ", ".join(printable(case, 60) for case in cases)
    return f"accepted {count(len(cases), 'case')}: {names}; journal: {shown}"
