"""Times as people and brokers write them, made Arrow timestamps; what comes first is never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files import buffers, instants
from reconcile.files.places import Place, bad_cell, bad_column, shown
from reconcile.tables.cells import is_text, one_array
from vocabulary.errors import InputError

EPOCHS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Units of a count since 1970 UTC, in nanoseconds."""
_UTC = frozenset({"UTC", "Z", "GMT"})
_EXPECTED = "a date and time such as 2024-01-31 15:30:00, 31.01.2024 15:30 or 31 Jan 2024"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LATEST = np.iinfo(np.int64).max

_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<year>\d{4})(?P<mark>[-./])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
        r"(?P<one>\d{1,2})(?P<mark>[-./ ])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d\d)",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[-./ ]?(?P<name>[A-Za-z]{3,9})\.?[-./ ,]{0,2}(?P<year>\d{4}|\d\d)",
        r"(?P<name>[A-Za-z]{3,9})\.?[ -]?(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[ -](?P<year>\d{4}|\d\d)",
        r"(?P<year>\d{4})[- ](?P<name>[A-Za-z]{3,9})[- ](?P<day>\d{1,2})",
    )
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?:T|[ ,;]{1,2}|\s+at\s+)?(?P<hour>\d{1,2})(?P<colon>:?)(?P<minute>\d\d)"
    r"(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\b\.?)?(?:\s?(?P<zone>Z|[+-]\d\d:?(?:\d\d)?|[A-Za-z][A-Za-z0-9_+/-]*))?"
)


class Order(Enum):
    """Which comes first in a date of three numbers that does not begin with a year of four digits."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How times are written. order: None where the column itself must tell. epoch: nanoseconds of the unit
    that times are counted in since 1970 UTC, 0 where they are written out. zones: what abbreviations mean.
    """

    order: Order | None = None
    epoch: int = 0
    zones: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A text read: the date in each order, None where it has none; nanoseconds of the day, the zone.

    mark: what stands between the three numbers of a date, empty where its order is known.
    """

    dates: Mapping[Order, date | None]
    clock: int
    zone: str | None
    mark: str = ""


def timestamps(array: Any, form: TimeForm, place: Place) -> Any:
    """An Arrow timestamp[ns] array, with a zone where the texts have one (UTC where several).

    array: an Arrow array or chunked array of text, or of numbers where `form.epoch` is set; others are
    handed back as they are. Raises InputError naming the cell, or asking for day or month first.
    """
    array = one_array(array)
    if form.epoch:
        return _from_epoch(array, form.epoch, place)
    if not is_text(array.type):
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.timestamp("ns"))
    encoded = array.cast(pa.large_string()).dictionary_encode()
    if form.order is None and _is_iso(encoded.dictionary):
        instants_, zone = instants.from_arrow(array, place)
        missing = instants_ == instants.NAT
        return instants.to_arrow(instants_, zone or None, missing if missing.any() else None)
    words: list[str] = encoded.dictionary.to_pylist()
    codes = buffers.values_of(encoded.indices, len(words))
    used = sorted(set(codes.tolist()) - {len(words)})
    read: dict[int, _Read] = {}
    for code in used:
        found = _read(words[code].strip())
        if found is None:
            raise bad_cell(place, _row(codes, code), words[code], _EXPECTED)
        read[code] = found
    order = form.order or _order_told(read, words, place)
    return _array(read, words, codes, order, form, place)


def _is_iso(words: Any) -> bool:
    """Whether Arrow's own reader takes all of them, with or without a zone."""
    for zone in (None, "UTC"):
        try:
            words.cast(pa.timestamp("ns", zone))
        except pa.ArrowException:
            continue
        return True
    return False


def _row(codes: npt.NDArray[Any], code: int) -> int:
    return int(np.argmax(codes == code))


