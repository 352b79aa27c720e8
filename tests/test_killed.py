"""Every command that writes, ended at every write: by SIGKILL, by SIGINT or SIGTERM, by a disk that is full.

What a command writes is whole or not there, the earlier content stays until then, nothing else is left, and
the next run of the command ends as if nothing had happened.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

import golden_kit
from conftest import SMALL_SCENARIO, small_bars
from killing_kit import Tree, before_each_change, disk_of, interrupted_at, read_tree, states, write_tree
from reconcile import cli
from reconcile.commands.process import CANNOT_TELL, INTERRUPTED, TERMINATED, Terminated
from reconcile.explaining import explain as explaining
from reconcile.gating import throughput
from reconcile.gating.model import Record
from reconcile.gating.record import this_machine, write_record
from reconcile.shrinking import case_folder
from reconcile.shrinking import shrink as shrinking
from reconcile.templates.project import FILES

OURS = Path(__file__).parent / "golden"
EITHER_WAY = "summary.json"
"""Holds the seconds of a run, so that two runs differ in it."""

posix = pytest.mark.skipif(os.name != "posix", reason="limits and signals of POSIX")


@dataclass(frozen=True)
class Case:
    """A command that writes. units: the files and folders that it writes, each whole or not at all."""

    prepare: Callable[[Path], None]
    arguments: Sequence[str]
    code: int
    units: Sequence[str]


def small_project(folder: Path) -> None:
    (folder / "bars.csv").write_text(small_bars())
    (folder / "small.toml").write_text(SMALL_SCENARIO)


def earlier_output(folder: Path) -> None:
    """An output of a run with other costs."""
    small_project(folder)
    text = SMALL_SCENARIO.replace('rate = "5"', 'rate = "9"')
    (folder / "other.toml").write_text(text)
    assert run_in(folder, ["run", "other.toml", "--out", "results", "--format", "csv"]) == 0


def two_ledgers(folder: Path) -> None:
    earlier_output(folder)
    assert run_in(folder, ["run", "small.toml", "--out", "right", "--format", "csv"]) == 0
    (folder / "breaks.csv").write_text("what was there\n")


def changed_golden(folder: Path) -> None:
    """A project whose one case was changed since it was blessed."""
    one_golden(folder)
    file = folder / "tests/golden/cases/exit-time.toml"
    file.write_text(file.read_text().replace('rate = "5"', 'rate = "8"'))


def one_golden(folder: Path) -> None:
    paths = golden_kit.project(folder)
    paths.cases.mkdir(parents=True)
    shutil.copytree(OURS / "markets", paths.cases.parent / "markets")
    shutil.copy(OURS / "cases" / "exit-time.toml", paths.cases)
    shutil.copytree(OURS / "blessed" / "exit-time", paths.blessed / "exit-time")
    shutil.copy(OURS / "JOURNAL.md", paths.journal)
    (folder / "gate.xml").write_text("what was there\n")


def offered_golden(folder: Path) -> None:
    """A project with something pending."""
    paths = golden_kit.project(folder)
    golden_kit.bless(paths, 1, ["one"])
    golden_kit.offer(paths, "one", 2)


def dear_engine(folder: Path) -> None:
    """A candidate that breaks, and the case that an earlier one was cut down to."""
    small_project(folder)
    engine = "import reconcile\n\n\ndef run(scenario, market):\n    return reconcile.engine.run("
    (folder / "killed_dear.py").write_text(
        f"{engine}reconcile.replace(scenario, 'costs.commission.rate', '50'), market)\n"
    )
    assert run_in(folder, ["shrink", "small.toml", "killed_dear:run", "--in-process"]) == 1
    (folder / "shrunk" / "WHY.md").write_text("an earlier case\n")


def quick_record(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.reconcile]\n")
    (folder / "benchmarks").mkdir()
    write_record(folder / "benchmarks/record.json", replace(RECORD, ratio=1.5))


RECORD = Record("stocks", "a" * 64, "b" * 64, 2.0, 1.0, 3.0, 12, this_machine(), "2026-01-01")


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """What is expensive and writes nothing is done once: measuring, cutting a case down, explaining it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throughput, "measure_record", lambda settings, say: RECORD)
        for module, name in ((shrinking, "shrink"), (explaining, "explain")):
            patch.setattr(module, name, once(getattr(module, name)))
        patch.setattr(case_folder, "_fails", lambda folder: True)  # it runs pytest, which writes nothing here
        yield


def once(function: Callable[..., object]) -> Callable[..., object]:
    """The function, which gives its first answer again."""
    found: list[object] = []

    def call(*given: object, **named: object) -> object:
        if not found:
            found.append(function(*given, **named))
        return found[0]

    return call


