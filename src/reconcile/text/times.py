"""Times as text, in the local time of the market or the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vocabulary.ledger import Manifest
    from vocabulary.market import Market


_SECOND = 10**9


def stamp(market: Market, instant: int | None) -> str | None:
    """ISO 8601, with the offset if the market has a time zone; None for None.

    instant: nanoseconds since 1970 UTC. An instant between two bars takes the offset of the earlier bar.
    """
    if instant is None:
        return None
    bar = max(0, int(np.searchsorted(market.timestamps, instant, side="right")) - 1)
    offset = int(market.wall[bar]) - int(market.timestamps[bar]) if len(market.timestamps) else 0
    text = _iso(instant + offset)
    if market.timezone is None:
        return text
    minutes = abs(offset) // (60 * _SECOND)
    return f"{text}{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def day(market: Market, instant: int | None) -> str:
    """The same as `stamp` for people: without the time of a midnight, without the offset."""
    text = (stamp(market, instant) or "-").replace("T", " ")
    text = text[:-6] if market.timezone is not None and instant is not None else text
    return text.removesuffix(" 00:00:00")


def _iso(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _SECOND)
    text = str(np.datetime64(seconds, "s"))
    return f"{text}.{rest:09d}".rstrip("0") if rest else text


Clock = Callable[[int | None], str]
"""From nanoseconds since 1970 UTC to text; None becomes `-`."""


def short_clock(market: Market | None, *manifests: Manifest) -> Clock:
    """A clock that shows local time for people; a midnight is shown as a date alone."""
    if market is not None:
        return lambda instant: day(market, instant)
    exact = exact_clock(None, *manifests)
    zone = _zone(manifests)

    def shown(instant: int | None) -> str:
        if instant is None:
            return "-"
        text = (exact(instant) or "").replace("T", " ")
        text = text[:-6] if zone is not None and text[-6:-5] in ("+", "-") else text
        return text.removesuffix(" 00:00:00")

    return shown


def exact_clock(market: Market | None, *manifests: Manifest) -> Callable[[int | None], str | None]:
    """A clock that gives ISO 8601 for programs, in the time zone of the market, else of the ledger."""
    if market is not None:
        return lambda instant: stamp(market, instant)
    import numpy as np

    from reconcile.files.instants import iso_text

    zone = _zone(manifests)

    def shown(instant: int | None) -> str | None:
        if instant is None:
            return None
        text = iso_text(np.array([instant], np.int64), zone)[0]
        return text if "T" in text else f"{text}T00:00:00"

    return shown


def _zone(manifests: tuple[Manifest, ...]) -> str | None:
    return next((manifest.timezone for manifest in manifests if manifest.timezone is not None), None)
