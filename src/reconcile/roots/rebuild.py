"""A ledger's own account, bar by bar: its State rebuilt from its fills, else from its positions.

Where fills and the reported book (`positions`, `equity.cash`) disagree, either one of them is misprinted, or
the program kept a book that its fills do not lead to. The later rows decide: where the next fills continue
from the reported book, the reported book counts; otherwise the fills do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.roots.file_orders import in_file_order
from reconcile.roots.rows import (
    FLAT,
    Holding,
    LedgerRows,
    Row,
    bare_position,
    book_all,
    fill_of,
    fits,
    read_rows,
    unlimited,
)
from reconcile.scenario.exits import has_levels
from reference import close_at_levels, execute, initial_state, mark, moved_extremes, pay
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import OrdersStrategy, Scenario, SizeAt, Timing, TopN
from vocabulary.state import REBALANCE, Fill, Membership, Order, Position, Side, State, Unsized

LOOK = 3
"""The number of later bars with fills that are asked whether they continue from a reported book."""


def rebuild_states(ledger: Ledger, scenario: Scenario, market: Market) -> Iterator[State]:
    """The State after each bar of the market, rebuilt from a ledger.

    Yields a State for every bar: cash, positions and the rest as State's docstring says. The fills of a
    ledger without that table are derived from the changes of its positions.
    """
    rows = read_rows(ledger, scenario, market)
    history = History(scenario, market, rows)
    state = initial_state(scenario)
    for t in range(len(market.timestamps)):
        state = history.begun(state, t)
        booked = book_all(scenario, market, state, t, history.fills(state, t))
        state = history.decided(history.settled(state, t, [booked]), t)
        yield state


class History:
    """One ledger's rows, read as the history of an account."""

    def __init__(self, scenario: Scenario, market: Market, rows: LedgerRows) -> None:
        self.scenario = scenario
        self.market = market
        self.rows = rows
        self.last = len(market.timestamps) - 1
        self.astray = False
        """Whether bar after bar is wrong, so that of each only the recorded reading is carried on."""
        self._free = unlimited(scenario)
        self._nothing = initial_state(scenario)
        self.level_rules = {rule.name for rule in scenario.exits if has_levels([rule])}
        selection = scenario.strategy.selection
        self.from_file = isinstance(selection, OrdersStrategy)
        self._exits = {rule.name for rule in scenario.exits}
        self._bars = {int(stamp): t for t, stamp in enumerate(market.timestamps.tolist())}
        self._fill_bars: dict[int, list[int]] = {}
        self._reported: dict[int, dict[int, list[Holding]]] = {}
        fills = rows.tables.get("fills")
        for t, at in sorted(fills.by_bar.items()) if fills is not None else []:
            for symbol in {fills.symbols[i] for i in at} if fills is not None else ():
                self._fill_bars.setdefault(symbol, []).append(t)

    def fills(self, state: State, t: int) -> list[Fill]:
        """The fills of bar t in execution order; without that table, those that the positions imply."""
        if self.rows.has("fills"):
            made = [
                fill_of(self.scenario, self.market, t, row) for row in in_sequence(self.rows.at("fills", t))
            ]
            return [fill for fill in made if fill is not None]
        return self._fills_of_positions(state, t)

    def _fills_of_positions(self, state: State, t: int) -> list[Fill]:
        """The fills, at the scenario's prices and costs, that lead to the reported positions."""
        held = self.reported(t)
        if held is None:
            return []
        out = []
        for symbol in sorted({*held, *state.positions}):
            before = state.positions[symbol].quantity if symbol in state.positions else 0
            moved = held.get(symbol, [FLAT])[0].quantity - before
            if moved:
                order = Order(t, symbol, Side.BUY if moved > 0 else Side.SELL, abs(moved), REBALANCE, None)
                fill = execute(self._free, state, self.market, t, order).fill
                if fill is not None:
                    out.append(fill)
        return sorted(out, key=lambda fill: fill.side is Side.BUY)

    def reported(self, t: int) -> dict[int, list[Holding]] | None:
        """The holdings that `positions` states at bar t, by symbol; None where it states no quantities.

        A symbol has several holdings where several rows share its key.
        """
        if not self.rows.has("positions", "quantity"):
            return None
        if t not in self._reported:
            out: dict[int, list[Holding]] = {}
            for row in self.rows.at("positions", t):
                quantity = row.whole("quantity")
                if quantity:
                    out.setdefault(row.symbol, []).append(Holding(quantity, row.whole("basis")))
            self._reported[t] = out
        return self._reported[t]

    def cashes(self, t: int) -> list[int]:
        """The different values of cash that the rows of `equity` state at bar t, ascending."""
        told = [row.whole("cash") for row in self.rows.at("equity", t)]
        return sorted({cash for cash in told if cash is not None})

    def bar_of(self, stamp: int) -> int | None:
        """The bar of a timestamp, None where the market has none."""
        return self._bars.get(stamp)

    def priced(self, t: int, symbol: int, side: Side, quantity: int) -> Fill:
        """The fill of an order for `quantity` at bar t, at which the symbol must be present (E2, E3)."""
        order = Order(t, symbol, side, quantity, REBALANCE, None)
        fill = execute(self._free, self._nothing, self.market, t, order).fill
        assert fill is not None
        return fill

    def begun(self, state: State, t: int) -> State:
        """The state before the fills of bar t.

        Cash has the ledger's own `flows`, or without that table the scenario's carry (M5). With `same_close`
        the state is marked, which may arm a rule (T2, X3).
        """
        if self.rows.has("flows", "amount"):
            state = replace(state, cash=state.cash + self._flowed(t))
        else:
            state, _ = pay(self.scenario, state, self.market, t)
        same = self.scenario.execution.timing is Timing.SAME_CLOSE
        return mark(self.scenario, state, self.market, t)[0] if same else state

    def _flowed(self, t: int) -> int:
        """The cash that the rows of `flows` bring at bar t."""
        return sum(row.whole("amount") or 0 for row in self.rows.at("flows", t))

    def settled(self, before: State, t: int, options: Sequence[State]) -> State:
        """The state of bar t, executed and marked.

        options: the state after the fills of t in every reading, the recorded one first.
        """
        cash = self._cash_after(t, [option.cash for option in options])
        positions = self._positions_after(before, t, options, doubtful=cash != options[0].cash)
        state = replace(options[0], bar=t + 1, cash=cash, positions=positions)
        state = moved_extremes(self.scenario, state, self.market, t)
        return mark(self.scenario, state, self.market, t)[0]

    def _cash_after(self, t: int, options: list[int]) -> int:
        told = self.cashes(t)
        for cash in told:
            if cash in options:
                return cash
        return told[0] if told and self._cash_goes_on(t, told[0], options[0]) else options[0]

    def _cash_goes_on(self, t: int, told: int, booked: int) -> bool:
        """Whether later rows continue from the reported cash rather than from the booked one."""
        if t == self.last or not self.rows.has("fills"):
            return True
        cash, seen = told, 0
        for u in range(t + 1, self.last + 1):
            fills = self.fills(self._nothing, u)
            moved = -sum((1 if f.side is Side.BUY else -1) * f.notional + f.commission for f in fills)
            moved += self._flowed(u)
            cash, booked = cash + moved, booked + moved
            then = self.cashes(u)
            if booked in then:
                return False
            if fills and then:
                # A later mistake may lie between. Then it is enough that cash moves with the fills of bar u.
                if cash in then or any(
                    now - before == moved for now in then for before in self.cashes(u - 1)
                ):
                    return True
                seen += 1
                if seen == LOOK:
                    return False
        # Nothing was traded later: then cash must have stayed as reported.
        return not seen and told in self.cashes(self.last)

    def _positions_after(
        self, before: State, t: int, options: Sequence[State], doubtful: bool
    ) -> Mapping[int, Position]:
        """The positions after bar t. doubtful: the reported cash contradicts the recorded fills."""
        told = self.reported(t)
        if told is None:
            return options[0].positions
        out = dict(options[0].positions)
        for symbol in {*told, *(s for option in options for s in option.positions)}:
            holdings = told.get(symbol, [FLAT])
            fitting = [o for o in options if fits(o.positions.get(symbol), holdings)]
            if fitting:
                position = fitting[0].positions.get(symbol)
            elif self._goes_on(t, symbol, holdings[0], options[0].positions.get(symbol), doubtful):
                position = self._told_position(before, t, symbol, holdings[0])
            else:
                continue
            if position is None:
                out.pop(symbol, None)
            else:
                out[symbol] = position
        return out

    def _goes_on(
        self, t: int, symbol: int, holding: Holding, booked: Position | None, doubtful: bool
    ) -> bool:
        """Whether later rows continue from the reported position rather than from the booked one."""
        if t == self.last or not self.rows.has("fills"):
            return True
        empty = self._nothing
        told = replace(empty, positions={symbol: bare_position(holding)} if holding.quantity else {})
        filled = replace(empty, positions={} if booked is None else {symbol: booked})
        later = [u for u in self._fill_bars.get(symbol, []) if u > t][:LOOK]
        for u in later:
            fills = [fill for fill in self.fills(empty, u) if fill.symbol == symbol]
            told, filled = (book_all(self.scenario, self.market, s, u, fills) for s in (told, filled))
            then = (self.reported(u) or {}).get(symbol, [FLAT])
            fit = [fits(state.positions.get(symbol), then) for state in (told, filled)]
            if fit[0] != fit[1]:
                return fit[0]
            if fit[0]:
                # From here on the two are equal: only the bars before can decide.
                break
        else:
            if later:
                return False
        if t + 1 not in later:
            then = (self.reported(t + 1) or {}).get(symbol, [FLAT])
            fit = [holding in then, fits(booked, then)]
            if fit[0] != fit[1]:
                return fit[0]
        return doubtful

    def _told_position(self, before: State, t: int, symbol: int, holding: Holding) -> Position | None:
        """X2.

        A reported position that the fills do not explain; it is opened at t if it was not held before.
        """
        if not holding.quantity:
            return None
        bare = bare_position(holding)
        was = before.positions.get(symbol)
        if was is not None and (was.quantity > 0) == (holding.quantity > 0):
            basis = was.basis if holding.basis is None else bare.basis
            return replace(was, quantity=holding.quantity, basis=basis)
        if holding.basis is not None:
            # From flat, a basis is quantity times the one price paid (A1).
            price = bare.basis // abs(holding.quantity)
            return Position(holding.quantity, bare.basis, t, price, price, extreme=price)
        price = int(self.market.close.item(t, symbol))
        return Position(holding.quantity, abs(holding.quantity) * price, t, price, price, extreme=price)

    def before_execution(self, state: State, t: int) -> tuple[State, set[int]]:
        """The state before the orders of bar t execute, and the symbols that a level closed before (X5)."""
        state = self.begun(state, t)
        if self.scenario.execution.timing is not Timing.NEXT_CLOSE:
            return state, set()
        state, closed = close_at_levels(self.scenario, state, self.market, t)
        return state, {execution.order.symbol for execution in closed}

    def decided(self, state: State, t: int) -> State:
        """The state after the decisions that the ledger states for bar t (X4, R1, R4, T3)."""
        orders = self.orders(t)
        cooldown = self.scenario.strategy.cooldown
        barred = {symbol: until for symbol, until in state.barred.items() if until > t}
        barred |= {symbol: until for symbol, until in self.barred_at_levels(t).items() if until > t}
        if cooldown:
            barred |= {order.symbol: t + cooldown for order in orders if order.reason in self._exits}
        number = self.number(t)
        same = self.scenario.execution.timing is Timing.SAME_CLOSE
        unsized = self.unsized(t, number)
        if unsized is not None:
            sized = {symbol for symbol, _ in unsized.weights}
            orders = tuple(o for o in orders if o.reason != REBALANCE or o.symbol not in sized)
        return replace(
            state,
            barred=barred,
            pending=() if same else orders,
            unsized=unsized,
            membership=self.membership(t) if number is not None else state.membership,
            rebalances=state.rebalances if number is None else number + 1,
        )

    def number(self, t: int) -> int | None:
        """The number of the rebalance that bar t decided, None without one."""
        for table in ("equity", "targets", "orders"):
            numbers = [row.whole("rebalance") for row in self.rows.at(table, t)]
            if numbers and self.rows.has(table, "rebalance"):
                return next((number for number in numbers if number is not None), None)
        return None

    def unsized(self, t: int, number: int | None) -> Unsized | None:
        """R12: the weights of the rows of `targets` that bar t decided, None where it sizes them itself."""
        if number is None or self.scenario.strategy.size_at is SizeAt.DECISION:
            return None
        told = [(row.whole("rank"), row.symbol, row.whole("weight")) for row in self.rows.at("targets", t)]
        ranked = sorted((rank or 0, symbol, weight) for rank, symbol, weight in told if weight is not None)
        weights = tuple((symbol, weight) for _, symbol, weight in ranked)
        return Unsized(number, weights) if weights else None

    def membership(self, t: int) -> Membership | None:
        """R4: the symbols that `top_n` chose at bar t, by the rows of `targets`."""
        selection = self.scenario.strategy.selection
        if not isinstance(selection, TopN):
            return None
        ranked = [(row.whole("rank"), row.symbol) for row in self.rows.at("targets", t)]
        longs = sorted(symbol for rank, symbol in ranked if rank is not None and rank < selection.n)
        shorts = sorted(symbol for rank, symbol in ranked if rank is not None and rank >= selection.n)
        return Membership(tuple(longs), tuple(shorts))

    def orders(self, t: int) -> tuple[Order, ...]:
        """The orders that bar t decided, in submission order."""
        return tuple(order for order, _ in self.ordered(t))

    def level_orders(self, t: int) -> list[Row]:
        """The rows of `orders` that are closes at a level in bar t (X9)."""
        return [row for row in self.rows.at("orders", t) if row.cells.get("reason") in self.level_rules]

    def decided_orders(self, t: int) -> list[Row]:
        """The rows of `orders` that bar t decided at its end."""
        return [row for row in self.rows.at("orders", t) if row.cells.get("reason") not in self.level_rules]

    def level_fills(self, t: int) -> list[Row]:
        """The rows of `fills` that closed at a level in bar t, by their reason, else by their decision."""
        return [row for row in self.rows.at("fills", t) if self._is_level_fill(row, t)]

    def ordered_fills(self, t: int) -> list[Row]:
        """The rows of `fills` at bar t that are no closes at a level."""
        return [row for row in self.rows.at("fills", t) if not self._is_level_fill(row, t)]

    def _is_level_fill(self, row: Row, t: int) -> bool:
        if not self.level_rules:
            return False
        if "reason" in row.cells:
            return row.cells["reason"] in self.level_rules
        same = self.scenario.execution.timing is Timing.SAME_CLOSE
        return not same and row.cells.get("decided_at") == int(self.market.timestamps[t])

    def barred_at_levels(self, t: int) -> dict[int, int]:
        """X9: the symbols that a level closed in bar t, with the last bar at which each is barred."""
        cooldown = self.scenario.strategy.cooldown
        return {row.symbol: t + cooldown - 1 for row in self.level_orders(t)} if cooldown else {}

    def ordered(self, t: int) -> list[tuple[Order, Row]]:
        """The orders with their rows. R9: exits, closings, targets by rank; each in symbol order. R10: exits,
        then the orders of a file as the file has them.
        """
        if not self.rows.has("orders"):
            return []
        ranks = {row.symbol: row.whole("rank") or 0 for row in self.rows.at("targets", t)}

        def submitted(pair: tuple[Order, Row]) -> tuple[int, int, int, int]:
            order, row = pair
            if order.reason in self._exits:
                return 0, order.symbol, 0, row.at
            if order.symbol in ranks:
                return 2, ranks[order.symbol], order.symbol, row.at
            return 1, order.symbol, 0, row.at

        made = [(order_of(row, t), row) for row in self.decided_orders(t)]
        orders = sorted(((order, row) for order, row in made if order is not None), key=submitted)
        return in_file_order(self.scenario, self.market, orders, t) if self.from_file else orders


def order_of(row: Row, t: int) -> Order | None:
    """A row of `orders` as an Order, None where it states none."""
    quantity, side, reason = row.whole("quantity"), row.cells.get("side"), row.cells.get("reason", REBALANCE)
    if quantity is None or quantity <= 0 or side not in ("buy", "sell"):
        return None
    return Order(t, row.symbol, Side(side), quantity, str(reason), row.whole("rebalance"))


def in_sequence(rows: Sequence[Row]) -> list[Row]:
    """Rows of `fills` in execution order: by sequence; without one, sells first."""

    def key(row: Row) -> tuple[int, int, int]:
        number = row.whole("sequence")
        return (0, number, 0) if number is not None else (1, int(row.cells.get("side") == "buy"), row.symbol)

    return sorted(rows, key=key)
