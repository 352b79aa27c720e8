"""What holds for every format, of every export of it: a new format has to have a kit in exports_kit.py."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import reconcile
from exports_kit import EQUITY, FILLS, REBUILT, Sample, kits, rebuilt
from reconcile.formats.registry import FORMATS, fitting, open_format, recognise
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

KITS = kits()
NAMES = [one.name for one in FORMATS]
ENGINES = Path(__file__).parent / "ledgers" / "engines"
EVERY = [
    (name, what, sample)
    for name, kit in KITS.items()
    for what, sample in {"good": kit.good, **kit.others}.items()
]
IDS = [f"{name}, {what}" for name, what, _ in EVERY]
LOCAL = [name for name in KITS if KITS[name].local is not None]
OF_NUMBERS = ("lean", "freqtrade")
"""Of JSON, in which numbers are not written in words."""
REFUSED = ("ib-flex", "cvxportfolio")
"""Decimal commas in these are an error: no such file is saved but by hand."""
OF_FILLS = [name for name in KITS if KITS[name].table == "fills"]
SAID = ("has no end", "not there", "not in the file", "without an exit", "missing")
"""What a note says about an export of which something is missing."""


def story(fees: bool) -> dict[tuple[str, str, float], tuple[float, float]]:
    """(quantity, commission) by time, side and price: fills that were split count as one."""
    return {
        (time, side, float(price)): (size, float(fee) if fees else 0.0)
        for time, side, size, price, fee in FILLS
    }


def told(ledger: Any, fees: bool) -> dict[tuple[str, str, float], tuple[float, float]]:
    frame = reconcile.frame(ledger, "fills", floats=True)
    sums: dict[tuple[str, str, float], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for row in frame.to_dict("records"):
        key = str(row["timestamp"])[:16], row["side"], row["price"]
        size, paid = sums[key]
        fee = row["commission"] if fees else 0.0
        sums[key] = size + row["quantity"], round(paid + fee, 9)
    return dict(sums)


def test_no_format_is_left_out() -> None:
    """Each has an older generation, or a reason why there is none, and a file with decimal commas."""
    assert list(KITS) == NAMES
    for name, kit in KITS.items():
        assert kit.older in kit.others or kit.older.startswith("none: "), name
        assert (kit.local is None) == (name in OF_NUMBERS), name


def test_every_format_says_what_it_holds_and_lacks() -> None:
    for one in FORMATS:
        for shape in (one, *one.also):
            assert shape.title and shape.export and shape.holds and shape.lacks and shape.name == one.name


@pytest.mark.parametrize(("name", "what", "sample"), EVERY, ids=IDS)
def test_every_export_fits_one_format_and_is_read_in_full(
    name: str, what: str, sample: Sample, tmp_path: Path
) -> None:
    """Of every generation and language: partial exits, a short, and commissions where it tells them."""
    path = sample.write(tmp_path)
    assert [one.name for one in fitting(path)] == [name]
    opened = open_format("auto", path)
    assert opened.notes[0].startswith("read as ")
    assert not any(one.reason is None for one in opened.unread), opened.unread
    if KITS[name].table == "fills":
        assert told(opened.ledger, sample.fees) == story(sample.fees)
    elif KITS[name].table == "equity":
        equity = reconcile.frame(opened.ledger, "equity", floats=True)
        assert [
            (str(day)[:10], worth) for day, worth in zip(equity["timestamp"], equity["equity"], strict=True)
        ] == list(EQUITY)
    else:
        assert [table.rows for table in opened.ledger.tables.values()] == [3, 4, 2]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_export_is_an_error_or_reported(name: str, tmp_path: Path) -> None:
    path = KITS[name].empty.write(tmp_path)
    try:
        opened = open_format(name, path)
    except InputError as error:
        assert error.expected and error.remedy
        return
    assert any(note.startswith("no row of") for note in opened.notes)


@pytest.mark.parametrize(("name", "what", "sample"), EVERY, ids=IDS)
def test_a_truncated_export_is_an_error_or_reported(
    name: str, what: str, sample: Sample, tmp_path: Path
) -> None:
    """Cut anywhere within a row: never silently read as less."""
    if isinstance(sample.content, str | bytes):
        whole = sample.content if isinstance(sample.content, bytes) else sample.content.encode()
        files = {sample.file: whole}
    else:
        files = {f"{sample.file}/{one}": text.encode() for one, text in sample.content.items()}
    path = sample.write(tmp_path)
    full = counts(open_format(name, path))
    for file, content in files.items():
        for cut in places(content):
            (tmp_path / file).write_bytes(content[:cut])
            try:
                opened = open_format(name, path)
            except InputError as error:
                assert error.expected and error.remedy
                continue
            reported = any(word in note for word in SAID for note in opened.notes)
            assert reported or counts(opened) == full, (cut, content[max(0, cut - 60) : cut])
        (tmp_path / file).write_bytes(content)


def places(content: bytes) -> list[int]:
    """Where a file is cut: evenly, and near its end, but not between two rows."""
    even = [len(content) * part // 7 for part in range(1, 7)]
    near = [len(content) - off for off in (2, 3, 9, 25)]
    return [cut for cut in sorted({*even, *near}) if cut > 0 and content[cut - 1 : cut] not in (b"\n", b"\0")]


def counts(opened: Any) -> Any:
    tables = opened.ledger.tables
    frames = {name: reconcile.frame(opened.ledger, name, floats=True).to_csv() for name in tables}
    return frames


@pytest.mark.parametrize("name", LOCAL)
def test_decimal_commas_are_read_as_such_or_refused(name: str, tmp_path: Path) -> None:
    """As a spreadsheet saves an export where people write so: never as a price that is a hundredfold."""
    local = KITS[name].local
    assert local is not None
    path = local.write(tmp_path)
    if name in REFUSED:
        with pytest.raises(InputError):
            open_format(name, path)
        return
    assert [one.name for one in fitting(path)] == [name]
    ledger = open_format(name, path).ledger
    if KITS[name].table == "fills":
        assert told(ledger, local.fees) == story(local.fees)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "\x00\x01\x02", "a,b,c\n1,2,3\n", '{"a": ', "<html>", "[" * 9000])
def test_what_is_not_a_format_is_one_error(name: str, text: str, tmp_path: Path) -> None:
    for file in ("x.csv", "x.json", "x.xml", "x.zip", "x.parquet", "x.html"):
        (tmp_path / file).write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            open_format(name, tmp_path / file)
        assert caught.value.expected and caught.value.remedy


def test_fills_of_every_pair_of_formats_are_compared(tmp_path: Path) -> None:
    """Split fills and missing commissions included: no pair differs."""
    ledgers = {}
    for name in OF_FILLS:
        (tmp_path / name).mkdir()
        path = KITS[name].good.write(tmp_path / name)
        ledger = reconcile.read(name, path, symbol="AAA")
        ledgers[name] = Ledger(ledger.manifest, {"fills": ledger.tables["fills"]})
    for one, other in combinations(ledgers, 2):
        found = reconcile.diff(ledgers[one], ledgers[other])
        assert found.exit_code in (0, 2) and len(found.breaks) == 0, (one, other, found.text())


@pytest.mark.parametrize("name", ["tradingview", "backtesting"])
def test_an_export_that_does_not_name_its_symbol_has_that_of_the_other(name: str, tmp_path: Path) -> None:
    """Given directly to a diff, on either side."""
    zipped = KITS["freqtrade"].good.write(tmp_path)
    listed = KITS[name].good.write(tmp_path)
    for sides in ((zipped, listed), (listed, zipped)):
        found = reconcile.diff(*sides)
        assert len(found.breaks) == 0 and found.exit_code == 2
        assert any("taken to be AAA, the only symbol" in note for note in found.notes)


@pytest.mark.parametrize("folder", sorted(path.name for path in ENGINES.iterdir() if path.is_dir()))
def test_what_an_engine_saved_fits_one_format(folder: str) -> None:
    files = sorted((ENGINES / folder).iterdir())
    given = ENGINES / folder if folder == "cvxportfolio" else files[0]
    assert [one.name for one in fitting(given)] == [folder]


@pytest.mark.parametrize("folder", rebuilt())
def test_the_rebuilt_exports_are_those_of_the_kit(folder: str, tmp_path: Path) -> None:
    sample = rebuilt()[folder]
    assert (REBUILT / folder / sample.file).read_bytes() == sample.write(tmp_path).read_bytes()


def test_a_file_that_fits_two_formats_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text(
        "Date,Security,price,quantity,datetime,data,size,comm\n2024-01-03,A,10.5,3,2024-01-03,A,3,0.1\n"
    )
    assert sorted(one.name for one in fitting(path)) == ["backtrader", "bt"]
    with pytest.raises(InputError) as caught:
        recognise(path)
    assert "backtrader" in caught.value.remedy and "reconcile import bt" in caught.value.remedy
