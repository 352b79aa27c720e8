"""The two candidates of the built-in example `incident`: engines that are wrong the way real ones were.

    reconcile explain incident reconcile.incident:candidate
    reconcile run incident reconcile.incident:second_book --out results
    reconcile audit results/candidate --scenario incident

Both do the wrong thing and then report it in good faith; nothing in them says what is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reconcile import engine
from reconcile.market.edit import replace_columns
from reconcile.scenario.files import replace as replace_setting
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

POCKET_MONEY = "100000"


def candidate(scenario: Scenario, market: Market) -> Ledger:
    """An engine that was handed a book of 100,000, a vix without gaps, and no exits.

    Its return is still reckoned against the scenario's capital.
    """
    vix = np.nan_to_num(market.context["vix"], nan=0.0)
    traded = replace(replace_setting(scenario, "portfolio.initial_cash", POCKET_MONEY), exits=())
    ledger = engine.run(traded, replace_columns(market, context={"vix": vix}))
    claimed = replace(ledger.manifest, initial_cash=scenario.initial_cash, producer="incident")
    return replace(ledger, manifest=claimed)


def second_book(scenario: Scenario, market: Market) -> Ledger:
    """An engine that trades one book and reports another, which no fill ever reaches."""
    ledger = engine.run(scenario, market)
    equity = ledger.tables["equity"]
    told = {}
    for name, units in (
        ("cash", scenario.initial_cash),
        ("market_value", 0),
        ("equity", scenario.initial_cash),
    ):
        values = np.full(equity.rows, units, np.int64)
        values.flags.writeable = False
        told[name] = replace(equity.columns[name], values=values)
    made = replace(equity, columns={**equity.columns, **told})
    tables = {**ledger.tables, "equity": made}
    return Ledger(replace(ledger.manifest, producer="incident"), tables)
