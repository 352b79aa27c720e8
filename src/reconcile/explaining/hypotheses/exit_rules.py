"""The table of exit rules, and what a ledger shows about their numbers.

RULES is the table: what explain has to know of a rule stands in its entry there, and nowhere else. A number
that cannot be read off a ledger bar by bar has no `reach`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import Any

from reconcile.explaining.evidence import Target, Window, states_of
from reconcile.explaining.hypotheses.settings import (
    ONE,
    simplest,
)
from reconcile.explaining.model import (
    Subject,
)
from reconcile.scenario.exits import has_levels
from reference import entry_price, mark
from vocabulary.market import Market
from vocabulary.scenario import (
    BreakEven,
    ExitRule,
    Scenario,
    StopLoss,
    TakeProfit,
    TimeExit,
    Timing,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import State


@dataclass(frozen=True, slots=True)
class Held:
    """An open position as a bar's decision meets it. side: 1 or -1; entry, peak, close: ticks; bars: held."""

    bar: int
    symbol: int
    side: int
    entry: int
    peak: int
    close: int
    bars: int

    def fallen(self, level: int) -> int:
        """Ticks that the close went against the position from a price."""
        return self.side * (level - self.close)


Reach = Callable[[Any, Market, Held], Fraction | None]
"""From a rule and a position to the value of one of the rule's numbers at which the rule just fires."""


@dataclass(frozen=True, slots=True)
class Number:
    """What explain knows of one number of an exit rule.

    most: the largest value it may have. counts: it is a number of bars, not a rate in ppb. reach: None where
    the number cannot be read off a single bar, and where its value makes no difference there. falling: the
    rule fires at values from `reach` upwards, not downwards.
    """

    most: int
    counts: bool = False
    reach: Reach | None = None
    falling: bool = False


UNBOUNDED = 10**18
MOST_BOUNDS = 3
"""Closings of unknown reason that are tried as the first of a rule."""


def _lost(rule: StopLoss, market: Market, held: Held) -> Fraction:
    return Fraction(held.fallen(held.entry), held.entry)


def _gained(rule: TakeProfit, market: Market, held: Held) -> Fraction:
    return Fraction(-held.fallen(held.entry), held.entry)


def _multiples_lost(rule: VolatilityStop, market: Market, held: Held) -> Fraction | None:
    values = market.features.get(rule.feature)
    width = float("nan") if values is None else float(values[held.bar, held.symbol])
    ticks = round(width * 10**market.price_decimals) if abs(width) < float("inf") else 0
    return Fraction(held.fallen(held.entry), ticks) if ticks > 0 else None


def _trailed(held: Held) -> Fraction:
    return Fraction(held.fallen(held.peak), held.peak)


def _initial(rule: TrailingStop, market: Market, held: Held) -> Fraction | None:
    far = _trailed(held)
    return far + Fraction(rule.tighten * held.bars, ONE) if far * ONE >= rule.minimum else None


def _tighten(rule: TrailingStop, market: Market, held: Held) -> Fraction | None:
    far = _trailed(held)
    if far * ONE < rule.minimum or not held.bars:
        return None
    return (Fraction(rule.initial, ONE) - far) / held.bars


def _minimum(rule: TrailingStop, market: Market, held: Held) -> Fraction | None:
    far = _trailed(held)
    return far if far * ONE >= rule.initial - rule.tighten * held.bars else None


def _bars_held(rule: TimeExit, market: Market, held: Held) -> Fraction:
    return Fraction(held.bars)


RULES: Mapping[type[Any], Mapping[str, Number]] = {
    BreakEven: {"gain": Number(UNBOUNDED)},
    StopLoss: {"loss": Number(ONE, reach=_lost)},
    TakeProfit: {"gain": Number(UNBOUNDED, reach=_gained)},
    VolatilityStop: {"multiple": Number(UNBOUNDED, reach=_multiples_lost)},
    TrailingStop: {
        "initial": Number(ONE, reach=_initial),
        "tighten": Number(UNBOUNDED, reach=_tighten, falling=True),
        "minimum": Number(ONE, reach=_minimum),
    },
    TimeExit: {"bars": Number(UNBOUNDED, counts=True, reach=_bars_held)},
}
"""Every exit rule of the scenario, with each of its numbers."""


# What a ledger shows about them


class Outcome(Enum):
    """What became of a position after a decision: closed by a rule, closed by something, or not by a rule."""

    CLOSED_BY = "closed by"
    CLOSED = "closed"
    KEPT = "kept"


