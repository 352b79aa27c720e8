"""Prices as the candidate read them: another field for fills, stale, carried, misaligned, unadjusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np

from reconcile.explaining.evidence import Rows, Window
from reconcile.explaining.hypotheses.costs import at_a_bar
from reconcile.explaining.hypotheses.execution import EXECUTES_AT
from reconcile.explaining.hypotheses.features import Array, carried, later, limited
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
from vocabulary.scenario import Scenario, Timing

PRICES = ("open", "high", "low", "close")
FIELDS = ("open", "close", "high", "low", "middle")
"""Prices that fills may be at; the middle is that of high and low."""


def with_prices(market: Market, arrays: dict[str, Array], change: Change) -> Market:
    """Other prices where a change holds; a symbol is present where it has an open and a close."""
    opens, highs, lows, closes = (limited(getattr(market, name), arrays[name], change) for name in PRICES)
    present = (closes > 0) & (opens > 0)
    present.flags.writeable = False
    return replace(market, present=present, open=opens, high=highs, low=lows, close=closes)


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


# Fills at another price


def _field(market: Market, name: str) -> Array:
    return (market.high + market.low) // 2 if name == "middle" else getattr(market, name)


def _execution_prices(subject: Subject, window: Window) -> Values:
    timing = subject.scenario.execution.timing
    if timing is Timing.SAME_CLOSE:
        return ()
    own = ("open", 0) if timing is Timing.NEXT_OPEN else ("close", 0)
    measured = _measured_fields(window.fills, subject.market)
    places = (*measured, ("close", 1), ("close", 0), ("open", 0))
    return tuple(place for place in dict.fromkeys(places) if place != own)


def _measured_fields(fills: Rows | None, market: Market) -> tuple[tuple[str, int], ...]:
    """The fields, with their lags in bars, that fill prices are nearest to, best first."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = at_a_bar(fills, market)
    if not len(at):
        return ()
    price = fills.cells["price"][at].astype(np.float64)
    found = []
    for field in FIELDS:
        values = _field(market, field)
        for lag in (-1, 0, 1, 2):
            raw = later(values, lag, 0)[fills.cycle[at], fills.symbol[at]].astype(np.float64)
            gap = np.abs(price / np.maximum(raw, 1) - 1)
            found.append((float(np.median(gap)), (field, lag)))
    found.sort(key=lambda each: each[0])
    return tuple(place for _, place in found[:4])


def _execution_price_reads(subject: Subject, value: Value) -> Wording:
    field, lag = pair(value)
    was = EXECUTES_AT[subject.scenario.execution.timing]
    when = {
        0: "the fill bar's",
        1: "the decision bar's",
        -1: "the bar after the fill's",
        2: "the bar before the decision's",
    }
    new = f"{when[lag]} {field}"
    return Wording(f"fills use {new} instead of {was}", "execution.price", was, new)


def _at_the_open(scenario: Scenario) -> Scenario:
    """Fills of `next_close` are run at the open, whose prices are no marks, so that they can be others."""
    if scenario.execution.timing is not Timing.NEXT_CLOSE:
        return scenario
    return replace(scenario, execution=replace(scenario.execution, timing=Timing.NEXT_OPEN))


def execution_prices(market: Market, field: str, lag: int) -> Array:
    """A price field of `lag` bars ago, the bar's own open where that is not there."""
    moved = later(_field(market, field), lag, 0)
    return np.where(market.present, np.where(moved > 0, moved, market.open), 0)


def _execution_price(scenario: Scenario, market: Market, change: Change) -> Market:
    field, lag = pair(change.value)
    closes = scenario.execution.timing is Timing.NEXT_CLOSE
    base = replace(market, open=market.close) if closes else market
    return replace(base, open=limited(base.open, execution_prices(market, field, lag), change))


EXECUTION_PRICE = InputHypothesis(
    id="execution_price",
    acts=Acts.EXECUTING,
    values=_execution_prices,
    say=_execution_price_reads,
    apply=_execution_price,
    scenario=_at_the_open,
    family=Family.EXECUTION,
    by_symbol=True,
)

# All prices of a bar


def _shifts(subject: Subject, window: Window) -> Values:
    return (1, -1, 2)


