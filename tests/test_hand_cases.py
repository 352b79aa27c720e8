"""Both programs reproduce the cases worked out by hand from docs/semantics.md, cell by cell."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from hand_case import (
    ABSENT,
    EMPTY,
    ERROR,
    HAND,
    PAGE,
    PROGRAMS,
    HandCase,
    Misreading,
    Row,
    case_folders,
    defects,
    differences,
    expected_rows,
    expected_text,
    ledger_differences,
    read_case,
    rules_of_the_page,
    value_of,
)
from vocabulary import SCHEMA, Ledger, Market, Scenario, TieoutError

RULES = rules_of_the_page(PAGE.read_text(encoding="utf-8"))
CASES = tuple(read_case(folder) for folder in case_folders())
MISREADINGS = [
    pytest.param(case, misreading, id=f"{case.name}-{number}")
    for case in CASES
    for number, misreading in enumerate(case.misreadings)
]


def load(case: HandCase) -> tuple[Scenario, Market]:
    reconcile = importlib.import_module("reconcile")
    scenario = reconcile.scenario_from_file(case.folder / "scenario.toml")
    market = reconcile.load_market(scenario)
    reconcile.check(scenario, market)
    return scenario, market


def run(program: str, scenario: Scenario, market: Market) -> Ledger:
    ledger: Ledger = importlib.import_module(program).run(scenario, market)
    return ledger


def without_rule(cases: tuple[HandCase, ...], rule: str) -> tuple[HandCase, ...]:
    return tuple(case for case in cases if case.rule != rule)


def uncovered(cases: tuple[HandCase, ...]) -> set[str]:
    return set(RULES) - {case.rule for case in cases}


def mentions(why: str, text: str) -> bool:
    """Whether the text stands in WHY.md as a number or word of its own."""
    return re.search(rf"(?<![\w.]){re.escape(text)}(?!\w)(?!\.\d)", why) is not None


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_program_reproduces_the_case(case: HandCase, program: str) -> None:
    """A program gives every table of the case to the last unit, or the error that the page asks for."""
    error = case.error if case.error is not None and program in case.error.programs else None
    if error is not None and error.stage == "load":
        with pytest.raises(error.kind) as caught:
            load(case)
    elif error is not None:
        scenario, market = load(case)
        with pytest.raises(error.kind) as caught:
            run(program, scenario, market)
    else:
        scenario, market = load(case)
        found = ledger_differences(case, run(program, scenario, market))
        assert not found, f"{program} differs from {case.name}:\n" + "\n".join(found)
        return
    unnamed = [name for name in error.names if name not in str(caught.value)]
    assert not unnamed, f"the error does not name {unnamed}: {caught.value}"


def test_every_rule_of_the_page_has_a_case() -> None:
    """No rule of sections U, M, T, X, R, E and A is without a hand-derived case."""
    assert set("".join(RULES)) >= set("UMTXREA"), "the page was not read"
    assert uncovered(CASES) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_without_a_case_is_noticed(rule: str) -> None:
    """Take the cases of one rule away, and the coverage check names that rule."""
    assert uncovered(without_rule(CASES, rule)) == {rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_well_formed(case: HandCase) -> None:
    """Every case compares something, in the columns of the page, and says why."""
    assert defects(case, RULES) == []


def test_every_file_of_a_case_is_read() -> None:
    """No case holds a file that nothing looks at."""
    known = {"scenario.toml", "bars.csv", "context.csv", "orders.csv"}
    known |= {"WHY.md", "misreadings.toml", "expected_error.toml"}
    for case in CASES:
        names = {path.name for path in case.folder.iterdir()} - {"expected", "__pycache__"}
        modules = {name for name in names if name.endswith(".py")}
        scenario = (case.folder / "scenario.toml").read_text(encoding="utf-8")
        assert names - modules <= known, f"{case.name}: {names - modules - known}"
        assert all(f'"{Path(name).stem}:' in scenario for name in modules), case.name
        assert ("context.csv" in names) == ('context = "context.csv"' in scenario), case.name
        assert ("orders.csv" in names) == ('file = "orders.csv"' in scenario), case.name
        for path in (case.folder / "expected").glob("*"):
            assert path.suffix == ".csv" and path.stem in SCHEMA, path


def test_modules_of_cases_have_names_of_their_own() -> None:
    """Two cases cannot import each other's strategy."""
    counts = Counter(path.stem for path in HAND.glob("*/*.py"))
    assert counts and max(counts.values()) == 1


@pytest.mark.parametrize(("case", "misreading"), MISREADINGS)
def test_misreading_gives_another_number(case: HandCase, misreading: Misreading) -> None:
    """The value a misreading would give differs from the expected one, and WHY.md states both."""
    kind = SCHEMA[misreading.table][misreading.column]
    assert set(misreading.key) <= set(SCHEMA[misreading.table])
    expected = expected_text(case, misreading)
    words = (ABSENT, EMPTY, ERROR)
    if expected in words or misreading.value in words:
        assert expected != misreading.value
    else:
        assert value_of(expected, kind) != value_of(misreading.value, kind)
    if misreading.value not in words:
        value_of(misreading.value, kind)
    assert mentions(case.why, expected), f"WHY.md does not state {expected}"
    assert mentions(case.why, misreading.value), f"WHY.md does not state {misreading.value}"
    assert misreading.text in case.why


def test_every_planted_difference_is_found() -> None:
    """Any one cell changed, any row or column dropped or added, on either side, is a difference."""
    case = next(case for case in CASES if case.name == "A3-one-book")
    for table in case.tables:
        rows = expected_rows(case, table)
        assert rows and differences(rows, rows, table) == []
        for number, row in enumerate(rows):
            for column in row:
                changed: list[Row] = [*rows]
                changed[number] = {**row, column: "changed"}
                assert len(differences(rows, changed, table)) == 1
            fewer = rows[:number] + rows[number + 1 :]
            assert differences(rows, fewer, table) and differences(fewer, rows, table)
        for column in rows[0]:
            narrow: list[Row] = [{k: v for k, v in row.items() if k != column} for row in rows]
            assert len(differences(rows, narrow, table)) == len(rows) == len(differences(narrow, rows, table))


def test_a_case_that_compares_nothing_is_malformed() -> None:
    """Empty tables without an error, foreign columns, or an error that names nothing are refused."""
    case = next(case for case in CASES if case.name == "A3-one-book")
    assert any("nothing is compared" in text for text in defects(replace(case, tables={}), RULES))
    empty: dict[str, tuple[dict[str, str], ...]] = dict.fromkeys(case.tables, ())
    assert any("nothing is compared" in text for text in defects(replace(case, tables=empty), RULES))
    narrow = {**case.headers, "fills": case.headers["fills"][:-1]}
    assert defects(replace(case, headers=narrow), RULES)
    assert defects(replace(case, misreadings=()), RULES)
    assert defects(replace(case, rule="A9"), RULES)
    stops = next(case for case in CASES if case.error is not None and case.tables)
    assert stops.error is not None and defects(replace(stops, tables={}), RULES)
    assert defects(replace(stops, error=replace(stops.error, names=())), RULES)


def test_an_error_of_another_kind_is_no_pass() -> None:
    """Every expected error is one of the project's own, told in four parts."""
    kinds = {case.error.kind for case in CASES if case.error is not None}
    assert kinds and all(issubclass(kind, TieoutError) for kind in kinds)
