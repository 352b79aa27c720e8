"""The summary of a run: a handful of numbers read from each side's ledger, and the verdict.

As JSON (`to_json`), version 1. Amounts are exact decimals, timestamps ISO 8601 in the market's zone, and
what a ledger does not tell is null:

    kind, version        "tieout.run", 1
    verdict              matched, breaks, matched_as_far_as_compared or nothing_compared
    breaks               how many
    first                null when nothing differs, else: rebalance, decided_at, timestamp, stage, type,
                         symbol, field, reference, candidate
    not_compared         table or table.column, and why, one text each
    scenario, market     name and digest
    bars, symbols, events
    notes                what was odd in the market's data
    loading_seconds, compiling_seconds (null for a user's engine)
    reference, candidate name, fills, rebalances, commission, slippage, final_equity, total_return,
                         seconds, events_per_second, stranded (symbols held that never trade again, M3),
                         deterministic (null unless run with --twice)

Where --twice finds a side that disagrees with itself there are no numbers: kind and version as above, verdict
`not_deterministic`, breaks and first null, of each side name and deterministic, and under `disagreements` one
object a side: side, rebalance, decided_at, timestamp, stage, type, symbol, field, runs, values.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reconcile.text.times import stamp
from vocabulary.ledger import Column, Kind, Ledger, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Break
    from reconcile.running.run import Outcome, Side
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

KIND = "tieout.run"
VERSION = 1


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


def as_json(outcome: Outcome, summary: Summary) -> str:
    """The summary as JSON text; the keys are in this module's docstring."""
    market, scenario, found = outcome.market, outcome.scenario, outcome.reconciliation
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": found.verdict.value,
            "breaks": len(found.breaks),
            "first": None if found.first is None else first_break(found.first, market),
            "not_compared": [
                f"{gap.table}{'' if gap.column is None else '.' + gap.column}: {gap.why.value}"
                for gap in found.not_compared
            ],
            "scenario": {"name": scenario.name, "digest": scenario.digest},
            "market": {"name": market.name, "digest": market.digest},
            "bars": len(market.timestamps),
            "symbols": len(market.symbols),
            "events": market.present.size,
            "notes": market.notes,
            "loading_seconds": round(outcome.loading, 6),
            "compiling_seconds": None if outcome.compiling is None else round(outcome.compiling, 6),
            "reference": _side(summary.reference, outcome),
            "candidate": _side(summary.candidate, outcome),
        }
    )


def first_break(found: Break, market: Market) -> dict[str, Any]:
    """A break under the names the summary uses."""
    at = {name: getattr(found, name) for name in ("decided_at", "timestamp")}
    sides = {name: getattr(found, name) for name in ("reference", "candidate")}
    if found.kind is Kind.TIMESTAMP:
        sides = {name: stamp(market, value) for name, value in sides.items()}
    return {
        "rebalance": found.rebalance,
        **{name: stamp(market, value) for name, value in at.items()},
        "stage": found.stage.value,
        "type": found.type.value,
        "symbol": found.symbol,
        "field": found.field,
        **sides,
    }


def _side(side: SideSummary, outcome: Outcome) -> dict[str, Any]:
    values = {field.name: getattr(side, field.name) for field in fields(side)}
    stranded_names = [one.symbol for one in side.stranded]
    return {**values, "stranded": stranded_names, "deterministic": outcome.deterministic}


def to_json(value: Any, indent: str = "") -> str:
    """JSON text in which a Decimal is a number with all its digits (json would make it a float)."""
    deeper = indent + "  "
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping) and value:
        pairs = (f"{json.dumps(str(key))}: {to_json(item, deeper)}" for key, item in value.items())
        return "{\n" + ",\n".join(deeper + pair for pair in pairs) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and value:
        return "[\n" + ",\n".join(deeper + to_json(item, deeper) for item in value) + f"\n{indent}]"
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(str(value))
    return json.dumps([] if value == () else value)
