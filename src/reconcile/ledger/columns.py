"""Columns of a ledger: made of Arrow arrays, checked against the schema, read cell by cell.

`ledger_from_arrow` is the one way in for every ledger that is read, from a file or a frame.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files import buffers, decimals, instants
from reconcile.files.limits import refuse_names
from reconcile.files.places import Place, bad_column, shown
from reconcile.ledger.numbers import Hint, number_column
from reconcile.tables.cells import digest_of
from reconcile.tables.model import Unread, UnreadKind
from vocabulary import SCHEMA, Column, InputError, Kind, Ledger, Manifest, Table


@dataclass(frozen=True, slots=True)
class Source:
    """An Arrow table that is to become the ledger's table `name`. origin: its path, for errors."""

    name: str
    origin: str
    data: Any
    hints: Mapping[str, Hint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """A ledger as read, and a sentence for each thing that was left out or read otherwise than it stands.

    unread: what its source holds that is no part of the ledger.
    """

    ledger: Ledger
    notes: tuple[str, ...]
    unread: tuple[Unread, ...] = ()


def ledger_from_arrow(sources: Iterable[Source], manifest: Manifest | None = None) -> LedgerReading:
    """The ledger of these tables. Columns that SCHEMA does not know stay out, and a note says so.

    Without a manifest, its time zone is the tables' own (an offset or UTC where only text tells).
    Raises InputError: a cell of the wrong kind, no known column, some times with and some without a zone.
    """
    by_name = {source.name: source for source in sources}
    zones: dict[str, Place] = {}
    notes: list[str] = []
    tables = {name: _table(by_name[name], zones, notes) for name in SCHEMA if name in by_name}
    manifest = manifest if manifest is not None else Manifest()
    unread = tuple(one for name in tables for one in _unread(by_name[name]))
    return LedgerReading(Ledger(_with_zone(manifest, zones, notes), tables), tuple(notes), unread)


def _unread(source: Source) -> list[Unread]:
    """The columns that the schema does not know."""
    return [
        Unread(
            UnreadKind.COLUMN,
            source.name,
            name,
            len(cells) - cells.null_count,
            digest_of(cells),
        )
        for name, cells in zip(source.data.column_names, source.data.columns, strict=True)
        if name not in SCHEMA[source.name] and cells.null_count < len(cells)
    ]


def _with_zone(manifest: Manifest, zones: Mapping[str, Place], notes: list[str]) -> Manifest:
    """The manifest with the zone of the tables, which must all have one or all have none."""
    aware = [zone for zone in zones if zone != instants.NAIVE]
    if instants.NAIVE in zones and (aware or manifest.timezone is not None):
        other = f"{zones[aware[0]]} has one" if aware else f"the manifest names {manifest.timezone}"
        raise bad_column(
            zones[instants.NAIVE],
            "times without a zone",
            f"a zone, as {other}",
            "Write every time of the ledger with its zone offset, or none.",
        )
    if manifest.timezone is not None or not aware:
        return manifest
    if len(aware) > 1:
        notes.append(f"time zones {', '.join(sorted(aware))} are mixed; times are shown in UTC")
    return dataclasses.replace(manifest, timezone=aware[0] if len(aware) == 1 else "UTC")


def _table(source: Source, zones: dict[str, Place], notes: list[str]) -> Table:
    schema = SCHEMA[source.name]
    names = [str(name) for name in source.data.column_names]
    refuse_names(names, source.origin)
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise InputError(
            source.origin,
            f"more than one column {shown(doubled[0])}",
            "every column once",
            "Rename or drop one of them.",
        )
    if not any(name in schema for name in names):
        raise InputError(
            source.origin,
            f"columns {', '.join(map(shown, names[:12])) or 'none'}",
            f"columns of {source.name}: {', '.join(schema)}",
            "Name the columns as listed, separated by commas in a CSV file.",
        )
    notes += [f"{source.origin}: column {shown(name)} is not read" for name in names if name not in schema]
    columns = {}
    for name, kind in schema.items():
        if name in names:
            place = Place(source.origin, source.name, name)
            columns[name], zone = column_from_arrow(
                kind, source.data.column(name), place, source.hints.get(name)
            )
            if zone is not None:
                zones.setdefault(zone, place)
            if (
                columns[name].scale is None
                and columns[name].dictionary is None
                and kind is not Kind.TIMESTAMP
            ):
                notes.append(f"{place}: read as binary floats")
    return Table(source.name, columns, int(source.data.num_rows))


def column_from_arrow(
    kind: Kind, array: Any, place: Place, hint: Hint | None = None
) -> tuple[Column, str | None]:
    """(Column, time zone) of an Arrow array or chunked array; the zone is that of `instants.from_arrow`."""
    hint = hint or Hint()
    if isinstance(array, pa.ChunkedArray):
        array = _one_chunk(array)
    if not len(array) and kind in (Kind.TIMESTAMP, Kind.SYMBOL, Kind.WORD) and _is_number(array.type):
        array = pa.nulls(0)  # pandas makes a column without rows one of floats
    zone = None
    if kind is Kind.TIMESTAMP:
        values, zone = instants.from_arrow(array, place)
        missing = values == instants.NAT
        column = Column(kind, values, None, None, missing if missing.any() else None)
    elif kind in (Kind.SYMBOL, Kind.WORD):
        column = _words(kind, array, place, hint.words)
    else:
        column = number_column(kind, array, place, hint)
    return frozen(column), zone


def frozen(column: Column) -> Column:
    """The column, its arrays made read-only."""
    column.values.setflags(write=False)
    if column.missing is not None:
        column.missing.setflags(write=False)
    return column


def _one_chunk(array: Any) -> Any:
    if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
        array = array.cast(pa.large_string() if pa.types.is_string(array.type) else pa.large_binary())
    if pa.types.is_dictionary(array.type):
        array = array.unify_dictionaries()
    return array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)