Met = tuple[Held, Outcome, str | None]
"""A position, what became of it, and the rule that closed it where the ledger names one."""


def measured_levels(subject: Subject, window: Window) -> dict[tuple[str, str], tuple[int, ...]]:
    """By rule and number, the values that all bars of a ledger bear out: every open position gives a bound,
    from above where the rule closed it, from below where nothing did."""
    scenario, market = subject.scenario, subject.market
    states = states_of(scenario, market, window) if scenario.exits else None
    if states is None:
        return {}
    met = list(_met(scenario, market, states, _reasons_at(window.target)))
    out = {}
    for rule in scenario.exits:
        for key, number in RULES[type(rule)].items():
            if number.reach is not None and not has_levels([rule]):
                out[rule.name, key] = _values(rule, number, market, met)
    return out


def _reasons_at(target: Target) -> Mapping[tuple[int, int], str] | None:
    """By cycle and symbol, the reason that orders, or else fills, give; None where neither does."""
    words = {code: word for word, code in target.axes.words.items()}
    for name in ("orders", "fills"):
        rows = target.tables.get(name)
        if rows is not None and "reason" in rows.cells:
            cells = zip(rows.cycle.tolist(), rows.symbol.tolist(), rows.cells["reason"].tolist(), strict=True)
            return {(cycle, s): words.get(code, "") for cycle, s, code in cells}
    return None


def _met(
    scenario: Scenario,
    market: Market,
    states: Sequence[State],
    reasons: Mapping[tuple[int, int], str] | None,
) -> Iterator[Met]:
    """Every position that a decision met whose order would find a bar, with what became of it."""
    same_bar = scenario.execution.timing is Timing.SAME_CLOSE
    names = {rule.name for rule in scenario.exits}
    for t in range(1, len(states)):
        decided, after = t if same_bar else t - 1, states[t].positions
        before = mark(scenario, states[t - 1], market, t)[0] if same_bar else states[t - 1]
        for s, position in before.positions.items():
            if not (market.present[decided, s] and market.present[t, s]):
                continue
            side = 1 if position.quantity > 0 else -1
            close = int(market.close[decided, s])
            held = Held(
                decided, s, side, entry_price(position), position.peak, close, decided - position.opened
            )
            left = side * after[s].quantity if s in after else 0
            reason = None if reasons is None else reasons.get((t, s), "")
            if reason in names:
                yield held, Outcome.CLOSED_BY, reason
            elif reason is None and left <= 0:
                yield held, Outcome.CLOSED, None
            elif side > 0 or left >= abs(position.quantity):
                yield held, Outcome.KEPT, None


def _values(rule: ExitRule, number: Number, market: Market, met: Sequence[Met]) -> tuple[int, ...]:
    """The roundest values that close what the rule closed and keep what was kept.

    Where no reason is given, a rebalance may have closed a position, so each of the closings next to what was
    kept is tried as the first of the rule.
    """
    assert number.reach is not None
    sign = -1 if number.falling else 1
    fired: list[Fraction] = []
    closed: list[Fraction] = []
    kept: list[Fraction] = []
    for held, outcome, name in met:
        reach = number.reach(rule, market, held)
        if reach is None or (outcome is Outcome.CLOSED_BY and name != rule.name):
            continue
        if outcome is Outcome.KEPT:
            kept.append(sign * reach)
        else:
            (fired if outcome is Outcome.CLOSED_BY else closed).append(sign * reach)
    bounds: list[tuple[Fraction | None, Fraction]] = []
    if fired:
        least = min(fired)
        bounds.append((max((far for far in kept if far < least), default=None), least))
    elif kept:
        most = max(kept)
        beyond = {far for far in closed if far > most}
        bounds += pairwise([most, *sorted(beyond)[:MOST_BOUNDS]])
    return tuple(
        dict.fromkeys(level for below, up_to in bounds for level in _within(number, sign, below, up_to))
    )


def _within(number: Number, sign: int, below: Fraction | None, up_to: Fraction) -> Iterator[int]:
    """The roundest value that is more than one bound and at most the other, both times `sign`."""
    if number.counts:
        yield int(up_to)
        return
    if sign > 0:
        low, high = max(below if below is not None else Fraction(0), Fraction(0)), up_to
    else:
        low, high = -up_to, -below if below is not None else Fraction(1)
    level = simplest(max(low, Fraction(0)), high) if high >= 0 else None
    if level is not None and sign > 0 and below is not None and Fraction(level, ONE) <= below:
        level = simplest(below + Fraction(1, ONE), high)
    if level is not None:
        yield level
