"""Faults of the input that data frames invite: each reads a grid of (bars, symbols) otherwise than it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reconcile.drilling.catalogue.inputs import (
    ATR,
    DECIDED,
    SCORE,
    STATUS,
    TARGET,
    VIX,
    Array,
    Read,
    column,
    filled_forward,
    with_prices,
)
from reconcile.drilling.clean_run import Stages, as_if
from reconcile.drilling.model import Data, Fault
from reconcile.explaining.hypotheses import frames, prices
from reconcile.explaining.model import Change
from vocabulary.market import Market

DAY_NS = 86_400_000_000_000

Cells = list[tuple[int, int]]
"""(bar read, bar it is read at) of one symbol."""
Rows = Callable[[Market, list[int], list[int]], Cells]
"""From the bars at which something is there, and those at which the symbol is present, to what is read."""


def _by_position(market: Market, there: list[int], present: list[int]) -> Cells:
    return [(bar, place) for place, bar in enumerate(there)]


def _own_rows(bars: int) -> Rows:
    def cells(market: Market, there: list[int], present: list[int]) -> Cells:
        places = range(len(present))
        return [(present[k - bars], present[k]) for k in places if k - bars in places]

    return cells


def _days_before(days: int) -> Rows:
    def cells(market: Market, there: list[int], present: list[int]) -> Cells:
        at = {moment: bar for bar, moment in enumerate(market.wall.tolist())}
        return [(at[m - days * DAY_NS], bar) for m, bar in at.items() if m - days * DAY_NS in at]

    return cells


def _moved(market: Market, values: Array, missing: Any, rows: Rows) -> Array:
    """A grid with each symbol's cells at other bars."""
    out = np.full_like(values, missing)
    for s in range(values.shape[1]):
        cells = values[:, s]
        there = cells > 0 if missing == 0 else ~np.isnan(cells)
        for read, at in rows(market, there.nonzero()[0].tolist(), market.present[:, s].nonzero()[0].tolist()):
            out[at, s] = cells[read]
    return out


def _feature(name: str, rows: Rows) -> Read:
    def read(market: Market) -> Market:
        return column(name, lambda values: _moved(market, values, np.nan, rows))(market)

    return read


def _context(name: str, rows: Rows) -> Read:
    def read(market: Market) -> Market:
        return column(name, lambda values: _moved(market, values[:, None], np.nan, rows)[:, 0])(market)

    return read


def _prices(rows: Rows) -> Read:
    return with_prices(lambda values, market: _moved(market, values, 0, rows))


def _round_the_end(bars: int) -> Callable[[Array], Array]:
    return lambda values: np.concatenate([values[-bars:], values[:-bars]])


def _without_gaps(name: str) -> Read:
    """A feature of symbols that have all of it; the others lose it."""

    def change(values: Array) -> Array:
        for s in range(values.shape[1]):
            if np.isnan(values[:, s]).any():
                values[:, s] = np.nan
        return values

    return column(name, change)


def _symbols_without_gaps(market: Market) -> Market:
    gaps = [s for s in range(len(market.symbols)) if not market.present[:, s].all()]

    def change(values: Array, market: Market) -> Array:
        values[:, gaps] = 0
        return values

    return with_prices(change)(market)


def _each_field_carried(market: Market) -> Market:
    return with_prices(lambda values, market: filled_forward(values, market.present))(market)


def _fault(name: str, ground: str, read: Read, stages: Stages, *causes: Change) -> Fault:
    data = Data(read)
    return Fault(name, ground, (data,), as_if(stages, data), causes)


FAULTS: tuple[Fault, ...] = (
    _fault("score put back by position", "long", _feature(SCORE, _by_position), TARGET,
           Change(frames.FEATURE_PUT_BACK, (SCORE, "dropna"))),
    _fault("score a row of its own late", "short", _feature(SCORE, _own_rows(1)), TARGET,
           Change(frames.FEATURE_OWN_ROWS, (SCORE, 1))),
    _fault("score a row of its own early", "long", _feature(SCORE, _own_rows(-1)), TARGET,
           Change(frames.FEATURE_OWN_ROWS, (SCORE, -1))),
    _fault("score rolled by a bar", "long", column(SCORE, _round_the_end(1)), TARGET,
           Change(frames.FEATURE_ROLLED, (SCORE, 1))),
    _fault("score of the calendar day before", "short", _feature(SCORE, _days_before(1)), TARGET,
           Change(frames.FEATURE_CALENDAR, (SCORE, 1))),
    _fault("atr of the calendar day before", "long", _feature(ATR, _days_before(1)), DECIDED,
           Change(frames.FEATURE_CALENDAR, (ATR, 1))),
    _fault("scores of the symbols in reverse", "tight", column(SCORE, lambda values: values[:, ::-1]), TARGET,
           Change(frames.FEATURE_REORDERED, (SCORE, "reversed"))),
    _fault("volume of symbols without a gap", "short", _without_gaps("volume"), TARGET,
           Change(frames.FEATURE_DROPPED, ("volume", "dropna"))),
    _fault("vix rolled by a bar", "long", column(VIX, _round_the_end(1)), TARGET,
           Change(frames.CONTEXT_ROLLED, (VIX, 1))),
    _fault("vix of the calendar day before", "long", _context(VIX, _days_before(1)), TARGET,
           Change(frames.CONTEXT_CALENDAR, (VIX, 1))),
    _fault("prices put back by position", "short", _prices(_by_position), DECIDED,
           Change(frames.PRICES_PUT_BACK, "dropna")),
    _fault("prices a row of their own late", "long", _prices(_own_rows(1)), DECIDED,
           Change(frames.PRICES_OWN_ROWS, 1)),
    _fault("prices rolled by a bar", "tight", with_prices(lambda v, market: _round_the_end(1)(v)), DECIDED,
           Change(frames.PRICES_ROLLED, 1)),
    _fault("prices of the calendar day before", "short", _prices(_days_before(1)), DECIDED,
           Change(frames.PRICES_CALENDAR, 1)),
    _fault("prices of the symbols in reverse", "long", with_prices(lambda v, market: v[:, ::-1]), DECIDED,
           Change(frames.PRICES_REORDERED, "reversed")),
    _fault("symbols with a gap dropped", "long", _symbols_without_gaps, DECIDED,
           Change(frames.PRICES_DROPPED, "dropna")),
    _fault("prices filled forward field by field", "long", _each_field_carried, (*DECIDED, STATUS),
           Change(prices.PRICES_CARRIED, prices.FIELD_BY_FIELD)),
)  # fmt: skip
