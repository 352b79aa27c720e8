"""Timestamps: kinds, zones, local time, and the range of int64 nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_kit import ROWS, load_csv, load_table, table
from reconcile.files.instants import show_instant, wall_clock
from vocabulary.errors import InputError

SECOND = 1_000_000_000
DAYS = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def twice(values: list[object], kind: pa.DataType) -> pa.Array:
    """One value for each of the two symbols' rows."""
    doubled = pa.array(
        [value for value in values for _ in "AB"], pa.date32() if type(values[0]) is date else None
    )
    if pa.types.is_int64(doubled.type) and pa.types.is_timestamp(kind):
        return doubled.cast(kind)
    return (
        doubled.cast(pa.timestamp("s")).cast(kind) if pa.types.is_date32(doubled.type) else doubled.cast(kind)
    )


def restamped(*stamps: str) -> list[str]:
    return [",".join((stamps[i // 2], *row.split(",")[1:])) for i, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns")],
)
def test_dates_and_naive_timestamps_of_every_unit_agree(tmp_path: Path, kind: pa.DataType) -> None:
    market = load_table(tmp_path, table(timestamp=twice(DAYS, kind)))
    assert market.timestamps.tolist() == [(day - date(1970, 1, 1)).days * 86_400 * SECOND for day in DAYS]
    assert market.timezone is None
    assert np.array_equal(market.wall, market.timestamps)


@pytest.mark.parametrize(
    ("text", "clock", "zone"),
    [
        ("2024-01-01", 0, None),
        ("2024-01-01 15:30", 55_800 * SECOND, None),
        ("2024-01-01T15:30:05", 55_805 * SECOND, None),
        ("2024-01-01T15:30:05.25", 55_805 * SECOND + 250_000_000, None),
        ("2024-01-01T00:00:00.123456789", 123_456_789, None),
        ("2024-01-01T01:00:00Z", 3_600 * SECOND, "UTC"),
        ("2024-01-01 01:00:00+00:00", 3_600 * SECOND, "UTC"),
        ("2024-01-01 01:00:00-05:00", 6 * 3_600 * SECOND, "-05:00"),
        ("2024-01-01T06:00:00+0530", 1_800 * SECOND, "+05:30"),
    ],
)
def test_iso_text_is_read_to_the_nanosecond(tmp_path: Path, text: str, clock: int, zone: str | None) -> None:
    market = load_csv(tmp_path, ",".join((text, *ROWS[0].split(",")[1:])))
    assert market.timestamps.tolist() == [19_723 * 86_400 * SECOND + clock]
    assert market.timezone == zone


@pytest.mark.parametrize(
    "text",
    [
        "20240101",
        "1704067200",
        "01/02/2024",
        "2024-13-01",
        "2024-02-30",
        "2024-01-01T25:00",
        "2024-01-01T10:61",
        "2024-1-1",
        "",
        "yesterday",
        "2024-01-01T10:00:00.1234567890",
        "2024-01-01T10:00+99:00",
        "0001-01-01",
        "2300-01-01",
    ],
)
def test_text_that_is_no_iso_date_of_the_range_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        InputError, match=f"row 2, column 'timestamp': found {re.escape(repr(text))}.*2024-01-31"
    ):
        load_csv(tmp_path, ROWS[0], f"{text},B,1,1,1,1,1,1")


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.float64()])
def test_numbers_are_no_timestamps_and_the_error_says_why(tmp_path: Path, kind: pa.DataType) -> None:
    with pytest.raises(InputError, match=r"seconds, milliseconds and nanoseconds cannot be told apart"):
        load_table(tmp_path, table(timestamp=twice([1, 2, 3], kind)))


def test_a_row_without_a_timestamp_is_named(tmp_path: Path) -> None:
    stamps = pa.array([DAYS[0], None, DAYS[1], DAYS[1], DAYS[2], DAYS[2]], pa.date32())
    with pytest.raises(InputError, match=r"row 2: found no timestamp"):
        load_table(tmp_path, table(timestamp=stamps))


@pytest.mark.parametrize("year", [1500, 2300])
def test_instants_beyond_int64_nanoseconds_are_refused(tmp_path: Path, year: int) -> None:
    stamps = twice([DAYS[0], DAYS[1], date(year, 1, 1)], pa.timestamp("s"))
    with pytest.raises(InputError, match=r"row 5: found a timestamp outside the years 1678 to 2261"):
        load_table(tmp_path, table(timestamp=stamps))


def test_a_zone_keeps_instants_in_utc_and_gives_the_wall_its_clock(tmp_path: Path) -> None:
    """New York leaves daylight saving on 2024-11-03: 09:30 there is 13:30 UTC before and 14:30 after."""
    place = ZoneInfo("America/New_York")
    opens = [datetime(2024, 11, day, 9, 30, tzinfo=place) for day in (1, 4, 5)]
    market = load_table(tmp_path, table(timestamp=twice(opens, pa.timestamp("us", "America/New_York"))))
    assert market.timezone == "America/New_York"
    assert market.timestamps.tolist() == [int(moment.timestamp()) * SECOND for moment in opens]
    assert [show_instant(int(w)) for w in market.wall] == [f"2024-11-0{day}T09:30:00" for day in (1, 4, 5)]


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (
            ("2024-01-01T00:00Z", "2024-01-02T00:00+01:00", "2024-01-03T00:00Z"),
            "in zone UTC and in zone .01:00",
        ),
        (("2024-01-01", "2024-01-02T00:00Z", "2024-01-03"), "in no zone and in zone UTC"),
    ],
)
def test_mixed_zones_are_an_error_naming_two_rows(
    tmp_path: Path, stamps: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=f"row 1 and .*row 3: found timestamps {message}"):
        load_csv(tmp_path, *restamped(*stamps))


def test_an_unknown_zone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the time zone 'Nowhere/Land'"):
        load_table(tmp_path, table(timestamp=twice([1, 2, 3], pa.timestamp("s", "Nowhere/Land"))))


@given(
    seconds=st.lists(st.integers(-2_000_000_000, 4_000_000_000), min_size=1, max_size=40, unique=True),
    zone=st.sampled_from(
        ["America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "-03:30"]
    ),
)
def test_local_time_is_the_standard_librarys(seconds: list[int], zone: str) -> None:
    instants = np.array(sorted(seconds), dtype=np.int64) * SECOND
    place = None if zone.startswith("-") else ZoneInfo(zone)
    for instant, local in zip(instants.tolist(), wall_clock(instants, zone, "x").tolist(), strict=True):
        moment = EPOCH + timedelta(seconds=instant // SECOND)
        offset = timedelta(hours=-3, minutes=-30) if place is None else moment.astimezone(place).utcoffset()
        assert offset is not None
        assert local - instant == offset.total_seconds() * SECOND


def test_minutes_around_a_change_of_clocks_each_get_their_own_offset() -> None:
    start = int(datetime(2024, 3, 10, 5, 0, tzinfo=UTC).timestamp())
    instants = np.arange(start, start + 4 * 3600, 60, dtype=np.int64) * SECOND
    wall = wall_clock(instants, "America/New_York", "x")
    hours = {int(hour) for hour in (wall // SECOND // 3600 % 24)}
    assert hours == {0, 1, 3, 4}
