"""The throughput check: which runs count, which code runs, and what a measurement comes to.

No test asserts a timing: decisions are made on given pairs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, cycle, islice, repeat
from pathlib import Path

import pytest
from tests.schema_kit import conforms

import reconcile
from gate_kit import ENGINE, commit, git, project
from reconcile.gating import throughput as module
from reconcile.gating.model import Against, Machine, Outcome, Pair, Record, Settings, Throughput
from reconcile.gating.record import is_alike, read_records, this_machine, write_record
from reconcile.gating.sequential_test import FIRST_LOOK
from reconcile.gating.settings import read_gate_settings
from reconcile.gating.throughput import measure_record, throughput
from reconcile.gating.timing import against_reference, pairs_of, start_workers
from reconcile.gating.trees import base_and_head, working_tree
from vocabulary.errors import InputError

WRONG = """
import reconcile
import reference


def run(scenario, market):
    return reference.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
"""
UNSTEADY = """
import reconcile
import reference

RUNS = []


def run(scenario, market):
    RUNS.append(1)
    rate = "5" if len(RUNS) < 3 else "8"
    return reference.run(reconcile.replace(scenario, "costs.commission.rate", rate), market)
"""
REMEMBERING = """
import reference

KEPT = {}


def run(scenario, market):
    key = scenario.digest, market.digest
    if key not in KEPT:
        KEPT[key] = reference.run(scenario, market)
    return KEPT[key]
"""
DIGESTS: dict[str, str] = {}


def silent(text: str) -> None:
    """Tells nobody."""


def given(monkeypatch: pytest.MonkeyPatch, *, alike: Pair, pairs: Pair) -> list[str]:
    """In place of measuring, pairs without end: A/A when asked for first, then the others. What was asked."""
    asked: list[str] = []

    def source(*_: object) -> Iterator[Pair]:
        asked.append("pairs")
        one = alike if len(asked) == 1 else pairs
        yield from repeat(one)

    monkeypatch.setattr(module, "pairs_of", source)
    monkeypatch.setattr(module, "against_reference", source)
    return asked


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return project(tmp_path / "toy")


def against_base(root: Path, revision: str = "HEAD") -> Throughput:
    return throughput(read_gate_settings(root), revision, silent)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(1.0, Outcome.PASSED), (1.1, Outcome.FAILED), (1.035, Outcome.INCONCLUSIVE)],
)
def test_base_and_head_are_built_checked_and_measured(
    toy: Path, monkeypatch: pytest.MonkeyPatch, ratio: float, expected: Outcome
) -> None:
    """The whole check, from a revision to an outcome, with its ratio, interval and floor."""
    given(monkeypatch, alike=Pair(1.0, 1.001), pairs=Pair(1.0, ratio))
    (toy / "toy.py").write_text(ENGINE + "# changed\n")
    found = against_base(toy)
    assert found.said == ()
    assert (found.outcome, found.against, found.against_name) == (expected, Against.BASE, "HEAD")
    assert found.decision is not None
    assert found.decision.ratio == pytest.approx(ratio)
    assert found.decision.low < ratio < found.decision.high
    assert found.decision.floor == pytest.approx(math.exp(1.4826 * math.log(1.001) / math.sqrt(10)), rel=1e-3)
    assert len(found.alike) == 10 and found.events == 40


def test_pairs_are_measured_by_processes_of_their_own(toy: Path) -> None:
    """Real ones, of base and head and of reference and engine; each a positive time."""
    settings = read_gate_settings(toy)
    with base_and_head(settings, "HEAD") as (base, head):
        with start_workers(settings, "reference", head) as (child,):
            found = child.ask("check")
        right = found["ledger"]
        assert right == found["vouched"] and child.events == 40
        one, other = islice(pairs_of(settings, base, head, (right, right)), 2)
        (third,) = islice(against_reference(settings, head, right), 1)
    for pair in (one, other, third):
        assert 0 < pair.base < 60 and 0 < pair.head < 60
    assert one != other


def test_an_engine_that_is_wrong_is_not_timed(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast wrong answer fails."""
    asked = given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1, 0.1))
    (toy / "toy.py").write_text(WRONG)
    found = against_base(toy)
    assert found.outcome is Outcome.FAILED and found.decision is None
    assert "disagrees with the reference" in found.said[0]
    assert not asked


