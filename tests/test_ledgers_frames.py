"""Tables as pandas frames: exact decimals or nearest doubles, and back."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledgers_kit import column, day, ledger, ledgers, small, table
from reconcile.ledger.digest import chain
from reconcile.ledger.frames import _doubles, frame, from_frames
from vocabulary import SCHEMA, Column, InputError, Kind, Ledger, Manifest


def test_a_frame_holds_exact_decimals() -> None:
    """Prices, quantities and money as Decimal with their decimals; words as text; counts as integers."""
    fills = frame(small(), "fills")
    assert list(fills.columns) == list(SCHEMA["fills"])
    assert [str(cell) for cell in fills["price"]] == ["101.8000", "0.0050"]
    assert all(isinstance(cell, Decimal) for key in ("quantity", "price", "slippage") for cell in fills[key])
    assert fills["symbol"].tolist() == ["B", "A"]
    assert fills["sequence"].dtype == np.int64
    assert fills["timestamp"].dtype == "datetime64[ns]"
    assert fills["timestamp"].tolist() == [pd.Timestamp("2023-01-02"), pd.Timestamp("2023-01-03")]


def test_rebalance_is_a_nullable_integer() -> None:
    """Also where no cell of it is empty."""
    equity = frame(small(), "equity")
    assert equity["rebalance"].dtype == "Int64"
    assert equity["rebalance"].isna().tolist() == [False, True, False]
    full = ledger(table("equity", timestamp=[day(1)], rebalance=[0]))
    assert frame(full, "equity")["rebalance"].dtype == "Int64"


def test_floats_are_float64_when_asked_and_when_the_ledger_holds_them() -> None:
    """A foreign float is never dressed up as a decimal."""
    assert frame(small(), "fills", floats=True)["price"].tolist() == [101.8, 0.005]
    foreign = ledger(table("costs", {Kind.MONEY: None}, turnover=[0.1, None]))
    for asked in (False, True):
        turnover = frame(foreign, "costs", floats=asked)["turnover"]
        assert turnover.dtype == np.float64
        assert turnover.isna().tolist() == [False, True]


def test_times_are_shown_in_the_ledgers_zone() -> None:
    """Instants, tz-aware; NaT where empty."""
    book = ledger(table("costs", timestamp=[day(2), None]), timezone="America/New_York")
    stamps = frame(book, "costs")["timestamp"]
    assert stamps[0] == pd.Timestamp("2023-01-01 19:00", tz="America/New_York")
    assert str(stamps.dtype) == "datetime64[ns, America/New_York]"
    assert stamps.isna().tolist() == [False, True]


def test_an_unknown_table_names_those_there_are() -> None:
    """fills and equity, in this ledger."""
    with pytest.raises(InputError, match="expected fills, equity"):
        frame(small(), "trades")


@example([5193743734873177028], 9)  # two roundings, of the integer and of the quotient, miss it
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**40), 10**40)), st.integers(0, 18))
@settings(deadline=None)  # the first example imports pandas
def test_floats_are_the_nearest_doubles(values: list[int], scale: int) -> None:
    """Rounded once, from the exact decimal."""
    doubles = _doubles(column(Kind.MONEY, values, scale)).tolist()
    assert doubles == [float(Fraction(value, 10**scale)) for value in values]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(book=ledgers())
def test_any_ledger_survives_the_way_through_frames(book: Ledger) -> None:
    """Exact in every cell: the chains are equal."""
    manifest = Manifest(timezone=book.manifest.timezone)
    back = from_frames({name: frame(book, name) for name in book.tables}, manifest)
    assert chain(back) == chain(book)


def test_frames_of_a_users_own_engine_keep_what_they_are() -> None:
    """Floats stay floats, Decimals and integers exact, a named index is a column, the rest left out."""
    index = pd.Index(pd.to_datetime(["2023-01-02", "2023-01-03"]), name="timestamp")
    data = pd.DataFrame(
        {
            "symbol": ["B", None],
            "quantity": [100, 7],
            "price": [101.8, np.nan],
            "notional": [Decimal("10180.00"), Decimal("0.0350")],
            "commission": [Decimal("5.09"), 2**70],
            "slippage": ["0.5", "1"],
            "mine": [[], {}],
        },
        index=index,
    )
    with pytest.warns(UserWarning, match="mine"):
        book = from_frames({"fills": data}, Manifest(producer="me"))
    columns = book.tables["fills"].columns
    assert list(columns) == ["timestamp", "symbol", "quantity", "price", "notional", "commission", "slippage"]
    assert {key: one.scale for key, one in columns.items() if key not in ("timestamp", "symbol")} == {
        "quantity": 0,
        "price": None,
        "notional": 4,
        "commission": 2,
        "slippage": 1,
    }
    assert columns["commission"].values.tolist() == [509, 100 * 2**70]
    assert columns["timestamp"].values.tolist() == [day(2), day(3)]
    assert book.manifest.producer == "me"


def test_the_zone_of_frames_becomes_the_manifests() -> None:
    """And frames with and without one do not mix."""
    aware = pd.DataFrame({"timestamp": pd.to_datetime(["2023-01-02"]).tz_localize("America/New_York")})
    naive = pd.DataFrame({"timestamp": pd.to_datetime(["2023-01-02"])})
    assert from_frames({"costs": aware}).manifest.timezone == "America/New_York"
    with pytest.raises(InputError, match="without a zone"):
        from_frames({"costs": aware, "equity": naive})


@pytest.mark.parametrize(
    ("table_name", "data", "found"),
    [
        ("trades", {"price": [1]}, "a table 'trades'"),
        ("fills", {"cost": [1]}, "columns 'cost'"),
        ("fills", {"price": [Decimal(1), "x"]}, "fills, column price, row 2: found 'x'"),
        ("fills", {"price": [object()]}, "cells of object"),
        ("fills", {"price": [True, Decimal(1)]}, "cells of Decimal, bool"),
        ("fills", {"price": pd.array([True])}, "bool cells"),
        ("fills", {"symbol": [1.5]}, "expected text"),
        ("equity", {"rebalance": [1.5]}, "row 1: found 1.5"),
    ],
)
def test_frames_that_are_no_tables_are_one_clear_error(
    table_name: str, data: dict[str, object], found: str
) -> None:
    """Named by table, column and row."""
    with pytest.raises(InputError) as error:
        from_frames({table_name: pd.DataFrame(data)})
    assert found in str(error.value)


def test_a_mix_of_floats_and_decimals_is_floats() -> None:
    """The column is only as exact as its least exact cell."""
    book = from_frames({"fills": pd.DataFrame({"price": [Decimal("0.1"), 0.25]}, dtype=object)})
    price: Column = book.tables["fills"].columns["price"]
    assert (price.scale, price.values.tolist()) == (None, [0.1, 0.25])


def test_reading_writing_and_chains_do_without_pandas() -> None:
    """The command line stays quick: pandas comes with the first frame. (pyarrow.array imports it.)"""
    script = (
        "import os, sys, tempfile\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from ledgers_kit import day, ledger, small, table\n"
        "from reconcile import read_ledger, write_ledger\n"
        "from reconcile.ledger.digest import verify_chain\n"
        "strange = table('orders', decided_at=[day(1), None], quantity=[-(2**70), 1], side=[None, 'a,b'])\n"
        "books = small(), ledger(strange, timezone='America/New_York')\n"
        "with tempfile.TemporaryDirectory() as place:\n"
        "    for name in ('csv', 'parquet'):\n"
        "        for book in books:\n"
        "            write_ledger(book, os.path.join(place, name), name)\n"
        "            assert verify_chain(read_ledger(os.path.join(place, name))) is None\n"
        "print([name for name in ('pandas', 'numba') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("dtype", ["float64", "int64", "object"])
def test_a_frame_without_rows_may_have_columns_of_any_type(dtype: str) -> None:
    """What pandas makes of no rows is an accident: an engine that never traded has no fills."""
    names = ["timestamp", "symbol", "side", "quantity", "price"]
    empty = pd.DataFrame({name: pd.Series([], dtype=dtype) for name in names})
    ledger = from_frames({"fills": empty})
    assert ledger.tables["fills"].rows == 0 and list(ledger.tables["fills"].columns) == names
