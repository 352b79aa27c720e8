"""What the intake hands on: raw tables, and a list of all that was not read. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class UnreadKind(Enum):
    """What of a source was not read."""

    COLUMN = "column"
    ROWS = "rows"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Unread:
    """One thing that a source holds and that did not become part of the ledger.

    table: the table of the source that it belongs to, by the name of its file, sheet or section.
    name: the column; for rows, which ones (`Status = Canceled`); for a table, its name again.
    count: of a column its cells that are not empty, of rows their number, of a table its rows.
    digest: hex sha256 of what was not read, None where it was not looked at (another file in a folder).
        Two sides hold the same where their digests are equal; rows in another order give another digest.
    reason: why it was left out, where the mapping file says so; None where nobody asked for it.
    """

    kind: UnreadKind
    table: str
    name: str
    count: int
    digest: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table under the names that its source gives.

    name: the file's name without its endings, or the sheet, member or heading. origin: for errors.
    data: a pyarrow.Table; all cells are text where the source is text, null where a cell is empty.
    unread: rows around and between its rows that are none of the table (preamble, totals).
    """

    name: str
    origin: str
    data: Any
    unread: tuple[Unread, ...] = ()
