"""Reading schedule, gate and band off what was decided."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from reconcile.explaining.evidence import EMPTY, Rows, Target
from reconcile.explaining.measure_fills import simplest
from reconcile.explaining.model import Value
from vocabulary.market import Market
from vocabulary.scenario import (
    Scenario,
    ScheduleKind,
)

G = 1_000_000_000


def rebalanced(target: Target) -> list[int] | None:
    """Cycles of the ledger's rebalances, in order."""
    decisions, targets = target.tables.get("decisions"), target.tables.get("targets")
    if decisions is not None:
        return sorted(decisions.cycle[decisions.cells["rebalance"] != EMPTY].tolist())
    if targets is not None:
        return sorted(set(targets.cycle.tolist()))
    fills = target.tables.get("fills")
    return None if fills is None else sorted(set(fills.cycle.tolist()))


def schedules(target: Target, market: Market) -> tuple[Value, ...]:
    """Schedules under which all rebalances there were would be due."""
    cycles = rebalanced(target)
    if not cycles or len(cycles) < 2:
        return ()
    bars = np.array(cycles) - (0 if target.axes.same_bar else 1)
    step = int(np.gcd.reduce(np.diff(bars)))
    out: list[Value] = []
    if step > 1:
        out.append((("every", step), ("start", int(bars[0]))))
        if bars[0] >= step:
            out.append((("every", step), ("start", int(bars[0]) % step)))
    if bars[0] > 0:
        out.append((("every", 1), ("start", int(bars[0]))))
    out += [kind.value for kind in (ScheduleKind.WEEKLY, ScheduleKind.MONTHLY)]
    return tuple(out)


def gates(scenario: Scenario, market: Market, target: Target) -> tuple[Value, ...]:
    """Bounds between what was traded at and what was not."""
    gate, cycles = scenario.strategy.gate, rebalanced(target)
    if gate is None or not cycles:
        return ()
    values = market.context[gate.context]
    bars = np.array(cycles) - (0 if target.axes.same_bar else 1)
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
    """The roundest number that keeps the inside in and the outside out."""
    if outside is None:
        return inside
    low, high = sorted((inside, outside))
    for places in range(0, 12):
        candidates = [round(low, places), round(high, places), round((low + high) / 2, places)]
        for value in candidates:
            if (inside <= value < outside) if inside < outside else (outside < value <= inside):
                return value
    return inside


def bands(targets: Rows | None, orders: Rows | None, target: Target, scenario: Scenario) -> tuple[int, ...]:
    """Bands between the smallest change that was ordered and the largest that was not."""
    positions = target.tables.get("positions")
    if targets is None or orders is None or positions is None or "quantity" not in targets.cells:
        return ()
    near = positions.within(int(targets.cycle[0]) - 1, int(targets.cycle[-1]) + 1)
    held = dict(zip(positions.key[near].tolist(), positions.cells["quantity"][near].tolist(), strict=True))
    ordered = set(zip(orders.cycle.tolist(), orders.symbol.tolist(), strict=True))
    width = len(target.axes.places) + 1
    back = 0 if target.axes.same_bar else 1
    placed: list[Fraction] = []
    skipped: list[Fraction] = []
    for cycle, s, quantity in zip(
        targets.cycle.tolist(), targets.symbol.tolist(), targets.cells["quantity"].tolist(), strict=True
    ):
        delta = abs(quantity - held.get(((cycle - 1) * width + s) * 4, 0)) if back else 0
        if delta and quantity:
            (placed if (cycle, s) in ordered else skipped).append(Fraction(delta, abs(quantity)))
    if not placed:
        return ()
    low = max([each for each in skipped if each < max(placed)], default=Fraction(0))
    high = min([each for each in placed if each > low], default=low)
    band = simplest(low, high)
    return () if band is None or band >= G else (band,)
