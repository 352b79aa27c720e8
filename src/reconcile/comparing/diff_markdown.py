"""A reconciliation as Markdown, for a pull request or a job summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from reconcile.comparing.break_page import LISTED, describe, edited, gap_text, headline
from reconcile.comparing.diff_page import Compared
from reconcile.comparing.filters import NONE, Filters, shown
from reconcile.text.escape import printable
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.model import Break, Period, Reconciliation

ROWS = 2 * LISTED
_MARKS = {ord(mark): f"\\{mark}" for mark in "\\`*_[]~"} | {ord(mark): f"&#{ord(mark)};" for mark in "<>&|#"}


def diff_markdown(found: Reconciliation, subject: Compared, clock: Clock, filters: Filters = NONE) -> str:
    """The answer, then tables of breaks by stage, by rebalance and one by one."""
    picked = shown(found, filters)
    parts: tuple[Iterable[str], ...] = (
        [f"**{escaped(headline(found, clock))}**"],
        [f"reference {escaped(subject.reference)}, candidate {escaped(subject.candidate)}"],
        _filtered(found, picked, filters),
        _roots(found, clock),
        table(("stage", "breaks"), [(stage.value, f"{n:,}") for stage, n in found.by_stage.items()]),
        _rebalances(found, clock),
        _breaks(picked, clock),
        _gaps(found),
        [f"- {escaped(line)}" for line in edited(found, clock)],
        [f"- {escaped(note)}" for note in dict.fromkeys((*found.notes, *subject.notes))],
    )
    return "\n\n".join("\n".join(made) for part in parts if (made := list(part)))


def escaped(text: object) -> str:
    """Text from data that neither markup nor HTML can come out of."""
    return printable(text).translate(_MARKS)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; nothing for no rows."""
    lines = [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]


def _filtered(found: Reconciliation, picked: Sequence[Break], filters: Filters) -> list[str]:
    if not filters.text:
        return []
    shares = f"{len(picked):,} of {len(found.breaks):,}"
    return [f"shown: {shares}, {escaped(filters.text)}; the verdict is about all of them"]


def _roots(found: Reconciliation, clock: Clock) -> list[str]:
    rows = [
        (describe(root.first, clock), f"{root.count:,}", clock(root.last))
        for root in (found.roots or ())[:ROWS]
    ]
    return table(("root", "breaks", "until"), rows)


def _rebalances(found: Reconciliation, clock: Clock) -> list[str]:
    noun = "bar" if found.periods_are_bars else "rebalance"
    head = (noun, "from", "targets", "fills", "turnover", "commission", "slippage", "equity", "breaks")
    periods = (period for period in found.periods if period.breaks)
    return table(head, [_period(period, clock) for period in islice(periods, ROWS)])


def _period(period: Period, clock: Clock) -> tuple[str, ...]:
    left, right = period.reference, period.candidate
    counts = [f"{getattr(left, name)} / {getattr(right, name)}" for name in ("targets", "fills")]
    names = ("turnover", "commission", "slippage", "equity")
    gaps = [gap_text(getattr(left, name), getattr(right, name)) for name in names]
    stages = ", ".join(f"{stage.value} {number:,}" for stage, number in period.breaks.items())
    return ("-" if period.number is None else str(period.number), clock(period.start), *counts, *gaps, stages)


def _breaks(picked: Sequence[Break], clock: Clock) -> list[str]:
    marks = {True: "root", False: "follows", None: ""}
    rows = [
        (one.stage.value, one.type.value, describe(one, clock), marks[one.root])
        for one in islice(picked, ROWS)
    ]
    return table(("stage", "type", "break", "root"), rows)


def _gaps(found: Reconciliation) -> list[str]:
    return [
        f"- not compared: {escaped(gap.table if gap.column is None else f'{gap.table}.{gap.column}')}:"
        f" {gap.why.value}"
        for gap in found.not_compared
    ]
