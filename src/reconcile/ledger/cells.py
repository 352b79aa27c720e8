"""One cell of a column: its exact value, and its exact text."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from reconcile.files import instants, integers
from vocabulary import Column, Kind


def exact(column: Column, row: int) -> Decimal | int | str | None:
    """The cell's value, None where empty.

    int for counts, and for timestamps (nanoseconds since 1970 UTC); str for symbols and words; Decimal
    for numbers, with the column's decimals; a float's own binary value, so that 0.1 is not 1/10.
    """
    if _empty(column, row):
        return None
    value = column.values[row]
    if column.dictionary is not None:
        return column.dictionary[int(value)]
    if column.values.dtype.kind == "f":
        return Decimal(float(value))
    if column.kind in (Kind.COUNT, Kind.TIMESTAMP):
        return int(value)
    return Decimal(integers.text_of(int(value), column.scale or 0))


def column_text(column: Column, row: int, timezone: str | None = None) -> str:
    """The cell as text, as exact as it is: decimals by scale, ISO 8601 times (in `timezone`), floats by
    their shortest text, words as they stand (not escaped), "" where empty.
    """
    if _empty(column, row):
        return ""
    value = column.values[row]
    if column.dictionary is not None:
        return column.dictionary[int(value)]
    if column.kind is Kind.TIMESTAMP:
        return instants.iso_text(np.array([value], dtype=np.int64), timezone)[0]
    if column.values.dtype.kind == "f":
        return repr(float(value))
    return integers.text_of(int(value), column.scale or 0)


def _empty(column: Column, row: int) -> bool:
    if column.missing is not None and bool(column.missing[row]):
        return True
    return column.values.dtype.kind == "f" and bool(np.isnan(column.values[row]))
