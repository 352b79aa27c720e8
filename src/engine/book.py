"""The book's arrays from a State, and a State from the book's arrays."""

from __future__ import annotations

import numpy as np

from engine import layout as at
from engine.exits import armed_names, armed_of, exits_of
from engine.intrinsics import CELLS
from engine.layout import Book, Tables, Words
from engine.sets import words_for
from vocabulary.market import Ints, Market
from vocabulary.scenario import OrdersStrategy, Scenario, Timing, TopN
from vocabulary.state import REBALANCE, Membership, Order, OrderType, Position, Side, State, Unsized

# What is known of an order before it executes.
ORDERED = [at.O_SYMBOL, at.O_SIDE, at.O_QUANTITY, at.O_REASON]
KINDS = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
"""By the codes of `engine.layout`."""
SIDES = {Side.BUY: at.BUY, Side.SELL: at.SELL}


def reasons_of(scenario: Scenario) -> tuple[str, ...]:
    """The ledger's words for reasons: the exits' names in order, then `rebalance`, then those of a file."""
    selection = scenario.strategy.selection
    wanted = selection.rows if isinstance(selection, OrdersStrategy) else ()
    return (*(rule.name for rule in scenario.exits), REBALANCE, *dict.fromkeys(row.reason for row in wanted))


def initial_state(scenario: Scenario) -> State:
    """Nothing held, nothing pending, all in cash."""
    return State(
        bar=0,
        cash=scenario.initial_cash,
        positions={},
        barred={},
        realised=0,
        commissions=0,
        pending=(),
        membership=None,
        rebalances=0,
    )


def _lines(symbols: int) -> Ints:
    """Empty lines, each of which is one cache line: they begin at a multiple of 64 bytes."""
    words = np.zeros(symbols * at.BOOK_FIELDS + 7, dtype=np.int64)
    first = -words.ctypes.data % 64 // 8
    lines = words[first : first + symbols * at.BOOK_FIELDS].reshape(symbols, at.BOOK_FIELDS)
    lines[:, at.BARRED] = -1
    return lines


def _empty(scenario: Scenario, state: State, symbols: int, room: int) -> Book:
    words = words_for(symbols)
    return Book(
        lines=_lines(symbols),
        account=np.zeros(at.ACCOUNT_FIELDS, dtype=np.int64),
        exits=exits_of(scenario),
        armed=armed_of(scenario, state, symbols),
        holding=np.zeros(words, dtype=np.uint64),
        held=np.zeros(symbols, dtype=np.uint32),
        barred=np.zeros(words, dtype=np.uint64),
        bars=np.zeros(symbols, dtype=np.uint32),
        leaving=np.zeros(words, dtype=np.uint64),
        aimed=np.zeros(words, dtype=np.uint64),
        members=np.zeros(symbols, dtype=np.uint32),
        lists=np.zeros(symbols, dtype=np.int64),
        closes=np.zeros(symbols, dtype=np.int64),
        fired=np.zeros(symbols, dtype=np.int64),
        chosen=np.zeros(2 * symbols, dtype=np.uint32),
        chosen_closes=np.zeros(2 * symbols, dtype=np.int64),
        weights=np.zeros(symbols, dtype=np.int64),
        raws=np.zeros(room, dtype=np.int64),
        turns=np.zeros(room, dtype=np.uint32),
        kinds=np.zeros(room, dtype=np.int64),
        limits=np.zeros(room, dtype=np.int64),
        moved=np.zeros(words, dtype=np.uint64),
        near=np.zeros((2, symbols), dtype=np.uint32),
        scouted=np.zeros(2, dtype=np.int64),
        reached=np.zeros(words, dtype=np.uint64),
        near_closes=np.zeros(symbols, dtype=np.int64),
        scores=np.zeros(symbols + CELLS, dtype=np.float64),
        alike=np.zeros(room, dtype=np.int64),
        guesses=np.full((2, 2), -np.inf),
    )


