"""Features and context as the candidate read them: shifted, reversed, filled, misaligned, scaled.

A feature that is not the subject of a change stays as it was computed, whatever else changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.settings import bars_off, pair
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    InputHypothesis,
    Ranking,
    Subject,
    Value,
    Values,
    Wording,
)
from vocabulary.market import Market
from vocabulary.scenario import Bound, CallableStrategy, Scenario, TopN, VolatilityStop, Weights

Array = npt.NDArray[Any]
SHIFTS = (1, -1, 2, 5)
"""Bars that a column is tried shifted by; a negative number reads the future."""

# Arrays


def limited(old: Array, new: Array, change: Change) -> Array:
    """`new` where the change holds, else `old`. Both are (bars,) or (bars, symbols)."""
    out = old.copy()
    rows = slice(change.since, change.until)
    if old.ndim == 1 or change.symbols is None:
        out[rows] = new[rows]
    else:
        columns = list(change.symbols)
        out[rows, columns] = new[rows, columns]
    out.flags.writeable = False
    return out


def later(values: Array, bars: int, fill: Any) -> Array:
    """What stood `bars` earlier; with negative bars, what will stand later."""
    out = np.full_like(values, fill)
    if bars > 0:
        out[bars:] = values[:-bars] if bars < len(values) else values[:0]
    elif bars < 0:
        out[:bars] = values[-bars:]
    else:
        out[:] = values
    return out


def carried(values: Array, there: Array) -> Array:
    """Each cell's last value that was there, by column."""
    last = np.where(there, np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1)), -1)
    at = np.maximum.accumulate(last, axis=0)
    found: Array = np.take_along_axis(values, np.maximum(at, 0), axis=0)
    return np.where(at >= 0, found, values)


def _shifted(values: Array, bars: int) -> Array:
    return later(values, bars, np.nan)


def _zero_filled(values: Array) -> Array:
    return np.where(np.isnan(values), 0.0, values)


def _filled_forward(values: Array) -> Array:
    return carried(values, ~np.isnan(values))


def _misaligned(values: Array, places: int) -> Array:
    return np.roll(values, places, axis=1)


# Which columns, and how a changed one is put into the market


def read_features(subject: Subject) -> Values:
    """The features a scenario reads; of a callable, all of them."""
    selection = subject.scenario.strategy.selection
    names: list[str] = []
    if isinstance(selection, TopN):
        names = [selection.score, *selection.require]
    elif isinstance(selection, Weights):
        names = [selection.feature]
    elif isinstance(selection, CallableStrategy):
        names = list(subject.market.features)
    return _there([*names, *_stops(subject)], subject.market.features)


def _stops(subject: Subject) -> list[str]:
    """The features that volatility stops read."""
    return [rule.feature for rule in subject.scenario.exits if isinstance(rule, VolatilityStop)]


def _there(names: list[str], columns: Any) -> Values:
    return tuple(name for name in dict.fromkeys(names) if name in columns)


def _features(subject: Subject, window: Window) -> Values:
    return read_features(subject)


def _features_by(subject: Subject, window: Window, numbers: tuple[int, ...]) -> Values:
    return tuple((name, number) for name in read_features(subject) for number in numbers)


def _misalignments(subject: Subject, window: Window) -> Values:
    return _features_by(subject, window, (1, -1)) if len(subject.market.symbols) > 1 else ()


def _scales(subject: Subject, window: Window) -> Values:
    """A score keeps its order whatever it is multiplied by; only what a stop reads does not."""
    if isinstance(subject.scenario.strategy.selection, TopN):
        return tuple((name, factor) for name in dict.fromkeys(_stops(subject)) for factor in (100, 2))
    return _features_by(subject, window, (2, 100))


def _contexts(subject: Subject, window: Window) -> Values:
    return read_contexts(subject)


def read_contexts(subject: Subject) -> Values:
    """The context columns that the gate or a callable reads."""
    gate, columns = subject.scenario.strategy.gate, subject.market.context
    if isinstance(subject.scenario.strategy.selection, CallableStrategy):
        return tuple(columns)
    return _there([gate.context] if gate is not None else [], columns)


def _context_shifts(subject: Subject, window: Window) -> Values:
    return tuple((name, bars) for name in read_contexts(subject) for bars in SHIFTS)


Read = Callable[[Scenario, Market, Change], Market]


def _feature(new: Callable[..., Array]) -> Read:
    """A feature read otherwise. new: from its values, and the value's number where it has one."""

    def apply(scenario: Scenario, market: Market, change: Change) -> Market:
        name, more = _column(change)
        old = market.features[name]
        return replace(market, features={**market.features, name: limited(old, new(old, *more), change)})

    return apply


def _context(new: Callable[..., Array]) -> Read:
    """A context column read otherwise; as for a feature."""

    def apply(scenario: Scenario, market: Market, change: Change) -> Market:
        name, more = _column(change)
        old = market.context[name]
        return replace(market, context={**market.context, name: limited(old, new(old, *more), change)})

    return apply


