"""The surroundings of a break.

The market data of its bar, and order, fill, position and cash of both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from reconcile.ledger.figures import rational
from reconcile.matching.cells import cell
from reconcile.text.escape import printable
from reconcile.text.layout import aligned, labelled
from reconcile.text.times import Clock

if TYPE_CHECKING:
    from reconcile.matching.model import Break, LedgerSide, Reconciliation
    from vocabulary.ledger import Table
    from vocabulary.market import Market

NO_TABLE, NOT_TOLD = "no table", "not told"
ROWS = 3
"""The most rows of one kind that are shown of each side; the rest is counted."""


def market_lines(
    found: Break, bars: tuple[int | None, int | None], market: Market, clock: Clock
) -> list[str]:
    """The market data of a break's symbol at `bars`: the bar that decided it and the bar that executed it."""
    if found.symbol is None:
        return _context_lines(bars[1], market, clock)
    if found.symbol not in market.symbols:
        return [f"market        {printable(found.symbol, 60)} is no symbol of this market"]
    place = market.symbols.index(found.symbol)
    lines = []
    for stamp in dict.fromkeys(bar for bar in bars if bar is not None):
        hit = np.flatnonzero(market.timestamps == stamp)
        if not len(hit):
            lines.append(f"{clock(stamp)}  no bar of this market")
        elif not market.present[hit[0], place]:
            lines.append(f"{clock(stamp)}  {printable(found.symbol, 60)} has no bar (M2)")
        else:
            lines.append(f"{clock(stamp)}  {_bar(market, int(hit[0]), place)}")
    return list(labelled("market", lines))


def _bar(market: Market, t: int, s: int) -> str:
    decimals = market.price_decimals
    names = ("open", "high", "low", "close")
    prices = [f"{name} {_ticks(int(getattr(market, name)[t, s]), decimals)}" for name in names]
    others = [
        f"{printable(name, 30)} {float(values[t, s]):.9g}"
        for name, values in market.features.items()
        if not np.isnan(values[t, s])
    ][:4]
    return ", ".join([*prices, *others])


def _context_lines(stamp: int | None, market: Market, clock: Clock) -> list[str]:
    hit = np.flatnonzero(market.timestamps == stamp) if stamp is not None else np.zeros(0, np.int64)
    if not len(hit):
        return []
    told = [
        f"{printable(name, 30)} {float(values[hit[0]]):.9g}"
        for name, values in market.context.items()
        if not np.isnan(values[hit[0]])
    ]
    return [f"market        {clock(stamp)}  {', '.join(told)}"] if told else []


def _ticks(ticks: int, decimals: int) -> str:
    return format(Decimal(ticks).scaleb(-decimals), "f")


def bars_of(found: Break, reconciliation: Reconciliation) -> tuple[int | None, int | None]:
    """(bar of the decision, bar of execution and booking), ns since 1970 UTC, None where unknown."""
    bars = reconciliation.bars
    if found.table in ("targets", "orders"):
        return found.timestamp, int(bars[found.cycle]) if 0 <= found.cycle < len(bars) else None
    return found.decided_at, found.timestamp


def side_lines(found: Break, reconciliation: Reconciliation, clock: Clock) -> list[str]:
    """Both sides of a break next to each other, as lines."""
    rows = side_rows(found, reconciliation)
    return list(_side_by_side(rows)) if rows else []


def side_rows(found: Break, reconciliation: Reconciliation) -> list[tuple[str, list[str], list[str]]]:
    """What both sides did around a break: (what, reference, candidate), each side as lines of text.

    Targets, orders and fills of its symbol, what is held before and after, cash and equity before and after.
    """
    decided, booked = bars_of(found, reconciliation)
    rows: list[tuple[str, list[str], list[str]]] = []
    before = _bar_before(reconciliation, booked)
    for label, table, column, stamp, show in (
        ("target", "targets", "decided_at", decided, _target),
        ("order", "orders", "decided_at", decided, _order),
        ("fill", "fills", "timestamp", booked, _fill),
        ("held before", "positions", "timestamp", before, _position),
        ("held after", "positions", "timestamp", booked, _position),
    ):
        if found.symbol is not None and stamp is not None:
            both = [
                _rows(side, table, column, stamp, found.symbol, show)
                for side in (reconciliation.reference, reconciliation.candidate)
            ]
            if any(cells is not None for cells in both):
                left, right = ([NO_TABLE] if cells is None else cells for cells in both)
                rows.append((label, left, right))
    for label, stamp in (("before", before), ("after", booked)):
        for name in ("cash", "equity"):
            values = [
                _money(side, name, stamp) for side in (reconciliation.reference, reconciliation.candidate)
            ]
            if stamp is not None and any(value is not None for value in values):
                told, other = ([value or NOT_TOLD] for value in values)
                rows.append((f"{name} {label}", told, other))
    return rows


def own_fault_lines(found: Break, reconciliation: Reconciliation) -> list[str]:
    """What the ledgers themselves say about which side is at fault."""
    from reconcile.matching.model import BreakType

    if found.type is BreakType.DUPLICATE:
        more = "reference" if found.candidate is None else "candidate"
        other = "candidate" if more == "reference" else "reference"
        return [f"the {more} has this row once more: dropped as a duplicate by the {other}, or booked twice?"]
    if (found.table, found.field) != ("positions", "quantity") or found.symbol is None:
        return []
    before = _bar_before(reconciliation, found.timestamp)
    sides = {"reference": reconciliation.reference, "candidate": reconciliation.candidate}
    if before is None:
        return []
    follows = {name: _follows(side, found.symbol, before, found.timestamp) for name, side in sides.items()}
    if sorted(follows.values(), key=str) != [False, True]:
        return []
    wrong = next(name for name, good in follows.items() if not good)
    return [f"the {wrong}'s position does not follow from its own fills; the other side's does"]


