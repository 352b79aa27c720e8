"""The executions of one bar, order by order, compared (E)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from reconcile.comparison.findings import Finding, Trial
from reconcile.comparison.nouns import ROW, BreakType
from reconcile.comparison.rebuild import History, book_all, commission, fill_of, in_sequence, misfits
from reconcile.comparison.rows import Cell, Row
from reference import Execution, execute, sequence
from vocabulary.scenario import Timing
from vocabulary.state import Fill, Order, Side, State, Status

MOST = 16
"""Readings of one bar that are carried on at most."""


@dataclass(frozen=True, slots=True)
class Due:
    """An order that executes at a bar, in every reading (None: there was none), and its row in `orders`."""

    readings: list[Order | None]
    row: Row | None

    def order(self, reading: int = 0) -> Order | None:
        """The first (0) or last (-1) reading in which there is one."""
        orders = [order for order in self.readings if order is not None]
        return orders[reading] if orders else None


@dataclass(frozen=True, slots=True)
class Branch:
    """One reading of a bar: the account, and the bar's costs so far."""

    state: State
    turnover: int = 0
    commission: int = 0
    slippage: int = 0


Numbers = frozenset[int]
"""What the last sequence number may have been."""


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
    return branches, _check_sequence(history, trial, t, entries, fills, numbers, whole)


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
    filled = iter(sorted((e for e in entries if _symbol(e) in place), key=lambda e: place[_symbol(e)]))
    return [next(filled) if _symbol(entry) in place else entry for entry in entries]


def _symbol(entry: Due) -> int:
    order = entry.order()
    return -1 if order is None else order.symbol


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
    branches = _richer([Branch(state)], apart[1] if apart[0] < 0 else 0)
    left = list(fills)
    for place, entry in enumerate(entries):
        later = any(_symbol(other) == _symbol(entry) for other in entries[place + 1 :])
        mine = _fills_of(history, entry, left, t, last=not later)
        branches, taken = _check_one(history, trial, branches, t, entry, mine)
        if taken:
            left = [row for row in left if row not in mine]
        if place == apart[0]:
            branches = _richer(branches, apart[1])
    for row in left:
        twin = next((other for other in fills if other is not row and _says_the_same(other, row)), None)
        kind = BreakType.EXTRA if twin is None else BreakType.DUPLICATE
        trial.row("fills", kind, (t, row.symbol, _side(row)), row, row.cells, "quantity")
        branches = _branched(history, branches, t, [[row], []], [])
    return branches


def _richer(branches: list[Branch], money: int) -> list[Branch]:
    return (
        [replace(b, state=replace(b.state, cash=b.state.cash + money)) for b in branches]
        if money
        else branches
    )


def _fills_of(history: History, entry: Due, fills: list[Row], t: int, last: bool) -> list[Row]:
    """The fills of one order: those of its symbol, of its own decision where they tell."""
    order = entry.order()
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
        key=lambda row: (_side(row) != order.side.value, abs((row.whole("quantity") or 0) - order.quantity)),
    )[:1]


def _says_the_same(a: Row, b: Row) -> bool:
    return all(a.cells[name] == b.cells[name] for name in a.cells if name != "sequence")


def _side(row: Row) -> str | None:
    side = row.cells.get("side")
    return side if isinstance(side, str) else None


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
        alternatives = [*_as_ordered(history, t, entry), *(fill for fill in made if fill is not None)]
        return _branched(history, branches, t, [], alternatives, nothing=None in made), True
    row, taken = _merged(fills), True
    part = trial.fork()
    side = _check_fill(history, part, t, entry, row, done, quantities)
    if part.found() > 1 and 0 in quantities:
        # Unlike in more than one way, where nothing may have been filled: then it is not this order's.
        row, taken, fills, side = None, False, [], None
    else:
        trial.events += part.events
    if trial.found() == before and len(entry.readings) == 1 and row is not None:
        return _branched(history, branches, t, [fills], []), True
    alternatives = [fill for fill in made if fill is not None]
    if side is not None and row is not None and row.whole("quantity"):
        alternatives += _as_stated(history, t, entry, row)
    return _branched(history, branches, t, [fills], alternatives, nothing=None in made), taken


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


