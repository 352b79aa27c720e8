"""A scenario and its canonical text stand for each other; its digest is of what it means."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
import warnings
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests import scenario_kit

from reconcile.files.decimals import from_units
from reconcile.scenario import schema
from reconcile.scenario.files import (
    builtin_scenario,
    builtin_scenarios,
    find_scenario,
    scenario_from_dict,
    scenario_from_file,
    scenario_from_text,
)
from reconcile.scenario.toml import scenario_to_dict, scenario_to_toml
from reconcile.scenario.values import RESERVED
from vocabulary import scenario as nouns

HERE = Path(__file__).parent
WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8) | st.sampled_from(
    ["ml_score", "a.b", 'say "hi"', "back\\slash", "é", "1", "atr"]
)
COUNTS = st.integers(0, 10**6) | st.just(10**18)
BPS = st.integers(0, 10**12).map(lambda units: from_units(units, 5))


def ppb(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda units: from_units(units, 9))


ANY = ppb(0, 2**63 - 1)
SHARE = ppb(0, 10**9)
GROSS = ppb(0, 100 * 10**9)


Tables = st.SearchStrategy[dict[str, Any]]


def table(required: dict[str, Any], optional: dict[str, Any] | None = None) -> Tables:
    """Keys in any order, each optional one there or not."""
    tables = st.fixed_dictionaries(required, optional=optional or {})
    return tables.flatmap(lambda drawn: st.permutations(list(drawn.items())).map(dict))


def feature() -> Tables:
    atr = table({"kind": st.just("atr"), "period": COUNTS.map(lambda count: count or 1)})
    bars = st.tuples(st.integers(0, 500), st.integers(1, 500))
    return atr | bars.map(lambda pair: {"kind": "momentum", "skip": pair[0], "lookback": sum(pair)})


def gate() -> Tables:
    number = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
    return table({"context": WORDS, "max": number}) | table({"context": WORDS, "min": number})


def strategy(optional: dict[str, Any]) -> Tables:
    common = {
        "band": ppb(0, 10**9 - 1),
        "size_on": st.sampled_from(["equity", "initial_cash"]),
        "cooldown": COUNTS,
        "schedule": st.sampled_from(["weekly", "monthly"])
        | table({}, {"every": COUNTS.map(lambda count: count or 1), "start": COUNTS}),
        "gate": gate(),
        **optional,
    }
    counts = table({"kind": st.just("top_n"), "score": WORDS, "n": COUNTS.map(lambda count: count or 1)}, {
        **common,
        "short_n": COUNTS,
        "gross_long": GROSS,
        "gross_short": GROSS,
        "require": st.lists(WORDS, max_size=3),
        "when": st.sampled_from(["always", "membership"]),
    })  # fmt: skip
    weights = table({"kind": st.just("weights"), "feature": WORDS}, common)
    function = table({"kind": st.just("callable"), "function": st.just("json:dumps")}, common)
    return counts | weights | function


def exits() -> st.SearchStrategy[list[dict[str, Any]]]:
    sorts: list[dict[str, Any]] = [
        {"kind": st.just("stop_loss"), "loss": SHARE},
        {"kind": st.just("take_profit"), "gain": ANY},
        {"kind": st.just("volatility_stop"), "multiple": ANY, "feature": WORDS},
        {"kind": st.just("trailing_stop"), "initial": SHARE, "tighten": ANY, "minimum": SHARE},
        {"kind": st.just("time_exit"), "bars": COUNTS},
        {"kind": st.just("break_even"), "gain": ANY},
    ]
    rule = st.one_of([table(sort, {"name": WORDS}) for sort in sorts])
    rules = st.lists(rule, max_size=5, unique_by=lambda drawn: drawn.get("name", drawn["kind"]))
    return rules.filter(lambda drawn: all(each.get("name") != "rebalance" for each in drawn))


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """Every setting of section S, in the shape of the file."""
    price, quantity = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    money = st.integers(0, 2**63 - 1).map(lambda units: from_units(units, price + quantity))
    ticks = st.integers(0, 2**63 - 1).map(lambda units: from_units(units, price))
    market = {"data": WORDS, "price_decimals": st.just(price), "quantity_decimals": st.just(quantity)}
    names = WORDS.filter(lambda name: name not in RESERVED)
    features = st.dictionaries(names, feature(), max_size=3)
    execution = {
        "timing": st.sampled_from(["next_open", "next_close", "same_close"]),
        "sequence": st.sampled_from([each.value for each in nouns.Sequence]),
        "cash": st.sampled_from([each.value for each in nouns.CashPolicy]),
    }
    limits = {"minimum": money, "maximum": ANY}
    on = {"on": st.sampled_from(["fill", "raw"])}
    commission = table({"kind": st.just("bps"), "rate": BPS}, {**limits, **on}) | table(
        {"kind": st.just("per_share"), "rate": ANY}, limits
    )
    lot = st.integers(1, 2**63 - 1).map(lambda units: from_units(units, quantity))
    slippage = table({"kind": st.just("bps"), "rate": BPS}) | table(
        {"kind": st.just("fixed"), "amount": ticks}
    )
    whole = table(
        {
            "market": table(market, {"context": WORDS, "features": features, "lot": lot, "carry": WORDS}),
            "portfolio": st.fixed_dictionaries({"initial_cash": money}),
            "strategy": strategy({"minimum_notional": money}),
            "execution": table({"allow_short": st.just(True)}, execution),
        },
        {"exits": exits(), "costs": table({}, {"commission": commission, "slippage": slippage})},
    )
    return draw(whole)


@settings(max_examples=200, deadline=None)
@given(scenarios())
def test_canonical_text_and_tables_read_back_as_an_equal_scenario(raw: dict[str, Any]) -> None:
    scenario = scenario_from_dict(raw)
    text = scenario_to_toml(scenario)
    tables = scenario_to_dict(scenario)
    assert tomllib.loads(text) == _without_empty(tables | {"market": _without_empty(tables["market"])})
    for again in (
        scenario_from_text(text, origin="elsewhere", name="other"),
        scenario_from_dict(scenario_to_dict(scenario)),
        scenario_from_text(tomli_w.dumps(raw)),
    ):
        assert again == scenario
        assert scenario_to_toml(again) == text
    assert scenario.digest == hashlib.sha256(text.encode()).hexdigest()


def _without_empty(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value != {}}


@settings(max_examples=100, deadline=None)
@given(scenarios())
def test_the_order_of_keys_and_idle_zeros_are_not_part_of_a_digest(raw: dict[str, Any]) -> None:
    scenario, other = scenario_from_dict(raw), scenario_from_dict(respelled(raw))
    assert other == scenario
    assert other.digest == scenario.digest


def respelled(part: Any, key: str = "") -> Any:
    """The same setting with its tables' keys the other way round and zeros before and behind its numbers."""
    if isinstance(part, dict):
        return {name: respelled(part[name], name) for name in reversed(part)}
    if isinstance(part, list):
        return [respelled(each) for each in part]
    if key in DECIMAL_KEYS and isinstance(part, str):
        return "+00" + part + ("00" if "." in part else ".00")
    return part


