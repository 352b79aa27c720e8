"""`reconcile golden`: what check finds, how review groups it, and what a key decides."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from tests.schema_kit import conforms

import golden_kit
from reconcile import cli
from reconcile.goldens import build as build_module
from reconcile.goldens.accept import accept
from reconcile.goldens.check import check_goldens
from reconcile.goldens.golden_page import group_by_cause, group_lines
from reconcile.goldens.model import CheckStatus, Golden, ProjectPaths
from reconcile.goldens.project_paths import find_project
from reconcile.goldens.store import read_goldens
from reconcile.own_packages import own_package
from vocabulary.ledger import Ledger

OURS = Path(__file__).parent / "golden"
TWO = ("exit-time", "slippage-fixed")
BPS = "long-short"

Answer = tuple[int, str]
Reconcile = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectPaths:
    """Three cheap cases of ours in a project of their own, blessed."""
    place = golden_kit.project(tmp_path)
    place.cases.mkdir(parents=True)
    shutil.copytree(OURS / "markets", place.cases.parent / "markets")
    for case in (*TWO, BPS):
        shutil.copy(OURS / "cases" / f"{case}.toml", place.cases)
        shutil.copytree(OURS / "blessed" / case, place.blessed / case)
    shutil.copy(OURS / "JOURNAL.md", place.journal)
    monkeypatch.chdir(tmp_path)
    return place


@pytest.fixture
def reconcile(capsys: pytest.CaptureFixture[str]) -> Reconcile:
    """Run the command here; its exit code and what it printed."""

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = cli.exit_code(["golden", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def edit(place: ProjectPaths, case: str, old: str, new: str) -> None:
    file = place.cases / f"{case}.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_holds_is_said_in_one_line(project: ProjectPaths, reconcile: Reconcile) -> None:
    """And exits 0."""
    assert reconcile("check") == (0, "3 of 3 goldens hold\n")
    assert reconcile("review") == (0, "nothing is pending\n")


def test_a_new_case_is_pending_until_it_is_accepted(project: ProjectPaths, reconcile: Reconcile) -> None:
    """Nothing is born green."""
    shutil.rmtree(project.blessed / BPS)
    code, text = reconcile("check")
    assert (code, text.splitlines()[0]) == (1, "1 of 3 goldens does not hold: 1 missing")
    assert reconcile("check", BPS)[0] == 1
    code, text = reconcile("review")
    assert code == 1 and "1 case, 1 cause: new case; 177 fills; return 4.60 %" in text
    code, text = reconcile("accept", BPS, "--reason", "first")
    assert (code, text) == (0, f"accepted 1 case: {BPS}; journal: tests/golden/JOURNAL.md\n")
    assert reconcile("check")[0] == 0


def test_one_setting_changed_in_two_cases_is_one_cause(project: ProjectPaths, reconcile: Reconcile) -> None:
    """Grouped by cause, not by file; another change is another group."""
    edit(project, "exit-time", '{ kind = "bps", rate = "5" }\nslip', '{ kind = "bps", rate = "8" }\nslip')
    edit(project, BPS, '{ kind = "bps", rate = "5" }\nslip', '{ kind = "bps", rate = "8" }\nslip')
    edit(project, "slippage-fixed", '"0.03"', '"0.05"')
    code, text = reconcile("check")
    assert code == 1 and text.startswith("3 of 3 goldens do not hold: 3 changed\n")
    code, text = reconcile("review")
    assert code == 1
    lines = text.splitlines()
    assert lines[0] == "3 cases pending, 2 causes"
    heads = [line for line in lines if ", 1 cause: " in line]
    assert heads[0].startswith("2 cases, 1 cause: commission 5 -> 8 bps; ")
    assert heads[0].endswith(f" ({BPS})") and "; return 4.60 % -> " in heads[0]
    assert heads[1].startswith("1 case, 1 cause: costs.slippage.amount 0.03 -> 0.05; ")
    assert any(
        "first  exit-time: rebalance 0, 2023-01-03, fills commission, S0: 15.54" in line for line in lines
    )
    assert any("drawdown" in line and "commission" in line and "slippage" in line for line in lines)


def test_a_change_taken_back_is_pending_no_more(project: ProjectPaths, reconcile: Reconcile) -> None:
    """What holds again needs no decision."""
    edit(project, "slippage-fixed", '"0.03"', '"0.05"')
    code, text = reconcile("check", "--json")
    found = json.loads(text)
    assert conforms("golden", found)
    assert (code, found["counts"]) == (1, {"holds": 2, "changed": 1})
    assert [one["case"] for one in found["cases"] if one["pending"]] == ["slippage-fixed"]
    edit(project, "slippage-fixed", '"0.05"', '"0.03"')
    assert reconcile("check")[0] == 0
    assert reconcile("review")[0] == 0


def test_another_page_of_semantics_is_a_cause(
    project: ProjectPaths, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledgers are the same; what they mean may not be."""
    monkeypatch.setattr(build_module, "SEMANTICS_DIGEST", "f" * 64)
    code, text = reconcile("check")
    assert code == 1 and text.startswith("3 of 3 goldens do not hold: 3 stale\n")
    code, text = reconcile("review")
    assert "3 cases, 1 cause: semantics " in text and " -> ffffffffffff; 0 fills" in text


