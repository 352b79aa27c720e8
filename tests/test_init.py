"""`reconcile init`: what it writes works as it says, and nothing of the user's is touched.

README.md runs it from the first failing test to a gate that passes, then one that fails.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reconcile import cli, frame, load_market, run, scenario_from_file, templates
from reconcile.commands.start import PROJECTS
from reconcile.gating.settings import read_gate_settings
from reconcile.goldens.project_paths import find_project
from reconcile.own_packages import own_package
from reconcile.templates import project
from reconcile.templates.project import ENGINES, FILES, OWN
from vocabulary.scenario import Timing


@pytest.fixture
def init(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def run(*arguments: str) -> tuple[int, str]:
        code = cli.exit_code(["init", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_all_that_is_written_is_named_and_fits(tmp_path: Path, init: Callable[..., tuple[int, str]]) -> None:
    """Scenario, settings and test read as what they are."""
    code, text = init(str(tmp_path / "mine"))
    assert code == 0 and text.startswith(f"wrote {len(FILES)} files to ")
    written = sorted(
        path.relative_to(tmp_path / "mine").as_posix()
        for path in (tmp_path / "mine").rglob("*")
        if path.is_file()
    )
    assert written == sorted(FILES)
    assert all(f"\n  {name}\n" in text for name in FILES)
    scenario = scenario_from_file(tmp_path / "mine" / "scenario.toml")
    settings = read_gate_settings(tmp_path / "mine")
    assert (settings.candidate, settings.scenario) == ("my_engine:run", "scenario.toml")
    assert find_project(tmp_path / "mine" / "tests").root == tmp_path / "mine"
    assert scenario.market.data == "stocks"
    for name in FILES:
        if name.endswith(".py"):
            compile((tmp_path / "mine" / name).read_text(), name, "exec")


def test_the_workflow_runs_the_gate_against_a_base() -> None:
    """Fetched whole, with JUnit and annotations; an undecided throughput fails nothing."""
    text = project.template(".github/workflows/backtests.yml")
    for part in ("fetch-depth: 0", "--base", "--junit out/gate.xml", "--github", "-ne 4", "gate.xml"):
        assert part in text
    assert "\t" not in text


def test_what_is_there_is_kept_and_named(
    tmp_path: Path, init: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project's own pyproject.toml is shown what to add, and stays as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'theirs'\n")
    code, text = init()
    assert code == 0 and text.startswith(f"wrote {len(FILES) - 1} files here\n")
    assert "  pyproject.toml: kept, it was there\n" in text
    assert (tmp_path / "pyproject.toml").read_text() == "[project]\nname = 'theirs'\n"
    shown: Any = text.partition("[tool.reconcile.gate]")[2].partition("\nnext\n")[0]
    assert tomllib.loads("[tool.reconcile.gate]" + shown.replace("\n  ", "\n"))
    code, text = init()
    assert code == 0 and text.startswith("wrote nothing: all is there already\n")


def test_a_place_that_cannot_be_written_is_one_error(
    tmp_path: Path, init: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "file").write_text("")
    code, text = init(str(tmp_path / "file"))
    assert code == 2 and "a place that can be written" in text and "Traceback" not in text


MODULES = {"nautilus": "nautilus_trader"}
"""Engine -> the module that is imported, where its name is another one."""


class Anything(type):
    """A class with every attribute that is asked of it, each a class like it."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return anything(name)


def anything(name: str) -> Anything:
    """Such a class, which takes any arguments."""
    return Anything(name, (), {"__init__": lambda self, *given, **named: None})


def attribute(name: str) -> Anything:
    """An attribute of a stand-in's module."""
    if name.startswith("__"):
        raise AttributeError(name)
    return anything(name)


class StandIns(Loader, MetaPathFinder):
    """Finds stand-ins for packages that are not installed: their modules have whatever is imported."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in self.packages else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        vars(module)["__getattr__"] = attribute
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts stand-ins in the place of packages, until the test ends."""
    put: list[str] = []

    def put_in_place(*packages: str) -> None:
        put.extend(packages)
        for name in [one for one in sys.modules if one.partition(".")[0] in packages]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [StandIns(*packages), *sys.meta_path])

    yield put_in_place
    for name in [one for one in sys.modules if one.partition(".")[0] in put]:
        del sys.modules[name]


