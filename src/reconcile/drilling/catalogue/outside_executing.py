"""Faults of executing, booking and reporting that no hypothesis describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from reconcile.drilling.catalogue.reports import Cells, Rewrite, cells
from reconcile.drilling.clean_run import (
    CleanRun,
    at_bars,
    at_executions,
    at_fills,
    at_orders,
    at_positions,
    at_targets,
    is_exit,
)
from reconcile.drilling.model import Fault, Hit, Patch, Reported, Where
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.matching.model import Stage
from reference import Decision, Execution
from vocabulary.market import Market
from vocabulary.state import Fill, Side, Status

BUY, SELL = Side.BUY, Side.SELL
ORDER, STATUS, QUANTITY, PRICE, COST = Stage.ORDER, Stage.STATUS, Stage.QUANTITY, Stage.PRICE, Stage.COST
POSITION, MARK, CASH = Stage.POSITION, Stage.MARK, Stage.CASH
EXECUTING, MARKING = "executing.py", "marking.py"
FEE = "    return mul(notional, settings.fee_rate)"
RAW = "raws[i] = panel.price[t, np.uint64(tables.orders[O_SYMBOL, first + i])]"
FILLED = "    price = slipped(settings, account, raw, side)"
CLOSED = "panel.close[t, np.uint64(tables.orders[O_SYMBOL, first + i])]"
VALUED = "    account[MARKET_VALUE] = worth"
WORTH = "value, beyond = checked_product(quantity, known)"


def _patch(name: str, ground: str, where: Where, *patches: tuple[str, str, str]) -> Fault:
    return Fault(name, ground, tuple(Patch(*patch) for patch in patches), where)


# Where


def _gap(fill: Fill) -> int:
    """The slippage of a share in ticks."""
    return fill.slippage // fill.quantity


def _halting(clean: CleanRun, bar: int, execution: Execution, cash: int) -> bool:
    return execution.filled > 0 and (bar + execution.order.symbol) % 11 == 3


def _short_held(clean: CleanRun, bar: int) -> bool:
    return any(position.quantity < 0 for position in clean.days[bar].state.positions.values())


def _absent(clean: CleanRun, bar: int, symbol: int) -> bool:
    return not bool(clean.market.present[bar, symbol])


def _rounds_up(clean: CleanRun, bar: int, symbol: int) -> bool:
    position = clean.days[bar].state.positions[symbol]
    size = abs(position.quantity)
    return (2 * position.basis + size) // (2 * size) != position.basis // size


def _reduced_or_reopened(clean: CleanRun) -> Iterator[Hit]:
    """Positions that were sold in part, or whole once and opened again."""
    closed: set[int] = set()
    for day in clean.days:
        for execution in day.executions:
            fill = execution.fill
            if fill is None:
                continue
            held = clean.before[day.bar].positions.get(fill.symbol)
            after = day.state.positions.get(fill.symbol)
            against = held is not None and (held.quantity > 0) != (fill.side is BUY)
            if after is None:
                closed.add(fill.symbol)
            elif against or (held is None and fill.symbol in closed):
                yield clean.hit(POSITION, day.bar, fill.symbol)


# Hooks


def _priced(change: Callable[[Moment, Fill], int]) -> Hooks:
    """Another fill price, in ticks; notional with it, commission and slippage as they were."""

    def executed(at: Moment, execution: Execution) -> Execution:
        fill = execution.fill
        if fill is None:
            return execution
        price = change(at, fill)
        return replace(execution, fill=replace(fill, price=price, notional=price * fill.quantity))

    return Hooks(executed=executed)


def _charged(more: Callable[[Moment, Fill], int]) -> Hooks:
    """More commission, in money."""

    def executed(at: Moment, execution: Execution) -> Execution:
        fill = execution.fill
        if fill is None:
            return execution
        return replace(execution, fill=replace(fill, commission=fill.commission + more(at, fill)))

    return Hooks(executed=executed)


def _larger(at: Moment, decision: Decision) -> Decision:
    """Buys of every fifth symbol a lot larger."""
    orders = (
        replace(order, quantity=order.quantity + 1) if order.side is BUY and order.symbol % 5 == 1 else order
        for order in decision.orders
    )
    return replace(decision, orders=tuple(orders))


# Reports

UNIT = 10_000
"""A currency unit, in money."""


def _reported(name: str, ground: str, rewrite: Rewrite, where: Where) -> Fault:
    return Fault(name, ground, (Reported(rewrite),), where)


def _cut(table: str, column: str, unit: int) -> Rewrite:
    return cells(table, lambda values, market: {**values, column: values[column] // unit * unit})


def _swapped(values: Cells, market: Market) -> Cells:
    return {**values, "commission": values["slippage"], "slippage": values["commission"]}


def _ranked_from_one(values: Cells, market: Market) -> Cells:
    return {**values, "rank": values["rank"] + 1}


def _one_reason(values: Cells, market: Market) -> Cells:
    """Every order has the reason of a rebalance, the last of the words in its dictionary."""
    return {**values, "reason": np.full_like(values["reason"], values["reason"].max())}


def _some_halved(values: Cells, market: Market) -> Cells:
    some = values["symbol"] % 6 == 4
    return {**values, "quantity": np.where(some, values["quantity"] // 2, values["quantity"])}


def _drifting(values: Cells, market: Market) -> Cells:
    return {**values, "equity": values["equity"] + np.arange(len(values["equity"])) ** 2}


def _is_not_round(name: str, unit: int) -> Callable[[CleanRun, int], bool]:
    return lambda clean, bar: getattr(clean.days[bar].valuation, name) % unit != 0


FAULTS: tuple[Fault, ...] = (
    _patch("a unit more commission", "long", at_fills(COST), (EXECUTING, FEE, FEE + " + 1")),
    _patch("commission of 50 at most", "long", at_fills(COST, lambda h, t, x: x.commission > 500_000),
           (EXECUTING, FEE, "    return min(500_000, mul(notional, settings.fee_rate))")),
    _patch("slippage of three cents at least", "long", at_fills(PRICE, lambda h, t, x: _gap(x) < 300),
           (EXECUTING, "slip = mul(raw, slip)", "slip = max(300, mul(raw, slip))")),
    _patch("sells slip upwards", "short", at_fills(PRICE, lambda h, t, x: x.side is SELL),
           (EXECUTING, "max(1, raw - slip) if", "max(1, raw + slip) if")),
    _patch("filled at the close every fifth bar", "long",
           at_fills(PRICE, lambda h, t, x: t % 5 == 3
                    and h.market.open[t, x.symbol] != h.market.close[t, x.symbol]),
           (EXECUTING, RAW, RAW + " if t % 5 != 3 else " + CLOSED)),
    _patch("a lot left unbought", "long",
           at_executions(QUANTITY, lambda h, t, x, cash: x.status is Status.REDUCED),
           (EXECUTING, "    return cover + low * lot\n", "    return max(cover, cover + low * lot - 1)\n")),
    _patch("no fill above 2,500 shares", "long",
           at_executions(QUANTITY, lambda h, t, x, cash: x.filled > 2500),
           (EXECUTING, "= orders[O_QUANTITY, order]", "= min(2500, orders[O_QUANTITY, order])")),
    _patch("trading halts by turns", "long", at_executions(STATUS, _halting),
           (EXECUTING, "    if raw <= 0:\n", "    if raw <= 0 or (t + np.int64(s)) % 11 == 3:\n")),
    _patch("interest on cash", "long", at_bars(CASH),
           (MARKING, VALUED, "    account[CASH] += account[CASH] // 10_000 if final else 0\n" + VALUED)),
    _patch("a fee for what is short", "short", at_bars(CASH, _short_held),
           (MARKING, WORTH,
            WORTH + "\n        if quantity < 0 and final:\n            account[CASH] += value // 10_000")),
    _patch("absent symbols are worth nothing", "long", at_positions(MARK, _absent),
           (MARKING, WORTH, WORTH.replace("known", "close"))),
    _patch("entry prices cut", "short", at_positions(POSITION, _rounds_up),
           (EXECUTING, "entry_of(basis, abs(after))", "basis // abs(after)")),
    _patch("sales leave the basis", "long", _reduced_or_reopened,
           (EXECUTING, "basis -= removed", "basis -= 0")),
    Fault("buys of some symbols a lot larger", "long", (Hooks(decided=_larger),),
          at_orders(ORDER, lambda h, t, x: x.side is BUY and x.symbol % 5 == 1)),
    Fault("some symbols filled a cent higher", "short",
          (_priced(lambda at, x: x.price + (100 if x.symbol % 4 == 2 else 0)),),
          at_fills(PRICE, lambda h, t, x: x.symbol % 4 == 2)),
    Fault("a fee by the number of shares", "tight", (_charged(lambda at, x: x.quantity * 7),),
          at_fills(COST)),
    Fault("a fee on large orders", "short",
          (_charged(lambda at, x: 25_000 if x.quantity > 1_000 else 0),),
          at_fills(COST, lambda h, t, x: x.quantity > 1_000)),
    _reported("cash told in whole units", "long", _cut("equity", "cash", UNIT),
           at_bars(Stage.CASH, _is_not_round("cash", UNIT))),
    _reported("equity told in thousands", "short", _cut("equity", "equity", 1000 * UNIT),
           at_bars(Stage.EQUITY, _is_not_round("equity", 1000 * UNIT))),
    _reported("equity that drifts", "tight", cells("equity", _drifting),
           at_bars(Stage.EQUITY, lambda h, t: t > 0)),
    _reported("fill prices told in ten cents", "tight", _cut("fills", "price", 1000),
           at_fills(Stage.PRICE, lambda h, t, x: x.price % 1000 != 0)),
    _reported("commission and slippage change places", "long", cells("fills", _swapped),
           at_fills(Stage.COST, lambda h, t, x: x.commission != x.slippage)),
    _reported("ranks told from one", "long", cells("targets", _ranked_from_one),
           at_targets(lambda h, t, x: True)),
    _reported("weights told to a thousandth", "short", _cut("targets", "weight", 1_000_000),
           at_targets(lambda h, t, x: x.weight % 1_000_000 != 0)),
    _reported("exits told as rebalances", "long", cells("orders", _one_reason),
           at_orders(Stage.ORDER, lambda h, t, x: is_exit(x))),
    _reported("some positions told by half", "long", cells("positions", _some_halved),
           at_positions(Stage.POSITION, lambda h, t, s: s % 6 == 4)),
)  # fmt: skip
