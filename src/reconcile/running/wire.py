"""What passes between a command and its worker: frames, and the nouns and ledgers in them.

A frame is a header (JSON) and a body (bytes). Nothing is unpickled: of classes only those of NOUNS are made,
a ledger is made of Arrow tables, and both sides check what they read.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Mapping
from enum import Enum
from io import BytesIO
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files.buffers import cells_of
from reference.results import Decision
from vocabulary import scenario, state
from vocabulary.ledger import SCHEMA, Column, Kind, Ledger, Manifest, Table

MAGIC = b"tieout1\n"
_HEAD = struct.Struct(">8sQQ")
LONGEST_HEADER = 1 << 30
_PIECE = 1 << 20

NOUNS = {
    f"{module.__name__}.{name}": kind
    for module in (scenario, state)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, Enum))
} | {f"{Decision.__module__}.{Decision.__name__}": Decision}
"""The classes that may pass, by name."""

_NUMBERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")

Header = dict[str, Any]
Function = Callable[..., Any]


class WireError(Exception):
    """What was read is not what the other side can have written."""


def write_frame(stream: IO[bytes], header: Mapping[str, Any], body: bytes = b"") -> None:
    """Write one frame."""
    text = json.dumps(header).encode()
    stream.write(_HEAD.pack(MAGIC, len(text), len(body)))
    stream.write(text)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes], longest: int | None = None) -> tuple[Header, bytes] | None:
    """The next frame, None where the stream has ended. longest: bytes of a body. Raises WireError."""
    head = _exactly(stream, _HEAD.size, at_start=True)
    if head is None:
        return None
    magic, size, length = _HEAD.unpack(head)
    if magic != MAGIC:
        raise WireError(f"it begins with {bytes(head[:16])!r}")
    if size > LONGEST_HEADER or (longest is not None and length > longest):
        raise WireError(f"it claims to hold {size + length:,} bytes")
    try:
        header = json.loads(_exactly(stream, size) or b"")
    except ValueError as error:
        raise WireError(f"its header is text that is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise WireError("its header is no JSON object")
    return header, _exactly(stream, length) or b""


def _exactly(stream: IO[bytes], size: int, at_start: bool = False) -> bytes | None:
    """That many bytes; read in pieces, so that a false claim takes no memory."""
    pieces, left = [], size
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            if at_start and left == size:
                return None
            raise WireError("it ends in the middle")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def to_data(value: Any) -> Any:
    """A noun as JSON data; a strategy's function goes by its name."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Enum):
        return {"noun": _name(value), "value": value.value}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (tuple, list)):
        return [to_data(each) for each in value]
    if isinstance(value, frozenset):
        return {"set": [to_data(each) for each in sorted(value)]}
    if isinstance(value, Mapping):
        return {"pairs": [[to_data(key), to_data(each)] for key, each in value.items()]}
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    fields.pop("call", None)
    return {"noun": _name(value), "fields": {name: to_data(each) for name, each in fields.items()}}


def from_data(data: Any, function: Callable[[str], Function] | None = None) -> Any:
    """The noun that `to_data` gave. function: finds a strategy's function by its name. Raises WireError."""
    if isinstance(data, list):
        return tuple(from_data(each, function) for each in data)
    if not isinstance(data, dict):
        return data
    if "pairs" in data:
        return {from_data(key, function): from_data(each, function) for key, each in data["pairs"]}
    if "set" in data:
        return frozenset(from_data(each, function) for each in data["set"])
    kind = NOUNS.get(data.get("noun", ""))
    made: Any = kind
    if kind is None:
        raise WireError(f"it holds a {data.get('noun')!r}")
    try:
        if "value" in data:
            return made(data["value"])
        fields = {name: from_data(each, function) for name, each in data["fields"].items()}
        if kind is scenario.CallableStrategy:
            assert function is not None
            fields["call"] = function(fields["function"])
        return made(**fields)
    except (TypeError, ValueError, KeyError) as error:
        raise WireError(f"it holds a {data['noun']} that is none ({error})") from error


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__name__}"


def malformed(ledger: Ledger) -> str | None:
    """What is wrong with the shape of a ledger that a user's code made, None when nothing is."""
    if not isinstance(ledger.manifest, Manifest):
        return f"a manifest that is a {type(ledger.manifest).__qualname__}"
    for field in dataclasses.fields(Manifest):
        value = getattr(ledger.manifest, field.name)
        if not (value is None or isinstance(value, (str, int, tuple))):
            return f"manifest {field.name}: a {type(value).__qualname__}"
    if not isinstance(ledger.tables, Mapping):
        return f"tables that are a {type(ledger.tables).__qualname__}"
    for name, table in ledger.tables.items():
        if name not in SCHEMA or not isinstance(table, Table):
            return f"a table {name!r} that is a {type(table).__qualname__}"
        for label, column in table.columns.items():
            trouble = _malformed_column(SCHEMA[name].get(label), column, table.rows)
            if trouble:
                return f"column {name}.{label}: {trouble}"
    return None


