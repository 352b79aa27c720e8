"""Accepting is all or nothing, whenever the process dies, and nothing is accepted by accident."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import golden_kit
from golden_kit import CASES, bless, offer, project, versions
from killing_kit import Tree, interrupted_at, read_tree, states, write_tree
from reconcile import cli
from reconcile.goldens import accept_transaction, journal
from reconcile.goldens import project_paths as lock
from reconcile.goldens.accept import accept, reject
from reconcile.goldens.files import seal_bytes
from reconcile.goldens.model import ProjectPaths
from reconcile.goldens.project_paths import find_project
from reconcile.goldens.store import read_goldens
from vocabulary.errors import InputError, OutputError

ROUNDS = 6
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def place(tmp_path: Path) -> ProjectPaths:
    """Three cases blessed at version 1."""
    made = project(tmp_path / "project")
    bless(made, 1)
    return made


@pytest.fixture
def offered(place: ProjectPaths) -> ProjectPaths:
    """The same, with version 2 of each case pending."""
    for case in CASES:
        offer(place, case, 2)
    return place


def entries(place: ProjectPaths) -> int:
    """Entries of the journal."""
    return place.journal.read_text().count("## ")


def is_new(place: ProjectPaths) -> bool:
    """Whether an accept of version 2 happened; all of it did, or nothing, and nothing is left of it."""
    seen = versions(place)
    assert set(seen) == set(CASES), "a golden is gone"
    assert len(set(seen.values())) == 1, seen
    new = seen["one"] == 2
    assert entries(place) == (2 if new else 1), "journal and goldens disagree"
    assert golden_kit.leftovers(place) == []
    on_file = read_goldens(place)
    assert sorted(on_file.pending) == ([] if new else sorted(CASES)) and not on_file.broken_pending
    text = journal.read_journal(place)
    assert not any(journal.journal_faults(place, text, one) for one in on_file.goldens.values())
    return new


def test_an_accept_killed_at_any_moment_is_whole(offered: ProjectPaths, tmp_path: Path) -> None:
    """Whatever it has written so far: all old or all new, and the journal."""
    found = states(offered.root, lambda: accept(offered, CASES, "meant"))
    assert len(found) > 20
    outcomes = []
    for state in found:
        there = find_project(write_tree(state, tmp_path / "killed"))
        outcomes.append(is_new(there))
        if not outcomes[-1]:  # nothing has happened: it can be done again
            accept(there, CASES, "meant")
            assert is_new(there)
    assert outcomes == sorted(outcomes)
    assert not outcomes[0] and outcomes[-1]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_accept_stopped_at_any_change_is_whole(
    error: BaseException, offered: ProjectPaths, tmp_path: Path
) -> None:
    """An interrupt, or a full disk, in place of each change of a file."""
    start, outcomes = read_tree(offered.root), []
    for step in range(1, 200):
        there = find_project(write_tree(start, tmp_path / "stopped"))
        try:
            _, stopped = interrupted_at(there.root, step, error, partial(accept, there, CASES, "meant"))
        except (KeyboardInterrupt, OutputError):
            stopped = True
        outcomes.append(is_new(there))
        if not stopped:
            break
    assert len(outcomes) > 10 and outcomes[-1] and not all(outcomes)


def half_done(place: ProjectPaths, tmp_path: Path) -> Tree:
    """A project whose accept was killed with one case old and one new."""
    for state in states(place.root, lambda: accept(place, CASES, "meant")):
        there = find_project(write_tree(state, tmp_path / "half"))
        waiting = {(there.blessed / f"{case}.pending" / "golden").exists() for case in CASES}
        if (there.blessed / accept_transaction.INTENT).exists() and len(waiting) == 2:
            return state
    raise AssertionError("there is no such moment")


def test_a_recovery_killed_at_any_moment_is_whole(offered: ProjectPaths, tmp_path: Path) -> None:
    """Who finishes the work of a killed process may be killed, too."""
    there = find_project(write_tree(half_done(offered, tmp_path), tmp_path / "half"))
    found = states(there.root, lambda: read_goldens(there))
    assert len(found) > 5
    assert all(is_new(find_project(write_tree(state, tmp_path / "again"))) for state in found)


@pytest.mark.parametrize(
    "command", [("golden", "review"), ("golden", "check"), ("gate", "--checks", "goldens")], ids=" ".join
)
def test_every_command_finishes_what_was_killed(
    command: tuple[str, ...],
    offered: ProjectPaths,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The next command, whichever it is, sees the accept done."""
    there = find_project(write_tree(half_done(offered, tmp_path), tmp_path / "half"))
    monkeypatch.chdir(there.root)
    reviewed = "review" in command
    assert cli.exit_code(command) == (0 if reviewed else 1)  # no scenario: unused
    assert ("nothing is pending" if reviewed else "3 unused") in capsys.readouterr().out
    assert not (there.blessed / accept_transaction.INTENT).exists()
    assert golden_kit.leftovers(there) == []
    assert entries(there) == 2


