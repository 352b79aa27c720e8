"""One ledger alone: an audit finds what does not add up, names it, and is silent about what does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests import build
from tests import comparison_kit as kit

import reconcile
import reference
from reconcile.auditing.audit import AuditOptions, audit
from reconcile.auditing.constant_patterns import first_of_patterns, pattern_sentence
from reconcile.auditing.model import Check, Finding, FindingKind, Unchecked, Verdict, Why
from reconcile.auditing.positions import booked
from reconcile.matching.cells import doubles
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.scenario.exits import has_levels
from vocabulary.errors import InputError
from vocabulary.ledger import Column, Kind, Ledger, Manifest, Table
from vocabulary.market import Market
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
    CashPolicy,
    CommissionBase,
    PerShareCommission,
    Scenario,
    Timing,
    TopN,
    Weights,
)

Edit = Callable[[Ledger, Market], Ledger]


def kinds(found: Any) -> dict[FindingKind, int]:
    return dict(found.counts)


def audited(ledger: Ledger, scenario: Scenario, market: Market) -> Any:
    return audit(ledger, scenario=scenario, market=market)


def floats_of(ledger: Ledger) -> Ledger:
    """The same ledger as another program would write it: doubles, and no manifest."""
    tables = {}
    for name, table in ledger.tables.items():
        columns = dict(table.columns)
        for key, column in columns.items():
            if column.scale is not None and column.kind is not Kind.COUNT:
                columns[key] = Column(column.kind, doubles(column), None, None, column.missing)
        tables[name] = Table(name, columns, table.rows)
    return Ledger(Manifest(), tables)


@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_a_true_ledger_is_clean_in_every_check(seed: int, levels: bool) -> None:
    """Over all settings: no finding, and nothing left unchecked but what does not occur in the ledger."""
    scenario, market = build.random_scenario(seed, levels=levels), build.random_market(seed)
    ledger = reference.run(scenario, market)
    found = audited(ledger, scenario, market)
    assert kinds(found) == {}
    assert found.verdict is Verdict.CLEAN
    absent = {(one.check, one.what) for one in found.unchecked}
    empty = {name for name, table in ledger.tables.items() if not table.rows}
    assert all(what in empty or (check, what) == (Check.FLAT, "equity") for check, what in absent)
    other = {Check.CHAIN, Check.RETURNS, Check.NEGATIVE_CASH, Check.OVERSOLD, Check.SCALES}
    assert {one.check for one in found.checked} | {check for check, _ in absent} == set(Check) - other
    assert all(one.values or one.check is Check.CASH_POLICY for one in found.checked)


def test_a_check_that_compared_nothing_is_not_made() -> None:
    """Two fills of two symbols: no price has another near it, and that is no pass."""
    columns = {
        "timestamp": ["2024-01-02", "2024-01-03"],
        "symbol": ["A", "B"],
        "side": ["buy", "buy"],
        "quantity": [10.0, 10.0],
        "price": [100.0, 50.0],
    }
    ledger = reconcile.from_frames({"fills": pd.DataFrame(columns)})
    found = audit(ledger)
    assert Check.SCALES not in {one.check for one in found.checked}
    assert (Check.SCALES, Why.NONE_TO_COMPARE) in {(one.check, one.why) for one in found.unchecked}
    asked = audit(ledger, options=AuditOptions(checks=("cells", "scales")))
    assert asked.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED
    assert audit(ledger, options=AuditOptions(checks=("scales",))).verdict is Verdict.NOTHING_CHECKED
    assert "scales        values: there is none to compare" in reconcile.audit(ledger).text()


@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_a_true_ledger_in_doubles_is_clean_and_says_what_rounding_was_allowed(
    seed: int, levels: bool
) -> None:
    scenario, market = build.random_scenario(seed, levels=levels), build.random_market(seed)
    ledger = floats_of(reference.run(scenario, market))
    found = audited(ledger, scenario, market)
    assert kinds(found) == {}
    if ledger.tables["fills"].rows:
        allowed = {one.check: one.allowed for one in found.checked}
        assert allowed[Check.NOTIONAL] is not None and 0 < allowed[Check.NOTIONAL] < 1e-3


def test_a_close_at_a_level_beyond_its_bar_is_a_finding() -> None:
    """X8: inside the bar any price may be a level's; beyond it none."""
    scenario, market = build.random_scenario(14, levels=True), build.random_market(14)
    ledger = reference.run(scenario, market)
    names = {rule.name for rule in scenario.exits if has_levels([rule])}
    fills = build.rows(ledger, "fills")
    row = next(number for number, cells in enumerate(fills) if cells["reason"] in names)
    wrong = kit.edited(ledger, "fills", "price", row, 3 * fills[row]["price"])
    assert {f.field for f in audited(wrong, scenario, market).findings} >= {"fills.price"}


