"""The pytest plugin: the fixture `ledger_snapshot`, and a report of goldens that no test asserts any more.

Every pytest run loads this module where tieout is installed. It therefore imports nothing of tieout until a
test requests the fixture or the project has goldens.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reconcile.goldens.model import ProjectPaths
    from reconcile.goldens.snapshot import AssertionResult, GivenTolerances, LedgerSnapshot


_OUTPUT = "tieout_goldens"
_SNAPSHOT = "reconcile.goldens.snapshot"


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
def golden_tolerance() -> GivenTolerances | None:
    """Bounds for an engine of doubles, each with its reason: a TOML file, or what it holds as a dictionary.
    Within them it has to agree with the reference, and its ledger is the golden's. None: to the last unit."""
    return None


@pytest.fixture
def ledger_snapshot(
    request: pytest.FixtureRequest, golden_agreement: str, golden_tolerance: GivenTolerances | None
) -> LedgerSnapshot:
    """The golden of a test's ledger: `assert my_engine(scenario, market) == ledger_snapshot`."""
    return snapshot_of(request.node, golden_agreement, golden_tolerance)


def snapshot_of(
    item: pytest.Item, agreement: str, tolerance: GivenTolerances | None = None
) -> LedgerSnapshot:
    """The object that a test compares its ledger with. agreement: "reference" or "itself"."""
    from reconcile.goldens.check import case_files
    from reconcile.goldens.model import Agreement
    from reconcile.goldens.snapshot import LedgerSnapshot, SnapshotContext

    session = item.config.pluginmanager.get_plugin("tieout-goldens")
    assert isinstance(session, _Session)
    paths = session.paths()
    test = test_name(item.path, item.nodeid, paths)
    return LedgerSnapshot(
        SnapshotContext(
            paths=paths,
            case=default_case(test),
            test=test,
            agreement=Agreement(agreement),
            update=updating(item.config),
            case_names=frozenset(case_files(paths)),
            on_result=session.add_result,
            tolerance=tolerance,
        )
    )


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain a failed comparison with a golden in the golden's terms, not by two reprs."""
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


def test_name(path: Path, nodeid: str, paths: ProjectPaths) -> str:
    """The name of a test in a golden: its file relative to the project, then the rest of its node id."""
    file = os.path.relpath(path.resolve(), paths.root).replace(os.sep, "/")
    return "::".join([file, *nodeid.split("::")[1:]])


test_name.__test__ = False  # type: ignore[attr-defined]


def default_case(test: str) -> str:
    """The case that a test's golden has by default: `module.test`."""
    file, *rest = test.split("::")
    return ".".join([Path(file).stem, *rest])


