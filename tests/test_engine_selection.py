"""Selection across more symbols than one word of a set holds: the shortlist loses nobody (R4, X4)."""

from __future__ import annotations

import numpy as np
import pytest

import build
import engine
import reference
from build import rows
from vocabulary.market import Market
from vocabulary.scenario import StopLoss, TopN, When


def wide_market(symbols: int, bars: int, seed: int) -> Market:
    """Scores whose level jumps from bar to bar, with ties and gaps, so that guesses fail."""
    rng = np.random.default_rng(seed)
    names = [f"S{s:04d}" for s in range(symbols)]
    closes = rng.integers(50, 150, (bars, symbols))
    closes[rng.random((bars, symbols)) < 0.1] = 0
    scores = np.round(rng.normal(rng.choice([-9.0, 0.0, 9.0], (bars, 1)), 1.0, (bars, symbols)), 1)
    scores[rng.random((bars, symbols)) < 0.1] = np.nan
    prices = np.repeat(closes[None].astype(np.int64), 4, axis=0)
    days = np.arange(bars) * build.DAY
    return build.assemble(names, days, prices, {"volume": np.full(scores.shape, np.nan), "score": scores}, {})


@pytest.mark.parametrize("symbols", [63, 64, 65, 128, 200])
@pytest.mark.parametrize("top", [TopN("score", 5), TopN("score", 70, 3), TopN("score", 0, 40)])
def test_the_chosen_are_the_references(symbols: int, top: TopN) -> None:
    """Few or many names, longs or shorts, good guesses or bad: ranks, weights and orders are the same."""
    market = wide_market(symbols, 24, symbols)
    for when in When:
        scenario = build.scenario(
            TopN(top.score, top.n, top.short_n, when=when),
            exits=[StopLoss("stop", build.PPB // 10)],
            cooldown=3,
            allow_short=True,
            initial_cash=10**7,
        )
        ours, expected = engine.run(scenario, market), reference.run(scenario, market)
        assert expected.tables["targets"].rows > 0
        for table in ("targets", "orders", "equity"):
            assert rows(ours, table) == rows(expected, table)
