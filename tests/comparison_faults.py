"""Faults planted in a correct ledger, of two sorts kept apart.

Recorded: one table's row or cell is wrong and nothing follows. Lived: the program really did it, and
everything after follows. EXPECTED says for each its stage and type.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tests import comparison_kit as kit

import reference
from reconcile.matching.model import BreakType, Stage
from reference import Day, Execution
from vocabulary.ledger import KEYS, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing
from vocabulary.state import Fill, Order, Side, State, Status

EXPECTED: dict[str, tuple[Stage, BreakType]] = {
    # recorded
    "target quantity": (Stage.TARGET, BreakType.TARGET),
    "target symbol": (Stage.TARGET, BreakType.TARGET),
    "target dropped": (Stage.TARGET, BreakType.MISSING),
    "order quantity": (Stage.ORDER, BreakType.ORDER),
    "order sign": (Stage.ORDER, BreakType.ORDER),
    "order symbol": (Stage.ORDER, BreakType.ORDER),
    "order dropped": (Stage.ORDER, BreakType.MISSING),
    "order doubled": (Stage.ORDER, BreakType.DUPLICATE),
    "order status": (Stage.STATUS, BreakType.STATUS),
    "order filled": (Stage.QUANTITY, BreakType.QUANTITY),
    "fill quantity": (Stage.QUANTITY, BreakType.QUANTITY),
    "fill price": (Stage.PRICE, BreakType.PRICE),
    "fill fee": (Stage.COST, BreakType.COST),
    "fill sign": (Stage.ORDER, BreakType.ORDER),
    "fill symbol": (Stage.ORDER, BreakType.ORDER),
    "fill dropped": (Stage.STATUS, BreakType.MISSING),
    "fill doubled": (Stage.STATUS, BreakType.DUPLICATE),
    "fill shifted": (Stage.STATUS, BreakType.TIMING),
    "position quantity": (Stage.POSITION, BreakType.POSITION),
    "position sign": (Stage.POSITION, BreakType.POSITION),
    "position symbol": (Stage.POSITION, BreakType.POSITION),
    "position dropped": (Stage.POSITION, BreakType.MISSING),
    "position doubled": (Stage.POSITION, BreakType.DUPLICATE),
    "stale mark": (Stage.MARK, BreakType.MARK),
    "bar's fees": (Stage.COST, BreakType.COST),
    "cash misprinted": (Stage.CASH, BreakType.CASH),
    "frozen equity": (Stage.EQUITY, BreakType.EQUITY),
    "equity dropped": (Stage.EQUITY, BreakType.MISSING),
    # lived
    "resized": (Stage.ORDER, BreakType.ORDER),
    "refused": (Stage.STATUS, BreakType.STATUS),
    "mispriced": (Stage.PRICE, BreakType.PRICE),
    "overcharged": (Stage.COST, BreakType.COST),
    "late": (Stage.ORDER, BreakType.ORDER),
    "cash not debited": (Stage.CASH, BreakType.CASH),
}
LIVED = ("resized", "refused", "mispriced", "overcharged", "late", "cash not debited")
RECORDED = tuple(sort for sort in EXPECTED if sort not in LIVED)
TABLES = {
    "target": "targets",
    "order": "orders",
    "fill": "fills",
    "position": "positions",
    "stale": "positions",
    "bar's": "costs",
    "cash": "equity",
    "frozen": "equity",
    "equity": "equity",
}


@dataclass(frozen=True)
class Plant:
    """A planted fault. bar: of the first row that is wrong. symbol: None for a bar's own row."""

    sort: str
    bar: int
    symbol: str | None

    @property
    def expected(self) -> tuple[Stage, BreakType]:
        return EXPECTED[self.sort]


# Recorded


def record_fault(
    ledger: Ledger, market: Market, sort: str, bar: int, rng: random.Random
) -> tuple[Ledger, Plant] | None:
    """The ledger with one row of a bar misprinted; None where the bar has none that fits."""
    table = TABLES[sort.split()[0]]
    columns = ledger.tables[table].columns
    stamp = int(market.timestamps[bar])
    rows = np.flatnonzero(columns[KEYS[table][0]].values == stamp).tolist()
    if not rows:
        return None
    row = rng.choice(rows)
    words = columns["symbol"].dictionary if "symbol" in columns else None
    symbol = None if words is None else words[int(columns["symbol"].values[row])]
    made = MISPRINTS[sort](ledger, table, row, market, bar)
    # A freeze shows from the next bar on.
    return None if made is None else (made, Plant(sort, bar + (sort == "frozen equity"), symbol))


