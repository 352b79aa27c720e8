"""Ledgers from elsewhere: exact where they are, one clear error where they cannot be read."""

from __future__ import annotations

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledgers_kit import day, small
from reconcile.cli import exit_code
from reconcile.ledger.columns import column_text, exact
from reconcile.ledger.digest import verify_chain
from reconcile.ledger.read import raw_tables, read_ledger, read_ledger_with_notes
from reconcile.ledger.write import write_ledger
from vocabulary import Column, InputError


def read_csv(tmp_path: Path, text: str, name: str = "fills.csv") -> dict[str, Column]:
    """The columns of the one table in a CSV of this text."""
    (tmp_path / name).write_bytes(text.encode())
    (table,) = read_ledger(tmp_path / name).tables.values()
    return dict(table.columns)


def read_parquet(tmp_path: Path, name: str = "fills", **arrays: Any) -> dict[str, Column]:
    pq.write_table(pa.table(arrays), tmp_path / f"{name}.parquet")
    return dict(read_ledger(tmp_path / f"{name}.parquet").tables[name].columns)


def cells(column: Column) -> list[Any]:
    return [exact(column, row) for row in range(len(column.values))]


@pytest.mark.parametrize(
    ("texts", "doubles"),
    [
        (["0.30000000000000004", "0.1"], True),
        (["100308.09355926837", "5"], True),
        (["1e-17", "0.30000000000000004"], True),
        (["0.30000000000000003", "0.1"], False),  # no double is printed so
        (["0.3", "0.1"], False),
    ],
)
def test_a_double_that_was_printed_in_full_is_a_double_again(
    texts: list[str], doubles: bool, tmp_path: Path
) -> None:
    """The same ledger as CSV and as Parquet gives the same answer."""
    price = read_csv(tmp_path, "price\n" + "\n".join(texts))["price"]
    assert (price.scale is None) is doubles
    if doubles:
        assert price.values.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "scale", "integers"),
    [
        (["101.8", "5", "-0.25"], 2, [10180, 500, -25]),
        (["1e3", "+5", " 7 ", "2.50E-1"], 3, [1_000_000, 5000, 7000, 250]),
        ([".5", "5.", "-.5", "007"], 1, [5, 50, -5, 70]),
        (["9223372036854775807", "1"], 0, [2**63 - 1, 1]),
        (["9223372036854775808", "1"], 0, [2**63, 1]),
        (["-9223372036854775808", "0"], 0, [-(2**63), 0]),
        (["0.1", "922337203685477580.8"], 1, [1, 2**63]),
        (["0.000000000000000001", "100"], 18, [1, 10**20]),
        (["1.50000000000000000000000000", "2"], 18, [15 * 10**17, 2 * 10**18]),
        (["0.30000000000000003", "0.1"], 17, [30000000000000003, 10**16]),
    ],
)
def test_csv_numbers_are_read_exactly_at_the_most_decimals_found(
    texts: list[str], scale: int, integers: list[int], tmp_path: Path
) -> None:
    """As integers with a scale, objects where int64 ends; no double in between."""
    price = read_csv(tmp_path, "price\n" + "\n".join(texts))["price"]
    assert price.scale == scale
    assert price.values.tolist() == integers
    fits = all(-(2**63) <= value < 2**63 for value in integers)
    assert price.values.dtype == ("int64" if fits else "object")


@pytest.mark.parametrize(
    "absurd", ["1e300", "inf", "-Infinity", "1e-30", "9" * 39, "1e999999999", "9" * 5000]
)
def test_numbers_that_no_amount_has_make_the_column_floats_and_a_note_says_so(
    absurd: str, tmp_path: Path
) -> None:
    """1e300 is read, as the double it is; nothing is allocated for its digits."""
    (tmp_path / "fills.csv").write_text(f"price\n1.5\n{absurd}\n")
    reading = read_ledger_with_notes(tmp_path / "fills.csv")
    price = reading.ledger.tables["fills"].columns["price"]
    assert price.scale is None
    assert price.values.tolist() == [1.5, float(absurd)]
    assert [note.partition(": ")[2] for note in reading.notes] == ["read as binary floats"]


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "1,5x",
        "0x1F",
        "1_000",
        "1-2",
        "--1",
        "-",
        ".",
        "1.2.3",
        "1..2",
        ".-5",
        "e5",
        "٣",
        "$5",
        "1e",
        "(5)",
        "=1+1",
        "True",
    ],
)
def test_text_where_a_number_belongs_names_column_row_and_value(text: str, tmp_path: Path) -> None:
    """Forms that some parser somewhere takes for a number (hex, underscores) among them."""
    with pytest.raises(InputError) as error:
        read_csv(tmp_path, f'symbol,price\nA,1\nB,2\nC,"{text}"\nD,4\n')
    assert error.value.where == f"{tmp_path / 'fills.csv'}, column price, row 3"
    assert error.value.found == repr(text)


