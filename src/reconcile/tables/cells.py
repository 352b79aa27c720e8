"""Cells of Arrow columns as text, and their digest."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers


def is_text(kind: Any) -> bool:
    """Whether cells of an Arrow type are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def one_array(array: Any) -> Any:
    """A chunked array as one array."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def as_text(array: Any) -> Any:
    """Cells as text without the spaces around, "" where empty."""
    array = one_array(array)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        text = array.cast(pa.large_string())
    except pa.ArrowException:
        cells = ["" if cell is None else str(cell) for cell in array.to_pylist()]
        text = buffers.strings(cells)
    return pc.utf8_trim_whitespace(text.fill_null(buffers.string("")))


def digest_of(array: Any) -> str:
    """sha256 of the cells as text, in their order."""
    text = as_text(array)
    bounds = np.frombuffer(text.buffers()[1], dtype=np.int64)[text.offset : text.offset + len(text) + 1]
    data = memoryview(text.buffers()[2] or b"")[bounds[0] : bounds[-1]] if len(text) else b""
    sha = hashlib.sha256(np.diff(bounds).tobytes())
    sha.update(data)
    return sha.hexdigest()


def table_digest(table: Any) -> str:
    """sha256 of a table's columns, by name, in their order."""
    sha = hashlib.sha256()
    for name in table.column_names:
        sha.update(f"{name} {digest_of(table.column(name))} ".encode())
    return sha.hexdigest()
