"""Where doubles break and no bound was given, the page proposes the tolerance file that would do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reconcile.cli import exit_code
from reconcile.comparing.compare import compare
from reconcile.comparing.proposals import NOISE, proposed
from reconcile.comparing.tolerances import read_tolerances, tolerance_toml
from reconcile.ledger.frames import from_frames
from reconcile.ledger.write import write_ledger
from vocabulary.ledger import Ledger

DAYS = pd.date_range("2024-01-01", periods=6)
PRICES = ["0.3", "1.1", "2.2", "3.3", "4.4", "5.5"]
FEES = ["1.004", "2.003", "3.004", "4.001", "5.002", "6.003"]


def exact() -> Ledger:
    return from_frames(
        {
            "fills": pd.DataFrame(
                {
                    "timestamp": DAYS,
                    "symbol": "A",
                    "side": "buy",
                    "quantity": 1,
                    "price": PRICES,
                    "commission": FEES,
                }
            )
        }
    )


def doubles(wrong: float = 0.0, noise: float = 1e-13) -> Ledger:
    """The same as doubles: prices off by noise, fees rounded, the last price wrong by as much."""
    price = [float(one) * (1 + noise) for one in PRICES]
    price[-1] += wrong
    frame = {
        "timestamp": DAYS,
        "symbol": "A",
        "side": "buy",
        "quantity": 1,
        "price": price,
        "commission": [round(float(fee), 2) for fee in FEES],
    }
    return from_frames({"fills": pd.DataFrame(frame)})


def test_the_file_proposed_absorbs_the_rounding_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a person would use it: the lines are copied from the page."""
    write_ledger(exact(), tmp_path / "one", "csv")
    write_ledger(doubles(wrong=0.25), tmp_path / "two")
    assert exit_code(["diff", str(tmp_path / "one"), str(tmp_path / "two")]) == 1
    page = capsys.readouterr().out
    assert "11 breaks look like their rounding" in page
    lines = [line.strip() for line in page.splitlines() if re.match(r'\s+"fills\.\w+" = ', line)]
    assert [line.partition(" = ")[0] for line in lines] == ['"fills.price"', '"fills.commission"']
    (tmp_path / "bounds.toml").write_text("\n".join(lines))
    sides = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert exit_code(["diff", *sides, "--tolerance", str(tmp_path / "bounds.toml")]) == 1
    page = capsys.readouterr().out
    assert page.startswith("1 break: ") and "5.5 (reference) vs 5.75" in page
    assert "look like their rounding" not in page


def test_nothing_is_proposed_without_doubles_or_without_breaks() -> None:
    """Exact ledgers are exact; equal ones need nothing."""
    frame = pd.DataFrame({"timestamp": DAYS, "symbol": "A", "side": "buy", "price": FEES})
    other = from_frames({"fills": frame})
    assert proposed(compare(exact(), other)) == ()
    assert proposed(compare(doubles(), doubles())) == ()
    assert proposed(compare(exact(), doubles(), first=True)) == ()


def test_what_rounding_does_not_explain_is_not_proposed() -> None:
    """A gap above the noise of doubles, on no grid."""
    found = proposed(compare(exact(), doubles(noise=float(NOISE) * 100)))
    assert [one.tolerance.column for one in found] == ["commission"]


def test_the_text_of_doubles_counts_as_doubles() -> None:
    """As CSV has them: seventeen digits, off by more than their own rounding."""
    sides = [
        from_frames({"equity": pd.DataFrame({"timestamp": DAYS[:2], "cash": cash})})
        for cash in (["30092.428067780507", "7"], ["30092.428067780807", "7"])
    ]
    (one,) = proposed(compare(*sides))
    assert (one.tolerance.column, one.absorbed, float(one.tolerance.bound)) == ("cash", 1, 1e-14)


def test_a_proposal_is_a_line_that_a_tolerance_file_may_hold(tmp_path: Path) -> None:
    """Read back as it was meant."""
    made = [one.tolerance for one in proposed(compare(exact(), doubles()))]
    (tmp_path / "bounds.toml").write_text("\n".join(map(tolerance_toml, made)))
    assert list(read_tolerances(tmp_path / "bounds.toml")) == made


def test_a_grid_that_explains_the_lesser_part_is_not_proposed() -> None:
    """Two fees of six are rounded, four are simply others, on the same grid."""
    fees = [round(float(fee), 2) + (0.37 if at > 1 else 0) for at, fee in enumerate(FEES)]
    frame = {"timestamp": DAYS, "symbol": "A", "side": "buy", "quantity": 1, "price": PRICES}
    other = from_frames({"fills": pd.DataFrame({**frame, "commission": np.round(fees, 2)})})
    assert proposed(compare(exact(), other)) == ()
