"""Checks the executions of one bar, order by order (E), and the sequence numbers of its fills (E1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reconcile.matching.model import ROW, BreakType
from reconcile.roots.check_fills import check_fill, fills_of, merged, same_but_number
from reconcile.roots.findings import Event, Trial
from reconcile.roots.readings import (
    DueOrder,
    Reading,
    as_ordered,
    as_stated,
    branch_readings,
    side_of,
    symbol_of,
    with_more_cash,
)
from reconcile.roots.rebuild import History, in_sequence
from reconcile.roots.rows import Cell, Row
from reference import Execution, execute, sequence
from vocabulary.state import Fill, OrderType, Status


def check_execution(
    history: History,
    trial: Trial,
    readings: list[Reading],
    t: int,
    due: list[DueOrder],
    extra_cash: tuple[int, int] = (-1, 0),
) -> tuple[list[Reading], list[DueOrder]]:
    """Execute the orders due at bar t from the ledger's own account and compare with its fills.

    readings: of the account before them. extra_cash: (place, money): assume this much more cash after the
    order at that place; -1: from the start.
    Returns every reading of the bar, the recorded one first, and the orders in their sequence.
    """
    fills = in_sequence(history.ordered_fills(t))
    entries = _submitted(history, due, 0)
    orders = [_as_filled(entries, fills)] if history.astray else [entries]
    for other in () if history.astray else (_submitted(history, due, -1), _as_filled(entries, fills)):
        if other not in orders:
            orders.append(other)
    results = []
    for order in orders:
        part = trial.fork()
        results.append((part, _in_order(history, part, readings, t, order, fills, extra_cash)))
        if not part.found():
            break
    part, readings = min(results, key=lambda result: result[0].found())
    trial.events += part.events
    return readings, entries


def _submitted(history: History, due: list[DueOrder], reading: int) -> list[DueOrder]:
    """E1, R10: the orders as they meet the cash. reading: 0 takes the first of each order, -1 the last."""
    named: dict[int, DueOrder] = {}
    orders = []
    for entry in due:
        order = entry.order(reading)
        if order is not None:
            named[id(order)] = entry
            orders.append(order)
    now = [order for order in orders if order.type is OrderType.MARKET]
    resting = [order for order in orders if order.type is not OrderType.MARKET]
    turn = [*sequence(history.scenario, now, history.market), *resting]
    return [named[id(order)] for order in turn]


def _as_filled(entries: list[DueOrder], fills: Sequence[Row]) -> list[DueOrder]:
    """The orders rearranged as their fills are numbered, where they are numbered."""
    place = {row.symbol: number for row in fills if (number := row.whole("sequence")) is not None}
    filled = iter(sorted((e for e in entries if symbol_of(e) in place), key=lambda e: place[symbol_of(e)]))
    return [next(filled) if symbol_of(entry) in place else entry for entry in entries]


def _in_order(
    history: History,
    trial: Trial,
    readings: list[Reading],
    t: int,
    entries: list[DueOrder],
    fills: Sequence[Row],
    extra_cash: tuple[int, int],
) -> list[Reading]:
    """Execute the orders one after another; each meets the account that the earlier ones left."""
    readings = with_more_cash(readings, extra_cash[1] if extra_cash[0] < 0 else 0)
    left = list(fills)
    last = {symbol_of(entry): place for place, entry in enumerate(entries)}
    for place, entry in enumerate(entries):
        mine = fills_of(history, entry, left, t, last=last[symbol_of(entry)] == place)
        done = _executions(history, readings, t, entry)
        readings, taken = check_one(history, trial, readings, t, entry, mine, done)
        if taken:
            left = [row for row in left if row not in mine]
        if place == extra_cash[0]:
            readings = with_more_cash(readings, extra_cash[1])
    for row in left:
        twin = next((other for other in fills if other is not row and same_but_number(other, row)), None)
        kind = BreakType.EXTRA if twin is None else BreakType.DUPLICATE
        trial.row("fills", kind, (t, row.symbol, side_of(row)), row, row.cells, "quantity")
        readings = branch_readings(history, readings, t, [[row], []], [])
    return readings


Executions = tuple[list[Execution], list[Fill | None]]
"""What becomes of an order in every reading, and the fills that it makes; None for no fill."""


def check_one(
    history: History,
    trial: Trial,
    readings: list[Reading],
    t: int,
    entry: DueOrder,
    fills: list[Row],
    executions: Executions,
) -> tuple[list[Reading], bool]:
    """Check one order: status, quantity filled and fill; then book it in every reading.

    executions: what the reference does with it. Returns the readings, and whether the fills are this order's.
    """
    before = trial.found()
    done, made = executions
    quantities = _check_order_row(trial, t, entry, done, doubtful=None in entry.readings)
    if None in entry.readings:
        quantities.append(0)
    if not history.rows.has("fills"):
        alternatives = [*as_ordered(history, t, entry), *(fill for fill in made if fill is not None)]
        return branch_readings(history, readings, t, [], alternatives, nothing=None in made), True
    row, taken = merged(fills), True
    part = trial.fork()
    side = check_fill(history, part, t, entry, row, done, quantities)
    if part.found() > 1 and 0 in quantities:
        # The row differs in several ways, and perhaps nothing was filled: then it is not this order's fill.
        row, taken, fills, side = None, False, [], None
    else:
        trial.events += part.events
    if trial.found() == before and len(entry.readings) == 1 and row is not None:
        return branch_readings(history, readings, t, [fills], []), True
    alternatives = [fill for fill in made if fill is not None]
    if side is not None and row is not None and row.whole("quantity"):
        alternatives += as_stated(history, t, entry, row)
    return branch_readings(history, readings, t, [fills], alternatives, nothing=None in made), taken


def _executions(history: History, readings: list[Reading], t: int, entry: DueOrder) -> Executions:
    """What the reference does with an order in every reading."""
    done: list[Execution] = []
    made: list[Fill | None] = []
    for reading in readings:
        for order in entry.readings:
            if order is None:
                made.append(None)
                continue
            if order.symbol in reading.gone:
                execution = Execution(order, Status.GONE, 0, None)
            else:
                execution = execute(history.scenario, reading.state, history.market, t, order)
            done.append(execution)
            made.append(execution.fill)
    return done, made


def _check_order_row(
    trial: Trial, t: int, entry: DueOrder, done: list[Execution], doubtful: bool
) -> list[int]:
    """Check status and filled quantity of the order's row; returns the quantities that a fill may have."""
    expected = [execution.filled for execution in done]
    row = entry.row
    if row is None or not done:
        return expected
    # A row of `orders` stands at the bar of its decision.
    where = (done[0].order.decided_at, done[0].order.symbol, side_of(row))
    stated, filled = row.cells.get("status"), row.whole("filled")
    if doubtful:
        return [*expected, *([filled] if filled is not None else [])]
    agreed = trial.cell("orders", "status", BreakType.STATUS, where, row, [x.status.value for x in done])
    allowed: list[Cell] = list(expected)
    if not agreed:
        whole = row.whole("quantity") or 0
        # The filled quantity may follow from the status that the row states.
        if stated == Status.FILLED.value:
            allowed.append(whole)
        elif stated == Status.REDUCED.value and filled is not None and 0 < filled < whole:
            allowed.append(filled)
        elif stated in (Status.NO_CASH.value, Status.NO_BAR.value, Status.GONE.value):
            allowed.append(0)
    agreed = trial.cell("orders", "filled", BreakType.QUANTITY, where, row, allowed) and agreed
    if agreed and filled is not None and "status" in row.cells:
        return [filled]  # the fill must agree with the same reading
    return [*expected, *([] if agreed or filled is None else [filled])]


