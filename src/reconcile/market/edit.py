"""Markets made from arrays: read-only and with their digest; parts of them, and copies with other columns."""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from numbers import Integral
from types import MappingProxyType
from typing import Any, TypedDict, TypeVar, Unpack

import numpy as np
import numpy.typing as npt

from reconcile.files.arguments import MARKET, Kind, takes
from vocabulary.errors import InputError
from vocabulary.market import Market

Number = TypeVar("Number", bound=np.generic)
AnyMarket = TypeVar("AnyMarket", bound=Market)

_VERSION = 1
_known: dict[int, tuple[weakref.ref[npt.NDArray[Any]], str]] = {}


def threads() -> int:
    return min(8, os.cpu_count() or 1)


def market_digest(market: Market) -> str:
    """sha256 over all of a market but its notes and name, from the arrays as they are now."""
    return _digest(market, fresh=True)


def _digest(market: Market, fresh: bool) -> str:
    """Columns are hashed one by one, in threads; their digests are hashed with a header that names them."""
    columns = _arrays(market)
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


def _arrays(market: Market) -> dict[str, npt.NDArray[Any]]:
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
    """As `_hash`, kept as long as the array lives: markets that share columns hash only what is new."""
    key = id(array)
    kept = _known.get(key)
    if kept is not None and kept[0]() is array:
        return kept[1]
    text = _hash(array)
    _known[key] = (weakref.ref(array, lambda _: _known.pop(key, None)), text)
    return text


def sealed(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The array read-only and C-ordered. It is hashed already, so that `make_market` need not do it."""
    kept = _fixed(array)
    _hash_once(kept)
    return kept


def _fixed(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The array read-only and C-ordered; the same object where it is that already."""
    kept = np.ascontiguousarray(array)
    if kept.flags.writeable:
        kept = kept.view()
        kept.flags.writeable = False
    return kept


def make_market(market: AnyMarket) -> AnyMarket:
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


_GRIDS = ("present", "open", "high", "low", "close", "volume")


class Columns(TypedDict, total=False):
    """What `replace_columns` may replace; `features` and `context` by name, others of them kept."""

    present: npt.NDArray[np.bool_]
    open: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    close: npt.NDArray[np.int64]
    volume: npt.NDArray[np.float64]
    features: Mapping[str, npt.NDArray[np.float64]]
    context: Mapping[str, npt.NDArray[np.float64]]


_BARS = Kind((tuple, list), "two numbers of bars", "Give (first, stop), such as (0, 100).", each=Integral)
_SYMBOLS = Kind((Iterable,), "names of symbols", 'Give a list, such as ["IBM"].')


@takes(market=MARKET, symbols=_SYMBOLS, bars=_BARS)
def slice_market(
    market: AnyMarket, symbols: Iterable[str] | None = None, bars: tuple[int, int] | None = None
) -> AnyMarket:
    """The market of some symbols (by name, any order) at the bars [start, stop).

    Features keep the values they have: they are not computed anew from what is left. Raises InputError
    for unknown symbols, for bars that are not there, and for an empty part.
    """
    if bars is not None and len(bars) != 2:
        raise InputError("bars", repr(bars), _BARS.expected, _BARS.remedy)
    start, stop = (0, len(market.timestamps)) if bars is None else bars
    if not 0 <= start < stop <= len(market.timestamps):
        raise InputError(
            "bars",
            f"[{start}, {stop})",
            f"at least one bar within [0, {len(market.timestamps)})",
            "Choose other bars.",
        )
    columns = np.arange(len(market.symbols)) if symbols is None else _columns(market, symbols)
    whole = len(columns) == len(market.symbols)

    def cut(grid: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows = grid[start:stop]
        return rows if whole else np.ascontiguousarray(rows[:, columns])

    volume = cut(market.volume)
    grids: dict[str, Any] = {name: cut(getattr(market, name)) for name in _GRIDS if name != "volume"}
    return make_market(
        replace(
            market,
            symbols=tuple(market.symbols[i] for i in columns),
            timestamps=market.timestamps[start:stop],
            wall=market.wall[start:stop],
            **grids,
            volume=volume,
            features={
                name: volume if values is market.volume else cut(values)
                for name, values in market.features.items()
            },
            context={name: values[start:stop] for name, values in market.context.items()},
        )
    )


def _columns(market: Market, symbols: Iterable[str]) -> npt.NDArray[np.int64]:
    place = {name: i for i, name in enumerate(market.symbols)}
    wanted = list(symbols)
    unknown = [name for name in wanted if name not in place]
    if unknown or not wanted:
        raise InputError(
            "symbols",
            ", ".join(map(repr, unknown)) or "none",
            f"some of the market's {len(place):,} symbols",
            "Name symbols that the market has.",
        )
    return np.array(sorted({place[name] for name in wanted}), dtype=np.int64)


def replace_columns(market: AnyMarket, **columns: Unpack[Columns]) -> AnyMarket:
    """A Market with some columns replaced, sharing the memory of all others, and its own digest.

    features, context: name -> array, replacing or adding; `volume` replaces the feature of that name,
    too. Given arrays are not copied and become this market's: do not write to them afterwards.
    Raises InputError for a wrong shape or kind, and for values M1 and M2 rule out.
    """
    bars, symbols = market.present.shape
    given: dict[str, Any] = dict(columns)
    unknown = given.keys() - Columns.__annotations__.keys()
    if unknown:
        expected = "one of " + ", ".join(Columns.__annotations__)
        raise InputError("replace_columns", repr(min(unknown)), expected, "Correct the name.")
    features, context = dict(market.features), dict(market.context)
    for name, array in given.pop("features", {}).items():
        features[name] = _fit(f"features.{name}", array, (bars, symbols), np.float64)
    for name, array in given.pop("context", {}).items():
        context[name] = _fit(f"context.{name}", array, (bars,), np.float64)
    own: dict[str, Any] = {
        name: _fit(name, array, (bars, symbols), getattr(market, name).dtype) for name, array in given.items()
    }
    if "volume" in own:
        features["volume"] = own["volume"]
    elif "volume" in features:
        own["volume"] = features["volume"]
    made = replace(market, **own, features=features, context=context)
    if own.keys() & {"present", "open", "high", "low", "close"}:
        _refuse_prices(made)
    return make_market(made)


def _fit(
    name: str, array: npt.NDArray[Any], shape: tuple[int, ...], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InputError(name, found, f"{np.dtype(dtype)} {shape}", "Convert the array.")
    if array.dtype != np.float64 or np.isfinite(array).all():
        return array
    if np.isinf(array).any():
        raise InputError(name, "infinities", "finite values and NaN (M2)", "Replace them by NaN.")
    odd = np.isnan(array) & (array.view(np.int64) != np.float64(np.nan).view(np.int64))
    return (
        np.where(odd, np.nan, array) if odd.any() else array
    )  # one NaN, as in a market that was read, so that digests agree


def _refuse_prices(market: Market) -> None:
    """M2: ticks > 0 where present, 0 where not."""
    for name in ("open", "high", "low", "close"):
        if not np.array_equal(getattr(market, name) > 0, market.present) or bool(
            (getattr(market, name) < 0).any()
        ):
            raise InputError(
                name,
                "ticks that contradict `present`",
                "ticks > 0 where present, 0 elsewhere",
                "Replace both together.",
            )
