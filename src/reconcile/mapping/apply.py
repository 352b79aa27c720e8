"""Applying a mapping: raw tables, under any names, become a Ledger; all that was mapped is said."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.ledger.columns import Source, ledger_from_arrow
from reconcile.mapping.schema import Mapping, ReturnsMapping, TableMapping, TimeMapping
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Manifest, Table


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Returns as reported: timestamps in ns, values as doubles."""

    timestamps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A ledger made by a mapping, what was mapped (a sentence each), and the returns beside it."""

    ledger: Ledger
    notes: tuple[str, ...]
    returns: Returns | None = None


def apply_mapping(raw: Dict[str, Any], mapping: Mapping, *, origin: str = "ledger") -> Mapped:
    """The ledger that a mapping makes of raw tables.

    raw: pyarrow tables by file stem, as `reconcile.ledger.raw_tables` reads them. origin: what errors
    and notes call the ledger. Raises InputError where a file or column that the mapping names is not there,
    a side word is not listed, or a zone is unknown.
    """
    notes: list[str] = []
    sources = [_source(raw, name, table, origin, notes) for name, table in mapping.tables.items()]
    reading = ledger_from_arrow(sources, None)
    zone = reading.ledger.manifest.timezone
    tables = {}
    for name, table in reading.ledger.tables.items():
        rule = mapping.tables[name]
        tables[name] = _mapped_table(table, rule, mapping, zone, f"{origin}: {name}", notes)
    notes += _said(mapping)
    kept = mapping.time.zone or zone
    manifest = Manifest(timezone=None if mapping.time.naive else kept, timing=mapping.timing)
    returns = _returns(raw, mapping.returns, mapping.time, zone, origin) if mapping.returns else None
    return Mapped(Ledger(manifest, tables), (*reading.notes, *dict.fromkeys(notes)), returns)


def _source(raw: Dict[str, Any], name: str, rule: TableMapping, origin: str, notes: list[str]) -> Source:
    """Their table under our column names."""
    data = _file(raw, rule.file, origin)
    where = f"{origin}: {rule.file}"
    if rule.file != name:
        notes.append(f"{name} is read from {rule.file}.")
    theirs = {ours: rule.columns.get(ours, ours) for ours in SCHEMA[name]}
    for ours, their in rule.columns.items():
        if their not in data.column_names:
            raise InputError(
                where, f"no column {their!r}", "the column that the mapping names", "Correct the mapping."
            )
        notes.append(f"{name}.{ours} is their {their!r}.")
    if rule.wide is not None:
        data = _long(data, name, rule, theirs, where, notes)
        theirs = {ours: ours for ours in SCHEMA[name]}
    chosen = {ours: data.column(their) for ours, their in theirs.items() if their in data.column_names}
    return Source(name, where, pa.table(chosen))


def _file(raw: Dict[str, Any], stem: str, origin: str) -> Any:
    if stem not in raw:
        found = ", ".join(sorted(raw)) or "no file"
        raise InputError(origin, found, f"a file named {stem}", "Correct `file` in the mapping.")
    return raw[stem]


def _long(
    data: Any, name: str, rule: TableMapping, theirs: dict[str, str], where: str, notes: list[str]
) -> Any:
    """A wide table (one column a symbol) as rows; cells that are empty or 0 make none."""
    stamp = theirs["timestamp"]
    if stamp not in data.column_names:
        raise InputError(where, f"no column {stamp!r}", "the time of each row", "Name it in `columns`.")
    symbols = [column for column in data.column_names if column != stamp and column not in rule.leave]
    parts = []
    for symbol in symbols:
        cells = data.column(symbol)
        if isinstance(cells, pa.ChunkedArray):
            cells = cells.combine_chunks()
        if not _numeric(cells.type):
            try:
                cells = cells.cast(pa.decimal128(38, 12))
            except pa.ArrowException:
                raise InputError(
                    f"{where}, column {symbol}",
                    "cells that are no numbers",
                    "a number or nothing in each",
                    "List columns that are no symbols under `leave`.",
                ) from None
        keep = pc.fill_null(pc.not_equal(cells, pa.scalar(0).cast(cells.type)), False)
        part = pa.table({"timestamp": data.column(stamp), rule.wide or "": cells}).filter(keep)
        parts.append(part.append_column("symbol", pa.array([symbol] * part.num_rows, pa.large_string())))
    notes.append(
        f"{name} has a column for each of {len(symbols)} symbols; empty cells and zeros are no rows."
    )
    return pa.concat_tables(parts) if parts else data.slice(0, 0)


def _numeric(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _mapped_table(
    table: Table, rule: TableMapping, mapping: Mapping, zone: str | None, where: str, notes: list[str]
) -> Table:
    """Sides, signs, symbols and times of one table."""
    columns = dict(table.columns)
    if rule.words is not None and "side" in columns:
        columns["side"] = _side_words(columns["side"], rule, where)
        notes.append(f"{table.name}: sides are their words {rule.words.buy} and {rule.words.sell}.")
    keep = None
    if rule.sign:
        columns, keep = _side_of_sign(columns, rule, where)
        notes.append(f"{table.name}: the side is the sign of the quantity.")
        if not keep.all():
            notes.append(f"{table.name}: {int((~keep).sum())} rows of quantity 0 are left out.")
    for name in rule.unsigned:
        if name in columns:
            columns[name] = replace(columns[name], values=np.abs(columns[name].values))
            notes.append(f"{table.name}.{name} is taken without its sign.")
    for name, column in columns.items():
        if column.kind is Kind.SYMBOL:
            columns[name] = _symbols(column, mapping)
        if column.kind is Kind.TIMESTAMP:
            columns[name] = replace(column, values=_times(column.values, mapping.time, zone, where))
    rows = table.rows
    if keep is not None and not keep.all():
        columns = {name: _rows(column, keep) for name, column in columns.items()}
        rows = int(keep.sum())
    return Table(table.name, {name: columns[name] for name in SCHEMA[table.name] if name in columns}, rows)


def _rows(column: Column, keep: npt.NDArray[np.bool_]) -> Column:
    missing = None if column.missing is None else column.missing[keep]
    return replace(column, values=column.values[keep], missing=missing)


def _side_words(column: Column, rule: TableMapping, where: str) -> Column:
    """Their words as ours."""
    assert rule.words is not None
    known = {**dict.fromkeys(rule.words.buy, 0), **dict.fromkeys(rule.words.sell, 1)}
    words = column.dictionary or ()
    used = set(
        np.unique(column.values if column.missing is None else column.values[~column.missing]).tolist()
    )
    unknown = [word for code, word in enumerate(words) if word not in known and code in used]
    if unknown:
        raise InputError(
            f"{where}.side", repr(unknown[0]), "a word listed under buy or sell", "List it in the mapping."
        )
    table = np.array([known.get(word, -1) for word in words] + [-1], np.int32)
    return replace(column, values=table[column.values], dictionary=("buy", "sell"))


def _side_of_sign(
    columns: dict[str, Column], rule: TableMapping, where: str
) -> tuple[dict[str, Column], npt.NDArray[np.bool_]]:
    """The sign of the quantity becomes the side; rows of 0 are neither."""
    quantity = columns.get("quantity")
    if quantity is None:
        raise InputError(where, "no quantity", "a signed quantity", "Name its column in `columns`.")
    signed = quantity.values * rule.sign
    sells = np.asarray(signed < 0)
    keep = np.asarray(signed != 0)
    if quantity.missing is not None:
        keep = keep | quantity.missing
    side = Column(Kind.WORD, sells.astype(np.int32), ("buy", "sell"), None, quantity.missing)
    return {**columns, "side": side, "quantity": replace(quantity, values=np.abs(quantity.values))}, keep


def _symbols(column: Column, mapping: Mapping) -> Column:
    """Their symbols as ours."""
    words = []
    for word in column.dictionary or ():
        ours = mapping.symbols.get(word, word)
        if mapping.symbol_case is not None:
            ours = ours.upper() if mapping.symbol_case == "upper" else ours.lower()
        words.append(ours)
    distinct = tuple(dict.fromkeys(words))
    table = np.array([distinct.index(word) for word in words] + [-1], np.int32)
    return replace(column, values=table[column.values], dictionary=distinct)


def _times(
    values: npt.NDArray[np.int64], time: TimeMapping, zone: str | None, where: str
) -> npt.NDArray[np.int64]:
    """Their instants or clock times as ours."""
    array: Any = pa.array(values, pa.int64()).cast(pa.timestamp("ns"))
    place = time.zone or zone
    try:
        local = array
        if zone is not None:
            local = pc.local_timestamp(array.cast(pa.int64()).cast(pa.timestamp("ns", place)))
        elif time.zone is not None:
            pc.assume_timezone(array, time.zone)  # whether such times exist in it
        clock = np.asarray(local.cast(pa.int64())) + time.shift
        if time.floor:
            clock = clock - clock % time.floor
        if time.naive or place is None:
            return np.asarray(clock, np.int64)
        stamps: Any = pa.array(clock).cast(pa.timestamp("ns"))
        back: Any = pc.assume_timezone(stamps, place, ambiguous="earliest", nonexistent="earliest")
    except pa.ArrowException as error:
        raise InputError(
            f"{where}: times",
            str(error),
            "a known zone and times that exist in it",
            "Correct [time] in the mapping.",
        ) from None
    return np.asarray(back.cast(pa.int64()), np.int64)


def _returns(
    raw: Dict[str, Any], rule: ReturnsMapping, time: TimeMapping, zone: str | None, origin: str
) -> Returns:
    """The returns, on the ledger's clock."""
    data = _file(raw, rule.file, origin)
    for name in (rule.column, rule.timestamp):
        if name not in data.column_names:
            raise InputError(
                f"{origin}: {rule.file}",
                f"no column {name!r}",
                "the column that the mapping names",
                "Correct [returns] in the mapping.",
            )
    source = Source("equity", f"{origin}: {rule.file}", pa.table({"timestamp": data.column(rule.timestamp)}))
    stamps = ledger_from_arrow([source]).ledger
    own = stamps.manifest.timezone
    cells = data.column(rule.column).combine_chunks()
    try:
        values = np.asarray(cells.cast(pa.float64()).fill_null(float("nan")), np.float64)
    except pa.ArrowException:
        raise InputError(
            f"{origin}: {rule.file}.{rule.column}",
            "cells that are no numbers",
            "returns",
            "Correct [returns] in the mapping.",
        ) from None
    times = _times(stamps.tables["equity"].columns["timestamp"].values, time, own or zone, origin)
    return Returns(times, values)


def _said(mapping: Mapping) -> list[str]:
    """What applies to all tables."""
    notes = [f"Their symbol {theirs} is {ours}." for theirs, ours in mapping.symbols.items()]
    if mapping.symbol_case is not None:
        notes.append(f"Symbols are put into {mapping.symbol_case} case.")
    time = mapping.time
    if time.zone is not None:
        notes.append(f"Times are taken in {time.zone}.")
    if time.naive:
        notes.append("The zone is dropped: times are clock times.")
    if time.shift:
        way = "later" if time.shift > 0 else "earlier"
        notes.append(f"Bars are stamped {abs(time.shift) // 10**9} seconds {way} than theirs.")
    if time.floor:
        notes.append("Times are cut to the start of their day, hour, minute or second.")
    if mapping.timing is not None:
        notes.append(f"Its orders are said to execute at {mapping.timing}.")
    return notes
