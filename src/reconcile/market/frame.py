"""A pandas frame as an Arrow table that shares no memory with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from reconcile.files.buffers import Chunk
from reconcile.files.instants import mixed_zones
from reconcile.market.columns import row_name
from vocabulary.errors import InputError


def table_of_frame(frame: pd.DataFrame, source: str, words: tuple[str, ...]) -> pa.Table:
    """Every column converted by its own kind; `words` may stand in the index.

    Raises InputError for columns that mix kinds, and for timestamps of several zones.
    """
    if not isinstance(frame, pd.DataFrame):
        found = f"a {type(frame).__module__}.{type(frame).__qualname__}".replace("a builtins.", "a ")
        raise InputError(source, found, "a pandas DataFrame", "Convert it first.")
    levels = [name for name in frame.index.names if name in words and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    if not len(frame):
        raise InputError(source, "no rows", "at least one row", "Check how it was made.")
    names = [str(name) for name in frame.columns]
    columns = [_column(frame.iloc[:, i], names[i], source, words) for i in range(len(names))]
    return pa.Table.from_arrays(columns, names=names)


def _column(values: pd.Series[Any], name: str, source: str, words: tuple[str, ...]) -> Chunk:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiu" and values.dtype.itemsize <= 8:
        return pa.array(np.array(values.to_numpy(), copy=True))  # not the frame's own memory
    if values.dtype == object:
        _refuse_mixtures(values, name, source, words)
        values = values.map(_missing_or_finite)
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{source}, column {name!r}",
            f"values that make no column ({str(error).splitlines()[0][:120]})",
            "values of one kind",
            "Convert the column first.",
        ) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _missing_or_finite(value: Any) -> Any:
    """M2: a decimal NaN or infinity is missing; Arrow takes only what is finite."""
    return None if isinstance(value, Decimal) and not value.is_finite() else value


def _refuse_mixtures(values: pd.Series[Any], name: str, source: str, words: tuple[str, ...]) -> None:
    """Text among numbers, and timestamps of several zones, which Arrow would convert without a word."""
    zones: dict[str | None, int] = {}
    for row, value in enumerate(values):
        if isinstance(value, str):
            if name not in words:
                raise InputError(
                    f"{row_name(source, row)}, column {name!r}",
                    f"the text {value!r}",
                    "a number",
                    "Correct it, or leave the cell empty if the value is missing.",
                )
        elif name == "timestamp" and hasattr(value, "tzinfo"):
            zones.setdefault(None if value.tzinfo is None else str(value.tzinfo), row)
    if len(zones) > 1:
        (one, first), (other, second) = list(zones.items())[:2]
        raise mixed_zones(f"{row_name(source, first)} and row {second + 1}", one, other)