def test_an_exact_ledger_is_allowed_no_rounding() -> None:
    scenario, market, ledger = kit.sample()
    assert {one.allowed for one in audited(ledger, scenario, market).checked} == {None}


def row_of(ledger: Ledger, table: str, **cells: Any) -> int:
    """The first row whose cells are these."""
    for number, row in enumerate(build.rows(ledger, table)):
        if all(row[name] == value for name, value in cells.items()):
            return number
    raise LookupError(cells)


def held_twice(ledger: Ledger) -> int:
    """A row of positions whose symbol is held at the next bar, too."""
    rows = build.rows(ledger, "positions")
    stamps = sorted({row["timestamp"] for row in build.rows(ledger, "equity")})
    keys = {(row["timestamp"], row["symbol"]) for row in rows}
    for number, row in enumerate(rows):
        after = stamps.index(row["timestamp"]) + 1
        if after < len(stamps) and (stamps[after], row["symbol"]) in keys:
            return number
    raise LookupError


def cell(table: str, column: str, row: int, value: Any) -> Edit:
    return lambda ledger, market: kit.edited(ledger, table, column, row, value)


def every(table: str, column: str, change: Callable[[Any], Any]) -> Edit:
    """A whole column changed."""

    def edit(ledger: Ledger, market: Market) -> Ledger:
        old = ledger.tables[table].columns[column]
        return kit.with_column(ledger, table, column, replace(old, values=change(old.values.copy())))

    return edit


def later(bar: int, amount: int) -> Callable[[Any], Any]:
    """Amount more from a bar on."""

    def change(values: Any) -> Any:
        values[bar:] += amount
        return values

    return change


def deposit(ledger: Ledger, market: Market) -> Ledger:
    """500.00 comes in at bar 10, and the book keeps it."""
    for column in ("cash", "equity"):
        ledger = every("equity", column, later(10, 50_000))(ledger, market)
    return ledger


def frozen(ledger: Ledger, market: Market) -> Ledger:
    """Fills never reach the book that is reported."""
    for column in ("cash", "equity"):
        ledger = every("equity", column, lambda values: np.full_like(values, 10**8))(ledger, market)
    return every("equity", "market_value", np.zeros_like)(ledger, market)


def tomorrow(ledger: Ledger, market: Market) -> Ledger:
    """A mark of the next bar's close."""
    for number, row in enumerate(build.rows(ledger, "positions")):
        t, s = build.bar_of(market, row["timestamp"]), market.symbols.index(row["symbol"])
        if t + 1 < len(market.timestamps) and market.present[t + 1, s]:
            close = int(market.close[t + 1, s])
            if close not in (int(market.close[t, s]), row["mark"]):
                return kit.edited(ledger, "positions", "mark", number, close)
    raise LookupError


def another_price(ledger: Ledger, market: Market) -> Ledger:
    """A fill a tick off, within the bar's range, and no price of the next bar."""
    for number, row in enumerate(build.rows(ledger, "fills")):
        t, s = build.bar_of(market, row["timestamp"]), market.symbols.index(row["symbol"])
        price, after = row["price"] + 1, min(t + 1, len(market.timestamps) - 1)
        prices = {int(field[after, s]) for field in (market.open, market.high, market.low, market.close)}
        if market.low[t, s] <= price < market.high[t, s] and not any(abs(p - price) < 10 for p in prices):
            return kit.edited(ledger, "fills", "price", number, price)
    raise LookupError