def test_nan_is_an_empty_cell_and_the_rest_of_the_column_stays_exact(tmp_path: Path) -> None:
    """In text as in floats: nothing is known of it."""
    columns = read_csv(tmp_path, "price,quantity\nNaN,1\n2.5,nan\n,\n")
    assert cells(columns["price"]) == [None, Decimal("2.5"), None]
    assert columns["price"].scale == 1
    floats = read_parquet(tmp_path, price=pa.array([float("nan"), 2.5, None], pa.float64()))["price"]
    assert cells(floats) == [None, Decimal("2.5"), None]
    assert floats.scale is None


def test_symbols_are_kept_as_they_stand(tmp_path: Path) -> None:
    """NA, null and nan are symbols; case and spaces count; only an empty unquoted cell is missing."""
    symbols = read_csv(tmp_path, 'symbol,side\nNA,buy\nnull,buy\nnan,BUY\naA,\nAa, buy\n"",""\n,x\n')
    assert cells(symbols["symbol"]) == ["NA", "null", "nan", "aA", "Aa", "", None]
    assert cells(symbols["side"]) == ["buy", "buy", "BUY", None, " buy", "", "x"]


def test_rows_keep_the_order_given(tmp_path: Path) -> None:
    """Dates out of order and duplicates are for the comparison to judge."""
    stamps = read_csv(tmp_path, "timestamp,symbol\n2023-01-03,A\n2023-01-01,A\n2023-01-01,A\n")["timestamp"]
    assert stamps.values.tolist() == [day(3), day(1), day(1)]


@pytest.mark.parametrize(
    ("text", "nanoseconds", "zone"),
    [
        ("2023-01-02", day(2), None),
        ("2023-01-02 15:30", day(2) + 55_800 * 10**9, None),
        ("2023-01-02T15:30:00.123456789", day(2) + 55_800_123_456_789, None),
        ("2023-01-02T00:00:00Z", day(2), "UTC"),
        ("2023-01-02T00:00:00+00:00", day(2), "UTC"),
        ("2023-01-02 01:00:00+0100", day(2), "+01:00"),
        ("2023-01-01 19:00:00-05", day(2), "-05:00"),
    ],
)
def test_times_are_iso_text_with_or_without_a_zone(
    text: str, nanoseconds: int, zone: str | None, tmp_path: Path
) -> None:
    """The ledger's zone is the offset of its texts."""
    (tmp_path / "costs.csv").write_text(f"timestamp\n{text}\n")
    book = read_ledger(tmp_path / "costs.csv")
    assert book.tables["costs"].columns["timestamp"].values.tolist() == [nanoseconds]
    assert book.manifest.timezone == zone


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "20230102",
        "02/01/2023",
        "2023-02-30",
        "1500-01-01",
        "9999-12-31",
        "1672617600",
        "2023",
        "",
    ],
)
def test_text_that_is_no_time_names_column_row_and_value(text: str, tmp_path: Path) -> None:
    """Nothing is guessed of days and months, or of numbers."""
    with pytest.raises(InputError) as error:
        read_csv(tmp_path, f'timestamp\n2023-01-01\n"{text}"\n', "costs.csv")
    assert error.value.where.endswith("costs.csv, column timestamp, row 2")
    assert error.value.found == repr(text)


