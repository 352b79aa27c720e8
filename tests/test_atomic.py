"""Files and folders are written whole or not at all, and what a killed process leaves is removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.files import atomic

TWO_RENAMES = """
import os, sys
from pathlib import Path
from reconcile.files import atomic
count, rename = [0], Path.rename
def killed(self, target):
    if count[0] == int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    count[0] += 1
    return rename(self, target)
Path.rename = killed
with atomic.new_folder(sys.argv[1]) as scratch:
    (scratch.path / "content").write_text("new")
    scratch.put_in_place()
"""


def content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_a_file_is_replaced_whole_with_the_mode_of_a_new_one(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "page", "old")
    atomic.write_file(tmp_path / "page", ["one\r\n", "two\n"])
    assert (tmp_path / "page").read_bytes() == b"one\r\ntwo\n"
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "page").stat().st_mode == plain.stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "page", "old")

    def parts() -> object:
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic.write_file(tmp_path / "page", parts())  # type: ignore[arg-type]
    assert content(tmp_path) == {"page": "old"}


def test_a_link_stays_one_and_the_file_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "page")
    atomic.write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").read_text() == "new"


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_what_is_no_file_is_refused_and_left(kind: str, tmp_path: Path) -> None:
    """Written as root, /dev/null would become a file."""
    place = tmp_path / "place"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place = Path("/dev/null")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(place)
    with pytest.raises(OSError, match=r"not a file|directory|symbolic links"):
        atomic.write_file(place, "text")
    assert place.is_symlink() if kind == "loop" else not place.is_file()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("name", ["n" * 255, "\N{SNOWMAN}" * 85])
def test_a_name_may_be_as_long_as_the_file_system_allows(name: str, tmp_path: Path) -> None:
    for text in ("old", "new"):
        atomic.write_file(tmp_path / name, text)
    assert content(tmp_path) == {name: "new"}


@pytest.mark.parametrize(("renames", "seen"), [(0, "old"), (1, None)])
def test_a_folder_whose_replacement_was_killed_is_completed_by_the_next_one(
    renames: int, seen: str | None, tmp_path: Path
) -> None:
    """Killed before the first of the two renames the old one stands; between them the new one is complete."""
    target = tmp_path / "out"
    target.mkdir()
    (target / "content").write_text("old")
    done = subprocess.run([sys.executable, "-c", TWO_RENAMES, str(target), str(renames)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (target / "content").read_text() == seen if seen else not target.exists()
    atomic.remove_abandoned(tmp_path)
    assert seen or len(list(tmp_path.iterdir())) == 2  # whoever writes elsewhere does not decide about it
    with atomic.new_folder(target):
        assert (target / "content").read_text() == (seen or "new")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_scratch_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    with atomic.new_folder(tmp_path / "out") as scratch, atomic.new_file(tmp_path / "page") as other:
        atomic.remove_abandoned(tmp_path)
        atomic.write_file(tmp_path / "elsewhere", "text")
        assert scratch.path.is_dir()
        assert other.path.is_file()


def test_a_file_of_the_users_with_a_like_name_is_left_alone(tmp_path: Path) -> None:
    names = [".out.tmp", ".out.tieout-12.tmp", "out.tieout-0123456789abcdef.tmp"]
    for name in names:
        (tmp_path / name).touch()
    atomic.write_file(tmp_path / "out", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "out"])
