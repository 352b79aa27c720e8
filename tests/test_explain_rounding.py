"""Rounding: another way to round is named as one, before a rate or a level is made up for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests import explain_kit as kit

import reference
from reconcile.explaining.bar_loop import Moment
from reconcile.explaining.hypotheses.fees import recharged
from reconcile.explaining.hypotheses.rounding import rounded
from reconcile.explaining.model import Verdict
from reconcile.market.edit import make_market
from reference import Execution
from vocabulary.market import Market
from vocabulary.state import REBALANCE, Fill, Order, Side, Status


@pytest.mark.parametrize(
    ("how", "seven_halves", "five_halves", "minus_seven_halves"),
    [("down", 3, 2, -4), ("up", 4, 3, -3), ("even", 4, 2, -4), ("nearest", 4, 3, -3)],
)
def test_each_way_to_round(how: str, seven_halves: int, five_halves: int, minus_seven_halves: int) -> None:
    assert rounded(7, 2, how) == seven_halves
    assert rounded(5, 2, how) == five_halves
    assert rounded(-7, 2, how) == minus_seven_halves
    assert rounded(6, 3, how) == 2


@pytest.mark.parametrize(
    ("hypothesis", "value", "sentence"),
    [
        ("slippage_rounded", "down", "slippage is rounded down instead of half up"),
        ("price_rounded", ("nearest", 2), "fill prices are rounded to 0.01"),
        ("commission_rounded", ("nearest", 2), "commission is rounded to 0.01"),
        ("commission_rounded", ("down", 4), "commission is rounded down instead of half up"),
        ("quantity_rounded", "up", "target quantities are rounded up instead of down"),
    ],
)
@pytest.mark.parametrize("tables", [None, ("fills", "equity")], ids=["all tables", "fills and equity"])
def test_a_rounding_is_the_cause(
    hypothesis: str, value: Any, sentence: str, tables: tuple[str, ...] | None
) -> None:
    subject = kit.ground()
    ledger = kit.ledger_of(subject, kit.change(hypothesis, value))
    if tables is not None:
        ledger = replace(ledger, tables={name: ledger.tables[name] for name in tables})
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.sentence for cause in found.causes] == [sentence]


def test_cheap_shares_that_lose_a_tick_are_no_rate_of_their_own() -> None:
    """At two decimals, 5 bps of a cheap share are a tick or none: no symbol has another rate."""
    subject = kit.ground_with(("market.price_decimals", 2))
    coarse = type(subject)(subject.scenario, _in_cents(subject.market))
    ledger = kit.ledger_of(coarse, kit.change("slippage_rounded", "down"))
    (cause,) = kit.explained(coarse, ledger).causes
    assert cause.sentence == "slippage is rounded down instead of half up" and cause.symbols is None


def _in_cents(market: Market) -> Market:
    """Prices of the same size at two decimals, a tenth for every third symbol."""
    names = ("open", "high", "low", "close")
    prices = {name: getattr(market, name).copy() for name in names}
    for values in prices.values():
        values[:, ::3] = (values[:, ::3] + 9) // 10
        values.flags.writeable = False
    return make_market(replace(market, price_decimals=2, **prices))


@pytest.mark.parametrize(("lot", "least"), [(1, 1), (1000, 1000)])
@pytest.mark.parametrize("cash", [0, 5 * 10**12, 10**14])
def test_what_the_cash_covers_of_tiny_lots_is_found_in_few_steps(lot: int, least: int, cash: int) -> None:
    """A cent of commission is millions of lots where a lot is 10^-8 of a share."""
    subject = kit.ground_with(("market.quantity_decimals", 8), ("market.lot", f"{Decimal(lot) / 10**8:f}"))
    state = replace(reference.initial_state(subject.scenario), cash=cash)
    order = Order(0, 0, Side.BUY, 10**10, REBALANCE, 0)
    fill = Fill(0, Side.BUY, 9 * 10**9, 500, 9 * 10**9 * 500, 0, 0)
    asked = []

    def charge(quantity: int, notional: int) -> int:
        asked.append(quantity)
        return -(-notional // 10**12) * 10**10

    at = Moment(subject.scenario, subject.market, 1, state)
    made = recharged(at, Execution(order, Status.REDUCED, fill.quantity, fill), charge).fill
    assert made is not None and len(asked) < 200
    more = made.quantity + lot
    assert made.quantity == least or made.notional + made.commission <= cash
    assert made.quantity == order.quantity or more * 500 + charge(more, more * 500) > cash
    assert made.quantity % lot == 0
