"""The digest chain: per bar, a hash of all rows of the ledger up to it.

Two ledgers with equal chains are equal in every table; where the chains part, the bar is found by
bisection. A chain counts only when it was computed from the tables themselves.

The link of a bar is sha256 over the link before it, the bar's nanoseconds, and for each table with rows
at that bar (order of SCHEMA): its number, its count of rows, their cells, and what did not fit the cells.
Rows of `targets` and `orders` belong to decided_at, those of the other tables to timestamp; rows without
one come first. The link before the first bar hashes which tables and columns there are, and of a table whose
rows are not in order of time that order.

A cell is canonical: it depends on the value alone, not on scale (1.50 is 1.5), dtype, or the order of a
dictionary. Timestamps are 8 bytes; words the first 16 bytes of their sha256; a number is 16 bytes: its
floor as int64, and the rest in units of 10**-18. Numbers out of that range leave a mark, and their text
follows the table's cells. A float is its 8 bytes beside a mark of its own: it never equals the decimal it
resembles. Row order counts. The time zone, which only says how times are shown, does not.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.files.arguments import LEDGER, takes
from vocabulary import SCHEMA, TIME_COLUMN, Column, InputError, Kind, Ledger, Table

Cells = npt.NDArray[np.int64]

_DECIMALS = 18
_ELSEWHERE, _FLOAT, _MISSING = -1, -2, -3
"""Marks in the place of the rest, which is never negative."""
_NO_TIME = np.iinfo(np.int64).min
_BLOCK = 16_000
"""Rows encoded at a time, all tables together (whole bars): bounds the memory used."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """A table with its rows by bar. order: None when they already are; edges[b]: first row of bar b."""

    number: int
    table: Table
    order: npt.NDArray[np.intp] | None
    edges: list[int]


@takes(ledger=LEDGER)
def chain(ledger: Ledger) -> tuple[str, ...]:
    """One hex digest per bar. Bars are all times that rows belong to, ascending; in ours those of equity."""
    return _links(ledger, _genesis(ledger))


def _links(ledger: Ledger, genesis: str) -> tuple[str, ...]:
    times = {name: _times(table) for name, table in ledger.tables.items()}
    bars = _bars(times)
    numbers = {name: number for number, name in enumerate(SCHEMA)}
    tables = [_sorted(numbers[name], table, times[name], bars) for name, table in _tables(ledger)]
    link = bytes.fromhex(genesis)
    links = []
    for start, stop in _blocks(tables, len(bars)):
        encoded = [
            (one, one.edges[start], *_encode(one, one.edges[start], one.edges[stop])) for one in tables
        ]
        for bar in range(start, stop):
            digest = hashlib.sha256(link)
            digest.update(bars[bar].astype("<i8").tobytes())
            for one, first, cells, extras in encoded:
                low, high = one.edges[bar], one.edges[bar + 1]
                if low < high:
                    digest.update(b"%d:%d:" % (one.number, high - low))
                    digest.update(cells[low - first : high - first])
                    for text in _extras_between(extras, low - first, high - first):
                        digest.update(b"%d:%b" % (len(text), text))
            link = digest.digest()
            links.append(link.hex())
    return tuple(links)


def first_link(ledger: Ledger) -> str:
    """The link before the first bar of a ledger whose rows are in order of time."""
    return _genesis(ledger)


def links_after(ledger: Ledger, link: str) -> tuple[str, ...]:
    """The links of some whole bars of a ledger, of which the last one before them is `link`."""
    return _links(ledger, link)


def chain_bars(ledger: Ledger) -> Cells:
    """The timestamps of the chain's links, ns since 1970 UTC; of rows without one, the least int64."""
    return _bars({name: _times(table) for name, table in ledger.tables.items()})


@takes(ledger=LEDGER)
def ledger_digest(ledger: Ledger) -> str:
    """The last link of the chain: it depends on the tables alone, not on the manifest. Of a ledger without
    rows, the link before the first.
    """
    links = chain(ledger)
    return links[-1] if links else _genesis(ledger)


def first_link_apart(one: tuple[str, ...], other: tuple[str, ...]) -> int | None:
    """The first bar at which two chains differ, by bisection: once apart, they stay apart. None: equal.

    Only for chains that were computed from tables: one that is merely claimed may agree again later.
    """
    shared = min(len(one), len(other))
    first = bisect_left(range(shared), True, key=lambda bar: one[bar] != other[bar])
    return first if first < max(len(one), len(other)) else None