def _add(words: Words, s: int) -> None:
    """One more symbol in a set."""
    words[s // 64] |= np.uint64(1 << s % 64)


def _hold(book: Book, s: int, position: Position) -> None:
    size = abs(position.quantity)
    line = book.lines[s]
    line[at.QUANTITY] = position.quantity
    line[at.BASIS] = position.basis
    line[at.OPENED] = position.opened
    line[at.PEAK] = position.peak
    line[at.MARK] = position.mark
    line[at.EXTREME] = position.extreme
    line[at.ENTRY] = (2 * position.basis + size) // (2 * size)


def await_orders(book: Book, tables: Tables, scenario: Scenario, state: State) -> None:
    """Orders that an earlier span left for this one's first bar, behind the rows of `orders`."""
    pending, unsized = state.pending, state.unsized
    if scenario.execution.timing is Timing.SAME_CLOSE:  # T2 executes what its own bar decides, no other
        return
    reasons = reasons_of(scenario)
    for i, order in enumerate(pending):
        row = (order.symbol, SIDES[order.side], order.quantity, reasons.index(order.reason))
        tables.orders[ORDERED, i] = row
        book.kinds[i], book.limits[i] = KINDS.index(order.type), order.price
    book.account[at.PENDING] = len(pending)
    rebalance = pending[0].rebalance if pending else None
    if unsized is not None:
        rebalance = unsized.rebalance
    book.account[at.DECIDED] = at.NOTHING if rebalance is None else rebalance


def _choose(book: Book, membership: Membership | None) -> None:
    if membership is None:
        return
    members = (*membership.longs, *membership.shorts)
    book.members[: len(members)] = members
    book.lists[list(membership.longs)] = 1
    book.lists[list(membership.shorts)] = 2
    book.account[at.MEMBER_LONGS] = len(membership.longs)
    book.account[at.MEMBER_SHORTS] = len(membership.shorts)
    book.account[at.HAS_MEMBERSHIP] = 1


def book_from(state: State, scenario: Scenario, market: Market, room: int) -> Book:
    """The arrays a kernel can go on from. room: the most orders that a bar executes."""
    book = _empty(scenario, state, len(market.symbols), room)
    account = book.account
    account[at.BAR] = state.bar
    account[at.CASH] = state.cash
    account[at.REALISED] = state.realised
    account[at.COMMISSIONS] = state.commissions
    account[at.REBALANCES] = state.rebalances
    for i, (s, position) in enumerate(sorted(state.positions.items())):
        _hold(book, s, position)
        _add(book.holding, s)
        book.held[i] = s
    account[at.HELD] = len(state.positions)
    for i, (s, last) in enumerate(state.barred.items()):
        book.lines[s, at.BARRED] = last
        _add(book.barred, s)
        book.bars[i] = s
    account[at.N_BARRED] = len(state.barred)
    _choose(book, state.membership)
    if state.unsized is not None and scenario.execution.timing is not Timing.SAME_CLOSE:
        for k, (s, weight) in enumerate(state.unsized.weights):
            book.chosen[k], book.weights[k] = s, weight
        account[at.UNSIZED] = len(state.unsized.weights)
    return book


def _positions(book: Book, scenario: Scenario) -> dict[int, Position]:
    held = book.held[: book.account[at.HELD]]
    fields = [at.QUANTITY, at.BASIS, at.OPENED, at.PEAK, at.MARK, at.EXTREME]
    lines = zip(held.tolist(), book.lines[held][:, fields].tolist(), strict=True)
    return {
        s: Position(quantity, basis, opened, peak, mark, armed_names(scenario, book, s), extreme)
        for s, (quantity, basis, opened, peak, mark, extreme) in lines
    }


def _pending(book: Book, tables: Tables, scenario: Scenario) -> tuple[Order, ...]:
    account = book.account
    decided = int(account[at.DECIDED])
    first = int(account[at.N_ORDERS])
    waiting = tables.orders[ORDERED, first : first + int(account[at.PENDING])]
    reasons = reasons_of(scenario)
    kinds, limits = book.kinds.tolist(), book.limits.tolist()
    return tuple(
        Order(
            decided_at=int(account[at.BAR]) - 1,
            symbol=s,
            side=Side.BUY if side == at.BUY else Side.SELL,
            quantity=quantity,
            reason=reasons[reason],
            rebalance=None if decided == at.NOTHING else decided,
            type=KINDS[kinds[i]],
            price=limits[i],
        )
        for i, (s, side, quantity, reason) in enumerate(waiting.T.tolist())
    )


def _unsized(book: Book) -> Unsized | None:
    """R12: the targets that wait for the next bar."""
    account = book.account
    count = int(account[at.UNSIZED])
    if count == 0:
        return None
    weights = zip(book.chosen[:count].tolist(), book.weights[:count].tolist(), strict=True)
    return Unsized(int(account[at.DECIDED]), tuple(weights))


def _membership(book: Book, scenario: Scenario) -> Membership | None:
    account = book.account
    if not account[at.HAS_MEMBERSHIP] or not isinstance(scenario.strategy.selection, TopN):
        return None
    longs = int(account[at.MEMBER_LONGS])
    both = longs + int(account[at.MEMBER_SHORTS])
    return Membership(
        longs=tuple(sorted(book.members[:longs].tolist())),
        shorts=tuple(sorted(book.members[longs:both].tolist())),
    )


def state_from(book: Book, tables: Tables, scenario: Scenario) -> State:
    """All that the next bar needs, in plain integers."""
    account = book.account
    bar = int(account[at.BAR])
    barred = np.flatnonzero(book.lines[:, at.BARRED] >= bar)
    return State(
        bar=bar,
        cash=int(account[at.CASH]),
        positions=_positions(book, scenario),
        barred=dict(zip(barred.tolist(), book.lines[barred, at.BARRED].tolist(), strict=True)),
        realised=int(account[at.REALISED]),
        commissions=int(account[at.COMMISSIONS]),
        pending=_pending(book, tables, scenario),
        membership=_membership(book, scenario),
        rebalances=int(account[at.REBALANCES]),
        unsized=_unsized(book),
    )
