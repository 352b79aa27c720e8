"""The executions of one bar, order by order, compared (E)."""

from __future__ import annotations

from collections.abc import Sequence

from reconcile.matching.model import ROW, BreakType
from reconcile.roots.branches import Branch, as_ordered, as_stated, branched, richer
from reconcile.roots.fills import check_fill, fills_of, merged, says_the_same
from reconcile.roots.findings import Trial
from reconcile.roots.numbering import Numbers, check_sequence
from reconcile.roots.pending_orders import Due, side_of, symbol_of
from reconcile.roots.rebuild import History, in_sequence
from reconcile.roots.rows import Cell, Row
from reference import Execution, execute, sequence
from vocabulary.state import Fill, State, Status


def check_execution(
    history: History,
    trial: Trial,
    state: State,
    t: int,
    due: list[Due],
    numbers: Numbers,
    apart: tuple[int, int] = (-1, 0),
) -> tuple[list[Branch], Numbers]:
    """Execute the orders due at bar t from the ledger's own state and compare with its fills.

    apart: (place, money): with so much more cash at hand after the order at that place (-1: from the start).
    Returns every reading of the bar, the recorded one first, and the numbers for the next.
    """
    fills = in_sequence(history.rows.at("fills", t))
    entries = _submitted(history, due, 0)
    orders = [entries]
    for other in (_submitted(history, due, -1), _as_filled(entries, fills)):
        if other not in orders:
            orders.append(other)
    results = []
    for order in orders:
        part = trial.fork()
        results.append((part, _in_order(history, part, state, t, order, fills, apart)))
        if not part.found():
            break
    part, branches = min(results, key=lambda result: result[0].found())
    trial.events += part.events
    whole = [e.finding for e in part.events if e.finding is not None and e.key[:2] == ("fills", ROW)]
    return branches, check_sequence(history, trial, t, entries, fills, numbers, whole)


def _submitted(history: History, due: list[Due], reading: int) -> list[Due]:
    """E1: in the order in which they meet the cash, by their first (0) or last (-1) reading."""
    named: dict[int, Due] = {}
    orders = []
    for entry in due:
        order = entry.order(reading)
        if order is not None:
            named[id(order)] = entry
            orders.append(order)
    return [named[id(order)] for order in sequence(history.scenario, orders)]


def _as_filled(entries: list[Due], fills: Sequence[Row]) -> list[Due]:
    """The same in the order the fills say, where they say one."""
    place = {row.symbol: number for row in fills if (number := row.whole("sequence")) is not None}
    filled = iter(sorted((e for e in entries if symbol_of(e) in place), key=lambda e: place[symbol_of(e)]))
    return [next(filled) if symbol_of(entry) in place else entry for entry in entries]


def _in_order(
    history: History,
    trial: Trial,
    state: State,
    t: int,
    entries: list[Due],
    fills: Sequence[Row],
    apart: tuple[int, int],
) -> list[Branch]:
    """Each order meets what the earlier ones left."""
    branches = richer([Branch(state)], apart[1] if apart[0] < 0 else 0)
    left = list(fills)
    for place, entry in enumerate(entries):
        later = any(symbol_of(other) == symbol_of(entry) for other in entries[place + 1 :])
        mine = fills_of(history, entry, left, t, last=not later)
        branches, taken = _check_one(history, trial, branches, t, entry, mine)
        if taken:
            left = [row for row in left if row not in mine]
        if place == apart[0]:
            branches = richer(branches, apart[1])
    for row in left:
        twin = next((other for other in fills if other is not row and says_the_same(other, row)), None)
        kind = BreakType.EXTRA if twin is None else BreakType.DUPLICATE
        trial.row("fills", kind, (t, row.symbol, side_of(row)), row, row.cells, "quantity")
        branches = branched(history, branches, t, [[row], []], [])
    return branches


def _check_one(
    history: History, trial: Trial, branches: list[Branch], t: int, entry: Due, fills: list[Row]
) -> tuple[list[Branch], bool]:
    """One order: its status and quantity, its fill, and the account after it in every reading.

    Returns the readings, and whether the fills are this order's.
    """
    before = trial.found()
    done, made = _executions(history, branches, t, entry)
    quantities = _check_order_row(trial, t, entry, done, doubtful=None in entry.readings)
    if None in entry.readings:
        quantities.append(0)
    if not history.rows.has("fills"):
        alternatives = [*as_ordered(history, t, entry), *(fill for fill in made if fill is not None)]
        return branched(history, branches, t, [], alternatives, nothing=None in made), True
    row, taken = merged(fills), True
    part = trial.fork()
    side = check_fill(history, part, t, entry, row, done, quantities)
    if part.found() > 1 and 0 in quantities:
        # Unlike in more than one way, where nothing may have been filled: then it is not this order's.
        row, taken, fills, side = None, False, [], None
    else:
        trial.events += part.events
    if trial.found() == before and len(entry.readings) == 1 and row is not None:
        return branched(history, branches, t, [fills], []), True
    alternatives = [fill for fill in made if fill is not None]
    if side is not None and row is not None and row.whole("quantity"):
        alternatives += as_stated(history, t, entry, row)
    return branched(history, branches, t, [fills], alternatives, nothing=None in made), taken


def _executions(
    history: History, branches: list[Branch], t: int, entry: Due
) -> tuple[list[Execution], list[Fill | None]]:
    """What becomes of an order in every reading, and the fills that makes (None: none)."""
    done: list[Execution] = []
    made: list[Fill | None] = []
    for branch in branches:
        for order in entry.readings:
            if order is None:
                made.append(None)
                continue
            execution = execute(history.scenario, branch.state, history.market, t, order)
            done.append(execution)
            made.append(execution.fill)
    return done, made


def _check_order_row(trial: Trial, t: int, entry: Due, done: list[Execution], doubtful: bool) -> list[int]:
    """Status and quantity filled, as `orders` says; returns the quantities that a fill may have."""
    expected = [execution.filled for execution in done]
    row = entry.row
    if row is None or not done:
        return expected
    # The row's own bar is that of its decision.
    where = (done[0].order.decided_at, done[0].order.symbol, side_of(row))
    stated, filled = row.cells.get("status"), row.whole("filled")
    if doubtful:
        return [*expected, *([filled] if filled is not None else [])]
    agreed = trial.cell("orders", "status", BreakType.STATUS, where, row, [x.status.value for x in done])
    allowed: list[Cell] = list(expected)
    if not agreed:
        whole = row.whole("quantity") or 0
        # What was filled follows from the status as stated.
        if stated == Status.FILLED.value:
            allowed.append(whole)
        elif stated == Status.REDUCED.value and filled is not None and 0 < filled < whole:
            allowed.append(filled)
        elif stated in (Status.NO_CASH.value, Status.NO_BAR.value):
            allowed.append(0)
    agreed = trial.cell("orders", "filled", BreakType.QUANTITY, where, row, allowed) and agreed
    if agreed and filled is not None and "status" in row.cells:
        return [filled]  # its fill must agree with the same reading
    return [*expected, *([] if agreed or filled is None else [filled])]