class FaultKind(Enum):
    """How the chain in a manifest and the tables beside it disagree."""

    EDITED = "edited"
    """The rows of a bar, or the links from it on, are not those that were written."""
    LINKS = "links"
    """Single links were altered or exchanged: later ones fit the tables again."""
    LENGTH = "length"
    """The chain has fewer or more links than there are bars; those that there are fit."""
    ORDER = "order"
    """The rows of a table stand in another order of time than they were written in."""


@dataclass(frozen=True, slots=True)
class ChainFault:
    """A chain that does not fit.

    bars: places in `chain_bars`: the first that disagrees; of LINKS all that do.
    tables: of ORDER, those whose rows were moved.
    """

    kind: FaultKind
    bars: tuple[int, ...]
    tables: tuple[str, ...] = ()


def fault_text(fault: ChainFault, whose: str, at: str) -> str:
    """A clause that says how a chain fails. whose: such as `the candidate's`; at: the first bar's time."""
    tables = ", ".join(fault.tables)
    more = f" and at {len(fault.bars) - 1:,} later bars" if len(fault.bars) > 1 else ""
    return {
        FaultKind.EDITED: f"{whose} rows from {at} on are not those that its digest chain was written for",
        FaultKind.LINKS: f"{whose} digest chain was altered at {at}{more}: other links fit the rows",
        FaultKind.LENGTH: f"{whose} digest chain and rows end at different bars, at {at}",
        FaultKind.ORDER: f"{whose} rows of {tables} are not in the order in which they were written",
    }[fault.kind]


def verify_chain(ledger: Ledger) -> ChainFault | None:
    """How the manifest's chain disagrees with the tables, each link held against them; None where it fits.

    Raises InputError where the manifest holds no chain: then nothing was verified.
    """
    claimed = ledger.manifest.chain
    if claimed is None:
        raise InputError(
            "manifest, chain", "none", "one digest per bar", "Compare the tables; no chain can be verified."
        )
    computed = chain(ledger)
    if claimed == computed:
        return None
    return _fault(ledger, claimed, computed)


def _fault(ledger: Ledger, claimed: tuple[str, ...], computed: tuple[str, ...]) -> ChainFault:
    moved = tuple(name for name, table in _tables(ledger) if not _ascending(_times(table)))
    if moved and claimed == _links(ledger, _genesis(ledger, order_counts=False)):
        return ChainFault(FaultKind.ORDER, (0,), moved)
    return links_fault(claimed, computed)


def links_fault(claimed: tuple[str, ...], computed: tuple[str, ...]) -> ChainFault:
    """How two chains that differ do so. computed: from rows in order of time."""
    apart = [bar for bar, (one, other) in enumerate(zip(claimed, computed, strict=False)) if one != other]
    shared = min(len(claimed), len(computed))
    if not apart:
        return ChainFault(FaultKind.LENGTH, (shared,))
    fits_again = apart[-1] < shared - 1 or len(apart) <= apart[-1] - apart[0]
    exchanged = {claimed[bar] for bar in apart} == {computed[bar] for bar in apart}
    if fits_again or exchanged:
        return ChainFault(FaultKind.LINKS, tuple(apart))
    return ChainFault(FaultKind.EDITED, (apart[0],))


def _genesis(ledger: Ledger, order_counts: bool = True) -> str:
    heads = []
    for name, table in _tables(ledger):
        times = _times(table)
        moved = order_counts and not _ascending(times)
        order = hashlib.sha256(times.astype("<i8").tobytes()).hexdigest() if moved else ""
        heads.append(f"{name}({','.join(_columns(table))}){order}")
    return hashlib.sha256(";".join(heads).encode()).hexdigest()


def _tables(ledger: Ledger) -> list[tuple[str, Table]]:
    return [(name, ledger.tables[name]) for name in SCHEMA if name in ledger.tables]


def _columns(table: Table) -> list[str]:
    return [name for name in SCHEMA[table.name] if name in table.columns]


def _times(table: Table) -> Cells:
    column = table.columns.get(TIME_COLUMN[table.name])
    if column is None:
        return np.full(table.rows, _NO_TIME, dtype=np.int64)
    return column.values if column.missing is None else np.where(column.missing, _NO_TIME, column.values)


def _bars(times: dict[str, Cells]) -> Cells:
    return np.unique(np.concatenate([np.empty(0, np.int64), *(_distinct(one) for one in times.values())]))


def _ascending(times: Cells) -> bool:
    return not bool((times[1:] < times[:-1]).any())


def _distinct(times: Cells) -> Cells:
    """The times that differ from the next row's: in a table in order, each once, so that little is sorted."""
    return np.append(times[:-1][times[1:] != times[:-1]], times[-1:])


