"""Exits: a rule that never fires, another level of one, rules in another order, exits that are not sent.

RULES is the table of exit rules: what explain has to know of a rule stands in its entry there, and nowhere
else. A rule whose level cannot be read off a ledger bar by bar has no `distance`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Rows, Target, Window
from reconcile.explaining.hypotheses.settings import (
    ONE,
    changed,
    no_values,
    pair,
    settings,
    simplest,
    texts,
)
from reconcile.explaining.model import (
    EVERY,
    Change,
    Family,
    LoopHypothesis,
    Ranking,
    SettingHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from reconcile.files.decimals import PPB, from_units
from reference import Decision
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import (
    BreakEven,
    ExitRule,
    Scenario,
    StopLoss,
    TakeProfit,
    TimeExit,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import REBALANCE


@dataclass(frozen=True, slots=True)
class Held:
    """A position at the end of a bar. side: 1 or -1; entry: average price in ticks; opened: its first bar;
    gone: ticks that the close is below the entry, or above it for a short."""

    bar: int
    symbol: int
    side: int
    entry: int
    opened: int
    gone: int


Distance = Callable[[Any, Market, Held], Fraction | None]
"""How far a position is gone in units of a rule's level, None where that is not defined."""


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What explain knows of an exit rule.

    settings: its numbers, each with the largest value it may have. counts: they are bars, not rates in ppb.
    level: the setting that `distance` is compared with: the rule fires once the distance reaches it.
    """

    settings: Mapping[str, int]
    counts: bool = False
    level: str | None = None
    distance: Distance | None = None


UNBOUNDED = 10**18


def _of_entry(rule: StopLoss, market: Market, held: Held) -> Fraction:
    return Fraction(held.gone, held.entry)


def _gained(rule: TakeProfit, market: Market, held: Held) -> Fraction:
    return Fraction(-held.gone, held.entry)


def _of_feature(rule: VolatilityStop, market: Market, held: Held) -> Fraction | None:
    values = market.features.get(rule.feature)
    width = float("nan") if values is None else float(values[held.bar, held.symbol])
    ticks = round(width * 10**market.price_decimals) if abs(width) < float("inf") else 0
    return Fraction(held.gone, ticks) if ticks > 0 else None


def _bars_held(rule: TimeExit, market: Market, held: Held) -> Fraction:
    return Fraction(held.bar - held.opened)


RULES: Mapping[type[Any], RuleFacts] = {
    StopLoss: RuleFacts({"loss": ONE}, level="loss", distance=_of_entry),
    TakeProfit: RuleFacts({"gain": UNBOUNDED}, level="gain", distance=_gained),
    VolatilityStop: RuleFacts({"multiple": UNBOUNDED}, level="multiple", distance=_of_feature),
    TrailingStop: RuleFacts({"initial": ONE, "tighten": UNBOUNDED, "minimum": ONE}),
    BreakEven: RuleFacts({"gain": UNBOUNDED}),
    TimeExit: RuleFacts({"bars": UNBOUNDED}, counts=True, level="bars", distance=_bars_held),
}
"""Every exit rule of the scenario."""


# Another level


def _levels(subject: Subject, window: Window) -> Values:
    measured = window.once("exit levels", lambda: measured_levels(subject, window.target))
    out: Values = ()
    for rule in subject.scenario.exits:
        facts = RULES[type(rule)]
        for key, most in facts.settings.items():
            stated, path = getattr(rule, key), f"exits.{rule.name}.{key}"
            tried = measured.get((rule.name, key), ())
            if facts.counts:
                more = {stated - 1, stated + 1, stated * 2, stated // 2}
                out += settings(path, (each for each in (*tried, *more) if 0 <= each <= most), stated)
                continue
            near = (*tried, stated * 2, stated // 2, stated * 3 // 2, stated * 10, stated // 10, 0)
            values = (from_units(each, PPB) for each in near if 0 <= each <= most)
            out += settings(path, values, from_units(stated, PPB))
    return out


def measured_levels(subject: Subject, target: Target) -> dict[tuple[str, str], tuple[int, ...]]:
    """By rule and setting, a level between the position that was closed for the rule and the one that was
    not closed at all."""
    orders, positions = target.tables.get("orders"), target.tables.get("positions")
    if orders is None or positions is None or "reason" not in orders.cells:
        return {}
    if not {"average_price", "quantity"} <= positions.cells.keys():
        return {}
    back = 0 if target.axes.same_bar else 1
    fired = {
        (cycle - back, s): reason
        for cycle, s, reason in zip(
            orders.cycle.tolist(), orders.symbol.tolist(), orders.cells["reason"].tolist(), strict=True
        )
    }
    out, every = {}, _held(subject.market, positions)
    for rule in subject.scenario.exits:
        code, facts = target.axes.words.get(rule.name), RULES[type(rule)]
        if code is None or facts.level is None or facts.distance is None:
            continue
        closed: list[Fraction] = []
        kept: list[Fraction] = []
        for held in every:
            far = facts.distance(rule, subject.market, held)
            reason = fired.get((held.bar, held.symbol))
            if far is not None and reason in (code, None):
                (kept if reason is None else closed).append(far)
        levels = _level(closed, kept, facts.counts)
        if levels:
            out[rule.name, facts.level] = levels
    return out


def _held(market: Market, positions: Rows) -> list[Held]:
    """The positions that have a bar and a price at the end of it."""
    out = []
    opened: dict[int, int] = {}
    last: dict[int, tuple[int, int]] = {}
    for t, s, quantity, entry in zip(
        positions.cycle.tolist(),
        positions.symbol.tolist(),
        positions.cells["quantity"].tolist(),
        positions.cells["average_price"].tolist(),
        strict=True,
    ):
        if t >= len(market.timestamps) or s >= len(market.symbols):
            continue
        side = 1 if quantity > 0 else -1
        if last.get(s) != (t - 1, side):
            opened[s] = t
        last[s] = (t, side)
        if market.present[t, s] and entry > 0:
            out.append(Held(t, s, side, entry, opened[s], side * (entry - int(market.close[t, s]))))
    return out


def _level(closed: list[Fraction], kept: list[Fraction], whole: bool) -> tuple[int, ...]:
    """A level that closes what was closed and keeps what was kept; whole: it is a number of bars."""
    if not closed:
        return ()
    high = min(closed)
    if whole:
        return (int(high),)
    low = max([far for far in kept if far < high], default=Fraction(0))
    level = simplest(max(low, Fraction(0)), high) if high >= 0 else None
    return () if level is None else (level,)


def _level_reads(subject: Subject, value: Value) -> Wording:
    path, old, new = texts(subject, value)
    _, name, key = path.split(".")
    return Wording(f"the exit {name} has {key} {new} instead of {old}", path, old, new)


NEVER = 10**9
"""Bars that no market has: a rule that never fires is an exit after so many."""


def _with_level(scenario: Scenario, value: Value) -> Scenario:
    """Another level; a rule that was made never to fire has none."""
    path, _ = pair(value)
    if TimeExit(path.split(".")[1], NEVER) in scenario.exits:
        raise InputError(path, "a rule that never fires", "a rule in use", "Leave one of the changes out.")
    return changed(scenario, value)


EXIT_SETTING = SettingHypothesis(
    id="exit_setting", values=_levels, say=_level_reads, apply=_with_level, family=Family.EXIT
)

# A rule that never fires


def _unused(subject: Subject, window: Window) -> Values:
    """Every rule, first those that no order or fill gives as its reason; then all of them at once."""
    names = [rule.name for rule in subject.scenario.exits]
    seen = _reasons(window.target)
    unseen = () if seen is None else tuple(name for name in names if name not in seen)
    alone = sorted(names, key=lambda name: (name not in unseen, names.index(name)))
    return (*alone, EVERY) if len(names) > 1 else tuple(alone)


def _reasons(target: Target) -> set[str] | None:
    """The words that orders, or else fills, give as their reasons; None where neither does."""
    for name in ("orders", "fills"):
        rows = target.tables.get(name)
        if rows is not None and "reason" in rows.cells:
            codes = set(rows.cells["reason"].tolist())
            return {word for word, code in target.axes.words.items() if code in codes}
    return None


def _unused_reads(subject: Subject, value: Value) -> Wording:
    if value == EVERY:
        return Wording("no exit ever fires", "exits", "in use", "missing")
    return Wording(f"the exit {value} never fires", f"exits.{value}", "in use", "missing")


def _without(scenario: Scenario, value: Value) -> Scenario:
    """A rule that never fires keeps its name, so that orders already given for it keep their reason."""
    rules: tuple[ExitRule, ...] = tuple(
        TimeExit(rule.name, NEVER) if value in (rule.name, EVERY) else rule for rule in scenario.exits
    )
    return replace(scenario, exits=rules)


EXIT_UNUSED = SettingHypothesis(
    id="exit_unused",
    values=_unused,
    say=_unused_reads,
    apply=_without,
    family=Family.EXIT,
    ranking=Ranking.BESIDE,
)

# Rules in another order


def _reversed_reads(subject: Subject, value: Value) -> Wording:
    names = [rule.name for rule in subject.scenario.exits]
    return Wording("exits are tried in reverse order", "exits", ", ".join(names), ", ".join(reversed(names)))


EXITS_REVERSED = SettingHypothesis(
    id="exits_reversed",
    values=lambda subject, window: no_values() if len(subject.scenario.exits) > 1 else (),
    say=_reversed_reads,
    apply=lambda scenario, value: replace(scenario, exits=scenario.exits[::-1]),
)

# Exits that are not sent


def _unsent(subject: Subject, window: Window) -> Values:
    names = [rule.name for rule in subject.scenario.exits]
    return (*names, EVERY) if len(names) > 1 else tuple(names)


def _unsent_reads(subject: Subject, value: Value) -> Wording:
    what = "exits are" if value == EVERY else f"the exit {value} is"
    return Wording(
        f"{what} decided but never sent", "exits" if value == EVERY else f"exits.{value}", "sent", "not sent"
    )


def _not_sent(change: Change) -> Hooks:
    def decided(at: Moment, decision: Decision) -> Decision:
        if not change.covers(at.bar):
            return decision
        kept = (o for o in decision.orders if o.reason == REBALANCE or change.value not in (o.reason, EVERY))
        return replace(decision, orders=tuple(kept))

    return Hooks(decided=decided)


EXIT_UNSENT = LoopHypothesis(
    id="exit_unsent",
    values=_unsent,
    say=_unsent_reads,
    hooks=_not_sent,
    family=Family.EXIT,
    names_its_object=True,
    decides=True,
)