def _column(change: Change) -> tuple[str, tuple[int, ...]]:
    """The column that a change names, and the number beside it where there is one."""
    value = change.value
    name, *more = value if isinstance(value, tuple) else (value,)
    assert isinstance(name, str)
    return name, tuple(more)


# How they read


def _shift_reads(group: str, article: str) -> Callable[[Subject, Value], Wording]:
    def say(subject: Subject, value: Value) -> Wording:
        name, number = pair(value)
        off = bars_off(number)
        return Wording(f"{article}{name} is read {off}", f"{group}.{name}", "this bar's", off)

    return say


def _carried_reads(group: str) -> Callable[[Subject, Value], Wording]:
    def say(subject: Subject, value: Value) -> Wording:
        sentence = f"a missing {value} was filled with its last value"
        return Wording(sentence, f"{group}.{value}", "missing", "carried forward")

    return say


def _reversed_reads(subject: Subject, value: Value) -> Wording:
    ranks = isinstance(value, str) and value not in _stops(subject)
    sentence = f"{value} is read with its sign reversed{', so the ranking is upside down' if ranks else ''}"
    return Wording(sentence, f"features.{value}", "as given", "negated")


def _zero_filled_reads(subject: Subject, value: Value) -> Wording:
    return Wording(f"a missing {value} was read as zero", f"features.{value}", "missing", "0")


def _misaligned_reads(subject: Subject, value: Value) -> Wording:
    name, places = pair(value)
    whose = "the previous symbol's" if places > 0 else "the next symbol's"
    sentence = f"{name} is misaligned by one symbol: each reads {whose}"
    return Wording(sentence, f"features.{name}", "its own", whose)


def _scaled_reads(subject: Subject, value: Value) -> Wording:
    name, factor = pair(value)
    return Wording(f"{name} is read times {factor}", f"features.{name}", "as given", f"times {factor}")


def _gate_at_zero(subject: Subject, name: Value) -> str:
    """What a gate that reads a column does with a zero (R3)."""
    gate = subject.scenario.strategy.gate
    if gate is None or gate.context != name:
        return ""
    is_open = gate.value >= 0 if gate.bound is Bound.MAX else gate.value <= 0
    return f", so the gate never {'closed' if is_open else 'opened'}"


def _context_zero_reads(subject: Subject, value: Value) -> Wording:
    so = _gate_at_zero(subject, value)
    return Wording(f"the {value} was read as zero{so}", f"context.{value}", "as given", "0")


def _context_zero_filled_reads(subject: Subject, value: Value) -> Wording:
    so = _gate_at_zero(subject, value)
    return Wording(f"a missing {value} was read as zero{so}", f"context.{value}", "missing", "0")


_FEATURE = partial(InputHypothesis, acts=Acts.DECIDING, names_its_object=True, by_symbol=True)
_SCORE = partial(_FEATURE, family=Family.FEATURE, ranking=Ranking.CHANGES)
_CONTEXT = partial(
    InputHypothesis,
    acts=Acts.DECIDING,
    names_its_object=True,
    family=Family.GATE,
    ranking=Ranking.BESIDE,
)

FEATURE_SHIFTED = _SCORE(
    id="feature_shifted",
    values=partial(_features_by, numbers=SHIFTS),
    say=_shift_reads("features", ""),
    apply=_feature(_shifted),
)
FEATURE_REVERSED = _SCORE(
    id="feature_reversed", values=_features, say=_reversed_reads, apply=_feature(np.negative)
)
FEATURE_ZERO_FILLED = _SCORE(
    id="feature_zero_filled", values=_features, say=_zero_filled_reads, apply=_feature(_zero_filled)
)
FEATURE_CARRIED = _SCORE(
    id="feature_carried",
    values=_features,
    say=_carried_reads("features"),
    apply=_feature(_filled_forward),
)
FEATURE_MISALIGNED = _SCORE(
    id="feature_misaligned",
    values=_misalignments,
    say=_misaligned_reads,
    apply=_feature(_misaligned),
    by_symbol=False,
)
FEATURE_SCALED = _FEATURE(id="feature_scaled", values=_scales, say=_scaled_reads, apply=_feature(np.multiply))
CONTEXT_ZERO = _CONTEXT(
    id="context_zero", values=_contexts, say=_context_zero_reads, apply=_context(np.zeros_like)
)
CONTEXT_ZERO_FILLED = _CONTEXT(
    id="context_zero_filled",
    values=_contexts,
    say=_context_zero_filled_reads,
    apply=_context(_zero_filled),
)
CONTEXT_CARRIED = _CONTEXT(
    id="context_carried",
    values=_contexts,
    say=_carried_reads("context"),
    apply=_context(_filled_forward),
)
CONTEXT_SHIFTED = _CONTEXT(
    id="context_shifted",
    values=_context_shifts,
    say=_shift_reads("context", "the "),
    apply=_context(_shifted),
)
