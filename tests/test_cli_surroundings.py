"""Folders, settings and environments that are not what a command needs: one message, exit 2, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile.cli import exit_code
from reconcile.goldens.project_paths import find_project
from vocabulary.errors import InputError

Answer = tuple[int, str]
Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code and all that was printed; an error must be one that was foreseen."""

    def command(*arguments: str) -> Answer:
        code = exit_code(arguments)
        said = capsys.readouterr()
        assert "did not foresee" not in said.err and "Traceback" not in said.err, said.err
        return code, said.out + said.err

    return command


@pytest.mark.parametrize(
    "command", [("golden", "check"), ("gate", "--checks", "goldens"), ("golden", "review")]
)
@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("tool = 1", "tool"),
        ("[tool]\nreconcile = 1", "tool.reconcile"),
        ("[tool.reconcile]\ngolden = 1", "tool.reconcile.golden"),
        ("[tool.reconcile]\ngolden = ''", "tool.reconcile.golden"),
        ("a = " + "[" * 5_000 + "]" * 5_000, "pyproject.toml"),
        (".".join("a" * 5_000) + " = 1", "pyproject.toml"),
        ("not TOML", "pyproject.toml"),
        ("\x00", "pyproject.toml"),
    ],
    ids=["tool", "reconcile", "number", "nothing", "nested", "dotted", "no TOML", "NUL"],
)
def test_settings_of_a_project_that_are_none_are_named(
    settings: str,
    where: str,
    command: tuple[str, ...],
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each command that reads them."""
    (tmp_path / "pyproject.toml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    code, text = run(*command)
    assert code == 2 and where in text.splitlines()[0] and "expected" in text


@pytest.mark.parametrize("checks", ["", ",", "speed", "goldens,", " "])
def test_checks_that_are_none_are_named(
    checks: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty name asks for nothing."""
    monkeypatch.chdir(tmp_path)
    code, text = run("gate", "--checks", checks)
    assert code == 2 and text.startswith("error: --checks\n") and "goldens, drift, throughput" in text


@pytest.mark.skipif(os.name != "posix", reason="a current folder cannot be removed elsewhere")
@pytest.mark.parametrize(
    "command",
    [
        "golden check",
        "gate",
        "init",
        "run stocks --out out",
        "check x.toml",
        "diff a b",
        "audit a",
        "scenarios",
    ],
)
def test_a_current_folder_that_is_gone_is_said(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything else is done."""
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    code, text = run(*command.split())
    assert code == 2 and text.startswith("error: the current folder\n")
    with pytest.raises(InputError, match="a folder that exists"):
        find_project()


@pytest.mark.skipif(os.name != "posix", reason="links in a circle")
@pytest.mark.parametrize(
    "command",
    [
        "check loop",
        "check loop/x.toml",
        "diff loop loop",
        "audit loop",
        "init loop",
        "init loop/x",
        "gate --checks goldens --junit loop",
        "golden check loop",
    ],
)
def test_links_in_a_circle_are_no_file(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a path may stand."""
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    assert run(*command.split())[0] == 2


@pytest.mark.parametrize(
    "command", ["check", "run", "init", "golden check", "audit", "gate --checks goldens --junit"]
)
def test_a_name_that_is_too_long_is_no_file(
    command: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File systems allow 255 characters."""
    monkeypatch.chdir(tmp_path)
    assert run(*command.split(), "x" * 300)[0] == 2


def test_an_engine_that_must_not_be_compiled_is_said(tmp_path: Path) -> None:
    """NUMBA_DISABLE_JIT leaves types that only compiled code has."""
    command = [sys.executable, "-m", "reconcile", "run", "stocks"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: NUMBA_DISABLE_JIT\n") and "Traceback" not in done.stderr