def _from_epoch(array: Any, unit: int, place: Place) -> Any:
    """Counts of a unit since 1970 UTC, exact: text and decimals keep their fractions."""
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        raise bad_column(place, f"{array.type} cells", "counts since 1970", "Leave out `time.epoch`.")
    cells: list[int | None] = []
    for row, cell in enumerate(array.to_pylist()):
        try:
            exact = None if cell is None or cell == "" or cell != cell else Decimal(str(cell)) * unit
        except InvalidOperation:
            exact = Decimal("NaN")
        if exact is not None and not (exact.is_finite() and abs(exact) < _LATEST):
            raise bad_cell(place, row, cell, "a count since 1970, in the years 1678 to 2261")
        cells.append(None if exact is None else int(exact.to_integral_value()))
    missing = np.array([cell is None for cell in cells], dtype=bool)
    values = np.array([cell or 0 for cell in cells], dtype=np.int64)
    return buffers.numeric(values, missing if missing.any() else None).cast(pa.timestamp("ns", "UTC"))


def _read(text: str) -> _Read | None:
    """One text, None where it is no time."""
    text = _WEEKDAY.sub("", text, count=1) if text[:1].isalpha() else text
    for pattern in _DATES:
        match = pattern.match(text)
        if match is None:
            continue
        clock = _clock(text[match.end() :])
        parts = match.groupdict()
        dates = _dates(parts)
        if clock is not None and dates is not None:
            return _Read(dates, *clock, (parts.get("mark") or "") if parts.get("one") else "")
    return None


def _dates(parts: Mapping[str, str | None]) -> dict[Order, date | None] | None:
    """The date by order, the same for all where it is given; None where it is none in any."""
    year = _full_year(parts["year"] or "")
    if parts.get("one") is not None:
        one, two = parts["one"] or "", parts["two"] or ""
        found = {Order.DAY: _date(year, int(two), int(one)), Order.MONTH: _date(year, int(one), int(two))}
        short = len(one) == len(parts["year"] or "") == 2
        found[Order.YEAR] = _date(_full_year(one), int(two), int(parts["year"] or 0)) if short else None
        return found if any(found.values()) else None
    name = parts.get("name")
    month = int(parts.get("month") or 0) if name is None else _month(name)
    day = _date(year, month, int(parts["day"] or 0))
    return None if day is None else dict.fromkeys(Order, day)


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) != 2:
        return year
    return year + (2000 if year < 69 else 1900)  # as POSIX has it


def _month(name: str) -> int:
    """The number of a month by its English name or three letters of it, 0 for another word."""
    return next((i for i, short in enumerate(_MONTHS, 1) if name.lower().startswith(short)), 0)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if 1678 <= year <= 2261 else None
    except ValueError:
        return None


def _clock(text: str) -> tuple[int, str | None] | None:
    """(nanoseconds since midnight, zone as written) of what stands behind a date; None if no time."""
    text = text.strip()
    if not text:
        return 0, None
    match = _CLOCK.fullmatch(text)
    if match is None or (not match["colon"] and len(match["hour"]) != 2):
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((match["fraction"] or "0").ljust(9, "0"))
    return (hour * 3600 + minute * 60 + second) * 10**9 + fraction, match["zone"]


def _order_told(read: Mapping[int, _Read], words: list[str], place: Place) -> Order:
    """What comes first, as the column itself tells. Raises InputError where it does not, or tells both."""
    only = {
        order: next((code for code, one in read.items() if one.dates[order] is None), None) for order in Order
    }
    not_day, not_month = only[Order.DAY], only[Order.MONTH]
    if only[Order.YEAR] is None and (not_day is None or not_month is None):
        _refuse_short_years(read, words, place)
    if not_day is not None and not_month is not None:
        if only[Order.YEAR] is None:
            return Order.YEAR
        raise bad_column(
            place,
            f"{shown(words[not_month])}, which begins with a day, and {shown(words[not_day])}, with a month",
            "days or months first in all of them",
            "Correct the column.",
        )
    if not_day is not None:
        return Order.MONTH
    open_ = next((code for code, one in read.items() if one.dates[Order.DAY] != one.dates[Order.MONTH]), None)
    if not_month is None and open_ is not None:
        raise bad_column(
            place,
            f"{shown(words[open_])}, where no date of the column shows which number is the day",
            "dates that can be read in one way only",
            'Write `order = "day"` or `order = "month"` under `time` in the mapping.',
        )
    return Order.DAY


