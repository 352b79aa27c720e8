"""Arrow's memory seen as numpy arrays, and numpy arrays as an Arrow table.

Buffers are read as they lie: going through pyarrow's own conversion to numpy would import pandas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vocabulary.market import Bools, Floats, Ints

BLOCK = 1 << 15
"""Values handled at a time: a few arrays of this length stay in the processor's cache."""

Column = Any
"""A pyarrow.ChunkedArray: the library carries no types of its own."""

Chunk = Any
"""A pyarrow.Array."""


class LongTable(Protocol):
    """Named columns of equal length: a pyarrow.Table, or a file whose columns are read when asked for."""

    @property
    def column_names(self) -> list[str]: ...

    def __getitem__(self, name: str, /) -> Column: ...


def pieces(column: Column) -> Iterator[tuple[int, Chunk]]:
    """(first row, chunk) of the chunks that hold anything."""
    start = 0
    for chunk in column.chunks:
        if len(chunk):
            yield start, chunk
        start += len(chunk)


def plain(column: Column) -> Column:
    """A dictionary-encoded column as what it stands for, unless that is text; any other as it is."""
    kind = column.type
    if pa.types.is_dictionary(kind) and not is_text(kind.value_type):
        return column.cast(kind.value_type)
    return column


def is_text(kind: pa.DataType) -> bool:
    view = getattr(pa.types, "is_string_view", None)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or (view is not None and view(kind))
    )


def number_dtype(kind: pa.DataType) -> np.dtype[Any] | None:
    """The numpy type of a binary number column, None for any other."""
    if pa.types.is_floating(kind):
        return np.dtype(f"float{kind.bit_width}")
    if pa.types.is_integer(kind):
        return np.dtype(f"{'u' if pa.types.is_unsigned_integer(kind) else ''}int{kind.bit_width}")
    return None


def valid_of(piece: Chunk) -> Bools | None:
    """True where a value stands; None when one stands everywhere."""
    if piece.null_count == 0:
        return None
    if pa.types.is_null(piece.type):
        return np.zeros(len(piece), dtype=np.bool_)
    bits = np.frombuffer(piece.buffers()[0], dtype=np.uint8)
    flags = np.unpackbits(bits, count=piece.offset + len(piece), bitorder="little")[piece.offset :]
    return flags.view(np.bool_)


def values_of(piece: Chunk, dtype: npt.DTypeLike | None) -> npt.NDArray[Any]:
    """The values of a fixed-width array as they lie in memory; what stands under a null is arbitrary."""
    kind = np.dtype(dtype)
    if len(piece) == 0:
        return np.empty(0, dtype=kind)
    offset = piece.offset * kind.itemsize
    values: npt.NDArray[Any] = np.frombuffer(piece.buffers()[1], dtype=kind, count=len(piece), offset=offset)
    return values


def table_of_arrays(
    timestamps: Ints, symbols: npt.NDArray[np.int32] | None, names: list[str], columns: dict[str, Floats]
) -> pa.Table:
    """A long table over arrays that are in memory, without a copy and without pandas.

    timestamps: (n,) nanoseconds, naive. symbols: (n,) indices into names, None for a context table.
    """

    def over(array: npt.NDArray[Any], kind: pa.DataType) -> Chunk:
        memory: Any = np.ascontiguousarray(array)
        return pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(memory)])

    fields = {"timestamp": over(timestamps, pa.timestamp("ns"))}
    if symbols is not None:
        words = "".join(names).encode()
        ends: Any = np.cumsum([0, *(len(name.encode()) for name in names)], dtype=np.int32)
        text = pa.Array.from_buffers(pa.string(), len(names), [None, pa.py_buffer(ends), pa.py_buffer(words)])
        fields["symbol"] = pa.DictionaryArray.from_arrays(over(symbols, pa.int32()), text)
    fields.update({name: over(values, pa.float64()) for name, values in columns.items()})
    return pa.Table.from_arrays(list(fields.values()), names=list(fields))
