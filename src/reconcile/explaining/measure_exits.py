"""Reading exits off a ledger: levels between what was closed and what was not, and rules never used."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from reconcile.explaining.evidence import Rows, Target
from reconcile.explaining.measure_fills import simplest
from reconcile.explaining.model import Subject
from vocabulary.market import Market
from vocabulary.scenario import (
    Scenario,
    StopLoss,
    TakeProfit,
    TimeExit,
    TrailingStop,
    VolatilityStop,
)

LEVELS = {StopLoss: "loss", TakeProfit: "gain", VolatilityStop: "multiple", TimeExit: "bars"}


def exit_levels(subject: Subject, target: Target) -> dict[tuple[str, str], tuple[int, ...]]:
    """Levels between the position that was closed for a reason and the one that was not."""
    orders, positions = target.tables.get("orders"), target.tables.get("positions")
    if orders is None or positions is None or "reason" not in orders.cells:
        return {}
    if not {"average_price", "quantity"} <= positions.cells.keys():
        return {}
    words = target.axes.words
    back = 0 if target.axes.same_bar else 1
    fired = {
        (cycle - back, s): reason
        for cycle, s, reason in zip(
            orders.cycle.tolist(), orders.symbol.tolist(), orders.cells["reason"].tolist(), strict=True
        )
    }
    out = {}
    for rule in subject.scenario.exits:
        code = words.get(rule.name)
        if code is None or isinstance(rule, TrailingStop):
            continue
        setting = LEVELS[type(rule)]
        distances = _distances(subject.market, positions, fired, rule, code)
        levels = _level(*distances, whole=isinstance(rule, TimeExit))
        if levels:
            out[rule.name, setting] = levels
    return out


def _distances(
    market: Market,
    positions: Rows,
    fired: dict[tuple[int, int], int],
    rule: StopLoss | TakeProfit | VolatilityStop | TimeExit,
    code: int,
) -> tuple[list[Fraction], list[Fraction]]:
    """How far positions had gone that the rule closed, and that nothing closed."""
    closed, kept = [], []
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
        if not market.present[t, s] or entry <= 0:
            continue
        gone = side * (entry - int(market.close[t, s]))
        if isinstance(rule, TimeExit):
            far = Fraction(t - opened[s])
        elif isinstance(rule, VolatilityStop):
            width = market.features[rule.feature][t, s] if rule.feature in market.features else np.nan
            ticks = round(float(width) * 10**market.price_decimals) if np.isfinite(width) else 0
            if ticks <= 0:
                continue
            far = Fraction(gone, ticks)
        else:
            far = Fraction(-gone if isinstance(rule, TakeProfit) else gone, entry)
        reason = fired.get((t, s))
        if reason == code:
            closed.append(far)
        elif reason is None:
            kept.append(far)
    return closed, kept


def _level(closed: list[Fraction], kept: list[Fraction], whole: bool) -> tuple[int, ...]:
    if not closed:
        return ()
    high = min(closed)
    if whole:
        return (int(high),)
    low = max([far for far in kept if far < high], default=Fraction(0))
    level = simplest(max(low, Fraction(0)), high) if high >= 0 else None
    return () if level is None else (level,)


def unused(scenario: Scenario, target: Target) -> tuple[str, ...]:
    """Rules that no order or fill gives as its reason."""
    for name in ("orders", "fills"):
        rows = target.tables.get(name)
        if rows is not None and "reason" in rows.cells:
            seen = set(rows.cells["reason"].tolist())
            return tuple(rule.name for rule in scenario.exits if target.axes.words.get(rule.name) not in seen)
    return ()
