"""Roots under resync are the mistakes that were made, and no others."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests import build
from tests import comparison_faults as faults
from tests import comparison_kit as kit

import reference
from reconcile.comparing.compare import compare
from reconcile.matching.model import BoundKind, BreakType, Reconciliation, Stage, Tolerance, Verdict
from reconcile.matching.stages import RANK
from reconcile.roots.resync import resync
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, CashPolicy, Gap, Scenario, Sequence, Timing, TopN, Weights

SWAPPED = {BreakType.MISSING: BreakType.EXTRA, BreakType.EXTRA: BreakType.MISSING}
Told = list[tuple[int, str, str, str]]


def told(found: Reconciliation, market: Market, *, swapped: bool = False) -> Told:
    """Roots as (bar, stage, type, symbol)."""
    assert found.roots is not None, found.notes
    bars = market.timestamps.tolist()
    out = []
    for root in found.roots:
        kind = SWAPPED.get(root.first.type, root.first.type) if swapped else root.first.type
        out.append(
            (bars.index(root.first.timestamp), root.first.stage.value, kind.value, root.first.symbol or "")
        )
    return sorted(out)


def planted(plants: list[faults.Plant]) -> Told:
    return sorted((p.bar, p.expected[0].value, p.expected[1].value, p.symbol or "") for p in plants)


def not_persisting(found: Reconciliation, market: Market, plants: list[faults.Plant]) -> list[faults.Plant]:
    """The plants but for those that merely repeat an earlier one: the same stage, type and symbol gone wrong
    again, before it was once right, is that mistake persisting. It must lie within the root's extent."""
    bars = market.timestamps.tolist()
    longer = [root for root in found.roots or () if root.count > 1]
    return [
        plant
        for plant in plants
        if not any(
            bars.index(root.first.timestamp) < plant.bar <= bars.index(root.last)
            and (root.first.stage, root.first.type, root.first.symbol) == (*plant.expected, plant.symbol)
            for root in longer
        )
    ]


def plant(
    scenario: Scenario, market: Market, true: Ledger, sort: str, bar: int, rng: random.Random
) -> tuple[Ledger, list[faults.Plant]]:
    """The ledger with one fault, and what took hold."""
    if sort in faults.LIVED:
        return faults.live(scenario, market, {bar: sort}, rng)
    made = faults.record_fault(true, market, sort, bar, rng)
    return (true, []) if made is None else (made[0], [made[1]])


@pytest.mark.parametrize("sort", faults.EXPECTED)
def test_one_fault_is_one_root_of_its_stage_and_type(sort: str) -> None:
    """Wherever it is planted, and whichever side has it."""
    seen = 0
    for seed in range(4):
        timing = list(Timing)[seed % 3]
        scenario, market, true = kit.sample(seed, timing=timing)
        wrong, plants = plant(scenario, market, true, sort, 4 + 3 * seed, random.Random(seed))
        if plants:
            seen += 1
            found = compare(true, wrong, scenario=scenario, market=market)
            assert told(found, market) == planted(plants), (seed, sort)
            back = compare(wrong, true, scenario=scenario, market=market)
            assert told(back, market, swapped=True) == planted(plants), (seed, sort)
    assert seen, "planted nowhere"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_the_roots_are_the_planted_faults_and_the_first_break_is_the_earliest(seed: int) -> None:
    """k faults of both sorts at random bars of random scenarios."""
    rng = random.Random(seed)
    market = build.random_market(rng.randrange(10**6), 6, 40)
    scenario = build.random_scenario(rng.randrange(10**6))
    assume(scenario.initial_cash >= 10**6)
    true = reference.run(scenario, market)
    assume(true.tables["fills"].rows >= 12)
    bars = rng.sample(range(2, 36, 6), rng.randint(1, 4))
    lived = rng.randint(0, len(bars))
    wrong, plants = faults.live(scenario, market, {t: rng.choice(faults.LIVED) for t in bars[:lived]}, rng)
    for t in bars[lived:]:
        made = faults.record_fault(wrong, market, rng.choice(faults.RECORDED), t, rng)
        if made is not None:
            wrong = made[0]
            plants.append(made[1])
    assume(plants)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert told(found, market) == planted(not_persisting(found, market, plants))
    assert found.first is not None and found.roots
    one = found.roots[0].first
    assert found.first.cycle == one.cycle
    if (one.reference_row, one.candidate_row) != (None, None):
        assert found.first.root and found.first.stage is one.stage
    # Else both ledgers happen to tell the same there: cash that was not debited, and at once spent again.
    order = [(b.cycle, RANK[b.stage]) for b in found.breaks]
    assert order == sorted(order), "the first divergence is the earliest cycle, and in it the earliest stage"
    assert all(b.root is not None for b in found.breaks)


