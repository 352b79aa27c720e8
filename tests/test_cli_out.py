"""`--out`: written whole, replaced whole, and never at the expense of what is not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile.cli import exit_code
from reconcile.running import output
from vocabulary.errors import OutputError
from vocabulary.ledger import RUN_TABLES

KIND = "tieout.run"


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def earlier_output(folder: Path) -> None:
    folder.mkdir()
    (folder / "summary.json").write_text(json.dumps({"kind": KIND, "version": 1}))


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_out_holds_both_ledgers_whole_and_the_summary(ending: str, small: str) -> None:
    assert exit_code(["run", small, "--out", "results", "--format", ending]) == 0
    tables = {f"{side}/{table}.{ending}" for side in ("reference", "candidate") for table in RUN_TABLES}
    manifests = {f"{side}/manifest.json" for side in ("reference", "candidate")}
    assert set(tree(Path("results"))) == tables | manifests | {"summary.json"}
    assert json.loads(Path("results/summary.json").read_text())["verdict"] == "matched"


def test_running_twice_gives_the_same_bytes(small: str) -> None:
    for name in ("one", "two"):
        assert exit_code(["run", small, "--out", name]) == 0
    one, two = tree(Path("one")), tree(Path("two"))
    one.pop("summary.json"), two.pop("summary.json")
    assert one == two
    assert len(one) == 14


def test_the_summary_on_file_is_the_one_that_json_prints(
    small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["run", small, "--out", "results", "--json"]) == 0
    assert capsys.readouterr().out == Path("results/summary.json").read_text()


def test_an_earlier_output_is_replaced_whole(small: str) -> None:
    assert exit_code(["run", small, "--out", "results", "--format", "csv"]) == 0
    assert exit_code(["run", small, "--out", "results", "--format", "parquet"]) == 0
    assert not list(Path("results").rglob("*.csv"))
    assert sorted(path.name for path in Path().iterdir()) == ["bars.csv", "results", "small.toml"]


def test_an_empty_folder_and_missing_parents_are_fine(small: str) -> None:
    Path("empty").mkdir()
    assert exit_code(["run", small, "--out", "empty"]) == 0
    assert exit_code(["run", small, "--out", "a/b/c"]) == 0
    assert Path("a/b/c/summary.json").exists()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("notes.txt", "mine"),
        ("summary.json", "{}"),
        ("summary.json", '{"kind": "other"}'),
        ("summary.json", "not json"),
        ("summary.json", "[1]"),
        ("reference/fills.csv", "mine"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(
    path: str, content: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path("results") / path
    place.parent.mkdir(parents=True)
    place.write_text(content)
    assert exit_code(["run", small, "--out", "results"]) == 2
    assert "error: --out results" in capsys.readouterr().err
    assert {name: data.decode() for name, data in tree(Path("results")).items()} == {path: content}


@pytest.mark.parametrize("path", ["notes.txt", "reference/notes.txt", "candidate/fills.xlsx"])
def test_a_file_of_the_users_in_an_earlier_output_is_not_lost(
    path: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier_output(Path("results"))
    (Path("results") / path).parent.mkdir(exist_ok=True)
    (Path("results") / path).write_text("mine")
    assert exit_code(["run", small, "--out", "results"]) == 2
    assert path in capsys.readouterr().err
    assert (Path("results") / path).read_text() == "mine"


@pytest.mark.parametrize("out", ["small.toml", "small.toml/below", ".", ".."])
def test_a_place_that_cannot_become_an_output_is_refused(
    out: str, small: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(small).read_text()
    assert exit_code(["run", small, "--out", out]) == 2
    err = capsys.readouterr().err
    assert f"error: --out {out}" in err
    assert "did not foresee" not in err
    assert Path(small).read_text() == before


@pytest.mark.skipif(os.name != "posix" or not Path("/proc").is_dir(), reason="needs a read-only place")
def test_an_unwritable_place_is_told_before_the_run(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["run", small, "--out", "/proc/results"]) == 2
    assert "error: --out /proc/results" in capsys.readouterr().err


def test_a_run_that_fails_leaves_the_earlier_output(small: str) -> None:
    assert exit_code(["run", small, "--out", "results"]) == 0
    before = tree(Path("results"))
    Path("fails.py").write_text("def run(scenario, market): raise ValueError\n")
    assert exit_code(["run", small, "--out", "results", "fails:run"]) == 2
    assert tree(Path("results")) == before
    assert not list(Path().glob(".results*"))


def test_what_a_killed_run_left_is_removed_by_the_next(small: str) -> None:
    script = (
        f"import os; from reconcile.cli import exit_code; exit_code(['run', {small!r}, '--out', 'results'])"
    )
    kill = "import os; from reconcile.ledger import write; write._write_files = lambda *_: os._exit(9); "
    assert subprocess.run([sys.executable, "-c", kill + script], check=False).returncode == 9
    assert len(list(Path().glob(".results.*.tmp"))) == 1
    assert exit_code(["run", small, "--out", "results"]) == 0
    assert sorted(path.name for path in Path().iterdir()) == ["bars.csv", "results", "small.toml"]


def test_the_new_output_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    place = tmp_path / "results"
    earlier_output(place)
    (place / "reference").mkdir()
    (place / "reference" / "fills.csv").write_text("old")
    with output.staged(str(place), KIND) as folder:
        assert folder is not None
        assert (place / "reference" / "fills.csv").read_text() == "old"
        output.write_text(folder, "summary.json", "new")
    assert tree(place) == {"summary.json": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_what_appears_during_a_run_is_not_overwritten(tmp_path: Path) -> None:
    place = tmp_path / "results"
    with pytest.raises(OutputError), output.staged(str(place), KIND) as folder:
        assert folder is not None
        output.write_text(folder, "summary.json", "new")
        place.mkdir()
        (place / "notes.txt").write_text("mine")
    assert tree(place) == {"notes.txt": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
