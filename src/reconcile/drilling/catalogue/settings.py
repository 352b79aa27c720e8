"""Faults of the scenario: a setting is another than was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconcile.drilling.clean_run import (
    CleanRun,
    Stages,
    as_if,
    at_bars,
    at_orders,
    closed_inside,
    eligible_again,
)
from reconcile.drilling.model import Fault, Hit, Setting, Where
from reconcile.explaining.hypotheses import costs, execution, exits, fees, levels, prices, selection, sizing
from reconcile.explaining.model import Change, Hypothesis, Value
from reconcile.matching.model import Stage
from reference import entry_price
from vocabulary.state import Order


def _frozen(value: object) -> Value:
    """A table of the scenario file as explain holds it."""
    if isinstance(value, dict):
        return tuple((key, _frozen(each)) for key, each in value.items())
    assert value is None or isinstance(value, int | str | float)
    return value


def _fault(
    name: str,
    ground: str,
    path: str,
    value: object,
    hypothesis: Hypothesis,
    stages: Stages,
    *,
    where: Where | None = None,
    also: Sequence[Change] = (),
) -> Fault:
    setting = Setting(path, value)
    cause = Change(hypothesis, (path, _frozen(value)))
    return Fault(name, ground, (setting,), where or as_if(stages, setting), (cause, *also))


def _bps(rate: str, minimum: str = "0") -> dict[str, object]:
    return {"kind": "bps", "rate": rate, "minimum": minimum}


def _unarmed_at_2_percent(clean: CleanRun, bar: int, order: Order) -> bool:
    """A break-even exit of a position that was never 2 % ahead."""
    position = clean.deciding(bar).positions.get(order.symbol)
    if order.reason != "break_even" or position is None:
        return False
    entry = entry_price(position)
    return 50 * abs(position.peak - entry) < entry


def _at_their_close(clean: CleanRun) -> Iterator[Hit]:
    """Fills at the bar of the decision: they come in a cycle before the one that its orders belong to."""
    for day in clean.days:
        yield from (Hit(day.bar, STATUS, order.symbol, day.bar) for order in day.decision.orders)


def _inside(name: str, ground: str, rule: str) -> Fault:
    """A rule that is tested at its level, inside the bar, instead of at the close."""
    setting = Setting(f"exits.{rule}.at", "level")
    return Fault(name, ground, (setting,), closed_inside(setting), (Change(levels.EXIT_AT, (rule, "level")),))


FIVE_OF_SIX = (Setting("strategy.n", 5), Setting("strategy.gross_long", "0.8"))
CASH, TIMING, BAND = "portfolio.initial_cash", "execution.timing", "strategy.band"
COMMISSION, SLIPPAGE = "costs.commission", "costs.slippage"
BOTH = (Stage.TARGET, Stage.ORDER)
TARGET, ORDER, PRICE, COST = Stage.TARGET, Stage.ORDER, Stage.PRICE, Stage.COST
STATUS, QUANTITY = Stage.STATUS, Stage.QUANTITY
CARRIED_OUT_AT_CLOSE = Change(prices.EXECUTION_PRICE, ("close", 0))

FAULTS: tuple[Fault, ...] = (
    _fault("capital a tenth", "long", CASH, "100000", sizing.CAPITAL, Stage.CASH, where=at_bars(Stage.CASH)),
    _fault("capital 750,000", "short", CASH, "750000", sizing.CAPITAL, Stage.CASH, where=at_bars(Stage.CASH)),
    _fault("at the next close", "long", TIMING, "next_close", execution.TIMING, PRICE,
           also=(CARRIED_OUT_AT_CLOSE,)),
    _fault("at the same close", "long", TIMING, "same_close", execution.TIMING, STATUS,
           where=_at_their_close),
    _fault("at the next open", "tight", TIMING, "next_open", execution.TIMING, ORDER, where=at_orders(ORDER)),
    _fault("commission of 8 bps", "long", COMMISSION, _bps("8"), costs.COMMISSION, COST),
    _fault("commission none", "short", COMMISSION, None, costs.COMMISSION, COST,
           also=(Change(fees.COMMISSION_FACTOR, 0),)),
    _fault("commission minimum gone", "tight", COMMISSION, _bps("20"), costs.COMMISSION, COST),
    _fault("commission in bps", "short", COMMISSION, _bps("7"), costs.COMMISSION, COST),
    _fault("slippage of 3 bps", "long", SLIPPAGE, {"kind": "bps", "rate": "3"}, costs.SLIPPAGE, PRICE),
    _fault("slippage none", "short", SLIPPAGE, None, costs.SLIPPAGE, PRICE),
    _fault("slippage unasked for", "tight", SLIPPAGE, {"kind": "bps", "rate": "4"}, costs.SLIPPAGE, PRICE),
    _fault("one name more", "long", "strategy.n", 7, selection.SELECTION, TARGET),
    _fault("one name fewer", "tight", "strategy.n", 4, selection.SELECTION, TARGET),
    _fault("one short fewer", "short", "strategy.short_n", 2, selection.SELECTION, TARGET),
    _fault("gross of 0.8", "long", "strategy.gross_long", "0.8", sizing.SIZING, TARGET),
    _fault("short gross of 0.4", "short", "strategy.gross_short", "0.4", sizing.SIZING, TARGET),
    _fault("sized on equity", "short", "strategy.size_on", "equity", sizing.SIZING, TARGET),
    _fault("sized at the execution", "long", "strategy.size_at", "execution", sizing.SIZE_AT, TARGET),
    _fault("band of 0.05", "long", BAND, "0.05", sizing.BAND, ORDER),
    _fault("band unasked for", "short", BAND, "0.02", sizing.BAND, ORDER),
    _fault("every second bar", "long", "strategy.schedule", {"every": 2, "start": 0}, selection.SCHEDULE,
           TARGET),
    _fault("monthly", "tight", "strategy.schedule", "monthly", selection.SCHEDULE, TARGET),
    _fault("every bar", "short", "strategy.schedule", {"every": 1, "start": 0}, selection.SCHEDULE, TARGET),
    Fault("five names at the weight of six", "long", FIVE_OF_SIX, as_if(Stage.TARGET, *FIVE_OF_SIX),
          (Change(selection.NAMES_AT_WEIGHT, 5),)),
    _fault("never a rebalance", "short", "strategy.schedule", {"every": 1, "start": selection.NEVER},
           selection.NO_REBALANCE, TARGET),
    _fault("cooldown of 3", "long", "strategy.cooldown", 3, selection.COOLDOWN, TARGET,
           where=eligible_again(3)),
    _fault("cash reduce", "tight", "execution.cash", "reduce", execution.CASH, STATUS),
    _fault("cash may be negative", "short", "execution.cash", "allow_negative", execution.CASH, STATUS),
    _fault("trailing stop of 6 %", "long", "exits.trailing_stop.initial", "0.06", exits.EXIT_SETTING, BOTH),
    _fault("stop loss of 6 %", "short", "exits.stop_loss.loss", "0.06", exits.EXIT_SETTING, ORDER),
    _fault("take profit of 2.5 %", "short", "exits.take_profit.gain", "0.025", exits.EXIT_SETTING, ORDER),
    _fault("break even armed at 2 %", "short", "exits.break_even.gain", "0.02", exits.EXIT_SETTING, ORDER,
           where=at_orders(ORDER, _unarmed_at_2_percent)),
    _fault("half a volatility stop", "long", "exits.volatility_stop.multiple", "0.5", exits.EXIT_SETTING,
           BOTH),
    _inside("a trailing stop inside the bar", "long", "trailing_stop"),
    _inside("a stop loss inside the bar", "short", "stop_loss"),
    _fault("held a bar longer", "tight", "exits.time_exit.bars", 5, exits.EXIT_SETTING, ORDER),
)  # fmt: skip
