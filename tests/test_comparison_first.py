"""The first divergence alone, without what comes after it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests import comparison_faults as faults
from tests import comparison_kit as kit

from reconcile.comparing.compare import compare
from reconcile.matching import diff_tables as found
from reconcile.matching.model import Verdict
from vocabulary.ledger import Ledger, Table


def long_one(seed: int) -> tuple[object, object, Ledger]:
    return kit.sample(seed, symbols=4, bars=400)


@pytest.mark.parametrize(
    "sort", ["fill price", "fill shifted", "order dropped", "position sign", "equity dropped"]
)
@pytest.mark.parametrize("bar", [3, 31, 32, 150, 398])
def test_it_is_the_one_that_a_full_comparison_finds(sort: str, bar: int) -> None:
    """Also at the edges of the stretches in which it is sought."""
    scenario, market, true = kit.sample(3, symbols=4, bars=400)
    made = faults.record_fault(true, market, sort, bar, random.Random(1))
    if made is None:
        pytest.skip("nothing there to misprint")
    wrong = faults.record_fault(made[0], market, "fill fee", 399, random.Random(2))
    ledger = made[0] if wrong is None else wrong[0]
    for side in (ledger, kit.shuffled(ledger, 1)):
        whole, first = compare(true, side), compare(true, side, first=True)
        assert first.first is not None and whole.first is not None
        place = ("table", "key", "field", "stage", "type", "cycle", "rebalance", "reference", "candidate")
        assert [getattr(first.first, name) for name in place] == [
            getattr(whole.first, name) for name in place
        ]
        assert len(first.breaks) == 1 and first.first_only and first.verdict is Verdict.BREAKS
    roots = compare(true, ledger, scenario=scenario, market=market, first=True).roots
    assert roots is not None and [(root.first.symbol, root.count) for root in roots] == [(made[1].symbol, 1)]


def test_what_comes_after_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 400 bars with a break at bar 40, no row of the last 250 is looked at."""
    _, market, true = kit.sample(3, symbols=4, bars=400)
    made = faults.record_fault(true, market, "cash misprinted", 40, random.Random(1))
    assert made is not None
    latest = 0
    original = found.pair_rows

    def spied(keys: list[found.Comparable], *rest: object) -> object:
        nonlocal latest
        latest = max(latest, int(keys[0].reference.max(initial=0)))
        return original(keys, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(found, "pair_rows", spied)
    compare(true, made[0], first=True)
    assert market.timestamps[40] <= latest < market.timestamps[150]


def test_ledgers_that_match_are_compared_whole() -> None:
    _, _, true = kit.sample(3, symbols=4, bars=400)
    result = compare(true, true, first=True)
    assert result.verdict is Verdict.MATCHED
    assert result.compared[0].reference_rows == true.tables["targets"].rows


def test_rows_without_a_time_are_not_lost() -> None:
    """A row whose timestamp is empty differs from every other, and no stretch holds it."""
    _, _, true = kit.sample(3)
    equity = true.tables["equity"]
    column = equity.columns["timestamp"]
    missing = np.zeros(equity.rows, np.bool_)
    missing[7] = True
    wrong = kit.with_table(
        true,
        Table(
            "equity",
            {**equity.columns, "timestamp": type(column)(column.kind, column.values, None, None, missing)},
            equity.rows,
        ),
    )
    for first in (True, False):
        assert compare(true, wrong, first=first).verdict is Verdict.BREAKS
    both = kit.taking(wrong, "equity", [7])
    assert compare(kit.taking(true, "equity", []), both, first=True).verdict is Verdict.BREAKS


@pytest.mark.parametrize(
    ("theirs", "shown"),
    [
        (" AAPL", "AAPL' (reference) vs ' AAPL' (candidate)"),
        ("\u0410APL", "AAPL' (reference) vs '\\u0410APL' (candidate)"),
        ("BBBB", "AAPL (reference) vs BBBB (candidate)"),
    ],
)
def test_texts_that_look_alike_are_shown_with_what_tells_them_apart(theirs: str, shown: str) -> None:
    """Else a page would say that AAPL differs from AAPL."""
    from reconcile.text.escape import told_apart

    one = f"{told_apart('AAPL', theirs)} (reference) vs {told_apart(theirs, 'AAPL')} (candidate)"
    assert one.endswith(shown)
    assert told_apart("AAPL", "AAPL") == "AAPL"
    assert told_apart("\u00e9", "e\u0301") == "'\\xe9'"
