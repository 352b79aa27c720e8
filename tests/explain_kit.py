"""A small ground for the tests of explain: gaps, missing scores, a vix that is missing now and then."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from reconcile.comparing.compare import compare
from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.explain import explain
from reconcile.explaining.hypotheses.catalogue import CATALOGUE
from reconcile.explaining.model import Change, Explanation, Subject
from reconcile.market.builtin.synthetic import generate_market
from reconcile.market.edit import make_market
from reconcile.scenario.files import replace as replace_setting
from reconcile.scenario.files import scenario_from_text
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

SYMBOLS, BARS = 14, 44

TEXT = """
[market]
data = "ground"
[market.features]
atr = { kind = "atr", period = 4 }
[portfolio]
initial_cash = "1000000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 5
gross_long = "0.95"
band = "0.01"
gate = { context = "vix", max = 25 }
[[exits]]
kind = "volatility_stop"
multiple = "1"
feature = "atr"
[[exits]]
kind = "time_exit"
bars = 9
[costs]
commission = { kind = "bps", rate = "5" }
slippage = { kind = "bps", rate = "5" }
"""


def market_of(scenario: Scenario, symbols: int = SYMBOLS, bars: int = BARS) -> Market:
    """Generated bars, some taken away; scores missing here, the vix there."""
    market = generate_market(symbols, bars, 3, scenario)
    t, s = np.arange(bars)[:, None], np.arange(symbols)[None, :]
    present = market.present & ((t * 5 + s * 3) % 23 != 0)
    score = np.where((t + 7 * s) % 17 == 0, np.nan, market.features["ml_score"])
    vix = 20.0 + 8.0 * np.sin(np.arange(bars) / 3.0)
    vix[np.arange(bars) % 10 == 6] = np.nan
    prices = {name: np.where(present, getattr(market, name), 0) for name in ("open", "high", "low", "close")}
    features = {**market.features, "ml_score": score}
    for array in (present, score, vix, *prices.values()):
        array.flags.writeable = False
    changed: dict[str, Any] = {**prices, "present": present, "features": features, "context": {"vix": vix}}
    return make_market(replace(market, **changed))


@lru_cache(maxsize=1)
def ground() -> Subject:
    """The scenario over its market."""
    return ground_with()


def ground_with(*settings: tuple[str, Any]) -> Subject:
    """The same with some settings replaced."""
    scenario = scenario_from_text(TEXT, name="ground")
    for path, value in settings:
        scenario = replace_setting(scenario, path, value)
    return Subject(scenario, market_of(scenario))


def ledger_of(subject: Subject, *changes: Change) -> Ledger:
    """What comes out of the subject under changes."""
    return Counterfactuals(subject).ledger(CATALOGUE.ordered(changes))


def explained(subject: Subject, ledger: Ledger, **more: Any) -> Explanation:
    return explain(subject.scenario, subject.market, ledger, **more)


def same(subject: Subject, changes: tuple[Change, ...], ledger: Ledger) -> bool:
    """Whether a run under some changes gives a ledger, to the last unit."""
    return not compare(ledger_of(subject, *changes), ledger).breaks


def setting(hypothesis: str, path: str, value: Any) -> Change:
    return change(hypothesis, (path, value))


def change(hypothesis: str, *value: Any, **limits: Any) -> Change:
    """A change by its hypothesis's id in the JSON."""
    return Change(next(each for each in CATALOGUE if each.id == hypothesis), *value, **limits)


def bps(rate: str) -> tuple[tuple[str, str], ...]:
    """A commission table as a Change holds it."""
    return (("kind", "bps"), ("rate", rate), ("minimum", "0"))
