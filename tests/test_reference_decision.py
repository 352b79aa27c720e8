"""The reference's sections T and R: when is decided, what is chosen, how it is sized and ordered."""

from dataclasses import replace
from typing import Any

import pytest

import reference
from build import DAY, PPB, market, rows, scenario
from reference import decide, initial_state
from reference.calendar import gate_open, scheduled
from vocabulary.market import Market
from vocabulary.scenario import (
    Bound,
    FixedSlippage,
    Gate,
    Scenario,
    Schedule,
    ScheduleKind,
    SizeOn,
    TimeExit,
    Timing,
    TopN,
    Weights,
    When,
)
from vocabulary.state import Membership, Position, State


def start(given: Scenario, **held: int) -> State:
    """A state with so many lots of symbols 0, 1, ... (by name a, b, ...), entered and marked at 100."""
    positions = {
        ord(name) - ord("a"): Position(lots, abs(lots) * 100, 0, 100, 100) for name, lots in held.items()
    }
    return replace(initial_state(given), positions=positions)


def flat(symbols: str, bars: int = 2, **more: Any) -> Market:
    """Symbols that stand at 100 throughout."""
    return market({symbol: [100] * bars for symbol in symbols}, **more)


def once(**values: float | None) -> dict[str, list[float | None]]:
    """A feature that is there at bar 0 of two."""
    return {name: [value, None] for name, value in values.items()}


def chosen(given: Scenario, bars: Market, state: State | None = None) -> list[tuple[str, int, int]]:
    """(symbol, rank, weight) of the targets decided at bar 0."""
    decision = decide(given, state or start(given), bars, 0)
    return [(bars.symbols[x.symbol], x.rank, x.weight) for x in decision.targets]


def test_next_timings_do_not_decide_at_the_last_bar_and_same_close_does() -> None:
    bars = flat("A", features={"score": {"A": [1, 1]}})
    for timing, orders in [(Timing.NEXT_OPEN, 0), (Timing.NEXT_CLOSE, 0), (Timing.SAME_CLOSE, 1)]:
        given = scenario(timing=timing)
        assert len(decide(given, start(given), bars, 1).orders) == orders


def test_same_close_sizes_on_the_equity_before_and_records_the_one_after() -> None:
    bars = flat("A", features={"score": {"A": [1, 1]}})
    given = scenario(timing=Timing.SAME_CLOSE, initial_cash=1_050, slippage=FixedSlippage(5))
    ledger = reference.run(given, bars)
    assert rows(ledger, "targets", "quantity")[0] == (10,)
    assert rows(ledger, "equity", "equity") == [(1_000,), (1_000,)]


def test_every_k_bars_from_start() -> None:
    bars = flat("A", 8)
    named = [t for t in range(8) if scheduled(Schedule(every=3, start=1), bars, t)]
    assert named == [1, 4, 7]


def test_weekly_and_monthly_are_first_bars_of_iso_weeks_and_months_with_bar_0() -> None:
    dates = ["2020-12-30", "2020-12-31", "2021-01-01", "2021-01-03", "2021-01-04", "2021-01-12", "2022-01-12"]
    bars = flat("A", len(dates), dates=dates)
    weekly, monthly = Schedule(ScheduleKind.WEEKLY), Schedule(ScheduleKind.MONTHLY)
    assert [t for t in range(7) if scheduled(weekly, bars, t)] == [0, 4, 5, 6]
    assert [t for t in range(7) if scheduled(monthly, bars, t)] == [0, 2, 6]


def test_bar_0_is_the_first_of_its_period_also_where_all_bars_are_in_one() -> None:
    bars = flat("A", 2, dates=["2021-01-05", "2021-01-06"])
    for kind in (ScheduleKind.WEEKLY, ScheduleKind.MONTHLY):
        assert [scheduled(Schedule(kind), bars, t) for t in range(2)] == [True, False]


def test_the_calendar_is_read_from_local_clock_time() -> None:
    bars = flat("A", 2, dates=["2021-01-30", "2021-01-31"], wall_shift=DAY)
    assert scheduled(Schedule(ScheduleKind.MONTHLY), bars, 1)
    assert not scheduled(Schedule(ScheduleKind.MONTHLY), flat("A", 2, dates=["2021-01-30", "2021-01-31"]), 1)


def test_a_calendar_before_1970_counts_whole_days_back() -> None:
    bars = flat("A", 2, dates=["1969-11-30", "1969-12-01"], wall_shift=1)
    assert scheduled(Schedule(ScheduleKind.MONTHLY), bars, 1)


