"""R2 and R3: whether a bar may rebalance."""

from __future__ import annotations

from datetime import date, timedelta

from vocabulary.market import Market
from vocabulary.scenario import Bound, Gate, Schedule, ScheduleKind

EPOCH = date(1970, 1, 1)
DAY_NS = 86_400 * 1_000_000_000


def scheduled(schedule: Schedule, market: Market, t: int) -> bool:
    """R2: whether the schedule names bar t."""
    if schedule.kind is ScheduleKind.EVERY:
        return t >= schedule.start and (t - schedule.start) % schedule.every == 0
    return t == 0 or _period(schedule, market, t) != _period(schedule, market, t - 1)


def _period(schedule: Schedule, market: Market, t: int) -> tuple[int, int]:
    """The ISO week, or the calendar month, of the local clock time of bar t, with its year."""
    wall: int = market.wall.item(t)
    day = EPOCH + timedelta(days=wall // DAY_NS)
    if schedule.kind is ScheduleKind.MONTHLY:
        return day.year, day.month
    iso = day.isocalendar()
    return iso.year, iso.week


def gate_open(gate: Gate | None, market: Market, t: int) -> bool:
    """R3: doubles are compared; a missing value compares false and so closes the gate."""
    if gate is None:
        return True
    value: float = market.context[gate.context].item(t)
    return value <= gate.value if gate.bound is Bound.MAX else value >= gate.value
