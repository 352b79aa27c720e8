"""Cross checks of a scenario against its market."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from market_kit import ROWS, load_csv, scenario, table, write_csv
from reconcile.market.edit import replace_columns
from reconcile.market.load import check, load_market, market_from_frame
from vocabulary.errors import InputError, RangeError
from vocabulary.market import Market
from vocabulary.scenario import Bound, Gate, Scenario, VolatilityStop


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return load_csv(tmp_path, *ROWS)


def with_stop(made: Scenario, feature: str) -> Scenario:
    return replace(made, exits=(VolatilityStop("stop", 1_000_000_000, feature),))


def weights(**execution: Any) -> Scenario:
    made = scenario(kind="weights", feature="score")
    return replace(made, execution=replace(made.execution, **execution))


def test_a_scenario_that_fits_passes(market: Market) -> None:
    check(scenario(), market)
    check(with_stop(scenario(kind="top_n", score="volume", n=1, require=["score"]), "volume"), market)
    check(weights(), market)


@pytest.mark.parametrize(
    "made",
    [
        scenario(kind="top_n", score="alpha", n=1),
        scenario(kind="top_n", score="score", n=1, require=["volume", "alpha"]),
        scenario(kind="weights", feature="alpha"),
        with_stop(scenario(), "alpha"),
    ],
    ids=["score", "require", "weights", "stop"],
)
def test_a_missing_feature_is_an_error_that_lists_those_there_are(made: Scenario, market: Market) -> None:
    with pytest.raises(
        InputError, match=r"the feature 'alpha', which the market does not have; expected one of score, v"
    ):
        check(made, market)


def test_a_missing_context_column_is_an_error_never_a_zero(market: Market) -> None:
    made = scenario()
    gated = replace(made, strategy=replace(made.strategy, gate=Gate("vix", Bound.MAX, 30.0)))
    with pytest.raises(
        InputError, match=r"'vix', which the market does not have; expected a context column of the market"
    ):
        check(gated, market)
    check(gated, replace_columns(market, context={"vix": np.full(3, np.nan)}))
    with pytest.raises(InputError, match=r"expected one of rate"):
        check(gated, replace_columns(market, context={"rate": np.zeros(3)}))


def test_loading_a_market_holds_the_scenario_against_it(tmp_path: Path) -> None:
    """R3, E5: also where nobody calls `check`, as in a notebook."""
    weighted = scenario(kind="weights", feature="score")
    frame = table(score=pa.array([1.0, 2.0, -0.5, 4.0, 5.0, 6.0])).to_pandas()
    with pytest.raises(InputError, match=r"the weight -0.5"):
        market_from_frame(frame, weighted)
    path = write_csv(tmp_path, *ROWS)
    with pytest.raises(InputError, match=r"the feature 'alpha', which the market does not have"):
        load_market(scenario(kind="top_n", score="alpha", n=1), path)


def test_units_must_agree(market: Market) -> None:
    with pytest.raises(InputError, match=r"market.price_decimals: found 2; expected 4"):
        check(scenario(2), market)


def set_score(market: Market, value: float) -> Market:
    score = np.zeros((3, 2))
    score[1, 1] = value
    return replace_columns(market, features={"score": score})


def test_a_weight_below_zero_needs_shorts(market: Market) -> None:
    with pytest.raises(InputError, match=r"B at 2024-01-02: found the weight -0.25; .*allow_short"):
        check(weights(), set_score(market, -0.25))
    check(weights(allow_short=True), set_score(market, -0.25))


@pytest.mark.parametrize(
    ("value", "refused"), [(-0.5e-9, False), (-0.6e-9, True), (-1.5e-9, True), (-0.0, False)]
)
def test_a_weight_counts_as_negative_after_rounding_to_ppb(
    market: Market, value: float, refused: bool
) -> None:
    """-0.5 ppb is a tie and rounds to even, which is 0."""
    if refused:
        with pytest.raises(InputError, match=r"weights >= 0"):
            check(weights(), set_score(market, value))
    else:
        check(weights(), set_score(market, value))


def test_a_negative_weight_of_an_absent_symbol_is_refused_too(market: Market) -> None:
    """E5 speaks of the column, not of the targets it would give."""
    gone = market.present.copy()
    gone[1, 1] = False
    prices = {name: np.where(gone, getattr(market, name), 0) for name in ("open", "high", "low", "close")}
    absent = replace_columns(set_score(market, -1.0), present=gone, **prices)
    with pytest.raises(InputError, match=r"allow_short"):
        check(weights(), absent)


@pytest.mark.parametrize("value", [9.3e9, 1e308])
def test_a_weight_beyond_int64_is_refused(market: Market, value: float) -> None:
    with pytest.raises(RangeError, match=r"B at 2024-01-02: found .*beyond int64 in ppb"):
        check(weights(), set_score(market, value))


@pytest.mark.parametrize("value", [1e15, -1e15])
def test_a_stops_feature_beyond_int64_ticks_is_refused(market: Market, value: float) -> None:
    with pytest.raises(RangeError, match=r"beyond int64 in ticks"):
        check(with_stop(scenario(), "score"), set_score(market, value))
