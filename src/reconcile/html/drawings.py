"""What the pictures of a page show, as data: `charts` draws it for a browser, `figures` for a file.

Instants are nanoseconds since 1970 UTC; amounts and prices are doubles in currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Instants = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Line = tuple[Instants, Floats]
"""(instants, values), in order of time."""


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurves:
    """Both equity curves, the gap between them, and the instant of the first divergence; None if lacking."""

    reference: Line | None
    candidate: Line | None
    gap: Line | None
    first: int | None
    names: tuple[str, str] = ("reference", "candidate")


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines over time by name; a name that begins with `reference` is drawn solid, others dashed."""

    label: str
    lines: tuple[tuple[str, Line], ...]
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A bridge. steps: (label, from, to). totals: the first and the last stand on zero."""

    steps: tuple[tuple[str, float, float], ...]
    totals: bool = True
    label: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A ratio and its interval after so many pairs."""

    pairs: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """The ratio of each pair in order, the interval at each look, and the limit; None without one."""

    values: Floats
    looks: tuple[Look, ...]
    limit: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One symbol's bars: instants, prices, and the width of a bar in nanoseconds."""

    at: Instants
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    wide: float


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Fills or orders of one side: instants, prices, and whether each buys. name: for the legend."""

    name: str
    at: Instants
    price: Floats
    bought: Any


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A price over time that belongs to one side's position: an exit's level, or an extreme."""

    name: str
    line: Line
    extreme: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """A symbol's bars with orders, fills, levels and extremes of both sides, and the first divergence."""

    bars: Bars
    fills: tuple[Marks, ...]
    orders: tuple[Marks, ...]
    levels: tuple[Level, ...]
    first: int


Drawing = EquityCurves | Lines | Waterfall | Ratios | Candles
