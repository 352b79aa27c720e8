"""A Market as one Parquet file that holds all of it; its digest is checked when it is read."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files import atomic
from reconcile.files.arguments import MARKET, PATH, takes
from reconcile.files.buffers import cells_of, pieces
from reconcile.market.columns import codes, doubles, instants
from reconcile.market.edit import make_market
from reconcile.market.frame import Market
from reconcile.market.grid import lay_out
from reconcile.market.read import need_columns, parquet_metadata, read_table
from vocabulary import market as nouns
from vocabulary.errors import InputError, OutputError
from vocabulary.market import Floats

_MARK = b"tieout.market"
_VERSION = 1
_TICKS = ("open", "high", "low", "close")
_FEATURE = "feature "


@takes(market=MARKET, path=PATH)
def write_market(market: nouns.Market, path: str | Path) -> None:
    """Write a market, with its computed features, to one Parquet file; an earlier file is replaced whole.

    One row per cell, bar by bar: timestamp, symbol, present, the prices in ticks, volume and every
    feature; wall clock, context and the rest in the file's metadata.
    Raises OutputError when the file cannot be written.
    """
    _replace_file(_table(market), Path(path))


def _table(market: nouns.Market) -> Any:
    bars, symbols = market.present.shape
    moments = np.repeat(market.timestamps, symbols)
    ranks: Any = np.tile(np.arange(symbols, dtype=np.int32), bars)
    names = pa.DictionaryArray.from_arrays(ranks, pa.array(market.symbols, pa.string()))
    columns: dict[str, Any] = {
        "timestamp": pa.array(moments, pa.int64()).cast(pa.timestamp("ns", market.timezone)),
        "symbol": names,
        "present": pa.array(market.present.reshape(-1).view(np.uint8)),
        **{f"{name}_ticks": pa.array(getattr(market, name).reshape(-1)) for name in _TICKS},
        "volume": pa.array(market.volume.reshape(-1)),
        **{f"{_FEATURE}{k}": pa.array(v.reshape(-1)) for k, v in market.features.items() if k != "volume"},
    }
    return pa.table(columns).replace_schema_metadata({_MARK: json.dumps(_head(market)).encode()})


def _replace_file(table: Any, target: Path) -> None:
    import pyarrow.parquet as pq

    try:
        with atomic.new_file(target) as scratch:
            pq.write_table(table, scratch.path)
            scratch.put_in_place()
    except OSError as error:
        raise OutputError(
            str(target),
            f"a place that cannot be written ({error.strerror})",
            "a writable folder",
            "Choose another folder.",
        ) from error


def _head(market: nouns.Market) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "timezone": market.timezone,
        "price_decimals": market.price_decimals,
        "features": list(market.features),
        "context": {name: _packed(values) for name, values in market.context.items()},
        "wall": _packed(market.wall),
        "notes": list(market.notes),
        "name": market.name,
        "digest": market.digest,
    }


def _packed(values: npt.NDArray[Any]) -> str:
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()).decode()


def is_frozen(path: Path) -> bool:
    """Whether `write_market` made this file."""
    return path.suffix == ".parquet" and os.path.isfile(path) and _MARK in parquet_metadata(path)


@takes(path=PATH)
def read_market(path: str | Path) -> Market:
    """The market in a file of `write_market`.

    Raises InputError when the file is no such market, or was changed since it was written.
    """
    place = Path(path)
    source = str(place)
    table = read_table(place, ("symbol",))
    try:
        head = json.loads((table.schema.metadata or {})[_MARK])
        if head["version"] != _VERSION:
            raise _not_a_market_file(source, f"a market file of version {head['version']!r}")
        market = _market(table, head, source)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _not_a_market_file(source, "a file that write_market did not make") from error
    if market.digest != head["digest"]:
        raise InputError(
            source,
            f"a market of digest {market.digest[:16]}",
            f"the digest it was written with, {str(head['digest'])[:16]}",
            "It was changed since: write it again.",
        )
    return market


def _not_a_market_file(source: str, found: str) -> InputError:
    return InputError(
        source, found, f"a market file of version {_VERSION}", "Write it again with write_market."
    )


def _market(table: pa.Table, head: dict[str, Any], source: str) -> Market:
    need_columns(
        table, ("timestamp", "symbol", "present", *(f"{name}_ticks" for name in _TICKS), "volume"), source
    )
    layout = lay_out(instants(table["timestamp"], source), codes(table["symbol"], source), source)
    if layout.cells is not None:
        raise _not_a_market_file(source, "rows that are not a whole grid in order")
    bars = len(layout.timestamps)

    def grid(name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        parts = [cells_of(piece, dtype) for _, piece in pieces(table[name])]
        return np.concatenate(parts).reshape(layout.shape)

    def floats(name: str) -> Floats:
        return doubles(table[name], source, name).reshape(layout.shape)

    def unpacked(text: str, dtype: str) -> npt.NDArray[Any]:
        values = np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype)
        if len(values) != bars:
            raise ValueError("wrong length")
        return values.astype(values.dtype.newbyteorder("="))

    volume = floats("volume")
    ticks: dict[str, Any] = {name: grid(f"{name}_ticks", np.int64) for name in _TICKS}
    return make_market(
        Market(
            symbols=layout.symbols,
            timestamps=layout.timestamps,
            wall=unpacked(head["wall"], "<i8"),
            timezone=head["timezone"],
            price_decimals=int(head["price_decimals"]),
            present=grid("present", np.uint8).astype(np.bool_),
            **ticks,
            volume=volume,
            features={k: volume if k == "volume" else floats(f"{_FEATURE}{k}") for k in head["features"]},
            context={k: unpacked(v, "<f8") for k, v in head["context"].items()},
            notes=tuple(head["notes"]),
            name=str(head["name"]),
        )
    )
