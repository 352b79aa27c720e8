"""Costs: commission and slippage of another size, and a fee charged twice or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from reconcile.explaining.evidence import EMPTY, Rows, Window
from reconcile.explaining.hypotheses.fees import fees_of_cash
from reconcile.explaining.hypotheses.settings import (
    changed,
    money_decimals,
    reads,
    settings,
    simplest,
    texts,
)
from reconcile.explaining.model import (
    Acts,
    Family,
    SettingHypothesis,
    Subject,
    Value,
    Values,
    Wording,
)
from reconcile.files.decimals import BPS, PPB, from_units
from reference import commission_of
from vocabulary.market import Market
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
    CommissionBase,
    Scenario,
    Timing,
)
from vocabulary.state import Side

SIDES = (Side.BUY, Side.SELL)

# Commission


def _commission_table(
    kind: str, rate: int, minimum: int, money: int, maximum: int | None = None, on_raw: bool = False
) -> Value:
    """The scenario's table. rate, maximum: ppb; minimum: money units."""
    unit = BPS if kind == "bps" else PPB
    table: tuple[tuple[str, Value], ...] = (
        ("kind", kind),
        ("rate", from_units(rate, unit)),
        ("minimum", from_units(minimum, money)),
    )
    if maximum is not None:
        table += (("maximum", from_units(maximum, PPB)),)
    return (*table, ("on", CommissionBase.RAW.value)) if on_raw and kind == "bps" else table


