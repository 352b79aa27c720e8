"""Dates of a Flex query, whose format the query's author chose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from reconcile.text.escape import printable
from vocabulary.errors import InputError

PLAIN = ("%Y%m%d", "%Y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%Y/%m/%d")
"""Dates that can be read in one way."""
MONTH_FIRST, DAY_FIRST = ("%m/%d/%Y", "%m/%d/%y"), ("%d/%m/%Y", "%d/%m/%y")
TIMES = ("%H%M%S", "%H:%M:%S", "%H:%M", "%H%M")
PARTS = re.compile(r"^\s*([0-9A-Za-z/-]+?)(?:\s*[;, T]\s*([0-9:]+))?(?:\s+[A-Z][A-Za-z/_]+)?\s*$")
"""Date, perhaps a time, perhaps the name of the account's zone."""
REMEDY = "Set the query's date format to yyyyMMdd, and its time format to HHmmss."


class Dates:
    """Reads dates in the one format that fits all of a file's."""

    def __init__(self, origin: str, every: Iterable[str]) -> None:
        self._origin = origin
        slashed = [one for one in (self._parts(text)[0] for text in every if text) if "/" in one[:3]]
        self._formats: tuple[str, ...] = PLAIN
        if slashed:
            fits = [one for one in (MONTH_FIRST, DAY_FIRST) if all(_read(text, one) for text in slashed)]
            readings = {tuple(_read(text, one) for text in slashed) for one in fits}
            if len(readings) != 1:
                found = f"dates such as {printable(slashed[0], 30)}, whose month may be either number"
                raise InputError(origin, found, "dates that can be read in one way", REMEDY)
            self._formats = (*PLAIN, *fits[0])

    def _parts(self, text: str) -> tuple[str, str]:
        found = PARTS.match(text)
        if found is None:
            raise self._unfit(text)
        return found[1], found[2] or ""

    def day(self, text: str) -> str:
        """The day of a date, as 2024-01-31. Raises InputError: no date."""
        return self.stamp(text)[:10]

    def stamp(self, text: str) -> str:
        """A date with its time, as 2024-01-31 15:30:00; midnight without one. Raises InputError: no date."""
        date, time = self._parts(text)
        day, clock = _read(date, self._formats), _read(time, TIMES) if time else datetime(1900, 1, 1)
        if day is None or clock is None:
            raise self._unfit(text)
        return f"{day:%Y-%m-%d} {clock:%H:%M:%S}"

    def _unfit(self, text: str) -> InputError:
        return InputError(
            f"{self._origin}: date", repr(printable(text, 40)), "a date of a Flex query", REMEDY
        )


def _read(text: str, formats: Iterable[str]) -> datetime | None:
    for one in formats:
        try:
            return datetime.strptime(text, one)
        except ValueError:
            continue
    return None
