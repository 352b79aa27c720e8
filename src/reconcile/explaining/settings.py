"""Changes of scenario: a setting as a candidate may have had it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from reconcile.explaining.model import Change
from reconcile.scenario.files import replace as replace_setting
from vocabulary.scenario import Scenario, VolatilityStop

NEVER = "\x00never"
"""A feature that is missing everywhere: a volatility stop that reads it never fires (X3). The name holds what
no scenario file may, so that it clashes with nothing."""


def changed_scenario(scenario: Scenario, change: Change) -> Scenario:
    """The scenario under one change of setting. Raises InputError where the value is not allowed."""
    return _changed(scenario, change.hypothesis, change.value)


@lru_cache(maxsize=4096)
def _changed(scenario: Scenario, hypothesis: str, value: Any) -> Scenario:
    if hypothesis == "exit_unused":
        return without_exit(scenario, value)
    if hypothesis == "exits_reversed":
        return replace(scenario, exits=scenario.exits[::-1])
    path, given = value
    if any(isinstance(rule, VolatilityStop) and rule.feature == NEVER for rule in scenario.exits):
        # Such a rule has no text; the setting is changed in the scenario as it reads without it.
        kept = tuple(rule for rule in scenario.exits if not _is_never(rule))
        made = replace_setting(replace(scenario, exits=kept), path, thawed(given))
        return replace(made, exits=_merged(scenario.exits, made.exits))
    return replace_setting(scenario, path, thawed(given))


def _is_never(rule: Any) -> bool:
    return isinstance(rule, VolatilityStop) and rule.feature == NEVER


def _merged(before: tuple[Any, ...], changed: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(changed)
    return tuple(rule if _is_never(rule) else next(rest) for rule in before)


def without_exit(scenario: Scenario, name: str) -> Scenario:
    """A rule (`*`: every one) that never fires; it keeps its name, so that orders
    already given for it keep their reason."""
    rules = tuple(
        VolatilityStop(rule.name, 1, NEVER) if name in (rule.name, "*") else rule for rule in scenario.exits
    )
    return replace(scenario, exits=rules)


def thawed(value: Any) -> Any:
    """A table from its pairs."""
    if value == ():
        return []
    if isinstance(value, tuple):
        return {key: thawed(each) for key, each in value}
    return value
