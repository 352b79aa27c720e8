"""What fills do to an account, as a ledger tells them (A1, E3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconcile.roots.rows import Row
from reference import book
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, CashPolicy, Scenario
from vocabulary.state import Fill, Side, State


def book_all(scenario: Scenario, market: Market, state: State, t: int, fills: Sequence[Fill]) -> State:
    """A1: the state after some fills."""
    for fill in fills:
        state = book(scenario, state, market, t, fill)
    return state


def commission(scenario: Scenario, quantity: int, notional: int) -> int:
    """E3: money for a fill of `quantity` lots worth `notional`, whatever its price should have been."""
    rule = scenario.costs.commission
    if rule is None or quantity == 0:
        return 0
    amount = notional if isinstance(rule, BpsCommission) else quantity * 10**scenario.market.price_decimals
    return max((amount * rule.rate + 500_000_000) // 1_000_000_000, rule.minimum)


def unlimited(scenario: Scenario) -> Scenario:
    """The scenario with every order affordable: says what a fill would be like."""
    return replace(scenario, execution=replace(scenario.execution, cash=CashPolicy.ALLOW_NEGATIVE))


def fill_of(scenario: Scenario, row: Row) -> Fill | None:
    """A row of `fills` as a Fill; what it lacks is computed from the rest, None where it is no fill."""
    quantity, price, side = row.whole("quantity"), row.whole("price"), row.cells.get("side")
    if quantity is None or price is None or quantity <= 0 or side not in ("buy", "sell"):
        return None
    notional = quantity * price
    charged = row.whole("commission")
    charged = commission(scenario, quantity, notional) if charged is None else charged
    return Fill(row.symbol, Side(side), quantity, price, notional, charged, row.whole("slippage") or 0)
