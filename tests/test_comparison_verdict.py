"""What a verdict may claim: a match says that all was compared, and that something happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import build
from tests import comparison_kit as kit

import reconcile
import reference
from reconcile.comparing.compare import compare
from reconcile.comparing.coverage import returns_table
from reconcile.comparing.verdict import exit_code
from reconcile.matching.model import Beside, Reconciliation, Verdict
from reconcile.tables.model import Unread, UnreadKind
from vocabulary.scenario import Bound, Gate, Schedule, ScheduleKind, TopN, Weights

NO_BESIDE = Beside()


@pytest.fixture(scope="module")
def true() -> Any:
    return kit.sample(1)[2]


def first_line(found: Reconciliation) -> str:
    return reconcile.render(found).splitlines()[0]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("market", "0" * 64, "market: "),
        ("timing", "same_close", "timing: next_open (reference) vs same_close (candidate)"),
        ("initial_cash", 10**8 + 1, "initial cash: 1000000.00 (reference) vs 1000000.01 (candidate)"),
        ("price_decimals", 3, "price decimals: 2 (reference) vs 3 (candidate)"),
        ("quantity_decimals", 1, "quantity decimals: 0 (reference) vs 1 (candidate)"),
    ],
)
def test_a_manifest_that_states_another_run_is_no_match(true: Any, field: str, value: Any, said: str) -> None:
    """Either way round, and also where the tables to compare were named."""
    other = kit.stating(true, **{field: value})
    for tables in (None, ["fills"]):
        found = compare(true, other, tables=tables)
        assert (found.verdict, exit_code(found.verdict)) == (Verdict.MANIFESTS_DIFFER, 2)
        assert said in first_line(found) and said in reconcile.render(found).replace("\n", " ")
        assert compare(other, true, tables=tables).verdict is Verdict.MANIFESTS_DIFFER


@pytest.mark.parametrize("field", ["market", "timing", "initial_cash", "price_decimals", "quantity_decimals"])
def test_a_manifest_that_is_silent_contradicts_nothing(true: Any, field: str) -> None:
    assert compare(true, kit.stating(true, **{field: None})).verdict is Verdict.MATCHED


def test_a_break_is_told_before_a_manifest(true: Any) -> None:
    wrong = kit.edited(kit.stating(true, market="0" * 64), "fills", "price", 1, lambda price: price + 1)
    found = compare(true, wrong)
    assert found.verdict is Verdict.BREAKS
    assert "manifests     market: " in reconcile.render(found)


@pytest.mark.parametrize(
    ("digests", "said"),
    [
        (("a", "b"), "trades.funding (differs)"),
        (("a", "a"), "trades.funding (the same on both sides)"),
        ((None, "a"), "trades.funding (on both sides, not looked at)"),
    ],
)
def test_what_was_not_read_forbids_a_match_and_is_named(true: Any, digests: Any, said: str) -> None:
    found = compare(true, true, beside=kit.beside("funding", digests))
    assert (found.verdict, exit_code(found.verdict)) == (Verdict.MATCHED_AS_FAR_AS_COMPARED, 2)
    assert f"not read: {said}" in first_line(found)


def test_what_one_side_alone_holds_unread_is_named_with_the_side(true: Any) -> None:
    left, right = kit.beside("x")
    for sides, name in ((left, NO_BESIDE), "reference"), ((NO_BESIDE, right), "candidate"):
        found = compare(true, true, beside=sides)
        assert found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
        assert f"trades.x (only the {name} has it)" in first_line(found)


def test_what_is_left_out_with_a_reason_is_named_and_does_not_forbid_a_match(true: Any) -> None:
    found = compare(true, true, beside=kit.beside("funding", reason="paid elsewhere"))
    assert found.verdict is Verdict.MATCHED
    assert "left out      trades.funding: differs (paid elsewhere)" in reconcile.render(found)


def test_a_reason_on_one_side_is_not_the_other_sides(true: Any) -> None:
    reference = kit.beside("funding", reason="paid elsewhere")[0]
    assert compare(true, true, beside=(reference, kit.beside("funding")[1])).verdict is (
        Verdict.MATCHED_AS_FAR_AS_COMPARED
    )


def test_sources_of_other_names_have_their_unread_columns_compared() -> None:
    """Two exports that differ in the name of their file only."""
    sides = [Beside((Unread(UnreadKind.COLUMN, file, "funding", 2, "same", None),)) for file in ("a", "b")]
    true = kit.sample(1)[2]
    (part,) = compare(true, true, beside=(sides[0], sides[1])).unread
    assert (part.reference, part.candidate, part.differs) == (2, 2, False)


def test_named_tables_are_a_persons_request_and_what_was_left_out_is_named(true: Any) -> None:
    found = compare(true, true, tables=["fills"], beside=kit.beside("funding"))
    assert exit_code(found.verdict) == 0
    assert "not compared: targets" in first_line(found) and "trades.funding (differs)" in first_line(found)


def returns(*values: float) -> Beside:
    times = np.arange(len(values), dtype=np.int64) * kit.DAY
    return Beside(returns=returns_table(times, np.array(values)))


def test_returns_are_compared_where_both_sides_have_them(true: Any) -> None:
    ours, theirs = returns(0.01, -0.002), returns(0.01, -0.0021)
    assert compare(true, true, beside=(ours, ours)).verdict is Verdict.MATCHED
    found = compare(true, true, beside=(ours, theirs))
    assert [(b.table, b.field, b.reference, b.candidate) for b in found.breaks] == [
        ("returns", "return", -0.002, -0.0021)
    ]
    assert any(note.startswith("Returns compound to 1.007980") for note in found.notes)


def test_returns_on_one_side_alone_were_not_compared(true: Any) -> None:
    found = compare(true, true, beside=(returns(0.01), NO_BESIDE))
    assert found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
    (gap,) = found.not_compared
    assert (gap.table, gap.why.value) == ("returns", "absent in the candidate")


def test_a_return_that_differs_is_no_consequence_of_what_the_reference_can_tell() -> None:
    scenario, market, true = kit.sample(1)
    found = compare(
        true, true, scenario=scenario, market=market, beside=(returns(0.01, 0.1), returns(0.01, 0.2))
    )
    assert found.roots is None and [b.root for b in found.breaks] == [None]
    assert any("Roots of returns cannot be found" in note for note in found.notes)


GATE = Gate("vix", Bound.MAX, 10.0)
IDLE = {
    "no symbol is ever present": (
        build.scenario(TopN("score", 1)),
        build.market({"A": [None, None, None]}, {"score": {"A": [1.0, 2.0, 3.0]}}),
        "No symbol of ",
    ),
    "no score": (
        build.scenario(TopN("score", 1)),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [None, None, None]}}),
        "Column 'score', by which symbols are chosen, is empty at every bar.",
    ),
    "a required feature is empty": (
        build.scenario(TopN("score", 1, require=("other",))),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [1.0] * 3}, "other": {"A": [None] * 3}}),
        "Column 'other'",
    ),
    "no weight": (
        build.scenario(Weights("w")),
        build.market({"A": [100, 101, 102]}, {"w": {"A": [None, None, None]}}),
        "Column 'w'",
    ),
    "a gate that never opens": (
        build.scenario(TopN("score", 1), gate=GATE),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [1.0] * 3}}, {"vix": [20.0, 30.0, 25.0]}),
        "The gate never opened: 'vix' must be at most 10; at the 2 scheduled bars it lies between 20 and 30.",
    ),
    "a gate whose context is empty": (
        build.scenario(TopN("score", 1), gate=GATE),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [1.0] * 3}}, {"vix": [None, None, None]}),
        "The gate never opened: 'vix' is empty at all 2 scheduled bars.",
    ),
    "no bar is scheduled": (
        build.scenario(TopN("score", 1), schedule=Schedule(ScheduleKind.EVERY, 1, 2)),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [1.0] * 3}}),
        "The schedule names none of the 2 bars whose orders can still be executed.",
    ),
    "too little cash for one lot": (
        build.scenario(TopN("score", 1), initial_cash=1),
        build.market({"A": [100, 101, 102]}, {"score": {"A": [1.0] * 3}}),
        "every target is 0",
    ),
}


@pytest.mark.parametrize("name", IDLE)
def test_a_run_in_which_nothing_happened_is_no_match_and_says_why(name: str) -> None:
    scenario, market, said = IDLE[name]
    ledger = reference.run(scenario, market)
    found = compare(ledger, ledger, scenario=scenario, market=market)
    assert (found.verdict, exit_code(found.verdict)) == (Verdict.NOTHING_HAPPENED, 2)
    assert said in first_line(found)
    result = reconcile.run(scenario, data=market)
    assert result.exit_code == 2 and result.text().startswith("nothing happened: no pass")


@pytest.mark.parametrize("name", [name for name in IDLE if name != "too little cash for one lot"])
def test_a_check_of_what_cannot_trade_says_why(name: str) -> None:
    scenario, market, said = IDLE[name]
    result = reconcile.check(scenario, market)
    assert result.exit_code == 2 and said in result.text().splitlines()[0]


def test_an_explanation_of_nothing_is_none(true: Any) -> None:
    scenario, market, _ = IDLE["no score"]
    result = reconcile.explain(scenario, candidate=reference.run(scenario, market), data=market)
    assert result.exit_code == 2 and "is empty at every bar" in result.text()


def test_two_foreign_ledgers_in_which_nothing_happened_are_no_match() -> None:
    empty: dict[str, list[Any]] = {"timestamp": [], "symbol": [], "side": [], "quantity": [], "price": []}
    still = {"timestamp": [1, 2, 3], "equity": [5, 5, 5]}
    ledger = kit.foreign({"fills": empty, "equity": still})
    assert compare(ledger, ledger).verdict is Verdict.NOTHING_HAPPENED
    moving = kit.foreign({"fills": empty, "equity": {**still, "equity": [5, 6, 5]}})
    assert compare(moving, moving).verdict is Verdict.MATCHED


def test_one_idle_side_is_a_break_not_nothing(true: Any) -> None:
    scenario, market, _ = kit.sample(1)
    idle = reference.run(replace(scenario, initial_cash=0), market)
    assert compare(true, idle).verdict is Verdict.BREAKS


@pytest.mark.parametrize(("lacks", "keeps"), [("price", "quantity"), ("quantity", "price")])
def test_a_column_of_fills_that_neither_foreign_ledger_has_is_named(
    lacks: str, keeps: str, tmp_path: Path
) -> None:
    """Fills without prices, or without quantities, match in less."""
    path = tmp_path / "fills.csv"
    path.write_text(f"timestamp,symbol,side,{keeps}\n2024-01-03,A,buy,1\n", encoding="utf-8")
    said = reconcile.diff(path, path).text()
    note = next(line for line in said.splitlines() if "Neither ledger has" in line)
    assert f"fills.{lacks}" in note and f"fills.{keeps}" not in note
