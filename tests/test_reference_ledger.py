"""What the reference hands out: a ledger whose books close, and a state to go on from."""

import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

import reference
from build import PPB, market, random_market, random_scenario, rows, scenario
from reference import initial_state
from vocabulary.errors import InputError
from vocabulary.ledger import RUN_TABLES, SCHEMA, SEMANTICS_DIGEST, Kind
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, Scenario, StopLoss, Timing, TopN, Weights
from vocabulary.state import Status

SEEDS = range(40)


def pair(seed: int) -> tuple[Scenario, Market]:
    return random_scenario(seed, levels=seed % 3 == 0), random_market(seed)


def numbers(thing: Any) -> list[Any]:
    """Every leaf of nested dataclasses, mappings and tuples."""
    if is_dataclass(thing) and not isinstance(thing, type):
        return [leaf for f in fields(thing) for leaf in numbers(getattr(thing, f.name))]
    if isinstance(thing, dict):
        return [leaf for item in thing.items() for part in item for leaf in numbers(part)]
    if isinstance(thing, tuple):
        return [leaf for part in thing for leaf in numbers(part)]
    return [thing]


def test_the_random_runs_below_trade_and_meet_every_status() -> None:
    statuses = {word for seed in SEEDS for (word,) in rows(reference.run(*pair(seed)), "orders", "status")}
    of_files = {
        Status.NO_SHARES.value,
        Status.NOT_MET.value,
    }  # R10: tests/golden/hand and test_orders_file.py
    assert statuses | of_files == {status.value for status in Status}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_close_at_every_bar(seed: int) -> None:
    """A3: equity = initial cash + realised + unrealised - commissions, and equals what is on record."""
    given, bars = pair(seed)
    state = initial_state(given)
    for until in range(1, len(bars.timestamps) + 1):
        ledger, state = reference.resume(given, bars, state, until)
        unrealised = sum(
            (1 if p.quantity > 0 else -1) * (abs(p.quantity) * p.mark - p.basis)
            for p in state.positions.values()
        )
        equity = given.initial_cash + state.realised + unrealised - state.commissions
        assert rows(ledger, "equity", "cash", "equity") == [(state.cash, equity)]


