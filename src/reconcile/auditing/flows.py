"""What fills do to cash (A1), and the echo of a misprinted row."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import Amounts, Ints, Mask, apart, minus, negative, only, signed, take, times
from reconcile.auditing.layout import Placed
from reconcile.auditing.sums import finite


def fill_notional(fills: Placed) -> tuple[Amounts, Mask] | None:
    """(price x quantity, or what the ledger calls notional; rows that tell), None where it has neither."""
    if "price" in fills and "quantity" in fills:
        return times(fills.amounts("price"), fills.amounts("quantity")), fills.full("price", "quantity")
    if "notional" in fills:
        return fills.amounts("notional"), fills.full("notional")
    return None


def cash_of_fills(fills: Placed, *, recorded: bool = False) -> tuple[Amounts, Mask] | None:
    """A1: what each fill does to cash, -(q*p + c); no commission where the ledger has none.

    recorded: with the notional on record in place of q*p, None where there is none.
    """
    if recorded and "notional" not in fills:
        return None
    found = (fills.amounts("notional"), fills.full("notional")) if recorded else fill_notional(fills)
    if found is None:
        return None
    notional, full = found
    out = signed(notional, ~fills.sells)
    if "commission" in fills:
        out, full = minus(out, fills.amounts("commission")), full & fills.full("commission")
    return finite(only(out, full)), full


def without_echo(places: Ints, gaps: Amounts, group: Ints | None, bar: Ints) -> Ints:
    """A wrong cell is off by x at its bar and by -x at the next: the second is the first's echo."""
    keep: list[int] = []
    echo = -1
    for place in places.tolist():
        if place == echo:
            echo = -1
            continue
        keep.append(place)
        after = place + 1
        if (
            after < len(bar)
            and bar[after] == bar[place] + 1
            and (group is None or group[after] == group[place])
        ):
            both = take(gaps, np.array([place, after]))
            if not apart(take(both, np.array([0])), negative(take(both, np.array([1]))))[0]:
                echo = after
    return np.array(keep, np.int64)
