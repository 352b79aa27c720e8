"""Checks the fills of one order (E2, E3)."""

from __future__ import annotations

from fractions import Fraction

from reconcile.matching.model import BreakType
from reconcile.roots.findings import Trial
from reconcile.roots.readings import DueOrder, execution_price, side_of
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Cell, Row
from reference import Execution, commission_of, fill_price
from vocabulary.state import Fill, Order, Side


def fills_of(history: History, entry: DueOrder, fills: list[Row], t: int, last: bool) -> list[Row]:
    """The fills of one order: those of its symbol and, where the rows state it, of its decision."""
    order = entry.order()
    if history.from_file and entry.row is not None and entry.row.whole("filled") == 0 and not last:
        return []  # another order of the symbol may have filled (R10)
    rows = [row for row in fills if order is not None and row.symbol == order.symbol]
    if len(rows) < 2 or order is None:
        if rows and not last and order is not None and history.rows.has("fills", "decided_at"):
            stamp = int(history.market.timestamps[order.decided_at])
            return [row for row in rows if row.cells.get("decided_at") == stamp]
        return rows
    stamp = int(history.market.timestamps[order.decided_at])
    decided = [row for row in rows if row.cells.get("decided_at") == stamp]
    rows = decided or rows
    stated = None if entry.row is None else entry.row.whole("filled")
    if len(rows) > 1 and sum(row.whole("quantity") or 0 for row in rows) == (stated or order.quantity):
        return rows
    return sorted(
        rows,
        key=lambda row: (
            side_of(row) != order.side.value,
            abs((row.whole("quantity") or 0) - order.quantity),
        ),
    )[:1]


def same_but_number(a: Row, b: Row) -> bool:
    """Whether two rows are equal but for their sequence number."""
    return all(a.cells[name] == b.cells[name] for name in a.cells if name != "sequence")


def check_fill(
    history: History,
    trial: Trial,
    t: int,
    entry: DueOrder,
    row: Row | None,
    done: list[Execution],
    quantities: list[int],
) -> str | None:
    """Check the fill of an order; returns the side that its row states.

    row: None for no fill. done: what the reference does in each reading. quantities: those it may have.
    """
    order = entry.order()
    assert order is not None
    where = (t, order.symbol, order.side.value if row is None else side_of(row))
    made = [execution.fill for execution in done if execution.fill is not None]
    # Prefer the reading in which the filled quantity is the one that the order's row states.
    fill = next((one for one in made if one.quantity in quantities), made[0] if made else None)
    if row is None:
        if 0 not in quantities and fill is not None:
            trial.row("fills", BreakType.MISSING, where, None, _content(history, t, order, fill), "quantity")
        return None
    if not any(quantities):
        trial.row("fills", BreakType.EXTRA, where, row, row.cells, "quantity")
        return side_of(row)
    trial.row("fills", None, where, row, {}, "quantity")
    orders = [reading for reading in entry.readings if reading is not None]
    trial.cell("fills", "side", BreakType.ORDER, where, row, [o.side.value for o in orders])
    stamps = history.market.timestamps
    decided: list[Cell] = [int(stamps[o.decided_at]) for o in orders]
    reasons: list[Cell] = [o.reason for o in orders]
    trial.cell("fills", "decided_at", BreakType.ORDER, where, row, decided)
    trial.cell("fills", "reason", BreakType.ORDER, where, row, reasons)
    allowed: list[Cell] = [quantity for quantity in quantities if quantity]
    trial.cell("fills", "quantity", BreakType.QUANTITY, where, row, allowed)
    _check_price(history, trial, t, order, row, fill, entry.at_level)
    return side_of(row)


def _check_price(
    history: History, trial: Trial, t: int, order: Order, row: Row, fill: Fill | None, at_level: bool
) -> None:
    """Check price, notional and costs: as the reference computes them, or as the row itself implies."""
    where = (t, order.symbol, side_of(row))
    quantity = row.whole("quantity") or 0
    raw = execution_price(history, t, order.symbol)
    if raw is None or quantity <= 0 or (at_level and fill is None):
        return
    priced, raws = [] if fill is None else [fill], [raw]
    if at_level and fill is not None:
        raws = _level_raws(history, row, fill)
    else:
        sides = dict.fromkeys((order.side, Side(side_of(row) or order.side.value)))
        priced += [history.priced(t, order.symbol, side, quantity) for side in sides]
    prices: list[Cell] = [one.price for one in priced]
    trial.cell("fills", "price", BreakType.PRICE, where, row, prices)
    stated = row.whole("price")
    notionals: list[Cell] = [one.notional for one in priced]
    slippages: list[Cell] = [one.slippage for one in priced]
    charged: list[Cell] = [one.commission for one in priced]
    if stated is not None:
        notionals.append(quantity * stated)
        slippages += [quantity * abs(stated - raw) for raw in raws]
    for notional in (None if stated is None else quantity * stated, row.whole("notional")):
        if notional is not None:
            charged += [commission_of(history.scenario, quantity, notional, raw) for raw in raws]
    trial.cell("fills", "notional", BreakType.COST, where, row, notionals)
    trial.cell("fills", "commission", BreakType.COST, where, row, charged)
    trial.cell("fills", "slippage", BreakType.COST, where, row, slippages)


def _level_raws(history: History, row: Row, fill: Fill) -> list[int]:
    """X8, A2: the raw prices of a close at a level: of the fill, and of the row's own price and slippage."""
    away = 1 if fill.side is Side.SELL else -1
    raws = [fill.price + away * (fill.slippage // fill.quantity)]
    price, slippage, quantity = (row.whole(name) for name in ("price", "slippage", "quantity"))
    if price is not None and slippage is not None and quantity:
        raw = price + away * (slippage // quantity)
        if raw > 0 and (slippage == 0 or fill_price(history.scenario, raw, fill.side) == price):
            raws.append(raw)
    return raws


def _content(history: History, t: int, order: Order, fill: Fill) -> dict[str, Cell]:
    """The row that a fill would have in `fills`."""
    stamps = history.market.timestamps
    return {
        "timestamp": int(stamps[t]),
        "decided_at": int(stamps[order.decided_at]),
        "symbol": history.market.symbols[fill.symbol],
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "notional": fill.notional,
        "commission": fill.commission,
        "slippage": fill.slippage,
        "reason": order.reason,
    }


def merged(rows: list[Row]) -> Row | None:
    """Several fills of one order as one row: quantities and costs are summed, the price is weighted."""
    if len(rows) < 2:
        return rows[0] if rows else None
    cells: dict[str, Cell] = dict(rows[0].cells)
    for name in ("quantity", "notional", "commission", "slippage"):
        values = [row.cells.get(name) for row in rows]
        if all(isinstance(value, int | Fraction) for value in values):
            total = sum((Fraction(v) for v in values if isinstance(v, int | Fraction)), Fraction(0))
            cells[name] = int(total) if total.denominator == 1 else total
    weights = [(row.cells.get("quantity"), row.cells.get("price")) for row in rows]
    if all(isinstance(q, int | Fraction) and isinstance(p, int | Fraction) for q, p in weights):
        paid = sum((Fraction(q) * Fraction(p) for q, p in weights), Fraction(0))  # type: ignore[arg-type]
        size = sum((Fraction(q) for q, _ in weights), Fraction(0))  # type: ignore[arg-type]
        price = paid / size if size else Fraction(0)
        cells["price"] = int(price) if price.denominator == 1 else price
    return Row(rows[0].at, rows[0].symbol, cells)
