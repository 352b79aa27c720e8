"""Two ledgers compared: what counts as equal, and what may be claimed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import comparison_kit as kit

from reconcile.comparing.compare import compare
from reconcile.matching.model import ROW, BreakType, Reconciliation, Stage, Verdict, Why
from vocabulary.errors import InputError
from vocabulary.ledger import RUN_TABLES, SCHEMA, Ledger, Manifest


def listed(found: Reconciliation) -> list[tuple[object, ...]]:
    """Breaks without the places of their rows, which depend on the order of rows."""
    return [
        (b.table, b.key, b.field, b.stage, b.type, b.cycle, b.rebalance, b.symbol, b.reference, b.candidate)
        for b in found.breaks
    ]


def one(found: Reconciliation) -> tuple[object, ...]:
    assert len(found.breaks) == 1, list(found.breaks)
    b = found.breaks[0]
    return b.table, b.field, b.stage, b.type, b.reference, b.candidate


def many_edits(ledger: Ledger, seed: int) -> Ledger:
    """Cells changed, rows dropped and doubled, all over the ledger."""
    rng = np.random.default_rng(seed)
    for _ in range(6):
        name = str(rng.choice([n for n in RUN_TABLES if ledger.tables[n].rows > 2]))
        row = int(rng.integers(ledger.tables[name].rows))
        what = rng.integers(4)
        if what == 0:
            ledger = kit.dropping(ledger, name, row)
        elif what == 1:
            ledger = kit.doubling(ledger, name, row)
        else:
            numbers = [c for c, col in ledger.tables[name].columns.items() if col.scale is not None]
            ledger = kit.edited(ledger, name, str(rng.choice(numbers)), row, lambda v: v + 1)
    return ledger


def test_a_ledger_matches_itself_when_everything_was_compared() -> None:
    _, _, ledger = kit.sample()
    found = compare(ledger, ledger)
    assert found.verdict is Verdict.MATCHED
    assert not found.not_compared
    assert [part.columns for part in found.compared if part.table == "fills"] == [
        (
            "timestamp",
            "symbol",
            "side",
            "sequence",
            "decided_at",
            "quantity",
            "price",
            "notional",
            "commission",
            "slippage",
            "reason",
        )
    ]


@pytest.mark.parametrize("table", RUN_TABLES)
def test_every_cell_of_every_column_is_compared(table: str) -> None:
    """Changing any one cell of any column gives a break, both ways round."""
    _, _, ledger = kit.sample()
    for name, column in ledger.tables[table].columns.items():
        rows = np.arange(ledger.tables[table].rows)
        if column.missing is not None:
            rows = rows[~column.missing]
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            change = (lambda v: v + "x") if column.dictionary is not None else (lambda v: v + 1)
            other = kit.edited(ledger, table, name, int(row), change)
            assert compare(ledger, other).verdict is Verdict.BREAKS, (name, row)
            assert compare(other, ledger).verdict is Verdict.BREAKS, (name, row)


def test_a_changed_price_is_one_break_with_its_place_and_both_values() -> None:
    _, _, ledger = kit.sample()
    other = kit.edited(ledger, "fills", "price", 5, lambda v: v + 50)
    found = compare(ledger, other)
    b = found.first
    assert b is not None and one(found)[:4] == ("fills", "price", Stage.PRICE, BreakType.PRICE)
    assert isinstance(b.reference, Decimal) and isinstance(b.candidate, Decimal)
    assert b.candidate - b.reference == Decimal("0.50")
    fills = ledger.tables["fills"].columns
    assert b.timestamp == fills["timestamp"].values[5] and b.decided_at == fills["decided_at"].values[5]
    decided = ledger.tables["equity"].columns["timestamp"].values.tolist().index(b.decided_at)
    assert b.rebalance == ledger.tables["equity"].columns["rebalance"].values[decided]
    assert found.by_stage == {Stage.PRICE: 1} and found.by_type == {BreakType.PRICE: 1}


def test_rows_are_matched_by_key_not_by_position() -> None:
    _, _, ledger = kit.sample()
    for seed in range(5):
        assert compare(ledger, kit.shuffled(ledger, seed)).verdict is Verdict.MATCHED


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_shuffling_rows_changes_nothing(seed: int, order: int) -> None:
    _, _, ledger = kit.sample()
    other = many_edits(ledger, seed)
    assert listed(compare(ledger, kit.shuffled(other, order))) == listed(compare(ledger, other))
    assert listed(compare(kit.shuffled(ledger, order), other)) == listed(compare(ledger, other))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_swapping_sides_swaps_the_names_and_nothing_else(seed: int) -> None:
    _, _, ledger = kit.sample()
    other = many_edits(ledger, seed)
    swapped = {BreakType.MISSING: BreakType.EXTRA, BreakType.EXTRA: BreakType.MISSING}
    there, back = listed(compare(ledger, other)), listed(compare(other, ledger))
    assert [(*b[:4], swapped.get(b[4], b[4]), *b[5:8], b[9], b[8]) for b in there] == back


def test_the_first_divergence_is_the_earliest_cycle_then_the_earliest_stage() -> None:
    """An order decided at t-1 is of the cycle of bar t: before the fills of t, after the equity of t-1."""
    _, _, ledger = kit.sample()
    fills, orders = ledger.tables["fills"].columns, ledger.tables["orders"].columns
    bar = int(fills["timestamp"].values[20])
    decided = int(fills["decided_at"].values[20])
    order = int(np.flatnonzero(orders["decided_at"].values == decided)[0])
    bars = ledger.tables["equity"].columns["timestamp"].values
    before = int(np.flatnonzero(bars == decided)[0])
    first, second = (
        kit.edited(ledger, "fills", "quantity", 20, lambda v: v + 1),
        kit.edited(ledger, "orders", "quantity", order, lambda v: v + 1),
    )
    assert fills["timestamp"].values[20] == bar
    both = kit.edited(first, "orders", "quantity", order, lambda v: v + 1)
    found = compare(ledger, both)
    assert found.first is not None and found.first.table == "orders"
    assert {b.cycle for b in found.breaks} == {before + 1}
    earlier = kit.edited(second, "equity", "equity", before, lambda v: v + 1)
    found = compare(ledger, earlier)
    assert found.first is not None and (found.first.table, found.first.cycle) == ("equity", before)


def test_an_empty_ledger_is_all_missing_and_two_empty_ones_do_not_match() -> None:
    _, _, ledger = kit.sample()
    empty = ledger
    for name in RUN_TABLES:
        empty = kit.taking(empty, name, [])
    found = compare(ledger, empty)
    assert found.verdict is Verdict.BREAKS
    assert found.by_type == {BreakType.MISSING: sum(table.rows for table in ledger.tables.values())}
    assert compare(empty, ledger).by_type == {BreakType.EXTRA: len(found.breaks)}
    assert compare(empty, empty).verdict is Verdict.NOTHING_COMPARED


def test_no_table_in_common_is_nothing_compared() -> None:
    _, _, ledger = kit.sample()
    assert compare(ledger, Ledger(Manifest(), {})).verdict is Verdict.NOTHING_COMPARED
    assert compare(Ledger(Manifest(), {}), Ledger(Manifest(), {})).verdict is Verdict.NOTHING_COMPARED


@pytest.mark.parametrize("table", RUN_TABLES)
def test_a_lacking_table_or_column_is_reported_and_no_match(table: str) -> None:
    _, _, ledger = kit.sample()
    found = compare(ledger, kit.without(ledger, table))
    assert found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
    assert [(gap.table, gap.column, gap.why) for gap in found.not_compared] == [
        (table, None, Why.ABSENT_IN_CANDIDATE)
    ]
    for column in SCHEMA[table]:
        found = compare(kit.with_column(ledger, table, column, None), ledger)
        assert found.verdict is not Verdict.MATCHED
        assert found.not_compared


def test_what_both_of_ours_lack_is_not_compared_either() -> None:
    _, _, ledger = kit.sample()
    less = kit.with_column(kit.without(ledger, "orders"), "fills", "price", None)
    found = compare(less, less)
    assert found.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
    assert {(gap.table, gap.column) for gap in found.not_compared} == {("orders", None), ("fills", "price")}


def test_named_tables_may_match_with_omissions_but_must_have_been_compared() -> None:
    _, _, ledger = kit.sample()
    less = kit.without(ledger, "orders")
    found = compare(ledger, less, tables=["fills", "equity"])
    assert found.verdict is Verdict.MATCHED and found.named
    assert {gap.table for gap in found.not_compared} == {"targets", "orders", "positions", "costs"}
    assert compare(ledger, less, tables=["orders"]).verdict is Verdict.NOTHING_COMPARED
    assert compare(ledger, less, tables=["orders", "fills"]).verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
    broken = kit.edited(less, "fills", "price", 0, lambda v: v + 1)
    assert compare(ledger, broken, tables=["fills"]).verdict is Verdict.BREAKS
    assert compare(ledger, broken, tables=["equity"]).verdict is Verdict.MATCHED
    keys_only = ledger
    for column in set(SCHEMA["fills"]) - {"timestamp", "symbol", "side"}:
        keys_only = kit.with_column(keys_only, "fills", column, None)
    assert compare(ledger, keys_only, tables=["fills"]).verdict is Verdict.NOTHING_COMPARED
    for wrong in ([], ["trades"]):
        with pytest.raises(InputError, match="tables"):
            compare(ledger, ledger, tables=wrong)


def test_missing_extra_and_duplicate_rows_are_told_apart() -> None:
    _, _, ledger = kit.sample()
    gone = one(compare(ledger, kit.dropping(ledger, "fills", 3)))
    assert gone[:4] == ("fills", ROW, Stage.STATUS, BreakType.MISSING) and gone[5] is None
    assert one(compare(kit.dropping(ledger, "fills", 3), ledger))[3] is BreakType.EXTRA
    assert one(compare(ledger, kit.doubling(ledger, "fills", 3)))[3] is BreakType.DUPLICATE
    assert one(compare(kit.doubling(ledger, "equity", 3), ledger))[3] is BreakType.DUPLICATE


def test_a_lived_missing_fill_does_not_make_every_later_sequence_a_break() -> None:
    """Numbers are compared after allowing for the rows the other side lacks before them."""
    _, _, ledger = kit.sample()
    less = kit.dropping(ledger, "fills", 3)
    for row in range(3, less.tables["fills"].rows):
        less = kit.edited(less, "fills", "sequence", row, lambda v: v - 1)
    assert one(compare(ledger, less))[3] is BreakType.MISSING
    swapped = kit.edited(kit.edited(less, "fills", "sequence", 10, 11), "fills", "sequence", 11, 10)
    assert [b.field for b in compare(ledger, swapped).breaks] == [ROW, "sequence", "sequence"]


def test_a_wrong_symbol_or_side_is_one_break() -> None:
    _, _, ledger = kit.sample()
    other = kit.edited(ledger, "fills", "symbol", 4, "OTHER")
    assert one(compare(ledger, other))[:4] == ("fills", "symbol", Stage.ORDER, BreakType.ORDER)
    other = kit.edited(ledger, "fills", "side", 4, lambda side: "buy" if side == "sell" else "sell")
    assert one(compare(ledger, other))[:4] == ("fills", "side", Stage.ORDER, BreakType.ORDER)


def test_the_same_trade_some_bars_off_is_a_timing_break() -> None:
    fills = {"timestamp": [1, 2, 9], "symbol": ["A", "B", "C"], "side": ["buy"] * 3, "quantity": [5, 6, 7]}
    axis = {"timestamp": list(range(12)), "equity": list(range(12))}
    late = {**fills, "timestamp": [3, 2, 1]}
    found = compare(
        kit.foreign({"fills": fills, "equity": axis}), kit.foreign({"fills": late, "equity": axis})
    )
    assert [(b.symbol, b.type, b.field) for b in found.breaks] == [
        ("A", BreakType.TIMING, "timestamp"),
        ("C", BreakType.EXTRA, ROW),
        ("C", BreakType.MISSING, ROW),
    ]
    assert (found.breaks[0].reference, found.breaks[0].candidate) == (1 * kit.DAY, 3 * kit.DAY)


def fills(*rows: tuple[object, ...]) -> Ledger:
    """Fills of one bar, symbol and side: (quantity, price)."""
    n = len(rows)
    return kit.foreign(
        {
            "fills": {
                "timestamp": [1] * n,
                "symbol": ["A"] * n,
                "side": ["buy"] * n,
                "quantity": [row[0] for row in rows],
                "price": [row[1] for row in rows],
            }
        }
    )


def D(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([(60, D("1.0")), (40, D("2.0"))], [(40, D("2.0")), (60, D("1.0"))], []),
        ([(100, D("1.4"))], [(60, D("1.0")), (40, D("2.0"))], []),
        ([(100, D("1.5"))], [(60, D("1.0")), (40, D("2.0"))], [("price", D("1.5"), D("1.4"))]),
        ([(100, D("1.0"))], [(60, D("1.0")), (30, D("1.0"))], [("quantity", D(100), D(90))]),
        ([(60, D("1.0")), (40, D("2.0"))], [(60, D("1.0")), (41, D("2.0"))], [("quantity", D(40), D(41))]),
        ([(60, D("1.0")), (40, D("2.0"))], [(60, D("2.0")), (40, D("2.0"))], [("price", D("1.0"), D("2.0"))]),
        ([(60, D("1.0"))], [(60, D("1.0")), (60, D("1.0"))], [(ROW, None, D(60))]),
        ([(60, D("1.0"))], [(60, D("1.0")), (40, D("2.0"))], [(ROW, None, D(40))]),
        ([(100, D("1.0"))], [(50, D("1.0")), (50, D("1.0"))], []),
        ([(60, D("1.0")), (60, D("1.0"))], [(60, D("1.0"))], [(ROW, D(60), None)]),
    ],
)
def test_several_fills_of_one_key(
    ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]], expected: list[tuple[object, ...]]
) -> None:
    """One to one where they can be, else many to one by quantity and volume-weighted price; both ways."""
    found = compare(fills(*ours), fills(*theirs))
    assert [(b.field, b.reference, b.candidate) for b in found.breaks] == expected
    back = compare(fills(*theirs), fills(*ours))
    assert [(b.field, b.candidate, b.reference) for b in back.breaks] == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (D("101.30"), D("101.3"), True),
        (D("101.3"), 101.3, True),
        (D("101.3"), np.nextafter(101.3, 200), True),
        (D("101.3"), 101.3000000001, False),
        (0.0, -0.0, True),
        (float("nan"), float("nan"), False),
        (float("inf"), float("inf"), False),
        (D("1"), float("nan"), False),
        (None, None, True),
        (None, D("0"), False),
        (None, 0.0, False),
        (D("9007199254740993"), 9007199254740992.0, True),
        (D("9007199254740993"), D("9007199254740992"), False),
        (D(10) ** 300, 1e300, True),
        (D(10) ** 400, float("inf"), False),
        (D(2) ** 70, D(2) ** 70, True),
        (D(2) ** 70, D(2) ** 70 + 1, False),
        (D("0.000000001") + 2**60, D(2**60), False),
    ],
)
def test_when_two_cells_are_equal(ours: object, theirs: object, equal: bool) -> None:
    """Exact numbers as numbers, a double when nearest to the exact one; nothing equals NaN or infinity."""
    verdicts = set()
    # A second row keeps a column that is empty or not finite from being taken for another kind.
    for a, b in ((ours, theirs), (theirs, ours)):
        left = kit.foreign({"equity": {"timestamp": [1], "cash": [a]}})
        right = kit.foreign({"equity": {"timestamp": [1], "cash": [b]}})
        verdicts.add(compare(left, right).verdict)
    assert verdicts == {Verdict.MATCHED if equal else Verdict.BREAKS}


def test_clock_times_beside_instants_are_compared_and_said() -> None:
    """A time without a zone is no instant; equal numbers are no silent match."""
    _, _, true = kit.sample(3, bars=8)
    zoned = Ledger(replace(true.manifest, timezone="UTC"), true.tables)
    assert not any("clock times" in note for note in compare(true, true).notes)
    for sides, name in (((true, zoned), "reference"), ((zoned, true), "candidate")):
        (note,) = [note for note in compare(*sides).notes if "clock times" in note]
        assert note.startswith(f"The {name}'s times are clock times without a zone")


def test_words_on_one_side_and_numbers_on_the_other_is_an_error() -> None:
    _, _, ledger = kit.sample()
    wrong = kit.with_column(ledger, "fills", "price", ledger.tables["fills"].columns["reason"])
    with pytest.raises(InputError, match=r"fills\.price"):
        compare(ledger, wrong)


def test_a_dictionary_that_says_a_word_twice_is_read_by_its_words() -> None:
    _, _, ledger = kit.sample()
    column = ledger.tables["fills"].columns["symbol"]
    words = tuple(column.dictionary or ())
    values = column.values.copy()
    values[0] = len(words)
    twice = type(column)(column.kind, values, (*words, words[int(column.values[0])]))
    assert compare(ledger, kit.with_column(ledger, "fills", "symbol", twice)).verdict is Verdict.MATCHED


def test_periods_tell_both_sides_and_count_breaks() -> None:
    _, _, ledger = kit.sample()
    other = kit.edited(ledger, "fills", "commission", 8, lambda v: v + 7)
    found = compare(ledger, other)
    assert not found.periods_are_bars
    first = found.first
    assert first is not None
    period = next(p for p in found.periods if p.number == first.rebalance)
    assert period.breaks == {Stage.COST: 1}
    assert sum(sum(p.breaks.values()) for p in found.periods) == 1
    assert period.reference == period.candidate and period.reference.rebalance == period.number
    assert sum(p.reference.fills or 0 for p in found.periods) == ledger.tables["fills"].rows
    assert sum(p.reference.targets or 0 for p in found.periods) == ledger.tables["targets"].rows
    total = sum(D(str(p.reference.commission)) for p in found.periods)
    column = ledger.tables["costs"].columns["commission"]
    assert total == D(int(column.values.sum())).scaleb(-(column.scale or 0))
    last = ledger.tables["equity"].columns["equity"]
    assert found.periods[-1].reference.equity == D(int(last.values[-1])).scaleb(-(last.scale or 0))


def test_without_rebalance_numbers_periods_are_bars() -> None:
    ledger = kit.foreign({"equity": {"timestamp": [1, 2, 3], "equity": [1, 2, 3]}})
    found = compare(ledger, ledger)
    assert found.periods_are_bars and [p.number for p in found.periods] == [0, 1, 2]


def test_filters_keep_what_meets_every_condition() -> None:
    _, _, ledger = kit.sample()
    other = kit.edited(kit.edited(ledger, "fills", "price", 4, 1), "equity", "cash", 9, 1)
    breaks = compare(ledger, other).breaks
    assert len(breaks) == 2
    assert [b.field for b in breaks.where(stages=[Stage.CASH])] == ["cash"]
    assert [b.field for b in breaks.where(tables=["fills"], types=[BreakType.PRICE])] == ["price"]
    assert len(breaks.where(symbols=[str(breaks[0].symbol)])) == 1
    assert len(breaks.where(since=breaks[1].timestamp)) == 1
    assert len(breaks.where(until=breaks[0].timestamp)) == 1
    assert len(breaks.where(rebalances=[breaks[0].rebalance or 0])) == 1
    assert [b.field for b in breaks[1:]] == [breaks[-1].field]


def test_many_orders_that_one_side_alone_has_are_compared_in_floats_too() -> None:
    bars = [bar for bar in range(1500) for _ in range(2)]

    def orders(bars: list[int]) -> Ledger:
        sizes = [float(1 + (7 * place) % 11) for place in range(len(bars))]
        columns = {"decided_at": bars, "symbol": ["A", "B"] * (len(bars) // 2), "side": ["buy"] * len(bars)}
        return kit.foreign({"orders": {**columns, "quantity": sizes}})

    found = compare(orders(bars[:4]), orders(bars))
    assert sum(b.type is BreakType.EXTRA for b in found.breaks) == len(bars) - 4
