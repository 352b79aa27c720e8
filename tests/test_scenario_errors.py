"""Every trouble of a scenario file is one error: file and key, what stands there, what should, what to do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from reconcile.scenario.files import (
    builtin_scenario,
    find_scenario,
    scenario_from_dict,
    scenario_from_file,
    scenario_from_text,
)
from reconcile.scenario.toml import scenario_to_toml
from vocabulary.errors import InputError

MISSING = object()

BASE: dict[str, Any] = {
    "market": {"data": "bars.csv", "features": {"atr": {"kind": "atr", "period": 14}}},
    "portfolio": {"initial_cash": "1000"},
    "strategy": {
        "kind": "top_n",
        "score": "s",
        "n": 2,
        "gate": {"context": "vix", "max": 30},
        "schedule": {"every": 1},
    },
    "exits": [
        {"kind": "stop_loss", "loss": "0.1"},
        {"kind": "trailing_stop", "initial": "0.05", "tighten": "0.001", "minimum": "0.005"},
    ],
    "execution": {},
    "costs": {"commission": {"kind": "bps", "rate": "5"}, "slippage": {"kind": "fixed", "amount": "0.01"}},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """BASE with one value put in, or taken out when it is MISSING."""
    raw = copy.deepcopy(BASE)
    holder: Any = raw
    *parents, last = path.split(".")
    for step in parents:
        holder = holder[int(step)] if isinstance(holder, list) else holder.setdefault(step, {})
    if value is MISSING:
        del holder[last]
    elif isinstance(holder, list):
        holder[int(last) :] = [value]
    else:
        holder[last] = value
    return raw


def refused(raw: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        scenario_from_dict(raw, name="my.toml")
    return caught.value


@pytest.mark.parametrize("timing", ["next_close", "same_close"])
def test_armed_at_the_next_bar_needs_the_open(timing: str) -> None:
    """X5: only an open fills a position inside the bar that levels are tested in."""
    raw = changed("exits.0.at", "level")
    raw["execution"] = {"timing": timing, "levels": {"armed": "next"}}
    error = refused(raw)
    assert error.where == "my.toml: execution.levels.armed"
    assert f"execution.timing is '{timing}'" in error.expected


def test_the_base_of_these_cases_is_itself_a_scenario() -> None:
    assert scenario_from_dict(BASE).initial_cash == 10_000_000


# path, value, found, expected, remedy: a piece of each part of the error that is told of that path
CASES: list[tuple[str, object, str, str, str]] = [
    # keys that are not known, or not of this kind
    ("stratgy", {}, '"stratgy"', "market, portfolio, strategy", "Did you mean 'strategy'?"),
    ("costs.commission.rat", "5", "\"rat\" with the text '5'", "kind, minimum, rate", "Did you mean 'rate'?"),
    ("strategy.schedule.evry", 2, '"evry"', "every, start", "'every'"),
    ("exits.0.bars", 5, '"bars" with the integer 5', "kind, name, loss", "belongs to the kind 'time_exit'"),
    ("strategy.feature", "w", '"feature"', "score", "belongs to the kind 'weights'"),
    ("costs.slippage.rate", "1", '"rate"', "kind, amount", "belongs to the kind 'bps'"),
    ("market.features.atr.skip", 1, '"skip"', "kind, period", "belongs to the kind 'momentum'"),
    ("strategy.top_n", 1, '"top_n"', "one of", "Remove it."),
    # keys that are not there
    ("portfolio.initial_cash", MISSING, "nothing", "no default", 'initial_cash = "1000000"'),
    ("market.data", MISSING, "nothing", "no default", 'data = "top25"'),
    ("strategy", MISSING, "nothing", "no default", "[strategy]"),
    ("strategy.kind", MISSING, "nothing", '"top_n", "weights", "callable"', "Choose one."),
    ("strategy.n", MISSING, "nothing", "no default", "n = 25"),
    ("exits.0.kind", MISSING, "nothing", '"stop_loss"', "Choose one."),
    ("exits.1.minimum", MISSING, "nothing", "no default", 'minimum = "0.005"'),
    ("strategy.gate.context", MISSING, "nothing", "no default", 'context = "vix"'),
    # kinds and words
    ("strategy.kind", "topn", "'topn'", '"top_n"', "Did you mean 'top_n'?"),
    ("strategy.kind", ["top_n"], "a list of 1", '"top_n"', "Choose one."),
    ("exits.0.kind", "stop", "'stop'", '"stop_loss"', "Did you mean"),
    ("costs.commission.kind", 5, "the integer 5", '"bps", "per_share"', "Choose one."),
    ("costs.slippage.kind", "per_share", "'per_share'", '"bps", "fixed"', "Choose one."),
    ("market.features.atr.kind", "art", "'art'", '"atr", "momentum"', "Did you mean 'atr'?"),
    ("execution.timing", "same_open", "'same_open'", '"next_open", "next_close", "same_close"', "same_"),
    ("execution.sequence", True, "the boolean true", '"sells_first", "submission"', "Choose one."),
    ("execution.cash", "Reduce", "'Reduce'", '"reduce", "reject", "allow_negative"', "'reduce'?"),
    ("strategy.when", "never", "'never'", '"always", "membership"', "Choose one."),
    ("strategy.size_on", "cash", "'cash'", '"equity", "initial_cash"', "Choose one."),
    ("strategy.schedule", "daily", "'daily'", '"weekly", "monthly" or { every, start }', "Choose one."),
    # values of the wrong sort
    ("market", 5, "the integer 5", "a table", "[table]"),
    ("exits", {"kind": "stop_loss"}, "a table", "a list", "[[...]]"),
    ("exits.0", "stop_loss", "'stop_loss'", "a table", "[table]"),
    ("market.data", 5, "the integer 5", "text", "in quotes"),
    ("market.data", "", "''", "not empty", "Write a name."),
    ("market.data", "a\x00b", r"'a\x00b'", "without control characters", "Remove"),
    ("market.context", "a\ud800", r"'a\ud800'", "without control characters", "Remove"),
    ("strategy.require", "atr", "'atr'", "a list", "in brackets"),
    ("execution.allow_short", "true", "'true'", "true or false", "without quotes"),
    ("execution.allow_short", 1, "the integer 1", "true or false", "without quotes"),
    ("strategy.n", "2", "'2'", "an integer of at least 0", "without quotes"),
    ("strategy.n", 2.0, "the float 2.0", "an integer of at least 0", "without a point"),
    ("strategy.n", True, "the boolean true", "an integer", "whole number"),
    ("strategy.n", None, "nothing", "an integer", "whole number"),
    ("exits.0.loss", 0.05, "the float 0.05", "decimal text from 0 to 1", 'Write it in quotes: "0.05".'),
    ("costs.commission.rate", 5, "the integer 5", "decimal text", 'Write it in quotes: "5".'),
    ("costs.commission.rate", True, "the boolean true", "decimal text", "in quotes"),
    ("portfolio.initial_cash", 1_000_000, "the integer 1000000", "decimal text", '"1000000"'),
    ("strategy.gate.max", "30", "'30'", "a number", "without quotes"),
    ("strategy.gate.max", True, "the boolean true", "a number", "without quotes"),
    # numbers that their unit cannot hold
    ("portfolio.initial_cash", "0.00001", "'0.00001'", "at most 4 decimals", "market.quantity_decimals"),
    ("portfolio.initial_cash", "922337203685477.5808", "'9223", "922337203685477.5807", "smaller"),
    ("costs.slippage.amount", "0.00001", "'0.00001'", "at most 4 decimals", "market.price_decimals"),
    ("costs.commission.minimum", "0.00001", "'0.00001'", "at most 4 decimals", "market.price_decimals"),
    ("costs.commission.rate", "0.000001", "'0.000001'", "at most 5 decimals", "Round it"),
    ("exits.0.loss", "0.0000000001", "'0.0000000001'", "at most 9 decimals", "Round it"),
    ("exits.1.tighten", "9223372036.9", "'9223372036.9'", "at most 9223372036.854775807", "smaller"),
    ("strategy.band", "1e-3", "'1e-3'", "a decimal number", "decimal point"),
    ("portfolio.initial_cash", "1,000", "'1,000'", "a decimal number", "decimal point"),
    ("strategy.gate.max", 2**53 + 1, "9007199254740993", "a double holds exactly", "as a float"),
    ("strategy.gate.max", 10**400, "1329 bits", "a double holds exactly", "as a float"),
    # numbers out of range
    ("portfolio.initial_cash", "-1", "'-1'", "at least 0", "in range"),
    ("costs.commission.rate", "-1", "'-1'", "at least 0", "in range"),
    ("costs.commission.minimum", "-1", "'-1'", "at least 0", "in range"),
    ("costs.slippage.amount", "-0.01", "'-0.01'", "at least 0", "in range"),
    ("exits.0.loss", "1.000000001", "'1.000000001'", "from 0 to 1", "in range"),
    ("exits.1.initial", "1.1", "'1.1'", "from 0 to 1", "in range"),
    ("exits.1.minimum", "2", "'2'", "from 0 to 1", "in range"),
    ("exits.1.tighten", "-1", "'-1'", "at least 0", "in range"),
    ("exits.0", {"kind": "time_exit", "bars": -1}, "the integer -1", "at least 0", "in range"),
    ("exits.0", {"kind": "take_profit", "gain": "-1"}, "'-1'", "at least 0", "in range"),
    ("exits.0", {"kind": "volatility_stop", "multiple": "-1", "feature": "a"}, "'-1'", "at least", "range"),
    ("strategy.band", "1", "'1'", "below 1", "in range"),
    ("strategy.band", "-0.1", "'-0.1'", "at least 0", "in range"),
    ("strategy.gross_long", "100.000000001", "'100.000000001'", "from 0 to 100", "in range"),
    ("strategy.gross_short", "-1", "'-1'", "from 0 to 100", "in range"),
    ("strategy.n", -1, "the integer -1", "at least 0", "in range"),
    ("strategy.n", 10**19, "the integer 1", "at most 1000000000000000000", "in range"),
    ("strategy.n", 16**5000, "20001 bits", "at most 1000000000000000000", "in range"),
    ("strategy.cooldown", -1, "the integer -1", "at least 0", "in range"),
    ("strategy.schedule.every", 0, "the integer 0", "at least 1", "in range"),
    ("strategy.schedule.start", -1, "the integer -1", "at least 0", "in range"),
    ("market.price_decimals", 10, "the integer 10", "from 0 to 9", "in range"),
    ("market.quantity_decimals", -1, "the integer -1", "from 0 to 9", "in range"),
    ("market.features.atr.period", 0, "the integer 0", "at least 1", "in range"),
    ("strategy.gate.max", float("nan"), "the float nan", "finite", "always to be open"),
    ("strategy.gate.max", float("-inf"), "the float -inf", "finite", "always to be open"),
    # settings that do not go together
    ("strategy.n", 0, "the integer 0", "n or short_n above 0", "how many"),
    ("strategy.short_n", 1, "the integer 1", "allow_short is false", "allow_short = true"),
    # levels
    ("exits.0.at", "middle", "the text 'middle'", '"close", "level"', "Choose one"),
    ("execution.levels", {}, "a table", 'at = "level"', "Remove it"),
    ("execution.levels.gap", "far", "the text 'far'", '"level_or_far"', "Choose one"),
    ("execution.levels.wick", "high", 'unknown key "wick"', "gap, path, trail, touch, armed", "Remove it"),
    ("strategy.gate.min", 1, "both", "exactly one of max and min", "Remove one"),
    ("strategy.gate.max", MISSING, "neither", "exactly one of max and min", "Add one"),
    ("exits.1.name", "stop_loss", "called 'stop_loss'", "names that differ", "'stop_loss_2'"),
    ("exits.1.name", "rebalance", "'rebalance'", "any other name", "Give the exit another name."),
    ("exits.1", {"kind": "stop_loss", "loss": "1"}, "from its kind", "names that differ", "name = "),
    ("market.features.volume", {"kind": "atr", "period": 1}, "'volume'", "no column of bars", "another"),
    ("market.features.close", {"kind": "atr", "period": 1}, "'close'", "no column of bars", "another"),
    ("market.features.m", {"kind": "momentum", "lookback": 5, "skip": 5}, "5", "below lookback", "smaller"),
    ("strategy", {"kind": "callable", "function": "nowhere"}, "'nowhere'", "`module:function`", "my_module:"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "found", "expected", "remedy"),
    CASES,
    ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)],
)
def test_bad_input_is_told_in_four_parts(
    path: str, value: object, found: str, expected: str, remedy: str
) -> None:
    error = refused(changed(path, value))
    assert error.where == f"my.toml: {told_at(path, value)}"
    assert found in error.found
    assert expected in error.expected
    assert remedy in error.remedy


def told_at(path: str, value: object) -> str:
    """The key that is told, where it is not the one that was changed: a key below it, or the table above."""
    if isinstance(value, dict):
        below = {"bars", "gain", "multiple", "skip", "function"} & set(value)
        return ".".join([path, *below])
    if (path, value) in [("strategy.gate.min", 1), ("strategy.gate.max", MISSING)]:
        return "strategy.gate"
    return path


def test_the_unknown_key_is_told_before_the_missing_one_it_explains() -> None:
    raw = changed("portfolio.initial_cash", MISSING)
    raw["portfolio"]["inital_cash"] = "1000"
    error = refused(raw)
    assert (error.where, error.remedy) == ("my.toml: portfolio.inital_cash", "Did you mean 'initial_cash'?")


def test_two_exits_of_one_kind_need_names_and_the_error_says_how() -> None:
    raw = changed("exits.1", {"kind": "stop_loss", "loss": "0.2"})
    error = refused(raw)
    assert error.where == "my.toml: exits.1"
    assert "name = 'stop_loss_2'" in error.remedy
    raw["exits"][1]["name"] = "stop_loss_2"
    assert [rule.name for rule in scenario_from_dict(raw).exits] == ["stop_loss", "stop_loss_2"]


def test_a_key_with_a_point_or_a_strange_letter_is_quoted() -> None:
    error = refused(changed("market.features", {'a."b': {"kind": "atr", "period": 0}}))
    assert error.where == r'my.toml: market.features."a.\"b".period'


def test_a_feature_named_like_its_kind_keeps_its_place_in_the_key() -> None:
    assert refused(changed("market.features.atr.period", -1)).where == "my.toml: market.features.atr.period"


def test_a_long_value_is_cut_short() -> None:
    assert len(refused(changed("strategy.kind", "x" * 10_000)).found) < 120


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"[market]\ndata = \n", "not TOML: Invalid value (at line 2"),
        (b"[market]\n[market]\n", "not TOML"),
        (b"a = " + b"[" * 5000, "not TOML"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"# \xff\n", "byte 0xff at offset 2"),
        (b"PAR1\x00", "not TOML"),
    ],
    ids=["value", "table twice", "deep", "digits", "latin-1", "binary"],
)
def test_a_file_that_is_not_toml_is_named_with_the_place(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        scenario_from_file(path)
    assert caught.value.where == str(path)
    assert found in caught.value.found
    assert caught.value.remedy


def test_an_empty_file_lacks_its_market(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(InputError, match=r"empty\.toml: market: found nothing; .* Add it: \[market\]"):
        scenario_from_file(tmp_path / "empty.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml: found no such file; expected a scenario in TOML"):
        find_scenario(tmp_path / "gone.toml")


def test_a_folder_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a file that cannot be read: Is a directory"):
        find_scenario(tmp_path)


def test_a_key_of_a_file_is_told_with_the_path_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        scenario_to_toml(scenario_from_dict(BASE)).replace("price_decimals = 4", 'price_decimals = "4"')
    )
    with pytest.raises(InputError) as caught:
        scenario_from_file(path)
    assert caught.value.where == f"{path}: market.price_decimals"


@pytest.mark.parametrize("find", [find_scenario, builtin_scenario])
def test_an_unknown_builtin_lists_the_known_ones(find: Any) -> None:
    with pytest.raises(InputError) as caught:
        find("top52")
    assert "'top52'" in caught.value.found
    assert "stocks, top25" in caught.value.remedy
    assert "Did you mean 'top25'?" in caught.value.remedy


def test_text_is_told_by_the_name_it_was_given() -> None:
    with pytest.raises(InputError) as caught:
        scenario_from_text("[market]\n", name="cell 3")
    assert caught.value.where.startswith("cell 3")
