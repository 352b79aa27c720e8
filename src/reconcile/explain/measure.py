"""Reading off a ledger what can be read: settings that would make its numbers what they are.

What is read is no finding: it only says which values a hypothesis is worth trying with. Each reading looks at
cycles [start, stop) only, so that what held for a while is seen, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from reconcile.explain.evidence import EMPTY, Rows, Target
from reconcile.explain.inputs import later
from reconcile.explain.nouns import Measured, Subject, Value
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import (
    Scenario,
    ScheduleKind,
    StopLoss,
    TakeProfit,
    TimeExit,
    Timing,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import Side

G = 1_000_000_000
MANY = 400
"""Rows looked at; more tell nothing more."""
SIDES = (Side.BUY, Side.SELL)


def measure(
    subject: Subject,
    ledger: Ledger,
    target: Target,
    start: int,
    stop: int,
    exits: dict[tuple[str, str], tuple[int, ...]],
    symbols: tuple[int, ...] | None = None,
) -> Measured:
    """What can be read off cycles [start, stop). exits: as `exit_levels` read them off the whole ledger.
    symbols: no others are looked at."""
    fills, positions, targets, orders = (
        _cut(target, name, start, stop, symbols) for name in ("fills", "positions", "targets", "orders")
    )
    scenario, market = subject.scenario, subject.market
    n, short_n, long, short = _membership(targets, positions)
    return Measured(
        initial_cash=initial_cash(target, ledger),
        commission=_commissions(fills, scenario),
        slippage=_slippages(fills, scenario, market),
        price=_price_fields(fills, scenario, market),
        n=n,
        short_n=short_n,
        gross_long=long,
        gross_short=short,
        lot=_lot(targets, fills),
        base=_bases(targets, market, 0 if target.axes.same_bar else 1),
        schedules=_schedules(target, market),
        gates=_gates(scenario, market, target),
        bands=_bands(targets, orders, target, scenario),
        exits=exits,
        unused_exits=_unused(scenario, target),
        splits=_splits(fills, scenario, market) or _mark_splits(positions, market),
    )


def _cut(
    target: Target, name: str, start: int, stop: int, symbols: tuple[int, ...] | None = None
) -> Rows | None:
    rows = target.tables.get(name)
    if rows is None:
        return None
    within = rows.within(start, stop)
    at = np.arange(within.start, within.stop)
    if symbols is not None:
        at = at[np.isin(rows.symbol[within], symbols)]
    at = at[:MANY]
    if not len(at):
        return None
    cells = {name: values[at] for name, values in rows.cells.items()}
    return Rows(rows.cycle[at], rows.symbol[at], rows.side[at], rows.key[at], cells)


def simplest(low: Fraction, high: Fraction) -> int | None:
    """The shortest decimal in [low, high], in ppb: what a person would have typed. None for none."""
    for places in range(10):
        unit = 10**places
        first = -((-low.numerator * unit) // low.denominator)
        if Fraction(first, unit) <= high:
            return int(first * (G // unit))
    return None


def initial_cash(target: Target, ledger: Ledger) -> int | None:
    """Cash at bar 0 before its fills; else what the manifest says."""
    equity, fills = target.tables.get("equity"), target.tables.get("fills")
    if equity is not None and len(equity.cycle) and equity.cycle[0] == 0 and "cash" in equity.cells:
        cash = int(equity.cells["cash"][0])
        if fills is not None and {"notional", "commission"} <= fills.cells.keys():
            at = fills.within(0, 1)
            notional, commission = fills.cells["notional"][at], fills.cells["commission"][at]
            cash += int(np.where(fills.side[at] == 0, notional, -notional).sum() + commission.sum())
        return cash if cash >= 0 else None
    if equity is not None and len(equity.cycle) and equity.cycle[0] == 0 and "equity" in equity.cells:
        return max(0, int(equity.cells["equity"][0]))
    return ledger.manifest.initial_cash


def _fit(moved: Sequence[int], bases: Sequence[int]) -> int | None:
    """A rate whose product with each base rounds to what was moved, for all rows or most of them: the odd
    ones out are another cause's."""
    if not moved:
        return None
    near, base = np.array(moved, np.float64), np.array(bases, np.float64)
    low, high = (near - 0.5) / base, (near + 0.5) / base
    keep = np.arange(len(near))
    if low.max() > high.min():
        keep = np.flatnonzero((low <= np.median(high)) & (high >= np.median(low)))
        if len(keep) * 5 < len(near) * 3:
            return None
    a, b = int(keep[np.argmax(low[keep])]), int(keep[np.argmin(high[keep])])
    bottom, top = Fraction(2 * moved[a] - 1, 2 * bases[a]), Fraction(2 * moved[b] + 1, 2 * bases[b])
    return simplest(bottom, top) if bottom <= top else None


