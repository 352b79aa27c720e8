"""The bridge: from the reference's final equity to the candidate's, exact in money, four times."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests import explain_kit as kit
from tests.explain_kit import setting
from tests.test_explain_causes import CAPITAL, DEARER, NEXT_CLOSE, ZERO_VIX, tuesdays

import engine
import reconcile
from reconcile.explaining.model import Bridge, Change, Explanation
from vocabulary.ledger import Ledger

SETS = [
    (CAPITAL,),
    (DEARER, NEXT_CLOSE),
    (CAPITAL, ZERO_VIX, kit.change("exit_unused", "*")),
    (kit.change("cash_not_credited"),),
    (kit.change("frozen_book", "book"),),
    (setting("slippage", "costs.slippage", None), kit.change("fill_unbooked", symbols=(3,))),
]


def final(ledger: Ledger) -> int:
    return int(ledger.tables["equity"].columns["equity"].values[-1])


def bridged(found: Explanation) -> Bridge:
    assert found.bridge is not None
    return found.bridge


@pytest.mark.parametrize("truth", SETS, ids=lambda changes: "+".join(c.hypothesis.id for c in changes))
def test_every_way_of_taking_it_apart_sums_to_the_difference(truth: tuple[Change, ...]) -> None:
    """To the last unit: by cause with what is unexplained, by stage, by symbol and by month."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, *truth)
    bridge = bridged(kit.explained(subject, ledger))
    start, end = final(engine.run(subject.scenario, subject.market)), final(ledger)
    assert (bridge.reference, bridge.candidate) == (start, end)
    assert sum(line.amount for line in bridge.by_cause) == end - start
    for parts in (bridge.by_stage, bridge.by_symbol, bridge.by_month):
        assert sum(amount for _, amount in parts) == end - start


def test_each_line_is_the_run_with_that_cause_and_those_before_it() -> None:
    subject = kit.ground()
    found = kit.explained(subject, kit.ledger_of(subject, CAPITAL, ZERO_VIX))
    lines = bridged(found).by_cause
    assert [line.label for line in lines] == [*(cause.sentence for cause in found.causes), "unexplained"]
    changes = tuple(cause.change for cause in found.causes)
    for count, line in enumerate(lines[:-1], start=1):
        assert line.equity == final(kit.ledger_of(subject, *changes[:count]))
    assert lines[-1].amount == 0


def test_what_no_cause_accounts_for_has_its_own_line() -> None:
    subject = kit.ground()
    ledger = tuesdays(kit.ledger_of(subject, NEXT_CLOSE), subject)
    equity = ledger.tables["equity"]
    short = replace(equity.columns["equity"], values=equity.columns["equity"].values - 5)
    told = replace(equity, columns={**equity.columns, "equity": short})
    bridge = bridged(kit.explained(subject, replace(ledger, tables={**ledger.tables, "equity": told})))
    assert [line.label for line in bridge.by_cause][1:] == ["unexplained"]
    assert bridge.by_cause[-1].amount == -5 == bridge.candidate - bridge.by_cause[0].equity


def test_stages_say_where_the_money_went() -> None:
    """Commission alone is costs and what the smaller book then traded; capital is capital."""
    subject = kit.ground()
    dearer = dict(bridged(kit.explained(subject, kit.ledger_of(subject, DEARER))).by_stage)
    assert dearer["costs"] < 0 and "capital" not in dearer
    poorer = bridged(kit.explained(subject, kit.ledger_of(subject, CAPITAL)))
    assert dict(poorer.by_stage)["capital"] == -900_000 * 10**poorer.scale
    assert poorer.by_month[0] == ("at the start", -900_000 * 10**poorer.scale)


def test_a_candidate_without_equity_has_no_bridge() -> None:
    """And none is invented; the cause is found all the same."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, DEARER)
    fills = replace(ledger, tables={"fills": ledger.tables["fills"]})
    found = kit.explained(subject, fills)
    assert found.bridge is None
    assert [cause.change for cause in found.causes] == [DEARER]


def test_returns_are_measured_as_each_side_claims() -> None:
    """The incident's: a book of 100,000, a return against 1,000,000."""
    subject = kit.ground()
    ledger = engine.run(
        reconcile.replace(subject.scenario, "portfolio.initial_cash", "100000"), subject.market
    )
    claimed = replace(ledger, manifest=replace(ledger.manifest, initial_cash=subject.scenario.initial_cash))
    bridge = bridged(kit.explained(subject, claimed))
    assert bridge.base == bridge.candidate_base == subject.scenario.initial_cash
    honest = kit.explained(subject, ledger)
    assert bridged(honest).candidate_base == subject.scenario.initial_cash // 10
    assert honest.candidate_return is not None and abs(honest.candidate_return) < Decimal(1)
