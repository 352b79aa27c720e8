"""Tables as pandas frames, and frames as ledgers. pandas is imported only when one is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files import integers
from reconcile.files.arguments import FLAG, LEDGER, TABLES, TEXT, takes
from reconcile.files.places import Place, bad_column, shown
from reconcile.ledger.columns import LedgerReading, Source, ledger_from_arrow
from reconcile.ledger.write import arrow_array
from vocabulary import SCHEMA, Column, InputError, Kind, Manifest
from vocabulary import ledger as nouns

if TYPE_CHECKING:
    import pandas as pd

_EXACT_DOUBLE = 2**53


class Ledger(nouns.Ledger):
    """A ledger whose tables are at hand as pandas frames: `ledger.fills`, `ledger.equity` and so on.

    Numbers are exact decimals; `to_frame(table, floats=True)` gives float64. A table that it lacks is an
    AttributeError, as of any name that is not there.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in SCHEMA:
            raise AttributeError(f"a ledger has no {name!r}; its tables are {', '.join(self.tables)}")
        if name not in self.tables:
            raise AttributeError(
                f"this ledger has no table {name!r}; its tables are {', '.join(self.tables)}"
            )
        return self.to_frame(name)

    def to_frame(self, table: str, floats: bool = False) -> pd.DataFrame:
        """One table as a frame; see `reconcile.frame`."""
        return frame(self, table, floats)

    def __dir__(self) -> list[str]:
        return ["manifest", "tables", "to_frame", *self.tables]

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {table.rows:,}" for name, table in self.tables.items())
        return f"<Ledger {rows or 'without a table'}>"


def with_frames(given: nouns.Ledger) -> Ledger:
    """A ledger of the vocabulary as one whose tables are frames."""
    return given if isinstance(given, Ledger) else Ledger(given.manifest, given.tables)


@takes(ledger=LEDGER, table=TEXT, floats=FLAG)
def frame(ledger: nouns.Ledger, table: str, floats: bool = False) -> pd.DataFrame:
    """A table as a frame, columns in the ledger's order, rows in its order.

    Prices, quantities, money and rates: Decimal objects, exact, None where empty; with floats=True the
    nearest float64. A foreign float column is float64 either way. Counts: int64, but `rebalance` always
    Int64, as it may be empty. Timestamps: datetime64[ns], in the ledger's zone where it has one.
    Raises InputError: the ledger has no such table.
    """
    import pandas as pd

    if table not in ledger.tables:
        raise InputError(
            "ledger",
            f"no table {shown(table)}",
            ", ".join(ledger.tables) or "a table",
            "Ask for one of those listed.",
        )
    columns = ledger.tables[table].columns
    zone = ledger.manifest.timezone
    series = {name: _series(name, column, zone, floats) for name, column in columns.items()}
    return pd.DataFrame(series, index=pd.RangeIndex(ledger.tables[table].rows))


def _series(name: str, column: Column, zone: str | None, floats: bool) -> Any:
    import pandas as pd

    if column.kind is Kind.TIMESTAMP:
        stamps = column.values.view("datetime64[ns]")
        if column.missing is not None:
            stamps = np.where(column.missing, np.datetime64("NaT", "ns"), stamps)
        index = pd.DatetimeIndex(stamps)
        return pd.Series(index if zone is None else index.tz_localize("UTC").tz_convert(zone))
    if column.dictionary is not None:
        return arrow_array(column).cast(pa.string()).to_pandas()
    if column.kind is Kind.COUNT and (name == "rebalance" or column.missing is not None):
        mask = np.zeros(len(column.values), dtype=bool) if column.missing is None else column.missing.copy()
        return pd.Series(pd.arrays.IntegerArray(column.values.astype(np.int64), mask))
    if column.kind is Kind.COUNT:
        return pd.Series(column.values.copy())
    if floats or column.values.dtype.kind == "f":
        return pd.Series(_doubles(column))
    return pd.Series(_decimals(column), dtype=object)


def _decimals(column: Column) -> list[Decimal | None]:
    scale = column.scale or 0
    cells: list[Decimal | None] = [Decimal(text) for text in _texts(column, scale)]
    if column.missing is not None:
        for row in np.flatnonzero(column.missing).tolist():
            cells[row] = None
    return cells


