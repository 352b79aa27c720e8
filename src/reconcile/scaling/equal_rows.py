"""Rows that both sides have alike are left out before anything is matched: Arrow compares whole columns.

Where the rows of a bar stand in the same order on both sides, with equal keys, only those that differ can be
part of a break, and only they can need another partner: equal rows may be removed from both sides without a
change of what remains. All rows of any other bar are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.matching.axis import count_below
from reconcile.matching.noise import RUNNING
from reconcile.matching.pair_rows import SEQUENCE
from reconcile.matching.stages import COMPARED_KEYS
from reconcile.scaling.dataset import Ints, Slice
from vocabulary.ledger import SCHEMA, Kind

Bools = npt.NDArray[np.bool_]
MOSTLY = 0.5
"""Where more of the rows than this share differ, all are kept: to leave out the rest would cost more."""
RUNS = 1_000
"""Stretches of rows that are put together at most, to lay bars of both sides side by side."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The rows of both sides that are left. in_place: no row of either side can lack a partner."""

    sides: tuple[Slice, Slice]
    in_place: bool


def differing_rows(name: str, left: Slice, right: Slice, lacking: tuple[Ints, Ints]) -> Kept:
    """The rows of a table that may be part of a break. lacking: as in `compare.run`."""
    if name in RUNNING:  # they have one row per bar, and later cells are judged by earlier ones
        return Kept((left, right), np.array_equal(left.times, right.times))
    columns = _columns(name, left, right)
    if columns is None or not len(left.times) or not len(right.times):
        nothing = not len(left.times) and not len(right.times)
        return Kept((left, right), nothing)
    left, right = left.with_data(columns[0]), right.with_data(columns[1])
    spans = _side_by_side(left.times, right.times)
    if spans is None:
        return Kept((left, right), False)
    a, b = (_pieces(side.data, span) for side, span in zip((left, right), spans, strict=True))
    times = _pieces_of(left.times, spans[0])
    differs, moved = _masks(name, a, b, lacking)
    if moved.any():
        differs |= np.isin(times, times[moved])
    whole = all(len(side.times) == len(times) for side in (left, right))
    in_place = whole and not moved.any()
    if whole and np.count_nonzero(differs) > MOSTLY * len(differs):
        return Kept((left, right), in_place)
    masks = [_spread(differs, span, len(side.times)) for side, span in zip((left, right), spans, strict=True)]
    return Kept((left.only(masks[0]), right.only(masks[1])), in_place)


def _columns(name: str, left: Slice, right: Slice) -> tuple[Any, Any] | None:
    """Both sides with their words as codes; None where equal cells need not be equal rows, or unreadable
    cells would go unseen: text that is a number, counts in doubles, columns of two types.
    """
    one, other = left.data, right.data
    for column in one.column_names:
        kind = SCHEMA[name].get(column)
        if kind is None or column not in other.column_names:
            continue
        types = [side.schema.field(column).type for side in (one, other)]
        if kind in (Kind.SYMBOL, Kind.WORD):
            if not all(_is_text(held) for held in types):
                return None
            one, other = (_coded(side, column) for side in (one, other))
        elif types[0] != types[1] or not _is_plain(kind, types[0]):
            return None
    return one, other


def _is_text(held: Any) -> bool:
    inner = held.value_type if pa.types.is_dictionary(held) else held
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _is_plain(kind: Kind, held: Any) -> bool:
    """Whether cells of that type are read one by one as they stand, with nothing to refuse."""
    if kind is Kind.TIMESTAMP:
        return bool(pa.types.is_timestamp(held) or pa.types.is_date(held))
    if pa.types.is_signed_integer(held):
        return True
    wide = bool(pa.types.is_decimal128(held) or pa.types.is_decimal256(held))
    if kind is Kind.COUNT:
        return wide and held.scale == 0 and held.precision <= 18
    return wide or bool(pa.types.is_float32(held) or pa.types.is_float64(held))


def _coded(data: Any, column: str) -> Any:
    """The table with a column as codes into one dictionary of all its words, which goes with each row."""
    place = data.column_names.index(column)
    cells = data.column(place)
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    cells = cells.unify_dictionaries()
    return data.set_column(place, column, cells)


Spans = Sequence[tuple[int, int]]


