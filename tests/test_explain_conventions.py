"""How orders are sized, lined up, paid and charged: each convention of an engine is an answer of explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests import explain_kit as kit

from reconcile.explaining.evidence import target_of, window_of
from reconcile.explaining.hypotheses.books import ROWS_DATED
from reconcile.explaining.hypotheses.execution import fitting_first
from reconcile.explaining.hypotheses.queue import QUEUE
from reconcile.explaining.model import Explanation, Subject, Verdict
from vocabulary.ledger import Manifest
from vocabulary.scenario import Sequence

BPS = {"kind": "bps", "rate": "5", "minimum": "0"}
FREE = ("strategy.gate", None)
TIGHT = (FREE, ("strategy.gross_long", "1"), ("strategy.n", 8), ("strategy.band", "0"))


def ground(*settings: tuple[str, Any]) -> Subject:
    return kit.ground_with(*settings)


def frozen(value: Any) -> Any:
    return tuple((key, frozen(each)) for key, each in value.items()) if isinstance(value, dict) else value


def explained(subject: Subject, hypothesis: str, path: str, value: Any) -> Explanation:
    """The answer to the ledger of one changed setting."""
    truth = kit.change(hypothesis, (path, frozen(value)))
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    assert found.verdict is Verdict.EXPLAINED, found
    (cause,) = found.causes
    assert cause.change == truth or truth in cause.rivals, cause
    return found


def test_sizing_at_the_execution_is_an_answer() -> None:
    """R12: weights that become quantities at the next open, where the scenario says the close."""
    found = explained(ground(), "size_at", "strategy.size_at", "execution")
    assert found.causes[0].sentence == (
        "targets are sized at the price of their execution, not at the close that decides them"
    )


def test_sizing_at_the_decision_is_an_answer() -> None:
    """The reverse: the scenario sizes at the execution, the candidate before."""
    explained(ground(("strategy.size_at", "execution")), "size_at", "strategy.size_at", "decision")


@pytest.mark.parametrize("sequence", ["symbol", "sells_first_symbol", "value", "submission"])
def test_the_sequence_is_an_answer(sequence: str) -> None:
    """E1: the order in which orders meet the cash, where the cash does not cover all."""
    explained(ground(*TIGHT), "sequence", "execution.sequence", sequence)


def test_the_sequence_of_the_fills_is_tried_first() -> None:
    """What the numbers of the fills allow comes before what they do not."""
    subject = ground(*TIGHT)
    truth = kit.change("sequence", ("execution.sequence", "value"))
    ledger = kit.ledger_of(subject, truth)
    target = target_of(ledger, subject.scenario, subject.market, ())
    window = window_of(ledger, target, 0, len(subject.market.timestamps))
    first = fitting_first(subject, window)
    assert first.index(Sequence.VALUE) < first.index(Sequence.SYMBOL)


def test_costs_after_the_cash_are_an_answer() -> None:
    """E4: a buy cut to what the cash covers without the commission."""
    explained(ground(*TIGHT), "cash", "execution.cash", "reduce_before_costs")


def test_a_fee_on_the_raw_price_is_an_answer() -> None:
    """E3: the commission of quantity times the raw price, told from the notional by the slippage between."""
    found = explained(ground(FREE), "commission", "costs.commission", {**BPS, "on": "raw"})
    assert found.causes[0].sentence == "commission is 5 bps of the raw price instead of 5 bps"


def test_another_fee_on_the_raw_price_is_measured() -> None:
    """A rate that no guess has is read off the fills and their raw prices."""
    subject = ground(FREE)
    explained(subject, "commission", "costs.commission", {**BPS, "rate": "7.3", "on": "raw"})


def test_a_maximum_of_the_fee_is_measured() -> None:
    """E3: the cap beats the minimum; its share is read off the fills that it cuts."""
    subject = ground(FREE, ("costs.commission", {**BPS, "minimum": "60"}))
    value = {**BPS, "minimum": "60", "maximum": "0.0008"}
    found = explained(subject, "commission", "costs.commission", value)
    assert "at most 0.0008 of the notional" in found.causes[0].sentence


def test_a_stated_maximum_stays_beside_another_rate() -> None:
    """The hypothesis changes the rate, and leaves the cap as the scenario has it."""
    subject = ground(FREE, ("costs.commission", {**BPS, "minimum": "60", "maximum": "0.0008"}))
    value = {"kind": "bps", "rate": "10", "minimum": "60", "maximum": "0.0008"}
    explained(subject, "commission", "costs.commission", value)


QUEUES = ("value", "largest first", "smallest first", "symbols backwards", "backwards")


@pytest.mark.parametrize("queue", QUEUES)
def test_an_order_of_orders_that_no_setting_says_is_an_answer(queue: str) -> None:
    """Beside E1: who meets the cash first, where it does not cover all."""
    subject = ground(*TIGHT)
    ledger = kit.ledger_of(subject, kit.change("queue", queue))
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED, found
    (cause,) = found.causes
    values = {each.value for each in (cause.change, *cause.rivals) if each.hypothesis.id == "queue"}
    assert queue in values, cause


def test_orders_at_the_open_of_the_bar_that_decides_are_an_answer() -> None:
    """A look ahead: what the close decides fills at the open before it."""
    subject = ground()
    found = kit.explained(subject, kit.ledger_of(subject, kit.change("own_open")))
    assert found.verdict is Verdict.EXPLAINED, found
    assert [cause.sentence for cause in found.causes] == [
        "orders execute at the open of the bar whose close decides instead of the next open"
    ]


def test_a_queue_that_the_numbers_of_the_fills_contradict_is_not_tried() -> None:
    """Fills sent by symbol do not stand from the last symbol to the first."""
    subject = ground(*TIGHT, ("execution.sequence", "sells_first_symbol"))
    ledger = kit.ledger_of(subject)
    target = target_of(ledger, subject.scenario, subject.market, ())
    window = window_of(ledger, target, 0, len(subject.market.timestamps))
    assert "symbols backwards" not in QUEUE.values(subject, window)


def test_other_capital_is_read_off_the_first_fills() -> None:
    """Where a ledger holds trades alone: no equity, no targets."""
    subject = ground()
    ledger = kit.ledger_of(subject, kit.change("capital", ("portfolio.initial_cash", "730000")))
    fills = replace(ledger, tables={"fills": ledger.tables["fills"]}, manifest=Manifest())
    found = kit.explained(subject, fills)
    assert [cause.sentence for cause in found.causes] == [
        "the candidate started with 730,000 instead of 1,000,000"
    ]


REPORTED = (
    ("equity_before_trades", None),
    ("rows_dated", ("fills", -1)),
    ("rows_dated", ("positions", 1)),
    ("closed_trades_alone", None),
    ("balance_as_cash", None),
    ("prices_field", "open"),
    ("prices_rounded", (1, "half to even")),
)


@pytest.mark.parametrize(("hypothesis", "value"), REPORTED)
def test_another_way_to_keep_the_books_is_an_answer(hypothesis: str, value: Any) -> None:
    subject = ground()
    truth = kit.change(hypothesis, value)
    found = kit.explained(subject, kit.ledger_of(subject, truth))
    assert found.verdict is Verdict.EXPLAINED, found
    (cause,) = found.causes
    assert truth in (cause.change, *cause.rivals), cause


def test_barred_symbols_that_are_ranked_are_an_answer() -> None:
    """A slot that a barred symbol takes stays empty."""
    subject = ground(FREE, ("strategy.cooldown", 3))
    found = kit.explained(subject, kit.ledger_of(subject, kit.change("barred_ranked")))
    assert found.verdict is Verdict.EXPLAINED, found
    assert [cause.change.hypothesis.id for cause in found.causes] == ["barred_ranked"]


def test_a_check_of_the_cash_at_submission_is_an_answer() -> None:
    """backtrader's default: what an order would cost at the deciding close is asked for in advance."""
    subject = ground(*TIGHT, ("execution.cash", "reject"))
    found = kit.explained(subject, kit.ledger_of(subject, kit.change("checked_at_submission")))
    assert found.verdict is Verdict.EXPLAINED, found
    assert [cause.change.hypothesis.id for cause in found.causes] == ["checked_at_submission"]


