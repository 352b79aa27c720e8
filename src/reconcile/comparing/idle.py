"""Whether anything happened in two ledgers and, where nothing did, why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reconcile.matching.model import LedgerSide
from vocabulary.ledger import Table
from vocabulary.scenario import CallableStrategy, OrdersStrategy, Scenario, Timing, TopN, Weights

if TYPE_CHECKING:
    from vocabulary.market import Market

ACTIVITY = ("targets", "orders", "fills", "positions", "flows")
"""Tables whose rows say that something happened."""


def idle_reasons(
    sides: tuple[LedgerSide, LedgerSide], scenario: Scenario | None, market: Market | None
) -> tuple[str, ...]:
    """Why nothing happened in either ledger, one sentence per reason; none where something did."""
    if not all(_is_idle(side) for side in sides):
        return ()
    empty = [name for name in ACTIVITY if any(name in side.tables for side in sides)]
    where = f"{', '.join(empty)} of both ledgers have no rows" if empty else "equity never changes"
    if any(side.tables["targets"].rows for side in sides if "targets" in side.tables):
        where = "every target is 0"
    reasons = () if scenario is None or market is None else idle_market(scenario, market)
    return (f"Nothing happened: {where}.", *reasons)


def _is_idle(side: LedgerSide) -> bool:
    """Whether a ledger has no activity: tables without rows, and cash and equity that never change."""
    told = [side.tables[name] for name in ACTIVITY if name in side.tables]
    curve = side.tables.get("equity")
    moved = curve is not None and _moves(curve)
    if not told:
        return curve is not None and curve.rows > 1 and "equity" in curve.columns and not moved
    return not moved and not any(_has_rows(table) for table in told)


def _has_rows(table: Table) -> bool:
    """Whether a table has rows; of targets, whether one is not 0."""
    quantity = table.columns.get("quantity")
    if table.name == "targets" and quantity is not None and table.rows:
        return bool(np.any(quantity.values != 0))
    return table.rows > 0


def _moves(equity: Table) -> bool:
    """Whether cash or equity changes, or is empty somewhere."""
    return any(
        bool(np.any(column.values[1:] != column.values[:-1]))
        or (column.missing is not None and bool(column.missing.any()))
        for name, column in equity.columns.items()
        if name in ("cash", "equity")
    )


def idle_market(scenario: Scenario, market: Market) -> tuple[str, ...]:
    """What in a scenario and its market prevents every trade; none where nothing does."""
    if not market.present.any():
        return (f"No symbol of {market.name} is present at any of its {len(market.timestamps):,} bars.",)
    return (*_empty_columns(scenario, market), *_no_rebalance(scenario, market))


def _empty_columns(scenario: Scenario, market: Market) -> list[str]:
    """The features that the selection needs and that are empty wherever a symbol is present."""
    selection = scenario.strategy.selection
    needed: tuple[str, ...] = ()
    if isinstance(selection, TopN):
        needed = (selection.score, *selection.require)
    elif isinstance(selection, Weights):
        needed = (selection.feature,)
    elif isinstance(selection, OrdersStrategy):
        return [] if selection.rows else ["The file of orders has no rows."]
    elif isinstance(selection, CallableStrategy):
        return []
    return [
        f"Column {name!r}, by which symbols are chosen, is empty at every bar."
        for name in dict.fromkeys(needed)
        if not np.isfinite(market.features[name][market.present]).any()
    ]


def _no_rebalance(scenario: Scenario, market: Market) -> list[str]:
    """Why no bar rebalances: none that can execute is scheduled, or the gate is closed at all of them."""
    from reference.calendar import gate_open, scheduled

    strategy, bars = scenario.strategy, len(market.timestamps)
    last = bars if scenario.execution.timing is Timing.SAME_CLOSE else bars - 1
    named = [t for t in range(last) if scheduled(strategy.schedule, market, t)]
    if not named:
        return [f"The schedule names none of the {last:,} bars whose orders can still be executed."]
    gate = strategy.gate
    if gate is None or any(gate_open(gate, market, t) for t in named):
        return []
    values = market.context[gate.context][named]
    known = values[~np.isnan(values)]
    if not len(known):
        return [f"The gate never opened: {gate.context!r} is empty at all {len(named):,} scheduled bars."]
    return [
        f"The gate never opened: {gate.context!r} must be {_bound_words(gate.bound.value)} {gate.value:g}; at"
        f" the {len(named):,} scheduled bars it lies between {known.min():g} and {known.max():g}."
    ]


def _bound_words(bound: str) -> str:
    return {"max": "at most", "min": "at least"}[bound]