def test_a_base_that_is_wrong_is_no_yardstick(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Could not tell: neither a pass nor the fault of head."""
    asked = given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1, 0.1))
    (toy / "toy.py").write_text(WRONG)
    commit(toy, "wrong")
    (toy / "toy.py").write_text(ENGINE)
    found = against_base(toy)
    assert found.outcome is Outcome.UNKNOWN and "base cannot be timed" in found.said[0]
    assert not asked


def test_a_run_whose_ledger_differs_from_the_one_checked_does_not_count(toy: Path) -> None:
    """An engine that turns wrong after the check is caught while it is timed."""
    (toy / "toy.py").write_text(UNSTEADY)
    found = against_base(toy)
    assert found.outcome is Outcome.UNKNOWN
    assert "ledger" in found.said[0]


def test_both_sides_running_one_code_is_no_comparison(toy: Path) -> None:
    """The engine must come from the tree itself: an installed one would tie with itself forever."""
    settings = (toy / "pyproject.toml").read_text().replace("toy:run", "reference:run")
    (toy / "pyproject.toml").write_text(settings)
    commit(toy, "an engine from elsewhere")
    found = against_base(toy)
    assert found.outcome is Outcome.UNKNOWN
    assert "one from the project's own files" in found.said[0]


def test_ledgers_that_differ_between_revisions_are_named(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another scenario: both sides are right, and the reader learns that the work is not the same."""
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1, 1))
    text = (toy / "small.toml").read_text()
    (toy / "small.toml").write_text(text.replace('rate = "5"', 'rate = "8"'))
    found = against_base(toy)
    assert found.outcome is Outcome.PASSED
    assert "base and head give different ledgers (another scenario)" in found.said[0]


def test_a_base_that_is_the_same_code_is_said(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes, and nobody is led to believe that two things were compared."""
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1, 1))
    found = against_base(toy)
    assert found.outcome is Outcome.PASSED
    assert found.said == ("HEAD and the project hold the same code",)


def test_an_engine_that_remembers_its_results_is_not_timed(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every timed run but the first would be a look into a dictionary."""
    asked = given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1, 0.01))
    (toy / "toy.py").write_text(REMEMBERING)
    found = against_base(toy)
    assert found.outcome is Outcome.UNKNOWN and found.decision is None
    assert "the same work in every run" in found.said[0]
    assert not asked


@pytest.mark.parametrize("revision", ["no-such-branch", "--help", "HEAD~5", ""])
def test_an_unknown_revision_could_not_tell(toy: Path, revision: str) -> None:
    found = against_base(toy, revision)
    assert found.outcome is Outcome.UNKNOWN and f"--base {revision}" in found.said[0]


def test_outside_git_there_is_no_base(tmp_path: Path) -> None:
    found = throughput(Settings(tmp_path), "HEAD", silent)
    assert found.outcome is Outcome.UNKNOWN and "git" in found.said[0]


def test_head_is_the_working_tree_and_base_the_commit(toy: Path) -> None:
    """Uncommitted and new files are timed; what git ignores, and what export leaves out, is not missed."""
    (toy / ".gitattributes").write_text("toy.py export-ignore\n")
    (toy / ".gitignore").write_text("ignored.txt\n")
    commit(toy, "attributes")
    (toy / "toy.py").write_text(ENGINE + "# changed\n")
    (toy / "new.py").write_text("")
    (toy / "ignored.txt").write_text("")
    (toy / "bars.csv").rename(toy / "moved.csv")
    with base_and_head(read_gate_settings(toy), "HEAD") as (base, head):
        assert (base.root / "toy.py").read_text() == ENGINE
        assert (head.root / "toy.py").read_text().endswith("# changed\n")
        assert sorted(path.name for path in head.root.iterdir() if path.suffix != "") == [
            "moved.csv",
            "new.py",
            "pyproject.toml",
            "small.toml",
            "toy.py",
        ]
        assert base.environment["NUMBA_CACHE_DIR"] != head.environment["NUMBA_CACHE_DIR"]
        assert len(str(base.root)) == len(str(head.root))
        places = base.root, head.root
    assert not any(place.exists() for place in places)
    assert git(toy, "worktree", "list").count("\n") == 0


