"""`reconcile gate`: what passes, what fails, and how it is told to people, to CI and to other programs."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from tests.schema_kit import conforms

from gate_kit import ENGINE, SETTINGS, commit, project
from reconcile import cli
from reconcile.gating import throughput as measuring
from reconcile.gating.model import Pair
from reconcile.goldens.files import seal_bytes

CASE = "small"
OVERCHARGING = """
import reconcile
import reference


def run(scenario, market):
    return reference.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
"""
IN_FRAMES = """
import reconcile
import reference


def run(scenario, market):
    books = reference.run(scenario, market)
    return reconcile.from_frames({name: reconcile.frame(books, name) for name in books.tables})
"""
NO_TIMING = ("--checks", "goldens,drift")

Answer = tuple[int, str]
Gate = Callable[..., Answer]


@pytest.fixture(scope="module")
def blessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in git whose one case was accepted."""
    root = project(tmp_path_factory.mktemp("gate") / "toy")
    cases = root / "tests/golden/cases"
    cases.mkdir(parents=True)
    text = (root / "small.toml").read_text().replace('"bars.csv"', '"../../../bars.csv"')
    (cases / f"{CASE}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert cli.exit_code(["golden", "check"]) == 1
        assert cli.exit_code(["golden", "accept", CASE, "--reason", "first"]) == 0
    commit(root, "golden")
    return root


@pytest.fixture
def toy(blessed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which becomes the current folder."""
    root = tmp_path / "toy"
    shutil.copytree(blessed, root)
    monkeypatch.chdir(root)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return root


@pytest.fixture
def gate(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Run it here; its exit code and what it printed. The project's engine is imported anew."""
    import sys

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "path", list(sys.path))
        sys.modules.pop("toy", None)
        capsys.readouterr()
        code = cli.exit_code(["gate", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    yield run
    sys.modules.pop("toy", None)


def engine(root: Path, text: str) -> None:
    (root / "toy.py").write_text(text)
    shutil.rmtree(root / "__pycache__", ignore_errors=True)  # two edits may share a second


def timed(monkeypatch: pytest.MonkeyPatch, ratio: float) -> None:
    """In place of measuring: identical code, then pairs of this ratio."""
    asked: list[int] = []

    def source(*_: object) -> Iterator[Pair]:
        asked.append(1)
        yield from repeat(Pair(1.0, 1.0) if len(asked) == 1 else Pair(1.0, ratio))

    monkeypatch.setattr(measuring, "pairs_of", source)


@pytest.mark.parametrize(
    ("ratio", "code", "word"), [(1.0, 0, "passed"), (1.2, 1, "failed"), (1.035, 4, "inconclusive")]
)
def test_the_first_line_is_the_answer_and_the_exit_code_says_the_same(
    toy: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, ratio: float, code: int, word: str
) -> None:
    """All three checks, throughput against a base."""
    timed(monkeypatch, ratio)
    found, text = gate("--base", "HEAD")
    assert found == code
    first = text.splitlines()[0]
    timing = f"throughput ({ratio:.3f} of the time, limit 1.035)"
    others = "goldens (1), drift (1 case)"
    assert first == (f"passed: {others}, {timing}" if code == 0 else f"{word}: {timing}; passed: {others}")
    assert "\ngoldens     1 of 1 golden holds\ndrift       no drift in 1 case\n" in text
    assert f"\nthroughput  {word}: {ratio:.3f} of the time (" in text
    assert "HEAD and the project hold the same code" in text
    assert "A/A pairs" in text and "floor" in text


def test_no_base_and_no_record_could_not_tell(toy: Path, gate: Gate) -> None:
    """What was asked for and not done is no pass."""
    code, text = gate()
    assert code == 2 and text.startswith("could not tell: ")
    assert "reconcile gate --record" in text


def test_a_check_left_out_is_said(toy: Path, gate: Gate) -> None:
    assert gate(*NO_TIMING) == (
        0,
        "passed: goldens (1), drift (1 case); not checked: throughput\n\n"
        "goldens  1 of 1 golden holds\ndrift    no drift in 1 case\n",
    )


def test_an_engine_that_drifts_fails_and_the_drift_is_named(toy: Path, gate: Gate) -> None:
    """The reference still agrees with the golden; the project's engine does not."""
    engine(toy, OVERCHARGING)
    code, text = gate(*NO_TIMING)
    assert code == 1
    assert text.startswith(
        "failed: drift (1 case); passed: goldens (1); not checked: throughput\n\n"
        "goldens  1 of 1 golden holds\ndrift    1 case drifted: small (return "
    )
    assert re.search(r"\n  commission drifted [\d.,]+ -> [\d.,]+ \(\+[\d.,]+; limit 0, exact\)\n", text)


def test_an_engine_that_hands_over_frames_has_the_return_on_the_cash_of_its_scenario(
    toy: Path, gate: Gate
) -> None:
    """Frames do not say what the account started with."""
    engine(toy, IN_FRAMES)
    code, text = gate(*NO_TIMING)
    assert (code, text.splitlines()[0]) == (
        0,
        "passed: goldens (1), drift (1 case); not checked: throughput",
    )


def test_a_drift_within_declared_limits_passes_and_is_said(toy: Path, gate: Gate) -> None:
    """Of one case only, named; beyond them it fails again."""
    engine(toy, OVERCHARGING)
    limits = '\n[tool.reconcile.gate.cases.small]\nreturn = "0.01"\ncosts = "0.7"\nfills = 1\n'
    (toy / "pyproject.toml").write_text(SETTINGS + limits)
    code, text = gate(*NO_TIMING)
    assert (code, text.splitlines()[0]) == (
        0,
        "passed: goldens (1), drift (1 case); not checked: throughput",
    )
    assert "\ndrift    within the limits in 1 case\n" in f"{text}\n"
    (toy / "pyproject.toml").write_text(SETTINGS + limits.replace('"0.7"', '"0.5"'))
    code, text = gate(*NO_TIMING)
    assert code == 1 and "commission drifted" in text and "return drifted" not in text


# --- tampering --------------------------------------------------------------------------------------


def golden_folder(root: Path) -> Path:
    return root / "tests/golden/blessed" / CASE


def test_any_edited_cell_fails_the_gate_and_is_named(toy: Path, gate: Gate) -> None:
    """A sample of cells of every table, of summary and chain; each restored afterwards."""
    draw = random.Random(4)
    files = sorted(golden_folder(toy).rglob("*.csv"))
    assert len(files) == 8
    for file in files:
        whole = file.read_text()
        rows = whole.splitlines()
        for _ in range(2):
            line, column = draw.randrange(1, len(rows)), draw.randrange(rows[0].count(",") + 1)
            cells = rows[line].split(",")
            cells[column] += "1"
            file.write_text("\n".join([*rows[:line], ",".join(cells), *rows[line + 1 :]]) + "\n")
            where = file.relative_to(golden_folder(toy)).as_posix()
            name = f"{where}, line {line + 1}, {rows[0].split(',')[column]}"
            code, text = gate(*NO_TIMING)
            assert code == 1 and f"  {name}: " in text, (name, text)
        file.write_text(whole)
    assert gate(*NO_TIMING)[0] == 0


@pytest.mark.parametrize("name", ["manifest.json", "scenario.toml", "seal.json"])
def test_any_edited_line_of_the_other_files_fails_the_gate(name: str, toy: Path, gate: Gate) -> None:
    """Each line in turn."""
    file = golden_folder(toy) / name
    whole = file.read_text().splitlines()
    for place in range(0, len(whole), 4):
        file.write_text("\n".join([*whole[:place], f"{whole[place]} ", *whole[place + 1 :]]) + "\n")
        code, text = gate("--checks", "goldens")
        assert code == 1 and name in text, text


def test_the_drift_check_alone_sees_an_edited_golden(toy: Path, gate: Gate) -> None:
    """Nothing can be held against it, and it is not passed over."""
    file = golden_folder(toy) / "summary.csv"
    file.write_text(file.read_text() + "\n")
    code, text = gate("--checks", "drift")
    assert code == 1 and "small under toy:run\n  its golden is not what was accepted" in text


def test_a_golden_that_no_accept_put_there_fails(toy: Path, gate: Gate) -> None:
    """Sealed, and true to the run: the journal does not know it."""
    journal = toy / "tests/golden/JOURNAL.md"
    text = journal.read_text()
    journal.write_text(text.replace(f"| {CASE} |", "| other |"))
    code, said = gate(*NO_TIMING)
    assert code == 1 and "JOURNAL.md, small: no entry tells that this golden was accepted" in said
    journal.write_text(text)
    assert gate(*NO_TIMING)[0] == 0


def test_a_golden_of_nothing_fails(toy: Path, gate: Gate) -> None:
    """Hand-made: no case file, said to be of a test, and without a fill."""
    (toy / "tests/golden/cases" / f"{CASE}.toml").unlink()
    folder = golden_folder(toy)
    facts = json.loads((folder / "manifest.json").read_text())
    facts["test"] = "toy.py::test_it"
    facts["figures"]["fills"] = 0
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    files["manifest.json"] = (json.dumps(facts, indent=1) + "\n").encode()
    (folder / "manifest.json").write_bytes(files["manifest.json"])
    (folder / "seal.json").write_bytes(seal_bytes(files))
    code, text = gate("--checks", "goldens")
    assert code == 1 and "small: empty" in text


@pytest.mark.parametrize("emptied", [".", "blessed", "cases"])
def test_without_goldens_nothing_passes(toy: Path, gate: Gate, emptied: str) -> None:
    """No folder, no golden, or no case: never exit 0."""
    place = toy / "tests/golden" / emptied
    shutil.rmtree(place)
    if emptied != ".":
        place.mkdir()
    code, text = gate(*NO_TIMING)
    assert code == (2 if emptied == "." else 1)
    nothing = "no golden was checked\ndrift    no case was compared for drift"
    assert (nothing in text) == (emptied == ".")
    assert gate("--checks", "drift")[0] == (0 if emptied == "cases" else 2)


# --- how it is told ---------------------------------------------------------------------------------


def test_json_is_versioned_and_holds_what_it_says(
    toy: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys that its module documents."""
    timed(monkeypatch, 1.2)
    engine(toy, OVERCHARGING)
    code, text = gate("--base", "HEAD", "--json")
    found = json.loads(text)
    assert conforms("gate", found)
    assert (code, found["kind"], found["version"], found["outcome"]) == (1, "tieout.gate", 1, "failed")
    assert found["checks"] == {"goldens": "passed", "drift": "failed", "throughput": "failed"}
    assert found["engine"] == "toy:run"
    case = found["cases"][CASE]
    assert (case["golden"], case["outcome"]) == ("holds", "failed")
    assert [one["name"] for one in case["drifts"]] == ["return", "commission", "slippage", "fills"]
    assert {one["name"]: one["within"] for one in case["drifts"]}["commission"] is False
    assert "the engine disagrees with the reference" in found["throughput"]["said"][0]
    engine(toy, ENGINE)
    timed(monkeypatch, 1.2)
    found = json.loads(gate("--base", "HEAD", "--json")[1])
    assert conforms("gate", found)
    timing = found["throughput"]
    assert timing["ratio"] == pytest.approx(1.2) and timing["low"] <= 1.2 <= timing["high"]
    assert len(timing["pairs"]) == 12 and len(timing["alike"]) == 10
    assert timing["machine"]["python"] and timing["limit"] == 1.035


def test_junit_counts_what_it_lists(toy: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite a check; an undecided throughput is skipped, a drift a failure."""
    engine(toy, OVERCHARGING)
    assert gate(*NO_TIMING, "--junit", "gate.xml")[0] == 1
    root = Xml.parse(toy / "gate.xml").getroot()
    assert root is not None and root.tag == "testsuites"
    suites = {suite.attrib["name"]: suite for suite in root}
    assert {name: (suite.attrib["tests"], suite.attrib["failures"]) for name, suite in suites.items()} == {
        "goldens": ("1", "0"),
        "drift": ("1", "1"),
    }
    failure = suites["drift"].find("testcase/failure")
    assert failure is not None and "commission drifted" in (failure.text or "")
    engine(toy, ENGINE)
    timed(monkeypatch, 1.035)
    assert gate("--base", "HEAD", "--junit", "gate.xml")[0] == 4
    root = Xml.parse(toy / "gate.xml").getroot()
    assert root is not None
    assert (root.attrib["tests"], root.attrib["skipped"], root.attrib["errors"]) == ("3", "1", "0")


def test_junit_of_nothing_is_an_error(toy: Path, gate: Gate) -> None:
    """An empty suite would count as a pass."""
    shutil.rmtree(toy / "tests/golden")
    gate(*NO_TIMING, "--junit", "gate.xml")
    root = Xml.parse(toy / "gate.xml").getroot()
    assert root is not None and (root.attrib["tests"], root.attrib["errors"]) == ("2", "2")


def test_github_gets_annotations_and_a_job_summary(
    toy: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself where GITHUB_ACTIONS is true; a line a finding, and a table with a row a case."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(toy / "summary.md"))
    engine(toy, OVERCHARGING)
    code, text = gate(*NO_TIMING)
    notes = [line for line in text.splitlines() if line.startswith("::")]
    assert code == 1 and len(notes) == 1
    assert re.fullmatch(
        r"::error file=tests/golden/cases/small.toml,line=1,title=gate%3A drift small"
        r"::return drifted .*%0Acommission drifted .*",
        notes[0],
    )
    summary = (toy / "summary.md").read_text()
    assert summary.startswith("### gate: failed\n")
    assert "| case | golden | return | commission | slippage | fills | verdict |" in summary
    assert re.search(r"\n\| small \| holds \| .+ -&#62; .+ \| .+ \| .+ \| \d+ \| failed \|\n", summary)
    engine(toy, ENGINE)
    code, text = gate(*NO_TIMING)
    assert code == 0 and "\n::notice title=gate%3A gate::passed: " in text
    assert "::" not in gate(*NO_TIMING, "--no-github")[1]


def test_a_golden_is_annotated_at_the_row_of_the_first_divergence(toy: Path, gate: Gate) -> None:
    """The line of the table that holds it; an edited cell is annotated where it stands."""
    engine(toy, ENGINE)
    case = toy / f"tests/golden/cases/{CASE}.toml"
    case.write_text(case.read_text().replace('rate = "5"', 'rate = "7"', 1))
    _, text = gate("--checks", "goldens", "--github")
    (note,) = [line for line in text.splitlines() if line.startswith("::error")]
    found = re.match(r"::error file=(tests/golden/blessed/small/tables/\w+\.csv),line=(\d+),title=", note)
    assert found, note
    row = (toy / found[1]).read_text().splitlines()[int(found[2]) - 1]
    assert re.search(r"first +rebalance 0, (\S+),", text)[1] in row
    fills = toy / "tests/golden/blessed/small/tables/fills.csv"
    lines = fills.read_text().splitlines()
    lines[2] = lines[2].replace("buy", "sell")
    fills.write_text("\n".join(lines) + "\n")
    _, text = gate("--checks", "goldens", "--github")
    assert "::error file=tests/golden/blessed/small/tables/fills.csv,line=3,title=" in text


def test_what_data_says_cannot_command_a_workflow(toy: Path, gate: Gate) -> None:
    """A case's name and an engine's words come from files: they neither end a line nor break the XML."""
    cases = toy / "tests/golden/cases"
    text = (cases / f"{CASE}.toml").read_text()
    (cases / "a,b:c%0A::warning::x<&>|`.toml").write_text(text.replace("n = 2", 'n = "\\u001b[31m::error::"'))
    code, said = gate("--checks", "goldens", "--github", "--junit", "gate.xml")
    assert code == 1 and "\x1b" not in said
    assert [line[:8] for line in said.splitlines() if line.startswith("::")] == ["::error "]
    assert Xml.parse(toy / "gate.xml").getroot() is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--checks", "speed"), "goldens, drift, throughput"),
        (("--budget", "0"), "--budget"),
        (("--record", "--base", "HEAD"), "--base"),
        (("--checks", "goldens", "--junit", "no/such/folder.xml"), "--junit"),
    ],
)
def test_what_cannot_be_done_exits_2(toy: Path, gate: Gate, arguments: tuple[str, ...], said: str) -> None:
    code, text = gate(*arguments)
    assert code == 2 and said in text and "Traceback" not in text


@pytest.mark.parametrize(
    "line",
    [
        "limit = 3",
        "limit_percent = 0",
        'limit_percent = "3"',
        "record_limit_percent = -1",
        "pairs = 3",
        "checks = []",
        'checks = ["speed"]',
        'agreement = "nobody"',
        "cases = { nothing-such = { fills = 1 } }",
        'limits = { return = "-1" }',
        "limits = { return = 0.1 }",
    ],
)
def test_a_setting_that_is_none_is_named(toy: Path, gate: Gate, line: str) -> None:
    """Where, what was found, what was expected."""
    (toy / "pyproject.toml").write_text(f"[tool.reconcile.gate]\n{line}\n")
    code, text = gate(*NO_TIMING)
    assert code == 2 and "tool.reconcile.gate" in text and "expected" in text
