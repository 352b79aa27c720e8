"""The digest chain: every cell counts, nothing but the values does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledgers_kit import assert_same, column, day, ledger, ledgers, small, table, with_cell
from reconcile.ledger import digest as chains_module
from reconcile.ledger.digest import (
    ChainFault,
    FaultKind,
    chain,
    first_link_apart,
    ledger_digest,
    verify_chain,
)
from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from vocabulary import Column, InputError, Kind, Ledger, Table

HALT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def swap(book: Ledger, name: str, **columns: Column) -> Ledger:
    """The ledger with columns of one table put in the place of others."""
    one = book.tables[name]
    return replace(book, tables={**book.tables, name: replace(one, columns={**one.columns, **columns})})


def every_cell(book: Ledger) -> Iterator[tuple[str, str, int, Any]]:
    """(table, column, row, another value) for every cell that is not empty."""
    for name, one in book.tables.items():
        for key, held in one.columns.items():
            for row, value in enumerate(held.values.tolist()):
                if held.missing is None or not held.missing[row]:
                    other = 1 - value if held.dictionary is not None else value + 1
                    yield name, key, row, other


def test_every_single_cell_changes_the_chain_from_its_bar_on_and_no_earlier() -> None:
    """A change of one unit, one word, one nanosecond, is found at the bar of its row."""
    book = small()
    links = chain(book)
    changed = 0
    for name, key, row, other in every_cell(book):
        bar = row + 1 if name == "fills" else row
        edited = chain(with_cell(book, name, key, row, other))
        moved = key == "timestamp"
        assert first_link_apart(links, edited) == bar or moved, (name, key, row)
        assert edited[-1] != links[-1]
        assert all(one != other for one, other in zip(links[bar:], edited[bar:], strict=False))
        changed += 1
    assert changed == 2 * 11 + 3 * 5 - 1


def test_a_chain_has_one_link_a_bar() -> None:
    """Bars are the times of equity, in order."""
    assert len(chain(small())) == 3
    assert all(len(link) == 64 for link in chain(small()))
    assert ledger_digest(small()) == chain(small())[-1]


def test_the_chain_depends_on_values_not_on_how_they_are_held() -> None:
    """Not on scale (1.50 is 1.5), dtype, dictionary order, an all-false mask, or the manifest."""
    book = small()
    fills = book.tables["fills"].columns
    price, side, symbol = fills["price"], fills["side"], fills["symbol"]
    finer = replace(price, values=price.values * 1000, scale=7)
    objects = replace(price, values=price.values.astype(object))
    words = replace(side, values=1 - side.values.astype(np.int8), dictionary=("sell", "buy"))
    more = replace(symbol, dictionary=(*(symbol.dictionary or ()), "ZZZ"))
    unmasked = replace(price, missing=np.zeros(2, dtype=bool))
    beyond = replace(price, values=np.array([v * 10**20 for v in price.values.tolist()], object), scale=24)
    for same in (finer, objects, unmasked, beyond):
        assert chain(swap(book, "fills", price=same)) == chain(book)
    assert chain(swap(book, "fills", side=words, symbol=more)) == chain(book)
    assert chain(replace(book, manifest=replace(book.manifest, producer="me", chain=("x",)))) == chain(book)
    assert chain(replace(book, tables=dict(list(book.tables.items())[::-1]))) == chain(book)


def test_values_that_look_alike_are_told_apart() -> None:
    """A float beside the decimal it resembles, an empty cell beside 0 and -1, huge beside small."""
    cells: list[Column] = [
        column(Kind.MONEY, [15], 1),
        column(Kind.MONEY, [1.5]),
        column(Kind.MONEY, [None], 1),
        column(Kind.MONEY, [0], 1),
        column(Kind.MONEY, [-1], 0),
        column(Kind.MONEY, [-1], 18),
        column(Kind.MONEY, [-2], 18),
        column(Kind.MONEY, [-3], 18),
        column(Kind.MONEY, [2**63], 0),
        column(Kind.MONEY, [2**63 + 1], 0),
        column(Kind.MONEY, [2**64], 0),
        column(Kind.MONEY, [float("inf")]),
        column(Kind.MONEY, [int(np.float64(1.5).view(np.int64))], 0),
        column(Kind.MONEY, [5e-324]),
        Column(Kind.MONEY, np.array([1], object), None, 20),
        Column(Kind.MONEY, np.array([2], object), None, 20),
    ]
    seen = {ledger_digest(ledger(Table("costs", {"turnover": cell}, 1))) for cell in cells}
    assert len(seen) == len(cells)
    zeros = {ledger_digest(ledger(table("costs", {Kind.MONEY: None}, turnover=[z]))) for z in (0.0, -0.0)}
    assert len(zeros) == 1
    empties = [
        column(Kind.MONEY, [None], 1),
        column(Kind.MONEY, [None], 4),
        column(Kind.MONEY, [float("nan")]),
    ]
    assert len({ledger_digest(ledger(Table("costs", {"turnover": cell}, 1))) for cell in empties}) == 1


def test_rows_dropped_doubled_swapped_or_moved_between_tables_are_seen() -> None:
    """Order counts, and a row of costs is not a row of equity."""

    def costs(*rows: int) -> tuple[str, ...]:
        return chain(ledger(table("costs", timestamp=[day(1)] * len(rows), turnover=list(rows))))

    found = {costs(*rows) for rows in [(1, 2), (2, 1), (1,), (1, 1), (1, 1, 1), (1, 2, 1)]}
    assert len(found) == 6
    one = ledger(table("costs", timestamp=[day(1)]), table("equity", timestamp=[day(2)]))
    other = ledger(table("costs", timestamp=[day(2)]), table("equity", timestamp=[day(1)]))
    assert first_link_apart(chain(one), chain(other)) == 0


def test_an_absent_table_an_empty_one_and_an_absent_column_differ() -> None:
    """What a ledger lacks is part of what it is."""
    none = ledger()
    empty = ledger(table("costs", timestamp=[], turnover=[]))
    fewer = ledger(table("costs", timestamp=[]))
    assert chain(none) == chain(empty) == chain(fewer) == ()
    assert len({ledger_digest(book) for book in (none, empty, fewer)}) == 3
    assert first_link_apart(chain(small()), chain(replace(small(), tables={}))) == 0


def test_targets_and_orders_belong_to_the_bar_that_decided_them() -> None:
    """An order at its decision, its fill at its execution."""
    orders = table("orders", decided_at=[day(1)], executes_at=[day(2)], quantity=[5])
    targets = table("targets", decided_at=[day(2)], quantity=[5])
    book = ledger(targets, orders, table("equity", timestamp=[day(1), day(2), day(3)]))
    links = chain(book)
    assert first_link_apart(links, chain(with_cell(book, "orders", "executes_at", 0, day(9)))) == 0
    assert first_link_apart(links, chain(with_cell(book, "targets", "quantity", 0, 6))) == 1


def test_rows_without_a_time_come_first_and_are_not_lost() -> None:
    """A foreign table may lack its timestamp; its cells count all the same."""
    books = [ledger(table("fills", quantity=[q]), table("equity", timestamp=[day(1)])) for q in (1, 2)]
    assert [len(chain(book)) for book in books] == [2, 2]
    assert first_link_apart(chain(books[0]), chain(books[1])) == 0
    empty = [ledger(table("fills", timestamp=[day(1), None], quantity=[1, q])) for q in (1, 2)]
    assert first_link_apart(chain(empty[0]), chain(empty[1])) == 0


def test_rows_out_of_time_order_have_a_chain_of_their_own() -> None:
    """Also where every bar has the same rows; a ledger that was written so fits its chain."""
    in_order = ledger(table("fills", timestamp=[day(1), day(1), day(2)], quantity=[1, 2, 3]))
    shuffled = ledger(table("fills", timestamp=[day(2), day(1), day(1)], quantity=[3, 1, 2]))
    assert not set(chain(in_order)) & set(chain(shuffled))
    assert verify_chain(claiming(shuffled, chain(shuffled))) is None
    for book in (in_order, shuffled):
        other = shuffled if book is in_order else in_order
        assert verify_chain(claiming(other, chain(book))) is not None
    moved = verify_chain(claiming(shuffled, chain(in_order)))
    assert moved == ChainFault(FaultKind.ORDER, (0,), ("fills",))


@pytest.mark.parametrize("block", [1, 2, 3, 1000])
def test_the_size_of_the_blocks_encoded_at_a_time_does_not_show(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by blocks of whole bars; links are the same, extras too."""
    huge = table("costs", timestamp=[day(d) for d in (3, 1, 2, 2)], turnover=[2**70, 5, 2**80, -(2**90)])
    book = replace(small(), tables={**small().tables, "costs": huge})
    expected = chain(book)
    monkeypatch.setattr(chains_module, "_BLOCK", block)
    assert chain(book) == expected


