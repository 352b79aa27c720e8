"""A scenario's market: from a built-in, a file, or a pandas frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from reconcile.market.build import KEYS, Tables, build_market
from reconcile.market.builtin import BUILTINS, builtin_tables
from reconcile.market.check_fit import check
from reconcile.market.file import is_frozen, read_market
from reconcile.market.read import open_table, read_table
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


def load_market(
    scenario: Scenario, data: str | Path | None = None, progress: Progress | None = None
) -> Market:
    """The market of a scenario, read, validated, in ticks, with its features (U1, M1, M2, M4).

    data: a built-in name or a path from the working folder, instead of the scenario's own.
    progress: told in a few words what is being done.
    A file of `write_market` is taken as it is, with the features and context it holds.
    Raises InputError when a file cannot be used, RangeError for ticks beyond int64 (U4); and as `check`
    where the scenario asks for what the market has not (R3, E5).
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
    if not path.exists() and not Path(chosen).suffix and len(Path(chosen).parts) == 1:
        raise InputError(
            "market.data",
            f"{chosen!r}, which is no built-in market and no file",
            "one of " + ", ".join(sorted(BUILTINS)) + ", or the path of a Parquet or CSV file",
            "Check the name.",
        )
    return path


def _with_context(tables: Tables, context: pa.Table, source: str) -> Tables:
    """A context file joins, column by column, what a built-in market brings."""
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


def market_from_frame(frame: pd.DataFrame, scenario: Scenario, context: pd.DataFrame | None = None) -> Market:
    """A Market from a long pandas frame; timestamp and symbol may be columns or index levels.

    context: a frame of timestamp and context columns. Nothing of either frame is shared or changed.
    Raises as `load_market`, and as `check` where the scenario asks for what the market has not.
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
