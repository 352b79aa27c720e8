"""Exact figures of a ledger: cells, totals, equity and return as decimals with all their digits.

An integer with a scale is itself. A double stands for the shortest decimal that reads back as it. What a
ledger does not say is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction

from vocabulary.ledger import Column, Ledger, Manifest, Table

RETURN_PLACES = 9
"""Decimals of returns and drawdowns."""


def scaled(number: int, scale: int) -> Decimal:
    """number / 10**scale with all its digits. (`scaleb` would round to the 28 of the decimal context.)"""
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))


def decimal_of(number: Fraction, digits: int = 28) -> Decimal:
    """A fraction as a decimal: exact where it ends within 80 digits, else rounded to `digits`."""
    with localcontext() as context:
        context.prec = 80
        exactly = Decimal(number.numerator) / Decimal(number.denominator)
        if Fraction(exactly) == number:
            return exactly
        context.prec = digits
        return Decimal(number.numerator) / Decimal(number.denominator)


def rational(value: Decimal | float | int | str | None) -> Fraction | None:
    """The number that a cell stands for; None for an empty cell, a word, NaN or an infinity."""
    if value is None or isinstance(value, str):
        return None
    if isinstance(value, float):
        return Fraction(repr(value)) if math.isfinite(value) else None
    return Fraction(value)


def difference(
    found: Decimal | float | int | str | None, expected: Decimal | float | int | str | None
) -> Decimal | float | None:
    """found - expected: exact where both are, a double where one is; None where one is no number."""
    if isinstance(found, str) or isinstance(expected, str) or found is None or expected is None:
        return None
    if isinstance(found, float) or isinstance(expected, float):
        return float(found) - float(expected)
    return decimal_of(Fraction(found) - Fraction(expected))


def amount(column: Column, row: int) -> Decimal | None:
    """One number of a column; None where the cell is empty or not finite."""
    if column.missing is not None and column.missing[row]:
        return None
    if column.scale is not None:
        return scaled(int(column.values[row]), column.scale)
    value = float(column.values[row])
    return Decimal(repr(value)) if math.isfinite(value) else None


def total(table: Table | None, name: str) -> Decimal | None:
    """The sum of a column, of any size (L1); empty cells and what is not finite count as 0."""
    column = None if table is None else table.columns.get(name)
    if column is None:
        return None
    values = column.values if column.missing is None else column.values[~column.missing]
    if column.scale is not None:
        return scaled(sum(values.tolist()), column.scale)
    return Decimal(repr(math.fsum(value for value in values.tolist() if math.isfinite(value))))


def fill_cost(tables: Mapping[str, Table], name: str) -> Decimal | None:
    """The sum of `commission` or `slippage` over `fills`, over `costs` where fills lack the column."""
    source = next((t for t in ("fills", "costs") if t in tables and name in tables[t].columns), None)
    return None if source is None else total(tables[source], name)


def rebalance_count(ledger: Ledger) -> int | None:
    """How many rebalances `equity` numbers."""
    table = ledger.tables.get("equity")
    column = None if table is None else table.columns.get("rebalance")
    if column is None:
        return None
    values = column.values if column.missing is None else column.values[~column.missing]
    return len(set(values.tolist()))


def equity_curve(ledger: Ledger) -> list[Decimal]:
    """Equity in order of time, which the table need not have; empty cells are left out."""
    table = ledger.tables.get("equity")
    if table is None or not {"timestamp", "equity"} <= set(table.columns):
        return []
    order = table.columns["timestamp"].values.argsort(kind="stable").tolist()
    cells = (amount(table.columns["equity"], row) for row in order)
    return [value for value in cells if value is not None]


def final_equity(ledger: Ledger) -> Decimal | None:
    """Equity of the latest timestamp; of several rows of one timestamp the last."""
    table = ledger.tables.get("equity")
    if table is None or "equity" not in table.columns or not table.rows:
        return None
    stamps = table.columns.get("timestamp")
    row = table.rows - 1 if stamps is None else int(stamps.values.argsort(kind="stable")[-1])
    return amount(table.columns["equity"], row)


def initial_cash(manifest: Manifest) -> Decimal | None:
    """The cash a ledger says it began with, in currency."""
    cash, ticks, lots = manifest.initial_cash, manifest.price_decimals, manifest.quantity_decimals
    return None if cash is None or ticks is None or lots is None else scaled(cash, ticks + lots)


def total_return(equity: Decimal | None, initial: Decimal | None) -> Decimal | None:
    """Equity over initial cash, less 1, to 9 decimals."""
    if equity is None or not initial:
        return None
    return _rounded((Fraction(equity) - Fraction(initial)) / Fraction(initial))


def max_drawdown(curve: Iterable[Decimal]) -> Decimal:
    """The largest fall from a peak, as a fraction of the peak, to 9 decimals."""
    peak, worst = Fraction(0), Fraction(0)
    for value in map(Fraction, curve):
        peak = max(peak, value)
        if peak > 0:
            worst = max(worst, (peak - value) / peak)
    return _rounded(worst)


def _rounded(ratio: Fraction) -> Decimal:
    """Half up in whole numbers: the same nine decimals on every platform."""
    unit = 10**RETURN_PLACES
    return scaled((2 * ratio.numerator * unit + ratio.denominator) // (2 * ratio.denominator), RETURN_PLACES)
