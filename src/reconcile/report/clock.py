"""Instants as a reader of a ledger knows them, with a market at hand or without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconcile.report.times import day, stamp

if TYPE_CHECKING:
    from vocabulary.ledger import Manifest
    from vocabulary.market import Market

Clock = Callable[[int | None], str]
"""From nanoseconds since 1970 UTC to text, `-` for None."""


def short_clock(market: Market | None, *manifests: Manifest) -> Clock:
    """Local time for people: a midnight is a date."""
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
    """ISO 8601 for programs, None for None; in the market's zone, else the ledger's."""
    if market is not None:
        return lambda instant: stamp(market, instant)
    import numpy as np

    from reconcile.ledgers.instants import iso_text

    zone = _zone(manifests)

    def shown(instant: int | None) -> str | None:
        if instant is None:
            return None
        text = iso_text(np.array([instant], np.int64), zone)[0]
        return text if "T" in text else f"{text}T00:00:00"

    return shown


def _zone(manifests: tuple[Manifest, ...]) -> str | None:
    return next((manifest.timezone for manifest in manifests if manifest.timezone is not None), None)
