"""The markets that come with the package."""

from __future__ import annotations

import gzip
import hashlib
import json
from importlib import resources

import numpy as np
import pytest

import reference
from reconcile.market.builtin.synthetic import TOP25, generate_market
from reconcile.market.builtin.tables import BUILTINS, adjusted, raw_stocks
from reconcile.market.load import check, load_market
from reconcile.scenario.files import builtin_scenario
from vocabulary.errors import InputError


def test_the_generator_gives_this_very_market_everywhere() -> None:
    """A digest pinned: another platform, numpy or a change of the generator would not reproduce it."""
    assert (
        generate_market(3, 10, 1).digest == "1c4cfb612bdfa4360869da6aa1a7119c41efdc9589770fa927863d2baaab79de"
    )
    assert (
        generate_market(70, 2_000, 7).digest
        == "c62f025cabdbe26e0b75407a781e37d951187f803c1745a66baeb07836bf7590"
    )
    assert (
        generate_market(*TOP25).digest == "91a1a2671bc9c2d18ccf941b0ca68ee540519f91ee2b7e0de16b27dc19571c2d"
    )


def test_the_same_arguments_give_the_same_market_and_others_another() -> None:
    one = generate_market(20, 30, 5)
    assert generate_market(20, 30, 5).digest == one.digest
    assert (
        len(
            {generate_market(*sizes).digest for sizes in ((20, 30, 5), (20, 30, 6), (21, 30, 5), (20, 31, 5))}
        )
        == 4
    )


def test_more_bars_or_symbols_leave_the_first_ones_as_they_were() -> None:
    """Every number is a hash of its own bar and symbol, so a block's size cannot show."""
    small, large = generate_market(20, 30, 5), generate_market(40, 700, 5)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(large, name)[:30, :20], getattr(small, name))
    np.testing.assert_array_equal(large.features["ml_score"][:30, :20], small.features["ml_score"])
    np.testing.assert_array_equal(large.context["vix"][:30], small.context["vix"])


def test_generated_bars_are_whole_cents_inside_their_range_on_weekdays() -> None:
    market = generate_market(200, 600, 3)
    assert market.present.all()
    assert (market.low <= np.minimum(market.open, market.close)).all()
    assert (market.high >= np.maximum(market.open, market.close)).all()
    for grid in (market.open, market.high, market.low, market.close):
        assert (grid % 100 == 0).all()
    assert market.close.min() > 5 * 10_000 and market.close.max() < 1_000 * 10_000
    days = market.timestamps.view("M8[ns]").astype("M8[D]")
    assert (
        str(days[0]) == "2023-01-02" and np.is_busday(days).all() and (np.diff(days).astype(int) <= 3).all()
    )
    assert market.notes == ("synthetic: generated prices, scores and vix, not those of any real market",)


def test_decades_of_bars_stay_in_a_range_of_prices() -> None:
    close = generate_market(10, 15_120, 4).close / 10_000
    assert close.min() > 2 and close.max() < 4_000


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, -1), (1, 60_001, 1), (1, 1, 2**64)])
def test_sizes_out_of_range_are_an_error(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"expected a whole number from"):
        generate_market(*sizes)


def test_one_bar_of_one_symbol_can_be_generated() -> None:
    assert generate_market(1, 1, 0).present.tolist() == [[True]]


def test_top25_is_the_market_it_is_said_to_be() -> None:
    """126,000 events, 9,000 to 13,000 fills, the gate at 30 closed on some bars, exits that fire."""
    scenario = builtin_scenario("top25")
    market = load_market(scenario)
    check(scenario, market)
    assert market.present.size == 126_000 and market.name == "top25"
    assert "synthetic" in market.notes[0]
    vix = market.context["vix"]
    assert 10 <= int((vix > 30).sum()) <= 60
    assert (vix < 18).sum() > 60 and ((vix > 20) & (vix < 30)).sum() > 30
    ledger = reference.run(scenario, market)
    assert 9_000 <= ledger.tables["fills"].rows <= 13_000
    reasons = ledger.tables["fills"].columns["reason"]
    assert reasons.dictionary is not None
    counts = dict(zip(reasons.dictionary, np.bincount(reasons.values, minlength=4).tolist(), strict=False))
    assert counts["volatility_stop"] > 0 and counts["trailing_stop"] > 50


def test_the_score_leads_the_next_five_days_a_little() -> None:
    market = load_market(builtin_scenario("top25"))
    score, close = market.features["ml_score"], market.close.astype(np.float64)
    ahead = close[5:] / close[:-5] - 1
    ahead -= ahead.mean(axis=1, keepdims=True)
    lead = np.corrcoef(score[:-5].reshape(-1), ahead.reshape(-1))[0, 1]
    behind = close[:-5] / close[5:] - 1
    behind -= behind.mean(axis=1, keepdims=True)
    assert 0.05 < lead < 0.3
    assert 0.1 < np.corrcoef(score[1:].reshape(-1), score[:-1].reshape(-1))[0, 1] < 0.6


def test_the_file_of_stocks_is_the_one_on_record() -> None:
    folder = resources.files("reconcile.market.builtin").joinpath("data")
    record = json.loads(folder.joinpath("stocks.json").read_text())
    packed = folder.joinpath(record["file"]).read_bytes()
    assert hashlib.sha256(packed).hexdigest() == record["sha256"]
    assert gzip.decompress(packed).startswith(
        b"Ticker,Date,Open,High,Low,Close,Volume,Adj Close\nAAPL,2000-03-01,118.56"
    )
    assert set(record) >= {"version", "source", "upstream", "licence", "formula"}


def test_stocks_are_scaled_by_adj_close_over_close() -> None:
    """AAPL on its first day, from the file's text: 118.56, 132.06, 118.5, 130.31, adjusted 4.186662803811."""
    market = load_market(builtin_scenario("stocks"))
    assert market.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    factor = 4.186662803811 / 130.31
    first = [int(grid[0, 0]) for grid in (market.open, market.high, market.low, market.close)]
    assert first == [round(raw * factor * 10_000.0) for raw in (118.56, 132.06, 118.5, 130.31)]
    assert first == [38_092, 42_429, 38_072, 41_867]
    assert market.volume[0, 0] == 9_616_100


def test_every_row_of_stocks_is_in_the_market_by_that_formula() -> None:
    market = load_market(builtin_scenario("stocks"))
    raw = raw_stocks().to_pydict()
    place = {name: i for i, name in enumerate(market.symbols)}
    bar = {day: i for i, day in enumerate(market.timestamps.view("M8[ns]").astype("M8[D]").tolist())}
    for i in range(0, len(raw["Date"]), 7):
        t, s = bar[raw["Date"][i]], place[raw["Ticker"][i]]
        factor = raw["Adj Close"][i] / raw["Close"][i]
        for name, grid in (
            ("Open", market.open),
            ("High", market.high),
            ("Low", market.low),
            ("Close", market.close),
        ):
            assert int(grid[t, s]) == round(raw[name][i] * factor * 10_000.0)
    assert int(market.present.sum()) == len(raw["Date"]) == 12_154


def test_adjusting_keeps_a_days_shape() -> None:
    raw, close, adj = np.array([10.0, 12.0]), np.array([8.0, 8.0]), np.array([4.0, 4.0])
    assert adjusted(raw, close, adj).tolist() == [5.0, 6.0]


def test_the_built_in_markets_are_these() -> None:
    assert sorted(BUILTINS) == ["incident", "stocks", "top25"]
