"""Each command and its function: the same names, the same options, the same defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import reconcile
from reconcile.cli import COMMANDS, group
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger, Manifest

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "run": reconcile.run,
    "diff": reconcile.diff,
    "explain": reconcile.explain,
    "audit": reconcile.audit,
    "orders": reconcile.orders,
    "shrink": reconcile.shrink,
    "identify": reconcile.identify,
    "check": reconcile.check,
    "gate": reconcile.gate,
    "drill": reconcile.drill,
    "campaign": reconcile.campaign,
    "import": reconcile.read,
    "golden check": reconcile.golden.check,
    "golden review": reconcile.golden.review,
    "golden accept": reconcile.golden.accept,
}
WITHOUT = {"init": "writes a project", "scenarios": "builtin_scenarios()"}
"""Commands that need no function of their own, and why."""

FORMS = {"as_json", "as_markdown", "html", "figures", "quiet", "csv_file", "summary_file", "junit", "github"}
"""In which form an answer is given: methods of a result."""
PROCESS = {"timeout", "memory", "in_process"}
"""Bounds of a process of a function's own: from Python it is called in the caller's."""
SPELLED = {
    "file_format": "format",
    "format_": "format",
    "symbols": "symbol",
    "stages": "stage",
    "types": "type",
    "words": "source",
}
"""A command's parameter -> the function's. The options themselves are spelled alike."""
ONLY_THERE = {
    "run": {"old_candidate"},  # the old spelling
    "shrink": {"old_candidate"},
    "drill": {"listing"},  # prints names and ends
    "import": {"suggest", "out", "format_", "listing"},  # what is written: write_ledger(read(...), out)
    "golden accept": {"everything"},  # no case means all
}
ONLY_HERE = {"watch", "say", "progress"}
"""Who is told of the progress: the command tells a terminal."""


def command_of(name: str) -> click.Command:
    context = click.Context(group)
    first, _, rest = name.partition(" ")
    found = group.get_command(context, first)
    if rest:
        assert isinstance(found, click.Group)
        found = found.get_command(context, rest)
    assert found is not None
    return found


def test_every_command_has_its_function() -> None:
    named = {name.partition(" ")[0] for name in FUNCTIONS} | set(WITHOUT)
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_options_and_defaults_of_its_command(name: str) -> None:
    command = command_of(name)
    theirs = {
        SPELLED.get(str(one.name), str(one.name)): one
        for one in command.params
        if str(one.name) not in {*FORMS, *PROCESS, *ONLY_THERE.get(name, ()), "help"}
    }
    ours = {
        one.name: one
        for one in inspect.signature(FUNCTIONS[name]).parameters.values()
        if one.name not in {*ONLY_HERE, *PROCESS}
    }
    if name == "import":
        ours.pop("format")  # the first of two words
    assert set(ours) == set(theirs)
    for key, option in theirs.items():
        empty, default = inspect.Parameter.empty, ours[key].default
        if option.required or option.nargs == -1:
            optional = name.startswith(("run", "shrink")) and key == "candidate"
            optional |= (name, key) == ("orders", "out")  # from Python they need not be written
            assert default is empty or optional, key
        elif not isinstance(option, click.Argument):
            given = option.default if isinstance(option.default, (str, int, float)) else None
            assert (default or None) == (given or None), key


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One ledger as a path, as frames and as an object."""
    scenario = reconcile.find_scenario("stocks")
    ledger: Ledger = reconcile.engine.run(scenario, reconcile.load_market(scenario))
    path = tmp_path_factory.mktemp("forms") / "ledger"
    reconcile.write_ledger(ledger, path)
    frames = {name: reconcile.frame(ledger, name) for name in ledger.tables}
    return {"path": path, "text": str(path), "frames": frames, "ledger": ledger}


CALLS: dict[str, Callable[[Any], Any]] = {
    "run": lambda ledger: reconcile.run("stocks", ledger),
    "diff": lambda ledger: reconcile.diff(ledger, ledger),
    "explain": lambda ledger: reconcile.explain("stocks", ledger),
    "audit": lambda ledger: reconcile.audit(ledger, scenario="stocks"),
}


