"""Clock readings: ISO text to instants, instants to the local time of their zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from vocabulary.errors import InputError
from vocabulary.market import Bools, Ints

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d\d:?\d\d)?)?"
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_EPOCH = date(1970, 1, 1).toordinal()
_UTC = frozenset({"UTC", "Z", "+00:00", "-00:00", "+0000", "-0000", "Etc/UTC"})
_INT64 = np.iinfo(np.int64)


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
    sign, hours, minutes = re.fullmatch(_OFFSET, text).groups()  # type: ignore[union-attr]
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


def parse_instants(words: list[Any], used: Bools, where: Callable[[int], str]) -> tuple[Ints, str | None]:
    """(words,) nanoseconds and the zone of all of them; `where(i)` names a row that has word i."""
    out = np.zeros(len(words), dtype=np.int64)
    zones: dict[str | None, int] = {}
    for i in np.flatnonzero(used).tolist():
        found = _parse(words[i])
        if found is None:
            raise InputError(
                f"{where(i)}, column 'timestamp'",
                repr(words[i]),
                "a date or time such as 2024-01-31 or 2024-01-31T15:30:00+00:00, in the years 1678 to 2261",
                "Write timestamps that way.",
            )
        out[i], zone = found
        zones.setdefault(zone, i)
    if len(zones) > 1:
        one, other = list(zones.items())[:2]
        raise mixed_zones(f"{where(one[1])} and {where(other[1])}", one[0], other[0])
    return out, next(iter(zones), None)


def mixed_zones(where: str, one: str | None, other: str | None) -> InputError:
    return InputError(
        where,
        f"timestamps in {show_zone(one)} and in {show_zone(other)}",
        "one time zone for all",
        "Convert them to UTC, or to one named zone in a Parquet file.",
    )


def show_zone(zone: str | None) -> str:
    return "no zone" if zone is None else f"zone {zone}"


def _parse(text: Any) -> tuple[int, str | None] | None:
    match = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups(default="")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        return None
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    if clock > (23, 59, 59) or clock[1] > 59 or clock[2] > 59:
        return None
    seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
    total = days * _DAY + seconds * _SECOND + int(fraction.ljust(9, "0") or 0)
    if zone in ("", *_UTC):
        name = "UTC" if zone else None
    else:
        name = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        if abs(_offset(name)) >= timedelta(days=1) or int(name[4:]) > 59:
            return None
        total -= int(_offset(name).total_seconds()) * _SECOND
    return (total, name) if _INT64.min < total <= _INT64.max else None


def show_instant(instant: int) -> str:
    """Nanoseconds as ISO text, no longer than needed."""
    text = str(np.datetime64(int(instant), "ns"))
    day, clock = text.split("T")
    if clock == "00:00:00.000000000":
        return day
    return f"{day}T{clock.rstrip('0').rstrip('.')}" if "." in clock else text
