"""Changing one setting of a scenario by its dotted path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reconcile.scenario.build import build
from reconcile.scenario.files import plain
from reconcile.scenario.toml import scenario_to_dict
from reconcile.scenario.values import nearest, show
from vocabulary.errors import InputError
from vocabulary.scenario import CallableStrategy, Scenario

_SEGMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^".]+)')
_OPTIONAL = frozenset({"market.context", "strategy.gate", "costs.commission", "costs.slippage"})
"""Keys that may be absent for good: removing one that is not there changes nothing."""


def replace(scenario: Scenario, path: str, value: Any) -> Scenario:
    """The same scenario with one setting changed, validated anew; the scenario given stays as it is.

    path: as in the file, `costs.commission.rate`; an item of a list by index, `exits.0.multiple`, an
        exit also by name, `exits.trailing_stop.initial`; a name with a point in quotes.
    value: what would stand in the file: decimal text, an integer, a word, a whole table as a dict.
        None removes the key (back to its default) or the list's item.
    Amounts of currency keep their value when price_decimals or quantity_decimals change.
    Raises InputError naming the path.
    """
    raw = scenario_to_dict(scenario)
    steps = _steps(path, scenario.name)
    where = f"{scenario.name}: {path}"
    holder = raw
    for depth, step in enumerate(steps[:-1]):
        holder = _enter(holder, step, value is None, where, ".".join(steps[: depth + 1]))
    if value is None:
        _remove(holder, steps, where)
    else:
        _set(holder, steps[-1], plain(value), where)
    return build(raw, scenario.origin, scenario.name, scenario.name, _calls(scenario))


def _calls(scenario: Scenario) -> dict[str, Callable[..., Any]]:
    """The function at hand, so that only another name is looked up."""
    selection = scenario.strategy.selection
    return {selection.function: selection.call} if isinstance(selection, CallableStrategy) else {}


def _steps(path: str, name: str) -> list[str]:
    steps: list[str] = []
    position = 0
    while position <= len(path):
        matched = _SEGMENT.match(path, position)
        if matched is None or path[matched.end() : matched.end() + 1] not in ("", "."):
            remedy = 'Write keys with a point between them, like "costs.commission.rate".'
            raise InputError(name, f"the path {path!r}", "a dotted path", remedy)
        steps.append(matched[2] or re.sub(r"\\(.)", r"\1", matched[1] or ""))
        position = matched.end() + 1
    return steps


def _enter(holder: Any, step: str, removing: bool, where: str, so_far: str) -> Any:
    """The table or list below one step; a table that is not there yet is made, and validated later."""
    if isinstance(holder, list):
        below = holder[_index(holder, step, where)]
    elif removing:
        below = holder.get(step, {})
    else:
        below = holder.setdefault(step, {})
    if not isinstance(below, dict | list):
        found = f"{show(below)} at {so_far}"
        raise InputError(where, found, "a table or a list there", f"Replace {so_far} whole.")
    return below


def _set(holder: Any, step: str, value: Any, where: str) -> None:
    if isinstance(holder, list):
        holder[_index(holder, step, where)] = value
    else:
        holder[step] = value


def _remove(holder: Any, steps: list[str], where: str) -> None:
    step = steps[-1]
    if isinstance(holder, list):
        del holder[_index(holder, step, where)]
    elif step in holder:
        del holder[step]
    elif ".".join(steps) not in _OPTIONAL:
        near = nearest(step, holder)
        remedy = f"Did you mean {near!r}?" if near else "There is nothing to remove."
        expected = "one of " + ", ".join(holder) if holder else "a key that is there"
        raise InputError(where, f"no key {step!r}", expected, remedy)


def _index(items: list[Any], step: str, where: str) -> int:
    """Which item of a list a step means: its index, or the name of an exit."""
    if step.isdecimal() and step.isascii():
        if len(step) < 10 and int(step) < len(items):
            return int(step)
        expected = f"an index below {len(items)}, the length of the list"
        raise InputError(where, f"the index {step}", expected, "Choose an item.")
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if step in names:
        return names.index(step)
    known = [name for name in names if name is not None]
    near = nearest(step, known)
    expected = "an index" + (" or one of " + ", ".join(known) if known else "")
    raise InputError(where, repr(step), expected, f"Did you mean {near!r}?" if near else "Choose an item.")
