"""Filters: which breaks are shown. They never touch the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Reconciliation

_DAY = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show; None for no bound. since, until: ns since 1970 UTC, both included.

    text: as the user gave them, for the output.
    """

    since: int | None = None
    until: int | None = None
    symbols: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    text: str = ""


NONE = Filters()


def filters_from(
    date: str | None, symbols: Sequence[str], stages: Sequence[str], types: Sequence[str], zone: str | None
) -> Filters:
    """Filters as typed. date: a day, or two with `..` between them, or one side left out.

    zone: of the days, None for clock times. Raises InputError.
    """
    since, until = (None, None) if date is None else _span(date, zone)
    names = (("date", (date,) if date else ()), ("symbol", symbols), ("stage", stages), ("type", types))
    text = ", ".join(f"{name} {' or '.join(map(str, values))}" for name, values in names if values)
    return Filters(since, until, tuple(symbols), tuple(stages), tuple(types), text)


def _span(text: str, zone: str | None) -> tuple[int | None, int | None]:
    first, dots, last = text.partition("..")
    if not dots:
        last = first
    if not first and not last:
        raise _no_date(text)
    since = _instant(text, first, zone, end=False) if first else None
    until = _instant(text, last, zone, end=True) if last else None
    return since, until


def _instant(whole: str, text: str, zone: str | None, end: bool) -> int:
    """The first, or the last, nanosecond of a day; of a time with a clock, that time."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC if zone is None else ZoneInfo(zone))
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        nanoseconds = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
    except (ValueError, OverflowError, KeyError, OSError):
        raise _no_date(whole) from None
    is_day = len(text.strip()) <= len("2023-01-26")
    return nanoseconds + (_DAY - 1 if end and is_day else 0)


def _no_date(text: str) -> InputError:
    return InputError(
        "--date", repr(text), "a day, or a span such as 2023-01-26..2023-02-10", "Write the date in ISO form."
    )


def shown(found: Reconciliation, filters: Filters) -> Sequence[Break]:
    """The breaks that pass the filters."""
    from reconcile.matching.model import BreakType, Stage

    if not filters.text:
        return found.breaks
    wanted: dict[str, Any] = {"since": filters.since, "until": filters.until}
    if filters.symbols:
        wanted["symbols"] = filters.symbols
    if filters.stages:
        wanted["stages"] = [Stage(name) for name in filters.stages]
    if filters.types:
        wanted["types"] = [BreakType(name) for name in filters.types]
    breaks: Any = found.breaks
    picked: Sequence[Break] = breaks.where(**wanted)
    return picked
