"""Timestamps: int64 nanoseconds since 1970 UTC, to and from Arrow and ISO 8601 text.

A ledger without a time zone holds clock times as if they were UTC; one with a zone holds instants,
shown in that zone. A zone is a name of the tz database or an offset such as +01:00.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.ledger.places import Place, bad_cell, bad_column

Nanoseconds = npt.NDArray[np.int64]
NAT = np.iinfo(np.int64).min
"""Stands at a missing cell, as numpy's NaT does."""

NAIVE = ""
"""What `from_arrow` gives as the zone of clock times; None where a column has no cell to tell by."""

_MINUTE, _SECOND, _DAY = 60_000_000_000, 1_000_000_000, 86_400_000_000_000
_PRECISIONS = ((_SECOND, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
_ISO = "an ISO 8601 time such as 2023-01-26, 2023-01-26T15:30:00 or 2023-01-26T15:30:00-05:00, 1678 to 2261"


def zone_is_known(zone: str) -> bool:
    """Whether timestamps can be shown in that zone on this machine."""
    try:
        pc.local_timestamp(to_arrow(np.zeros(1, dtype=np.int64), zone))
    except pa.ArrowException:
        return False
    return True


def to_arrow(values: Nanoseconds, zone: str | None, missing: npt.NDArray[np.bool_] | None = None) -> Any:
    """Arrow timestamp[ns, zone], null where missing."""
    return buffers.numeric(values, missing).cast(pa.timestamp("ns", zone))


def iso_text(values: Nanoseconds, zone: str | None) -> list[str]:
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


def _clock_text(values: Nanoseconds, dates: bool = True) -> list[str]:
    stamps = values.view("datetime64[ns]")
    if dates and not bool((values % _DAY).any()):
        return [str(text) for text in np.datetime_as_string(stamps, unit="D").tolist()]
    unit: Any = next(name for step, name in _PRECISIONS if not bool((values % step).any()))
    return [str(text) for text in np.datetime_as_string(stamps, unit=unit).tolist()]


def _offset_text(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // _MINUTE, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def from_arrow(array: Any, place: Place) -> tuple[Nanoseconds, str | None]:
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
        raise bad_column(place, "a time outside 1678 to 2261", _ISO, "Correct the column.") from None
    return _numbers(exact), zone


def _numbers(array: Any) -> Nanoseconds:
    return buffers.values_of(array.cast(pa.int64()), int(NAT))


def _from_text(array: Any, place: Place) -> tuple[Nanoseconds, str]:
    encoded = array.dictionary_encode()
    words = encoded.dictionary
    codes = buffers.values_of(encoded.indices, len(words))
    for zone in (None, "UTC"):
        try:
            parsed = words.cast(pa.timestamp("ns", zone))
        except pa.ArrowException:
            continue
        table = np.append(_numbers(parsed), np.int64(NAT))
        return table[codes], NAIVE if zone is None else _zone_of(words)
    raise _unreadable(words, codes, place)


def _zone_of(words: Any) -> str:
    """The one offset of all texts, as +01:00; UTC where it is zero or varies."""
    found = pc.extract_regex(words, r"(?P<offset>Z|[+-]\d\d:?\d?\d?)$").field(0)
    offsets = {text.replace(":", "").ljust(5, "0") for text in pc.unique(found).to_pylist()}
    if len(offsets) > 1:
        return "UTC"
    (offset,) = offsets
    return "UTC" if offset in ("Z0000", "+0000", "-0000") else f"{offset[:3]}:{offset[3:]}"


def _unreadable(words: Any, codes: npt.NDArray[Any], place: Place) -> Exception:
    """The error for the first text that is not a time, else for the first that is unlike the first."""
    zones: list[bool] = []
    for code, text in enumerate(words.to_pylist()):
        zone = next((z for z in (None, "UTC") if _parses(text, z)), NAIVE)
        if zone == NAIVE or (zones and zones[0] != (zone is None)):
            row = int(np.argmax(codes == code))
            expected = _ISO if zone == NAIVE else "a zone offset on every time of the column, or on none"
            return bad_cell(place, row, text, expected)
        zones.append(zone is None)
    return bad_column(place, "times that cannot be read together", _ISO, "Correct the column.")


def _parses(text: str, zone: str | None) -> bool:
    try:
        buffers.strings([text]).cast(pa.timestamp("ns", zone))
    except pa.ArrowException:
        return False
    return True