@pytest.mark.parametrize("form", ["path", "text", "frames", "ledger"])
@pytest.mark.parametrize("name", CALLS)
def test_a_ledger_in_any_form_gives_the_same_answer(name: str, form: str, forms: dict[str, Any]) -> None:
    found = CALLS[name](forms[form])
    assert found.exit_code == 0 and found.text().startswith(("matched", "no breaks", "clean")), found
    assert "Result " in repr(found) and repr(found).count("\n") == 0
    assert "<script" not in found._repr_html_() and found.to_frame().empty


@pytest.mark.parametrize("form", ["path", "text", "frames", "ledger"])
def test_a_ledger_in_any_form_is_read(form: str, forms: dict[str, Any]) -> None:
    ledger = reconcile.read(forms[form])
    assert len(ledger.fills) == forms["ledger"].tables["fills"].rows
    assert list(ledger.equity.columns) == list(forms["ledger"].tables["equity"].columns)


def test_bounds_are_a_file_or_what_a_file_holds(tmp_path: Path, forms: dict[str, Any]) -> None:
    fills = forms["frames"]["fills"].assign(
        commission=lambda table: table["commission"].astype(float).round(2)
    )
    text = '["fills.commission"]\nabsolute = "0.005"\nreason = "in cents"\n'
    (tmp_path / "cents.toml").write_text(text)
    bound = {"fills.commission": {"absolute": "0.005", "reason": "in cents"}}
    assert reconcile.diff(forms["ledger"], {"fills": fills}).exit_code == 1
    by_file = reconcile.diff(forms["ledger"], {"fills": fills}, tolerance=tmp_path / "cents.toml")
    by_name = reconcile.diff(forms["ledger"], {"fills": fills}, tolerance=bound)
    assert by_file.exit_code == by_name.exit_code == 2 and by_file.text() == by_name.text()
    for wrong in (3, {"fills.commission": "0.1"}, ["fills.commission"]):
        with pytest.raises(reconcile.vocabulary.errors.InputError) as caught:
            reconcile.diff(forms["ledger"], {"fills": fills}, tolerance=wrong)
        assert caught.value.remedy


NO_ARGUMENT: dict[str, Any] = {
    "a number": 1.5,
    "a list": [1],
    "bytes": b"x",
    "an array": np.zeros(3),
    "an object": object(),
    "a type": int,
}
"""What no function takes for a path, a text, a scenario, a ledger, a market or a table."""
TAKEN: dict[str, tuple[str, ...]] = {
    "audit": ("ledger", "mapping", "checks", "allow_short", "allow_negative_cash", "watch"),
    "builtin_scenario": ("name",),
    "chain": ("ledger",),
    "campaign": ("plan", "workers", "scheduler", "keep", "fresh", "watch"),
    "check": ("scenario", "watch"),
    "compare": ("reference", "candidate", "scenario", "market", "first"),
    "diff": (
        *("reference", "candidate", "mapping", "reference_mapping", "watch"),
        *("tables", "first", "date", "symbol", "stage", "type", "memory"),
    ),
    "drill": ("sample", "only", "pairs", "grounds", "watch"),
    "explain": ("scenario", "mapping", "replay", "watch"),
    "find_scenario": ("name_or_path",),
    "frame": ("ledger", "table"),
    "from_frames": ("frames",),
    "gate": ("base", "checks", "budget", "record", "watch"),
    "generate_market": ("symbols", "bars", "seed", "scenario"),
    "identify": ("ledger", "mapping", "watch"),
    "ledger_digest": ("ledger",),
    "load_market": ("scenario", "data"),
    "market_from_frame": ("scenario",),
    "orders": ("mapping", "watch"),
    "read": ("mapping",),
    "read_ledger": ("path",),
    "read_market": ("path",),
    "render": ("found", "form", "market"),
    "replace": ("scenario", "path"),
    "run": ("scenario", "mapping", "out", "format", "twice", "watch"),
    "scenario_from_dict": ("mapping",),
    "scenario_from_file": ("path",),
    "scenario_from_text": ("text",),
    "scenario_to_dict": ("scenario",),
    "scenario_to_toml": ("scenario",),
    "shrink": ("scenario", "out", "watch"),
    "slice_market": ("market",),
    "write_ledger": ("ledger", "folder", "format"),
    "write_market": ("market", "path"),
}


