"""Parquet and Arrow files as tables, with the types they have."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from reconcile.files.limits import UNPACKED_BYTES, UNPACKED_RATIO
from reconcile.tables.model import RawTable
from reconcile.tables.unpack import Member
from vocabulary.errors import InputError


def read_parquet(member: Member, name: str) -> RawTable:
    """A Parquet file. Raises InputError, and what Arrow raises over damaged data."""
    if not member.head(4).startswith(b"PAR1"):
        raise InputError(
            member.origin, "data that is not Parquet", "a Parquet file", "Convert it, or name it .csv."
        )
    with pa_parquet.ParquetFile(_source(member)) as file:
        _check_claims(member, file.metadata)
        table = file.read()
    if table.num_rows != file.metadata.num_rows:
        raise ValueError(f"{table.num_rows} rows where its footer says {file.metadata.num_rows}")
    table.validate()
    return RawTable(name, member.origin, table)


def read_arrow(member: Member, name: str) -> RawTable:
    """An Arrow file (Feather) or stream."""
    if member.head(6) == b"ARROW1":
        with pa.ipc.open_file(_source(member)) as file:
            table = file.read_all()
    else:
        with pa.ipc.open_stream(_source(member)) as stream:
            table = stream.read_all()
    table.validate(full=True)
    return RawTable(name, member.origin, table)


def _source(member: Member) -> Any:
    return str(member.path) if member.data is None else pa.BufferReader(member.data)


def _check_claims(member: Member, metadata: Any) -> None:
    """Refuse sizes that the file cannot hold, before anything is allocated for them."""
    size = member.path.stat().st_size if member.data is None else len(member.data)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    claimed = max(
        sum(max(chunk.total_uncompressed_size, 0) for chunk in chunks), 8 * metadata.num_rows, 8 * len(chunks)
    )
    compressed = sum(chunk.total_compressed_size for chunk in chunks)
    negative = any(chunk.total_compressed_size < 0 or chunk.total_uncompressed_size < 0 for chunk in chunks)
    rows = sum(group.num_rows for group in groups)
    if (
        claimed > UNPACKED_BYTES + UNPACKED_RATIO * size
        or compressed > size
        or negative
        or metadata.num_rows != rows
    ):
        raise InputError(
            member.origin,
            f"a claim of {metadata.num_rows} rows and {claimed} bytes in a file of {size} bytes",
            "sizes that the file can hold",
            "Write the file again; if it is right, write it without compression.",
        )
