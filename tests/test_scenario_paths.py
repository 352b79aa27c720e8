"""One setting is changed by its path, and the whole is validated again."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.scenario.files import builtin_scenario, replace, scenario_from_text
from reconcile.scenario.toml import scenario_to_dict
from vocabulary import scenario as nouns
from vocabulary.errors import InputError
from vocabulary.scenario import Scenario

TOP25 = builtin_scenario("top25")


def value_at(scenario: Scenario, *steps: str | int) -> Any:
    value: Any = scenario_to_dict(scenario)
    for step in steps:
        value = value[step]
    return value


@pytest.mark.parametrize(
    ("path", "value", "steps"),
    [
        ("costs.commission.rate", "8", ("costs", "commission", "rate")),
        ("strategy.n", 10, ("strategy", "n")),
        ("strategy.require.0", "b", None),
        ("strategy.schedule", "weekly", ("strategy", "schedule")),
        ("strategy.schedule.every", 5, ("strategy", "schedule", "every")),
        ("strategy.gate.max", 25.5, ("strategy", "gate", "max")),
        ("exits.0.multiple", "3", ("exits", 0, "multiple")),
        ("exits.trailing_stop.initial", "0.1", ("exits", 1, "initial")),
        ("exits.time_exit", {"kind": "time_exit", "bars": 9, "name": "t"}, ("exits", 2)),
        ("market.features.atr.period", 20, ("market", "features", "atr", "period")),
        ('market.features."a.b"', {"kind": "atr", "period": 3}, ("market", "features", "a.b")),
        ("execution.timing", "same_close", ("execution", "timing")),
        ("market.context", "vix.parquet", ("market", "context")),
    ],
)
def test_a_value_lands_where_its_path_points_and_nothing_else_moves(
    path: str, value: Any, steps: tuple[str | int, ...] | None
) -> None:
    before = replace(TOP25, "strategy.require", ["a"]) if steps is None else TOP25
    after = replace(before, path, value)
    expected = scenario_to_dict(before)
    holder: Any = expected
    *parents, last = steps or ("strategy", "require", 0)
    for step in parents:
        holder = holder[step]
    holder[last] = value
    assert {key: _sorted(part) for key, part in scenario_to_dict(after).items()} == {
        key: _sorted(part) for key, part in expected.items()
    }
    assert after.digest != before.digest
    assert (after.origin, after.name) == (before.origin, before.name)


def _sorted(part: Any) -> Any:
    return dict(sorted(part.items())) if isinstance(part, dict) else part


def test_the_scenario_given_stays_as_it_is_and_the_way_back_gives_it_again() -> None:
    text = scenario_to_dict(TOP25)
    there = replace(TOP25, "costs.commission.rate", "8")
    assert scenario_to_dict(TOP25) == text
    assert replace(there, "costs.commission.rate", "5.0") == TOP25


def test_none_takes_an_optional_key_away() -> None:
    bare = replace(replace(TOP25, "costs.commission", None), "strategy.gate", None)
    assert bare.costs == nouns.Costs(None, nouns.BpsSlippage(500_000))
    assert bare.strategy.gate is None
    assert replace(bare, "strategy.gate", None) == bare
    assert replace(TOP25, "costs", None).costs == nouns.Costs()
    assert replace(TOP25, "strategy.band", None).strategy.band == 0
    assert [rule.name for rule in replace(TOP25, "exits.1", None).exits] == ["volatility_stop", "time_exit"]
    assert replace(TOP25, "exits.time_exit", None).exits == TOP25.exits[:2]


def test_a_table_that_was_not_there_can_be_put_in() -> None:
    free = replace(TOP25, "costs", None)
    paid = replace(free, "costs.slippage", {"kind": "fixed", "amount": "0.01"})
    assert paid.costs == nouns.Costs(None, nouns.FixedSlippage(100))


def test_amounts_of_currency_keep_their_value_when_the_unit_changes() -> None:
    finer = replace(TOP25, "market.quantity_decimals", 3)
    assert finer.initial_cash == TOP25.initial_cash * 1000


@pytest.mark.parametrize(
    ("path", "value", "where", "expected", "remedy"),
    [
        ("costs.commission.rat", "8", "costs.commission.rat", "rate", "Did you mean 'rate'?"),
        ("costs.commission.rate", 8, "costs.commission.rate", "decimal text", '"8"'),
        ("costs.commission.rate", None, "costs.commission.rate", "no default", "Add it"),
        ("costs.commision", None, "costs.commision", "commission", "Did you mean 'commission'?"),
        ("cots.commission.rate", "8", "cots", "costs", "Did you mean 'costs'?"),
        ("cots.commission.rate", None, "cots.commission.rate", "a key", "nothing to remove"),
        ("exits.3.bars", 5, "exits.3.bars", "below 3", "Choose"),
        ("exits.-1.bars", 5, "exits.-1.bars", "an index or one of volatility_stop", "Choose"),
        ("exits.time_exti.bars", 5, "exits.time_exti.bars", "time_exit", "Did you mean 'time_exit'?"),
        ("exits.9999999999999999999", None, "exits.9999999999999999999", "below 3", "Choose"),
        ("strategy.n.m", 5, "strategy.n.m", "a table or a list", "Replace strategy.n whole."),
        ("exits.trailing_stop.name", "time_exit", "exits.2.name", "names that differ", "name ="),
        ("", 5, "the path ''", "a dotted path", "point"),
        ("costs..rate", 5, "the path 'costs..rate'", "a dotted path", "point"),
        ("costs.", 5, "the path 'costs.'", "a dotted path", "point"),
        ('market."a"b', 5, "the path", "a dotted path", "point"),
    ],
)
def test_an_error_names_the_path(path: str, value: Any, where: str, expected: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(TOP25, path, value)
    error = caught.value
    assert where in (error.found if where.startswith("the path") else error.where)
    assert expected in error.expected
    assert remedy in error.remedy
    assert error.where.startswith("top25")


def test_a_short_that_becomes_forbidden_is_refused() -> None:
    short = replace(replace(TOP25, "execution.allow_short", True), "strategy.short_n", 5)
    with pytest.raises(InputError, match="allow_short"):
        replace(short, "execution.allow_short", False)


def test_a_callable_is_kept_and_not_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[market]\ndata = "x"\n[portfolio]\ninitial_cash = "1"\n[strategy]\nkind = "callable"\n'
    scenario = scenario_from_text(text + 'function = "json:dumps"\n')
    monkeypatch.setattr("json.dumps", None)
    changed = replace(scenario, "strategy.cooldown", 3)
    assert isinstance(changed.strategy.selection, nouns.CallableStrategy)
    assert isinstance(scenario.strategy.selection, nouns.CallableStrategy)
    assert changed.strategy.selection.call is scenario.strategy.selection.call
    with pytest.raises(InputError, match="expected a function"):
        replace(replace(scenario, "strategy.function", "json:loads"), "strategy.function", "json:dumps")