def test_times_with_and_without_a_zone_do_not_mix(tmp_path: Path) -> None:
    """Neither within a column, nor between columns, nor against the manifest."""
    with pytest.raises(InputError, match="row 2: found '2023-01-02'"):
        read_csv(tmp_path, "timestamp\n2023-01-01T00:00:00Z\n2023-01-02\n", "costs.csv")
    with pytest.raises(InputError, match=r"column decided_at: found times without a zone"):
        read_csv(tmp_path, "timestamp,decided_at\n2023-01-01T00:00:00Z,2023-01-01\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "costs.csv").write_text("timestamp\n2023-01-01\n")
    (tmp_path / "book" / "manifest.json").write_text('{"format": 1, "timezone": "UTC"}')
    with pytest.raises(InputError, match="the manifest names UTC"):
        read_ledger(tmp_path / "book")


def test_mixed_zones_are_one_time_axis_shown_in_utc(tmp_path: Path) -> None:
    """Summer and winter offsets of one exchange are instants all the same."""
    text = "timestamp\n2023-01-01T00:00:00-05:00\n2023-07-01T00:00:00-04:00\n"
    (tmp_path / "costs.csv").write_text(text)
    book = read_ledger(tmp_path / "costs.csv")
    stamps = book.tables["costs"].columns["timestamp"]
    assert book.manifest.timezone == "UTC"
    assert column_text(stamps, 1, "UTC") == "2023-07-01T04:00:00+00:00"


def test_parquet_types_are_read_as_exactly_as_they_are(tmp_path: Path) -> None:
    """Floats stay floats; integers, decimals and decimal text are exact; timestamps of any unit."""
    columns = read_parquet(
        tmp_path,
        timestamp=pa.array([day(1) // 10**3, None], pa.timestamp("us", "America/New_York")),
        sequence=pa.array([0.0, 1.0]),
        symbol=pa.array([600519, 1]),
        side=pa.array(["buy", "sell"]).dictionary_encode(),
        quantity=pa.array([2**64 - 1, 1], pa.uint64()),
        price=pa.array([1.5, 0.1], pa.float32()),
        notional=pa.array([Decimal("101.80"), None], pa.decimal128(38, 18)),
        commission=pa.array(["5.09", "0.1"]),
    )
    assert cells(columns["timestamp"]) == [day(1), None]
    assert (cells(columns["sequence"]), columns["sequence"].scale) == ([0, 1], 0)
    assert cells(columns["symbol"]) == ["600519", "1"]
    assert cells(columns["side"]) == ["buy", "sell"]
    assert cells(columns["quantity"]) == [2**64 - 1, 1]
    assert columns["price"].scale is None
    assert columns["price"].values.dtype == "float64"
    assert columns["price"].values[1] != 0.1  # float32, widened
    assert cells(columns["notional"]) == [Decimal("101.80"), None]
    assert columns["notional"].values.dtype == "int64"
    assert cells(columns["commission"]) == [Decimal("5.09"), Decimal("0.10")]


@pytest.mark.parametrize(
    ("name", "array", "found"),
    [
        ("sequence", pa.array([1.5]), "row 1: found 1.5"),
        ("sequence", pa.array([1e300]), "row 1: found 1e+300"),
        ("sequence", pa.array([None, 2**63], pa.uint64()), "row 2"),
        ("sequence", pa.array([Decimal("0.5")]), "row 1: found '0.5'"),
        ("price", pa.array([True]), "found bool cells"),
        ("price", pa.array([[1.5]]), "cells; expected numbers"),
        ("price", pa.array([b"\xff"]), "found large_binary cells"),
        ("price", pa.array([day(1)], pa.timestamp("ns")), "timestamp[ns] cells"),
        ("symbol", pa.array([1.5]), "found double cells"),
        ("symbol", pa.array([b"\xff"]), "not UTF-8"),
        ("timestamp", pa.array([day(1)]), "found int64"),
        ("timestamp", pa.array([253402214400], pa.timestamp("s")), "outside 1678 to 2261"),
    ],
)
def test_columns_of_the_wrong_kind_are_one_error(name: str, array: Any, found: str, tmp_path: Path) -> None:
    """Named by table, column and, where one cell is to blame, row."""
    with pytest.raises(InputError) as error:
        read_parquet(tmp_path, **{name: array})
    assert found in str(error.value)
    assert f"fills.parquet, column {name}" in error.value.where


def test_counts_with_gaps_are_whole_numbers_again(tmp_path: Path) -> None:
    """pandas writes 17.0 where a neighbour is empty."""
    columns = read_csv(tmp_path, "timestamp,rebalance\n2023-01-01,17.0\n2023-01-02,\n", "equity.csv")
    assert cells(columns["rebalance"]) == [17, None]
    assert columns["rebalance"].values.tolist() == [17, -1]
    with pytest.raises(InputError, match=r"row 1: found '17\.5'; expected a whole number"):
        read_csv(tmp_path, "timestamp,rebalance\n2023-01-01,17.5\n", "equity.csv")


def test_unknown_columns_stay_out_and_are_named(tmp_path: Path) -> None:
    """Price is not price; the reader is told."""
    pq.write_table(pa.table({"price": [1.5], "Price": [2.5], "<b>": [[1]]}), tmp_path / "fills.parquet")
    for path in (tmp_path, tmp_path / "fills.parquet"):
        reading = read_ledger_with_notes(path)
        assert list(reading.ledger.tables["fills"].columns) == ["price"]
        said = [note.partition(": ")[2] for note in reading.notes]
        assert said == ["column 'Price' is not read", "column '<b>' is not read", "read as binary floats"]


@pytest.mark.parametrize(
    ("header", "table"),
    [
        ("timestamp,symbol,side,quantity,price", "fills"),
        ("decided_at,symbol,side,status", "orders"),
        ("decided_at,symbol,quantity", "targets"),
        ("timestamp,symbol,quantity,extra", "positions"),
        ("timestamp,equity", "equity"),
        ("timestamp,commission", "costs"),
    ],
)
def test_a_lone_file_is_the_one_table_its_columns_fit(header: str, table: str, tmp_path: Path) -> None:
    """Only where there is one."""
    (tmp_path / "mine.csv").write_text(header + "\n")
    assert list(read_ledger(tmp_path / "mine.csv").tables) == [table]


@pytest.mark.parametrize(
    "header", ["timestamp", "price", "a,b", "timestamp,symbol,side,weight", "timestamp;symbol;side"]
)
def test_a_lone_file_that_fits_no_table_or_two_says_how_to_name_it(header: str, tmp_path: Path) -> None:
    """No guess."""
    (tmp_path / "mine.csv").write_text(header + "\n")
    with pytest.raises(InputError, match=r"[Nn]ame the file after its table, e\.g\. fills\.csv"):
        read_ledger(tmp_path / "mine.csv")


def test_a_file_under_names_of_its_own_is_led_to_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "my trades.csv").write_text("Date,Ticker,Action\n")
    with pytest.raises(
        InputError, match=r"import --suggest '.*my trades\.csv' --out names\.toml, then --mapping"
    ):
        read_ledger(tmp_path / "my trades.csv")


def test_a_table_of_no_rows_is_legal_and_an_unreadable_one_is_not(tmp_path: Path) -> None:
    """A header alone is a table."""
    assert read_csv(tmp_path, "timestamp,symbol\n")["symbol"].dictionary == ()
    with pytest.raises(InputError, match="an empty file"):
        read_csv(tmp_path, "")


def _zip(text: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("fills.csv", text)
    return packed.getvalue()


GOOD = b"timestamp,symbol,side\n2023-01-01,A,buy\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (gzip.compress(GOOD, mtime=0)[:-9], "gzip data that cannot be read"),
        (gzip.compress(b"", mtime=0), "fills.csv"),
        (_zip(GOOD)[:-30], "a zip archive that cannot be read"),
        (b"BZh91AY&SY", "bzip2 data"),
        (GOOD + b"\0\0\0", "binary data"),
        (GOOD.decode().encode("utf-16")[:-1], "not UTF-16"),
        (b"PAR1" + GOOD, "Parquet data"),
        (b"timestamp,symbol\n2023-01-01,\xe9\n", "not UTF-8"),
        (b"timestamp,symb\xe9l\n2023-01-01,A\n", "not UTF-8"),
        (b"timestamp,symbol\n2023-01-01\n", "cannot be read"),
        (b"timestamp,symbol\n2023-01-01,A,B\n", "cannot be read"),
        (b"timestamp,symbol,symbol\n2023-01-01,A,B\n", "more than one column 'symbol'"),
        (b'timestamp,"symbol\n2023-01-01,A\n', "fills.csv"),
        (b"\n\n\n", "fills.csv"),
        (b"timestamp;symbol\n2023-01-01;A\n", "columns 'timestamp;symbol'"),
        (b"hello\nworld\n", "columns 'hello'"),
    ],
)
def test_a_csv_that_is_none_is_one_clear_error(content: bytes, found: str, tmp_path: Path) -> None:
    """Compressed, binary, cut short, or not a table of ours: never a traceback, never a pass."""
    (tmp_path / "fills.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        read_ledger(tmp_path)
    assert found in str(error.value)
    assert "\n" not in error.value.found


@pytest.mark.parametrize(
    "content", [gzip.compress(GOOD, mtime=0), _zip(GOOD), GOOD.decode().encode("utf-16")]
)
def test_packed_and_utf_16_tables_are_read_as_what_they_hold(content: bytes, tmp_path: Path) -> None:
    """The first bytes tell; the name need not."""
    (tmp_path / "fills.csv").write_bytes(content)
    (table,) = read_ledger(tmp_path).tables.values()
    assert cells(table.columns["symbol"]) == ["A"]


def test_parquet_cut_anywhere_or_damaged_is_one_clear_error(tmp_path: Path) -> None:
    """Every length of a small file but its own, and every byte of its footer."""
    write_ledger(small(), tmp_path / "book")
    whole = (tmp_path / "book" / "equity.parquet").read_bytes()
    file = tmp_path / "equity.parquet"
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_ledger(file)
    for place in range(len(whole) - 400, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_ledger(file)  # a byte of a name or of a statistic may be read past
        except InputError:
            continue


def _varint(number: int) -> bytes:
    """As Parquet's footer writes a count: zigzag, then seven bits a byte."""
    number, out = number * 2, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _claim(file: Path, rows: int) -> None:
    """A file of 1000 rows whose footer says, wherever it says 1000, that there are `rows`."""
    pq.write_table(pa.table({"cash": list(range(1000))}), file, compression="none")
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length : -8]
    assert footer.count(_varint(1000)) >= 3
    claimed = footer.replace(_varint(1000), _varint(rows))
    file.write_bytes(content[: -8 - length] + claimed + len(claimed).to_bytes(4, "little") + b"PAR1")


def test_a_parquet_file_that_claims_absurd_sizes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Two thousand million rows in a few kilobytes: nothing is allocated for them."""
    _claim(tmp_path / "equity.parquet", 2**31)
    with pytest.raises(InputError, match="a claim of 2147483648 rows"):
        read_ledger(tmp_path / "equity.parquet")


@pytest.mark.parametrize("rows", [1001, 100_000])
def test_parquet_rows_that_the_pages_do_not_hold_are_refused(rows: int, tmp_path: Path) -> None:
    """The footer's count of rows is no more than a claim."""
    _claim(tmp_path / "equity.parquet", rows)
    with pytest.raises(InputError, match="equity"):
        read_ledger(tmp_path / "equity.parquet")


def test_other_files_named_parquet_are_refused(tmp_path: Path) -> None:
    """CSV text, and two columns of one name."""
    (tmp_path / "fills.parquet").write_bytes(GOOD)
    with pytest.raises(InputError, match="not Parquet"):
        read_ledger(tmp_path)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["price", "price"])
    pq.write_table(twice, tmp_path / "fills.parquet")
    with pytest.raises(InputError, match="more than one column 'price'"):
        read_ledger(tmp_path)


def test_folders_without_a_table_and_paths_to_nothing_say_what_to_do(tmp_path: Path) -> None:
    """The output of a run holds two ledgers: the error names one of them."""
    with pytest.raises(InputError, match="an empty folder"):
        read_ledger(tmp_path)
    write_ledger(small(), tmp_path / "reference", "csv")
    with pytest.raises(InputError) as error:
        read_ledger(tmp_path)
    assert error.value.remedy == "Name a folder in it, such as 'reference'."
    for path in (tmp_path / "nothing", tmp_path / "reference" / "manifest.json", Path("/dev/null")):
        with pytest.raises(InputError):
            read_ledger(path)


def test_one_table_in_two_files_is_refused(tmp_path: Path) -> None:
    """Neither is preferred."""
    for format in ("csv", "parquet"):
        write_ledger(small(), tmp_path / format, format)
    (tmp_path / "csv" / "fills.csv").rename(tmp_path / "parquet" / "fills.csv")
    with pytest.raises(InputError, match=r"both fills\.csv and fills\.parquet"):
        read_ledger(tmp_path / "parquet")


def test_errors_show_values_escaped_and_short(tmp_path: Path) -> None:
    """A cell cannot write to the terminal, nor fill it."""
    with pytest.raises(InputError) as error:
        read_csv(tmp_path, "price\n\x1b[31m" + "x" * 500 + "\n")
    assert "\x1b" not in str(error.value)
    assert len(error.value.found) < 80


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data(tmp_path: Path) -> None:
    """As spreadsheets save CSV."""
    columns = read_csv(tmp_path, "\ufefftimestamp,turnover\r\n2023-01-01,1.50\r\n", "costs.csv")
    assert cells(columns["timestamp"]) == [day(1)]
    assert cells(columns["turnover"]) == [Decimal("1.50")]


def test_published_tables_under_other_names_are_handed_over_raw(shared_data: Path) -> None:
    """A mapping renames before anything is read; columns and rows are all there."""
    raw = raw_tables(shared_data / "pyfolio_olmar_transactions.parquet")
    assert raw["pyfolio_olmar_transactions"].num_rows == 9367
    assert "txn_dollars" in raw["pyfolio_olmar_transactions"].column_names


@pytest.mark.parametrize(
    ("text", "shown", "value"),
    [("1.50", "1.50", Decimal("1.50")), ("-0.05", "-0.05", Decimal("-0.05")), ("", "", None)],
)
def test_a_cell_is_shown_with_its_decimals(
    text: str, shown: str, value: Decimal | None, tmp_path: Path
) -> None:
    """1.50 at scale 2 is 1.50, as text and as a number."""
    price = read_csv(tmp_path, f"price,symbol\n{text},A\n0.25,B\n")["price"]
    assert column_text(price, 0) == shown
    assert exact(price, 0) == value
    assert str(exact(price, 1)) == "0.25"


def test_of_several_rows_of_equity_at_one_time_the_last_is_the_bars(tmp_path: Path) -> None:
    """An account report has a row per event; which rows were left out is said."""
    (tmp_path / "equity.csv").write_text(
        "timestamp,cash\n2023-01-02,5\n2023-01-03,6\n2023-01-02,7\n2023-01-03,8\n,9\n,9\n"
    )
    reading = read_ledger_with_notes(tmp_path)
    cash = reading.ledger.tables["equity"].columns["cash"]
    assert cash.values.tolist() == [7, 8, 9, 9]
    assert [note.partition(": ")[2] for note in reading.notes] == [
        "2 rows of equity without a time (first: row 5)",
        "equity has several rows at one time; the last is taken as the bar's, and 2 rows are left out"
        " (first: row 1)",
    ]


def test_rows_of_a_ledger_with_a_digest_chain_are_all_kept(tmp_path: Path) -> None:
    """It states its rows: one that stands twice is no account report, but an edited file."""
    write_ledger(small(), tmp_path / "book", "csv")
    file = tmp_path / "book" / "equity.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[-1]]))
    book = read_ledger(tmp_path / "book")
    assert book.tables["equity"].rows == len(lines)
    assert verify_chain(book) is not None


def test_an_account_report_of_events_is_audited_by_its_bars(capsys: pytest.CaptureFixture[str]) -> None:
    """Case 44: all that is left is the rounding to cents."""
    folder = Path(__file__).parent / "cases" / "44-several-rows-a-stamp" / "a"
    code = exit_code(["audit", str(folder), "--initial-cash", "100000"])
    out = capsys.readouterr().out
    assert "1 row is left out (first: row 2)" in out
    assert "duplicate" not in out
    assert code == 1 and "90,499.05" in out and "0.0007" in out
