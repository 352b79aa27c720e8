"""Each `--json` is what its schema says, and docs/json.md says the same."""

from __future__ import annotations

import json
import re
from enum import Enum
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests import comparison_faults as faults
from tests import comparison_kit as kit
from tests import schema_kit

from reconcile.auditing import model as auditing
from reconcile.auditing.audit import AuditOptions, audit
from reconcile.auditing.audit_page import audit_json
from reconcile.auditing.model import ABOUT
from reconcile.comparing.compare import compare
from reconcile.comparing.diff_json import diff_json
from reconcile.explaining import model as explaining
from reconcile.gating import model as gating
from reconcile.matching import model as matching
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.text.times import exact_clock

DOCS = Path(__file__).resolve().parent.parent / "docs"


def differing() -> list[str]:
    """Reconciliations that use every part: roots, omissions, tolerances, nothing at all."""
    scenario, market, true = kit.sample(3)
    wrong = true
    for bar, sort in ((4, "fill price"), (9, "fill dropped"), (14, "position symbol")):
        made = faults.record_fault(wrong, market, sort, bar, faults.random.Random(1))
        assert made is not None
        wrong = made[0]
    clock = exact_clock(market, true.manifest)
    bound = Tolerance("fills", "price", BoundKind.ABSOLUTE, kit.Decimal("0.2"), "prices are rounded")
    foreign = kit.without(kit.in_floats(wrong), "costs")
    shifted = true
    for row in range(4):
        shifted = kit.edited(shifted, "equity", "cash", row, lambda cash: cash + 100)
    noisy = kit.edited(kit.in_floats(true), "equity", "cash", 5, lambda value: value * (1 + 2**-52))
    return [
        diff_json(compare(true, noisy), clock),
        diff_json(compare(true, shifted), clock),
        diff_json(compare(true, wrong, scenario=scenario, market=market), clock),
        diff_json(compare(true, wrong), clock),
        diff_json(compare(true, foreign, tolerances=[bound]), clock, ("A note.",)),
        diff_json(compare(true, wrong, first=True), clock),
        diff_json(compare(true, true, tables=["fills"]), clock),
        diff_json(compare(kit.foreign({}), kit.foreign({})), clock),
        diff_json(compare(true, kit.stating(true, market="other"), beside=kit.beside("funding")), clock),
    ]


def audited() -> list[str]:
    """Audits that use every part."""
    scenario, market, true = kit.sample(3)
    clock = exact_clock(market, true.manifest)
    wrong = kit.edited(true, "equity", "cash", 5, lambda cash: cash + 1)
    foreign = kit.without(kit.in_floats(kit.edited(wrong, "fills", "notional", 3, lambda v: v + 1)), "costs")
    bound = Tolerance("fills", "notional", BoundKind.ABSOLUTE, kit.Decimal(1), "their notionals are rounded")
    cash = kit.in_floats(kit.without(true, "costs"))
    noisy = kit.edited(cash, "equity", "cash", 5, lambda value: value * (1 + 1e-13))
    return [
        audit_json(audit(noisy), (), clock),
        audit_json(audit(true, scenario=scenario, market=market), (), clock),
        audit_json(audit(wrong, scenario=scenario, market=market), ("A note.",), clock),
        audit_json(audit(foreign, options=AuditOptions(tolerances=[bound])), (), clock),
        audit_json(audit(true, options=AuditOptions(checks=["cash", "prices"])), (), clock),
    ]


@pytest.mark.parametrize("command", schema_kit.COMMANDS)
def test_each_schema_is_one(command: str) -> None:
    """Valid by its own standard, and every object that it defines is used."""
    whole = schema_kit.schema(command)
    Draft202012Validator.check_schema(whole)
    text = json.dumps(whole)
    assert [name for name in whole["$defs"] if f'"#/$defs/{name}"' not in text] == []


def test_every_schema_is_of_a_command() -> None:
    assert {path.stem for path in schema_kit.FOLDER.iterdir()} == set(schema_kit.COMMANDS)


def test_the_page_is_made_from_the_schemas() -> None:
    """`python -c "from tests import schema_kit; print(schema_kit.page())" > docs/json.md` makes it anew."""
    assert (DOCS / "json.md").read_text(encoding="utf-8").rstrip() == schema_kit.page().rstrip()


@pytest.mark.parametrize("name", ["diff", "audit"])
def test_the_json_is_what_its_schema_says(name: str) -> None:
    """Every object, both ways: no key that is not in the schema, none in the schema that is not there."""
    seen = [json.loads(text) for text in (differing() if name == "diff" else audited())]
    for facts in seen:
        assert schema_kit.conforms(name, facts)
    lists = [key for key, one in schema_kit.schema(name)["properties"].items() if "items" in json.dumps(one)]
    assert [key for key in lists if not any(facts[key] for facts in seen)] == [], "parts never seen"


def test_the_check_above_can_fail() -> None:
    """A key too many, one too few, and one of another type."""
    facts = json.loads(differing()[0])
    for change in ({"more": 1}, {"breaks": "1"}, {"breaks": True}, {"first": {}}, {"list": [{}]}):
        assert schema_kit.problems("diff", {**facts, **change})
    del facts["shown"]
    assert schema_kit.problems("diff", facts) == ["$: 'shown' is a required property"]


@pytest.mark.parametrize(
    ("command", "key", "words"),
    [
        ("diff", "verdict", matching.Verdict),
        ("run", "verdict", matching.Verdict),
        ("audit", "verdict", auditing.Verdict),
        ("explain", "verdict", explaining.Verdict),
        ("gate", "outcome", gating.Outcome),
    ],
)
def test_a_schema_lists_the_words_of_its_enum(command: str, key: str, words: type[Enum]) -> None:
    assert set(schema_kit.schema(command)["properties"][key]["enum"]) == {one.value for one in words}


def test_every_check_of_an_audit_is_documented() -> None:
    text = (DOCS / "audit.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert told == [(check.value, about.claim, about.needs) for check, about in ABOUT.items()]
