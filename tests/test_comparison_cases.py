"""Ledgers as people bring them: what `reconcile diff` says first, and its exit code. See tests/cases."""

from __future__ import annotations

from pathlib import Path

import pytest

import reconcile
from reconcile.api.diff import DiffResult

CASES = Path(__file__).parent / "cases"


def diff(
    case: str, one: str, other: str, mapping: str | None = None, theirs: str | None = None
) -> DiffResult:
    folder = next(CASES.glob(f"{case}-*"))
    files = [None if name is None else folder / name for name in (mapping, theirs or mapping)]
    return reconcile.diff(folder / one, folder / other, reference_mapping=files[0], mapping=files[1])


def first_line(result: DiffResult) -> str:
    return result.text().splitlines()[0]


def test_fills_alike_and_books_apart_are_told_so() -> None:
    result = diff("03", "v1", "v2")
    assert result.exit_code == 1
    assert "2024-01-02 13:00:00, equity: 999873.70 (reference) vs 998873.70" in first_line(result)
    assert first_line(result).endswith("all 4 fills are equal: the books differ")


def test_a_position_that_does_not_follow_from_its_own_fills_is_named() -> None:
    """Either way round: the ledger at fault is named, not a side."""
    for sides, wrong in ((("a", "b"), "candidate"), (("b", "a"), "reference")):
        result = diff("14", *sides)
        assert first_line(result).endswith("all 3 fills are equal: the books differ")
        assert f"the {wrong}'s position does not follow from its own fills" in result.text()


def test_one_of_two_equal_fills_that_is_missing_is_told_as_such() -> None:
    result = diff("19", "a", "b")
    assert (result.exit_code, len(result.breaks)) == (1, 1)
    assert "the reference has this row once more: dropped as a duplicate" in result.text()


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("23", "not read: trades.funding_fee (differs)"),
        ("24", "not read: trades.funding_fee (the same on both sides), equity (differs)"),
    ],
)
def test_what_the_mapping_does_not_read_is_no_match(case: str, said: str) -> None:
    result = diff(case, "v1", "v2", "map.toml")
    assert result.exit_code == 2
    assert first_line(result).startswith("matched as far as compared: 0 breaks in 2 rows")
    assert said in first_line(result) and "equity." not in first_line(result)


def test_a_column_left_out_with_a_reason_lets_the_rest_match(tmp_path: Path) -> None:
    folder = next(CASES.glob("23-*"))
    mapping = tmp_path / "map.toml"
    reason = 'leave_out = { funding_fee = "paid elsewhere" }\n'
    mapping.write_text((folder / "map.toml").read_text() + reason)
    result = reconcile.diff(folder / "v1", folder / "v2", reference_mapping=mapping, mapping=mapping)
    assert result.exit_code == 0
    assert "left out      trades.funding_fee: differs (paid elsewhere)" in result.text()


def test_rows_without_a_time_on_both_sides_are_named_and_no_match() -> None:
    result = diff("34", "a", "b")
    assert result.exit_code == 2
    assert "0 breaks in 2 rows" in first_line(result) and "equity.timestamp" in first_line(result)
    assert "rows without a time on both sides: equity.timestamp" in result.text()
    assert "1 row of equity without a time (first: row 3)" in result.text()


def test_daily_returns_alone_are_compared() -> None:
    result = diff("37", "a.csv", "b.csv", "map.toml", "mapb.toml")
    assert result.exit_code == 1
    assert "2024-01-03, return: -0.002 (reference) vs -0.0021 (candidate)" in first_line(result)
    assert "compound to 1.011004 in the reference and 1.010903 in the candidate" in result.text()
    same = diff("37", "a.csv", "a.csv", "map.toml")
    assert same.exit_code == 0
