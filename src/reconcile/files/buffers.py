"""Arrow arrays made of numpy's memory. `pyarrow.array` would import pandas to look at its argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_] | None


def _buffer(memory: Any) -> Any:
    return pa.py_buffer(memory)


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


def missing_of(array: Any) -> npt.NDArray[np.bool_]:
    """True where an Arrow array is null."""
    if pa.types.is_null(array.type):
        return np.ones(len(array), dtype=bool)
    bitmap = array.buffers()[0]
    if bitmap is None or array.null_count == 0:
        return np.zeros(len(array), dtype=bool)
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little", count=array.offset + len(array))
    missing: npt.NDArray[np.bool_] = bits[array.offset :] == 0
    return missing


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
