"""Engine and reference are two programs and one meaning: their ledgers are equal to the last unit."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st

import build
import drawn
import engine
import reference
from build import rows
from reconcile.roots.rebuild import rebuild_states
from vocabulary.errors import RangeError
from vocabulary.ledger import RUN_TABLES, SCHEMA, Ledger
from vocabulary.market import Market
from vocabulary.scenario import ExitRule, Scenario, TimeExit

Pair = tuple[Scenario, Market]
EXAMPLES, TRADED, REFUSED = 200, 166, 6
"""Pairs that count, how many of them trade at least, and how many the engine may refuse (U4) at most."""
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
Property = Callable[..., Ledger | None]


@st.composite
def pairs(draw: Callable[..., Any]) -> Pair:
    """A scenario and its market; hypothesis shrinks both towards the plainest."""

    def pick(options: Any) -> Any:
        if isinstance(options, range):
            return draw(st.integers(options.start, options.stop - 1))
        return draw(st.sampled_from(options))

    return drawn.pair(pick)


def on_pairs(*more: st.SearchStrategy[Any]) -> Callable[[Property], Callable[[], None]]:
    """A test that a property holds on drawn pairs, and on what `more` draws beside each.

    The property returns the run's ledger, None where the engine refused the pair. A pair without a fill shows
    little: once a few were seen, others are drawn in their place.
    """

    def decorate(holds: Property) -> Callable[[], None]:
        def test() -> None:
            seen: Counter[str] = Counter()

            @FEW
            @given(st.tuples(pairs(), *more))
            def on_each(values: tuple[Any, ...]) -> None:
                ledger = holds(*values)
                kind = "refused" if ledger is None else "traded" if ledger.tables["fills"].rows else "idle"
                if kind == "idle" and seen["idle"] >= EXAMPLES - TRADED - REFUSED:
                    reject()
                seen[kind] += 1

            on_each()
            assert seen["refused"] <= REFUSED and seen["traded"] >= TRADED, seen

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return decorate


def assert_equal(one: Ledger, other: Ledger) -> None:
    """Every table, column and cell, what it means and whether it is there."""
    assert list(one.tables) == list(other.tables)
    assert set(RUN_TABLES) <= set(one.tables)
    for name in one.tables:
        assert rows(one, name) == rows(other, name), name
        for column in SCHEMA[name]:
            mine, theirs = one.tables[name].columns[column], other.tables[name].columns[column]
            assert (mine.kind, mine.scale) == (theirs.kind, theirs.scale), (name, column)


def compared(scenario: Scenario, market: Market) -> tuple[Ledger, Ledger] | None:
    """Both ledgers, or None where the engine stopped at the edge of int64 (U4)."""
    expected = reference.run(scenario, market)
    try:
        return expected, engine.run(scenario, market)
    except RangeError as error:
        note(str(error))
        return None


@on_pairs()
def test_engine_and_reference_agree(pair: Pair) -> Ledger | None:
    """On any market and scenario both programs write the same ledger."""
    ledgers = compared(*pair)
    if ledgers is None:
        return None
    assert_equal(*ledgers)
    return ledgers[0]


@on_pairs(st.integers(0, 2**16))
def test_a_run_stopped_and_resumed_is_the_whole_run(pair: Pair, where: int) -> Ledger | None:
    """Either program, stopped at any bar, hands over the same State, from which either goes on the same."""
    scenario, market = pair
    ledgers = compared(scenario, market)
    if ledgers is None:
        return None
    bars = len(market.timestamps)
    bar = where % (bars + 1)
    start = reference.initial_state(scenario)
    first, state = engine.resume(scenario, market, start, bar)
    plain_first, plain_state = reference.resume(scenario, market, start, bar)
    assert state == plain_state
    second, end = engine.resume(scenario, market, plain_state, bars)
    plain_second, plain_end = reference.resume(scenario, market, state, bars)
    assert end == plain_end
    assert_equal(first, plain_first)
    assert_equal(second, plain_second)
    assert_end_to_end(first, second, ledgers[0])
    return ledgers[0]


@on_pairs(st.integers(0, 2**16))
def test_a_state_rebuilt_from_the_ledger_goes_on_as_the_run_did(pair: Pair, where: int) -> Ledger | None:
    """Ledger and market tell all of State: from what they tell, the engine comes to the same end."""
    scenario, market = pair
    ledgers = compared(scenario, market)
    if ledgers is None:
        return None
    assert_rebuilt(scenario, market, ledgers[1], where % len(market.timestamps) + 1)
    return ledgers[1]


def assert_rebuilt(scenario: Scenario, market: Market, ledger: Ledger, bar: int) -> None:
    """The State at `bar`, rebuilt from the whole run's ledger, is the one handed over, and goes on."""
    rebuilt = next(itertools.islice(rebuild_states(ledger, scenario, market), bar - 1, None))
    first, state = engine.resume(scenario, market, reference.initial_state(scenario), bar)
    assert rebuilt == state
    second, _ = engine.resume(scenario, market, rebuilt, len(market.timestamps))
    assert_end_to_end(first, second, ledger)


