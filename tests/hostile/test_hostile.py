"""Whatever is fed in: the right exit code, one message that says where and what, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from hostile import cases, world
from reconcile.cli import exit_code

CASES = cases.every_case()


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    world.make_world(folder)
    return folder


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 600


@pytest.mark.parametrize("role", cases.ROLES)
def test_the_sound_project_is_taken_as_it_is(
    role: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else a hostile input might be refused for another reason."""
    shutil.copytree(sound, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    code = exit_code(list(cases.ROLES[role][1]))
    out, err = capfd.readouterr()
    assert (code, err) == (2 if role == "project" else 0, "")  # it has no goldens to check
    assert out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hostile_input_is_one_message(
    case: cases.Hostile,
    sound: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    project = tmp_path / "project"
    shutil.copytree(sound, project)
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command adds the project's folder
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    case.spoil(project)
    before = sorted(os.listdir(project))
    code = exit_code(list(case.arguments))
    out, err = capfd.readouterr()
    assert "did not foresee" not in err and "Traceback" not in out + err, err
    assert code == case.code, f"{code}\n{err}{out[:500]}"
    if case.says is None:
        assert out and not err.startswith("error"), err
        return
    assert err.startswith("error: ") and err.count("\nerror: ") == 0, err + out[:300]
    assert not out, out[:300]
    assert case.says in err, err
    left = [name for name in sorted(os.listdir(project)) if name != "__pycache__"]
    assert left == before, "something was left behind"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "small.toml"],
        ["check", "small.toml"],
        ["diff", "ours", "ours"],
        ["audit", "ours"],
        ["explain", "small.toml", "ours"],
        ["shrink", "small.toml", "mine:run"],
        ["import", "foreign", "--mapping", "mapping.toml", "--out", "made"],
        ["golden", "check"],
        ["golden", "accept", "--reason", "r", "x"],
        ["gate"],
        ["init"],
        ["init", "below"],
        ["run", "stocks", "--out", "made"],
    ],
    ids=" ".join,
)
def test_a_current_folder_that_was_deleted_is_one_message(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Another process removed it."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "gone").rmdir()
    code = exit_code(arguments)
    out, err = capfd.readouterr()
    assert code == 2, out + err
    assert err.startswith("error: ") and "did not foresee" not in err and not out, err


@pytest.mark.parametrize(
    "file", ["small.toml", "mapping.toml", "tolerance.toml", "pyproject.toml", "bars.csv"]
)
def test_a_byte_order_mark_is_no_error(
    file: str, sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Editors on Windows put one at the start of a file."""
    project = tmp_path / "project"
    shutil.copytree(sound, project)
    (project / file).write_bytes(b"\xef\xbb\xbf" + (project / file).read_bytes())
    monkeypatch.chdir(project)
    (role,) = (name for name, (path, _) in cases.ROLES.items() if path == file)
    assert exit_code(list(cases.ROLES[role][1])) == (2 if role == "project" else 0)
    assert capfd.readouterr().err == ""
