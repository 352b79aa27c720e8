"""The command line: help, usage, errors and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.cli import COMMANDS, exit_code, group
from reconcile.scenario import files as scenario_files
from reconcile.text.escape import printable
from vocabulary.errors import InputError


def fail_with(error: BaseException) -> Any:
    def find(*_: object) -> None:
        raise error

    return find


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in COMMANDS)
    assert "Exit codes" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_ends_in_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code([name, "--help"]) == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].strip().startswith("Example:")
    command = group.get_command(click.Context(group), name)
    assert command is not None and command.help


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["run"],
        ["run", "top25", "--nonsense"],
        ["run", "top25", "--format", "xlsx"],
        ["--x"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--help" in printed.err


def test_an_unknown_command_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["runn"]) == 2
    assert f"no command 'runn'; there are: {', '.join(COMMANDS)}" in capsys.readouterr().err


def test_bad_input_is_told_in_four_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = InputError("a.toml: strategy.n", "'\x1b[31mx'", "a whole number", "Write 25.")
    monkeypatch.setattr(scenario_files, "find_scenario", fail_with(error))
    assert exit_code(["check", "a.toml"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: a.toml: strategy.n",
        "  found     '\\x1b[31mx'",
        "  expected  a whole number",
        "  remedy    Write 25.",
    ]


class UnprintableError(Exception):
    """An error that cannot even be printed."""

    def __str__(self) -> str:
        raise SystemExit(0)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("odd\nthing"),
        SystemExit(0),
        MemoryError(),
        RecursionError(),
        BaseException(),
        UnprintableError(),
    ],
)
def test_an_exception_nobody_foresaw_is_one_line_and_exits_2(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TIEOUT_TRACEBACK", raising=False)
    monkeypatch.setattr(scenario_files, "find_scenario", fail_with(error))
    assert exit_code(["check", "top25"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert type(error).__name__ in line
    assert "TIEOUT_TRACEBACK=1" in line


def test_the_traceback_is_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIEOUT_TRACEBACK", "1")
    monkeypatch.setattr(scenario_files, "find_scenario", fail_with(RuntimeError("odd")))
    assert exit_code(["check", "top25"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_exits_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(scenario_files, "find_scenario", fail_with(KeyboardInterrupt()))
    assert exit_code(["check", "top25"]) == 130
    assert capsys.readouterr().err.strip() == "reconcile: interrupted"


@pytest.mark.parametrize("name", ["engine", "reference", "vocabulary"])
def test_a_module_of_the_users_is_not_taken_for_ours(name: str, small: str, tmp_path: Path) -> None:
    """The packages' names are generic; a project's module of one of them stands in nobody's way."""
    (tmp_path / f"{name}.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "reconcile.cli", "run", small], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0 and done.stderr in ("", "compiling the engine, once\n")
    assert done.stdout.startswith("matched")


def test_scenarios_lists_the_built_in_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"stocks", "top25"} <= {line.split()[0] for line in lines}
    assert any("Synthetic" in line for line in lines)
    assert any("Real" in line for line in lines)


def test_check_passes_what_is_in_order(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["check", small]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("valid: ")
    assert "4 symbols x 10 bars = 40 events" in shown


def test_check_finds_what_a_run_would_trip_over(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A score that the market lacks is found without a run."""
    text = Path(small).read_text().replace('score = "score"', 'score = "alpha"')
    Path(small).write_text(text)
    assert exit_code(["check", small]) == 2
    assert "alpha" in capsys.readouterr().err


def test_a_reader_that_has_gone_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "reconcile.cli", "scenarios"]
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr in ("", "compiling the engine, once\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_an_answer_that_cannot_be_written_is_no_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reconcile.cli", "scenarios"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@given(st.text())
def test_shown_text_is_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)


def test_ordinary_text_is_shown_as_it_is() -> None:
    assert printable("Zürich [bold]日本 <b>") == "Zürich [bold]日本 <b>"
    assert printable("a\u202eb\x1b[0m\n") == "a\\u202eb\\x1b[0m\\n"


def test_a_command_that_is_nearly_right_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["explian", "top25"]) == 2
    assert "Did you mean 'explain'?" in capsys.readouterr().err


def test_without_a_command_it_says_what_to_do_first_in_ten_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) <= 10 and any("reconcile run top25" in line for line in said)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("reconcile expl", "explain"),
        ("reconcile run sto", "stocks"),
        ("reconcile golden check exit-t", "exit-time"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_commands_scenarios_and_cases(
    words: str, found: str, shell: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without an error on stderr: a shell would print it among what is typed."""
    monkeypatch.chdir(Path(__file__).resolve().parent.parent)
    count = len(words.split()) - 1
    for name, value in (
        ("_RECONCILE_COMPLETE", f"{shell}_complete"),
        ("COMP_WORDS", words),
        ("COMP_CWORD", words.split()[-1] if shell == "fish" else str(count)),
    ):
        monkeypatch.setenv(name, value)
    assert exit_code([]) in (0, 1)
    out, err = capfd.readouterr()
    assert found in out and err == ""


@pytest.mark.parametrize(
    ("terminal", "no_colour", "styled"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_a_verdict_is_coloured_on_a_terminal_only_and_never_against_no_color(
    terminal: bool, no_colour: str, styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconcile.commands.shared import coloured

    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("NO_COLOR", no_colour)
    assert (coloured("matched", 0) != "matched") is styled


PAGE = """first         cost stage
fill          * buy 3 at 1, fee 5    buy 3 at 1, fee 8
held after      3 marked 2           no table
  cost     root   rebalance 0, fill commission, AAPL: 249.19 (reference) vs 249.20 (candidate)
  missing  root   2001-01-02, fill missing, IBM: sell 5 (reference) vs nothing (candidate) (2 breaks)"""


@pytest.mark.parametrize(
    ("terminal", "no_colour", "styled"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_what_differs_is_coloured_on_a_terminal_only_and_never_against_no_color(
    terminal: bool, no_colour: str, styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides of a value, and the rows that differ; the text stays what it is."""
    from reconcile.commands.shared import coloured_sides

    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("NO_COLOR", no_colour)
    shown = coloured_sides(PAGE)
    assert click.unstyle(shown) == PAGE
    styles = ("\x1b[31m249.19\x1b[0m", "\x1b[32m249.20\x1b[0m", "\x1b[31msell 5\x1b", "* \x1b[1mbuy 3 at 1")
    assert [style in shown for style in styles] == [styled] * 4
