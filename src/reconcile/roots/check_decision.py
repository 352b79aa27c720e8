"""Checks the decision of one bar: rebalance, targets, orders (X, R)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reconcile.matching.model import BreakType
from reconcile.roots.findings import Trial
from reconcile.roots.readings import DueOrder, due_order, side_of
from reconcile.roots.rebuild import History, order_of
from reconcile.roots.rows import Cell, Row
from reference import Decision, raw_price, sizing_base, target_quantity, valued_at_execution
from vocabulary.scenario import SizeAt, Timing
from vocabulary.state import REBALANCE, Order, Side, State, Target

Allowed = Mapping[str, Sequence[Cell]]


def check_decision(
    history: History, trial: Trial, state: State, t: int, decision: Decision, numbers: list[int]
) -> dict[int, list[DueOrder]]:
    """Check what bar t decided against `decision`; returns the orders by the bar at which they execute.

    state: marked; the reference decided from it. numbers: those that a rebalance of this bar may have.
    """
    expected = [None] if decision.rebalance is None else [decision.rebalance, *numbers]
    rows = history.rows
    agreed = True
    told = rows.at("equity", t)
    if told and rows.has("equity", "rebalance"):
        row = next((row for row in told if row.cells["rebalance"] in expected), told[0])
        agreed = trial.cell("equity", "rebalance", BreakType.TARGET, (t, -1, None), row, expected)
    mine = history.number(t)
    # What follows depends on whether there was a rebalance, not on its number.
    other = not agreed and (mine is None) != (decision.rebalance is None)
    wrong = _check_targets(history, trial, state, t, decision, [*expected, mine], other)
    return _check_orders(history, trial, state, t, decision, [*expected, mine], wrong, other)


def best_rows(
    rows: Sequence[Row], by: Callable[[Row], int], fit: Callable[[Row], int]
) -> tuple[dict[int, Row], list[Row]]:
    """For each key the row with the most fitting cells, and all other rows."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    main: dict[int, Row] = {}
    rest: list[Row] = []
    for key, found in groups.items():
        if len(found) > 1:
            found = sorted(found, key=lambda row: (-fit(row), row.at))
        main[key] = found[0]
        rest += found[1:]
    return main, rest


def fitting_cells(trial: Trial, table: str, row: Row, allowed: Allowed | None) -> int:
    """The number of cells of a row that are as expected."""
    if allowed is None:
        return 0
    return sum(
        any(trial.same(table, name, value, row.cells.get(name)) for value in values)
        for name, values in allowed.items()
    )


def surplus_type(row: Row, main: Row) -> BreakType:
    """The type of a second row of a key: duplicate where it equals the main row, else extra."""
    same = all(row.cells[name] == main.cells[name] for name in row.cells if name != "sequence")
    return BreakType.DUPLICATE if same else BreakType.EXTRA


def _check_targets(
    history: History,
    trial: Trial,
    state: State,
    t: int,
    decision: Decision,
    numbers: list[int | None],
    other: bool,
) -> set[int]:
    """Check the targets; returns the symbols whose target is wrong.

    other: the ledger rebalanced where the reference did not, or the reverse; then whole rows are no findings.
    """
    if not history.rows.has("targets"):
        return set()
    wanted = {target.symbol: _target_cells(target, numbers) for target in decision.targets}
    main, rest = best_rows(
        history.rows.at("targets", t),
        lambda row: row.symbol,
        lambda row: fitting_cells(trial, "targets", row, wanted.get(row.symbol)),
    )
    wrong: set[int] = set()
    common = [target.symbol for target in decision.targets if target.symbol in main]
    ranked = sorted(common, key=lambda symbol: (main[symbol].whole("rank") or 0, symbol))
    for row in rest:
        trial.row(
            "targets", surplus_type(row, main[row.symbol]), (t, row.symbol, None), row, row.cells, "quantity"
        )
    for symbol in sorted({*wanted, *main}):
        where = (t, symbol, None)
        cells, found = wanted.get(symbol), main.get(symbol)
        if cells is None or found is None:
            wrong.add(symbol)
            if not other:
                kind = BreakType.MISSING if found is None else BreakType.EXTRA
                content = (
                    {name: values[0] for name, values in cells.items()}
                    if cells
                    else found.cells
                    if found
                    else {}
                )
                trial.row("targets", kind, where, found, content, "quantity")
            continue
        trial.row("targets", None, where, found, {}, "quantity")
        allowed = dict(cells)
        shifted = len(common) < len(wanted) or len(common) < len(main)
        if shifted and ranked.index(symbol) == common.index(symbol):
            # If the chosen symbols differ, ranks are compared only by their order among the common symbols.
            allowed["rank"] = [*cells["rank"], found.cells.get("rank")]
        allowed["quantity"] = [*cells["quantity"], _sized(history, state, t, symbol, found)]
        for name, values in allowed.items():
            if not trial.cell("targets", name, BreakType.TARGET, where, found, values):
                wrong.add(symbol)
    return wrong


