"""Every setting of a mapping file does what its page says, and a wrong value of it has one message."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mapping_kit import PAGE, opened, rows, unread, with_tables
from market_kit import scenario
from reconcile.mapping import schema
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.bars import write_bars
from reconcile.mapping.read import mapping_from
from reconcile.market.load import load_market
from reconcile.tables.layout import Layout
from reconcile.tables.numbers import Numbers
from reconcile.tables.settings import Settings
from vocabulary.errors import InputError

FILLS = "timestamp,symbol,side,quantity,price\n2024-01-03,A,buy,2,1.5\n2024-01-04,A,sell,2,1.75\n"
GROUPS: dict[str, type[Settings]] = {
    "": schema.Mapping,
    "tables.fills": schema.Table,
    "tables.fills.side": schema.SideWords,
    "tables.fills.round_trips": schema.RoundTrips,
    "tables.fills.round_trips.side": schema.DirectionWords,
    "tables.fills.profit": schema.Profit,
    "tables.fills.currency": schema.Currency,
    "layout": Layout,
    "numbers": Numbers,
    "time": schema.Time,
    "start": schema.Start,
    "start.positions.A": schema.Holding,
    "returns": schema.ReturnsFile,
}
"""Where each group of settings stands."""

NEEDED: dict[str, Any] = {
    "tables.fills.side": {"buy": ["B"], "sell": ["S"]},
    "tables.fills.round_trips": {"open": {}, "close": {}},
    "tables.fills.round_trips.side": {"column": "D", "long": ["L"], "short": ["S"]},
    "tables.fills.profit": {"column": "PnL"},
    "tables.fills.currency": {"columns": "C", "is": "USD"},
    "start": {"cash": "1", "at": "2024-01-01"},
    "start.positions.A": {"quantity": "1", "price": "1"},
}
"""The settings of a group that it cannot do without."""


ELSEWHERE = {"words": "flows", "wide": "positions"}
"""Settings whose example is about another table than fills."""


def keys() -> list[tuple[str, str]]:
    return [
        (group, field.alias or name)
        for group, model in GROUPS.items()
        for name, field in model.model_fields.items()
    ]


def placed(group: str, values: dict[str, Any]) -> dict[str, Any]:
    """A whole mapping with these values in one group."""
    out: dict[str, Any] = {"tables": {"fills": {}}}
    here, path = out, ""
    for step in [one for one in group.split(".") if one]:
        path = f"{path}.{step}".removeprefix(".")
        here = here.setdefault(step, {})
        here.update({key: value for key, value in NEEDED.get(path, {}).items() if key not in here})
    here.update(values)
    return out


def test_the_page_is_made_from_the_schema() -> None:
    """`python tests/mapping_kit.py` brings it up to date; every group stands on it."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page
    for model in GROUPS.values():
        assert f"<!-- settings: {model.__name__} -->" in page


@pytest.mark.parametrize(("group", "key"), keys())
def test_every_setting_has_an_example_that_is_taken(group: str, key: str) -> None:
    """The examples of the page, as TOML."""
    model = GROUPS[group]
    field = next(field for name, field in model.model_fields.items() if key in (name, field.alias))
    inner = {"tables", "layout", "numbers", "time", "start", "returns", "round_trips", "profit", "currency"}
    assert field.examples or key in inner, "a setting without an example"
    for example in field.examples or ():
        value = tomllib.loads(f"value = {example}")["value"]
        made = placed(group, _goes_with(group, key, value))
        if key in ELSEWHERE:
            made = {"tables": {ELSEWHERE[key]: {key: value}}}
        mapping_from(made)


def _goes_with(group: str, key: str, value: Any) -> dict[str, Any]:
    """A setting with those that it needs beside it."""
    if group == "time" and key in ("from", "to", "bar"):
        return {"from": "close", "to": "open", "bar": "1 hour", key: value}
    if key == "thousands" and value == ".":
        return {"decimal": ",", key: value}
    return {key: value}


