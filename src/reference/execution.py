"""Section E: an order meets its bar and the cash."""

from __future__ import annotations

from collections.abc import Sequence as Many

from reference.marking import mark_at
from reference.orders import met_price
from reference.results import Execution
from reference.units import mul
from vocabulary.market import Market
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
    CashPolicy,
    CommissionBase,
    OrdersStrategy,
    Scenario,
    Sequence,
    SizeAt,
    Timing,
)
from vocabulary.state import Fill, Order, OrderType, Side, State, Status

# Looked up once: naming an enum's member is slow, and there is an order or more an event.
BUY, SELL = Side.BUY, Side.SELL
FILLED, REDUCED = Status.FILLED, Status.REDUCED
NEXT_OPEN = Timing.NEXT_OPEN
MARKET, LIMIT = OrderType.MARKET, OrderType.LIMIT


def sequence(scenario: Scenario, orders: Many[Order], market: Market) -> tuple[Order, ...]:
    """E1: orders, given in submission order, in the order in which they meet the cash."""
    # `sorted` leaves equals as they stand: in submission order.
    match scenario.execution.sequence:
        case Sequence.SELLS_FIRST:
            return tuple(sorted(orders, key=lambda order: order.side is BUY))
        case Sequence.SUBMISSION:
            return tuple(orders)
        case Sequence.SYMBOL:
            return tuple(sorted(orders, key=lambda order: order.symbol))
        case Sequence.SELLS_FIRST_SYMBOL:
            return tuple(sorted(orders, key=lambda order: (order.side is BUY, order.symbol)))
        case Sequence.VALUE:
            return tuple(sorted(orders, key=lambda order: _signed_value(scenario, order, market)))


def _signed_value(scenario: Scenario, order: Order, market: Market) -> int:
    """E1 `value`: the order at the mark of its decision bar, under R12 at P, else the mark, of the bar after;
    a sell is negative."""
    t, symbol = order.decided_at, order.symbol
    if scenario.strategy.size_at is SizeAt.EXECUTION:
        present = market.present.item(t + 1, symbol)
        price = raw_price(scenario, market, t + 1, symbol) if present else mark_at(market, t, symbol)
    else:
        price = mark_at(market, t, symbol)
    value = order.quantity * price
    return value if order.side is BUY else -value


def execute(scenario: Scenario, state: State, market: Market, t: int, order: Order) -> Execution:
    """E2 to E4, R10: what becomes of one order at bar t, given the cash and position it finds."""
    if not market.present.item(t, order.symbol):
        return Execution(order, Status.NO_BAR, 0, None)
    if order.type is MARKET:
        raw = raw_price(scenario, market, t, order.symbol)
    else:
        met = met_price(scenario, market, t, order)
        if met is None:
            return Execution(order, Status.NOT_MET, 0, None)
        raw = met
    # R10: a limit is not slipped.
    price = raw if order.type is LIMIT else fill_price(scenario, raw, order.side)
    quantity = order.quantity
    if order.side is BUY:
        notional = quantity * price  # E3
        if not _fits(scenario, state, notional, commission_of(scenario, quantity, notional, raw)):
            quantity = _short_of_cash(scenario, state, order, price, raw)
    elif isinstance(scenario.strategy.selection, OrdersStrategy) and not scenario.execution.allow_short:
        quantity = min(quantity, _held(state, order.symbol))
    if quantity == 0:
        return Execution(order, Status.NO_CASH if order.side is BUY else Status.NO_SHARES, 0, None)
    fill = filled(scenario, order, quantity, price, raw)
    return Execution(order, FILLED if quantity == order.quantity else REDUCED, quantity, fill)


def _held(state: State, symbol: int) -> int:
    """The units held long."""
    position = state.positions.get(symbol)
    return 0 if position is None else max(0, position.quantity)


def filled(scenario: Scenario, order: Order, quantity: int, price: int, raw: int) -> Fill:
    """E3, A2: the fill of `quantity` units at `price`, where the raw price is `raw`."""
    notional = quantity * price
    commission = commission_of(scenario, quantity, notional, raw)
    return Fill(order.symbol, order.side, quantity, price, notional, commission, quantity * abs(price - raw))


def raw_price(scenario: Scenario, market: Market, t: int, symbol: int) -> int:
    """T1, T2: P, the open or the close of the execution bar."""
    prices = market.open if scenario.execution.timing is NEXT_OPEN else market.close
    price: int = prices.item(t, symbol)
    return price


def fill_price(scenario: Scenario, raw: int, side: Side) -> int:
    """E2: the raw price with slippage, against the trader; a sell never below one tick."""
    slippage = scenario.costs.slippage
    if slippage is None:
        s = 0
    elif isinstance(slippage, BpsSlippage):
        s = mul(raw, slippage.rate)
    else:
        s = slippage.ticks
    return raw + s if side is BUY else max(1, raw - s)


def commission_of(scenario: Scenario, quantity: int, notional: int, raw: int) -> int:
    """E3: money, for an order that fills `quantity` > 0 units worth `notional`. raw: P, in ticks."""
    commission = scenario.costs.commission
    if commission is None:
        return 0
    if isinstance(commission, BpsCommission):
        on_raw = commission.on is CommissionBase.RAW
        charged = mul(quantity * raw if on_raw else notional, commission.rate)
    else:
        # A unit of 10**-quantity_decimals shares at a currency unit a share is 10**price_decimals money.
        charged = mul(quantity * 10**scenario.market.price_decimals, commission.rate)
    charged = max(charged, commission.minimum)
    # The cap beats the minimum.
    return charged if commission.maximum is None else min(charged, mul(notional, commission.maximum))


def _fits(scenario: Scenario, state: State, notional: int, commission: int) -> bool:
    """E4: whether the cash covers a buy."""
    before_costs = scenario.execution.cash is CashPolicy.REDUCE_BEFORE_COSTS
    return notional + (0 if before_costs else commission) <= state.cash


def _short_of_cash(scenario: Scenario, state: State, order: Order, price: int, raw: int) -> int:
    """E4: how many units fill of a buy that the cash does not cover whole."""
    if scenario.execution.cash is CashPolicy.ALLOW_NEGATIVE:
        return order.quantity
    position = state.positions.get(order.symbol)
    short_held = -position.quantity if position is not None and position.quantity < 0 else 0
    covering = min(order.quantity, short_held)
    if scenario.execution.cash is CashPolicy.REJECT:
        return covering
    # REDUCE: cost never falls as the quantity grows, so the most lots (R11) that fit are found by halving.
    # `low` lots may fill (the cover may, whatever it costs, and so may nothing at all); `high` do not fit.
    lot = scenario.market.lot
    low, high = 0, -((covering - order.quantity) // lot)
    while high - low > 1:
        middle = (low + high) // 2
        quantity = covering + middle * lot
        notional = quantity * price
        if _fits(scenario, state, notional, commission_of(scenario, quantity, notional, raw)):
            low = middle
        else:
            high = middle
    return covering + low * lot
