"""The page that `reconcile diff` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.comparing.break_page import break_lines, counted_lines, noted
from reconcile.comparing.filters import NONE, Filters
from reconcile.comparing.wording import headline
from reconcile.text.escape import printable
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.model import LedgerSide, Reconciliation
    from vocabulary.market import Market


@dataclass(frozen=True, slots=True)
class DiffSubject:
    """What was compared: both paths, the name of the scenario, its market, notes of reading the ledgers."""

    reference: str
    candidate: str
    scenario: str | None = None
    market: Market | None = None
    notes: tuple[str, ...] = ()


def diff_page(found: Reconciliation, subject: DiffSubject, clock: Clock, filters: Filters = NONE) -> str:
    """The whole page; its first line is the verdict."""
    lines = [
        headline(found, clock),
        "",
        *_subject(found, subject),
        *break_lines(found, clock, market=subject.market, filters=filters),
    ]
    notes = list(noted("notes", (*found.notes, *subject.notes)))
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def counted_page(found: Reconciliation, subject: DiffSubject, clock: Clock) -> str:
    """The page of a diff that was made window by window."""
    lines = [headline(found, clock), "", *_subject(found, subject), *counted_lines(found, clock)]
    notes = list(noted("notes", (*found.notes, *subject.notes)))
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def _subject(found: Reconciliation, subject: DiffSubject) -> Iterable[str]:
    yield f"reference     {printable(subject.reference)}: {_tables(found.reference)}"
    yield f"candidate     {printable(subject.candidate)}: {_tables(found.candidate)}"
    if subject.scenario is None:
        yield "scenario      none given: roots are not separated from consequences (--scenario)"
    else:
        yield f"scenario      {printable(subject.scenario)}"


def _tables(side: LedgerSide) -> str:
    listed = ", ".join(f"{name} {table.rows:,}" for name, table in side.tables.items())
    producer = side.manifest.producer
    return f"{listed or 'no rows'}{'' if producer is None else f' (by {printable(producer, 40)})'}"
