"""T1 (3): what is decided at a bar: exits (X), then the rebalance (R)."""

from __future__ import annotations

from collections.abc import Mapping

from reference.calendar import gate_open, scheduled
from reference.exits import exits
from reference.marking import equity
from reference.results import Decision
from reference.selection import Choice, choose
from reference.units import mul_floor
from vocabulary.market import Market
from vocabulary.scenario import Scenario, SizeOn, Timing
from vocabulary.state import REBALANCE, Order, Side, State, Target

BUY, SELL = Side.BUY, Side.SELL


def decide(
    scenario: Scenario, state: State, market: Market, t: int, fired: Mapping[int, str] | None = None
) -> Decision:
    """T1 (3), R1, R9: the decision of bar t, from a state that is marked at t.

    fired: the exits (X1), symbol -> reason; None for those of the rules.
    Raises CallableError where a user's function fails (R6).
    """
    last = t == len(market.timestamps) - 1
    if last and scenario.execution.timing is not Timing.SAME_CLOSE:
        return Decision((), (), None, state.membership)
    fired = exits(scenario, state, market, t) if fired is None else fired
    choice = _rebalance(scenario, state, market, t, fired)
    if choice is None:
        return Decision(tuple(_exit_orders(state, t, fired, None)), (), None, state.membership)
    number = state.rebalances
    targets = _size(scenario, state, market, t, choice)
    orders = (
        *_exit_orders(state, t, fired, number),
        *_closings(state, market, t, fired, targets, number),
        *_target_orders(scenario, state, market, t, targets, number),
    )
    return Decision(orders, targets, number, choice.membership)


def _rebalance(
    scenario: Scenario, state: State, market: Market, t: int, fired: Mapping[int, str]
) -> Choice | None:
    """R1: the strategy is asked when the schedule says so (R2) and the gate is open (R3)."""
    strategy = scenario.strategy
    if not scheduled(strategy.schedule, market, t) or not gate_open(strategy.gate, market, t):
        return None
    # X4: barred at t by an exit decided now, or by an earlier one whose cooldown still runs.
    barred = {symbol for symbol, until in state.barred.items() if until >= t} | fired.keys()
    return choose(scenario, state, market, t, barred)


def _size(scenario: Scenario, state: State, market: Market, t: int, choice: Choice) -> tuple[Target, ...]:
    """R7: weights become quantities."""
    base = sizing_base(scenario, state)
    targets = []
    for rank, (symbol, weight) in enumerate(choice.weights):
        quantity = target_quantity(scenario, base, weight, market.close.item(t, symbol))
        targets.append(Target(symbol, rank, weight, quantity))
    return tuple(targets)


def sizing_base(scenario: Scenario, state: State) -> int:
    """R7: the money that weights are shares of."""
    on_equity = scenario.strategy.size_on is SizeOn.EQUITY
    return max(0, equity(state) if on_equity else scenario.initial_cash)


def target_quantity(scenario: Scenario, base: int, weight: int, price: int) -> int:
    """R7, R11: signed units, whole lots, worth `weight` (ppb) of `base` money at `price` > 0 ticks, rounded
    towards zero."""
    quantity = mul_floor(base, abs(weight)) // price
    quantity -= quantity % scenario.market.lot
    return quantity if weight >= 0 else -quantity


def _exit_orders(state: State, t: int, fired: Mapping[int, str], number: int | None) -> list[Order]:
    """X1: the whole position is ordered closed, for the reason given."""
    return [_close(state, t, symbol, reason, number) for symbol, reason in fired.items()]


def _closings(
    state: State, market: Market, t: int, fired: Mapping[int, str], targets: tuple[Target, ...], number: int
) -> list[Order]:
    """R8: what is held, is no target, is present and has no exit order, is ordered closed."""
    wanted = {target.symbol for target in targets}
    return [
        _close(state, t, symbol, REBALANCE, number)
        for symbol in sorted(state.positions)
        if symbol not in wanted and symbol not in fired and market.present.item(t, symbol)
    ]


def _close(state: State, t: int, symbol: int, reason: str, number: int | None) -> Order:
    return _order(t, symbol, -state.positions[symbol].quantity, reason, number)


def _target_orders(
    scenario: Scenario, state: State, market: Market, t: int, targets: tuple[Target, ...], number: int
) -> list[Order]:
    """R7: from what is held to the target, unless the difference is within the band or too small (R11)."""
    orders = []
    for target in targets:
        position = state.positions.get(target.symbol)
        delta = target.quantity - (0 if position is None else position.quantity)
        if delta == 0 or abs(delta) <= mul_floor(abs(target.quantity), scenario.strategy.band):
            continue
        worth = abs(delta) * market.close.item(t, target.symbol)
        if target.quantity != 0 and worth < scenario.strategy.minimum_notional:
            continue
        orders.append(_order(t, target.symbol, delta, REBALANCE, number))
    return orders


def _order(t: int, symbol: int, signed: int, reason: str, number: int | None) -> Order:
    return Order(t, symbol, BUY if signed > 0 else SELL, abs(signed), reason, number)
