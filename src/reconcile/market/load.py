"""A scenario's market, from a built-in, a file or a frame, and whether it has what the scenario names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from reconcile.files.arguments import PATH, SCENARIO, WATCH, takes
from reconcile.files.instants import show_instant
from reconcile.market.build import KEYS, Tables, build_market
from reconcile.market.builtin.tables import BUILTINS, builtin_tables
from reconcile.market.file import is_frozen, read_market
from reconcile.market.frame import Market
from reconcile.market.read import open_table, read_table
from reconcile.scenario.orders import check_rows
from vocabulary import market as nouns
from vocabulary.errors import InputError, RangeError
from vocabulary.market import Floats
from vocabulary.scenario import Scenario, TopN, VolatilityStop, Weights

if TYPE_CHECKING:
    import pandas as pd


Progress = Callable[[str], None]


@takes(scenario=SCENARIO, data=PATH, progress=WATCH)
def load_market(
    scenario: Scenario, data: str | Path | None = None, progress: Progress | None = None
) -> Market:
    """The market of a scenario, read, validated, in ticks, with its features (U1, M1, M2, M4).

    data: a built-in name or a path from the working folder, instead of the scenario's own.
    progress: called with a few words on what is being done.
    A file of `write_market` is taken as it is, with the features and context it holds.
    Raises InputError when a file cannot be used, RangeError for ticks beyond int64 (U4), and what `check`
    raises where the market lacks what the scenario names (R3, E5).
    """
    market = _load(scenario, data, progress or (lambda _: None))
    check(scenario, market)
    return market


def _load(scenario: Scenario, data: str | Path | None, say: Progress) -> Market:
    chosen = scenario.market.data if data is None else str(data)
    folder = Path(scenario.origin) if data is None else Path()
    context = None if scenario.market.context is None else Path(scenario.origin) / scenario.market.context
    if chosen in BUILTINS:
        say(f"making {chosen}")
        tables, notes = builtin_tables(chosen)
    else:
        path = _data_path(folder, chosen)
        say(f"reading {path}")
        if is_frozen(path):
            return _frozen(path, scenario)
        tables, notes = Tables(open_table(path, KEYS), str(path)), ()
    if context is not None:
        say(f"reading {context}")
        tables = _with_context(tables, read_table(context, ("timestamp",)), str(context))
    say("building the market")
    return build_market(tables, scenario.market, chosen if chosen in BUILTINS else Path(chosen).stem, notes)


def _data_path(folder: Path, chosen: str) -> Path:
    path = folder / chosen
    if not os.path.exists(path) and not Path(chosen).suffix and len(Path(chosen).parts) == 1:
        raise InputError(
            "market.data",
            f"{chosen!r}, which is no built-in market and no file",
            "one of " + ", ".join(sorted(BUILTINS)) + ", or the path of a Parquet or CSV file",
            "Check the name.",
        )
    return path


def _with_context(tables: Tables, context: pa.Table, source: str) -> Tables:
    """The tables with a context file. Raises InputError where they have a context already."""
    if tables.context is not None:
        raise InputError(
            "market.context",
            f"{source}, although {tables.source} brings its own context",
            "one context",
            "Leave market.context out.",
        )
    return replace(tables, context=context, context_source=source)


def _frozen(path: Path, scenario: Scenario) -> Market:
    """A market written by `write_market`: its features are those computed when it was made."""
    market = read_market(path)
    if market.price_decimals != scenario.market.price_decimals:
        raise InputError(
            str(path),
            f"a market of price_decimals = {market.price_decimals}",
            f"the scenario's price_decimals = {scenario.market.price_decimals}",
            "Change the scenario, or write the market again.",
        )
    missing = [feature.name for feature in scenario.market.features if feature.name not in market.features]
    if missing:
        raise InputError(
            str(path),
            f"the features {', '.join(sorted(market.features))}",
            f"also {', '.join(missing)}, which the scenario computes",
            "Write the market again from a scenario that has them.",
        )
    return market


@takes(scenario=SCENARIO)
def market_from_frame(frame: pd.DataFrame, scenario: Scenario, context: pd.DataFrame | None = None) -> Market:
    """A Market from a long pandas frame; timestamp and symbol may be columns or index levels.

    context: a frame of timestamp and context columns. Nothing of either frame is shared or changed.
    Raises as `load_market`.
    """
    from reconcile.market.frame import table_of_frame

    market = build_market(
        Tables(
            table_of_frame(frame, "the frame", KEYS),
            "the frame",
            None if context is None else table_of_frame(context, "the context frame", ("timestamp",)),
            "the context frame",
        ),
        scenario.market,
        "frame",
    )
    check(scenario, market)
    return market


_PPB = 1e9
_LIMIT = 2.0**63


def check(scenario: Scenario, market: nouns.Market) -> None:
    """Whether a market has what a scenario needs; asked before any run.

    Raises InputError when the units differ, when a feature or context column that the scenario names is
    missing (R3: never a zero), and when a weight is below 0 ppb although shorts are not allowed (E5);
    InputError when a carry rounds to 0 ticks (M5), and for an order of a bar or symbol that the market does
    not have (R10);
    RangeError when a weight, a carry or a stop's feature is beyond int64 in its unit (U4).
    """
    if market.price_decimals != scenario.market.price_decimals:
        raise InputError(
            f"{scenario.name}: market.price_decimals",
            str(scenario.market.price_decimals),
            f"{market.price_decimals}, that of the market",
            "Load the market with this scenario.",
        )
    _need_features(scenario, market)
    gate = scenario.strategy.gate
    if gate is not None:
        _need(f"{scenario.name}: strategy.gate", gate.context, market.context, "context column")
    _check_stops(scenario, market)
    _check_carry(scenario, market)
    _check_weights(scenario, market)
    check_rows(scenario, market)


def _need_features(scenario: Scenario, market: nouns.Market) -> None:
    selection = scenario.strategy.selection
    where = f"{scenario.name}: strategy"
    if isinstance(selection, TopN):
        _need(f"{where}.score", selection.score, market.features, "feature")
        for name in selection.require:
            _need(f"{where}.require", name, market.features, "feature")
    elif isinstance(selection, Weights):
        _need(f"{where}.feature", selection.feature, market.features, "feature")
    if scenario.market.carry is not None:
        _need(f"{scenario.name}: market.carry", scenario.market.carry, market.features, "feature")
    for rule in scenario.exits:
        if isinstance(rule, VolatilityStop):
            _need(f"{scenario.name}: exit {rule.name!r}", rule.feature, market.features, "feature")


def _need(where: str, name: str, available: Iterable[str], what: str) -> None:
    names = sorted(available)
    if name not in names:
        raise InputError(
            where,
            f"the {what} {name!r}, which the market does not have",
            f"one of {', '.join(names)}" if names else f"a {what} of the market, which has none",
            "Add it to the data, compute it, or name another." if names else "Give one: market.context.",
        )


def _check_weights(scenario: Scenario, market: nouns.Market) -> None:
    """R5: to ppb, half even; E5: none below 0 unless shorts are allowed."""
    selection = scenario.strategy.selection
    if not isinstance(selection, Weights):
        return
    weights = market.features[selection.feature]
    ppb = _scaled(weights, _PPB)
    where = f"{scenario.name}: strategy.feature {selection.feature!r}"
    _refuse_beyond(market, weights, ppb, where, "ppb")
    if not scenario.execution.allow_short and bool((ppb < 0).any()):
        bar, symbol = _first(ppb < 0)
        raise InputError(
            f"{where}, {_cell(market, bar, symbol)}",
            f"the weight {float(weights[bar, symbol])!r}",
            "weights >= 0, as execution.allow_short is false",
            "Set execution.allow_short = true, or leave the weight empty.",
        )


def _check_stops(scenario: Scenario, market: nouns.Market) -> None:
    """Raises RangeError for a stop's feature that is beyond int64 in ticks (X3, U1)."""
    for rule in scenario.exits:
        if isinstance(rule, VolatilityStop):
            values = market.features[rule.feature]
            ticks = _scaled(values, 10.0**market.price_decimals)
            _refuse_beyond(
                market, values, ticks, f"{scenario.name}: exit {rule.name!r}, {rule.feature!r}", "ticks"
            )