def _target_cells(target: Target, numbers: list[int | None]) -> dict[str, list[Cell]]:
    return {
        "rebalance": list(numbers),
        "rank": [target.rank],
        "weight": [target.weight],
        "quantity": [target.quantity],
    }


def _sized(history: History, state: State, t: int, symbol: int, row: Row) -> int | None:
    """R7, R12: the quantity that follows from the weight in the row; None where the row has none."""
    weight = row.whole("weight")
    scenario, market, price = history.scenario, history.market, int(history.market.close.item(t, symbol))
    if scenario.strategy.size_at is SizeAt.EXECUTION:
        state, gone = history.before_execution(state, t + 1)
        state = valued_at_execution(scenario, state, market, t + 1)
        price = 0 if symbol in gone else raw_price(scenario, market, t + 1, symbol)
    if weight is None:
        return None
    if price == 0:
        return 0 if scenario.strategy.size_at is SizeAt.EXECUTION else None
    return target_quantity(scenario, sizing_base(scenario, state), weight, price)


def _check_orders(
    history: History,
    trial: Trial,
    state: State,
    t: int,
    decision: Decision,
    numbers: list[int | None],
    wrong: set[int],
    other: bool,
) -> dict[int, list[DueOrder]]:
    """Check the orders; returns them by the bar at which they execute, with all readings of each.

    wrong: symbols whose target is wrong; their orders may follow from the targets as stated.
    """
    own = t if history.scenario.execution.timing is Timing.SAME_CLOSE else t + 1
    if not history.rows.has("orders"):
        return {own: [DueOrder([order], None) for order in decision.orders]}
    if history.from_file:
        return {own: _check_file_orders(history, trial, t, decision, numbers)}
    due: dict[int, list[DueOrder]] = {}
    expected = {order.symbol: order for order in decision.orders}
    stamps = history.market.timestamps
    bar = int(stamps[own]) if own < len(stamps) else None
    cells = {symbol: order_cells(order, numbers, bar) for symbol, order in expected.items()}
    main, rest = best_rows(
        history.decided_orders(t),
        lambda row: row.symbol,
        lambda row: fitting_cells(trial, "orders", row, cells.get(row.symbol)),
    )
    for row in rest:
        kind = surplus_type(row, main[row.symbol])
        trial.row("orders", kind, (t, row.symbol, side_of(row)), row, row.cells, "quantity")
    places = {symbol: place for place, symbol in enumerate(expected)}
    for symbol in sorted({*expected, *main}, key=lambda s: (places.get(s, len(places)), s)):
        follows = [_follow(history, state, t, symbol)] if other or symbol in wrong else []
        readings, found = check_order(trial, t, expected.get(symbol), main.get(symbol), follows, cells)
        for at, entry in _when(history, readings, found, own).items():
            due.setdefault(at, []).append(entry)
    # Surplus rows come last, so that the best row gets the fill.
    due.setdefault(own, []).extend(DueOrder([order_of(row, t), None], row) for row in rest)
    return due


