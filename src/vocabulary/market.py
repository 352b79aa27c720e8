"""The market: read-only arrays of T bars by S symbols (section M of the semantics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Bars of all symbols on one time axis; every array is C-ordered and not writeable.

    symbols: S names in Unicode code point order (M1).
    timestamps: (T,) instants, nanoseconds since 1970 UTC, strictly increasing (M1).
    wall: (T,) the same instants as local clock time, nanoseconds since 1970 (R2 reads the calendar
        from it); equal to `timestamps` where there is no zone.
    timezone: the zone's name as stored in the data, None for timestamps without one.
    price_decimals: a tick is 10**-price_decimals of a currency unit (U1).
    present: (T, S), M2.
    open, high, low, close: (T, S) ticks, 0 where the symbol is not present.
    volume: (T, S) float64 as read, NaN where missing; no rule reads it, `features` offers it.
    features: name -> (T, S) float64, NaN where missing (M2), the columns of the file and those of
        M4. A value may stand where the symbol is not present. `volume` is one of them.
    context: name -> (T,) float64, NaN where missing (M1).
    notes: what was odd in the input, one sentence a kind; no part of the digest.
    digest: sha256 over all of the above but notes and name, computed where the market is made.
    """

    symbols: tuple[str, ...]
    timestamps: Ints
    wall: Ints
    timezone: str | None
    price_decimals: int
    present: Bools
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Floats
    features: Mapping[str, Floats]
    context: Mapping[str, Floats]
    notes: tuple[str, ...] = ()
    digest: str = ""
    name: str = "market"
