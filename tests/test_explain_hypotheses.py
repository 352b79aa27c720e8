"""Hypotheses: each is one object; what stands in the catalogue is tried, and nothing else knows its name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import pytest
from tests import explain_kit as kit
from tests.test_explain_causes import DEARER, tuesdays

import engine
from reconcile.explaining import counterfactuals
from reconcile.explaining.explain import explain
from reconcile.explaining.hypotheses.catalogue import CATALOGUE, Catalogue
from reconcile.explaining.hypotheses.exit_rules import RULES
from reconcile.explaining.model import Change, ReportHypothesis, Subject, Verdict, Wording
from vocabulary.ledger import Ledger
from vocabulary.scenario import ExitRule

SOURCE = Path(__file__).resolve().parent.parent / "src" / "reconcile"

TUESDAY_FEE = ReportHypothesis(
    id="tuesday_fee",
    values=lambda subject, window: (None,),
    say=lambda *_: Wording("fills of a Tuesday cost 7 units more", "fills.commission", "0", "7"),
    apply=lambda scenario, market, ledger, change: tuesdays(ledger, Subject(scenario, market)),
)


def test_a_hypothesis_that_is_added_is_found() -> None:
    """One object in the catalogue is enough: it is tried, run, told, and found beside another cause."""
    subject = kit.ground()
    ledger = tuesdays(kit.ledger_of(subject, DEARER), subject)
    with_it = Catalogue((*CATALOGUE, TUESDAY_FEE))
    found = explain(subject.scenario, subject.market, ledger, catalogue=with_it)
    assert found.verdict is Verdict.EXPLAINED
    assert {cause.sentence for cause in found.causes} == {
        "commission is 8 bps instead of 5 bps",
        "fills of a Tuesday cost 7 units more",
    }
    alone = tuesdays(engine.run(subject.scenario, subject.market), subject)
    assert not explain(subject.scenario, subject.market, alone).causes


def strings(path: Path) -> set[str]:
    """Every string of a module, docstrings among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and _is_text(node.value)}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def test_the_name_of_a_hypothesis_stands_in_its_own_file_alone() -> None:
    """Names of more than one word: "cash" and the like are also names of columns."""
    names = {hypothesis.id for hypothesis in CATALOGUE if "_" in hypothesis.id}
    paths = [*(SOURCE / "explaining").rglob("*.py"), *(SOURCE / "drilling").rglob("*.py")]
    where = [(name, path.name) for path in paths for name in names & strings(path)]
    assert len(where) == len(names), sorted(where)


def test_every_exit_rule_is_in_the_table() -> None:
    """With every number that it has: a rule without an entry ends the search with an error."""
    assert set(RULES) == set(get_args(ExitRule))
    for rule, numbers in RULES.items():
        assert set(numbers) == set(rule.__slots__) - {"name", "feature", "at"}


@pytest.mark.parametrize(("budget", "by"), [(10**9, ["reference"]), (0, ["engine"])])
def test_what_only_a_change_needs_compiled_is_run_by_the_reference(
    monkeypatch: pytest.MonkeyPatch, budget: int, by: list[str]
) -> None:
    """It gives the same ledger. What it takes is at most what compiling a kernel would."""
    subject, change = kit.ground(), kit.setting("size_at", "strategy.size_at", "execution")
    right, took = kit.ledger_of(subject, change), []
    for name in ("engine", "reference"):
        resume = getattr(counterfactuals, f"resume_{name}")
        monkeypatch.setattr(
            counterfactuals, f"resume_{name}", lambda *given, n=name, r=resume: (took.append(n), r(*given))[1]
        )
    plain = subject.scenario.strategy.size_at
    monkeypatch.setattr(counterfactuals, "is_compiled", lambda asked, _: asked.strategy.size_at is plain)
    monkeypatch.setattr(counterfactuals, "COMPILING", budget)
    assert kit.same(subject, (change,), right) and took == by


def divided(scenario: Any, market: Any, ledger: Ledger, change: Change) -> Ledger:
    assert 1 // (0 * ledger.tables["fills"].rows)
    return ledger


DIVIDES = ReportHypothesis(
    id="divides",
    values=lambda subject, window: (None,),
    say=lambda *_: Wording("fills are divided by nothing", "fills", "1", "0"),
    apply=divided,
)


def test_a_hypothesis_that_divides_by_zero_ends_nothing() -> None:
    """It allows no run: in the search, and where leads are looked for beside what is not explained."""
    subject = kit.ground()
    ledger = tuesdays(kit.ledger_of(subject, DEARER), subject)
    found = explain(subject.scenario, subject.market, ledger, catalogue=Catalogue((*CATALOGUE, DIVIDES)))
    told = (*(each.sentence for each in found.causes), *(each.sentence for each in found.leads))
    assert found.verdict is not Verdict.EXPLAINED
    assert told == ("commission is 8 bps instead of 5 bps",)
