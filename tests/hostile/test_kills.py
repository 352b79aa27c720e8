"""Whatever stops a command at whichever of its writes: what was there stays whole, or what is new is whole.

The next run of the command succeeds, and leaves nothing of the one that was stopped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostile import world

RUN = ("run", world.SCENARIO, world.OURS, "--format", "csv", "--out", "results")
COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "run": (RUN, ("results",), ()),
    "run again": (RUN, ("results",), (*RUN[:3], "--format", "parquet", "--out", "results")),
    "diff": (
        (
            "diff",
            world.OURS,
            "edited",
            "--csv",
            "breaks.csv",
            "--rebalances",
            "periods.csv",
        ),
        ("breaks.csv", "periods.csv"),
        (),
    ),
    "import": (
        ("import", world.FOREIGN, "--mapping", world.MAPPING, "--as", "csv", "--out", "made"),
        ("made",),
        (),
    ),
    "suggest": (
        ("import", "--suggest", f"{world.FOREIGN}/trades.csv", "--out", "guesses.toml"),
        ("guesses.toml",),
        (),
    ),
    "init": (("init", "new"), ("new/scenario.toml", "new/pyproject.toml", "new/my_engine.py"), ()),
    "gate": (("gate", "--checks", "goldens", "--junit", "report.xml"), ("report.xml",), ()),
}
"""What is run, the files or folders that it writes, and what is run first so that it replaces something."""
CODES = {"kill": {-9}, "terminate": {143, -15}, "interrupt": {130, -2}, "full": {2}}


class Server:
    """The process that forks."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).parent / "kill_server.py")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, folder: Path, arguments: tuple[str, ...], how: str = "", at: int = 0) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        order = {"folder": str(folder), "arguments": list(arguments), "how": how, "at": at}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    assert started.process.stdin is not None
    started.process.stdin.close()
    started.process.wait(60)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    world.make_world(folder)
    shutil.copytree(folder / world.OURS, folder / "edited")
    (folder / "edited" / "manifest.json").unlink()
    fills = folder / "edited" / "fills.csv"
    fills.write_text(fills.read_text().replace("buy,", "sell,", 1))
    return folder


def content(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """The bytes of each file, or of each file in each folder; None for what is not there."""
    found: dict[str, Any] = {}
    for name in names:
        path = folder / name
        if path.is_dir():
            files = sorted(one for one in path.rglob("*") if one.is_file())
            found[name] = {one.relative_to(path).as_posix(): _masked(one.read_bytes()) for one in files}
        else:
            found[name] = _masked(path.read_bytes()) if path.exists() else None
    return found


_TIMES = re.compile(rb'((seconds|per_second)": ?|time="|timestamp=")[-0-9.eT:+]+|[0-9.]+ m?s\b')


def _masked(data: bytes) -> bytes:
    """Without how long something took, and when."""
    return _TIMES.sub(b"", data)


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_stopped_at_any_write_leaves_nothing_half_done(
    name: str, how: str, server: Server, sound: Path, tmp_path: Path
) -> None:
    arguments, targets, earlier = COMMANDS[name]
    start = tmp_path / "start"
    shutil.copytree(sound, start)
    if earlier:
        server.run(start, earlier)
    before = content(start, targets)
    shutil.copytree(start, tmp_path / "whole")
    whole = server.run(tmp_path / "whole", arguments)
    after = content(tmp_path / "whole", targets)
    assert None not in after.values() and after != before, whole
    assert whole["writes"] >= 3, whole
    left = {path.name for path in (tmp_path / "whole").iterdir()}
    for at in range(1, whole["writes"] + 1):
        if how != "kill" and at % 3 and whole["writes"] > 20:
            continue  # alike for all tables of a ledger
        folder = tmp_path / f"at{at}"
        shutil.copytree(start, folder)
        stopped = server.run(folder, arguments, how, at)
        where = f"{how} at write {at} of {whole['writes']}: {stopped}"
        if stopped["code"] == whole["code"] and how != "kill" and content(folder, targets) == after:
            continue  # it was stopped after its last step that matters, or could do without what failed
        assert stopped["code"] in CODES[how], where
        assert "did not foresee" not in stopped["error"] and "Traceback" not in stopped["error"], where
        between = {one.name.split(".tieout-")[0][1:] for one in folder.glob(".*.tieout-*.old")}
        for target, found in content(folder, targets).items():
            if how == "kill" and found is None and target in between:
                continue  # between the two renames of a folder both stand under other names
            assert found in (before[target], after[target]), f"{target}, {where}"
        if how != "kill" and at % 6:
            continue  # these run their own cleaning up: every sixth is taken up again
        again = server.run(folder, arguments)
        assert again["code"] == whole["code"], f"again after {where}: {again}"
        assert content(folder, targets) == after, where
        assert {path.name for path in folder.iterdir()} == left, where
        shutil.rmtree(folder)
