"""What a scenario asks of a market: columns that exist, weights it may use (R3, R4, R5, E5)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from reconcile.files.clock import show_instant
from vocabulary.errors import InputError, RangeError
from vocabulary.market import Floats, Market
from vocabulary.scenario import Scenario, TopN, VolatilityStop, Weights

_PPB = 1e9
_LIMIT = 2.0**63


def check(scenario: Scenario, market: Market) -> None:
    """Hold a scenario against its market, before any run.

    Raises InputError when the units differ, when a feature or context column that the scenario names is
    missing (R3: never a zero), and when a weight is below 0 ppb although shorts are not allowed (E5);
    RangeError when a weight or a stop's feature is beyond int64 in its unit (U4).
    """
    if market.price_decimals != scenario.market.price_decimals:
        raise InputError(
            f"{scenario.name}: market.price_decimals",
            str(scenario.market.price_decimals),
            f"{market.price_decimals}, that of the market",
            "Load the market with this scenario.",
        )
    _need_features(scenario, market)
    gate = scenario.strategy.gate
    if gate is not None:
        _need(f"{scenario.name}: strategy.gate", gate.context, market.context, "context column")
    _check_stops(scenario, market)
    _check_weights(scenario, market)


def _need_features(scenario: Scenario, market: Market) -> None:
    selection = scenario.strategy.selection
    where = f"{scenario.name}: strategy"
    if isinstance(selection, TopN):
        _need(f"{where}.score", selection.score, market.features, "feature")
        for name in selection.require:
            _need(f"{where}.require", name, market.features, "feature")
    elif isinstance(selection, Weights):
        _need(f"{where}.feature", selection.feature, market.features, "feature")
    for rule in scenario.exits:
        if isinstance(rule, VolatilityStop):
            _need(f"{scenario.name}: exit {rule.name!r}", rule.feature, market.features, "feature")


def _need(where: str, name: str, available: Iterable[str], what: str) -> None:
    names = sorted(available)
    if name not in names:
        raise InputError(
            where,
            f"the {what} {name!r}, which the market has not",
            f"one of {', '.join(names)}" if names else f"a {what} of the market, which has none",
            "Add it to the data, compute it, or name another." if names else "Give one: market.context.",
        )


def _check_weights(scenario: Scenario, market: Market) -> None:
    """R5: to ppb, half even; E5: none below 0 unless shorts are allowed."""
    selection = scenario.strategy.selection
    if not isinstance(selection, Weights):
        return
    weights = market.features[selection.feature]
    ppb = _scaled(weights, _PPB)
    where = f"{scenario.name}: strategy.feature {selection.feature!r}"
    _refuse_beyond(market, weights, ppb, where, "ppb")
    if not scenario.execution.allow_short and bool((ppb < 0).any()):
        bar, symbol = _first(ppb < 0)
        raise InputError(
            f"{where}, {_cell(market, bar, symbol)}",
            f"the weight {float(weights[bar, symbol])!r}",
            "weights >= 0, as execution.allow_short is false",
            "Set execution.allow_short = true, or leave the weight empty.",
        )


def _check_stops(scenario: Scenario, market: Market) -> None:
    """X3: a stop's feature is read in ticks (U1)."""
    for rule in scenario.exits:
        if isinstance(rule, VolatilityStop):
            values = market.features[rule.feature]
            ticks = _scaled(values, 10.0**market.price_decimals)
            _refuse_beyond(
                market, values, ticks, f"{scenario.name}: exit {rule.name!r}, {rule.feature!r}", "ticks"
            )


def _scaled(values: Floats, factor: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.rint(values * factor))


def _refuse_beyond(market: Market, values: Floats, scaled: Floats, where: str, unit: str) -> None:
    beyond = np.abs(scaled) >= _LIMIT
    if beyond.any():
        bar, symbol = _first(beyond)
        raise RangeError(
            f"{where}, {_cell(market, bar, symbol)}",
            f"{float(values[bar, symbol])!r}, beyond int64 in {unit}",
            f"less than 2**63 {unit}",
            "Correct the value, or leave it empty.",
        )


def _first(flags: np.ndarray) -> tuple[int, int]:
    bar, symbol = divmod(int(np.argmax(flags)), flags.shape[1])
    return bar, symbol


def _cell(market: Market, bar: int, symbol: int) -> str:
    return f"{market.symbols[symbol]} at {show_instant(int(market.wall[bar]))}"