@pytest.mark.parametrize(
    ("bound", "value", "is_open"),
    [
        (Bound.MAX, 30.0, True),
        (Bound.MAX, 30.000000000000004, False),
        (Bound.MAX, None, False),
        (Bound.MIN, 30.0, True),
        (Bound.MIN, 29.999999999999996, False),
        (Bound.MIN, None, False),
    ],
)
def test_a_gate_compares_doubles_and_a_missing_value_closes_it(
    bound: Bound, value: float | None, is_open: bool
) -> None:
    bars = flat("A", 1, context={"vix": [value]})
    assert gate_open(Gate("vix", bound, 30.0), bars, 0) is is_open


def test_a_closed_gate_holds_positions_and_lets_exits_work() -> None:
    bars = flat("AB", features={"score": {"A": [1, 1]}}, context={"vix": [31, 31]})
    given = scenario(gate=Gate("vix", Bound.MAX, 30.0), exits=[TimeExit("time", 0)])
    decision = decide(given, start(given, b=4), bars, 0)
    assert decision.rebalance is None
    assert [(o.symbol, o.reason, o.rebalance) for o in decision.orders] == [(1, "time", None)]


def test_rebalances_are_numbered_also_when_no_order_comes_of_them() -> None:
    bars = flat("A", 4, features={"score": {"A": [1, None, 1, 1]}})
    equity = rows(reference.run(scenario(), bars), "equity", "rebalance")
    assert equity == [(0,), (None,), (1,), (None,)]