Numbers = frozenset[int]
"""Sequence numbers that the last fill may have."""


def check_sequence(
    history: History,
    trial: Trial,
    t: int,
    entries: list[DueOrder],
    numbers: Numbers,
    earlier: Sequence[Event] = (),
) -> Numbers:
    """E1: check that the fills of bar t are numbered in the order in which their orders met the cash.

    A missing, surplus or doubtful row, which the trial or an earlier check of the bar has found, may leave a
    gap in the numbers, or none.
    Returns the numbers that the last fill may have.
    """
    if not history.rows.has("fills", "sequence"):
        return numbers
    fills = in_sequence(history.rows.at("fills", t))
    events = [*earlier, *trial.events]
    whole = [e.finding for e in events if e.finding is not None and e.key[:2] == ("fills", ROW)]
    doubtful = {finding.row for finding in whole}
    rows: dict[int, list[Row]] = {}
    for row in fills:
        rows.setdefault(row.symbol, []).append(row)
    sure: list[Row] = []
    entered = Counter(symbol_of(entry) for entry in entries)
    for entry in entries:
        mine = rows.get(symbol_of(entry), [])
        if (
            entered[symbol_of(entry)] == 1
            and len(mine) == 1
            and len(entry.readings) == 1
            and mine[0].at not in doubtful
        ):
            sure += rows.pop(symbol_of(entry))
    slack = sum(finding.row < 0 for finding in whole) + sum(len(more) for more in rows.values())
    for row in sure:
        number = row.whole("sequence")
        allowed: list[Cell] = [last + step for step in range(1, slack + 2) for last in sorted(numbers)]
        holds = trial.cell("fills", "sequence", BreakType.STATUS, (t, -1, side_of(row)), row, allowed)
        after = {number} if number is not None else set()
        numbers = frozenset(after if holds else after | {last + 1 for last in numbers})
    return (
        numbers if not slack else numbers | {last + step for last in numbers for step in range(1, slack + 1)}
    )
