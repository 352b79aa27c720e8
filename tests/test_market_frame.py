"""Markets from pandas frames."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from market_kit import HEADER, ROWS, load_csv, scenario
from reconcile.market.load import market_from_frame
from vocabulary.errors import InputError


def bars() -> pd.DataFrame:
    frame = pd.read_csv(StringIO("\n".join((HEADER, *ROWS))))
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    return frame


def test_a_frame_and_a_file_of_the_same_rows_are_the_same_market(tmp_path: Path) -> None:
    assert market_from_frame(bars(), scenario()).digest == load_csv(tmp_path, *ROWS).digest


@pytest.mark.parametrize("keys", [["timestamp"], ["symbol"], ["timestamp", "symbol"]])
def test_timestamp_and_symbol_may_stand_in_the_index(keys: list[str]) -> None:
    expected = market_from_frame(bars(), scenario()).digest
    assert market_from_frame(bars().set_index(keys), scenario()).digest == expected


def test_the_kind_of_column_does_not_matter() -> None:
    frame = bars()
    expected = market_from_frame(frame, scenario()).digest
    other = frame.assign(
        timestamp=[stamp.date() for stamp in frame["timestamp"]],
        symbol=frame["symbol"].astype("category"),
        open=frame["open"].astype("Float64"),
        high=[Decimal(str(value)) for value in frame["high"]],
        volume=frame["volume"].astype("Int64"),
    )
    assert market_from_frame(other, scenario()).digest == expected


def test_the_market_shares_no_memory_with_the_frame() -> None:
    frame = bars()
    market = market_from_frame(frame, scenario())
    for column in ("open", "close", "score", "volume"):
        frame[column].to_numpy(copy=False)
        frame.loc[:, column] = 0
    again = market_from_frame(bars(), scenario())
    np.testing.assert_array_equal(market.features["score"], again.features["score"])
    np.testing.assert_array_equal(market.close, again.close)
    own = np.ones(6)
    market = market_from_frame(pd.DataFrame({**bars().to_dict("list"), "own": own}, copy=False), scenario())
    own[:] = 9
    assert (market.features["own"] == 1).all()


def test_the_frame_is_left_as_it_was() -> None:
    frame = bars().sample(frac=1, random_state=3)
    before = frame.copy(deep=True)
    market_from_frame(frame, scenario())
    pd.testing.assert_frame_equal(frame, before)


def test_a_context_frame_joins_by_timestamp() -> None:
    context = pd.DataFrame({"timestamp": pd.to_datetime(["2024-01-03", "2024-01-01"]), "vix": [31.0, 12.0]})
    for frame in (context, context.set_index("timestamp")):
        market = market_from_frame(bars(), scenario(), frame)
        np.testing.assert_array_equal(market.context["vix"], [12.0, np.nan, 31.0])


def test_aware_timestamps_keep_their_zone() -> None:
    frame = bars()
    frame["timestamp"] = frame["timestamp"].dt.tz_localize("America/New_York")
    market = market_from_frame(frame, scenario())
    assert market.timezone == "America/New_York"
    assert (market.timestamps - market.wall).tolist() == [5 * 3600 * 10**9] * 3


@pytest.mark.parametrize(
    "second",
    [
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1))),
        datetime(2024, 1, 2),
    ],
)
def test_mixed_zones_in_an_object_column_are_an_error(second: datetime) -> None:
    stamps = [datetime(2024, 1, 1, tzinfo=UTC)] * 2 + [second] * 2 + [datetime(2024, 1, 3, tzinfo=UTC)] * 2
    frame = bars().assign(timestamp=pd.Series(stamps, dtype=object))
    with pytest.raises(InputError, match=r"row 1 and row 3: found timestamps in zone"):
        market_from_frame(frame, scenario())


def test_text_among_numbers_is_named() -> None:
    frame = bars().astype({"close": object})
    frame.loc[3, "close"] = "n/a"
    with pytest.raises(
        InputError, match=r"the frame, row 4, column 'close': found the text 'n/a'; expected a number"
    ):
        market_from_frame(frame, scenario())


@pytest.mark.parametrize("value", [[1], {"a": 1}, object(), 1j])
def test_a_column_of_no_kind_is_an_error(value: object) -> None:
    frame = bars()
    frame["score"] = pd.Series([1.0, 2.0, value, 4.0, 5.0, 6.0], dtype=object)
    with pytest.raises(InputError, match=r"column 'score'"):
        market_from_frame(frame, scenario())


def test_integers_as_timestamps_are_refused() -> None:
    with pytest.raises(InputError, match=r"cannot be told apart by looking"):
        market_from_frame(bars().assign(timestamp=[1, 1, 2, 2, 3, 3]), scenario())


def test_an_empty_frame_and_a_missing_column_are_errors() -> None:
    with pytest.raises(InputError, match=r"the frame: found no rows"):
        market_from_frame(bars().iloc[:0], scenario())
    with pytest.raises(InputError, match=r"the frame: found the columns .* expected also 'close'"):
        market_from_frame(bars().drop(columns="close"), scenario())


def test_dates_and_missing_values_of_every_kind() -> None:
    frame = bars()
    frame["timestamp"] = [date(2024, 1, 1 + i // 2) for i in range(6)]
    frame["score"] = pd.Series([1, None, pd.NA, float("nan"), 5, 6], dtype=object)
    market = market_from_frame(frame, scenario())
    assert np.isnan(market.features["score"].reshape(-1)).tolist() == [False, True, True, True, False, False]


def test_decimals_that_are_not_finite_are_missing() -> None:
    """M2 holds for a column of decimals as for one of doubles."""
    data = bars()
    data["close"] = [Decimal("10.5"), Decimal("NaN"), None, Decimal("Infinity"), Decimal("7"), Decimal("8")]
    assert market_from_frame(data, scenario()).present.reshape(-1).tolist() == [
        True,
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("given", [{"close": [1.0]}, pd.Series([1.0]), np.zeros(3), None])
def test_what_is_no_frame_is_told_so(given: Any) -> None:
    with pytest.raises(InputError, match=r"the frame: found a .*; expected a pandas DataFrame"):
        market_from_frame(given, scenario())
