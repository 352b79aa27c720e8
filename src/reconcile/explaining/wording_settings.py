"""How a change of a setting reads."""

from __future__ import annotations

from typing import Any

from reconcile.explaining.model import Subject, Value, Wording
from reconcile.explaining.settings import thawed
from reconcile.scenario.toml import scenario_to_dict
from vocabulary.scenario import Timing

ABSENT = "none"
EXECUTES_AT = {
    Timing.NEXT_OPEN: "the next open",
    Timing.NEXT_CLOSE: "the next close",
    Timing.SAME_CLOSE: "the close of the bar that decided",
}


def shown(value: Any) -> str:
    """A value of the scenario file in a few words; numbers with separators."""
    if value is None or value == []:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        given = {key: each for key, each in value.items() if each != "0" or key != "minimum"}
        kind = given.pop("kind", None)
        unit = {"bps": " bps", "per_share": " a share"}.get(str(kind), "")
        if kind is not None and set(given) <= {"rate", "amount", "minimum"}:
            rate = f"{shown(given.get('rate', given.get('amount')))}{unit}"
            return rate + (f", at least {shown(given['minimum'])}" if "minimum" in given else "")
        if "every" in given:
            every, start = given["every"], given.get("start", 0)
            bars = "every bar" if every == 1 else f"every {shown(every)} bars"
            return bars + (f" from bar {shown(start)} on" if start else "")
        return ", ".join(f"{key} {shown(each)}" for key, each in given.items())
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.15g}"
    text = str(value)
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdecimal() and rest.isdecimal() | (not point) else text


def at_path(subject: Subject, path: str) -> Any:
    """What the scenario says at a path, None for nothing."""
    found: Any = scenario_to_dict(subject.scenario)
    for step in path.split("."):
        if isinstance(found, list):
            named = [each for each in found if each.get("name") == step]
            found = named[0] if named else None
        elif isinstance(found, dict):
            found = found.get(step)
        else:
            return None
    return found


def _bound(gate: dict[str, Any]) -> str:
    """A gate as a person says it: `vix <= 30`."""
    if "max" in gate:
        return f"{gate['context']} <= {shown(gate['max'])}"
    return f"{gate['context']} >= {shown(gate['min'])}"


SENTENCES = {
    "portfolio.initial_cash": "the candidate started with {new} instead of {old}",
    "execution.cash": "orders beyond the cash are treated as `{new}` instead of `{old}`",
    "execution.sequence": "orders meet the cash in the order `{new}` instead of `{old}`",
    "execution.allow_short": "short sales are allowed: {new} instead of {old}",
    "costs.commission": "commission is {new} instead of {old}",
    "costs.slippage": "slippage is {new} instead of {old}",
    "strategy.n": "{new} longs are held instead of {old}",
    "strategy.short_n": "{new} shorts are held instead of {old}",
    "strategy.gross_long": "longs weigh {new} together instead of {old}",
    "strategy.gross_short": "shorts weigh {new} together instead of {old}",
    "strategy.size_on": "positions are sized on {new} instead of {old}",
    "strategy.band": "the band is {new} instead of {old}",
    "strategy.cooldown": "the cooldown after an exit is {new} bars instead of {old}",
    "strategy.when": "rebalances happen `{new}` instead of `{old}`",
    "strategy.schedule": "the schedule is {new} instead of {old}",
    "strategy.require": "the features required are {new} instead of {old}",
    "strategy.score": "ranking is by {new} instead of {old}",
    "strategy.feature": "weights are read from {new} instead of {old}",
}


def setting(subject: Subject, value: Value) -> Wording:
    """A change of the scenario."""
    assert isinstance(value, tuple)
    path, given = value
    old, new = shown(at_path(subject, path)), shown(thawed(given))
    if path == "execution.timing":
        was = EXECUTES_AT[subject.scenario.execution.timing]
        return Wording(f"orders execute at {EXECUTES_AT[Timing(given)]} instead of {was}", path, old, new)
    if path == "strategy.gate":
        name = subject.scenario.strategy.gate.context if subject.scenario.strategy.gate else "a context"
        if given is None:
            return Wording(f"the gate on {name} is ignored", path, old, new)
        old, new = (_bound(each) for each in (at_path(subject, path), thawed(given)))
        return Wording(f"the gate asks for {new} instead of {old}", path, old, new)
    if path in ("costs.commission", "costs.slippage") and given is None:
        return Wording(f"no {path.removeprefix('costs.')} is charged", path, old, new)
    if path.startswith("exits."):
        _, name, key = path.split(".")
        return Wording(f"the exit {name} has {key} {new} instead of {old}", path, old, new)
    return Wording(SENTENCES[path].format(old=old, new=new), path, old, new)
