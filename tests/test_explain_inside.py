"""Exits inside the bar: each convention is an answer, told from the others by one run."""

from __future__ import annotations

from typing import Any

import pytest
from tests import explain_kit as kit

from reconcile.explaining.model import Subject, Verdict

AT_LEVEL: list[dict[str, Any]] = [
    {"kind": "stop_loss", "loss": "0.02", "at": "level"},
    {"kind": "take_profit", "gain": "0.02", "at": "level"},
    {"kind": "trailing_stop", "initial": "0.03", "tighten": "0.002", "minimum": "0.01", "at": "level"},
]
AT_CLOSE = [{key: value for key, value in rule.items() if key != "at"} for rule in AT_LEVEL]


def ground(exits: list[dict[str, Any]], **settings: str) -> Subject:
    """Short holdings, so that levels are met often."""
    more = [("execution." + key, value) for key, value in settings.items()]
    return kit.ground_with(("exits", exits), ("strategy.gate", None), *more)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "gap",
            "level_or_open",
            "a stop that the open is beyond fills at its level, or at the open where the",
        ),
        ("gap", "level_or_far", "a stop that the open is beyond fills at its level, or at the bar's far end"),
        ("path", "target_first", "inside a bar the target comes first, where the scenario says the stop"),
        ("path", "up_first", "inside a bar the high comes first, where the scenario says the stop"),
        ("trail", "high_before", "a trailing stop follows the bar's high, before the stop is tested"),
        ("trail", "close", "a trailing stop follows the close, where the scenario says the bar's high"),
        ("armed", "next", "levels of a position are tested from the bar after its opening fill on"),
    ],
)
def test_a_convention_inside_the_bar_is_an_answer(name: str, value: str, sentence: str) -> None:
    subject = ground(AT_LEVEL)
    truth = kit.change(f"level_{name}", (f"execution.levels.{name}", value))
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    (cause,) = found.causes
    assert found.verdict is Verdict.EXPLAINED
    assert cause.change == truth or truth in cause.rivals
    if cause.change == truth:
        assert cause.sentence.startswith(sentence)


@pytest.mark.parametrize(("exits", "place"), [(AT_LEVEL, "close"), (AT_CLOSE, "level")])
def test_exits_at_the_close_instead_of_their_levels_and_the_reverse(
    exits: list[dict[str, Any]], place: str
) -> None:
    subject = ground(exits)
    found = kit.explained(subject, kit.ledger_of(subject, kit.change("exit_at", ("*", place))))
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.change.value for cause in found.causes] == [("*", place)]


@pytest.mark.parametrize(("key", "value"), [("initial", "0.043"), ("tighten", "0.0035")])
def test_a_number_of_a_trailing_stop_is_read_off_its_fills(key: str, value: str) -> None:
    """Every fill at the level tells how far it is from the peak, and so what each number would have to be."""
    subject = ground([*AT_CLOSE[:2], AT_LEVEL[2]])
    truth = kit.setting("exit_setting", f"exits.trailing_stop.{key}", value)
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.change for cause in found.causes] == [truth]


def test_another_loss_at_its_level_is_read_off_the_fills() -> None:
    subject = ground(AT_LEVEL)
    truth = kit.setting("exit_setting", "exits.stop_loss.loss", "0.017")
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.sentence for cause in found.causes] == ["the exit stop_loss has loss 0.017 instead of 0.02"]
