"""Whether tables handed over in memory are a ledger at all."""

from __future__ import annotations

import numpy as np

from vocabulary import SCHEMA, Column, InputError, Kind, Ledger, Table

_EXACT = (Kind.PRICE, Kind.QUANTITY, Kind.MONEY, Kind.RATE)


def check_ledger(ledger: Ledger, origin: str = "ledger") -> None:
    """Refuse tables and columns unlike SCHEMA: unknown, of unequal length, of the wrong kind or dtype.

    A candidate's own program makes ledgers too. Raises InputError naming table and column.
    """
    for name, table in ledger.tables.items():
        if name not in SCHEMA or table.name != name:
            raise _bad(f"{origin}, table {name!r}", f"a table named {table.name!r}", ", ".join(SCHEMA))
        if not table.columns:
            raise _bad(f"{origin}, table {name}", "no column", "at least one column")
        for key, column in table.columns.items():
            fault = _fault(table, key, column)
            if fault is not None:
                raise _bad(f"{origin}, table {name}, column {key}", *fault)


def _fault(table: Table, key: str, column: Column) -> tuple[str, str] | None:
    """(found, expected) of what is wrong with one column, or None."""
    kind = SCHEMA[table.name].get(key)
    if kind is None:
        return "a column we do not know", ", ".join(SCHEMA[table.name])
    if column.kind is not kind:
        return f"{column.kind}", f"{kind}"
    values, missing = column.values, column.missing
    if values.shape != (table.rows,) or (missing is not None and missing.shape != (table.rows,)):
        return f"cells of shape {values.shape}", f"{table.rows} rows"
    if missing is not None and missing.dtype != np.bool_:
        return f"a mask of {missing.dtype}", "a mask of bool"
    if kind in (Kind.SYMBOL, Kind.WORD):
        return _words_fault(column)
    if kind in _EXACT and values.dtype.kind == "f" and column.scale is None:
        return None
    if kind in _EXACT and (column.scale is None or column.scale < 0):
        return (
            f"{values.dtype} with scale {column.scale}",
            "integers with their decimals, or float64 with scale None",
        )
    if values.dtype != np.int64 and not (kind in _EXACT and values.dtype == object):
        return f"{values.dtype}", "int64"
    if values.dtype == object and not all(type(value) is int for value in values.tolist()):
        return "objects that are not Python integers", "Python integers"
    return None


def _words_fault(column: Column) -> tuple[str, str] | None:
    if column.dictionary is None or not all(isinstance(word, str) for word in column.dictionary):
        return "no dictionary of text", "codes with their dictionary"
    if column.values.dtype.kind not in "iu":
        return f"{column.values.dtype}", "integer codes"
    codes = column.values if column.missing is None else column.values[~column.missing]
    if len(codes) and not (int(codes.min()) >= 0 and int(codes.max()) < len(column.dictionary)):
        return "codes outside the dictionary", f"0 to {len(column.dictionary) - 1}"
    return None


def _bad(where: str, found: str, expected: str) -> InputError:
    return InputError(where, found, expected, "Correct the program that made the ledger.")
