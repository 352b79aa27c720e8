"""The reference's section X: which positions are closed, and why."""

from dataclasses import replace
from typing import Any

import pytest

import reference
from build import PPB, market, rows, scenario
from reference import decide, initial_state
from reference.exits import exits
from vocabulary.scenario import (
    BreakEven,
    ExitRule,
    StopLoss,
    TakeProfit,
    TimeExit,
    Timing,
    TopN,
    TrailingStop,
    VolatilityStop,
)
from vocabulary.state import Position

TENTH = PPB // 10


def fires(
    rule: ExitRule, close: int, quantity: int, *, peak: int = 1000, opened: int = 0, t: int = 0, **m: Any
) -> bool:
    """Whether a rule closes a position entered at 1000, at a bar t that closes at `close`."""
    bars = market({"A": [close] * (t + 1)}, **m)
    position = Position(quantity, abs(quantity) * 1000, opened, peak, close)
    state = replace(initial_state(scenario()), positions={0: position})
    return exits(scenario(exits=[rule]), state, bars, t) == {0: rule.name}


@pytest.mark.parametrize(
    ("rule", "last_open", "first_closed"),
    [
        (StopLoss("x", TENTH), 901, 900),
        (TakeProfit("x", TENTH), 1099, 1100),
        (TrailingStop("x", TENTH, 0, 0), 901, 900),
    ],
)
def test_a_level_fires_when_it_is_met_and_a_short_mirrors_it(
    rule: ExitRule, last_open: int, first_closed: int
) -> None:
    assert not fires(rule, last_open, 5)
    assert fires(rule, first_closed, 5)
    assert not fires(rule, 2000 - last_open, -5)
    assert fires(rule, 2000 - first_closed, -5)


def test_a_volatility_stop_is_a_multiple_of_its_feature_in_ticks() -> None:
    rule = VolatilityStop("x", 2 * PPB, "atr")

    def at(close: int, quantity: int, atr: float | None) -> bool:
        return fires(rule, close, quantity, price_decimals=2, features={"atr": {"A": [atr]}})

    # 0.125 is 12.5 ticks, half to even: 12; twice that is 24.
    assert at(976, 5, 0.125) and not at(977, 5, 0.125)
    assert at(1024, -5, 0.125) and not at(1023, -5, 0.125)
    for missing in (None, 0.0, 0.004, -1.0, float("inf")):
        assert not at(1, 5, missing)


