"""A ledger on disk: exact, the same bytes twice, replaced whole, and never over what is not ours."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from ledgers_kit import assert_same, column, day, ledger, ledgers, small, table
from reconcile.files.decimals import text_of
from reconcile.ledger.digest import ChainFault, FaultKind, verify_chain
from reconcile.ledger.read import read_ledger, read_ledger_with_notes
from reconcile.ledger.write import write_ledger
from vocabulary import Column, InputError, Kind, Ledger, OutputError, Table

FORMATS = ("parquet", "csv")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=ledgers())
def test_any_ledger_comes_back_equal_and_writes_the_same_bytes_again(format: str, book: Ledger) -> None:
    """Integers beyond int64, empty tables and cells, odd words and zones: all survive both formats."""
    with tempfile.TemporaryDirectory() as place:
        write_ledger(book, Path(place, "one"), format)
        back = read_ledger_with_notes(Path(place, "one"))
        assert_same(book, back.ledger)
        assert verify_chain(back.ledger) is None
        write_ledger(back.ledger, Path(place, "two"), format)
        assert contents(Path(place, "one")) == contents(Path(place, "two"))


@pytest.mark.parametrize("format", FORMATS)
def test_the_small_ledger_comes_back_without_a_note(format: str, tmp_path: Path) -> None:
    """Nothing of ours is left out or read differently."""
    write_ledger(small(), tmp_path / "book", format)
    reading = read_ledger_with_notes(tmp_path / "book")
    assert_same(small(), reading.ledger)
    assert reading.notes == ()


def test_a_csv_holds_exact_decimal_text_and_empty_cells(tmp_path: Path) -> None:
    """L1 in CSV, to the byte."""
    write_ledger(small(), tmp_path / "book", "csv")
    assert (tmp_path / "book" / "fills.csv").read_text() == (
        "sequence,timestamp,decided_at,symbol,side,quantity,price,notional,commission,slippage,reason\n"
        "0,2023-01-02,2023-01-01,B,buy,100,101.8000,10180.0000,5.0900,-0.0001,rebalance\n"
        "1,2023-01-03,2023-01-02,A,sell,7,0.0050,0.0350,0.0000,0.0000,stop\n"
    )
    assert (tmp_path / "book" / "equity.csv").read_text() == (
        "timestamp,rebalance,cash,market_value,equity\n"
        "2023-01-01,0,1000000.0000,0.0000,1000000.0000\n"
        "2023-01-02,,989814.9100,10180.0000,999994.9100\n"
        "2023-01-03,1,989814.9450,0.0000,989814.9450\n"
    )


def test_a_parquet_file_holds_decimals_and_never_a_binary_float(tmp_path: Path) -> None:
    """L1 in Parquet: decimal128 for every number, a timestamp of nanoseconds, null where empty."""
    write_ledger(small(), tmp_path / "book")
    data = pq.read_table(tmp_path / "book" / "equity.parquet")
    numbers = [field for field in data.schema if field.name != "timestamp"]
    assert all(pa.types.is_decimal128(field.type) for field in numbers)
    assert data.schema.field("timestamp").type == pa.timestamp("ns")
    assert [str(cell) for cell in data.column("rebalance").to_pylist()] == ["0", "None", "1"]
    assert str(data.column("cash")[2].as_py()) == "989814.9450"


@pytest.mark.parametrize(
    ("nanoseconds", "zone", "text"),
    [
        (day(2), None, "2023-01-02"),
        (day(2) + 1_000_000_000, None, "2023-01-02T00:00:01"),
        (day(2) + 1_000_000, None, "2023-01-02T00:00:00.001"),
        (day(2) + 1, None, "2023-01-02T00:00:00.000000001"),
        (day(2), "UTC", "2023-01-02T00:00:00+00:00"),
        (day(2), "America/New_York", "2023-01-01T19:00:00-05:00"),
        (0, "Africa/Monrovia", "1970-01-01T00:00:00+00:00"),  # its offset then was -00:44:30
    ],
)
def test_times_are_written_at_the_shortest_exact_precision(
    nanoseconds: int, zone: str | None, text: str, tmp_path: Path
) -> None:
    """ISO 8601, with the offset where the manifest has a zone."""
    book = ledger(table("costs", timestamp=[nanoseconds]), timezone=zone)
    write_ledger(book, tmp_path / "book", "csv")
    assert (tmp_path / "book" / "costs.csv").read_text() == f"timestamp\n{text}\n"
    assert_same(book, read_ledger(tmp_path / "book"))


def test_precision_is_uniform_within_a_column(tmp_path: Path) -> None:
    """One time with a second gives every time its seconds."""
    write_ledger(ledger(table("costs", timestamp=[day(1), day(1) + 10**9])), tmp_path / "book", "csv")
    assert (tmp_path / "book" / "costs.csv").read_text().split() == [
        "timestamp",
        "2023-01-01T00:00:00",
        "2023-01-01T00:00:01",
    ]


@pytest.mark.parametrize(
    "symbol", ["=cmd()", '"', "a,b", "x\ny", "NA", "", "<script>alert(1)</script>", "ÄÖ "]
)
def test_any_csv_reader_gets_strange_symbols_back(symbol: str, tmp_path: Path) -> None:
    """Quoting is the usual one: Python's csv module reads the same symbols."""
    write_ledger(ledger(table("positions", symbol=[symbol, "B"], quantity=[1, 2])), tmp_path / "book", "csv")
    with (tmp_path / "book" / "positions.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["symbol", "quantity"], [symbol, "1"], ["B", "2"]]


def test_csv_holds_integers_of_any_length_and_parquet_says_where_it_cannot(tmp_path: Path) -> None:
    """No silent rounding: 76 digits are the most of an Arrow decimal."""
    huge = ledger(table("costs", turnover=[10**99 + 1]))
    write_ledger(huge, tmp_path / "book", "csv")
    assert_same(huge, read_ledger(tmp_path / "book"))
    wide = ledger(table("costs", turnover=[-(10**75) + 1]))
    write_ledger(wide, tmp_path / "wide")
    assert_same(wide, read_ledger(tmp_path / "wide"))
    with pytest.raises(OutputError, match=r"table costs: found '100 digits'"):
        write_ledger(huge, tmp_path / "parquet")
    assert not (tmp_path / "parquet").exists()


def test_writing_replaces_a_ledger_whole(tmp_path: Path) -> None:
    """No table of the old one stays behind, nor a temporary folder."""
    write_ledger(small(), tmp_path / "book", "csv")
    write_ledger(ledger(table("costs", timestamp=[day(1)])), tmp_path / "book")
    assert sorted(contents(tmp_path / "book")) == ["costs.parquet", "manifest.json"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["book"]


@pytest.mark.parametrize("alien", ["notes.txt", "orders.csv", "fills.parquet", ".hidden"])
def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(alien: str, tmp_path: Path) -> None:
    """Even a table's name is not enough: the manifest must list it."""
    write_ledger(small(), tmp_path / "book", "csv")
    (tmp_path / "book" / alien).write_text("mine")
    before = contents(tmp_path / "book")
    with pytest.raises(OutputError) as error:
        write_ledger(small(), tmp_path / "book", "csv")
    assert alien in error.value.found
    assert contents(tmp_path / "book") == before


def test_a_folder_of_tables_without_our_manifest_is_refused(tmp_path: Path) -> None:
    """A user's own ledger is not ours to replace."""
    (tmp_path / "fills.csv").write_text("timestamp\n2023-01-01\n")
    with pytest.raises(OutputError, match=r"fills\.csv"):
        write_ledger(small(), tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(OutputError, match=r"fills\.csv"):
        write_ledger(small(), tmp_path)


def test_an_empty_folder_is_used_and_parents_are_made(tmp_path: Path) -> None:
    """Both are nobody's."""
    write_ledger(small(), tmp_path / "a" / "b")
    (tmp_path / "empty").mkdir()
    write_ledger(small(), tmp_path / "empty")
    assert contents(tmp_path / "a" / "b") == contents(tmp_path / "empty")


def test_paths_that_cannot_be_written_are_one_error(tmp_path: Path) -> None:
    """A file in the way, of the folder or of a parent; a format that is none."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "book", Path("/proc/no/book")):
        with pytest.raises(OutputError):
            write_ledger(small(), folder)
    with pytest.raises(OutputError, match="parquet or csv"):
        write_ledger(small(), tmp_path / "book", "xlsx")


def test_a_write_that_fails_leaves_the_old_ledger(tmp_path: Path) -> None:
    """The new one is made beside it and moved only when complete."""
    write_ledger(small(), tmp_path / "book")
    before = contents(tmp_path / "book")
    with pytest.raises(OutputError):
        write_ledger(ledger(table("costs", turnover=[10**99])), tmp_path / "book")
    assert contents(tmp_path / "book") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["book"]


def test_a_move_that_fails_puts_the_old_ledger_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stops the second of the two renames."""
    write_ledger(small(), tmp_path / "book")
    before = contents(tmp_path / "book")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_ledger(ledger(), tmp_path / "book")
    assert contents(tmp_path / "book") == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["book"]


def test_symbols_that_span_lines_are_read_wherever_the_file_is_cut_for_reading(tmp_path: Path) -> None:
    """A few megabytes of them, read in blocks."""
    symbols = column(Kind.SYMBOL, ["a\nb,\n\n", "c\n"])
    many = Column(Kind.SYMBOL, np.arange(400_000, dtype=np.int32) % 2, symbols.dictionary)
    ones = Column(Kind.QUANTITY, np.ones(400_000, dtype=np.int64), None, 0)
    book = ledger(Table("positions", {"symbol": many, "quantity": ones}, 400_000))
    write_ledger(book, tmp_path / "book", "csv")
    assert (tmp_path / "book" / "positions.csv").stat().st_size > 3 * 2**20
    assert_same(book, read_ledger(tmp_path / "book"))


def test_a_symbolic_link_stays_one_and_its_folder_is_replaced(tmp_path: Path) -> None:
    """The ledger goes where the link points."""
    write_ledger(small(), tmp_path / "real", "csv")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_ledger(small(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert "fills.parquet" in contents(tmp_path / "real")


def test_tables_that_are_no_ledger_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    """A candidate's own program makes ledgers too."""
    good = table("costs", timestamp=[day(1)], turnover=[5])
    short = Table("costs", good.columns, 2)
    kind = Table("costs", {"turnover": column(Kind.PRICE, [1], 4)}, 1)
    dtype = Table("costs", {"turnover": Column(Kind.MONEY, np.array([1], np.uint64), None, 4)}, 1)
    codes = table("positions", symbol=["A"])
    codes.columns["symbol"].values[0] = 7
    for bad in (short, kind, dtype, codes, Table("trades", {}, 0), Table("costs", {}, 3)):
        with pytest.raises(InputError, match="Correct the program"):
            write_ledger(ledger(bad), tmp_path / "book")
    assert not any(tmp_path.iterdir())


def test_the_manifest_has_sorted_keys_and_exact_cash(tmp_path: Path) -> None:
    """L2 as a person reads it."""
    write_ledger(small(), tmp_path / "book", "csv")
    text = (tmp_path / "book" / "manifest.json").read_text()
    content = json.loads(text)
    assert (content["format"], content["initial_cash"], content["timing"]) == (1, "1000000.0000", "next_open")
    assert list(content) == sorted(content)
    assert len(content["chain"]) == 3


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        ({"format": 2}, "format: found 2"),
        ({"format": True}, "format: found True"),
        ({"format": None}, "format: found None"),
        ({"colour": "red"}, "the key 'colour'"),
        ({"price_decimals": "4"}, "price_decimals: found '4'"),
        ({"price_decimals": True}, "price_decimals: found True"),
        ({"price_decimals": 99}, "price_decimals: found 99"),
        ({"initial_cash": 1000000}, "initial_cash: found 1000000"),
        ({"initial_cash": "1e6"}, "initial_cash: found '1e6'"),
        ({"initial_cash": "1.00001"}, "at most 4 decimals"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"timezone": ""}, "timezone: found ''"),
        ({"chain": "abc"}, "chain: found 'abc'"),
        ({"chain": [1]}, "chain: found 1"),
        ({"storage": "xlsx"}, "storage: found 'xlsx'"),
        ({"tables": {"trades": {"rows": 1, "columns": {}}}}, "trades"),
        ({"tables": {"fills": {"rows": "1"}}}, "fills"),
        ({"tables": {"fills": {"rows": 1, "columns": {"price": {"scale": 10**9}}}}}, "scale"),
        ({"tables": {"fills": {"rows": 1, "columns": {"symbol": {"words": 9}}}}}, "found 9"),
        ({"words": [[1]]}, "words: found 1"),
    ],
)
def test_a_manifest_is_read_strictly(edit: dict[str, object], found: str, tmp_path: Path) -> None:
    """An unknown format, key or kind of value is refused with its name."""
    write_ledger(small(), tmp_path / "book", "csv")
    file = tmp_path / "book" / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **edit}))
    with pytest.raises(InputError) as error:
        read_ledger(tmp_path / "book")
    assert found in str(error.value)
    assert "manifest.json" in error.value.where


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": NaN}', "[" * 100_000, "\xff", '{"format": 1'])
def test_a_manifest_that_is_no_json_object_is_one_error(text: str, tmp_path: Path) -> None:
    """Whatever the parser thinks of it."""
    write_ledger(small(), tmp_path / "book", "csv")
    (tmp_path / "book" / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_ledger(tmp_path / "book")


def test_a_manifest_by_hand_needs_its_format_alone(tmp_path: Path) -> None:
    """A user's own ledger may state what it knows."""
    (tmp_path / "costs.csv").write_text("timestamp,turnover\n2023-01-01,5\n")
    (tmp_path / "manifest.json").write_text('{"format": 1, "price_decimals": 2, "initial_cash": "-10.5"}')
    assert read_ledger(tmp_path).manifest.initial_cash == -1050


def test_a_file_that_disagrees_with_its_manifest_is_read_as_it_stands_and_said(tmp_path: Path) -> None:
    """The file rules: more decimals, other symbols and more rows are kept; the chain tells of them."""
    write_ledger(small(), tmp_path / "book", "csv")
    file = tmp_path / "book" / "fills.csv"
    file.write_text(file.read_text() + "2,2023-01-03,2023-01-02,Z,sell,7,0.00501,0.03,0,0,stop\n")
    (tmp_path / "book" / "equity.csv").unlink()
    reading = read_ledger_with_notes(tmp_path / "book")
    fills = reading.ledger.tables["fills"]
    assert fills.columns["symbol"].dictionary == ("B", "A", "C", "Z")
    price = fills.columns["price"]
    assert [text_of(value, price.scale or 0) for value in price.values.tolist()] == [
        "101.80000",
        "0.00500",
        "0.00501",
    ]
    assert [note.partition(": ")[2] for note in reading.notes] == [
        "3 rows, where the manifest lists 2",
        "equity is listed in the manifest, but there is no such file",
    ]
    assert verify_chain(reading.ledger) == ChainFault(FaultKind.EDITED, (0,))
