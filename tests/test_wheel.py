"""What the wheel installs works away from the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(repository)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (found,) = folder.glob("tieout-*.whl")
    return found


def test_the_wheel_carries_code_data_and_types_and_nothing_else(wheel: Path, repository: Path) -> None:
    """Every tracked file under src is in the wheel; no test, cache or example is."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src"], cwd=repository, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing to hold the wheel against")
    tracked = {name.removeprefix("src/") for name in listed.stdout.split("\0") if name}
    assert tracked <= names
    assert {name.partition("/")[0] for name in names} == {"engine", "reference", "reconcile", "vocabulary"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".nbi", ".nbc"))]


def test_an_installed_wheel_runs_away_from_the_repository(wheel: Path, tmp_path: Path) -> None:
    """`reconcile run top25` ties out from the wheel's own files, in another folder."""
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    elsewhere.mkdir()
    install = [*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, text=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}

    where = "import engine, reference, reconcile, vocabulary as v; print(engine.__file__, reference.__file__)"
    where += "; print(reconcile.__file__, v.__file__)"
    places = run([sys.executable, "-c", where], elsewhere, environment).split()
    assert len(places) == 4
    assert all(Path(place).is_relative_to(target) for place in places)

    command = [sys.executable, str(target / "bin" / "reconcile"), "run", "top25", "--json"]
    summary = json.loads(run(command, elsewhere, environment))
    assert summary["verdict"] == "matched"
    assert 9_000 <= summary["reference"]["fills"] <= 13_000
    assert list(elsewhere.iterdir()) == []


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
