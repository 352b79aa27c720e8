"""Causes: found alone and together, verified by a run, with no part that does as well."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tests import explain_kit as kit
from tests.explain_kit import setting

import engine
import reconcile
import reference
from reconcile.explaining.counterfactuals import Counterfactuals
from reconcile.explaining.evidence import target_of, window_of
from reconcile.explaining.hypotheses.catalogue import CATALOGUE
from reconcile.explaining.minimise import smallest
from reconcile.explaining.model import Change, Verdict
from reconcile.explaining.search import Found, Search
from reconcile.market.edit import replace_columns
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.state import Side

CAPITAL = setting("capital", "portfolio.initial_cash", "100000")
DEARER = setting("commission", "costs.commission", kit.bps("8"))
DEARER_SLIPPAGE = setting("slippage", "costs.slippage", (("kind", "bps"), ("rate", "9")))
NEXT_CLOSE = setting("timing", "execution.timing", "next_close")
NO_GATE = setting("gate", "strategy.gate", None)
ZERO_VIX = kit.change("context_zero_filled", "vix")

ALONE = [
    CAPITAL,
    DEARER,
    NEXT_CLOSE,
    NO_GATE,
    ZERO_VIX,
    setting("timing", "execution.timing", "same_close"),
    setting("slippage", "costs.slippage", None),
    setting("sizing", "strategy.size_on", "initial_cash"),
    setting("selection", "strategy.n", 6),
    setting("schedule", "strategy.schedule", "weekly"),
    setting("band", "strategy.band", "0"),
    setting("cooldown", "strategy.cooldown", 2),
    setting("exit_setting", "exits.time_exit.bars", 7),
    kit.change("exit_unused", "volatility_stop"),
    kit.change("context_carried", "vix"),
    kit.change("feature_shifted", ("ml_score", 1)),
    kit.change("feature_reversed", "ml_score"),
    kit.change("feature_zero_filled", "ml_score"),
    kit.change("feature_misaligned", ("ml_score", 1)),
    kit.change("prices_carried"),
    kit.change("prices_rounded", 1),
    kit.change("execution_price", ("close", 1)),
    kit.change("commission_factor", 2, side=Side.SELL),
    kit.change("lot", 100),
    kit.change("exit_unsent", "time_exit"),
    kit.change("fill_unbooked", symbols=(3,)),
    kit.change("fill_dropped", symbols=(2,)),
    kit.change("order_late", 1),
    kit.change("cash_not_credited"),
    kit.change("frozen_book", "book"),
    kit.change("sign_flipped", ("positions", "quantity")),
    kit.change("marked_otherwise", ("close", 1)),
    kit.change("reported_zero", ("costs", "commission")),
]

TOGETHER = [
    (CAPITAL, ZERO_VIX, kit.change("exit_unused", "*")),
    (DEARER, NEXT_CLOSE),
    (kit.change("feature_reversed", "ml_score"), setting("selection", "strategy.n", 4)),
    (NEXT_CLOSE, kit.change("cash_not_credited")),
    (DEARER, kit.change("fill_booked_twice"), kit.change("reported_zero", ("costs", "turnover"))),
    (setting("commission", "costs.commission", kit.bps("10")), kit.change("order_late", 1)),
    (kit.change("equity_late"), setting("schedule", "strategy.schedule", (("every", 2), ("start", 0)))),
]


def named(change: Change) -> str:
    return change.hypothesis.id


@pytest.mark.parametrize("truth", ALONE, ids=named)
def test_one_cause_is_found(truth: Change) -> None:
    """It, or what gives the very same ledger, alone and for the whole of the breaks."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, truth)
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED and found.unexplained_breaks == 0 < found.breaks
    (cause,) = found.causes
    assert cause.breaks_explained == found.breaks
    assert cause.change == truth or (cause.alternatives and kit.same(subject, (cause.change,), ledger))


@pytest.mark.parametrize("truth", TOGETHER, ids=lambda changes: "+".join(map(named, changes)))
def test_causes_that_overlap_are_found_together(truth: tuple[Change, ...]) -> None:
    subject = kit.ground()
    ledger = kit.ledger_of(subject, *truth)
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    changes = tuple(cause.change for cause in found.causes)
    assert {named(change) for change in changes} == {named(change) for change in truth}
    assert kit.same(subject, changes, ledger), "a set was named that no run bears out"
    for size in range(len(changes)):
        for part in combinations(changes, size):
            assert not kit.same(subject, part, ledger), f"{part} does as well"
    for cause in found.causes:
        assert 0 < cause.breaks_explained <= found.breaks


