"""The walks of docs/walks.md, as a new user takes them: the page's files and commands, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "walks.md"
FILE = re.compile(r"^```\w+\n(# (\w+\.(?:py|toml))\n.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"\breconcile\b|\bmarket\.to_frame\(")
MOST = 3
"""Lines that a person writes for tieout beside the scenario."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, and the bars that its first command writes."""
    for text, name in FILE.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    python(tmp_path, "bars.py")
    return tmp_path


def python(folder: Path, *words: str) -> str:
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def explained(folder: Path, *words: str) -> str:
    """The first line that the page's command prints; everything has to be explained."""
    began = time.perf_counter()
    text = python(folder, "-m", "reconcile", "explain", "best.toml", *words)
    print(f"{words[0]}: {time.perf_counter() - began:.1f} s")
    assert re.search(r"^unexplained   0$", text, re.MULTILINE), text
    return text.partition("\n")[0]


def lines_of_ours(path: Path) -> list[str]:
    """The lines of an adapter that would not be there without tieout."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if OURS.search(line)]


def own(folder: Path) -> str:
    return explained(folder, "my_engine:run", "--tolerance", "doubles.toml")


def trades(folder: Path) -> str:
    python(folder, "their_trades.py")
    python(folder, "-m", "reconcile", "import", "--suggest", "trades.csv", "--out", "names.toml")
    guessed = (folder / "names.toml").read_text()
    assert guessed.count("confirmed = false") == 1  # the one line that is edited
    (folder / "names.toml").write_text(guessed.replace("confirmed = false", "confirmed = true"))
    return explained(folder, "trades.csv", "--mapping", "names.toml")


def engine_of(name: str) -> Callable[[Path], str]:
    def walk(folder: Path) -> str:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed; its recorded structure is read in test_formats.py")
        return explained(folder, f"with_{name}:run", "--tolerance", "doubles.toml")

    return walk


WALKS: dict[str, tuple[Callable[[Path], str], str]] = {
    "my_engine": (own, "momentum is read 1 bar early"),
    "their_trades": (trades, "commission is 8 bps instead of 5 bps"),
    "with_vectorbt": (
        engine_of("vectorbt"),
        "orders execute at the close of the bar that decided instead of the next open",
    ),
    "with_backtrader": (engine_of("backtrader"), "commission is 8 bps instead of 5 bps"),
}


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_ends_at_the_planted_mistake(name: str, folder: Path) -> None:
    walk, cause = WALKS[name]
    assert cause in PAGE.read_text(encoding="utf-8")
    assert walk(folder) == cause


@pytest.mark.parametrize("name", [name for name in WALKS if name != "their_trades"])
def test_an_adapter_has_at_most_three_lines_of_tieouts(name: str, folder: Path) -> None:
    found = lines_of_ours(folder / f"{name}.py")
    assert 0 < len(found) <= MOST, found


def test_the_right_engine_ties_out_within_the_bounds(folder: Path) -> None:
    """The mistake is what is found, not the floats: without it nothing breaks."""
    text = (folder / "my_engine.py").read_text()
    assert text.count("score = score.shift(-1)  # the mistake\n") == 1
    (folder / "right.py").write_text(text.replace("score = score.shift(-1)  # the mistake\n", "\n"))
    command = [sys.executable, "-m", "reconcile", "run", "best.toml", "right:run", "--quiet"]
    command += ["--tolerance", "doubles.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("matched as far as compared: 0 breaks in "), done.stdout + done.stderr
