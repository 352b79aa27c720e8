"""The tables of a comparison's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconcile.html.model import ROWS, Grid
from reconcile.matching.model import Break, Reconciliation
from reconcile.text.times import Clock
from vocabulary.ledger import Kind

if TYPE_CHECKING:
    from reconcile.explaining.model import Explanation

BREAKS = (
    "#",
    "root",
    "rebalance",
    "time",
    "stage",
    "type",
    "table",
    "field",
    "symbol",
    "reference",
    "candidate",
)

NUMERIC_BREAKS = frozenset({0, 2})
ROOTS = 20_000
"""Roots that a page lists one by one; the rest is counted by symbol and month."""


def grids_of(found: Reconciliation, explanation: Explanation | None, clock: Clock) -> Iterable[Grid]:
    """Every table: causes, breaks, roots, rebalances and tolerances, those that have a row."""
    if explanation is not None and explanation.causes:
        causes = [
            (one.sentence, one.what, one.reference, one.candidate, one.breaks_explained)
            for one in explanation.causes
        ]
        heads = ("cause", "what", "reference", "candidate", "breaks that come back without it")
        yield Grid("causes", "Causes, each verified by a run", heads, causes, 0, frozenset({4}))
    if found.breaks:
        left_out = max(0, len(found.breaks) - ROWS)
        yield Grid("breaks", "Breaks", BREAKS, break_rows(found, clock), left_out, NUMERIC_BREAKS)
    if found.roots:
        yield _root_grid(found, clock)
        yield _roots_by_month(found, clock)
    if found.periods:
        yield _period_grid(found, clock)
    if found.tolerances:
        yield _tolerance_grid(found)
    if found.noise:
        yield _noise_grid(found)
    if explanation is not None and explanation.roots:
        groups = [(one.shared, one.count, one.example) for one in explanation.roots]
        shared = ("what they share", "roots", "the first")
        yield Grid("groups", "Roots that no cause explains", shared, groups, 0, frozenset({1}))


def _tolerance_grid(found: Reconciliation) -> Grid:
    rows = []
    for use in found.tolerances:
        own = use.tolerance
        bound, largest = (format(number, "f") for number in (own.bound, use.largest))
        slack = "yes" if use.slack else ""
        column = f"{own.table}.{own.column}"
        rows.append((column, own.kind.value, bound, use.absorbed, largest, slack, own.reason))
    heads = ("column", "kind", "bound", "cells absorbed", "largest gap", "slack", "reason")
    return Grid("tolerances", "Tolerances used", heads, rows, 0, frozenset({3}))


def _noise_grid(found: Reconciliation) -> Grid:
    rows = [
        (f"{one.table}.{one.column}", one.cells, format(one.largest, "g"), f"1 part in {1 / one.share:.2g}")
        for one in found.noise
    ]
    heads = ("column", "cells", "largest gap", "of the numbers behind it")
    return Grid("noise", "Rounding of doubles, which is no break", heads, rows, 0, frozenset({1}))


def _root_grid(found: Reconciliation, clock: Clock) -> Grid:
    """Every root: its first break, how far it reaches, and how many breaks are that same root."""
    rows = []
    for number, root in enumerate((found.roots or ())[:ROOTS], 1):
        one = root.first
        sides = [_value(one, value, clock) for value in (one.reference, one.candidate)]
        what = (one.stage.value, one.type.value, one.table, one.field, one.symbol)
        rows.append(
            (number, one.rebalance, clock(one.timestamp), *what, *sides, root.count, clock(root.last))
        )
    heads = ("#", *BREAKS[2:], "breaks", "to")
    left_out = max(0, len(found.roots or ()) - ROOTS)
    return Grid("root", "Roots", heads, rows, left_out, frozenset({0, 1, 10}))


def break_rows(found: Reconciliation, clock: Clock, most: int = ROWS) -> list[tuple[Any, ...]]:
    """The first breaks in the order of cause, under the headings BREAKS."""
    rows: list[tuple[Any, ...]] = []
    for number in range(min(len(found.breaks), most)):
        one = found.breaks[number]
        root = "" if one.root is None else "root" if one.root else "consequence"
        sides = [_value(one, value, clock) for value in (one.reference, one.candidate)]
        what = (one.stage.value, one.type.value, one.table, one.field, one.symbol)
        rows.append((number + 1, root, one.rebalance, clock(one.timestamp), *what, *sides))
    return rows


def _value(found: Break, value: Any, clock: Clock) -> Any:
    if value is None:
        return None
    if found.kind is Kind.TIMESTAMP and isinstance(value, int):
        return clock(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _roots_by_month(found: Reconciliation, clock: Clock) -> Grid:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for root in found.roots or ():
        one = root.first
        counts[one.symbol or "(account)", clock(one.timestamp)[:7], one.stage.value, one.field] += 1
    rows = [(*key, count) for key, count in counts.most_common(ROWS)]
    heads = ("symbol", "month", "stage", "field", "roots")
    return Grid("roots", "Roots by symbol and month", heads, rows, max(0, len(counts) - ROWS), frozenset({4}))


def _period_grid(found: Reconciliation, clock: Clock) -> Grid:
    rows = []
    for period in found.periods[:ROWS]:
        left, right = period.reference, period.candidate
        pairs = [
            (_plain(getattr(left, name)), _plain(getattr(right, name)))
            for name in ("targets", "fills", "turnover", "commission", "slippage", "equity")
        ]
        cells = [cell for pair in pairs for cell in pair]
        total = sum(period.breaks.values())
        rows.append((period.number, clock(period.start), clock(period.end), *cells, total))
    names = ("targets", "fills", "turnover", "commission", "slippage", "equity")
    figures = (f"{name}, {side}" for name in names for side in ("reference", "candidate"))
    heads = ("rebalance", "from", "to", *figures, "breaks")
    title = "Bar by bar" if found.periods_are_bars else "Rebalance by rebalance"
    left_out = max(0, len(found.periods) - ROWS)
    return Grid("periods", title, heads, rows, left_out, frozenset({0, *range(3, len(heads))}))


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value