def _texts(column: Column, scale: int) -> list[str]:
    texts: list[str] = integers.decimal_text(column.values, scale).to_pylist()
    return texts


def _doubles(column: Column) -> npt.NDArray[np.float64]:
    """The nearest double of each number: one correctly rounded division where 2**53 holds the integer."""
    values, scale = column.values, column.scale or 0
    if values.dtype.kind == "f":
        doubles = values.astype(np.float64)
    elif values.dtype != object and scale <= 22:
        doubles = values.astype(np.float64) / 10.0**scale
        for row in np.flatnonzero((values > _EXACT_DOUBLE) | (values < -_EXACT_DOUBLE)).tolist():
            doubles[row] = int(values[row]) / 10**scale
    else:
        doubles = np.array([_quotient(value, scale) for value in values.tolist()], dtype=np.float64)
    if column.missing is not None:
        doubles[column.missing] = np.nan
    return doubles


def _quotient(value: int, scale: int) -> float:
    try:
        return float(value / 10**scale)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


@takes(frames=TABLES)
def from_frames(frames: Mapping[str, pd.DataFrame], manifest: Manifest | None = None) -> Ledger:
    """The ledger of a user's own engine, from frames named after their tables.

    Decimals and integers are exact, floats stay floats, text numbers are read as decimals; NaN, None and
    NaT are empty cells. An index named like a column is one. Columns that SCHEMA does not know are left
    out, with a UserWarning that names them. Raises InputError: an unknown table, a cell of the wrong kind
    (column, row, value).
    """
    read = reading_of_frames(frames, manifest)
    if read.unread:
        names = ", ".join(shown(f"{one.table}.{one.name}") for one in read.unread)
        warnings.warn(f"from_frames: not read: {names}; drop what no table of a ledger has", stacklevel=2)
    return with_frames(read.ledger)


def reading_of_frames(frames: Mapping[str, pd.DataFrame], manifest: Manifest | None = None) -> LedgerReading:
    """`from_frames`, with what was left out as notes and as data. Raises as it does."""
    for name in frames:
        if name not in SCHEMA:
            raise InputError(
                "frames", f"a table {shown(name)}", ", ".join(SCHEMA), "Name the frame after its table."
            )
    sources = [Source(name, name, _arrow_table(name, frames[name])) for name in SCHEMA if name in frames]
    return ledger_from_arrow(sources, manifest)


def _arrow_table(table: str, data: pd.DataFrame) -> Any:
    named = [level for level in data.index.names if level in SCHEMA[table] and level not in data.columns]
    if named:
        data = data.reset_index(level=named)
    names = [str(name) for name in data.columns]
    arrays = [_arrow_column(Place(table, table, name), data.iloc[:, i]) for i, name in enumerate(names)]
    return pa.Table.from_arrays(arrays, names=names)


def _arrow_column(place: Place, series: Any) -> Any:
    array: Any
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        cells = list(series)
        known = place.column in SCHEMA[place.table]
        # A column that is not read may hold anything: it is only counted, and told from another.
        array = _mixed(place, cells) if known else pa.array([_text(cell) for cell in cells], pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _text(cell: Any) -> str | None:
    return None if cell is None or cell != cell else repr(cell)


def _mixed(place: Place, cells: list[Any]) -> Any:
    """Objects that Arrow refuses in one column: Decimals beside integers, or integers beyond int64."""
    import pandas as pd

    filled = [None if cell is None or cell is pd.NA or cell != cell else cell for cell in cells]
    present = [cell for cell in filled if cell is not None]
    if any(isinstance(cell, float) for cell in present):
        if all(isinstance(cell, (int, float, Decimal)) for cell in present):
            return pa.array([None if cell is None else float(cell) for cell in filled], pa.float64())
    elif all(isinstance(cell, (int, Decimal, str)) and not isinstance(cell, bool) for cell in present):
        return pa.array([None if cell is None else str(cell) for cell in filled], pa.string())
    kinds = ", ".join(sorted({type(cell).__name__ for cell in present}))
    raise bad_column(
        place, f"cells of {kinds}", "cells of one kind", "Make the column one of numbers, text or times."
    )
