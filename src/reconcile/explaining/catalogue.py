"""The catalogue of hypotheses: what may be wrong with a candidate, and the values worth trying.

Its order is the order of preference between causes that a ledger cannot tell apart.
"""

from __future__ import annotations

from itertools import chain

from reconcile.explaining import domains as of
from reconcile.explaining import domains_settings as settings
from reconcile.explaining import wording as say
from reconcile.explaining.model import Hypothesis, Kind, Measured, Subject, Value
from reconcile.explaining.wording_settings import setting

CATALOGUE: tuple[Hypothesis, ...] = (
    Hypothesis("capital", Kind.SCENARIO, settings.capital, setting, whole_run=True),
    Hypothesis("timing", Kind.SCENARIO, settings.timing, setting),
    Hypothesis("commission", Kind.SCENARIO, settings.costs, setting, by_symbol=True, by_side=True),
    Hypothesis("slippage", Kind.SCENARIO, settings.slippage, setting, by_symbol=True, by_side=True),
    Hypothesis("sizing", Kind.SCENARIO, settings.sizing, setting),
    Hypothesis("sequence", Kind.SCENARIO, settings.sequence, setting),
    Hypothesis("cash", Kind.SCENARIO, settings.cash, setting),
    Hypothesis("gate", Kind.SCENARIO, settings.gate, setting),
    Hypothesis("schedule", Kind.SCENARIO, settings.schedule, setting),
    Hypothesis("selection", Kind.SCENARIO, settings.selection, setting),
    Hypothesis("band", Kind.SCENARIO, settings.band, setting),
    Hypothesis("cooldown", Kind.SCENARIO, settings.cooldown, setting, whole_run=True),
    Hypothesis("short", Kind.SCENARIO, settings.short, setting),
    Hypothesis("exit_unused", Kind.SCENARIO, settings.exit_unused, say.exit_unused),
    Hypothesis("exit_setting", Kind.SCENARIO, settings.exit_settings, setting),
    Hypothesis("exits_reversed", Kind.SCENARIO, settings.exits_reversed, say.exits_reversed),
    Hypothesis("context_zero", Kind.INPUT, of.contexts, say.context_zero),
    Hypothesis("context_zero_filled", Kind.INPUT, of.contexts, say.context_zero_filled),
    Hypothesis("context_carried", Kind.INPUT, of.contexts, say.context_carried),
    Hypothesis("context_shifted", Kind.INPUT, of.context_shifts, say.context_shifted),
    Hypothesis("execution_price", Kind.INPUT, of.execution_prices, say.execution_price, by_symbol=True),
    Hypothesis("feature_shifted", Kind.INPUT, of.feature_shifts, say.feature_shifted, by_symbol=True),
    Hypothesis("feature_reversed", Kind.INPUT, of.features, say.feature_reversed, by_symbol=True),
    Hypothesis("feature_zero_filled", Kind.INPUT, of.features, say.feature_zero_filled, by_symbol=True),
    Hypothesis("feature_carried", Kind.INPUT, of.features, say.feature_carried, by_symbol=True),
    Hypothesis("feature_misaligned", Kind.INPUT, of.feature_rolls, say.feature_misaligned),
    Hypothesis("feature_scaled", Kind.INPUT, of.feature_scales, say.feature_scaled, by_symbol=True),
    Hypothesis("prices_shifted", Kind.INPUT, of.price_shifts, say.prices_shifted, by_symbol=True),
    Hypothesis("prices_carried", Kind.INPUT, of.price_gaps, say.prices_carried, by_symbol=True),
    Hypothesis("prices_misaligned", Kind.INPUT, of.price_rolls, say.prices_misaligned),
    Hypothesis("split", Kind.INPUT, of.splits, say.split, by_symbol=True),
    Hypothesis(
        "commission_factor", Kind.LOOP, of.factors, say.commission_factor, by_symbol=True, by_side=True
    ),
    Hypothesis("lot", Kind.LOOP, of.lots, say.lot),
    Hypothesis("buys_first", Kind.LOOP, of.once, say.fixed("buys_first")),
    Hypothesis("exit_unsent", Kind.LOOP, of.unsent, say.exit_unsent),
    Hypothesis("order_lost", Kind.LOOP, of.once, say.fixed("order_lost"), by_symbol=True, by_side=True),
    Hypothesis("order_late", Kind.LOOP, of.waits, say.order_late, by_symbol=True, by_side=True),
    Hypothesis("fill_dropped", Kind.LOOP, of.once, say.fixed("fill_dropped"), by_symbol=True, by_side=True),
    Hypothesis("fill_unbooked", Kind.LOOP, of.once, say.fixed("fill_unbooked"), by_symbol=True, by_side=True),
    Hypothesis("fill_doubled", Kind.LOOP, of.once, say.fixed("fill_doubled"), by_symbol=True, by_side=True),
    Hypothesis(
        "fill_booked_twice", Kind.LOOP, of.once, say.fixed("fill_booked_twice"), by_symbol=True, by_side=True
    ),
    Hypothesis("cash_not_credited", Kind.LOOP, of.once, say.fixed("cash_not_credited"), by_symbol=True),
    Hypothesis("cash_not_debited", Kind.LOOP, of.once, say.fixed("cash_not_debited"), by_symbol=True),
    Hypothesis(
        "commission_not_paid", Kind.LOOP, of.if_commission, say.fixed("commission_not_paid"), by_side=True
    ),
    Hypothesis("frozen_book", Kind.REPORT, of.books, say.frozen_book),
    Hypothesis("sign_flipped", Kind.REPORT, of.signs, say.sign_flipped),
    Hypothesis("marked_otherwise", Kind.REPORT, of.marks, say.marked_otherwise),
    Hypothesis("equity_late", Kind.REPORT, of.once, say.fixed("equity_late")),
    Hypothesis("reported_zero", Kind.REPORT, of.zeros, say.reported_zero),
    Hypothesis("unreported", Kind.REPORT, of.tables, say.unreported, by_symbol=True),
)
BY_ID = {hypothesis.id: hypothesis for hypothesis in CATALOGUE}
PLACE = {hypothesis.id: place for place, hypothesis in enumerate(CATALOGUE)}


def every_value(subject: Subject, found: Measured) -> list[tuple[Hypothesis, Value]]:
    """The catalogue with the values worth trying."""
    return list(chain.from_iterable(((h, value) for value in h.domain(subject, found)) for h in CATALOGUE))
