"""Reading a scenario (a TOML file, text, tables, or a built-in one) and changing one setting of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reconcile.files.arguments import PATH, SCENARIO, TABLES, TEXT, takes
from reconcile.files.limits import parse_toml, read_bounded
from reconcile.scenario.build import build
from reconcile.scenario.toml import scenario_to_dict
from reconcile.scenario.values import nearest, show
from vocabulary.errors import InputError
from vocabulary.scenario import CallableStrategy, OrdersStrategy, Scenario

_BUILTINS = Path(__file__).parent / "builtin"


@takes(name_or_path=PATH)
def find_scenario(name_or_path: str | os.PathLike[str]) -> Scenario:
    """A built-in scenario by name, else the file at that path. Raises InputError."""
    name = os.fspath(name_or_path)
    if name in builtin_scenarios():
        return builtin_scenario(name)
    if Path(name).suffix == ".toml" or os.path.exists(name):
        return scenario_from_file(name)
    raise _unknown(name, "a built-in scenario or a TOML file")


@takes(path=PATH)
def scenario_from_file(path: str | os.PathLike[str]) -> Scenario:
    """The scenario of a TOML file; its relative paths and its callable start from the file's folder.

    Raises InputError: no such file, not readable, not UTF-8, not TOML, or not a scenario.
    """
    name = os.fspath(path)
    origin = os.path.dirname(os.path.abspath(name))
    return build(_parse(_read(name), name), origin, os.path.basename(name), name)


@takes(text=TEXT)
def scenario_from_text(text: str, *, origin: str = "", name: str = "scenario") -> Scenario:
    """The scenario of TOML text. origin: the folder that relative paths start from. Raises InputError."""
    return build(_parse(text, name), origin, name, name)


@takes(mapping=TABLES)
def scenario_from_dict(mapping: Mapping[str, Any], *, origin: str = "", name: str = "scenario") -> Scenario:
    """The scenario of tables in the shape of the file (section S), decimals as text. Raises InputError."""
    return build(plain(mapping), origin, name, name)


@takes(name=TEXT)
def builtin_scenario(name: str) -> Scenario:
    """A scenario that comes with the package. Raises InputError, naming those there are."""
    if name not in builtin_scenarios():
        raise _unknown(name, "a built-in scenario")
    path = _BUILTINS / f"{name}.toml"
    return build(_parse(_read(str(path)), name), str(_BUILTINS), name, f"built-in scenario {name}")


def builtin_scenarios() -> dict[str, str]:
    """Name and one line of description, the first comment of its file, of each built-in scenario."""
    paths = sorted(_BUILTINS.glob("*.toml"))
    return {path.stem: path.read_text("utf-8").partition("\n")[0].strip("# \r") for path in paths}


def plain(value: Any) -> Any:
    """Mappings as dict and tuples as list, all the way down, as tomllib would give them."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _unknown(name: str, expected: str) -> InputError:
    known = builtin_scenarios()
    near = nearest(name, known)
    remedy = "The built-in ones are " + ", ".join(known) + "." + (f" Did you mean {near!r}?" if near else "")
    return InputError("scenario", repr(name), expected, remedy)


def _read(name: str) -> str:
    try:
        data = read_bounded(name)
    except FileNotFoundError as error:
        raise InputError(name, "no such file", "a scenario in TOML", "Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        found = f"a file that cannot be read: {reason}"
        raise InputError(name, found, "a scenario in TOML", "Check the path.") from error
    try:
        return data.decode("utf-8-sig")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        raise InputError(name, found, "TOML in UTF-8", "Save the file as UTF-8.") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ValueError as error:  # also numbers of thousands of digits
        found = f"text that is not TOML: {error}"
        raise InputError(where, found, "a scenario in TOML", "Correct the file there.") from error


_SEGMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^".]+)')
_OPTIONAL = frozenset(
    {"market.context", "market.carry", "strategy.gate", "costs.commission", "costs.slippage"}
)
"""Keys that may be absent for good: removing one that is not there changes nothing."""


@takes(scenario=SCENARIO, path=TEXT)
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
    same_units = all(
        raw["market"].get(name) == getattr(scenario.market, name)
        for name in ("price_decimals", "quantity_decimals")
    )
    orders = _orders(scenario) if same_units else None
    return build(raw, scenario.origin, scenario.name, scenario.name, _calls(scenario), orders)


def _orders(scenario: Scenario) -> OrdersStrategy | None:
    """The orders at hand, so that only another file is read."""
    selection = scenario.strategy.selection
    return selection if isinstance(selection, OrdersStrategy) else None


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