def assert_end_to_end(first: Ledger, second: Ledger, whole: Ledger) -> None:
    """Two spans laid end to end are the whole run's tables, `sequence` counted on."""
    for name in SCHEMA:
        if name not in whole.tables:
            assert name not in first.tables and name not in second.tables, name
            continue
        put = [row for part in (first, second) if name in part.tables for row in rows(part, name)]
        for at, row in enumerate(put):
            if name == "fills":
                row["sequence"] = at
        assert put == rows(whole, name), name


@on_pairs()
def test_the_books_always_balance(pair: Pair) -> Ledger | None:
    """A3 on every ledger: cash and positions roll forward from fills, equity from both and from P&L."""
    scenario, market = pair
    ledger = reference.run(scenario, market)
    assert_balanced(scenario, market, ledger)
    return ledger


def assert_balanced(scenario: Scenario, market: Market, ledger: Ledger) -> None:
    """A3, told from the tables alone."""
    fills, held = rows(ledger, "fills"), rows(ledger, "positions")
    flows = rows(ledger, "flows") if "flows" in ledger.tables else []
    cash, commissions, book = scenario.initial_cash, 0, {}
    for line, costs in zip(rows(ledger, "equity"), rows(ledger, "costs"), strict=True):
        today = [fill for fill in fills if fill["timestamp"] == line["timestamp"]]
        paid = {flow["symbol"]: flow["amount"] for flow in flows if flow["timestamp"] == line["timestamp"]}
        assert paid.keys() <= book.keys() and 0 not in paid.values()
        cash += sum(paid.values())
        for fill in today:
            signed = fill["quantity"] if fill["side"] == "buy" else -fill["quantity"]
            assert fill["notional"] == fill["quantity"] * fill["price"]
            cash -= signed * fill["price"] + fill["commission"]
            commissions += fill["commission"]
            book[fill["symbol"]] = book.get(fill["symbol"], 0) + signed
        open_now = [row for row in held if row["timestamp"] == line["timestamp"]]
        assert {row["symbol"]: row["quantity"] for row in open_now} == {s: q for s, q in book.items() if q}
        assert line["cash"] == cash
        assert line["market_value"] == sum(row["quantity"] * row["mark"] for row in open_now)
        assert line["equity"] == line["cash"] + line["market_value"]
        assert costs["turnover"] == sum(fill["notional"] for fill in today)
        assert costs["commission"] == sum(fill["commission"] for fill in today)
        assert costs["slippage"] == sum(fill["slippage"] for fill in today)
    state = reference.resume(scenario, market, reference.initial_state(scenario), len(market.timestamps))[1]
    unrealised = sum(
        (p.quantity > 0 or -1) * (abs(p.quantity) * p.mark - p.basis) for p in state.positions.values()
    )
    assert state.commissions == commissions
    last = rows(ledger, "equity")[-1]["equity"]
    assert last == scenario.initial_cash + state.realised + unrealised - commissions + sum(
        flow["amount"] for flow in flows
    )


def saved_cases() -> list[Path]:
    """Counterexamples that the fuzzer found and saved."""
    return sorted((Path(__file__).parent / "golden" / "found").glob("*/scenario.toml"))


@pytest.mark.parametrize("path", saved_cases(), ids=lambda path: path.parent.name)
def test_what_once_differed_agrees(path: Path) -> None:
    """A counterexample of the fuzzer stays a case for good."""
    from reconcile.market.file import read_market
    from reconcile.scenario.files import scenario_from_file

    ledgers = compared(scenario_from_file(path), read_market(path.parent / "market.parquet"))
    assert ledgers is not None
    assert_equal(*ledgers)


@pytest.mark.parametrize("seed", range(10))
def test_a_saved_counterexample_can_be_run_again(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case that could not be read back would be lost with the run that found it."""
    import fuzz
    from reconcile.market.file import read_market
    from reconcile.scenario.files import scenario_from_file

    monkeypatch.setattr(fuzz, "FOUND", tmp_path)
    scenario, market = drawn.pair(random.Random(seed).choice)
    folder = fuzz.save(scenario, market, "case")
    again, read = scenario_from_file(folder / "scenario.toml"), read_market(folder / "market.parquet")
    assert_equal(reference.run(again, read), reference.run(scenario, market))


def test_state_is_plain_integers() -> None:
    """The engine hands over Python integers: a numpy scalar in a State would overflow in silence."""
    market = build.random_market(3)
    scenario = build.scenario(price_decimals=2, cooldown=2, exits=[TimeExit("time", 2)])
    _, state = engine.resume(scenario, market, reference.initial_state(scenario), 12)
    numbers = [state.bar, state.cash, state.realised, state.commissions, state.rebalances]
    for s, p in state.positions.items():
        numbers += [s, p.quantity, p.basis, p.opened, p.peak, p.mark]
    for order in state.pending:
        numbers += [order.decided_at, order.symbol, order.quantity, order.rebalance]
    for s, last in state.barred.items():
        numbers += [s, last]
    assert state.positions and state.membership is not None
    assert all(type(number) is int for number in (*numbers, *state.membership.longs))


def test_every_exit_rule_stands_in_every_table() -> None:
    """A rule that the scenario knows is known to both programs, to the file and to explain."""
    from engine.exits import ROWS
    from reconcile.explaining.hypotheses.exits import RULES as EXPLAINED
    from reconcile.scenario.exits import KINDS
    from reference.exits import RULES

    rules = set(get_args(ExitRule))
    for table in (ROWS, RULES, KINDS, EXPLAINED):
        assert set(table) == rules