def _is_number(held: Any) -> bool:
    return bool(pa.types.is_floating(held) or pa.types.is_integer(held) or pa.types.is_decimal(held))


def _words(kind: Kind, array: Any, place: Place, known: tuple[str, ...]) -> Column:
    """Symbols or words, exactly as they stand; whole numbers (600519) become their text."""
    held = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not (_is_texty(held) or pa.types.is_integer(held) or pa.types.is_null(held)):
        raise bad_column(place, f"{held} cells", "text", "Write the column as text.")
    try:
        if not pa.types.is_dictionary(array.type) or array.dictionary.null_count or not _is_texty(held):
            decoded = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
            array = decoded.cast(pa.large_string()).dictionary_encode()
        words = array.dictionary.cast(pa.large_string()).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError):
        raise bad_column(place, "text that is not UTF-8", "UTF-8 text", "Save the file as UTF-8.") from None
    refuse_names([word for word in words if word], str(place), kind.value)
    missing = buffers.missing_of(array.indices)
    codes = buffers.values_of(array.indices).astype(np.int32)
    order = {word: code for code, word in reversed(list(enumerate(known)))}
    union = list(known)
    for word in words:
        if word not in order:
            order[word] = len(union)
            union.append(word)
    recode: npt.NDArray[np.int32] = np.array([*(order[word] for word in words), -1], dtype=np.int32)
    codes = recode[np.where(missing, len(words), codes)]
    return Column(kind, codes, tuple(union), None, missing if missing.any() else None)


def _is_texty(kind: Any) -> bool:
    test = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(is_kind(kind) for is_kind in (*test, pa.types.is_binary, pa.types.is_large_binary))


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
    """(found, expected) for what is wrong with one column, or None."""
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
    return Decimal(decimals.text_of(int(value), column.scale or 0))


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
    return decimals.text_of(int(value), column.scale or 0)


def _empty(column: Column, row: int) -> bool:
    if column.missing is not None and bool(column.missing[row]):
        return True
    return column.values.dtype.kind == "f" and bool(np.isnan(column.values[row]))