def test_data_that_git_ignores_is_lent_to_both(toy: Path) -> None:
    """The bars are often too large for git; the code beside them is what is compared."""
    (toy / ".gitignore").write_text("bars.csv\n")
    git(toy, "rm", "-q", "--cached", "bars.csv")
    commit(toy, "ignored")
    settings = read_gate_settings(toy)
    with (
        base_and_head(settings, "HEAD") as (base, head),
        start_workers(settings, "itself", base, head) as started,
    ):
        assert [child.events for child in started] == [40, 40]


def test_a_project_below_the_top_of_its_repository(tmp_path: Path) -> None:
    project(tmp_path)
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("toy.py", "pyproject.toml", "small.toml", "bars.csv"):
        (tmp_path / name).rename(inner / name)
    commit(tmp_path, "moved")
    with base_and_head(read_gate_settings(inner), "HEAD") as (base, head):
        assert (base.root / "toy.py").is_file() and (head.root / "toy.py").is_file()
    with pytest.raises(InputError, match="a revision without it"), base_and_head(Settings(inner), "HEAD~1"):
        pass


def test_build_commands_run_in_both_trees_and_must_work(toy: Path) -> None:
    settings = replace(read_gate_settings(toy), build=("touch built",))
    with base_and_head(settings, "HEAD") as (base, head):
        assert (base.root / "built").exists() and (head.root / "built").exists()
    assert not (toy / "built").exists()
    broken = replace(settings, build=("echo no compiler >&2; exit 3",))
    with pytest.raises(InputError, match="exit code 3: no compiler"), base_and_head(broken, "HEAD"):
        pass


def test_a_budget_that_ends_with_identical_code_decides_nothing(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that slow no floor is known: inconclusive, and said."""
    clock: Callable[[], float] = chain(range(0, 10_000, 30), cycle([10_000])).__next__
    monkeypatch.setattr(module.time, "monotonic", clock)
    asked = given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1.0, 2.0))
    found = throughput(replace(read_gate_settings(toy), budget=60.0), "HEAD", silent)
    assert found.outcome is Outcome.INCONCLUSIVE and asked == ["pairs"]
    assert len(found.alike) < 10 and found.pairs == ()
    assert "before the noise floor was known" in found.said[-1]


def record_of(root: Path, **changes: object) -> Record:
    """A record that fits the project as it was made: its digests are the same in any folder."""
    if not DIGESTS:
        settings = read_gate_settings(root)
        with start_workers(settings, "reference", working_tree(settings)) as (child,):
            DIGESTS.update(child.ask("check"))
    found = DIGESTS
    made = Record(
        "small.toml", found["scenario"], found["ledger"], 20.0, 19.9, 20.1, 30, this_machine(), "2024-01-31"
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine_seconds", "expected"),
    [
        (0.05, Outcome.PASSED),
        (0.01, Outcome.PASSED),
        (0.064, Outcome.PASSED),
        (0.065, Outcome.INCONCLUSIVE),
        (0.066, Outcome.FAILED),
    ],
)
def test_without_a_base_the_ratio_is_held_against_the_record(
    toy: Path, monkeypatch: pytest.MonkeyPatch, engine_seconds: float, expected: Outcome
) -> None:
    """On record the engine takes a twentieth of the reference's second; 30 % more is the limit, give or take
    the record's own interval. A faster engine passes, however much."""
    write_record(toy / "benchmarks/record.json", record_of(toy))
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1.0, engine_seconds))
    found = throughput(read_gate_settings(toy), None, silent)
    assert (found.outcome, found.against) == (expected, Against.RECORD)
    assert found.decision is not None and found.decision.ratio == pytest.approx(engine_seconds * 20)


@pytest.mark.parametrize(
    ("part", "engine_seconds", "expected"),
    [
        ("processor", 0.05, Outcome.INCONCLUSIVE),
        ("python", 0.1, Outcome.INCONCLUSIVE),
        ("numba", 0.2, Outcome.INCONCLUSIVE),
        ("system", 0.3, Outcome.FAILED),
    ],
)
def test_a_record_of_another_machine_tells_only_a_collapse(
    toy: Path, monkeypatch: pytest.MonkeyPatch, part: str, engine_seconds: float, expected: Outcome
) -> None:
    """Of another processor, Python or numba the ratio may be twice another: that is no failure."""
    elsewhere = replace(this_machine(), **{part: "another"})
    write_record(toy / "benchmarks/record.json", record_of(toy, machine=elsewhere))
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1.0, engine_seconds))
    found = throughput(read_gate_settings(toy), None, silent)
    assert found.outcome is expected
    assert "no record is of this machine" in found.said[0]
    assert len(found.pairs) == FIRST_LOOK, "more would have been measured for nothing"


