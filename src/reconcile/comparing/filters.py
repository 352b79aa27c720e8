"""Filters choose which breaks are shown. They never change the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from reconcile.text.escape import near_remedy
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.matching.breaks import Breaks
    from reconcile.matching.model import Reconciliation

_DAY = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show; None for no bound. since, until: ns since 1970 UTC, both included.

    text: the filters as the user typed them, for the output.
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
    """Filters from what the user typed.

    date: a day, or a span `first..last` of which one end may be left out. zone: the time zone of these days,
    None for UTC. Raises InputError: a date that is none, a stage or type that there is not.
    """
    from reconcile.matching.model import BreakType, Stage

    _known("--stage", stages, [one.value for one in Stage])
    _known("--type", types, [one.value for one in BreakType])
    since, until = (None, None) if date is None else _span(date, zone)
    names = (("date", (date,) if date else ()), ("symbol", symbols), ("stage", stages), ("type", types))
    text = ", ".join(f"{name} {' or '.join(map(str, values))}" for name, values in names if values)
    return Filters(since, until, tuple(symbols), tuple(stages), tuple(types), text)


def _known(option: str, words: Sequence[str], known: list[str]) -> None:
    for word in words:
        if word not in known:
            remedy = near_remedy([word], known, "Name one of these.")
            raise InputError(option, repr(word), f"one of {', '.join(known)}", remedy)


def _span(text: str, zone: str | None) -> tuple[int | None, int | None]:
    first, dots, last = text.partition("..")
    if not dots:
        last = first
    if not first and not last:
        raise _no_date(text)
    since = _instant(text, first, zone, end=False) if first else None
    until = _instant(text, last, zone, end=True) if last else None
    if since is not None and until is not None and until < since:
        raise InputError(
            "--date", repr(text), "a span whose last day is not before its first", "Exchange the two days."
        )
    return since, until


def _instant(whole: str, text: str, zone: str | None, end: bool) -> int:
    """The first (or, with `end`, the last) nanosecond of a day; a time of day stands for itself."""
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


def shown(found: Reconciliation, filters: Filters) -> Breaks:
    """The breaks that pass all filters."""
    from reconcile.matching.model import BreakType, Stage

    if not filters.text:
        return found.breaks
    return found.breaks.where(
        since=filters.since,
        until=filters.until,
        symbols=filters.symbols or None,
        stages=[Stage(name) for name in filters.stages] or None,
        types=[BreakType(name) for name in filters.types] or None,
    )
