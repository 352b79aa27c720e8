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
        position = state.positions[symbol]
        close: int = market.close.item(t, symbol)
        for rule in scenario.exits:
            if _fires(rule, position, market, t, symbol, close):
                fired[symbol] = rule.name
                break
    return fired


def _fires(rule: ExitRule, position: Position, market: Market, t: int, symbol: int, close: int) -> bool:
    """X3: whether one rule fires at bar t, where the symbol is present and closes at `close`."""
    held = t - position.opened  # X2
    if isinstance(rule, TimeExit):
        return held >= rule.bars
    if isinstance(rule, TrailingStop):
        rate = max(rule.minimum, rule.initial - rule.tighten * held)
        return _fell(position, close, position.peak, mul(position.peak, rate))
    entry = entry_price(position)
    if isinstance(rule, VolatilityStop):
        width = ticks(market.features[rule.feature].item(t, symbol), market.price_decimals)
        return width is not None and width > 0 and _fell(position, close, entry, mul(width, rule.multiple))
    if isinstance(rule, StopLoss):
        return _fell(position, close, entry, mul(entry, rule.loss))
    if isinstance(rule, TakeProfit):
        return _rose(position, close, entry, mul(entry, rule.gain))
    assert_never(rule)


def _fell(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went against the position by `distance` from `level`, or further."""
    return close <= level - distance if position.quantity > 0 else close >= level + distance


def _rose(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went in the position's favour by `distance` from `level`, or further."""
    return close >= level + distance if position.quantity > 0 else close <= level - distance
