"""The reference's section E: sequence, prices, costs and cash."""

from dataclasses import replace
from typing import Any

import pytest

import reference
from build import PPB, market, rows, scenario
from reference import Execution, execute, initial_state, sequence
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
    CashPolicy,
    FixedSlippage,
    PerShareCommission,
    Sequence,
    Timing,
    TopN,
)
from vocabulary.state import REBALANCE, Order, Position, Side, State, Status

BARS = market({"A": [(1000, 1200, 900, 1100), None]})


def order(side: Side, quantity: int, symbol: int = 0) -> Order:
    return Order(0, symbol, side, quantity, REBALANCE, 0)


def meet(
    side: Side, quantity: int, *, cash: int = 10**9, held: int = 0, t: int = 0, **settings: Any
) -> Execution:
    """One order of symbol A at bar t, with so much cash and so many lots held."""
    given = scenario(**settings)
    positions = {0: Position(held, abs(held) * 1000, 0, 1000, 1000)} if held else {}
    state: State = replace(initial_state(given), cash=cash, positions=positions)
    return execute(given, state, BARS, t, order(side, quantity))


def test_sells_go_first_in_submission_order_unless_told_otherwise() -> None:
    orders = [order(Side.BUY, 1), order(Side.SELL, 2), order(Side.BUY, 3), order(Side.SELL, 4)]
    assert [o.quantity for o in sequence(scenario(), orders, BARS)] == [2, 4, 1, 3]
    submitted = scenario(sequence=Sequence.SUBMISSION)
    assert [o.quantity for o in sequence(submitted, orders, BARS)] == [1, 2, 3, 4]


def test_an_absent_symbol_fills_nothing() -> None:
    execution = meet(Side.BUY, 5, t=1)
    assert (execution.status, execution.filled, execution.fill) == (Status.NO_BAR, 0, None)


@pytest.mark.parametrize(
    ("timing", "price"), [(Timing.NEXT_OPEN, 1000), (Timing.NEXT_CLOSE, 1100), (Timing.SAME_CLOSE, 1100)]
)
def test_the_timing_names_the_raw_price(timing: Timing, price: int) -> None:
    fill = meet(Side.BUY, 5, timing=timing).fill
    assert fill is not None and fill.price == price


@pytest.mark.parametrize(
    ("slippage", "buy", "sell"),
    [
        (None, 1000, 1000),
        (BpsSlippage(500_000), 1001, 999),  # 1000 * 0.0005 = 0.5, half up: 1
        (BpsSlippage(499_999), 1000, 1000),
        (FixedSlippage(3), 1003, 997),
        (FixedSlippage(1000), 2000, 1),  # never below a tick
        (BpsSlippage(2 * PPB), 3000, 1),
    ],
)
def test_slippage_is_against_the_trader(slippage: Any, buy: int, sell: int) -> None:
    bought, sold = (meet(side, 4, slippage=slippage).fill for side in (Side.BUY, Side.SELL))
    assert bought is not None and sold is not None
    assert (bought.price, sold.price) == (buy, sell)
    assert (bought.slippage, sold.slippage) == (4 * (buy - 1000), 4 * (1000 - sell))
    assert (bought.notional, sold.notional) == (4 * buy, 4 * sell)


@pytest.mark.parametrize(
    ("commission", "paid"),
    [
        (None, 0),
        (BpsCommission(500_000), 2),  # 3000 * 0.0005 = 1.5
        (BpsCommission(500_000, 2), 2),
        (BpsCommission(500_000, 9), 9),
        (PerShareCommission(5_000_000), 150),  # 3 shares at 0.005, in units of 0.0001
        (PerShareCommission(5_000_000, 151), 151),
    ],
)
def test_commission_by_kind_and_minimum(commission: Any, paid: int) -> None:
    fill = meet(Side.BUY, 3, commission=commission).fill
    assert fill is not None and fill.commission == paid


