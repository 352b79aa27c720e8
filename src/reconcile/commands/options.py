"""Arguments and options that several subcommands have, and groups of options that belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from reconcile.commands.shared import watching

if TYPE_CHECKING:
    from reconcile.matching.model import Tolerance
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

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

    def load(self) -> tuple[Scenario, Market] | None:
        """Load the scenario and its market; None without a scenario."""
        from reconcile.running.run import load
        from reconcile.scenario.files import find_scenario

        if self.scenario is None:
            return None
        found = find_scenario(self.scenario)
        return found, load(found, self.data, watching())[0]

    def check(self) -> None:
        """Raises UsageError: bars without a scenario."""
        if self.data is not None and self.scenario is None:
            raise click.UsageError("--data needs --scenario")


@dataclass(frozen=True, slots=True)
class Foreign:
    """How a foreign ledger is read, and how far its values may be off: TOML files, None if not given."""

    mapping: str | None
    tolerance: str | None

    def bounds(self) -> tuple[Tolerance, ...]:
        """Read the tolerances; none without a file."""
        from reconcile.comparing.tolerances import read_tolerances

        return () if self.tolerance is None else read_tolerances(self.tolerance)


scenario_argument = click.argument("scenario")
data_option = click.option(
    "--data", metavar="PATH", help="Take the bars from this Parquet or CSV file instead of the scenario's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
mapping_option = click.option(
    "--mapping", metavar="FILE", help="A TOML file that says what a foreign ledger calls things."
)
tolerance_option = click.option(
    "--tolerance", metavar="FILE", help="A TOML table: bounds for columns of a foreign ledger, and why."
)
ground_options = option_group(
    "ground",
    Ground,
    click.option(
        "--scenario",
        metavar="S",
        help="A built-in name or TOML file: hold the ledger against its market, too.",
    ),
    data_option,
)
foreign_options = option_group("foreign", Foreign, mapping_option, tolerance_option)