def test_dates_that_prices_and_marks_bear_out_are_not_questioned() -> None:
    subject = ground()
    ledger = kit.ledger_of(subject)
    target = target_of(ledger, subject.scenario, subject.market, ())
    window = window_of(ledger, target, 0, len(subject.market.timestamps))
    assert ROWS_DATED.values(subject, window) == ()


def test_another_rate_is_found_beside_a_rounding() -> None:
    """Neither the rate nor the rounding mends a single fee without the other."""
    subject = ground(("costs.commission", BPS))
    rate = kit.change("commission", ("costs.commission", kit.bps("8")))
    rounding = kit.change("commission_rounded", ("nearest", 2))
    found = kit.explained(subject, kit.ledger_of(subject, rate, rounding))
    assert found.verdict is Verdict.EXPLAINED, found
    assert {cause.change for cause in found.causes} == {rate, rounding}


def test_a_fee_is_read_off_the_equity() -> None:
    """Where a ledger tells neither fees nor cash."""
    subject = ground()
    ledger = kit.ledger_of(subject, kit.change("commission", ("costs.commission", kit.bps("7.3"))))
    wanted = {
        "fills": ("timestamp", "symbol", "side", "quantity", "price"),
        "equity": ("timestamp", "equity"),
    }
    tables = {
        name: replace(ledger.tables[name], columns={key: ledger.tables[name].columns[key] for key in columns})
        for name, columns in wanted.items()
    }
    found = kit.explained(subject, replace(ledger, tables=tables))
    assert [cause.sentence for cause in found.causes] == ["commission is 7.3 bps instead of 5 bps"]


def test_an_equity_row_before_the_market_has_no_part_in_the_bridge() -> None:
    subject = ground()
    ledger = kit.ledger_of(subject, kit.change("commission", ("costs.commission", kit.bps("8"))))
    final = kit.explained(subject, ledger).bridge
    equity = ledger.tables["equity"]
    columns = {
        name: replace(column, values=np.concatenate([column.values[:1], column.values]))
        for name, column in equity.columns.items()
        if name in ("timestamp", "cash", "equity")
    }
    columns["timestamp"].values[0] -= 40 * 86_400 * 10**9
    more = replace(equity, columns=columns, rows=equity.rows + 1)
    found = kit.explained(subject, replace(ledger, tables={**ledger.tables, "equity": more}))
    assert [cause.sentence for cause in found.causes] == ["commission is 8 bps instead of 5 bps"]
    assert found.unexplained_breaks == 1 and found.bridge is not None and final is not None
    assert found.bridge.candidate == final.candidate
