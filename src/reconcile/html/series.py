"""Lines over time, read from a ledger as doubles: equity, the gap, drawdown, costs and turnover."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vocabulary.ledger import Ledger

Floats = npt.NDArray[np.float64]


def column(ledger: Ledger, table: str, name: str) -> Floats | None:
    """A numeric column as doubles, NaN where empty; None where the ledger lacks it."""
    if table not in ledger.tables or name not in ledger.tables[table].columns:
        return None
    found = ledger.tables[table].columns[name]
    values = np.asarray(found.values, dtype=np.float64)
    if found.scale:
        values = values / 10.0**found.scale
    return values if found.missing is None else np.where(found.missing, np.nan, values)


def times(ledger: Ledger, table: str) -> npt.NDArray[np.int64] | None:
    """The timestamps of a table's rows, nanoseconds since 1970 UTC."""
    if table not in ledger.tables or "timestamp" not in ledger.tables[table].columns:
        return None
    values: npt.NDArray[np.int64] = ledger.tables[table].columns["timestamp"].values
    return values


def line(ledger: Ledger, table: str, name: str) -> tuple[npt.NDArray[np.int64], Floats] | None:
    """(instants, values) in order of time, the last row of each instant; None where the ledger lacks it."""
    at, values = times(ledger, table), column(ledger, table, name)
    if at is None or values is None or not len(at):
        return None
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    last = np.append(at[1:] != at[:-1], True)
    return at[last], values[last]


def gap(
    reference: tuple[npt.NDArray[np.int64], Floats], candidate: tuple[npt.NDArray[np.int64], Floats]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Candidate minus reference at the instants that both have."""
    both, left, right = np.intersect1d(reference[0], candidate[0], return_indices=True)
    return both, candidate[1][right] - reference[1][left]


def drawdown(values: Floats) -> Floats:
    """How far each value is below the highest one so far, as a fraction <= 0."""
    peak = np.fmax.accumulate(values) if len(values) else values
    with np.errstate(divide="ignore", invalid="ignore"):
        below: Floats = np.where(peak > 0, values / peak - 1, np.nan)
    return below


def milliseconds(instants: npt.NDArray[np.int64]) -> Any:
    """Instants as the charts want them."""
    return instants / 1e6
