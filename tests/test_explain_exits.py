"""What an exit looks at is a cause, and told in the words that need no date."""

from __future__ import annotations

from typing import Any

import pytest
from tests import explain_kit as kit

from reconcile.explaining.model import Subject, Verdict

EXITS = [
    {"kind": "stop_loss", "loss": "0.05"},
    {"kind": "trailing_stop", "initial": "0.06", "tighten": "0.004", "minimum": "0.02"},
    {"kind": "time_exit", "bars": 7},
]


def ground() -> Subject:
    return kit.ground_with(("exits", EXITS), ("strategy.schedule", {"every": 2, "start": 1}))


@pytest.mark.parametrize(
    "value", [("price", "worst"), ("price", "open"), ("peak", "best"), ("peak", "entry"), ("age", -1)]
)
def test_what_an_exit_looks_at_is_named(value: Any) -> None:
    subject = ground()
    truth = kit.change("exit_looks_at", value)
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    (cause,) = found.causes
    assert found.verdict is Verdict.EXPLAINED and cause.change == truth
