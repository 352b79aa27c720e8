"""A reconciliation for other programs: breaks and periods as CSV, all of it as Markdown, any form by name.

Text from data that a spreadsheet would take for a formula is put behind an apostrophe; numbers are exact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconcile.comparing.break_page import LISTED, gap_text
from reconcile.comparing.diff_json import break_facts, diff_json
from reconcile.comparing.diff_page import DiffSubject, diff_page
from reconcile.comparing.filters import NONE, Filters, shown
from reconcile.comparing.wording import describe, edited, headline, manifest_lines, unread_lines
from reconcile.files.arguments import MARKET, TEXT, Kind, takes
from reconcile.matching.model import Reconciliation
from reconcile.text.escape import printable
from reconcile.text.layout import markdown_escaped, markdown_table
from reconcile.text.times import Clock, exact_clock, short_clock
from vocabulary.errors import InputError

if TYPE_CHECKING:
    from reconcile.matching.breaks import Breaks
    from reconcile.matching.model import Break, Period
    from vocabulary.market import Market


COLUMNS = (
    "stage",
    "type",
    "table",
    "field",
    "rebalance",
    "timestamp",
    "decided_at",
    "symbol",
    "key",
    "reference",
    "candidate",
    "reference_row",
    "candidate_row",
    "root",
)
FORMS = ("text", "json", "markdown", "csv")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def diff_csv(breaks: Iterable[Break], clock: Callable[[int | None], str | None]) -> Iterator[str]:
    """The breaks as lines of CSV, the header first. clock: from ns since 1970 UTC to text."""
    yield line(COLUMNS)
    for one in breaks:
        facts = break_facts(one, clock)
        facts["key"] = " ".join(text(part) for part in facts["key"])
        yield line([text(facts[name]) for name in COLUMNS])


def text(value: Any) -> str:
    """A cell of CSV: empty for None, exact for a number, harmless for text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        shown = printable(value)
        return f"'{shown}" if shown.startswith(_FORMULA) else shown
    return repr(value) if isinstance(value, float) else str(value)