WRONG: dict[str, Any] = {"epoch": "minutes", "of": "both", "cash": 5, "quantity": "1e3", "price": "ten"}


@pytest.mark.parametrize(("group", "key"), keys())
def test_a_wrong_value_of_every_setting_is_named_with_what_was_expected(group: str, key: str) -> None:
    """Where it stands, what was found, what was expected, and where to read on."""
    with pytest.raises(InputError) as error:
        mapping_from(placed(group, _goes_with(group, key, WRONG.get(key, 7.5))), origin="map.toml")
    where = ".".join(part for part in (group, key) if part)
    assert error.value.where.startswith(f"map.toml: {where}")
    assert error.value.found and error.value.expected
    assert "docs/reference/mapping.md" in error.value.remedy


@pytest.mark.parametrize("group", GROUPS)
def test_an_unknown_setting_is_named_with_those_there_are(group: str) -> None:
    """A misspelling is no silent default."""
    with pytest.raises(InputError) as error:
        mapping_from(placed(group, {"nonsense": 1}), origin="map.toml")
    assert error.value.found == "'nonsense'"
    known = [field.alias or name for name, field in GROUPS[group].model_fields.items()]
    assert error.value.expected == "one of " + ", ".join(known)
    assert error.value.where == (f"map.toml: {group}" if group else "map.toml")


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (
            "[tables.fills]\nround_trips = { open = {}, close = {} }\nside = 'sign'",
            "the side in `round_trips`",
        ),
        ("[tables.equity]\nround_trips = { open = {}, close = {} }", "none for equity"),
        ("[tables.equity]\nexecution_order = 'rows'", "none for equity"),
        ("[tables.equity]\nwords = { cash = { a = ['b'] } }", "none: equity have no words"),
        ("[tables.fills]\nwords = { side = { a = ['b'] } }", "one of reason"),
        ("[tables.fills]\nunsigned = ['fee']", "'fee'"),
        ("[tables.positions]\nwide = 'value'", "'value'"),
        ("[tables.flows]\nconstants = { kind = 'bonus' }", "'bonus'"),
        ("[tables.flows]\nwords = { kind = { gift = ['x'] } }", "'gift'"),
        ("[tables.fills]\ncolumns = { price = '= a +' }", "the end of the formula after"),
        ("[tables.fills]\ncolumns = { price = '= a b' }", "'b' in 'a b'"),
        ("[tables.fills]\ncolumns = { price = '= sqrt(a)' }", "'(a)' in 'sqrt(a)'"),
        ("[tables.fills]\ncolumns = { price = '= min(a)' }", "in 'min(a)'"),
        ("[tables.fills]\ncolumns = { price = '= __import__' }", None),
        ("[tables.fills]\ncolumns = { price = ['= a', 'b'] }", "one formula, or names of columns"),
        (f"[tables.fills]\ncolumns = {{ price = '= {'(' * 60}a{')' * 60}' }}", "in '(((("),
        (f"[tables.fills]\ncolumns = {{ price = '= {'a + ' * 400}a' }}", "at most 1000"),
        ("[tables.fills]\ncolumns = { price = 'a' }\nconstants = { price = '1' }", "a second source"),
        ("[start]\ncash = '1'\npositions = { A = { quantity = '1', price = '1' } }\n[tables.fills]", "`at`"),
        ("[time]\norder = 'day'\nepoch = 's'\n[tables.fills]", "`order` beside `epoch`"),
    ],
)
def test_settings_that_do_not_go_together_say_so(mapping: str, says: str | None) -> None:
    """Each pair once."""
    if says is None:
        mapping_from(tomllib.loads(mapping))  # a name like any other: nothing is ever called
        return
    with pytest.raises(InputError) as error:
        mapping_from(tomllib.loads(mapping))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("price / 100", ["0.015", "0.0175"]),
        ("price * quantity", ["3.0", "3.5"]),
        ("price * quantity * multiplier", ["150.0", "175.0"]),
        ("abs(fee) + default(tax, 0)", ["0.25", "0.55"]),
        ("-fee", ["0.25", "0.50"]),
        ("min(price, 1.6) + max(quantity, 1) - 1", ["2.5", "2.6"]),
        ("(price + quantity) * 2", ["7.0", "7.50"]),
        ("[Net amount] - 0.5", ["0.5", "1.5"]),
        ("1 / 3", ["0.333333333333333333", "0.333333333333333333"]),
        ("2 / 3", ["0.666666666666666667", "0.666666666666666667"]),
        ("price + tax", ["", "1.80"]),
        ("9223372036854775807 * 9223372036854775807 + quantity", [str((2**63 - 1) ** 2 + 2)] * 2),
    ],
)
def test_formulas_are_exact(formula: str, values: list[str], tmp_path: Path) -> None:
    """And empty where a cell that they need is."""
    (tmp_path / "book.csv").write_text(
        "timestamp,symbol,side,quantity,price,fee,tax,Net amount\n"
        "2024-01-03,A,buy,2,1.5,-0.25,,1\n2024-01-04,A,sell,2,1.75,-0.50,0.05,2\n"
    )
    mapping = f"multipliers = {{ A = '50' }}\n[tables.fills.columns]\nnotional = '= {formula}'"
    found = [value for (value,) in rows(opened(tmp_path / "book.csv", mapping).ledger, "fills", "notional")]
    assert [value.rstrip("0").rstrip(".") for value in found] == [
        one.rstrip("0").rstrip(".") for one in values
    ]


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("columns = { price = '= price / zero' }", "row 1: found a division by 0"),
        ("columns = { price = '= cost' }", "no column 'cost'"),
        ("columns = { price = '= symbol * 2' }", "column symbol, row 1: found 'A'"),
        ("columns = { price = '= price * multiplier' }", "row 1: found the symbol 'A'"),
        ("columns = { timestamp = '= price' }", "a formula for timestamp"),
        ("only = { Status = ['x'] }", "no column 'Status'"),
        ("leave_out = { Status = 'x' }", "no column 'Status'"),
        ("currency = { columns = 'symbol', is = 'USD' }", "row 1: found the currency 'A'"),
        ("side = { buy = ['B'], sell = ['S'] }", "'buy'"),
        ("words = { reason = { order = ['x'] } }\ncolumns = { reason = 'symbol' }", "'A'"),
        ("profit = { column = 'symbol' }", "column symbol, row 1"),
        ("profit = { column = 'zero', of = 'net' }", "no commission of the fills"),
        (
            "round_trips = { open = {}, close = { notional = 'zero' } }\nleave_out = { timestamp = 'x' }",
            "closing fill",
        ),
        ("file = 'other'", "a file named other"),
    ],
)
def test_what_a_file_does_not_bear_out_is_one_error(mapping: str, says: str, tmp_path: Path) -> None:
    """With the file, the column and the row where there are any."""
    text = FILLS.replace("price\n", "price,zero\n").replace("1.5\n", "1.5,0\n").replace("1.75\n", "1.75,0\n")
    (tmp_path / "book.csv").write_text(text)
    with pytest.raises(InputError) as error:
        opened(tmp_path / "book.csv", f"[tables.fills]\n{mapping}")
    assert says in str(error.value)


