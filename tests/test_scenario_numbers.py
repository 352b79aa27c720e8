"""Decimal text and integers of a unit stand for each other, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.files.decimals import INT64_MAX, NumberError, from_units, to_units


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(0, 18))
def test_an_integer_survives_its_decimal_text(units: int, decimals: int) -> None:
    text = from_units(units, decimals)
    assert to_units(text, decimals) == units
    assert Decimal(text).scaleb(decimals) == units


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("5", 5, 500_000),
        ("0.05", 9, 50_000_000),
        ("+0.050", 9, 50_000_000),
        ("000.05", 2, 5),
        ("-0.0", 0, 0),
        ("-1.5", 1, -15),
        ("1.000000000000", 0, 1),
        ("9223372036854775807", 0, INT64_MAX),
        ("0" * 6000 + "7", 0, 7),
    ],
)
def test_every_spelling_of_a_number_is_read_exactly(text: str, decimals: int, units: int) -> None:
    assert to_units(text, decimals) == units


@pytest.mark.parametrize(
    ("units", "decimals", "text"), [(0, 9, "0"), (-5, 2, "-0.05"), (1500, 3, "1.5"), (7, 0, "7")]
)
def test_a_number_is_written_without_idle_zeros(units: int, decimals: int, text: str) -> None:
    assert from_units(units, decimals) == text


@pytest.mark.parametrize(
    ("text", "decimals", "expected"),
    [
        ("0.0000000001", 9, "at most 9 decimals"),
        ("0.01", 1, "at most 1 decimal"),
        ("0.5", 0, "a whole number"),
        ("9223372036854775808", 0, "at most 9223372036854775807"),
        ("9223372037", 9, "at most 9223372036.854775807"),
        ("9" * 6000, 0, "at most 9223372036854775807"),
        *((text, 9, "a decimal number") for text in ("", " 1", "1 ", "1e5", ".5", "5.", "1_0", "1,5")),
        *((text, 9, "a decimal number") for text in ("\u0663", "nan", "0x1", "1\n")),
    ],
)
def test_a_number_that_its_unit_cannot_hold_is_refused(text: str, decimals: int, expected: str) -> None:
    with pytest.raises(NumberError) as caught:
        to_units(text, decimals)
    assert expected in caught.value.expected
    assert caught.value.remedy
