"""The exit rules (X1 to X3): a rule's code, its row and its test stand together, one rule after the other.

A rule is added in three steps: its number, its entry in ROWS, and its test with a line in `try_rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np

from engine.arithmetic import TOO_LARGE, mul
from engine.compiling import part
from engine.intrinsics import cell, checked_sum
from engine.layout import (
    BAD_FEATURE,
    ENTRY,
    FAULT,
    FOREVER,
    HELD,
    MARK,
    NOTHING,
    OPENED,
    PEAK,
    QUANTITY,
    Book,
    Panel,
    Settings,
)
from vocabulary.market import Ints
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
from vocabulary.state import State

STOP_LOSS, TAKE_PROFIT, VOLATILITY_STOP, TRAILING_STOP, TIME_EXIT, BREAK_EVEN = range(6)
# Columns of the table of rules: the kind, up to three settings, which of the exits' features it reads, and
# whether it is tested at its level (X5).
KIND, FIRST, SECOND, THIRD, FEATURE, AT_LEVEL = range(6)
# In `fired`: the rule would fire by a feature beyond 64 bits.
UNREADABLE = -2

Row = tuple[int, int, int, int, int]


def exit_features(scenario: Scenario) -> tuple[str, ...]:
    """The features that exit rules read, each once."""
    names = [rule.feature for rule in scenario.exits if isinstance(rule, VolatilityStop)]
    return tuple(dict.fromkeys(names))


def _trailing_stop(rule: TrailingStop, features: Sequence[str]) -> Row:
    # past `initial` a bar, one bar tightens to the minimum: no product can pass 64 bits
    return TRAILING_STOP, rule.initial, min(rule.tighten, rule.initial + 1), rule.minimum, 0


ROWS: Mapping[type[Any], Callable[[Any, Sequence[str]], Row]] = {
    StopLoss: lambda rule, features: (STOP_LOSS, rule.loss, 0, 0, 0),
    TakeProfit: lambda rule, features: (TAKE_PROFIT, rule.gain, 0, 0, 0),
    VolatilityStop: lambda rule, features: (
        VOLATILITY_STOP,
        rule.multiple,
        0,
        0,
        features.index(rule.feature),
    ),
    TrailingStop: _trailing_stop,
    TimeExit: lambda rule, features: (TIME_EXIT, min(rule.bars, FOREVER), 0, 0, 0),
    BreakEven: lambda rule, features: (BREAK_EVEN, rule.gain, 0, 0, 0),
}
"""The row of each rule. features: as `exit_features` lists them."""


def is_at_level(rule: ExitRule) -> bool:
    """X5: whether a rule is tested inside the bar."""
    return isinstance(rule, StopLoss | TakeProfit | VolatilityStop | TrailingStop) and rule.at is ExitAt.LEVEL


def exits_of(scenario: Scenario) -> Ints:
    """The rules in the order listed (X1), (rules, 6)."""
    features = exit_features(scenario)
    rows = [(*ROWS[type(rule)](rule, features), int(is_at_level(rule))) for rule in scenario.exits]
    return np.array(rows, dtype=np.int64).reshape(len(rows), AT_LEVEL + 1)


@part
def try_rule(settings: Settings, panel: Panel, book: Book, t: int, rule: int) -> None:
    """X3: writes the rule into `fired` beside each held position that it fires for."""
    kind = book.exits[rule, KIND]
    if book.exits[rule, AT_LEVEL]:
        return
    if kind == TIME_EXIT:
        try_time(book, t, rule)
    elif kind == STOP_LOSS:
        try_entry(book, rule, 1)
    elif kind == TAKE_PROFIT:
        try_entry(book, rule, -1)
    elif kind == TRAILING_STOP:
        try_trailing(book, t, rule)
    elif kind == BREAK_EVEN:
        try_break_even(book, rule)
    else:
        try_volatility(settings, panel, book, t, rule)


@part
def try_time(book: Book, t: int, rule: int) -> None:
    """X3 `time_exit`."""
    lines, held, bars = book.lines, book.held, book.exits[rule, FIRST]
    for i in range(book.account[HELD]):
        if t - lines[held[i], OPENED] >= bars:
            book.fired[i] = rule


@part
def try_entry(book: Book, rule: int, direction: int) -> None:
    """X3 `stop_loss` (direction 1: against the holder) and `take_profit` (direction -1)."""
    lines, held, rate = book.lines, book.held, book.exits[rule, FIRST]
    for i in range(book.account[HELD]):
        gap = mul(lines[held[i], ENTRY], rate)
        if gap != TOO_LARGE and direction * fallen(lines, held[i], ENTRY) >= gap:
            book.fired[i] = rule


@part
def try_trailing(book: Book, t: int, rule: int) -> None:
    """X3 `trailing_stop`."""
    lines, held, exits = book.lines, book.held, book.exits
    initial, tighten, least = exits[rule, FIRST], exits[rule, SECOND], exits[rule, THIRD]
    for i in range(book.account[HELD]):
        rate = max(least, initial - tighten * (t - lines[held[i], OPENED]))
        gap = mul(lines[held[i], PEAK], rate)
        if gap != TOO_LARGE and fallen(lines, held[i], PEAK) >= gap:
            book.fired[i] = rule


@part
def try_volatility(settings: Settings, panel: Panel, book: Book, t: int, rule: int) -> None:
    """X3 `volatility_stop`: the feature in ticks (U1), half to even."""
    lines, held, fired, exits = book.lines, book.held, book.fired, book.exits
    address, row = panel.stops[exits[rule, FEATURE]], t * lines.shape[0]
    for i in range(book.account[HELD]):
        ticks = np.rint(cell(address, row + held[i]) * settings.price_unit)
        if ticks >= 2.0**63:
            fired[i] = UNREADABLE
        elif ticks > 0.0:
            gap = mul(np.int64(ticks), exits[rule, FIRST])
            if gap != TOO_LARGE and fallen(lines, held[i], ENTRY) >= gap:
                fired[i] = rule


@part
def level_of(
    settings: Settings, panel: Panel, book: Book, t: int, s: Any, rule: int, extreme: int
) -> tuple[int, bool]:
    """X6: the level of a rule as the holder sees it (negated for a short), and whether it has one.

    extreme: X, as the holder sees it.
    """
    lines, exits = book.lines, book.exits
    kind, first = exits[rule, KIND], exits[rule, FIRST]
    side = 1 if lines[s, QUANTITY] > 0 else -1
    origin = side * lines[s, ENTRY]
    if kind == TRAILING_STOP:
        rate = max(exits[rule, THIRD], first - exits[rule, SECOND] * (t - lines[s, OPENED]))
        origin = extreme
        gap = mul(abs(extreme), rate)
    elif kind == VOLATILITY_STOP:
        width = last_width(settings, panel, book, t, s, exits[rule, FEATURE])
        if width <= 0:
            return 0, False
        gap = mul(width, first)
    else:
        gap = mul(abs(origin), first)
    if gap == TOO_LARGE:
        return 0, False
    level, beyond = checked_sum(origin, gap if kind == TAKE_PROFIT else -gap)
    return level, not beyond and side * level > 0


@part
def last_width(settings: Settings, panel: Panel, book: Book, t: int, s: Any, feature: int) -> int:
    """X6: A, the feature in ticks at the symbol's last present bar before t; 0 where there is none."""
    before = t - 1
    while before >= 0 and panel.close[before, s] == 0:
        before -= 1
    if before < 0:
        return 0
    ticks = np.rint(cell(panel.stops[feature], before * book.lines.shape[0] + s) * settings.price_unit)
    if ticks >= 2.0**63:
        book.account[FAULT] = BAD_FEATURE
        return 0
    return int(ticks) if ticks > 0.0 else 0


