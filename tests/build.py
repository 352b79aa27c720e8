"""Tiny markets and scenarios, made directly: no file, no validation.

All prices are ticks. `market({"A": [100, None, (101, 103, 99, 102)]})` is three bars of one symbol,
absent at the second. `scenario(selection=..., timing=...)` takes every setting flat, defaults as in
section S.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import (
    Bound,
    BpsCommission,
    BpsSlippage,
    CallableStrategy,
    CashPolicy,
    Commission,
    Costs,
    Execution,
    ExitAt,
    ExitRule,
    FixedSlippage,
    Gate,
    MarketSource,
    PerShareCommission,
    Scenario,
    Schedule,
    ScheduleKind,
    Selection,
    SizeOn,
    Slippage,
    StopLoss,
    Strategy,
    TakeProfit,
    TimeExit,
    Timing,
    TopN,
    TrailingStop,
    VolatilityStop,
    Weights,
    When,
)
from vocabulary.scenario import Sequence as OrderSequence

DAY = 86_400_000_000_000
PPB = 1_000_000_000

Bar = int | tuple[int, int] | tuple[int, int, int, int] | None
"""None: absent. A number: all four prices. (open, close): high and low around them. (o, h, l, c)."""


def market(
    bars: Mapping[str, Sequence[Bar]],
    features: Mapping[str, Mapping[str, Sequence[float | None]]] | None = None,
    context: Mapping[str, Sequence[float | None]] | None = None,
    *,
    start: str = "2020-01-01",
    dates: Sequence[str] | None = None,
    price_decimals: int = 4,
    timezone: str | None = None,
    wall_shift: int = 0,
) -> Market:
    """A market of bars in ticks, one a day from `start` unless `dates` names them (ISO).

    features: name -> symbol -> values; a symbol left out is missing. None is missing.
    wall_shift: nanoseconds from `timestamps` to local clock time.
    """
    symbols = tuple(sorted(bars))
    count = len(bars[symbols[0]])
    assert all(len(column) == count for column in bars.values()), "every symbol needs as many bars"
    prices = np.zeros((4, count, len(symbols)), dtype=np.int64)
    for s, symbol in enumerate(symbols):
        for t, bar in enumerate(bars[symbol]):
            prices[:, t, s] = _four(bar)
    columns = {"volume": np.full((count, len(symbols)), np.nan)}
    for name, by_symbol in (features or {}).items():
        columns[name] = np.full((count, len(symbols)), np.nan)
        for symbol, values in by_symbol.items():
            columns[name][:, symbols.index(symbol)] = _doubles(values)
    days = [date.fromisoformat(day).toordinal() for day in dates or [start]]
    if dates is None:
        days = [days[0] + t for t in range(count)]
    stamps = np.array([(day - date(1970, 1, 1).toordinal()) * DAY for day in days], dtype=np.int64)
    return assemble(
        symbols,
        stamps,
        prices,
        columns,
        {name: _doubles(values) for name, values in (context or {}).items()},
        price_decimals=price_decimals,
        timezone=timezone,
        wall_shift=wall_shift,
    )


def assemble(
    symbols: Sequence[str],
    stamps: Any,
    prices: Any,
    features: Mapping[str, Any],
    context: Mapping[str, Any],
    *,
    price_decimals: int = 4,
    timezone: str | None = None,
    wall_shift: int = 0,
) -> Market:
    """A market from arrays: prices (4, T, S) in ticks, 0 where absent; all made read-only."""
    arrays = [np.ascontiguousarray(prices[k], dtype=np.int64) for k in range(4)]
    present = np.ascontiguousarray(arrays[3] > 0)
    wall = stamps + wall_shift
    for array in (stamps, wall, present, *arrays, *features.values(), *context.values()):
        array.flags.writeable = False
    digest = hashlib.sha256(repr((tuple(symbols), price_decimals, timezone)).encode())
    for array in (stamps, wall, *arrays):
        digest.update(array.tobytes())
    for name, array in (*sorted(features.items()), *sorted(context.items())):
        digest.update(name.encode() + array.tobytes())
    return Market(
        symbols=tuple(symbols),
        timestamps=stamps,
        wall=wall,
        timezone=timezone,
        price_decimals=price_decimals,
        present=present,
        open=arrays[0],
        high=arrays[1],
        low=arrays[2],
        close=arrays[3],
        volume=features["volume"],
        features=dict(features),
        context=dict(context),
        digest=digest.hexdigest(),
    )


def _four(bar: Bar) -> tuple[int, int, int, int]:
    if bar is None:
        return 0, 0, 0, 0
    if isinstance(bar, int):
        return bar, bar, bar, bar
    if len(bar) == 2:
        return bar[0], max(bar), min(bar), bar[1]
    return bar


def _doubles(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def scenario(
    selection: Selection | None = None,
    *,
    initial_cash: int = 10_000_000_000,
    exits: Sequence[ExitRule] = (),
    price_decimals: int = 4,
    quantity_decimals: int = 0,
    lot: int = 1,
    carry: str | None = None,
    commission: Commission | None = None,
    slippage: Slippage | None = None,
    **settings: Any,
) -> Scenario:
    """A scenario; by default `top_n` of feature `score`, n = 1, all else as in section S.

    settings: fields of Strategy (band, size_on, size_at, cooldown, schedule, gate, minimum_notional) and of
    Execution (timing, sequence, cash, allow_short, levels).
    """
    of_execution = {"timing", "sequence", "cash", "allow_short", "levels"}
    execution = {name: settings.pop(name) for name in of_execution & settings.keys()}
    made = Scenario(
        market=MarketSource("none", None, price_decimals, quantity_decimals, lot=lot, carry=carry),
        initial_cash=initial_cash,
        strategy=Strategy(selection or TopN("score", 1), **settings),
        exits=tuple(exits),
        execution=Execution(**execution),
        costs=Costs(commission, slippage),
    )
    return replace(made, digest=hashlib.sha256(repr(made).encode()).hexdigest())


def calling(function: Callable[..., Any]) -> CallableStrategy:
    """A callable strategy of a function made in a test."""
    return CallableStrategy(f"{function.__module__}:{function.__name__}", function)


def random_market(
    seed: int, symbols: int = 6, bars: int = 30, *, price_decimals: int = 2, quantity_decimals: int = 0
) -> Market:
    """Gaps, late starters, ties, missing scores, penny and four-figure prices; features `score`, `other`,
    `atr` and `w` (weights, some negative), context `vix`. Equal for equal arguments."""
    rng = random.Random(seed)
    names = sorted(f"S{k:03d}" for k in range(symbols))
    prices = np.zeros((4, bars, symbols), dtype=np.int64)
    for s in range(symbols):
        price = rng.choice([2, 30, 500, 5_000, 100_000]) * 10 ** max(0, price_decimals - 2)
        begins = rng.choice([0, 0, 0, bars // 3])
        for t in range(begins, bars):
            price = max(1, price + round(price * rng.gauss(0, 0.04)))
            around = [max(1, price + round(price * rng.gauss(0, 0.02))) for _ in range(3)]
            if rng.random() > 0.06:
                prices[:, t, s] = around[0], max(*around, price), min(*around, price), price
    shape = (bars, symbols)
    cells = [(t, s) for t in range(bars) for s in range(symbols)]
    features = {name: np.full(shape, np.nan) for name in ("volume", "score", "other", "atr", "w")}
    for cell in cells:
        if rng.random() > 0.1:
            features["score"][cell] = rng.choice([rng.randint(-3, 3), rng.random()])
        if rng.random() > 0.1:
            features["other"][cell] = rng.random()
        if rng.random() > 0.1:
            features["atr"][cell] = prices[3][cell] / 10**price_decimals * rng.choice([0, 0.01, 0.03])
        if rng.random() > 0.4:
            features["w"][cell] = rng.choice([0.0, 0.2, 0.35, -0.2, 1e-10])
    features["w"][rng.randrange(bars)] = np.nan
    vix = np.array([rng.choice([np.nan, 15.0, 25.0, 30.0, 40.0]) for _ in range(bars)])
    stamps = np.array([(18_000 + t * 2) * DAY for t in range(bars)], dtype=np.int64)
    return assemble(names, stamps, prices, features, {"vix": vix}, price_decimals=price_decimals)


def random_scenario(
    seed: int, *, price_decimals: int = 2, quantity_decimals: int = 0, levels: bool = False
) -> Scenario:
    """Any setting but a callable, for the markets of `random_market`. Equal for equal arguments.

    levels: whether its exits are tested at their levels (X5).
    """
    rng = random.Random(seed)
    short = rng.random() < 0.5
    selection: Selection = TopN(
        "score",
        rng.randint(0 if short else 1, 3),
        rng.randint(1, 3) if short else 0,
        rng.choice([PPB, PPB // 2, 2 * PPB]),
        rng.choice([PPB, PPB // 2]),
        rng.choice([(), ("other",), ("other", "atr")]),
        rng.choice(list(When)),
    )
    if short and rng.random() < 0.3:
        selection = Weights("w")
    at = ExitAt.LEVEL if levels else ExitAt.CLOSE
    exits: list[ExitRule] = [
        StopLoss("stop", rng.choice([0, PPB // 50, PPB // 10]), at),
        TakeProfit("profit", rng.choice([PPB // 50, PPB // 10]), at),
        VolatilityStop("volatility", rng.choice([PPB, 2 * PPB]), "atr", at),
        TrailingStop("trailing", PPB // 20, PPB // 1000, PPB // 200, at),
        TimeExit("time", rng.randint(0, 8)),
    ]
    rng.shuffle(exits)
    return scenario(
        selection,
        initial_cash=rng.choice([0, 1, 1_000_000, 10**9]) * 10**quantity_decimals,
        exits=exits[: rng.randint(0, 5)],
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        commission=rng.choice(
            [None, BpsCommission(500_000), BpsCommission(10**6, 300), PerShareCommission(5 * 10**6, 7)]
        ),
        slippage=rng.choice([None, BpsSlippage(500_000), BpsSlippage(10**7), FixedSlippage(3)]),
        band=rng.choice([0, PPB // 100, PPB // 5]),
        size_on=rng.choice(list(SizeOn)),
        cooldown=rng.choice([0, 0, 1, 4]),
        schedule=rng.choice([Schedule(), Schedule(every=3, start=2), *map(Schedule, list(ScheduleKind))]),
        gate=rng.choice([None, None, Gate("vix", *_bounds(rng))]),
        timing=rng.choice(list(Timing)),
        sequence=rng.choice(list(OrderSequence)),
        cash=rng.choice(list(CashPolicy)),
        allow_short=short,
    )


def _bounds(rng: random.Random) -> tuple[Any, float]:
    return rng.choice([(Bound.MAX, 30.0), (Bound.MIN, 20.0)])


def rows(ledger: Ledger, table: str, *names: str) -> list[Any]:
    """A table's rows as dicts, or as tuples of the columns named; words for codes, None where empty."""
    cells = {}
    for name, column in ledger.tables[table].columns.items():
        plain = column.values.tolist()
        if column.dictionary is not None:
            plain = [column.dictionary[code] for code in plain]
        if column.missing is not None:
            plain = [None if gone else value for gone, value in zip(column.missing, plain, strict=True)]
        cells[name] = plain
    if names:
        return list(zip(*(cells[name] for name in names), strict=True))
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def bar_of(market: Market, timestamp: int) -> int:
    """The bar of a timestamp as a ledger has it."""
    return list(market.timestamps).index(timestamp)
