"""Breaks as CSV, one a line, for a spreadsheet or another program.

Columns: stage, type, table, field, rebalance, timestamp, decided_at, symbol, key, reference, candidate,
reference_row, candidate_row (counted from 1), root. Text from data that a spreadsheet would take for a
formula is put behind an apostrophe; numbers are exact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconcile.comparing.diff_json import break_facts
from reconcile.text.escape import printable

if TYPE_CHECKING:
    from reconcile.matching.model import Break

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
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def diff_csv(breaks: Iterable[Break], clock: Callable[[int | None], str | None]) -> Iterator[str]:
    """Lines of CSV, the header first."""
    yield line(COLUMNS)
    for one in breaks:
        facts = break_facts(one, clock)
        facts["key"] = " ".join(text(part) for part in facts["key"])
        yield line([text(facts[name]) for name in COLUMNS])


def text(value: Any) -> str:
    """A cell: nothing for None, numbers exact, text harmless."""
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
