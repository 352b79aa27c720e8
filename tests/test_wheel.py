"""What the wheel installs works away from the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import reconcile
from reconcile.own_packages import own_package

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


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the wheel's files come first, and its command is on PATH."""
    target = tmp_path_factory.mktemp("target")
    install = [*PIP, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, text=True)
    path = f"{target / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}


def test_an_installed_wheel_runs_away_from_the_repository(installed: dict[str, str], tmp_path: Path) -> None:
    """`reconcile run top25` ties out from the wheel's own files, in another folder."""
    where = "import engine, reference, reconcile, vocabulary as v; print(engine.__file__, reference.__file__)"
    where += "; print(reconcile.__file__, v.__file__)"
    places = run([sys.executable, "-c", where], tmp_path, installed).split()
    assert len(places) == 4
    assert all(Path(place).is_relative_to(installed["PYTHONPATH"]) for place in places)

    summary = json.loads(run(["reconcile", "run", "top25", "--json"], tmp_path, installed))
    assert summary["verdict"] == "matched"
    assert 9_000 <= summary["reference"]["fills"] <= 13_000
    assert list(tmp_path.iterdir()) == []


def test_a_new_user_gets_from_a_list_of_trades_to_a_cause_in_three_commands(
    installed: dict[str, str], tmp_path: Path
) -> None:
    """An empty folder, the wheel, and trades under other names: suggest, confirm, explain."""
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.load_market(scenario)
    dear = reconcile.replace(scenario, "costs.commission.rate", "8")
    fills = reconcile.frame(own_package("engine").run(dear, market), "fills", floats=True)
    trades = fills[["timestamp", "symbol", "side", "quantity", "price", "commission"]]
    trades.columns = ["Date", "Ticker", "Action", "Shares", "Price", "Fee"]
    trades.to_csv(tmp_path / "trades.csv", index=False)

    run(["reconcile", "import", "--suggest", "trades.csv", "--out", "names.toml"], tmp_path, installed)
    names = tmp_path / "names.toml"
    names.write_text(names.read_text().replace("confirmed = false", "confirmed = true"))
    words = ["reconcile", "explain", "stocks", "trades.csv", "--mapping", "names.toml"]
    page = run(words, tmp_path, installed)
    assert page.startswith("commission is 8 bps instead of 5 bps\n")
    assert "\nunexplained   0\n" in page


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
