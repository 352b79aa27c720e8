"""Conventions of exits inside the bar (X5 to X8): how a gap is filled, what comes first, what moves a stop.

A convention is tried where a rule of the scenario is tested at its level, or where the candidate closes
positions inside the bar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from fractions import Fraction
from typing import Any

from reconcile.explaining.evidence import EMPTY, Window, states_of
from reconcile.explaining.hypotheses.settings import ONE, pair, settings, simplest
from reconcile.explaining.model import (
    EVERY,
    Family,
    SettingHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from reconcile.scenario.exits import has_levels
from reference import entry_price, fill_price
from reference.exits import level_of
from vocabulary.errors import InputError
from vocabulary.scenario import (
    Armed,
    ExitAt,
    ExitRule,
    Gap,
    Path,
    Scenario,
    StopLoss,
    TakeProfit,
    Timing,
    Touch,
    Trail,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import Position, Side

AtLevel = StopLoss | TakeProfit | VolatilityStop | TrailingStop
"""The rules that can be tested at a level."""
GAPS = {
    Gap.OPEN: "the open",
    Gap.LEVEL_OR_OPEN: "its level, or at the open where the bar does not reach the level",
    Gap.LEVEL_OR_FAR: "its level, or at the bar's far end where the bar does not reach the level",
}
PATHS = {
    Path.STOP_FIRST: "the stop",
    Path.TARGET_FIRST: "the target",
    Path.NEAREST: "the extreme nearer to the open",
    Path.UP_FIRST: "the high",
    Path.COLOR: "the low of a rising bar and the high of a falling one",
}
TRAILS = {
    Trail.HIGH_AFTER: "the bar's high, after the stop is tested",
    Trail.HIGH_BEFORE: "the bar's high, before the stop is tested",
    Trail.CLOSE: "the close",
}
TOUCHES = {Touch.TOUCH: "a price at its level", Touch.CROSS: "a price beyond its level alone"}
ARMED = {Armed.ENTRY: "the bar of its opening fill on", Armed.NEXT: "the bar after its opening fill on"}
PLACES = {ExitAt.CLOSE: "at the close", ExitAt.LEVEL: "at its level, inside the bar"}
EVERY_PLACE = {ExitAt.CLOSE: "at the close", ExitAt.LEVEL: "at their levels, inside the bar"}

# What a ledger shows


def closes_inside(subject: Subject, window: Window) -> bool:
    """Whether levels matter: to the scenario, or to a candidate that closes at the bar of its decision."""
    return has_levels(subject.scenario.exits) or any(True for _ in _fills_of_exits(subject, window, False))


def _fills_of_exits(
    subject: Subject, window: Window, of_levels: bool
) -> Iterator[tuple[ExitRule, int, int, Side, int]]:
    """Fills of exits that can be tested at a level: the rule, the bar, the symbol, the side and the price.

    of_levels: of rules that the scenario tests at a level; else those at neither open nor close of their bar.
    """
    fills, market = window.fills, subject.market
    if fills is None or not {"price", "reason"} <= set(fills.cells):
        return
    words = {code: word for word, code in window.target.axes.words.items()}
    rules = {rule.name: rule for rule in subject.scenario.exits if isinstance(rule, AtLevel)}
    cells = (fills.cycle, fills.symbol, fills.side, fills.cells["price"], fills.cells["reason"])
    for t, s, side, price, code in zip(*(column.tolist() for column in cells), strict=True):
        rule = rules.get(words.get(code, ""))
        inside = t < len(market.timestamps) and s < len(market.symbols) and side < 2 and price != EMPTY
        if rule is None or not inside or not market.present.item(t, s):
            continue
        way = Side.SELL if side else Side.BUY
        if of_levels:
            if has_levels([rule]):
                yield rule, t, s, way, price
            continue
        ends = (market.open.item(t, s), market.close.item(t, s))
        if price not in {one for end in ends for one in (end, fill_price(subject.scenario, end, way))}:
            yield rule, t, s, way, price


def _positions(subject: Subject, window: Window) -> Callable[[int, int], Position | None]:
    """From a bar and a symbol to the position that the candidate brought into the bar."""
    states = states_of(subject.scenario, subject.market, window)
    if states is None:
        return lambda t, s: None
    return lambda t, s: states[t - 1].positions.get(s) if 0 < t <= len(states) else None


def _gaps(subject: Subject, window: Window) -> Values:
    """The conventions that the prices of gapped stops bear out; all of them where no price tells."""
    stated = subject.scenario.execution.levels.gap
    votes: Counter[str] = Counter()
    held = _positions(subject, window)
    for rule, t, s, side, price in _fills_of_exits(subject, window, True):
        position = held(t, s)
        if position is None or isinstance(rule, TakeProfit):
            continue
        level = level_of(rule, position, position.extreme, subject.market, t, s)
        votes.update(_gap_votes(subject, level, t, s, side, price))
    return _ranked("execution.levels.gap", Gap, stated, votes)


def _gap_votes(subject: Subject, level: int | None, t: int, s: int, side: Side, price: int) -> Iterator[str]:
    """The conventions under which a stop at a level fills at a price at bar t, where they differ."""
    market, sign = subject.market, 1 if side is Side.SELL else -1
    opened = sign * market.open.item(t, s)
    high = market.high.item(t, s) if sign > 0 else -market.low.item(t, s)
    if level is None or opened > sign * level:
        return
    level *= sign
    raws = {
        Gap.OPEN: opened,
        Gap.LEVEL_OR_OPEN: level if high >= level else opened,
        Gap.LEVEL_OR_FAR: min(level, high),
    }
    for gap, raw in raws.items():
        if fill_price(subject.scenario, abs(raw), side) == price:
            yield gap.value


def _ranked(path: str, kind: type[Enum], stated: Enum, votes: Mapping[str, int]) -> Values:
    """The values with most votes; without any vote all of them."""
    most = max(votes.values(), default=0)
    borne_out = [each.value for each in kind if votes.get(each.value, 0) == most]
    return settings(path, borne_out if most else [each.value for each in kind], stated.value)


RATES: Mapping[type[Any], str] = {StopLoss: "loss", TakeProfit: "gain", VolatilityStop: "multiple"}
"""The number of a rule that alone sets its level."""


def measured_rates(subject: Subject, window: Window) -> dict[tuple[str, str], tuple[int, ...]]:
    """By rule and number, the rates that put its level where its fills are, the most frequent first."""
    found: dict[tuple[str, str], Counter[int]] = {}
    held = _positions(subject, window)
    for rule, t, s, side, price in _fills_of_exits(subject, window, True):
        position = held(t, s)
        if position is None or price == subject.market.open.item(t, s):
            continue
        slip = abs(fill_price(subject.scenario, price, side) - price)
        if isinstance(rule, TrailingStop):
            near = max(abs(position.extreme - price) - slip, 0)
            for key, rate in _trailing_rates(rule, near, position.extreme, t - position.opened):
                found.setdefault((rule.name, key), Counter())[rate] += 1
            continue
        base = entry_price(position)
        if isinstance(rule, VolatilityStop):
            before = [bar for bar in range(t) if subject.market.present.item(bar, s)]
            width = float(subject.market.features[rule.feature][before[-1], s]) if before else 0.0
            base = round(width * 10**subject.market.price_decimals) if 0 < width < float("inf") else 0
        gap = abs(entry_price(position) - price)
        near = gap if isinstance(rule, TakeProfit) else max(gap - slip, 0)
        roundest = _rate_near(near, base)
        if roundest is not None and roundest >= 0:
            found.setdefault((rule.name, RATES[type(rule)]), Counter())[roundest] += 1
    return {key: tuple(rate for rate, _ in rates.most_common(4)) for key, rates in found.items()}


def _rate_near(near: int, base: int, more: Fraction = Fraction(0), parts: int = 1) -> int | None:
    """The roundest rate that puts a level `near` ticks from a base, with `more` added, and over `parts`."""
    if base <= 0:
        return None
    low, high = (Fraction(2 * near + off, 2 * base) for off in (-3, 3))
    ends = sorted(((more + low) / parts, (more + high) / parts))
    return simplest(max(ends[0], Fraction(0)), ends[1]) if ends[1] >= 0 else None


def _trailing_rates(rule: TrailingStop, near: int, extreme: int, bars: int) -> Iterator[tuple[str, int]]:
    """The values of each number of a trailing stop that put its level `near` ticks from its extreme, so many
    bars after the position was opened."""
    rates = {
        "initial": _rate_near(near, extreme, Fraction(rule.tighten * bars, ONE)),
        "minimum": _rate_near(near, extreme),
    }
    if bars > 0:
        rates["tighten"] = _rate_near(near, extreme, Fraction(-rule.initial, ONE), -bars)
    yield from ((key, rate) for key, rate in rates.items() if rate is not None)


# The hypotheses


def _with(scenario: Scenario, value: Value) -> Scenario:
    """The scenario with one convention changed. InputError where it tests no rule at a level."""
    path, given = pair(value)
    levels, name = scenario.execution.levels, path.rsplit(".", 1)[1]
    if not has_levels(scenario.exits):
        raise InputError(path, "no exit at a level", "one", "Leave the change out.")
    changed = replace(levels, **{name: type(getattr(levels, name))(given)})
    return replace(scenario, execution=replace(scenario.execution, levels=changed))


def _convention(
    identity: str,
    kind: type[Enum],
    words: Mapping[Any, str],
    sentence: str,
    values: Callable[[Subject, Window], Values] | None = None,
    allowed: Callable[[Subject], bool] = lambda subject: True,
) -> SettingHypothesis:
    """The hypothesis about one key of [execution.levels]. sentence: with places for {new} and {old}."""
    name = identity.removeprefix("level_")
    path = f"execution.levels.{name}"

    def tried(subject: Subject, window: Window) -> Values:
        if not closes_inside(subject, window) or not allowed(subject):
            return ()
        if values is not None:
            return values(subject, window)
        stated = getattr(subject.scenario.execution.levels, name)
        return settings(path, (each.value for each in kind), stated.value)

    def say(subject: Subject, value: Value) -> Wording:
        old, new = getattr(subject.scenario.execution.levels, name), kind(pair(value)[1])
        return Wording(sentence.format(new=words[new], old=words[old]), path, old.value, new.value)

    return SettingHypothesis(id=identity, values=tried, say=say, apply=_with, family=Family.EXIT, numbers=1)


GAP = _convention(
    "level_gap",
    Gap,
    GAPS,
    "a stop that the open is beyond fills at {new}, where the scenario says {old}",
    _gaps,
)
PATH = _convention("level_path", Path, PATHS, "inside a bar {new} comes first, where the scenario says {old}")
TRAIL = _convention(
    "level_trail",
    Trail,
    TRAILS,
    "a trailing stop follows {new}, where the scenario says {old}",
    allowed=lambda subject: any(isinstance(rule, TrailingStop) for rule in subject.scenario.exits),
)
TOUCH = _convention(
    "level_touch",
    Touch,
    TOUCHES,
    "a target is met by {new}, where the scenario says {old}",
    allowed=lambda subject: any(isinstance(rule, TakeProfit) for rule in subject.scenario.exits),
)
ARMED_FROM = _convention(
    "level_armed",
    Armed,
    ARMED,
    "levels of a position are tested from {new}, where the scenario says {old}",
    allowed=lambda subject: subject.scenario.execution.timing is Timing.NEXT_OPEN,
)

# At its level, or at the close


def _places(subject: Subject, window: Window) -> Values:
    """Rules that a candidate tests elsewhere: all of them, and each."""
    if not closes_inside(subject, window):
        return ()
    rules = [rule for rule in subject.scenario.exits if isinstance(rule, AtLevel)]
    alone = tuple((rule.name, _elsewhere(rule).value) for rule in rules)
    places = {rule.at for rule in rules}
    together = tuple((EVERY, place.value) for place in ExitAt if places - {place})
    return (*together, *alone) if len(rules) > 1 else alone


def _elsewhere(rule: AtLevel) -> ExitAt:
    return ExitAt.CLOSE if rule.at is ExitAt.LEVEL else ExitAt.LEVEL


def _at(scenario: Scenario, value: Value) -> Scenario:
    name, place = pair(value)
    exits = tuple(
        replace(rule, at=ExitAt(place)) if isinstance(rule, AtLevel) and name in (rule.name, EVERY) else rule
        for rule in scenario.exits
    )
    return replace(scenario, exits=exits)


def _place_reads(subject: Subject, value: Value) -> Wording:
    name, given = pair(value)
    new, old = ExitAt(given), ExitAt.CLOSE if given == ExitAt.LEVEL.value else ExitAt.LEVEL
    if name == EVERY:
        sentence = f"exits are tested {EVERY_PLACE[new]}, where the scenario says {EVERY_PLACE[old]}"
        return Wording(sentence, "exits.at", old.value, new.value)
    sentence = f"the exit {name} is tested {PLACES[new]}, where the scenario says {PLACES[old]}"
    return Wording(sentence, f"exits.{name}.at", old.value, new.value)


EXIT_AT = SettingHypothesis(id="exit_at", values=_places, say=_place_reads, apply=_at, family=Family.EXIT)
