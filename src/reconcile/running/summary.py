"""The figures of a run: a handful of numbers, read from each side's ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from vocabulary.ledger import Column, Ledger, Table

if TYPE_CHECKING:
    from reconcile.running.run import Outcome, Side
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Stranded:
    """M3. A position open at the end in a symbol that stopped trading before it.

    quantity: signed shares. last: nanoseconds of the symbol's last bar, None if it never had one.
    """

    symbol: str
    quantity: Decimal
    last: int | None


@dataclass(frozen=True, slots=True)
class SideSummary:
    """One side's numbers, each None where its ledger cannot tell.

    commission, slippage, final_equity: currency. total_return: a fraction, to 9 decimals.
    """

    name: str
    fills: int | None
    rebalances: int | None
    commission: Decimal | None
    slippage: Decimal | None
    final_equity: Decimal | None
    total_return: Decimal | None
    seconds: float
    events_per_second: int
    stranded: tuple[Stranded, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Both sides' numbers."""

    reference: SideSummary
    candidate: SideSummary


def summarise(outcome: Outcome) -> Summary:
    """Read both sides' numbers from their ledgers."""
    scenario, market = outcome.scenario, outcome.market
    return Summary(
        _summarise(outcome.reference, scenario, market), _summarise(outcome.candidate, scenario, market)
    )


def _summarise(side: Side, scenario: Scenario, market: Market) -> SideSummary:
    ledger = side.ledger
    equity = _last(ledger.tables.get("equity"), "equity")
    events = market.present.size
    return SideSummary(
        name=side.name,
        fills=ledger.tables["fills"].rows if "fills" in ledger.tables else None,
        rebalances=_rebalances(ledger),
        commission=_total(ledger, "commission"),
        slippage=_total(ledger, "slippage"),
        final_equity=equity,
        total_return=_return(equity, _initial_cash(ledger, scenario)),
        seconds=round(side.seconds, 6),
        events_per_second=round(events / side.seconds) if side.seconds > 0 else 0,
        stranded=stranded(ledger, market),
    )


def stranded(ledger: Ledger, market: Market) -> tuple[Stranded, ...]:
    """Positions of the last bar whose symbol has no bar there: they keep their last mark (M3)."""
    table = ledger.tables.get("positions")
    if table is None or not {"timestamp", "symbol", "quantity"} <= set(table.columns):
        return ()
    stamps, names, lots = (table.columns[name] for name in ("timestamp", "symbol", "quantity"))
    places = {symbol: place for place, symbol in enumerate(market.symbols)}
    found = []
    for row in (stamps.values == market.timestamps[-1]).nonzero()[0].tolist():
        symbol = (names.dictionary or ())[int(names.values[row])]
        place = places.get(symbol)
        quantity = amount(lots, row)
        if place is not None and quantity and not market.present[-1, place]:
            bars = market.present[:, place].nonzero()[0]
            last = int(market.timestamps[bars[-1]]) if len(bars) else None
            found.append(Stranded(symbol, quantity, last))
    return tuple(found)


def amount(column: Column, row: int) -> Decimal | None:
    """One number of a column, exactly as it stands there; None where it is empty or not finite."""
    if column.missing is not None and column.missing[row]:
        return None
    return _decimal(column.values[row], column.scale)


def _decimal(value: Any, scale: int | None) -> Decimal | None:
    if scale is not None:
        number = int(value)
        # Not Decimal(number).scaleb(-scale): that rounds to the context's 28 digits.
        return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))
    return Decimal(repr(float(value))) if math.isfinite(value) else None


def _total(ledger: Ledger, name: str) -> Decimal | None:
    """The sum of a column of `fills`, or of `costs` where fills lack it; unbounded (L1)."""
    for table in ("fills", "costs"):
        column = ledger.tables[table].columns.get(name) if table in ledger.tables else None
        if column is not None:
            values = column.values if column.missing is None else column.values[~column.missing]
            if column.scale is not None:
                return _decimal(sum(values.tolist()), column.scale)
            return _decimal(math.fsum(v for v in values.tolist() if math.isfinite(v)), None)
    return None


def _rebalances(ledger: Ledger) -> int | None:
    table = ledger.tables.get("equity")
    column = None if table is None else table.columns.get("rebalance")
    if column is None:
        return None
    values = column.values if column.missing is None else column.values[~column.missing]
    return len(set(values.tolist()))


def _last(table: Table | None, name: str) -> Decimal | None:
    """The number at the latest timestamp; a foreign table may be in any order."""
    if table is None or name not in table.columns or not table.rows:
        return None
    stamps = table.columns.get("timestamp")
    row = table.rows - 1 if stamps is None else int(stamps.values.argmax())
    return amount(table.columns[name], row)


def _initial_cash(ledger: Ledger, scenario: Scenario) -> Decimal:
    """What the ledger says it started with, else what the scenario gives."""
    source, manifest = scenario.market, ledger.manifest
    if None not in (manifest.initial_cash, manifest.price_decimals, manifest.quantity_decimals):
        scale = int(manifest.price_decimals or 0) + int(manifest.quantity_decimals or 0)
        cash = _decimal(manifest.initial_cash, scale)
    else:
        cash = _decimal(scenario.initial_cash, source.price_decimals + source.quantity_decimals)
    assert cash is not None
    return cash


def _return(equity: Decimal | None, initial: Decimal) -> Decimal | None:
    if equity is None or not initial:
        return None
    ratio = (Fraction(equity) - Fraction(initial)) / Fraction(initial)
    # Half up in whole numbers: the same nine decimals on every platform.
    return _decimal((2 * ratio.numerator * 10**9 + ratio.denominator) // (2 * ratio.denominator), 9)
