"""Files of every kind that is read: one table, as text where the file is text, and what stands around it."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reconcile
from reconcile.ledger.columns import column_text
from reconcile.mapping.suggest import suggest
from reconcile.tables.intake import read_table, read_tables, table_of_data
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, UnreadKind
from reconcile.tables.settings import settings_from
from vocabulary.errors import InputError

ROWS = [["2024-01-03", "AAPL", "1.50"], ["2024-01-04", "BRK-B", ""]]
HEADER = ["date", "ticker", "price"]
PLAIN = "date,ticker,price\n2024-01-03,AAPL,1.50\n2024-01-04,BRK-B,\n"
READ = {"date": ["2024-01-03", "2024-01-04"], "ticker": ["AAPL", "BRK-B"], "price": ["1.50", None]}


def read(tmp_path: Path, content: bytes | str, name: str = "book.csv", **layout: Any) -> RawTable:
    """The table of a file with this content, laid out so."""
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, settings_from(Layout, layout, "map.toml"))


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (PLAIN, {}),
        (PLAIN.replace(",", ";"), {"separator": ";"}),
        (PLAIN.replace(",", "\t"), {"separator": "\t"}),
        (PLAIN.replace(",", "|"), {"separator": "|"}),
        (PLAIN.replace("\n", "\r\n"), {}),
        ("\ufeff" + PLAIN, {}),
        (PLAIN.replace("date,", " date,").replace("price\n", '"\nprice"\n'), {}),
        (PLAIN.encode("utf-16"), {}),
        (PLAIN.encode("utf-16-le"), {"encoding": "utf-16"}),
        (gzip.compress(PLAIN.encode(), mtime=0), {}),
        (zipped(**{"inner.csv": PLAIN}), {}),
        (PLAIN.replace("date,ticker,price", '"date","ticker","price"'), {}),
        (PLAIN.replace("1.50\n", "1.50,\n").replace("price\n", "price,\n").replace("B,\n", "B,,\n"), {}),
        (PLAIN.replace(",AAPL", ',"AAPL"'), {"encoding": "latin-1"}),
        ("Statement of account\nfrom,to\n\n" + PLAIN, {"header": ["ticker", "price"]}),
        ("Statement\n" + PLAIN, {"skip": 1}),
        ('Statement\n"of\nMay"\n' + PLAIN, {"header": ["ticker"]}),
        ("Statement\n\n" + PLAIN.replace("1.50\n", "1.50\n,,\n\n"), {"header": ["ticker"]}),
        ("Statement\n" + PLAIN.replace("1.50\n", "1.50\ndate,ticker,price\n"), {"skip": 1}),
        (PLAIN.split("\n", 1)[1], {"names": HEADER}),
        (PLAIN + "Total,,1.50\n", {"end": ["Total"]}),
        (PLAIN + "\nTotals 1.50\nNo liability\n", {"end": ["Total", "No"]}),
        ("date,ticker,price\n2024-01-03,AAPL,1.50\ndate,ticker,price\n2024-01-04,BRK-B,\n", {}),
        ("Cash\na,b\n1,2\n\nTrades\n" + PLAIN + "\nNotes\nc\n", {"section": "Trades"}),
        (
            "Cash,a\nCash,1\nTrades,date,ticker,price\nTrades,2024-01-03,AAPL,1.50\nTrades,2024-01-04,BRK-B,\n",
            {"section": "Trades"},
        ),
    ],
)
def test_csv_in_any_dress_is_the_same_table(
    content: bytes | str, layout: dict[str, Any], tmp_path: Path
) -> None:
    """Separators, encodings, packing, and lines around and between that are none of it."""
    assert read(tmp_path, content, **layout).data.to_pydict() == READ


def test_rows_around_a_table_are_counted(tmp_path: Path) -> None:
    """Nothing disappears: what stands before, between and after is named."""
    text = "Statement\nof May\n" + PLAIN + "date,ticker,price\nTotal,,1.50\nsigned\n"
    unread = read(tmp_path, text, header=["ticker"], end=["Total"]).unread
    assert [(one.kind, one.name, one.count) for one in unread] == [
        (UnreadKind.ROWS, "before the header", 2),
        (UnreadKind.ROWS, "repeated header", 1),
        (UnreadKind.ROWS, "after the end", 2),
    ]
    other = read(tmp_path, text.replace("1.50\nsigned", "9.99\nsigned"), header=["ticker"], end=["Total"])
    assert [one.digest for one in unread][:2] == [one.digest for one in other.unread][:2]
    assert unread[2].digest != other.unread[2].digest


def test_a_long_file_below_a_preamble_is_read_whole(tmp_path: Path) -> None:
    """Beyond the lines that are looked at for the header, with quotes that span them."""
    rows = "".join(f'2024-01-03,"A\n{n}",{n}.5\n' for n in range(60_000))
    table = read(tmp_path, "Statement\n" + PLAIN + rows, header=["ticker"])
    assert table.data.num_rows == 60_002
    assert table.data.column("price").to_pylist()[-1] == "59999.5"


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    """As pandas writes an index."""
    assert read(tmp_path, ",a\n0,x\n1,y\n").data.column_names == ["column 1", "a"]


def test_latin_1_is_read_when_it_is_named_and_never_guessed(tmp_path: Path) -> None:
    """The error says where to name it."""
    content = "date,währung\n2024-01-03,€\n".encode("windows-1252")
    table = read(tmp_path, content, encoding="windows-1252").data
    assert table.to_pydict() == {"date": ["2024-01-03"], "währung": ["€"]}
    with pytest.raises(InputError, match="name its `encoding` under `layout`"):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "layout", "says"),
    [
        (PLAIN, {"header": ["symbol"]}, "no header line"),
        (PLAIN, {"section": "Trades"}, "no section of that name"),
        ("Trades\na\n\nTrades\nb\n", {"section": "Trades"}, "2 sections of that name"),
        ("T,date,a\nT,x,1\nT,date,b\nT,x,1\n", {"section": "T"}, "a second header"),
        (PLAIN + "a,b\n", {"skip": 0, "end": ["Total"]}, "line 4: found 2 cells; expected 3"),
        (PLAIN + "a,b,c,d\n", {"end": ["Total"]}, "found 4 cells"),
        ("a;a\n1;2\n", {"separator": ";"}, "more than one column 'a'"),
        (b"\x00\x01" * 50, {"encoding": "latin-1"}, "binary data"),
        (zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), {}, "2 tables: a, b"),
        (zipped(**{"a.exe": PLAIN}), {}, "no file with a table in it"),
        (b"\xd0\xcf\x11\xe0" + bytes(60), {}, "Excel 97"),
    ],
)
def test_what_is_laid_out_otherwise_is_one_error(
    content: bytes | str, layout: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """Named with its line where there is one."""
    with pytest.raises(InputError) as error:
        read(tmp_path, content, **layout)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("layout", "says"),
    [
        ({"separator": ";;"}, "separator: found ';;'; expected one character"),
        ({"separator": 5}, "separator: found 5"),
        ({"encoding": "ebcdic"}, "encoding: found 'ebcdic'; expected one of utf-8, utf-16, latin-1"),
        ({"skip": -1}, "skip: found -1"),
        ({"skip": "3"}, "skip: found '3'; expected a whole number"),
        ({"header": []}, "header: found an empty list"),
        ({"header": [1]}, "header: found [1]; expected text, or a list of texts"),
        ({"names": "a", "header": "b"}, "`names` beside `header` or `section`"),
        ({"skip": 2, "header": "b"}, "`skip` beside `header`"),
        ({"end": ""}, "end: found ''"),
        ({"section": ""}, "section: found ''; expected text that is not empty"),
        ({"sheet": 1}, "sheet: found 1; expected text"),
        ({"table": 0}, "table: found 0"),
        ({"path": ""}, "path: found ''"),
        ({"seperator": ";"}, "found 'seperator'; expected one of encoding, separator, skip"),
    ],
)
def test_a_wrong_setting_of_the_layout_says_what_was_expected(layout: dict[str, Any], says: str) -> None:
    """Every key once."""
    with pytest.raises(InputError) as error:
        settings_from(Layout, layout, "map.toml")
    assert says in str(error.value)


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "Summary"
    first.append(["profit", 5])
    deals = book.create_sheet("Deals")
    deals.append(["Account 1"])
    deals.append(["time", "symbol", "price", "volume", "win"])
    deals.append([datetime(2024, 1, 3, 15), "EURUSD", 42150.5, 2, True])
    deals.append([datetime(2024, 1, 4, 15, 30), "EURUSD", 0.1, None, False])
    book.save(path)
    return path


def test_a_sheet_of_a_workbook_is_text_with_exact_numbers(tmp_path: Path) -> None:
    """Numbers as they were typed; the other sheets are named."""
    layout = settings_from(Layout, {"sheet": "Deals", "header": ["symbol"]}, "map.toml")
    table = read_table(workbook(tmp_path / "report.xlsx"), layout)
    assert table.data.to_pydict() == {
        "time": ["2024-01-03 15:00:00", "2024-01-04 15:30:00"],
        "symbol": ["EURUSD", "EURUSD"],
        "price": ["42150.5", "0.1"],
        "volume": ["2", None],
        "win": ["TRUE", "FALSE"],
    }
    said = [(one.kind, one.name, one.count) for one in table.unread]
    assert said == [(UnreadKind.ROWS, "before the header", 1), (UnreadKind.TABLE, "Summary", 1)]
    with pytest.raises(InputError, match=r"2 sheets: 'Summary', 'Deals'; expected one sheet"):
        read_table(tmp_path / "report.xlsx")
    (tmp_path / "report.xlsx").write_bytes((tmp_path / "report.xlsx").read_bytes()[:-40])
    with pytest.raises(InputError, match=r"report\.xlsx"):
        read_table(tmp_path / "report.xlsx", layout)


PAGE = """<html><body><table><tr><td>Deposit</td><td>10</td></tr></table><table>
<tr><th colspan=3>Deals</th></tr><tr><th>date</th><th>ticker</th><th>price</th></tr>
<tr><td>2024-01-03</td><td><b>AAPL</b></td><td>1.50</td></tr>
<tr><td>2024-01-04</td><td>BRK-B</td><td></td></tr></table></body></html>"""


@pytest.mark.parametrize("content", [PAGE.encode(), PAGE.encode("utf-16")])
def test_a_table_of_an_html_page_is_found_by_its_names_or_number(content: bytes, tmp_path: Path) -> None:
    """The other tables are named."""
    for layout in ({"header": ["ticker"]}, {"table": 2, "header": ["ticker"]}, {"table": 2, "skip": 1}):
        table = read(tmp_path, content, "report.html", **layout)
        assert table.data.to_pydict() == READ
        assert [one.name for one in table.unread] == ["before the header", "table 1"]
    with pytest.raises(InputError, match="2 tables that fit, of 2"):
        read(tmp_path, content, "report.html")
    with pytest.raises(InputError, match="2 tables: '1', '2'; expected the table '7'"):
        read(tmp_path, content, "report.html", table=7)


NESTED = """{"run": {"name": "x", "trades": [
 {"pair": "BTC/USDT", "fee": 0.001,
  "orders": [{"price": 42150.50, "side": "buy"}, {"price": 0.1, "side": "sell"}]},
 {"pair": "ETH/USDT", "fee": 0.002,
  "orders": [{"price": 1e3, "side": "buy", "tag": {"id": 7, "ok": true}}]}]},
 "locks": [1, 2]}"""


def test_records_of_json_are_rows_with_what_stands_around_them(tmp_path: Path) -> None:
    """Numbers keep the text they have; nested trades have their orders as rows."""
    table = read(tmp_path, NESTED, "result.json", path="run.trades.orders")
    assert table.data.to_pydict() == {
        "run.name": ["x", "x", "x"],
        "trades.pair": ["BTC/USDT", "BTC/USDT", "ETH/USDT"],
        "trades.fee": ["0.001", "0.001", "0.002"],
        "price": ["42150.50", "0.1", "1e3"],
        "side": ["buy", "sell", "buy"],
        "tag.id": [None, None, "7"],
        "tag.ok": [None, None, "true"],
    }
    assert [(one.name, one.count) for one in table.unread] == [("locks", 2)]
    for path, says in (
        ("run.deals", "'deals'"),
        ("run.name", "expected a list of records"),
        ("x", "'run', 'locks'"),
    ):
        with pytest.raises(InputError, match=says):
            read(tmp_path, NESTED, "result.json", path=path)
    for text in ("{", "[1, 2]", "nope", "[" * 100_000):
        with pytest.raises(InputError, match=r"result\.json"):
            read(tmp_path, text, "result.json")


def test_json_lines_are_records(tmp_path: Path) -> None:
    """One a line, blank lines aside; a line that is no JSON is named."""
    text = '{"date": "2024-01-03", "price": 1.50}\n\n{"date": "2024-01-04", "price": null}\n'
    table = read(tmp_path, text, "result.jsonl")
    assert table.data.to_pydict() == {"date": ["2024-01-03", "2024-01-04"], "price": ["1.50", None]}
    with pytest.raises(InputError, match="line 4"):
        read(tmp_path, text + "{", "result.jsonl")


TYPED = pa.table(
    {"date": [datetime(2024, 1, 3), None], "ticker": ["AAPL", "BRK-B"], "price": [Decimal("1.50"), None]}
)


def test_parquet_arrow_and_feather_keep_their_types(tmp_path: Path) -> None:
    """Whatever wrote them."""
    pq.write_table(TYPED, tmp_path / "a.parquet")
    feather.write_feather(TYPED, str(tmp_path / "b.feather"))
    with pa.OSFile(str(tmp_path / "c.arrow"), "wb") as file, pa.ipc.new_stream(file, TYPED.schema) as stream:
        stream.write_table(TYPED)
    for name in ("a.parquet", "b.feather", "c.arrow"):
        assert read_table(tmp_path / name).data.equals(TYPED)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=name):
            read_table(tmp_path / name)


def test_a_zip_archive_is_a_table_for_each_file_in_it(tmp_path: Path) -> None:
    """Files that are no tables are left out by their names."""
    content = zipped(**{"fills.csv": PLAIN, "deep/equity.csv": PLAIN, "readme.md": "x"})
    (tmp_path / "all.zip").write_bytes(content)
    assert [table.name for table in read_tables(tmp_path / "all.zip")] == ["fills", "equity"]


def test_a_packed_file_that_grows_beyond_measure_is_refused(tmp_path: Path) -> None:
    """A hundred megabytes of zeros in a hundred kilobytes, before they are all in memory."""
    bomb = gzip.compress(b"a,b\n" + b"0,0\n" * (80 * 2**20))
    (tmp_path / "bomb.csv.gz").write_bytes(bomb)
    with pytest.raises(InputError, match="in a small packed file"):
        read_table(tmp_path / "bomb.csv.gz")


def test_frames_and_query_results_are_tables() -> None:
    """pandas, Polars, DuckDB and SQLAlchemy; decimals stay exact."""
    wanted = {"ticker": ["AAPL", "BRK-B"], "quantity": [5, 7]}
    frame = pd.DataFrame({"quantity": [5, 7]}, index=pd.Index(["AAPL", "BRK-B"], name="ticker"))
    assert table_of_data(frame, "fills").data.to_pydict() == wanted
    assert table_of_data(pl.DataFrame(wanted), "fills").data.to_pydict() == wanted
    query = "select * from (values ('AAPL', 5), ('BRK-B', 7)) as t"
    assert table_of_data(duckdb.sql(query + "(ticker, quantity)"), "fills").data.to_pydict() == wanted
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        rows = connection.execute(
            sqlalchemy.text("select 'AAPL' as ticker, 5 as quantity union all select 'BRK-B', 7")
        )
        assert table_of_data(rows, "fills").data.to_pydict() == wanted
    mixed = pd.DataFrame({"price": [Decimal("1.5"), "2.50", None, 3]}, dtype=object)
    assert table_of_data(mixed, "fills").data.to_pydict() == {"price": ["1.5", "2.50", None, "3"]}
    with pytest.raises(InputError, match="found a list"):
        table_of_data([1, 2], "fills")
    with pytest.raises(InputError, match="fills, column price: found cells of int, list"):
        table_of_data(pd.DataFrame({"price": [1, [2]]}, dtype=object), "fills")


BOOK = io.BytesIO()
_workbook = openpyxl.Workbook()
_workbook.worksheets[0].append(["date", "price"])
_workbook.worksheets[0].append([datetime(2024, 1, 3), 1.5])
_workbook.save(BOOK)
SEEDS = {
    ".csv": PLAIN.encode(),
    ".xlsx": BOOK.getvalue(),
    ".html": PAGE.encode(),
    ".json": NESTED.encode(),
    ".jsonl": b'{"a": 1}\n{"a": 2}\n',
    ".zip": zipped(**{"inner.csv": PLAIN}),
    ".csv.gz": gzip.compress(PLAIN.encode(), mtime=0),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    st.sampled_from(sorted(SEEDS)), st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.booleans()
)
def test_damaged_files_end_in_one_error_or_in_a_table(
    tmp_path: Path, ending: str, place: float, noise: bytes, cut: bool
) -> None:
    """Bytes changed, inserted or cut off, in every kind of file, read and looked at: never a traceback."""
    seed = SEEDS[ending]
    at = int(len(seed) * place)
    path = tmp_path / f"book{ending}"
    path.write_bytes(seed[:at] + noise + (b"" if cut else seed[at + len(noise) // 2 :]))
    for work in (lambda: read_tables(path), lambda: suggest(path)):
        try:
            work()
        except InputError as error:
            assert "\n" not in error.found


def test_a_ledger_may_be_handed_over_as_a_table_or_the_result_of_a_query(tmp_path: Path) -> None:
    """Under our names, or under others with a mapping; numbers stay exact."""
    cells = "'2024-01-03' as timestamp, 'A' as symbol, 'buy' as side, 2 as quantity, 1.50 as price"
    relation = duckdb.sql(f"select {cells}, 7 as tag")
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        results = [relation, pa.table(relation), connection.execute(sqlalchemy.text(f"select {cells}"))]
        for result in results:
            fills = reconcile.read(result).tables["fills"].columns
            assert column_text(fills["quantity"], 0) == "2" and column_text(fills["side"], 0) == "buy"
    assert column_text(reconcile.read({"fills": relation}).tables["fills"].columns["price"], 0) == "1.50"
    (tmp_path / "map.toml").write_text("[tables.fills]\ncolumns = { quantity = 'tag' }")
    ledger = reconcile.read(relation, mapping=tmp_path / "map.toml")
    assert column_text(ledger.tables["fills"].columns["quantity"], 0) == "7"
    with pytest.raises(InputError, match="a table trades"):
        reconcile.read({"trades": relation})


@pytest.mark.parametrize("before", ["", "a,b\n1,2\n" * 500])
def test_a_line_without_end_is_one_error_before_it_is_read(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gigabyte on one line was held in memory seven times over."""
    monkeypatch.setattr("reconcile.tables.delimited.LINE_BYTES", 1000)
    monkeypatch.setattr("reconcile.tables.delimited._BLOCK", 100)
    path = tmp_path / "trades.csv"
    path.write_text(before + "1," + "x" * 2500 + "\n1,2\n")
    for read_it in (read_table, suggest):
        with pytest.raises(InputError, match=r"a line of more than 1,000 bytes"):
            read_it(path)
    path.write_text("a,b\n1,2\n" + "1," + "x" * 900 + "\n")
    assert read_table(path).data.num_rows == 2
