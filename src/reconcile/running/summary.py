"""The figures of a run: a handful of numbers, read from each side's ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from reconcile.ledger.figures import (
    amount,
    fill_cost,
    final_equity,
    initial_cash,
    rebalance_count,
    scaled,
    total_return,
)
from vocabulary.ledger import Ledger
from vocabulary.scenario import OrdersStrategy

if TYPE_CHECKING:
    from reconcile.running.run import Outcome, Side
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Stranded:
    """M3. A position open at the end in a symbol that stopped trading before it.

    quantity: signed shares. last: nanoseconds of the symbol's last bar, None if it never had one.
    """

    symbol: str
    quantity: Decimal
    last: int | None


@dataclass(frozen=True, slots=True)
class SideSummary:
    """One side's numbers, each None where its ledger cannot tell.

    commission, slippage, final_equity: currency. total_return: a fraction, to 9 decimals. orders_dropped: the
    rows of a file of orders that became none (R10); None for another strategy.
    """

    name: str
    fills: int | None
    rebalances: int | None
    commission: Decimal | None
    slippage: Decimal | None
    final_equity: Decimal | None
    total_return: Decimal | None
    seconds: float
    events_per_second: int
    stranded: tuple[Stranded, ...]
    orders_dropped: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Both sides' numbers."""

    reference: SideSummary
    candidate: SideSummary


def summarise(outcome: Outcome) -> Summary:
    """Read both sides' numbers from their ledgers."""
    scenario, market = outcome.scenario, outcome.market
    return Summary(
        _summarise(outcome.reference, scenario, market), _summarise(outcome.candidate, scenario, market)
    )


def _summarise(side: Side, scenario: Scenario, market: Market) -> SideSummary:
    ledger = side.ledger
    equity = final_equity(ledger)
    events = market.present.size
    return SideSummary(
        name=side.name,
        fills=ledger.tables["fills"].rows if "fills" in ledger.tables else None,
        rebalances=rebalance_count(ledger),
        commission=fill_cost(ledger.tables, "commission"),
        slippage=fill_cost(ledger.tables, "slippage"),
        final_equity=equity,
        total_return=total_return(equity, initial_cash(ledger.manifest) or _given_cash(scenario)),
        seconds=round(side.seconds, 6),
        events_per_second=round(events / side.seconds) if side.seconds > 0 else 0,
        stranded=stranded(ledger, market),
        orders_dropped=_dropped(ledger, scenario),
    )


def _dropped(ledger: Ledger, scenario: Scenario) -> int | None:
    """R10: the rows of a file of orders that the ledger has no order of."""
    wanted, orders = scenario.strategy.selection, ledger.tables.get("orders")
    if not isinstance(wanted, OrdersStrategy) or orders is None or "reason" not in orders.columns:
        return None
    reasons = orders.columns["reason"]
    exits = {rule.name for rule in scenario.exits}
    codes = [code for code, word in enumerate(reasons.dictionary or ()) if word in exits]
    return len(wanted.rows) - int((~np.isin(reasons.values, codes)).sum())


def stranded(ledger: Ledger, market: Market) -> tuple[Stranded, ...]:
    """Positions of the last bar whose symbol has no bar there: they keep their last mark (M3)."""
    table = ledger.tables.get("positions")
    if table is None or not {"timestamp", "symbol", "quantity"} <= set(table.columns):
        return ()
    stamps, names, lots = (table.columns[name] for name in ("timestamp", "symbol", "quantity"))
    places = {symbol: place for place, symbol in enumerate(market.symbols)}
    found = []
    for row in (stamps.values == market.timestamps[-1]).nonzero()[0].tolist():
        symbol = (names.dictionary or ())[int(names.values[row])]
        place = places.get(symbol)
        quantity = amount(lots, row)
        if place is not None and quantity and not market.present[-1, place]:
            bars = market.present[:, place].nonzero()[0]
            last = int(market.timestamps[bars[-1]]) if len(bars) else None
            found.append(Stranded(symbol, quantity, last))
    return tuple(found)


def _given_cash(scenario: Scenario) -> Decimal:
    """The scenario's initial cash, for a ledger that does not say with how much it began."""
    return scaled(scenario.initial_cash, scenario.market.price_decimals + scenario.market.quantity_decimals)
