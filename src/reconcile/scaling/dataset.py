"""A ledger as a data set: each table one Parquet file, or a folder of them, read one row group at a time.

ledger/
  manifest.json              as of any ledger; may be missing
  fills.parquet              a file
  equity/part-0.parquet      or a folder of files, in the order of their paths
  positions/symbol=A/*.parquet   partitions add a column
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from reconcile.files import buffers, instants
from reconcile.files.places import Place, shown
from reconcile.ledger import manifest as manifests
from reconcile.ledger.columns import Source, ledger_from_arrow
from reconcile.ledger.read import settle_times
from reconcile.scaling.stream import Stream
from reconcile.tables.intake import PARQUET, damage_named, is_tabular, table_name
from reconcile.tables.model import Unread, UnreadKind
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, TIME_COLUMN, Ledger, Manifest, Table

Ints = npt.NDArray[np.int64]
ROW = "tieout row"
"""A column of spooled parts: the row's number in its table."""
BATCH = 65_536
"""Rows that are read at a time."""
BUFFER = 1 << 20
"""Bytes of a column of a row group that are read at a time."""
KEPT_PARTS = 2
"""Row groups of a table that are kept between two reads: neighbouring windows share one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One row group. first: the number of its first row in the table. partition: columns of its path."""

    path: str
    group: int
    rows: int
    first: int
    partition: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Some rows of a table, in their order. numbers: of the rows in the whole table. times: ns since 1970."""

    data: Any
    numbers: Ints
    times: Ints

    def with_data(self, data: Any) -> Slice:
        return Slice(data, self.numbers, self.times)

    def part(self, first: int, stop: int) -> Slice:
        """The rows [first, stop)."""
        return Slice(self.data.slice(first, stop - first), self.numbers[first:stop], self.times[first:stop])

    def only(self, keep: npt.NDArray[np.bool_]) -> Slice:
        """The rows of a mask."""
        data = self.data.filter(buffers.booleans(keep))
        return Slice(data, self.numbers[keep], self.times[keep])

    def between(self, low: int, high: int) -> Slice:
        """The rows with a time in [low, high)."""
        keep = (self.times >= low) & (self.times < high)
        places = np.flatnonzero(keep)
        if len(places) == (int(places[-1]) - int(places[0]) + 1 if len(places) else 0):
            return self.part(*((int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)))
        return self.only(keep)


@dataclass(slots=True, eq=False)
class TableSet:
    """One table. spans: per part its first and last time, ns; empty until `survey` fills it."""

    name: str
    origin: str
    parts: list[Part]
    spans: list[tuple[int, int]] = field(default_factory=list)
    ascending: bool = True
    _kept: OrderedDict[int, Any] = field(default_factory=OrderedDict)
    _stream: Stream | None = None

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    def column_names(self) -> list[str]:
        if not self.parts:
            return []
        names = pa_parquet.read_schema(self.parts[0].path).names
        return [*names, *(name for name, _ in self.parts[0].partition if name not in names)]

    def batches(
        self, columns: list[str] | None = None, since: int | None = None
    ) -> Iterator[tuple[Part, int, Any]]:
        """(part, number of the first row, rows) of all rows in their order, a few at a time.

        since: parts that end before this time are left out.
        """
        for place, part in enumerate(self.parts):
            if not part.rows or (since is not None and self.spans[place][1] < since):
                continue
            with damage_named(Path(part.path)), _opened(part.path) as file:
                own = [name for name in columns or file.schema_arrow.names if name in file.schema_arrow.names]
                first = part.first
                for batch in file.iter_batches(BATCH, row_groups=[part.group], columns=own):
                    yield part, first, _with_partition(pa.Table.from_batches([batch]), part)
                    first += batch.num_rows

    def rows_between(self, low: int, high: int) -> Slice:
        """The rows with a time in [low, high), in their order.

        Of a table in order of time only a few rows are held beside these, where `low` grows from call to
        call; of any other, whole row groups.
        """
        if self.ascending:
            if self._stream is None or self._stream.passed > low:
                self._stream = Stream(self._slices(low), low)
            return self._joined(list(self._stream.between(low, high)))
        found = []
        for place, (first, last) in enumerate(self.spans):
            if last >= low and first < high:
                found.append(self._part(place).between(low, high))
        return self._joined([one for one in found if len(one.times)])

    def _slices(self, since: int) -> Iterator[Slice]:
        for _, first, data in self.batches(since=since):
            yield Slice(data, np.arange(first, first + data.num_rows), times_of(data, self))

    def _joined(self, slices: list[Slice]) -> Slice:
        if not slices:
            return Slice(self.empty(), np.zeros(0, np.int64), np.zeros(0, np.int64))
        if len(slices) == 1:
            return slices[0]
        return Slice(
            pa.concat_tables([one.data for one in slices], promote_options="permissive"),
            np.concatenate([one.numbers for one in slices]),
            np.concatenate([one.times for one in slices]),
        )

    def empty(self) -> Any:
        """No rows, with the columns and types of the table."""
        schema = pa_parquet.read_schema(self.parts[0].path)
        return _with_partition(schema.empty_table(), self.parts[0])

    def head(self) -> Any:
        """The first row, where there is one: it tells a column's zone as well as its type."""
        first = next((part for part in self.parts if part.rows), None)
        if first is None:
            return self.empty()
        with damage_named(Path(first.path)), _opened(first.path) as file:
            batch = next(file.iter_batches(1, row_groups=[first.group]))
        return _with_partition(pa.Table.from_batches([batch]), first)

    def bytes_per_row(self) -> float:
        """Bytes that a row takes as Arrow holds it, measured on the first ones."""
        for _, _, data in self.batches():
            return float(data.nbytes) / int(data.num_rows)
        return 0.0

    def largest_part(self) -> int:
        """Rows of the largest row group."""
        return max((part.rows for part in self.parts), default=0)

    def _part(self, place: int) -> Slice:
        if place in self._kept:
            self._kept.move_to_end(place)
        else:
            part = self.parts[place]
            with damage_named(Path(part.path)), _opened(part.path) as file:
                data = _with_partition(file.read_row_group(part.group), part)
            if ROW in data.column_names:
                numbers = buffers.values_of(data[ROW].combine_chunks())
                data = data.drop_columns([ROW])
            else:
                numbers = np.arange(part.first, part.first + part.rows)
            self._kept[place] = Slice(data, numbers, times_of(data, self))
            while len(self._kept) > KEPT_PARTS:
                self._kept.popitem(last=False)
        found: Slice = self._kept[place]
        return found

    def forget(self) -> None:
        """Drop what is held of the rows."""
        self._kept.clear()
        self._stream = None


