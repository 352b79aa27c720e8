"""The pages of a golden review and of a gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.html.model import Grid, Page, Picture, Tone

if TYPE_CHECKING:
    from reconcile.gating.model import Report, Throughput
    from reconcile.goldens.golden_page import Group
    from reconcile.goldens.model import Figures

FIRSTS = ("case", "first", "fills that differ", "rebalances that differ")


def review_page(text: str, data: str, groups: Sequence[Group]) -> Page:
    """What is pending: per case before, after and cause, the figures that moved, and how it is accepted."""
    from reconcile.goldens.golden_page import cause_text, first_text, money, percent, whole

    pending = [one for group in groups for one in group.pending]
    rows, firsts = [], []
    for one in pending:
        change = one.change
        causes = "; ".join(map(cause_text, change.causes))
        before, after = change.before, change.after
        for label, read in (
            ("return", lambda side: percent(side.total_return)),
            ("largest drawdown", lambda side: percent(side.max_drawdown)),
            ("commission", lambda side: money(side.commission)),
            ("slippage", lambda side: money(side.slippage)),
            ("fills", lambda side: whole(side.fills)),
            ("final equity", lambda side: money(side.final_equity)),
        ):
            old, new = _moved(before, after, read)
            if old != new:
                rows.append((change.case, label, old, new, causes))
        if change.first is not None:
            firsts.append((change.case, first_text(change.first), change.fills, change.rebalances))
    grids = [
        Grid("moved", "Figures that change", ("case", "figure", "before", "after", "cause"), rows),
        Grid("first", "First divergence of each case", FIRSTS, firsts, 0, frozenset({2, 3})),
    ]
    causes_of = dict.fromkeys(cause_text(cause) for group in groups for cause in group.causes)
    return Page(
        command="golden review",
        title="pending goldens",
        verdict=text.partition("\n")[0],
        tone=Tone.OPEN if pending else Tone.PASS,
        outcome="Pending" if pending else "Nothing pending",
        causes=tuple(causes_of),
        pictures=tuple(_change_picture(pending)),
        grids=tuple(grid for grid in grids if grid.rows),
        facts=(("to accept", 'reconcile golden accept --all --reason "..."'),) if pending else (),
        text=text,
        data=data,
    )


def _moved(before: Figures | None, after: Figures, read: Any) -> tuple[str, str]:
    return ("-" if before is None else read(before)), read(after)


def _change_picture(pending: Sequence[Any]) -> Iterable[Picture]:
    """The return of each case before and after, as a bridge of two steps per case."""
    from reconcile.html import charts

    moved = [
        (
            one.change.case,
            float(one.change.before.total_return) * 100,
            float(one.change.after.total_return) * 100,
        )
        for one in pending
        if one.change.before is not None
        and one.change.before.total_return is not None
        and one.change.after.total_return is not None
    ]
    if moved:
        heads = ("case", "return before, %", "return after, %")
        table = Grid("returns-numbers", "In numbers", heads, moved, 0, frozenset({1, 2}))
        note = "One bar per case, from the return on record to the new one, in percent."
        yield Picture(
            "equity", "Returns before and after", charts.waterfall(moved, totals=False), note, table
        )


def gate_page(text: str, data: str, report: Report) -> Page:
    """A gate: the ratio with its interval over the pairs, and the drift of every case."""
    from reconcile.gating.gate_page import (
        CASE_HEAD,
        case_failures,
        case_rows,
        golden_failures,
        throughput_lines,
    )
    from reconcile.gating.model import Outcome

    failures = [line for one in report.goldens for line in golden_failures(one)]
    failures += [line for one in report.cases for line in case_failures(one)]
    tones = {Outcome.PASSED: Tone.PASS, Outcome.FAILED: Tone.FAIL}
    found = report.throughput
    return Page(
        command="gate",
        title=report.engine,
        verdict=text.partition("\n")[0],
        tone=tones.get(report.outcome, Tone.OPEN),
        outcome=report.outcome.value.capitalize(),
        causes=tuple(failures),
        pictures=() if found is None else tuple(_ratios(found)),
        grids=(Grid("cases", "Every case", CASE_HEAD, case_rows(report)),),
        facts=() if found is None else tuple(("throughput", line) for line in throughput_lines(found)),
        text=text,
        data=data,
    )


def _ratios(found: Throughput) -> Iterable[Picture]:
    """The ratio of each pair of fresh processes, with the limit."""
    from reconcile.html import charts

    if not found.pairs:
        return
    ratios = np.array([pair.head / pair.base for pair in found.pairs])
    limit = None if found.decision is None else found.decision.limit
    rows = [(number, round(float(ratio), 4)) for number, ratio in enumerate(ratios, 1)]
    table = Grid("pairs-numbers", "In numbers", ("pair", "ratio"), rows, 0, frozenset({0, 1}))
    note = "One point per pair of fresh processes: time of head over time of base. The line is the limit."
    yield Picture("equity", "Throughput, pair by pair", charts.points(ratios, limit), note, table)
