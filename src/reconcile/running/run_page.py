"""The page that `reconcile run` prints: the verdict, then both sides next to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from reconcile.comparing.break_page import break_lines, noted
from reconcile.comparing.wording import count, headline, value_text
from reconcile.running.determinism import CONDITIONS
from reconcile.text.escape import printable
from reconcile.text.layout import aligned
from reconcile.text.times import Clock, day, short_clock

if TYPE_CHECKING:
    from reconcile.running.determinism import Difference, Disagreement
    from reconcile.running.run import Outcome
    from reconcile.running.summary import SideSummary, Stranded, Summary
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

UNKNOWN = "-"
ORDER = "the same rows in another order or form"
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


def check_page(scenario: Scenario, market: Market, loading: float, idle: tuple[str, ...] = ()) -> str:
    """What `reconcile check` prints. idle: why no run of the two can trade, one sentence per reason."""
    answer = f"valid: {printable(scenario.name)} and its market fit"
    lines = [
        f"nothing happens: no run can trade; {' '.join(map(printable, idle))}" if idle else answer,
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
    rows = [("", "reference", _candidate_name(right))]
    dropped = left.orders_dropped is not None or right.orders_dropped is not None
    rows += [(label, show(left), show(right)) for label, show in _ROWS if dropped or label != DROPPED]
    return aligned(rows, "<>", label=True)


def _candidate_name(side: SideSummary) -> str:
    return "engine" if side.name == "engine" else f"candidate {printable(side.name, 40)}"


def _money(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{value:,f}"


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _percent(value: Decimal | None) -> str:
    return UNKNOWN if value is None else f"{value * 100:+.4f} %"


DROPPED = "dropped"
"""The line of orders that a file wanted and that were dropped (R10)."""
_ROWS: tuple[tuple[str, Callable[[SideSummary], str]], ...] = (
    ("rebalances", lambda side: _whole(side.rebalances)),
    (DROPPED, lambda side: _whole(side.orders_dropped)),
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
    untimed = f"loading {outcome.loading:.3f} s"
    if outcome.compiling is not None:
        untimed += f", starting and compiling the engine {outcome.compiling:.3f} s"
    yield f"untimed       {untimed}"
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


def conditions() -> str:
    """What was varied, in words."""
    return "; ".join(map(str, CONDITIONS))


def twice_page(found: Disagreement, out: str | None) -> str:
    """The page; its first line names the first difference of the first side that has one."""
    clock = short_clock(found.market)
    lines = [f"not deterministic: {_headline(one, clock)}" for one in found.differences]
    lines += ["", *_around(found.differences[0], clock)]
    lines += [f"compared      nothing: {_name(found.differences[0].side)} has no one answer to compare"]
    lines += [] if out is None else [f"written       nothing; {printable(out)} is as it was"]
    return "\n".join(lines)


def _headline(one: Difference, clock: Clock) -> str:
    left, right = _values(one, clock)
    first, second = one.runs
    where = ", ".join(_where(one, clock))
    how = " when run a second time in one process" if one.same_process else ""
    return f"{_name(one.side)} disagrees with itself{how}: {where}: {left} ({first}) vs {right} ({second})"


def _name(side: str) -> str:
    return f"the {side}" if side in ("reference", "engine") else f"candidate {printable(side, 60)}"


def _where(one: Difference, clock: Clock) -> Iterator[str]:
    if one.found is None:
        yield one.where
        if one.timestamp is not None:
            yield clock(one.timestamp)
        yield printable(one.field, 60)
        return
    if one.found.rebalance is not None:
        yield f"rebalance {one.found.rebalance}"
    yield clock(one.found.timestamp)
    field = one.found.type.value if one.found.field == "row" else printable(one.found.field, 60)
    yield f"{one.found.table.removesuffix('s')} {field}"
    if one.found.symbol is not None:
        yield printable(one.found.symbol, 60)


def _values(one: Difference, clock: Clock) -> tuple[str, str]:
    if one.found is None:
        return printable(one.values[0], 60), printable(one.values[1], 60)
    return value_text(one.found, "reference", clock), value_text(one.found, "candidate", clock)


def _around(one: Difference, clock: Clock) -> Iterator[str]:
    if one.found is None:
        yield f"stage         none: {ORDER}"
    else:
        decided = one.found.decided_at
        yield f"stage         {one.found.stage.value}" + (f", decided {clock(decided)}" if decided else "")
    if one.same_process:
        yield "run 1, run 2  two calls in one process; another process gave the same as run 1"
        yield "look for      what is kept from call to call: a list or dict of the module, a cache, a setting"
        return
    for number, condition in enumerate(CONDITIONS, 1):
        yield f"{f'run {number}':<14}a fresh process: {condition}"
    if "this run" in one.runs:
        yield f"{'this run':<14}the command itself"
    yield "look for      the order of a set, an unseeded random number, the clock, threads, what is kept"
