"""A bar's closes become marks (M3), peaks (X2), armed rules (X3) and what the account is worth (T1)."""

from __future__ import annotations

from dataclasses import replace

from reference.exits import armed
from reference.results import Valuation
from vocabulary.market import Market
from vocabulary.scenario import Scenario
from vocabulary.state import State


def mark_at(market: Market, t: int, symbol: int) -> int:
    """M3: the close at bar t, else the last one before it; 0 where there is none."""
    for bar in range(t, -1, -1):
        if market.present.item(bar, symbol):
            close: int = market.close.item(bar, symbol)
            return close
    return 0


def mark(scenario: Scenario, state: State, market: Market, t: int) -> tuple[State, Valuation]:
    """T1 (2): the state with the marks (M3) and peaks (X2) of bar t, and what it is worth."""
    positions = dict(state.positions)
    market_value = 0
    for symbol, position in state.positions.items():
        if market.present.item(t, symbol):
            close: int = market.close.item(t, symbol)
            peak = max(position.peak, close) if position.quantity > 0 else min(position.peak, close)
            position = replace(position, peak=peak, mark=close, armed=armed(scenario, position, close))
            positions[symbol] = position
        market_value += position.quantity * position.mark
    marked = replace(state, positions=positions)
    return marked, Valuation(state.cash, market_value, state.cash + market_value)


def equity(state: State) -> int:
    """T1: cash + sum(position * mark), in money."""
    return state.cash + sum(p.quantity * p.mark for p in state.positions.values())