def test_a_trailing_stop_tightens_with_bars_held_down_to_its_minimum() -> None:
    rule = TrailingStop("x", TENTH, PPB // 100, PPB // 20)
    for held, level in [(0, 1800), (1, 1820), (5, 1900), (9, 1900)]:
        assert fires(rule, level, 5, peak=2000, opened=1, t=1 + held)
        assert not fires(rule, level + 1, 5, peak=2000, opened=1, t=1 + held)
        assert fires(rule, 4000 - level, -5, peak=2000, opened=1, t=1 + held)
        assert not fires(rule, 4000 - level - 1, -5, peak=2000, opened=1, t=1 + held)


def test_a_time_exit_counts_bars_from_the_opening_fill() -> None:
    assert not fires(TimeExit("x", 3), 1000, 5, opened=2, t=4)
    assert fires(TimeExit("x", 3), 1000, 5, opened=2, t=5)
    assert fires(TimeExit("x", 0), 1000, 5)


def test_the_first_rule_listed_gives_the_reason() -> None:
    rules: list[ExitRule] = [TimeExit("never", 99), StopLoss("stop", TENTH), TimeExit("always", 0)]
    state = replace(
        initial_state(scenario()),
        positions={1: Position(-2, 200, 0, 100, 100), 0: Position(1, 1000, 0, 1000, 500)},
    )
    fired = exits(scenario(exits=rules), state, market({"A": [500], "B": [100]}), 0)
    assert list(fired.items()) == [(0, "stop"), (1, "always")]


def test_an_absent_symbol_is_not_looked_at() -> None:
    state = replace(initial_state(scenario()), positions={0: Position(1, 1000, 0, 1000, 500)})
    assert exits(scenario(exits=[TimeExit("x", 0)]), state, market({"A": [None]}), 0) == {}


def test_an_exit_closes_the_whole_position() -> None:
    given = scenario(TopN("score", 1), exits=[TimeExit("x", 0)])
    bars = market({"A": [10, 10], "B": [10, 10]}, {"score": {}})
    held = {0: Position(7, 70, 0, 10, 10), 1: Position(-3, 30, 0, 10, 10)}
    orders = decide(given, replace(initial_state(given), positions=held), bars, 0).orders
    assert [(o.symbol, o.side.value, o.quantity, o.reason, o.rebalance) for o in orders] == [
        (0, "sell", 7, "x", None),
        (1, "buy", 3, "x", None),
    ]


@pytest.mark.parametrize(("cooldown", "again"), [(0, 3), (1, 4), (3, 6)])
def test_a_cooldown_bars_the_symbol_for_so_many_bars_more(cooldown: int, again: int) -> None:
    """Bought at 1, stopped at 2 (ordered 2, sold 3); eligible again at 3 + cooldown, bought a bar later."""
    bars = market({"A": [100, 100, 50, 50, 50, 50, 50, 50, 50]}, {"score": {"A": [1] * 9}})
    given = scenario(TopN("score", 1), exits=[StopLoss("stop", TENTH)], cooldown=cooldown, band=PPB // 2)
    ledger = reference.run(given, bars)
    trades = rows(ledger, "orders", "decided_at", "side", "reason")
    bar = bars.timestamps.tolist().index
    assert [(bar(at), side, reason) for at, side, reason in trades][:3] == [
        (0, "buy", "rebalance"),
        (2, "sell", "stop"),
        (again, "buy", "rebalance"),
    ]


def test_an_exit_that_did_not_fill_bars_all_the_same_and_is_decided_anew() -> None:
    """The stop of bar 2 meets an absent bar 3, at 4 it fires again; the symbol is barred throughout."""
    bars = market({"A": [100, 100, 50, None, 50, 50, 50]}, {"score": {"A": [1] * 7}})
    given = scenario(TopN("score", 1), exits=[StopLoss("stop", TENTH)], band=PPB // 2)
    orders = rows(reference.run(given, bars), "orders", "decided_at", "reason", "status")
    bar = bars.timestamps.tolist().index
    assert [(bar(at), reason, status) for at, reason, status in orders] == [
        (0, "rebalance", "filled"),
        (2, "stop", "no_bar"),
        (4, "stop", "filled"),
        (5, "rebalance", "filled"),
    ]


def test_the_state_keeps_only_bars_that_still_matter() -> None:
    bars = market({"A": [100, 100, 50, 50, 50, 50]}, {"score": {"A": [1, None, None, None, None, None]}})
    given = scenario(TopN("score", 1), exits=[StopLoss("stop", TENTH)], cooldown=2)
    state = initial_state(given)
    barred = []
    for until in range(1, 7):
        _, state = reference.resume(given, bars, state, until)
        barred.append(dict(state.barred))
    assert barred == [{}, {}, {0: 4}, {0: 4}, {}, {}]


def test_held_and_peak_begin_at_the_fill_and_same_close_marks_again() -> None:
    bars = market({"A": [(90, 100), (120, 110), 105]}, {"score": {"A": [1, 1, 1]}})
    for timing, opened, peak in [
        (Timing.NEXT_OPEN, 1, 120),
        (Timing.NEXT_CLOSE, 1, 110),
        (Timing.SAME_CLOSE, 0, 110),
    ]:
        given = scenario(TopN("score", 1), timing=timing, band=PPB - 1)
        _, state = reference.resume(given, bars, initial_state(given), 2)
        position = state.positions[0]
        assert (position.opened, position.peak) == (opened, peak)


def test_a_rule_stays_armed_until_the_position_is_gone() -> None:
    """Armed by one close, it waits; a position opened anew is not armed."""
    bars = market(
        {"A": [1000, 1000, 1100, 1050, 1000, 1000, 1000, 1000]}, {"score": {"A": [1.0] * 8}}, price_decimals=0
    )
    s = scenario(TopN("score", 1), exits=[BreakEven("even", TENTH)], price_decimals=0, initial_cash=10_000)
    state, armed = initial_state(s), []
    for t in range(8):
        state = reference.step(s, state, bars, t).state
        armed.append({symbol: set(position.armed) for symbol, position in state.positions.items()})
    assert armed[1:5] == [{0: set()}, {0: {"even"}}, {0: {"even"}}, {0: {"even"}}]
    assert armed[5:] == [{}, {0: set()}, {0: set()}]


@pytest.mark.parametrize(("quantity", "gained"), [(1, 1100), (-1, 900)])
def test_one_lot_is_a_position_like_any_other(quantity: int, gained: int) -> None:
    """Long or short is told by the sign alone: exits, peak (X2) and arming (X3) of the smallest position."""
    lost = 2000 - gained
    assert fires(StopLoss("x", TENTH), lost, quantity) and not fires(StopLoss("x", TENTH), gained, quantity)
    assert fires(TakeProfit("x", TENTH), gained, quantity) and not fires(
        TakeProfit("x", TENTH), lost, quantity
    )
    held = Position(quantity, 1000, 0, 1000, 1000)
    state = replace(initial_state(scenario()), positions={0: held})
    given = scenario(exits=[BreakEven("even", TENTH)])
    for close, peak, names in ((gained, gained, {"even"}), (lost, 1000, set())):
        marked, _ = reference.mark(given, state, market({"A": [close]}), 0)
        assert (marked.positions[0].peak, marked.positions[0].armed) == (peak, names)