def tomorrows_open(ledger: Ledger, market: Market) -> Ledger:
    """A fill at the next bar's open, without slippage."""
    for number, row in enumerate(build.rows(ledger, "fills")):
        t, s = build.bar_of(market, row["timestamp"]), market.symbols.index(row["symbol"])
        if t + 1 < len(market.timestamps) and market.present[t + 1, s]:
            price = int(market.open[t + 1, s])
            if not market.low[t, s] <= price <= market.high[t, s]:
                return kit.edited(ledger, "fills", "price", number, price)
    raise LookupError


PLANTED: dict[str, tuple[Edit, dict[FindingKind, int]]] = {
    "a notional": (
        cell("fills", "notional", 5, lambda v: v + 1),
        {FindingKind.NOTIONAL: 1, FindingKind.COST: 1},
    ),
    "a commission": (
        cell("fills", "commission", 5, lambda v: v + 1),
        {FindingKind.COST: 1, FindingKind.COMMISSION: 1},
    ),
    "a slippage": (
        cell("fills", "slippage", 5, lambda v: v + 1),
        {FindingKind.COST: 1, FindingKind.SLIPPAGE: 1},
    ),
    "a bar's turnover": (cell("costs", "turnover", 4, lambda v: v - 1), {FindingKind.COST: 1}),
    "a bar's cash": (
        cell("equity", "cash", 6, lambda v: v + 7),
        {FindingKind.CASH: 1, FindingKind.EQUITY: 1},
    ),
    "a bar's equity": (cell("equity", "equity", 6, lambda v: v + 1), {FindingKind.EQUITY: 1}),
    "a bar's market value": (
        cell("equity", "market_value", 6, lambda v: v + 1),
        {FindingKind.MARKET_VALUE: 1, FindingKind.EQUITY: 1},
    ),
    "a position's value": (
        cell("positions", "market_value", 6, lambda v: v + 1),
        {FindingKind.VALUE: 1, FindingKind.MARKET_VALUE: 1},
    ),
    "an average price": (cell("positions", "average_price", 6, lambda v: v + 1), {FindingKind.BASIS: 1}),
    "what an order filled": (cell("orders", "filled", 3, 0), {FindingKind.ORDER: 2}),
    "a side in other letters": (
        cell("orders", "side", 3, str.upper),
        {FindingKind.CELL: 1, FindingKind.ORDER: 2},
    ),
    "a status of nobody's": (
        cell("orders", "status", 3, "<script>"),
        {FindingKind.CELL: 1, FindingKind.ORDER: 1},
    ),
    "a deposit": (deposit, {FindingKind.FLOW: 1}),
    "a second book": (frozen, {FindingKind.FROZEN: 1}),
    "a mark of tomorrow": (
        tomorrow,
        {FindingKind.VALUE: 1, FindingKind.TOMORROW: 1},
    ),
    "a price of tomorrow": (tomorrows_open, {FindingKind.NOTIONAL: 1, FindingKind.TOMORROW: 1}),
    "a price beyond the range": (
        cell("fills", "price", 5, lambda v: v * 3),
        {FindingKind.NOTIONAL: 1, FindingKind.RANGE: 1},
    ),
    "a price within the range": (
        another_price,
        {FindingKind.NOTIONAL: 1, FindingKind.PRICE: 1},
    ),
    "a doubled equity row": (lambda ledger, _: kit.doubling(ledger, "equity", 5), {FindingKind.DUPLICATE: 1}),
    "a doubled position": (
        lambda ledger, _: kit.doubling(ledger, "positions", 5),
        {FindingKind.DUPLICATE: 1},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_one_planted_edit_is_found_as_what_it_is(name: str) -> None:
    """The kinds of findings are these and no others."""
    edit, expected = PLANTED[name]
    scenario, market, ledger = kit.sample(3)
    changed = edit(ledger, market)
    found = audited(changed, scenario, market)
    seen = kinds(found)
    # A wrong price may or may not put the recorded basis at odds with it, as a buy or a sell does.
    seen.pop(FindingKind.BASIS, None) if FindingKind.NOTIONAL in expected else None
    assert seen == expected
    assert found.verdict is Verdict.FINDINGS


def only(found: Any, kind: FindingKind) -> Finding:
    (one,) = [finding for finding in found.findings if finding.kind is kind]
    return one


def test_a_flow_names_its_amount_and_its_bar() -> None:
    scenario, market, ledger = kit.sample(3)
    flow = only(audited(deposit(ledger, market), scenario, market), FindingKind.FLOW)
    assert flow.gap == Decimal("500.00")
    assert flow.timestamp == market.timestamps[10]
    assert flow.rows[0].row == 10
    assert isinstance(flow.found, Decimal) and isinstance(flow.expected, Decimal)
    assert flow.found - flow.expected == flow.gap


def test_a_flow_is_found_in_doubles_too() -> None:
    scenario, market, ledger = kit.sample(3)
    found = audited(floats_of(deposit(ledger, market)), scenario, market)
    assert kinds(found) == {FindingKind.FLOW: 1}
    assert only(found, FindingKind.FLOW).gap == pytest.approx(500)


def test_a_frozen_book_is_one_finding_with_its_extent() -> None:
    """It stands for every roll-forward that fails because of it."""
    scenario, market, ledger = kit.sample(3)
    one = only(audited(frozen(ledger, market), scenario, market), FindingKind.FROZEN)
    assert one.field == "equity.equity" and one.found == Decimal("1000000.00")
    assert one.until == market.timestamps[-1] and one.bars > 10


def test_a_frozen_equity_hides_no_cash() -> None:
    """Cash is another number: a deposit into it while equity stands still is found beside the freeze."""
    scenario, market, ledger = kit.sample(3)
    still = every("equity", "equity", lambda values: np.full_like(values, values[0]))(ledger, market)
    paid = every("equity", "cash", later(10, 50_000))(still, market)
    assert kinds(audited(paid, scenario, market)) == {FindingKind.FROZEN: 1, FindingKind.FLOW: 1}


def test_a_frozen_cash_starves_no_buy() -> None:
    """An account that grew fourfold buys for more than it began with: a book that never moved cannot tell."""
    prices = [1000, 1000, 4000, 4000, 4000, 4000, 4000, 4000]
    weights = [0.9, None, None, 0.0, None, 0.9, None, None]
    market = build.market(
        {"A": [(price, price, price, price) for price in prices]}, {"w": {"A": weights}}, price_decimals=2
    )
    scenario = build.scenario(Weights("w"), price_decimals=2, initial_cash=10**8)
    ledger = frozen(reference.run(scenario, market), market)
    assert build.rows(ledger, "fills")[-1]["notional"] > 3 * 10**8
    assert kinds(audited(ledger, scenario, market)) == {FindingKind.FROZEN: 1}


def test_a_frozen_book_is_not_passed_over_by_a_check_that_was_named_alone() -> None:
    """What `frozen` would have told for all, each check tells itself when only it is asked for."""
    _, market, ledger = kit.sample(3)
    for name in ("cash", "equity", "market_value"):
        assert (
            audit(frozen(ledger, market), options=AuditOptions(checks=["frozen", name])).verdict
            is Verdict.FINDINGS
        )
    assert audit(frozen(ledger, market), options=AuditOptions(checks=["cash"])).verdict is Verdict.FINDINGS
    assert (
        audit(frozen(ledger, market), options=AuditOptions(checks=["market_value"])).verdict
        is Verdict.FINDINGS
    )


def test_a_dropped_fill_is_missed_where_the_position_moved() -> None:
    """Cash that moved with it is no flow: the position says that a fill is lacking."""
    scenario, market, ledger = kit.sample(3)
    found = audited(kit.dropping(ledger, "fills", 8), scenario, market)
    assert {FindingKind.POSITION, FindingKind.CASH, FindingKind.COST, FindingKind.ORDER} <= set(kinds(found))
    assert FindingKind.FLOW not in kinds(found)
    row = build.rows(ledger, "fills")[8]
    lost = only(found, FindingKind.POSITION)
    assert (lost.timestamp, lost.symbol) == (row["timestamp"], row["symbol"])


def test_a_wrong_position_is_one_finding_not_two() -> None:
    """Off by x at its bar and by -x at the next: the second is an echo."""
    scenario, market, ledger = kit.sample(3)
    row = held_twice(ledger)
    found = audited(kit.edited(ledger, "positions", "quantity", row, lambda v: v + 1), scenario, market)
    assert kinds(found)[FindingKind.POSITION] == 1
    assert only(found, FindingKind.POSITION).rows[0].row == row


def test_findings_name_the_row_and_are_exact() -> None:
    scenario, market, ledger = kit.sample(3)
    changed = kit.edited(ledger, "fills", "notional", 5, lambda v: v + 1)
    one = only(audited(changed, scenario, market), FindingKind.NOTIONAL)
    row = build.rows(ledger, "fills")[5]
    assert one.rows[0].key == (row["timestamp"], row["symbol"], row["side"]) and one.rows[0].row == 5
    assert one.gap == Decimal("0.01")


@pytest.mark.parametrize("timing", list(Timing))
def test_a_fill_at_another_bar_than_its_decision_allows(timing: Timing) -> None:
    """Before it, too soon and late are told apart."""
    scenario, market, ledger = kit.sample(3, timing=timing)
    lag = 0 if timing is Timing.SAME_CLOSE else 1
    stamps = market.timestamps.tolist()
    for off, kind in (
        (lag + 1, FindingKind.BEFORE_DECISION),
        (1 if lag else 0, FindingKind.TOO_SOON),
        (-2, FindingKind.LATE),
    ):
        decided = stamps[build.bar_of(market, build.rows(ledger, "fills")[12]["decided_at"]) + off]
        changed = kit.edited(ledger, "fills", "decided_at", 12, decided)
        found = audited(changed, scenario, market)
        if off:
            expected = FindingKind.TOO_SOON if off == 1 and lag else kind
            assert expected in kinds(found), (timing, off, kinds(found))


def test_cash_below_zero_is_a_finding_where_the_policy_forbids_it() -> None:
    """The same ledger is clean where the policy allows it."""
    settings: dict[str, Any] = {"selection": TopN("score", 3, gross_long=2_000_000_000)}
    scenario, market, ledger = kit.sample(3, cash=CashPolicy.ALLOW_NEGATIVE, **settings)
    assert kinds(audited(ledger, scenario, market)) == {}
    strict = replace(scenario, execution=replace(scenario.execution, cash=CashPolicy.REDUCE))
    found = audited(ledger, strict, market)
    assert set(kinds(found)) == {FindingKind.NEGATIVE_CASH}
    first = next(one for one in found.findings if one.kind is FindingKind.NEGATIVE_CASH)
    assert isinstance(first.found, Decimal) and first.found < 0


def test_a_short_is_a_finding_where_it_is_not_allowed() -> None:
    settings: dict[str, Any] = {"selection": TopN("score", 1, 1), "allow_short": True}
    scenario, market, ledger = kit.sample(3, **settings)
    assert kinds(audited(ledger, scenario, market)) == {}
    strict = replace(scenario, execution=replace(scenario.execution, allow_short=False))
    assert FindingKind.SHORT in kinds(audited(ledger, strict, market))


def test_rows_at_bars_and_symbols_that_do_not_exist() -> None:
    scenario, market, ledger = kit.sample(3)
    changed = kit.edited(ledger, "fills", "timestamp", 5, lambda v: v + 1)
    assert FindingKind.NO_BAR in kinds(audited(changed, scenario, market))
    changed = kit.edited(ledger, "fills", "symbol", 5, str.lower)
    assert FindingKind.SYMBOL in kinds(audited(changed, scenario, market))
    changed = kit.dropping(ledger, "equity", 5)
    assert kinds(audited(changed, scenario, market))[FindingKind.MISSING_BAR] == 1


PATTERNS: tuple[tuple[str, str, Callable[[Any], Any], str], ...] = (
    ("fills", "commission", lambda fees: fees * 3, "fills commission is 3 times what it should be"),
    ("fills", "slippage", np.negative, "fills slippage has the opposite sign"),
    ("equity", "market_value", lambda worth: worth + 10**9, "more than it should be"),
    (
        "fills",
        "timestamp",
        lambda stamps: stamps + 17 * 3600 * 10**9,
        "fills timestamp is 17 hours after its bar",
    ),
)


@pytest.mark.parametrize(("table", "column", "change", "said"), PATTERNS)
def test_one_mistake_in_many_rows_is_told_once(
    table: str, column: str, change: Callable[[Any], Any], said: str
) -> None:
    scenario, market, ledger = kit.sample(3)
    found = audited(every(table, column, change)(ledger, market), scenario, market)
    told = [one for one in found.patterns if said in pattern_sentence(one)]
    assert told and told[0].field == f"{table}.{column}" and told[0].findings > 2
    shown = [one for one in first_of_patterns(found) if one.field == told[0].field]
    assert len([one for one in shown if one.check is told[0].check]) == 1


def test_findings_that_have_nothing_in_common_are_no_pattern() -> None:
    scenario, market, ledger = kit.sample(3)
    odd = every("fills", "commission", lambda fees: fees + np.arange(len(fees)) ** 2 * 7919 + 1)
    assert not audited(odd(ledger, market), scenario, market).patterns


def test_a_fill_of_an_absent_symbol() -> None:
    scenario, market, ledger = kit.sample(3)
    row = build.rows(ledger, "fills")[5]
    t, s = build.bar_of(market, row["timestamp"]), market.symbols.index(row["symbol"])
    present = market.present.copy()
    present[t, s] = False
    assert kinds(audited(ledger, scenario, replace(market, present=present)))[FindingKind.ABSENT] == 1


def test_another_start_than_the_scenario_gives() -> None:
    scenario, market, ledger = kit.sample(3)
    poor = replace(scenario, initial_cash=scenario.initial_cash // 10)
    assert kinds(audited(ledger, poor, market)) == {FindingKind.OPENING: 1}


def test_rows_in_any_order_give_the_same_findings() -> None:
    """And it is said that they were sorted."""
    scenario, market, ledger = kit.sample(3)
    changed = deposit(kit.edited(ledger, "fills", "notional", 5, lambda v: v + 1), market)
    straight, mixed = audited(changed, scenario, market), audited(kit.shuffled(changed, 5), scenario, market)
    assert kinds(mixed) == kinds(straight)
    assert any("out of time order" in note for note in mixed.notes)


def test_what_is_lacking_is_not_checked_and_said() -> None:
    ledger = kit.sample(3)[2]
    found = audit(kit.without(ledger, "costs"))
    assert found.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED
    assert Unchecked(Check.COSTS, "costs", Why.NO_TABLE) in found.unchecked
    found = audit(kit.with_column(ledger, "positions", "mark", None))
    assert found.unchecked == (Unchecked(Check.VALUES, "positions.mark", Why.NO_COLUMN),)


def test_named_checks_do_not_mind_what_others_lack() -> None:
    ledger = kit.sample(3)[2]
    found = audit(kit.without(ledger, "costs"), options=AuditOptions(checks=["cash", "positions"]))
    assert (found.verdict, found.named) == (Verdict.CLEAN, (Check.POSITIONS, Check.CASH))
    found = audit(kit.without(ledger, "costs"), options=AuditOptions(checks=["costs"]))
    assert found.verdict is Verdict.NOTHING_CHECKED
    found = audit(ledger, options=AuditOptions(checks=["cash", "prices"]))
    assert found.unchecked == (Unchecked(Check.PRICES, "scenario", Why.NO_SCENARIO),)
    assert found.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED


def test_a_finding_of_an_unnamed_check_is_left_out() -> None:
    _, market, ledger = kit.sample(3)
    changed = deposit(ledger, market)
    assert audit(changed, options=AuditOptions(checks=["notional"])).verdict is Verdict.CLEAN
    assert audit(changed, options=AuditOptions(checks=["cash"])).verdict is Verdict.FINDINGS


@pytest.mark.parametrize("tables", [(), ("equity",), ("fills",)])
def test_no_rows_is_no_pass(tables: tuple[str, ...]) -> None:
    ledger = kit.sample(3)[2]
    for name in list(ledger.tables):
        ledger = kit.taking(ledger, name, []) if name in tables else kit.without(ledger, name)
    assert audit(ledger).verdict is Verdict.NOTHING_CHECKED


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("table, column", [("fills", "price"), ("equity", "cash"), ("positions", "quantity")])
def test_a_number_that_is_none_is_a_finding(bad: float, table: str, column: str) -> None:
    scenario, market, ledger = kit.sample(3)
    changed = kit.edited(floats_of(ledger), table, column, 5, bad)
    for found in (audit(changed), audited(changed, scenario, market)):
        assert found.verdict is Verdict.FINDINGS
        if abs(bad) != 1e300:
            assert kinds(found)[FindingKind.CELL] == 1


def test_amounts_beyond_int64_stay_exact() -> None:
    """A sum that would wrap around in int64 does not."""
    big = 9 * 10**18
    ledger = kit.foreign(
        {
            "fills": {
                "timestamp": [1, 1],
                "symbol": ["A", "B"],
                "side": ["sell", "sell"],
                "quantity": [1, 1],
                "price": [big, big],
                "notional": [big, big],
            },
            "costs": {"timestamp": [1], "turnover": [Decimal(2 * big)]},
            "equity": {"timestamp": [0, 1], "cash": [0, 2 * big]},
        }
    )
    assert kinds(audit(ledger, options=AuditOptions(checks=["costs", "cash", "notional"]))) == {}
    wrapped = kit.with_column(ledger, "equity", "cash", kit.column_of(Kind.MONEY, [0, 2 * big - 2**64]))
    assert kinds(audit(wrapped, options=AuditOptions(checks=["cash"]))) == {FindingKind.CASH: 1} or kinds(
        audit(wrapped, options=AuditOptions(checks=["cash"]))
    ) == {FindingKind.FLOW: 1}


def test_tolerances_absorb_and_say_so() -> None:
    ledger = kit.sample(3)[2]
    rounded = kit.edited(floats_of(ledger), "fills", "notional", 5, lambda v: v + 0.004)
    bound = Tolerance("fills", "notional", BoundKind.ABSOLUTE, Decimal("0.005"), "cents")
    found = audit(rounded, options=AuditOptions(tolerances=[bound], checks=["notional"]))
    assert found.verdict is Verdict.CLEAN
    (use,) = found.absorbed
    assert use.values == 1 and use.largest == pytest.approx(Decimal("0.004"), abs=Decimal("1e-6"))
    tight = replace(bound, bound=Decimal("0.003"))
    assert kinds(audit(rounded, options=AuditOptions(tolerances=[tight], checks=["notional"]))) == {
        FindingKind.NOTIONAL: 1
    }


def test_an_exact_ledger_takes_no_tolerance() -> None:
    ledger = kit.sample(3)[2]
    bound = Tolerance("fills", "notional", BoundKind.ABSOLUTE, Decimal("0.005"), "cents")
    with pytest.raises(InputError, match="exact"):
        audit(ledger, options=AuditOptions(tolerances=[bound]))


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(InputError, match="'cahs'"):
        audit(kit.sample(3)[2], options=AuditOptions(checks=["cahs"]))


def test_a_hundred_thousand_findings_are_counted_and_the_first_are_kept() -> None:
    rows = 100_000
    column = Column(Kind.PRICE, np.ones(rows), None, None, None)
    words = Column(Kind.WORD, np.zeros(rows, np.int32), ("buy",), None, None)
    stamps = Column(Kind.TIMESTAMP, np.arange(rows) + 1, None, None, None)
    columns = {
        "timestamp": stamps,
        "side": words,
        "quantity": replace(column, kind=Kind.QUANTITY),
        "price": column,
        "notional": replace(column, kind=Kind.MONEY, values=np.full(rows, 2.0)),
    }
    found = audit(Ledger(Manifest(), {"fills": Table("fills", columns, rows)}))
    assert found.counts[FindingKind.NOTIONAL] == rows and len(found.findings) == 1000


@pytest.mark.parametrize(
    "before, fill, after",
    [
        ((0, 0), (10, 1000), (10, 1000)),  # opens
        ((10, 1000), (5, 600), (15, 1600)),  # adds
        ((3, 100), (-1, 70), (2, 67)),  # removed = 100 * 1 // 3 = 33
        ((3, 100), (-3, 70), (0, 0)),  # closes
        ((2, 100), (-5, 250), (-3, 150)),  # crosses zero: 3 of 5 open the short at 50 each
        ((-4, 200), (1, 60), (-3, 150)),  # covers a quarter
    ],
)
def test_basis_by_hand(before: tuple[int, int], fill: tuple[int, int], after: tuple[int, int]) -> None:
    """A1, worked out."""
    for big in (1, 10**12):
        arrays = [np.array([value], np.int64) for value in (*before, *fill)]
        arrays[1], arrays[3] = arrays[1] * big, arrays[3] * big
        found = [part.tolist()[0] for part in booked(*arrays)]
        assert found[0] == after[0]
        assert found[1] == after[1] if big == 1 else abs(found[1] - after[1] * big) < big


@pytest.mark.parametrize(
    "commission",
    [
        BpsCommission(500_000, on=CommissionBase.RAW),
        BpsCommission(500_000, 5_000, 300_000),
        BpsCommission(500_000, 5_000, 300_000, CommissionBase.RAW),
        PerShareCommission(50_000_000, 5_000, 1_000_000),
    ],
    ids=str,
)
def test_commissions_on_the_raw_price_and_with_a_maximum(commission: Any) -> None:
    """True ones are clean, exact and in doubles; one unit more is a finding."""
    slippage = BpsSlippage(5_000_000)
    scenario, market, ledger = kit.sample(3, commission=commission, slippage=slippage)
    for one in (ledger, floats_of(ledger)):
        found = audited(one, scenario, market)
        assert kinds(found) == {}
        assert Check.COMMISSION in {check.check for check in found.checked}
    changed = kit.edited(ledger, "fills", "commission", 5, lambda value: value + 1)
    assert kinds(audited(changed, scenario, market))[FindingKind.COMMISSION] == 1


def test_a_price_that_no_bar_allows() -> None:
    """At a bar of the market, and dated between two."""
    scenario, market, ledger = kit.sample(3)
    row = build.rows(ledger, "fills")[5]
    place = market.symbols.index(row["symbol"])
    far = 10 * int(market.high[:, place].max())
    changed = kit.edited(ledger, "fills", "price", 5, far)
    told = [one for one in audited(changed, scenario, market).findings if one.kind is FindingKind.RANGE]
    assert [one.detail for one in told] == ["no bar of it has such a price in its range"]
    changed = kit.edited(changed, "fills", "timestamp", 5, lambda stamp: stamp + 1)
    found = audited(changed, scenario, market)
    told = [one for one in found.findings if one.kind is FindingKind.RANGE]
    assert [one.detail for one in told] == ["no bar of it has such a price in its range"]
    assert kinds(found)[FindingKind.NO_BAR] == 1
    between = kit.edited(ledger, "fills", "timestamp", 5, lambda stamp: stamp + 1)
    assert FindingKind.RANGE not in kinds(audited(between, scenario, market))