@pytest.mark.parametrize("seed", range(24))
def test_a_true_ledger_with_levels_has_no_finding(seed: int) -> None:
    """X5 to X9: the resync finds each close at a level where the reference has it, in every timing."""
    scenario = build.random_scenario(seed, levels=True)
    market = build.random_market(seed, 5, 30)
    true = reference.run(scenario, market)
    assert resync(true, scenario, market) == []


def test_a_gapped_stop_at_its_level_is_one_root_a_fill() -> None:
    """X8: the price is the mistake; notional, cost, cash and equity follow from it."""
    seen = 0
    for seed in range(40):
        scenario, market = build.random_scenario(seed, levels=True), build.random_market(seed, 5, 30)
        levels = replace(scenario.execution.levels, gap=Gap.LEVEL_OR_FAR)
        other = replace(scenario, execution=replace(scenario.execution, levels=levels))
        found = compare(
            reference.run(scenario, market), reference.run(other, market), scenario=scenario, market=market
        )
        assert {(root.first.table, root.first.field) for root in found.roots} <= {("fills", "price")}
        seen += bool(found.roots)
    assert seen >= 5


def test_what_follows_from_a_root_is_a_consequence() -> None:
    scenario, market, true = kit.sample(3)
    wrong, (one,) = faults.live(scenario, market, {5: "resized"}, random.Random(1))
    found = compare(true, wrong, scenario=scenario, market=market)
    assert len(found.breaks) > 20
    roots = [b for b in found.breaks if b.root]
    assert [(b.table, b.field, b.symbol) for b in roots] == [("orders", "quantity", one.symbol)]
    assert len(found.breaks.where(root=False)) == len(found.breaks) - 1


def test_a_mistake_that_persists_is_one_root_with_its_extent() -> None:
    """Every fill of one symbol charged a unit too much: one root, not one a fill."""
    scenario, market, true = kit.sample(2, bars=30)
    symbol = market.symbols[0]
    fills = true.tables["fills"].columns
    rows = np.flatnonzero(fills["symbol"].values == 0)
    assert len(rows) > 3
    wrong = true
    for row in rows:
        wrong = kit.edited(wrong, "fills", "commission", int(row), lambda v: v + 1)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert found.roots is not None and len(found.roots) == 1
    (root,) = found.roots
    assert (root.first.symbol, root.first.stage, root.count) == (symbol, Stage.COST, len(rows))
    assert root.first.timestamp == fills["timestamp"].values[rows[0]]
    assert root.last == fills["timestamp"].values[rows[-1]]


def test_a_mistake_that_stops_and_comes_again_is_two_roots() -> None:
    scenario, market, true = kit.sample(2, bars=30)
    rows = np.flatnonzero(true.tables["fills"].columns["symbol"].values == 0)
    wrong = true
    for row in (rows[0], rows[1], rows[-1]):
        wrong = kit.edited(wrong, "fills", "commission", int(row), lambda v: v + 1)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert found.roots is not None and [root.count for root in found.roots] == [2, 1]


def test_rows_of_two_symbols_told_under_a_third_are_two_roots() -> None:
    """However often a row of the third is too many: each goes with the row that is missing beside it."""
    scenario, market, true = kit.sample(6)
    targets = build.rows(true, "targets", "decided_at", "symbol")
    third = market.symbols[3]
    bars = sorted({bar for bar, _ in targets} - {bar for bar, symbol in targets if symbol == third})
    one = targets.index(next(row for row in targets if row[0] == bars[0]))
    two = targets.index(next(row for row in targets if row[0] == bars[1] and row[1] != targets[one][1]))
    wrong = kit.edited(kit.edited(true, "targets", "symbol", one, third), "targets", "symbol", two, third)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert told(found, market) == [
        (build.bar_of(market, targets[row][0]), "target", "target", targets[row][1]) for row in (one, two)
    ]


