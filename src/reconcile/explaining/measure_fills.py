"""Reading costs, prices and splits off fills: values that would make them what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from reconcile.explaining.evidence import EMPTY, Rows
from reconcile.explaining.inputs import later
from vocabulary.market import Market
from vocabulary.scenario import (
    Scenario,
    Timing,
)
from vocabulary.state import Side

G = 1_000_000_000
SIDES = (Side.BUY, Side.SELL)


def simplest(low: Fraction, high: Fraction) -> int | None:
    """The shortest decimal in [low, high], in ppb: what a person would have typed. None for none."""
    for places in range(10):
        unit = 10**places
        first = -((-low.numerator * unit) // low.denominator)
        if Fraction(first, unit) <= high:
            return int(first * (G // unit))
    return None


def _fit(moved: Sequence[int], bases: Sequence[int], slack: int = 0) -> int | None:
    """A rate whose product with each base rounds to what was moved, or is within `slack` of it, for all
    rows or most of them: the odd ones out are another cause's."""
    if not moved:
        return None
    near, base = np.array(moved, np.float64), np.array(bases, np.float64)
    low, high = (near - 0.5 - slack) / base, (near + 0.5 + slack) / base
    keep = np.arange(len(near))
    if low.max() > high.min():
        keep = np.flatnonzero((low <= np.median(high)) & (high >= np.median(low)))
        if len(keep) * 5 < len(near) * 3:
            return None
    a, b = int(keep[np.argmax(low[keep])]), int(keep[np.argmin(high[keep])])
    half = 1 + 2 * slack
    bottom, top = Fraction(2 * moved[a] - half, 2 * bases[a]), Fraction(2 * moved[b] + half, 2 * bases[b])
    return simplest(bottom, top) if bottom <= top else None


def commissions(
    fills: Rows | None, scenario: Scenario, slack: int = 0
) -> tuple[tuple[Side | None, str, int, int], ...]:
    """Rates, a minimum, by side and together, as parts of the notional and by the share. slack: what the
    column is allowed to be off by."""
    if fills is None or not {"commission", "price", "quantity"} <= fills.cells.keys():
        return ()
    out: list[tuple[Side | None, str, int, int]] = []
    unit = 10**scenario.market.price_decimals
    for side in (None, *SIDES):
        rows = [
            (n if slack and n > 0 else p * q, q * unit, c)  # of rounded prices the product is off, too
            for n, p, q, c, s in zip(
                fills.cells.get("notional", fills.cells["price"] * 0).tolist(),
                fills.cells["price"].tolist(),
                fills.cells["quantity"].tolist(),
                fills.cells["commission"].tolist(),
                fills.side.tolist(),
                strict=True,
            )
            if (side is None or SIDES[s % 2] is side) and c != EMPTY and p > 0 and q > 0
        ]
        if not rows:
            continue
        often, times = Counter(c for _, _, c in rows).most_common(1)[0]
        minimum = often if times > max(1, len(rows) // 10) else 0
        free = [row for row in rows if row[2] > minimum] if minimum else rows
        for kind, place in (("bps", 0), ("per_share", 1)):
            rate = _fit([row[2] for row in free], [row[place] for row in free], slack)
            if rate is None and not free:
                rate = 0
            if rate is not None and rate >= 0:
                out.append((side, kind, rate, minimum if free != rows or not free else 0))
    return tuple(dict.fromkeys(out))


def _raw(scenario: Scenario, market: Market) -> np.ndarray:
    return market.open if scenario.execution.timing is Timing.NEXT_OPEN else market.close


def _valid(fills: Rows, market: Market) -> np.ndarray:
    inside = (fills.cycle < len(market.timestamps)) & (fills.symbol < len(market.symbols))
    return np.flatnonzero(inside & (fills.cells["price"] > 0))


def slippages(
    fills: Rows | None, scenario: Scenario, market: Market, slack: int = 0
) -> tuple[tuple[str, int], ...]:
    """Rates and fixed amounts that prices are off the bar's by. slack: as for `commissions`."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = _valid(fills, market)
    found = set()
    for prices in (market.open, market.close):
        raw = prices[fills.cycle[at], fills.symbol[at]].tolist()
        price, side = fills.cells["price"][at].tolist(), fills.side[at].tolist()
        moved = [(p - r) if s == 0 else (r - p) for p, r, s in zip(price, raw, side, strict=True)]
        if not moved or min(raw) <= 0:
            continue
        rate = _fit(moved, raw, slack)
        if rate is not None and rate >= 0:
            found.add(("bps", rate))
        ticks, times = Counter(moved).most_common(1)[0]
        if ticks >= 0 and times * 5 >= len(moved) * 3:
            found.add(("fixed", ticks))
    return tuple(sorted(found))


FIELDS = ("open", "close", "high", "low", "middle")


def price_fields(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[str, int], ...]:
    """Which field, at which lag, the raw prices are nearest to, best first."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = _valid(fills, market)
    if not len(at):
        return ()
    price = fills.cells["price"][at].astype(np.float64)
    found = []
    for field in FIELDS:
        values = (market.high + market.low) // 2 if field == "middle" else getattr(market, field)
        for lag in (-1, 0, 1, 2):
            raw = later(values, lag, 0)[fills.cycle[at], fills.symbol[at]].astype(np.float64)
            gap = np.abs(price / np.maximum(raw, 1) - 1)
            found.append((float(np.median(gap)), (field, lag)))
    found.sort(key=lambda each: each[0])
    return tuple(place for _, place in found[:4])


RATIOS = [
    Fraction(a, b) for a in range(1, 21) for b in range(1, 21) if a != b and (a == 1 or b == 1 or a + b == 5)
]


def splits(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[int, int, int], ...]:
    """Symbols whose fills are at a simple multiple of the bar's price."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = _valid(fills, market)
    raw = _raw(scenario, market)[fills.cycle[at], fills.symbol[at]]
    return _ratios(fills.symbol[at].tolist(), fills.cells["price"][at].tolist(), raw.tolist())


def mark_splits(positions: Rows | None, market: Market) -> tuple[tuple[int, int, int], ...]:
    if positions is None or "mark" not in positions.cells:
        return ()
    inside = (positions.cycle < len(market.timestamps)) & (positions.symbol < len(market.symbols))
    at = np.flatnonzero(inside & (positions.cells["mark"] > 0))
    raw = market.close[positions.cycle[at], positions.symbol[at]]
    return _ratios(positions.symbol[at].tolist(), positions.cells["mark"][at].tolist(), raw.tolist())


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
    return tuple(sorted(found)[:8])
