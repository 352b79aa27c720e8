"""A market for another process: Arrow files that are mapped into memory, where nobody can write to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files.buffers import cells_of
from reconcile.market.frame import Market
from vocabulary import market as nouns

CELLS, BARS = "cells.arrow", "bars.arrow"
_HEAD = b"tieout"
_GRIDS = ("present", "open", "high", "low", "close", "volume")
_AXES = ("timestamps", "wall")
_TEXTS = ("timezone", "price_decimals", "name", "digest")


def write_mapped(market: nouns.Market, folder: Path) -> None:
    """Write a market to a folder that exists: one file of whole grids, one of values by bar."""
    features = {name: values for name, values in market.features.items() if values is not market.volume}
    cells = {name: getattr(market, name) for name in _GRIDS}
    cells |= {f"feature {name}": values for name, values in features.items()}
    bars = {name: getattr(market, name) for name in _AXES}
    bars |= {f"context {name}": values for name, values in market.context.items()}
    head = {
        "shape": market.present.shape,
        "symbols": market.symbols,
        "notes": market.notes,
        "features": list(market.features),
        "context": list(market.context),
        **{name: getattr(market, name) for name in _TEXTS},
    }
    _write(cells, head, folder / CELLS)
    _write(bars, {}, folder / BARS)


def read_mapped(folder: Path) -> Market:
    """The market of `write_mapped`; its arrays lie in the mapped files."""
    cells, head = _read(folder / CELLS)
    bars, _ = _read(folder / BARS)
    shape = tuple(head["shape"])
    grids: dict[str, Any] = {name: cells[name].reshape(shape) for name in _GRIDS}
    grids["present"] = grids["present"].view(np.bool_)
    axes: dict[str, Any] = {name: bars[name] for name in _AXES}
    features = {
        name: cells[f"feature {name}"].reshape(shape) if f"feature {name}" in cells else grids["volume"]
        for name in head["features"]
    }
    return Market(
        symbols=tuple(head["symbols"]),
        notes=tuple(head["notes"]),
        **{name: head[name] for name in _TEXTS},
        **grids,
        **axes,
        features=MappingProxyType(features),
        context=MappingProxyType({name: bars[f"context {name}"] for name in head["context"]}),
    )


def _write(arrays: Mapping[str, npt.NDArray[Any]], head: Mapping[str, Any], path: Path) -> None:
    columns = {}
    for name, values in arrays.items():
        flat: Any = np.ascontiguousarray(values).reshape(-1)
        flat = flat.view(np.uint8) if flat.dtype == np.bool_ else flat
        kind = pa.from_numpy_dtype(flat.dtype)
        columns[name] = pa.Array.from_buffers(kind, len(flat), [None, pa.py_buffer(flat)])
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    schema = batch.schema.with_metadata({_HEAD: json.dumps(head).encode()})
    with pa.ipc.new_file(str(path), schema) as writer:
        writer.write_batch(batch.replace_schema_metadata(schema.metadata))
    path.chmod(0o444)


def _read(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    file = pa.ipc.open_file(pa.memory_map(str(path), "r"))
    batch = file.get_batch(0)
    arrays = {
        name: cells_of(batch.column(place), batch.schema.field(place).type.to_pandas_dtype())
        for place, name in enumerate(batch.schema.names)
    }
    return arrays, json.loads(file.schema.metadata[_HEAD])
