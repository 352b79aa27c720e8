"""Files and what is wrong with them: one clear error each, never a traceback or a guess."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_kit import HEADER, ROWS, load_csv, load_table, scenario, table, write_csv
from reconcile.market.load import load_market
from vocabulary.errors import InputError, TieoutError


def parquet(folder: Path, data: pa.Table, name: str = "bars.parquet") -> Path:
    pq.write_table(data, folder / name)
    return folder / name


def test_csv_and_parquet_of_the_same_rows_are_the_same_market(tmp_path: Path) -> None:
    assert load_csv(tmp_path, *ROWS).digest == load_table(tmp_path, table()).digest


def test_paths_start_from_the_scenario_file_and_data_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    (tmp_path / "sub").mkdir()
    write_csv(tmp_path / "sub", *ROWS)
    monkeypatch.chdir(tmp_path)
    made = replace(scenario(), origin=str(tmp_path / "sub"))
    assert load_market(made).digest == load_market(made, "sub/bars.csv").digest
    with pytest.raises(InputError, match=r"no such file"):
        load_market(made, "bars.csv")


def test_progress_is_told_what_is_being_done(tmp_path: Path) -> None:
    said: list[str] = []
    load_market(scenario(), write_csv(tmp_path, *ROWS), said.append)
    assert said == [f"reading {tmp_path / 'bars.csv'}", "building the market"]


def test_a_gzipped_csv_is_read_when_its_name_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress("\n".join((HEADER, *ROWS)).encode()))
    assert load_market(scenario(), path).digest == load_csv(tmp_path, *ROWS).digest


def test_a_byte_order_mark_windows_line_ends_and_quotes_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    quoted = ['"' + row.replace(",", '","') + '"' for row in ROWS]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join((HEADER, *quoted)).encode())
    assert load_market(scenario(), path).digest == load_csv(tmp_path, *ROWS).digest


@pytest.mark.parametrize("name", ["bars.tsv", "bars.xlsx", "bars.jsonl", "bars.arrow", "bars.zip"])
def test_bars_in_any_kind_of_file_are_the_same_market(tmp_path: Path, name: str) -> None:
    """What ledgers are read from, markets are, too."""
    path, lines = tmp_path / name, [line.split(",") for line in (HEADER, *ROWS)]
    if name == "bars.tsv":
        path.write_text("\n".join("\t".join(line) for line in lines))
    elif name == "bars.xlsx":
        book = openpyxl.Workbook()
        for line in lines:
            book.worksheets[0].append([cell or None for cell in line])
        book.save(path)
    elif name == "bars.jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(lines[0], line, strict=True))) for line in lines[1:]))
    elif name == "bars.arrow":
        feather.write_feather(table(), str(path))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", "\n".join((HEADER, *ROWS)))
    assert load_market(scenario(), path).digest == load_csv(tmp_path, *ROWS).digest


def test_text_that_is_no_number_is_named_in_other_files_too(tmp_path: Path) -> None:
    (tmp_path / "bars.tsv").write_text("\n".join((HEADER, *ROWS)).replace(",", "\t").replace("10", "ten", 1))
    with pytest.raises(InputError, match="expected a number"):
        load_market(scenario(), tmp_path / "bars.tsv")


# what is no file, or not a whole one


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.csv", "nothing.csv: found no such file"),
        ("folder.csv", "folder.csv: found a folder"),
        ("bars.ods", "found the ending '.ods'; expected one of .csv, .tsv, .txt, .parquet, .pq, .arrow"),
        ("empty.csv", "found an empty file"),
        ("empty.parquet", "found an empty file"),
        ("noise.parquet", "noise.parquet: found a Parquet file that cannot be read"),
        ("noise.csv", "noise.csv: found bytes that are not UTF-8 text"),
        ("zip.csv", "found a compressed or binary file; expected CSV text"),
        ("gzip.csv", "found a compressed or binary file; expected CSV text"),
        ("parquet.csv", "found a compressed or binary file; expected CSV text"),
        ("text.csv.gz", "found a file that cannot be read"),
        ("header.csv", "found no rows; expected at least one row"),
        ("ragged.csv", "found text that is no table"),
        ("blank.csv", "found no header line"),
    ],
)
def test_what_is_no_whole_table_is_named(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    text = "\n".join((HEADER, *ROWS)).encode()
    for file, content in {
        "bars.ods": text,
        "empty.csv": b"",
        "empty.parquet": b"",
        "noise.parquet": bytes(range(256)) * 8,
        "noise.csv": b"\xff\xfe\xfa" * 50,
        "zip.csv": b"PK\x03\x04" + bytes(60),
        "gzip.csv": gzip.compress(text),
        "parquet.csv": b"PAR1" + bytes(60),
        "text.csv.gz": text,
        "header.csv": HEADER.encode() + b"\n",
        "ragged.csv": text + b"\n2024-01-04,A,1\n",
        "blank.csv": b"\n\n\n",
    }.items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_market(scenario(), tmp_path / name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_truncated_parquet_file_is_an_error_wherever_it_ends(tmp_path: Path, cut: float) -> None:
    whole = parquet(tmp_path, table()).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(InputError):
        load_market(scenario(), tmp_path / "cut.parquet")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_parquet_file_never_ends_in_a_traceback(tmp_path: Path, place: float, flip: int) -> None:
    bytes_ = bytearray(parquet(tmp_path, table()).read_bytes())
    bytes_[int(len(bytes_) * place)] ^= flip
    (tmp_path / "bad.parquet").write_bytes(bytes_)
    try:
        load_market(scenario(), tmp_path / "bad.parquet")
    except TieoutError as error:
        assert "\n" not in str(error)


def test_an_unknown_built_in_lists_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"'top26', which is no built-in market.*one of incident, stocks, top25, or the path"
    ):
        load_market(scenario(), "top26")


# columns


@pytest.mark.parametrize("column", ["timestamp", "symbol", "open", "high", "low", "close"])
def test_a_missing_column_is_named_with_those_found(tmp_path: Path, column: str) -> None:
    with pytest.raises(InputError, match=rf"found the columns .*expected also '{column}'\. "):
        load_table(tmp_path, table(**{column: None}))


def test_a_column_given_twice_is_an_error_in_csv_and_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the column 'open' twice"):
        load_csv(tmp_path, "2024-01-01,A,1,1,1,1,1,1", header=HEADER.replace("score", "open"))
    names = [*table().column_names[:-1], "open"]
    with pytest.raises(InputError, match=r"the column 'open' twice"):
        load_table(tmp_path, table().rename_columns(names))


@pytest.mark.parametrize(("place", "column"), [(2, "open"), (6, "volume"), (7, "score")])
@pytest.mark.parametrize("text", ["abc", "1,5", "0x10", "1_000", "1.5.2", "TRUE", "#N/A!"])
def test_text_in_a_csv_number_column_is_named_by_column_row_and_value(
    tmp_path: Path, place: int, column: str, text: str
) -> None:
    cells = ROWS[3].split(",")
    cells[place] = f'"{text}"'
    with pytest.raises(
        InputError, match=rf"bars.csv, row 4, column '{column}': found the text '{text}'; expected a number"
    ):
        load_csv(tmp_path, *ROWS[:3], ",".join(cells), *ROWS[4:])


@pytest.mark.parametrize("text", ["", "NA", "NaN", "nan", "null", "inf", "-inf", "1e999"])
def test_a_csv_cell_that_says_missing_is_missing(tmp_path: Path, text: str) -> None:
    cells = ROWS[3].split(",")
    cells[7] = text
    market = load_csv(tmp_path, *ROWS[:3], ",".join(cells), *ROWS[4:])
    assert np.isnan(market.features["score"][1, 1])


@pytest.mark.parametrize("text", ["3", "+3", " 3 ", "3.", "3e0", "0.3E1", "003"])
def test_the_ways_to_write_a_csv_number(tmp_path: Path, text: str) -> None:
    cells = ROWS[3].split(",")
    cells[7] = text
    market = load_csv(tmp_path, *ROWS[:3], ",".join(cells), *ROWS[4:])
    assert market.features["score"][1, 1] == 3


@pytest.mark.parametrize("encode", [False, True])
def test_text_in_a_parquet_number_column_is_named(tmp_path: Path, encode: bool) -> None:
    words = pa.array([None, "12", "x", "y", "z", "w"])
    data = table(open=words.dictionary_encode() if encode else words)
    with pytest.raises(InputError, match=r"row 2, column 'open': found the text '12'; expected a number"):
        load_table(tmp_path, data)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([True] * 6),
        pa.array([[1.0]] * 6),
        pa.array([b"1"] * 6),
        pa.array([1] * 6).cast(pa.timestamp("s")),
        pa.array([{"a": 1}] * 6),
    ],
    ids=["bool", "list", "binary", "timestamp", "struct"],
)
@pytest.mark.parametrize("column", ["close", "score", "volume"])
def test_a_column_of_another_kind_is_refused(tmp_path: Path, values: pa.Array, column: str) -> None:
    with pytest.raises(InputError, match=f"column '{column}': found values of type .*; expected numbers"):
        load_table(tmp_path, table(**{column: values}))


def test_an_all_null_feature_is_missing_everywhere(tmp_path: Path) -> None:
    assert np.isnan(load_table(tmp_path, table(score=pa.nulls(6))).features["score"]).all()


@pytest.mark.parametrize("encoded", [False, True])
def test_dictionary_encoded_columns_are_what_they_stand_for(tmp_path: Path, encoded: bool) -> None:
    plain = table()
    if encoded:
        for name in plain.column_names:
            plain = plain.set_column(
                plain.column_names.index(name), name, plain[name].combine_chunks().dictionary_encode()
            )
    assert load_table(tmp_path, plain).digest == load_csv(tmp_path, *ROWS).digest


def test_an_empty_symbol_is_named_by_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 7: found no symbol"):
        load_csv(tmp_path, *ROWS, "2024-01-03,,1,1,1,1,1,1")
    with pytest.raises(InputError, match=r"row 2: found no symbol"):
        load_table(tmp_path, table(symbol=pa.array(["A", None, "A", "B", "A", "B"])))


def test_symbols_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column 'symbol': found values of type double; expected text"):
        load_table(tmp_path, table(symbol=pa.array([1.5, 2.5] * 3)))


def test_reading_parquet_leaves_pandas_alone(tmp_path: Path) -> None:
    """A process that loads a market from Parquet has not imported pandas, nor numba."""
    path = parquet(tmp_path, table(symbol=pa.array(["A", "B"] * 3)))
    code = (
        "import sys; from reconcile import load_market, scenario_from_dict;"
        "s = scenario_from_dict({'market': {'data': 'x.csv'}, 'portfolio': {'initial_cash': '1'},"
        "'strategy': {'kind': 'top_n', 'score': 'score', 'n': 1}});"
        f"load_market(s, {str(path)!r}); print([m for m in ('pandas', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# the features' names


@pytest.mark.parametrize("name", ["score", "open", "volume", "timestamp", "symbol"])
def test_a_computed_feature_must_not_take_the_name_of_a_column(tmp_path: Path, name: str) -> None:
    from vocabulary.scenario import AtrFeature

    made = scenario(features=(AtrFeature(name, 2),))
    with pytest.raises(
        InputError, match=rf"market.features.{name}: found a name that .*bars.csv already has"
    ):
        load_market(made, write_csv(tmp_path, *ROWS))
