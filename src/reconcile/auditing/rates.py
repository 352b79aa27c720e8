"""U2 on columns."""

from __future__ import annotations

import numpy as np

from reconcile.auditing.amounts import Amounts, Array, at_scale

PPB = 1_000_000_000


def mul(amounts: Array, rate: int) -> Array:
    """U2, on arrays of integers >= 0: round half up, split so that int64 holds every part."""
    top = int(amounts.max()) if len(amounts) else 0
    if amounts.dtype == object or rate > 8 * PPB or (top // PPB + 1) * max(rate, 1) >= 2**62:
        return np.asarray((amounts.astype(object) * rate + PPB // 2) // PPB)
    return np.asarray((amounts // PPB) * rate + ((amounts % PPB) * rate + PPB // 2) // PPB)


def whole(a: Amounts, scale: int) -> Amounts | None:
    """The same amounts as integers at `scale`, None where they are doubles or have more decimals."""
    if a.scale is None:
        return None
    if a.scale <= scale:
        return at_scale(a, scale)
    factor = 10 ** (a.scale - scale)
    values = a.values if factor < 2**63 else a.values.astype(object)
    if bool((values % factor != 0).any()):
        return None
    return Amounts(values // factor, scale)