DECIMAL_KEYS = {
    *("initial_cash", "band", "gross_long", "gross_short", "loss", "gain", "multiple"),
    *("initial", "tighten", "minimum", "rate", "amount"),
}


MINIMAL = """
[market]
data = "bars.csv"
[portfolio]
initial_cash = "1000"
[strategy]
kind = "top_n"
score = "s"
n = 2
"""
SPELLED_OUT = """
portfolio = { initial_cash = "01000.00" }
exits = []
[execution]
allow_short = false
cash = "reduce"
timing = "next_open"
sequence = "sells_first"
[costs]
[strategy]
n = 2
score = "s"
kind = "top_n"
short_n = 0
gross_long = "1.0"
gross_short = "+1"
require = []
when = "always"
band = "0.000"
size_on = "equity"
cooldown = 0
schedule = { start = 0, every = 1 }
[market]
quantity_decimals = 0
data = "bars.csv"
price_decimals = 4
[market.features]
"""


def test_defaults_written_out_and_other_spellings_give_the_same_digest() -> None:
    minimal, spelled = scenario_from_text(MINIMAL), scenario_from_text(SPELLED_OUT, origin="/there", name="b")
    assert minimal == spelled
    assert minimal.digest == spelled.digest


def test_a_digest_stays_what_it_was_when_it_was_first_written_down() -> None:
    recorded = "83df1ccfd895f3375367ff114b931552257271e9799d93b317f7442eea8a74e1"
    assert scenario_from_text(MINIMAL).digest == recorded


