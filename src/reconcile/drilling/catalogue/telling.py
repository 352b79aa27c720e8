"""Ways to tell a ledger wrongly; each gives a function from a ledger and its market to a ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vocabulary.ledger import Column, Ledger, Table
from vocabulary.market import Market

Array = npt.NDArray[Any]
Cells = dict[str, Array]
Tell = Callable[[Ledger, Market], Ledger]


def cells(table: str, change: Callable[[Cells, Market], Cells]) -> Tell:
    """Cells of a table told otherwise. change: from all its columns' values, each a copy, to new ones."""

    def tell(ledger: Ledger, market: Market) -> Ledger:
        columns = ledger.tables[table].columns
        made = change({name: column.values.copy() for name, column in columns.items()}, market)
        changed = {name: replace(column, values=_sealed(made[name])) for name, column in columns.items()}
        return _with(ledger, replace(ledger.tables[table], columns=changed))

    return tell


def without_rows(table: str, gone: Callable[[Cells, Market], Array]) -> Tell:
    """Rows of a table not told."""

    def tell(ledger: Ledger, market: Market) -> Ledger:
        columns = ledger.tables[table].columns
        values = {name: column.values for name, column in columns.items()}
        kept = np.flatnonzero(~gone(values, market))
        made = {name: _some(column, kept) for name, column in columns.items()}
        return _with(ledger, Table(table, made, len(kept)))

    return tell


def _some(column: Column, rows: Array) -> Column:
    missing = None if column.missing is None else _sealed(column.missing[rows])
    return replace(column, values=_sealed(column.values[rows]), missing=missing)


def _with(ledger: Ledger, table: Table) -> Ledger:
    return Ledger(ledger.manifest, {**ledger.tables, table.name: table})


def _sealed(array: Array) -> Array:
    array.flags.writeable = False
    return array
