"""The reference's sections U and A, and the marks of M3 and X2."""

from dataclasses import replace

import pytest

from build import PPB, market, scenario
from reference import book, initial_state, mark
from reference.accounting import entry_price
from reference.marking import equity
from reference.units import mul, mul_floor, ppb, ticks
from vocabulary.scenario import BpsCommission
from vocabulary.state import Fill, Position, Side, State

BARS = market({"A": [100, 100, 100]})
PLAIN = scenario(initial_cash=1_000_000)


def after(*fills: tuple[int, int, int]) -> State:
    """The state after fills of (bar, signed quantity, price) of symbol 0, with a commission of 7 each."""
    state = initial_state(PLAIN)
    for t, signed, price in fills:
        side, quantity = (Side.BUY if signed > 0 else Side.SELL), abs(signed)
        fill = Fill(0, side, quantity, price, quantity * price, 7, 0)
        state = book(PLAIN, state, BARS, t, fill)
    return state


def test_mul_rounds_half_up_and_mul_floor_down() -> None:
    assert (mul(1, PPB // 2), mul(3, PPB // 2), mul(1, PPB // 2 - 1)) == (1, 2, 0)
    assert (mul_floor(1, PPB // 2), mul_floor(3, PPB // 2), mul_floor(3, PPB)) == (0, 1, 3)


def test_floats_become_units_half_to_even_in_doubles() -> None:
    assert (ticks(0.125, 2), ticks(0.375, 2)) == (12, 38)
    # 1.005 is below its decimal text, but 1.005 * 100 is 100.49999999999999 in doubles, too.
    assert (ticks(1.005, 2), ticks(0.285, 2)) == (100, 28)
    assert (ppb(0.1), ppb(-0.25), ppb(2.5e-9), ppb(3.5e-9)) == (100_000_000, -250_000_000, 2, 4)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinities_are_missing(value: float) -> None:
    assert ticks(value, 4) is None
    assert ppb(value) is None


def test_a_fill_from_flat_opens_with_its_own_basis_bar_peak_and_extreme() -> None:
    state = after((1, 10, 105))
    assert state.positions == {0: Position(10, 1050, opened=1, peak=105, mark=105, extreme=105)}
    assert (state.cash, state.commissions, state.realised) == (1_000_000 - 1050 - 7, 7, 0)


def test_adding_leaves_opening_bar_peak_and_extreme_alone() -> None:
    assert after((1, 10, 105), (2, 5, 120)).positions == {0: Position(15, 1650, 1, 105, 105, extreme=105)}


def test_reducing_removes_basis_rounded_down_and_realises_the_rest() -> None:
    # Basis 3 * 100 + 4 * 101 = 704; 2 of 7 remove 704 * 2 // 7 = 201 and realise 2 * 110 - 201 = 19.
    state = after((0, 3, 100), (1, 4, 101), (2, -2, 110))
    assert (state.positions[0].quantity, state.positions[0].basis, state.realised) == (5, 503, 19)


def test_a_short_realises_with_the_sign_of_its_side() -> None:
    # Sold 7 at 100 and 101: basis 704; covering 2 at 90 removes 201 and realises -(180 - 201) = 21.
    state = after((0, -3, 100), (1, -4, 101), (2, 2, 90))
    assert (state.positions[0].quantity, state.positions[0].basis, state.realised) == (-5, 503, 21)
    assert state.cash == 1_000_000 + 704 - 180 - 21


def test_closing_leaves_no_position_and_no_basis_behind() -> None:
    state = after((0, 3, 100), (1, -3, 101))
    assert state.positions == {}
    assert state.realised == 3


def test_crossing_zero_opens_a_new_position_on_the_other_side() -> None:
    state = after((0, 3, 100), (2, -5, 90))
    assert state.positions == {0: Position(-2, 180, opened=2, peak=90, mark=100, extreme=90)}
    assert state.realised == -30


@pytest.mark.parametrize(
    ("quantity", "basis", "entry"), [(2, 201, 101), (2, 203, 102), (-2, 201, 101), (3, 304, 101)]
)
def test_the_entry_price_rounds_half_up(quantity: int, basis: int, entry: int) -> None:
    assert entry_price(Position(quantity, basis, 0, 0, 0)) == entry


def test_a_peak_follows_closes_up_for_a_long_and_down_for_a_short() -> None:
    bars = market({"A": [90, 120, 95], "B": [90, 120, 95]})
    state = replace(
        initial_state(PLAIN),
        positions={0: Position(1, 100, 0, 100, 100), 1: Position(-1, 100, 0, 100, 100)},
    )
    peaks = []
    for t in range(3):
        state, _ = mark(PLAIN, state, bars, t)
        peaks.append((state.positions[0].peak, state.positions[1].peak))
    assert peaks == [(100, 90), (120, 90), (120, 90)]


def test_an_absent_symbol_keeps_its_last_mark() -> None:
    bars = market({"A": [100, None], "B": [10, 20]})
    held = {0: Position(2, 200, 0, 100, 99), 1: Position(-3, 30, 0, 10, 10)}
    state = replace(initial_state(PLAIN), positions=held, cash=5)
    state, worth = mark(PLAIN, state, bars, 1)
    assert (state.positions[0].mark, state.positions[0].peak) == (99, 100)
    assert (worth.cash, worth.market_value, worth.equity) == (5, 2 * 99 - 3 * 20, 5 + 2 * 99 - 3 * 20)
    assert equity(state) == worth.equity


def test_numbers_beyond_int64_stay_exact() -> None:
    """Prices and quantities whose product leaves int64 are multiplied as Python integers."""
    huge = 9_000_000_000_000_000
    bars = market({"A": [huge, huge]})
    plain = scenario(initial_cash=0, commission=BpsCommission(500_000))
    fill = Fill(0, Side.SELL, huge, huge, huge * huge, 1, 0)
    state = book(plain, initial_state(plain), bars, 0, fill)
    state, worth = mark(plain, state, bars, 1)
    assert state.cash == huge**2 - 1
    assert worth.market_value == -(huge**2)
    assert type(worth.market_value) is int and type(state.positions[0].mark) is int
