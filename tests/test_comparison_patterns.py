"""One constant pattern in many rows is one finding, told in the first line with its extent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests import comparison_kit as kit

import engine
import reconcile
from reconcile.comparing.compare import compare
from reconcile.comparing.wording import headline
from reconcile.ledger.frames import from_frames
from reconcile.matching.model import Reconciliation
from reconcile.matching.patterns import PatternKind, fit, roundest, shown

COUNT = 24
DAYS = pd.date_range("2024-01-01", periods=COUNT)
RANDOM = np.random.default_rng(5)
PRICES = np.round(RANDOM.uniform(20, 90, COUNT), 2)
SIZES = RANDOM.integers(10, 900, COUNT)


def fills(**changed: Any) -> pd.DataFrame:
    columns = {
        "timestamp": DAYS,
        "symbol": "AAA",
        "side": np.where(np.arange(COUNT) % 2, "sell", "buy"),
        "quantity": SIZES,
        "price": PRICES,
        "commission": np.round(PRICES * SIZES * 0.0005, 4),
    }
    return pd.DataFrame({**columns, **changed})


def exact(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as the text that a person would write."""
    return frame.assign(
        **{name: [f"{value:.10g}" for value in frame[name]] for name in ("price", "commission")}
    )


def compared(one: pd.DataFrame, other: pd.DataFrame, table: str = "fills") -> Reconciliation:
    return compare(from_frames({table: one}), from_frames({table: other}))


FEES = np.round(PRICES * SIZES * 0.0005, 4)
PATTERNS: dict[str, tuple[dict[str, Any], PatternKind, str]] = {
    "8 of 5 bps": (
        {"commission": np.round(PRICES * SIZES * 0.0008, 4)},
        PatternKind.FACTOR,
        "commission is 1.6 times the reference's in 24 of 24 fills",
    ),
    "pence": ({"price": PRICES * 100}, PatternKind.FACTOR, "price is 100 times the reference's"),
    "a multiplier": ({"quantity": SIZES * 50}, PatternKind.FACTOR, "quantity is 50 times the reference's"),
    "the inverse": ({"price": PRICES / 100}, PatternKind.FACTOR, "price is 1/100 of the reference's"),
    "a constant fee": (
        {"commission": FEES + 1.25},
        PatternKind.OFFSET,
        "commission is 1.25 more than the reference's",
    ),
    "a sign": ({"commission": -FEES}, PatternKind.SIGN, "commission has the opposite sign in 24 of 24 fills"),
    "cents": (
        {"commission": np.round(FEES, 2)},
        PatternKind.ROUNDED,
        "the candidate's commission is the reference's, rounded to 2 decimals",
    ),
    "side words": (
        {"side": np.where(np.arange(COUNT) % 2, "buy", "sell")},
        PatternKind.SIDES,
        "side is swapped, buy for sell, in 24 of 24 fills",
    ),
    "a renamed symbol": (
        {"symbol": "AAA.US"},
        PatternKind.RENAMED,
        "symbol AAA is called AAA.US in 24 of 24",
    ),
    "a clock": (
        {"timestamp": DAYS + pd.Timedelta(hours=5)},
        PatternKind.CLOCK,
        "timestamp is 5 hours later in 24 of 24 fills",
    ),
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("form", [exact, lambda frame: frame])
def test_a_pattern_is_told_once(name: str, form: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Of exact numbers and of doubles alike."""
    changed, kind, words = PATTERNS[name]
    found = compared(form(fills()), form(fills(**changed)))
    assert [one.kind for one in found.patterns] == [kind]
    assert words in headline(found, str)


def test_adjusted_prices_are_one_finding() -> None:
    """Factors that differ by symbol, and quantities by their inverse."""
    names = np.where(np.arange(COUNT) % 3, "AAA", "BBB")
    factor = np.where(np.arange(COUNT) % 3, 0.25, 0.1)
    other = fills(symbol=names, price=PRICES * factor, quantity=SIZES / factor)
    found = compared(fills(symbol=names), other)
    assert [one.kind for one in found.patterns] == [PatternKind.ADJUSTED]
    assert "0.1 (BBB), 0.25 (AAA)" in headline(found, str)


@pytest.mark.parametrize(("cut", "words"), [(slice(5, None), "starts"), (slice(None, -5), "ends")])
@pytest.mark.parametrize("by_reference", [False, True])
def test_an_edge_is_one_finding(cut: slice, words: str, by_reference: bool) -> None:
    """Rows that one side lacks at its beginning or its end, and what holds where both have rows."""
    rows = pd.DataFrame({"timestamp": DAYS, "equity": PRICES})
    sides = [rows, rows.iloc[cut]]
    found = compared(*(reversed(sides) if by_reference else sides), "equity")
    side = "reference" if by_reference else "candidate"
    line = headline(found, str)
    assert f"the {side} {words} " in line and "5 bars" in line and "nothing differs" in line


@pytest.mark.parametrize("seed", range(20))
def test_numbers_that_merely_differ_have_no_pattern(seed: int) -> None:
    """Whatever they are."""
    random = np.random.default_rng(seed)
    x = np.round(random.uniform(1, 100, 40), 2)
    y = np.round(x * random.uniform(0.9, 1.1, 40) + random.normal(0, 1, 40), 2)
    assert fit(x, y, (0.01, 0.01)) is None
    assert fit(np.array([1.0, 2.0]), np.array([2.0, 4.0]), (0.0, 0.0)) is None


def test_the_roundest_constant_is_told() -> None:
    """Of all that the rounded numbers allow."""
    for low, high, text in ((1.5999, 1.6002, "1.6"), (1.142856, 1.142858, "8/7"), (0.0999, 0.1001, "0.1")):
        value = roundest(low, high)
        assert value is not None and shown(value) == text


def test_a_commission_of_another_rate_is_one_root() -> None:
    """What the cash then no longer covers follows from it; a second mistake stays a root of its own."""
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.load_market(scenario)
    true = reconcile.reference.run(scenario, market)
    wrong = engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
    found = compare(true, wrong, scenario=scenario, market=market)
    assert found.roots is not None
    (root,) = found.roots
    assert (root.first.table, root.first.field) == ("fills", "commission") and root.count > 100
    wrong = kit.edited(wrong, "equity", "cash", 50, lambda cash: cash + 7)
    again = compare(true, wrong, scenario=scenario, market=market).roots
    assert again is not None
    assert {(one.first.table, one.first.field) for one in again} == {
        ("fills", "commission"),
        ("equity", "cash"),
    }


@pytest.mark.parametrize(("first", "told"), [(0, True), (18, False)])
def test_numbers_that_one_row_too_many_moves_are_no_pattern(first: int, told: bool) -> None:
    """Counted from another start they are one: then most rows have it."""
    ranks = np.arange(COUNT)
    targets = {"decided_at": DAYS, "symbol": "AAA", "weight": 0.5, "quantity": 10}
    one, other = (
        pd.DataFrame({**targets, "rank": numbers})
        for numbers in (ranks, np.where(np.arange(COUNT) >= first, ranks + 1, ranks))
    )
    found = compared(one, other, "targets")
    assert found.breaks and bool([each for each in found.patterns if each.column == "rank"]) == told
