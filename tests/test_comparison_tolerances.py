"""Tolerances: what they absorb, and that they cannot hide anything."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import comparison_kit as kit

from reconcile.comparing.compare import compare
from reconcile.comparing.tolerances import read_tolerances, tolerances_from
from reconcile.matching.bounds import within
from reconcile.matching.model import BoundKind, Tolerance, Verdict
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger


def prices(*values: Any) -> Ledger:
    n = len(values)
    return kit.foreign(
        {
            "fills": {
                "timestamp": list(range(n)),
                "symbol": ["A"] * n,
                "side": ["buy"] * n,
                "quantity": [1] * n,
                "price": list(values),
            }
        }
    )


def bound(kind: str, value: str) -> tuple[Tolerance, ...]:
    return tolerances_from({"fills.price": {kind: value, "reason": "their prices are rounded"}})


@pytest.mark.parametrize(
    ("kind", "value", "a", "b", "agrees"),
    [
        ("absolute", "0.01", Decimal("101.30"), Decimal("101.31"), True),
        ("absolute", "0.01", Decimal("101.30"), Decimal("101.3101"), False),
        ("absolute", "0.01", 101.30, 101.31, True),
        ("absolute", "0.01", 101.30, 101.3100001, False),
        ("absolute", "0.01", Decimal("101.30"), 101.31, True),
        ("relative", "0.01", Decimal("99"), Decimal("100"), True),
        ("relative", "0.01", Decimal("98.99"), Decimal("100"), False),
        ("relative", "0.01", Decimal("-99"), Decimal("-100"), True),
        ("relative", "1", Decimal("0"), Decimal("100"), True),
        ("relative", "0.99", Decimal("0"), Decimal("100"), False),
        ("quantum", "0.01", Decimal("101.305"), Decimal("101.30"), True),
        ("quantum", "0.01", Decimal("101.305"), Decimal("101.31"), True),
        ("quantum", "0.01", Decimal("101.3051"), Decimal("101.30"), False),
        ("quantum", "0.01", Decimal("101.30"), Decimal("101.31"), False),
        ("quantum", "0.01", Decimal("101.3049"), Decimal("101.3050"), False),
        ("quantum", "0.01", 101.3049, 101.3, True),
        ("quantum", "0.05", Decimal("101.326"), 101.35, True),
        ("absolute", "1000", float("nan"), 1.0, False),
        ("absolute", "1000", float("nan"), float("nan"), False),
        ("relative", "1000", float("inf"), 1.0, False),
        ("absolute", "1000", None, Decimal("1"), False),
        ("absolute", "1", Decimal(2) ** 70, Decimal(2) ** 70 + 1, True),
        ("absolute", "1", Decimal(2) ** 70, Decimal(2) ** 70 + 2, False),
        ("absolute", "1", 1e308, -1e308, False),
    ],
)
def test_what_a_bound_absorbs(kind: str, value: str, a: Any, b: Any, agrees: bool) -> None:
    """To the last digit, and the same with the sides swapped."""
    expected = Verdict.MATCHED if agrees else Verdict.BREAKS
    # The second row keeps the column's kind when the first is empty.
    for left, right in ((a, b), (b, a)):
        found = compare(prices(left, Decimal(1)), prices(right, Decimal(1)), tolerances=bound(kind, value))
        assert found.verdict is expected
        assert found.tolerances[0].absorbed == int(agrees)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(BoundKind)),
    st.decimals("0.0001", "2", places=4),
    st.lists(st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000)), min_size=1, max_size=5),
    st.booleans(),
)
def test_whole_columns_agree_with_the_rule(
    kind: BoundKind, value: Decimal, pairs: list[tuple[int, int]], floats: bool
) -> None:
    """Absorbed are exactly the cells that `within` says, exact or double."""
    tolerance = Tolerance("fills", "price", kind, value, "why")
    cells = [(Decimal(a).scaleb(-3), Decimal(b).scaleb(-3)) for a, b in pairs]
    left, right = ([pair[side] for pair in cells] for side in (0, 1))
    theirs: list[Any] = [float(v) for v in right] if floats else list(right)
    found = compare(prices(*left), prices(*theirs), tolerances=[tolerance])
    expected = [a != b and not within(tolerance, Fraction(a), Fraction(b)) for a, b in cells]
    assert sorted(b.timestamp // kit.DAY for b in found.breaks) == [
        i for i, out in enumerate(expected) if out
    ]
    assert [within(tolerance, Fraction(a), Fraction(b)) for a, b in cells] == [
        within(tolerance, Fraction(b), Fraction(a)) for a, b in cells
    ]


def test_the_largest_gap_absorbed_is_reported_and_slack_ones_are_flagged() -> None:
    ours = prices(Decimal("1.00"), Decimal("2.00"), Decimal("3.00"))
    theirs = prices(1.004, 2.001, 3.0)
    (use,) = compare(ours, theirs, tolerances=bound("absolute", "0.01")).tolerances
    assert (use.absorbed, use.largest, use.slack) == (2, Decimal("0.004"), False)
    (use,) = compare(ours, theirs, tolerances=bound("absolute", "0.05")).tolerances
    assert use.slack
    (use,) = compare(ours, ours, tolerances=bound("absolute", "0.01")).tolerances
    assert (use.absorbed, use.slack) == (0, True)
    (use,) = compare(ours, prices(1.0, 2.02, 3.0), tolerances=bound("relative", "0.05")).tolerances
    assert abs(use.largest - Decimal("0.02") / Decimal("2.02")) < Decimal("1e-20")


def test_totals_of_several_fills_are_compared_under_the_tolerance() -> None:
    def fills(*rows: tuple[int, str]) -> Ledger:
        n = len(rows)
        columns = {"timestamp": [1] * n, "symbol": ["A"] * n, "side": ["buy"] * n}
        own = {"quantity": [row[0] for row in rows], "price": [Decimal(row[1]) for row in rows]}
        return kit.foreign({"fills": {**columns, **own}})

    ours, theirs = fills((100, "1.41")), fills((60, "1.0"), (40, "2.0"))
    assert compare(ours, theirs).verdict is Verdict.BREAKS
    found = compare(ours, theirs, tolerances=bound("absolute", "0.01"))
    assert found.verdict is Verdict.MATCHED
    assert found.tolerances[0].largest == Decimal("0.01")


def test_two_exact_ledgers_of_ours_take_no_tolerance() -> None:
    _, _, ledger = kit.sample()
    with pytest.raises(InputError, match="foreign"):
        compare(ledger, ledger, tolerances=bound("absolute", "0.01"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('"fills.price" = { absolute = "0.01" }', "no reason"),
        ('"fills.price" = { absolute = "0.01", reason = "  " }', "no reason"),
        ('"fills.price" = { reason = "why" }', "0 bounds"),
        ('"fills.price" = { absolute = "0.01", relative = "0.1", reason = "why" }', "2 bounds"),
        ('"fills.price" = { percent = "1", reason = "why" }', "percent"),
        ('"fills.price" = { absolute = 0.01, reason = "why" }', "quotes"),
        ('"fills.price" = { absolute = "-1", reason = "why" }', "above 0"),
        ('"fills.price" = { absolute = "NaN", reason = "why" }', "above 0"),
        ('"fills.price" = { absolute = "tiny", reason = "why" }', "above 0"),
        ('"fills.prices" = { absolute = "1", reason = "why" }', "table.column"),
        ('"fills.symbol" = { absolute = "1", reason = "why" }', "no key"),
        ('"fills.reason" = { absolute = "1", reason = "why" }', "no key"),
        ('"fills.price" = "0.01"', "a bound and a reason"),
        ("fills.price = ", "not TOML"),
    ],
)
def test_a_tolerance_file_that_is_wrong_says_what_and_where(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "loose.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_tolerances(file)
    assert "loose.toml" in caught.value.where


def test_a_tolerance_file_is_read_with_its_reasons(tmp_path: Path) -> None:
    file = tmp_path / "loose.toml"
    file.write_text('"fills.price" = { quantum = "0.01", reason = "their cents" }\n')
    assert read_tolerances(file) == (
        Tolerance("fills", "price", BoundKind.QUANTUM, Decimal("0.01"), "their cents"),
    )
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        read_tolerances(tmp_path / "nowhere.toml")
