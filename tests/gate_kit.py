"""A small project in git whose engine is a file of its own, for tests of the gate and of init."""

from __future__ import annotations

import subprocess
from pathlib import Path

from conftest import SMALL_SCENARIO, small_bars

ENGINE = """
import reference


def run(scenario, market):
    return reference.run(scenario, market)
"""
SETTINGS = """
[tool.reconcile.gate]
candidate = "toy:run"
paths = ["."]
scenario = "small.toml"
"""


def project(folder: Path, engine: str = ENGINE, settings: str = SETTINGS) -> Path:
    """A project of a scenario, its bars and an engine `toy:run`, all committed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bars.csv").write_text(small_bars())
    (folder / "small.toml").write_text(SMALL_SCENARIO)
    (folder / "toy.py").write_text(engine)
    (folder / "pyproject.toml").write_text(settings)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first")
    return folder


def commit(folder: Path, message: str) -> None:
    """All that is there."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
