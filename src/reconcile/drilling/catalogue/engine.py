"""Faults of the engine that a hypothesis describes: its source with a line changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import reference
from reconcile.drilling.catalogue.inputs import column, zero_filled
from reconcile.drilling.clean_run import (
    CleanRun,
    as_if,
    at_bars,
    at_fills,
    at_orders,
    at_targets,
    decided_from,
    eligible_again,
    in_turn,
    is_exit,
)
from reconcile.drilling.model import Data, Fault, Patch, Setting, Where
from reconcile.explaining.hypotheses import (
    costs,
    execution,
    exits,
    features,
    fees,
    prices,
    rounding,
    selection,
    sizing,
    sizing_base,
)
from reconcile.explaining.model import Change, Hypothesis, Value
from reconcile.matching.model import Stage
from vocabulary.state import Fill, Order, Side, State, Target

BUY, SELL = Side.BUY, Side.SELL
TARGET, ORDER, STATUS, QUANTITY = Stage.TARGET, Stage.ORDER, Stage.STATUS, Stage.QUANTITY
PRICE, COST, CASH = Stage.PRICE, Stage.COST, Stage.CASH


def _fault(name: str, ground: str, patch: tuple[str, str, str], where: Where, *causes: Change) -> Fault:
    return Fault(name, ground, (Patch(*patch),), where, causes)


def _setting(hypothesis: Hypothesis, path: str, value: Value, side: Side | None = None) -> Change:
    return Change(hypothesis, (path, value), side=side)


def _sells(clean: CleanRun, bar: int, fill: Fill) -> bool:
    return fill.side is SELL


def _buys(clean: CleanRun, bar: int, fill: Fill) -> bool:
    return fill.side is BUY


def _exit(*reasons: str) -> Callable[[CleanRun, int, Order], bool]:
    return lambda clean, bar, order: is_exit(order) and (not reasons or order.reason in reasons)


def _sold(clean: CleanRun, bar: int) -> bool:
    return any(e.fill is not None and e.fill.side is SELL for e in clean.days[bar].executions)


def _bought(clean: CleanRun, bar: int) -> bool:
    return any(e.fill is not None and e.fill.side is BUY for e in clean.days[bar].executions)


def _slips_half_a_tick(clean: CleanRun, bar: int, fill: Fill) -> bool:
    """Slippage of 5 bps that is rounded up."""
    return int(clean.market.open[bar, fill.symbol]) * 5 % 10_000 >= 5_000


def _half_a_share(clean: CleanRun, bar: int, target: Target) -> bool:
    """A target that lacks at least half a share."""
    base = reference.sizing_base(clean.ground.scenario, clean.deciding(bar))
    close = int(clean.market.close[bar, target.symbol])
    return 2 * (base * target.weight % (10**9 * close)) >= 10**9 * close


def _other_at_the_open(clean: CleanRun, bar: int, target: Target) -> bool:
    """A target that the open of its bar makes another."""
    base = reference.sizing_base(clean.ground.scenario, clean.deciding(bar))
    return _is_other(target, base, int(clean.market.open[bar, target.symbol]))


def _other_on_cash(clean: CleanRun, bar: int, target: Target) -> bool:
    """A target that is another as a share of the cash."""
    cash = max(0, clean.deciding(bar).cash)
    return _is_other(target, cash, int(clean.market.close[bar, target.symbol]))


def _is_other(target: Target, base: int, price: int) -> bool:
    """Whether a target has another quantity where it is a share of this base, at this price."""
    return base * abs(target.weight) // (10**9 * price) != abs(target.quantity)


def _peaks_at_entry(clean: CleanRun, bar: int, state: State) -> State:
    """Positions whose peak is their entry price."""
    positions = {s: replace(one, peak=reference.entry_price(one)) for s, one in state.positions.items()}
    return replace(state, positions=positions)


DECIDING, EXECUTING, EXITS, PLAN, SELECTING = (
    "deciding.py",
    "executing.py",
    "exits.py",
    "plan.py",
    "selecting.py",
)
RAW = "        raws[i] = panel.price[t, np.uint64(tables.orders[O_SYMBOL, first + i])]"
EARLIER = (
    "\n        before = panel.close[t - 1, np.uint64(tables.orders[O_SYMBOL, first + i])]"
    "\n        raws[i] = before if min(before, raws[i]) > 0 else raws[i]"
)
FEE = "    return mul(notional, settings.fee_rate)"
CHARGED = "    if fee == TOO_LARGE:\n        account[FAULT] = BAD_COMMISSION"
FILLED = "    price = slipped(settings, account, raw, side)"
SIZED = "        size = quantity_for(base, abs(weight), book.chosen_closes[k])"
HALF_UP = (
    "\n        unsized = mul_floor(base, abs(weight)) - size * book.chosen_closes[k]"
    "\n        size += np.int64(2 * unsized >= book.chosen_closes[k])"
)
VIX = (("context", "vix"), ("min", 30.0))

FAULTS: tuple[Fault, ...] = (
    _fault("gate never asked", "long",
           (PLAN, "    if gate is None:\n        return True", "    return True"),
           as_if(TARGET, Setting("strategy.gate", None)),
           _setting(selection.GATE, "strategy.gate", None), Change(features.CONTEXT_ZERO, "vix")),
    _fault("gate turned round", "long",
           (PLAN, "return values <= gate.value if", "return values >= gate.value if"),
           as_if(TARGET, Setting("strategy.gate", {"context": "vix", "min": 30.0})),
           _setting(selection.GATE, "strategy.gate", VIX)),
    _fault("missing vix opens the gate", "long",
           (PLAN, "return values <= gate.value if", "return ~(values > gate.value) if"),
           as_if(TARGET, Data(zero_filled("vix"))),
           Change(features.CONTEXT_ZERO_FILLED, "vix")),
    _fault("commission doubled", "long",
           (EXECUTING, FEE, "    return mul(notional, 2 * settings.fee_rate)"),
           at_fills(COST),
           _setting(costs.COMMISSION, "costs.commission", (("kind", "bps"), ("rate", "10"), ("minimum",
           "0")))),
    _fault("commission never charged", "long",
           (EXECUTING, "    if settings.fee == NO_COST:\n        return 0", "    if True:\n        return 0"),
           at_fills(COST),
           _setting(costs.COMMISSION, "costs.commission", None), Change(fees.COMMISSION_FACTOR, 0)),
    _fault("commission minimum not read", "short",
           (EXECUTING, "fee < settings.fee_minimum", "fee < 0"),
           as_if(COST, Setting("costs.commission", {"kind": "per_share", "rate": "0.01"})),
           _setting(costs.COMMISSION, "costs.commission",
                    (("kind", "per_share"), ("rate", "0.01"), ("minimum", "0")))),
    _fault("commission twice on sells", "long",
           (EXECUTING, CHARGED, "    if side == SELL:\n        fee += fee\n" + CHARGED),
           at_fills(COST, _sells),
           Change(fees.COMMISSION_FACTOR, 2, side=SELL)),
    _fault("commission not on buys", "tight",
           (EXECUTING, CHARGED, "    if side == BUY:\n        fee = 0\n" + CHARGED),
           at_fills(COST, _buys),
           Change(fees.COMMISSION_FACTOR, 0, side=BUY),
           _setting(costs.COMMISSION, "costs.commission", None, BUY)),
    _fault("slippage never charged", "long",
           (EXECUTING, "if settings.slip == NO_COST:\n", "if True:\n"),
           at_fills(PRICE),
           _setting(costs.SLIPPAGE, "costs.slippage", None)),
    _fault("slippage doubled", "long",
           (EXECUTING, "slip = mul(raw, slip)", "slip = mul(raw, 2 * slip)"),
           at_fills(PRICE),
           _setting(costs.SLIPPAGE, "costs.slippage", (("kind", "bps"), ("rate", "10")))),
    _fault("slippage on buys only", "long",
           (EXECUTING, "        return max(1, raw - slip) if slip != TOO_LARGE else 1", "        return raw"),
           at_fills(PRICE, _sells),
           _setting(costs.SLIPPAGE, "costs.slippage", None, SELL)),
    _fault("filled at the close", "long",
           (PLAN, "_shared(market.open if at_open", "_shared(market.close if at_open"),
           at_fills(PRICE),
           Change(prices.EXECUTION_PRICE, ("close", 0)),
           _setting(execution.TIMING, "execution.timing", "next_close")),
    _fault("filled at the close that decided", "long",
           (EXECUTING, RAW, RAW + EARLIER),
           at_fills(PRICE),
           Change(prices.EXECUTION_PRICE, ("close", 1))),
    _fault("sized on the initial cash", "long",
           (DECIDING, "if settings.size_on_equity else", "if False else"),
           as_if(TARGET, Setting("strategy.size_on", "initial_cash")),
           _setting(sizing.SIZING, "strategy.size_on", "initial_cash")),
    _fault("band never asked", "long",
           (DECIDING, "<= mul_floor(size, settings.band)", "<= 0"),
           as_if(ORDER, Setting("strategy.band", "0")),
           _setting(sizing.BAND, "strategy.band", "0")),
    _fault("targets in lots of ten", "long",
           (DECIDING, "        quantity = size if weight > 0 else -size",
            "        size = size // 10 * 10\n        quantity = size if weight > 0 else -size"),
           at_targets(lambda clean, bar, target: target.quantity % 10 != 0),
           Change(sizing.LOT, 10)),
    _fault("sized at the open", "long",
           (SELECTING, "book.near_closes[kept] = close", "book.near_closes[kept] = panel.price[t, s]"),
           at_targets(_other_at_the_open),
           Change(sizing_base.SIZING_BASE, ("price", "open"))),
    _fault("sized on the cash alone", "long",
           (DECIDING, "base = max(0, account[EQUITY]) if", "base = max(0, account[CASH]) if"),
           at_targets(_other_on_cash),
           Change(sizing_base.SIZING_BASE, ("cash", None))),
    _fault("buys first", "long",
           (EXECUTING, "buys, sells = sells, 0", "buys, sells = 0, count - sells"),
           in_turn(STATUS, lambda orders: sorted(orders, key=lambda order: order.side is SELL)),
           Change(execution.BUYS_FIRST)),
    _fault("orders met as submitted", "long",
           (EXECUTING, "if settings.sequence == SUBMISSION:", "if settings.sequence >= 0:"),
           in_turn(STATUS, lambda orders: orders),
           _setting(execution.SEQUENCE, "execution.sequence", "submission")),
    _fault("cash not minded", "tight",
           (EXECUTING, "settings.cash == ALLOW_NEGATIVE", "settings.cash == REJECT"),
           as_if(STATUS, Setting("execution.cash", "allow_negative")),
           _setting(execution.CASH, "execution.cash", "allow_negative")),
    _fault("reduced instead of rejected", "tight",
           (EXECUTING, "    if settings.cash == REJECT:\n", "    if False:\n"),
           as_if(STATUS, Setting("execution.cash", "reduce")),
           _setting(execution.CASH, "execution.cash", "reduce")),
    _fault("rejected instead of reduced", "long",
           (EXECUTING, "    if settings.cash == REJECT:\n", "    if True:\n"),
           as_if(STATUS, Setting("execution.cash", "reject")),
           _setting(execution.CASH, "execution.cash", "reject")),
    _fault("cash without the commission", "long",
           (EXECUTING, "return fee != TOO_LARGE and fee <= cash - notional", "return fee != TOO_LARGE"),
           as_if((STATUS, QUANTITY), Setting("execution.cash", "reduce_before_costs")),
           _setting(execution.CASH, "execution.cash", "reduce_before_costs")),
    Fault("trailing stop from the entry", "long",
          (Patch(EXITS, "mul(lines[held[i], PEAK], rate)", "mul(lines[held[i], ENTRY], rate)"),
           Patch(EXITS, "fallen(lines, held[i], PEAK)", "fallen(lines, held[i], ENTRY)")),
          decided_from((TARGET, ORDER), _peaks_at_entry),
          (Change(exits.EXIT_LOOKS_AT, ("peak", "entry")),)),
    _fault("time exit never fires", "tight",
           (EXITS, "if t - lines[held[i], OPENED] >= bars:", "if t < 0:"),
           at_orders(ORDER, _exit("time_exit")),
           Change(exits.EXIT_UNUSED, "time_exit")),
    _fault("time exit a bar early", "tight",
           (EXITS, "if t - lines[held[i], OPENED] >=", "if t + 1 - lines[held[i], OPENED] >="),
           as_if(ORDER, Setting("exits.time_exit.bars", 3)),
           _setting(exits.EXIT_SETTING, "exits.time_exit.bars", 3)),
    _fault("cooldown not counted", "long",
           (DECIDING, "bar(book, s, t + settings.cooldown)", "bar(book, s, t)"),
           eligible_again(0),
           _setting(selection.COOLDOWN, "strategy.cooldown", 0)),
    _fault("membership not remembered", "tight",
           (SELECTING, "if settings.on_membership and", "if False and"),
           as_if(TARGET, Setting("strategy.when", "always")),
           _setting(selection.SELECTION, "strategy.when", "always")),
    _fault("schedule a bar late", "short",
           (PLAN, "% schedule.every == 0", "% schedule.every == 1"),
           as_if(TARGET, Setting("strategy.schedule", {"every": 2, "start": 2})),
           _setting(selection.SCHEDULE, "strategy.schedule", (("every", 2), ("start", 2)))),
    _fault("weeks taken for months", "tight",
           (PLAN, "if schedule.kind is ScheduleKind.WEEKLY:", "if False:"),
           as_if(TARGET, Setting("strategy.schedule", "monthly")),
           _setting(selection.SCHEDULE, "strategy.schedule", "monthly")),
    _fault("no shorts", "short",
           (SELECTING, "if settings.short_n > 0:", "if False:"),
           as_if(TARGET, Setting("strategy.short_n", 0)),
           _setting(selection.SELECTION, "strategy.short_n", 0)),
    _fault("volume not required", "short",
           (PLAN, "features[selection.score], selection.require", "features[selection.score], ()"),
           as_if(TARGET, Setting("strategy.require", [])),
           _setting(selection.SELECTION, "strategy.require", ()),
           Change(features.FEATURE_ZERO_FILLED, "volume")),
    _fault("the lowest scores held", "long",
           (PLAN, "= market.features[selection.score],", "= -market.features[selection.score],"),
           as_if(TARGET, Data(column("ml_score", lambda values: -values))),
           Change(features.FEATURE_REVERSED, "ml_score")),
    _fault("sales bring no cash", "long",
           (EXECUTING, "account[CASH], notional - fee)", "account[CASH], -fee)"),
           at_bars(CASH, _sold),
           Change(execution.CASH_NOT_CREDITED)),
    _fault("purchases take no cash", "short",
           (EXECUTING, "account[CASH], -notional)", "account[CASH], notional - notional)"),
           at_bars(CASH, _bought),
           Change(execution.CASH_NOT_DEBITED)),
    _fault("commission not paid on sells", "long",
           (EXECUTING, "account[CASH], notional - fee)", "account[CASH], notional)"),
           at_bars(CASH, _sold),
           Change(execution.COMMISSION_NOT_PAID, side=SELL)),
    _fault("commission cut to cents", "long",
           (EXECUTING, FEE, FEE + " // 100 * 100"),
           at_fills(COST, lambda h, t, x: x.commission % 100 != 0),
           Change(rounding.COMMISSION_ROUNDED, ("again down", 2))),
    _fault("fill prices cut to cents", "long",
           (EXECUTING, FILLED, FILLED + " // 100 * 100"),
           at_fills(PRICE, lambda h, t, x: x.price % 100 != 0),
           Change(rounding.PRICE_ROUNDED, ("down", 2))),
    _fault("slippage rounded down", "long",
           (EXECUTING, "slip = mul(raw, slip)", "slip = raw * slip // 1_000_000_000"),
           at_fills(PRICE, _slips_half_a_tick),
           Change(rounding.SLIPPAGE_ROUNDED, "down")),
    _fault("quantities rounded half up", "long",
           (DECIDING, SIZED, SIZED + HALF_UP),
           at_targets(_half_a_share),
           Change(rounding.QUANTITY_ROUNDED, "nearest"), Change(rounding.QUANTITY_ROUNDED, "even")),
    _fault("sized at 99 % of equity", "long",
           (DECIDING, "base = max(0, account[EQUITY]) if", "base = max(0, account[EQUITY] // 100 * 99) if"),
           at_targets(lambda h, t, x: x.quantity > 99),
           Change(sizing_base.SIZING_BASE, ("share", "0.99"))),
    _fault("exits never ordered", "long",
           (DECIDING, "if fired[i] == NOTHING or", "if t >= 0 or"),
           as_if((TARGET, ORDER), Setting("exits", [])),
           Change(exits.EXIT_UNUSED, "*")),
)  # fmt: skip
