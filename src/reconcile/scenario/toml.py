"""A Scenario back to the shape of its file, with every setting that applies written out.

A setting that version 2 of the semantics added is written where it is not its default, so that a scenario
of version 1 keeps its text and its digest.

The text is canonical: fixed order, one spelling of every value. Its sha256 is the scenario's digest,
so how it is written may not change with a library's version: the writer is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from reconcile.files.arguments import SCENARIO, takes
from reconcile.files.decimals import BPS, PPB, from_units
from reconcile.scenario.exits import has_levels, write_exit
from vocabulary import scenario as nouns

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


@takes(scenario=SCENARIO)
def scenario_to_dict(scenario: nouns.Scenario) -> dict[str, Any]:
    """Tables, lists and values in the shape and order of section S; numbers of a unit as text."""
    source = scenario.market
    money = source.price_decimals + source.quantity_decimals
    market: dict[str, Any] = {"data": source.data}
    if source.context is not None:
        market["context"] = source.context
    market["price_decimals"] = source.price_decimals
    market["quantity_decimals"] = source.quantity_decimals
    if source.lot != 1:
        market["lot"] = from_units(source.lot, source.quantity_decimals)
    if source.carry is not None:
        market["carry"] = source.carry
    market["features"] = {feature.name: _feature(feature) for feature in source.features}
    return {
        "market": market,
        "portfolio": {"initial_cash": from_units(scenario.initial_cash, money)},
        "strategy": _strategy(scenario.strategy, money),
        "exits": [write_exit(rule) for rule in scenario.exits],
        "execution": _execution(scenario),
        "costs": _costs(scenario.costs, source.price_decimals, money),
    }


@takes(scenario=SCENARIO)
def scenario_to_toml(scenario: nouns.Scenario) -> str:
    """The canonical text: equal scenarios give equal text, and reading it back an equal scenario."""
    return "".join(_table(scenario_to_dict(scenario), ())).lstrip("\n")


def _execution(scenario: nouns.Scenario) -> dict[str, Any]:
    execution = scenario.execution
    written: dict[str, Any] = {
        "timing": execution.timing.value,
        "sequence": execution.sequence.value,
        "cash": execution.cash.value,
        "allow_short": execution.allow_short,
    }
    orders = isinstance(scenario.strategy.selection, nouns.OrdersStrategy)
    if has_levels(scenario.exits) or (orders and execution.levels != nouns.Levels()):
        levels = execution.levels
        written["levels"] = {field.name: getattr(levels, field.name).value for field in fields(levels)}
    return written


def _feature(feature: nouns.Feature) -> dict[str, Any]:
    if isinstance(feature, nouns.AtrFeature):
        return {"kind": "atr", "period": feature.period}
    return {"kind": "momentum", "lookback": feature.lookback, "skip": feature.skip}


def _strategy(strategy: nouns.Strategy, money: int) -> dict[str, Any]:
    schedule = strategy.schedule
    written: dict[str, Any] = {
        **_selection(strategy.selection),
        **_sizing(strategy),
        "cooldown": strategy.cooldown,
        "schedule": {"every": schedule.every, "start": schedule.start}
        if schedule.kind is nouns.ScheduleKind.EVERY
        else schedule.kind.value,
    }
    if strategy.minimum_notional:
        written["minimum_notional"] = from_units(strategy.minimum_notional, money)
    if strategy.size_at is not nouns.SizeAt.DECISION:
        written["size_at"] = strategy.size_at.value
    if strategy.gate is not None:
        written["gate"] = {"context": strategy.gate.context, strategy.gate.bound.value: strategy.gate.value}
    return written


def _sizing(strategy: nouns.Strategy) -> dict[str, Any]:
    """R7: what orders of a file do not have (R10)."""
    if isinstance(strategy.selection, nouns.OrdersStrategy):
        return {}
    return {"band": from_units(strategy.band, PPB), "size_on": strategy.size_on.value}


def _selection(selection: nouns.Selection) -> dict[str, Any]:
    if isinstance(selection, nouns.Weights):
        return {"kind": "weights", "feature": selection.feature}
    if isinstance(selection, nouns.CallableStrategy):
        return {"kind": "callable", "function": selection.function}
    if isinstance(selection, nouns.OrdersStrategy):
        return {"kind": "orders", "file": selection.file}
    return {
        "kind": "top_n",
        "score": selection.score,
        "n": selection.n,
        "short_n": selection.short_n,
        "gross_long": from_units(selection.gross_long, PPB),
        "gross_short": from_units(selection.gross_short, PPB),
        "require": list(selection.require),
        "when": selection.when.value,
    }


def _costs(costs: nouns.Costs, price_decimals: int, money: int) -> dict[str, Any]:
    written: dict[str, Any] = {}
    commission, slippage = costs.commission, costs.slippage
    if commission is not None:
        kind, unit = ("bps", BPS) if isinstance(commission, nouns.BpsCommission) else ("per_share", PPB)
        rate, minimum = from_units(commission.rate, unit), from_units(commission.minimum, money)
        written["commission"] = {"kind": kind, "rate": rate, "minimum": minimum}
        if commission.maximum is not None:
            written["commission"]["maximum"] = from_units(commission.maximum, PPB)
        if isinstance(commission, nouns.BpsCommission) and commission.on is not nouns.CommissionBase.FILL:
            written["commission"]["on"] = commission.on.value
    if isinstance(slippage, nouns.BpsSlippage):
        written["slippage"] = {"kind": "bps", "rate": from_units(slippage.rate, BPS)}
    elif isinstance(slippage, nouns.FixedSlippage):
        written["slippage"] = {"kind": "fixed", "amount": from_units(slippage.ticks, price_decimals)}
    return written


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """Lines of a table: its plain values, then its tables and lists of tables; none for an empty one."""
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if not _is_nested(value)]
    for key, value in table.items():
        below = (*path, key)
        header = ".".join(_key(part) for part in below)
        if isinstance(value, dict):
            plain = any(not _is_nested(each) for each in value.values())
            lines += [f"\n[{header}]\n"] * plain + _table(value, below)
        elif _is_nested(value):
            for item in value:
                lines += [f"\n[[{header}]]\n", *_table(item, below)]
    return lines


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return repr(value)


def _text(text: str) -> str:
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08X}"