def _as_ordered(history: History, t: int, entry: Due) -> list[Fill]:
    """The fill that `orders` tells of, for a ledger without fills."""
    filled, order = None if entry.row is None else entry.row.whole("filled"), entry.order()
    if not filled or order is None or raw_price(history, t, order.symbol) is None:
        return []
    return [history.priced(t, order.symbol, order.side, filled)]


def _check_order_row(trial: Trial, t: int, entry: Due, done: list[Execution], doubtful: bool) -> list[int]:
    """Status and quantity filled, as `orders` says; returns the quantities that a fill may have."""
    expected = [execution.filled for execution in done]
    row = entry.row
    if row is None or not done:
        return expected
    # The row's own bar is that of its decision.
    where = (done[0].order.decided_at, done[0].order.symbol, _side(row))
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


def _check_fill(
    history: History,
    trial: Trial,
    t: int,
    entry: Due,
    row: Row | None,
    done: list[Execution],
    quantities: list[int],
) -> str | None:
    """The fill itself, as `fills` says; returns its side."""
    order = entry.order()
    assert order is not None
    where = (t, order.symbol, order.side.value if row is None else _side(row))
    fill = next((execution.fill for execution in done if execution.fill is not None), None)
    if row is None:
        if 0 not in quantities and fill is not None:
            trial.row("fills", BreakType.MISSING, where, None, _content(history, t, order, fill), "quantity")
        return None
    if not any(quantities):
        trial.row("fills", BreakType.EXTRA, where, row, row.cells, "quantity")
        return _side(row)
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
    _check_price(history, trial, t, order, row, fill)
    return _side(row)


def _check_price(history: History, trial: Trial, t: int, order: Order, row: Row, fill: Fill | None) -> None:
    """Price, notional and costs: as executed, or as they follow from what the row states before them."""
    where = (t, order.symbol, _side(row))
    quantity = row.whole("quantity") or 0
    raw = raw_price(history, t, order.symbol)
    if raw is None or quantity <= 0:
        return
    sides = dict.fromkeys((order.side, Side(_side(row) or order.side.value)))
    priced = [history.priced(t, order.symbol, side, quantity) for side in sides]
    if fill is not None:
        priced.insert(0, fill)
    prices: list[Cell] = [one.price for one in priced]
    trial.cell("fills", "price", BreakType.PRICE, where, row, prices)
    stated = row.whole("price")
    notionals: list[Cell] = [one.notional for one in priced]
    slippages: list[Cell] = [one.slippage for one in priced]
    charged: list[Cell] = [one.commission for one in priced]
    if stated is not None:
        notionals.append(quantity * stated)
        slippages.append(quantity * abs(stated - raw))
        charged.append(commission(history.scenario, quantity, quantity * stated))
    notional = row.whole("notional")
    if notional is not None:
        charged.append(commission(history.scenario, quantity, notional))
    trial.cell("fills", "notional", BreakType.COST, where, row, notionals)
    trial.cell("fills", "commission", BreakType.COST, where, row, charged)
    trial.cell("fills", "slippage", BreakType.COST, where, row, slippages)


def raw_price(history: History, t: int, symbol: int) -> int | None:
    """E2: P, the open or the close, None where the symbol is absent."""
    market = history.market
    if not market.present.item(t, symbol):
        return None
    prices = market.open if history.scenario.execution.timing is Timing.NEXT_OPEN else market.close
    return int(prices.item(t, symbol))


def _content(history: History, t: int, order: Order, fill: Fill) -> dict[str, Cell]:
    """The row a fill would have made."""
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


def _merged(rows: list[Row]) -> Row | None:
    """Several fills of one order as one: quantities and costs add up, the price is weighted by quantity."""
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


def _as_stated(history: History, t: int, entry: Due, row: Row) -> list[Fill]:
    """What the fill is when all but one of its stated values is right."""
    stated = fill_of(history.scenario, row)
    order = entry.order()
    if stated is None or order is None or raw_price(history, t, order.symbol) is None:
        return []
    out = []
    for reading in entry.readings:
        if reading is not None:
            out.append(history.priced(t, order.symbol, reading.side, stated.quantity))
    out.append(
        Fill(
            stated.symbol,
            stated.side,
            stated.quantity,
            stated.price,
            stated.quantity * stated.price,
            commission(history.scenario, stated.quantity, stated.quantity * stated.price),
            stated.slippage,
        )
    )
    return out


