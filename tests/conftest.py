"""What every test may use: the repository's places, and a cache of compiled engine code that lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

Completed = subprocess.CompletedProcess[str]
Reconcile = Callable[..., Completed]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data kept beside the repository; tests that need it skip, visibly, where it is not."""
    place = REPOSITORY.parent / "shared" / "data"
    if not place.is_dir():
        pytest.skip("no ../shared/data beside the repository")
    return place


@pytest.fixture
def reconcile_command(tmp_path: Path) -> Reconcile:
    """Run the command as a process of its own, in an empty folder; (arguments, cwd, env) -> completed."""

    def run(*arguments: str | Path, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> Completed:
        command = [sys.executable, "-m", "reconcile.cli", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "100", **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    return run