def test_a_commission_per_share_counts_shares_not_lots() -> None:
    # 250 lots of 0.01 share at 0.005 a share: 0.0125 = 12,500 units of 10**-6.
    fill = meet(Side.BUY, 250, quantity_decimals=2, commission=PerShareCommission(5_000_000)).fill
    assert fill is not None and fill.commission == 12_500


@pytest.mark.parametrize(
    ("policy", "cash", "held", "filled", "status"),
    [
        (CashPolicy.REDUCE, 10_100, 0, 10, Status.FILLED),  # 10 * 1000 + 1 % to the last unit
        (CashPolicy.REDUCE, 10_099, 0, 9, Status.REDUCED),
        (CashPolicy.REDUCE, 1_009, 0, 0, Status.NO_CASH),
        (CashPolicy.REDUCE, -5, 0, 0, Status.NO_CASH),
        (CashPolicy.REDUCE, 10_099, -4, 9, Status.REDUCED),
        (CashPolicy.REDUCE, 4_000, -4, 4, Status.REDUCED),  # the cover fills, whatever it costs
        (CashPolicy.REDUCE, -5, -4, 4, Status.REDUCED),
        (CashPolicy.REDUCE, -5, -10, 10, Status.FILLED),
        (CashPolicy.REDUCE, -5, -11, 10, Status.FILLED),
        (CashPolicy.REJECT, 10_100, 0, 10, Status.FILLED),
        (CashPolicy.REJECT, 10_099, 0, 0, Status.NO_CASH),
        (CashPolicy.REJECT, 10_099, -4, 4, Status.REDUCED),
        (CashPolicy.ALLOW_NEGATIVE, -5, 0, 10, Status.FILLED),
    ],
)
def test_cash_limits_what_opens_or_adds_to_a_long(
    policy: CashPolicy, cash: int, held: int, filled: int, status: Status
) -> None:
    given = scenario(cash=policy, commission=BpsCommission(10_000_000))
    positions = {0: Position(held, -held * 1000, 0, 1000, 1000)} if held else {}
    state = replace(initial_state(given), cash=cash, positions=positions)
    execution = execute(given, state, BARS, 0, order(Side.BUY, 10))
    assert (execution.filled, execution.status) == (filled, status)


def test_a_reduced_buy_is_the_largest_that_fits_a_minimum_commission() -> None:
    given = scenario(commission=BpsCommission(10_000_000, 500))
    for cash, filled in [
        (1_499, 0),
        (1_500, 1),
        (2_499, 1),
        (2_500, 2),
        (40_500, 40),
        (60_599, 59),
        (60_600, 60),
    ]:
        state = replace(initial_state(given), cash=cash)
        assert execute(given, state, BARS, 0, order(Side.BUY, 1_000)).filled == filled


def test_sells_are_never_checked() -> None:
    execution = meet(Side.SELL, 10, cash=-(10**6), commission=BpsCommission(PPB))
    assert (execution.filled, execution.status) == (10, Status.FILLED)


def test_each_order_meets_the_cash_the_earlier_ones_left() -> None:
    """Two buys of which the cash covers one and a half: the second is reduced, the sell pays first."""
    bars = market(
        {"A": [100, 100, 150], "B": [100, 100, 150], "C": [100] * 3},
        {"score": {"A": [2, None, None], "B": [1, 2, None], "C": [None, 1, None]}},
    )
    given = scenario(TopN("score", 2), initial_cash=1_000)
    ledger = reference.run(given, bars)
    assert rows(ledger, "orders", "symbol", "side", "quantity", "filled", "status") == [
        ("A", "buy", 5, 5, "filled"),
        ("B", "buy", 5, 5, "filled"),
        ("A", "sell", 5, 5, "filled"),
        ("C", "buy", 5, 5, "filled"),
    ]
    poor = market(
        {"A": [100, 130, 1], "B": [100, 110, 1]},
        {"score": {"A": [2, None, None], "B": [1, None, None]}},
    )
    ledger = reference.run(given, poor)
    # A takes 5 * 130 = 650 of 1,000; 350 buy 3 of B at 110.
    assert rows(ledger, "orders", "symbol", "filled", "status") == [("A", 5, "filled"), ("B", 3, "reduced")]