def test_bounds_that_compare_equal_share_a_digest() -> None:
    gated = MINIMAL + 'gate = {{ context = "vix", max = {} }}'
    digests = {scenario_from_text(gated.format(bound)).digest for bound in ("0", "0.0", "-0.0")}
    assert len(digests) == 1


def test_the_page_of_defaults_is_what_an_empty_table_means() -> None:
    scenario = scenario_from_text(MINIMAL)
    assert scenario.market == nouns.MarketSource("bars.csv")
    assert scenario.strategy == nouns.Strategy(nouns.TopN("s", 2))
    assert (scenario.exits, scenario.execution, scenario.costs) == ((), nouns.Execution(), nouns.Costs())


def test_decimal_text_becomes_integers_of_its_unit() -> None:
    scenario = scenario_from_text("""
        exits = [{ kind = "trailing_stop", initial = "0.05", tighten = "0.001", minimum = "0", name = "t" }]
        costs.commission = { kind = "per_share", rate = "0.005", minimum = "1.5" }
        costs.slippage = { kind = "fixed", amount = "0.01" }
        market = { data = "x", price_decimals = 3, quantity_decimals = 2 }
        portfolio.initial_cash = "10.00001"
      strategy = { kind = "weights", feature = "w", schedule = "monthly", gate = { context = "v", min = 2 } }
    """)
    assert scenario.initial_cash == 1_000_001
    assert scenario.exits == (nouns.TrailingStop("t", 50_000_000, 1_000_000, 0),)
    assert scenario.costs == nouns.Costs(
        nouns.PerShareCommission(5_000_000, 150_000), nouns.FixedSlippage(10)
    )
    assert scenario.strategy.gate == nouns.Gate("v", nouns.Bound.MIN, 2.0)
    assert scenario.strategy.schedule == nouns.Schedule(nouns.ScheduleKind.MONTHLY)


def test_basis_points_become_parts_per_billion() -> None:
    scenario = scenario_from_text(MINIMAL + '[costs]\ncommission = { kind = "bps", rate = "5" }')
    assert scenario.costs.commission == nouns.BpsCommission(500_000, 0)


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "windows.toml").write_bytes(b"\xef\xbb\xbf" + MINIMAL.replace("\n", "\r\n").encode())
    scenario = scenario_from_file(tmp_path / "windows.toml")
    assert scenario == scenario_from_text(MINIMAL)
    assert (scenario.origin, scenario.name) == (str(tmp_path), "windows.toml")


def test_python_tables_may_be_tuples_and_mappings() -> None:
    raw = tomllib.loads(MINIMAL)
    raw["strategy"]["require"] = ("a", "b")
    selection = scenario_from_dict(raw).strategy.selection
    assert isinstance(selection, nouns.TopN)
    assert selection.require == ("a", "b")


def test_the_builtin_scenarios_are_listed_with_one_line_each_and_load() -> None:
    listed = builtin_scenarios()
    assert set(listed) >= {"top25", "stocks"}
    for name, line in listed.items():
        assert find_scenario(name) == builtin_scenario(name)
        assert 20 < len(line) < 100
    assert listed["top25"].startswith("Synthetic")
    assert listed["stocks"].startswith("Real")