class _Session:
    """What one run of pytest asserted and collected; under xdist, the combined reports of its workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: ProjectPaths | None = None
        self._usage: AssertedCases | None = None
        self._lines: list[str] = []
        self._collected: set[str] = set()
        self._modules: set[str] = set()
        self._passed: set[str] = set()
        self._workers: list[dict[str, list[str]] | None] = []

    def paths(self) -> ProjectPaths:
        from reconcile.goldens.project_paths import find_project

        if self._found is None:
            self._found = find_project(self._config.rootpath)
        return self._found

    def add_result(self, result: AssertionResult) -> None:
        """Count the result of one assertion."""
        from reconcile.goldens.model import CheckStatus

        checked = result.checked
        stale = checked.status is CheckStatus.STALE
        self._asserted_cases().add(checked.case, stale=stale, pending=result.written)

    def _asserted_cases(self) -> AssertedCases:
        if self._usage is None:
            self._usage = AssertedCases()
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
        """What a worker reports to the controller, as lists of text."""
        told = {} if self._usage is None else self._usage.as_lists()
        seen = {"collected": self._collected, "modules": self._modules, "passed": self._passed}
        return {**told, **{name: sorted(values) for name, values in seen.items()}}

    def _close(self) -> list[str]:
        """Combine the workers' reports and write the lines of the summary; returns the unused goldens."""
        for report in self._workers:
            if report is not None:
                self._asserted_cases().merge(report)
                self._collected.update(report["collected"])
                self._modules.update(report["modules"])
                self._passed.update(report["passed"])
        unused = [] if None in self._workers else self._unused()
        self._lines = self._asserted_cases().lines(unused)
        if None in self._workers:
            self._lines.append("a worker was lost: unused goldens were not looked for")
        return unused

    def _unused(self) -> list[str]:
        paths, root = self.paths(), self._config.rootpath

        def named(nodeid: str) -> str:
            return test_name(root / nodeid.split("::")[0], nodeid, paths)

        partial = bool(self._config.getoption("lf", False))
        narrowed = {named(arg).split("::")[0] for arg in self._config.args if "::" in arg}
        return unused_cases(
            paths,
            CollectedTests(
                asserted=frozenset(self._asserted_cases().asserted),
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
    """Whether there may be goldens, found without an import, so that unrelated projects pay nothing."""
    if (root / "tests/golden/blessed").is_dir():
        return True
    try:
        return any(b"[tool.reconcile" in file.read_bytes() for file in _projects(root))
    except OSError:
        return False


def _projects(root: Path) -> Iterator[Path]:
    files = (folder / "pyproject.toml" for folder in (root, *root.parents))
    yield from (file for file in files if file.is_file())


@dataclass(slots=True)
class AssertedCases:
    """The cases that tests asserted, and those found stale or made pending; filled while tests run."""

    asserted: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)

    def add(self, case: str, *, stale: bool, pending: bool) -> None:
        """Count a case that a test asserted."""
        self.asserted.add(case)
        if stale:
            self.stale.add(case)
        if pending:
            self.pending.add(case)

    def as_lists(self) -> dict[str, list[str]]:
        """The cases as lists of text, which can be sent to another process."""
        return {name: sorted(getattr(self, name)) for name in ("asserted", "stale", "pending")}

    def merge(self, report: Mapping[str, Sequence[str]]) -> None:
        """Add what another process reported by `as_lists`."""
        for name in ("asserted", "stale", "pending"):
            getattr(self, name).update(report.get(name, ()))

    def lines(self, unused: Sequence[str]) -> list[str]:
        """The lines printed at the end of a run: pending, stale and unused goldens by name."""
        from reconcile.text.escape import printable

        groups = (
            ("pending", sorted(self.pending), "decide with: reconcile golden review"),
            ("stale", sorted(self.stale), "their inputs are no longer those blessed"),
            ("unused", list(unused), "no test asserts them: remove their folders"),
        )
        return [
            f"{len(cases):,} {name}: {', '.join(printable(case, 80) for case in cases)} ({advice})"
            for name, cases, advice in groups
            if cases
        ]


@dataclass(frozen=True, slots=True)
class CollectedTests:
    """The tests of a run, by the names that goldens record.

    asserted: cases asserted by a test. collected, passed: tests. modules: files collected completely.
    """

    asserted: frozenset[str]
    collected: frozenset[str]
    modules: frozenset[str]
    passed: frozenset[str]


def unused_cases(paths: ProjectPaths, run: CollectedTests) -> list[str]:
    """The goldens whose test no longer exists, or passed without asserting them.

    A test that was not selected, failed or was skipped may still assert its golden, and is not reported.
    """
    from reconcile.goldens.store import read_goldens

    return sorted(
        case
        for case, golden in read_goldens(paths).goldens.items()
        if golden.manifest.test is not None
        and case not in run.asserted
        and _is_gone(paths, golden.manifest.test, run)
    )


def _is_gone(paths: ProjectPaths, test: str, run: CollectedTests) -> bool:
    module = test.partition("::")[0]
    if not (paths.root / module).is_file():
        return True
    return test in run.passed or (module in run.modules and test not in run.collected)