def test_a_round_trip_is_two_fills_and_one_while_it_is_open(tmp_path: Path) -> None:
    """By sign or by words; the close of an open trade is a valuation."""
    text = (
        "dir,size,in,out,at,left,state\nLong,2,10,11,2024-01-03,2024-01-05,Closed\n"
        "Short,3,20,19,2024-01-04,2024-01-06,Open\nShort,1,30,,2024-01-04,,Closed\n"
    )
    (tmp_path / "trades.csv").write_text(text)
    mapping = """
    [tables.fills]
    constants = { symbol = "A" }
    columns = { quantity = "size" }
    execution_order = "rows"
    [tables.fills.round_trips]
    open = { timestamp = "at", price = "in" }
    close = { timestamp = "left", price = "out" }
    side = { column = "dir", long = ["Long"], short = ["Short"] }
    still_open = { state = ["Open"] }
    """
    found = opened(tmp_path / "trades.csv", mapping)
    assert rows(found.ledger, "fills", "sequence", "timestamp", "side", "quantity", "price") == [
        ("0", "2024-01-03", "buy", "2", "10"),
        ("1", "2024-01-05", "sell", "2", "11"),
        ("2", "2024-01-04", "sell", "3", "20"),
        ("3", "2024-01-04", "sell", "1", "30"),
    ]
    assert "fills: 3 round trips are 4 fills; 2 of them are still open." in found.notes