def _check_carry(scenario: Scenario, market: nouns.Market) -> None:
    """M5: raises InputError for a carry that is not 0 and rounds to 0 ticks, RangeError beyond int64."""
    name = scenario.market.carry
    if name is None:
        return
    values = market.features[name]
    ticks = _scaled(values, 10.0**market.price_decimals)
    where = f"{scenario.name}: market.carry {name!r}"
    _refuse_beyond(market, values, ticks, where, "ticks")
    lost = (ticks == 0) & (values != 0) & ~np.isnan(values)
    if lost.any():
        bar, symbol = _first(lost)
        raise InputError(
            f"{where}, {_cell(market, bar, symbol)}",
            f"{float(values[bar, symbol])!r}, which is 0 with price_decimals = {market.price_decimals}",
            "0, or at least half a tick",
            "Use more price_decimals.",
        )


def _scaled(values: Floats, factor: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.rint(values * factor))


def _refuse_beyond(market: nouns.Market, values: Floats, scaled: Floats, where: str, unit: str) -> None:
    beyond = np.abs(scaled) >= _LIMIT
    if beyond.any():
        bar, symbol = _first(beyond)
        raise RangeError(
            f"{where}, {_cell(market, bar, symbol)}",
            f"{float(values[bar, symbol])!r}, beyond int64 in {unit}",
            f"less than 2**63 {unit}",
            "Correct the value, or leave it empty.",
        )


def _first(flags: np.ndarray) -> tuple[int, int]:
    bar, symbol = divmod(int(np.argmax(flags)), flags.shape[1])
    return bar, symbol


def _cell(market: nouns.Market, bar: int, symbol: int) -> str:
    return f"{market.symbols[symbol]} at {show_instant(int(market.wall[bar]))}"
