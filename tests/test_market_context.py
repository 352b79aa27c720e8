"""M1: a context row belongs to the bar with exactly its timestamp."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from market_kit import ROWS, scenario, write_csv
from reconcile.market.load import load_market
from vocabulary.errors import InputError
from vocabulary.market import Market


def with_context(
    folder: Path, *rows: str, header: str = "timestamp,vix", bars: tuple[str, ...] = ROWS
) -> Market:
    write_csv(folder, *bars)
    write_csv(folder, *rows, header=header, name="vix.csv")
    return load_market(replace(scenario(context="vix.csv"), origin=str(folder)))


def test_nothing_is_carried_forward_and_the_bare_bar_is_noted(tmp_path: Path) -> None:
    market = with_context(tmp_path, "2024-01-01,12.5", "2024-01-03,30")
    assert market.context["vix"][[0, 2]].tolist() == [12.5, 30]
    assert np.isnan(market.context["vix"][1])
    assert market.notes == ("bars without a context row, missing there: 1 (first: 2024-01-02)",)


def test_a_row_without_a_bar_is_noted_and_not_used(tmp_path: Path) -> None:
    rows = ("2024-01-01,1", "2024-01-02,2", "2024-01-02 12:00,99", "2024-01-03,3")
    market = with_context(tmp_path, *rows)
    assert market.context["vix"].tolist() == [1, 2, 3]
    assert market.notes == ("context rows without a bar, not used: 1 (first: 2024-01-02T12:00:00)",)


def test_unsorted_rows_several_columns_and_missing_values(tmp_path: Path) -> None:
    market = with_context(
        tmp_path, "2024-01-03,inf,3", "2024-01-01,1,", "2024-01-02,,2", header="timestamp,a,b"
    )
    assert np.isnan(market.context["a"]).tolist() == [False, True, True]
    assert np.isnan(market.context["b"]).tolist() == [True, False, False]


def test_a_context_that_meets_no_bar_is_missing_everywhere_and_said(tmp_path: Path) -> None:
    """M1: nothing is carried forward, not even the hour of the day; a gate on it stays closed (R3)."""
    market = with_context(tmp_path, "2024-01-01 16:00,1", "2024-01-02 16:00,2")
    assert np.isnan(market.context["vix"]).all()
    assert market.notes == (
        "no context row has the timestamp of a bar, all are missing "
        "(first row 2024-01-01T16:00:00, first bar 2024-01-01)",
    )


def test_two_different_rows_of_one_timestamp_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 1 and row 3: found two different rows for 2024-01-01"):
        with_context(tmp_path, "2024-01-01,1", "2024-01-02,2", "2024-01-01,1.5")


def test_a_repeated_row_is_noted(tmp_path: Path) -> None:
    market = with_context(tmp_path, "2024-01-01,1", "2024-01-01,1", "2024-01-02,2", "2024-01-03,3")
    assert market.context["vix"].tolist() == [1, 2, 3]
    assert market.notes == ("context rows that repeat another of their timestamp: 1 (first: 2024-01-01)",)


def test_a_context_in_another_zone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"vix.csv, column 'timestamp': found timestamps in zone UTC and in no zone"
    ):
        with_context(tmp_path, "2024-01-01T00:00Z,1")


def test_text_in_a_context_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"vix.csv, row 2, column 'vix': found the text 'high'; expected a number"
    ):
        with_context(tmp_path, "2024-01-01,1", "2024-01-02,high")


def test_a_context_file_without_timestamps_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"vix.csv: found the columns 'date', 'vix'; expected also 'timestamp'"
    ):
        with_context(tmp_path, "2024-01-01,1", header="date,vix")


def test_a_missing_context_file_is_an_error(tmp_path: Path) -> None:
    write_csv(tmp_path, *ROWS)
    with pytest.raises(InputError, match=r"gone.csv: found no such file"):
        load_market(replace(scenario(context="gone.csv"), origin=str(tmp_path)))


def test_a_context_beside_a_market_that_brings_its_own_is_an_error(tmp_path: Path) -> None:
    write_csv(tmp_path, "2023-01-02,1", header="timestamp,vix", name="vix.csv")
    with pytest.raises(InputError, match=r"although the synthetic market brings its own context"):
        load_market(replace(scenario(context="vix.csv"), origin=str(tmp_path)), "top25")
