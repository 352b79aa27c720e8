"""docs/json.md says what the JSON holds: every key, of the type named, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests import comparison_faults as faults
from tests import comparison_kit as kit

from reconcile.auditing.audit import audit
from reconcile.auditing.audit_page import audit_json
from reconcile.auditing.model import CLAIMS
from reconcile.comparing.compare import compare
from reconcile.comparing.diff_json import diff_json
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.text.times import exact_clock

DOCS = Path(__file__).resolve().parent.parent / "docs"
ROW = re.compile(r"^\| `(\w+)` \| ([\w ]+) \| .+ \|$", re.MULTILINE)
Shapes = dict[str, dict[str, str]]


def shapes() -> Shapes:
    """The page's tables: name of the object -> key -> type."""
    text = (DOCS / "json.md").read_text(encoding="utf-8")
    parts = re.split(r"^###? (\w+)$", text, flags=re.MULTILINE)[1:]
    return {name: dict(ROW.findall(part)) for name, part in zip(parts[::2], parts[1::2], strict=True)}


SHAPES = shapes()


def problems(value: Any, kind: str, where: str, known: Shapes = SHAPES) -> list[str]:
    """Where a value is not what a type says."""
    if " or " in kind:
        found = [problems(value, one, where, known) for one in kind.split(" or ")]
        return [] if [] in found else min(found, key=len)
    if kind.startswith("list of "):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        one = kind.removeprefix("list of ")
        return [text for i, part in enumerate(value) for text in problems(part, one, f"{where}[{i}]", known)]
    if kind in known:
        if not isinstance(value, dict):
            return [f"{where}: no {kind}"]
        keys = set(known[kind])
        if where.endswith(".tolerances[0]") and where.startswith("audit"):
            keys -= {"slack"}
        differing = sorted(keys ^ set(value))
        return [f"{where}.{key}: not on both sides" for key in differing] + [
            text
            for key in keys & set(value)
            for text in problems(value[key], known[kind][key], f"{where}.{key}", known)
        ]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = isinstance(value, int) and not isinstance(value, bool)
    counts = isinstance(value, dict) and all(isinstance(number, int) for number in value.values())
    holds = {
        "text": isinstance(value, str),
        "whole": whole,
        "number": number,
        "boolean": isinstance(value, bool),
        "null": value is None,
        "value": value is None or number or isinstance(value, str),
        "counts": counts,
    }[kind]
    return [] if holds else [f"{where}: {value!r} is no {kind}"]


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
    return [
        diff_json(compare(true, wrong, scenario=scenario, market=market), clock),
        diff_json(compare(true, wrong), clock),
        diff_json(compare(true, foreign, tolerances=[bound]), clock, ("A note.",)),
        diff_json(compare(true, wrong, first=True), clock),
        diff_json(compare(true, true, tables=["fills"]), clock),
        diff_json(compare(kit.foreign({}), kit.foreign({})), clock),
    ]


def audited() -> list[str]:
    """Audits that use every part."""
    scenario, market, true = kit.sample(3)
    clock = exact_clock(market, true.manifest)
    wrong = kit.edited(true, "equity", "cash", 5, lambda cash: cash + 1)
    foreign = kit.without(kit.in_floats(kit.edited(wrong, "fills", "notional", 3, lambda v: v + 1)), "costs")
    bound = Tolerance("fills", "notional", BoundKind.ABSOLUTE, kit.Decimal(1), "their notionals are rounded")
    return [
        audit_json(audit(true, scenario=scenario, market=market), (), clock),
        audit_json(audit(wrong, scenario=scenario, market=market), ("A note.",), clock),
        audit_json(audit(foreign, tolerances=[bound]), (), clock),
        audit_json(audit(true, checks=["cash", "prices"]), (), clock),
    ]


@pytest.mark.parametrize("name", ["diff", "audit"])
def test_the_json_is_what_the_page_says(name: str) -> None:
    """Every object, both ways: no key that is not documented, none documented that is not there."""
    seen = [json.loads(text) for text in (differing() if name == "diff" else audited())]
    for number, facts in enumerate(seen):
        assert problems(facts, name, name) == [], number
        assert (facts["kind"], facts["version"]) == (f"tieout.{name}", 1)
    lists = [key for key, kind in SHAPES[name].items() if kind.startswith("list of ")]
    assert [key for key in lists if not any(facts[key] for facts in seen)] == [], "parts never seen"


def test_the_check_above_can_fail() -> None:
    """A key too many, one too few, and one of another type."""
    facts = json.loads(differing()[0])
    for change in ({"more": 1}, {"breaks": "1"}, {"breaks": True}, {"first": {}}, {"list": [{}]}):
        assert problems({**facts, **change}, "diff", "diff")
    del facts["shown"]
    assert problems(facts, "diff", "diff") == ["diff.shown: not on both sides"]


def test_every_check_of_an_audit_is_documented() -> None:
    text = (DOCS / "audit.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert told == {check.value: claim for check, claim in CLAIMS.items()}