def _commissions(fills: Rows | None, scenario: Scenario) -> tuple[tuple[Side | None, str, int, int], ...]:
    """Rates, a minimum, by side and together, as parts of the notional and by the share."""
    if fills is None or not {"commission", "price", "quantity"} <= fills.cells.keys():
        return ()
    out: list[tuple[Side | None, str, int, int]] = []
    unit = 10**scenario.market.price_decimals
    for side in (None, *SIDES):
        rows = [
            (p * q, q * unit, c)
            for p, q, c, s in zip(
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
            rate = _fit([row[2] for row in free], [row[place] for row in free])
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


def _slippages(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[str, int], ...]:
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
        rate = _fit(moved, raw)
        if rate is not None and rate >= 0:
            found.add(("bps", rate))
        ticks, times = Counter(moved).most_common(1)[0]
        if ticks >= 0 and times * 5 >= len(moved) * 3:
            found.add(("fixed", ticks))
    return tuple(sorted(found))


FIELDS = ("open", "close", "high", "low", "middle")


def _price_fields(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[str, int], ...]:
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


def _membership(
    targets: Rows | None, positions: Rows | None
) -> tuple[int | None, int | None, int | None, int | None]:
    """How many are held, and at which gross weight."""
    if targets is not None and "weight" in targets.cells:
        weight = targets.cells["weight"]
        longs = Counter(targets.cycle[weight > 0].tolist())
        shorts = Counter(targets.cycle[weight < 0].tolist())
        n, short_n = max(longs.values(), default=0), max(shorts.values(), default=0)
        long = Counter(weight[weight > 0].tolist()).most_common(1)
        short = Counter((-weight[weight < 0]).tolist()).most_common(1)
        return n, short_n, long[0][0] * n if long else None, short[0][0] * short_n if short else None
    if positions is not None and "quantity" in positions.cells:
        quantity = positions.cells["quantity"]
        longs, shorts = (
            Counter(positions.cycle[quantity > 0].tolist()),
            Counter(positions.cycle[quantity < 0].tolist()),
        )
        return max(longs.values(), default=0), max(shorts.values(), default=0), None, None
    return None, None, None, None


def _lot(targets: Rows | None, fills: Rows | None) -> int | None:
    """The largest number that all quantities are multiples of, when it is more than 1."""
    rows = targets if targets is not None else fills
    if rows is None or "quantity" not in rows.cells or len(rows.cycle) < 3:
        return None
    lot = int(np.gcd.reduce(np.abs(rows.cells["quantity"][rows.cells["quantity"] != EMPTY])))
    return lot if lot > 1 else None


def _bases(targets: Rows | None, market: Market, back: int) -> tuple[int, ...]:
    """What the first targets' quantities were sized on, as the shortest number that fits."""
    if targets is None or not {"weight", "quantity"} <= targets.cells.keys():
        return ()
    first = targets.cycle == targets.cycle[0]
    bar = int(targets.cycle[0]) - back
    if not 0 <= bar < len(market.timestamps):
        return ()
    low, high = Fraction(0), Fraction(10**40)
    for s, weight, quantity in zip(
        targets.symbol[first].tolist(),
        targets.cells["weight"][first].tolist(),
        targets.cells["quantity"][first].tolist(),
        strict=True,
    ):
        if s >= len(market.symbols) or not weight:
            continue
        close = int(market.close[bar, s])
        low = max(low, Fraction(abs(quantity) * close * G, abs(weight)))
        high = min(high, Fraction((abs(quantity) + 1) * close * G, abs(weight)))
    if not low < high < 10**40:
        return ()
    for power in range(40, -1, -1):
        unit = 10**power
        least = -((-low.numerator) // (low.denominator * unit)) * unit
        if least < high:
            return (least,)
    return ()


def rebalanced(target: Target) -> list[int] | None:
    """Cycles of the ledger's rebalances, in order."""
    decisions, targets = target.tables.get("decisions"), target.tables.get("targets")
    if decisions is not None:
        return sorted(decisions.cycle[decisions.cells["rebalance"] != EMPTY].tolist())
    if targets is not None:
        return sorted(set(targets.cycle.tolist()))
    fills = target.tables.get("fills")
    return None if fills is None else sorted(set(fills.cycle.tolist()))


def _schedules(target: Target, market: Market) -> tuple[Value, ...]:
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


def _gates(scenario: Scenario, market: Market, target: Target) -> tuple[Value, ...]:
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


def _bands(targets: Rows | None, orders: Rows | None, target: Target, scenario: Scenario) -> tuple[int, ...]:
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


def _unused(scenario: Scenario, target: Target) -> tuple[str, ...]:
    """Rules that no order or fill gives as its reason."""
    for name in ("orders", "fills"):
        rows = target.tables.get(name)
        if rows is not None and "reason" in rows.cells:
            seen = set(rows.cells["reason"].tolist())
            return tuple(rule.name for rule in scenario.exits if target.axes.words.get(rule.name) not in seen)
    return ()


RATIOS = [
    Fraction(a, b) for a in range(1, 21) for b in range(1, 21) if a != b and (a == 1 or b == 1 or a + b == 5)
]


def _splits(fills: Rows | None, scenario: Scenario, market: Market) -> tuple[tuple[int, int, int], ...]:
    """Symbols whose fills are at a simple multiple of the bar's price."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = _valid(fills, market)
    raw = _raw(scenario, market)[fills.cycle[at], fills.symbol[at]]
    return _ratios(fills.symbol[at].tolist(), fills.cells["price"][at].tolist(), raw.tolist())


def _mark_splits(positions: Rows | None, market: Market) -> tuple[tuple[int, int, int], ...]:
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
