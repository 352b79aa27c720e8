"""Tables of one name from several sources, one after the other."""

from __future__ import annotations

import numpy as np

from reconcile.files import integers
from vocabulary.ledger import SCHEMA, Column, Kind, Table


def joined(name: str, tables: list[Table]) -> Table:
    """One table with the columns of all; where a source lacks one, its cells are empty."""
    if len(tables) == 1:
        return tables[0]
    names = [key for key in SCHEMA[name] if any(key in table.columns for table in tables)]
    columns = {key: _column(key, SCHEMA[name][key], tables) for key in names}
    return Table(name, columns, sum(table.rows for table in tables))


def _column(name: str, kind: Kind, tables: list[Table]) -> Column:
    parts = [table.columns.get(name) or _empty(kind, table.rows) for table in tables]
    missing = np.concatenate(
        [np.zeros(len(one.values), dtype=bool) if one.missing is None else one.missing for one in parts]
    )
    told = missing if missing.any() else None
    if kind in (Kind.SYMBOL, Kind.WORD):
        words = dict.fromkeys(word for one in parts for word in one.dictionary or ())
        places = {word: code for code, word in enumerate(words)}
        codes = [
            np.array([*(places[word] for word in one.dictionary or ()), -1], np.int32)[one.values]
            for one in parts
        ]
        return Column(kind, np.concatenate(codes), tuple(words), None, told)
    if kind in (Kind.TIMESTAMP, Kind.COUNT):
        scale = None if kind is Kind.TIMESTAMP else 0
        return Column(kind, np.concatenate([one.values for one in parts]), None, scale, told)
    scales = [one.scale for one in parts if not _is_empty(one)]
    if None in scales:
        doubles = [
            one.values.astype(np.float64) / (1.0 if one.scale is None else 10.0**one.scale) for one in parts
        ]
        return Column(kind, np.concatenate(doubles), None, None, told)
    scale = max((one for one in scales if one is not None), default=0)
    values = [integers.rescale(one.values, max(scale - (one.scale or 0), 0)) for one in parts]
    return Column(kind, np.concatenate(values), None, scale, told)


def _empty(kind: Kind, rows: int) -> Column:
    missing = np.ones(rows, dtype=bool)
    if kind in (Kind.SYMBOL, Kind.WORD):
        return Column(kind, np.full(rows, -1, np.int32), (), None, missing)
    return Column(kind, np.zeros(rows, np.int64), None, None if kind is Kind.TIMESTAMP else 0, missing)


def _is_empty(column: Column) -> bool:
    return column.missing is not None and bool(column.missing.all())