@pytest.mark.parametrize("seed", SEEDS)
def test_cash_and_positions_roll_forward_from_fills(seed: int) -> None:
    given, bars = pair(seed)
    ledger = reference.run(given, bars)
    cash, held = given.initial_cash, dict.fromkeys(bars.symbols, 0)
    fills = rows(ledger, "fills")
    positions = rows(ledger, "positions")
    for row in rows(ledger, "equity"):
        for fill in (f for f in fills if f["timestamp"] == row["timestamp"]):
            sign = 1 if fill["side"] == "buy" else -1
            cash -= sign * fill["notional"] + fill["commission"]
            held[fill["symbol"]] += sign * fill["quantity"]
        at_close = {p["symbol"]: p["quantity"] for p in positions if p["timestamp"] == row["timestamp"]}
        assert at_close == {symbol: lots for symbol, lots in held.items() if lots}
        assert row["cash"] == cash
    total = [sum(f[name] for f in fills) for name in ("notional", "commission", "slippage")]
    costs = rows(ledger, "costs", "turnover", "commission", "slippage")
    assert total == [sum(column) for column in zip(*costs, strict=True)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_stopped_anywhere_goes_on_to_the_same_rows_and_state(seed: int) -> None:
    given, bars = pair(seed)
    whole, last = reference.resume(given, bars, initial_state(given), len(bars.timestamps))
    middle = seed % len(bars.timestamps)
    head, state = reference.resume(given, bars, initial_state(given), middle)
    tail, end = reference.resume(given, bars, state, len(bars.timestamps))
    assert end == last
    for table in RUN_TABLES:
        names = [name for name in SCHEMA[table] if name != "sequence"]
        assert rows(head, table, *names) + rows(tail, table, *names) == rows(whole, table, *names)
    assert rows(tail, "fills", "sequence") == [(k,) for k in range(tail.tables["fills"].rows)]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_given_is_changed(seed: int) -> None:
    given, bars = pair(seed)
    _, state = reference.resume(given, bars, initial_state(given), 15)
    before, arrays = copy.deepcopy(state), copy.deepcopy(bars)
    first = reference.resume(given, bars, state, 30)
    again = reference.resume(given, bars, state, 30)
    assert state == before
    assert first[1] == again[1]
    assert all(rows(first[0], table) == rows(again[0], table) for table in RUN_TABLES)
    assert all(
        np.array_equal(getattr(bars, name), getattr(arrays, name))
        for name in ("timestamps", "wall", "present", "open", "high", "low", "close")
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_number_of_a_state_is_a_plain_integer(seed: int) -> None:
    given, bars = pair(seed)
    state = initial_state(given)
    for t in range(len(bars.timestamps)):
        day = reference.step(given, state, bars, t)
        state = day.state
        assert not [leaf for leaf in numbers(day) if isinstance(leaf, np.generic | float)]


def test_a_run_beyond_int64_is_exact_and_recorded_in_python_integers() -> None:
    """9e12 ticks times 2e7 lots wraps around in int64; it does not here."""
    tick = 9_000_000_000_000
    bars = market({"A": [tick, tick, tick + 1]}, {"w": {"A": [1.0, None, None]}})
    given = scenario(Weights("w"), initial_cash=tick * 20_000_000, commission=BpsCommission(500_000))
    (fill,) = rows(reference.run(given, bars), "fills")
    quantity = fill["quantity"]
    assert quantity > 19_000_000
    assert fill["notional"] == tick * quantity > 2**63
    assert fill["commission"] == (tick * quantity * 500_000 + PPB // 2) // PPB
    ledger = reference.run(given, bars)
    assert ledger.tables["fills"].columns["notional"].values.dtype == object
    assert ledger.tables["fills"].columns["quantity"].values.dtype == np.int64
    assert rows(ledger, "equity", "equity")[-1] == (given.initial_cash - fill["commission"] + quantity,)


def test_a_ledger_is_shaped_as_the_schema_says() -> None:
    ledger = reference.run(*pair(3))
    assert {name: list(t.columns) for name, t in ledger.tables.items()} == {
        name: list(SCHEMA[name]) for name in RUN_TABLES
    }
    scales = {Kind.PRICE: 2, Kind.QUANTITY: 0, Kind.MONEY: 2, Kind.RATE: 9, Kind.COUNT: 0}
    for name, table in ledger.tables.items():
        for title, column in table.columns.items():
            assert column.kind is SCHEMA[name][title]
            assert column.scale == scales.get(column.kind)
            assert len(column.values) == table.rows
            assert not column.values.flags.writeable
            assert (column.dictionary is not None) == (column.kind in (Kind.SYMBOL, Kind.WORD))


def test_a_manifest_says_what_was_run() -> None:
    given, bars = pair(3)
    manifest = reference.run(given, bars).manifest
    assert (manifest.scenario, manifest.market, manifest.semantics) == (
        given.digest,
        bars.digest,
        SEMANTICS_DIGEST,
    )
    assert (manifest.producer, manifest.timing) == ("reference", given.execution.timing.value)
    assert (manifest.price_decimals, manifest.quantity_decimals) == (2, 0)
    assert manifest.initial_cash == given.initial_cash


def test_rows_are_what_section_l_says() -> None:
    """One buy at 101 with a commission of 1, stopped a bar later; every table by hand."""
    bars = market({"A": [100, (101, 90), 80]}, {"w": {"A": [0.5, None, None]}})
    given = scenario(
        Weights("w"), initial_cash=1_000, exits=[StopLoss("stop", 0)], commission=BpsCommission(0, 1)
    )
    ledger = reference.run(given, bars)
    first, second, third = bars.timestamps.tolist()
    assert rows(ledger, "targets") == [
        {"rebalance": 0, "decided_at": first, "symbol": "A", "rank": 0, "weight": PPB // 2, "quantity": 5}
    ]
    assert rows(ledger, "orders", *list(SCHEMA["orders"])) == [
        (first, second, 0, "A", "buy", 5, 5, "filled", "rebalance"),
        (second, third, None, "A", "sell", 5, 5, "filled", "stop"),
    ]
    assert rows(ledger, "fills", *list(SCHEMA["fills"])) == [
        (0, second, first, "A", "buy", 5, 101, 505, 1, 0, "rebalance"),
        (1, third, second, "A", "sell", 5, 80, 400, 1, 0, "stop"),
    ]
    assert rows(ledger, "positions", *list(SCHEMA["positions"])) == [(second, "A", 5, 101, 505, 90, 450)]
    assert rows(ledger, "costs", *list(SCHEMA["costs"])) == [
        (first, 0, 0, 0),
        (second, 505, 1, 0),
        (third, 400, 1, 0),
    ]
    assert rows(ledger, "equity", *list(SCHEMA["equity"])) == [
        (first, 0, 1_000, 0, 1_000),
        (second, None, 494, 450, 944),
        (third, None, 893, 0, 893),
    ]


def test_rows_stand_in_submission_execution_and_symbol_order() -> None:
    """At bar 1 C is cut before B is bought, though B was submitted first; positions are by symbol."""
    bars = market(
        {"A": [100] * 3, "B": [100] * 3, "C": [100, 400, 400]},
        {"score": {"A": [1, None, None], "B": [None, 2, None], "C": [2, 1, None]}},
    )
    given = scenario(TopN("score", 2), initial_cash=1_000, timing=Timing.SAME_CLOSE)
    ledger = reference.run(given, bars)
    at = bars.timestamps.tolist()[1]
    assert [s for t, s in rows(ledger, "orders", "decided_at", "symbol") if t == at] == ["A", "B", "C"]
    assert [s for t, s in rows(ledger, "fills", "timestamp", "symbol") if t == at] == ["A", "C", "B"]
    assert [s for _, s in rows(ledger, "positions", "timestamp", "symbol")] == ["A", "C", "B", "C", "B", "C"]


def test_a_target_of_nothing_has_its_row() -> None:
    bars = market({"A": [100, 100]}, {"w": {"A": [0.01, None]}})
    ledger = reference.run(scenario(Weights("w"), initial_cash=1_000), bars)
    assert rows(ledger, "targets", "symbol", "quantity") == [("A", 0)]
    assert ledger.tables["orders"].rows == 0


@pytest.mark.parametrize("timing", list(Timing))
def test_the_parts_make_the_same_ledger_in_another_loop(timing: Timing) -> None:
    """A loop outside, over `step`, records what `run` records."""
    given, bars = pair(5)
    given = replace(given, execution=replace(given.execution, timing=timing))
    state, days = initial_state(given), []
    for t in range(len(bars.timestamps)):
        days.append(reference.step(given, state, bars, t))
        state = days[-1].state
    ours, whole = reference.ledger_of(given, bars, days), reference.run(given, bars)
    assert all(rows(ours, table) == rows(whole, table) for table in RUN_TABLES)


def test_progress_ends_with_all_bars() -> None:
    done: list[int] = []
    reference.run(*pair(1), progress=done.append)
    assert done == sorted(done) and done[-1] == 30


def test_bars_that_are_not_there_are_refused() -> None:
    given, bars = pair(1)
    with pytest.raises(InputError, match="bars 0 to 31"):
        reference.resume(given, bars, initial_state(given), 31)
    with pytest.raises(InputError, match="bars 9 to 8"):
        reference.resume(given, bars, replace(initial_state(given), bar=9), 8)


def test_no_bars_make_an_empty_ledger() -> None:
    given, bars = pair(1)
    ledger, state = reference.resume(given, bars, initial_state(given), 0)
    assert state == initial_state(given)
    assert [table.rows for table in ledger.tables.values()] == [0] * 6
