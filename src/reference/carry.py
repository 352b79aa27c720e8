"""M5: cash per share paid to who holds a symbol when the bar begins."""

from __future__ import annotations

from dataclasses import replace

from reference.results import Flow
from reference.units import ticks
from vocabulary.market import Market
from vocabulary.scenario import Scenario
from vocabulary.state import State


def pay(scenario: Scenario, state: State, market: Market, t: int) -> tuple[State, tuple[Flow, ...]]:
    """M5: the state after the carry of bar t, and a flow for each position that it is not 0 for."""
    name = scenario.market.carry
    if name is None:
        return state, ()
    flows = []
    for symbol in sorted(state.positions):
        per_share = ticks(market.features[name].item(t, symbol), market.price_decimals)
        if per_share:
            flows.append(Flow(symbol, state.positions[symbol].quantity * per_share))
    return replace(state, cash=state.cash + sum(flow.amount for flow in flows)), tuple(flows)