def line(cells: Iterable[str]) -> str:
    """One line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


FIGURES = ("targets", "fills", "turnover", "commission", "slippage", "equity")


def periods_csv(found: Reconciliation, clock: Callable[[int | None], str | None]) -> Iterator[str]:
    """The summary as lines of CSV, one per rebalance (or bar), the header first. clock: as in `diff_csv`."""
    from reconcile.matching.model import Stage

    sides = ("reference", "candidate")
    yield line(
        [
            "rebalance",
            "decided_at",
            "start",
            "end",
            *(f"{side}_{name}" for name in FIGURES for side in sides),
            *(f"{stage.value}_breaks" for stage in Stage),
        ]
    )
    for period in found.periods:
        both = (period.reference, period.candidate)
        cells = [
            period.number,
            *(clock(stamp) for stamp in (period.decided_at, period.start, period.end)),
            *(getattr(side, name) for name in FIGURES for side in both),
            *(period.breaks.get(stage, 0) for stage in Stage),
        ]
        yield line([text(cell) for cell in cells])


ROWS = 2 * LISTED


def diff_markdown(found: Reconciliation, subject: DiffSubject, clock: Clock, filters: Filters = NONE) -> str:
    """The verdict, then tables of breaks by stage, by rebalance and one by one, for a pull request."""
    picked = shown(found, filters)
    parts: tuple[Iterable[str], ...] = (
        [f"**{markdown_escaped(headline(found, clock))}**"],
        [f"reference {markdown_escaped(subject.reference)}, candidate {markdown_escaped(subject.candidate)}"],
        _filtered(found, picked, filters),
        _roots(found, clock),
        markdown_table(("stage", "breaks"), [(stage.value, f"{n:,}") for stage, n in found.by_stage.items()]),
        _rebalances(found, clock),
        _breaks(picked, clock),
        _gaps(found),
        [f"- {markdown_escaped(line)}" for line in edited(found, clock)],
        [f"- {markdown_escaped(note)}" for note in dict.fromkeys((*found.notes, *subject.notes))],
    )
    return "\n\n".join("\n".join(made) for part in parts if (made := list(part)))


def _filtered(found: Reconciliation, picked: Breaks, filters: Filters) -> list[str]:
    if not filters.text:
        return []
    shares = f"{len(picked):,} of {len(found.breaks):,}"
    return [f"shown: {shares}, {markdown_escaped(filters.text)}; the verdict is about all of them"]


def _roots(found: Reconciliation, clock: Clock) -> list[str]:
    rows = [
        (describe(root.first, clock), f"{root.count:,}", clock(root.last))
        for root in (found.roots or ())[:ROWS]
    ]
    return markdown_table(("root", "breaks", "until"), rows)


def _rebalances(found: Reconciliation, clock: Clock) -> list[str]:
    noun = "bar" if found.periods_are_bars else "rebalance"
    head = (noun, "from", "targets", "fills", "turnover", "commission", "slippage", "equity", "breaks")
    periods = (period for period in found.periods if period.breaks)
    return markdown_table(head, [_period(period, clock) for period in islice(periods, ROWS)])


def _period(period: Period, clock: Clock) -> tuple[str, ...]:
    left, right = period.reference, period.candidate
    counts = [f"{getattr(left, name)} / {getattr(right, name)}" for name in ("targets", "fills")]
    names = ("turnover", "commission", "slippage", "equity")
    gaps = [gap_text(getattr(left, name), getattr(right, name)) for name in names]
    stages = ", ".join(f"{stage.value} {number:,}" for stage, number in period.breaks.items())
    return ("-" if period.number is None else str(period.number), clock(period.start), *counts, *gaps, stages)


def _breaks(picked: Breaks, clock: Clock) -> list[str]:
    marks = {True: "root", False: "follows", None: ""}
    rows = [
        (one.stage.value, one.type.value, describe(one, clock), marks[one.root])
        for one in islice(picked, ROWS)
    ]
    return markdown_table(("stage", "type", "break", "root"), rows)


def _gaps(found: Reconciliation) -> list[str]:
    names = (gap.table if gap.column is None else f"{gap.table}.{gap.column}" for gap in found.not_compared)
    gaps = zip(names, found.not_compared, strict=True)
    unread, left_out = unread_lines(found)
    return [
        *(f"- not compared: {markdown_escaped(name)}: {gap.why.value}" for name, gap in gaps),
        *(f"- not read: {markdown_escaped(line)}" for line in unread),
        *(f"- left out: {markdown_escaped(line)}" for line in left_out),
        *(f"- manifests differ: {markdown_escaped(line)}" for line in manifest_lines(found)),
    ]


_FOUND = Kind((Reconciliation,), "a Reconciliation", "reconcile.compare(one, two) makes one.")


@takes(found=_FOUND, form=TEXT, market=MARKET)
def render(found: Reconciliation, form: str = "text", *, market: Market | None = None) -> str:
    """A reconciliation as `reconcile diff` shows it.

    form: "text", "json", "markdown", or "csv" for the list of all breaks. market: adds the prices of the bar
    to the first divergence, and gives the clock of all times. Raises InputError for another form.
    """
    if form not in FORMS:
        raise InputError("form", repr(form), "one of " + ", ".join(FORMS), "Name one of them.")
    manifests = found.reference.manifest, found.candidate.manifest
    short, exact = short_clock(market, *manifests), exact_clock(market, *manifests)
    if form == "json":
        return diff_json(found, exact)
    if form == "csv":
        return "".join(diff_csv(found.breaks, exact))
    scenario = None if found.roots is None else "the one given"
    subject = DiffSubject("reference", "candidate", scenario, market)
    return (diff_page if form == "text" else diff_markdown)(found, subject, short)
