"""The times of a ledger's rows: rows that have none, and several rows of `equity` at one bar.

An account report may have a row per event. The last row of a timestamp is then the account at the end of that
bar; the rows before it are left out, and a note says so. A ledger with a digest chain states its rows, so
nothing is left out of it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from reconcile.ledger.columns import frozen
from vocabulary import TIME_COLUMN, Column, Ledger, Table


def settle_times(ledger: Ledger, origin: str) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger with one row of `equity` per bar, and a note for each thing that is odd about its times.

    origin: what the notes call the ledger.
    """
    notes = [note for table in ledger.tables.values() for note in _untimed_note(table, origin)]
    equity = ledger.tables.get("equity")
    if equity is None or "timestamp" not in equity.columns or ledger.manifest.chain is not None:
        return ledger, tuple(notes)
    keep = _last_of_each_time(equity.columns["timestamp"])
    left_out = int(np.count_nonzero(~keep))
    if not left_out:
        return ledger, tuple(notes)
    notes.append(
        f"{origin}: equity has several rows at one time; the last is taken as the bar's, and {left_out:,}"
        f" {'row is' if left_out == 1 else 'rows are'} left out (first: row {int(np.argmin(keep)) + 1})"
    )
    columns = {name: _kept(column, keep) for name, column in equity.columns.items()}
    settled = Table("equity", columns, equity.rows - left_out)
    return dataclasses.replace(ledger, tables={**ledger.tables, "equity": settled}), tuple(notes)


def _untimed_note(table: Table, origin: str) -> list[str]:
    column = table.columns.get(TIME_COLUMN[table.name])
    if column is None or column.missing is None or not column.missing.any():
        return []
    count = int(np.count_nonzero(column.missing))
    first = int(np.argmax(column.missing)) + 1
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return [f"{origin}: {rows} of {table.name} without a time (first: row {first})"]


def _last_of_each_time(times: Column) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(rows,) whether no later row has the same time; rows without a time are all kept."""
    values = times.values
    keep = np.ones(len(values), np.bool_)
    order = np.argsort(values, kind="stable")
    keep[order[:-1]] = values[order[1:]] != values[order[:-1]]
    return keep if times.missing is None else keep | times.missing


def _kept(column: Column, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Column:
    missing = None if column.missing is None else column.missing[keep]
    if missing is not None and not missing.any():
        missing = None
    return frozen(dataclasses.replace(column, values=column.values[keep], missing=missing))
