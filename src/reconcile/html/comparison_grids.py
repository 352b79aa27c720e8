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
        yield Grid("breaks", "Breaks", BREAKS, _break_rows(found, clock), left_out, frozenset({0, 2}))
    if found.roots:
        yield _roots_by_month(found, clock)
    if found.periods:
        yield _period_grid(found, clock)
    if found.tolerances:
        yield _tolerance_grid(found)


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


def _break_rows(found: Reconciliation, clock: Clock) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for number in range(min(len(found.breaks), ROWS)):
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
        rows.append(
            (period.number, clock(period.start), clock(period.end), left.fills, right.fills,
             _plain(left.commission), _plain(right.commission), _plain(left.equity), _plain(right.equity),
             sum(period.breaks.values()))
        )  # fmt: skip
    heads = ("rebalance", "from", "to", "fills, reference", "fills, candidate", "commission, reference",
             "commission, candidate", "equity, reference", "equity, candidate", "breaks")  # fmt: skip
    title = "Bar by bar" if found.periods_are_bars else "Rebalance by rebalance"
    return Grid(
        "periods", title, heads, rows, max(0, len(found.periods) - ROWS), frozenset({0, *range(3, 10)})
    )


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value
