"""Accepting is all or nothing, whenever the process dies, and nothing is accepted by accident."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import golden_kit
from golden_kit import CASES, bless, offer, project, versions
from reconcile import cli
from reconcile.golden import accept as journal
from reconcile.golden import accept_transaction as accepting
from reconcile.golden import project_paths as lock
from reconcile.golden.accept import accept, reject
from reconcile.golden.model import ProjectPaths
from reconcile.golden.project_paths import find_project
from reconcile.golden.store import read_goldens
from vocabulary.errors import InputError, OutputError

ROUNDS = 60
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def place(tmp_path: Path) -> ProjectPaths:
    """Three cases blessed at version 1."""
    made = project(tmp_path / "project")
    bless(made, 1)
    return made


def entries(place: ProjectPaths) -> int:
    """Entries of the journal."""
    return place.journal.read_text().count("## ")


def killed_at(step: int, kind: str, work: Callable[[], Any]) -> bool:
    """Do the work in a process that kills itself at a step; False where it ended before.

    kind "line": before the step-th line of `accepting`, which makes every change; "call": before the step-th
    operation on a file, from the first look at the project on, shutil's included.
    """
    child = os.fork()
    if child == 0:
        seen = 0

        def count() -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if frame.f_code.co_filename != accepting.__file__:
                return None
            if event == "line":
                count()
            return trace

        def audit(event: str, _: tuple[Any, ...]) -> None:
            if event in ("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.unlink"):
                count()

        try:
            if kind == "line":
                sys.settrace(trace)
            else:
                sys.addaudithook(audit)
            work()
        finally:
            sys.settrace(None)
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def at_every_step(kind: str, tmp_path: Path, place: ProjectPaths, stride: int = 1) -> list[bool]:
    """Accept three cases, killed at one step after the other; for each, whether all were new afterwards."""
    for case in CASES:
        offer(place, case, 2)
    outcomes = []
    for step in range(1, 5_000, stride):
        copy = tmp_path / f"{kind}-{step}"
        shutil.copytree(place.root, copy)
        there = find_project(copy)
        died = killed_at(step, kind, lambda there=there: accept(there, CASES, "meant"))
        seen = versions(there)
        assert set(seen) == set(CASES), f"{kind} {step}: a golden is gone"
        assert len(set(seen.values())) == 1, f"{kind} {step}: {seen}"
        new = seen["one"] == 2
        assert entries(there) == (2 if new else 1), f"{kind} {step}: journal and goldens disagree"
        assert golden_kit.leftovers(there) == [], f"{kind} {step}"
        assert sorted(read_goldens(there).pending) == ([] if new else sorted(CASES)), f"{kind} {step}"
        if not new:  # nothing has happened: it can be done again
            accept(there, CASES, "meant")
            assert set(versions(there).values()) == {2}
        shutil.rmtree(copy)
        outcomes.append(new)
        if not died:
            return outcomes
    raise AssertionError("it never ends")


@needs_fork
@pytest.mark.parametrize("kind", ["line", "call"])
def test_an_accept_killed_at_any_step_is_whole(kind: str, tmp_path: Path, place: ProjectPaths) -> None:
    """SIGKILL before each line, and before each operation on a file: all old or all new, and the journal."""
    outcomes = at_every_step(kind, tmp_path, place)
    assert len(outcomes) > 50
    assert outcomes == sorted(outcomes)
    assert not outcomes[0] and outcomes[-1]


@needs_fork
def test_a_recovery_killed_at_any_step_is_whole(tmp_path: Path, place: ProjectPaths) -> None:
    """Who finishes the work of a killed process may be killed, too."""
    for case in CASES:
        offer(place, case, 2)
    half = next(
        folder for step in range(1, 200) if half_done(folder := tmp_path / f"half-{step}", place, step)
    )
    for step in range(1, 5_000):
        copy = tmp_path / f"again-{step}"
        shutil.copytree(half, copy)
        there = find_project(copy)
        died = killed_at(step, "call", lambda there=there: read_goldens(there))
        assert set(versions(there).values()) == {2}, step
        assert entries(there) == 2, step
        assert golden_kit.leftovers(there) == [], step
        shutil.rmtree(copy)
        if not died:
            assert step > 10
            return


@needs_fork
@pytest.mark.parametrize(
    "command", [("golden", "review"), ("golden", "check"), ("gate", "--checks", "goldens")], ids=" ".join
)
def test_every_command_finishes_what_was_killed(
    command: tuple[str, ...], tmp_path: Path, place: ProjectPaths, reconcile_command: Callable[..., Any]
) -> None:
    """The next command, whichever it is, sees the accept done."""
    for case in CASES:
        offer(place, case, 2)
    folders = (tmp_path / f"half-{step}" for step in range(1, 200))
    half = next(folder for step, folder in enumerate(folders, 1) if half_done(folder, place, step))
    there = find_project(half)
    done = reconcile_command(*command, cwd=half)
    reviewed = "review" in command
    assert done.returncode == (0 if reviewed else 1), done.stdout  # no scenario: unused
    assert ("nothing is pending" if reviewed else "3 unused") in done.stdout
    assert not (there.blessed / accepting.INTENT).exists()
    assert golden_kit.leftovers(there) == []
    assert entries(there) == 2


def half_done(folder: Path, place: ProjectPaths, step: int) -> bool:
    """A copy of the project whose accept was killed with one case old and one new."""
    shutil.copytree(place.root, folder)
    there = find_project(folder)
    killed_at(step, "call", lambda: accept(there, CASES, "meant"))
    old_or_new = [(there.blessed / f"{case}.pending" / "golden").exists() for case in CASES]
    return (there.blessed / accepting.INTENT).exists() and len(set(old_or_new)) == 2


@needs_fork
def test_processes_killed_from_outside_leave_all_old_or_all_new(tmp_path: Path, place: ProjectPaths) -> None:
    """The command, killed by another process some moment after its first write, over and over."""
    for case in CASES:
        offer(place, case, 2)
    draw, seen = random.Random(1), []
    for round_ in range(ROUNDS):
        copy = tmp_path / f"round-{round_}"
        shutil.copytree(place.root, copy)
        there = find_project(copy)
        child = os.fork()
        if child == 0:
            with contextlib.redirect_stdout(None):
                os.chdir(copy)
                os._exit(cli.exit_code(["golden", "accept", *CASES, "--reason", "meant"]))
        untouched = sorted(os.listdir(there.blessed))
        until = time.monotonic() + 60
        while sorted(os.listdir(there.blessed)) == untouched and time.monotonic() < until:
            pass
        time.sleep(draw.random() * 0.0002 * round_)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = versions(there)
        assert found in (dict.fromkeys(CASES, 1), dict.fromkeys(CASES, 2)), round_
        new = found["one"] == 2
        assert entries(there) == (2 if new else 1), round_
        text = journal.read_journal(there)
        assert all(journal.was_accepted(text, one) for one in read_goldens(there).goldens.values()), round_
        assert golden_kit.leftovers(there) == [], round_
        assert sorted(read_goldens(there).pending) == ([] if new else sorted(CASES)), round_
        shutil.rmtree(copy)
        seen.append(new)
    assert any(seen), "each was killed before it had begun"


@needs_fork
def test_leaving_something_pending_is_whole(tmp_path: Path, place: ProjectPaths) -> None:
    """A golden is pending whole or not at all, and the goldens stay as they are."""
    offer(place, "one", 2)
    for step in range(1, 5_000):
        copy = tmp_path / f"offer-{step}"
        shutil.copytree(place.root, copy)
        there = find_project(copy)
        died = killed_at(step, "call", lambda there=there: offer(there, "one", 3))
        pending = read_goldens(there).pending
        assert versions(there) == dict.fromkeys(CASES, 1)
        assert [int(one.golden.manifest.figures.ledger, 16) for one in pending.values()] in ([2], [3], [])
        assert golden_kit.leftovers(there) == []
        shutil.rmtree(copy)
        if not died:
            return


def test_one_bad_case_accepts_none(place: ProjectPaths) -> None:
    """All or nothing holds for what is wrong with the request, too."""
    offer(place, "one", 2)
    with pytest.raises(InputError, match="nothing pending"):
        accept(place, ["one", "two"], "meant")
    assert versions(place) == dict.fromkeys(CASES, 1)
    assert entries(place) == 1


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_an_accept_needs_a_reason(place: ProjectPaths, reason: str) -> None:
    """Silence is no reason."""
    offer(place, "one", 2)
    with pytest.raises(InputError, match="why the change is right"):
        accept(place, ["one"], reason)
    assert versions(place)["one"] == 1


def test_a_change_made_against_another_golden_is_not_accepted(place: ProjectPaths, tmp_path: Path) -> None:
    """What was reviewed is what is accepted."""
    offer(place, "one", 2)
    other = project(tmp_path / "other")
    bless(other, 3, ["one"])
    shutil.rmtree(place.blessed / "one")
    shutil.copytree(other.blessed / "one", place.blessed / "one")
    with pytest.raises(InputError, match="not the one the pending change was made against"):
        accept(place, ["one"], "meant")


def test_an_edited_pending_golden_is_not_accepted(place: ProjectPaths) -> None:
    """Nothing hand-written becomes a golden."""
    offer(place, "one", 2)
    file = place.blessed / "one.pending" / "golden" / "tables" / "fills.csv"
    file.write_text(file.read_text().replace("7", "8"))
    with pytest.raises(InputError, match="nothing pending"):
        accept(place, ["one"], "meant")
    assert versions(place)["one"] == 1


def test_rejecting_leaves_the_golden(place: ProjectPaths) -> None:
    """What was pending is gone, what was blessed stays, and the journal says nothing."""
    offer(place, "one", 2)
    reject(place, ["one", "two"])
    assert read_goldens(place).pending == {}
    assert versions(place) == dict.fromkeys(CASES, 1)
    assert entries(place) == 1


def test_the_journal_tells_why_before_and_after(place: ProjectPaths) -> None:
    """Date, cause, reason, and each case's figures on both sides."""
    offer(place, "one", 2, rate="8")
    accept(place, ["one"], "the new | tariff\n## of June <b>")
    text = place.journal.read_text().split("## ")[-1]
    assert "- cause: commission 5 -&gt; 8 bps" in text or "commission 5 -\\> 8 bps" in text
    assert "- reason: the new \\| tariff \\#\\# of June \\<b\\>" in text
    assert "| one | 1.00 % -> 0.50 % | 2.00 % | 3 -> 4 | 1 -> 2 | 0.10 |" in text
    assert place.journal.read_text().count("\n## ") == 2


def test_the_journal_takes_its_date_from_the_last_commit(tmp_path: Path) -> None:
    """Not from the clock of whoever accepts; outside git there is no other."""
    import subprocess
    from datetime import date

    assert journal.entry_date(tmp_path) in (date.today().isoformat(),)
    env = {**os.environ, "GIT_COMMITTER_DATE": "2001-02-03T04:05:06+00:00"}
    names = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], [*names, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, env=env, check=True)
    assert journal.entry_date(tmp_path) == "2001-02-03"


def test_a_reader_waits_for_the_writer(place: ProjectPaths) -> None:
    """Nobody reads half of an accept while it is being made."""
    brief = lock.locked(place.blessed, writing=False, patience=0.05)
    refused = pytest.raises(OutputError, match="another process")
    with lock.locked(place.blessed, writing=True), refused, brief:
        raise AssertionError("read while it is written")
    with lock.locked(place.blessed, writing=False), lock.locked(place.blessed, writing=False, patience=0.05):
        pass