def _branched(
    history: History,
    branches: list[Branch],
    t: int,
    recorded: Sequence[Sequence[Row]],
    alternatives: list[Fill],
    nothing: bool = False,
) -> list[Branch]:
    """Every branch after the fills as recorded, then after each alternative; equal ones once."""
    out: dict[tuple[object, ...], Branch] = {}
    for branch in branches:
        options = [_booked_rows(history, branch, t, rows) for rows in recorded]
        options += [_booked(history, branch, t, [fill]) for fill in alternatives]
        if nothing:
            options.append(branch)
        for option in options:
            s = option.state
            book = tuple((symbol, p.quantity, p.basis) for symbol, p in sorted(s.positions.items()))
            out.setdefault((s.cash, book, option.turnover, option.commission, option.slippage), option)
    return _likeliest(history, list(out.values()), t)


def _likeliest(history: History, branches: list[Branch], t: int) -> list[Branch]:
    """At most MOST of them: the recorded reading, which comes first, then those that agree most with the
    positions reported at the end of the bar."""
    told = history.reported(t)
    if len(branches) <= MOST or told is None:
        return branches[:MOST]
    ranked = sorted(branches[1:], key=lambda branch: misfits(branch.state, told))
    return [branches[0], *ranked[: MOST - 1]]


def _booked_rows(history: History, branch: Branch, t: int, rows: Sequence[Row]) -> Branch:
    """A branch after fills as recorded, costs by their own cells."""
    made = [(row, fill_of(history.scenario, row)) for row in rows]
    fills = [fill for _, fill in made if fill is not None]
    out = _booked(history, branch, t, fills)
    for row, fill in made:
        if fill is not None:
            notional, slippage = row.whole("notional"), row.whole("slippage")
            moved = 0 if notional is None else notional - fill.notional
            out = Branch(out.state, out.turnover + moved, out.commission, out.slippage)
            if slippage is None:
                raw = raw_price(history, t, fill.symbol)
                cost = 0 if raw is None else fill.quantity * abs(fill.price - raw)
                out = Branch(out.state, out.turnover, out.commission, out.slippage + cost)
    return out


def _booked(history: History, branch: Branch, t: int, fills: Sequence[Fill]) -> Branch:
    return Branch(
        book_all(history.scenario, history.market, branch.state, t, fills),
        branch.turnover + sum(fill.notional for fill in fills),
        branch.commission + sum(fill.commission for fill in fills),
        branch.slippage + sum(fill.slippage for fill in fills),
    )


def _check_sequence(
    history: History,
    trial: Trial,
    t: int,
    entries: list[Due],
    fills: Sequence[Row],
    numbers: Numbers,
    whole: list[Finding],
) -> Numbers:
    """E1: fills are numbered on in the order in which their orders met the cash.

    whole: findings about whole fills. Where a row is missing, too many or in doubt, the numbers may have a
    hole for it or not.
    """
    if not history.rows.has("fills", "sequence"):
        return numbers
    doubtful = {finding.row for finding in whole}
    rows: dict[int, list[Row]] = {}
    for row in fills:
        rows.setdefault(row.symbol, []).append(row)
    sure: list[Row] = []
    entered = Counter(_symbol(entry) for entry in entries)
    for entry in entries:
        mine = rows.get(_symbol(entry), [])
        if (
            entered[_symbol(entry)] == 1
            and len(mine) == 1
            and len(entry.readings) == 1
            and mine[0].at not in doubtful
        ):
            sure += rows.pop(_symbol(entry))
    slack = sum(finding.row < 0 for finding in whole) + sum(len(more) for more in rows.values())
    for row in sure:
        number = row.whole("sequence")
        allowed: list[Cell] = [last + step for step in range(1, slack + 2) for last in sorted(numbers)]
        holds = trial.cell("fills", "sequence", BreakType.STATUS, (t, -1, _side(row)), row, allowed)
        after = {number} if number is not None else set()
        numbers = frozenset(after if holds else after | {last + 1 for last in numbers})
    return (
        numbers if not slack else numbers | {last + step for last in numbers for step in range(1, slack + 1)}
    )
