"""Random pairs of scenario and market, drawn through one function, `pick`, so that hypothesis (which
shrinks) and the endless fuzzer (which does not) draw from the same space.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np

import build
from build import DAY, PPB
from reconcile.scenario.orders import made
from vocabulary.market import Market
from vocabulary.scenario import (
    Armed,
    Bound,
    BpsCommission,
    BpsSlippage,
    BreakEven,
    CallableStrategy,
    CashPolicy,
    Commission,
    CommissionBase,
    ExitAt,
    ExitRule,
    FixedSlippage,
    Gap,
    Gate,
    Levels,
    Path,
    PerShareCommission,
    Scenario,
    Schedule,
    ScheduleKind,
    Selection,
    SizeAt,
    SizeOn,
    Slippage,
    StopLoss,
    TakeProfit,
    TimeExit,
    Timing,
    TopN,
    Touch,
    Trail,
    TrailingStop,
    VolatilityStop,
    WantedOrder,
    Weights,
    When,
)
from vocabulary.scenario import Sequence as OrderSequence
from vocabulary.state import OrderType, Side
from vocabulary.view import View

T = TypeVar("T")
HOUR = DAY // 24


class Pick(Protocol):
    """Chooses one of several; the simplest first, for what shrinks towards the front."""

    def __call__(self, options: Sequence[T], /) -> T: ...


def pair(pick: Pick) -> tuple[Scenario, Market]:
    """A scenario and a market it can run on."""
    decimals = pick([(2, 0), (4, 0), (0, 2), (4, 3), (6, 6), (9, 0)])
    drawn, bars = scenario(pick, *decimals), market(pick, decimals[0])
    return (ordering(pick, drawn, bars) if pick([False, False, False, True]) else drawn), bars


def ordering(pick: Pick, drawn: Scenario, bars: Market) -> Scenario:
    """The scenario with orders of a file in place of its strategy (R10).

    Several of one symbol at a bar, sells of more than is held, limits and stops around the next bar's prices.
    """
    rng = random.Random(pick(range(2**16)))
    types = [OrderType.MARKET]
    if drawn.execution.timing is Timing.NEXT_OPEN:
        types = pick([[OrderType.MARKET], [OrderType.LIMIT], [OrderType.STOP], list(OrderType)])
    often = pick([0.3, 0.9, 2.5])
    rows = []
    for t in range(len(bars.timestamps)):
        for _ in range(int(often + rng.random())):
            rows.append(_wanted(rng, drawn, bars, t, rng.choice(types), len(rows) + 1))
    rng.shuffle(rows)
    rows = [replace(row, row=at) for at, row in enumerate(rows, 1)] or [
        _wanted(rng, drawn, bars, 0, types[0], 1)
    ]
    strategy = replace(
        drawn.strategy,
        selection=made("orders.csv", bars.timezone is not None, rows),
        band=0,
        size_on=SizeOn.EQUITY,
        minimum_notional=0,
        size_at=SizeAt.DECISION,
    )
    levels = drawn.execution.levels
    if levels == Levels():
        levels = _levels(pick, drawn.execution.timing)
    changed = replace(drawn, strategy=strategy, execution=replace(drawn.execution, levels=levels))
    return replace(changed, digest=hashlib.sha256(repr(changed).encode()).hexdigest())


def _wanted(
    rng: random.Random, drawn: Scenario, bars: Market, t: int, kind: OrderType, row: int
) -> WantedOrder:
    s = rng.randrange(min(len(bars.symbols), 4))
    ahead = min(t + 1, len(bars.timestamps) - 1)
    near = [int(getattr(bars, side)[ahead, s]) for side in ("open", "high", "low", "close")]
    price = max(1, rng.choice(near) + rng.choice([-1, 0, 0, 0, 1]))
    share = rng.choice([1, 3, 10, 1000])
    return WantedOrder(
        row=row,
        decided_at=int(bars.timestamps[t]),
        symbol=bars.symbols[s],
        side=rng.choice(list(Side)),
        quantity=max(1, drawn.initial_cash // max(1, near[3]) // share),
        type=kind,
        price=0 if kind is OrderType.MARKET else price,
        reason=rng.choice(["order", "order", "entry"]),
    )


# Markets


def market(pick: Pick, price_decimals: int) -> Market:
    """Gaps, late starters, ties, missing scores, penny to five-figure prices, odd calendars."""
    rng = random.Random(pick(range(2**16)))
    symbols = pick([1, 2, 3, 5, 8, 8, 12, 12, 20, 20, 90])  # 90: many positions opened at once
    bars = pick([5, 9, 16, 30, 30, 45, 45, 60, 16, 9, 2, 1])
    gaps = pick([0.0, 0.0, 0.05, 0.05, 0.05, 0.3, 0.7])
    swing = pick([0.02, 0.0, 0.2])
    starts = pick([(100,), (1,), (100, 3_000, 500), (1, 30, 5_000), (20_000, 300), (1, 99_999_99)])
    prices = np.zeros((4, bars, symbols), dtype=np.int64)
    for s in range(symbols):
        unit = 10 ** max(0, price_decimals - 2)
        prices[:, :, s] = _bars(rng, bars, rng.choice(starts) * unit, swing, gaps)
    return build.assemble(
        [f"S{s:02d}" for s in range(symbols)],
        np.cumsum([0] + [rng.choice([DAY, DAY, 3 * DAY, 10 * DAY, 7 * HOUR]) for _ in range(bars - 1)])
        + pick([0, 18_000, 19_722]) * DAY,
        prices,
        _features(rng, prices, price_decimals, pick([0.0, 0.1, 0.5])),
        {"vix": np.array([rng.choice([np.nan, 15.0, 30.0, 30.5, 40.0]) for _ in range(bars)])},
        price_decimals=price_decimals,
        wall_shift=pick([0, 5 * HOUR, -9 * HOUR]),
    )


def _bars(rng: random.Random, bars: int, price: int, swing: float, gaps: float) -> Any:
    """(4, bars) ticks of one symbol, 0 where absent."""
    rows = np.zeros((4, bars), dtype=np.int64)
    begins = rng.choice([0, 0, 0, bars // 2])
    for t in range(begins, bars):
        price = max(1, price + round(price * rng.gauss(0, swing)))
        opened = max(1, price + round(price * rng.gauss(0, swing / 2)))
        if rng.random() >= gaps:
            high = max(opened, price) + round(price * abs(rng.gauss(0, swing / 2)))
            low = max(1, min(opened, price) - round(price * abs(rng.gauss(0, swing / 2))))
            # M2 asks for no order of the four: now and then the open lies outside the range
            rows[:, t] = opened, high, low, price
            if rng.random() < 0.03:
                rows[1:3, t] = low, high
    return rows


def _features(rng: random.Random, prices: Any, decimals: int, missing: float) -> Mapping[str, Any]:
    shape = prices.shape[1:]

    def filled(value: Any) -> Any:
        cells = [np.nan if rng.random() < missing else value(cell) for cell in np.ndindex(shape)]
        return np.array(cells, dtype=np.float64).reshape(shape)

    close = prices[3] / 10.0**decimals
    weights = filled(lambda cell: rng.choice([0.2, 0.35, 0.0, 1.0, -0.1, -0.2, -0.35, 4e-10, 6e-10]))
    weights[rng.randrange(shape[0])] = np.nan
    return {
        "volume": np.full(shape, np.nan),
        "score": filled(lambda cell: rng.choice([rng.randint(-2, 2), rng.random(), -0.0, 0.0])),
        "other": filled(lambda cell: rng.random()),
        "atr": filled(lambda cell: close[cell] * rng.choice([-0.01, 0.0, 0.01, 0.03])),
        "w": weights,
        "carry": filled(lambda cell: rng.choice([0, 0, 0, 1, -3, 250]) / 10.0**decimals),
        "long_w": np.abs(weights),
    }


# Callables: pure functions of their view


def by_momentum(view: View) -> dict[str, float] | None:
    """Weights what rose, None on odd bars: reads prices, presence and history."""
    if view.bar % 2:
        return None
    past = view.close[0]
    rose = [s for s in range(len(view.symbols)) if view.close[-1][s] >= past[s]]
    return {view.symbols[s]: 0.9 / len(rose) for s in rose}


def by_account(view: View) -> dict[str, float]:
    """Weights by cash, equity and what is held: reads the account."""
    share = 0.5 if view.cash * 2 > view.equity else 0.1
    return {symbol: share for symbol, held in zip(view.symbols, view.positions, strict=True) if held < 1000}


def by_score(view: View) -> dict[str, float]:
    """The three best and worst by score, some short, context read too."""
    scores = view.features["score"][-1]
    order = [s for s in np.argsort(scores, kind="stable").tolist() if not np.isnan(scores[s])]
    weights = {view.symbols[s]: 0.3 for s in order[-3:]}
    if view.context["vix"][-1] < 35:
        weights.update({view.symbols[s]: -0.2 for s in order[:2]})
    return weights


# Scenarios


def scenario(pick: Pick, price_decimals: int, quantity_decimals: int) -> Scenario:
    """Every setting of section S, each from a few values that matter."""
    short = pick([False, True])
    levels = pick([False, True])
    timing = pick(list(Timing))
    unit = 10 ** (price_decimals + quantity_decimals)
    return build.scenario(
        _selection(pick, short),
        initial_cash=pick(
            [
                *4 * [100_000 * unit, 1_000_000 * unit, 10_000 * unit + 7],
                *(900 * unit + 1, 50 * unit, 0),
            ]
        ),
        exits=_exits(pick, levels),
        levels=_levels(pick, timing) if levels else Levels(),
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        carry=pick([None, None, None, "carry"]),
        lot=pick([1, 1, 1, 1, 1, 7, 100, 10**quantity_decimals]),
        minimum_notional=pick([0, 0, 0, 0, 0, 500 * unit, 20_000 * unit]),
        commission=_commission(pick, unit),
        slippage=_slippage(pick),
        band=pick([0, PPB // 100, PPB // 3, PPB - 1]),
        size_on=pick(list(SizeOn)),
        size_at=pick([SizeAt.DECISION, SizeAt.EXECUTION])
        if timing is not Timing.SAME_CLOSE
        else SizeAt.DECISION,
        cooldown=pick([0, 0, 0, 0, 1, 1, 4, 2**40]),
        schedule=pick(
            [
                Schedule(),
                Schedule(ScheduleKind.EVERY, 2, 0),
                Schedule(ScheduleKind.EVERY, 3, 2),
                Schedule(ScheduleKind.WEEKLY),
                Schedule(ScheduleKind.MONTHLY),
            ]
        ),
        gate=pick([None, None, None, Gate("vix", Bound.MAX, 30.0), Gate("vix", Bound.MIN, 30.0)]),
        timing=timing,
        sequence=pick(list(OrderSequence)),
        cash=pick(list(CashPolicy)),
        allow_short=short,
    )


def _selection(pick: Pick, short: bool) -> Selection:
    kind = pick(["top_n", "weights", "callable"])
    if kind == "weights":
        return Weights("w" if short else "long_w")
    if kind == "callable":
        function = pick([by_momentum, by_account, *([by_score] if short else [])])
        return CallableStrategy(f"drawn:{function.__name__}", function)
    longs = pick([1, 2, 2, 5, 20] + ([0] if short else []))
    return TopN(
        "score",
        longs,
        pick([1, 3]) if short and (longs == 0 or pick([False, True])) else 0,
        pick([PPB, PPB // 2, PPB, PPB // 2, 3 * PPB, PPB // 3, PPB // 2, PPB, 0, 1]),
        pick([PPB, PPB // 2, PPB, PPB // 3, 0]),
        pick([(), (), ("other",), ("other", "atr")]),
        pick(list(When)),
    )


def _exits(pick: Pick, levels: bool) -> list[ExitRule]:
    at = [ExitAt.LEVEL, ExitAt.LEVEL, ExitAt.CLOSE] if levels else [ExitAt.CLOSE]
    rules: list[ExitRule] = [
        StopLoss("stop_loss", pick([PPB // 50, 0, PPB]), pick(at)),
        TakeProfit("take_profit", pick([PPB // 50, 0, 10 * PPB]), pick(at)),
        VolatilityStop("volatility_stop", pick([PPB, 0, 2 * PPB, 2**62]), "atr", pick(at)),
        TrailingStop(
            "trailing_stop",
            *pick([(PPB // 20, PPB // 100, PPB // 200), (0, 0, 0), (PPB, 2**62, 0)]),
            pick(at),
        ),
        TimeExit("time_exit", pick([3, 0, 1, 2**41])),
        StopLoss("wide stop", pick([PPB // 10, PPB // 3]), pick(at)),
        TakeProfit("near profit", PPB // 100, pick(at)),
        TrailingStop("tight trail", PPB // 100, 0, PPB // 100, pick(at)),
        TimeExit("late", 7),
        BreakEven("break_even", pick([PPB // 50, 0, PPB // 1000, 10 * PPB])),
        BreakEven("wide even", PPB // 10),
    ]
    count = pick([1, 2, 5, 10] if levels else [0, 0, 1, 2, 5, 10])
    first = pick(list(range(len(rules))))
    chosen = (rules[first:] + rules[:first])[:count]
    return [*_bracket(pick), *chosen] if levels and pick([True, True, False]) else chosen


def _bracket(pick: Pick) -> list[ExitRule]:
    """A stop and a target so near that one bar often has both; a gain of 0 is often met exactly."""
    near = [PPB // 100, PPB // 250, 0]
    stops: list[ExitRule] = [
        StopLoss("near stop", pick(near), ExitAt.LEVEL),
        TrailingStop("near trail", PPB // 150, 0, PPB // 150, ExitAt.LEVEL),
    ]
    target = TakeProfit("near target", pick([*near, 0, 0]), ExitAt.LEVEL)
    return pick([[stops[0], target], [target, stops[0]], [target, stops[1]], [*stops, target]])


def _levels(pick: Pick, timing: Timing) -> Levels:
    return Levels(
        pick(list(Gap)),
        pick(list(Path)),
        pick(list(Trail)),
        pick(list(Touch)),
        pick(list(Armed)) if timing is Timing.NEXT_OPEN else Armed.ENTRY,
    )


def _commission(pick: Pick, unit: int) -> Commission | None:
    return pick(
        [
            None,
            BpsCommission(500_000),
            BpsCommission(PPB // 7, unit),
            PerShareCommission(5_000_000),
            PerShareCommission(PPB // 3, unit // 2),
            BpsCommission(0, 3 * unit),
            BpsCommission(500_000, on=CommissionBase.RAW),
            BpsCommission(PPB // 7, unit, PPB // 50, CommissionBase.RAW),
            BpsCommission(500_000, 5 * unit, PPB // 1000),
            PerShareCommission(PPB // 3, 5 * unit, PPB // 200),
            PerShareCommission(5_000_000, unit, 0),
        ]
    )


def _slippage(pick: Pick) -> Slippage | None:
    return pick([None, BpsSlippage(500_000), BpsSlippage(2 * PPB), FixedSlippage(3), FixedSlippage(0)])