@pytest.mark.parametrize("table", ["targets", "orders", "fills", "positions"])
def test_a_symbol_that_the_market_does_not_know_is_one_root(table: str) -> None:
    """In another case, once or throughout: the rows are still those of the symbol meant."""
    scenario, market, true = kit.sample(6)
    symbol = market.symbols[1]
    rows = [row for row, (name,) in enumerate(build.rows(true, table, "symbol")) if name == symbol]
    for misspelled in (rows[:1], rows):
        wrong = true
        for row in misspelled:
            wrong = kit.edited(wrong, table, "symbol", row, symbol.lower())
        for sides in ((true, wrong), (wrong, true)):
            found = compare(*sides, scenario=scenario, market=market)
            assert found.roots is not None
            assert [(r.first.table, r.first.field, r.first.symbol, r.count) for r in found.roots] == [
                (table, "symbol", symbol, len(misspelled))
            ]
            assert all(one.root for one in found.breaks)


def test_a_fill_told_under_a_symbol_that_had_no_cash_is_one_root() -> None:
    """That A may have been filled leaves no cash for B; but what is said of B's order must be one reading."""
    market = build.market(
        {"A": [100, 100, 100, 100], "B": [100, 101, 101, 101]},
        {"w": {"A": [1.2, None, None, None], "B": [0.7, None, None, None]}},
        price_decimals=2,
    )
    scenario = build.scenario(
        Weights("w"),
        price_decimals=2,
        initial_cash=10**4,
        cash=CashPolicy.REJECT,
        sequence=Sequence.SUBMISSION,
    )
    true = reference.run(scenario, market)
    assert build.rows(true, "orders", "symbol", "status") == [("A", "no_cash"), ("B", "filled")]
    wrong = kit.edited(true, "fills", "symbol", 0, "A")
    found = compare(true, wrong, scenario=scenario, market=market)
    assert told(found, market) == [(1, "order", "order", "B")]


def test_a_fill_told_under_a_symbol_that_was_absent_is_one_root() -> None:
    """Had A been bought, B would have been cut short; its row says that it was not."""
    market = build.market(
        {"A": [100, None, 100], "B": [100, 90, 100]},
        {"w": {"A": [0.4, None, None], "B": [0.9, None, None]}},
        price_decimals=2,
    )
    scenario = build.scenario(
        Weights("w"), price_decimals=2, initial_cash=10**4, sequence=Sequence.SUBMISSION
    )
    true = reference.run(scenario, market)
    assert build.rows(true, "orders", "symbol", "status") == [("A", "no_bar"), ("B", "filled")]
    found = compare(true, kit.edited(true, "fills", "symbol", 0, "A"), scenario=scenario, market=market)
    assert told(found, market) == [(1, "order", "order", "B")]


def test_a_fill_doubled_to_the_size_of_its_order_is_a_duplicate() -> None:
    """Half of it was filled, says its row in `orders`: the same fill twice is not the whole in two parts."""
    market = build.market({"A": [100, 100, 100]}, {"w": {"A": [2.0, None, None]}}, price_decimals=2)
    scenario = build.scenario(Weights("w"), price_decimals=2, initial_cash=10**4)
    true = reference.run(scenario, market)
    assert build.rows(true, "orders", "quantity", "filled") == [(200, 100)]
    found = compare(true, kit.doubling(true, "fills", 0), scenario=scenario, market=market)
    assert told(found, market) == [(1, "status", "duplicate", "A")]


def test_a_fill_told_under_another_symbol_in_a_bar_of_many_orders_is_one_root() -> None:
    """Whether twenty later orders met its cash or not makes more readings than are carried on: those that
    the positions bear out are kept."""
    symbols = [f"S{k:02d}" for k in range(24)]
    market = build.market(
        {symbol: [100, 100, 100, 100] for symbol in symbols},
        {"w": {symbol: [0.05 if k < 3 else 0.9, None, None, None] for k, symbol in enumerate(symbols)}},
        price_decimals=2,
    )
    scenario = build.scenario(
        Weights("w"),
        price_decimals=2,
        initial_cash=10**6,
        commission=BpsCommission(10**6),
        sequence=Sequence.SUBMISSION,
    )
    true = reference.run(scenario, market)
    for row in range(3):
        wrong = kit.edited(true, "fills", "symbol", row, "S23")
        found = compare(true, wrong, scenario=scenario, market=market)
        assert told(found, market) == [(1, "order", "order", symbols[row])]


def test_a_silent_rebalance_does_not_unsettle_the_numbers() -> None:
    """A rebalance to no targets whose equity row is gone leaves no trace; the next one's number is right."""
    market = build.market(
        {"A": [100] * 8},
        {"w": {"A": [None, 0.0, None, None, 0.4, None, 0.2, None]}},
        price_decimals=2,
    )
    scenario = build.scenario(Weights("w"), price_decimals=2, initial_cash=10**6)
    true = reference.run(scenario, market)
    assert build.rows(true, "equity", "rebalance")[:5] == [(None,), (0,), (None,), (None,), (1,)]
    assert (0,) not in build.rows(true, "targets", "rebalance") + build.rows(true, "orders", "rebalance")
    found = compare(true, kit.dropping(true, "equity", 1), scenario=scenario, market=market)
    assert told(found, market) == [(1, "equity", "missing", "")]


