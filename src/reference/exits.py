"""Section X: which open positions are closed at a bar, and why."""

from __future__ import annotations

from typing import assert_never

from reference.accounting import entry_price
from reference.units import mul, ticks
from vocabulary.market import Market
from vocabulary.scenario import (
    ExitRule,
    Scenario,
    StopLoss,
    TakeProfit,
    TimeExit,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import Position, State


def exits(scenario: Scenario, state: State, market: Market, t: int) -> dict[int, str]:
    """X1: symbol -> reason, in symbol order, for every position that a rule closes at bar t."""
    fired: dict[int, str] = {}
    if not scenario.exits:
        return fired
    for symbol in sorted(state.positions):
        if not market.present.item(t, symbol):
            continue
        for rule in scenario.exits:
            if _fires(rule, state.positions[symbol], market, t, symbol):
                fired[symbol] = rule.name
                break
    return fired


def _fires(rule: ExitRule, position: Position, market: Market, t: int, symbol: int) -> bool:
    """X3: whether one rule fires at bar t, where the symbol is present."""
    close: int = market.close.item(t, symbol)
    held = t - position.opened  # X2
    match rule:
        case StopLoss(loss=loss):
            entry = entry_price(position)
            return _fell(position, close, entry, mul(entry, loss))
        case TakeProfit(gain=gain):
            entry = entry_price(position)
            return _rose(position, close, entry, mul(entry, gain))
        case VolatilityStop(multiple=multiple, feature=feature):
            width = ticks(market.features[feature].item(t, symbol), market.price_decimals)
            if width is None or width <= 0:
                return False
            return _fell(position, close, entry_price(position), mul(width, multiple))
        case TrailingStop(initial=initial, tighten=tighten, minimum=minimum):
            rate = max(minimum, initial - tighten * held)
            return _fell(position, close, position.peak, mul(position.peak, rate))
        case TimeExit(bars=bars):
            return held >= bars
        case _:
            assert_never(rule)


def _fell(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went against the position by `distance` from `level`, or further."""
    return close <= level - distance if position.quantity > 0 else close >= level + distance


def _rose(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went in the position's favour by `distance` from `level`, or further."""
    return close >= level + distance if position.quantity > 0 else close <= level - distance
