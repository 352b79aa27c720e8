"""The summary as CSV: one row a rebalance (or a bar), both sides' figures, and the breaks by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reconcile.comparing.diff_csv import line, text

if TYPE_CHECKING:
    from reconcile.matching.model import Reconciliation

FIGURES = ("targets", "fills", "turnover", "commission", "slippage", "equity")


def periods_csv(found: Reconciliation, clock: Callable[[int | None], str | None]) -> Iterator[str]:
    """Lines of CSV, the header first. clock: as in `diff_csv`."""
    from reconcile.matching.model import Stage

    sides = ("reference", "candidate")
    yield line(
        [
            "rebalance",
            "decided_at",
            "start",
            "end",
            *(f"{side}_{name}" for name in FIGURES for side in sides),
            *(f"{stage.value}_breaks" for stage in Stage),
        ]
    )
    for period in found.periods:
        both = (period.reference, period.candidate)
        cells = [
            period.number,
            *(clock(stamp) for stamp in (period.decided_at, period.start, period.end)),
            *(getattr(side, name) for name in FIGURES for side in both),
            *(period.breaks.get(stage, 0) for stage in Stage),
        ]
        yield line([text(cell) for cell in cells])
