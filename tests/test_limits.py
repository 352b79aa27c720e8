"""Every bound of `files.limits` is held at its edge: the last that passes, and the first that is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconcile.comparing.tolerances import tolerances_from
from reconcile.files import limits
from reconcile.files.limits import no_file, parse_json, parse_toml, read_bounded, refuse_names
from reconcile.ledger.manifest import read_manifest
from reconcile.ledger.read import read_ledger
from vocabulary.errors import InputError


@pytest.mark.parametrize("most", [0, 1, 1000])
def test_a_file_may_have_as_many_bytes_as_the_bound_says(most: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * most)
    assert read_bounded(tmp_path / "file", most) == b"x" * most
    (tmp_path / "file").write_bytes(b"x" * (most + 1))
    with pytest.raises(OSError, match=f"more than {most:,} bytes"):
        read_bounded(tmp_path / "file", most)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nothing", "nothing"),
        ("folder", "a folder"),
        ("pipe", "a pipe, device or socket, not a file"),
        ("device", "a pipe, device or socket, not a file"),
        ("loop", "Too many levels of symbolic links"),
        ("dangling", "nothing"),
        ("long", "File name too long"),
        ("nul", "a name that no file can have"),
        ("file/below", "Not a directory"),
    ],
)
def test_what_is_no_file_is_named_and_not_read(kind: str, said: str, tmp_path: Path) -> None:
    """A pipe would be waited for, and /dev/zero fills the memory."""
    place: str | Path = tmp_path / kind
    if kind == "folder":
        os.mkdir(place)
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place = "/dev/zero"
    elif kind == "loop":
        os.symlink(place, place)
    elif kind == "dangling":
        os.symlink(tmp_path / "gone", place)
    elif kind == "long":
        place = tmp_path / ("n" * 256)
    elif kind == "nul":
        place = "a\0b"
    elif kind == "file/below":
        (tmp_path / "file").touch()
    assert said in (no_file(place) or "")
    with pytest.raises(OSError):
        read_bounded(place)


def test_a_regular_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.symlink(tmp_path / "file", tmp_path / "link")
    assert no_file(tmp_path / "file") is None
    assert no_file(tmp_path / "link") is None


@pytest.mark.parametrize("depth", [limits.NESTING, limits.NESTING + 1, 100_000])
def test_brackets_may_stand_within_one_another_to_the_bound(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    for parse, text in ((parse_toml, f"a = {nested}"), (parse_json, nested)):
        if depth <= limits.NESTING:
            parse(text)
        else:
            with pytest.raises(ValueError, match=f"more than {limits.NESTING} brackets"):
                parse(text)


@pytest.mark.parametrize("parts", [limits.NESTING, limits.NESTING + 2, 100_000])
def test_a_dotted_key_may_have_as_many_parts_as_the_bound_says(parts: int) -> None:
    """Its time would grow with their square."""
    key = ".".join(["a"] * parts)
    for text in (f"{key} = 1", f"[{key}]", f"  [[{key}]]"):
        if parts <= limits.NESTING:
            parse_toml(text)
        else:
            with pytest.raises(ValueError, match="a key of more than"):
                parse_toml(text)
    parse_toml(f'text = """\n{"." * parts}\n"""\n')


def test_names_may_be_as_many_and_as_long_as_the_bounds_say() -> None:
    refuse_names(["c"] * limits.COLUMNS, "x.csv")
    refuse_names(["c" * limits.NAME_LENGTH], "x.csv")
    refuse_names(["s"] * (limits.COLUMNS + 1), "x.csv", "symbol")  # symbols may be more
    with pytest.raises(InputError, match=f"{limits.COLUMNS + 1:,} columns"):
        refuse_names(["c"] * (limits.COLUMNS + 1), "x.csv")
    for what in ("column", "symbol"):
        with pytest.raises(InputError, match=f"a {what} whose name has"):
            refuse_names(["c" * (limits.NAME_LENGTH + 1)], "x.csv", what)


@pytest.mark.parametrize("columns", [20_000, limits.COLUMNS + 1])
def test_a_ledger_of_many_columns_is_read_or_refused_at_once(columns: int, tmp_path: Path) -> None:
    """Looking for names that stand twice took the square of their number."""
    names = ["timestamp", "quantity", *(f"c{i}" for i in range(columns - 2))]
    (tmp_path / "fills.csv").write_text(f"{','.join(names)}\n2023-01-02{',1' * (columns - 1)}\n")
    if columns <= limits.COLUMNS:
        assert read_ledger(tmp_path).tables["fills"].rows == 1
    else:
        with pytest.raises(InputError, match="columns"):
            read_ledger(tmp_path)


@pytest.mark.parametrize("digits", [limits.DIGITS, limits.DIGITS + 1])
def test_a_number_of_more_digits_makes_its_column_one_of_doubles(digits: int, tmp_path: Path) -> None:
    (tmp_path / "costs.csv").write_text(f"timestamp,turnover\n2023-01-02,{'9' * digits}\n")
    column = read_ledger(tmp_path).tables["costs"].columns["turnover"]
    assert (column.scale is None) == (digits > limits.DIGITS)


@pytest.mark.parametrize("text", ["1e999999999", "-1e-999999999", "1" + "0" * 5000])
def test_a_number_of_absurd_size_is_read_at_once(text: str, tmp_path: Path) -> None:
    """As the nearest double, an infinity where there is none."""
    (tmp_path / "costs.csv").write_text(f"timestamp,turnover\n2023-01-02,{text}\n")
    assert read_ledger(tmp_path).tables["costs"].columns["turnover"].values.dtype.kind == "f"


@pytest.mark.parametrize("decimals", [limits.DECIMALS, limits.DECIMALS + 1])
def test_a_manifest_may_claim_as_many_decimals_as_an_arrow_decimal_has(decimals: int, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    columns = {"price": {"scale": decimals}}
    file.write_text(json.dumps({"format": 1, "tables": {"fills": {"rows": 0, "columns": columns}}}))
    if decimals <= limits.DECIMALS:
        assert read_manifest(file).hints["fills"]["price"].scale == decimals
    else:
        with pytest.raises(InputError, match="scale"):
            read_manifest(file)


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_tolerance_lies_within_its_exponents(sign: str) -> None:
    """1e999999999 took all memory when it was compared with a cell."""
    entry = {"reason": "rounding"}
    edge = f"1e{sign}{limits.TOLERANCE_EXPONENT}"
    assert len(tolerances_from({"fills.price": {**entry, "absolute": edge}})) == 1
    for beyond in (f"1e{sign}{limits.TOLERANCE_EXPONENT + 1}", f"1e{sign}999999999"):
        with pytest.raises(InputError, match=r"fills\.price: found"):
            tolerances_from({"fills.price": {**entry, "absolute": beyond}})


@pytest.mark.parametrize("name", ["fills.csv", "manifest.json"])
def test_a_pipe_in_a_ledgers_folder_is_one_error(name: str, tmp_path: Path) -> None:
    """It was waited for, or taken for a table that is not there."""
    (tmp_path / "equity.csv").write_text("timestamp,cash\n2023-01-02,5\n")
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}.*a pipe, device or socket"):
        read_ledger(tmp_path)