def test_other_data_is_a_cause(project: ProjectPaths, reconcile: Reconcile) -> None:
    """The bars changed, not the scenario: cases of one market are one group."""
    file = project.cases.parent / "markets" / "small.csv"
    file.write_text(file.read_text().replace("54.75,55.25,53.72,54.34", "54.75,55.25,53.72,54.35"))
    code, text = reconcile("check")
    assert code == 1
    code, text = reconcile("review")
    assert "3 cases, 1 cause: data of small " in text


def test_other_code_is_the_cause_when_nothing_else_is(
    project: ProjectPaths, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both programs changed their minds over the same inputs."""
    for program in (own_package("engine"), own_package("reference")):
        whole = program.run
        monkeypatch.setattr(
            program, "run", lambda *args, _whole=whole, **options: cut(_whole(*args, **options))
        )
    code, text = reconcile("check")
    assert code == 1 and "3 changed" in text
    assert (
        "3 cases, 1 cause: code (scenario, data and semantics are the same); 3 fills"
        in reconcile("review")[1]
    )


def cut(ledger: Ledger) -> Ledger:
    """The ledger without its last fill."""
    table = ledger.tables["fills"]
    columns = {
        name: replace(column, values=column.values[:-1], missing=None)
        for name, column in table.columns.items()
    }
    fills = replace(table, columns=columns, rows=table.rows - 1)
    return replace(ledger, tables={**ledger.tables, "fills": fills})


def test_nothing_is_written_while_the_pair_disagrees(
    project: ProjectPaths, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither program vouches for itself."""
    engine = own_package("engine")
    whole = engine.run
    monkeypatch.setattr(engine, "run", lambda scenario, market, progress=None: cut(whole(scenario, market)))
    shutil.rmtree(project.blessed / BPS)
    code, text = reconcile("check", BPS, "exit-time")
    assert code == 1 and text.startswith("2 of 2 goldens do not hold: 2 disagree\n")
    assert "engine and reference disagree: 1 break, first fills missing, " in text
    assert reconcile("review")[0] == 0
    assert not (project.blessed / BPS).exists()


def test_a_golden_without_a_case_is_unused(project: ProjectPaths, reconcile: Reconcile) -> None:
    """It is named, not removed."""
    (project.cases / f"{BPS}.toml").unlink()
    code, text = reconcile("check")
    assert code == 1 and "1 unused" in text.splitlines()[0]
    assert f"{BPS}: unused" in text
    assert (project.blessed / BPS).exists()


def test_a_market_outside_the_project_may_be_absent(project: ProjectPaths, reconcile: Reconcile) -> None:
    """It is said which case was not run; asked for by name, that is no answer."""
    outside = project.root.parent / f"{project.root.name}-bars.csv"
    shutil.copy(project.cases.parent / "markets" / "small.csv", outside)
    edit(project, "slippage-fixed", "../markets/small.csv", f"../../../../{outside.name}")
    reconcile("check")
    accept(project, ["slippage-fixed"], "bars from elsewhere")
    assert reconcile("check") == (0, "3 of 3 goldens hold\n")
    assert not (project.blessed / "slippage-fixed" / "tables").exists()
    outside.unlink()
    code, text = reconcile("check")
    assert (code, text.splitlines()[0]) == (0, "2 of 3 goldens hold; not run: slippage-fixed")
    assert reconcile("check", "slippage-fixed")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "nothing-such"), "'nothing-such'"),
        (("accept", "exit-time"), "--reason"),
        (("accept", "--reason", "x"), "name the cases"),
        (("accept", "exit-time", "--all", "--reason", "x"), "name the cases"),
        (("accept", "--all", "--reason", "x"), "none"),
        (("accept", "exit-time", "--reason", " "), "why the change is right"),
        (("accept", "exit-time", "--reason", "x"), "nothing pending"),
    ],
)
def test_what_cannot_be_done_is_said(
    project: ProjectPaths, reconcile: Reconcile, arguments: tuple[str, ...], said: str
) -> None:
    """Exit 2, one clear error, and nothing changes."""
    code, text = reconcile(*arguments)
    assert code == 2 and said in text
    assert reconcile("check")[0] == 0


