"""The page of two ledgers: of a run, a diff or an explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.comparing.wording import pattern_text, unread_lines
from reconcile.html import series
from reconcile.html.close_up import close_up
from reconcile.html.comparison_grids import grids_of
from reconcile.html.drawings import EquityCurves, Line, Lines, Waterfall
from reconcile.html.model import BreakMap, Compared, Grid, MapCell, Page, Picture, Section, Tone
from reconcile.matching.model import Reconciliation, Stage, Verdict
from reconcile.text.times import Clock, short_clock
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from reconcile.explaining.model import Explanation
    from reconcile.shrinking.cases import Shrunk

SIDES = ("reference", "candidate")
STRETCHES = 60
"""Columns of the map; more periods than that share one."""


def comparison_page(given: Compared) -> Page:
    """The page; its first screen is the answer, both returns, both curves and what was not compared."""
    found, clock = given.found, _clock(given)
    page = first_page(given)
    return replace(
        page,
        pictures=(*page.pictures, *_more_pictures(given, clock)),
        close_up=None if found.first is None else close_up(given, found.first, clock),
        break_map=_break_map(found, clock),
        grids=tuple(grids_of(found, given.explanation, clock)),
        facts=tuple(_facts(given)),
    )


def first_page(given: Compared) -> Page:
    """The first screen alone. A comparison of the first divergence is enough for it."""
    explanation = given.explanation
    return Page(
        command=given.command,
        title=given.scenario.name if given.scenario is not None else f"{given.names[0]} : {given.names[1]}",
        verdict=given.text.partition("\n")[0],
        tone=_tone(given),
        outcome=_outcome(given),
        figures=tuple(_figures(given)),
        sides=given.names,
        causes=() if explanation is None else tuple(one.sentence for one in explanation.causes),
        leads=() if explanation is None else tuple(_leads(explanation)),
        patterns=tuple(pattern_text(one, _clock(given)) for one in given.found.patterns),
        not_compared=tuple(_not_compared(given.found)),
        pictures=tuple(_curves(given, _clock(given))),
        text=given.text,
        data=given.data,
    )


def gap_text(given: Compared, width: int) -> str | None:
    """The equity gap as blocks with its range and span; None where the sides share no instant."""
    left, right = (series.line(ledger, "equity", "equity") for ledger in (given.reference, given.candidate))
    if left is None or right is None:
        return None
    at, values = series.gap(left, right)
    known = values[np.isfinite(values)]
    if not len(known) or not known.any():
        return None
    clock = _clock(given)
    blocks = series.blocks((at, values), width)
    span = f"{clock(int(at[0]))} to {clock(int(at[-1]))}"
    return f"{blocks}\nfrom {known.min():,.2f} to {known.max():,.2f}, {span}"


def _clock(given: Compared) -> Clock:
    return short_clock(given.market, given.reference.manifest, given.candidate.manifest)


def shrink_page(text: str, data: str, shrunk: Shrunk, name: str, out: str) -> Page:
    """The page of the smallest case, compared; before it how much smaller it is. out: where it is written."""
    from reconcile.shrinking.shrink_page import LABELS, sizes

    case, found = shrunk.after.case, shrunk.after.found
    left, right = (Ledger(side.manifest, side.tables) for side in (found.reference, found.candidate))
    names = ("reference", name)
    page = comparison_page(
        Compared("shrink", text, data, found, left, right, names, case.scenario, case.market)
    )
    before, after = (tuple(f"{size:,}" for size in sizes(look)) for look in (shrunk.before, shrunk.after))
    facts = (
        ("cause", ", ".join(shrunk.causes) or "none that explain knows"),
        ("tried", f"{shrunk.trials:,} cases{', stopped at the bound' if shrunk.stopped else ''}"),
        ("not needed", ", ".join(shrunk.dropped) or "nothing"),
        ("written", out),
    )
    rows = tuple(zip(LABELS, before, after, strict=True))
    part = Section("smaller", "How much smaller", facts, rows, ("given", "shrunk"))
    return replace(page, sections=(part,))


def _tone(given: Compared) -> Tone:
    if given.explanation is not None:
        from reconcile.explaining.model import Verdict as Explained

        whole = given.explanation.verdict in (Explained.EXPLAINED, Explained.NO_BREAKS)
        return Tone.PASS if whole else Tone.FAIL
    if given.found.verdict is Verdict.MATCHED:
        return Tone.PASS
    return Tone.FAIL if given.found.verdict is Verdict.BREAKS else Tone.OPEN


def _outcome(given: Compared) -> str:
    """The verdict in a few words."""
    if given.explanation is not None:
        return given.explanation.verdict.value.replace("_", " ").capitalize()
    return given.found.verdict.value.replace("_", " ").capitalize()


def _figures(given: Compared) -> Iterable[tuple[str, str, str]]:
    for label, measure in _MEASURES:
        sides = [measure(ledger) for ledger in (given.reference, given.candidate)]
        if any(side is not None for side in sides):
            yield label, sides[0] or "-", sides[1] or "-"


def _return(ledger: Ledger) -> str | None:
    equity = series.line(ledger, "equity", "equity")
    if equity is None:
        return None
    began = _initial_cash(ledger)
    base = began if began is not None else float(equity[1][0])
    return f"{(equity[1][-1] / base - 1) * 100:+,.2f} %" if base > 0 else None


def _initial_cash(ledger: Ledger) -> float | None:
    own = ledger.manifest
    if own.initial_cash is None or own.price_decimals is None or own.quantity_decimals is None:
        return None
    return float(own.initial_cash / 10 ** (own.price_decimals + own.quantity_decimals))


def _drawdown(ledger: Ledger) -> str | None:
    equity = series.line(ledger, "equity", "equity")
    return None if equity is None else f"{np.nanmin(series.drawdown(equity[1])) * 100:,.2f} %"


def _total(ledger: Ledger, column: str) -> str | None:
    values = series.column(ledger, "fills", column)
    return None if values is None else f"{np.nansum(values):,.2f}"


_MEASURES = (
    ("return", _return),
    ("largest drawdown", _drawdown),
    ("commission", lambda ledger: _total(ledger, "commission")),
    ("slippage", lambda ledger: _total(ledger, "slippage")),
    ("fills", lambda ledger: f"{ledger.tables['fills'].rows:,}" if "fills" in ledger.tables else None),
)


def _leads(found: Explanation) -> Iterable[str]:
    for lead in found.leads:
        yield f"{lead.sentence}: mends {lead.mended:,} of {lead.differing:,} differing cells of {lead.column}"


def _not_compared(found: Reconciliation) -> Iterable[str]:
    """One line per reason, then what the sources hold and nobody read."""
    reasons: dict[str, list[str]] = {}
    for gap in found.not_compared:
        name = gap.table if gap.column is None else f"{gap.table}.{gap.column}"
        reasons.setdefault(gap.why.value, []).append(name)
    yield from (f"{why}: {', '.join(names)}" for why, names in reasons.items())
    unread, left_out = unread_lines(found)
    yield from (f"not read: {line}" for line in unread)
    yield from (f"left out: {line}" for line in left_out)


def _curves(given: Compared, clock: Clock) -> Iterable[Picture]:
    """Both equity curves and the gap."""
    left, right = (series.line(ledger, "equity", "equity") for ledger in (given.reference, given.candidate))
    if left is not None or right is not None:
        between = None if left is None or right is None else series.gap(left, right)
        first = None if given.found.first is None else given.found.first.timestamp
        note = "" if first is None else f"The dotted line is the first divergence, {clock(first)}."
        drawing = EquityCurves(left, right, between, first)
        table = _line_table("equity", left, right, clock)
        title = "Equity of both sides, and the gap: candidate - reference"
        if left is None or right is None:
            own, other = SIDES if right is None else reversed(SIDES)
            title = f"Equity of the {own}; the {other} does not tell its own"
        yield Picture("equity", title, drawing, note, table)


def _more_pictures(given: Compared, clock: Clock) -> Iterable[Picture]:
    """The bridge, and drawdown, costs and turnover of both sides over time."""
    left, right = (series.line(ledger, "equity", "equity") for ledger in (given.reference, given.candidate))
    if given.explanation is not None and given.explanation.bridge is not None:
        yield _bridge(given.explanation)
    falls = [None if line is None else (line[0], series.drawdown(line[1])) for line in (left, right)]
    yield from _beside("drawdown", "Drawdown", falls, clock, percent=True)
    for column in ("commission", "slippage", "turnover"):
        sums = []
        for ledger in (given.reference, given.candidate):
            line = series.line(ledger, "costs", column)
            sums.append(None if line is None else series.so_far(line))
        yield from _beside(column, f"{column.capitalize()} so far", sums, clock)


def _beside(
    name: str, title: str, sides: Sequence[Line | None], clock: Clock, percent: bool = False
) -> Iterable[Picture]:
    """One figure of both sides over time, where at least one side has it."""
    lines = tuple((side, line) for side, line in zip(SIDES, sides, strict=True) if line is not None)
    if lines:
        yield Picture(
            name,
            title,
            Lines(title.lower(), lines, percent),
            "",
            _line_table(name, sides[0], sides[1], clock),
        )


def _line_table(name: str, left: Line | None, right: Line | None, clock: Clock) -> Grid:
    """At most a hundred rows, evenly spread: the chart in numbers."""
    at = np.unique(np.concatenate([line[0] for line in (left, right) if line is not None]))
    at = at[np.unique(np.linspace(0, len(at) - 1, min(len(at), 100)).astype(int))]
    rows = []
    for instant in at.tolist():
        sides = []
        for line in (left, right):
            place = -1 if line is None else int(np.searchsorted(line[0], instant))
            there = line is not None and place < len(line[0]) and line[0][place] == instant
            value = float(line[1][place]) if line is not None and there else np.nan
            sides.append(round(value, 6) if np.isfinite(value) else None)
        rows.append((clock(instant), *sides))
    return Grid(
        f"{name}-numbers", "In numbers", ("time", "reference", "candidate"), rows, 0, frozenset({1, 2})
    )


def _bridge(found: Explanation) -> Picture:
    bridge = found.bridge
    assert bridge is not None
    unit = 10**bridge.scale
    steps = [("reference", 0.0, bridge.reference / unit)]
    rows: list[tuple[str, float | None, float]] = [("reference", None, bridge.reference / unit)]
    at = bridge.reference
    for line in bridge.by_cause:
        steps.append((line.label, at / unit, line.equity / unit))
        rows.append((line.label, line.amount / unit, line.equity / unit))
        at = line.equity
    steps.append(("candidate", 0.0, bridge.candidate / unit))
    rows.append(("candidate", None, bridge.candidate / unit))
    table = Grid(
        "bridge-numbers", "In numbers", ("step", "final equity by", "to"), rows, 0, frozenset({1, 2})
    )
    drawing = Waterfall(tuple(steps), label="final equity")
    note = "Each cause is added to those on its left; the last step is what no cause explains."
    note += " The axis does not begin at 0." if series.ends_of(drawing)[0] > 0 else ""
    title = "From the reference's final equity to the candidate's"
    return Picture("bridge", title, drawing, note, table)


def _break_map(found: Reconciliation, clock: Clock) -> BreakMap | None:
    periods = [period for period in found.periods if period.number is not None or period.breaks]
    if not found.breaks or not periods:
        return None
    edges = np.linspace(0, len(periods), min(len(periods), STRETCHES) + 1).astype(int)
    groups = [periods[low:high] for low, high in pairwise(edges)]
    roots: Counter[tuple[str, int | None]] = Counter()
    for root in found.roots or ():
        roots[root.first.stage.value, root.first.rebalance] += 1
    stages = tuple(stage for stage in Stage if found.by_stage.get(stage))
    largest = max((sum(p.breaks.get(s, 0) for p in group) for s in stages for group in groups), default=1)
    names = tuple(_stretch(group, clock) for group in groups)
    cells = tuple(
        tuple(_cell(stage, name, group, roots, largest) for name, group in zip(names, groups, strict=True))
        for stage in stages
    )
    return BreakMap(tuple(stage.value for stage in stages), names, cells)


def _cell(stage: Stage, name: str, group: Sequence[Any], roots: Counter[Any], largest: int) -> MapCell | None:
    count = sum(period.breaks.get(stage, 0) for period in group)
    if not count:
        return None
    mine = sum(roots[stage.value, period.number] for period in group)
    level = 1 + min(4, int(4 * np.log1p(count) / np.log1p(largest)))
    numbers = tuple(-1 if group[place].number is None else group[place].number for place in (0, -1))
    return MapCell(stage.value, name, count, mine, level, (numbers[0], numbers[1]))


def _stretch(group: Sequence[Any], clock: Clock) -> str:
    first, last = clock(group[0].start), clock(group[-1].end)
    return first if first == last else f"{first} .. {last}"


def _facts(given: Compared) -> Iterable[tuple[str, str]]:
    yield "reference", given.names[0]
    yield "candidate", given.names[1]
    if given.scenario is not None:
        yield "scenario", f"{given.scenario.name}, digest {given.scenario.digest[:16]}"
    if given.market is not None:
        bars, symbols = given.market.present.shape
        yield (
            "market",
            f"{given.market.name}: {symbols:,} symbols x {bars:,} bars, digest {given.market.digest[:16]}",
        )
        for note in given.market.notes:
            yield "data", note
    for name, ledger in (("reference", given.reference), ("candidate", given.candidate)):
        own = ledger.manifest
        if own.producer or own.semantics:
            yield f"{name} made by", f"{own.producer or 'unknown'}, semantics {(own.semantics or '-')[:16]}"
    for note in given.found.notes:
        yield "comparison", note