def _opened(path: str) -> Any:
    """A Parquet file whose columns are read a few pages at a time, not a row group at once."""
    return pa_parquet.ParquetFile(path, buffer_size=BUFFER)


def times_of(data: Any, table: TableSet, column: str | None = None) -> Ints:
    """A column's times, ns since 1970 UTC. Raises InputError for a row without one, but in other columns
    than the one that places rows in time.
    """
    name = column or TIME_COLUMN[table.name]
    place = Place(table.origin, table.name, name)
    values, _ = instants.from_arrow(data[name].combine_chunks(), place)
    if column is None and data[name].null_count:
        raise InputError(
            str(place),
            "rows without a time",
            "a time in every row",
            "Leave out --memory: compare in memory.",
        )
    return values


def _with_partition(data: Any, part: Part) -> Any:
    for name, value in part.partition:
        if name not in data.column_names:
            data = data.append_column(name, pa.array([value] * data.num_rows, pa.string()))
    return data


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """One side. hints: by table, from the manifest. notes: what is not read, one sentence each."""

    path: str
    manifest: Manifest
    tables: Mapping[str, TableSet]
    hints: Mapping[str, Any]
    listed: Mapping[str, int]
    notes: tuple[str, ...]
    unread: tuple[Unread, ...]

    def ledger(self, data: Mapping[str, Any]) -> tuple[Ledger, tuple[str, ...]]:
        """A ledger of some rows of each table, and what reading them left out."""
        sources = [
            Source(name, self.tables[name].origin, rows, self.hints.get(name, {}))
            for name, rows in data.items()
        ]
        reading = ledger_from_arrow(sources, self.manifest)
        settled, _ = settle_times(reading.ledger, self.path)
        if any(table.rows != data[name].num_rows for name, table in settled.tables.items()):
            found = "several rows of equity at one time"
            remedy = "Leave out --memory: compare in memory."
            raise InputError(self.path, found, "one row per time", remedy)
        return settled, reading.notes

    def skeleton(self) -> Ledger:
        """The ledger's manifest, columns and numbers of rows, without the rows."""
        ledger, _ = self.ledger({name: table.head() for name, table in self.tables.items()})
        return Ledger(
            ledger.manifest,
            {
                name: Table(name, table.columns, self.tables[name].rows)
                for name, table in ledger.tables.items()
            },
        )