def _follows(side: LedgerSide, symbol: str, before: int, at: int) -> bool | None:
    """Whether a position is the one before plus the fills since; None where the ledger does not tell."""
    fills = _moved(side, symbol, before, at)
    held = [_held(side, symbol, stamp) for stamp in (before, at)]
    if fills is None or held[0] is None or held[1] is None:
        return None
    return bool(held[0] + fills == held[1])


def _held(side: LedgerSide, symbol: str, stamp: int) -> Fraction | None:
    """What `positions` states of a symbol at a bar; 0 without a row, None where it cannot be read."""
    table = side.tables.get("positions")
    if table is None or not {"timestamp", "symbol", "quantity"} <= set(table.columns):
        return None
    rows = _places(table, symbol, table.columns["timestamp"].values == stamp)
    if len(rows) > 1:
        return None
    return rational(cell(table.columns["quantity"], rows[0])) if rows else Fraction(0)


def _moved(side: LedgerSide, symbol: str, before: int, at: int) -> Fraction | None:
    """Signed quantity of the fills in (before, at], None where they cannot be read."""
    table = side.tables.get("fills")
    if table is None or not {"timestamp", "symbol", "side", "quantity"} <= set(table.columns):
        return None
    stamps = table.columns["timestamp"].values
    total = Fraction(0)
    for row in _places(table, symbol, (stamps > before) & (stamps <= at)):
        quantity, way = rational(cell(table.columns["quantity"], row)), cell(table.columns["side"], row)
        if quantity is None or way not in ("buy", "sell"):
            return None
        total += quantity if way == "buy" else -quantity
    return total


def _places(table: Table, symbol: str, rows: Any) -> list[int]:
    """The rows of a symbol among some rows of a table."""
    words = table.columns["symbol"].dictionary or ()
    codes = [code for code, word in enumerate(words) if word == symbol]
    return np.flatnonzero(rows & np.isin(table.columns["symbol"].values, codes)).tolist()


def _bar_before(reconciliation: Reconciliation, stamp: int | None) -> int | None:
    if stamp is None:
        return None
    place = int(np.searchsorted(reconciliation.bars, stamp)) - 1
    return int(reconciliation.bars[place]) if place >= 0 else None


def _side_by_side(rows: list[tuple[str, list[str], list[str]]]) -> Iterator[str]:
    """The rows of both sides; a star marks where they differ."""
    lines = [("", f"  {'reference':<12}", "candidate")]
    for label, left, right in rows:
        for place, (a, b) in enumerate(zip_longest(left, right, fillvalue="")):
            star = " " if a == b or {a, b} & {NO_TABLE, NOT_TOLD} else "*"
            lines.append(("" if place else label, f"{star} {a}", b))
    yield from aligned(lines, "<", label=True)


def _rows(side: LedgerSide, table: str, column: str, stamp: int, symbol: str, show: Any) -> list[str] | None:
    """The rows of one bar and symbol as text; None where the side has no such table.

    column: the time column of the table. show: turns a row into text.
    """
    held = side.tables.get(table)
    if held is None or column not in held.columns or "symbol" not in held.columns:
        return None
    words = held.columns["symbol"].dictionary or ()
    codes = [code for code, word in enumerate(words) if word == symbol]
    match = (held.columns[column].values == stamp) & np.isin(held.columns["symbol"].values, codes)
    places = np.flatnonzero(match).tolist()
    lines = [show(held, row) for row in places[:ROWS]]
    if len(places) > ROWS:
        lines.append(f"and {len(places) - ROWS} more")
    return lines or ["none"]


def _cell(table: Table, column: str, row: int) -> str:
    from reconcile.ledger.columns import column_text

    if column not in table.columns:
        return "?"
    return printable(column_text(table.columns[column], row) or "-", 40)


def _target(table: Table, row: int) -> str:
    return f"{_cell(table, 'quantity', row)}, weight {_cell(table, 'weight', row)}"


def _order(table: Table, row: int) -> str:
    cells = {name: _cell(table, name, row) for name in ("side", "quantity", "filled", "status", "reason")}
    return "{side} {quantity}, filled {filled} ({status}), {reason}".format(**cells)


def _fill(table: Table, row: int) -> str:
    cells = {name: _cell(table, name, row) for name in ("side", "quantity", "price", "commission")}
    return "{side} {quantity} at {price}, commission {commission}".format(**cells)


def _position(table: Table, row: int) -> str:
    return f"{_cell(table, 'quantity', row)} marked {_cell(table, 'mark', row)}"


def _money(side: LedgerSide, column: str, stamp: int | None) -> str | None:
    table = side.tables.get("equity")
    if stamp is None or table is None or column not in table.columns or "timestamp" not in table.columns:
        return None
    places = np.flatnonzero(table.columns["timestamp"].values == stamp)
    return _cell(table, column, int(places[0])) if len(places) else None
