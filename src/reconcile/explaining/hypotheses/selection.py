"""Who is chosen and when: the ranking's settings, the schedule, the gate, the cooldown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import EMPTY, Target, Window
from reconcile.explaining.hypotheses.settings import at_path, changed, reads, settings, shown, texts, thawed
from reconcile.explaining.hypotheses.sizing import membership
from reconcile.explaining.model import (
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
from reconcile.scenario.programs import decide
from reference import Decision
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import Scenario, ScheduleKind, TopN, When

MOST_SCORES = 8
"""Features tried as the score."""

# The ranking


def _selections(subject: Subject, window: Window) -> Values:
    top = subject.scenario.strategy.selection
    if not isinstance(top, TopN):
        return ()
    found = membership(window)
    n = [each for each in (found.longs, top.n - 1, top.n + 1) if each is not None]
    n = [each for each in n if each > 0 or (top.short_n and each == 0)]
    short = [each for each in (found.shorts, top.short_n - 1, top.short_n + 1) if each is not None]
    short = [each for each in short if each >= 0] if top.short_n or found.shorts else []
    other = When.MEMBERSHIP if top.when is When.ALWAYS else When.ALWAYS
    scores = [name for name in subject.market.features if name not in (top.score, "volume")]
    return (
        *settings("strategy.n", n, top.n),
        *settings("strategy.short_n", short, top.short_n),
        *settings("strategy.when", (other.value,)),
        *(settings("strategy.require", ((),)) if top.require else ()),
        *settings("strategy.score", scores[:MOST_SCORES]),
    )


SELECTION = SettingHypothesis(
    id="selection",
    acts=Acts.DECIDING,
    values=_selections,
    say=reads(
        {
            "strategy.n": "{new} longs are held instead of {old}",
            "strategy.short_n": "{new} shorts are held instead of {old}",
            "strategy.when": "rebalances happen `{new}` instead of `{old}`",
            "strategy.require": "the features required are {new} instead of {old}",
            "strategy.score": "ranking is by {new} instead of {old}",
        }
    ),
    apply=changed,
    ranking=Ranking.CHANGES,
)

# More names, or fewer, each at its weight


def _other_counts(subject: Subject, window: Window) -> Values:
    top = subject.scenario.strategy.selection
    if not isinstance(top, TopN):
        return ()
    counts = (membership(window).longs, top.n - 1, top.n + 1)
    return tuple(dict.fromkeys(n for n in counts if n is not None and n > 0 and n != top.n))


def _at_their_weight(scenario: Scenario, value: Value) -> Scenario:
    top = scenario.strategy.selection
    if not isinstance(top, TopN) or not isinstance(value, int) or top.n <= 0:
        raise InputError("strategy.n", "a strategy without a number of names", "top_n", "Leave it out.")
    made = replace(top, n=value, gross_long=top.gross_long // top.n * value)
    return replace(scenario, strategy=replace(scenario.strategy, selection=made))


def _weight_reads(subject: Subject, value: Value) -> Wording:
    stated = shown(at_path(subject, "strategy.n"))
    sentence = f"{value} longs are held instead of {stated}, each at the weight of one of {stated}"
    return Wording(sentence, "strategy.n", stated, str(value))


NAMES_AT_WEIGHT = SettingHypothesis(
    id="names_at_weight",
    acts=Acts.DECIDING,
    values=_other_counts,
    say=_weight_reads,
    apply=_at_their_weight,
    names_its_object=False,
    ranking=Ranking.CHANGES,
    numbers=1,
)

# The schedule


def _rebalanced(target: Target) -> list[int] | None:
    """Cycles of the ledger's rebalances, in order; None where no table tells."""
    decisions, targets = target.tables.get("decisions"), target.tables.get("targets")
    if decisions is not None:
        return sorted(decisions.cycle[decisions.cells["rebalance"] != EMPTY].tolist())
    if targets is not None:
        return sorted(set(targets.cycle.tolist()))
    fills = target.tables.get("fills")
    return None if fills is None else sorted(set(fills.cycle.tolist()))


