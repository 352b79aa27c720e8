"""Slips with data frames: values put back by position, lags over own rows, other columns, moved dates.

Each is one way to read a grid of (bars, symbols), and is tried on the scores and on the prices.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses.features import Array, limited, read_contexts, read_features
from reconcile.explaining.hypotheses.prices import PRICES, with_prices
from reconcile.explaining.hypotheses.settings import bars_off, pair
from reconcile.explaining.model import (
    Acts,
    Change,
    Family,
    InputHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from vocabulary.market import Market
from vocabulary.scenario import Scenario

DAY_NS = 86_400 * 1_000_000_000

# Arrays: what is not there is `fill`


def put_back(values: Array, there: Array, fill: Any) -> Array:
    """Each column without its missing cells, put back from the first row on: `dropna()` by position."""
    order = np.argsort(~there, axis=0, kind="stable")
    count = there.sum(axis=0)
    moved = np.take_along_axis(values, order, axis=0)
    return np.where(np.arange(len(values))[:, None] < count, moved, fill)


def lagged(values: Array, rows: Array, bars: int, fill: Any) -> Array:
    """Each column shifted over its own rows: what stood `bars` of its rows earlier."""
    order = np.argsort(~rows, axis=0, kind="stable")
    own = np.take_along_axis(values, order, axis=0)
    moved = np.full_like(own, fill)
    if bars > 0:
        moved[bars:] = own[:-bars]
    else:
        moved[:bars] = np.where(np.arange(len(own))[-bars:, None] < rows.sum(axis=0), own[-bars:], fill)
    out = np.empty_like(values)
    np.put_along_axis(out, order, moved, axis=0)
    return np.where(rows, out, fill)


def rolled(values: Array, bars: int) -> Array:
    """Rows shifted round: the first ones read the last, as `numpy.roll` and an index of -1 do."""
    return np.roll(values, bars, axis=0)


def of_another_day(values: Array, wall: Array, days: int, fill: Any) -> Array:
    """What stood so many calendar days earlier at the same time; a bar without such a one has nothing."""
    wanted = wall - days * DAY_NS
    at = np.minimum(np.searchsorted(wall, wanted), len(wall) - 1)
    found = wall[at] == wanted
    return np.where(found.reshape(-1, *[1] * (values.ndim - 1)), values[at], fill)


# Columns in another order


def _natural(name: str) -> tuple[Any, ...]:
    """Sorts S2 before S10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), "") if part[0].isdecimal() else (1, 0, part) for part in parts)


ORDERS: dict[str, Callable[[str], Any] | None] = {"reversed": None, "by text": str, "by number": _natural}
"""By name, what symbols are sorted by; the reverse of the market's order has no key."""


def _in_order(market: Market, name: str) -> list[int]:
    key, places = ORDERS[name], range(len(market.symbols))
    if key is None:
        return list(reversed(places))
    return sorted(places, key=lambda place: key(market.symbols[place]))


def _orders(market: Market, there: Array) -> list[Any]:
    """Orders of the columns that differ from the market's own."""
    own = list(range(len(market.symbols)))
    return [name for name in ORDERS if _in_order(market, name) != own]


# Ways to read a grid


@dataclass(frozen=True, slots=True)
class Misreading:
    """One slip.

    read: from the market, the values, where they are there, what stands for missing ones, and an option, to
    the values as read. options: those worth trying, from the market and where the values are there. say: how
    it reads, after what is read. by_symbol: it may happen to some symbols only.
    """

    read: Callable[[Market, Array, Array, Any, Any], Array]
    options: Callable[[Market, Array], list[Any]]
    say: Callable[[Any], str]
    by_symbol: bool = False


def _if_gaps(*options: Any) -> Callable[[Market, Array], list[Any]]:
    """Where nothing is missing, the slip changes nothing."""
    return lambda market, there: [] if bool(there.all()) else list(options)


def _if_some_are_whole(market: Market, there: Array) -> list[Any]:
    whole = there.all(axis=0)
    return ["dropna"] if bool(whole.any()) and not bool(whole.all()) else []


def _off_end(bars: int) -> str:
    return "the first bar reads the last" if bars > 0 else "the last bar reads the first"


