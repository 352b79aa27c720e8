"""What every test may use: the repository's places, and a cache of compiled engine code that lasts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

os.environ["TIEOUT_PROGRESS"] = "0"  # what a command prints is compared, and a busy machine is slow

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


SMALL_SCENARIO = """
[market]
data = "bars.csv"

[portfolio]
initial_cash = "10000"

[strategy]
kind = "top_n"
score = "score"
n = 2
gross_long = "0.9"

[costs]
commission = { kind = "bps", rate = "5" }
slippage = { kind = "bps", rate = "5" }
"""


def small_bars() -> str:
    """4 symbols x 10 bars in long format, as CSV."""
    rows = ["timestamp,symbol,open,high,low,close,volume,score"]
    for day in range(10):
        for place, symbol in enumerate(("AAA", "BBB", "CCC", "DDD")):
            price = 20 + 7 * place + (day * (place + 2)) % 5 + 0.25 * day
            score = (day * (2 * place + 1)) % 7
            rows.append(
                f"2024-01-{day + 1:02d},{symbol},{price},{price + 1},{price - 1},{price + 0.5},1000,{score}"
            )
    return "\n".join(rows) + "\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scenario file over 4 symbols x 10 bars in an empty folder, which becomes the current one."""
    (tmp_path / "bars.csv").write_text(small_bars())
    (tmp_path / "small.toml").write_text(SMALL_SCENARIO)
    monkeypatch.chdir(tmp_path)
    # The command adds the current folder to where --candidate is looked for: not for the next test.
    monkeypatch.setattr(sys, "path", list(sys.path))
    return "small.toml"