def is_dataset(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a ledger whose tables are all Parquet: files, or folders of them."""
    place = Path(path)
    if os.path.isfile(path):
        return place.suffix.lower() in PARQUET and table_name(place) in SCHEMA
    if not os.path.isdir(path):  # unlike Path.is_dir, it takes any text
        return False
    found = [entry for entry in place.iterdir() if table_name(entry) in SCHEMA]
    return bool(found) and all(_files(entry) for entry in found)


def has_folders(path: str | os.PathLike[str]) -> bool:
    """Whether a table is a folder: nothing else reads these."""
    place = Path(path)
    return os.path.isdir(path) and any(
        entry.is_dir() and table_name(entry) in SCHEMA for entry in place.iterdir()
    )


def unpacked_bytes(path: str | os.PathLike[str]) -> int:
    """Bytes that all tables take when they are unpacked, by their footers; 0 where it is no data set."""
    if not is_dataset(path):
        return 0
    total = 0
    for table in open_dataset(path).tables.values():
        for name in dict.fromkeys(part.path for part in table.parts):
            meta = pa_parquet.read_metadata(name)
            total += sum(meta.row_group(group).total_byte_size for group in range(meta.num_row_groups))
    return total


def _files(entry: Path) -> list[Path]:
    """The Parquet files of a table, in the order of their paths; hidden ones are left out."""
    if entry.is_file():
        return [entry] if entry.suffix.lower() in PARQUET else []
    found = [path for ending in PARQUET for path in entry.rglob(f"*{ending}") if path.is_file()]
    return sorted(
        path
        for path in found
        if not any(part.startswith((".", "_")) for part in path.relative_to(entry).parts)
    )


def open_dataset(path: str | os.PathLike[str]) -> DataSet:
    """The data set at a path. Raises InputError: no tables, one table twice, a damaged footer."""
    place = Path(path)
    entries = [place] if place.is_file() else sorted(place.iterdir())
    described = manifests.Described(Manifest())
    if place.is_dir() and os.path.lexists(place / manifests.FILE):
        described = manifests.read_manifest(place / manifests.FILE)
    tables: dict[str, TableSet] = {}
    notes: list[str] = []
    unread: list[Unread] = []
    for entry in entries:
        name = table_name(entry)
        files = _files(entry) if name in SCHEMA else []
        if files and name in tables:
            found = f"both {Path(tables[name].origin).name} and {entry.name}"
            raise InputError(str(place), found, "one file or folder per table", "Remove one of them.")
        if files:
            tables[name] = TableSet(name, str(entry), _parts(files, entry))
        elif entry.is_file() and is_tabular(entry):
            notes.append(f"{entry}: not a table of a ledger, not read")
            unread.append(Unread(UnreadKind.TABLE, name, name, 0))
    if not tables:
        expected = f"Parquet files or folders of them: {', '.join(SCHEMA)}"
        raise InputError(str(path), "no table of a ledger", expected, "Check the path.")
    ordered = {name: tables[name] for name in SCHEMA if name in tables}
    for name, table in ordered.items():
        listed = described.rows.get(name)
        if listed not in (None, table.rows):
            notes.append(f"{table.origin}: {table.rows} rows, where the manifest lists {listed}")
        unread += [
            Unread(UnreadKind.COLUMN, name, column, table.rows)
            for column in table.column_names()
            if column not in SCHEMA[name]
        ]
        notes += [
            f"{table.origin}: column {shown(column)} is not read"
            for column in table.column_names()
            if column not in SCHEMA[name]
        ]
    for name in described.rows:
        if name not in ordered:
            notes.append(f"{place}: {name} is listed in the manifest, but there is no such file")
    said = tuple(notes), tuple(unread)
    return DataSet(os.fspath(path), described.manifest, ordered, described.hints, described.rows, *said)


_HIVE = re.compile(r"([^=/]+)=([^/]*)")


def _parts(files: list[Path], entry: Path) -> list[Part]:
    parts: list[Part] = []
    first = 0
    for path in files:
        inner = path.relative_to(entry).parts[:-1] if entry.is_dir() else ()
        partition = tuple(match.groups() for match in map(_HIVE.fullmatch, inner) if match is not None)
        with damage_named(path):
            meta = pa_parquet.read_metadata(path)
        for group in range(meta.num_row_groups):
            rows = meta.row_group(group).num_rows
            parts.append(Part(str(path), group, rows, first, partition))  # type: ignore[arg-type]
            first += rows
    if not parts:
        parts.append(Part(str(files[0]), 0, 0, 0))
    return parts
