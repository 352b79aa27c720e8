"""Levels of exits: every bar of a ledger bounds them; the roundest level within the bounds is the cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests import explain_kit as kit

from reconcile.explaining.model import Subject, Verdict
from vocabulary.ledger import Ledger

STOPS = [{"kind": "stop_loss", "loss": "0.05"}, {"kind": "time_exit", "bars": 9}]
TRAIL = [{"kind": "trailing_stop", "initial": "0.06", "tighten": "0.002", "minimum": "0.01"}]
DAILY, WEEKLY = {"every": 1, "start": 0}, {"every": 5, "start": 0}


def ground(exits: list[dict[str, Any]], schedule: dict[str, int]) -> Subject:
    return kit.ground_with(("exits", exits), ("strategy.schedule", schedule), ("strategy.gate", None))


def fills_of(ledger: Ledger, *, reasons: bool, equity: bool) -> Ledger:
    """What a foreign program hands over."""
    fills = ledger.tables["fills"]
    if not reasons:
        fills = replace(fills, columns={k: v for k, v in fills.columns.items() if k != "reason"})
    tables = {"fills": fills}
    return replace(ledger, tables={**tables, "equity": ledger.tables["equity"]} if equity else tables)


@pytest.mark.parametrize("schedule", [DAILY, WEEKLY], ids=["daily", "every 5 bars"])
@pytest.mark.parametrize("told", ["all tables", "fills and equity", "fills without reasons"])
def test_a_stop_comes_out_at_its_level(told: str, schedule: dict[str, int]) -> None:
    """Where a rebalance may have closed a position, too, and where no reason is given."""
    subject = ground(STOPS, schedule)
    ledger = kit.ledger_of(subject, kit.setting("exit_setting", "exits.stop_loss.loss", "0.08"))
    if told != "all tables":
        ledger = fills_of(ledger, reasons=told == "fills and equity", equity=told == "fills and equity")
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.sentence for cause in found.causes] == ["the exit stop_loss has loss 0.08 instead of 0.05"]


@pytest.mark.parametrize(("key", "value"), [("initial", "0.07"), ("minimum", "0.055"), ("tighten", "0.004")])
def test_each_number_of_a_trailing_stop_is_read_off(key: str, value: str) -> None:
    """The number that was changed, or one that gives the very same ledger, with it beside."""
    subject = ground(TRAIL, WEEKLY)
    truth = kit.setting("exit_setting", f"exits.trailing_stop.{key}", value)
    ledger = kit.ledger_of(subject, truth)
    found = kit.explained(subject, ledger)
    (cause,) = found.causes
    assert found.verdict is Verdict.EXPLAINED and truth in (cause.change, *cause.rivals)
