"""Faults of the loop: between what is decided, what is executed and what is booked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import reference
from reconcile.drilling.clean_run import CleanRun, apart, at_bars, at_fills, at_orders, in_turn, is_exit
from reconcile.drilling.model import Fault, Hit, Setting, Where
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.hypotheses import execution, exits, fees, queue, selection
from reconcile.explaining.model import Change
from reconcile.matching.model import Stage
from reference import Decision, Execution, commission_of
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Fill, Order, Position, Side, State, Status

BUY, SELL = Side.BUY, Side.SELL
ORDER, STATUS, COST, CASH, POSITION = Stage.ORDER, Stage.STATUS, Stage.COST, Stage.CASH, Stage.POSITION
FROM = 30
"""The bar from which some faults hold."""

WhichOrder = Callable[[Order], bool]


# Hooks


def unsent(which: WhichOrder) -> Hooks:
    """Orders that are decided and never sent."""

    def decided(at: Moment, decision: Decision) -> Decision:
        return replace(decision, orders=tuple(order for order in decision.orders if not which(order)))

    return Hooks(decided=decided)


def delayed(which: WhichOrder) -> Hooks:
    """Orders that arrive a bar late."""

    return Hooks(delay=lambda at, order: int(which(order)))


def refused(which: Callable[[Moment, Fill], bool]) -> Hooks:
    """Fills that never happen; the status of their orders is that of no bar."""

    def executed(at: Moment, execution: Execution) -> Execution:
        if execution.fill is None or not which(at, execution.fill):
            return execution
        return Execution(execution.order, Status.NO_BAR, 0, None)

    return Hooks(executed=executed)


def charged(change: Callable[[Moment, Fill], int]) -> Hooks:
    """Another commission. change: from a fill to its commission in money."""

    def executed(at: Moment, execution: Execution) -> Execution:
        if execution.fill is None:
            return execution
        return replace(execution, fill=replace(execution.fill, commission=change(at, execution.fill)))

    return Hooks(executed=executed)


def unbooked(which: Callable[[Moment, Fill], bool]) -> Hooks:
    """Fills that are recorded and never enter the book."""

    def booked(at: Moment, after: State, execution: Execution) -> State:
        assert execution.fill is not None
        return at.state if which(at, execution.fill) else after

    return Hooks(booked=booked)


def booked_twice(which: Callable[[Moment, Fill], bool]) -> Hooks:
    """Fills that enter the book twice."""

    def booked(at: Moment, after: State, execution: Execution) -> State:
        fill = execution.fill
        assert fill is not None
        if not which(at, fill):
            return after
        signed = fill.quantity if fill.side is BUY else -fill.quantity
        positions = dict(after.positions)
        held = positions.get(fill.symbol)
        if held is None:
            positions[fill.symbol] = Position(signed, fill.notional, at.bar, fill.price, fill.price)
        else:
            positions[fill.symbol] = replace(
                held, quantity=held.quantity + signed, basis=held.basis + fill.notional
            )
        cash = after.cash - signed * fill.price - fill.commission
        return replace(after, positions=positions, cash=cash, commissions=after.commissions + fill.commission)

    return Hooks(booked=booked)


def with_cash(change: Callable[[Moment, Fill], int]) -> Hooks:
    """Cash that is off after a fill. change: by how much, in money."""

    def booked(at: Moment, after: State, execution: Execution) -> State:
        assert execution.fill is not None
        return replace(after, cash=after.cash + change(at, execution.fill))

    return Hooks(booked=booked)


def met_backwards(orders: Sequence[Order]) -> Sequence[Order]:
    """Sells before buys, each from the last symbol to the first."""
    return sorted(orders, key=lambda order: (order.side is BUY, -order.symbol))


def at_own_open(at: Moment, order: Order) -> Scenario:
    """What the close decides meets the open of its own bar."""
    return replace(at.scenario, execution=replace(at.scenario.execution, timing=Timing.NEXT_OPEN))


def sent_if_paid(at: Moment, decision: Decision) -> Decision:
    """Only orders that the cash covers at the close, sells first; what is refused counts as spent."""
    cash, sent = at.state.cash, set()
    for order in sorted(decision.orders, key=lambda order: order.side is BUY):
        notional = order.quantity * int(at.market.close[at.bar, order.symbol])
        fee = commission_of(at.scenario, order.quantity, notional, notional // order.quantity)
        cash += (notional if order.side is SELL else -notional) - fee
        if cash >= 0:
            sent.add((order.symbol, order.side))
    return replace(decision, orders=tuple(o for o in decision.orders if (o.symbol, o.side) in sent))


def without_substitutes(at: Moment, decision: Decision) -> Decision:
    """The symbols that would be chosen if no exit barred any, less those that one bars."""
    if decision.rebalance is None:
        return decision
    closing = [
        order for order in decision.orders if order.reason in {rule.name for rule in at.scenario.exits}
    ]
    out = {order.symbol for order in closing} | {s for s, last in at.state.barred.items() if last >= at.bar}
    asked = reference.decide(at.scenario, replace(at.state, barred={}), at.market, at.bar, {})
    targets = tuple(each for each in asked.targets if each.symbol not in out)
    orders = (*closing, *(each for each in asked.orders if each.symbol not in out))
    return replace(decision, targets=targets, orders=orders)


def _less_chosen(clean: CleanRun) -> Iterator[Hit]:
    for day in clean.days:
        at = Moment(clean.ground.scenario, clean.market, day.bar, clean.deciding(day.bar))
        other = replace(day, decision=without_substitutes(at, day.decision))
        yield from apart(clean, Stage.TARGET, day, other)


def _refused_by_cash(clean: CleanRun, bar: int, order: Order) -> bool:
    day, before = clean.days[bar], clean.before[bar]
    cash = day.state.cash if clean.ground.scenario.execution.timing is not Timing.SAME_CLOSE else before.cash
    at = Moment(clean.ground.scenario, clean.market, bar, replace(day.state, cash=cash))
    return order not in sent_if_paid(at, day.decision).orders


# Where


def _order(which: WhichOrder) -> Where:
    return at_orders(ORDER, lambda clean, bar, order: which(order))


def _fill(stage: Stage, which: Callable[[CleanRun, int, Fill], bool]) -> Where:
    return at_fills(stage, which)


def _filled(which: Callable[[int, Fill], bool]) -> Callable[[CleanRun, int], bool]:
    return lambda clean, bar: any(
        e.fill is not None and which(bar, e.fill) for e in clean.days[bar].executions
    )


def _reason(*names: str) -> WhichOrder:
    return lambda order: order.reason in names


def _of(symbol: int) -> WhichOrder:
    return lambda order: order.symbol == symbol


FAULTS: tuple[Fault, ...] = (
    Fault("stop loss not sent", "short", (unsent(_reason("stop_loss")),), _order(_reason("stop_loss")),
          (Change(exits.EXIT_UNSENT, "stop_loss"),)),
    Fault("no exit is sent", "long", (unsent(is_exit),), _order(is_exit), (Change(exits.EXIT_UNSENT, "*"),)),
    Fault("orders of one symbol lost", "long", (unsent(_of(7)),), _order(_of(7)),
          (Change(execution.ORDER_LOST, symbols=(7,)),)),
    Fault("sells of one symbol refused", "short",
          (refused(lambda at, fill: fill.symbol == 4),), _fill(STATUS, lambda h, t, fill: fill.symbol == 4),
          (Change(execution.FILL_DROPPED, symbols=(4,)),)),
    Fault("a bar late on sells", "tight", (delayed(lambda order: order.side is SELL),),
          _order(lambda order: order.side is SELL), (Change(execution.ORDER_LATE, 1, side=SELL),)),
    Fault("orders met from the last symbol to the first", "long",
          (Hooks(sequenced=lambda at, orders, turn: met_backwards(orders)),),
          in_turn(STATUS, met_backwards), (Change(queue.QUEUE, "symbols backwards"),)),
    Fault("filled at the open before the decision", "long",
          (Setting("execution.timing", "same_close"), Hooks(meets=at_own_open)),
          _fill(STATUS, lambda h, t, fill: True), (Change(queue.OWN_OPEN),)),
    Fault("cash asked for at submission", "tight", (Hooks(decided=sent_if_paid),),
          at_orders(ORDER, _refused_by_cash), (Change(queue.CHECKED_AT_SUBMISSION),)),
    Fault("barred symbols ranked", "long", (Hooks(decided=without_substitutes),), _less_chosen,
          (Change(selection.BARRED_RANKED),)),
    Fault("commission twice from March on", "long",
          (charged(lambda at, fill: fill.commission * (2 if at.bar >= FROM else 1)),),
          _fill(COST, lambda h, t, fill: t >= FROM), (Change(fees.COMMISSION_FACTOR, 2, since=FROM),)),
    Fault("commission twice for one symbol", "short",
          (charged(lambda at, fill: fill.commission * (2 if fill.symbol == 2 else 1)),),
          _fill(COST, lambda h, t, fill: fill.symbol == 2),
          (Change(fees.COMMISSION_FACTOR, 2, symbols=(2,)),)),
    Fault("commission paid out", "long", (charged(lambda at, fill: -fill.commission),),
          _fill(COST, lambda h, t, fill: True), (Change(fees.COMMISSION_FACTOR, -1),)),
    Fault("commission twice on buys", "short",
          (charged(lambda at, fill: fill.commission * (2 if fill.side is BUY else 1)),),
          _fill(COST, lambda h, t, fill: fill.side is BUY), (Change(fees.COMMISSION_FACTOR, 2, side=BUY),)),
    Fault("fills of one symbol unbooked", "long", (unbooked(lambda at, fill: fill.symbol == 9),),
          _fill(POSITION, lambda h, t, fill: fill.symbol == 9),
          (Change(execution.FILL_UNBOOKED, symbols=(9,)),)),
    Fault("buys of one symbol booked twice", "tight",
          (booked_twice(lambda at, fill: fill.side is BUY and fill.symbol == 1),),
          _fill(POSITION, lambda h, t, fill: fill.side is BUY and fill.symbol == 1),
          (Change(execution.FILL_BOOKED_TWICE, symbols=(1,), side=BUY),)),
    Fault("one symbol's sales bring no cash", "tight",
          (with_cash(lambda at, fill: -fill.notional if fill.side is SELL and fill.symbol == 1 else 0),),
          at_bars(CASH, _filled(lambda t, fill: fill.side is SELL and fill.symbol == 1)),
          (Change(execution.CASH_NOT_CREDITED, symbols=(1,)),)),
    Fault("commission not paid", "tight", (with_cash(lambda at, fill: fill.commission),),
          at_bars(CASH, _filled(lambda t, fill: True)), (Change(execution.COMMISSION_NOT_PAID),)),
)  # fmt: skip
