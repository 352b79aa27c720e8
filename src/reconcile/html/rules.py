"""Which rules of the semantics decide a cell of a ledger, and their text.

The text is read from docs/semantics.md: in a package it lies beside the schemas, in a clone in `docs`. It is
quoted only where it is the page that this version's ledgers name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import vocabulary
from reconcile.html.model import Rule
from reconcile.matching.model import ROW, Break
from reference.exits import is_at_level
from vocabulary.ledger import SEMANTICS_DIGEST
from vocabulary.scenario import CallableStrategy, Scenario, Timing, TopN
from vocabulary.state import REBALANCE, Status

RULES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("targets", "rank"): ("R9",),
    ("targets", "quantity"): ("R7", "R11"),
    ("targets", "rebalance"): ("R1", "R2"),
    ("orders", "executes_at"): ("T3",),
    ("orders", "side"): ("R7", "R9"),
    ("orders", "quantity"): ("R7", "R11"),
    ("orders", "rebalance"): ("R9",),
    ("orders", "filled"): ("E4",),
    ("orders", "reason"): ("X1", "R9"),
    ("fills", "sequence"): ("E1",),
    ("fills", "decided_at"): ("T3",),
    ("fills", "side"): ("R7", "R9"),
    ("fills", "quantity"): ("E4", "R7"),
    ("fills", "price"): ("E2",),
    ("fills", "notional"): ("E3",),
    ("fills", "commission"): ("E3",),
    ("fills", "slippage"): ("A2", "E2"),
    ("fills", "reason"): ("X1", "R9"),
    ("positions", "quantity"): ("A1",),
    ("positions", "average_price"): ("X2", "A1"),
    ("positions", "basis"): ("A1",),
    ("positions", "mark"): ("M3",),
    ("positions", "market_value"): ("M3",),
    ("costs", "turnover"): ("E3",),
    ("costs", "commission"): ("E3",),
    ("costs", "slippage"): ("A2",),
    ("equity", "rebalance"): ("R1", "R2"),
    ("equity", "cash"): ("A1", "A3"),
    ("equity", "market_value"): ("M3",),
    ("equity", "equity"): ("A3",),
}
"""The rules of a cell where nothing but its table and column matters."""

ROWS: Mapping[str, tuple[str, ...]] = {
    "fills": ("E1", "E2", "E4"),
    "positions": ("A1",),
    "costs": ("T1",),
    "equity": ("T1",),
    "flows": ("M5",),
}
"""The rules that say whether there is a row."""


def rules_of(found: Break, scenario: Scenario | None, reason: str | None, status: str | None) -> list[Rule]:
    """The rules by which the reference decides what a break is about, with their text.

    reason, status: of the order that it belongs to, on the side that has one; None where there is none.
    """
    texts = rule_texts()
    return [
        Rule(name, texts.get(name, "")) for name in dict.fromkeys(_names(found, scenario, reason, status))
    ]


def _names(found: Break, scenario: Scenario | None, reason: str | None, status: str | None) -> Iterable[str]:
    cell = found.table, found.field
    exits = {} if scenario is None else {rule.name: is_at_level(rule) for rule in scenario.exits}
    if found.table == "flows":
        yield "M5"
    elif cell == ("orders", "status"):
        yield "E2" if status == Status.NO_BAR.value else "E4"
    elif found.table == "targets" and found.field in (ROW, "weight"):
        yield from _selection(scenario)
    elif found.table in ("orders", "fills") and found.field in (ROW, "side", "reason") and reason in exits:
        yield from ("X5", "X6", "X7") if exits[str(reason)] else ("X1", "X3")
    elif cell == ("fills", "price") and exits.get(str(reason)):
        yield from ("X8", "E2")
    elif cell == ("orders", ROW):
        yield from ("R7", "R8") if reason in (REBALANCE, None) else ("X1",)
    elif found.field == ROW:
        yield from ROWS.get(found.table, ())
    elif cell in (("orders", "executes_at"), ("fills", "timestamp"), ("fills", "decided_at")):
        yield _timing(scenario)
        yield "T3"
    else:
        yield from RULES.get(cell, ())


def _selection(scenario: Scenario | None) -> Iterable[str]:
    if scenario is None:
        yield from ("R1", "R4", "R5", "R6")
        return
    selection = scenario.strategy.selection
    yield "R4" if isinstance(selection, TopN) else "R6" if isinstance(selection, CallableStrategy) else "R5"
    if scenario.strategy.gate is not None:
        yield "R3"
    yield "R2"


def _timing(scenario: Scenario | None) -> str:
    same = scenario is not None and scenario.execution.timing is Timing.SAME_CLOSE
    return "T2" if same else "T1"


@cache
def rule_texts() -> Mapping[str, str]:
    """The text of every rule by its id; empty where the page of the semantics is not this version's."""
    for place in (
        resources.files("reconcile.text").joinpath("semantics.md"),
        Path(str(vocabulary.__file__)).parents[2] / "docs" / "semantics.md",
    ):
        if not place.is_file():
            continue
        data = place.read_bytes()
        if hashlib.sha256(data).hexdigest() == SEMANTICS_DIGEST:
            return _split(data.decode("utf-8"))
    return {}


def _split(page: str) -> Mapping[str, str]:
    """Every rule from its `- **ID**` to the next rule, paragraph or heading, on one line."""
    found = {}
    for match in re.finditer(
        r"^- \*\*([A-Z]\d+)\*\* (.*?)(?=^- \*\*[A-Z]\d+\*\*|^#|\n\n|\Z)", page, re.M | re.S
    ):
        found[match[1]] = " ".join(match[2].split())
    return found
