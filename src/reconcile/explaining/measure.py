"""Reading off a ledger what can be read: settings that would make its numbers what they are.

What is read is no finding: it only says which values a hypothesis is worth trying with. Each reading looks at
cycles [start, stop) only, so that what held for a while is seen, too.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import ceil

import numpy as np

from reconcile.explaining.evidence import EMPTY, Rows, Target
from reconcile.explaining.measure_decisions import bands, gates, schedules
from reconcile.explaining.measure_exits import unused
from reconcile.explaining.measure_fills import commissions, mark_splits, price_fields, slippages, splits
from reconcile.explaining.model import Measured, Subject
from reconcile.matching.model import BoundKind
from vocabulary.ledger import Ledger
from vocabulary.market import Market

G = 1_000_000_000
MANY = 400
"""Rows looked at; more tell nothing more."""


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
        commission=commissions(fills, scenario, _slack(target, "commission")),
        slippage=slippages(fills, scenario, market, _slack(target, "price")),
        price=price_fields(fills, scenario, market),
        n=n,
        short_n=short_n,
        gross_long=long,
        gross_short=short,
        lot=_lot(targets, fills),
        base=_bases(targets, market, 0 if target.axes.same_bar else 1),
        schedules=schedules(target, market),
        gates=gates(scenario, market, target),
        bands=bands(targets, orders, target, scenario),
        exits=exits,
        unused_exits=unused(scenario, target),
        splits=splits(fills, scenario, market) or mark_splits(positions, market),
    )


def _slack(target: Target, column: str) -> int:
    """Units that a column of fills may be off by, as its tolerance says."""
    kind, size = target.bounds.get(("fills", column), (BoundKind.ABSOLUTE, 0.0))
    return 0 if kind is BoundKind.RELATIVE else ceil(size)


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