def test_a_start_makes_the_account_hold_what_it_says(tmp_path: Path) -> None:
    """Positions become fills at their cost, and the initial cash pays for them."""
    (tmp_path / "fills.csv").write_text(FILLS)
    mapping = """
    [start]
    cash = "100.5"
    at = "2024-01-01"
    positions = { A = { quantity = "3", price = "2.25" }, B = { quantity = "-1", price = "4" } }
    [tables.fills]
    """
    ledger = opened(tmp_path, mapping).ledger
    assert rows(ledger, "fills", "timestamp", "symbol", "side", "quantity", "price", "reason")[:3] == [
        ("2024-01-01", "A", "buy", "3", "2.25", "start"),
        ("2024-01-01", "B", "sell", "1", "4.00", "start"),
        ("2024-01-03", "A", "buy", "2", "1.50", ""),
    ]
    manifest = ledger.manifest
    assert (manifest.initial_cash, manifest.price_decimals, manifest.quantity_decimals) == (10325, 2, 0)


def test_tables_from_several_places_stand_one_after_the_other(tmp_path: Path) -> None:
    """Scales, words and zones are brought together; a column that one lacks is empty there."""
    (tmp_path / "one.csv").write_text("timestamp,symbol,side,quantity,price\n2024-01-03,A,buy,2,1.5\n")
    (tmp_path / "two.csv").write_text(
        "timestamp,symbol,side,quantity,price,fee\n2024-01-04,B,sell,0.25,100,1\n"
    )
    mapping = """
    [[tables.fills]]
    file = "one"
    [[tables.fills]]
    file = "two"
    columns = { commission = "fee" }
    """
    found = rows(opened(tmp_path, mapping).ledger, "fills")
    assert found == [
        ("2024-01-03", "A", "buy", "2.00", "1.5", ""),
        ("2024-01-04", "B", "sell", "0.25", "100.0", "1"),
    ]


@pytest.mark.parametrize(("order", "numbers"), [("rows", ["0", "1"]), ("reversed", ["1", "0"])])
def test_the_order_of_rows_is_that_of_execution_or_its_reverse(
    order: str, numbers: list[str], tmp_path: Path
) -> None:
    """Exports often stand newest first."""
    (tmp_path / "fills.csv").write_text(FILLS)
    ledger = opened(tmp_path, f"[tables.fills]\nexecution_order = '{order}'").ledger
    assert [number for (number,) in rows(ledger, "fills", "sequence")] == numbers


def test_cells_of_several_columns_are_joined(tmp_path: Path) -> None:
    """A date and a time, a type and a direction."""
    text = "d,t,what,way,sym,n,p\n03.01.2024,15:00,Trade,B,A,1,2\n13.01.2024,16:00,Trade,S,A,1,2\n"
    (tmp_path / "fills.csv").write_text(text)
    mapping = """
    [tables.fills]
    columns = { timestamp = ["d", "t"], symbol = "sym", quantity = "n", price = "p" }
    side = { column = ["what", "way"], buy = ["Trade B"], sell = ["Trade S"] }
    """
    found = rows(opened(tmp_path, mapping).ledger, "fills", "timestamp", "side")
    assert found == [("2024-01-03T15:00:00", "buy"), ("2024-01-13T16:00:00", "sell")]