def _check_file_orders(
    history: History, trial: Trial, t: int, decision: Decision, numbers: list[int | None]
) -> list[DueOrder]:
    """R10: check the orders of a file, each against the row of its symbol that is most like it."""
    stamps = history.market.timestamps
    same = history.scenario.execution.timing is Timing.SAME_CLOSE
    bar = int(stamps[t if same else t + 1]) if same or t + 1 < len(stamps) else None
    left = history.decided_orders(t)
    due = []
    for order in decision.orders:
        cells = order_cells(order, numbers, bar)
        like = [row for row in left if row.symbol == order.symbol]
        found = max(like, key=lambda row: fitting_cells(trial, "orders", row, cells), default=None)
        if found is not None:
            left.remove(found)
        readings, row = check_order(trial, t, order, found, [], {order.symbol: cells})
        readings = [
            None if each is None else replace(each, type=order.type, price=order.price) for each in readings
        ]
        due.append(replace(due_order(order, row), readings=readings))
    for row in left:
        trial.row("orders", BreakType.EXTRA, (t, row.symbol, side_of(row)), row, row.cells, "quantity")
        due.append(DueOrder([order_of(row, t), None], row))
    return due


def order_cells(order: Order, numbers: list[int | None], bar: int | None) -> dict[str, list[Cell]]:
    return {
        "side": [order.side.value],
        "quantity": [order.quantity],
        "reason": [order.reason],
        "rebalance": list(numbers),
        "executes_at": [bar],
    }


def check_order(
    trial: Trial,
    t: int,
    expected: Order | None,
    found: Row | None,
    follows: list[Order | None],
    cells: Mapping[int, dict[str, list[Cell]]],
) -> tuple[list[Order | None], Row | None]:
    """Check the order of one symbol; returns its readings, the recorded one first, and its row."""
    symbol = found.symbol if found is not None else expected.symbol if expected is not None else -1
    told = None if found is None else order_of(found, t)
    side = side_of(found) if found is not None else expected.side.value if expected else None
    where = (t, symbol, side)
    if found is None:
        if expected is None or None in follows:
            return [None], None
        content = {name: values[0] for name, values in cells[symbol].items()}
        trial.row("orders", BreakType.MISSING, where, None, content, "quantity")
        return [None, expected], None
    alternatives = [order for order in (expected, *follows) if order is not None]
    if not alternatives:
        trial.row("orders", BreakType.EXTRA, where, found, found.cells, "quantity")
        return [told, None], found
    trial.row("orders", None, where, found, {}, "quantity")
    rebalance = cells[symbol] if symbol in cells else order_cells(alternatives[0], [None], None)
    numbers, bar = rebalance["rebalance"], rebalance["executes_at"]
    holds = [
        trial.cell("orders", "side", BreakType.ORDER, where, found, [o.side.value for o in alternatives]),
        trial.cell("orders", "quantity", BreakType.ORDER, where, found, [o.quantity for o in alternatives]),
        trial.cell("orders", "reason", BreakType.ORDER, where, found, [o.reason for o in alternatives]),
    ]
    if symbol in cells:
        trial.cell("orders", "rebalance", BreakType.ORDER, where, found, numbers)
        trial.cell("orders", "executes_at", BreakType.ORDER, where, found, bar)
    return ([told] if all(holds) else [told, *alternatives]), found


def _when(history: History, readings: list[Order | None], found: Row | None, own: int) -> dict[int, DueOrder]:
    """The bars at which an order may execute: its own, and a later one that its row states."""
    entry = DueOrder(readings, found)
    stated = found.cells.get("executes_at") if found is not None else None
    if found is None or not history.rows.has("orders", "executes_at") or not isinstance(stated, int):
        return {own: entry}
    at = history.bar_of(stated)
    if at is None or at == own or at < own:
        return {own: entry}
    never = [order for order in readings if order is not None]
    return {own: DueOrder([*never, None], found), at: DueOrder([None, *never], found)}


def _follow(history: History, state: State, t: int, symbol: int) -> Order | None:
    """R7, R8: the order that follows from the targets as the ledger states them, None for no order."""
    number = history.number(t)
    if number is None:
        return None
    position = state.positions.get(symbol)
    held = 0 if position is None else position.quantity
    row = next((row for row in history.rows.at("targets", t) if row.symbol == symbol), None)
    if row is not None:
        target = row.whole("quantity")
        delta = 0 if target is None else target - held
        band = history.scenario.strategy.band
        if target is not None and abs(delta) <= abs(target) * band // 1_000_000_000:
            return None
    else:
        delta = -held if history.market.present.item(t, symbol) else 0
    if delta == 0:
        return None
    order = Order(t, symbol, Side.BUY if delta > 0 else Side.SELL, abs(delta), REBALANCE, number)
    return replace(order, quantity=abs(delta))
