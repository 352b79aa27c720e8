"""What a person would see in a ledger without a scenario: cases that happened, and honest foreign ledgers."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import build
from tests import comparison_kit as kit
from tests.test_audit import floats_of, kinds

import reference
from reconcile.auditing.amounts import Amounts, add, apart, as_doubles
from reconcile.auditing.audit import AuditOptions, audit
from reconcile.auditing.model import Audit, Check, FindingKind, Verdict
from reconcile.cli import exit_code
from reconcile.mapping.apply import Returns
from vocabulary.ledger import TIME_COLUMN, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

CASES = Path(__file__).parent / "cases"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def of_case(case: str, *arguments: str) -> tuple[int, str]:
        (folder,) = CASES.glob(f"{case}-*")
        places = [str(folder / one) if (folder / one).exists() else one for one in arguments]
        code = exit_code(["audit", *places])
        return code, capsys.readouterr().out

    return of_case


def fills_of(*rows: tuple[int, str, str, float, float], **columns: Sequence[Any]) -> dict[str, list[Any]]:
    """(bar, symbol, side, quantity, price) of each fill."""
    names = ("timestamp", "symbol", "side", "quantity", "price")
    found: dict[str, list[Any]] = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return found | {name: list(values) for name, values in columns.items()}


def published(made: tuple[Scenario, Market, Ledger]) -> tuple[Ledger, Decimal]:
    """A true ledger as another program would publish it, and the initial cash."""
    scenario, _, ledger = made
    units = scenario.market.price_decimals + scenario.market.quantity_decimals
    found = floats_of(ledger)
    for name in ("basis", "average_price"):
        found = kit.with_column(found, "positions", name, None)
    return found, Decimal(scenario.initial_cash).scaleb(-units)


def foreign(**tables: Mapping[str, Sequence[Any]]) -> Ledger:
    return kit.foreign(tables)


def initial(cash: int, **options: Any) -> AuditOptions:
    return AuditOptions(initial_cash=Decimal(cash), **options)


def test_equity_is_explained_by_its_parts(run: Run) -> None:
    """Case 01: equity and the sum of order values differ widely, and nothing is wrong."""
    code, out = run("01", "led", "--mapping", "map.toml", "--initial-cash", "1000000")
    assert code == 2 and out.startswith("clean as far as checked: 0 findings")
    assert (
        "equity 994,165.50 = initial 1,000,000.00 - net bought 602,200.00 - commission 34.50"
        " + open positions 596,400.00." in out
    )


def test_a_fill_booked_with_the_quantity_of_another(run: Run) -> None:
    """Case 02."""
    code, out = run("02", "led", "--initial-cash", "100000")
    assert code == 1
    assert "(+8,884.5225); fills row 2, 7993 units, was booked as 268" in out.splitlines()[0]


def test_equity_of_a_flat_book_follows_from_fills(run: Run) -> None:
    """Case 03: a loss of 1,000 booked twice, in a ledger without cash and positions."""
    code, out = run("03", "v1", "--initial-cash", "1000000")
    assert code == 2 and out.startswith("clean as far as checked")
    code, out = run("03", "v2", "--initial-cash", "1000000")
    assert code == 1 and out.startswith(
        "1 finding: flat book, 2024-01-02 13:00:00, equity equity: 998,873.70"
    )
    assert "998,873.70, where 999,873.70 follows (-1,000)" in out.splitlines()[0]


def test_a_commission_in_the_position(run: Run) -> None:
    """Case 04: what is held before the first fill is a note, and no finding."""
    code, out = run("04", "led", "--initial-cash", "1000000")
    assert code == 1 and out.splitlines()[0].startswith("4 findings: position, 2021-09-10 06:00:00")
    assert out.count("that is the commission of its fills") == 3
    assert out.count("the commission of its fills was left out") == 2
    assert "held before the first fill: BTC 10.00000000." in out


def test_a_rebate_is_a_note(run: Run) -> None:
    """Case 05."""
    code, out = run("05", "backtest")
    assert code == 2 and out.startswith("clean as far as checked")
    assert "commission is below zero in 24 of 24 fills" in out


def test_cash_below_zero(run: Run) -> None:
    """Case 09, and that it may be allowed."""
    arguments = ("led", "--mapping", "map.toml", "--initial-cash", "765.790284")
    code, out = run("09", *arguments)
    assert code == 1 and out.startswith("1 finding: negative cash, 2012-10-01 to 2012-11-01")
    assert "cash is -6.297126745; the positions are 100.81% of equity" in out.splitlines()[0]
    code, out = run("09", *arguments, "--allow-negative-cash")
    assert code == 2 and out.startswith("clean as far as checked")


def test_a_position_that_does_not_follow(run: Run) -> None:
    """Case 14: side b is at fault, side a is not."""
    assert run("14", "a")[1].startswith("clean as far as checked")
    code, out = run("14", "b")
    assert code == 1 and "600036.SH: 2,000, where 1,000 follows" in out.splitlines()[0]
    assert "2 times as much" in out.splitlines()[0]


def test_a_phantom_short(run: Run) -> None:
    """Case 19, and that it may be allowed."""
    code, out = run("19", "b")
    assert code == 1 and out.startswith(
        "1 finding: phantom short, 2026-04-07 15:02:10, fills quantity, TNA: "
    )
    assert "sells 200 where 100 are held: a short of 100 that nothing closes" in out.splitlines()[0]
    assert "if the account may be short, or held something before its first fill: --allow-short" in out
    assert run("19", "b", "--allow-short")[0] == 2
    assert run("19", "a")[1].startswith("clean as far as checked")


def test_two_fills_alike_are_a_note(run: Run) -> None:
    code, out = run("19", "a")
    assert code == 2 and "fills like an earlier one in everything: 1, the first in row 2." in out


def test_returns_that_are_not_compounded(run: Run) -> None:
    """Case 22."""
    code, out = run("22", "led", "--mapping", "map.toml", "--initial-cash", "1000000")
    assert code == 1 and out.startswith("3 findings: return, 2020-01-29")
    assert "all 4 are the change over the initial 1,000,000: not compounded" in out.splitlines()[0]


def returns_of(equity: Sequence[float], reported: Sequence[float]) -> list[str]:
    """The details of the findings about returns that a ledger of equity comes with."""
    bars = np.arange(1, len(equity), dtype=np.int64) * kit.DAY
    ledger = foreign(equity={"timestamp": list(range(len(equity))), "equity": list(equity)})
    given = Returns(bars, np.array(reported, np.float64))
    found = audit(ledger, options=initial(100, reported=given))
    return [one.detail for one in found.findings if one.check is Check.RETURNS]


def test_returns_of_another_formula_are_named_only_where_they_are_told_apart() -> None:
    """Logarithms are; returns rounded to six digits are nothing but rounded."""
    equity = np.array([100.0, 110.0, 99.0, 120.0, 118.0])
    plain = equity[1:] / equity[:-1] - 1
    details = returns_of(equity, np.log1p(plain).tolist())
    assert details[0] == "all 4 are logarithms of the change" and not any(details[1:])
    assert returns_of(equity, (100 * plain).tolist())[0] == "all 4 are in percent"
    late = returns_of(equity, np.append(0.0, plain[:-1]).tolist())
    assert late[0] == "all 4 are those of the bar before"
    slow = np.array([100.0, 100.001, 100.002, 100.004, 100.003])
    rounded = np.round(slow[1:] / slow[:-1] - 1, 6).tolist()
    assert set(returns_of(slow, rounded)) == {""}
    odd = returns_of(equity, (plain + np.array([0.0, 0.01, 0.0, 0.02])).tolist())
    assert odd[0].startswith("compounded they give +") and ", equity +18.0000%" in odd[0]


def test_of_several_rows_a_timestamp_the_last_counts(run: Run) -> None:
    """Case 44: what is left is a rounding to cents."""
    code, out = run("44", "a", "--initial-cash", "100000")
    assert (
        code == 1 and out.startswith("1 finding: ") and "(90,499.05, where fills lead to 90,499.0507)" in out
    )
    assert "equity has several rows at one time; the last is taken as the bar's" in out


def test_long_decimals_beside_a_zero(run: Run) -> None:
    """Case 50: findings or none, and never an unforeseen error."""
    code, out = run("50", "ledger")
    assert code == 1 and out.startswith("1 finding: flow")


@pytest.mark.parametrize("decimals", [0, 17, 19, 40, 400])
def test_amounts_of_any_scale_add_up(decimals: int) -> None:
    """Zeros, too: they do not tell how large the factor is."""
    long = Amounts(np.array([10**decimals, 0, 3], object), decimals)
    for values in ([0, 0, 0], [1, 0, -2]):
        total = add(long, Amounts(np.array(values, np.int64), 0))
        assert [int(value) for value in total.values] == [
            one + value * 10**decimals for one, value in zip((10**decimals, 0, 3), values, strict=True)
        ]
    assert np.isfinite(as_doubles(Amounts(np.array([5], np.int64), decimals)).values).all()
    assert not apart(long, long).any()


def flat_books() -> Ledger:
    """Bought and sold twice, with cash paid in between."""
    fills = fills_of(
        (1, "A", "buy", 10.0, 5.0),
        (2, "A", "sell", 10.0, 6.0),
        (3, "B", "buy", 1.0, 8.0),
        (5, "B", "sell", 1.0, 9.0),
    )
    equity = {"timestamp": [0, 1, 2, 3, 4, 5], "equity": [100.0, 103.0, 110.0, 110.5, 131.0, 131.0]}
    flows = {"timestamp": [4], "symbol": [None], "kind": ["deposit"], "amount": [20.0]}
    return foreign(fills=fills, equity=equity, flows=flows)


def test_a_flat_book_counts_flows() -> None:
    """With the flow it adds up; without, the bar after it does not."""
    assert kinds(audit(flat_books(), options=initial(100))) == {}
    found = audit(kit.without(flat_books(), "flows"), options=initial(100))
    (one,) = found.findings
    assert (one.kind, one.found, one.expected) == (FindingKind.FLAT, 131.0, 111.0)


def test_one_wrong_equity_is_one_finding() -> None:
    """The bar after it follows from what it should have been."""
    wrong = kit.edited(flat_books(), "equity", "equity", 0, 101.0)
    assert [one.timestamp for one in audit(wrong, options=initial(100)).findings] == [0 * kit.DAY or None]
    wrong = kit.edited(flat_books(), "equity", "equity", 2, 112.0)
    assert kinds(audit(wrong, options=initial(100))) == {FindingKind.FLAT: 1}


def test_a_ledger_that_begins_with_something_held_is_not_flat() -> None:
    """Positions show it: equity then moves with the market, which is no finding."""
    fills = fills_of((1, "A", "buy", 5.0, 10.0), (2, "A", "sell", 5.0, 11.0))
    positions = {"timestamp": [0, 1, 2], "symbol": ["A"] * 3, "quantity": [5.0, 10.0, 5.0]}
    equity = {"timestamp": [0, 1, 2], "equity": [150.0, 155.0, 170.0]}
    found = audit(foreign(fills=fills, positions=positions, equity=equity), options=initial(100))
    assert kinds(found) == {}
    assert [one.what for one in found.unchecked if one.check is Check.FLAT] == ["fills"]


def test_cash_and_flat_book_do_not_both_report_one_flow() -> None:
    changed, cash = published(kit.sample(3))
    rows = changed.tables["equity"].rows
    for row in range(rows // 2, rows):
        for name in ("cash", "equity"):
            changed = kit.edited(changed, "equity", name, row, lambda value: value + 250.0)
    found = audit(changed, options=AuditOptions(initial_cash=cash, allow_short=True))
    assert kinds(found) == {FindingKind.FLOW: 1}


def test_a_short_that_is_closed_or_shown_is_no_phantom() -> None:
    closed = fills_of((1, "A", "sell", 3.0, 10.0), (2, "A", "buy", 3.0, 10.0))
    assert kinds(audit(foreign(fills=closed))) == {}
    fills = fills_of((1, "A", "sell", 3.0, 10.0))
    shown = {"timestamp": [1, 2], "symbol": ["A", "A"], "quantity": [-3.0, -3.0]}
    assert kinds(audit(foreign(fills=fills, positions=shown))) == {}
    assert kinds(audit(foreign(fills=fills))) == {FindingKind.OVERSOLD: 1}


def test_what_is_held_at_the_start_may_be_sold() -> None:
    fills = fills_of((1, "A", "sell", 3.0, 10.0), (2, "A", "sell", 4.0, 10.0))
    positions = {"timestamp": [0, 1], "symbol": ["A", "A"], "quantity": [7.0, 4.0]}
    assert kinds(audit(foreign(fills=fills, positions=positions))) == {}


def test_flows_take_part_in_the_roll_forward_of_cash() -> None:
    fills = fills_of((1, "A", "buy", 10.0, 5.0))
    equity = {"timestamp": [0, 1, 2], "cash": [100.0, 50.0, 57.5]}
    flows = {"timestamp": [2], "symbol": ["A"], "kind": ["dividend"], "amount": [7.5]}
    assert kinds(audit(foreign(fills=fills, equity=equity, flows=flows))) == {}
    found = audit(foreign(fills=fills, equity=equity))
    (one,) = found.findings
    assert (one.kind, one.gap) == (FindingKind.FLOW, 7.5)


def test_fees_that_stand_in_costs_alone_leave_cash() -> None:
    """An honest ledger with its fees apart; one fee more than was taken is a finding."""
    fills = fills_of((1, "A", "buy", 10.0, 5.0), (2, "A", "sell", 10.0, 6.0))
    equity = {"timestamp": [0, 1, 2], "cash": [100.0, 49.0, 108.0], "equity": [100.0, 99.0, 108.0]}
    costs = {"timestamp": [1, 2], "commission": [1.0, 1.0]}
    found = audit(foreign(fills=fills, equity=equity, costs=costs), options=initial(100))
    assert kinds(found) == {}
    assert "fills carry no commission: cash was rolled forward with that of costs." in found.notes
    wrong = {"timestamp": [1, 2], "commission": [1.0, 3.0]}
    found = audit(foreign(fills=fills, equity=equity, costs=wrong), options=initial(100))
    assert [one.field for one in found.findings] == ["equity.cash"]


def test_a_flow_after_the_last_bar_is_a_finding() -> None:
    equity = {"timestamp": [0, 1], "cash": [100.0, 100.0]}
    flows = {"timestamp": [5], "symbol": [None], "kind": ["fee"], "amount": [-1.0]}
    fills = fills_of((0, "A", "buy", 1.0, 1.0))
    (one,) = audit(foreign(equity=equity, flows=flows, fills=fills)).findings
    assert (one.field, one.timestamp) == ("flows.timestamp", 5 * kit.DAY)


def marked(prices: Sequence[float], marks: Sequence[float]) -> Audit:
    """A fill of A at each bar, and its mark there."""
    fills = fills_of(*((bar, "A", "buy", 1.0, price) for bar, price in enumerate(prices)))
    held = list(range(1, len(marks) + 1))
    positions = {
        "timestamp": list(range(len(marks))),
        "symbol": ["A"] * len(marks),
        "quantity": [float(one) for one in held],
        "mark": list(marks),
    }
    return audit(foreign(fills=fills, positions=positions))


@pytest.mark.parametrize("factor", [100.0, 0.01, 1.5, 2.0])
def test_prices_and_marks_on_two_scales_are_one_finding(factor: float) -> None:
    marks = [50.0, 51.0, 50.5, 52.0, 51.5, 50.0, 49.5, 50.0]
    found = marked([mark * factor for mark in marks], marks)
    (one,) = found.findings
    assert (one.kind, one.bars, one.symbol) == (FindingKind.SCALE, 8, "A")
    assert "8 of its 8 prices are about" in one.detail and "the marks around it" in one.detail


@pytest.mark.parametrize("place", [0, 3, 7])
def test_one_price_far_from_the_marks_is_a_finding(place: int) -> None:
    marks = [50.0, 51.0, 50.5, 52.0, 51.5, 50.0, 49.5, 50.0]
    prices = list(marks)
    prices[place] *= 100
    (one,) = marked(prices, marks).findings
    assert (one.kind, one.timestamp or 0, one.bars) == (FindingKind.SCALE, place * kit.DAY, 1)


def test_one_mark_far_from_its_neighbours_is_a_finding() -> None:
    marks = [50.0, 51.0, 50.5, 5200.0, 51.5, 50.0, 49.5, 50.0]
    found = marked([50.0, 51.0, 50.5, 51.0, 51.5, 50.0, 49.5, 50.0], marks)
    assert [(one.field, one.timestamp) for one in found.findings] == [("positions.mark", 3 * kit.DAY)]


def test_marks_that_change_their_unit_are_a_finding() -> None:
    marks = [50.0, 51.0, 50.5, 52.0, 5150.0, 5000.0, 4950.0, 5000.0]
    found = marked(marks, marks)
    (one,) = found.findings
    assert "99.04 times the price before it" in one.detail and one.timestamp == 4 * kit.DAY


def test_a_crash_is_no_finding() -> None:
    """Half the value in a day, and further down: fills and marks agree on it."""
    marks = [50.0, 51.0, 25.0, 24.0, 12.0, 12.5, 12.0, 30.0]
    assert kinds(marked(marks, marks)) == {}
    opened = [50.0, 50.5, 49.0, 25.0, 22.0, 12.0, 12.5, 14.0]
    assert kinds(marked(opened, marks)) == {}


def test_a_jump_between_fill_and_mark_is_a_note() -> None:
    marks = [50.0, 51.0, 50.5, 52.0, 51.5]
    found = marked([50.0, 51.0, 80.0, 52.0, 51.5], marks)
    assert kinds(found) == {} and any(
        "prices 1.3 to 2 times those around them: 1; a jump" in note for note in found.notes
    )


def test_prices_of_a_file_of_fills_alone_are_held_against_each_other() -> None:
    prices = [50.0, 51.0, 5050.0, 52.0, 51.5]
    found = audit(
        foreign(fills=fills_of(*((bar, "A", "buy", 1.0, price) for bar, price in enumerate(prices))))
    )
    (one,) = found.findings
    assert (one.kind, one.timestamp) == (FindingKind.SCALE, 2 * kit.DAY)


@pytest.mark.parametrize("seed", range(8))
def test_an_honest_foreign_ledger_has_no_finding(seed: int) -> None:
    """In doubles, without a manifest, whatever tables and columns are lacking."""
    scenario, market = build.random_scenario(seed), build.random_market(seed)
    ledger, cash = published((scenario, market, reference.run(scenario, market)))
    options = AuditOptions(allow_short=True, allow_negative_cash=True)
    for lacking in ((), ("positions",), ("orders", "targets", "costs"), ("equity",), ("fills",)):
        poorer = kit.without(ledger, *lacking)
        for one in (options, replace(options, initial_cash=cash)):
            assert kinds(audit(poorer, options=one)) == {}, lacking


@pytest.mark.parametrize("seed", range(8))
def test_an_honest_ledger_that_begins_later_has_no_finding(seed: int) -> None:
    """Without its first third: what is held, and what was decided before, is not known."""
    scenario, market = build.random_scenario(seed), build.random_market(seed)
    ledger, _ = published((scenario, market, reference.run(scenario, market)))
    start = market.timestamps[len(market.timestamps) // 3]
    for name, table in ledger.tables.items():
        clock = table.columns[TIME_COLUMN[name]]
        ledger = kit.taking(ledger, name, np.flatnonzero(clock.values >= start))
    for lacking in ((), ("equity",), ("orders", "targets", "costs")):
        found = audit(kit.without(ledger, *lacking), options=AuditOptions(allow_negative_cash=True))
        assert kinds(found) == {}, lacking


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_cells_hold_the_audit_ends_with_a_verdict(seed: int) -> None:
    """Columns and tables lacking, rows doubled, numbers that are none, or huge, or empty."""
    chance = random.Random(seed)
    scenario, market = build.random_scenario(seed), build.random_market(seed)
    ledger = reference.run(scenario, market)
    ledger = floats_of(ledger) if seed % 2 else ledger
    odd: dict[bool, list[Any]] = {
        True: [0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-320],
        False: [0, -1, 10**18, -(2**63), 2**63 - 1],
    }
    for _ in range(6):
        name = chance.choice(list(ledger.tables))
        table = ledger.tables[name]
        numbers = [key for key, column in table.columns.items() if column.dictionary is None]
        if chance.random() < 0.2:
            ledger = kit.with_column(ledger, name, chance.choice(list(table.columns)), None)
        elif table.rows and chance.random() < 0.2:
            ledger = kit.doubling(ledger, name, chance.randrange(table.rows))
        elif table.rows and numbers:
            key = chance.choice(numbers)
            value = chance.choice(odd[table.columns[key].values.dtype.kind == "f"])
            ledger = kit.edited(ledger, name, key, chance.randrange(table.rows), value)
    for initial_cash in (None, Decimal("1E-30"), Decimal(10**25)):
        options = AuditOptions(initial_cash=initial_cash)
        assert audit(ledger, options=options).verdict in Verdict
        assert audit(ledger, scenario=scenario, market=market, options=options).verdict in Verdict


def noisy() -> Ledger:
    """Cash of doubles that another program added up in another order."""
    changed, _ = published(kit.sample(3))
    column = changed.tables["equity"].columns["cash"]
    shift = np.where(np.arange(len(column.values)) % 2 == 0, 1e-13, -1e-13)
    return kit.with_column(changed, "equity", "cash", replace(column, values=column.values * (1 + shift)))


def test_float_noise_is_told_apart_from_findings() -> None:
    """One line with the largest, and no finding; a cent is one."""
    found = audit(noisy())
    assert kinds(found) == {}
    noise = {one.check: one for one in found.noise}
    assert noise[Check.CASH].values > 5 and 0 < noise[Check.CASH].largest < 1e-6
    changed = kit.edited(noisy(), "equity", "cash", 5, lambda value: value + 0.01)
    assert kinds(audit(changed))[FindingKind.CASH] == 1


def test_a_check_is_listed_once() -> None:
    """Made, made in part, or not made: never in two lists of the page."""
    from reconcile.auditing.audit_page import Subject, audit_page

    ledger = kit.without(floats_of(kit.sample(3)[2]), "costs", "positions")
    found = audit(ledger)
    page = audit_page(found, Subject("led", ledger, None, ()), str)
    rows = page.partition("checked  ")[2].partition("checked in part")
    made = {line.split()[0] for line in rows[0].splitlines()[1:] if line.strip()}
    parts, _, lacking = rows[2].partition("not checked")
    names = [line.split()[0] for line in lacking.partition("not made")[0].splitlines() if line.strip()]
    assert made and names and not made & set(names)
    assert {line.split()[0] for line in parts.splitlines() if line.strip()} <= made
    assert found.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED


def test_adjusted_prices_against_a_raw_market_are_one_finding_a_symbol() -> None:
    scenario, market, ledger = kit.sample(3)
    prices = ledger.tables["fills"].columns["price"]
    halved = kit.with_column(ledger, "fills", "price", replace(prices, values=prices.values // 2))
    found = audit(halved, scenario=scenario, market=market)
    scaled = [one for one in found.findings if one.kind is FindingKind.SCALE]
    assert scaled and all("times the market's" in one.detail for one in scaled)
    assert len({one.symbol for one in scaled}) == len(scaled)


def test_a_phantom_short_is_named_where_it_begins() -> None:
    fills = fills_of((1, "A", "buy", 3.0, 10.0), (2, "A", "sell", 5.0, 10.0), (3, "A", "sell", 1.0, 10.0))
    (one,) = audit(foreign(fills=fills)).findings
    assert (one.timestamp, one.found) == (2 * kit.DAY, -2.0)


def test_cash_below_zero_by_float_noise_is_none() -> None:
    equity = {"timestamp": [0, 1, 2], "cash": [1e6, -1e-10, -1e-10]}
    assert kinds(audit(foreign(equity=equity))) == {}
    equity = {"timestamp": [0, 1, 2], "cash": [1e6, -0.01, 5.0]}
    assert kinds(audit(foreign(equity=equity))) == {FindingKind.NEGATIVE_CASH: 1}


def test_a_symbol_held_throughout_is_no_flat_book() -> None:
    """It has no fill, but the positions show it."""
    fills = fills_of((1, "A", "buy", 1.0, 10.0), (2, "A", "sell", 1.0, 11.0))
    positions = {"timestamp": [0, 1, 1, 2], "symbol": ["B", "A", "B", "B"], "quantity": [5.0, 1.0, 5.0, 5.0]}
    equity = {"timestamp": [0, 1, 2], "equity": [100.0, 103.0, 107.0]}
    found = audit(foreign(fills=fills, positions=positions, equity=equity), options=initial(100))
    assert kinds(found) == {}


def test_what_was_held_before_a_ledger_of_fills_is_no_flat_book() -> None:
    """More is sold than was bought: that is said once, and equity before it may move with the market."""
    fills = fills_of((2, "A", "sell", 5.0, 11.0))
    equity = {"timestamp": [0, 1, 2], "equity": [100.0, 105.0, 103.0]}
    found = audit(foreign(fills=fills, equity=equity), options=initial(100))
    assert kinds(found) == {FindingKind.OVERSOLD: 1}
    found = audit(foreign(fills=fills, equity=equity), options=initial(100, allow_short=True))
    assert kinds(found)[FindingKind.FLAT] > 0


def test_prices_of_a_few_cents_are_near_each_other() -> None:
    marks = [0.02] * 7
    assert kinds(marked([0.02, 0.05, 0.01, 0.03, 0.01, 0.05, 0.03], marks)) == {}
    assert kinds(marked([0.02, 0.05, 0.01, 0.03, 0.01, 0.05, 3.0], marks)) == {FindingKind.SCALE: 1}


def test_marks_that_do_not_agree_are_no_measure() -> None:
    marks = [10.0, 30.0, 31.0, 30.0, 31.0]
    assert kinds(marked([100.0, 30.0, 31.0, 30.0, 31.0], marks)) == {}


def test_cash_that_flows_hold_still_is_not_frozen() -> None:
    fills = fills_of(*((bar, "A", "buy", 1.0, 10.0) for bar in (1, 2, 3)))
    equity = {"timestamp": [0, 1, 2, 3], "cash": [100.0] * 4}
    flows = {"timestamp": [1, 2, 3], "symbol": [None] * 3, "kind": ["deposit"] * 3, "amount": [10.0] * 3}
    assert kinds(audit(foreign(fills=fills, equity=equity, flows=flows))) == {}
    assert kinds(audit(foreign(fills=fills, equity=equity)))[FindingKind.FROZEN] == 1


def test_a_withdrawal_leaves_less_for_the_buys_of_its_bar() -> None:
    """E4: the flows of a bar come before its fills."""
    scenario, market, ledger = kit.sample(3)
    fills, equity = ledger.tables["fills"], ledger.tables["equity"]
    sides = fills.columns["side"]
    buys = np.flatnonzero(np.array([(sides.dictionary or ())[int(code)] == "buy" for code in sides.values]))
    stamp = int(fills.columns["timestamp"].values[buys[-1]])
    bar = int(np.searchsorted(equity.columns["timestamp"].values, stamp))
    cash = equity.columns["cash"]
    amount = Decimal(-int(cash.values[bar])).scaleb(-(cash.scale or 0)) - 1
    flow = {"timestamp": [stamp / kit.DAY], "symbol": [None], "kind": ["withdrawal"], "amount": [amount]}
    changed = kit.with_table(ledger, kit.foreign({"flows": flow}).tables["flows"])
    for name in ("cash", "equity"):
        column = equity.columns[name]
        values = column.values.copy()
        values[bar:] += int(amount.scaleb(column.scale or 0))
        changed = kit.with_column(changed, "equity", name, replace(column, values=values))
    found = audit(changed, scenario=scenario, market=market)
    assert FindingKind.NEGATIVE_CASH in kinds(found) and FindingKind.FLOW not in kinds(found)
    assert FindingKind.NEGATIVE_CASH not in kinds(audit(ledger, scenario=scenario, market=market))


def test_fees_of_one_sign_in_fills_and_the_other_in_costs_are_a_note() -> None:
    fills = fills_of((1, "A", "buy", 1.0, 10.0), commission=[0.5])
    found = audit(foreign(fills=fills, costs={"timestamp": [1], "commission": [-0.5]}))
    assert "commission has one sign in fills and the other in costs." in found.notes
