"""Ledgers that mean ill, or were badly made: `diff` and `audit` say so; they neither pass nor crash."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from tests import comparison_kit as kit

from reconcile.cli import exit_code
from reconcile.ledger.write import write_ledger

Spoil = Callable[[Path], None]
FORESEEN_NOT = "did not foresee"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A sound ledger as CSV, without its manifest: anyone's."""
    folder = tmp_path / "sound"
    write_ledger(kit.sample(3)[2], folder, "csv")
    (folder / "manifest.json").unlink()
    return folder


def line(table: str, number: int, change: Callable[[list[str]], list[str]]) -> Spoil:
    """One line of a CSV changed; cells by position."""

    def spoil(folder: Path) -> None:
        file = folder / f"{table}.csv"
        lines = file.read_text().splitlines()
        lines[number] = ",".join(change(lines[number].split(",")))
        file.write_text("\n".join(lines) + "\n")

    return spoil


def cell(table: str, column: str, value: str, row: int = 5) -> Spoil:
    """One cell of a CSV changed; rows counted from 1."""

    def spoil(folder: Path) -> None:
        head = (folder / f"{table}.csv").read_text().splitlines()[0].split(",")
        place = head.index(column)
        line(table, row, lambda cells: [*cells[:place], value, *cells[place + 1 :]])(folder)

    return spoil


def all_cells(table: str, column: str, change: Callable[[str], str]) -> Spoil:
    """A whole column of a CSV changed."""

    def spoil(folder: Path) -> None:
        rows = [row.split(",") for row in (folder / f"{table}.csv").read_text().splitlines()]
        place = rows[0].index(column)
        for row in rows[1:]:
            row[place] = change(row[place])
        (folder / f"{table}.csv").write_text("\n".join(map(",".join, rows)) + "\n")

    return spoil


def doubled(folder: Path) -> None:
    """The same row twice."""
    file = folder / "positions.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[3]]) + "\n")


def no_rows(folder: Path) -> None:
    """Headers alone."""
    for file in folder.glob("*.csv"):
        file.write_text(file.read_text().splitlines()[0] + "\n")


def boastful(folder: Path) -> None:
    """A tiny Parquet file of 400 million equal rows: gigabytes once read."""
    (folder / "fills.csv").unlink()
    run = pa.array([b"x" * 64]).cast(pa.large_string())
    array = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), run)
    place = folder / "fills.parquet"
    pa_parquet.write_table(pa.table({"symbol": array}), place)
    data = bytearray(place.read_bytes())
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = len(data) - 8 - size
    # Thrift: num_rows of the file as a zigzag varint of 1000 is d0 0f; make it 2**31 - 1 in as many bytes.
    at = data.find(b"\xd0\x0f", footer)
    while at != -1:
        data[at : at + 2] = b"\xfe\x7f"
        at = data.find(b"\xd0\x0f", at + 1)
    place.write_bytes(bytes(data))


