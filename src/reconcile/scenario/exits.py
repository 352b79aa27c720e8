"""The exit rules of a scenario file (X1, X3): one table per rule holds its keys, their units and its noun.

A rule is added by adding its table here. Reading and writing follow from it: a field of the noun is a key
of the table, and the key's type says how its text becomes an integer and how the integer is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from reconcile.scenario.values import (
    Multiple,
    Natural,
    Share,
    TableModel,
    Word,
    any_of,
    choice,
    kind_of,
    words_of,
)
from vocabulary import scenario as nouns
from vocabulary.errors import InputError
from vocabulary.state import REBALANCE

At = Annotated[
    nouns.ExitAt,
    PlainValidator(choice(nouns.ExitAt)),
    PlainSerializer(lambda at: at.value),
    words_of(nouns.ExitAt),
]


class ExitTable(TableModel):
    """[[exits]] (X1). name: by default the kind. noun: what the table becomes."""

    noun: ClassVar[Any]

    name: Word | None = Field(
        default=None,
        description="Its name, which orders and fills give as the reason; by default its kind. (X1)",
    )


class StopLossTable(ExitTable):
    """X3 `stop_loss`."""

    noun = nouns.StopLoss

    kind: Literal["stop_loss"]
    loss: Share = Field(description="Share of the entry price that may be lost, from 0 to 1. (X3)")
    at: At = Field(
        default=nouns.ExitAt.CLOSE,
        description="Tested at the close of a bar, or at its level inside the bar. (X5)",
    )


class TakeProfitTable(ExitTable):
    """X3 `take_profit`."""

    noun = nouns.TakeProfit

    kind: Literal["take_profit"]
    gain: Multiple = Field(description="Share of the entry price that is to be gained. (X3)")
    at: At = Field(
        default=nouns.ExitAt.CLOSE,
        description="Tested at the close of a bar, or at its level inside the bar. (X5)",
    )


class VolatilityStopTable(ExitTable):
    """X3 `volatility_stop`."""

    noun = nouns.VolatilityStop

    kind: Literal["volatility_stop"]
    multiple: Multiple = Field(
        description="How many times the feature the price may fall below the entry. (X3)"
    )
    feature: Word = Field(description="The feature that measures volatility, in currency per share. (X3)")
    at: At = Field(
        default=nouns.ExitAt.CLOSE,
        description="Tested at the close of a bar, or at its level inside the bar. (X5)",
    )


class TrailingStopTable(ExitTable):
    """X3 `trailing_stop`."""

    noun = nouns.TrailingStop

    kind: Literal["trailing_stop"]
    initial: Share = Field(description="Share of the peak that may be lost at the start, from 0 to 1. (X3)")
    tighten: Multiple = Field(description="By how much that share shrinks per bar held. (X3)")
    minimum: Share = Field(description="The least share it shrinks to, from 0 to 1. (X3)")
    at: At = Field(
        default=nouns.ExitAt.CLOSE,
        description="Tested at the close of a bar, or at its level inside the bar. (X5)",
    )


class TimeExitTable(ExitTable):
    """X3 `time_exit`."""

    noun = nouns.TimeExit

    kind: Literal["time_exit"]
    bars: Natural = Field(description="Bars after which the position is closed. (X3)")


class BreakEvenTable(ExitTable):
    """X3 `break_even`."""

    noun = nouns.BreakEven

    kind: Literal["break_even"]
    gain: Multiple = Field(description="Share of the entry price that arms the rule. (X3)")


TABLES: tuple[type[ExitTable], ...] = tuple(ExitTable.__subclasses__())
KINDS = {table.noun: table for table in TABLES}
"""The table of each noun."""

if TYPE_CHECKING:
    AnyExit = ExitTable
else:
    AnyExit = any_of(*TABLES)


def read_exits(tables: Sequence[ExitTable], where: str) -> tuple[nouns.ExitRule, ...]:
    """The rules in the order listed. where: the file, for errors. InputError: two of one name (X1)."""
    rules = tuple(_rule(table) for table in tables)
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        named = tables[index].name is not None
        key = f"{where}: exits.{index}" + (".name" if named else "")
        if rule.name == REBALANCE:
            raise InputError(
                key,
                repr(REBALANCE),
                "any other name, because this one marks rebalances",
                "Give the exit another name.",
            )
        if rule.name in seen:
            raise InputError(
                key,
                f"a second exit called {rule.name!r}" + ("" if named else ", the name it has from its kind"),
                "names that differ (X1)",
                f"Give each a name of its own, like name = {_free(rule.name, seen)!r}.",
            )
        seen.add(rule.name)
    return rules


def _free(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _rule(table: ExitTable) -> nouns.ExitRule:
    settings = {field.name: getattr(table, field.name) for field in dataclasses.fields(table.noun)}
    rule: nouns.ExitRule = table.noun(**settings | {"name": table.name or kind_of(type(table))})
    return rule


def write_exit(rule: nouns.ExitRule) -> dict[str, Any]:
    """The table of one rule as it stands in the file, every key written; `at` where it is not the close."""
    table = KINDS[type(rule)]
    kind = kind_of(table)
    written = {"kind": kind, **table.model_construct(kind=kind, **dataclasses.asdict(rule)).model_dump()}
    if written.get("at") == nouns.ExitAt.CLOSE.value:
        del written["at"]
    return written


def has_levels(rules: Sequence[nouns.ExitRule | ExitTable]) -> bool:
    """Whether a rule is tested at a level (X5)."""
    return any(getattr(rule, "at", None) is nouns.ExitAt.LEVEL for rule in rules)