def _side_by_side(left: Ints, right: Ints) -> tuple[Spans, Spans] | None:
    """Stretches [from, to) of rows of each side, pairwise of the bars that have as many rows on both."""
    if np.array_equal(left, right):
        whole = [(0, len(left))]
        return whole, whole
    if not all(bool((times[1:] >= times[:-1]).all()) for times in (left, right)):
        return None
    bars = [np.flatnonzero(np.concatenate([[True], times[1:] != times[:-1]])) for times in (left, right)]
    counts = [np.diff(np.append(first, len(times))) for first, times in zip(bars, (left, right), strict=True)]
    _, i, j = np.intersect1d(left[bars[0]], right[bars[1]], assume_unique=True, return_indices=True)
    same = counts[0][i] == counts[1][j]
    i, j = i[same], j[same]
    if not len(i):
        return None
    breaks = np.flatnonzero((np.diff(i) != 1) | (np.diff(j) != 1)) + 1
    if len(breaks) >= RUNS:
        return None
    spans: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for run_i, run_j in zip(np.split(i, breaks), np.split(j, breaks), strict=True):
        for out, first, count, run in zip(spans, bars, counts, (run_i, run_j), strict=True):
            out.append((int(first[run[0]]), int(first[run[-1]] + count[run[-1]])))
    return spans


def _pieces(data: Any, spans: Spans) -> Any:
    return pa.concat_tables([data.slice(start, stop - start) for start, stop in spans])


def _pieces_of(values: Ints, spans: Spans) -> Ints:
    return np.concatenate([values[start:stop] for start, stop in spans])


def _spread(mask: Bools, spans: Spans, rows: int) -> Bools:
    """A mask of the rows side by side as one of all rows: those outside are kept."""
    out, done = np.ones(rows, np.bool_), 0
    for start, stop in spans:
        out[start:stop] = mask[done : done + stop - start]
        done += stop - start
    return out


def _masks(name: str, a: Any, b: Any, lacking: tuple[Ints, Ints]) -> tuple[Bools, Bools]:
    """(rows that differ in a column, rows that differ in a key) of two tables side by side."""
    differs, moved = np.zeros(a.num_rows, np.bool_), np.zeros(a.num_rows, np.bool_)
    for column in a.column_names:
        if column not in SCHEMA[name] or column not in b.column_names:
            continue
        mask = _unlike(a.column(column), b.column(column))
        if mask is not None:
            differs |= mask
            if column in COMPARED_KEYS[name]:
                moved |= mask
    if SEQUENCE in a.column_names and SEQUENCE in b.column_names and any(map(len, lacking)):
        numbers = buffers.values_of(a.column(SEQUENCE).cast(pa.int64()).combine_chunks())
        differs |= count_below(lacking[0], numbers) != count_below(lacking[1], numbers)
    return differs, moved


def _unlike(a: Any, b: Any) -> Bools | None:
    """Which cells differ, None where none do. Two nulls are equal; no NaN or infinity equals another."""
    if pa.types.is_floating(a.type):
        mask = bits(pc.fill_null(pc.or_(pc.not_equal(a, b), pc.invert(pc.is_finite(a))), False))
        return np.asarray(mask | (bits(pc.is_null(a)) != bits(pc.is_null(b))), np.bool_)
    if a.equals(b):
        return None
    if pa.types.is_dictionary(a.type):
        return _unlike_words(a, b)
    mask = bits(pc.fill_null(pc.not_equal(a, b), False))
    if a.null_count or b.null_count:
        mask |= bits(pc.is_null(a)) != bits(pc.is_null(b))
    return mask


def _unlike_words(a: Any, b: Any) -> Bools:
    left, right = (one.combine_chunks() if one.num_chunks != 1 else one.chunk(0) for one in (a, b))
    words = [one.dictionary.cast(pa.large_string()) for one in (left, right)]
    known = buffers.values_of(pc.index_in(words[1], value_set=words[0]).cast(pa.int64()), -1)
    codes = [buffers.values_of(one.indices.cast(pa.int64()), -1) for one in (left, right)]
    both = (codes[0] == -1) & (codes[1] == -1)
    return np.asarray((codes[0] != np.append(known, -2)[codes[1]]) & ~both, np.bool_)


def bits(flags: Any) -> Bools:
    """A chunked array of booleans, without nulls, as numpy's."""
    out = [np.zeros(0, np.bool_)]
    for chunk in flags.chunks:
        packed = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
        own = np.unpackbits(packed, bitorder="little")[chunk.offset : chunk.offset + len(chunk)]
        out.append(own.view(np.bool_))
    return np.concatenate(out)


def differing_tables(
    tables: Mapping[str, tuple[Slice, Slice]], lacking: tuple[Ints, Ints]
) -> tuple[dict[str, tuple[Slice, Slice]], bool]:
    """The same for several tables, and whether no row of any can lack a partner."""
    kept = {name: differing_rows(name, *sides, lacking) for name, sides in tables.items()}
    return {name: one.sides for name, one in kept.items()}, all(one.in_place for one in kept.values())
