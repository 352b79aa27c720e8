"""Columns of a market table as flat arrays: instants, symbol codes, doubles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files.buffers import (
    BLOCK,
    Chunk,
    Column,
    cells_of,
    is_text,
    number_dtype,
    pieces,
    plain,
    strings,
    valid_of,
)
from reconcile.files.instants import NotATime, mixed_zones, parse_iso, zone_name
from reconcile.files.limits import refuse_names
from vocabulary.errors import InputError
from vocabulary.market import Bools, Floats, Ints

NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DAY_MS = 86_400_000
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Instants:
    """rows: (n,) nanoseconds since 1970 UTC, one per row. zone: its name, None for times without a zone."""

    rows: Ints
    zone: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """rows: (n,) indices into `names`; these are in code point order, and each has a row (M1)."""

    rows: npt.NDArray[np.int32]
    names: tuple[str, ...]


def row_name(source: str, row: int) -> str:
    """The place of a row, as errors name it; the first row of data is row 1."""
    return f"{source}, row {row + 1}"


def _first_null(column: Column) -> int | None:
    for start, piece in pieces(column):
        valid = valid_of(piece)
        if valid is not None and not valid.all():
            return start + int(np.argmin(valid))
    return None


def no_numbers_error(source: str, name: str, column: Column) -> InputError:
    """The error for a column that holds no numbers; of a text column it names the first row."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if is_text(kind):
        row = next((i for i, value in enumerate(column) if value.is_valid), 0)
        return InputError(
            f"{row_name(source, row)}, column {name!r}",
            f"the text {column[row].as_py()!r}",
            "a number",
            "Store the column as numbers, or drop it if it is not one to use.",
        )
    return InputError(
        f"{source}, column {name!r}", f"values of type {kind}", "numbers", "Convert the column, or drop it."
    )


def as_doubles(piece: Chunk) -> Floats | None:
    """One chunk as float64, nulls as NaN, infinities as they are; None when it holds no numbers.

    May share memory with the chunk. float32 is widened (U1); integers and decimals become the nearest
    double.
    """
    if pa.types.is_null(piece.type):
        return np.full(len(piece), np.nan)
    if pa.types.is_decimal(piece.type):
        piece = piece.cast(pa.string()).cast(pa.float64())  # by way of text: correctly rounded
    dtype = number_dtype(piece.type)
    if dtype is None:
        return None
    values: Floats = cells_of(piece, dtype).astype(np.float64, copy=False)
    valid = valid_of(piece)
    return values if valid is None else np.where(valid, values, np.nan)


def doubles(column: Column, source: str, name: str) -> Floats:
    """(n,) float64; null, NaN and infinities all become NaN, with the same bits (M2).

    Shares the column's memory where it is one chunk of finite doubles; otherwise the array is new.
    Raises InputError when the column holds no numbers.
    """
    out: Floats | None = None
    column = plain(column)
    for start, piece in pieces(column):
        values = as_doubles(piece)
        if values is None:
            raise no_numbers_error(source, name, column)
        if out is None and len(piece) == len(column) and all_finite(values):
            return values
        if out is None:
            out = np.empty(len(column))
        clean_into(values, out[start : start + len(values)])
    return np.empty(0) if out is None else out


def all_finite(values: Floats) -> bool:
    return all(bool(np.isfinite(values[i : i + BLOCK]).all()) for i in range(0, len(values), BLOCK))


def clean_into(values: Floats, out: Floats) -> None:
    """Copy values to `out`; all that are not finite become one NaN, so that equal columns have equal bits."""
    for i in range(0, len(values), BLOCK):
        block = values[i : i + BLOCK]
        finite = np.isfinite(block)
        out[i : i + BLOCK] = block if finite.all() else np.where(finite, block, np.nan)


def instants(column: Column, source: str) -> Instants:
    """The timestamp column: timestamps, dates, or ISO text.

    Raises InputError for integers and other kinds, empty cells, text that is no ISO date, instants that
    int64 nanoseconds cannot hold, and several zones in one column.
    """
    column = plain(column)
    kind = column.type
    missing = _first_null(column)
    if missing is not None:
        raise InputError(
            row_name(source, missing),
            "no timestamp",
            "a timestamp in every row",
            "Fill it in, or drop the row.",
        )
    if pa.types.is_timestamp(kind):
        return Instants(_scaled(column, np.int64, NANOSECONDS[kind.unit], source), zone_name(kind.tz, source))
    if pa.types.is_date32(kind):
        return Instants(_scaled(column, np.int32, _DAY_MS * 1_000_000, source), None)
    if pa.types.is_date64(kind):
        return Instants(_scaled(column, np.int64, 1_000_000, source), None)
    if is_text(kind) or (pa.types.is_dictionary(kind) and is_text(kind.value_type)):
        return _text_instants(column, source)
    raise InputError(
        f"{source}, column 'timestamp'",
        f"values of type {kind}",
        "timestamps, dates, or ISO text such as 2024-01-31",
        "Convert the column first: seconds, milliseconds and nanoseconds cannot be told apart by looking."
        if number_dtype(kind) is not None
        else "Convert the column first.",
    )


