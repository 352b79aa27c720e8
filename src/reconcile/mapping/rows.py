"""The rows of a raw table that a mapping reads, by its filters, and what of the table was never used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.places import shown
from reconcile.mapping.schema import Currency, Table
from reconcile.tables.cells import as_text, digest_of, one_array, table_digest
from reconcile.tables.model import RawTable, Unread, UnreadKind
from vocabulary.errors import InputError


@dataclass(slots=True)
class Usage:
    """What the sources of a ledger took of one raw table: columns by name, and rows."""

    raw: RawTable
    columns: set[str] = field(default_factory=set)
    kept: npt.NDArray[np.bool_] | None = None
    filtered: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, where: str, remedy: str) -> Any:
        """A column, noted as read. Raises InputError where there is none of that name."""
        if name not in self.raw.data.column_names:
            found = ", ".join(map(shown, self.raw.data.column_names[:20])) or "no column"
            raise InputError(
                where, f"no column {shown(name)} among {found}", "the column that the mapping names", remedy
            )
        self.columns.add(name)
        return one_array(self.raw.data.column(name))

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Rows that a source reads."""
        self.kept = rows.copy() if self.kept is None else self.kept | rows


def rows_read(usage: Usage, table: Table, where: str) -> npt.NDArray[np.bool_]:
    """True for the rows that the filters leave. Raises InputError for a column that is not there."""
    keep = np.ones(usage.raw.data.num_rows, dtype=bool)
    for filters, wanted in ((table.only, True), (table.without, False)):
        for name, values in filters.items():
            key = "only" if wanted else "without"
            cells = as_text(usage.take(name, where, f"Correct `{key}` in the mapping."))
            inside = pc.is_in(cells, value_set=buffers.strings([value.strip() for value in values]))
            keep &= (buffers.values_of(inside.cast(pa.int8())) == 1) == wanted
            usage.filtered.append(name)
    return keep


def check_currency(usage: Usage, currency: Currency, rows: npt.NDArray[np.bool_], where: str) -> None:
    """Raises InputError where a row that is read is in another currency than the account's."""
    for name in currency.columns:
        cells = as_text(usage.take(name, where, "Correct `currency` in the mapping.")).to_pylist()
        for row in np.flatnonzero(rows).tolist():
            if cells[row] not in ("", currency.is_):
                raise InputError(
                    f"{where}, column {name}, row {row + 1}",
                    f"the currency {shown(cells[row])}",
                    f"{currency.is_} in every row: amounts in several currencies are not supported",
                    "Leave the rows out with `only`, or convert their amounts before.",
                )


def unread_of(usage: Usage) -> list[Unread]:
    """Columns, rows and neighbours of a raw table that no source took, with the reasons that are known."""
    raw = usage.raw
    out = list(raw.unread)
    kept = np.ones(raw.data.num_rows, dtype=bool) if usage.kept is None else usage.kept
    for name in raw.data.column_names:
        if name not in usage.columns:
            cells = one_array(raw.data.column(name))
            filled = len(cells) - cells.null_count
            if filled or name in usage.reasons:
                digest = digest_of(cells)
                out.append(Unread(UnreadKind.COLUMN, raw.name, name, filled, digest, usage.reasons.get(name)))
    left = np.flatnonzero(~kept).tolist()
    names = list(dict.fromkeys(usage.filtered))
    values = [as_text(raw.data.column(name)).to_pylist() for name in names]
    groups: dict[str, list[int]] = {}
    for row in left:
        said = ", ".join(
            f"{name} = {cells[row] or 'empty'}" for name, cells in zip(names, values, strict=True)
        )
        groups.setdefault(said, []).append(row)
    out += [_rows_unread(raw, rows, said) for said, rows in groups.items()]
    return out


def _rows_unread(raw: RawTable, rows: list[int], name: str) -> Unread:
    part = raw.data.take(buffers.numeric(np.array(rows, dtype=np.int64)))
    return Unread(UnreadKind.ROWS, raw.name, name, len(rows), table_digest(part), "a filter of the mapping")
