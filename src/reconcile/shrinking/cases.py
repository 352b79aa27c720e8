"""Cases, and the steps that make one smaller: fewer bars, fewer symbols, simpler settings.

Features become data before anything is removed, so that a smaller market keeps the values that the whole
market gave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from reconcile.market.edit import make_market, slice_market
from reconcile.matching.model import BreakType, Reconciliation, Stage, Tolerance
from reconcile.scenario.files import replace as replace_setting
from reconcile.scenario.orders import rows_within, with_rows
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import (
    CallableStrategy,
    OrdersStrategy,
    Scenario,
    TimeExit,
    TopN,
    VolatilityStop,
    Weights,
)


class RootSignature(NamedTuple):
    """Two first divergences with the same signature count as the same root."""

    stage: Stage
    type: BreakType
    table: str
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A scenario, the market that it runs on, and how far values of a foreign candidate may be off."""

    scenario: Scenario
    market: Market
    tolerances: tuple[Tolerance, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BrokenCase:
    """A case on which the candidate was run, and how it breaks.

    found: the comparison with the reference. rebalances: how many the reference makes.
    """

    case: Case
    found: Reconciliation
    rebalances: int

    def size(self) -> tuple[int, int, int, int]:
        """(rebalances, symbols, bars, size of the scenario): the smaller case has the smaller tuple.

        The size is the number of characters, and of orders in its file.
        """
        from reconcile.scenario.toml import scenario_to_toml

        bars, symbols = self.case.market.present.shape
        wanted = self.case.scenario.strategy.selection
        orders = len(wanted.rows) if isinstance(wanted, OrdersStrategy) else 0
        return self.rebalances, symbols, bars, len(scenario_to_toml(self.case.scenario)) + orders


@dataclass(frozen=True, slots=True)
class NamedChange:
    """A change that explain names for a case, so that it can be found again in another cut of it.

    hypothesis: its id. value: as explain tries it. symbols: names, None for all. side: buy, sell or None.
    """

    hypothesis: str
    value: object
    symbols: frozenset[str] | None
    side: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """The result of shrinking.

    before, after: the case that was given, and the smallest. root: the signature of the first divergence of
    both. dropped: settings that are not needed, by path. causes: hypotheses that explain names for both
    cases; empty where it names none for both. named: the changes that it names for the given case. trials:
    how many cases were tried. stopped: whether the limit on trials or time was reached, so that a smaller
    case may exist.
    """

    before: BrokenCase
    after: BrokenCase
    root: RootSignature
    dropped: tuple[str, ...]
    causes: tuple[str, ...]
    named: tuple[NamedChange, ...]
    trials: int
    seconds: float
    stopped: bool


DATA = "bars.parquet"
"""The file from which the scenario of a case loads its bars."""
ORDERS = "orders.csv"
"""The file of orders of a case whose strategy has one."""
FEW = 40
"""The largest number of symbols for which `narrower` tries to leave out each of them."""
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
"""Settings that may be left to their defaults, in the order in which they are tried."""


def freeze_features(scenario: Scenario, market: Market) -> Case:
    """The same case with its features as data, so that none is computed when the case is loaded again."""
    source = replace(scenario.market, features=(), context=None, data=DATA)
    strategy = scenario.strategy
    if isinstance(strategy.selection, OrdersStrategy):
        strategy = replace(strategy, selection=replace(strategy.selection, file=ORDERS))
    changed = replace(scenario, market=source, strategy=strategy)
    remade = replace_setting(changed, "market.data", DATA)  # validates, and computes the digest
    return Case(remade, market)


def at_bars(case: Case, bars: Sequence[int]) -> Case:
    """The case with only these bars. bars: ascending numbers."""
    market, rows = case.market, np.array(bars, np.int64)
    if len(rows) == int(rows[-1]) - int(rows[0]) + 1:
        return _over(case, slice_market(market, bars=(int(rows[0]), int(rows[-1]) + 1)))
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
    return _over(case, make_market(made))


def of_symbols(case: Case, symbols: Sequence[str]) -> Case:
    """The case with only these symbols."""
    return _over(case, slice_market(case.market, symbols=symbols))


def _over(case: Case, market: Market) -> Case:
    """The case over a part of its market; of a file of orders those rows stay that this still knows (R10)."""
    return replace(case, scenario=rows_within(case.scenario, market), market=market)


def fewer_orders(case: Case) -> Iterator[tuple[str, Case]]:
    """(change, case) with one half of the rows of a file of orders, or without one row (R10)."""
    wanted = case.scenario.strategy.selection
    if not isinstance(wanted, OrdersStrategy) or len(wanted.rows) < 2:
        return
    rows = wanted.rows
    half = len(rows) // 2
    parts = [("the first half of the orders", rows[half:]), ("the second half of the orders", rows[:half])]
    if len(rows) <= FEW:
        parts += [
            (f"the order of row {row.row}", tuple(each for each in rows if each is not row)) for row in rows
        ]
    for what, kept in parts:
        yield what, replace(case, scenario=with_rows(case.scenario, kept))


def columns_needed(case: Case) -> Case | None:
    """The case without the features and context that its scenario does not read; None if it reads all."""
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
    """(change, case) for each setting that can be left out or made smaller."""
    for rule in case.scenario.exits:
        yield from _changed(case, f"exits.{rule.name}", None)
    for path in SETTINGS:
        yield from _changed(case, path, None)
    for rule in case.scenario.exits:
        if isinstance(rule, TimeExit):
            for bars in range(1, min(rule.bars, 4)):
                yield from _changed(case, f"exits.{rule.name}.bars", bars)
    yield from fewer_orders(case)
    top = case.scenario.strategy.selection
    if isinstance(top, TopN):
        for key, count in (("n", top.n), ("short_n", top.short_n)):
            for fewer in dict.fromkeys((0, 1, 2, count // 2, count - 1)):
                if 0 <= fewer < count:
                    yield from _changed(case, f"strategy.{key}", fewer)


def narrower(case: Case) -> Iterator[tuple[str, Case]]:
    """(change, case) with one symbol fewer and one place in the ranking fewer."""
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
    """(change, case) that rebalances less often: at one bar only, then at every half or third of the bars."""
    bars = len(case.market.timestamps)
    for every in dict.fromkeys((bars, -(-bars // 2), -(-bars // 3))):
        for start in range(min(bars, 4)):
            yield from _changed(case, "strategy.schedule", {"every": max(1, every), "start": start})


def _in_toml(value: Any) -> str:
    """The value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_in_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _changed(case: Case, path: str, value: Any) -> Iterator[tuple[str, Case]]:
    try:
        made = replace_setting(case.scenario, path, value)
    except InputError:
        return  # the scenario has no such setting, or is not valid without it
    if made != case.scenario:
        what = path if value is None else f"{path} = {_in_toml(value)}"
        yield what, replace(case, scenario=made)