def _cell(column: str, change: Callable[[Any], Any]) -> Callable[..., Ledger | None]:
    def misprint(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger | None:
        return kit.edited(ledger, table, column, row, change)

    return misprint


def _flipped(side: str) -> str:
    return "buy" if side == "sell" else "sell"


def _symbol(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger | None:
    """A symbol that has no row of that key."""
    columns = ledger.tables[table].columns
    stamp = columns[KEYS[table][0]].values
    words = columns["symbol"].dictionary or ()
    taken = {words[int(code)] for code in columns["symbol"].values[stamp == stamp[row]]}
    free = [symbol for symbol in market.symbols if symbol not in taken]
    return kit.edited(ledger, table, "symbol", row, free[-1]) if free else None


def _drop(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger:
    return kit.dropping(ledger, table, row)


def _double(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger:
    return kit.doubling(ledger, table, row)


def _shift(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger | None:
    if bar + 1 >= len(market.timestamps):
        return None
    return kit.edited(ledger, table, KEYS[table][0], row, int(market.timestamps[bar + 1]))


def _freeze(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger | None:
    """Equity stands still for three bars, while it really moves."""
    values = ledger.tables["equity"].columns["equity"].values
    if row + 3 >= len(values) or (values[row + 1 : row + 4] == values[row]).any():
        return None
    for later in range(row + 1, row + 4):
        ledger = kit.edited(ledger, "equity", "equity", later, int(values[row]))
    return ledger


def _stale(ledger: Ledger, table: str, row: int, market: Market, bar: int) -> Ledger | None:
    """Yesterday's close."""
    columns = ledger.tables["positions"].columns
    symbol = int(columns["symbol"].values[row])
    old = int(market.close[bar - 1, symbol])
    if bar == 0 or not market.present[bar - 1, symbol] or old == columns["mark"].values[row]:
        return None
    return kit.edited(ledger, "positions", "mark", row, old)


MISPRINTS: dict[str, Callable[..., Ledger | None]] = {
    "target quantity": _cell("quantity", lambda v: v + 3),
    "target symbol": _symbol,
    "target dropped": _drop,
    "order quantity": _cell("quantity", lambda v: v + 5),
    "order sign": _cell("side", _flipped),
    "order symbol": _symbol,
    "order dropped": _drop,
    "order doubled": _double,
    "order status": _cell("status", lambda v: "no_bar" if v != "no_bar" else "filled"),
    "order filled": _cell("filled", lambda v: v + 1),
    "fill quantity": _cell("quantity", lambda v: v + 7),
    "fill price": _cell("price", lambda v: v + 11),
    "fill fee": _cell("commission", lambda v: v + 13),
    "fill sign": _cell("side", _flipped),
    "fill symbol": _symbol,
    "fill dropped": _drop,
    "fill doubled": _double,
    "fill shifted": _shift,
    "position quantity": _cell("quantity", lambda v: v + 1 if v != -1 else v + 2),
    "position sign": _cell("quantity", lambda v: -v),
    "position symbol": _symbol,
    "position dropped": _drop,
    "position doubled": _double,
    "stale mark": _stale,
    "bar's fees": _cell("commission", lambda v: v + 17),
    "cash misprinted": _cell("cash", lambda v: v + 19),
    "frozen equity": _freeze,
    "equity dropped": _drop,
}


# Lived


@dataclass
class Life:
    """A run of the reference's parts with faults at chosen bars; `planted` tells which took hold."""

    scenario: Scenario
    market: Market
    faults: dict[int, str]
    rng: random.Random
    planted: list[Plant]
    late: list[Order]


def live(
    scenario: Scenario, market: Market, faults: dict[int, str], rng: random.Random
) -> tuple[Ledger, list[Plant]]:
    """The ledger of a program that does `faults[bar]` at those bars, and what took hold."""
    life = Life(scenario, market, dict(faults), rng, [], [])
    state, days = reference.initial_state(scenario), []
    for t in range(len(market.timestamps)):
        day = _day(life, state, t)
        days.append(day)
        state = day.state
    return reference.ledger_of(scenario, market, days), life.planted


def _day(life: Life, state: State, t: int) -> Day:
    scenario, market = life.scenario, life.market
    if scenario.execution.timing is Timing.SAME_CLOSE:
        state, _ = reference.mark(scenario, state, market, t)
        decision = _decide(life, state, t)
        submitted = decision.orders
    else:
        decision = None
        submitted = state.pending
    submitted = (*life.late, *submitted)
    life.late = []
    state, executions, submitted = _trade(life, state, t, submitted)
    state, valuation = reference.mark(scenario, state, market, t)
    if decision is None:
        decision = _decide(life, state, t)
    state = reference.hand_over(scenario, state, market, t, decision)
    return Day(t, submitted, executions, decision, valuation, state)


def _decide(life: Life, state: State, t: int) -> Any:
    decision = reference.decide(life.scenario, state, life.market, t)
    if life.faults.get(t) != "resized" or not decision.orders:
        return decision
    place = life.rng.randrange(len(decision.orders))
    order = decision.orders[place]
    resized = replace(order, quantity=order.quantity + life.rng.choice([1, order.quantity // 2 + 1]))
    _took_hold(life, t, order)
    orders = (*decision.orders[:place], resized, *decision.orders[place + 1 :])
    return replace(decision, orders=orders)


def _took_hold(life: Life, t: int, order: Order) -> None:
    life.planted.append(Plant(life.faults.pop(t), t, life.market.symbols[order.symbol]))


def _trade(
    life: Life, state: State, t: int, orders: tuple[Order, ...]
) -> tuple[State, tuple[Execution, ...], tuple[Order, ...]]:
    scenario, market = life.scenario, life.market
    fault = life.faults.get(t)
    chosen = life.rng.randrange(len(orders)) if orders else -1
    last = t == len(market.timestamps) - 1
    if fault == "late" and orders and not last and orders[chosen] not in life.late:
        order = orders[chosen]
        life.faults.pop(t)
        life.planted.append(Plant("late", order.decided_at, market.symbols[order.symbol]))
        life.late.append(order)
        orders = tuple(other for other in orders if other is not order)
    executions = []
    for order in reference.sequence(scenario, orders, market):
        done = reference.execute(scenario, state, market, t, order)
        if t in life.faults and order is orders[chosen % len(orders)] and done.fill is not None:
            state, done = _wrong(life, state, t, done)
        elif done.fill is not None:
            state = reference.book(scenario, state, market, t, done.fill)
        executions.append(done)
    return state, tuple(executions), orders


def _wrong(life: Life, state: State, t: int, done: Execution) -> tuple[State, Execution]:
    """One order that would have filled, done wrong."""
    scenario, market, fault = life.scenario, life.market, life.faults[t]
    fill = done.fill
    assert fill is not None
    if fault == "refused":
        _took_hold(life, t, done.order)
        life.planted[-1] = replace(life.planted[-1], bar=done.order.decided_at)
        return state, Execution(done.order, Status.NO_CASH, 0, None)
    if fault == "mispriced":
        raw = fill.price - fill.slippage // fill.quantity * (1 if fill.side is Side.BUY else -1)
        price = fill.price + life.rng.choice([1, 5])
        fill = _priced(scenario, fill, price, raw)
    elif fault == "overcharged":
        fill = replace(fill, commission=fill.commission + life.rng.choice([1, 100]))
    elif fault != "cash not debited":
        return reference.book(scenario, state, market, t, fill), done
    _took_hold(life, t, done.order)
    after = reference.book(scenario, state, market, t, fill)
    if life.planted[-1].sort == "cash not debited":
        life.planted[-1] = replace(life.planted[-1], symbol=None)
        after = replace(after, cash=state.cash)
    return after, Execution(done.order, done.status, done.filled, fill)


def _priced(scenario: Scenario, fill: Fill, price: int, raw: int) -> Fill:
    from reference import commission_of

    notional = fill.quantity * price
    return replace(
        fill,
        price=price,
        notional=notional,
        commission=commission_of(scenario, fill.quantity, notional, raw),
        slippage=fill.quantity * abs(price - raw),
    )
