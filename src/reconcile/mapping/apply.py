"""Applying a mapping: raw tables, under any names, become a Ledger; all that was mapped is reported."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files.places import shown
from reconcile.ledger.columns import Source, ledger_from_arrow
from reconcile.ledger.read import settle_times
from reconcile.mapping import cells, notes, rows, trades
from reconcile.mapping.arithmetic import as_doubles
from reconcile.mapping.join import joined
from reconcile.mapping.library import Library
from reconcile.mapping.schema import Mapping, ReturnsFile, Table, Time, merged
from reconcile.mapping.start import with_start
from reconcile.tables.model import Unread
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Manifest
from vocabulary.ledger import Table as LedgerTable


@dataclass(frozen=True, slots=True, eq=False)
class Returns:
    """Returns as reported: timestamps in ns, values as doubles."""

    timestamps: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A ledger made by a mapping, what was mapped (a sentence each), the returns beside it, and what of the
    raw tables was not read.
    """

    ledger: Ledger
    notes: tuple[str, ...]
    returns: Returns | None = None
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One table as one source gives it, with the zone of its times (None: clock times)."""

    table: LedgerTable
    zone: str | None


def apply_mapping(raw: Dict[str, Any] | Library, mapping: Mapping, *, origin: str = "ledger") -> Mapped:
    """The ledger that a mapping makes of raw tables.

    raw: pyarrow tables by name, or what finds them. origin: what errors and notes call the ledger.
    Raises InputError where a file or column that the mapping names is not there, a side word is not listed,
    or a zone is unknown.
    """
    library = raw if isinstance(raw, Library) else Library.of_tables(raw, origin)
    said: list[str] = []
    tables: dict[str, LedgerTable] = {}
    zones: list[str | None] = []
    for name in SCHEMA:
        sources = mapping.tables.get(name, ())
        parts = [_part(library, name, table, mapping, origin, said) for table in sources]
        if parts:
            tables[name] = joined(name, [part.table for part in parts])
            zones += [part.zone for part in parts]
    zone = _common_zone(zones, mapping, origin)
    returns = _returns(library, mapping, mapping.returns, zone, origin) if mapping.returns else None
    said += notes.general(mapping)
    manifest = Manifest(timezone=None if mapping.time.naive else zone, timing=mapping.timing)
    ledger = Ledger(manifest, tables)
    if mapping.start is not None:
        ledger = with_start(ledger, mapping.start, origin)
    ledger, odd = settle_times(ledger, origin)
    said += odd
    return Mapped(ledger, tuple(dict.fromkeys(said)), returns, tuple(library.unread(mapping.leave_out)))


def _part(library: Library, name: str, table: Table, mapping: Mapping, origin: str, said: list[str]) -> _Part:
    """One source of one of our tables."""
    usage = library.find(table.file, name, merged(mapping.layout, table.layout))
    where = usage.raw.origin
    said += notes.of_source(name, usage.raw.name, table)
    usage.reasons.update(_reasons(usage, table, where))
    keep = rows.rows_read(usage, table, where)
    if table.currency is not None:
        rows.check_currency(usage, table.currency, keep, where)
    source = cells.SourceRows(usage, name, table, mapping, keep)
    if table.wide is not None:
        data, numbers = cells.long_table(source, said), None
    elif table.round_trips is not None:
        data, numbers = trades.fills_of_round_trips(source, said)
    else:
        data, numbers = source.columns(table.columns), None
    usage.keep(keep)
    reading = ledger_from_arrow([Source(name, where, data)])
    said += reading.notes
    made = reading.ledger.tables[name]
    if table.profit is not None:
        said.append(trades.profit_note(source, made, numbers))
    zone = reading.ledger.manifest.timezone
    time = merged(mapping.time, table.time)
    finished = _finished(made, source, time, zone, f"{origin}: {name}", said)
    return _Part(finished, time.zone or zone)


def _reasons(usage: rows.Usage, table: Table, where: str) -> Dict[str, str]:
    """`leave_out`, whose columns must be there: a reason for nothing would go unnoticed."""
    for name in table.leave_out:
        if name not in usage.raw.data.column_names:
            raise InputError(
                where, f"no column {shown(name)}", "the column that `leave_out` names", "Correct the mapping."
            )
    return table.leave_out


def _finished(
    made: LedgerTable,
    source: cells.SourceRows,
    time: Time,
    zone: str | None,
    where: str,
    said: list[str],
) -> LedgerTable:
    """Sides, signs, symbols and times of one table as the ledger has them."""
    table, columns = source.table, dict(made.columns)
    keep = None
    if isinstance(table.side, str):
        columns, keep = _side_of_sign(columns, -1 if table.side == "-sign" else 1, where)
    elif made.name == "flows":
        keep = _nonzero(columns.get("amount"))
    if keep is not None and not keep.all():
        what = "amount" if made.name == "flows" else "quantity"
        said.append(f"{made.name}: {int((~keep).sum())} rows of {what} 0 are left out.")
    told = "side" in columns and not isinstance(table.side, str) and table.round_trips is None
    if made.name == "fills" and told and "quantity" not in table.unsigned:
        _refuse_signed(columns.get("quantity"), where)
    for name in table.unsigned:
        if name in columns:
            columns[name] = replace(columns[name], values=np.abs(columns[name].values))
    if table.execution_order is not None:
        columns["sequence"] = _sequence(made.rows, table.execution_order == "reversed")
    for name, column in columns.items():
        if column.kind is Kind.SYMBOL:
            columns[name] = symbols_of(column, source.mapping)
        if column.kind is Kind.TIMESTAMP:
            columns[name] = replace(column, values=times_of(column.values, time, zone, where))
    count = made.rows
    if keep is not None and not keep.all():
        columns = {name: _rows(column, keep) for name, column in columns.items()}
        count = int(keep.sum())
    return LedgerTable(
        made.name, {name: columns[name] for name in SCHEMA[made.name] if name in columns}, count
    )


def _refuse_signed(quantity: Column | None, where: str) -> None:
    """Raises InputError for a quantity below 0 beside a side in words: it may repeat the side, or turn it."""
    if quantity is None:
        return
    below = np.asarray(quantity.values < 0)
    if quantity.missing is not None:
        below &= ~quantity.missing
    if below.any():
        raise InputError(
            f"{where}, row {int(np.argmax(below)) + 1}",
            "a quantity below 0 beside a side in words",
            "quantities without a sign, or a sign that is explained",
            'Where the sign repeats the side, write `unsigned = ["quantity"]`. Where it says the side, write '
            '`side = "sign"`. Leave out rows that take a trade back with `without`.',
        )


def _nonzero(column: Column | None) -> npt.NDArray[np.bool_] | None:
    if column is None:
        return None
    some = np.asarray(column.values != 0, dtype=bool)
    return some if column.missing is None else some & ~column.missing


def _sequence(count: int, reverse: bool) -> Column:
    order = np.arange(count, dtype=np.int64)
    return Column(Kind.COUNT, order[::-1].copy() if reverse else order, None, 0)


def _rows(column: Column, keep: npt.NDArray[np.bool_]) -> Column:
    missing = None if column.missing is None else column.missing[keep]
    return replace(column, values=column.values[keep], missing=missing)


def _side_of_sign(
    columns: dict[str, Column], sign: int, where: str
) -> tuple[dict[str, Column], npt.NDArray[np.bool_]]:
    """The sign of the quantity becomes the side; rows of 0 are neither."""
    quantity = columns.get("quantity")
    if quantity is None:
        raise InputError(where, "no quantity", "a signed quantity", "Name its column in `columns`.")
    signed = quantity.values * sign
    sells = np.asarray(signed < 0)
    keep = np.asarray(signed != 0)
    if quantity.missing is not None:
        keep = keep | quantity.missing
    side = Column(Kind.WORD, sells.astype(np.int32), ("buy", "sell"), None, quantity.missing)
    return {**columns, "side": side, "quantity": replace(quantity, values=np.abs(quantity.values))}, keep


def symbols_of(column: Column, mapping: Mapping) -> Column:
    """Their symbols as ours."""
    words = []
    for word in column.dictionary or ():
        ours = mapping.symbols.get(word, mapping.symbols.get(word.strip(), word.strip() or word))
        if mapping.symbol_case is not None:
            ours = ours.upper() if mapping.symbol_case == "upper" else ours.lower()
        words.append(ours)
    places = {word: code for code, word in enumerate(dict.fromkeys(words))}
    table = np.array([*(places[word] for word in words), -1], np.int32)
    return replace(column, values=table[column.values], dictionary=tuple(places))


def times_of(
    values: npt.NDArray[np.int64], time: Time, zone: str | None, where: str
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
        if time.step:
            clock = clock - clock % time.step
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


def _common_zone(zones: list[str | None], mapping: Mapping, origin: str) -> str | None:
    """The zone of all tables; UTC where they have several. Raises InputError where some have none."""
    found = {zone for zone in zones if zone is not None}
    if found and None in zones and not mapping.time.naive:
        raise InputError(
            origin,
            f"times without a zone in one table, and in {sorted(found)[0]} in another",
            "a zone for all or for none",
            "Write `zone` under `time` in the mapping, for the table that has none.",
        )
    return found.pop() if len(found) == 1 else "UTC" if found else None


def _returns(library: Library, mapping: Mapping, rule: ReturnsFile, zone: str | None, origin: str) -> Returns:
    """The returns, on the ledger's clock."""
    usage = library.find(rule.file, "returns", mapping.layout)
    where, remedy = usage.raw.origin, "Correct [returns] in the mapping."
    taken = usage.take(rule.column, where, remedy)
    times = cells.typed_times(usage.take(rule.timestamp, where, remedy), mapping.time, where, rule.timestamp)
    stamps = ledger_from_arrow([Source("equity", where, pa.table({"timestamp": times}))]).ledger
    own = stamps.manifest.timezone
    numbers = cells.numbers_of(taken, mapping.numbers, where, rule.column)
    values = np.where(numbers.missing, np.nan, as_doubles(numbers))
    column = stamps.tables["equity"].columns["timestamp"].values
    usage.keep(np.ones(len(values), dtype=bool))
    return Returns(times_of(column, mapping.time, own or zone, origin), values)