def _shifted(scenario: Scenario, market: Market, change: Change) -> Market:
    bars = _whole(change.value)
    return with_prices(market, {name: later(getattr(market, name), bars, 0) for name in PRICES}, change)


def _shifted_reads(subject: Subject, value: Value) -> Wording:
    off = bars_off(_whole(value))
    return Wording(f"prices are {off}", "prices", "this bar's", off)


FIELD_BY_FIELD = "field by field"


def _other_closes(subject: Subject, window: Window) -> Values:
    """The open, where a ledger shows marks or equity; without them this is another price of fills."""
    return ("open",) if {"positions", "equity"} & window.target.tables.keys() else ()


def _closes_are(scenario: Scenario, market: Market, change: Change) -> Market:
    """Another field of the bar stands for its close: in decisions, fills and marks."""
    return replace(market, close=limited(market.close, _field(market, str(change.value)), change))


def _closes_read(subject: Subject, value: Value) -> Wording:
    sentence = f"the {value} of each bar is read in place of its close, in fills, sizes and marks"
    return Wording(sentence, "prices", "the close", f"the {value}")


def _gaps(subject: Subject, window: Window) -> Values:
    return () if bool(subject.market.present.all()) else (None, FIELD_BY_FIELD)


def _filled_forward(scenario: Scenario, market: Market, change: Change) -> Market:
    """An absent bar becomes one at the last close, or each of its prices the last of its own."""
    filled = {}
    for name in PRICES:
        own = getattr(market, name)
        last = carried(own if change.value == FIELD_BY_FIELD else market.close, market.present)
        filled[name] = np.where(market.present, own, last)
    return with_prices(market, filled, change)


def _filled_reads(subject: Subject, value: Value) -> Wording:
    how = "each field with its own last value" if value == FIELD_BY_FIELD else "with the last close"
    sentence = f"bars that are not there were filled {how} and traded"
    return Wording(sentence, "prices", "absent", "carried forward")


def _rolls(subject: Subject, window: Window) -> Values:
    return (1, -1) if len(subject.market.symbols) > 1 else ()


def _misaligned(scenario: Scenario, market: Market, change: Change) -> Market:
    places = _whole(change.value)
    rolled = {name: np.roll(getattr(market, name), places, axis=1) for name in PRICES}
    return with_prices(market, rolled, change)


def _misaligned_reads(subject: Subject, value: Value) -> Wording:
    whose = "the previous symbol's" if _whole(value) > 0 else "the next symbol's"
    return Wording(f"prices are misaligned by one symbol: each reads {whose}", "prices", "its own", whose)


_PRICES = partial(InputHypothesis, by_symbol=True, ranking=Ranking.CHANGES)
PRICES_SHIFTED = _PRICES(id="prices_shifted", values=_shifts, say=_shifted_reads, apply=_shifted)
PRICES_FIELD = _PRICES(id="prices_field", values=_other_closes, say=_closes_read, apply=_closes_are)
PRICES_CARRIED = _PRICES(id="prices_carried", values=_gaps, say=_filled_reads, apply=_filled_forward)
PRICES_MISALIGNED = InputHypothesis(
    id="prices_misaligned",
    values=_rolls,
    say=_misaligned_reads,
    apply=_misaligned,
    ranking=Ranking.CHANGES,
)

# Prices stored with fewer decimals


HALF_EVEN = "half to even"


def _fewer_decimals(subject: Subject, window: Window) -> Values:
    """The decimals that prices may have been stored with: fewer than the market's, and such that they are
    not all kept: half up, or half to even as (decimals, way), where that is another number."""
    decimals, prices = subject.scenario.market.price_decimals, (subject.market.open, subject.market.close)
    found = [
        kept
        for kept in range(min(decimals - 1, MOST_KEPT), -1, -1)
        if any(bool((price % 10 ** (decimals - kept)).any()) for price in prices)
    ]
    steps = {kept: 10 ** (decimals - kept) for kept in found}
    tied = [k for k, step in steps.items() if any(bool((price % step * 2 == step).any()) for price in prices)]
    return (*found, *((kept, HALF_EVEN) for kept in tied))


def _kept_and_way(value: Value) -> tuple[int, str]:
    """The decimals kept and the way to round, empty for half up."""
    return pair(value) if isinstance(value, tuple) else (_whole(value), "")


