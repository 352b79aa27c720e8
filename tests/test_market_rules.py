"""U1, M1 and M2: how rows become bars, cells and ticks."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import market_kit
from market_kit import ROWS, load_csv, load_table, table
from vocabulary.errors import InputError, RangeError

one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


def with_closes(values: pa.Array | list[float], **other: object) -> pa.Table:
    """All four prices are these six values."""
    column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return table(open=column, high=column, low=column, close=column, **other)


# U1


def test_a_float_is_scaled_in_double_arithmetic_then_rounded_half_to_even(tmp_path: Path) -> None:
    """1.005 * 100 is 100.49999999999999 in doubles; 0.125 and 0.375 are exact ties at two decimals."""
    market = load_table(tmp_path, with_closes([1.005, 0.125, 0.375, 2.675, 0.015, 1e15]), decimals=2)
    assert market.close.reshape(-1).tolist() == [100, 12, 38, 268, 2, 10**17]


@one_folder
@given(
    values=st.lists(st.floats(1e-3, 1e9), min_size=6, max_size=6),
    decimals=st.integers(0, 9),
)
def test_floats_round_as_python_rounds_the_double_product(
    tmp_path: Path, values: list[float], decimals: int
) -> None:
    expected = [round(value * 10.0**decimals) for value in values]
    if min(expected) == 0:
        with pytest.raises(InputError, match=r"0 ticks"):
            load_table(tmp_path, with_closes(values), decimals)
        return
    assert load_table(tmp_path, with_closes(values), decimals).open.reshape(-1).tolist() == expected


@one_folder
@given(texts=st.lists(st.decimals("0.0001", "99999", places=17).map(str), min_size=6, max_size=6))
def test_csv_text_becomes_the_nearest_double(tmp_path: Path, texts: list[str]) -> None:
    rows = [",".join((*row.split(",")[:2], *(text,) * 6)) for row, text in zip(ROWS, texts, strict=True)]
    market = load_csv(tmp_path, *rows)
    assert market.features["score"].reshape(-1).tolist() == [float(text) for text in texts]
    assert market.low.reshape(-1).tolist() == [round(float(text) * 10000.0) for text in texts]


def test_float32_is_widened_before_it_is_scaled(tmp_path: Path) -> None:
    values = pa.array([1.1, 2.2, 3.3, 123456.78, 5.5, 0.7], pa.float32())
    market = load_table(tmp_path, with_closes(values), decimals=9)
    assert market.close.reshape(-1).tolist() == [round(float(v) * 1e9) for v in np.array(values)]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.int64(), pa.uint64()])
def test_integers_convert_exactly(tmp_path: Path, kind: pa.DataType) -> None:
    values = [1, 2, 3, 4, 5, 2**53 + 1 if kind in (pa.int64(), pa.uint64()) else 6]
    market = load_table(tmp_path, with_closes(pa.array(values, kind)), decimals=2)
    assert market.close.reshape(-1).tolist() == [value * 100 for value in values]


def test_an_integer_column_with_a_gap_stays_exact(tmp_path: Path) -> None:
    values = pa.array([2**53 + 1, None, 3, 4, 5, 6], pa.int64())
    market = load_table(tmp_path, with_closes(values), decimals=1)
    assert market.close[0].tolist() == [(2**53 + 1) * 10, 0]
    assert market.present[0].tolist() == [True, False]


@one_folder
@given(
    values=st.lists(st.decimals("0.5", "1e13", places=6), min_size=6, max_size=6),
    decimals=st.integers(0, 5),
    wide=st.booleans(),
)
def test_decimals_convert_exactly_and_round_half_to_even(
    tmp_path: Path, values: list[Decimal], decimals: int, wide: bool
) -> None:
    kind = pa.decimal256(50, 6) if wide else pa.decimal128(38, 6)
    expected = [round(Fraction(value) * 10**decimals) for value in values]
    if 0 in expected:
        return
    column = pa.array(values, pa.decimal128(38, 6)).cast(kind)
    assert load_table(tmp_path, with_closes(column), decimals).close.reshape(-1).tolist() == expected


@pytest.mark.parametrize(
    ("text", "kind", "decimals", "ticks"),
    [
        ("99.51", pa.decimal128(4, 2), 0, 100),
        ("0.9996", pa.decimal128(4, 4), 3, 1000),
        ("9" * 8 + "." + "9" * 30, pa.decimal128(38, 30), 4, 10**12),
        ("9" * 12 + ".5", pa.decimal256(60, 40), 0, 10**12),
    ],
)
def test_a_decimal_that_rounds_to_one_more_digit_keeps_it(
    tmp_path: Path, text: str, kind: pa.DataType, decimals: int, ticks: int
) -> None:
    """U1: the rounded value need not fit into the type of the column."""
    market = load_table(tmp_path, with_closes(pa.array([Decimal(text)] * 6, kind)), decimals)
    assert market.close.reshape(-1).tolist() == [ticks] * 6


def test_a_decimal_feature_becomes_the_nearest_double(tmp_path: Path) -> None:
    texts = ["0.1", "1234567890123456.789", "-0.3", "1E-18", "7.000000000000000001", "0"]
    column = pa.array([Decimal(text) for text in texts], pa.decimal128(38, 18))
    market = load_table(tmp_path, table(score=column))
    assert market.features["score"].reshape(-1).tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1e15, 1.0, 1.0, 1.0, 1.0, 1.0]),
        pa.array([10**15, 1, 1, 1, 1, 1], pa.int64()),
        pa.array([2**64 - 1, 1, 1, 1, 1, 1], pa.uint64()),
        pa.array([Decimal(10**15), *[Decimal(1)] * 5], pa.decimal128(20, 2)),
        pa.array([Decimal(10**34), *[Decimal(1)] * 5], pa.decimal128(38, 2)),
    ],
)
def test_ticks_beyond_int64_are_refused(tmp_path: Path, values: pa.Array) -> None:
    with pytest.raises(RangeError, match=r"row 1 \(A, 2024-01-01\), column 'open'.*price_decimals = 4"):
        load_table(tmp_path, with_closes(values))


def test_the_largest_tick_that_int64_holds_is_taken(tmp_path: Path) -> None:
    values = pa.array([2**63 - 1, 1, 1, 1, 1, 1], pa.int64())
    assert int(load_table(tmp_path, with_closes(values), decimals=0).close[0, 0]) == 2**63 - 1


# M1


@one_folder
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_and_columns_changes_nothing_but_a_note(tmp_path: Path, seed: int) -> None:
    sorted_market = load_csv(tmp_path, *ROWS)
    shuffler = random.Random(seed)
    rows = shuffler.sample(ROWS, len(ROWS))
    places = shuffler.sample(range(8), 8)
    mixed = [",".join(row.split(",")[i] for i in places) for row in (market_kit.HEADER, *rows)]
    market = load_csv(tmp_path, *mixed[1:], header=mixed[0])
    assert market.digest == sorted_market.digest
    assert any("they were sorted" in note for note in market.notes) == (rows != list(ROWS))


def test_sorted_rows_carry_no_note(tmp_path: Path) -> None:
    assert load_csv(tmp_path, *ROWS).notes == ()


def test_the_note_on_order_names_the_first_row_out_of_place(tmp_path: Path) -> None:
    market = load_csv(tmp_path, *ROWS[:2], ROWS[3], ROWS[2], *ROWS[4:])
    assert market.notes == (
        "rows were not in order of timestamp and symbol, so they were sorted (first out of place: row 4)",
    )


def test_symbols_stand_in_code_point_order(tmp_path: Path) -> None:
    """Upper case before lower, and a letter beyond the basic plane after one at its end."""
    names = ["b", "Z", "é", "\uffee", "\U0001d5a0", "a"]
    rows = [f"2024-01-01,{name},1,1,1,1,1,{i}" for i, name in enumerate(names)]
    market = load_csv(tmp_path, *rows)
    assert market.symbols == ("Z", "a", "b", "é", "\uffee", "\U0001d5a0")
    assert market.features["score"][0].tolist() == [1, 5, 0, 2, 3, 4]


def test_tickers_that_look_like_something_else_stay_text(tmp_path: Path) -> None:
    rows = [f"2024-01-01,{name},1,1,1,1,1,1" for name in ("TRUE", "NA", "null", "007", "1e5", "NaN")]
    assert load_csv(tmp_path, *rows).symbols == ("007", "1e5", "NA", "NaN", "TRUE", "null")


def test_whole_number_symbols_become_their_digits(tmp_path: Path) -> None:
    market = load_table(tmp_path, table(symbol=pa.array([10, 9] * 3)))
    assert market.symbols == ("10", "9")


def test_two_rows_of_one_cell_are_an_error_that_names_both(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2 and row 7: found two rows for B at 2024-01-01"):
        load_csv(tmp_path, *ROWS, "2024-01-01,B,1,1,1,1,1,1")


def test_duplicates_are_found_when_the_grid_would_be_full_without_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 3 and row 4"):
        load_csv(tmp_path, ROWS[0], ROWS[1], ROWS[2], ROWS[2])


def test_a_missing_row_leaves_the_symbol_absent_and_keeps_the_rest_in_place(tmp_path: Path) -> None:
    market = load_csv(tmp_path, *ROWS[:2], *ROWS[3:])
    assert market.present.tolist() == [[True, True], [False, True], [True, True]]
    assert market.close.tolist() == [[105000, 205000], [0, 210000], [115000, 215000]]
    assert np.isnan(market.features["score"][1, 0])
    assert market.notes == (
        "no row for a symbol between its first and its last, absent there: 1 (first: A, 2024-01-02)",
    )


def test_late_starters_and_early_leavers_are_noted_once_each(tmp_path: Path) -> None:
    market = load_csv(tmp_path, ROWS[0], ROWS[2], ROWS[3], ROWS[5])
    assert market.notes == (
        "1 of 2 symbols start after the first bar (first: B, 2024-01-02)",
        "1 of 2 symbols end before the last bar (first: A, 2024-01-02)",
    )


def test_a_grid_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    count = 300_000
    one = pa.array(np.ones(count))
    scattered = pa.table(
        {
            "timestamp": pa.array(np.arange(count)).cast(pa.timestamp("s")),
            "symbol": pa.array([f"S{i}" for i in range(count)]),
            **dict.fromkeys(("open", "high", "low", "close"), one),
        }
    )
    with pytest.raises(InputError, match=r"300,000 distinct timestamps of 300,000 symbols"):
        load_table(tmp_path, scattered)


# M2


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf"), 0.0, -0.0])
def test_a_missing_or_zero_price_makes_the_symbol_absent(
    tmp_path: Path, column: str, value: float | None
) -> None:
    values = [value, 2.0, 3.0, 4.0, 5.0, 6.0]
    market = load_table(
        tmp_path,
        with_closes([1.0, 2, 3, 4, 5, 6]).set_column(
            2 + ["open", "high", "low", "close"].index(column), column, pa.array(values)
        ),
    )
    assert market.present.tolist() == [[False, True], [True, True], [True, True]]
    assert [int(getattr(market, name)[0, 0]) for name in ("open", "high", "low", "close")] == [0, 0, 0, 0]
    assert market.features["score"][0, 0] == 1  # a feature stands although the symbol is absent
    assert market.volume[0, 0] == 100
    what = "0" if value == 0 else "missing"
    assert market.notes == (
        f"prices that are {what} make the symbol absent there: {column} 1 (first: A, 2024-01-01)",
    )


def test_infinite_features_and_volumes_are_missing(tmp_path: Path) -> None:
    values = pa.array([1.0, float("inf"), float("-inf"), float("nan"), None, 6.0])
    market = load_table(tmp_path, table(score=values, volume=values))
    for grid in (market.features["score"], market.volume, market.features["volume"]):
        assert np.isnan(grid.reshape(-1)).tolist() == [False, True, True, True, True, False]


def test_every_missing_value_has_the_same_bits(tmp_path: Path) -> None:
    """Null, NaN of either sign and infinity are one market."""
    digests = set()
    for value in (None, float("nan"), -float("nan"), float("inf")):
        values = pa.array([1.0, value, 3.0, 4.0, 5.0, 6.0])
        digests.add(load_table(tmp_path, table(score=values)).digest)
    assert len(digests) == 1


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, 1.0, 1.0, 0.00004, 1.0, 1.0]),
        pa.array([Decimal("0.00005") if i == 3 else Decimal(1) for i in range(6)], pa.decimal128(9, 5)),
    ],
)
def test_a_price_that_rounds_to_nothing_is_an_error(tmp_path: Path, values: pa.Array) -> None:
    """0.00005 is half a tick: it rounds to even, which is 0."""
    expected = r"row 4 \(B, 2024-01-02\), column 'open': found the price .*0 ticks at price_decimals = 4"
    with pytest.raises(InputError, match=expected):
        load_table(tmp_path, with_closes(values))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1.0, 1.0, 1.0, 1.0, -2.5, 1.0]),
        pa.array([1, 1, 1, 1, -2, 1]),
        pa.array([Decimal(-2) if i == 4 else Decimal(1) for i in range(6)], pa.decimal128(9, 2)),
        pa.array([Decimal("-0.00000001") if i == 4 else Decimal(1) for i in range(6)], pa.decimal128(12, 8)),
    ],
)
def test_a_negative_price_is_an_error(tmp_path: Path, values: pa.Array) -> None:
    with pytest.raises(InputError, match=r"row 5 \(A, 2024-01-03\), column 'open': found the price -"):
        load_table(tmp_path, with_closes(values))


def test_volume_may_be_missing_altogether(tmp_path: Path) -> None:
    market = load_table(tmp_path, table(volume=None))
    assert np.isnan(market.volume).all()
    assert market.features["volume"] is market.volume


def test_contradicting_prices_are_noted_and_kept(tmp_path: Path) -> None:
    market = load_csv(
        tmp_path,
        "2024-01-01,A,10,9,11,10,0,1",
        "2024-01-01,B,30,21,19,20,-5,1",
        "2024-01-02,A,10,11,9,12,,1",
        "2024-01-02,B,20,21,19,20,1,1",
    )
    assert market.present.all()
    assert market.notes == (
        "high below low: 1 (first: A, 2024-01-01)",
        "open outside the range of high and low: 2 (first: A, 2024-01-01)",
        "close outside the range of high and low: 2 (first: A, 2024-01-01)",
        "volume 0: 1 (first: A, 2024-01-01)",
        "volume below 0: 1 (first: B, 2024-01-01)",
        "volume missing: 1 (first: A, 2024-01-02)",
    )


def test_a_symbol_that_is_never_present_is_noted(tmp_path: Path) -> None:
    market = load_csv(tmp_path, "2024-01-01,A,1,1,1,1,1,1", "2024-01-01,B,0,0,0,0,1,1")
    assert market.notes[-1] == "1 of 2 symbols are never present (first: B)"


def test_arrays_cannot_be_written_and_lie_row_by_row(tmp_path: Path) -> None:
    market = load_csv(tmp_path, *ROWS)
    arrays = [
        market.timestamps,
        market.wall,
        market.present,
        market.open,
        market.high,
        market.low,
        market.close,
    ]
    for array in [*arrays, market.volume, *market.features.values()]:
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match=r"read-only"):
            array[0] = array[0]
    with pytest.raises(TypeError):
        market.features["other"] = market.volume  # type: ignore[index]


@pytest.mark.parametrize("rows_per_group", [1, 2, 4, 100])
def test_how_a_file_is_cut_into_pieces_changes_nothing(tmp_path: Path, rows_per_group: int) -> None:
    whole = load_table(tmp_path, table())
    assert load_table(tmp_path, table(), row_group_size=rows_per_group).digest == whole.digest


def test_large_blocks_convert_as_small_ones(tmp_path: Path) -> None:
    """A missing price deep inside a long column is found, and its neighbours keep their ticks."""
    count = 100_003
    prices = np.arange(1, count + 1) / 100
    prices[70_001] = np.nan
    column = pa.array(prices)
    long = pa.table(
        {
            "timestamp": pa.array(np.arange(count)).cast(pa.timestamp("s")),
            "symbol": pa.array(["A"] * count).dictionary_encode(),
            **dict.fromkeys(("open", "high", "low", "close", "score"), column),
        }
    )
    market = load_table(tmp_path, long, decimals=2)
    expected = np.arange(1, count + 1)
    expected[70_001] = 0
    assert np.array_equal(market.close[:, 0], expected)
    assert np.flatnonzero(~market.present[:, 0]).tolist() == [70_001]
