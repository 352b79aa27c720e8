"""X5 to X9: exits that are met inside the bar, at their levels.

A short is the mirror of a long. Prices and levels are therefore taken as the holder of the position sees
them: negated for a short, with high and low exchanged. What remains is the rule for a long.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from enum import Enum, auto

from reference.accounting import book
from reference.execution import fill_price, filled
from reference.exits import is_at_level, level_of
from reference.results import Execution
from vocabulary.market import Market
from vocabulary.scenario import (
    Armed,
    ExitRule,
    Gap,
    Levels,
    Path,
    Scenario,
    TakeProfit,
    Timing,
    Touch,
    Trail,
    TrailingStop,
)
from vocabulary.state import Order, Position, Side, State, Status


class Part(Enum):
    """The parts of a bar in which levels are tested: X7.1, and X7.2 with X7.3."""

    OPEN = auto()
    WAY = auto()


WHOLE_BAR = (Part.OPEN, Part.WAY)


@dataclass(frozen=True, slots=True)
class HolderBar:
    """The prices of a bar in ticks as the holder of a position sees them. side: 1 for a long, else -1."""

    side: int
    open: int
    high: int
    low: int


@dataclass(frozen=True, slots=True)
class Level:
    """The level of a rule (X6) in ticks, as the holder sees it."""

    rule: ExitRule
    price: int


@dataclass(frozen=True, slots=True)
class Met:
    """The rule that closes a position, and the raw price P (X8) in ticks, as the holder sees it."""

    rule: ExitRule
    price: int


def close_at_levels(
    scenario: Scenario,
    state: State,
    market: Market,
    t: int,
    parts: tuple[Part, ...] = WHOLE_BAR,
    traded: Set[int] = frozenset(),
) -> tuple[State, tuple[Execution, ...]]:
    """X5, X9: closes each position that meets a level in these parts of bar t, in symbol order.

    traded: symbols of which a limit or stop was filled in this bar; they are not tested.
    """
    executions: list[Execution] = []
    for symbol in sorted(state.positions.keys() - traded):
        execution = closing(scenario, state.positions[symbol], market, t, symbol, parts)
        if execution is not None and execution.fill is not None:
            state = barred_after_level(scenario, book(scenario, state, market, t, execution.fill), t, symbol)
            executions.append(execution)
    return state, tuple(executions)


def closing(
    scenario: Scenario, position: Position, market: Market, t: int, symbol: int, parts: tuple[Part, ...]
) -> Execution | None:
    """X5, X9: the order that closes a position at a level in these parts of bar t, None where none is met."""
    is_armed = scenario.execution.levels.armed is Armed.ENTRY or position.opened < t
    if not (is_armed and market.present.item(t, symbol) and any(map(is_at_level, scenario.exits))):
        return None
    met = _first_met(scenario, position, market, t, symbol, parts)
    return None if met is None else _executed(scenario, position, t, symbol, met)


def barred_after_level(scenario: Scenario, state: State, t: int, symbol: int) -> State:
    """X9: after a close at a level the symbol is barred at bars t .. t + cooldown - 1."""
    cooldown = scenario.strategy.cooldown
    return replace(state, barred={**state.barred, symbol: t + cooldown - 1}) if cooldown else state


def moved_extremes(scenario: Scenario, state: State, market: Market, t: int) -> State:
    """X6: the state with the extremes after all that happened inside bar t."""
    if not any(is_at_level(rule) and isinstance(rule, TrailingStop) for rule in scenario.exits):
        return state
    at_close = scenario.execution.timing is not Timing.NEXT_OPEN
    positions = dict(state.positions)
    for symbol, position in state.positions.items():
        if not market.present.item(t, symbol) or (at_close and position.opened == t):
            continue
        bar = _holder_bar(position, market, t, symbol)
        reached = bar.high
        if scenario.execution.levels.trail is Trail.CLOSE:
            reached = bar.side * market.close.item(t, symbol)
        positions[symbol] = replace(position, extreme=abs(max(bar.side * position.extreme, reached)))
    return replace(state, positions=positions)


def reaches(touch: Touch, price: int, level: int) -> bool:
    """X7: whether a price meets a target."""
    return price >= level if touch is Touch.TOUCH else price > level


def stop_price(gap: Gap, level: int, bar: HolderBar) -> int:
    """X8: P of a stop that the open may be beyond."""
    at_open = min(bar.open, level)
    if gap is Gap.OPEN:
        return at_open
    if gap is Gap.LEVEL_OR_OPEN:
        return level if bar.high >= level else at_open
    return min(level, bar.high)


def _executed(scenario: Scenario, position: Position, t: int, symbol: int, met: Met) -> Execution:
    """X8, X9: the order that closes a position, and its fill; a target is not slipped."""
    side = Side.SELL if position.quantity > 0 else Side.BUY
    raw = abs(met.price)
    price = raw if isinstance(met.rule, TakeProfit) else fill_price(scenario, raw, side)
    order = Order(t, symbol, side, abs(position.quantity), met.rule.name, None)
    fill = filled(scenario, order, order.quantity, price, raw)
    return Execution(order, Status.FILLED, order.quantity, fill)


def _first_met(
    scenario: Scenario, position: Position, market: Market, t: int, symbol: int, parts: tuple[Part, ...]
) -> Met | None:
    """X7: the rule that is met first in these parts of the bar."""
    settings = scenario.execution.levels
    bar = _holder_bar(position, market, t, symbol)
    now, last = _by_turn(scenario)
    levels = _levels(now, position, position.extreme, market, t, symbol)
    met = None
    if Part.OPEN in parts:
        opened_here = scenario.execution.timing is Timing.NEXT_OPEN and position.opened == t
        met = _met_at_open(settings, bar, levels, opened_here)
    if met is None and Part.WAY in parts:
        met = _met_on_the_way(settings, bar, levels, _is_low_first(settings.path, market, t, symbol))
    if met is None and Part.WAY in parts and last:
        extreme = abs(max(bar.side * position.extreme, bar.high))
        met = _met_last(bar, _levels(last, position, extreme, market, t, symbol))
    return met


def _by_turn(scenario: Scenario) -> tuple[Sequence[ExitRule], Sequence[ExitRule]]:
    """X7.3: the rules that are tested at a level, apart from them those that are met last."""
    rules = [rule for rule in scenario.exits if is_at_level(rule)]
    if scenario.execution.levels.trail is not Trail.HIGH_BEFORE:
        return rules, []
    first = [rule for rule in rules if not isinstance(rule, TrailingStop)]
    return first, [rule for rule in rules if isinstance(rule, TrailingStop)]


def _holder_bar(position: Position, market: Market, t: int, symbol: int) -> HolderBar:
    opened: int = market.open.item(t, symbol)
    high: int = market.high.item(t, symbol)
    low: int = market.low.item(t, symbol)
    return HolderBar(1, opened, high, low) if position.quantity > 0 else HolderBar(-1, -opened, -low, -high)


def _levels(
    rules: Sequence[ExitRule], position: Position, extreme: int, market: Market, t: int, symbol: int
) -> list[Level]:
    """X6: the levels of those rules that have one, in the order listed. extreme: X, in ticks."""
    side = 1 if position.quantity > 0 else -1
    prices = ((rule, level_of(rule, position, extreme, market, t, symbol)) for rule in rules)
    return [Level(rule, side * price) for rule, price in prices if price is not None]


def _first_stop(levels: Sequence[Level], price: int) -> Level | None:
    """X7: the highest of the stops that a price is at or below; the first listed of equal ones."""
    stops = [level for level in levels if not isinstance(level.rule, TakeProfit) and price <= level.price]
    return max(stops, key=lambda level: level.price, default=None)


def _first_target(levels: Sequence[Level], touch: Touch, *prices: int) -> Level | None:
    """X7: the lowest of the targets that one of the prices reaches; the first listed of equal ones."""
    targets = [
        level
        for level in levels
        if isinstance(level.rule, TakeProfit) and any(reaches(touch, price, level.price) for price in prices)
    ]
    return min(targets, key=lambda level: level.price, default=None)


def _met_at_open(settings: Levels, bar: HolderBar, levels: Sequence[Level], opened_here: bool) -> Met | None:
    """X7.1, X8: the rule that the open meets. opened_here: the position was opened at this very open."""
    stop = _first_stop(levels, bar.open)
    target = None if settings.path is Path.STOP_FIRST else _first_target(levels, settings.touch, bar.open)
    if target is not None and (stop is None or settings.path is Path.TARGET_FIRST):
        return Met(target.rule, bar.open)
    if stop is None:
        return None
    return Met(stop.rule, bar.open if opened_here else stop_price(settings.gap, stop.price, bar))


def _is_low_first(path: Path, market: Market, t: int, symbol: int) -> bool:
    """X7.2: whether the low of a bar is visited before its high."""
    opened: int = market.open.item(t, symbol)
    if path is Path.NEAREST:
        return abs(opened - market.low.item(t, symbol)) <= abs(market.high.item(t, symbol) - opened)
    return path is Path.COLOR and bool(market.close.item(t, symbol) >= opened)


def _met_on_the_way(settings: Levels, bar: HolderBar, levels: Sequence[Level], low_first: bool) -> Met | None:
    """X7.2, X8: the rule that the bar's low or high meets first."""
    stop = _first_stop(levels, bar.low)
    target = _first_target(levels, settings.touch, bar.high, bar.open)
    if settings.path in (Path.STOP_FIRST, Path.TARGET_FIRST):
        is_stop_first = settings.path is Path.STOP_FIRST
    else:
        is_stop_first = low_first == (bar.side > 0)
    if stop is not None and (is_stop_first or target is None):
        return Met(stop.rule, stop.price)
    # the open where it is beyond the target, else the target
    return None if target is None else Met(target.rule, max(bar.open, target.price))


def _met_last(bar: HolderBar, levels: Sequence[Level]) -> Met | None:
    """X7.3, X8: the trailing stop that is met after the bar's high has moved it."""
    stop = _first_stop(levels, bar.low)
    if stop is None:
        return None
    return Met(stop.rule, stop.price if bar.high >= stop.price else bar.open)