@HALT
@given(one=ledgers(), other=ledgers())
def test_unequal_ledgers_have_unequal_digests(one: Ledger, other: Ledger) -> None:
    """And a ledger has its own, however often it is asked."""
    assert ledger_digest(one) == ledger_digest(one)
    try:
        assert_same(replace(one, manifest=other.manifest), other)
    except AssertionError:
        assume(any(table.rows for table in [*one.tables.values(), *other.tables.values()]))
        assume(_values(one) != _values(other))
        assert ledger_digest(one) != ledger_digest(other)


def _values(book: Ledger) -> Any:
    """All cells by value, as plain objects; floats marked as such."""
    from reconcile.ledger.columns import exact

    return {
        name: {
            key: [
                (held.values.dtype.kind == "f" and exact(held, row) is not None, exact(held, row))
                for row in range(one.rows)
            ]
            for key, held in one.columns.items()
        }
        for name, one in book.tables.items()
    }


@given(st.lists(st.sampled_from("ab"), max_size=9), st.lists(st.sampled_from("ab"), max_size=9))
def test_bisection_finds_the_first_link_apart(one: list[str], other: list[str]) -> None:
    """On chains: links are made to depend on all before them."""

    def link(parts: list[str]) -> tuple[str, ...]:
        return tuple("".join(parts[: i + 1]) for i in range(len(parts)))

    expected = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if expected is None and len(one) != len(other):
        expected = min(len(one), len(other))
    assert first_link_apart(link(one), link(other)) == expected


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_table_edited_after_its_chain_was_written_is_caught(format: str, tmp_path: Path) -> None:
    """verify_chain names the bar, whatever the manifest still says."""
    write_ledger(small(), tmp_path / "book", format)
    assert verify_chain(read_ledger(tmp_path / "book")) is None
    write_ledger(with_cell(small(), "fills", "price", 1, 51), tmp_path / "edited", format)
    file = f"fills.{format}"
    (tmp_path / "book" / file).write_bytes((tmp_path / "edited" / file).read_bytes())
    assert verify_chain(read_ledger(tmp_path / "book")) == ChainFault(FaultKind.EDITED, (2,))


