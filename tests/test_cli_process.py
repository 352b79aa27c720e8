"""How the process ends: streams that are closed, full or gone, and signals at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "reconcile"]
posix = pytest.mark.skipif(os.name != "posix", reason="streams and signals of POSIX")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")

KILLED_AT = """
import os, signal, sys

count = 0

def watch(event, arguments):
    global count
    if event in ("import", "open", "os.listdir", "os.scandir", "compile", "exec"):
        count += 1
        if count == {step}:
            os.kill(os.getpid(), signal.{name})

from reconcile.__main__ import main
sys.addaudithook(watch)
sys.argv = ["reconcile", *{arguments!r}]
main()
"""
"""A program that sends itself a signal at one of its events: imports and openings of files."""


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which $R is the command."""
    environment = {**os.environ, "R": " ".join(COMMAND)}
    return subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)


@posix
@pytest.mark.parametrize(
    ("arguments", "code"),
    [("scenarios", 0), ("--help", 0), ("--version", 0), ("check nothing.toml", 2), ("nonsense", 2)],
)
@pytest.mark.parametrize(
    ("redirection", "loses"),
    [
        (">&-", "answer"),
        pytest.param("> /dev/full", "answer", marks=full),
        ("2>&-", "messages"),
        pytest.param("2> /dev/full", "messages", marks=full),
        ("<&- >&- 2>&-", "answer"),
        pytest.param("> /dev/full 2> /dev/full", "answer", marks=full),
    ],
)
def test_an_answer_that_nobody_can_see_exits_2(
    redirection: str, loses: str, arguments: str, code: int, tmp_path: Path
) -> None:
    """A lost message changes nothing: a command that ends in an error exits 2 in any case."""
    done = shell(f"$R {arguments} {redirection}", tmp_path)
    assert done.returncode == (2 if loses == "answer" else code)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if loses == "answer" and code == 0 and "2>" not in redirection:
        assert "standard output" in done.stderr


@posix
@pytest.mark.parametrize("arguments", ["scenarios", "--help", "check $SMALL", "check nothing.toml"])
def test_a_reader_that_has_gone_takes_nothing_from_the_exit_code(
    arguments: str, small: str, tmp_path: Path
) -> None:
    """`| head` closes the pipe, before the answer or after its first line."""
    line = arguments.replace("$SMALL", small)
    done = shell(f"{{ $R {line} 2>&1; echo $? > code; }} | true", tmp_path)
    assert "Traceback" not in done.stderr
    assert (tmp_path / "code").read_text().strip() == ("2" if "nothing" in arguments else "0")


@posix
def test_a_file_is_not_written_in_place_of_a_closed_stream(small: str, tmp_path: Path) -> None:
    """A file that is opened next would take the number of the stream."""
    done = shell(f"$R run {small} --out results >&- 2>&-", tmp_path)
    assert done.returncode == 2
    written = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert not any(b"error:" in content for content in written.values())


def killed_at(step: int, name: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    text = KILLED_AT.format(step=step, name=name, arguments=arguments)
    return subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("step", [1, 3, 10, 40, 120, 250, 400, 700, 1200, 2000])
def test_a_signal_ends_a_command_by_its_own_code(name: str, step: int, small: str, tmp_path: Path) -> None:
    """While it imports, reads or writes: 130 or 143, or what the system makes of the signal; no traceback."""
    done = killed_at(step, name, ["run", small, "--out", "results"], tmp_path)
    number = signal.Signals[name]
    assert done.returncode in (128 + number, -number), (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr
    assert "matched" not in done.stdout or done.returncode not in (0, 1)


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_to_the_whole_group_is_reported_once(
    name: str, code: int, small: str, tmp_path: Path
) -> None:
    """A Ctrl-C reaches the candidate's process, too: no traceback of it shows, and it is gone."""
    (tmp_path / "slow.py").write_text(
        "import os, time\n\ndef run(scenario, market):\n"
        "    open('started', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [*COMMAND, "run", small, "slow:run"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.Signals[name])
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert err.strip() == f"reconcile: {'interrupted' if code == 130 else 'terminated'}"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "started").read_text()), 0)