def _refuse_short_years(read: Mapping[int, _Read], words: list[str], place: Place) -> None:
    """Raises InputError where 24-01-02 may begin with its year, and the column does not tell.

    Days of the month vary more than years: where the first number does, it is no year. With dashes, as ISO
    dates have them, two equally many numbers tell nothing.
    """
    firsts = {day.year for one in read.values() if (day := one.dates[Order.YEAR]) is not None}
    lasts = {
        day.year
        for one in read.values()
        if (day := one.dates[Order.DAY] or one.dates[Order.MONTH]) is not None
    }
    code = next((code for code, one in read.items() if one.mark), None)
    if code is None or len(firsts) > len(lasts) or (len(firsts) == len(lasts) and read[code].mark != "-"):
        return
    raise bad_column(
        place,
        f"{shown(words[code])}, where nothing shows whether the year comes first or last",
        "dates that can be read in one way only",
        'Write `order = "year"`, `order = "day"` or `order = "month"` under `time` in the mapping.',
    )


def _array(
    read: Mapping[int, _Read],
    words: list[str],
    codes: npt.NDArray[Any],
    order: Order,
    form: TimeForm,
    place: Place,
) -> Any:
    """The texts as nanoseconds: instants where they have a zone, clock times where none has."""
    values = np.zeros(len(words) + 1, dtype=np.int64)
    zones = sorted({one.zone or "" for one in read.values()})
    if "" in zones and len(zones) > 1:
        code = next(code for code, one in read.items() if not one.zone)
        raise bad_cell(
            place, _row(codes, code), words[code], "a zone on every time of the column, or on none"
        )
    places = {zone: _zone(zone, form.zones or {}, place) for zone in zones if zone}
    for code, one in read.items():
        day = one.dates[order]
        if day is None:
            raise bad_cell(place, _row(codes, code), words[code], f"a date with the {order.value} first")
        values[code] = _nanoseconds(day, one.clock, places.get(one.zone or ""))
    missing = codes == len(words)
    kind = pa.timestamp("ns", _common(places) if places else None)
    return buffers.numeric(values[codes], missing if missing.any() else None).cast(kind)


def _nanoseconds(day: date, clock: int, zone: tzinfo | None) -> int:
    local = (day.toordinal() - date(1970, 1, 1).toordinal()) * 86_400 * 10**9 + clock
    if zone is None:
        return local
    moment = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=clock // 10**9)
    offset = moment.utcoffset() or timedelta()
    return local - round(offset.total_seconds()) * 10**9


def _zone(name: str, known: Mapping[str, str], place: Place) -> tzinfo:
    """The zone of an offset, of a name of the tz database, or of an abbreviation that the mapping names."""
    name = known.get(name, name)
    if name in _UTC:
        return UTC
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)?", name)
    if offset is not None:
        size = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if size < timedelta(days=1):
            return timezone(-size if offset[1] == "-" else size)
    elif "/" in name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise InputError(
        str(place),
        f"the zone {shown(name)}",
        "an offset such as -05:00, a name such as America/New_York, or one listed in the mapping",
        f'Write `zones = {{ {name} = "America/New_York" }}`, or what it means, under `time` in the mapping.',
    )


def _common(zones: Mapping[str, tzinfo]) -> str:
    """The one zone of all, by its name or as +01:00; UTC where there are several."""
    names = {_name(zone) for zone in zones.values()}
    return names.pop() if len(names) == 1 else "UTC"


def _name(zone: tzinfo) -> str:
    if isinstance(zone, ZoneInfo):
        return zone.key
    offset = zone.utcoffset(None) or timedelta()
    if not offset:
        return "UTC"
    minutes = abs(round(offset.total_seconds())) // 60
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