def _ledger() -> Ledger:
    return Ledger(Manifest(), {})


SOUND: dict[str, Callable[[], Any]] = {
    "scenario": lambda: reconcile.find_scenario("stocks"),
    "market": lambda: reconcile.generate_market(2, 5, 1),
    "ledger": _ledger,
    "reference": _ledger,
    "candidate": _ledger,
    "found": lambda: reconcile.compare(_ledger(), _ledger()),
    "table": lambda: "fills",
    "symbols": lambda: 2,
    "bars": lambda: 5,
    "seed": lambda: 1,
}
"""A value of the right type, by the argument's name."""


@pytest.mark.parametrize("name", TAKEN)
def test_an_argument_of_another_type_is_our_own_error_that_names_it(name: str) -> None:
    """Not a TypeError from somewhere within. The other arguments are sound."""
    function = getattr(reconcile, name)
    parameters = inspect.signature(function).parameters
    needed = [
        one.name
        for one in parameters.values()
        if one.default is one.empty and one.kind is not one.VAR_POSITIONAL
    ]
    for argument in TAKEN[name]:
        for what, value in NO_ARGUMENT.items():
            if (argument == "watch" and callable(value)) or (argument, what) == ("budget", "a number"):
                continue
            given = {one: SOUND.get(one, lambda: "nowhere")() for one in needed} | {argument: value}
            with pytest.raises(InputError) as error:
                function(**given)
            assert argument in error.value.where and error.value.remedy, (argument, what)


NO_VALUE: list[tuple[str, dict[str, Any]]] = [
    ("diff", {"memory": "nowhere"}),
    ("diff", {"memory": "inf"}),
    ("diff", {"memory": "-1GB"}),
    ("diff", {"stage": "nowhere"}),
    ("diff", {"type": ["nothing"]}),
    ("audit", {"initial_cash": "much"}),
    ("audit", {"initial_cash": float("nan")}),
    ("slice_market", {"bars": (0,)}),
    ("slice_market", {"bars": (0.5, 2)}),
    ("slice_market", {"symbols": 5}),
    ("drill", {"sample": 0}),
    ("drill", {"sample": "ten"}),
    ("drill", {"only": "no such fault"}),
    ("gate", {"budget": 0}),
    ("gate", {"budget": float("nan")}),
    ("gate", {"budget": float("inf")}),
    ("gate", {"checks": "nothing"}),
    ("campaign", {"workers": 0}),
    ("campaign", {"plan": "nowhere.toml"}),
    ("generate_market", {"symbols": 0}),
    ("generate_market", {"bars": -1}),
]
"""Values of the right type that a function has no use for."""


@pytest.mark.parametrize(("name", "given"), NO_VALUE, ids=lambda one: str(one))
def test_a_value_that_is_of_no_use_is_our_own_error_that_names_it(
    name: str, given: dict[str, Any], tmp_path: Path, forms: dict[str, Any]
) -> None:
    needed: dict[str, Any] = {}
    if name == "diff":
        reconcile.write_ledger(forms["ledger"], tmp_path / "ledger", format="parquet")
        needed = {"reference": tmp_path / "ledger", "candidate": tmp_path / "ledger"}
    if name == "audit":
        needed = {"ledger": forms["ledger"]}
    if name == "slice_market":
        needed = {"market": reconcile.generate_market(2, 5, 1)}
    if name == "campaign":
        needed = {"plan": {"jobs": [{"command": "run", "scenario": "stocks"}]}, "keep": tmp_path / "kept"}
    if name == "generate_market":
        needed = {"symbols": 2, "bars": 5, "seed": 1}
    with pytest.raises(InputError) as error:
        getattr(reconcile, name)(**needed | given)
    assert error.value.where and error.value.remedy


def test_numbers_of_numpy_and_names_in_any_collection_are_taken() -> None:
    market = reconcile.generate_market(np.int64(2), np.int32(5), np.int64(1))
    assert market.open.shape == (5, 2)
    with pytest.raises(InputError, match="no such fault"):
        reconcile.drill(only={"no such fault"})