def test_two_changes_of_the_ranking_are_found_as_a_pair() -> None:
    """Neither leaves anything to agree on at the first bar."""
    subject = kit.ground()
    truth = (kit.change("feature_reversed", "ml_score"), kit.change("feature_shifted", ("ml_score", 2)))
    ledger = kit.ledger_of(subject, *truth)
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    assert {cause.change for cause in found.causes} == set(truth)


def test_a_candidate_written_apart_is_explained() -> None:
    """The faults here are made by the test's own hands, not by what explain tries them with."""
    subject = kit.ground()
    vix = np.nan_to_num(subject.market.context["vix"], nan=0.0)
    changed = reconcile.replace(subject.scenario, "portfolio.initial_cash", "50000")
    ledger = engine.run(changed, replace_columns(subject.market, context={"vix": vix}))
    found = kit.explained(subject, ledger)
    assert [cause.sentence for cause in found.causes] == [
        "the candidate started with 50,000 instead of 1,000,000",
        "a missing vix was read as zero, so the gate never closed",
    ]


def test_a_cause_that_begins_later_is_dated() -> None:
    """From the bar on from which it holds, not from the start."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, replace(DEARER, since=20))
    (cause,) = kit.explained(subject, ledger).causes
    stamps = subject.market.timestamps.tolist()
    assert named(cause.change) == "commission" and cause.since in stamps[19:22]
    assert kit.same(subject, (cause.change,), ledger)
    assert " on" in cause.sentence and "from 2023-" in cause.sentence


def test_a_cause_that_ends_is_dated() -> None:
    subject = kit.ground()
    ledger = kit.ledger_of(subject, replace(DEARER, until=20))
    (cause,) = kit.explained(subject, ledger).causes
    assert cause.since is None and cause.until in subject.market.timestamps[19:22].tolist()


def test_a_cause_of_some_symbols_names_them() -> None:
    subject = kit.ground()
    some = (1, 4)
    found = kit.explained(subject, kit.ledger_of(subject, replace(DEARER, symbols=some)))
    (cause,) = found.causes
    names = tuple(subject.market.symbols[s] for s in some)
    assert cause.symbols == names and ", ".join(names) in cause.sentence


@pytest.mark.parametrize("count", [7, 10])
def test_a_long_list_of_symbols_is_no_cause(count: int) -> None:
    """With names enough anything fits: told as one change, as two, or as the longest list there may be."""
    subject = kit.ground()
    many = tuple(range(1, 1 + count))
    found = kit.explained(subject, kit.ledger_of(subject, replace(DEARER, symbols=many)))
    assert found.verdict is Verdict.UNEXPLAINED and found.causes == ()
    assert found.roots


def test_a_setting_that_fits_one_bar_is_no_cause() -> None:
    """One number is fitted to one event; of what the loop did once that may be told."""
    subject = kit.ground()
    tighter = setting("exit_setting", "exits.volatility_stop.multiple", "0.4")
    found = kit.explained(subject, kit.ledger_of(subject, replace(tighter, since=15, until=16)))
    assert found.verdict is Verdict.UNEXPLAINED and found.causes == () and found.breaks > 0
    lost = kit.change("order_lost", None, 15, 16)
    (cause,) = kit.explained(subject, kit.ledger_of(subject, lost)).causes
    assert cause.change == lost


@pytest.mark.parametrize(("symbol", "told"), [(9, True), (6, False)])
def test_a_symbol_s_prices_speak_for_a_cause_more_than_once(symbol: int, told: bool) -> None:
    """Both ledgers come out to the last unit; in one of them a single bar says so."""
    subject = kit.ground()
    found = kit.explained(subject, kit.ledger_of(subject, kit.change("prices_carried", symbols=(symbol,))))
    assert (found.verdict, bool(found.causes)) == ((Verdict.EXPLAINED if told else Verdict.UNEXPLAINED), told)


def test_a_cause_with_an_end_is_dated_beside_one_that_is_only_told() -> None:
    """What is told wrongly was not lived: the books are built from what was."""
    subject = kit.ground()
    untold = kit.change("reported_zero", ("fills", "commission"))
    ledger = kit.ledger_of(subject, replace(DEARER_SLIPPAGE, until=20), untold)
    found = kit.explained(subject, ledger)
    assert found.verdict is Verdict.EXPLAINED
    assert {named(cause.change) for cause in found.causes} == {"slippage", "reported_zero"}


def test_a_cause_of_one_side_says_so() -> None:
    subject = kit.ground()
    (cause,) = kit.explained(
        subject, kit.ledger_of(subject, kit.change("commission_factor", 2, side=Side.SELL))
    ).causes
    assert cause.sentence.startswith("commission is ") and cause.sentence.endswith(" on sells")


def test_causes_that_no_run_can_tell_apart_are_reported_together() -> None:
    """Without a second exit, rules in use and rules all missing are one and the same here."""
    subject = kit.ground()
    vix = np.nan_to_num(subject.market.context["vix"], nan=0.0)
    # The gate closes only where the vix is missing or above 25; a floor of 0 for 25 opens it the same way.
    calm = replace(subject.market, context={"vix": np.minimum(vix, 24.0)})
    quiet = type(subject)(subject.scenario, replace_columns(calm, context={"vix": _gappy(calm)}))
    ledger = engine.run(
        quiet.scenario, replace_columns(quiet.market, context={"vix": np.nan_to_num(_gappy(calm))})
    )
    (cause,) = kit.explained(quiet, ledger).causes
    told = (cause.sentence, *cause.alternatives)
    assert "the gate on vix is ignored" in told
    assert "a missing vix was read as zero, so the gate never closed" in told
    assert "a missing vix was filled with its last value" in told


def test_a_level_has_no_more_digits_than_the_ledger_bears_out() -> None:
    """It is read off the bars where it was met; of the many that fit them the roundest is told."""
    subject = kit.ground()
    level, odd = (
        setting("exit_setting", "exits.volatility_stop.multiple", text) for text in ("0.4", "0.40002")
    )
    ledger = kit.ledger_of(subject, level)
    target = target_of(ledger, subject.scenario, subject.market, ())
    search = Search(ledger, target, Counterfactuals(subject))
    found = Found((odd,), search.full((odd,)))
    assert search.matches(found.score)
    assert smallest(search, found).changes == (level,)


def test_of_two_wordings_the_one_with_fewer_numbers_is_the_cause() -> None:
    """Twice a fee a share is a fee twice; which of them was met first does not matter."""
    each = {"kind": "per_share", "rate": "0.01", "minimum": "3"}
    subject = kit.ground_with(("costs.commission", each), ("execution.cash", "reduce"))
    ledger = kit.ledger_of(
        subject,
        setting("cash", "execution.cash", "allow_negative"),
        kit.change("commission_factor", 2, side=Side.BUY),
    )
    found = kit.explained(subject, ledger)
    fee = next(cause for cause in found.causes if "commission" in cause.sentence)
    assert fee.sentence == "commission is charged twice on buys"
    assert any("0.02 a share, at least 6" in text for text in fee.alternatives)


def _gappy(market: Any) -> Any:
    """A vix that never closes the gate, except where it is missing."""
    vix = np.full(len(market.timestamps), 20.0)
    vix[np.arange(len(vix)) % 10 == 6] = np.nan
    return vix


def test_a_true_ledger_has_no_cause() -> None:
    """And that is said at once, without a search."""
    subject = kit.ground()
    for program in (engine, reference):
        found = kit.explained(subject, program.run(subject.scenario, subject.market))
        assert found.verdict is Verdict.NO_BREAKS
        assert not found.causes and not found.roots and found.breaks == 0 and found.runs <= 2


def tuesdays(ledger: Ledger, subject: Any, first: int | None = None) -> Ledger:
    """Outside the catalogue: what is bought or sold on a Tuesday costs 7 units more. first: only so many."""
    fills = ledger.tables["fills"]
    days = fills.columns["timestamp"].values.astype("datetime64[ns]").astype("datetime64[D]").astype(int)
    dear = (days + 3) % 7 == 1
    if first is not None:
        dear &= np.cumsum(dear) <= first
    column = fills.columns["commission"]
    made = replace(column, values=column.values + np.where(dear, 7, 0))
    tables = {**ledger.tables, "fills": replace(fills, columns={**fills.columns, "commission": made})}
    return replace(ledger, tables=tables)


def test_where_nothing_fits_no_cause_is_named_and_the_roots_say_what_they_share() -> None:
    subject = kit.ground()
    found = kit.explained(subject, tuesdays(engine.run(subject.scenario, subject.market), subject))
    assert found.verdict is Verdict.UNEXPLAINED and found.causes == ()
    assert found.unexplained_breaks == found.breaks > 0
    assert "on a Tuesday" in [group.shared for group in found.roots]
    assert found.roots[0].count > 1 and "fill commission" in found.roots[0].example


def test_what_two_roots_share_is_no_pattern() -> None:
    subject = kit.ground()
    ledger = tuesdays(engine.run(subject.scenario, subject.market), subject, first=2)
    roots = kit.explained(subject, ledger).roots
    assert roots and not [group.shared for group in roots if group.shared.startswith("on a ")]


def test_beside_what_does_not_fit_a_true_cause_is_still_named() -> None:
    """What remains is counted, and no other cause is made up for it."""
    subject = kit.ground()
    ledger = kit.ledger_of(subject, NEXT_CLOSE)
    found = kit.explained(subject, tuesdays(ledger, subject))
    assert found.verdict is Verdict.PARTLY
    assert [cause.change for cause in found.causes] == [NEXT_CLOSE]
    assert 0 < found.unexplained_breaks < found.breaks and found.roots


def test_an_answer_is_the_same_every_time() -> None:
    subject = kit.ground()
    ledger = kit.ledger_of(subject, CAPITAL, ZERO_VIX)
    first, second = kit.explained(subject, ledger), kit.explained(subject, ledger)
    assert (first.causes, first.bridge, first.runs) == (second.causes, second.bridge, second.runs)


def test_every_hypothesis_changes_some_ledger_and_reads_as_one_line() -> None:
    """None in the catalogue is idle: each gives another ledger on one of these grounds."""
    grounds = [
        kit.ground(),
        kit.ground_with(
            ("execution.allow_short", True),
            ("strategy.short_n", 2),
            ("strategy.require", ["volume"]),
            ("strategy.gross_long", "1"),
            ("costs.commission", {"kind": "bps", "rate": "5", "minimum": "30"}),
        ),
    ]
    idle = {hypothesis.id for hypothesis in CATALOGUE}
    for subject in grounds:
        plain = engine.run(subject.scenario, subject.market)
        doubled = kit.ledger_of(subject, kit.change("split", (2, 1), symbols=(1,)))
        target = target_of(doubled, subject.scenario, subject.market)
        for hypothesis, value in CATALOGUE.values(subject, window_of(doubled, target, 0, kit.BARS)):
            sentence = hypothesis.say(subject, value).sentence
            assert sentence and "\n" not in sentence
            if hypothesis.id in idle and _differs(subject, plain, Change(hypothesis, value)):
                idle.discard(hypothesis.id)
    # Selling short is refused or allowed as a whole: a scenario that runs under both gives one ledger. Rows
    # are of another day, and orders in another order, only where prices and places say so. That no rebalance
    # is decided is tried only on a ledger without one; the drill plants it.
    dropped = {"feature_dropped", "prices_dropped"}  # tests of slips with data frames
    levels = {
        "level_gap",
        "level_path",
        "level_trail",
        "level_touch",
        "level_armed",
    }  # tests of exits at levels
    assert idle <= {"short", "exits_reversed", "rows_dated", "queue", "no_rebalance", *dropped, *levels}


def _differs(subject: Any, plain: Ledger, change: Change) -> bool:
    try:
        return not kit.same(subject, (change,), plain)
    except InputError:
        return False


def test_exits_that_all_never_fire_are_one_cause() -> None:
    """Found one by one, they are named together."""
    subject = kit.ground()
    ledger = kit.ledger_of(
        subject, kit.change("exit_unused", "volatility_stop"), kit.change("exit_unused", "time_exit")
    )
    (cause,) = kit.explained(subject, ledger).causes
    assert cause.sentence == "no exit ever fires"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "strategy.gate",
            (("context", "vix"), ("max", 48.6)),
            "the gate asks for vix <= 48.6 instead of vix <= 25",
        ),
        (
            "strategy.gate",
            (("context", "vix"), ("min", 30)),
            "the gate asks for vix >= 30 instead of vix <= 25",
        ),
        ("strategy.gate", None, "the gate on vix is ignored"),
        (
            "strategy.schedule",
            (("every", 5), ("start", 2)),
            "the schedule is every 5 bars from bar 2 on instead of every bar",
        ),
        ("strategy.schedule", "weekly", "the schedule is weekly instead of every bar"),
    ],
)
def test_a_setting_reads_as_it_would_be_said(path: str, value: Any, sentence: str) -> None:
    hypothesis = kit.change(path.removeprefix("strategy.")).hypothesis
    assert hypothesis.say(kit.ground(), (path, value)).sentence == sentence


def test_costs_that_are_not_charged_are_told_one_way() -> None:
    subject = kit.ground()
    free = kit.ledger_of(subject, kit.setting("commission", "costs.commission", None))
    (cause,) = kit.explained(subject, free).causes
    assert cause.sentence == "no commission is charged"
    assert not [each for each in cause.alternatives if " 0 " in each]
