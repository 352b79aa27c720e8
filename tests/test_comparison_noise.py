"""Doubles that differ by their rounding match and are counted; rounded numbers and exact ones break."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from reconcile.comparing.compare import compare
from reconcile.comparing.wording import headline
from reconcile.ledger.frames import from_frames
from reconcile.matching.model import Reconciliation, Verdict
from vocabulary.ledger import Ledger

ROWS = 60
STEPS = np.random.default_rng(1).normal(0, 300, ROWS)


def ledger(cash: Sequence[object] | np.ndarray) -> Ledger:  # type: ignore[type-arg]
    days = pd.date_range("2024-01-01", periods=len(cash))
    return from_frames({"equity": pd.DataFrame({"timestamp": days, "cash": cash})})


def summed(first: float = 1_000_000.0) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """The same sums of doubles, taken from the front and in pairs."""
    one = first + np.cumsum(STEPS)
    other = np.array([float(np.sum(np.append(STEPS[: place + 1], first))) for place in range(ROWS)])
    assert (one != other).any()
    return one, other


def shown(found: Reconciliation) -> str:
    return headline(found, str)


def test_sums_in_another_order_match_within_float_noise() -> None:
    """The bound needs no tolerance file; how many cells and how far apart they are is reported."""
    found = compare(*map(ledger, summed()))
    assert found.verdict is Verdict.MATCHED and not len(found.breaks)
    (noise,) = found.noise
    assert noise.cells > 0 and 0 < noise.largest < 1e-8
    assert shown(found).startswith(f"matched within float noise, largest gap {noise.largest:g}: 0 breaks, ")


def test_cash_that_is_spent_to_nothing_is_noise_beside_nothing() -> None:
    """What is left of a million is measured against the million."""
    one = [1_000_000.0, 0.1 + 0.2 - 0.3]
    found = compare(ledger(one), ledger([1_000_000.0, 0.0]))
    assert found.verdict is Verdict.MATCHED and found.noise[0].cells == 1


@pytest.mark.parametrize("decimals", [2, 6, 8])
def test_rounding_stays_a_break(decimals: int) -> None:
    """Even where its gaps are smaller than the bound of noise: they are of the size of a grid."""
    one, _ = summed()
    found = compare(ledger(one), ledger(np.round(one, decimals)))
    assert found.verdict is Verdict.BREAKS and not found.noise


def test_a_double_on_the_grid_of_exact_amounts_is_another_amount() -> None:
    """One unit of the eighth decimal is a break beside an exact ledger, and noise is not."""
    exact = [f"{value:.8f}" for value in summed()[0]]
    units = [float(text) for text in exact]
    noisy = [value + spacing for value, spacing in zip(units, np.spacing(units), strict=True)]
    assert compare(ledger(exact), ledger(noisy)).verdict is Verdict.MATCHED
    wrong = [*units[:-1], round(units[-1] + 1e-8, 8)]
    assert len(compare(ledger(exact), ledger(wrong)).breaks) == 1


def test_exact_amounts_have_no_noise() -> None:
    """The bound is for cells that were doubles, and only for them."""
    one = [f"{value:.8f}" for value in summed()[0]]
    other = [*one[:-1], one[-1][:-1] + ("1" if one[-1][-1] != "1" else "2")]
    assert len(compare(ledger(one), ledger(other)).breaks) == 1


def test_a_break_beside_noise_is_still_a_break() -> None:
    """Noise is absorbed cell by cell and hides nothing."""
    one, other = summed()
    other[30] += 0.01
    found = compare(ledger(one), ledger(other))
    assert len(found.breaks) == 1 and found.first is not None and found.noise
