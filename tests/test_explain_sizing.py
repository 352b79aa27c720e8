"""What targets are shares of, and fees that are not charged as stated: each is named as it would be said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests import explain_kit as kit

from reconcile.explaining.confirm import Tally
from reconcile.explaining.model import Verdict


@pytest.mark.parametrize(
    ("hypothesis", "value", "sentence"),
    [
        ("sizing_base", ("share", "0.9972"), "targets are sized at 99.72 % of the money"),
        (
            "sizing_base",
            ("share", "0.9995"),
            "targets are sized at 99.95 % (1 - 5 bps, the commission) of the money",
        ),
        ("sizing_base", ("cash", None), "targets are sized on cash instead of equity"),
        (
            "sizing_base",
            ("cost", None),
            "targets are sized on cash and what the positions cost instead of equity",
        ),
        (
            "sizing_base",
            ("order", None),
            "orders are sized so that outlay and fee together are the amount to trade",
        ),
        ("sizing_base", ("price", "open"), "targets are sized at the open of the bar that decides"),
        ("sizing_base", ("price", "previous close"), "targets are sized at the close of the bar before"),
        ("commission_factor", -1, "commission is -5 bps instead of 5 bps (a rebate)"),
        (
            "fee_in_price",
            None,
            "the fee of 5 bps is put into the entry price and never taken at the exit",
        ),
    ],
)
def test_a_base_or_a_fee_is_read_off_fills_and_equity(hypothesis: str, value: Any, sentence: str) -> None:
    """A share of no stated number, too: every size bounds it."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, kit.change(hypothesis, value))
    ledger = replace(ledger, tables={name: ledger.tables[name] for name in ("fills", "equity")})
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    assert [cause.sentence for cause in found.causes] == [sentence]


def test_a_fee_that_only_the_cash_shows_is_read_off_the_cash() -> None:
    """A ledger without a fee per fill: the rate that was paid and sized with is named."""
    subject = kit.ground()
    dearer = kit.setting("commission", "costs.commission", kit.bps("13"))
    ledger = kit.ledger_of(subject, dearer, kit.change("sizing_base", ("order", None)))
    fills = ledger.tables["fills"]
    kept = {name: column for name, column in fills.columns.items() if name != "commission"}
    tables = {"fills": replace(fills, columns=kept), "equity": ledger.tables["equity"]}
    found = kit.explained(subject, replace(ledger, tables=tables))
    assert found.verdict is Verdict.EXPLAINED
    sentences = sorted(cause.sentence for cause in found.causes)
    assert sentences[0] == "commission is 13 bps instead of 5 bps"
    assert len(sentences) == 2 and sentences[1].startswith("orders are sized so that outlay and ")


def test_limited_and_fitted_settings_have_to_account_for_their_columns() -> None:
    """A rate for some symbols is none while the column differs for others; a level none that leaves most."""
    dearer = kit.setting("commission", "costs.commission", kit.bps("8"))
    level = kit.setting("exit_setting", "exits.time_exit.bars", 7)
    some = replace(dearer, symbols=(1,))
    assert Tally(9, 0, mended=20, left=0).holds(some, 3)
    assert not Tally(9, 0, mended=20, left=1).holds(some, 3)
    assert Tally(9, 0, mended=20, left=1).holds(dearer, 3)
    assert Tally(9, 0, mended=20, left=20).holds(level, 3)
    assert not Tally(9, 0, mended=20, left=21).holds(level, 3)
    assert not Tally(2, 0, mended=20, left=0).holds(dearer, 3)
    assert not Tally(9, 1, mended=20, left=0).holds(dearer, 3)
