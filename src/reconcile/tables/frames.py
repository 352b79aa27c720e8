"""pandas frames and rows of records as Arrow tables; decimals beside text or integers become text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from reconcile.files.places import shown
from vocabulary.errors import InputError


def table_of_frame(frame: Any, name: str) -> pa.Table:
    """A pandas frame; index levels that have a name are columns, others are not. Raises InputError."""
    named = [level for level in frame.index.names if level is not None and level not in frame.columns]
    if named:
        frame = frame.reset_index(level=named)
    columns = [str(column) for column in frame.columns]
    return pa.Table.from_arrays(
        [_column(frame.iloc[:, at], f"{name}, column {column}") for at, column in enumerate(columns)],
        names=columns,
    )


def table_of_records(names: Sequence[str], records: Sequence[Sequence[Any]], name: str) -> pa.Table:
    """Rows of equal length, as a database hands them over. Raises InputError."""
    cells = list(zip(*records, strict=True)) if records else [()] * len(names)
    arrays = [_array(list(column), f"{name}, column {key}") for key, column in zip(names, cells, strict=True)]
    return pa.Table.from_arrays(arrays, names=list(names))


def _column(series: Any, where: str) -> Any:
    try:
        array: Any = pa.Array.from_pandas(series)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return _array([None if cell != cell else cell for cell in series], where)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _array(cells: list[Any], where: str) -> Any:
    """Objects as Arrow takes them together, else numbers and text as text."""
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        pass
    present = [cell for cell in cells if cell is not None]
    if any(isinstance(cell, float) for cell in present) and all(
        isinstance(cell, int | float | Decimal) for cell in present
    ):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    if all(isinstance(cell, int | Decimal | str) and not isinstance(cell, bool) for cell in present):
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.large_string())
    kinds = ", ".join(sorted({type(cell).__name__ for cell in present}))
    raise InputError(
        where,
        f"cells of {shown(kinds)[1:-1]}",
        "cells of one kind",
        "Make the column one of numbers or text.",
    )
