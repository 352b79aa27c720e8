"""A ledger in a handful of exact numbers, and its rows by rebalance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from reconcile.golden.model import Figures
from vocabulary.ledger import Column, Ledger, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Value

_PLACES = 9
SUMMARY = (
    "rebalance",
    "decided_at",
    "end",
    "targets",
    "fills",
    "turnover",
    "commission",
    "slippage",
    "equity",
)
"""Columns of summary.csv: one row a rebalance with all that follows up to the next one."""


def figures_of(ledger: Ledger, links: tuple[str, ...]) -> Figures:
    """The figures of a ledger; links: its digest chain, one a bar, at least one."""
    fills, equity = ledger.tables.get("fills"), ledger.tables.get("equity")
    curve = _curve(equity)
    start = _start(ledger)
    return Figures(
        ledger=links[-1],
        bars=len(links),
        rebalances=_rebalances(equity),
        fills=None if fills is None else fills.rows,
        turnover=_total(fills, "notional"),
        commission=_total(fills, "commission"),
        slippage=_total(fills, "slippage"),
        final_equity=curve[-1] if curve else None,
        total_return=_return(start, curve[-1]) if curve and start else None,
        max_drawdown=_drawdown(curve) if curve else None,
    )


def summary_rows(ledger: Ledger) -> list[tuple[str, ...]]:
    """The rows of summary.csv as text, "" for what the ledger does not tell."""
    from reconcile.comparing.compare import compare
    from reconcile.files.instants import iso_text

    periods = compare(ledger, ledger, tables=tuple(ledger.tables)).periods

    def moment(nanoseconds: int | None) -> str:
        import numpy as np

        if nanoseconds is None:
            return ""
        return iso_text(np.array([nanoseconds], dtype=np.int64), ledger.manifest.timezone)[0]

    rows = []
    for period in periods:
        side = period.reference
        cells = (side.targets, side.fills, side.turnover, side.commission, side.slippage, side.equity)
        number = "" if period.number is None else str(period.number)
        rows.append((number, moment(period.decided_at), moment(period.end), *map(_text, cells)))
    return rows


def is_empty(ledger: Ledger) -> bool:
    """Whether there is nothing to pin: not one fill, or, in a ledger without that table, not one row."""
    if "fills" in ledger.tables:
        return ledger.tables["fills"].rows == 0
    return not any(table.rows for table in ledger.tables.values())


def _text(value: Value) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def _cells(table: Table | None, name: str) -> list[Decimal]:
    """The numbers of a column, exactly; those that are empty or not finite left out."""
    column = None if table is None else table.columns.get(name)
    if column is None:
        return []
    return [value for row in range(len(column.values)) if (value := _cell(column, row)) is not None]


def _cell(column: Column, row: int) -> Decimal | None:
    from reconcile.ledger.cells import exact

    value = exact(column, row)
    if value is None or isinstance(value, str):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _total(table: Table | None, name: str) -> Decimal | None:
    """The sum of a column, exact."""
    if table is None or name not in table.columns:
        return None
    column = table.columns[name]
    if column.scale is None:
        finite = (float(value) for value in column.values.tolist() if math.isfinite(value))
        return Decimal(repr(math.fsum(finite)))
    values = column.values if column.missing is None else column.values[~column.missing]
    return _scaled(sum(values.tolist()), column.scale)


def _scaled(number: int, scale: int) -> Decimal:
    """number * 10**-scale with all its digits: scaleb would round to the context's 28."""
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))


def _curve(table: Table | None) -> list[Decimal]:
    """Equity by time; a foreign table may be in any order."""
    if table is None or not {"timestamp", "equity"} <= set(table.columns):
        return []
    order = table.columns["timestamp"].values.argsort(kind="stable").tolist()
    cells = (_cell(table.columns["equity"], row) for row in order)
    return [value for value in cells if value is not None]


def _start(ledger: Ledger) -> Decimal | None:
    manifest = ledger.manifest
    if manifest.initial_cash is None or manifest.price_decimals is None:
        return None
    return _scaled(manifest.initial_cash, manifest.price_decimals + (manifest.quantity_decimals or 0))


def _rebalances(table: Table | None) -> int | None:
    column = None if table is None else table.columns.get("rebalance")
    if column is None:
        return None
    values = column.values if column.missing is None else column.values[~column.missing]
    return len(set(values.tolist()))


def _return(start: Decimal, end: Decimal) -> Decimal:
    return _rounded((Fraction(end) - Fraction(start)) / Fraction(start))


def _drawdown(curve: Iterable[Decimal]) -> Decimal:
    """The largest fall from a peak, as a fraction of the peak."""
    peak, worst = Fraction(0), Fraction(0)
    for value in map(Fraction, curve):
        peak = max(peak, value)
        if peak > 0:
            worst = max(worst, (peak - value) / peak)
    return _rounded(worst)


def _rounded(ratio: Fraction) -> Decimal:
    """Half up in whole numbers: the same nine decimals on every platform."""
    unit = 10**_PLACES
    return _scaled((2 * ratio.numerator * unit + ratio.denominator) // (2 * ratio.denominator), _PLACES)
