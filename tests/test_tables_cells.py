"""Cells as people write them: numbers become plain decimal text, times timestamps; nothing is guessed."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from reconcile.files.places import Place
from reconcile.tables.numbers import Numbers, plain_numbers
from reconcile.tables.settings import settings_from
from reconcile.tables.times import EPOCHS, Order, TimeForm, timestamps
from vocabulary.errors import InputError

PLACE = Place("book.csv", "fills", "price")
MARKED = {"decimal": ",", "thousands": "."}
STATEMENT = {
    "thousands": ",",
    "parentheses": True,
    "trailing_minus": True,
    "units": ("$", "USDT"),
    "none": ("-", "n/a"),
    "percent": True,
}


def numbers(form: dict[str, Any], *cells: str | None) -> list[str | None]:
    made = settings_from(Numbers, form, "map.toml")
    read: list[str | None] = plain_numbers(pa.array(cells), made, PLACE).to_pylist()
    return read


def times(*cells: Any, **form: Any) -> list[str | None]:
    read = timestamps(pa.array(cells), TimeForm(**form), PLACE)
    return [None if cell is None else cell.isoformat() for cell in read.to_pylist()]


@pytest.mark.parametrize(
    ("form", "cell", "plain"),
    [
        (MARKED, "1.234,56", "1234.56"),
        (MARKED, "-1.234.567,5", "-1234567.5"),
        (MARKED, "7", "7"),
        (MARKED, ",5", ".5"),
        ({"thousands": " "}, "10 000.00", "10000.00"),
        ({"thousands": " "}, "1\u00a0960.36", "1960.36"),
        ({"thousands": " "}, "1\u202f960", "1960"),
        ({"thousands": "'"}, "1'234'567.8", "1234567.8"),
        (STATEMENT, "(1,234.50)", "-1234.50"),
        (STATEMENT, "($6.5)", "-6.5"),
        (STATEMENT, "-$5.00", "-5.00"),
        (STATEMENT, "$-5.00", "-5.00"),
        (STATEMENT, "5.00-", "-5.00"),
        (STATEMENT, "9.99 USDT", "9.99"),
        (STATEMENT, " +9.99 ", "9.99"),
        (STATEMENT, "5 %", "5e-2"),
        (STATEMENT, "1e3", "1e3"),
        (STATEMENT, "-", None),
        ({}, "\u22121500", "-1500"),
        (STATEMENT, "$ \u22121,500", "-1500"),
        (STATEMENT, "\u20131,500", "-1500"),
        ({"thousands": "'"}, "1\u2019500", "1500"),
        ({"thousands": ","}, "1,50,000", "150000"),
        ({"thousands": ","}, "-12,34,56,789.5", "-123456789.5"),
        (STATEMENT, "n/a", None),
        (STATEMENT, "", None),
        (STATEMENT, None, None),
    ],
)
def test_numbers_become_plain_decimal_text(form: dict[str, Any], cell: str | None, plain: str | None) -> None:
    """As the settings say they are written, to the last digit."""
    assert numbers(form, cell, "1") == [plain, "1"]


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ({"thousands": ","}, "1,23"),
        ({"thousands": ","}, "1,2,345"),
        ({"thousands": ","}, "100,50,000"),
        ({"thousands": ","}, "1,500,00,000"),
        ({"thousands": ","}, "1234,567"),
        (MARKED, "1,234.5"),
        (STATEMENT, "--1"),
        (STATEMENT, "-5-"),
        (STATEMENT, "(5"),
        (STATEMENT, "(-5)"),
        (STATEMENT, "$"),
        (STATEMENT, "%"),
        (STATEMENT, "9 BNB"),
        (STATEMENT, "none"),
        ({"units": ("$",)}, "(5)"),
        ({"units": ("$",)}, "5-"),
        ({"units": ("$",)}, "5 %"),
        ({"units": ("$",)}, "1,000"),
    ],
)
def test_a_number_written_otherwise_is_named_with_its_row(form: dict[str, Any], cell: str) -> None:
    """A fee in a third currency among them; what a setting does not allow is not taken for it."""
    with pytest.raises(InputError) as error:
        numbers(form, "1", cell, "2")
    assert error.value.where == "book.csv, column price, row 2"
    assert error.value.found == repr(cell)
    assert "`numbers` in the mapping" in error.value.expected


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2024.01.03 15:00:00"], "2024-01-03T15:00:00"),
        (["2024/1/3"], "2024-01-03T00:00:00"),
        (["20240103;150000"], "2024-01-03T15:00:00"),
        (["03.01.2024 15:00", "13.01.2024 15:00"], "2024-01-03T15:00:00"),
        (["01/03/2024 3:00 PM", "01/13/2024 3:00 PM"], "2024-01-03T15:00:00"),
        (["05/05/2024"], "2024-05-05T00:00:00"),
        (["12/31/24 12:00 AM"], "2024-12-31T00:00:00"),
        (["3 Jan 2024 15:00"], "2024-01-03T15:00:00"),
        (["Jan 3, 2024 3:00 PM"], "2024-01-03T15:00:00"),
        (["January 3 2024, 15:00"], "2024-01-03T15:00:00"),
        (["03-Jan-24"], "2024-01-03T00:00:00"),
        (["31-12-24", "02-01-25", "03-01-25"], "2024-12-31T00:00:00"),
        (["31/12/24"], "2024-12-31T00:00:00"),
        (["99-12-31", "99-12-30"], "1999-12-31T00:00:00"),
        (["3rd March 1999"], "1999-03-03T00:00:00"),
        (["Wed, 3 Jan 2024"], "2024-01-03T00:00:00"),
        (["2024.01.03 15:00:00.125"], "2024-01-03T15:00:00.125000"),
        (["2024.01.03 15:00 +01:00"], "2024-01-03T15:00:00+01:00"),
        (["2024.01.03 15:00 America/New_York"], "2024-01-03T15:00:00-05:00"),
        (["2024.01.03 15:00 UTC"], "2024-01-03T15:00:00+00:00"),
    ],
)
def test_times_are_read_in_the_forms_that_the_column_itself_tells(cells: list[str], first: str) -> None:
    """Dotted, with names of months, with day or month first where a date shows which."""
    assert times(*cells)[0] == first


def test_iso_text_with_several_offsets_is_instants() -> None:
    """Shown in UTC, as no one zone is theirs."""
    assert times("2024-01-03T15:00:00Z", None, "2024-01-04T15:00:00+01:00") == [
        "2024-01-03T15:00:00+00:00",
        None,
        "2024-01-04T14:00:00+00:00",
    ]


def test_day_first_or_month_first_is_asked_where_nothing_tells() -> None:
    """03/04/2024 is a day in March or in April."""
    with pytest.raises(InputError) as error:
        times("03/04/2024", "05/06/2024")
    assert "'03/04/2024'" in error.value.found
    assert 'order = "day"' in error.value.remedy and 'order = "month"' in error.value.remedy
    assert times("03/04/2024", order=Order.DAY) == ["2024-04-03T00:00:00"]
    assert times("03/04/2024", order=Order.MONTH) == ["2024-03-04T00:00:00"]


@pytest.mark.parametrize(
    ("cells", "year"),
    [
        (["24-01-02", "24-01-03", "24-02-05"], "2024-01-02T00:00:00"),
        (["24-01-02"], "2024-01-02T00:00:00"),
        (["24/01/02", "24/01/03"], "2024-01-02T00:00:00"),
        (["10.01.02 15:00", "10.01.03 15:00"], "2010-01-02T15:00:00"),
    ],
)
def test_a_year_of_two_digits_that_may_stand_first_is_asked_for(cells: list[str], year: str) -> None:
    """24-01-02 is a day of 2024 or one of 2002."""
    with pytest.raises(InputError, match='order = "year"') as error:
        times(*cells)
    assert repr(cells[0]) in error.value.found
    assert times(*cells, order=Order.YEAR)[0] == year


@pytest.mark.parametrize(
    ("cells", "form", "says"),
    [
        (["13/01/2024", "01/13/2024"], {}, "begins with a day"),
        (["13/01/2024"], {"order": Order.MONTH}, "month first"),
        (["2024-02-30x"], {}, "2024-02-30x"),
        (["31.02.2024"], {}, "31.02.2024"),
        (["yesterday"], {}, "yesterday"),
        (["3 Foo 2024"], {}, "3 Foo 2024"),
        (["1704294000"], {}, "1704294000"),
        (["2024.01.03 25:00"], {}, "25:00"),
        (["2024.01.03 13:00 PM"], {}, "13:00 PM"),
        (["1500.01.03"], {}, "1500"),
        (["2024.01.03 15:00 EST"], {}, "EST"),
        (["2024.01.03 15:00 Mars/Olympus"], {}, "Mars/Olympus"),
        (["2024.01.03 15:00", "2024.01.03 15:00 UTC"], {}, "every time of the column"),
        (["now"], {"epoch": 10**9}, "now"),
        ([1e30], {"epoch": 10**9}, "1e+30"),
    ],
)
def test_what_is_no_time_is_named(cells: list[Any], form: dict[str, Any], says: str) -> None:
    """And an abbreviation of a zone is not guessed."""
    with pytest.raises(InputError, match=r"book\.csv, column price") as error:
        times(*cells, **form)
    assert says in str(error.value)


def test_abbreviations_of_zones_mean_what_the_mapping_says() -> None:
    """EST is an offset for one, New York for another."""
    read = times("2024.07.03 15:00 EST", zones={"EST": "America/New_York"})
    assert read == ["2024-07-03T15:00:00-04:00"]
    assert times("2024.07.03 15:00 EST", zones={"EST": "-05:00"}) == ["2024-07-03T15:00:00-05:00"]


@pytest.mark.parametrize(
    ("unit", "cell"),
    [
        ("s", 1704294000),
        ("s", "1704294000"),
        ("s", 1704294000.0),
        ("ms", 1704294000000),
        ("ns", 1704294000 * 10**9),
    ],
)
def test_counts_since_1970_are_instants(unit: str, cell: Any) -> None:
    """In the unit that the mapping names; fractions of it are kept."""
    assert times(cell, epoch=EPOCHS[unit]) == ["2024-01-03T15:00:00+00:00"]
    assert times("1704294000.25", epoch=EPOCHS["s"]) == ["2024-01-03T15:00:00.250000+00:00"]