def truncated(folder: Path) -> None:
    """A Parquet file cut short."""
    write_ledger(kit.sample(3)[2], folder.parent / "whole")
    data = (folder.parent / "whole" / "fills.parquet").read_bytes()
    (folder / "fills.csv").unlink()
    (folder / "fills.parquet").write_bytes(data[: len(data) // 2])


HOSTILE: dict[str, Spoil] = {
    "NaN": cell("fills", "price", "NaN"),
    "infinity": cell("fills", "price", "inf"),
    "minus infinity": cell("equity", "cash", "-Infinity"),
    "1e300": cell("fills", "price", "1e300"),
    "1e300 of cash": cell("equity", "cash", "1e300"),
    "a price of -1e300": cell("fills", "price", "-1e300"),
    "400 digits": cell("fills", "quantity", "9" * 400),
    "an empty cell": cell("fills", "quantity", ""),
    "a date of another century": cell("fills", "timestamp", "1800-01-01"),
    "a date that is none": cell("fills", "timestamp", "2023-02-30"),
    "duplicate rows": doubled,
    "mixed-case symbols": cell("fills", "symbol", "s001"),
    "markup as symbol": cell("fills", "symbol", "<script>alert(1)</script>"),
    "a formula as symbol": cell("positions", "symbol", "=cmd()"),
    "a terminal's escape as symbol": cell("fills", "symbol", "\x1b[2J\x1b[31mOK"),
    "text as number": cell("fills", "quantity", "many"),
    "numbers as side": all_cells("fills", "side", lambda _: "1"),
    "numbers as time": all_cells("equity", "timestamp", lambda _: "17"),
    "a negative quantity": cell("fills", "quantity", "-5"),
    "no rows": no_rows,
    "a boastful Parquet": boastful,
    "a truncated Parquet": truncated,
    "an empty file": lambda folder: (folder / "fills.csv").write_text("") and None,
    "no columns of ours": lambda folder: (folder / "fills.csv").write_text("a,b\n1,2\n") and None,
    "a column twice": lambda folder: (folder / "fills.csv").write_text("price,price\n1,2\n") and None,
    "binary": lambda folder: (folder / "fills.csv").write_bytes(bytes(range(256))) and None,
    "nothing at all": lambda folder: [file.unlink() for file in folder.iterdir()] and None,
}


def spoiled(sound: Path, name: str) -> Path:
    """A copy of the sound ledger, spoiled."""
    folder = sound.parent / "spoiled"
    folder.mkdir()
    for file in sound.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    HOSTILE[name](folder)
    return folder


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and all output; an exception that nobody foresaw fails the test."""
    code = exit_code(list(arguments))
    out = "".join(capsys.readouterr())
    assert FORESEEN_NOT not in out and "Traceback" not in out, out
    assert "\x1b" not in out
    return code, out


def test_the_sound_ledger_is_sound(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the tests below would show nothing."""
    assert judged(capsys, "audit", str(sound), "--initial-cash", "1000000")[0] == 0
    assert judged(capsys, "diff", str(sound), str(sound))[0] == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_an_audit_finds_it_or_refuses_it(name: str, sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding (1), or an error or nothing checked (2); never clean."""
    code, out = judged(capsys, "audit", str(spoiled(sound, name)), "--initial-cash", "1000000")
    assert code in (1, 2)
    assert not out.startswith("clean")


@pytest.mark.parametrize("swapped", [False, True], ids=["as candidate", "as reference"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_diff_breaks_on_it_or_refuses_it(
    name: str, swapped: bool, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A break (1), or an error (2); never a match, on either side."""
    sides = [str(sound), str(spoiled(sound, name))]
    code, out = judged(capsys, "diff", *(reversed(sides) if swapped else sides))
    assert code in (1, 2)
    assert not out.startswith("matched:")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_ledger_does_not_match_itself_into_a_traceback(
    name: str, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Compared with itself, in every form of output."""
    folder = str(spoiled(sound, name))
    for form in ([], ["--json"], ["--markdown"], ["--first"]):
        code, _ = judged(capsys, "diff", folder, folder, *form)
        assert code in (0, 1, 2)


def test_what_is_not_a_number_matches_nothing(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An infinity is not equal to itself."""
    folder = str(spoiled(sound, "infinity"))
    assert judged(capsys, "diff", folder, folder)[0] == 1


def test_markup_stays_text(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In Markdown no tag, in CSV no formula, in a terminal no escape."""
    folder = spoiled(sound, "markup as symbol")
    _, out = judged(capsys, "diff", str(sound), str(folder), "--markdown")
    assert "<script>" not in out and "&#60;script&#62;" in out
    cell("positions", "symbol", "=cmd()")(folder)
    judged(capsys, "diff", str(sound), str(folder), "--csv", str(tmp_path / "breaks.csv"))
    rows = (tmp_path / "breaks.csv").read_text().splitlines()
    assert any("'=cmd()" in row for row in rows)
    assert not any(field.startswith("=") for row in rows for field in row.split(","))


def test_rows_out_of_order_change_nothing(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dates out of order are no error and no break."""
    folder = sound.parent / "mixed"
    folder.mkdir()
    for file in sound.iterdir():
        head, *rows = file.read_text().splitlines()
        (folder / file.name).write_text("\n".join([head, *reversed(rows)]) + "\n")
    assert judged(capsys, "diff", str(sound), str(folder))[0] == 0
    code, out = judged(capsys, "audit", str(folder), "--initial-cash", "1000000")
    assert code == 0 and "out of time order" in out
