"""A mapping file: foreign names, signs, symbols and times, only as asked for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from reconcile.comparing.compare import compare
from reconcile.ledger.columns import Source, ledger_from_arrow
from reconcile.ledger.read import raw_tables
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.read import mapping_from, read_mapping
from reconcile.mapping.schema import Mapping
from reconcile.matching.model import Verdict
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

OURS = {
    "timestamp": ["2023-01-26", "2023-01-26", "2023-01-27"],
    "symbol": ["BRK-B", "AAPL", "AAPL"],
    "side": ["buy", "sell", "buy"],
    "quantity": [10, 5, 5],
    "price": ["300.5", "140.25", "141"],
}
THEIRS: dict[str, list[Any]] = {
    "date": ["2023-01-26T16:00:00", "2023-01-26T16:00:00", "2023-01-27T16:00:00"],
    "ticker": ["brk.b", "aapl", "aapl"],
    "amount": [10, -5, 5],
    "price": ["300.5", "140.25", "141"],
}
FILE = """
symbol_case = "upper"
[tables.fills]
file = "transactions"
columns = { timestamp = "date", symbol = "ticker", quantity = "amount" }
side = "sign"
[symbols]
"brk.b" = "brk-b"
[time]
floor = "day"
"""


def ours() -> Ledger:
    return ledger_from_arrow([Source("fills", "ours", pa.table(OURS))]).ledger


def mapped(raw: dict[str, list[Any]], mapping: Mapping, file: str = "transactions") -> Ledger:
    return apply_mapping({file: pa.table(raw)}, mapping).ledger


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "theirs.toml"
    path.write_text(text)
    return path


def test_a_mapped_ledger_matches_and_every_mapping_is_said(tmp_path: Path) -> None:
    result = apply_mapping({"transactions": pa.table(THEIRS)}, read_mapping(file(tmp_path, FILE)))
    assert compare(ours(), result.ledger).verdict is Verdict.MATCHED
    said = " ".join(result.notes)
    for word in ("transactions", "'date'", "'ticker'", "'amount'", "sign", "brk-b", "upper", "day"):
        assert word in said


@pytest.mark.parametrize(
    "left_out", ['symbol_case = "upper"', '"brk.b" = "brk-b"', 'floor = "day"', 'side = "sign"']
)
def test_nothing_is_mapped_that_was_not_asked_for(tmp_path: Path, left_out: str) -> None:
    mapping = read_mapping(file(tmp_path, FILE.replace(left_out, "")))
    assert compare(ours(), mapped(THEIRS, mapping)).verdict is not Verdict.MATCHED


def test_a_sign_the_other_way_round(tmp_path: Path) -> None:
    theirs = {**THEIRS, "amount": [-10, 5, -5]}
    mapping = read_mapping(file(tmp_path, FILE.replace('"sign"', '"-sign"')))
    assert compare(ours(), mapped(theirs, mapping)).verdict is Verdict.MATCHED


def test_sides_in_their_words(tmp_path: Path) -> None:
    theirs = {**THEIRS, "amount": [10, 5, 5], "side": ["BOT", "SLD", "B"]}
    text = FILE.replace('"sign"', '{ buy = ["BOT", "B"], sell = ["SLD"] }')
    assert compare(ours(), mapped(theirs, read_mapping(file(tmp_path, text)))).verdict is Verdict.MATCHED
    with pytest.raises(InputError, match="'B'"):
        mapped(theirs, read_mapping(file(tmp_path, text.replace(', "B"', ""))))


def test_close_stamps_in_a_zone_become_open_stamps_on_the_local_clock() -> None:
    """16:00 UTC is 11:00 in New York; the hour bar that closes then opened at 10:00."""
    utc = [datetime(2023, 1, 26, 16), datetime(2023, 7, 26, 16)]
    raw = {"timestamp": pa.array(utc, pa.timestamp("us", "UTC")), "cash": pa.array([1.0, 2.0])}
    time = {"zone": "America/New_York", "naive": True, "from": "close", "to": "open", "bar": "1 hour"}
    mapping = mapping_from({"tables": {"equity": {}}, "time": time})
    result = apply_mapping({"equity": pa.table(raw)}, mapping)
    stamps = result.ledger.tables["equity"].columns["timestamp"].values.view("datetime64[ns]")
    assert [str(stamp)[:16] for stamp in stamps] == ["2023-01-26T10:00", "2023-07-26T11:00"]
    assert result.ledger.manifest.timezone is None
    kept = apply_mapping({"equity": pa.table(raw)}, mapping_from({"tables": {"equity": {}}}))
    assert kept.ledger.manifest.timezone == "UTC"
    assert kept.ledger.tables["equity"].columns["timestamp"].values[0] == 1674748800 * 10**9


def test_clock_times_get_the_zone_they_are_said_to_be_in() -> None:
    raw = pa.table({"timestamp": ["2023-01-26T11:00:00"], "cash": [1]})
    mapping = mapping_from({"tables": {"equity": {}}, "time": {"zone": "America/New_York"}})
    ledger = apply_mapping({"equity": raw}, mapping).ledger
    assert ledger.manifest.timezone == "America/New_York"
    assert ledger.tables["equity"].columns["timestamp"].values[0] == 1674748800 * 10**9


def test_a_wide_table_becomes_rows_without_its_zeros() -> None:
    raw = pa.table(
        {"timestamp": ["2023-01-26", "2023-01-27"], "A": [1.5, 0.0], "B": [None, 2.5], "cash": [1.0, 2.0]}
    )
    tables = {"positions": {"file": "p", "wide": "market_value", "leave": ["cash"]}, "equity": {"file": "p"}}
    ledger = apply_mapping({"p": raw}, mapping_from({"tables": tables})).ledger
    positions = ledger.tables["positions"]
    assert positions.rows == 2
    words = positions.columns["symbol"].dictionary or ()
    assert [words[code] for code in positions.columns["symbol"].values] == ["A", "B"]
    assert positions.columns["market_value"].values.tolist() == [1.5, 2.5]
    assert ledger.tables["equity"].columns["cash"].values.tolist() == [1.0, 2.0]


def test_unsigned_columns_lose_their_sign() -> None:
    rule = {"columns": {"notional": "dollars"}, "unsigned": ["notional"], "side": "sign"}
    raw = {
        "timestamp": ["2023-01-26"] * 2,
        "symbol": ["A", "B"],
        "quantity": [1, 0],
        "dollars": ["-5.5", "0"],
    }
    ledger = mapped(raw, mapping_from({"tables": {"fills": rule}}), "fills")
    fills = ledger.tables["fills"]
    assert fills.rows == 1, "a fill of nothing has no side and is left out"
    column = fills.columns["notional"]
    assert Decimal(int(column.values[0])).scaleb(-(column.scale or 0)) == Decimal("5.5")


@pytest.mark.parametrize(
    ("read", "says"),
    [
        ({}, "no tables"),
        ({"tables": {"trades": {}}}, "trades"),
        ({"tables": {"fills": {"colums": {}}}}, "colums"),
        ({"tables": {"fills": {"columns": {"amount": "quantity"}}}}, "amount"),
        ({"tables": {"fills": {"side": "signed"}}}, "signed"),
        ({"tables": {"equity": {"side": "sign"}}}, "no sides"),
        ({"tables": {"fills": {"side": {"buy": ["B"], "sell": ["B"]}}}}, "different words"),
        ({"tables": {"fills": {}}, "timing": "tomorrow"}, "tomorrow"),
        ({"tables": {"fills": {}}, "time": {"from": "close"}}, "all three"),
        (
            {"tables": {"fills": {}}, "time": {"from": "close", "to": "open", "bar": "1 fortnight"}},
            "fortnight",
        ),
        ({"tables": {"fills": {}}, "symbols": {"A": 1}}, "symbols.A"),
    ],
)
def test_a_mapping_that_is_wrong_says_what(read: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        mapping_from(read)


def test_files_columns_and_zones_that_are_not_there_are_errors() -> None:
    raw = {"timestamp": ["2023-01-26"], "cash": [1]}
    with pytest.raises(InputError, match="named nowhere"):
        mapped(raw, mapping_from({"tables": {"equity": {"file": "nowhere"}}}), "equity")
    with pytest.raises(InputError, match="'money'"):
        mapped(raw, mapping_from({"tables": {"equity": {"columns": {"cash": "money"}}}}), "equity")
    with pytest.raises(InputError, match="zone"):
        mapped(raw, mapping_from({"tables": {"equity": {}}, "time": {"zone": "Mars/Olympus"}}), "equity")


def test_the_published_ledger_is_read_through_a_mapping(shared_data: Path) -> None:
    """All 9,367 fills, 1,506 days and 1,511 returns."""
    mapping = mapping_from(
        {
            "tables": {
                "fills": {
                    "file": "pyfolio_olmar_transactions",
                    "columns": {"quantity": "amount", "notional": "txn_dollars"},
                    "side": "sign",
                    "unsigned": ["notional"],
                },
                "positions": {"file": "pyfolio_olmar_positions", "wide": "market_value", "leave": ["cash"]},
                "equity": {"file": "pyfolio_olmar_positions"},
            },
            "returns": {"file": "pyfolio_olmar_returns"},
        }
    )
    result = apply_mapping(raw_tables(shared_data), mapping, origin="olmar")
    assert result.ledger.tables["fills"].rows == 9367
    assert result.ledger.tables["equity"].rows == 1506
    assert result.returns is not None and len(result.returns.values) == 1511
    assert compare(result.ledger, result.ledger).verdict is Verdict.MATCHED