def _scaled(column: Column, dtype: npt.DTypeLike, factor: int, source: str) -> Ints:
    low, high = int(_INT64.min) // factor + 1, int(_INT64.max) // factor
    parts: list[Ints] = []
    for start, piece in pieces(column):
        values = cells_of(piece, dtype).astype(np.int64, copy=False)
        if factor != 1:
            if int(values.min()) < low or int(values.max()) > high:
                row = start + int(np.argmax((values < low) | (values > high)))
                raise out_of_range(source, row)
            values = values * factor
        parts.append(values)
    return _joined(parts, np.int64)


def out_of_range(source: str, row: int) -> InputError:
    return InputError(
        row_name(source, row),
        "a timestamp outside the years 1678 to 2261",
        "an instant that int64 nanoseconds hold",
        "Correct the timestamp.",
    )


def _joined(parts: list[Any], dtype: npt.DTypeLike | None) -> npt.NDArray[Any]:
    if not parts:
        return np.empty(0, dtype=dtype)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _encoded(column: Column) -> tuple[npt.NDArray[Any], list[Any]]:
    """(n,) indices into a list of words; the list may hold words that no row has."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    chunks = [piece for _, piece in pieces(column)]
    indices = number_dtype(column.type.index_type)
    words = chunks[0].dictionary.to_pylist() if chunks else []
    return _joined([cells_of(chunk.indices, indices) for chunk in chunks], indices), words


def _used(rows: npt.NDArray[Any], words: int) -> Bools:
    """(words,) whether a row has the word."""
    if np.array_equal(rows[:words], np.arange(words)):  # a file in order: its first bar has every word once
        return np.ones(words, dtype=np.bool_)
    return np.bincount(rows, minlength=words) > 0


def _text_instants(column: Column, source: str) -> Instants:
    rows, words = _encoded(column)
    used = np.flatnonzero(_used(rows, len(words)))
    texts = [words[code] or "" for code in used.tolist()]

    def where(word: int) -> str:
        return row_name(source, int(np.argmax(rows == used[word])))

    try:
        parsed, zones = parse_iso(strings(texts))
    except NotATime as error:
        raise InputError(
            f"{where(error.word)}, column 'timestamp'",
            repr(texts[error.word]),
            "a date or time such as 2024-01-31 or 2024-01-31T15:30:00+00:00, in the years 1678 to 2261",
            "Write timestamps that way.",
        ) from None
    if len(zones) > 1:
        (one, first), (other, second) = list(zones.items())[:2]
        raise mixed_zones(f"{where(first)} and {where(second)}", one, other)
    table = np.zeros(len(words), dtype=np.int64)
    table[used] = parsed
    return Instants(table[rows], next(iter(zones), None))


def codes(column: Column, source: str) -> Codes:
    """The symbol column, text or whole numbers, ranked in code point order (M1).

    Raises InputError for other kinds and for rows without a symbol.
    """
    column = plain(column)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind):
        column = column.cast(pa.string())
    elif not is_text(kind):
        raise InputError(
            f"{source}, column 'symbol'", f"values of type {kind}", "text", "Store the symbols as text."
        )
    missing = _first_null(column)
    if missing is not None:
        raise _no_symbol(source, missing)
    rows, words = _encoded(column)
    used = _used(rows, len(words))
    kept = [word for word, keep in zip(words, used, strict=True) if keep]
    if None in kept or "" in kept:
        empty = [i for i, word in enumerate(words) if not word]
        raise _no_symbol(source, int(np.argmax(np.isin(rows, empty))))
    refuse_names(kept, source, "symbol")
    names = sorted(set(kept))
    place = {name: rank for rank, name in enumerate(names)}
    ranks = np.array([place.get(word, -1) for word in words], dtype=np.int32)
    if not np.array_equal(ranks, np.arange(len(ranks))):
        rows = ranks[rows]
    return Codes(rows.astype(np.int32, copy=False), tuple(names))


def _no_symbol(source: str, row: int) -> InputError:
    return InputError(
        row_name(source, row), "no symbol", "a symbol in every row", "Name it, or drop the row."
    )