def test_a_book_that_goes_its_own_way_is_one_root() -> None:
    """Cash, market value and equity reported from another account from some bar on."""
    scenario, market, true = kit.sample(4, bars=30)
    wrong = true
    for bar in range(10, 30):
        for name in ("cash", "market_value", "equity"):
            frozen = int(true.tables["equity"].columns[name].values[9])
            wrong = kit.edited(wrong, "equity", name, bar, frozen)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert found.roots is not None and len(found.roots) == 1
    (root,) = found.roots
    assert root.last == market.timestamps[29]
    assert root.first.timestamp == market.timestamps[10]


def test_astray_at_bar_10_and_again_at_bar_200_is_two_roots() -> None:
    scenario, market, _ = kit.sample(5, bars=220)
    true = reference.run(scenario, market)
    wrong, plants = faults.live(scenario, market, {10: "resized", 200: "mispriced"}, random.Random(0))
    assert len(plants) == 2
    found = compare(true, wrong, scenario=scenario, market=market)
    assert told(found, market) == planted(plants)


@pytest.mark.parametrize("lacking", ["targets", "orders", "fills", "positions", "costs", "equity"])
def test_a_ledger_that_lacks_a_table_has_no_roots_of_its_own(lacking: str) -> None:
    """What is not told is no mistake; a real one is still found among the tables that are there."""
    scenario, market, true = kit.sample(6)
    wrong, (one,) = faults.live(scenario, market, {8: "resized"}, random.Random(2))
    found = compare(true, kit.without(wrong, lacking), scenario=scenario, market=market)
    assert found.verdict is Verdict.BREAKS
    got = told(found, market)
    assert len(got) == 1
    if lacking != "orders":
        assert got == planted([one])
    else:
        assert got[0][0] == one.bar + 1 and got[0][3] == one.symbol


def test_without_scenario_or_a_book_roots_are_not_told() -> None:
    scenario, market, true = kit.sample(6)
    wrong = kit.edited(true, "equity", "cash", 5, 1)
    found = compare(true, wrong)
    assert found.roots is None and {b.root for b in found.breaks} == {None}
    bare = kit.without(wrong, "fills", "positions")
    found = compare(true, bare, scenario=scenario, market=market)
    assert found.roots is None and any("Roots" in note for note in found.notes)


def test_rows_outside_the_market_are_roots() -> None:
    scenario, market, true = kit.sample(6)
    wrong = kit.edited(true, "fills", "timestamp", 5, 12345)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert found.roots and len(found.breaks)
    assert {root.first.type for root in found.roots} <= {BreakType.EXTRA, BreakType.MISSING, BreakType.TIMING}
    assert all(b.root for b in found.breaks)


def test_a_foreign_ledger_in_floats_has_the_same_roots() -> None:
    scenario, market, true = kit.sample(7, selection=TopN("score", 3, gross_long=900_000_000))
    wrong, plants = faults.live(scenario, market, {8: "mispriced"}, random.Random(2))
    found = compare(true, kit.in_floats(wrong), scenario=scenario, market=market)
    assert told(found, market) == planted(plants)


def test_what_a_tolerance_lets_pass_makes_no_roots() -> None:
    """Fees in whole units: the account they tell is a little off, and so would be what is sized on it; but
    only the one price is a break, and so the one root."""
    scenario, market, true = kit.sample(7, bars=40)
    fills = kit.without(kit.in_floats(true), "targets", "orders", "positions", "costs", "equity")
    fees = fills.tables["fills"].columns["commission"]
    rounded = kit.with_column(fills, "fills", "commission", replace(fees, values=np.rint(fees.values)))
    wrong = kit.edited(rounded, "fills", "price", 20, lambda price: price + 0.05)
    bounds = (Tolerance("fills", "commission", BoundKind.QUANTUM, Decimal(1), "fees in whole units"),)
    for sides in ((true, wrong), (wrong, true)):
        found = compare(*sides, scenario=scenario, market=market, tolerances=bounds)
        assert found.roots is not None and len(found.breaks) == 1
        assert [(root.first.field, root.first.reference_row) for root in found.roots] == [("price", 20)]