@part
def try_break_even(book: Book, rule: int) -> None:
    """X3 `break_even`."""
    lines, held, armed = book.lines, book.held, book.armed
    for i in range(book.account[HELD]):
        s = held[i]
        if armed[rule, s] == lines[s, OPENED] and fallen(lines, s, ENTRY) >= 0:
            book.fired[i] = rule


@part
def arm(book: Book) -> None:
    """X3: notes in `armed` the positions whose close reached a gain of `break_even`, by their opening bar.

    No two positions of a symbol have one opening bar and a mark between them, so what a closed position
    left there arms no later one.
    """
    lines, held, exits = book.lines, book.held, book.exits
    for rule in range(book.armed.shape[0]):
        if exits[rule, KIND] == BREAK_EVEN:
            for i in range(book.account[HELD]):
                s = held[i]
                gap = mul(lines[s, ENTRY], exits[rule, FIRST])
                if book.closes[i] != 0 and gap != TOO_LARGE and -fallen(lines, s, ENTRY) >= gap:
                    book.armed[rule, s] = lines[s, OPENED]


def armed_of(scenario: Scenario, state: State, symbols: int) -> Ints:
    """`armed` of a state, (rules, symbols); without a rule that arms, nothing."""
    rules = scenario.exits if any(isinstance(rule, BreakEven) for rule in scenario.exits) else ()
    armed = np.full((len(rules), symbols), NOTHING, dtype=np.int64)
    for s, position in state.positions.items():
        for k, rule in enumerate(rules):
            if rule.name in position.armed:
                armed[k, s] = position.opened
    return armed


def armed_names(scenario: Scenario, book: Book, s: int) -> frozenset[str]:
    """The rules that are armed for the position of symbol s."""
    here = book.armed[:, s] == book.lines[s, OPENED]
    return frozenset(compress((rule.name for rule in scenario.exits), here.tolist()))


@part
def fallen(lines: Ints, s: Any, origin: int) -> int:
    """How far the mark has moved from its origin against the holder, in ticks."""
    against = lines[s, origin] - lines[s, MARK]
    return against if lines[s, QUANTITY] > 0 else -against
