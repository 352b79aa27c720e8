"""Shrink: few symbols, few rebalances, and the same root."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from tests import explain_kit as kit
from tests.explain_kit import setting
from tests.test_explain_causes import CAPITAL, DEARER, NEXT_CLOSE, NO_GATE, ZERO_VIX

import engine
from reconcile.explaining.explain import explain
from reconcile.explaining.model import Change, Subject
from reconcile.shrinking.cases import Case, Shrunk, at_bars, freeze_features, rarer
from reconcile.shrinking.shrink import same_causes, shrink
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

FAULTS = [
    CAPITAL,
    DEARER,
    NEXT_CLOSE,
    NO_GATE,
    ZERO_VIX,
    setting("band", "strategy.band", "0.2"),
    setting("exit_setting", "exits.time_exit.bars", 7),
    kit.change("exit_unused", "*"),
    kit.change("feature_reversed", "ml_score"),
    kit.change("fill_dropped"),
    kit.change("order_late", 1),
    kit.change("frozen_book", "book"),
]


def shrunk(change: Change) -> Shrunk:
    subject = kit.ground()

    def candidate(scenario: Scenario, market: Market) -> Ledger:
        return kit.ledger_of(type(subject)(scenario, market), change)

    found = shrink(subject.scenario, subject.market, "candidate", candidate)
    assert found is not None
    return found


@pytest.mark.parametrize("change", FAULTS, ids=lambda change: change.hypothesis.id)
def test_three_symbols_and_three_rebalances_are_enough(change: Change) -> None:
    """And the first divergence is of the same stage, type, table and column, for the same cause."""
    found = shrunk(change)
    first = found.after.found.first
    assert first is not None
    assert (first.stage, first.type, first.table, first.field) == found.root
    _, symbols = found.after.case.market.present.shape
    assert symbols <= 3 and found.after.rebalances <= 3
    assert change.hypothesis.id in found.causes
    assert not found.stopped


def test_a_rate_of_the_small_case_is_none_of_the_given_case() -> None:
    """On a few bars another rate may fit: value and symbols have to be those of the whole."""
    found = shrunk(DEARER)
    small = found.after.case
    whole = kit.ledger_of(Subject(small.scenario, small.market), DEARER)
    assert same_causes(found, explain(small.scenario, small.market, whole))
    for other in (
        setting("commission", "costs.commission", kit.bps("9")),
        replace(DEARER, symbols=(0,)),
    ):
        cause = replace(explain(small.scenario, small.market, whole).causes[0], change=other, rivals=())
        answer = replace(explain(small.scenario, small.market, whole), causes=(cause,))
        assert not same_causes(found, answer)


def test_a_setting_that_was_changed_reads_as_in_the_scenario_file() -> None:
    subject = kit.ground()
    words = [what for what, _ in rarer(Case(subject.scenario, subject.market))]
    assert f"strategy.schedule = {{ every = {kit.BARS}, start = 0 }}" in words
    assert all(tomllib.loads(what) for what in words)


def test_a_candidate_that_ties_out_is_not_shrunk() -> None:
    subject = kit.ground()
    assert shrink(subject.scenario, subject.market, "true", engine.run) is None


def test_features_are_those_of_the_whole_market() -> None:
    """Computed before anything is cut: an atr of three bars is the atr of all of them."""
    subject = kit.ground()
    case = at_bars(freeze_features(subject.scenario, subject.market), [7, 20, 31])
    whole = subject.market.features["atr"][[7, 20, 31]]
    assert np.array_equal(case.market.features["atr"], whole, equal_nan=True)
    assert case.scenario.market.features == ()
    assert case.market.timestamps.tolist() == subject.market.timestamps[[7, 20, 31]].tolist()
    assert case.market.digest != subject.market.digest


def test_a_frozen_case_runs_as_the_one_it_was_frozen_from() -> None:
    subject = kit.ground()
    case = freeze_features(subject.scenario, subject.market)
    plain, again = engine.run(subject.scenario, subject.market), engine.run(case.scenario, case.market)
    equity = "equity"
    assert np.array_equal(
        plain.tables[equity].columns[equity].values, again.tables[equity].columns[equity].values
    )
