"""The page that `reconcile run` prints: the verdict, then both sides next to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.comparing.break_page import break_lines, count, headline, noted
from reconcile.running.determinism_page import conditions
from reconcile.text.escape import printable
from reconcile.text.times import day, short_clock

if TYPE_CHECKING:
    from reconcile.running.run import Outcome
    from reconcile.running.summary import SideSummary, Stranded, Summary
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

UNKNOWN = "-"
SHOWN = 5
"""Names listed before the rest is only counted."""


def run_page(outcome: Outcome, summary: Summary, out: str | None) -> str:
    """All of it; the first line is the answer."""
    clock = short_clock(outcome.market)
    parts: tuple[Iterable[str], ...] = (
        [headline(outcome.reconciliation, clock)],
        [""],
        _subject(outcome.scenario, outcome.market),
        [""],
        _sides(summary),
        _asides(outcome, summary),
        break_lines(outcome.reconciliation, clock, market=outcome.market),
        [] if out is None else [f"written       {printable(out)}: reference/, candidate/, summary.json"],
    )
    return "\n".join(line for part in parts for line in part)


def check_page(scenario: Scenario, market: Market, loading: float) -> str:
    """What `reconcile check` prints for a scenario and a market in order."""
    lines = [
        f"valid: {printable(scenario.name)} and its market fit",
        "",
        *_subject(scenario, market),
        f"digests       scenario {scenario.digest[:16]}, market {market.digest[:16]}",
        f"loading       {loading:.3f} s",
        *noted("data", market.notes),
    ]
    return "\n".join(lines)


def _subject(scenario: Scenario, market: Market) -> Iterable[str]:
    bars, symbols = market.present.shape
    yield f"scenario      {printable(scenario.name)}"
    yield (
        f"market        {printable(market.name)}: {count(symbols, 'symbol')} x {count(bars, 'bar')}"
        f" = {count(bars * symbols, 'event')}"
    )
    if bars:
        first, last = (day(market, int(market.timestamps[bar])) for bar in (0, -1))
        yield f"from, to      {first}, {last}"


def _sides(summary: Summary) -> list[str]:
    left, right = summary.reference, summary.candidate
    rows: list[tuple[str, str, str]] = [("", "reference", _candidate_name(right))]
    rows += [(label, show(left), show(right)) for label, show in _ROWS]
    return _aligned(rows)


def _candidate_name(side: SideSummary) -> str:
    return "engine" if side.name == "engine" else f"candidate {printable(side.name, 40)}"


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    return [f"{a:<{max(wide[0], 14)}}{b:>{wide[1]}}  {c:>{wide[2]}}".rstrip() for a, b, c in rows]


def _money(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{value:,f}"


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _percent(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{value * 100:+.4f} %"


_ROWS: tuple[tuple[str, Callable[[SideSummary], str]], ...] = (
    ("rebalances", lambda side: _whole(side.rebalances)),
    ("fills", lambda side: _whole(side.fills)),
    ("commission", lambda side: _money(side.commission)),
    ("slippage", lambda side: _money(side.slippage)),
    ("final equity", lambda side: _money(side.final_equity)),
    ("return", lambda side: _percent(side.total_return)),
    ("seconds", lambda side: f"{side.seconds:.3f}"),
    ("events/s", lambda side: _whole(side.events_per_second)),
)


def _asides(outcome: Outcome, summary: Summary) -> Iterable[str]:
    yield ""
    apart = f"loading {outcome.loading:.3f} s"
    if outcome.compiling is not None:
        apart += f", starting and compiling the engine {outcome.compiling:.3f} s"
    yield f"apart         {apart}"
    if outcome.deterministic:
        yield f"{'twice':<14}each side agrees with itself in fresh processes ({conditions()})"
    yield from noted("data", outcome.market.notes)
    yield from noted("comparison", outcome.reconciliation.notes)
    yield from _stranded(outcome, summary)


def _stranded(outcome: Outcome, summary: Summary) -> Iterable[str]:
    mine, theirs = summary.reference.stranded, summary.candidate.stranded
    if mine == theirs:
        yield from _stranded_of("", mine, outcome.market)
    else:
        yield from _stranded_of(" (reference)", mine, outcome.market)
        yield from _stranded_of(" (candidate)", theirs, outcome.market)


def _stranded_of(side: str, held: Sequence[Stranded], market: Market) -> Iterable[str]:
    if not held:
        return
    listed = [
        f"{printable(one.symbol, 60)} ({one.quantity:,f} since {day(market, one.last)})"
        for one in held[:SHOWN]
    ]
    more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
    yield f"{'stranded':<14}held at their last mark, never traded again{side}: {', '.join(listed)}{more}"
