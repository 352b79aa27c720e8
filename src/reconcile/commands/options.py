"""Arguments and options that several subcommands have, and groups of options that belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from reconcile.commands.process import print_message

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Command = TypeVar("Command", bound=Callable[..., int])
Noun = TypeVar("Noun")


def option_group(
    name: str, noun: type[Noun], *options: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """A decorator that adds options to a command, and hands it their values as one object.

    name: the command's parameter. noun: a dataclass whose fields are the names of the options' parameters.
    """
    names = [field.name for field in fields(cast("Any", noun))]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call(*arguments: Any, **given: Any) -> int:
            return command(*arguments, **{name: noun(**{one: given.pop(one) for one in names})}, **given)

        decorated = cast("Command", call)
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


@dataclass(frozen=True, slots=True)
class Ground:
    """The scenario that a ledger is held against, and where its bars are; None if not given."""

    scenario: str | None
    data: str | None

    def check(self) -> None:
        """Raises UsageError: bars without a scenario."""
        if self.data is not None and self.scenario is None:
            raise click.UsageError("--data needs --scenario")


@dataclass(frozen=True, slots=True)
class Foreign:
    """How a foreign ledger is read, and how far its values may be off: TOML files, None if not given."""

    mapping: str | None
    tolerance: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """In which form an answer is given. html, figures: a file and a folder to write besides it, or None."""

    as_json: bool
    as_markdown: bool
    html: str | None
    figures: str | None
    quiet: bool

    def check(self) -> None:
        """Raises UsageError: two forms at once."""
        chosen = [name for name in ("as_json", "as_markdown", "quiet") if getattr(self, name)]
        if len(chosen) > 1:
            names = [f"--{name.removeprefix('as_')}" for name in chosen]
            raise click.UsageError(f"{' or '.join(names)}, not both")


PLAIN = Form(as_json=False, as_markdown=False, html=None, figures=None, quiet=False)
"""The printed page."""


def candidate_named(argument: str | None, option: str | None) -> str | None:
    """The candidate, given as an argument, or as an option in the old spelling. UsageError: both."""
    if option is None:
        return argument
    if argument is not None:
        raise click.UsageError("the candidate is given twice: as an argument and as --candidate")
    note = "note: write the candidate after the scenario; the next release has no option --candidate"
    print_message(note)
    return option


def _complete_scenario(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of built-in scenarios, then files."""
    from click.shell_completion import CompletionItem

    from reconcile.scenario.files import builtin_scenarios

    names = [CompletionItem(name) for name in builtin_scenarios() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def complete_cases(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the project's golden cases."""
    from click.shell_completion import CompletionItem

    from reconcile.goldens.check import case_files
    from reconcile.goldens.project_paths import find_project
    from vocabulary.errors import TieoutError

    try:
        names = sorted(case_files(find_project()))
    except TieoutError:
        names = []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


scenario_argument = click.argument("scenario", shell_complete=_complete_scenario)
data_option = click.option(
    "--data", metavar="PATH", help="Take the bars from this Parquet or CSV file instead of the scenario's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
form_options = option_group(
    "form",
    Form,
    json_option,
    click.option("--markdown", "as_markdown", is_flag=True, help="Print the answer as Markdown."),
    click.option("--html", metavar="FILE", help="Also write the answer as one self-contained HTML page."),
    click.option(
        "--figures",
        metavar="DIR",
        help="Also draw equity, bridge and map of breaks into this folder, as SVG and PNG.",
    ),
    click.option("--quiet", is_flag=True, help="Print the first line only: the verdict."),
)
old_candidate_option = click.option("--candidate", "old_candidate", hidden=True)
mapping_option = click.option(
    "--mapping", metavar="FILE", help="Read a foreign ledger by this mapping file (TOML)."
)
tolerance_option = click.option(
    "--tolerance",
    metavar="FILE",
    help="Allow a foreign ledger the bounds in this TOML file, each with its reason.",
)
ground_options = option_group(
    "ground",
    Ground,
    click.option(
        "--scenario",
        metavar="S",
        help="A built-in name or a TOML file. With it, the ledger is also checked against its market.",
    ),
    data_option,
)
foreign_options = option_group("foreign", Foreign, mapping_option, tolerance_option)


class Size(click.ParamType[int]):
    """A number of bytes: 800MB, 2.5GB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from reconcile.running.bounds import read_size

        try:
            size = value if isinstance(value, int) else read_size(value)
        except ValueError:
            size = -1
        if size < 0:
            self.fail(f"{value!r} is no size; write it like 800MB or 2.5GB", param, ctx)
        return size


def runs_functions(command: Callable[..., int]) -> Callable[..., int]:
    """A command that runs functions of a user's: its options, and a host for as long as it lasts."""

    @click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        help="How long one call of your function may take. [default: 3600; 0: no bound]",
    )
    @click.option(
        "--memory",
        metavar="SIZE",
        type=Size(),
        help="Memory of your function and what it starts: 800MB, 4GB. [default: the machine's; 0: no bound]",
    )
    @click.option(
        "--in-process",
        is_flag=True,
        help="Call your function in this process, without bounds, for a debugger. By default it has its own.",
    )
    @wraps(command)
    def hosting(
        *given: Any, timeout: float | None, memory: int | None, in_process: bool, **named: Any
    ) -> int:
        from reconcile.running.bounds import SECONDS, Bounds, Hosting
        from reconcile.running.hosting import hosted

        if in_process and (timeout is not None or memory is not None):
            raise click.UsageError("--timeout and --memory bound another process: leave --in-process out")
        bounds = Bounds(SECONDS if timeout is None else timeout, memory)
        with hosted(Hosting(bounds, in_process)):
            return command(*given, **named)

    return hosting