def _commissions(subject: Subject, window: Window) -> Values:
    money, stated = money_decimals(subject), subject.scenario.costs.commission
    cap = None if stated is None else stated.maximum
    on_raw = isinstance(stated, BpsCommission) and stated.on is CommissionBase.RAW
    slack = window.slack("commission")
    tried: list[Value] = [None]
    raw = raw_prices(window.fills, subject)
    measured = measured_commissions(window.fills, subject.scenario, slack)
    of_raw = measured_commissions(window.fills, subject.scenario, slack, raw)
    if window.fills is not None and "commission" not in window.fills.cells:
        of_cash = window.once("fees of cash", lambda: fitting_rate(*fees_of_cash(window, subject.market)))
        measured = () if of_cash is None else (("bps", of_cash, 0),)
    for found, is_raw in ((measured, on_raw), (of_raw, True), (measured, False)):
        for kind, rate, minimum in found:
            if rate or minimum:  # None stands for nothing charged
                tried.append(_commission_table(kind, rate, minimum, money, cap, is_raw))
    own: Value = None
    if stated is not None:
        kind = "bps" if isinstance(stated, BpsCommission) else "per_share"
        for rate, minimum in (
            (stated.rate * 2, stated.minimum),
            (stated.rate // 2, stated.minimum),
            (stated.rate * 10, stated.minimum),
            (stated.rate // 10, stated.minimum),
            (stated.rate, 0),
        ):
            tried.append(_commission_table(kind, rate, minimum, money, cap, on_raw))
        tried.append(_commission_table(kind, stated.rate, stated.minimum, money, cap, not on_raw))
        for maximum in (None, *measured_maximums(window.fills, subject.scenario, raw, slack)):
            tried.append(_commission_table(kind, stated.rate, stated.minimum, money, maximum, on_raw))
        own = _commission_table(kind, stated.rate, stated.minimum, money, cap, on_raw)
    return settings("costs.commission", tried, own)


def commission_tables(subject: Subject, found: Iterable[tuple[str, int, int]]) -> Values:
    """Measured commissions, (kind, rate, minimum), as changes of the setting; without the stated one."""
    money, stated = money_decimals(subject), subject.scenario.costs.commission
    cap = None if stated is None else stated.maximum
    own = isinstance(stated, BpsCommission), getattr(stated, "rate", None)
    return tuple(
        ("costs.commission", _commission_table(kind, rate, minimum, money, cap))
        for kind, rate, minimum in found
        if rate and (kind == "bps", rate) != own
    )


def raw_prices(fills: Rows | None, subject: Subject) -> list[int] | None:
    """The raw price at which each fill executed, 0 where there is none."""
    if fills is None:
        return None
    market = subject.market
    prices = market.open if subject.scenario.execution.timing is Timing.NEXT_OPEN else market.close
    bars, symbols = prices.shape
    return [
        int(prices[t, s]) if 0 <= t < bars and 0 <= s < symbols else 0
        for t, s in zip(fills.cycle.tolist(), fills.symbol.tolist(), strict=True)
    ]


def measured_maximums(
    fills: Rows | None, scenario: Scenario, raw: list[int] | None, slack: int = 0
) -> tuple[int, ...]:
    """The share of the notional in ppb, if any, that the commissions have that are not what they would be
    without a maximum."""
    stated = scenario.costs.commission
    if fills is None or raw is None or stated is None:
        return ()
    if not {"commission", "price", "quantity"} <= fills.cells.keys():
        return ()
    free = replace(scenario, costs=replace(scenario.costs, commission=replace(stated, maximum=None)))
    capped = [
        (c, p * q)
        for p, q, c, r in zip(
            fills.cells["price"].tolist(),
            fills.cells["quantity"].tolist(),
            fills.cells["commission"].tolist(),
            raw,
            strict=True,
        )
        if c != EMPTY and p > 0 and q > 0 and r > 0 and c + slack < commission_of(free, q, p * q, r)
    ]
    rate = fitting_rate([c for c, _ in capped], [base for _, base in capped], slack)
    return (rate,) if rate else ()  # a cap of 0 is no commission at all, which has its own words


def measured_commissions(
    fills: Rows | None, scenario: Scenario, slack: int = 0, raw: list[int] | None = None
) -> tuple[tuple[str, int, int], ...]:
    """(kind, rate in ppb, minimum in money) that fit the fills of both sides together, or of one of them.

    slack: what the column may be off by. raw: prices in place of those of the fills; then of `bps` alone.
    """
    if fills is None or not {"commission", "price", "quantity"} <= fills.cells.keys():
        return ()
    out: list[tuple[str, int, int]] = []
    unit = 10**scenario.market.price_decimals
    for side in (None, *SIDES):
        rows = [
            # of rounded prices the product is off, too
            (n if slack and n > 0 and raw is None else p * q, q * unit, c)
            for n, p, q, c, s in zip(
                fills.cells.get("notional", fills.cells["price"] * 0).tolist(),
                fills.cells["price"].tolist() if raw is None else raw,
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
        for kind, place in (("bps", 0), ("per_share", 1))[: 2 if raw is None else 1]:
            rate = fitting_rate([row[2] for row in free], [row[place] for row in free], slack)
            if rate is None and not free:
                rate = 0
            if rate is not None and rate >= 0:
                out.append((kind, rate, minimum if free != rows or not free else 0))
    return tuple(dict.fromkeys(out))


def fitting_rate(moved: Sequence[int], bases: Sequence[int], slack: int = 0) -> int | None:
    """A rate in ppb whose product with each base rounds to what was moved, or is within `slack` of it, for
    all rows or for most of them: the others have another cause."""
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


def _cost_reads(path: str, sentence: str, none: str) -> Callable[[Subject, Value], Wording]:
    """How a change of a cost reads; `none` where nothing is charged."""
    plain = reads({path: sentence})

    def say(subject: Subject, value: Value) -> Wording:
        _, old, new = texts(subject, value)
        return plain(subject, value) if value != (path, None) else Wording(none, path, old, new)

    return say


COMMISSION = SettingHypothesis(
    id="commission",
    acts=Acts.EXECUTING,
    values=_commissions,
    say=_cost_reads("costs.commission", "commission is {new} instead of {old}", "no commission is charged"),
    apply=changed,
    family=Family.FEE,
    by_symbol=True,
    by_side=True,
)

# Slippage


def _slippages(subject: Subject, window: Window) -> Values:
    price, stated = subject.scenario.market.price_decimals, subject.scenario.costs.slippage
    tried = list(measured_slippages(window.fills, subject.market, window.slack("price")))
    own: Value = None
    if isinstance(stated, BpsSlippage):
        own = (("kind", "bps"), ("rate", from_units(stated.rate, BPS)))
        tried += [("bps", stated.rate * 2), ("bps", stated.rate // 2)]
    elif stated is not None:
        own = (("kind", "fixed"), ("amount", from_units(stated.ticks, price)))
        tried += [("fixed", stated.ticks * 2)]
    tables: list[Value] = [None]
    for kind, size in tried:
        if size:  # None stands for no slippage
            entry = ("rate", from_units(size, BPS)) if kind == "bps" else ("amount", from_units(size, price))
            tables.append((("kind", kind), entry))
    return settings("costs.slippage", tables, own)


def slippage_tables(subject: Subject, found: Iterable[tuple[str, int]]) -> Values:
    """Measured slippages of a rate, ("bps", rate), as changes of the setting; without the stated one."""
    stated = subject.scenario.costs.slippage
    own = stated.rate if isinstance(stated, BpsSlippage) else None
    return tuple(
        ("costs.slippage", (("kind", "bps"), ("rate", from_units(rate, BPS))))
        for kind, rate in found
        if kind == "bps" and rate and rate != own
    )


def measured_slippages(fills: Rows | None, market: Market, slack: int = 0) -> tuple[tuple[str, int], ...]:
    """("bps", rate in ppb) and ("fixed", ticks) by which prices are off the bar's open or close."""
    if fills is None or "price" not in fills.cells:
        return ()
    at = at_a_bar(fills, market)
    found = set()
    for prices in (market.open, market.close):
        raw = prices[fills.cycle[at], fills.symbol[at]].tolist()
        price, side = fills.cells["price"][at].tolist(), fills.side[at].tolist()
        moved = [(p - r) if s == 0 else (r - p) for p, r, s in zip(price, raw, side, strict=True)]
        if not moved or min(raw) <= 0:
            continue
        rate = fitting_rate(moved, raw, slack)
        if rate is not None and rate >= 0:
            found.add(("bps", rate))
        ticks, times = Counter(moved).most_common(1)[0]
        if ticks >= 0 and times * 5 >= len(moved) * 3:
            found.add(("fixed", ticks))
    return tuple(sorted(found))


def at_a_bar(fills: Rows, market: Market) -> np.ndarray:
    """Places of the fills that have a price and are at a bar, and of a symbol, of the market."""
    inside = (fills.cycle < len(market.timestamps)) & (fills.symbol < len(market.symbols))
    return np.flatnonzero(inside & (fills.cells["price"] > 0))


SLIPPAGE = SettingHypothesis(
    id="slippage",
    acts=Acts.EXECUTING,
    values=_slippages,
    say=_cost_reads("costs.slippage", "slippage is {new} instead of {old}", "no slippage is charged"),
    apply=changed,
    family=Family.SLIPPAGE,
    by_symbol=True,
    by_side=True,
)