def _decided_at(target: Target, cycles: list[int]) -> np.ndarray:
    """The bars at which the rebalances of some cycles were decided."""
    return np.array(cycles) - (0 if target.axes.same_bar else 1)


def _schedules(subject: Subject, window: Window) -> Values:
    """The schedules worth trying; none for a ledger without any rebalance, which would fit many by chance."""
    cycles = _rebalanced(window.target)
    if cycles is not None and not len(cycles):
        return ()
    stated = subject.scenario.strategy.schedule
    own: Value = stated.kind.value
    tried: list[Value] = [*_measured_schedules(window.target), "weekly", "monthly", _every(1, 0)]
    if stated.kind is ScheduleKind.EVERY:
        own = _every(stated.every, stated.start)
        tried += [
            _every(stated.every, stated.start + 1),
            _every(stated.every, max(0, stated.start - 1)),
            _every(stated.every + 1, stated.start),
            _every(max(1, stated.every - 1), stated.start),
            _every(5, 0),
            _every(21, 0),
        ]
    return settings("strategy.schedule", tried, own)


def _every(bars: int, start: int) -> Value:
    return (("every", bars), ("start", start))


def _measured_schedules(target: Target) -> Values:
    """Schedules under which all rebalances there were would be due."""
    cycles = _rebalanced(target)
    if not cycles or len(cycles) < 2:
        return ()
    bars = _decided_at(target, cycles)
    step, first = int(np.gcd.reduce(np.diff(bars))), int(bars[0])
    out: list[Value] = []
    if step > 1:
        out.append(_every(step, first))
        if first >= step:
            out.append(_every(step, first % step))
    if first > 0:
        out.append(_every(1, first))
    return (*out, ScheduleKind.WEEKLY.value, ScheduleKind.MONTHLY.value)


SCHEDULE = SettingHypothesis(
    id="schedule",
    acts=Acts.DECIDING,
    values=_schedules,
    say=reads({"strategy.schedule": "the schedule is {new} instead of {old}"}),
    apply=changed,
    ranking=Ranking.BESIDE,
)

NEVER = 10**9
"""A bar that no market has."""


def _none_from_here(subject: Subject, window: Window) -> Values:
    """Tried where the ledger has no rebalance from the divergence on."""
    cycles = _rebalanced(window.target)
    if cycles is None or any(cycle > window.start for cycle in cycles):
        return ()
    return (("strategy.schedule", _every(1, NEVER)),)


NO_REBALANCE = SettingHypothesis(
    id="no_rebalance",
    acts=Acts.DECIDING,
    values=_none_from_here,
    say=lambda *_: Wording("no rebalance is decided", "strategy.schedule", "rebalances", "none"),
    apply=changed,
    ranking=Ranking.BESIDE,
)

# The gate


def _gates(subject: Subject, window: Window) -> Values:
    gate = subject.scenario.strategy.gate
    if gate is None:
        return ()
    own: Value = (("context", gate.context), (gate.bound.value, gate.value))
    other = "min" if gate.bound.value == "max" else "max"
    names = [name for name in subject.market.context if name != gate.context]
    tried: list[Value] = [
        None,
        *_measured_gates(subject.scenario, subject.market, window.target),
        (("context", gate.context), (other, gate.value)),
        *((("context", name), (gate.bound.value, gate.value)) for name in names),
    ]
    return settings("strategy.gate", tried, own)


def _measured_gates(scenario: Scenario, market: Market, target: Target) -> Values:
    """Bounds between the values at which there were rebalances and the next ones beyond."""
    gate, cycles = scenario.strategy.gate, _rebalanced(target)
    if gate is None or not cycles:
        return ()
    values = market.context[gate.context]
    bars = _decided_at(target, cycles)
    traded = np.zeros(len(values), bool)
    traded[bars[(bars >= 0) & (bars < len(values))]] = True
    seen = ~np.isnan(values)
    out: list[Value] = []
    if (traded & seen).any():
        highest, lowest = float(values[traded & seen].max()), float(values[traded & seen].min())
        above = values[seen & ~traded & (values > highest)]
        below = values[seen & ~traded & (values < lowest)]
        for bound, edge, other in (
            ("max", highest, float(above.min()) if len(above) else None),
            ("min", lowest, float(below.max()) if len(below) else None),
        ):
            out.append((("context", gate.context), (bound, _between(edge, other))))
    return tuple(out)


