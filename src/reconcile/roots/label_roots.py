"""Telling roots from consequences, where a scenario and its market are at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.comparing.tolerances import Gauge
from reconcile.matching.axis import Axis
from reconcile.matching.breaks import Breaks
from reconcile.matching.model import Root
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Breaks with their labels, the roots (None where they cannot be told), and why not."""

    breaks: Breaks
    roots: tuple[Root, ...] | None
    notes: tuple[str, ...] = ()


def tell_apart(
    breaks: Breaks,
    axis: Axis,
    ledgers: tuple[Ledger, Ledger],
    scenario: Scenario | None,
    market: Market | None,
    gauge: Gauge,
    until: int | None = None,
) -> Told:
    """Resync both ledgers, each on its own account: whichever newly got something wrong has the root.

    until: a timestamp that neither ledger reaches, None where they are whole.
    """
    if scenario is None or market is None:
        return Told(breaks, None)
    if not len(breaks):
        return Told(breaks, ())
    # Only here: comparing alone needs neither the reference nor what reads ledgers row by row.
    from reconcile.roots.resync import can_resync, resync
    from reconcile.roots.roots import Frame, causes_of, label
    from reconcile.roots.unknown_symbols import meant_symbols

    if not all(can_resync(ledger) for ledger in ledgers):
        return Told(breaks, None, ("Roots cannot be told: a ledger has neither fills nor positions.",))
    start = _start(breaks, ledgers, market)
    stop = len(market.timestamps) if until is None else int(np.searchsorted(market.timestamps, until))
    try:
        found = []
        for ledger, is_candidate in zip(ledgers, (False, True), strict=True):
            meant = meant_symbols(breaks, is_candidate, market)
            runs = resync(ledger, scenario, market, (start, stop), gauge.by_column, meant)
            found.append((causes_of(runs), is_candidate))
    except TieoutError as error:
        return Told(breaks, None, (f"Roots cannot be told: {error}",))
    labelled, roots = label(breaks, found, Frame(scenario, market, axis))
    return Told(labelled, roots)


def _start(breaks: Breaks, ledgers: tuple[Ledger, Ledger], market: Market) -> int:
    """The bar before the first break; all of it where a ledger does not tell what it had decided by then."""
    complete = all(
        {"orders", "targets", "fills", "positions", "equity"} <= set(ledger.tables) for ledger in ledgers
    )
    if not complete:
        return 0
    earliest = int(breaks.columns.timestamp.min())
    return max(0, int(np.searchsorted(market.timestamps, earliest)) - 1)
