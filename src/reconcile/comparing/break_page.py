"""Breaks as text: the verdict in one line, the first divergence and its surroundings, counts, roots, lists.

`headline` and `break_lines` are used by `reconcile diff` and `reconcile run`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconcile.comparing import surroundings as around
from reconcile.comparing.filters import NONE, Filters, shown
from reconcile.comparing.proposals import proposed
from reconcile.comparing.tolerances import tolerance_toml
from reconcile.comparing.wording import count, describe, edited, manifest_lines, pattern_text, unread_lines
from reconcile.ledger.figures import difference
from reconcile.text.escape import printable
from reconcile.text.layout import aligned, labelled
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.breaks import Breaks
    from reconcile.matching.model import Break, Period, Reconciliation, Root, Stage, Value
    from vocabulary.market import Market

LISTED = 10
"""The most breaks, roots and rebalances that are listed; the rest is counted."""


def break_lines(
    found: Reconciliation, clock: Clock, *, market: Market | None = None, filters: Filters = NONE
) -> list[str]:
    """The page below its first line."""
    picked = shown(found, filters)
    first = picked[0] if filters.text and len(picked) else found.first
    parts: tuple[Iterable[str], ...] = (
        _filtered(found, picked, filters),
        [] if first is None or not len(picked) else _around(found, first, clock, market),
        labelled("patterns", (pattern_text(one, clock) for one in found.patterns)),
        _roots(found, clock),
        _stages(found, picked),
        _rebalances(found, picked, clock),
        _listed(found, picked, clock),
        _not_compared(found),
        _not_read(found),
        labelled("manifests", manifest_lines(found)),
        _tolerances(found),
        _noise(found),
        _proposals(found),
        _chains(found, clock),
    )
    lines: list[str] = []
    for part in parts:
        made = list(part)
        lines += ["", *made] if made else []
    return lines


def counted_lines(found: Reconciliation, clock: Clock) -> list[str]:
    """The same for breaks that are counted, of which only the first are at hand, and no rows beside them."""
    parts: tuple[Iterable[str], ...] = (
        _stages(found, found.breaks),
        _listed(found, found.breaks, clock),
        _not_compared(found),
        _not_read(found),
        labelled("manifests", manifest_lines(found)),
        _tolerances(found),
        _noise(found),
        _chains(found, clock),
    )
    return [line for made in map(list, parts) if made for line in ("", *made)]


def _filtered(found: Reconciliation, picked: Breaks, filters: Filters) -> Iterable[str]:
    if filters.text:
        total = count(len(found.breaks), "break")
        yield f"shown         {len(picked):,} of {total}: {printable(filters.text)}"
        yield "              the first line and the exit code are about all of them"


def _around(found: Reconciliation, first: Break, clock: Clock, market: Market | None) -> Iterable[str]:
    bars = around.bars_of(first, found)
    when = f"{first.stage.value} stage, decided {clock(bars[0])}, executed and booked {clock(bars[1])}"
    if first == found.first:
        yield f"first         {when}"
    else:
        yield f"first shown   {describe(first, clock)}"
        yield f"{'':<14}{when}"
    if market is not None:
        yield from around.market_lines(first, bars, market, clock)
    yield from around.side_lines(first, found, clock)
    yield from (f"{'':<14}{line}" for line in around.own_fault_lines(first, found))


def _roots(found: Reconciliation, clock: Clock) -> Iterable[str]:
    if found.roots is None or not len(found.breaks) or found.first_only:
        return
    yield f"roots         {len(found.roots):,}; the other breaks follow from them"
    for number, root in enumerate(found.roots[:LISTED], 1):
        yield f"  {number:>3}  {describe(root.first, clock)}{_extent(root, clock)}"
    if len(found.roots) > LISTED:
        yield f"       and {len(found.roots) - LISTED:,} more"


def _extent(root: Root, clock: Clock) -> str:
    if root.count <= 1:
        return ""
    return f" ({root.count:,} breaks, to {clock(root.last)})"


def _stages(found: Reconciliation, picked: Breaks) -> Iterable[str]:
    if not len(found.breaks) or found.first_only:
        return
    stages = ", ".join(f"{stage.value} {number:,}" for stage, number in picked.by_stage().items())
    types = ", ".join(f"{kind.value} {number:,}" for kind, number in picked.by_type().items())
    yield f"by stage      {stages or 'none shown'}"
    yield f"by type       {types or 'none shown'}"


def _rebalances(found: Reconciliation, picked: Breaks, clock: Clock) -> Iterable[str]:
    """The periods with breaks: counts of both sides, and candidate - reference of the amounts."""
    if not len(found.breaks) or found.first_only:
        return
    counts = picked.by_rebalance()
    periods = [period for period in found.periods if counts.get(period.number)]
    noun = "bar" if found.periods_are_bars else "rebalance"
    yield (
        f"by {noun:<11}{len(periods):,} of {count(len(found.periods), noun)} with breaks;"
        " targets and fills of both sides, amounts candidate - reference"
    )
    head = ("", "bar", "targets", "fills", "turnover", "commission", "slippage", "equity", "breaks by stage")
    rows = [head, *(_period(period, counts[period.number], clock) for period in periods[:LISTED])]
    yield from (f"  {line}" for line in aligned(rows, ">" * (len(head) - 1) + "<"))
    if len(periods) > LISTED:
        yield f"  and {len(periods) - LISTED:,} more"


def _period(period: Period, breaks: Mapping[Stage, int], clock: Clock) -> tuple[str, ...]:
    left, right = period.reference, period.candidate
    gaps = [
        gap_text(getattr(left, name), getattr(right, name))
        for name in ("turnover", "commission", "slippage", "equity")
    ]
    stages = ", ".join(f"{stage.value} {number:,}" for stage, number in breaks.items())
    number = "-" if period.number is None else f"{period.number}"
    counts = [f"{_told(a)}/{_told(b)}" for a, b in ((left.targets, right.targets), (left.fills, right.fills))]
    return (number, clock(period.start), *counts, *gaps, stages)


def _told(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def gap_text(reference: Value, candidate: Value) -> str:
    """candidate - reference with its sign; `-` where a value is not given, `=` where it is 0."""
    gap = difference(candidate, reference)
    if gap is None:
        return "-"
    if not gap:
        return "="
    return f"{gap:+.6g}" if isinstance(gap, float) else format(gap, "+,f")


def _listed(found: Reconciliation, picked: Breaks, clock: Clock) -> Iterable[str]:
    if not len(picked) or found.first_only:
        return
    yield "breaks        in the order of cause: earliest cycle, then stage"
    for at in range(min(LISTED, len(picked))):
        one = picked[at]
        mark = {True: "root  ", False: "follows", None: ""}[one.root]
        yield f"  {one.stage.value:<9}{mark}{' ' if mark else ''}{describe(one, clock)}"
    if len(picked) > LISTED:
        yield f"  and {len(picked) - LISTED:,} more; reconcile diff --csv FILE writes all"


def _not_compared(found: Reconciliation) -> Iterable[str]:
    """What was not compared, one line per reason."""
    reasons: dict[str, list[str]] = {}
    for gap in found.not_compared:
        name = gap.table if gap.column is None else f"{gap.table}.{gap.column}"
        reasons.setdefault(gap.why.value, []).append(printable(name, 60))
    yield from labelled("not compared", (f"{why}: {', '.join(names)}" for why, names in reasons.items()))


def _not_read(found: Reconciliation) -> Iterable[str]:
    unread, left_out = unread_lines(found)
    yield from labelled("not read", unread)
    yield from labelled("left out", left_out)


def _tolerances(found: Reconciliation) -> Iterable[str]:
    for use in found.tolerances:
        one = use.tolerance
        slack = "; slack" if use.slack else ""
        yield (
            f"tolerance     {one.table}.{one.column} {one.kind.value} {one.bound}: absorbed {use.absorbed:,},"
            f" largest gap {use.largest}{slack} ({printable(one.reason)})"
        )


def _noise(found: Reconciliation) -> Iterable[str]:
    """The cells that differ by the rounding of doubles, one line per column."""
    yield from labelled(
        "float noise",
        (
            f"{printable(f'{one.table}.{one.column}', 60)}: {count(one.cells, 'cell')}, largest gap"
            f" {one.largest:g}, 1 part in {1 / one.share:.2g}"
            for one in found.noise
        ),
    )


def _proposals(found: Reconciliation) -> Iterable[str]:
    """The tolerance file that would do, where rounded numbers break and have no bound."""
    made = proposed(found)
    if made:
        absorbed = count(sum(one.absorbed for one in made), "break")
        yield f"rounding      {absorbed} look like their rounding; if they are, --tolerance FILE takes them:"
        yield from ("              " + tolerance_toml(one.tolerance) for one in made)


def _chains(found: Reconciliation, clock: Clock) -> Iterable[str]:
    yield from labelled("chains", edited(found, clock))
    if found.chains.equal is not None:
        how = "are equal" if found.chains.equal else f"part at {clock(found.chains.part_at)}"
        yield f"chains        both match their tables, which were hashed again, and {how}"


def noted(heading: str, notes: Iterable[str]) -> Iterable[str]:
    """Notes under one heading."""
    return labelled(heading, map(printable, dict.fromkeys(notes)))
