"""Leads: a plain mistake beside a difference that no hypothesis describes, told with what it mends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from tests import explain_kit as kit
from tests import own_engines
from tests.test_explain_causes import DEARER, DEARER_SLIPPAGE, NEXT_CLOSE

from reconcile.explaining.bar_loop import Hooks, Moment
from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.evidence import target_of
from reconcile.explaining.explain_page import explain_page
from reconcile.explaining.hypotheses.catalogue import CATALOGUE, Catalogue
from reconcile.explaining.leads import leads
from reconcile.explaining.model import Change, Lead, LoopHypothesis, Subject, Wording
from reconcile.explaining.search import Search
from reconcile.scenario.files import scenario_from_text
from reference import Decision
from vocabulary.ledger import Ledger
from vocabulary.state import Order, Side


def _odd_lots(change: Change) -> Hooks:
    """Buys of every fifth symbol are a share larger: no hypothesis describes that."""

    def larger(order: Order) -> Order:
        more = order.side is Side.BUY and order.symbol % 5 == 1
        return replace(order, quantity=order.quantity + 1) if more else order

    def decided(at: Moment, decision: Decision) -> Decision:
        return replace(decision, orders=tuple(map(larger, decision.orders)))

    return Hooks(decided=decided)


def _backwards(change: Change) -> Hooks:
    """Orders meet the cash in the reverse order, where the cash is short."""

    def sequenced(at: Moment, orders: Sequence[Order], turn: Sequence[Order]) -> Sequence[Order]:
        return list(reversed(turn))

    return Hooks(sequenced=sequenced)


UNKNOWN = {
    hooks.__name__: LoopHypothesis(
        id=hooks.__name__,
        values=lambda *_: (None,),
        say=lambda *_: Wording("", "", "", ""),
        hooks=hooks,
    )
    for hooks in (_odd_lots, _backwards)
}


def ground() -> Subject:
    return kit.ground_with(("strategy.gross_long", "1"))


def ledger_with(subject: Subject, unknown: str, *changes: Change) -> Ledger:
    """What comes out under changes beside a difference that the catalogue does not have."""
    wider = Catalogue((*CATALOGUE, *UNKNOWN.values()))
    return Counterfactuals(subject).ledger(wider.ordered((*changes, Change(UNKNOWN[unknown]))))


def found_in(subject: Subject, ledger: Ledger) -> tuple[Lead, ...]:
    target = target_of(ledger, subject.scenario, subject.market)
    return leads(Search(ledger, target, Counterfactuals(subject)), ())[0]


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("truth", [DEARER, DEARER_SLIPPAGE, NEXT_CLOSE], ids=lambda c: c.hypothesis.id)
def test_a_mistake_beside_an_unknown_difference_is_a_lead(truth: Change, unknown: str) -> None:
    subject = ground()
    (lead,) = found_in(subject, ledger_with(subject, unknown, truth))
    assert lead.change == truth and lead.mended == lead.differing > 0


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_an_unknown_difference_alone_gives_no_lead(unknown: str) -> None:
    """What is not in the catalogue is not taken for something that is."""
    subject = ground()
    assert found_in(subject, ledger_with(subject, unknown)) == ()


def test_two_mistakes_are_two_leads_and_stand_apart_from_causes_on_the_page() -> None:
    subject = ground()
    ledger = ledger_with(subject, "_odd_lots", DEARER, DEARER_SLIPPAGE)
    found = kit.explained(subject, ledger)
    assert {lead.change for lead in found.leads} == {DEARER, DEARER_SLIPPAGE} and not found.causes
    page = explain_page(found, subject.scenario, subject.market, "candidate")
    head, _, rest = page.partition("leads: right bar by bar")
    assert "8 bps" not in head and "  commission is 8 bps instead of 5 bps" in rest
    assert found.next_divergence is not None and f", {found.next_divergence[1]}" in rest


def test_trades_of_an_account_that_cannot_be_are_no_rows_left_out() -> None:
    """A loop that never takes sold shares off its books sells them again. The reference, put into that
    account, trades otherwise; that tells nothing about the ledger's rows."""
    text = Path(own_engines.__file__).read_text(encoding="utf-8")
    line = "self.held[symbol] = before - quantity"
    assert text.count(line) == 1
    broken = ModuleType("broken")
    exec(compile(text.replace(line, "pass"), "broken", "exec"), broken.__dict__)
    scenario = scenario_from_text(own_engines.LOOP, name="loop")
    subject = Subject(scenario, kit.market_of(scenario))
    ledger = broken.loop(subject.scenario, subject.market)
    assert ledger.tables["fills"].rows > kit.ledger_of(subject).tables["fills"].rows
    assert not kit.explained(subject, ledger).leads
