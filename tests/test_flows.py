"""The table `flows` (L4): cash that came or went without a trade joins the ledger."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ledgers_kit import assert_same, day, ledger, small, table
from reconcile.comparing.compare import compare
from reconcile.ledger.digest import chain, ledger_digest, verify_chain
from reconcile.ledger.frames import frame, from_frames
from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from reconcile.matching.model import Stage, Verdict
from vocabulary.ledger import SCHEMA, Ledger, Table


def flows(*amounts: int, symbol: str | None = "A", kind: str = "carry") -> Table:
    """One flow a day, in ten-thousandths of a currency unit."""
    count = len(amounts)
    return table(
        "flows",
        timestamp=[day(1 + i) for i in range(count)],
        symbol=[symbol] * count,
        kind=[kind] * count,
        amount=list(amounts),
    )


def with_flows(*amounts: int, symbol: str | None = "A", kind: str = "carry") -> Ledger:
    book = small()
    return dataclasses.replace(
        book, tables={**book.tables, "flows": flows(*amounts, symbol=symbol, kind=kind)}
    )


@pytest.mark.parametrize("storage", ["csv", "parquet"])
def test_flows_are_written_and_read_exactly(storage: str, tmp_path: Path) -> None:
    """A flow of the account has no symbol."""
    for place, symbol in (("one", "A"), ("other", None)):
        book = with_flows(12_345, -5, symbol=symbol)
        write_ledger(book, tmp_path / place, storage)
        back = read_ledger(tmp_path / place)
        assert_same(book, back)
        assert verify_chain(back) is None
        assert list(back.tables)[-1] == "flows"


def test_a_ledger_without_flows_has_no_such_file_and_keeps_its_digest(tmp_path: Path) -> None:
    write_ledger(small(), tmp_path / "book", "csv")
    assert not (tmp_path / "book" / "flows.csv").exists()
    assert ledger_digest(small()) == ledger_digest(read_ledger(tmp_path / "book"))
    assert ledger_digest(small()) == chain(small())[-1]
    assert ledger_digest(with_flows(1)) != ledger_digest(small())
    assert ledger_digest(with_flows(1)) != ledger_digest(with_flows(2))


def test_flows_as_a_frame_and_back() -> None:
    book = ledger(flows(10_000, -5))
    data = frame(book, "flows")
    assert list(data.columns) == list(SCHEMA["flows"])
    assert [str(amount) for amount in data["amount"]] == ["1.0000", "-0.0005"]
    assert_same(book, from_frames({"flows": data}, book.manifest))


def test_equal_flows_match_and_others_break_between_cost_and_cash() -> None:
    same = compare(with_flows(7, -3), with_flows(7, -3))
    assert same.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED or same.verdict is Verdict.MATCHED
    assert "flows" in {part.table for part in same.compared}
    apart = compare(with_flows(7, -3), with_flows(7, -4))
    assert (apart.verdict, apart.first.stage if apart.first else None) == (Verdict.BREAKS, Stage.FLOW)
    assert list(Stage).index(Stage.COST) < list(Stage).index(Stage.FLOW) < list(Stage).index(Stage.CASH)
    missing = compare(with_flows(7, -3), with_flows(7))
    assert missing.first is not None
    assert (missing.first.stage, missing.first.type.value) == (Stage.FLOW, "missing")


def test_flows_on_one_side_only_are_not_compared() -> None:
    """Absent from both is equal, and so is a table without rows beside none."""
    one_sided = compare(with_flows(7), small())
    assert one_sided.verdict is Verdict.MATCHED_AS_FAR_AS_COMPARED
    assert "flows" in {part.table for part in one_sided.not_compared}
    for other in (small(), with_flows()):
        assert "flows" not in {part.table for part in compare(other, small()).not_compared}
