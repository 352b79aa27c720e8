"""Exits: another level, a rule that never fires, another order, exits not sent, and what an exit looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Target, Window
from reconcile.explaining.hypotheses.exit_rules import RULES, measured_levels
from reconcile.explaining.hypotheses.levels import measured_rates
from reconcile.explaining.hypotheses.settings import (
    changed,
    no_values,
    pair,
    settings,
    texts,
)
from reconcile.explaining.model import (
    EVERY,
    Acts,
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
from reference import Decision, entry_price
from reference.exits import exits
from vocabulary.errors import InputError
from vocabulary.scenario import (
    ExitRule,
    Scenario,
    TimeExit,
    TrailingStop,
)
from vocabulary.state import REBALANCE, Position, State

# Another level


def _levels(subject: Subject, window: Window) -> Values:
    measured = window.once("exit levels", lambda: measured_levels(subject, window))
    inside = measured_rates(subject, window)
    out: Values = ()
    for rule in subject.scenario.exits:
        for key, number in RULES[type(rule)].items():
            stated, path = getattr(rule, key), f"exits.{rule.name}.{key}"
            tried = inside.get((rule.name, key), ()) or measured.get((rule.name, key), ())
            if number.counts:
                more = {stated - 1, stated + 1, stated * 2, stated // 2}
                out += settings(path, (each for each in (*tried, *more) if 0 <= each <= number.most), stated)
                continue
            near = (*tried, stated * 2, stated // 2, stated * 3 // 2, stated * 10, stated // 10, 0)
            values = (from_units(each, PPB) for each in near if 0 <= each <= number.most)
            out += settings(path, values, from_units(stated, PPB))
    return out


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
    id="exit_setting", values=_levels, say=_level_reads, apply=_with_level, family=Family.EXIT, fitted=True
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
    acts=Acts.DECIDING,
    values=_unsent,
    say=_unsent_reads,
    hooks=_not_sent,
    family=Family.EXIT,
    names_its_object=True,
    decides=True,
)

# What an exit looks at

LOOKS: Mapping[tuple[str, Any], tuple[str, str, str]] = {
    ("price", "worst"): (
        "exits are tried against the bar's worst price instead of its close",
        "the close",
        "the worst",
    ),
    ("price", "open"): (
        "exits are tried against the bar's open instead of its close",
        "the close",
        "the open",
    ),
    ("peak", "best"): (
        "the peak that exits follow is of the bars' best prices instead of their closes",
        "closes",
        "best prices",
    ),
    ("peak", "entry"): ("exits follow the entry price instead of the peak", "the peak", "the entry"),
    ("age", 1): (
        "the age of a position is counted from one bar earlier",
        "the bar of the fill",
        "a bar earlier",
    ),
    ("age", -1): (
        "the age of a position is counted from one bar later",
        "the bar of the fill",
        "a bar later",
    ),
}
"""By what an exit looks at and what else that may be: the sentence, and both values in words. The worst price
of a bar is the low for a long and the high for a short; the best price is the other."""


def _looks(subject: Subject, window: Window) -> Values:
    """What makes a difference for the rules there are."""
    rules = subject.scenario.exits
    trails = any(isinstance(rule, TrailingStop) for rule in rules)
    ages = trails or any(isinstance(rule, TimeExit) for rule in rules)
    prices = any(not isinstance(rule, TimeExit) for rule in rules)
    relevant = {"price": prices, "peak": trails, "age": ages}
    return tuple(value for value in LOOKS if relevant[value[0]])


def _look_reads(subject: Subject, value: Value) -> Wording:
    sentence, old, new = LOOKS[pair(value)]
    return Wording(sentence, "exits", old, new)


def _looking(change: Change) -> Hooks:
    what, other = pair(change.value)
    if (what, other) == ("peak", "best"):
        return Hooks(marked=lambda at: _with_best_peaks(at) if change.covers(at.bar) else at.state)

    def fired(at: Moment) -> Mapping[int, str]:
        if not change.covers(at.bar):
            return exits(at.scenario, at.state, at.market, at.bar)
        found: dict[int, str] = {}
        for long in (True, False):
            positions = {
                s: _seen(position, what, other)
                for s, position in at.state.positions.items()
                if (position.quantity > 0) is long
            }
            market = at.market
            if what == "price":
                prices = market.open if other == "open" else market.low if long else market.high
                market = replace(market, close=prices)
            found |= exits(at.scenario, replace(at.state, positions=positions), market, at.bar)
        return dict(sorted(found.items()))

    return Hooks(fired=fired)


def _seen(position: Position, what: str, other: Any) -> Position:
    """A position as the exits see it."""
    if what == "age":
        return replace(position, opened=position.opened - other)
    return replace(position, peak=entry_price(position)) if what == "peak" else position


def _with_best_peaks(at: Moment) -> State:
    """The state whose peaks are the best prices since the opening."""
    positions = {}
    for s, position in at.state.positions.items():
        peak = position.peak
        if at.market.present.item(at.bar, s):
            high, low = int(at.market.high.item(at.bar, s)), int(at.market.low.item(at.bar, s))
            peak = max(peak, high) if position.quantity > 0 else min(peak, low)
        positions[s] = replace(position, peak=peak)
    return replace(at.state, positions=positions)


EXIT_LOOKS_AT = LoopHypothesis(
    id="exit_looks_at",
    acts=Acts.DECIDING,
    values=_looks,
    say=_look_reads,
    numbers=1,
    hooks=_looking,
    family=Family.EXIT,
    whole_run=True,
    decides=True,
)
