"""Completion in the shells themselves, set up by the line that docs/project.md gives for each."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
WORDS = [
    ("reconcile expl", "explain"),
    ("reconcile run sto", "stocks"),
    ("reconcile run stocks --tole", "--tolerance"),
    ("reconcile golden check exit-t", "exit-time"),
]


def line_for(shell: str) -> str:
    """The line of the page."""
    text = (ROOT / "docs/project.md").read_text(encoding="utf-8")
    found = re.search(rf"^(.*_RECONCILE_COMPLETE={shell}_source.*?) *(#.*)?$", text, re.MULTILINE)
    assert found is not None
    return found[1].strip()


def run_in(shell: str, *arguments: str) -> str:
    place = shutil.which(shell)
    if place is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [place, *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


@pytest.mark.parametrize(("typed", "found"), WORDS)
def test_bash_completes(typed: str, found: str) -> None:
    words = typed.split()
    script = "\n".join(
        [
            line_for("bash"),
            f"COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}",
            "complete -p reconcile > /dev/null || exit 3",
            f"_reconcile_completion reconcile {words[-1]} {words[-2]}",
            'printf "%s\\n" "${COMPREPLY[@]}"',
        ]
    )
    assert found in run_in("bash", "--norc", "-c", script).split()


@pytest.mark.parametrize(("typed", "found"), WORDS)
def test_fish_completes(typed: str, found: str) -> None:
    shown = run_in("fish", "--no-config", "-c", f"{line_for('fish')}; complete -C '{typed}'")
    assert found in [line.split("\t")[0] for line in shown.splitlines()]


@pytest.mark.parametrize(("typed", "found"), WORDS)
def test_zsh_completes_what_is_typed(typed: str, found: str, tmp_path: Path) -> None:
    """In a terminal: zsh completes nowhere else."""
    place = shutil.which("zsh")
    if place is None:
        pytest.skip("zsh is not installed")
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    environment = {**os.environ, "PATH": PATH, "TERM": "dumb", "PS1": "", "ZDOTDIR": str(tmp_path)}
    with subprocess.Popen(
        [place, "-f", "-i"], cwd=ROOT, env=environment, stdin=slave, stdout=slave, stderr=slave
    ) as shell:
        try:
            setup = f"autoload -Uz compinit && compinit -u -D; {line_for('zsh')}; echo read'y'\n"
            os.write(master, setup.encode())
            read_until(master, "ready")
            os.write(master, f"{typed}\t".encode())
            assert read_until(master, found)
        finally:
            shell.kill()
            os.close(slave)
            os.close(master)


def read_until(terminal: int, mark: str) -> bool:
    """Whether a mark comes within a minute."""
    text, end = "", time.monotonic() + 60
    while mark not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return mark in text