PUT_BACK = Misreading(
    read=lambda market, values, there, fill, option: put_back(values, there, fill),
    options=_if_gaps("dropna"),
    say=lambda option: "without missing cells and by position, so that each moves up over the gaps",
    by_symbol=True,
)
OWN_ROWS = Misreading(
    read=lambda market, values, there, fill, bars: lagged(values, market.present, bars, fill),
    options=lambda market, there: _if_gaps(1, -1)(market, market.present),
    say=lambda bars: f"{bars_off(bars)}, counted over each symbol's own rows",
)
ROLLED = Misreading(
    read=lambda market, values, there, fill, bars: rolled(values, bars),
    options=lambda market, there: [1, -1],
    say=lambda bars: f"{bars_off(bars)}, and round the end: {_off_end(bars)}",
)
CALENDAR = Misreading(
    read=lambda market, values, there, fill, days: of_another_day(values, market.wall, days, fill),
    options=lambda market, there: [1, -1],
    say=lambda days: f"one calendar day {'late' if days > 0 else 'early'}, where that is a bar, else not",
)
REORDERED = Misreading(
    read=lambda market, values, there, fill, name: values[:, _in_order(market, name)],
    options=_orders,
    say=lambda name: f"from columns in another order ({name})",
)
DROPPED = Misreading(
    read=lambda market, values, there, fill, option: np.where(there.all(axis=0), values, fill),
    options=_if_some_are_whole,
    say=lambda option: "of those symbols only that have no gap; the others are dropped",
)


# Hypotheses


def _column(identity: str, group: str, slip: Misreading) -> InputHypothesis:
    """The slip in a feature or in a context column."""

    def tried(subject: Subject) -> Values:
        names = read_features(subject) if group == "features" else read_contexts(subject)
        columns = getattr(subject.market, group)
        found = [(name, ~np.isnan(columns[name])) for name in names]
        return tuple((name, each) for name, there in found for each in slip.options(subject.market, there))

    def values(subject: Subject, window: Window) -> Values:
        found: Values = window.once(identity, lambda: tried(subject))
        return found

    def apply(scenario: Scenario, market: Market, change: Change) -> Market:
        name, option = pair(change.value)
        columns = getattr(market, group)
        old = columns[name]
        new = slip.read(market, old, ~np.isnan(old), np.nan, option)
        changed: dict[str, Any] = {group: {**columns, name: limited(old, new, change)}}
        return replace(market, **changed)

    def say(subject: Subject, value: Value) -> Wording:
        name, option = pair(value)
        how = slip.say(option)
        return Wording(f"{name} is read {how}", f"{group}.{name}", "this bar's", how)

    return InputHypothesis(
        acts=Acts.DECIDING,
        id=identity,
        values=values,
        say=say,
        apply=apply,
        names_its_object=True,
        by_symbol=slip.by_symbol,
        family=Family.FEATURE if group == "features" else Family.GATE,
        numbers=1,
    )


def _prices(identity: str, slip: Misreading) -> InputHypothesis:
    """The slip in all prices of the bars."""

    def values(subject: Subject, window: Window) -> Values:
        there = subject.market.present
        found: Values = window.once(identity, lambda: tuple(slip.options(subject.market, there)))
        return found

    def apply(scenario: Scenario, market: Market, change: Change) -> Market:
        there = market.present
        read = {name: slip.read(market, getattr(market, name), there, 0, change.value) for name in PRICES}
        return with_prices(market, read, change)

    def say(subject: Subject, value: Value) -> Wording:
        how = slip.say(value)
        return Wording(f"prices are read {how}", "prices", "this bar's", how)

    return InputHypothesis(
        id=identity, values=values, say=say, apply=apply, by_symbol=slip.by_symbol, numbers=1
    )


FEATURE_PUT_BACK = _column("feature_put_back", "features", PUT_BACK)
FEATURE_OWN_ROWS = _column("feature_own_rows", "features", OWN_ROWS)
FEATURE_ROLLED = _column("feature_rolled", "features", ROLLED)
FEATURE_CALENDAR = _column("feature_calendar", "features", CALENDAR)
FEATURE_REORDERED = _column("feature_reordered", "features", REORDERED)
FEATURE_DROPPED = _column("feature_dropped", "features", DROPPED)
CONTEXT_ROLLED = _column("context_rolled", "context", ROLLED)
CONTEXT_CALENDAR = _column("context_calendar", "context", CALENDAR)
PRICES_PUT_BACK = _prices("prices_put_back", PUT_BACK)
PRICES_OWN_ROWS = _prices("prices_own_rows", OWN_ROWS)
PRICES_ROLLED = _prices("prices_rolled", ROLLED)
PRICES_CALENDAR = _prices("prices_calendar", CALENDAR)
PRICES_REORDERED = _prices("prices_reordered", REORDERED)
PRICES_DROPPED = _prices("prices_dropped", DROPPED)