def test_every_engine_can_be_asked_for() -> None:
    assert set(PROJECTS) == {OWN, *ENGINES}


def test_what_an_engine_changes_stands_in_the_files_of_all() -> None:
    """A change that finds nothing to change would say nothing."""
    files_of_all = Path(templates.__file__).parent / "files"
    shared = [path.read_text() for path in files_of_all.glob("*.txt") if "_engine.py" not in path.name]
    for engine in ENGINES.values():
        for usual in engine.changes:
            assert any(usual in text for text in shared), usual


def lines_for_tieout(engine: str) -> list[str]:
    """The lines of an adapter that name tieout."""
    text = project.source_text(f"{engine}_engine.py.txt")
    return [line.strip() for line in text.splitlines() if "reconcile" in line]


def test_three_lines_of_each_adapter_are_for_tieout_as_the_page_says() -> None:
    page = (Path(__file__).parents[1] / "docs" / "engines.md").read_text(encoding="utf-8")
    shown = page.split("<!-- lines: begin -->")[1].split("<!-- lines: end -->")[0].strip().splitlines()
    rows = []
    for engine in ENGINES:
        lines = lines_for_tieout(engine)
        assert len(lines) <= 3, engine
        rows.append(f"| {engine} | {len(lines)} | `{lines[-1].removeprefix('return ')}` |")
    assert shown[2:] == rows


def test_the_readme_names_the_files_that_there_are(
    tmp_path: Path, init: Callable[..., tuple[int, str]]
) -> None:
    """And what is particular to the engine; no mark of the template is left."""
    for engine in PROJECTS:
        folder = tmp_path / engine
        assert init(str(folder), "--engine", engine)[0] == 0
        text = (folder / "README.md").read_text(encoding="utf-8")
        named = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        unnamed = {"README.md", ".gitattributes", ".gitignore", "tests/conftest.py"}
        assert set(named) == there - unnamed
        assert "{" not in text
        ways = () if engine == OWN else ENGINES[engine].conventions
        assert all(f"\n- {way}\n" in text for way in ways) and bool(ways) == (engine != OWN)


def adapter(folder: Path) -> Any:
    """The adapter of a project, as a module."""
    spec = spec_from_file_location("my_engine", folder / "my_engine.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_s_adapter_wants_what_the_scenario_wants(
    tmp_path: Path, init: Callable[..., tuple[int, str]], stand_ins: Callable[..., None], engine: str
) -> None:
    """Without the engine: its targets are those of the reference, and its settings install it."""
    code, text = init(str(tmp_path), "--engine", engine)
    assert code == 0 and "  tolerance.toml\n" in text
    settings = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert ENGINES[engine].package in settings["dependency-groups"]["backtests"]
    stand_ins(MODULES.get(engine, engine), "polars")
    scenario = scenario_from_file(tmp_path / "scenario.toml")
    market = load_market(scenario)
    wanted = adapter(tmp_path).wanted_shares(market).stack()
    ledger = own_package("reference").run(scenario, market)
    theirs = frame(ledger, "targets", floats=True).set_index(["decided_at", "symbol"])["quantity"]
    last = market.to_frame("close").index[-1]  # decides only what trades at its own close
    at_once = scenario.execution.timing is Timing.SAME_CLOSE
    decided = (wanted.index.get_level_values(0) < last) | at_once
    ours = wanted[(wanted > 0) & decided]
    ours.index.names = theirs.index.names
    assert len(theirs) > 100 and ours.sort_index().equals(theirs.astype(float).sort_index())


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_s_project_ties_out(
    tmp_path: Path, init: Callable[..., tuple[int, str]], engine: str
) -> None:
    """With the engine: every fill, and cash and equity within the bounds that the project states."""
    pytest.importorskip(
        {**MODULES, "ml4t": "ml4t.backtest"}.get(engine, engine), reason=f"{engine} is not installed"
    )
    init(str(tmp_path), "--engine", engine)
    module = adapter(tmp_path)
    found = run(tmp_path / "scenario.toml", module.run, tolerance=tmp_path / "tolerance.toml")
    assert found.first is None, found.text()