def _sorted(number: int, table: Table, times: Cells, bars: Cells) -> _Sorted:
    order = None
    if not _ascending(times):
        order = np.argsort(times, kind="stable")
        times = times[order]
    edges = np.append(np.searchsorted(times, bars), len(times))
    return _Sorted(number, table, order, edges.tolist())


def _blocks(tables: list[_Sorted], bars: int) -> Iterator[tuple[int, int]]:
    """Spans of bars of about _BLOCK rows each, at least one bar."""
    start, rows = 0, 0
    for bar in range(bars):
        rows += sum(one.edges[bar + 1] - one.edges[bar] for one in tables)
        if rows >= _BLOCK:
            yield start, bar + 1
            start, rows = bar + 1, 0
    if start < bars:
        yield start, bars


def _extras_between(extras: list[tuple[int, int, bytes]], low: int, high: int) -> list[bytes]:
    if not extras:
        return []
    first, last = (bisect_left(extras, row, key=lambda extra: extra[0]) for row in (low, high))
    return [text for _, _, text in extras[first:last]]


def _encode(one: _Sorted, low: int, high: int) -> tuple[memoryview, list[tuple[int, int, bytes]]]:
    """Rows [low, high), sorted by bar: cells, an item a row, and (row, column, text) of extras."""
    columns = [one.table.columns[name] for name in _columns(one.table)]
    widths = [1 if column.kind is Kind.TIMESTAMP else 2 for column in columns]
    out = np.empty((high - low, sum(widths)), dtype="<i8")
    rows: Any = slice(low, high) if one.order is None else one.order[low:high]
    extras: list[tuple[int, int, bytes]] = []
    place = 0
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        values = column.values[rows]
        missing = None if column.missing is None else column.missing[rows]
        cells = out[:, place : place + width]
        if column.kind is Kind.TIMESTAMP:
            cells[:, 0] = values if missing is None else np.where(missing, _NO_TIME, values)
        elif column.dictionary is not None:
            cells[:] = _word_digests(column)[values if missing is None else np.where(missing, -1, values)]
        else:
            texts = _encode_numbers(cells, values, column.scale, missing)
            extras += [(row, index, text) for row, text in texts]
        place += width
    return out.data, sorted(extras)


def _word_digests(column: Column) -> npt.NDArray[np.int64]:
    """(words + 1, 2): the first 16 bytes of each word's sha256; the last row, of zeros, for a missing one."""
    assert column.dictionary is not None
    digests = [
        hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:16] for word in column.dictionary
    ]
    return np.frombuffer(b"".join([*digests, bytes(16)]), dtype="<i8").reshape(-1, 2)


def _encode_numbers(
    cells: Cells, values: npt.NDArray[Any], scale: int | None, missing: npt.NDArray[np.bool_] | None
) -> list[tuple[int, bytes]]:
    """Fill (rows, 2) cells with floor and rest; return (row, text) of the numbers that do not fit."""
    texts: list[tuple[int, bytes]] = []
    if values.dtype.kind == "f":
        nan = np.isnan(values)
        missing = nan if missing is None else missing | nan
        cells[:, 0] = (values + 0.0).view(np.int64)  # -0.0 is 0.0
        cells[:, 1] = _FLOAT
    elif values.dtype == object or (scale or 0) > _DECIMALS:
        for row, value in enumerate(values.tolist()):
            floor, rest, text = _one_number(value, scale or 0)
            cells[row] = floor, rest
            if text and (missing is None or not missing[row]):
                texts.append((row, text))
    elif not scale:
        cells[:, 0] = values
        cells[:, 1] = 0
    else:
        unit = np.int64(10**scale)
        np.floor_divide(values, unit, out=cells[:, 0])
        cells[:, 1] = (values - cells[:, 0] * unit) * np.int64(10 ** (_DECIMALS - scale))
    if missing is not None:
        cells[missing] = 0, _MISSING
    return texts


def _one_number(value: int, scale: int) -> tuple[int, int, bytes]:
    """(floor, rest, text) of value * 10**-scale; text is empty where floor and rest hold the value."""
    floor, rest = divmod(value, 10**scale)
    shift = scale - _DECIMALS
    lost = 0
    if shift > 0:
        rest, lost = divmod(rest, 10**shift)
    if not lost and -(2**63) <= floor < 2**63:
        return floor, rest * 10 ** max(-shift, 0), b""
    while scale and value % 10 == 0:
        value, scale = value // 10, scale - 1
    return 0, _ELSEWHERE, b"%de-%d" % (value, scale)
