"""A diff in bounded memory gives the verdict and the rows of a diff in memory, whatever the windows are."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest
from tests import comparison_faults as faults
from tests import comparison_kit as kit
from tests import schema_kit

import reconcile
from reconcile.api.diff import ScaledDiffResult
from reconcile.comparing.compare import compare
from reconcile.matching.model import ChainState, Verdict
from reconcile.scaling import budget, equal_rows, spool
from reconcile.scaling.dataset import Slice, TableSet
from reconcile.scaling.pieces import Piece
from reconcile.scaling.survey import windows
from reconcile.vocabulary import InputError, Ledger

MEMORY = 10**10


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few bars, so that small ledgers have many of them."""
    monkeypatch.setattr(budget, "LEAST", 100)
    monkeypatch.setattr(budget, "READ_SHARE", 0.0)
    monkeypatch.setattr(budget, "MATCHED_SHARE", 0.0)
    monkeypatch.setattr(spool, "HELD", 50)


def wrong(true: Ledger, market: Any, seed: int, count: int) -> Ledger:
    """The ledger with some faults of the record."""
    chance = random.Random(seed)
    found = true
    for _ in range(count):
        made = faults.record_fault(
            found, market, chance.choice(faults.RECORDED), chance.randrange(len(market.timestamps)), chance
        )
        found = found if made is None else made[0]
    return found


def written(folder: Path, *ledgers: Ledger) -> list[Path]:
    places = [folder / f"side{number}" for number, _ in enumerate(ledgers)]
    for place, ledger in zip(places, ledgers, strict=True):
        reconcile.write_ledger(ledger, place)
    return places


def unchained(*places: Path) -> list[Path]:
    """Without their digest chains, so that every bar is read."""
    for place in places:
        content = json.loads((place / "manifest.json").read_text())
        (place / "manifest.json").write_text(json.dumps({**content, "chain": None}))
    return list(places)


def same(left: Path, right: Path) -> ScaledDiffResult:
    expected = compare(reconcile.read_ledger(left), reconcile.read_ledger(right))
    found = reconcile.diff(left, right, memory=MEMORY)
    assert isinstance(found, ScaledDiffResult)
    assert list(found.answer.breaks()) == list(expected.breaks)
    assert len(found.found.breaks) == len(expected.breaks)
    for name in ("verdict", "first", "by_stage", "by_type", "not_compared", "manifests", "idle"):
        assert getattr(found.found, name) == getattr(expected, name), name
    assert [(one.table, one.reference_rows, one.candidate_rows) for one in found.found.compared] == [
        (one.table, one.reference_rows, one.candidate_rows) for one in expected.compared
    ]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_are_those_of_a_diff_in_memory(seed: int, tmp_path: Path) -> None:
    """Over faults of every kind, one or many at once."""
    _, market, true = kit.sample(seed, bars=40)
    places = written(tmp_path, true, wrong(true, market, seed, (1, 30, 6, 60)[seed]))
    found = same(*unchained(*places))
    assert len(list(windows(found.answer.scan.survey.rows, 0, found.answer.scan.budget.read_rows))) > 3


