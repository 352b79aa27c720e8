"""Ledgers from elsewhere: floats within a tolerance, tables and columns that are not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests import explain_kit as kit
from tests.test_explain_causes import DEARER, NEXT_CLOSE, ZERO_VIX, setting

import engine
import reconcile
from reconcile.explaining.evidence import target_of
from reconcile.explaining.model import Change, Subject, Verdict
from reconcile.matching.model import BoundKind, Tolerance
from vocabulary.ledger import Ledger
from vocabulary.state import Side

CENT = tuple(
    Tolerance(table, column, BoundKind.ABSOLUTE, Decimal("0.01"), "floats")
    for table, columns in (
        ("fills", ("price", "notional", "commission", "slippage")),
        ("equity", ("cash", "market_value", "equity")),
    )
    for column in columns
)


def told_in_floats(ledger: Ledger, *tables: str, drop: tuple[str, ...] = (), error: float = 0.0) -> Ledger:
    """As an engine of floats would hand it over, a little off."""
    frames: dict[str, Any] = {}
    for name in tables:
        frame = reconcile.frame(ledger, name, floats=True).drop(columns=list(drop), errors="ignore")
        if name == "equity":
            frame["equity"] = frame["equity"] + error
        frames[name] = frame
    return reconcile.from_frames(frames)


@pytest.mark.parametrize("truth", [DEARER, NEXT_CLOSE, ZERO_VIX, kit.change("exit_unused", "time_exit")],
                         ids=lambda change: change.hypothesis.id)  # fmt: skip
def test_a_ledger_of_floats_is_explained_within_its_tolerance(truth: Change) -> None:
    subject = kit.ground()
    ledger = told_in_floats(kit.ledger_of(subject, truth), "fills", "equity", error=0.004)
    found = kit.explained(subject, ledger, tolerances=CENT)
    assert found.unexplained_breaks == 0 < found.breaks
    assert [cause.change for cause in found.causes] == [truth]


def test_outside_the_tolerance_it_is_not_explained() -> None:
    """The same ledger, off by more than is allowed: what remains is said."""
    subject = kit.ground()
    ledger = told_in_floats(kit.ledger_of(subject, DEARER), "fills", "equity", error=0.5)
    found = kit.explained(subject, ledger, tolerances=CENT)
    assert found.verdict is not Verdict.EXPLAINED
    assert found.unexplained_breaks >= kit.BARS


@pytest.mark.parametrize(
    "tables", [("fills",), ("equity",), ("positions",), ("orders", "equity")], ids="+".join
)
def test_few_tables_are_enough_to_find_a_cause(tables: tuple[str, ...]) -> None:
    subject = kit.ground()
    ledger = kit.ledger_of(subject, NEXT_CLOSE)
    found = kit.explained(subject, replace(ledger, tables={name: ledger.tables[name] for name in tables}))
    assert found.unexplained_breaks == 0 < found.breaks
    assert [cause.change for cause in found.causes] == [NEXT_CLOSE]


def test_columns_that_are_not_there_are_not_needed() -> None:
    """Dates, symbols, sides and sizes alone."""
    subject = kit.ground()
    drop = ("price", "notional", "commission", "slippage", "reason", "sequence", "decided_at")
    found = kit.explained(subject, told_in_floats(kit.ledger_of(subject, ZERO_VIX), "fills", drop=drop))
    told = [(cause.sentence, *cause.alternatives) for cause in found.causes]
    assert len(told) == 1 and "a missing vix was read as zero, so the gate never closed" in told[0]


def test_a_true_ledger_with_tables_missing_cannot_be_told() -> None:
    """Nothing differs in what there is; that is no match."""
    subject = kit.ground()
    ledger = engine.run(subject.scenario, subject.market)
    found = kit.explained(subject, replace(ledger, tables={"equity": ledger.tables["equity"]}))
    assert found.verdict is Verdict.CANNOT_TELL and not found.causes


def test_rows_at_no_bar_and_of_no_symbol_are_left_unexplained() -> None:
    """Foreign dates and names end neither the search nor the program."""
    plain = kit.ground().scenario
    subject = Subject(plain, kit.market_of(plain, symbols=5, bars=12))
    ledger = kit.ledger_of(subject, DEARER)
    fills = reconcile.frame(ledger, "fills", floats=True)
    fills.loc[0, "symbol"] = "ELSEWHERE"
    fills.loc[1, "timestamp"] = fills.loc[1, "timestamp"].replace(year=1999)
    found = kit.explained(subject, reconcile.from_frames({"fills": fills}))
    assert found.verdict in (Verdict.PARTLY, Verdict.UNEXPLAINED)
    assert found.unexplained_breaks > 0


def test_a_ledger_of_another_clock_or_other_names_is_said_to_be() -> None:
    """Nothing can be explained then, and the reader need not look for a cause."""
    subject = kit.ground()
    fills = reconcile.frame(engine.run(subject.scenario, subject.market), "fills", floats=True)
    later = fills.assign(timestamp=fills["timestamp"] + timedelta(hours=16))
    found = kit.explained(subject, reconcile.from_frames({"fills": later}))
    assert found.notes[0].startswith(
        "No timestamp of the candidate is a bar of the market: its first is 2023-"
    )
    renamed = fills.assign(symbol=fills["symbol"] + ".N")
    found = kit.explained(subject, reconcile.from_frames({"fills": renamed}))
    assert found.notes[0] == (
        "No symbol of the candidate is one of the market: it has STOCK000.N, the market STOCK000."
    )


@pytest.mark.parametrize(
    "truth",
    [
        setting("commission", "costs.commission", (("kind", "bps"), ("rate", "5"), ("minimum", "60"))),
        replace(DEARER, since=20),
        replace(DEARER, since=30),
        kit.change("commission_factor", 2, side=Side.SELL),
    ],
    ids=["minimum", "from a day on", "from a later day on", "twice on sells"],
)
def test_costs_printed_to_the_cent_are_read_off(truth: Change) -> None:
    """Rates within what rounding allows, and the notional as told: of rounded prices the product is off."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, truth)
    frames = {}
    for name in ("fills", "equity"):
        frame = reconcile.frame(ledger, name, floats=True)
        numbers = frame.select_dtypes("float").columns
        frame[numbers] = frame[numbers].round(2)
        frames[name] = frame
    cents = [replace(one, kind=BoundKind.QUANTUM) for one in CENT]
    found = kit.explained(subject, reconcile.from_frames(frames), tolerances=cents)
    (cause,) = found.causes
    assert truth in (cause.change, *cause.rivals)
    assert found.unexplained_breaks == 0 < found.breaks


def test_the_bound_of_a_search_is_that_of_the_comparison() -> None:
    """A quantum allows half of itself to either side."""
    subject = kit.ground()
    ledger = told_in_floats(kit.ledger_of(subject, DEARER), "fills", "equity")
    for kind, units in ((BoundKind.ABSOLUTE, 100.0), (BoundKind.QUANTUM, 50.0)):
        bounds = [replace(one, kind=kind) for one in CENT]
        target = target_of(ledger, subject.scenario, subject.market, bounds)
        assert target.bounds["equity", "equity"] == (kind, units)
