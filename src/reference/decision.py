"""T1 (3): what is decided at a bar: exits (X), then the rebalance (R)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace

from reference.calendar import gate_open, scheduled
from reference.execution import raw_price
from reference.exits import exits
from reference.marking import equity
from reference.orders import orders_of, rows_at
from reference.results import Decision, Sizing
from reference.selection import Choice, choose
from reference.units import mul_floor
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, Scenario, SizeAt, SizeOn, Timing
from vocabulary.state import REBALANCE, Order, Side, State, Target, Unsized

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
    selection = scenario.strategy.selection
    if isinstance(selection, OrdersStrategy):
        return _from_file(scenario, selection, state, market, t, fired)
    choice = _rebalance(scenario, state, market, t, fired)
    if choice is None:
        return Decision(tuple(_exit_orders(state, t, fired, None)), (), None, state.membership)
    number = state.rebalances
    leaving = (
        *_exit_orders(state, t, fired, number),
        *_closings(state, market, t, fired, choice, number),
    )
    if scenario.strategy.size_at is SizeAt.EXECUTION:
        # R12: only the weights are decided now.
        unsized = Unsized(number, choice.weights) if choice.weights else None
        return Decision(leaving, (), number, choice.membership, unsized)
    targets, orders = _sized(
        scenario, state, t, number, choice.weights, lambda symbol: market.close.item(t, symbol)
    )
    return Decision((*leaving, *orders), targets, number, choice.membership)


def size_at_execution(
    scenario: Scenario, state: State, market: Market, t: int, gone: Set[int] = frozenset()
) -> Sizing | None:
    """R12: sizes at bar t what the bar before decided; None where nothing waits to be sized.

    state: before the first order of bar t executes. gone: symbols that a level has closed in this bar.
    """
    if state.unsized is None:
        return None

    def price_of(symbol: int) -> int | None:
        sizable = market.present.item(t, symbol) and symbol not in gone
        return raw_price(scenario, market, t, symbol) if sizable else None

    valued = valued_at_execution(scenario, state, market, t)
    number = state.unsized.rebalance
    return Sizing(number, *_sized(scenario, valued, t - 1, number, state.unsized.weights, price_of))


def valued_at_execution(scenario: Scenario, state: State, market: Market, t: int) -> State:
    """R12: the state with P of bar t as the mark of every position whose symbol is present."""
    valued = {
        symbol: replace(position, mark=raw_price(scenario, market, t, symbol))
        if market.present.item(t, symbol)
        else position
        for symbol, position in state.positions.items()
    }
    return replace(state, positions=valued)


def _rebalance(
    scenario: Scenario, state: State, market: Market, t: int, fired: Mapping[int, str]
) -> Choice | None:
    """R1: the strategy is asked when the schedule says so (R2) and the gate is open (R3)."""
    if not _is_allowed(scenario, market, t):
        return None
    return choose(scenario, state, market, t, _barred(state, t, fired))


def _from_file(
    scenario: Scenario,
    wanted: OrdersStrategy,
    state: State,
    market: Market,
    t: int,
    fired: Mapping[int, str],
) -> Decision:
    """R10: the rows of bar t become orders; a bar with a row is a rebalance without targets."""
    rows = rows_at(wanted, market, t) if _is_allowed(scenario, market, t) else ()
    if not rows:
        return Decision(tuple(_exit_orders(state, t, fired, None)), (), None, state.membership)
    number = state.rebalances
    orders = orders_of(rows, market, t, _barred(state, t, fired), number)
    return Decision((*_exit_orders(state, t, fired, number), *orders), (), number, state.membership)


def _is_allowed(scenario: Scenario, market: Market, t: int) -> bool:
    """R2, R3: whether bar t may rebalance."""
    strategy = scenario.strategy
    return scheduled(strategy.schedule, market, t) and gate_open(strategy.gate, market, t)


def _barred(state: State, t: int, fired: Mapping[int, str]) -> set[int]:
    """X4: barred at t by an exit decided now, or by an earlier one whose cooldown still runs."""
    return {symbol for symbol, until in state.barred.items() if until >= t} | fired.keys()


def _sized(
    scenario: Scenario,
    state: State,
    decided_at: int,
    number: int,
    weights: tuple[tuple[int, int], ...],
    price_of: Callable[[int], int | None],
) -> tuple[tuple[Target, ...], tuple[Order, ...]]:
    """R7, R12: weights become quantities, and orders from what is held to them.

    price_of: the price of a symbol in ticks; one without a price has the quantity 0 and no order.
    """
    base = sizing_base(scenario, state)
    targets, orders = [], []
    for rank, (symbol, weight) in enumerate(weights):
        price = price_of(symbol)
        quantity = 0 if price is None else target_quantity(scenario, base, weight, price)
        target = Target(symbol, rank, weight, quantity)
        targets.append(target)
        order = None if price is None else _target_order(scenario, state, decided_at, target, price, number)
        if order is not None:
            orders.append(order)
    return tuple(targets), tuple(orders)


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
    state: State, market: Market, t: int, fired: Mapping[int, str], choice: Choice, number: int
) -> list[Order]:
    """R8: what is held, is no target, is present and has no exit order, is ordered closed."""
    wanted = {symbol for symbol, _ in choice.weights}
    return [
        _close(state, t, symbol, REBALANCE, number)
        for symbol in sorted(state.positions)
        if symbol not in wanted and symbol not in fired and market.present.item(t, symbol)
    ]


def _close(state: State, t: int, symbol: int, reason: str, number: int | None) -> Order:
    return _order(t, symbol, -state.positions[symbol].quantity, reason, number)


def _target_order(
    scenario: Scenario, state: State, decided_at: int, target: Target, price: int, number: int
) -> Order | None:
    """R7: from what is held to the target, unless the difference is within the band or too small (R11)."""
    position = state.positions.get(target.symbol)
    delta = target.quantity - (0 if position is None else position.quantity)
    if delta == 0 or abs(delta) <= mul_floor(abs(target.quantity), scenario.strategy.band):
        return None
    if target.quantity != 0 and abs(delta) * price < scenario.strategy.minimum_notional:
        return None
    return _order(decided_at, target.symbol, delta, REBALANCE, number)


def _order(t: int, symbol: int, signed: int, reason: str, number: int | None) -> Order:
    return Order(t, symbol, BUY if signed > 0 else SELL, abs(signed), reason, number)