def test_each_machine_has_a_record_of_its_own(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured anew it replaces this machine's and leaves the others'; with other work, those go, too."""
    file = toy / "benchmarks/record.json"
    elsewhere = replace(this_machine(), processor="another")
    write_record(file, record_of(toy, machine=elsewhere, ratio=90.0, low=89.0, high=91.0))
    write_record(file, record_of(toy, ratio=30.0, low=29.0, high=31.0))
    write_record(file, record_of(toy))
    assert {one.machine.processor: one.ratio for one in read_records(file)} == {
        "another": 90.0,
        this_machine().processor: 20.0,
    }
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1.0, 0.05))
    found = throughput(read_gate_settings(toy), None, silent)
    assert found.record is not None and found.record.ratio == 20.0
    assert found.outcome is Outcome.PASSED and found.said == ()
    write_record(file, record_of(toy, ledger="0" * 64))
    assert len(read_records(file)) == 1


def test_without_a_record_or_with_one_of_other_work_it_could_not_tell(toy: Path) -> None:
    settings = read_gate_settings(toy)
    nothing = throughput(settings, None, silent)
    assert nothing.outcome is Outcome.UNKNOWN and "no record" in nothing.said[0]
    write_record(toy / "benchmarks/record.json", record_of(toy, ledger="0" * 64))
    other = throughput(settings, None, silent)
    assert other.outcome is Outcome.UNKNOWN and "another scenario or ledger" in other.said[0]


def test_a_measured_record_reads_back(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = [Pair(1.0, 0.05 * (1 + 0.001 * (k % 3))) for k in range(30)]
    monkeypatch.setattr(module, "against_reference", lambda *_: islice_closing(times))
    found = measure_record(replace(read_gate_settings(toy), pairs=30), silent)
    assert found.low < found.ratio < found.high and found.ratio == pytest.approx(20, rel=0.01)
    write_record(toy / "record.json", found)
    assert read_records(toy / "record.json") == (found,)
    assert is_alike(found.machine, this_machine())
    monkeypatch.chdir(toy)
    said = reconcile.gate(record=True)
    assert said.text().startswith("on record: the engine is 20.0 times as fast as the reference (")
    assert conforms("record", json.loads(said.to_json())) and said.exit_code == 0
    assert read_records(toy / said.file) == (said.record,)
    for beside in ({"base": "HEAD"}, {"checks": "drift"}):
        with pytest.raises(InputError, match="beside it"):
            reconcile.gate(record=True, **beside)  # type: ignore[call-overload]


def islice_closing(pairs: list[Pair]) -> Iterator[Pair]:
    yield from pairs


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": 1}', '{"format": 2}', '{"format": 2, "records": [{"machine": {}}]}'],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(InputError, match="no record"):
        read_records(tmp_path / "record.json")


@pytest.mark.parametrize(
    "changes", [{"ratio": -1}, {"low": 30}, {"ratio": "20"}, {"high": math.nan}, {"low": True}]
)
def test_a_record_of_impossible_numbers_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    file = tmp_path / "record.json"
    machine = Machine("p", 2, "s", "3.12", "1", "2")
    write_record(file, Record("s", "0" * 64, "1" * 64, 20.0, 19.0, 21.0, 30, machine, "2024-01-31"))
    content = json.loads(file.read_text())
    assert len(read_records(file)) == 1
    content["records"][0].update(changes)
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="no record"):
        read_records(file)


def test_measuring_ends_with_the_budget(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs that never decide: it stops at the first one after the budget has run out, and says so."""
    clock: Callable[[], float] = chain(range(0, 10_000, 5), cycle([10_000])).__next__
    monkeypatch.setattr(module.time, "monotonic", clock)
    given(monkeypatch, alike=Pair(1, 1), pairs=Pair(1.0, 1.035))
    found = throughput(replace(read_gate_settings(toy), budget=60.0), "HEAD", silent)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert 1 <= len(found.pairs) <= 12