def test_top25_is_the_strategy_that_the_readme_describes() -> None:
    scenario = builtin_scenario("top25")
    assert scenario.market.features == (nouns.AtrFeature("atr", 14),)
    assert scenario.initial_cash == 10**6 * 10**4
    assert scenario.strategy == nouns.Strategy(
        nouns.TopN("ml_score", 25), band=10_000_000, gate=nouns.Gate("vix", nouns.Bound.MAX, 30.0)
    )
    assert scenario.exits == (
        nouns.VolatilityStop("volatility_stop", 2 * 10**9, "atr"),
        nouns.TrailingStop("trailing_stop", 50_000_000, 1_000_000, 5_000_000),
        nouns.TimeExit("time_exit", 60),
    )
    assert scenario.costs == nouns.Costs(nouns.BpsCommission(500_000), nouns.BpsSlippage(500_000))


def test_the_example_for_the_users_own_bars_is_a_scenario() -> None:
    scenario = scenario_from_file(Path(__file__).parent.parent / "examples" / "sp500.toml")
    assert isinstance(scenario.strategy.selection, nouns.TopN)
    assert scenario.strategy.selection.score == "momentum"


def test_the_example_with_stops_and_targets_tests_them_inside_the_bar() -> None:
    scenario = scenario_from_file(Path(__file__).parent.parent / "examples" / "sp500_stops.toml")
    assert [getattr(rule, "at", None) for rule in scenario.exits] == [nouns.ExitAt.LEVEL] * 3
    assert scenario.execution.levels == nouns.Levels()


@pytest.mark.parametrize("where", ["market", "strategy.schedule"])
def test_every_setting_that_applies_is_written_out(where: str) -> None:
    written: Any = tomllib.loads(scenario_to_toml(scenario_from_text(MINIMAL)))
    for step in where.split("."):
        written = written[step]
    assert (
        set(written)
        == {
            "market": {"data", "price_decimals", "quantity_decimals"},
            "strategy.schedule": {"every", "start"},
        }[where]
    )


SCHEMA = Path(schema.__file__).parent / "scenario.schema.json"


def editors_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, made of the models: without defaults, and TOML has no null."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a default is a noun, its schema that of the text in the file
        made = _for_toml(schema.ScenarioTable.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _for_toml(node: Any, within: str = "") -> Any:
    if isinstance(node, list):
        return [_for_toml(each) for each in node]
    if not isinstance(node, dict):
        return node
    named = within in ("properties", "$defs")
    kept = {
        key: _for_toml(each, key) for key, each in node.items() if named or key not in ("default", "title")
    }
    options = [each for each in kept.get("anyOf", []) if each != {"type": "null"}]
    if "anyOf" not in kept or named:
        return kept
    del kept["anyOf"]
    return {**kept, **options[0]} if len(options) == 1 else {**kept, "anyOf": options}


def test_the_schema_for_editors_is_that_of_the_models() -> None:
    """`UPDATE_SCHEMA=1` writes it anew."""
    text = json.dumps(editors_schema(), indent=1) + "\n"
    if os.environ.get("UPDATE_SCHEMA"):
        SCHEMA.write_text(text, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == text


def test_the_page_lists_every_key_with_a_rule_that_exists() -> None:
    """`python -m tests.scenario_kit` writes it anew."""
    text = scenario_kit.PAGE.read_text(encoding="utf-8")
    assert text == scenario_kit.with_tables(text)
    listed = re.findall(r"<!-- keys: (\w+) -->", text)
    assert sorted(listed) == sorted(scenario_kit.tables())
    rules = (scenario_kit.PAGE.parent.parent / "semantics.md").read_text(encoding="utf-8")
    for model in scenario_kit.tables().values():
        for name, field in scenario_kit.keys(model):
            found = scenario_kit.RULE.fullmatch(field.description or "")
            assert found and re.search(rf"^(- \*\*|## ){found[2]}(\*\*|\.)", rules, re.MULTILINE), name


@pytest.mark.parametrize(
    "path",
    [*(HERE / "golden" / "cases").glob("*.toml"), HERE.parent / "examples" / "sp500_stops.toml"],
    ids=lambda path: path.stem,
)
def test_every_scenario_is_what_the_schema_for_editors_allows(path: Path) -> None:
    given = tomllib.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator(editors_schema()).validate(given)
    given["execution"] = {"levels": {"gap": "middle"}}
    assert not Draft202012Validator(editors_schema()).is_valid(given)