BLESSED = "tests/golden/blessed"
CASES = {
    "run": Case(small_project, ["run", "small.toml", "--out", "results"], 0, ["results"]),
    "run over an output": Case(
        earlier_output, ["run", "small.toml", "--out", "results", "--format", "csv"], 0, ["results"]
    ),
    "diff": Case(
        two_ledgers,
        ["diff", "right/reference", "results/reference", "--csv", "breaks.csv", "--rebalances", "rows.csv"],
        1,
        ["breaks.csv", "rows.csv"],
    ),
    "init": Case(lambda folder: None, ["init", "mine"], 0, [f"mine/{name}" for name in FILES]),
    "golden check": Case(changed_golden, ["golden", "check"], 1, [f"{BLESSED}/exit-time.pending"]),
    "shrink": Case(dear_engine, ["shrink", "small.toml", "killed_dear:run", "--in-process"], 1, ["shrunk"]),
    "gate --record": Case(quick_record, ["gate", "--record"], 0, ["benchmarks/record.json"]),
    "gate": Case(one_golden, ["gate", "--checks", "goldens", "--junit", "gate.xml"], 0, ["gate.xml"]),
}


def run_in(folder: Path, arguments: Sequence[str]) -> int:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return cli.exit_code(arguments)
    finally:
        os.chdir(before)


@dataclass(frozen=True)
class Recorded:
    """A case, what was there before it, every state while it ran, and how many changes it made."""

    case: Case
    states: list[Tree]
    changes: int

    def is_whole(self, tree: Tree) -> bool:
        """Whether each unit is as before, as afterwards, or absent, and only scratches are beside them."""
        ends = (self.states[0], self.states[-1])
        wholes = all(
            any(same(unit_of(tree, unit), unit_of(end, unit)) for end in ends) or not unit_of(tree, unit)
            for unit in self.case.units
        )
        known = {name for end in ends for name in end}
        return wholes and all(name in known or is_scratch(name) for name in tree)

    def is_done(self, tree: Tree) -> bool:
        return same(tree, self.states[-1])

    def is_tidy(self, tree: Tree) -> bool:
        """Whether it is whole, and no scratch is left."""
        return self.is_whole(tree) and not any(map(is_scratch, tree))


def is_scratch(name: str) -> bool:
    return any(part.startswith(".") and part.endswith((".tmp", ".new", ".old")) for part in name.split("/"))


def unit_of(tree: Tree, unit: str) -> Tree:
    return {name: content for name, content in tree.items() if name == unit or name.startswith(f"{unit}/")}


def same(one: Tree, other: Tree) -> bool:
    if one.keys() != other.keys():
        return False
    return all(one[name] == other[name] for name in one if Path(name).name != EITHER_WAY)


@pytest.fixture(scope="module", params=CASES)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Run a case once, and record it; once more, and count its changes."""
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp("recorded") / "live"
    folder.mkdir()
    case.prepare(folder)
    start = read_tree(folder)
    codes = []
    found = states(folder, lambda: codes.append(run_in(folder, case.arguments)))
    assert codes == [case.code]
    write_tree(start, folder)
    seen = [0]

    def count() -> None:
        seen[0] += 1

    with before_each_change(folder, count):
        assert run_in(folder, case.arguments) == case.code
    return Recorded(case, found, seen[0])


def test_a_killed_command_leaves_whole_files_and_the_next_one_ends_well(
    recorded: Recorded, tmp_path: Path
) -> None:
    """SIGKILL at any moment."""
    assert len(recorded.states) > 2
    for number, state in enumerate(recorded.states):
        assert recorded.is_whole(state), (number, sorted(state))
        there = write_tree(state, tmp_path / "killed")
        assert run_in(there, recorded.case.arguments) == recorded.case.code, number
        assert recorded.is_done(read_tree(there)), (number, sorted(read_tree(there)))


@posix
def test_an_interrupted_command_exits_130_or_143_and_leaves_nothing(
    recorded: Recorded, tmp_path: Path
) -> None:
    """SIGINT and SIGTERM, by turns, in place of each change of a file."""
    assert recorded.changes > 2
    for step in range(1, recorded.changes + 1):
        there = write_tree(recorded.states[0], tmp_path / "interrupted")
        error, code = ((KeyboardInterrupt(), INTERRUPTED), (Terminated(), TERMINATED))[step % 2]
        found, raised = interrupted_at(there, step, error, partial(run_in, there, recorded.case.arguments))
        tree = read_tree(there)
        assert raised and found == code, (step, found)
        assert recorded.is_whole(tree), (step, sorted(tree))
        assert run_in(there, recorded.case.arguments) == recorded.case.code
        assert recorded.is_done(read_tree(there)), step


@posix
def test_a_command_without_room_exits_2_and_leaves_nothing(recorded: Recorded, tmp_path: Path) -> None:
    """No space for a change of a file, or for more than so many bytes of one."""
    for step in range(1, recorded.changes + 1):
        there = write_tree(recorded.states[0], tmp_path / "full")
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        found, _ = interrupted_at(there, step, error, partial(run_in, there, recorded.case.arguments))
        tree = read_tree(there)
        assert found in (CANNOT_TELL, recorded.case.code), (step, found)
        assert recorded.is_whole(tree), (step, sorted(tree))
    for size in (0, 1, 100, 1000):
        there = write_tree(recorded.states[0], tmp_path / "full")
        with disk_of(size):
            found = run_in(there, recorded.case.arguments)
        tree = read_tree(there)
        assert found == CANNOT_TELL or (size > 0 and recorded.is_done(tree)), size
        assert recorded.is_tidy(tree), (size, sorted(tree))