def test_what_was_not_read_has_a_count_a_digest_and_a_reason_where_one_was_given(tmp_path: Path) -> None:
    """Equal digests where two sides hold the same."""
    for folder, fee in (("one", "1"), ("two", "1"), ("three", "2")):
        (tmp_path / folder).mkdir()
        text = (
            FILLS.replace("price\n", "price,fee,tag\n")
            .replace("1.5\n", f"1.5,{fee},x\n")
            .replace("1.75\n", "1.75,,\n")
        )
        (tmp_path / folder / "fills.csv").write_text(text)
        (tmp_path / folder / "equity.csv").write_text(f"timestamp,cash\n2024-01-03,{fee}\n")
    mapping = "leave_out = { equity = 'not ours' }\n[tables.fills]\nleave_out = { tag = 'a label' }"
    found = {folder: opened(tmp_path / folder, mapping) for folder in ("one", "two", "three")}
    assert unread(found["one"]) == {"fee": (1, None), "tag": (1, "a label"), "equity": (1, "not ours")}
    digests = {name: {one.name: one.digest for one in side.unread} for name, side in found.items()}
    assert digests["one"] == digests["two"]
    assert digests["one"]["fee"] != digests["three"]["fee"]
    assert digests["one"]["equity"] != digests["three"]["equity"]
    assert digests["one"]["tag"] == digests["three"]["tag"]


def test_frames_are_mapped_as_files_are() -> None:
    """Floats stay floats."""
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-03"]), "s": ["A"], "n": [-2], "p": [1.5]})
    columns = {"timestamp": "at", "symbol": "s", "quantity": "n", "price": "p"}
    mapping = mapping_from({"tables": {"fills": {"side": "sign", "columns": columns}}})
    made = apply_mapping({"anything": frame}, mapping)
    assert rows(made.ledger, "fills") == [("2024-01-03", "A", "sell", "2", "1.5")]
    assert made.ledger.tables["fills"].columns["price"].scale is None


def test_bars_in_any_dress_become_a_market(tmp_path: Path) -> None:
    """The same market as that of plain bars."""
    lines = ["Datum;Kürzel;O;H;T;S;Stück;score"]
    lines += [f"{day}.01.2024;A;10,5;11;10;1.010,75;{day};0,{day}" for day in (2, 3, 13)]
    (tmp_path / "prices.csv").write_text("\n".join(lines), encoding="latin-1")
    mapping = """
    layout = { separator = ";", encoding = "latin-1" }
    numbers = { decimal = ",", thousands = "." }
    symbol_case = "lower"
    [tables.bars]
    [tables.bars.columns]
    timestamp = "Datum"
    symbol = "Kürzel"
    open = "O"
    high = "= H * 100"
    low = "T"
    close = "S"
    volume = "Stück"
    score = "score"
    """
    rows_, notes, unread_ = write_bars(
        tmp_path / "prices.csv", mapping_from(tomllib.loads(mapping)), tmp_path / "bars.parquet"
    )
    assert (rows_, unread_) == (3, ()) and "bars.open is their 'O'." in notes
    plain = ["timestamp,symbol,open,high,low,close,volume,score"]
    plain += [f"2024-01-{day:02d},a,10.5,1100,10,1010.75,{day},0.{day}" for day in (2, 3, 13)]
    (tmp_path / "plain.csv").write_text("\n".join(plain))
    assert (
        load_market(scenario(), tmp_path / "bars.parquet").digest
        == load_market(scenario(), tmp_path / "plain.csv").digest
    )


@pytest.mark.parametrize("setting", ["side = 'sign'", "execution_order = 'rows'", "unsigned = ['open']"])
def test_bars_have_no_settings_of_fills(setting: str) -> None:
    with pytest.raises(InputError, match="for bars"):
        mapping_from(tomllib.loads(f"[tables.bars]\n{setting}"))
