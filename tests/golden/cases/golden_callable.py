"""The strategy of the case `strategy-callable`."""

from __future__ import annotations

from typing import Any


def lean(view: Any) -> dict[str, float] | None:
    """A quarter each for what closed higher than two bars before; nothing new while fewer than two did."""
    if view.bar < 2:
        return None
    up = [
        symbol
        for place, symbol in enumerate(view.symbols)
        if view.present[-1, place] and view.close[-1, place] > view.close[-3, place]
    ]
    return dict.fromkeys(up[:3], 0.25) if len(up) > 1 else None