def _stored_rounded(scenario: Scenario, market: Market, change: Change) -> Market:
    kept, way = _kept_and_way(change.value)
    step = 10 ** (scenario.market.price_decimals - kept)
    stored = {}
    for name in PRICES:
        price = getattr(market, name)
        whole, rest = price // step, price % step
        tie_stays = (way == HALF_EVEN) & (2 * rest == step) & (whole % 2 == 0)
        whole = whole + ((2 * rest >= step) & ~tie_stays)
        stored[name] = np.where(price > 0, np.maximum(1, whole * step), 0)
    return with_prices(market, stored, change)


def _stored_reads(subject: Subject, value: Value) -> Wording:
    decimals, way = _kept_and_way(value)
    kept = f"{decimals} decimals"
    sentence = f"the prices of the bars are rounded {way + ' ' if way else ''}to {kept}, in fills and marks"
    return Wording(sentence, "prices", f"{subject.scenario.market.price_decimals} decimals", kept)


MOST_KEPT = 5
"""Decimals from which on a rounding of stored prices is not looked for."""
PRICES_ROUNDED = InputHypothesis(
    id="prices_rounded", values=_fewer_decimals, say=_stored_reads, apply=_stored_rounded
)

# A split

RATIOS = [
    Fraction(a, b) for a in range(1, 21) for b in range(1, 21) if a != b and (a == 1 or b == 1 or a + b == 5)
]
"""Factors that prices may be off by."""
MOST_SPLITS = 8


def _splits(subject: Subject, window: Window) -> Values:
    scenario, market = subject.scenario, subject.market
    found = fill_ratios(window.fills, scenario, market) or mark_ratios(window.positions, market)
    return tuple(dict.fromkeys((up, down) for _, up, down in found))


def fill_ratios(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[int, int, int], ...]:
    """(symbol, numerator, denominator) where fills are at a simple multiple of the bar's price."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = at_a_bar(fills, market)
    raw = market.open if scenario.execution.timing is Timing.NEXT_OPEN else market.close
    own = raw[fills.cycle[at], fills.symbol[at]]
    return _ratios(fills.symbol[at].tolist(), fills.cells["price"][at].tolist(), own.tolist())


def mark_ratios(positions: Rows | None, market: Market) -> tuple[tuple[int, int, int], ...]:
    """The same of marks and closes."""
    if positions is None or "mark" not in positions.cells:
        return ()
    inside = (positions.cycle < len(market.timestamps)) & (positions.symbol < len(market.symbols))
    at = np.flatnonzero(inside & (positions.cells["mark"] > 0))
    own = market.close[positions.cycle[at], positions.symbol[at]]
    return _ratios(positions.symbol[at].tolist(), positions.cells["mark"][at].tolist(), own.tolist())


def _ratios(
    symbols: Sequence[int], prices: Sequence[int], raw: Sequence[int]
) -> tuple[tuple[int, int, int], ...]:
    found = set()
    for s, price, own in zip(symbols, prices, raw, strict=True):
        if own <= 0 or 0.8 < price / own < 1.25:
            continue
        near = min(RATIOS, key=lambda ratio: abs(float(ratio) * own / price - 1))
        if abs(float(near) * own / price - 1) < 0.02:
            found.add((s, near.numerator, near.denominator))
    return tuple(sorted(found)[:MOST_SPLITS])


def _unadjusted(scenario: Scenario, market: Market, change: Change) -> Market:
    up, down = pair(change.value)
    scaled = {}
    for name in PRICES:
        price = getattr(market, name)
        scaled[name] = np.where(price > 0, np.maximum(1, (price * up * 2 + down) // (down * 2)), 0)
    return with_prices(market, scaled, change)


def _split_reads(subject: Subject, value: Value) -> Wording:
    up, down = pair(value)
    factor = f"{up}" if down == 1 else f"{up}/{down}"
    sentence = f"prices are {factor} times what they should be, as before an unadjusted split"
    return Wording(sentence, "prices", "adjusted", f"times {factor}")


SPLIT = InputHypothesis(id="split", values=_splits, say=_split_reads, apply=_unadjusted, by_symbol=True)
