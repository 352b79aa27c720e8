"""The drill: every fault can be planted, every plant shows, and a sample of them is found and explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.explain_mutants import score_table
from tests.mutant_runs import true_ledger
from tests.own_engines import ENGINES
from tests.schema_kit import conforms

from reconcile.drilling import candidates
from reconcile.drilling.candidates import BY_NAME, OUTSIDE, WITHIN
from reconcile.drilling.drill import plant, run, world
from reconcile.drilling.drill_page import drill_json, drill_page
from reconcile.drilling.engines import check_patches
from reconcile.drilling.ground import SCENARIOS, SEED
from reconcile.drilling.model import Candidate, Fault, Group, Patch
from reconcile.drilling.planting import patches_of
from reconcile.ledger.digest import ledger_digest
from vocabulary.errors import InputError

FAULTS = (*WITHIN, *OUTSIDE)
ROOT = Path(__file__).resolve().parent.parent


def test_names_are_unique_and_grounds_known() -> None:
    assert len(BY_NAME) == len(FAULTS)
    assert {fault.ground for fault in FAULTS} <= set(SCENARIOS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_patch_applies_to_the_engine_as_it_stands(fault: Fault) -> None:
    """When the engine changes, the drill says which fault no longer fits."""
    for patch in patches_of(fault.plants):
        check_patches(patch)


def test_every_pair_can_be_planted_in_one_engine() -> None:
    """And pairs are as many as the drill claims, each once."""
    pairs = list(candidates.pairs())
    assert len({frozenset(pair.faults) for pair in pairs}) == candidates.PAIRS >= 60
    for pair in pairs:
        check_patches(*(p for name in pair.faults for p in patches_of(BY_NAME[name].plants)))


@pytest.mark.parametrize("old", ["no such line", "account"])
def test_a_patch_that_does_not_stand_exactly_once_is_refused(old: str) -> None:
    with pytest.raises(InputError, match="exactly one"):
        check_patches(Patch("executing.py", old, "pass"))


def test_every_fault_without_a_patch_changes_its_ledger() -> None:
    """Those with one are shown to when they are planted; each takes a compile."""
    for fault in FAULTS:
        if not patches_of(fault.plants):
            one = Candidate(Group.SINGLE, (fault.name,), fault.ground, SEED)
            (made,) = plant((one,))
            assert ledger_digest(made) != ledger_digest(world(fault.ground, SEED)[1]), fault.name


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_has_rows_of_its_ground_to_act_on(fault: Fault) -> None:
    assert next(iter(fault.where(world(fault.ground, SEED)[0])), None) is not None


def test_a_fault_that_leaves_no_trace_is_said_to() -> None:
    """A fault that changes nothing would be found nowhere, and missed by nobody."""
    one = Candidate(Group.SINGLE, ("vix a bar late",), "short", SEED)
    found = run((one,), jobs=1)
    assert found.traceless == ("vix a bar late",) and not found.findings
    assert drill_page(found).startswith("cannot tell: planted where it changes nothing: vix a bar late")


def test_a_fault_elsewhere_need_not_leave_a_trace() -> None:
    elsewhere = Candidate(Group.OTHER_GROUNDS, ("vix a bar late",), "short", SEED)
    found = run((elsewhere,), jobs=1)
    assert found.idle == (elsewhere,) and not found.traceless
    assert drill_page(found).startswith("cannot tell: nothing was judged")


SAMPLE = (
    "capital a tenth",
    "missing score filled forward",
    "commission twice on sells",
    "orders of one symbol lost",
    "equity of a second book",
    "every other score turned round",
    "cash told in whole units",
)
"""Of each way to plant a fault one; of those that no hypothesis describes two. One engine is compiled."""


def test_a_sample_of_the_catalogue_is_found_and_explained() -> None:
    chosen = candidates.named(SAMPLE, list(candidates.alone()))
    found = run(chosen, jobs=1)
    assert [finding.candidate for finding in found.findings] == chosen
    assert len(chosen) == len(SAMPLE)
    assert conforms("drill", json.loads(drill_json(found)))
    assert [finding.candidate.name for finding in found.findings if not finding.right] == []


def test_the_page_counts_the_faults_of_the_catalogue() -> None:
    said = f"The catalogue has {len(WITHIN)} faults that a hypothesis describes and {len(OUTSIDE)} outside;"
    assert said in (ROOT / "docs" / "drill.md").read_text(encoding="utf-8")


def test_the_score_of_the_mutants_is_that_of_the_answers_on_record() -> None:
    """And in the end no answer on record is false."""
    record = json.loads((ROOT / "tests" / "explain_mutants.json").read_text(encoding="utf-8"))
    assert score_table(record) in (ROOT / "docs" / "drill.md").read_text(encoding="utf-8")
    assert "false" not in {one["after mending"]["judgement"] for one in record}


def test_the_engines_of_users_that_are_mutated_tie_out() -> None:
    """A difference of theirs would otherwise be taken for the mutant's."""
    for name in ENGINES:
        assert true_ledger(name).tables["fills"].rows > 50
