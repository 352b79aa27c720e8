"""Section X: which open positions are closed at a bar, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reference.accounting import entry_price
from reference.units import mul, ticks
from vocabulary.market import Market
from vocabulary.scenario import (
    BreakEven,
    ExitAt,
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
    # X5: what is tested at a level inside the bar is not tested at its close.
    rules = [rule for rule in scenario.exits if not is_at_level(rule)]
    if not rules:
        return fired
    for symbol in sorted(state.positions):
        if not market.present.item(t, symbol):
            continue
        position = state.positions[symbol]
        close: int = market.close.item(t, symbol)
        for rule in rules:
            if RULES[type(rule)](rule, position, market, t, symbol, close):
                fired[symbol] = rule.name
                break
    return fired


def _time_exit(rule: TimeExit, position: Position, market: Market, t: int, symbol: int, close: int) -> bool:
    return t - position.opened >= rule.bars


def _stop_loss(rule: StopLoss, position: Position, market: Market, t: int, symbol: int, close: int) -> bool:
    entry = entry_price(position)
    return _fell(position, close, entry, mul(entry, rule.loss))


def _take_profit(
    rule: TakeProfit, position: Position, market: Market, t: int, symbol: int, close: int
) -> bool:
    entry = entry_price(position)
    return _rose(position, close, entry, mul(entry, rule.gain))


def _volatility_stop(
    rule: VolatilityStop, position: Position, market: Market, t: int, symbol: int, close: int
) -> bool:
    width = ticks(market.features[rule.feature].item(t, symbol), market.price_decimals)
    if width is None or width <= 0:
        return False
    return _fell(position, close, entry_price(position), mul(width, rule.multiple))


def _trailing_stop(
    rule: TrailingStop, position: Position, market: Market, t: int, symbol: int, close: int
) -> bool:
    rate = max(rule.minimum, rule.initial - rule.tighten * (t - position.opened))
    return _fell(position, close, position.peak, mul(position.peak, rate))


def _break_even(rule: BreakEven, position: Position, market: Market, t: int, symbol: int, close: int) -> bool:
    return rule.name in position.armed and _fell(position, close, entry_price(position), 0)


RULES: Mapping[type[ExitRule], Callable[[Any, Position, Market, int, int, int], bool]] = {
    StopLoss: _stop_loss,
    TakeProfit: _take_profit,
    VolatilityStop: _volatility_stop,
    TrailingStop: _trailing_stop,
    TimeExit: _time_exit,
    BreakEven: _break_even,
}
"""X3: whether a rule fires, by (rule, position, market, t, symbol, close), the symbol present at bar t."""


def is_at_level(rule: ExitRule) -> bool:
    """X5: whether a rule is tested inside the bar."""
    return isinstance(rule, StopLoss | TakeProfit | VolatilityStop | TrailingStop) and rule.at is ExitAt.LEVEL


def level_of(
    rule: ExitRule, position: Position, extreme: int, market: Market, t: int, symbol: int
) -> int | None:
    """X6: the level of a rule at bar t in ticks, None where it has none. extreme: X, in ticks."""
    side = 1 if position.quantity > 0 else -1
    if isinstance(rule, TrailingStop):
        rate = max(rule.minimum, rule.initial - rule.tighten * (t - position.opened))
        found = extreme - side * mul(extreme, rate)
    elif isinstance(rule, VolatilityStop):
        width = _last_width(rule, market, t, symbol)
        if width is None or width <= 0:
            return None
        found = entry_price(position) - side * mul(width, rule.multiple)
    else:
        entry = entry_price(position)
        assert isinstance(rule, StopLoss | TakeProfit)
        away = mul(entry, rule.loss) if isinstance(rule, StopLoss) else -mul(entry, rule.gain)
        found = entry - side * away
    return found if found > 0 else None


def _last_width(rule: VolatilityStop, market: Market, t: int, symbol: int) -> int | None:
    """X6: A, the feature in ticks at the symbol's last present bar before t."""
    for bar in range(t - 1, -1, -1):
        if market.present.item(bar, symbol):
            return ticks(market.features[rule.feature].item(bar, symbol), market.price_decimals)
    return None


def armed(scenario: Scenario, position: Position, close: int) -> frozenset[str]:
    """X3: the names of the `break_even` rules that are armed after a close; a rule once armed stays so."""
    names = position.armed
    for rule in scenario.exits:
        if isinstance(rule, BreakEven) and rule.name not in names:
            entry = entry_price(position)
            if _rose(position, close, entry, mul(entry, rule.gain)):
                names |= {rule.name}
    return names


def _fell(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went against the position by `distance` from `level`, or further."""
    return close <= level - distance if position.quantity > 0 else close >= level + distance


def _rose(position: Position, close: int, level: int, distance: int) -> bool:
    """X3: the close went in the position's favour by `distance` from `level`, or further."""
    return close >= level + distance if position.quantity > 0 else close <= level - distance
