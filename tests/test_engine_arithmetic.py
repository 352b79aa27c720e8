"""The engine's int64 arithmetic against Python's unbounded integers, and where a run must stop (U2 to U4)."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import build
import engine
import reference
from build import PPB
from engine import arithmetic
from vocabulary.errors import RangeError
from vocabulary.scenario import BpsCommission, BpsSlippage, CashPolicy, FixedSlippage, SizeOn, TopN

LARGEST = 2**63 - 1
naturals = st.one_of(
    st.integers(0, LARGEST),
    st.integers(0, 2**40),
    st.integers(0, 63).map(lambda bits: 2**bits - 1),
    st.integers(0, 62).map(lambda bits: 2**bits),
)


def or_too_large(value: int) -> int:
    """The exact value, or the engine's sign that int64 cannot hold it."""
    return value if value <= LARGEST else arithmetic.TOO_LARGE


@numba.njit
def _mul(a, r):  # type: ignore[no-untyped-def]
    return arithmetic.mul(a, r)


@numba.njit
def _mul_floor(a, r):  # type: ignore[no-untyped-def]
    return arithmetic.mul_floor(a, r)


@numba.njit
def _product(a, b):  # type: ignore[no-untyped-def]
    return arithmetic.product(a, b)


@numba.njit
def _share_of(a, part, whole):  # type: ignore[no-untyped-def]
    return arithmetic.share_of(a, part, whole)


@numba.njit
def _quantity_for(base, weight, price):  # type: ignore[no-untyped-def]
    return arithmetic.quantity_for(base, weight, price)


MANY = settings(max_examples=1000, deadline=None, derandomize=True)


@MANY
@given(naturals, naturals)
@example(9_220_000_000_000, PPB)
@example(LARGEST, PPB)
@example(LARGEST, PPB + 1)
@example(3, 500_000_000)
def test_products_are_exact_or_refused(a: int, b: int) -> None:
    """U2, U3: mul, mul_floor and a plain product equal Python's, wherever they fit in int64."""
    assert _mul(a, b) == or_too_large((a * b + PPB // 2) // PPB)
    assert _mul_floor(a, b) == or_too_large(a * b // PPB)
    assert _product(a, b) == or_too_large(a * b)


@MANY
@given(naturals, naturals, naturals.filter(bool))
def test_quotients_of_products_are_exact(a: int, b: int, c: int) -> None:
    """A1's share of a basis and R7's quantity pass through 128 bits unharmed."""
    part = b % c + 1
    assert _share_of(a, part, c) == a * part // c
    assert _quantity_for(a, b, c) == or_too_large(a * b // PPB // c)


def close_to_the_edge(cash: int, **settings_: object) -> tuple[object, object]:
    """One symbol that doubles every day, bought with all there is."""
    market = build.market(
        {"A": [2**k * 10**6 for k in range(40)]}, {"score": {"A": [1.0] * 40}}, price_decimals=4
    )
    scenario = build.scenario(TopN("score", 1), initial_cash=cash, size_on=SizeOn.EQUITY, **settings_)
    return scenario, market


def largest_number(ledger: object) -> int:
    """The largest magnitude that any cell holds."""
    cells = [c.values for t in ledger.tables.values() for c in t.columns.values() if c.scale is not None]
    return max((abs(int(x)) for values in cells for x in values.tolist()), default=0)


@pytest.mark.parametrize("cash", [10**12, 10**15, 10**17, LARGEST - 1])
@pytest.mark.parametrize("fees", [{}, {"commission": BpsCommission(PPB), "slippage": BpsSlippage(PPB // 2)}])
def test_the_engine_stops_where_int64_ends(cash: int, fees: dict[str, object]) -> None:
    """U4: it stops at the very bar at which the reference's numbers first leave int64, and names it."""
    scenario, market = close_to_the_edge(cash, **fees)
    with pytest.raises(RangeError) as caught:
        engine.run(scenario, market)
    bar = int(caught.value.where.split()[1])
    start = reference.initial_state(scenario)
    before, _ = reference.resume(scenario, market, start, bar)
    until, state = reference.resume(scenario, market, start, bar + 1)
    assert largest_number(before) <= LARGEST
    assert max(largest_number(until), state.realised, *(o.quantity for o in state.pending), 0) > LARGEST


def test_a_feature_too_large_for_ticks_stops_the_run() -> None:
    """U4: a volatility stop that reads 1e300 stops the engine instead of wrapping around."""
    from vocabulary.scenario import VolatilityStop

    market = build.market({"A": [100] * 4}, {"score": {"A": [1.0] * 4}, "atr": {"A": [1e300] * 4}})
    scenario = build.scenario(exits=[VolatilityStop("v", PPB, "atr")], initial_cash=10**6)
    with pytest.raises(RangeError, match="feature"):
        engine.run(scenario, market)


@pytest.mark.parametrize("policy", list(CashPolicy))
@given(st.integers(1, 10**7), st.integers(0, 10**13), st.integers(0, PPB), st.integers(0, 10**6))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_cash_buys_the_same_quantity(
    policy: CashPolicy, price: int, cash: int, rate: int, least: int
) -> None:
    """E4: what a closed form and bisection find is what the reference finds."""
    market = build.market({"A": [price] * 3}, {"score": {"A": [1.0] * 3}})
    scenario = build.scenario(
        initial_cash=cash,
        cash=policy,
        commission=BpsCommission(rate, least),
        slippage=FixedSlippage(price // 3),
    )
    assert build.rows(engine.run(scenario, market), "fills") == build.rows(
        reference.run(scenario, market), "fills"
    )


def test_a_market_is_left_as_it_was() -> None:
    """A run reads the market's arrays and writes none."""
    market = build.random_market(1)
    before = [np.array(array) for array in (market.open, market.close, *market.features.values())]
    engine.run(build.random_scenario(5), market)
    after = [market.open, market.close, *market.features.values()]
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True))
