"""The pytest plugin: the fixture `ledger_snapshot`, and goldens that no test asserts any more.

It is loaded by every pytest run where tieout is installed, and imports nothing of tieout until a test asks
for the fixture or the project has goldens.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reconcile.golden.model import Place
    from reconcile.golden.snapshot import LedgerSnapshot
    from reconcile.golden.usage import Usage

_OUTPUT = "tieout_goldens"
_SNAPSHOT = "reconcile.golden.snapshot"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """--golden-update always; --snapshot-update where syrupy does not bring it."""
    names = ["--golden-update"]
    alone = importlib.util.find_spec("syrupy") is None or pluginmanager.is_blocked("syrupy")
    if alone and not pluginmanager.hasplugin("syrupy"):
        names.append("--snapshot-update")
    parser.getgroup("tieout").addoption(
        *names,
        action="store_true",
        default=False,
        dest="golden_update",
        help="Leave changed ledgers pending for `reconcile golden review` (tests still fail).",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Session(config), "tieout-goldens")


@pytest.fixture
def golden_agreement() -> str:
    """What an engine must agree with before a golden of its ledger is written: "reference", or only
    "itself". Override it in a conftest.py or a test module."""
    return "reference"


@pytest.fixture
def ledger_snapshot(request: pytest.FixtureRequest, golden_agreement: str) -> LedgerSnapshot:
    """The golden of a ledger: `assert my_engine(scenario, market) == ledger_snapshot`."""
    return snapshot_of(request.node, golden_agreement)


def snapshot_of(item: pytest.Item, agreement: str) -> LedgerSnapshot:
    """What a test compares its ledger with."""
    from reconcile.golden.check import case_files
    from reconcile.golden.model import Agreement
    from reconcile.golden.snapshot import LedgerSnapshot, Setting

    session = item.config.pluginmanager.get_plugin("tieout-goldens")
    assert isinstance(session, _Session)
    place = session.place()
    test = test_name(item.path, item.nodeid, place)
    return LedgerSnapshot(
        Setting(
            place=place,
            case=default_case(test),
            test=test,
            agreement=Agreement(agreement),
            update=updating(item.config),
            case_names=frozenset(case_files(place)),
            told=session.told,
        )
    )


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """The golden's own words in place of two reprs."""
    snapshot = sys.modules.get(_SNAPSHOT)
    if snapshot is None or op != "==":
        return None
    for side in (left, right):
        if isinstance(side, snapshot.LedgerSnapshot):
            return list(side.lines) or None
    return None


def updating(config: pytest.Config) -> bool:
    """Whether --golden-update, or syrupy's --snapshot-update, was given."""
    return bool(config.getoption("golden_update", False) or config.getoption("update_snapshots", False))


def test_name(path: Path, nodeid: str, place: Place) -> str:
    """A test's name as goldens keep it: its file relative to the project, then the rest of its node id."""
    file = os.path.relpath(path.resolve(), place.root).replace(os.sep, "/")
    return "::".join([file, *nodeid.split("::")[1:]])


test_name.__test__ = False  # type: ignore[attr-defined]


def default_case(test: str) -> str:
    """The case of a test: its module's name and its own."""
    file, *rest = test.split("::")
    return ".".join([Path(file).stem, *rest])


class _Session:
    """What one run of pytest asserted and collected; under xdist the workers' reports, put together."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: Place | None = None
        self._usage: Usage | None = None
        self._lines: list[str] = []
        self._collected: set[str] = set()
        self._modules: set[str] = set()
        self._passed: set[str] = set()
        self._workers: list[dict[str, list[str]] | None] = []

    def place(self) -> Place:
        from reconcile.golden.project_paths import find_place

        if self._found is None:
            self._found = find_place(self._config.rootpath)
        return self._found

    def told(self, weighed: Any) -> None:
        """Remember what an assertion came to."""
        self._tally().add(weighed.checked.case, weighed.checked.standing, pending=weighed.written)

    def _tally(self) -> Usage:
        from reconcile.golden.usage import Usage

        if self._usage is None:
            self._usage = Usage()
        return self._usage

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._collected.add(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.passed and "::" not in report.nodeid:
            self._modules.add(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of xdist has ended."""
        self._workers.append(getattr(node, "workeroutput", {}).get(_OUTPUT))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._report()
            return
        if self._usage is None and not self._workers and not _may_have_goldens(self._config.rootpath):
            return
        unused = self._close()
        if unused and session.exitstatus == pytest.ExitCode.OK and not self._only_warns():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _only_warns(self) -> bool:
        option = self._config.getoption
        return bool(option("warn_unused_snapshots", False) or option("disable_unused_snapshots", False))

    def _report(self) -> dict[str, list[str]]:
        """What a worker tells the controller, in plain lists."""
        told = {} if self._usage is None else self._usage.plain()
        seen = {"collected": self._collected, "modules": self._modules, "passed": self._passed}
        return {**told, **{name: sorted(values) for name, values in seen.items()}}

    def _close(self) -> list[str]:
        """The lines of the summary; returns the unused goldens."""
        for report in self._workers:
            if report is not None:
                self._tally().merge(report)
                self._collected.update(report["collected"])
                self._modules.update(report["modules"])
                self._passed.update(report["passed"])
        unused = [] if None in self._workers else self._unused()
        self._lines = self._tally().lines(unused)
        if None in self._workers:
            self._lines.append("a worker was lost: unused goldens were not looked for")
        return unused

    def _unused(self) -> list[str]:
        from reconcile.golden.usage import Seen, unused_cases

        place, root = self.place(), self._config.rootpath

        def named(nodeid: str) -> str:
            return test_name(root / nodeid.split("::")[0], nodeid, place)

        partial = bool(self._config.getoption("lf", False))
        narrowed = {named(arg).split("::")[0] for arg in self._config.args if "::" in arg}
        return unused_cases(
            place,
            Seen(
                asserted=frozenset(self._tally().asserted),
                collected=frozenset(map(named, self._collected)),
                modules=frozenset() if partial else frozenset(map(named, self._modules)) - narrowed,
                passed=frozenset(map(named, self._passed)),
            ),
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines:
            terminalreporter.write_sep("-", "goldens")
            for line in self._lines:
                terminalreporter.write_line(line)


def _may_have_goldens(root: Path) -> bool:
    """A guess that costs no import: unrelated projects pay nothing."""
    if (root / "tests/golden/blessed").is_dir():
        return True
    try:
        return any(b"[tool.reconcile" in file.read_bytes() for file in _projects(root))
    except OSError:
        return False


def _projects(root: Path) -> Iterator[Path]:
    files = (folder / "pyproject.toml" for folder in (root, *root.parents))
    yield from (file for file in files if file.is_file())
