"""Five hundred real symbols with all their oddities."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from market_kit import scenario
from reconcile.market.load import load_market, market_from_frame

BY_VOLUME = scenario(kind="top_n", score="volume", n=1)
"""The data has no score."""


def test_oddities_of_the_sp500_are_summed_up_in_one_sentence_each(shared_data: Path) -> None:
    """The counts are those that the data's own description gives."""
    path = shared_data / "us_sp500_daily_iex_2013_2018.parquet"
    market = load_market(BY_VOLUME, path)
    assert market.present.shape == (1_259, 505)
    assert int(market.present.sum()) == 619_040 - 11
    assert market.notes == (
        "prices that are missing make the symbol absent there: "
        "open 11, high 8, low 8 (first: VRTX, 2015-05-12)",
        "no row for a symbol between its first and its last, absent there: 51 (first: BMY, 2013-04-26)",
        "29 of 505 symbols start after the first bar (first: ALLE, 2013-11-18)",
        "high below low: 1 (first: AOS, 2014-05-19)",
        "open outside the range of high and low: 4 (first: AOS, 2014-05-19)",
        "close outside the range of high and low: 9 (first: AOS, 2014-05-19)",
        "volume 0: 4 (first: DHR, 2016-01-12)",
    )


def test_the_sp500_as_a_shuffled_frame_is_the_same_market(shared_data: Path) -> None:
    path = shared_data / "us_sp500_daily_iex_2013_2018.parquet"
    frame: pd.DataFrame = pq.read_table(path).to_pandas().sample(frac=1, random_state=1)
    assert market_from_frame(frame, BY_VOLUME).digest == load_market(BY_VOLUME, path).digest
