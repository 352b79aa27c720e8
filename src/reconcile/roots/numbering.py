"""The sequence numbers of a bar's fills, compared (E1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconcile.matching.model import BreakType
from reconcile.roots.findings import Finding, Trial
from reconcile.roots.pending_orders import Due, side_of, symbol_of
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Cell, Row

Numbers = frozenset[int]
"""What the last sequence number may have been."""


def check_sequence(
    history: History,
    trial: Trial,
    t: int,
    entries: list[Due],
    fills: Sequence[Row],
    numbers: Numbers,
    whole: list[Finding],
) -> Numbers:
    """E1: fills are numbered on in the order in which their orders met the cash.

    whole: findings about whole fills. Where a row is missing, too many or in doubt, the numbers may have a
    hole for it or not.
    """
    if not history.rows.has("fills", "sequence"):
        return numbers
    doubtful = {finding.row for finding in whole}
    rows: dict[int, list[Row]] = {}
    for row in fills:
        rows.setdefault(row.symbol, []).append(row)
    sure: list[Row] = []
    entered = Counter(symbol_of(entry) for entry in entries)
    for entry in entries:
        mine = rows.get(symbol_of(entry), [])
        if (
            entered[symbol_of(entry)] == 1
            and len(mine) == 1
            and len(entry.readings) == 1
            and mine[0].at not in doubtful
        ):
            sure += rows.pop(symbol_of(entry))
    slack = sum(finding.row < 0 for finding in whole) + sum(len(more) for more in rows.values())
    for row in sure:
        number = row.whole("sequence")
        allowed: list[Cell] = [last + step for step in range(1, slack + 2) for last in sorted(numbers)]
        holds = trial.cell("fills", "sequence", BreakType.STATUS, (t, -1, side_of(row)), row, allowed)
        after = {number} if number is not None else set()
        numbers = frozenset(after if holds else after | {last + 1 for last in numbers})
    return (
        numbers if not slack else numbers | {last + step for last in numbers for step in range(1, slack + 1)}
    )