def test_the_first_n_are_long_and_the_lowest_of_the_rest_short_with_ties_in_symbol_order() -> None:
    scores = once(A=1.0, B=3.0, C=3.0, D=-0.0, E=0.0, F=0.0, G=2.0)
    given = scenario(TopN("score", 2, 3, PPB, PPB // 2), allow_short=True)
    assert chosen(given, flat("ABCDEFG", features={"score": scores})) == [
        ("B", 0, 500_000_000),
        ("C", 1, 500_000_000),
        ("D", 2, -166_666_666),
        ("E", 3, -166_666_666),
        ("F", 4, -166_666_666),
    ]


def test_a_weight_is_its_share_of_the_full_list_however_many_were_found() -> None:
    given = scenario(TopN("score", 3, 2), allow_short=True)
    assert chosen(given, flat("AB", features={"score": once(A=1.0)})) == [("A", 0, 333_333_333)]


def test_shorts_alone() -> None:
    given = scenario(TopN("score", 0, 1), allow_short=True)
    assert chosen(given, flat("AB", features={"score": once(A=1.0, B=2.0)})) == [("A", 0, -PPB)]


def test_eligible_is_present_scored_complete_and_not_barred() -> None:
    bars = market(
        {"A": [None, 1], "B": [100, 1], "C": [100, 1], "D": [100, 1], "E": [100, 1], "F": [100, 1]},
        {
            "score": once(A=9.0, C=8.0, D=7.0, E=6.0, F=5.0),
            "atr": once(A=1.0, B=1.0, D=1.0, E=1.0, F=1.0),
            "beta": once(A=1.0, B=1.0, C=1.0, D=1.0, E=1.0, F=1.0),
        },
    )
    given = scenario(TopN("score", 5, require=("atr", "beta")), exits=[TimeExit("x", 0)])
    state = replace(start(given, e=1), barred={3: 0})
    assert [name for name, _, _ in chosen(given, bars, state)] == ["F"]


def test_nothing_eligible_is_no_rebalance() -> None:
    given = scenario()
    decision = decide(given, start(given, a=3), flat("A", features={"score": {}}), 0)
    assert (decision.rebalance, decision.orders) == (None, ())


def test_membership_trades_only_when_the_lists_differ_from_the_last_numbered_rebalance() -> None:
    scores = {"A": [2.0, 1.0, 2.0, None, 1.0, 1.0], "B": [1.0, 2.0, 1.0, None, 3.0, 1.0]}
    bars = flat("AB", 6, features={"score": scores})
    both = scenario(TopN("score", 2, when=When.MEMBERSHIP))
    assert rows(reference.run(both, bars), "equity", "rebalance") == [(0,), *[(None,)] * 5]
    one = scenario(TopN("score", 1, when=When.MEMBERSHIP))
    numbers = rows(reference.run(one, bars), "equity", "rebalance")
    # A, B, A, nothing eligible, B, last bar.
    assert numbers == [(0,), (1,), (2,), (None,), (3,), (None,)]


def test_membership_tells_the_lists_apart() -> None:
    given = scenario(TopN("score", 1, 1, when=When.MEMBERSHIP), allow_short=True)
    bars = flat("AB", features={"score": once(A=2.0, B=1.0)})
    same = replace(start(given), membership=Membership((0,), (1,)), rebalances=4)
    swapped = replace(same, membership=Membership((1,), (0,)))
    assert decide(given, same, bars, 0).rebalance is None
    decision = decide(given, swapped, bars, 0)
    assert (decision.rebalance, decision.membership) == (4, Membership((0,), (1,)))


def test_weights_are_taken_in_symbol_order_to_ppb_half_even() -> None:
    column = once(A=0.25, B=None, C=0.0, D=4e-10, E=2.5e-9, F=0.5, G=0.1)
    bars = market({**{name: [100, 100] for name in "ABCDEG"}, "F": [None, 100]}, {"w": column, "score": {}})
    given = scenario(Weights("w"))
    state = replace(start(given), barred={6: 5})
    assert chosen(given, bars, state) == [("A", 0, 250_000_000), ("E", 1, 2)]


def test_weights_all_missing_are_no_rebalance_and_none_left_is_one_to_no_targets() -> None:
    given = scenario(Weights("w"))
    nothing = decide(given, start(given, a=2), flat("A", features={"w": {}}), 0)
    assert (nothing.rebalance, nothing.orders) == (None, ())
    zero = decide(given, start(given, a=2), flat("A", features={"w": once(A=0.0)}), 0)
    assert (zero.rebalance, zero.targets, len(zero.orders)) == (0, (), 1)


@pytest.mark.parametrize(
    ("size_on", "cash", "quantity"),
    [(SizeOn.EQUITY, 500, 3), (SizeOn.INITIAL_CASH, 500, 6), (SizeOn.EQUITY, -2_000, 0)],
)
def test_sizing_floors_the_base_times_weight_over_the_close(
    size_on: SizeOn, cash: int, quantity: int
) -> None:
    """Base 1,000 (500 cash and 5 lots at 100) or initial cash of 2,000, a third of it, at a close of 100."""
    bars = flat("AB", features={"w": once(B=0.333333333)})
    given = scenario(Weights("w"), initial_cash=2_000, size_on=size_on)
    state = replace(start(given, a=5), cash=cash)
    assert [x.quantity for x in decide(given, state, bars, 0).targets] == [quantity]


def test_a_negative_weight_is_floored_by_its_size() -> None:
    bars = flat("A", features={"w": once(A=-0.35)})
    given = scenario(Weights("w"), initial_cash=1_000, allow_short=True)
    decision = decide(given, start(given), bars, 0)
    assert [x.quantity for x in decision.targets] == [-3]
    assert [(o.side.value, o.quantity) for o in decision.orders] == [("sell", 3)]


@pytest.mark.parametrize(
    ("held", "orders"), [(8, [("buy", 2)]), (9, []), (10, []), (11, []), (12, [("sell", 2)])]
)
def test_a_difference_within_the_band_of_the_target_is_skipped(
    held: int, orders: list[tuple[str, int]]
) -> None:
    bars = flat("A", features={"w": once(A=1.0)})
    given = scenario(Weights("w"), initial_cash=1_000, size_on=SizeOn.INITIAL_CASH, band=199_999_999)
    decision = decide(given, start(given, a=held), bars, 0)
    assert [(o.side.value, o.quantity) for o in decision.orders] == orders
    assert len(decision.targets) == 1


def test_what_is_no_target_is_closed_unless_absent() -> None:
    bars = market({"A": [100, 1], "B": [None, 1], "C": [100, 1]}, {"w": once(A=0.0)})
    given = scenario(Weights("w"), allow_short=True)
    orders = decide(given, start(given, c=-3, b=2, a=1), bars, 0).orders
    assert [(o.symbol, o.side.value, o.quantity) for o in orders] == [(0, "sell", 1), (2, "buy", 3)]


def test_submission_order_is_exits_closings_targets_and_all_carry_the_number() -> None:
    """A and F exit (A's score notwithstanding), E and G are closed, D, B long, C short."""
    bars = flat("ABCDEFG", features={"score": once(A=9.0, B=2.0, C=1.0, D=3.0), "w": {}})
    given = scenario(TopN("score", 2, 1), exits=[TimeExit("time", 1)], allow_short=True)
    old = Position(2, 200, -1, 100, 100)
    state = start(given, g=1, e=-1)
    state = replace(state, positions={**state.positions, 5: old, 0: old}, rebalances=7)
    orders = decide(given, state, bars, 0).orders
    assert [(bars.symbols[o.symbol], o.reason, o.rebalance) for o in orders] == [
        ("A", "time", 7),
        ("F", "time", 7),
        ("E", "rebalance", 7),
        ("G", "rebalance", 7),
        ("D", "rebalance", 7),
        ("B", "rebalance", 7),
        ("C", "rebalance", 7),
    ]


def test_an_order_lives_for_one_bar() -> None:
    bars = market({"A": [100, None, 100, 100]}, {"score": {"A": [1, None, None, None]}})
    ledger = reference.run(scenario(), bars)
    assert rows(ledger, "orders", "filled", "status") == [(0, "no_bar")]
    assert ledger.tables["fills"].rows == 0
