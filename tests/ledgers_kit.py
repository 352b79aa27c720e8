"""Ledgers for the tests of ledger files, frames and chains: one by hand, and random ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from reconcile.files.integers import pack
from vocabulary import SCHEMA, Column, Kind, Ledger, Manifest, Table

DAY = 86_400_000_000_000
ZONES = (None, "UTC", "America/New_York", "+05:30")


def day(number: int) -> int:
    """Midnight of day `number` of January 2023, UTC, in nanoseconds."""
    return int(np.datetime64("2023-01-01", "ns").astype(np.int64)) + (number - 1) * DAY


def column(kind: Kind, cells: list[Any], scale: int | None = None) -> Column:
    """A column of these cells, None for an empty one. Words get a dictionary in order of appearance."""
    missing = np.array([cell is None for cell in cells], dtype=bool)
    mask = missing if missing.any() else None
    if kind in (Kind.SYMBOL, Kind.WORD):
        words = tuple(dict.fromkeys(cell for cell in cells if cell is not None))
        codes = [-1 if cell is None else words.index(cell) for cell in cells]
        return Column(kind, np.array(codes, dtype=np.int32), words, None, mask)
    if scale is None and kind not in (Kind.COUNT, Kind.TIMESTAMP):
        doubles = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
        return Column(kind, doubles, None, None, mask)
    empty = -1 if kind is Kind.COUNT else 0
    values = pack([empty if cell is None else cell for cell in cells])
    return Column(kind, values, None, None if kind is Kind.TIMESTAMP else scale or 0, mask)


def table(name: str, scales: dict[Kind, int | None] | None = None, **cells: list[Any]) -> Table:
    """A table of SCHEMA; numbers are integers at 4 decimals (quantities 0, rates 9) unless scales say."""
    usual = {Kind.PRICE: 4, Kind.MONEY: 4, Kind.QUANTITY: 0, Kind.RATE: 9, **(scales or {})}
    kinds = SCHEMA[name]
    columns = {key: column(kinds[key], cells[key], usual.get(kinds[key])) for key in kinds if key in cells}
    return Table(name, columns, len(next(iter(cells.values()))))


def ledger(*tables: Table, **manifest: Any) -> Ledger:
    return Ledger(Manifest(**manifest), {one.name: one for one in tables})


def small() -> Ledger:
    """Three bars, two fills, one empty rebalance, one unused symbol in the dictionary."""
    fills = table(
        "fills",
        sequence=[0, 1],
        timestamp=[day(2), day(3)],
        decided_at=[day(1), day(2)],
        symbol=["B", "A"],
        side=["buy", "sell"],
        quantity=[100, 7],
        price=[1_018_000, 50],
        notional=[101_800_000, 350],
        commission=[50_900, 0],
        slippage=[-1, 0],
        reason=["rebalance", "stop"],
    )
    symbols = fills.columns["symbol"]
    fills = replace(fills, columns={**fills.columns, "symbol": replace(symbols, dictionary=("B", "A", "C"))})
    equity = table(
        "equity",
        timestamp=[day(1), day(2), day(3)],
        rebalance=[0, None, 1],
        cash=[10_000_000_000, 9_898_149_100, 9_898_149_450],
        market_value=[0, 101_800_000, 0],
        equity=[10_000_000_000, 9_999_949_100, 9_898_149_450],
    )
    facts = {"initial_cash": 10_000_000_000, "timing": "next_open", "scenario": "s", "market": "m"}
    return ledger(fills, equity, price_decimals=4, quantity_decimals=0, producer="engine", **facts)


def with_cell(book: Ledger, name: str, key: str, row: int, value: Any) -> Ledger:
    """The ledger with one value (an integer, a code) put in the place of another."""
    one = book.tables[name]
    old = one.columns[key]
    values = old.values.copy()
    values[row] = value
    edited = replace(one, columns={**one.columns, key: replace(old, values=values)})
    return replace(book, tables={**book.tables, name: edited})


def assert_same(one: Ledger, other: Ledger) -> None:
    """Equal to the last unit: manifest (chain apart), tables, order, scales, dictionaries, empty cells."""
    assert replace(one.manifest, chain=None) == replace(other.manifest, chain=None)
    assert list(one.tables) == list(other.tables)
    for name, left in one.tables.items():
        right = other.tables[name]
        assert (left.rows, list(left.columns)) == (right.rows, list(right.columns)), name
        for key in left.columns:
            assert_same_column(left.columns[key], right.columns[key], f"{name}.{key}")


def assert_same_column(left: Column, right: Column, where: str) -> None:
    assert (left.kind, left.scale, left.dictionary) == (right.kind, right.scale, right.dictionary), where
    empty = [np.zeros(len(c.values), bool) if c.missing is None else c.missing for c in (left, right)]
    assert empty[0].tolist() == empty[1].tolist(), where
    if left.dictionary is None:
        assert left.values.dtype == right.values.dtype, where
    assert left.values[~empty[0]].tolist() == right.values[~empty[1]].tolist(), where
    assert (right.missing is None) == (not empty[1].any()), where
    assert not right.values.flags.writeable, where


WORDS = st.one_of(
    st.sampled_from(
        ["=cmd()", "NA", "null", "nan", "", " ", "a,b", 'say "x"', "Aa", "aA", "<script>", "é\n", "\r"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
_EXACT = st.one_of(
    st.integers(-(10**6), 10**6), st.integers(-(2**63), 2**63 - 1), st.integers(-(10**38) + 1, 10**38 - 1)
)
_FLOATS = st.floats(allow_nan=False)
_TIMES = st.one_of(
    st.integers(0, 40).map(lambda days: days * DAY), st.integers(-(2**62), 2**62), st.integers(0, 10**18)
)


@st.composite
def columns(draw: st.DrawFn, kind: Kind, rows: int) -> Column:
    """Any column of that kind: exact of any size, floats, any words, empty cells."""
    floats = kind in (Kind.PRICE, Kind.MONEY) and draw(st.booleans())
    if kind in (Kind.SYMBOL, Kind.WORD):
        cells: st.SearchStrategy[Any] = WORDS
    elif kind is Kind.TIMESTAMP:
        cells = _TIMES
    elif kind is Kind.COUNT:
        cells = st.integers(0, 2**63 - 1)
    else:
        cells = _FLOATS if floats else _EXACT
    if draw(st.booleans()):
        cells = st.none() | cells
    scale = 0 if kind is Kind.COUNT else None if floats else draw(st.integers(0, 18))
    made = column(kind, draw(st.lists(cells, min_size=rows, max_size=rows)), scale)
    if made.dictionary is not None and draw(st.booleans()):
        unused = tuple(
            word for word in draw(st.lists(WORDS, unique=True, max_size=2)) if word not in made.dictionary
        )
        made = replace(made, dictionary=made.dictionary + unused)
    return made


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Any ledger: some tables, some columns, 0 to 5 rows, with or without a time zone."""
    tables = []
    for name in draw(st.lists(st.sampled_from(list(SCHEMA)), unique=True, min_size=1)):
        rows = draw(st.integers(0, 5))
        keys = draw(st.lists(st.sampled_from(list(SCHEMA[name])), unique=True, min_size=1))
        kinds = {key: kind for key, kind in SCHEMA[name].items() if key in keys}
        tables.append(Table(name, {key: draw(columns(kind, rows)) for key, kind in kinds.items()}, rows))
    tables.sort(key=lambda one: list(SCHEMA).index(one.name))
    manifest = draw(
        st.builds(
            Manifest,
            price_decimals=st.none() | st.integers(0, 9),
            quantity_decimals=st.none() | st.integers(0, 9),
            initial_cash=st.none() | st.integers(-(10**20), 10**20),
            timezone=st.sampled_from(ZONES),
            producer=st.none() | st.just("engine"),
        )
    )
    return Ledger(manifest, {one.name: one for one in tables})
