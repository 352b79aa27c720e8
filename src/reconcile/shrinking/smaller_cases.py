"""Smaller cases: of some bars, some symbols, with a setting left out or made small.

Features are frozen before anything is cut: a slice keeps the values that the whole market gave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reconcile.market.edit import make_market, slice_market
from reconcile.scenario.files import replace as replace_setting
from reconcile.shrinking.model import Case
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import CallableStrategy, Scenario, TimeExit, TopN, VolatilityStop, Weights

DATA = "bars.parquet"
"""Where a frozen scenario looks for its bars."""
FEW = 40
"""Symbols up to which each is left out in turn, together with a place in the ranking."""
SETTINGS = (
    "strategy.gate",
    "strategy.cooldown",
    "strategy.band",
    "strategy.when",
    "strategy.require",
    "strategy.size_on",
    "strategy.gross_long",
    "strategy.gross_short",
    "execution.sequence",
    "execution.cash",
    "costs.slippage",
    "costs.commission",
    "costs.commission.minimum",
    "execution.timing",
    "strategy.schedule",
)
"""Settings that may be left to their defaults, in the order in which that is tried."""


def frozen(scenario: Scenario, market: Market) -> Case:
    """The same case with its features as data: nothing is computed when it is loaded again."""
    source = replace(scenario.market, features=(), context=None, data=DATA)
    changed = replace(scenario, market=source)
    remade = replace_setting(changed, "market.data", DATA)  # validated anew, with a digest of its own
    return Case(remade, market)


def at_bars(case: Case, bars: Sequence[int]) -> Case:
    """Only some of the bars, in order."""
    market, rows = case.market, np.array(bars, np.int64)
    if len(rows) == int(rows[-1]) - int(rows[0]) + 1:
        return replace(case, market=slice_market(market, bars=(int(rows[0]), int(rows[-1]) + 1)))
    grids: dict[str, Any] = {
        name: getattr(market, name)[rows] for name in ("present", "open", "high", "low", "close")
    }
    volume = market.volume[rows]
    features = {
        name: volume if values is market.volume else values[rows] for name, values in market.features.items()
    }
    made = replace(
        market,
        **grids,
        timestamps=market.timestamps[rows],
        wall=market.wall[rows],
        volume=volume,
        features=features,
        context={name: values[rows] for name, values in market.context.items()},
    )
    return replace(case, market=make_market(made))


def of_symbols(case: Case, symbols: Sequence[str]) -> Case:
    """Only some of the symbols."""
    return replace(case, market=slice_market(case.market, symbols=symbols))


def columns_needed(case: Case) -> Case | None:
    """Without features and context that the scenario does not read; None where all are."""
    scenario, market = case.scenario, case.market
    selection = scenario.strategy.selection
    if isinstance(selection, CallableStrategy):
        return None
    names = [rule.feature for rule in scenario.exits if isinstance(rule, VolatilityStop)]
    if isinstance(selection, TopN):
        names += [selection.score, *selection.require]
    elif isinstance(selection, Weights):
        names.append(selection.feature)
    gate = scenario.strategy.gate
    features = {name: values for name, values in market.features.items() if name in (*names, "volume")}
    context = {k: v for k, v in market.context.items() if gate is not None and k == gate.context}
    if len(features) + len(context) == len(market.features) + len(market.context):
        return None
    return replace(case, market=make_market(replace(market, features=features, context=context)))


def simpler(case: Case) -> Iterator[tuple[str, Case]]:
    """Cases with one setting left out or made small, and what was done."""
    for rule in case.scenario.exits:
        yield from _changed(case, f"exits.{rule.name}", None)
    for path in SETTINGS:
        yield from _changed(case, path, None)
    for rule in case.scenario.exits:
        if isinstance(rule, TimeExit):
            for bars in range(1, min(rule.bars, 4)):
                yield from _changed(case, f"exits.{rule.name}.bars", bars)
    top = case.scenario.strategy.selection
    if isinstance(top, TopN):
        for key, count in (("n", top.n), ("short_n", top.short_n)):
            for fewer in dict.fromkeys((0, 1, 2, count // 2, count - 1)):
                if 0 <= fewer < count:
                    yield from _changed(case, f"strategy.{key}", fewer)


def narrower(case: Case) -> Iterator[tuple[str, Case]]:
    """Cases with one symbol and one place in the ranking fewer."""
    top, names = case.scenario.strategy.selection, case.market.symbols
    if not isinstance(top, TopN) or len(names) > FEW:
        return
    for key, count in (("n", top.n), ("short_n", top.short_n)):
        for what, fewer in _changed(case, f"strategy.{key}", count - 1) if count > 1 else ():
            for name in names:
                rest = [other for other in names if other != name]
                if rest:
                    yield what, of_symbols(fewer, rest)


def rarer(case: Case) -> Iterator[tuple[str, Case]]:
    """Cases that rebalance less often: every second bar, at one only."""
    bars = len(case.market.timestamps)
    for every in dict.fromkeys((bars, -(-bars // 2), -(-bars // 3))):
        for start in range(min(bars, 4)):
            yield from _changed(case, "strategy.schedule", {"every": max(1, every), "start": start})


def _in_toml(value: Any) -> str:
    """A value as it reads in the scenario file."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_in_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _changed(case: Case, path: str, value: Any) -> Iterator[tuple[str, Case]]:
    try:
        made = replace_setting(case.scenario, path, value)
    except InputError:
        return  # the scenario does not have it, or would not be one without
    if made != case.scenario:
        what = path if value is None else f"{path} = {_in_toml(value)}"
        yield what, replace(case, scenario=made)
