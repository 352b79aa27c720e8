"""The arithmetic of section U on plain Python integers, which never overflow (U4)."""

from __future__ import annotations

import math

PPB = 1_000_000_000
"""One whole, in parts per billion."""


def mul(a: int, r: int) -> int:
    """U2: a times r ppb, rounded half up; a >= 0, r >= 0."""
    return (a * r + 500_000_000) // PPB


def mul_floor(a: int, r: int) -> int:
    """U3: a times r ppb, rounded down; a >= 0, r >= 0."""
    return a * r // PPB


def ticks(value: float, decimals: int) -> int | None:
    """U1: a float in ticks, half to even; None where it is missing (M2) or beyond any double."""
    scaled = value * float(10**decimals)
    return round(scaled) if math.isfinite(scaled) else None


def ppb(value: float) -> int | None:
    """R5, R6: a weight in ppb, half to even; None where it is missing (M2) or beyond any double."""
    scaled = value * 1e9
    return round(scaled) if math.isfinite(scaled) else None
