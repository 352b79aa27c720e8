"""The page of `reconcile explain`: causes, how much they account for, what remains, and the bridge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.text.escape import printable
from reconcile.text.layout import aligned, labelled

if TYPE_CHECKING:
    from reconcile.explaining.model import Bridge, Explanation
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

SHOWN = 5
MONTHS = 14
"""The largest number of lines by month; more are summed by year."""
WIDE = 72
ALIKE = "cannot be told from:"


def explain_page(found: Explanation, scenario: Scenario, market: Market, candidate: str) -> str:
    """The whole page; the causes come first."""
    bridge = [] if found.bridge is None else ["", *bridge_lines(found.bridge, found)]
    answer = ([""], _accounts(found), _patterns(found), _roots(found), bridge) if found.breaks else ()
    answer = (_leads(found, market), *answer)
    parts = (_causes(found), *answer, _subject(found, scenario, market, candidate))
    return "\n".join(line for part in parts for line in part)


def _causes(found: Explanation) -> Iterator[str]:
    from reconcile.explaining.model import Verdict

    if found.verdict is Verdict.NO_BREAKS:
        exactly = (
            "to the last unit" if found.noise is None else f"within float noise, {found.noise:g} at most"
        )
        yield f"no breaks: the candidate ties out with the reference, {exactly}"
    if found.verdict is Verdict.CANNOT_TELL:
        left = "nothing happened" if found.idle else "something was not compared"
        yield f"cannot tell: nothing differs in what was compared, and {left}"
    if found.verdict is Verdict.UNEXPLAINED:
        yield "unexplained: no cause that was tried gives this ledger"
    for cause in found.causes:
        yield printable(cause.sentence)
        for other in cause.alternatives[:SHOWN]:
            yield f"    {ALIKE} {printable(other)}"
        if len(cause.alternatives) > SHOWN:
            yield f"    and {len(cause.alternatives) - SHOWN} more"


def _leads(found: Explanation, market: Market) -> Iterator[str]:
    """What is borne out bar by bar, apart from the causes."""
    from reconcile.text.times import day

    if not found.leads:
        return
    yield ""
    yield "leads: right bar by bar from the candidate's own state, not proved by a whole run"
    for lead in found.leads:
        yield f"  {printable(lead.sentence)}"
        count = f"{lead.mended:,} of {lead.differing:,} differing cells"
        yield f"      mends {count} of {lead.column}, spoils none"
    if found.next_divergence is not None:
        timestamp, symbol = found.next_divergence
        yield f"  next divergence {day(market, timestamp)}, {printable(symbol)}"


def _accounts(found: Explanation) -> Iterator[str]:
    accounted = max(0, found.breaks - found.unexplained_breaks)
    yield f"explained     {accounted:,} of {found.breaks:,} breaks"
    yield f"unexplained   {found.unexplained_breaks:,}"
    if len(found.causes) > 1:
        yield ""
        yield "breaks that come back when one of the causes is left out"
        for cause in found.causes:
            yield f"{cause.breaks_explained:>9,}  {printable(cause.sentence)}"


def _patterns(found: Explanation) -> Iterator[str]:
    """What is constant in the breaks that remain, and the tolerances that would absorb rounding."""
    if found.patterns:
        yield ""
        yield "patterns in what remains"
        yield from (f"  {text}" for text in found.patterns)
    if found.proposals:
        absorbed = sum(count for _, count in found.proposals)
        yield ""
        yield f"rounding: {absorbed:,} breaks look like it; if they are, --tolerance FILE takes them:"
        yield from (f"  {line}" for line, _ in found.proposals)


def _roots(found: Explanation) -> Iterator[str]:
    if not found.roots:
        return
    yield ""
    yield "roots of what remains, by what they share"
    for group in found.roots:
        yield f"  {group.count:>6,}  {printable(group.shared)}"
        yield f"          {printable(group.example)}"


def money(units: int, scale: int, signed: bool = False) -> str:
    """An amount with separators and all its decimals."""
    return f"{Decimal(units).scaleb(-scale):{'+' if signed else ''},f}"


def percent(equity: int, base: int) -> str:
    """A return on a base, `-` where there is none."""
    return "-" if base <= 0 else f"{(equity / base - 1) * 100:+,.4f} %"


def bridge_lines(bridge: Bridge, found: Explanation) -> Iterator[str]:
    """From one return to the other: by cause in the order listed, then by stage, symbol and time."""
    scale = bridge.scale
    rows = [("reference", "", money(bridge.reference, scale), percent(bridge.reference, bridge.base))]
    for line in bridge.by_cause:
        rows.append(
            (
                _short(line.label),
                money(line.amount, scale, True),
                money(line.equity, scale),
                percent(line.equity, bridge.base),
            )
        )
    rows.append(
        ("candidate", "", money(bridge.candidate, scale), percent(bridge.candidate, bridge.candidate_base))
    )
    rows.insert(0, ("each added to those above", "final equity by", "to", "return"))
    yield from aligned(rows, "<>")
    if bridge.candidate_base != bridge.base:
        yield f"the candidate's own return is measured against {money(bridge.candidate_base, scale)}"
    for label, parts in (
        ("by stage", bridge.by_stage),
        ("by symbol", bridge.by_symbol),
        over_time(bridge.by_month),
    ):
        yield ""
        yield from _parts(label, parts, scale)


def over_time(months: Sequence[tuple[str, int]]) -> tuple[str, Sequence[tuple[str, int]]]:
    """The months, or their sums by year where they would fill the page."""
    if len(months) <= MONTHS:
        return "by month", months
    years: dict[str, int] = {}
    for month, amount in months:
        year = month.rpartition("-")[0] or month
        years[year] = years.get(year, 0) + amount
    return "by year (--json has the months)", tuple(years.items())


def _parts(label: str, parts: Sequence[tuple[str, int]], scale: int) -> Iterator[str]:
    """The parts and their sum; of many symbols the largest, and the rest in one line."""
    if not parts:
        yield f"{label}: nothing"
        return
    shown = list(parts) if label != "by symbol" or len(parts) <= SHOWN + 1 else list(parts[:SHOWN])
    rest = parts[len(shown) :]
    rows = [(f"  {printable(name)}", money(amount, scale, True)) for name, amount in shown]
    if rest:
        rows.append((f"  {len(rest)} others", money(sum(amount for _, amount in rest), scale, True)))
    rows.append(("  sum", money(sum(amount for _, amount in parts), scale, True)))
    yield label
    yield from aligned(rows, "<>")


def _short(text: str) -> str:
    return text if len(text) <= WIDE else text[: WIDE - 3] + "..."


def _subject(found: Explanation, scenario: Scenario, market: Market, candidate: str) -> Iterator[str]:
    bars, symbols = market.present.shape
    yield ""
    yield f"scenario      {printable(scenario.name)}, {bars * symbols:,} events"
    yield f"candidate     {printable(candidate, 100)}"
    yield f"tried         {found.runs:,} runs, {found.seconds:.1f} s"
    yield from labelled("comparison", map(printable, found.notes))
