"""The state of an account, rebuilt from its ledger alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import build
from tests import comparison_kit as kit

import reference
from reconcile.roots.rebuild import rebuild_states
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import State


def true_states(scenario: Scenario, market: Market) -> list[State]:
    state, out = reference.initial_state(scenario), []
    for t in range(len(market.timestamps)):
        _, state = reference.resume(scenario, market, state, t + 1)
        out.append(state)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_rebuilt_state_is_the_true_one_after_every_bar(seed: int, drawn: int) -> None:
    market, scenario = build.random_market(seed, 5, 24), build.random_scenario(drawn)
    ledger = kit.shuffled(reference.run(scenario, market), seed)
    assert list(rebuild_states(ledger, scenario, market)) == true_states(scenario, market)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([("positions",), ("fills",), ("equity",)])
)
def test_fills_or_positions_alone_are_enough_for_the_book(
    seed: int, drawn: int, left_out: tuple[str, ...]
) -> None:
    """Cash, quantities and bases without one of the tables."""
    market, scenario = build.random_market(seed, 5, 24), build.random_scenario(drawn)
    ledger = kit.without(reference.run(scenario, market), *left_out)
    for rebuilt, true in zip(
        rebuild_states(ledger, scenario, market), true_states(scenario, market), strict=True
    ):
        assert rebuilt.cash == true.cash
        assert {s: p.quantity for s, p in rebuilt.positions.items()} == {
            s: p.quantity for s, p in true.positions.items()
        }
        assert {s: p.basis for s, p in rebuilt.positions.items()} == {
            s: p.basis for s, p in true.positions.items()
        }


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("fills", "quantity"),
        ("fills", "price"),
        ("fills", "commission"),
        ("positions", "quantity"),
        ("positions", "basis"),
        ("equity", "cash"),
    ],
)
@pytest.mark.parametrize("timing", list(Timing))
def test_one_misprinted_cell_does_not_change_the_rebuilt_book(
    table: str, column: str, timing: Timing
) -> None:
    """Of fills and the reported book, the one that later bars bear out counts."""
    scenario, market, ledger = kit.sample(timing=timing)
    truth = true_states(scenario, market)
    rows = ledger.tables[table].rows
    for row in range(rows // 4, 3 * rows // 4):
        wrong = kit.edited(ledger, table, column, row, lambda v: v + 7)
        for rebuilt, true in zip(rebuild_states(wrong, scenario, market), truth, strict=True):
            assert (rebuilt.cash, rebuilt.positions.keys()) == (true.cash, true.positions.keys()), row
            for symbol, position in rebuilt.positions.items():
                assert position == true.positions[symbol], row
