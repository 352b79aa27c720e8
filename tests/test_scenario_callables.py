"""A callable is found beside its scenario, and finding it leaves no trace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from reconcile.scenario.callables import resolve_callable
from reconcile.scenario.files import scenario_from_file
from vocabulary.errors import InputError
from vocabulary.scenario import CallableStrategy

HEAD = '[market]\ndata = "x"\n[portfolio]\ninitial_cash = "1"\n[strategy]\nkind = "callable"\nfunction = '


def beside(folder: Path, code: str, function: str = "tactic:weights") -> Any:
    """The function of a scenario file in `folder`, with `code` as tactic.py beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "tactic.py").write_text(code)
    (folder / "s.toml").write_text(f'{HEAD}"{function}"\n')
    selection = scenario_from_file(folder / "s.toml").strategy.selection
    assert isinstance(selection, CallableStrategy)
    assert selection.function == function
    return selection.call


def refused(folder: Path, code: str, function: str = "tactic:weights") -> InputError:
    with pytest.raises(InputError) as caught:
        beside(folder, code, function)
    assert caught.value.where == f"{folder / 's.toml'}: strategy.function"
    return caught.value


def test_modules_of_one_name_in_two_folders_do_not_mix(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "helper.py").write_text(f"NAME = {name!r}\n")
    code = "import helper\ndef weights(view):\n    return helper.NAME\n"
    one, two = (beside(tmp_path / name, code) for name in ("one", "two"))
    assert (one(None), two(None)) == ("one", "two")


def test_finding_a_callable_leaves_paths_modules_and_folder_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path, modules = list(sys.path), set(sys.modules)
    beside(tmp_path, "def weights(view): return {}\n")
    refused(tmp_path, "1 / 0\n")
    assert (sys.path, sys.dont_write_bytecode) == (path, False)
    assert set(sys.modules) == modules
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["s.toml", "tactic.py"]


def test_a_loaded_module_of_the_same_name_is_neither_used_nor_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = type(sys)("tactic")
    stranger.weights = lambda view: "stranger"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tactic", stranger)
    assert beside(tmp_path, "def weights(view): return 'own'\n")(None) == "own"
    assert sys.modules["tactic"] is stranger


def test_a_changed_file_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for answer in range(5):  # of one size, and written within a moment
        assert beside(tmp_path, f"def weights(view): return {answer}\n")(None) == answer


def test_a_file_beside_the_scenario_wins_over_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "signal.py").write_text("def weights(view): return 'own'\n")
    (tmp_path / "s.toml").write_text(f'{HEAD}"signal:weights"\n')
    selection = scenario_from_file(tmp_path / "s.toml").strategy.selection
    assert isinstance(selection, CallableStrategy)
    assert selection.call(None) == "own"  # type: ignore[arg-type]
    assert hasattr(sys.modules["signal"], "SIGINT")


def test_an_installed_module_is_found_as_usual(tmp_path: Path) -> None:
    import json

    assert beside(tmp_path, "", "json:dumps") is json.dumps
    assert resolve_callable("json.decoder:JSONDecoder.decode", "", "here") is json.JSONDecoder.decode


def test_a_package_beside_the_scenario_is_found(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "__init__.py").write_text("")
    (tmp_path / "desk" / "part.py").write_text("from . import other\ndef weights(view): return other.X\n")
    (tmp_path / "desk" / "other.py").write_text("X = 7\n")
    assert beside(tmp_path, "", "desk.part:weights")(None) == 7
    assert not [name for name in sys.modules if name.startswith("desk")]


def test_what_a_module_prints_stays_out_of_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside(tmp_path, "print('hello')\ndef weights(view): return {}\n")
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize(
    ("code", "function", "found", "expected", "remedy"),
    [
        (
            "",
            "nowhere_at_all:weights",
            "no module 'nowhere_at_all'",
            "can be imported",
            "beside the scenario",
        ),
        ("", "tactic.inner:weights", "no module 'tactic.inner'", "can be imported", "beside the scenario"),
        ("def weigths(view): ...", "tactic:weights", "'tactic:weights'", "'weights' does not", "'weigths'"),
        ("weights = 5", "tactic:weights", "a int", "a function", "of tactic"),
        (
            "import no_such_thing",
            "tactic:weights",
            "ModuleNotFoundError",
            "can be imported",
            "traceback",
        ),
        (
            "1 / 0",
            "tactic:weights",
            "ZeroDivisionError while it was imported: division",
            "imported",
            "traceback",
        ),
        ("def weights(:", "tactic:weights", "SyntaxError", "can be imported", "traceback"),
        ("raise SystemExit(3)", "tactic:weights", "SystemExit", "can be imported", "traceback"),
        ("", "tactic", "'tactic'", "`module:function`", "my_module:my_function"),
        ("", "tactic.py:weights x", "'tactic.py:weights x'", "`module:function`", "my_module:my_function"),
        ("", ":weights", "':weights'", "`module:function`", "my_module:my_function"),
    ],
)
def test_a_callable_that_cannot_be_had_is_told(
    tmp_path: Path, code: str, function: str, found: str, expected: str, remedy: str
) -> None:
    error = refused(tmp_path, code + "\n", function)
    assert found in error.found
    assert expected in error.expected
    assert remedy in error.remedy
