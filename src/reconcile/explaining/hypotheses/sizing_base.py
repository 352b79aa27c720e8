"""What targets are shares of: cash, cost, or a part of the stated base."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from statistics import median

import reference
from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.evidence import Window, states_of
from reconcile.explaining.hypotheses.costs import fitting_rate
from reconcile.explaining.hypotheses.fees import fees_of_cash
from reconcile.explaining.hypotheses.settings import ONE, pair, simplest
from reconcile.explaining.hypotheses.sizing import retargeted
from reconcile.explaining.model import Acts, Change, Family, LoopHypothesis, Subject, Value, Values, Wording
from reconcile.files.decimals import BPS, PPB, from_units, to_units
from reconcile.scenario import programs
from reference import Decision
from vocabulary.scenario import BpsCommission
from vocabulary.state import Target

PREVIOUS = "previous close"
SHARES = ("0.99", "0.98", "0.95", "0.9")
"""Shares of the stated base that people leave a reserve with."""
LEAST_SIZES = 3
"""Positions that a share is read off."""


def _base_shares(subject: Subject, window: Window) -> Values:
    """("cash" or "cost", None), ("order", rate), ("price", field) and ("share", decimal).

    A share is the stated base less the commission's rate, one that the ledger's sizes show, or a round one.
    """
    net: list[Value] = []
    commission = subject.scenario.costs.commission
    if isinstance(commission, BpsCommission) and commission.rate:
        net = [from_units(ONE - commission.rate, PPB)]
    measured = window.once("share of the base", lambda: _measured_share(subject, window))
    shares = dict.fromkeys((*net, *measured, *SHARES))
    order: list[Value] = []
    if isinstance(commission, BpsCommission):
        paid = window.once("fees of cash", lambda: fitting_rate(*fees_of_cash(window, subject.market)))
        rates = dict.fromkeys((None, None if paid in (None, commission.rate) else from_units(paid, PPB)))
        order = [("order", rate) for rate in rates]
    priced = (("price", "open"), ("price", PREVIOUS))
    return (("cash", None), ("cost", None), *order, *priced, *(("share", share) for share in shares))


def _measured_share(subject: Subject, window: Window) -> Values:
    """The roundest share of the base under which most targets have the sizes that they came out at."""
    bounds = list(_share_bounds(subject, window))
    if len(bounds) < LEAST_SIZES:
        return ()
    middle = median(float(low) for low, _ in bounds)
    near = [(low, high) for low, high in bounds if float(low) <= middle * 1.0001 and float(high) >= middle]
    if not near:
        return ()
    low, high = max(low for low, _ in near), min(high for _, high in near)
    share = simplest(low, high) if low <= high else None
    return () if share is None or share in (0, ONE) else (from_units(share, PPB),)


def _share_bounds(subject: Subject, window: Window) -> Iterator[tuple[Fraction, Fraction]]:
    """The shares, from and up to, under which a target has the size that its position came out at."""
    scenario, market = subject.scenario, subject.market
    states = states_of(subject.scenario, market, window) or ()
    ahead = 0 if window.target.axes.same_bar else 1
    for t in range(1, len(states) - ahead):
        before = states[t] if ahead else states[t - 1]
        decision = programs.decide(scenario, before, market, t)
        base = reference.sizing_base(scenario, before)
        for wanted in decision.targets:
            held, after = (x.positions.get(wanted.symbol) for x in (before, states[t + ahead]))
            unit = base * abs(wanted.weight)
            if after is None or not unit or (held is not None and held.quantity == after.quantity):
                continue
            worth = abs(after.quantity) * int(market.close[t, wanted.symbol]) * ONE
            more = (abs(after.quantity) + 1) * int(market.close[t, wanted.symbol]) * ONE
            yield Fraction(worth, unit), Fraction(more, unit)


def _base_reads(subject: Subject, value: Value) -> Wording:
    what, share = pair(value)
    stated = subject.scenario.strategy.size_on.value.replace("_", " ")
    if what == "price":
        new = f"the {share} of the bar that decides" if share != PREVIOUS else "the close of the bar before"
        return Wording(f"targets are sized at {new}", "sizing price", "the close", new)
    if what == "order":
        fee = "fee" if share is None else f"a fee of {from_units(to_units(share, PPB), BPS)} bps"
        new = f"orders are sized so that outlay and {fee} together are the amount to trade"
        return Wording(new, "sizing base", "the amount without the fee", f"outlay and {fee}")
    if what != "share":
        new = "cash" if what == "cash" else "cash and what the positions cost"
        return Wording(f"targets are sized on {new} instead of {stated}", "sizing base", stated, new)
    commission = subject.scenario.costs.commission
    rate = commission.rate if isinstance(commission, BpsCommission) else 0
    units = to_units(share, PPB)
    why = f" (1 - {from_units(rate, BPS)} bps, the commission)" if rate and units + rate == ONE else ""
    new = f"{from_units(units, PPB - 2)} %"
    return Wording(f"targets are sized at {new}{why} of the money", "sizing base", "100 %", new)


def _on_another_base(change: Change) -> Hooks:
    what, share = pair(change.value)

    def base_at(at: Moment) -> int:
        if what in ("share", "price"):
            base: int = reference.sizing_base(at.scenario, at.state)
            return base if what == "price" else int(base * to_units(share, PPB) // ONE)
        held = at.state.positions.values()
        costs = sum(p.basis if p.quantity > 0 else -p.basis for p in held) if what == "cost" else 0
        return max(0, at.state.cash + costs)

    def price_at(at: Moment, symbol: int) -> int:
        close = int(at.market.close.item(at.bar, symbol))
        if what != "price":
            return close
        if share == PREVIOUS:
            return int(at.market.close.item(max(0, at.bar - 1), symbol)) or close
        return int(at.market.open.item(at.bar, symbol))

    def decided(at: Moment, decision: Decision) -> Decision:
        if decision.rebalance is None or not change.covers(at.bar):
            return decision
        base = base_at(at)
        targets = (
            replace(
                target,
                quantity=reference.target_quantity(
                    at.scenario, base, target.weight, price_at(at, target.symbol)
                ),
            )
            for target in decision.targets
        )
        return retargeted(at, decision, tuple(targets))

    return Hooks(decided=_net_of_fee(change, share) if what == "order" else decided)


def _net_of_fee(change: Change, share: str | None) -> Callable[[Moment, Decision], Decision]:
    """Each order's outlay and fee together are the amount to trade: less is bought, and more is sold.

    share: the rate that is reckoned with, None for the scenario's.
    """

    def decided(at: Moment, decision: Decision) -> Decision:
        commission = at.scenario.costs.commission
        if (
            decision.rebalance is None
            or not change.covers(at.bar)
            or not isinstance(commission, BpsCommission)
        ):
            return decision
        base: int = reference.sizing_base(at.scenario, at.state)
        paid = commission.rate if share is None else to_units(share, PPB)

        def quantity(target: Target) -> int:
            held = at.state.positions.get(target.symbol)
            own = held.quantity if held else 0
            price = int(at.market.close.item(at.bar, target.symbol))
            amount: int = base * target.weight - own * price * ONE
            rate = ONE + paid if amount > 0 else ONE - paid
            lot: int = at.scenario.market.lot
            if price <= 0 or rate <= 0:  # a fee as large as what is sold: no size is right
                return target.quantity
            delta: int = amount // (price * rate * lot) * lot
            return own + delta

        return retargeted(at, decision, tuple(replace(t, quantity=quantity(t)) for t in decision.targets))

    return decided


SIZING_BASE = LoopHypothesis(
    id="sizing_base",
    acts=Acts.DECIDING,
    values=_base_shares,
    say=_base_reads,
    hooks=_on_another_base,
    family=Family.SIZE,
    decides=True,
)
