"""The command `reconcile`: finds the subcommand, runs it, and turns what happens into an exit code.

0 matched, 1 breaks, 2 could not tell (bad input, bad usage, an unexpected exception), 3 a side disagrees with
itself, 4 undecided; 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, TypeGuard

import click

from reconcile.commands import process
from reconcile.commands.process import CANNOT_TELL, INTERRUPTED, TERMINATED, print_message
from reconcile.own_packages import ours_first
from reconcile.text.escape import error_text, printable

if TYPE_CHECKING:
    from vocabulary.errors import TieoutError

TRACEBACK = "TIEOUT_TRACEBACK"
GARBAGE = (100_000, 20, 20)
"""Python's own thresholds look for garbage a hundred times while libraries load, and find none."""

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("reconcile.commands.run", "Run both programs on a scenario and compare their ledgers."),
    "diff": ("reconcile.commands.diff", "Compare two ledgers and name their first divergence."),
    "import": ("reconcile.commands.import_", "Write any table as a ledger, or suggest how to read it."),
    "audit": ("reconcile.commands.audit", "Audit one ledger alone: does it add up?"),
    "explain": ("reconcile.commands.explain", "Say why a candidate differs: causes, each verified by a run."),
    "orders": ("reconcile.commands.orders", "Write the orders that a ledger's fills came from."),
    "identify": ("reconcile.commands.identify", "Read an engine's conventions off a ledger that it made."),
    "shrink": ("reconcile.commands.shrink", "Cut a case down to what a candidate still breaks on."),
    "drill": ("reconcile.commands.drill", "Plant faults on purpose and score what is found of them."),
    "check": ("reconcile.commands.run", "Validate a scenario and its market, without a run."),
    "golden": ("reconcile.commands.golden", "Check golden files, review changes, accept them with a reason."),
    "gate": ("reconcile.commands.gate", "For CI: goldens hold, no drift, and the engine is not slower."),
    "campaign": ("reconcile.commands.campaign", "Run many jobs from one plan, and group them by cause."),
    "init": (
        "reconcile.commands.start",
        "Write a scenario, an adapter, a test and a workflow to start from.",
    ),
    "scenarios": ("reconcile.commands.start", "List the built-in scenarios."),
}
"""Name -> (module that holds a click command of that name, its line in the help)."""


FIRST_STEPS = """tieout says whether two backtest programs tie out; if not, where they first differ, and why.

  reconcile run top25                           our two programs on a built-in market
  reconcile run scenario.toml my_engine:run     your engine in place of ours
  reconcile diff reference/ candidate/          two ledgers on disk: folders, Parquet, CSV
  reconcile explain scenario.toml trades.csv    why a ledger differs, as causes
  reconcile audit trades.csv                    does one ledger add up?
  reconcile init my-backtests                   a project with scenario, adapter, test and workflow

reconcile --help lists all commands; reconcile COMMAND --help ends in an example."""
"""What is printed without a command."""

COMPLETION = "_RECONCILE_COMPLETE"
"""Set by the shell that asks for completions."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only when that subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(COMMANDS[name][0])
        command = getattr(module, f"{name}_" if name == "import" else name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            known = ", ".join(COMMANDS)
            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f". Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"no command {printable(args[0])!r}; there are: {known}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 matched, 1 breaks, 2 could not tell, 3 not deterministic, 4 inconclusive."
    "  First minute: reconcile run top25",
)
@click.version_option(package_name="tieout", prog_name="reconcile", message="%(prog)s (tieout) %(version)s")
def group() -> None:
    """Run a backtest through two independent programs and say whether they tie out."""
    try:
        os.getcwd()
    except OSError as error:
        from vocabulary.errors import InputError

        found = error.strerror or type(error).__name__
        expected = "a folder that exists and can be read"
        raise InputError("the current folder", found, expected, "Change to another folder.") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code; no exception gets past, no traceback shows."""
    code = CANNOT_TELL
    try:
        process.open_streams()
        process.handle_signals()
        gc.set_threshold(*GARBAGE)
        code = exit_code(arguments)
        process.release_signals()
    except KeyboardInterrupt:
        pass  # a signal before or after the command; the next one has no handler
    code = process.final_code(code)
    gc.freeze()  # the garbage collector need not look through what ends with the process
    sys.exit(code)


def exit_code(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code of whatever happened."""
    for stream in (sys.stdout, sys.stderr):
        # Text from data must not stop the answer from being printed where the terminal's encoding is narrow.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    stdout = sys.stdout
    ours_first()
    try:
        arguments = None if arguments is None else list(arguments)
        code = group.main(args=arguments, prog_name="reconcile", standalone_mode=False)
        process.flush_answer()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        alone = error.ctx is None or error.ctx.parent is None
        print_message(FIRST_STEPS if alone or error.ctx is None else error.ctx.get_help())
    except click.ClickException as error:
        _print_usage_error(error)
    except process.Terminated:
        print_message("reconcile: terminated")
        return TERMINATED
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, process.Terminated):
            print_message("reconcile: terminated")
            return TERMINATED
        print_message("reconcile: interrupted")
        return INTERRUPTED
    except BaseException as error:  # SystemExit too, and kinds that others derive from BaseException
        if isinstance(error, SystemExit) and COMPLETION in os.environ:
            return error.code if isinstance(error.code, int) else 0
        if isinstance(error, SystemExit) and sys.stdout is not stdout:
            return 0  # the reader of a help text has gone: click has put a stream of its own in its place
        told = process.answer_error(error) or error
        if _is_foreseen(told):
            _print_error(told)
        elif isinstance(error, FileNotFoundError) and not _has_folder():
            remedy = "Change to a folder that is there."
            _print_parts("the current folder", "a folder that was deleted", "one that is there", remedy)
        else:
            _print_unexpected_error(error)
    return CANNOT_TELL


def _has_folder() -> bool:
    """Whether the current folder is still there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _is_foreseen(error: BaseException) -> TypeGuard[TieoutError]:
    """Looked up, not imported: --help needs no vocabulary."""
    errors = sys.modules.get("vocabulary.errors")
    return errors is not None and isinstance(error, errors.TieoutError)


def _print_usage_error(error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "reconcile"
    print_message(f"error: {printable(error.format_message())}")
    print_message(f"  see   {path} --help")


def _print_error(error: TieoutError) -> None:
    _print_traceback()
    _print_parts(error.where, error.found, error.expected, error.remedy)


def _print_unexpected_error(error: BaseException) -> None:
    _print_traceback()
    said = printable(error_text(error))
    hint = "" if os.environ.get(TRACEBACK) else f" (set {TRACEBACK}=1 to see where)"
    print_message(f"error: reconcile met something it did not foresee: {said}{hint}")


def _print_parts(where: str, found: str, expected: str, remedy: str) -> None:
    print_message(f"error: {printable(where)}")
    for label, text in (("found", found), ("expected", expected), ("remedy", remedy)):
        if text:
            print_message(f"  {label:<9} {printable(text)}")


def _print_traceback() -> None:
    if os.environ.get(TRACEBACK):
        import traceback

        print_message(traceback.format_exc(), newline=False)


if __name__ == "__main__":
    main()
