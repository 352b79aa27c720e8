"""The documentation is run: commands print what is shown, and examples work.

In README.md, CONTRIBUTING.md and docs/*.md, blocks run from top to bottom in a folder of their own, which
has a copy of the goldens:

- `console`: lines after `$ ` are commands; what follows is what they print, timings masked, `...` for
  lines left out.
- `python` or `toml` whose first line is `# name.py` or `# name.toml`: written to that file.
- other `python`: run, with a frame `bars` of prices and scores at hand.
- anything else is only shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if path.name != "semantics.md"
)

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.(?:py|toml))\n")
TIMED = re.compile(r"^(seconds|events/s|untimed|loading)\b|_seconds\"|per_second\"|\"seconds\"")
CI_VARIABLES = {"CI", "BUILD_NUMBER", "GITHUB_ACTIONS"}


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the line it starts at."""

    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in FENCE.finditer(text)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_the_documentation_is_true(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for part in ("cases", "markets", "blessed"):
        shutil.copytree(ROOT / "tests/golden" / part, tmp_path / "tests/golden" / part)
    shutil.copy(ROOT / "tests/golden/JOURNAL.md", tmp_path / "tests/golden")
    write_files(page, tmp_path)
    names: dict[str, Any] = {"bars": frame_of_bars_and_scores()}
    for block in blocks(page):
        if block.language == "python" and not FILE.match(block.text):
            exec(compile(block.text, f"{page}:{block.line}", "exec"), names)
        elif block.language == "console":
            for command, shown in commands(block.text):
                where = f"{page}:{block.line}: {command}"
                assert_prints(where, shown, printed_by(command, tmp_path))


def write_files(page: str, folder: Path) -> None:
    for block in blocks(page):
        named = FILE.match(block.text)
        if block.language in ("python", "toml") and named:
            (folder / named[1]).write_text(block.text, encoding="utf-8")


def commands(text: str) -> list[tuple[str, list[str]]]:
    """(command, lines shown below it) of a console block."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    assert found, "a console block without a command"
    return found


def printed_by(command: str, folder: Path) -> list[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # As at a reader's desk: pytest and the gate print more where these say that a CI is watching.
    desk = {name: value for name, value in os.environ.items() if name not in CI_VARIABLES}
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**desk, "PATH": path, "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if not line.startswith("compiling the engine, once")]


def assert_prints(where: str, shown: list[str], printed: list[str]) -> None:
    """Equal line by line; `...` stands for any number of lines."""
    pattern = "".join(".*" if line.strip() == "..." else re.escape(masked(line)) + "\n" for line in shown)
    obtained = "".join(masked(line) + "\n" for line in printed)
    assert re.fullmatch(pattern, obtained, re.DOTALL), f"{where}\nprints:\n" + "\n".join(printed)


def masked(line: str) -> str:
    """Spaces run together (columns widen with a timing), and a timing's digits as one sign."""
    line = " ".join(line.split())
    return re.sub(r"[\d.,]+\d|\d", "#", line) if TIMED.search(line) else line


def frame_of_bars_and_scores() -> Any:
    """100 bars of 8 symbols in long format: timestamp, symbol, open, high, low, close, score."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(7)
    days = pd.bdate_range("2024-01-01", periods=100)
    frames = []
    for symbol in ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"):
        close = 50 * np.exp(np.cumsum(draw.normal(0, 0.01, len(days))))
        opening = close * (1 + draw.normal(0, 0.002, len(days)))
        high, low = np.maximum(opening, close) * 1.01, np.minimum(opening, close) * 0.99
        columns = {"open": opening, "high": high, "low": low, "close": close}
        frames.append(
            pd.DataFrame(
                {"timestamp": days, "symbol": symbol, **columns, "score": draw.normal(size=len(days))}
            )
        )
    return pd.concat(frames, ignore_index=True)


def test_six_lines_lead_from_a_frame_to_an_equity_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files("docs/python.md", tmp_path)
    (text,) = [block.text for block in blocks("docs/python.md") if "market_from_frame(bars" in block.text]
    assert len(text.splitlines()) <= 6
    names: dict[str, Any] = {"bars": frame_of_bars_and_scores()}
    exec(text, names)
    equity = names["equity"]
    assert len(equity) == 100
    assert equity.iloc[0] == 100_000
    assert equity.nunique() > 50


def test_what_is_not_shown_is_seen() -> None:
    """The comparison above can fail."""
    with pytest.raises(AssertionError):
        assert_prints("", ["matched: 0 breaks"], ["matched: 1 breaks"])
    with pytest.raises(AssertionError):
        assert_prints("", ["one"], ["one", "two"])
    assert_prints("", ["seconds  0.1 0.2", "...", "end"], ["seconds 12.5   1", "any", "thing", "end"])