@needs_fork
def test_processes_killed_from_outside_leave_all_old_or_all_new(
    offered: ProjectPaths, tmp_path: Path
) -> None:
    """The command, killed by another process some moment after its first write, several times."""
    draw, seen = random.Random(1), []
    for round_ in range(ROUNDS):
        copy = tmp_path / f"round-{round_}"
        shutil.copytree(offered.root, copy)
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
        time.sleep(draw.random() * 0.002 * round_)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.append(is_new(there))
    assert any(seen), "each was killed before it had begun"


def test_leaving_something_pending_is_whole(place: ProjectPaths, tmp_path: Path) -> None:
    """A golden is pending whole or not at all, and the goldens stay as they are."""
    offer(place, "one", 2)
    for state in states(place.root, lambda: offer(place, "one", 3)):
        there = find_project(write_tree(state, tmp_path / "killed"))
        on_file = read_goldens(there)
        assert versions(there) == dict.fromkeys(CASES, 1)
        pending = [int(one.golden.manifest.figures.ledger, 16) for one in on_file.pending.values()]
        assert pending in ([2], [3], []) and not on_file.broken_pending
        assert golden_kit.leftovers(there) == []


def test_a_folder_that_cannot_be_read_is_said(
    place: ProjectPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rights may be another user's."""

    def refuse(_: ProjectPaths) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place.blessed))

    monkeypatch.setattr(accept_transaction, "has_leftovers", refuse)
    monkeypatch.chdir(place.root)
    for command in ("golden check", "golden review", "golden accept one --reason why", "gate --checks drift"):
        if command.startswith("golden accept"):
            monkeypatch.setattr(accept_transaction, "recover", refuse)
        assert cli.exit_code(command.split()) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: {place.blessed}\n  found     Permission denied"), said


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


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("golden/tables/fills.csv", "7", "8"),
        ("golden/manifest.json", "0.005", "0.5"),
        ("golden/seal.json", '"sha256": "', '"sha256": "0'),
        ("change.json", "0.005", "0.5"),
        ("change.json", '"fills": 2', '"fills": 3'),
        ("seal.json", '"sha256": "', '"sha256": "0'),
    ],
)
def test_an_edited_pending_change_is_not_accepted(
    place: ProjectPaths,
    file: str,
    old: str,
    new: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing hand-written becomes a golden, or goes into the journal; review names the file."""
    offer(place, "one", 2)
    path = place.blessed / "one.pending" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match="a change that was edited"):
        accept(place, ["one"], "meant")
    assert versions(place)["one"] == 1 and entries(place) == 1
    monkeypatch.chdir(place.root)
    assert cli.exit_code(["golden", "review"]) == 1
    said = capsys.readouterr().out
    assert "one: its pending change was edited" in said and path.name in said


@pytest.mark.parametrize(("old", "new"), [("0.005", "0.5"), ('"causes": [', '"causes": [], "more": [')])
def test_a_change_that_was_sealed_again_is_not_accepted(place: ProjectPaths, old: str, new: str) -> None:
    """The figures and causes of a change are those of its two goldens."""
    offer(place, "one", 2, rate="8")
    folder = place.blessed / "one.pending"
    text = (folder / "change.json").read_text()
    assert old in text
    (folder / "change.json").write_text(text.replace(old, new))
    parts = {name: (folder / name).read_bytes() for name in ("change.json", "golden/seal.json")}
    (folder / "seal.json").write_bytes(seal_bytes(parts))
    with pytest.raises(InputError, match="figures or causes that are not those of the two goldens"):
        accept(place, ["one"], "meant")


def chained(place: ProjectPaths) -> list[str]:
    """The sections of a journal of four entries, the one above the first entry included."""
    for version in (2, 3, 4):
        offer(place, "one", version)
        accept(place, ["one"], f"version {version}")
    sections = place.journal.read_text().split("## ")
    assert len(sections) == 5
    return sections


@pytest.mark.parametrize(
    ("change", "row", "found"),
    [
        (lambda s: [*s[:2], s[2].replace("version", "edition"), *s[3:]], "entry 2,", "it was edited"),
        (lambda s: [*s[:2], s[2].replace(" fills", " files"), *s[3:]], "entry 2,", "it was edited"),
        (lambda s: [*s[:3], s[2], *s[3:]], "entry 3,", "it stands there twice"),
        (lambda s: [*s[:2], s[3], s[2], s[4]], "entry 2,", "it was moved"),
        (lambda s: [*s[:2], *s[3:]], "entry 2,", "the entry that it follows was removed"),
        (lambda s: [s[0], *s[2:]], "entry 1,", "what stands above it was changed"),
        (lambda s: ["# Another head\n", *s[1:]], "entry 1,", "what stands above it was changed"),
        (lambda s: [*s[:4], s[4].split("- chain")[0]], "entry 4,", "it has no link of the chain"),
    ],
    ids=["reason", "head", "doubled", "moved", "removed", "first removed", "above", "unlinked"],
)
def test_an_entry_of_the_journal_that_is_not_what_was_written_is_named(
    place: ProjectPaths, change: Callable[[list[str]], list[str]], row: str, found: str
) -> None:
    """Edited, doubled, moved or removed: no golden holds, and nothing is accepted."""
    place.journal.write_text("## ".join(change(chained(place))))
    faults = journal.journal_faults(place, journal.read_journal(place))
    assert faults[0].row is not None and faults[0].row.startswith(row) and faults[0].found.startswith(found)
    offer(place, "two", 2)
    with pytest.raises(InputError, match=found):
        accept(place, ["two"], "meant")


def test_a_journal_of_two_merged_branches_is_whole(place: ProjectPaths, tmp_path: Path) -> None:
    """Both accepted something after the same entry, and both entries were kept."""
    other = tmp_path / "other"
    shutil.copytree(place.root, other)
    branch = find_project(other)
    for project_, case in ((place, "one"), (branch, "two")):
        offer(project_, case, 2)
        accept(project_, [case], "meant")
    ours, theirs = place.journal.read_text(), branch.journal.read_text()
    place.journal.write_text(ours + "## " + theirs.split("## ")[-1])
    assert journal.journal_faults(place, journal.read_journal(place)) == ()


def test_entries_from_before_the_chain_stay_as_they_are(place: ProjectPaths) -> None:
    """The first link is that of all that stands above it."""
    text = "".join(
        line for line in place.journal.read_text().splitlines(keepends=True) if not line.startswith("- chain")
    )
    place.journal.write_text(text)
    assert journal.journal_faults(place, text) == ()
    offer(place, "one", 2)
    accept(place, ["one"], "meant")
    longer = place.journal.read_text()
    assert longer.startswith(text) and longer.count("- chain: ") == 1
    assert journal.journal_faults(place, longer) == ()
    assert journal.journal_faults(place, longer.replace("version 1", "version 9"))[0].found.startswith("what")


def test_line_ends_and_blank_lines_do_not_break_the_chain(place: ProjectPaths) -> None:
    """Version control may change the ones, an editor the others."""
    text = place.journal.read_text().replace("\n", "\r\n") + "\r\n\r\n"
    assert journal.journal_faults(place, text) == ()


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
