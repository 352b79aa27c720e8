"""Labels breaks as roots or consequences. This needs the scenario and its market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.matching.axis import Axis
from reconcile.matching.bounds import AppliedTolerances
from reconcile.matching.breaks import TABLES, Breaks
from reconcile.matching.model import Root
from vocabulary.errors import TieoutError
from vocabulary.ledger import SCHEMA, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBreaks:
    """Breaks with their labels; the roots, None where they cannot be found; notes say why."""

    breaks: Breaks
    roots: tuple[Root, ...] | None
    notes: tuple[str, ...] = ()


def label_roots(
    breaks: Breaks,
    axis: Axis,
    ledgers: tuple[Ledger, Ledger],
    scenario: Scenario | None,
    market: Market | None,
    gauge: AppliedTolerances,
    until: int | None = None,
) -> LabelledBreaks:
    """Check each ledger against the reference, bar by bar, from that ledger's own account.

    The ledger that first deviates from the reference owns the root. until: ns since 1970 UTC; neither ledger
    has rows from there on. None: the ledgers are complete.
    """
    if scenario is None or market is None:
        return LabelledBreaks(breaks, None)
    ledgers = (own_tables(ledgers[0]), own_tables(ledgers[1]))
    if not len(breaks):
        return LabelledBreaks(breaks, ())
    # Imported here, so that a comparison without a scenario loads neither the reference nor the resync.
    from reconcile.roots.causes import RootFrame, causes_of, label
    from reconcile.roots.findings import intended_symbols
    from reconcile.roots.levels import at_own_levels
    from reconcile.roots.resync import can_resync, resync

    if not all(can_resync(ledger) for ledger in ledgers):
        return LabelledBreaks(
            breaks, None, ("Roots cannot be found: a ledger has neither fills nor positions.",)
        )
    start = _start(breaks, ledgers, market)
    stop = len(market.timestamps) if until is None else int(np.searchsorted(market.timestamps, until))
    try:
        found = []
        for ledger, is_candidate in zip(ledgers, (False, True), strict=True):
            intended = intended_symbols(breaks, is_candidate, market)
            own, levels = at_own_levels(ledger, scenario, market)
            runs = resync(ledger, own, market, (start, stop), gauge.by_column, intended)
            found.append(([*levels, *causes_of(runs, ledger)], is_candidate))
    except TieoutError as error:
        return LabelledBreaks(breaks, None, (f"Roots cannot be found: {error}",))
    labelled, roots = label(breaks, found, RootFrame(scenario, market, axis))
    untold = dict.fromkeys(TABLES[place] for place in labelled.columns.table[labelled.columns.root < 0])
    if not untold:
        return LabelledBreaks(labelled, roots)
    note = f"Roots of {', '.join(untold)} cannot be found: the reference does not compute them."
    return LabelledBreaks(labelled, roots or None, (note,))


def _start(breaks: Breaks, ledgers: tuple[Ledger, Ledger], market: Market) -> int:
    """The bar to check from: the one before the first break.

    It is 0 where a ledger lacks a table, because then what it had decided before that bar is unknown.
    """
    complete = all(
        {"orders", "targets", "fills", "positions", "equity"} <= set(ledger.tables) for ledger in ledgers
    )
    if not complete:
        return 0
    earliest = int(breaks.columns.timestamp.min())
    return max(0, int(np.searchsorted(market.timestamps, earliest)) - 1)


def own_tables(ledger: Ledger) -> Ledger:
    """The ledger without the return series that may be compared with it."""
    return Ledger(ledger.manifest, {name: t for name, t in ledger.tables.items() if name in SCHEMA})