def test_a_case_that_cannot_run_fails_alone(project: ProjectPaths, reconcile: Reconcile) -> None:
    """The others are checked all the same."""
    edit(project, BPS, "n = 2\n", 'n = "2"\n')
    code, text = reconcile("check")
    assert code == 1 and text.startswith("1 of 3 goldens does not hold: 1 failed\n")
    assert "strategy.n" in text


def test_a_project_without_goldens_has_shown_nothing(
    tmp_path: Path, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No vacuous pass."""
    monkeypatch.chdir(tmp_path)
    assert reconcile("check") == (2, "no golden was checked\n")


def test_the_place_is_a_setting(project: ProjectPaths, reconcile: Reconcile) -> None:
    """[tool.reconcile] golden: the cases and the journal stand beside it."""
    (project.root / "pyproject.toml").write_text('[tool.reconcile]\ngolden = "pinned/here"\n')
    shutil.copytree(project.blessed.parent, project.root / "pinned")
    (project.root / "pinned" / "blessed").rename(project.root / "pinned" / "here")
    shutil.rmtree(project.root / "tests")
    place = find_project(project.root / "pinned" / "markets")
    assert (place.root, place.blessed) == (project.root, project.root / "pinned" / "here")
    found = check_goldens(place)
    # The scenarios' folder is another, which is nothing that a result depends on.
    assert {one.status for one in found} <= {CheckStatus.HOLDS, CheckStatus.STALE}


# --- keys -------------------------------------------------------------------------------------------


class Terminal:
    """`reconcile golden review` in a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        import pty

        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reconcile.cli", "golden", "review"],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def until(self, mark: str) -> str:
        """What was printed up to a mark, which must come within a minute."""
        began, end = len(self.text), time.monotonic() + 60
        while mark not in self.text[began:]:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode()
                except OSError:  # the other side has gone
                    assert mark in self.text[began:], self.text
        time.sleep(0.3)  # a key is read by a terminal that is ready for it
        return self.text[began:]

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def exit_code(self) -> int:
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode()
                except OSError:
                    break
        return self.process.wait(30)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Two causes pending: two cases of commission, one of code."""
    pytest.importorskip("pty")
    place = golden_kit.project(tmp_path)
    golden_kit.bless(place, 1)
    for case in ("one", "two"):
        golden_kit.offer(place, case, 2, rate="8")
    golden_kit.offer(place, "three", 2)
    made = Terminal(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    os.close(made.master)


PROMPT = "[q]uit"


def test_keys_accept_with_a_reason_and_reject(terminal: Terminal, tmp_path: Path) -> None:
    """m shows more, a asks for the reason and takes none for an answer, r leaves the golden."""
    place = find_project(tmp_path)
    assert "2 cases, 1 cause: commission 5 -> 8 bps" in terminal.until(PROMPT)
    terminal.press("m")
    assert terminal.until(PROMPT).count("cause") >= 2
    terminal.press("a")
    terminal.until("reason")
    terminal.press("\n")
    assert "a reason is needed" in terminal.until(PROMPT)
    assert golden_kit.versions(place) == {"one": 1, "two": 1, "three": 1}
    terminal.press("a")
    terminal.until("reason")
    terminal.press("the tariff\n")
    assert "1 case, 1 cause: code" in terminal.until(PROMPT)
    terminal.press("r")
    assert terminal.exit_code() == 0
    assert golden_kit.versions(place) == {"one": 2, "two": 2, "three": 1}
    assert "the tariff" in place.journal.read_text()
    assert dict(read_goldens(place).pending) == {}


def test_a_key_that_is_none_is_answered(terminal: Terminal) -> None:
    terminal.until(PROMPT)
    terminal.press("x")
    assert "'x' is none of a, r, s, m, q" in terminal.until(PROMPT)
    terminal.press("q")
    assert terminal.exit_code() == 1


def test_a_review_shows_the_rows_that_changed(project: ProjectPaths, reconcile: Reconcile) -> None:
    """Those of the first divergence's table, without colour where nobody sees it."""
    edit(project, "exit-time", '{ kind = "bps", rate = "5" }\nslip', '{ kind = "bps", rate = "8" }\nslip')
    reconcile("check")
    lines = reconcile("review")[1].splitlines()
    start = next(place for place, line in enumerate(lines) if "exit-time, fills: " in line)
    assert lines[start].endswith(" rows differ") and "commission" in lines[start + 1]
    old, new = lines[start + 2], lines[start + 3]
    assert old.lstrip().startswith("- 0 ") and "  15.78  " in old
    assert new.lstrip().startswith("+ 0 ") and "  25.24  " in new
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(("no_colour", "styled"), [("", True), ("1", False)])
def test_rows_are_coloured_on_a_terminal_and_never_against_no_color(
    no_colour: str, styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The golden's in red, new ones in green, and the cells that differ in bold."""
    from reconcile.commands.golden import _style
    from reconcile.goldens.row_diff import diff_lines, row_diffs

    monkeypatch.setenv("NO_COLOR", no_colour)
    (found,) = row_diffs(golden_kit.golden("one", 1), golden_kit.golden("one", 2), 5)
    assert (found.file, found.differing) == ("fills", 1)
    head, names, old, new = diff_lines(found, _style)
    assert head == "fills: 1 row differs" and names.split() == ["sequence", "price"]
    assert ("\x1b[31m\x1b[1m1\x1b[0m" in old and "\x1b[32m\x1b[1m2\x1b[0m" in new) is styled
    assert [click.unstyle(line).split() for line in (old, new)] == [["-", "0", "1"], ["+", "0", "2"]]


def test_rows_that_came_or_went_are_shown_on_their_side() -> None:
    """A row that is inserted does not make all that follow differ."""
    from reconcile.goldens.row_diff import Mark, row_diffs

    def equity(*stamps: int) -> Golden:
        lines = ["timestamp,equity", *(f"2024-01-{day:02},{day}" for day in stamps)]
        made = golden_kit.golden("one", 1)
        return replace(made, files={"tables/equity.csv": "\n".join(lines).encode()})

    (found,) = row_diffs(equity(1, 2, 4, 5), equity(1, 3, 4, 5), 9)
    assert [(row.mark, row.cells[0]) for row in found.rows[1:]] == [
        (Mark.OLD, "2024-01-02"),
        (Mark.NEW, "2024-01-03"),
    ]
    assert row_diffs(None, equity(1, 2), 1)[0].left == 1


def test_a_narrow_terminal_breaks_no_number(project: ProjectPaths, reconcile: Reconcile) -> None:
    """Columns that did not change are left out, and lines are cut at spaces."""
    edit(project, BPS, '{ kind = "bps", rate = "5" }\nslip', '{ kind = "bps", rate = "8" }\nslip')
    reconcile("check")
    on_file = read_goldens(project)
    (group,) = group_by_cause(on_file.pending.values())
    wide = group_lines(group, on_file.goldens, more=True)
    narrow = group_lines(group, on_file.goldens, more=True, width=40)
    words = {word for line in wide for word in line.split()}
    assert max(map(len, wide)) > 100 and max(map(len, narrow)) <= 46
    broken = {word for line in narrow for word in line.split()} - words
    assert not broken, broken


def test_keys_skip_and_quit(terminal: Terminal, tmp_path: Path) -> None:
    """What is skipped or left stays pending: exit 1."""
    place = find_project(tmp_path)
    terminal.until(PROMPT)
    terminal.press("s")
    assert "code" in terminal.until(PROMPT)
    terminal.press("q")
    assert terminal.exit_code() == 1
    assert sorted(read_goldens(place).pending) == ["one", "three", "two"]
    assert golden_kit.versions(place) == {"one": 1, "two": 1, "three": 1}
