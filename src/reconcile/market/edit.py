"""Parts of a market, and markets that differ from another in some columns only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from reconcile.market.digest import make_market
from vocabulary.errors import InputError
from vocabulary.market import Market

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


def slice_market(
    market: Market, symbols: Iterable[str] | None = None, bars: tuple[int, int] | None = None
) -> Market:
    """The market of some symbols (by name, any order) at the bars [start, stop).

    Features keep the values they have: they are not computed anew from what is left. Raises InputError
    for unknown symbols, for bars that are not there, and for an empty part.
    """
    start, stop = (0, len(market.timestamps)) if bars is None else bars
    if not 0 <= start < stop <= len(market.timestamps):
        raise InputError(
            "bars",
            f"[{start}, {stop})",
            f"at least one bar within [0, {len(market.timestamps)})",
            "Choose others.",
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


def replace_columns(market: Market, **columns: Unpack[Columns]) -> Market:
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
        raise InputError("replace_columns", repr(min(unknown)), expected, "Mend the name.")
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
    return np.where(odd, np.nan, array) if odd.any() else array  # one NaN, as when read: digests agree


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
