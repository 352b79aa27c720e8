"""Many runs over one market: the same ledgers as one at a time, stopped where they part."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice

import numpy as np
import pytest

import build
import engine
import reference
from engine import Job, Keep, run_many
from vocabulary.errors import InputError
from vocabulary.scenario import Timing, TopN

MARKET = build.random_market(11, symbols=8, bars=60)
SCENARIO = build.scenario(TopN("score", 3), price_decimals=2, initial_cash=10**7)


def test_outcomes_are_those_of_single_runs_in_order() -> None:
    """Whatever thread ran it, job k's outcome is the k-th and equals engine.run of its scenario."""
    scenarios = [replace(SCENARIO, initial_cash=10**6 + k) for k in range(40)]
    outcomes = list(run_many(MARKET, (Job(s) for s in scenarios), workers=4))
    assert [outcome.index for outcome in outcomes] == list(range(40))
    for scenario, outcome in zip(scenarios, outcomes, strict=True):
        expected = engine.run(scenario, MARKET)
        assert all(build.rows(outcome.ledger, t) == build.rows(expected, t) for t in expected.tables)


def test_endless_jobs_are_taken_as_they_are_needed() -> None:
    """Results stream: an endless list of jobs yields its first outcomes."""
    endless = (Job(SCENARIO, keep=Keep.NOTHING) for _ in count())
    assert [outcome.index for outcome in islice(run_many(MARKET, endless, workers=2), 5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("bar", [0, 1, 7, 20, 41, 58])
def test_a_job_stops_where_it_parts_from_a_ledger(bar: int) -> None:
    """The first bar named is the first whose rows differ between the two whole runs."""
    score = MARKET.features["score"].copy()
    score[bar:] = -score[bar:]
    whole = engine.run(SCENARIO, MARKET)
    job = Job(SCENARIO, columns={"features.score": score}, against=whole)
    (outcome,) = run_many(MARKET, [job])
    changed = reference.run(SCENARIO, engine.batch.with_columns(MARKET, job.columns))
    assert outcome.parts_at == first_bar_apart(whole, changed)
    assert outcome.state.bar < 60 or bar > 20


def first_bar_apart(one: object, other: object) -> int | None:
    """By brute force: the first bar at which any table's rows are not the same."""
    when = {"targets": "decided_at", "orders": "executes_at"}
    for bar, stamp in enumerate(MARKET.timestamps.tolist()):
        for table in one.tables:
            mine, theirs = (
                [row for row in build.rows(x, table) if row[when.get(table, "timestamp")] == stamp]
                for x in (one, other)
            )
            for row in (*mine, *theirs):
                row.pop("sequence", None)
            if mine != theirs:
                return bar
    return None


def test_a_job_that_never_parts_says_so() -> None:
    """Against its own ledger a run goes to the end, also from a State in the middle."""
    whole = engine.run(SCENARIO, MARKET)
    _, state = engine.resume(SCENARIO, MARKET, reference.initial_state(SCENARIO), 23)
    outcomes = list(
        run_many(MARKET, [Job(SCENARIO, against=whole), Job(SCENARIO, state=state, against=whole)])
    )
    assert [outcome.parts_at for outcome in outcomes] == [None, None]
    assert [outcome.state.bar for outcome in outcomes] == [60, 60]


def test_a_run_that_ends_early_parts_from_a_longer_one() -> None:
    """Rows that the other ledger has and the run lacks are a difference too."""
    whole = engine.run(SCENARIO, MARKET)
    silent = replace(SCENARIO, initial_cash=0)
    (outcome,) = run_many(MARKET, [Job(silent, against=whole)])
    assert outcome.parts_at == 0


def test_only_what_is_asked_for_is_kept() -> None:
    """EQUITY keeps two tables, NOTHING none; the state is always there."""
    kept = [list(o.ledger.tables) for o in run_many(MARKET, [Job(SCENARIO, keep=k, until=30) for k in Keep])]
    assert kept == [["targets", "orders", "fills", "positions", "costs", "equity"], ["costs", "equity"], []]


@pytest.mark.parametrize(
    "columns", [{"features.none": np.zeros((60, 8))}, {"close": np.zeros((2, 2), np.int64)}]
)
def test_a_column_the_market_lacks_is_refused(columns: dict[str, object]) -> None:
    """A misspelt or misshapen replacement is an error, never a run on the old data."""
    with pytest.raises(InputError, match="column"):
        list(run_many(MARKET, [Job(SCENARIO, columns=columns)]))


@pytest.mark.parametrize("bar", [1, 7, 23])
def test_a_state_with_orders_pending_goes_on_at_the_same_close(bar: int) -> None:
    """T2 executes what its own bar decides: orders of another timing are gone, in both programs. (Kept, they
    once ran past the end of the engine's list.)"""
    _, state = reference.resume(SCENARIO, MARKET, reference.initial_state(SCENARIO), bar)
    assert state.pending
    changed = build.scenario(TopN("score", 8), price_decimals=2, initial_cash=10**7, timing=Timing.SAME_CLOSE)
    ours, after = engine.resume(changed, MARKET, state, bar + 3)
    plain, expected = reference.resume(changed, MARKET, state, bar + 3)
    assert after == expected
    assert all(build.rows(ours, table) == build.rows(plain, table) for table in plain.tables)