def test_a_missing_fill_shifts_no_sequence_number(tmp_path: Path) -> None:
    """Which reading of the numbers counts shows only at the end; it is the same as in memory, either way."""
    _, _, true = kit.sample(1, bars=40)
    gone = kit.dropping(true, "fills", 1)
    sequence = gone.tables["fills"].columns["sequence"]
    rows = gone.tables["fills"].rows
    shifted = kit.with_column(gone, "fills", "sequence", replace(sequence, values=np.arange(rows)))
    swapped = kit.edited(kit.dropping(shifted, "fills", rows // 2), "fills", "sequence", 2, lambda n: n + 1)
    for number, other in enumerate((gone, shifted, swapped)):
        same(*unchained(*written(tmp_path / str(number), true, other)))


@pytest.mark.parametrize("shape", ["files", "symbols", "shuffled"])
def test_a_table_may_be_many_files_in_any_order(shape: str, tmp_path: Path) -> None:
    """Parts by time, partitions by symbol, and rows without any order: the breaks are those in memory."""
    _, market, true = kit.sample(2, bars=24)
    places = unchained(*written(tmp_path, true, wrong(true, market, 5, 6)))
    found = [parted(place, shape) for place in places]
    expected = compare(*(reconcile.read_ledger(joined(place)) for place in found))
    result = reconcile.diff(*found)
    assert isinstance(result, ScaledDiffResult), "nothing else reads folders of files"
    assert len(expected.breaks) > 3
    assert list(result.answer.breaks()) == list(expected.breaks)
    assert result.verdict is expected.verdict


def parted(place: Path, shape: str) -> Path:
    """The ledger with every table as a folder of files."""
    out = place.with_name(f"{place.name}-parted")
    out.mkdir()
    shutil.copy(place / "manifest.json", out)
    for path in sorted(place.glob("*.parquet")):
        table = pq.read_table(path)
        if shape == "shuffled":
            order = np.random.default_rng(table.num_rows).permutation(table.num_rows)
            table = table.take(pa.array(order))
        folder = out / path.stem
        if shape == "symbols" and "symbol" in table.column_names:
            for symbol in sorted(set(table["symbol"].to_pylist())):
                inner = folder / f"symbol={symbol}"
                inner.mkdir(parents=True)
                rows = table.filter(pa.compute.equal(table["symbol"], symbol)).drop_columns(["symbol"])
                pq.write_table(rows, inner / "part.parquet", store_decimal_as_integer=True)
            continue
        folder.mkdir()
        step = max(table.num_rows // 3, 1)
        for start in range(0, max(table.num_rows, 1), step):
            name = folder / f"part-{start:06}.parquet"
            pq.write_table(table.slice(start, step), name, row_group_size=20, store_decimal_as_integer=True)
    return out


def joined(place: Path) -> Path:
    """The same with one file per table, its rows in the order of the files."""
    out = place.with_name(f"{place.name}-joined")
    out.mkdir()
    shutil.copy(place / "manifest.json", out)
    for folder in sorted(path for path in place.iterdir() if path.is_dir()):
        parts = []
        for path in sorted(folder.rglob("*.parquet")):
            part = pq.ParquetFile(path).read()
            if "=" in path.parent.name:
                symbol = path.parent.name.partition("=")[2]
                part = part.append_column("symbol", pa.array([symbol] * part.num_rows))
            parts.append(part)
        pq.write_table(pa.concat_tables(parts), out / f"{folder.name}.parquet", store_decimal_as_integer=True)
    return out


def test_bars_with_equal_digests_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the answer says so; the rows are those of a diff in memory all the same."""
    _, market, true = kit.sample(1, bars=40)
    made = next(
        found
        for bar in range(25, 40)
        if (found := faults.record_fault(true, market, "fill price", bar, random.Random(1))) is not None
    )
    left, right = written(tmp_path, true, made[0])
    first = compare(true, made[0]).first
    assert first is not None
    seen: list[int] = []
    read = TableSet.rows_between

    def told(self: TableSet, low: int, high: int) -> Slice:
        seen.append(low)
        return read(self, low, high)

    monkeypatch.setattr(TableSet, "rows_between", told)
    found = same(left, right)
    assert min(seen) == first.timestamp
    assert "were not read: both digest chains" in found.text()
    assert found.found.chains.candidate.state is ChainState.NOT_HELD
    seen.clear()
    equal = reconcile.diff(left, left, memory=MEMORY)
    assert (equal.verdict, seen) == (Verdict.MATCHED, [])
    assert "were not read" in equal.text()


def test_rows_that_do_not_fit_their_chain_are_edited_here_as_well(tmp_path: Path) -> None:
    """A file that was changed after its chain was computed; and one whose rows are as written."""
    _, _, true = kit.sample(1, bars=40)
    left, right = written(tmp_path, true, true)
    unchained(left)
    assert same(left, right).found.chains.candidate.state is ChainState.HOLDS
    reconcile.write_ledger(kit.edited(true, "equity", "cash", 20, lambda cash: cash + 1), tmp_path / "other")
    for side in (left, right):
        shutil.copy(tmp_path / "other" / "equity.parquet", side / "equity.parquet")
    assert same(left, right).verdict is Verdict.EDITED


def test_the_answer_is_shown_like_any_other(tmp_path: Path) -> None:
    _, market, true = kit.sample(1, bars=40)
    left, right = unchained(*written(tmp_path, true, wrong(true, market, 1, 5)))
    found, expected = reconcile.diff(left, right, memory="1GB"), reconcile.diff(left, right)
    assert found.text().startswith(f"{len(expected.breaks)} breaks: ")
    assert found.to_csv() == expected.to_csv()
    assert schema_kit.conforms("diff", found.to_dict())
    assert found.to_dict()["list"] == expected.to_dict()["list"]
    assert "need both ledgers in memory" in found.text()
    found.to_html(tmp_path / "page.html")
    with pytest.raises(InputError) as error:
        list(found.rebalances_csv_lines())
    assert "no figures per rebalance" in error.value.found


def test_what_it_cannot_do_is_one_error(tmp_path: Path) -> None:
    _, _, true = kit.sample(1, bars=40)
    (left,) = written(tmp_path, true)
    reconcile.write_ledger(true, tmp_path / "text", "csv")
    for given, said in (
        ({"candidate": tmp_path / "text"}, "not a folder or file of Parquet"),
        ({"memory": 1000}, "1,000 bytes"),
        ({"symbol": "A"}, "a filter"),
        ({"tables": "tails"}, "tails"),
    ):
        options: dict[str, Any] = {"candidate": left, "memory": MEMORY, **given}
        with pytest.raises(InputError) as error:
            reconcile.diff(left, **options)
        assert said in error.value.found
    whole = pq.read_table(left / "fills.parquet")
    times = whole["timestamp"].to_pylist()
    place = whole.column_names.index("timestamp")
    holes = whole.set_column(place, "timestamp", pa.array([None, *times[1:]], whole["timestamp"].type))
    pq.write_table(holes, left / "fills.parquet")
    with pytest.raises(InputError) as error:
        reconcile.diff(left, left, memory=MEMORY)
    assert error.value.found == "rows without a time"


def test_tolerances_absorb_the_same(tmp_path: Path) -> None:
    """The counts are those of all rows, each counted once although windows overlap."""
    _, market, true = kit.sample(1, bars=40)
    floats = kit.in_floats(wrong(true, market, 2, 8))
    bound = {"fills.price": {"absolute": "0.5", "reason": "rounded"}}
    left, right = unchained(*written(tmp_path, true, floats))
    found = reconcile.diff(left, right, memory=MEMORY, tolerance=bound)
    expected = reconcile.diff(left, right, tolerance=bound)
    assert found.found.tolerances == expected.found.tolerances
    assert found.found.noise == expected.found.noise
    assert found.to_csv() == expected.to_csv()


def test_equal_rows_are_left_out_before_they_are_matched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a table whose bars have the same rows on both sides, only the rows that differ become a ledger."""
    _, market, true = kit.sample(1, bars=40)
    made = faults.record_fault(true, market, "fill price", 20, random.Random(1))
    assert made is not None
    seen: list[tuple[int, int]] = []
    read = Piece.ledger

    def told(self: Piece, scan: Any, side: int) -> Any:
        seen.append((side, len(self.slices[side]["fills"].times)))
        return read(self, scan, side)

    monkeypatch.setattr(Piece, "ledger", told)
    left, right = unchained(*written(tmp_path, true, made[0]))
    found = same(left, right)
    assert found.found.breaks[0].table == "fills"
    assert {rows for _, rows in seen} == {0, 1}
    assert sum(1 for side, rows in seen if side == 0 and rows) <= 4, "in its window and the next, twice each"
    monkeypatch.setattr(equal_rows, "_columns", lambda *_: None)
    seen.clear()
    same(left, right)
    assert max(rows for _, rows in seen) > 1, "without it, all rows do"


NARROW = [pa.float16(), pa.decimal256(40, 4)]
NARROW += [pa.decimal32(9, 4)] if hasattr(pa, "decimal32") else []


@pytest.mark.parametrize("narrow", NARROW, ids=str)
def test_columns_of_any_width_give_the_rows_of_a_diff_in_memory(narrow: pa.DataType, tmp_path: Path) -> None:
    """Also where Arrow has no comparison for the type."""
    _, _, true = kit.sample(1, bars=20)
    places = unchained(*written(tmp_path, kit.in_floats(true), kit.in_floats(true)))
    for number, place in enumerate(places):
        table = pq.read_table(place / "fills.parquet")
        at = table.column_names.index("price")
        prices = np.arange(1, table.num_rows + 1) % 50 + 1.0
        prices[3] += number
        pq.write_table(table.set_column(at, "price", pa.array(prices).cast(narrow)), place / "fills.parquet")
    found = same(*places)
    assert [one.table for one in found.answer.breaks()] == ["fills"]


def in_equity(true: Ledger, row: int, change: float) -> Ledger:
    cash = true.tables["equity"].columns["cash"]
    values = cash.values.copy()
    values[row] += change
    return kit.with_column(true, "equity", "cash", replace(cash, values=values))


@pytest.mark.parametrize("text", [b"BAD\xff", b"A" * 10_000])
def test_what_no_ledger_may_hold_is_refused_in_equal_rows_too(text: bytes, tmp_path: Path) -> None:
    """A name that is no text, or too long: an error in memory, so an error here."""
    _, _, true = kit.sample(1, bars=40)
    (place,) = unchained(*written(tmp_path, true))
    table = pq.read_table(place / "fills.parquet")
    names = [name.encode() for name in table["symbol"].cast(pa.string()).to_pylist()]
    symbols = pa.array([text, *names[1:]], pa.binary()).view(pa.string())
    at = table.column_names.index("symbol")
    pq.write_table(table.set_column(at, "symbol", symbols), place / "fills.parquet")
    with pytest.raises(InputError):
        reconcile.read_ledger(place)
    with pytest.raises(InputError):
        reconcile.diff(place, place, memory=MEMORY)


def test_float_noise_is_told_by_the_whole_table(tmp_path: Path) -> None:
    """A cell's noise grows with the rows before it and with what stood there, also in earlier windows."""
    _, _, true = kit.sample(1, bars=60)
    floats = kit.in_floats(true)
    rows = floats.tables["equity"].rows
    cash = floats.tables["equity"].columns["cash"].values
    size = float(np.max(np.abs(cash[: rows // 4])))
    small = replace(
        floats.tables["equity"].columns["cash"],
        values=np.where(np.arange(rows) < rows // 4, cash, cash * 1e-6),
    )
    left = kit.with_column(floats, "equity", "cash", small)
    right = in_equity(left, rows - 2, size * 2.0**-51)
    for number, change in enumerate((size * 2.0**-51, size * 2.0**-30)):
        places = unchained(*written(tmp_path / str(number), left, in_equity(left, rows - 2, change)))
        found = same(*places)
        assert found.found.noise == compare(left, in_equity(left, rows - 2, change)).noise
    assert not compare(left, right).breaks, "the first is noise"


LIMIT = 600_000_000
ROWS = 1_200_000
# What a process took before it became this program is in its resource usage, but not in this count.
DIFF = """
import pathlib, re, reconcile, sys
print(len(reconcile.diff(*sys.argv[1:3], memory=sys.argv[3]).found.breaks))
print(re.search(r"VmHWM:\\s*(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


def peak(*words: str) -> tuple[int, str]:
    """The most memory that a process held (bytes), and what it printed. It starts no other."""
    told = subprocess.run([sys.executable, "-c", DIFF, *words], capture_output=True, text=True, check=True)
    found, held = told.stdout.split()
    return int(held) * 1024, found


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no peak of one process is reported here")
def test_the_limit_is_kept_and_without_it_more_is_taken(tmp_path: Path) -> None:
    """Every row differs, and all are in one row group."""
    rows = np.arange(ROWS)
    for side in (1, 2):
        (tmp_path / str(side)).mkdir()
        words = [
            pa.DictionaryArray.from_arrays(pa.array(rows % len(some), pa.int32()), some)
            for some in ([f"S{i}" for i in range(2000)], ["buy", "sell"])
        ]
        times = pa.array(rows // 2000 * 86_400_000_000_000).cast(pa.timestamp("ns"))
        columns = {"sequence": rows, "timestamp": times, "symbol": words[0], "side": words[1]}
        numbers = {"quantity": rows % 977 + 1, "price": rows % 9973 + side, "notional": rows % 9973 * 977}
        table = pa.table({**columns, **numbers})
        pq.write_table(table, tmp_path / str(side) / "fills.parquet", row_group_size=ROWS)
    sides = (str(tmp_path / "1"), str(tmp_path / "2"))
    held, found = peak(*sides, str(LIMIT))
    assert (found, held < LIMIT) == (str(ROWS), True), f"{held:,} bytes"
    more, found = peak(*sides, str(100 * LIMIT))
    assert (found, more > LIMIT) == (str(ROWS), True), f"{more:,} bytes"


def test_where_memory_runs_short_windows_are_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what cannot be divided is one error."""
    _, market, true = kit.sample(1, bars=40)
    left, right = unchained(*written(tmp_path, true, wrong(true, market, 1, 5)))
    monkeypatch.setattr(budget, "LEAST", 10**6)
    seen: list[float] = []

    def short(self: budget.Budget, size: float = 0.0) -> None:
        seen.append(size)
        if size > 100_000:
            raise budget.MemoryShort

    with monkeypatch.context() as patch:
        patch.setattr(budget.Budget, "require", short)
        patch.setattr(budget, "LEAST", 400)
        same(left, right)
    assert max(seen) > 100_000
    monkeypatch.setattr(budget, "used", lambda: 10**11)
    with pytest.raises(InputError) as error:
        reconcile.diff(left, right, memory=MEMORY)
    assert "does not fit beside the 100 GB in use" in error.value.found