def _between(inside: float, outside: float | None) -> float:
    """The roundest bound that `inside` meets and `outside` does not."""
    if outside is None:
        return inside
    low, high = sorted((inside, outside))
    for places in range(0, 12):
        candidates = [round(low, places), round(high, places), round((low + high) / 2, places)]
        for value in candidates:
            if (inside <= value < outside) if inside < outside else (outside < value <= inside):
                return value
    return inside


def _gate_reads(subject: Subject, value: Value) -> Wording:
    path, old, new = texts(subject, value)
    assert isinstance(value, tuple)
    if value[1] is None:
        gate = subject.scenario.strategy.gate
        name = gate.context if gate else "a context"
        return Wording(f"the gate on {name} is ignored", path, old, new)
    old, new = (_bound(each) for each in (at_path(subject, path), thawed(value[1])))
    return Wording(f"the gate asks for {new} instead of {old}", path, old, new)


def _bound(gate: dict[str, object]) -> str:
    """A gate as a person says it: `vix <= 30`."""
    if "max" in gate:
        return f"{gate['context']} <= {shown(gate['max'])}"
    return f"{gate['context']} >= {shown(gate['min'])}"


GATE = SettingHypothesis(
    id="gate",
    acts=Acts.DECIDING,
    values=_gates,
    say=_gate_reads,
    apply=changed,
    family=Family.GATE,
    ranking=Ranking.BESIDE,
)

# The cooldown


def _cooldowns(subject: Subject, window: Window) -> Values:
    stated = subject.scenario.strategy.cooldown
    if not subject.scenario.exits:
        return ()
    return settings("strategy.cooldown", (0, 1, 2, 3, 4, 5, 10, stated + 1, max(0, stated - 1)), stated)


COOLDOWN = SettingHypothesis(
    id="cooldown",
    acts=Acts.DECIDING,
    values=_cooldowns,
    say=reads({"strategy.cooldown": "the cooldown after an exit is {new} bars instead of {old}"}),
    apply=changed,
    whole_run=True,
    ranking=Ranking.BESIDE,
)

# Barred symbols that are ranked


def _ranked_first(change: Change) -> Hooks:
    """Symbols that an exit bars take their place in the ranking, and are left out of what it chose."""

    def decided(at: Moment, decision: Decision) -> Decision:
        if decision.rebalance is None or not change.covers(at.bar):
            return decision
        names = {rule.name for rule in at.scenario.exits}
        exits = tuple(order for order in decision.orders if order.reason in names)
        barred = {symbol for symbol, until in at.state.barred.items() if until >= at.bar}
        barred |= {order.symbol for order in exits}
        if not barred:
            return decision
        free = decide(at.scenario, replace(at.state, barred={}), at.market, at.bar, {})
        orders = (order for order in free.orders if order.symbol not in barred)
        targets = tuple(target for target in free.targets if target.symbol not in barred)
        return replace(decision, targets=targets, orders=(*exits, *orders))

    return Hooks(decided=decided)


def _if_barred(subject: Subject, window: Window) -> Values:
    ranked = isinstance(subject.scenario.strategy.selection, TopN)
    return (None,) if ranked and subject.scenario.exits else ()


BARRED_RANKED = LoopHypothesis(
    id="barred_ranked",
    acts=Acts.DECIDING,
    values=_if_barred,
    say=lambda *_: Wording(
        "symbols that an exit bars are ranked, and no other symbol takes their place",
        "strategy.selection",
        "not ranked",
        "ranked, not held",
    ),
    hooks=_ranked_first,
    decides=True,
)
