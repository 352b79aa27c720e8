"""What a callable strategy sees at one bar (R6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vocabulary.market import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The market up to and including bar t and the account as of t; nothing of it can be written.

    bar: t.  timestamp: local clock time of bar t (datetime64[ns]).  symbols: S names.
    present: (t + 1, S).  open, high, low, close: (t + 1, S) in currency, ticks / 10**price_decimals,
        NaN where not present.
    features: name -> (t + 1, S), `volume` among them.  context: name -> (t + 1,).
    positions: (S,) signed shares, lots / 10**quantity_decimals.
    cash, equity: currency, as of the mark of bar t: float(money) / 10.0**(price + quantity decimals).
    """

    bar: int
    timestamp: np.datetime64
    symbols: tuple[str, ...]
    present: Bools
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    features: Mapping[str, Floats]
    context: Mapping[str, Floats]
    positions: Floats
    cash: float
    equity: float
