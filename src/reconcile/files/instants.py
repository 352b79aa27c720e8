"""Timestamps: int64 nanoseconds since 1970 UTC, to and from Arrow, ISO 8601 text and local clock time.

Times without a zone are clock times, held as if they were UTC; times with one are instants, shown in that
zone. A zone is a name of the tz database or an offset such as +01:00.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.places import Place, bad_cell, bad_column
from vocabulary.errors import InputError
from vocabulary.market import Ints

NAT = np.iinfo(np.int64).min
"""Stands at a missing cell, as numpy's NaT does."""
NAIVE = ""
"""What `from_arrow` gives as the zone of clock times; None where a column has no cell to tell by."""

_SECOND, _MINUTE, _DAY = 1_000_000_000, 60_000_000_000, 86_400_000_000_000
_PRECISIONS = ((_SECOND, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
_INT64 = np.iinfo(np.int64)
_EPOCH = date(1970, 1, 1).toordinal()
_UTC = frozenset({"UTC", "Z", "+00", "-00", "+00:00", "-00:00", "+0000", "-0000", "Etc/UTC"})
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_EXPECTED = (
    "an ISO 8601 time such as 2023-01-26, 2023-01-26T15:30:00 or 2023-01-26T15:30:00-05:00, 1678 to 2261"
)


class NotATime(ValueError):
    """A text that is no ISO 8601 time of the years 1678 to 2261. word: its place among the words."""

    def __init__(self, word: int) -> None:
        super().__init__(word)
        self.word = word


def zone_is_known(zone: str) -> bool:
    """Whether timestamps can be shown in that zone on this machine."""
    try:
        pc.local_timestamp(to_arrow(np.zeros(1, dtype=np.int64), zone))
    except pa.ArrowException:
        return False
    return True


def to_arrow(values: Ints, zone: str | None, missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """Arrow timestamp[ns, zone], null where missing."""
    return buffers.numeric(values, missing).cast(pa.timestamp("ns", zone))


def iso_text(values: Ints, zone: str | None) -> list[str]:
    """ISO 8601 text of each, at the shortest precision that is exact for all of them.

    Only a column of midnights without a zone is written as dates. With a zone the offset stands at
    the end; where an offset is not of whole minutes (local mean time), all are written in UTC.
    """
    if not len(values):
        return []
    if zone is None:
        return _clock_text(values)
    local = buffers.values_of(pc.local_timestamp(to_arrow(values, zone)).cast(pa.int64()))
    offsets = local - values
    if bool((offsets % _MINUTE != 0).any()):
        local, offsets = values, np.zeros_like(values)
    codes = {int(offset): _offset_text(int(offset)) for offset in np.unique(offsets)}
    clocks = _clock_text(local, dates=False)
    return [clock + codes[offset] for clock, offset in zip(clocks, offsets.tolist(), strict=True)]


def _clock_text(values: Ints, dates: bool = True) -> list[str]:
    stamps = values.view("datetime64[ns]")
    if dates and not bool((values % _DAY).any()):
        return [str(text) for text in np.datetime_as_string(stamps, unit="D").tolist()]
    unit: Any = next(name for step, name in _PRECISIONS if not bool((values % step).any()))
    return [str(text) for text in np.datetime_as_string(stamps, unit=unit).tolist()]


def _offset_text(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // _MINUTE, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def show_instant(instant: int) -> str:
    """Ints as ISO text, no longer than needed."""
    text = str(np.datetime64(int(instant), "ns"))
    day, clock = text.split("T")
    if clock == "00:00:00.000000000":
        return day
    return f"{day}T{clock.rstrip('0').rstrip('.')}" if "." in clock else text


def from_arrow(array: Any, place: Place) -> tuple[Ints, str | None]:
    """(nanoseconds, zone) of an Arrow array of timestamps, dates or ISO text; NAT where null.

    zone: NAIVE for clock times; None where every cell is null. Raises InputError naming the cell.
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if array.null_count == len(array):
        return np.full(len(array), NAT, dtype=np.int64), None
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _from_text(array, place)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise bad_column(
            place, str(kind), "timestamps, dates or ISO 8601 text", "Write the column as timestamps."
        )
    zone = (kind.tz or NAIVE) if pa.types.is_timestamp(kind) else NAIVE
    try:
        exact = array.cast(pa.timestamp("ns", zone or None))
    except pa.ArrowException:
        raise bad_column(place, "a time outside 1678 to 2261", _EXPECTED, "Correct the column.") from None
    return _nanoseconds(exact), zone


def _nanoseconds(array: Any) -> Ints:
    return buffers.values_of(array.cast(pa.int64()), int(NAT))


def _from_text(array: Any, place: Place) -> tuple[Ints, str]:
    encoded = array.dictionary_encode()
    words = encoded.dictionary
    codes = buffers.values_of(encoded.indices, len(words))
    try:
        values, zones = parse_iso(words)
    except NotATime as error:
        raise _bad_word(words, codes, error.word, place, _EXPECTED) from None
    if None in zones and len(zones) > 1:
        later = max(zones[None], min(word for zone, word in zones.items() if zone is not None))
        expected = "a zone offset on every time of the column, or on none"
        raise _bad_word(words, codes, later, place, expected)
    known = [zone for zone in zones if zone is not None]
    zone = NAIVE if not known else known[0] if len(known) == 1 else "UTC"
    return np.append(values, np.int64(NAT))[codes], zone


def _bad_word(words: Any, codes: npt.NDArray[Any], word: int, place: Place, expected: str) -> InputError:
    return bad_cell(place, int(np.argmax(codes == word)), words[word].as_py(), expected)


def parse_iso(words: Any) -> tuple[Ints, dict[str | None, int]]:
    """(words,) nanoseconds of an Arrow array of ISO 8601 texts without nulls, and the zones among them.

    A zone is `UTC` or an offset such as +01:00, None for clock times; with each stands the first word that
    has it. Raises NotATime.
    """
    for zone in (None, "UTC"):  # Arrow reads what is of one kind, and fast
        try:
            parsed = _nanoseconds(words.cast(pa.timestamp("ns", zone)))
        except pa.ArrowException:
            continue
        return parsed, ({None: 0} if len(words) else {}) if zone is None else _zones_of(words)
    out = np.zeros(len(words), dtype=np.int64)
    zones: dict[str | None, int] = {}
    for word, text in enumerate(words.to_pylist()):
        out[word], own = _parse(text, word)
        zones.setdefault(own, word)
    return out, zones


def _zones_of(words: Any) -> dict[str | None, int]:
    """The zones of texts that all have one."""
    texts = pc.extract_regex(words, r"(?P<offset>Z|[+-]\d\d:?\d?\d?)$").field(0).dictionary_encode()
    codes = buffers.values_of(texts.indices)
    first = [int(np.argmax(codes == code)) for code in range(len(texts.dictionary))]
    zones: dict[str | None, int] = {}
    for text, word in sorted(zip(texts.dictionary.to_pylist(), first, strict=True), key=lambda pair: pair[1]):
        zones.setdefault(_zone_of_text(text), word)
    return zones


def _zone_of_text(text: str) -> str:
    if text in _UTC:
        return "UTC"
    digits = text.replace(":", "").ljust(5, "0")
    return f"{digits[:3]}:{digits[3:]}"


def _parse(text: str, word: int) -> tuple[int, str | None]:
    """Ints and zone of one text, spaces around it apart."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise NotATime(word)
    year, month, day, hour, minute, second, fraction, zone = match.groups(default="")
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        raise NotATime(word) from None
    name = _zone_of_text(zone) if zone else None
    ahead = timedelta() if name in (None, "UTC") else _offset(str(name))
    if clock[0] > 23 or clock[1] > 59 or clock[2] > 59 or abs(ahead) >= timedelta(days=1):
        raise NotATime(word)
    if name not in (None, "UTC") and int(str(name)[4:]) > 59:
        raise NotATime(word)
    seconds = days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2] - int(ahead.total_seconds())
    total = seconds * _SECOND + int(fraction.ljust(9, "0") or 0)
    if not _INT64.min < total <= _INT64.max:
        raise NotATime(word)
    return total, name


def zone_name(zone: str | None, source: str) -> str | None:
    """The zone's name, all spellings of UTC as one. Raises InputError when the zone is not known."""
    if zone is None:
        return None
    if zone in _UTC:
        return "UTC"
    _zone(zone, source)
    return zone


def _zone(name: str, source: str) -> tzinfo:
    fixed = _OFFSET.fullmatch(name)
    if fixed:
        return timezone(_offset(name))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(
            f"{source}, column 'timestamp'",
            f"the time zone {name!r}",
            "a zone that this system knows",
            "Name it as in the IANA database, or install the tzdata package.",
        ) from error


def _offset(text: str) -> timedelta:
    """Of text that `_OFFSET` matches."""
    sign, hours, minutes = re.fullmatch(_OFFSET, text).groups(default="0")  # type: ignore[union-attr]
    return timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)


def wall_clock(timestamps: Ints, zone: str | None, source: str) -> Ints:
    """(T,) local clock time of ascending instants, in nanoseconds since 1970 (R2).

    Within a UTC day whose two ends have one offset, all instants have it; else each is looked up.
    """
    if zone is None or zone == "UTC":
        return timestamps
    place = _zone(zone, source)
    days = timestamps // _DAY
    distinct = sorted(set(np.unique(days).tolist()))
    known = {day: _offset_at(day * _DAY, place) for day in {*distinct, *(day + 1 for day in distinct)}}
    first = np.array([known[day] for day in distinct], dtype=np.int64)
    steady = np.array([known[day] == known[day + 1] for day in distinct], dtype=np.bool_)
    at = np.searchsorted(np.array(distinct, dtype=np.int64), days)
    offsets = first[at]
    for i in np.flatnonzero(~steady[at]).tolist():
        offsets[i] = _offset_at(int(timestamps[i]), place)
    return np.asarray(timestamps + offsets, dtype=np.int64)


def _offset_at(instant: int, place: tzinfo) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant // _SECOND)
    offset = moment.astimezone(place).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * _SECOND


def mixed_zones(where: str, one: str | None, other: str | None) -> InputError:
    return InputError(
        where,
        f"timestamps in {_zone_text(one)} and in {_zone_text(other)}",
        "one time zone for all",
        "Convert them to UTC, or to one named zone in a Parquet file.",
    )


def _zone_text(zone: str | None) -> str:
    return "no zone" if zone is None else f"zone {zone}"