def test_a_ledger_without_a_chain_cannot_be_verified() -> None:
    """That is no pass."""
    with pytest.raises(InputError, match="no chain can be verified"):
        verify_chain(small())


def claiming(book: Ledger, links: tuple[str, ...]) -> Ledger:
    return replace(book, manifest=replace(book.manifest, chain=links))


@pytest.mark.parametrize(
    ("spoil", "kind", "bars"),
    [
        (lambda a, b, c, d: (a, b, c), FaultKind.LENGTH, (3,)),
        (lambda a, b, c, d: (), FaultKind.LENGTH, (0,)),
        (lambda a, b, c, d: (a, b, c, d, "x"), FaultKind.LENGTH, (4,)),
        (lambda a, b, c, d: (a, "x", c, d), FaultKind.LINKS, (1,)),
        (lambda a, b, c, d: (b, a, c, d), FaultKind.LINKS, (0, 1)),
        (lambda a, b, c, d: (a, b, d, c), FaultKind.LINKS, (2, 3)),
        (lambda a, b, c, d: (a, d, c, b), FaultKind.LINKS, (1, 3)),
        (lambda a, b, c, d: ("x", b, "y", d), FaultKind.LINKS, (0, 2)),
        (lambda a, b, c, d: (a, b, c, "x"), FaultKind.EDITED, (3,)),
        (lambda a, b, c, d: ("w", "x", "y", "z"), FaultKind.EDITED, (0,)),
    ],
)
def test_a_chain_is_held_link_by_link(spoil: Any, kind: FaultKind, bars: tuple[int, ...]) -> None:
    """One that is altered at single links, where later ones fit again, vouches for nothing."""
    book = ledger(table("costs", timestamp=[day(i) for i in range(1, 5)], turnover=[5, 6, 7, 8]))
    assert verify_chain(claiming(book, chain(book))) is None
    assert verify_chain(claiming(book, spoil(*chain(book)))) == ChainFault(kind, bars)