def _malformed_column(kind: Kind | None, column: Column, rows: int) -> str | None:
    if kind is None:
        return "not a column of this table"
    if not isinstance(column, Column):
        return f"a {type(column).__qualname__}"
    if column.kind is not kind:
        return f"kind {column.kind}, not {kind}"
    if getattr(column.values, "shape", None) != (rows,):
        return f"values of shape {getattr(column.values, 'shape', None)} in a table of {rows} rows"
    if column.missing is not None and getattr(column.missing, "shape", None) != (rows,):
        return f"missing of shape {getattr(column.missing, 'shape', None)} in a table of {rows} rows"
    if kind in (Kind.SYMBOL, Kind.WORD):
        return _malformed_codes(column)
    whole = column.values.dtype == object and all(type(value) is int for value in column.values.tolist())
    if not whole and column.values.dtype.name not in _NUMBERS:
        return f"values of type {column.values.dtype}"
    return None


def _malformed_codes(column: Column) -> str | None:
    if column.dictionary is None or not all(isinstance(word, str) for word in column.dictionary):
        return "no dictionary" if column.dictionary is None else "a dictionary of other things than text"
    if column.values.dtype.kind not in "iu":
        return f"codes of type {column.values.dtype}"
    codes = column.values if column.missing is None else column.values[~column.missing]
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < len(column.dictionary):
        return f"codes {codes.min()} to {codes.max()} for a dictionary of {len(column.dictionary)}"
    return None


def pack_ledger(ledger: Ledger) -> tuple[Header, bytes]:
    """A ledger that is not malformed: a header that describes it, and its tables as Arrow streams."""
    tables, streams = [], []
    for name, table in ledger.tables.items():
        arrays: dict[str, Any] = {}
        columns = []
        for place, (label, column) in enumerate(table.columns.items()):
            values = column.values
            as_text = values.dtype == object
            arrays[str(place)] = (
                pa.array([str(value) for value in values.tolist()], pa.string())
                if as_text
                else _over(values.astype(values.dtype.newbyteorder("="), copy=False))
            )
            if column.missing is not None:
                arrays[f"{place} missing"] = _over(column.missing.astype(np.uint8))
            words = None if column.dictionary is None else list(column.dictionary)
            dtype = "text" if as_text else values.dtype.name
            columns.append({"name": label, "scale": column.scale, "words": words, "type": dtype})
        streams.append(_stream(arrays))
        tables.append({"name": name, "rows": table.rows, "columns": columns, "bytes": len(streams[-1])})
    manifest = {field.name: getattr(ledger.manifest, field.name) for field in dataclasses.fields(Manifest)}
    return {"manifest": manifest, "tables": tables}, b"".join(streams)


def unpack_ledger(header: Header, body: bytes) -> Ledger:
    """The ledger of `pack_ledger`; its arrays cannot be written. Raises WireError."""
    try:
        manifest = dict(header["manifest"])
        chain = manifest.pop("chain")
        tables, start = {}, 0
        for facts in header["tables"]:
            end = start + facts["bytes"]
            tables[facts["name"]] = _table(facts, memoryview(body)[start:end])
            start = end
        ledger = Ledger(Manifest(**manifest, chain=None if chain is None else tuple(chain)), tables)
        trouble = malformed(ledger)
    except (KeyError, TypeError, ValueError, AttributeError, OSError, pa.ArrowException) as error:
        raise WireError(f"no ledger ({error})") from error
    if trouble is not None:
        raise WireError(trouble)
    return ledger


def _table(facts: Mapping[str, Any], stream: memoryview) -> Table:
    table = pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(stream))).read_all().combine_chunks()
    columns = {}
    for place, about in enumerate(facts["columns"]):
        missing = None
        if f"{place} missing" in table.column_names:
            missing = _values(table, f"{place} missing", "uint8").view(np.bool_)
        values: npt.NDArray[Any]
        if about["type"] == "text":
            texts: list[Any] = table[str(place)].to_pylist()
            values = np.empty(len(texts), dtype=object)
            values[:] = [int(text) for text in texts]
            values.flags.writeable = False
        else:
            values = _values(table, str(place), about["type"])
        words = about["words"]
        kind = SCHEMA[facts["name"]][about["name"]]
        columns[about["name"]] = Column(
            kind, values, None if words is None else tuple(words), about["scale"], missing
        )
    return Table(facts["name"], columns, facts["rows"])


def _values(table: Any, name: str, dtype: str) -> npt.NDArray[Any]:
    chunks = table[name].chunks
    if dtype not in _NUMBERS:
        raise ValueError(f"a column of {dtype}")
    if not chunks:
        empty = np.empty(0, dtype)
        empty.flags.writeable = False
        return empty
    (chunk,) = chunks
    if chunk.type != pa.from_numpy_dtype(np.dtype(dtype)) or chunk.null_count:
        raise ValueError(f"a column of {chunk.type}, not of {dtype}")
    return cells_of(chunk, dtype)


def _over(values: npt.NDArray[Any]) -> Any:
    """An array as Arrow's, without a copy and without pandas."""
    memory: Any = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(memory)])


def _stream(arrays: Mapping[str, Any]) -> bytes:
    sink = BytesIO()
    table = pa.Table.from_arrays(list(arrays.values()), names=list(arrays))
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
