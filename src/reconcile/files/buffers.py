"""Arrow arrays and numpy arrays that share memory.

Buffers are read and made as they lie in memory: pyarrow's own conversions from and to numpy import pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vocabulary.market import Bools, Floats, Ints

Mask = npt.NDArray[np.bool_] | None
BLOCK = 1 << 15
"""Values handled at a time: a few arrays of this length stay in the processor's cache."""

Column = Any
"""A pyarrow.ChunkedArray: the library carries no types of its own."""

Chunk = Any
"""A pyarrow.Array."""


def _buffer(memory: Any) -> Any:
    return pa.py_buffer(memory)  # its own types do not know numpy's arrays


def validity(missing: Mask) -> Any:
    """Arrow's bitmap of the cells that are there; None when all are."""
    return None if missing is None else _buffer(np.packbits(~missing, bitorder="little"))


def numeric(values: npt.NDArray[Any], missing: Mask = None) -> Any:
    """Integers or floats, of the array's own dtype, null where missing."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(
        kind, len(values), [validity(missing), _buffer(np.ascontiguousarray(values))]
    )


def booleans(values: npt.NDArray[np.bool_], missing: Mask = None) -> Any:
    bits = _buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [validity(missing), bits])


def strings(texts: Sequence[str], missing: Mask = None) -> Any:
    """large_string, null where missing. Raises UnicodeEncodeError for text that UTF-8 cannot hold."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    buffers = [validity(missing), _buffer(offsets), _buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def string(text: str) -> Any:
    """A large_string scalar."""
    return strings([text])[0]


def missing_of(array: Any) -> Bools:
    """True where an Arrow array is null."""
    valid = valid_of(array)
    return np.zeros(len(array), dtype=np.bool_) if valid is None else ~valid


def values_of(array: Any, empty: float = 0) -> npt.NDArray[Any]:
    """A copy of the cells of an Arrow array of integers or floats, `empty` where null."""
    dtype = np.dtype(array.type.to_pandas_dtype())
    memory = array.buffers()[1]
    if memory is None or not len(array):
        return np.full(len(array), empty, dtype=dtype)
    values = np.frombuffer(memory, dtype, count=array.offset + len(array))[array.offset :].copy()
    if array.null_count:
        values[missing_of(array)] = empty
    return values


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


def cells_of(piece: Chunk, dtype: npt.DTypeLike | None) -> npt.NDArray[Any]:
    """The memory of a fixed-width array, not copied; the value of a null cell is arbitrary."""
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
        return pa.Array.from_buffers(kind, len(array), [None, _buffer(memory)])

    fields = {"timestamp": over(timestamps, pa.timestamp("ns"))}
    if symbols is not None:
        words = "".join(names).encode()
        ends: Any = np.cumsum([0, *(len(name.encode()) for name in names)], dtype=np.int32)
        text = pa.Array.from_buffers(pa.string(), len(names), [None, _buffer(ends), _buffer(words)])
        fields["symbol"] = pa.DictionaryArray.from_arrays(over(symbols, pa.int32()), text)
    fields.update({name: over(values, pa.float64()) for name, values in columns.items()})
    return pa.Table.from_arrays(list(fields.values()), names=list(fields))


def mask(missing: Sequence[bool]) -> Mask:
    """The mask of some flags, None where nothing is missing."""
    return np.array(missing, dtype=bool) if any(missing) else None
