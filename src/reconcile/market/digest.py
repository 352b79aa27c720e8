"""The digest of a market, and the one place where a Market is made."""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vocabulary.market import Market

Number = TypeVar("Number", bound=np.generic)

_VERSION = 1
_known: dict[int, tuple[weakref.ref[npt.NDArray[Any]], str]] = {}


def threads() -> int:
    return min(8, os.cpu_count() or 1)


def market_digest(market: Market) -> str:
    """sha256 over all of a market but its notes and name, from the arrays as they are now."""
    return _digest(market, fresh=True)


def _digest(market: Market, fresh: bool) -> str:
    """Columns are hashed apart, in threads, and their digests hashed with a header that names them."""
    columns = _columns(market)
    distinct = list({id(array): array for array in columns.values()}.values())
    with ThreadPoolExecutor(threads()) as pool:
        hashes = pool.map(_hash if fresh else _hash_once, distinct)
        found = {id(array): text for array, text in zip(distinct, hashes, strict=True)}
    header = {
        "version": _VERSION,
        "bars": len(market.timestamps),
        "symbols": list(market.symbols),
        "timezone": market.timezone,
        "price_decimals": market.price_decimals,
        "columns": {name: found[id(array)] for name, array in columns.items()},
    }
    return hashlib.sha256(json.dumps(header, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _columns(market: Market) -> dict[str, npt.NDArray[Any]]:
    own = ("timestamps", "wall", "present", "open", "high", "low", "close", "volume")
    return {
        **{name: getattr(market, name) for name in own},
        **{f"feature {name}": array for name, array in market.features.items()},
        **{f"context {name}": array for name, array in market.context.items()},
    }


def _hash(array: npt.NDArray[Any]) -> str:
    plain: Any = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False).reshape(-1)
    return hashlib.sha256(plain.view(np.uint8)).hexdigest()


def _hash_once(array: npt.NDArray[Any]) -> str:
    """As `_hash`, remembered while the array lives: markets that share columns hash only what is new."""
    key = id(array)
    kept = _known.get(key)
    if kept is not None and kept[0]() is array:
        return kept[1]
    text = _hash(array)
    _known[key] = (weakref.ref(array, lambda _: _known.pop(key, None)), text)
    return text


def sealed(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The array read-only and C-ordered, its hash taken: what `make_market` does to all that are not yet."""
    kept = _fixed(array)
    _hash_once(kept)
    return kept


def _fixed(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Read-only and C-ordered; the array itself where it is that already."""
    kept = np.ascontiguousarray(array)
    if kept.flags.writeable:
        kept = kept.view()
        kept.flags.writeable = False
    return kept


def make_market(market: Market) -> Market:
    """The market with every array read-only and C-ordered, and its digest computed."""
    frozen: dict[int, npt.NDArray[Any]] = {}

    def fix(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if id(array) not in frozen:
            frozen[id(array)] = _fixed(array)
        return frozen[id(array)]

    def fix_all(arrays: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, npt.NDArray[Any]]:
        return MappingProxyType({name: fix(array) for name, array in arrays.items()})

    own = ("timestamps", "wall", "present", "open", "high", "low", "close", "volume")
    fixed: dict[str, Any] = {name: fix(getattr(market, name)) for name in own}
    made = replace(
        market,
        **fixed,
        features=fix_all(market.features),
        context=fix_all(market.context),
    )
    return replace(made, digest=_digest(made, fresh=False))
