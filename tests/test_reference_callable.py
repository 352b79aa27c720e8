"""R6: what a user's function sees, and every way it can go wrong, in the reference and in the engine."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import engine
import reference
from build import PPB, calling, market, rows, scenario
from reference import decide, initial_state
from vocabulary.errors import CallableError
from vocabulary.scenario import Schedule, TimeExit, Weights
from vocabulary.state import Position, State
from vocabulary.view import View

BARS = market(
    {"A": [100, 110, 120], "B": [200, None, 220]},
    {"score": {"A": [1.0, 2.0, 3.0]}},
    {"vix": [20.0, None, 22.0]},
    price_decimals=2,
)


def given(function: Callable[..., Any], **settings: Any) -> Any:
    return scenario(calling(function), price_decimals=2, initial_cash=1_000, **settings)


def asked(function: Callable[..., Any], t: int = 0, state: State | None = None, **settings: Any) -> Any:
    """The decision that the function leads to at bar t."""
    made = given(function, **settings)
    return decide(made, state or initial_state(made), BARS, t)


def test_the_view_is_the_market_so_far_and_the_account_in_currency() -> None:
    seen: list[View] = []

    def look(view: View) -> None:
        seen.append(view)

    held = {1: Position(-150, 3_000, 0, 200, 200)}
    made = given(look, quantity_decimals=1)
    decide(made, replace(initial_state(made), positions=held, cash=12_345), BARS, 1)
    view = seen[0]
    assert (view.bar, view.symbols) == (1, ("A", "B"))
    assert view.timestamp == np.datetime64("2020-01-02", "ns")
    assert view.close.tolist()[0] == [1.0, 2.0] and view.close[1, 0] == 1.1 and math.isnan(view.close[1, 1])
    assert [a.shape for a in (view.open, view.high, view.low, view.close, view.present)] == [(2, 2)] * 5
    assert view.features["score"][:, 0].tolist() == [1.0, 2.0] and "volume" in view.features
    assert view.context["vix"].shape == (2,) and view.context["vix"][0] == 20.0
    assert view.positions.tolist() == [0.0, -15.0]
    assert (view.cash, view.equity) == (12.345, (12_345 - 150 * 200) / 1000)
    arrays = [view.open, view.high, view.low, view.close, view.present, view.positions]
    arrays += [*view.features.values(), *view.context.values()]
    assert not any(array.flags.writeable for array in arrays)


def test_answers_become_ppb_in_symbol_order() -> None:
    decision = asked(lambda view: {"B": np.float32(0.5), "A": 0.25})
    assert [(x.symbol, x.weight) for x in decision.targets] == [(0, PPB // 4), (1, PPB // 2)]


@pytest.mark.parametrize("one", [1, 1.0, np.int64(1), np.float64(1), np.float32(1)])
def test_every_kind_of_number_is_a_weight(one: Any) -> None:
    assert asked(lambda view: {"A": one}).targets[0].weight == PPB


def test_anything_with_items_will_do() -> None:
    assert len(asked(lambda view: SimpleNamespace(items=lambda: [("A", 1)])).targets) == 1


def test_none_is_no_rebalance_and_empty_is_one_to_no_targets() -> None:
    assert asked(lambda view: None).rebalance is None
    assert (asked(lambda view: {}).rebalance, asked(lambda view: {}).targets) == (0, ())


def test_absent_barred_and_zero_are_no_targets() -> None:
    made = given(lambda view: {"A": 0.5, "B": 0.5}, exits=[TimeExit("x", 0)])
    assert [x.symbol for x in decide(made, initial_state(made), BARS, 1).targets] == [0]
    held = replace(initial_state(made), positions={0: Position(1, 100, 0, 100, 100)})
    assert [x.symbol for x in decide(made, held, BARS, 0).targets] == [1]
    assert asked(lambda view: {"A": 4e-10}).targets == ()


def test_the_function_is_called_only_where_the_schedule_allows() -> None:
    bars: list[int] = []

    def note(view: View) -> None:
        bars.append(view.bar)

    reference.run(given(note, schedule=Schedule(every=2, start=1)), BARS)
    assert bars == [1, 1]


def boom(view: View) -> Mapping[str, float]:
    raise ZeroDivisionError("by the moon")


def leave(view: View) -> None:
    raise SystemExit(0)


class Panic(BaseException):
    """As compiled extensions raise it: no Exception."""


def panic(view: View) -> None:
    raise Panic("index out of bounds")


def write(view: View) -> None:
    view.close[0, 0] = 1.0


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (boom, "ZeroDivisionError: by the moon"),
        (leave, "SystemExit: 0"),
        (panic, "Panic: index out of bounds"),
        (write, "ValueError: assignment destination is read-only"),
        (lambda view: 3, "TypeError: returned 3, a int"),
        (lambda view: [("A", 1.0)], "TypeError: returned [('A', 1.0)], a list"),
        (lambda view: {"Z": 1.0}, "symbol 'Z'"),
        (lambda view: {0: 1.0}, "symbol 0"),
        (lambda view: {"A": float("nan")}, "weight nan for 'A'"),
        (lambda view: {"A": float("inf")}, "weight inf for 'A'"),
        (lambda view: {"A": 1e300}, "weight 1e+300 for 'A'"),
        (lambda view: {"A": 10**400}, "for 'A'"),
        (lambda view: {"A": True}, "weight True for 'A'"),
        (lambda view: {"A": np.bool_(True)}, "for 'A'"),
        (lambda view: {"A": "0.5"}, "weight '0.5' for 'A'"),
        (lambda view: {"A": None}, "weight None for 'A'"),
        (lambda view: {"A": 1j}, "weight 1j for 'A'"),
        (lambda view: SimpleNamespace(items=lambda: [("A", 1), ("A", 1)]), "two weights for 'A'"),
        (lambda view: SimpleNamespace(items=lambda: 3), "TypeError"),
        (lambda view: {"A": -0.5}, "weight -0.5 for 'A'"),
    ],
)
def test_an_error_names_the_function_the_bar_and_what_was_found(
    function: Callable[..., Any], found: str
) -> None:
    with pytest.raises(CallableError) as caught:
        asked(function)
    assert caught.value.where == f"{function.__module__}:{function.__name__} at bar 2020-01-01 00:00:00"
    assert found in caught.value.found
    with pytest.raises(CallableError) as stopped:
        engine.run(given(function), BARS)
    assert stopped.value.where == f"{function.__module__}:{function.__name__} at bar 0 (2020-01-01)"


def test_a_function_with_a_memory_is_found_out() -> None:
    calls: list[int] = []

    def remembers(view: View) -> dict[str, float]:
        calls.append(1)
        return {"A": 0.1 * len(calls)}

    with pytest.raises(CallableError, match=r"two answers to one view, \{'A': 0.1\} and then \{'A': 0.2\}"):
        asked(remembers)


def test_a_negative_weight_that_is_dropped_is_no_short_sale() -> None:
    assert asked(lambda view: {"B": -0.5}, t=1).targets == ()
    made = given(lambda view: {"A": -0.5})
    assert decide(made, replace(initial_state(made), barred={0: 0}), BARS, 0).targets == ()
    assert asked(lambda view: {"A": -0.5}, allow_short=True).targets[0].quantity == -5


def test_a_callable_that_ranks_like_weights_gives_the_ledger_of_weights() -> None:
    bars = market(
        {"A": [100, 120, 90, 100], "B": [50, 40, None, 60]},
        {"w": {"A": [0.5, 0.2, None, 0.4], "B": [0.4, 0.7, 0.9, None]}},
    )

    def weights(view: View) -> dict[str, float]:
        row = view.features["w"][-1]
        return {s: float(w) for s, w in zip(view.symbols, row, strict=True) if w == w}

    one = reference.run(scenario(calling(weights), initial_cash=100_000), bars)
    two = reference.run(scenario(Weights("w"), initial_cash=100_000), bars)
    for table in one.tables:
        assert rows(one, table) == rows(two, table)
    assert one.tables["fills"].rows > 3
