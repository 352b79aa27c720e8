"""The grounds that faults are planted on: three scenarios that together use every setting, over small markets
with gaps, ties and missing values. They are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reconcile.market.builtin.synthetic import generate_market
from reconcile.market.edit import make_market
from reconcile.market.load import check
from reconcile.scenario.files import scenario_from_text
from vocabulary.market import Market
from vocabulary.scenario import Scenario

SYMBOLS, BARS = 24, 64
SEED = 5

_LONG = """
[market]
data = "ground"
[market.features]
atr = { kind = "atr", period = 5 }
[portfolio]
initial_cash = "1000000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 6
gross_long = "0.96"
band = "0.01"
cooldown = 1
gate = { context = "vix", max = 30 }
[[exits]]
kind = "volatility_stop"
multiple = "1"
feature = "atr"
[[exits]]
kind = "trailing_stop"
initial = "0.03"
tighten = "0.002"
minimum = "0.01"
[[exits]]
kind = "time_exit"
bars = 5
[costs]
commission = { kind = "bps", rate = "5" }
slippage = { kind = "bps", rate = "5" }
"""

_SHORT = """
[market]
data = "ground"
[portfolio]
initial_cash = "500000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 4
short_n = 3
gross_long = "0.9"
gross_short = "0.5"
require = ["volume"]
size_on = "initial_cash"
schedule = { every = 2, start = 1 }
[[exits]]
kind = "stop_loss"
loss = "0.03"
[[exits]]
kind = "take_profit"
gain = "0.05"
[[exits]]
kind = "break_even"
gain = "0.01"
[execution]
timing = "next_close"
sequence = "submission"
allow_short = true
[costs]
commission = { kind = "per_share", rate = "0.01", minimum = "3" }
slippage = { kind = "fixed", amount = "0.02" }
"""

_TIGHT = """
[market]
data = "ground"
[portfolio]
initial_cash = "200000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 5
when = "membership"
schedule = "weekly"
[[exits]]
kind = "time_exit"
bars = 4
[execution]
timing = "same_close"
cash = "reject"
[costs]
commission = { kind = "bps", rate = "20", minimum = "80" }
"""

SCENARIOS = {"long": _LONG, "short": _SHORT, "tight": _TIGHT}
SLOW = ("tight",)
"""Grounds whose scores stand for ten bars, so that a membership is sometimes that of the rebalance before,
and of which few are above zero, so that a zero is a high one."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A scenario and a market it runs on."""

    name: str
    scenario: Scenario
    market: Market


def ground(name: str, seed: int = SEED, symbols: int = SYMBOLS, bars: int = BARS) -> Ground:
    """One of SCENARIOS over a market of its own."""
    scenario = scenario_from_text(SCENARIOS[name], name=name)
    market = roughened(generate_market(symbols, bars, seed, scenario), seed, slow=name in SLOW)
    check(scenario, market)
    return Ground(name, scenario, market)


def roughened(market: Market, seed: int, *, slow: bool) -> Market:
    """A market with some bars and scores removed, some scores tied, and a vix that rises above 30 now and
    then and is missing at some bars. slow: scores stand for ten bars, and few are above zero."""
    bars, symbols = market.present.shape
    t, s = np.arange(bars)[:, None], np.arange(symbols)[None, :]
    draw = (t * 7_919 + s * 104_729 + seed * 31) * 2_654_435_761 % 1_000_003 % 997
    present = market.present & (draw >= 20)
    prices = {name: np.where(present, getattr(market, name), 0) for name in ("open", "high", "low", "close")}
    scored = np.arange(bars) // 10 * 10 if slow else np.arange(bars)
    score = market.features["ml_score"][scored]
    if slow:
        score = score - np.nanquantile(score, 0.85)
    score = np.where(draw[scored] % 10 < 3, np.round(score), score)
    score = np.where((draw >= 20) & (draw < (100 if slow else 50)), np.nan, score)
    vix = 20.0 + 9.0 * np.sin(np.arange(bars) / 4.0) + np.arange(bars) % 5
    vix[(np.arange(bars) + seed) % 11 == 7] = np.nan
    atr = {
        name: np.where(present, values, np.nan) for name, values in market.features.items() if name == "atr"
    }
    volume = np.where((draw >= 50) & (draw < 70), np.nan, market.features["volume"])
    features = {**market.features, **atr, "ml_score": score, "volume": volume}
    arrays = {**prices, "present": present, "volume": volume}
    for array in (*arrays.values(), *features.values(), vix):
        array.flags.writeable = False
    changed: dict[str, Any] = {**arrays, "features": features, "context": {"vix": vix}}
    return make_market(replace(market, **changed))
